//! Who takes turns with whom: each principal for itself, and all who have yet to be let in together, however many they are
//! and whatever they call themselves.
//!
//! Those that are yet to be let in share their one turn by where they come from, so that a swarm at one address holds up that address.
//! Must never hold: who is known, or what waits.

use std::sync::Arc;

use super::{Actor, Input, Origin, Turns};

/// Who asks, as turns count it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asker {
    /// A connection that has yet to be let in, and from where it comes; `None` if that is not counted. Anybody can make many.
    Newcomer(Option<Origin>),
    /// Those who do not say who they are, all together, for the same reason.
    Anonymous,
    /// All devices of the principal with this account.
    Principal(Arc<str>),
}

impl Asker {
    /// As whom a connection asks that acts as `actor`, or that comes from `origin` and has not been let in yet.
    pub fn of(actor: Option<&Actor>, origin: Option<Origin>) -> Self {
        match actor {
            None => Self::Newcomer(origin),
            Some(actor) if actor.principal.is_anonymous() => Self::Anonymous,
            Some(actor) => Self::Principal(actor.principal.account().into()),
        }
    }

    /// As whom a connection from `origin` asks to be let in by `input`: as its principal if that is enrolled with this
    /// key, which it has proven to hold, as `is_known` says.
    pub fn entering(
        input: &Input,
        origin: Option<Origin>,
        is_known: impl FnOnce(&Actor) -> bool,
    ) -> Self {
        let Input::Enter { hello, .. } = input else { return Self::Newcomer(origin) };
        let actor = Actor { principal: hello.principal.clone(), device: hello.key.device() };
        Self::of(Some(&actor).filter(|actor| is_known(actor)), origin)
    }

    /// Who has one turn together with this one.
    fn party(&self) -> Self {
        match self {
            Self::Newcomer(_) => Self::Newcomer(None),
            known => known.clone(),
        }
    }
}

/// What waits for its turn, by who asks.
#[derive(Debug)]
pub struct Askers<T> {
    /// `None` stands for whatever of the newcomers is next.
    parties: Turns<Asker, Option<T>>,
    newcomers: Turns<Option<Origin>, T>,
}

impl<T> Default for Askers<T> {
    fn default() -> Self {
        Self { parties: Turns::default(), newcomers: Turns::default() }
    }
}

impl<T> Askers<T> {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.parties.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.parties.is_empty()
    }

    /// How many turns are waited for.
    pub fn count(&self) -> usize {
        self.parties.askers()
    }

    /// Adds what `asker` asks for, behind all that it asked for before. What costs nothing counts as one.
    pub fn push(&mut self, asker: &Asker, cost: u64, item: T) {
        let item = match asker {
            Asker::Newcomer(origin) => {
                self.newcomers.push(origin, cost, item);
                None
            }
            _ => Some(item),
        };
        self.parties.push(&asker.party(), cost, item);
    }

    /// Takes the next, and says who asked for it and what it cost.
    pub fn pop(&mut self) -> Option<(Asker, u64, T)> {
        let next = self.parties.pop()?;
        Some(self.whose(next))
    }

    /// Begins a round of what waits, see [`Turns::begin_round`].
    pub fn begin_round(&mut self) {
        self.parties.begin_round();
    }

    /// As [`Askers::pop`], if that belongs to the running round.
    pub fn pop_in_round(&mut self) -> Option<(Asker, u64, T)> {
        let next = self.parties.pop_in_round()?;
        Some(self.whose(next))
    }

    fn whose(&mut self, (asker, cost, item): (Asker, u64, Option<T>)) -> (Asker, u64, T) {
        if let Some(item) = item {
            return (asker, cost, item);
        }
        let next = self.newcomers.pop().expect("a turn of newcomers stands for one of them");
        let (origin, cost, item) = next;
        (Asker::Newcomer(origin), cost, item)
    }

    /// What `asker` was given cost so much more than was known before.
    pub fn charge(&mut self, asker: &Asker, cost: u64) {
        if let Asker::Newcomer(origin) = asker {
            self.newcomers.charge(origin, cost);
        }
        self.parties.charge(&asker.party(), cost);
    }
}
