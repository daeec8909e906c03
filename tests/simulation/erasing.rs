//! Principals that are erased: who, when, and by whom.
//!
//! Must never hold: what becomes of it, which the oracle knows.

use adsum::model::Principal;
use adsum::protocol::{Command, Erase};
use adsum::service::{Actor, Input, SessionId, Ticket};

use super::Bug;
use super::lots::Lots;
use super::plan::{ADMINISTRATOR, Who, choose, first_device, happens};
use super::server::Server;
use super::trace::note;
use super::world::Scene;

/// How many worlds out of a thousand have erasures.
const WORLDS: u32 = 400;
/// How often it is asked for again until it is done, out of a thousand moments.
const ASKS: u32 = 150;

/// Who is to be erased, and when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Erasing {
    planned: Vec<Planned>,
}

#[derive(Clone, Debug)]
struct Planned {
    /// From which tick on whoever may asks for it; before, whoever may not.
    at: u32,
    by: Actor,
    stranger: Actor,
    principal: Principal,
}

impl Erasing {
    /// Those of a world of so many ticks. Somebody is left.
    pub(crate) fn new(rng: &mut Lots, ticks: u32, principals: &[Principal], by: &[Who]) -> Self {
        let mut planned = Vec::new();
        if happens(rng, WORLDS) {
            let principal = choose(rng, principals).clone();
            let is_administrator = |who: &&Who| who.actor.principal.to_string() == ADMINISTRATOR;
            let other = by.iter().find(is_administrator).filter(|_| rng.bool());
            let actor = other.map_or_else(|| first_device(&principal), |who| who.actor.clone());
            let others = principals.iter().filter(|other| **other != principal);
            let others: Vec<Principal> = others.cloned().collect();
            let (at, stranger) = (rng.u32(ticks / 4..ticks), first_device(choose(rng, &others)));
            planned.push(Planned { at, by: actor, stranger, principal });
        }
        Self { planned }
    }

    /// One moment: somebody is asked for until it is erased. If the store goes back to before, it is again.
    pub(crate) fn live(&mut self, tick: u32, (scene, server): (&mut Scene, &mut Server)) {
        for Planned { at, by, stranger, principal } in &self.planned {
            let is_there = !scene.oracle.chronicle.forgetting.is_erased(principal);
            let process = server.process.as_ref().filter(|_| is_there);
            let Some(process) = process.filter(|_| happens(&mut scene.rng, ASKS)) else { continue };
            let actor = if *at <= tick { by } else { stranger };
            note!(scene.trace, "{} asks that {principal} be erased", actor.principal);
            if *at <= tick {
                scene.trace.count("erasures asked for");
                scene.oracle.asks_erase(principal);
            }
            let ticket = Ticket { session: SessionId(u64::MAX), number: u64::from(tick) };
            let command = Command::Erase(Erase { principal: principal.clone() });
            let actor = Bug::change_eraser(scene.bug, actor.clone(), principal);
            process.ask(&actor.clone(), Input::Command { ticket, actor, command });
        }
    }
}
