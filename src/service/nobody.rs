//! What the service does with anonymous sessions beside what it does with all: it lets few in, bounds what they cause, and
//! forgets each when it is over.
//!
//! Must never hold: what is counted (see `anonymous`).

use super::core::{Service, decided_at};
use super::{Actor, Input, Origin, Reply, SessionId, Ticket};
use crate::event::{Event, WatcherForgotten};
use crate::model::{Presentity, Principal, PublicKey, Refusal, Role, Timestamp};

impl Service {
    /// Lets a session in under its pseudonym, if there is a place for it.
    pub(super) fn enter_anonymously(
        &mut self,
        now: Timestamp,
        session: SessionId,
        (pseudonym, key): (Principal, PublicKey),
        origin: Option<Origin>,
    ) -> Result<Reply, Refusal> {
        self.anonymous.enter(now, &self.config, session, (pseudonym.clone(), origin))?;
        let actor = Actor { principal: pseudonym, device: key.device() };
        Ok(Reply::Entered { actor, role: Role::User, enrolled: false, recovery: None })
    }

    /// Takes in what an anonymous session asks, unless such sessions have caused too much of late.
    pub(super) fn take_in_of_nobody(&mut self, now: Timestamp, ticket: Ticket, input: Input) {
        let origin = self.anonymous.origin(ticket.session);
        if let Err(refusal) = self.anonymous.check(now, origin) {
            return self.reply(ticket, Err(refusal));
        }
        // Also what leaves nothing counts, unless it only asks.
        let least = if matches!(input, Input::Command { .. }) { input.cost() } else { 0 };
        let before = self.views.head();
        self.take_in(now, input);
        let events = self.views.head().get() - before.get();
        self.anonymous.charge(now, origin, events.max(least));
    }

    /// A session is over, if it was let in.
    pub(super) fn leave(&mut self, now: Timestamp, session: SessionId) {
        let Some((watcher, origin)) = self.anonymous.leave(session) else { return };
        let before = self.views.head();
        self.forget_watcher(now, &watcher);
        let events = self.views.head().get() - before.get();
        self.anonymous.charge(now, origin, events);
    }

    /// Forgets the watchers whose sessions ended with the process before.
    pub(super) fn forget_watchers(&mut self, now: Timestamp) {
        for watcher in self.views.anonymous_watchers().cloned().collect::<Vec<_>>() {
            self.forget_watcher(now, &watcher);
        }
    }

    /// Forgets a watcher. Whom it watched to the end is told that it does so no more.
    fn forget_watcher(&mut self, now: Timestamp, watcher: &Principal) {
        let Some(view) = self.views.watcher(watcher) else { return };
        let live = view.subscriptions.iter().filter(|(_, subscription)| subscription.is_live());
        let presentities: Vec<Presentity> =
            live.map(|(presentity, _)| presentity.clone()).collect();
        let forgotten = WatcherForgotten { watcher: watcher.clone() };
        self.happen(decided_at(now), Event::WatcherForgotten(forgotten));
        for presentity in presentities {
            let event = self.observations.end(&presentity, watcher, now);
            self.happen(decided_at(now), Event::WatchObserved(event));
        }
    }
}
