//! What is kept of the past: by its age, and of a domain that had more than it may from some moment on.
//!
//! Must never hold: how much there is, or how it is removed.

use std::collections::BTreeMap;

use crate::event::{EntityKey, Recorded};
use crate::model::{Domain, InboxAddress, PastKind, Retention, Timestamp};

/// What is kept of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::server) struct Kept {
    retention: Retention,
    /// From when on the past of a domain is kept, whatever its age: what came before is over, because the domain had too much.
    from: BTreeMap<Domain, Timestamp>,
}

impl Kept {
    /// What is kept by its age alone.
    pub(super) fn new(retention: Retention) -> Self {
        Self { retention, from: BTreeMap::new() }
    }

    /// The same, and of these domains nothing that came before some moment.
    pub(super) fn with(&self, from: BTreeMap<Domain, Timestamp>) -> Self {
        Self { retention: self.retention.clone(), from }
    }

    /// From when on an event is kept though it is over; `None` if what it tells is of nobody.
    pub(super) fn since(&self, now: Timestamp, entity: &EntityKey) -> Option<Timestamp> {
        let (domain, kind) = past_of(entity)?;
        let by_age = self.retention.in_domain(domain, kind).since(now);
        Some(self.from.get(domain).map_or(by_age, |from| by_age.max(*from)))
    }

    /// Whether an event is young enough to be kept though it is over.
    pub(super) fn is_kept(&self, now: Timestamp, recorded: &Recorded) -> bool {
        let since = self.since(now, &recorded.event.entity());
        since.is_some_and(|since| recorded.at.timestamp() >= since)
    }

    /// From when on messages that were read are kept in an inbox.
    pub(super) fn read_since(&self, now: Timestamp) -> impl Fn(&InboxAddress) -> Timestamp {
        move |inbox| self.since(now, &EntityKey::Inbox(inbox.clone())).unwrap_or_default()
    }
}

/// Whose past an event about `entity` will be, and of which kind; `None` if nobody's.
pub(super) fn past_of(entity: &EntityKey) -> Option<(&str, PastKind)> {
    Some(match entity {
        EntityKey::Presentity(presentity) => (presentity.domain(), PastKind::Presence),
        EntityKey::Inbox(inbox) => (inbox.domain(), PastKind::Messages),
        EntityKey::Watcher(watcher) => (watcher.domain(), PastKind::Subscriptions),
        EntityKey::Audience(presentity) => (presentity.domain(), PastKind::Watchers),
        EntityKey::Principal(principal) | EntityKey::Rules(principal) => {
            (principal.domain(), PastKind::Acts)
        }
        EntityKey::Domain(domain) => (domain.as_str(), PastKind::Acts),
        EntityKey::Invite(_) => ("", PastKind::Acts),
        EntityKey::Store | EntityKey::Clock | EntityKey::Budget(_) | EntityKey::Operations(_) => {
            return None;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Acknowledged, EpochBegan, Event};
    use crate::model::{
        Ahead, DeviceId, DomainRetention, EpochId, InboxSequence, InviteId, Keep, Lifetime, Moment,
        Principal, Sequence,
    };

    fn at(second: u64) -> Timestamp {
        Timestamp::from_ms(second * 1_000)
    }

    #[test]
    fn each_kind_of_what_is_over_is_kept_as_long_as_it_is_to_be_in_its_domain() {
        let span = |seconds: u64| Keep::For(Lifetime::from_ms(seconds * 1_000));
        let domain = |name: &str| name.parse::<Domain>().unwrap();
        let of_all = Retention {
            presence: span(1),
            messages: span(2),
            subscriptions: span(3),
            watchers: span(4),
            acts: span(5),
            domains: Vec::new(),
        };
        let kinds = PastKind::ALL.into_iter().zip(11..);
        let kept = kinds.map(|(kind, seconds)| (kind, span(seconds))).collect();
        let other = DomainRetention { domain: domain("other.example"), kept, log_bytes_max: None };
        let kept = Kept::new(Retention { domains: vec![other], ..of_all });
        let since = |entity: EntityKey| {
            kept.since(at(100), &entity).map(|since| 100 - since.as_ms() / 1_000)
        };
        for (name, more) in [("one.example", 0), ("other.example", 10)] {
            let alice: Principal = format!("alice@{name}").parse().unwrap();
            for (entity, seconds) in [
                (EntityKey::Presentity(alice.presentity()), 1),
                (EntityKey::Inbox(alice.inbox()), 2),
                (EntityKey::Watcher(alice.clone()), 3),
                (EntityKey::Audience(alice.presentity()), 4),
                (EntityKey::Principal(alice.clone()), 5),
                (EntityKey::Rules(alice.clone()), 5),
                (EntityKey::Domain(domain(name)), 5),
            ] {
                assert_eq!(since(entity.clone()), Some(seconds + more), "{entity:?}");
            }
            assert_eq!(since(EntityKey::Budget(alice)), None);
        }
        assert_eq!(since(EntityKey::Invite(InviteId([1; 32]))), Some(5));
        assert_eq!((since(EntityKey::Store), since(EntityKey::Clock)), (None, None));
    }

    #[test]
    fn what_is_as_old_as_is_kept_is_kept_and_what_is_of_nobody_is_not() {
        let kept = Kept::new(Retention::of_all(Keep::For(Lifetime::from_ms(10_000))));
        let kept = |event: Event, second: u64| {
            let (sequence, moment) = (Sequence::new(1), Moment::of(at(second)));
            let recorded = Recorded { sequence, at: moment, ahead: Ahead::ZERO, event };
            kept.is_kept(at(100), &recorded)
        };
        let acknowledged = || {
            Event::Acknowledged(Acknowledged {
                inbox: "im:alice@d.example".parse().unwrap(),
                device: DeviceId([1; 8]),
                through: InboxSequence::new(1),
            })
        };
        assert_eq!([89, 90, 91].map(|second| kept(acknowledged(), second)), [false, true, true]);
        assert!(!kept(Event::EpochBegan(EpochBegan { epoch: EpochId::NONE }), 99));
    }

    #[test]
    fn of_a_domain_that_had_too_much_all_that_came_before_is_over_and_nothing_is_kept_for_longer() {
        let by_age = Kept::new(Retention::of_all(Keep::For(Lifetime::from_ms(10_000))));
        let from = |second| [("much.example".parse().unwrap(), at(second))].into();
        let inbox =
            |name: &str| format!("im:alice@{name}.example").parse::<InboxAddress>().unwrap();
        for (second, much) in [(80, 90), (90, 90), (95, 95), (100, 100)] {
            let kept = by_age.with(from(second));
            let since = kept.read_since(at(100));
            let both = ["much", "other"].map(|name| since(&inbox(name)));
            assert_eq!(both, [at(much), at(90)], "{second}");
        }
    }
}
