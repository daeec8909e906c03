//! Anonymous sessions: how many there are, from where, and how much of what they do is yet to be paid for.
//!
//! Each connection is a stranger of its own, so what holds for a principal bounds nobody here: they are counted together,
//! and by address. Must never hold: anything of a session that is over.

use std::collections::BTreeMap;

use super::{Origin, ServiceConfig, SessionId};
use crate::model::limits::{
    ANONYMOUS_ADDRESS_EVENT_MS, ANONYMOUS_EVENT_MS, ANONYMOUS_RETRY_MS, ANONYMOUS_SAVED_MS,
};
use crate::model::{Lifetime, Principal, Refusal, Timestamp};

/// All anonymous sessions there are.
#[derive(Debug, Default)]
pub(super) struct Anonymous {
    sessions: BTreeMap<SessionId, (Principal, Option<Origin>)>,
    origins: BTreeMap<Origin, Counted>,
    /// When all that they caused so far is paid for.
    paid_at: Timestamp,
}

/// What is counted of one origin.
#[derive(Debug, Default)]
struct Counted {
    sessions: usize,
    paid_at: Timestamp,
}

impl Anonymous {
    /// Lets a session in, if there is a place for it. The answer depends on nothing that it says.
    pub(super) fn enter(
        &mut self,
        now: Timestamp,
        config: &ServiceConfig,
        session: SessionId,
        member: (Principal, Option<Origin>),
    ) -> Result<(), Refusal> {
        if config.anonymous_max == 0 {
            let action = "enter here, because the operator has not switched that on".to_owned();
            return Err(Refusal::Anonymous { action });
        }
        self.origins.retain(|_, counted| counted.sessions > 0 || counted.paid_at > now);
        let alike = member.1.and_then(|origin| self.origins.get(&origin));
        let alike = alike.map_or(0, |counted| counted.sessions);
        if self.sessions.len() >= config.anonymous_max || alike >= config.anonymous_of_origin_max {
            return Err(Refusal::Busy { retry_after: Lifetime::from_ms(ANONYMOUS_RETRY_MS) });
        }
        if let Some(origin) = member.1 {
            self.origins.entry(origin).or_default().sessions += 1;
        }
        self.sessions.insert(session, member);
        Ok(())
    }

    /// A session is over. Returns what it was called, if it was let in.
    pub(super) fn leave(&mut self, session: SessionId) -> Option<(Principal, Option<Origin>)> {
        let (principal, origin) = self.sessions.remove(&session)?;
        if let Some(counted) = origin.and_then(|origin| self.origins.get_mut(&origin)) {
            counted.sessions -= 1;
        }
        Some((principal, origin))
    }

    /// From where a session comes, if that is counted.
    pub(super) fn origin(&self, session: SessionId) -> Option<Origin> {
        self.sessions.get(&session)?.1
    }

    /// Refuses to do anything for who comes from `origin` while too much is not paid for.
    pub(super) fn check(&self, now: Timestamp, origin: Option<Origin>) -> Result<(), Refusal> {
        let own = origin.and_then(|origin| self.origins.get(&origin));
        let paid_at = own.map_or(self.paid_at, |own| own.paid_at.max(self.paid_at));
        let admits_at = now.after(Lifetime::from_ms(ANONYMOUS_SAVED_MS));
        if paid_at <= admits_at {
            return Ok(());
        }
        Err(Refusal::Busy { retry_after: admits_at.until(paid_at) })
    }

    /// Who comes from `origin` caused so many events.
    pub(super) fn charge(&mut self, now: Timestamp, origin: Option<Origin>, events: u64) {
        let later = |paid_at: Timestamp, each: u64| {
            paid_at.max(now).after(Lifetime::from_ms(each.saturating_mul(events)))
        };
        self.paid_at = later(self.paid_at, ANONYMOUS_EVENT_MS);
        if let Some(own) = origin.and_then(|origin| self.origins.get_mut(&origin)) {
            own.paid_at = later(own.paid_at, ANONYMOUS_ADDRESS_EVENT_MS);
        }
    }
}
