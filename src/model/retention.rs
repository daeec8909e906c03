//! How long what is over is kept: each kind of it, and what domains want else, also how much.
//!
//! Must never hold: what is over, or how it is removed.

use std::collections::BTreeMap;

use super::{Domain, Lifetime, Timestamp};

/// A kind of what is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PastKind {
    /// What a presentity showed before.
    Presence,
    /// Messages that were read, deleted or have run out.
    Messages,
    /// Subscriptions that ended.
    Subscriptions,
    /// Who watched a presentity.
    Watchers,
    /// What administrators did and how rules were changed.
    Acts,
}

impl PastKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Presence, Self::Messages, Self::Subscriptions, Self::Watchers, Self::Acts];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Presence => "presence",
            Self::Messages => "messages",
            Self::Subscriptions => "subscriptions",
            Self::Watchers => "watchers",
            Self::Acts => "acts",
        }
    }
}

/// How long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// So long.
    For(Lifetime),
    /// For ever.
    Always,
}

impl Keep {
    /// From when on it is kept at `now`.
    pub fn since(self, now: Timestamp) -> Timestamp {
        match self {
            Self::For(span) => Timestamp::from_ms(now.as_ms().saturating_sub(span.as_ms())),
            Self::Always => Timestamp::default(),
        }
    }
}

/// What one domain wants else than all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainRetention {
    /// The domain.
    pub domain: Domain,
    /// How long which kind is kept.
    pub kept: Vec<(PastKind, Keep)>,
    /// Bytes of the log that its past may take, whatever its age.
    pub log_bytes_max: Option<u64>,
}

/// How long what is over is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// [`PastKind::Presence`].
    pub presence: Keep,
    /// [`PastKind::Messages`].
    pub messages: Keep,
    /// [`PastKind::Subscriptions`].
    pub subscriptions: Keep,
    /// [`PastKind::Watchers`].
    pub watchers: Keep,
    /// [`PastKind::Acts`].
    pub acts: Keep,
    /// What domains want else.
    pub domains: Vec<DomainRetention>,
}

impl Retention {
    /// Everything for as long.
    pub const fn of_all(keep: Keep) -> Self {
        let domains = Vec::new();
        Self {
            presence: keep,
            messages: keep,
            subscriptions: keep,
            watchers: keep,
            acts: keep,
            domains,
        }
    }

    /// How long `kind` is kept where the domain says nothing.
    pub const fn of(&self, kind: PastKind) -> Keep {
        match kind {
            PastKind::Presence => self.presence,
            PastKind::Messages => self.messages,
            PastKind::Subscriptions => self.subscriptions,
            PastKind::Watchers => self.watchers,
            PastKind::Acts => self.acts,
        }
    }

    /// How long `kind` is kept of `domain`.
    pub fn in_domain(&self, domain: &str, kind: PastKind) -> Keep {
        let of_domain = self.domains.iter().filter(|other| other.domain.as_str() == domain);
        let mut else_kept = of_domain.flat_map(|other| &other.kept);
        else_kept.find(|(other, _)| *other == kind).map_or_else(|| self.of(kind), |(_, keep)| *keep)
    }

    /// Bytes of the log that the past of a domain may take, of those that have such a limit; where several are said, the first.
    pub fn sizes(&self) -> BTreeMap<Domain, u64> {
        let mut sizes = BTreeMap::new();
        for DomainRetention { domain, log_bytes_max, .. } in &self.domains {
            if let Some(max) = log_bytes_max {
                sizes.entry(domain.clone()).or_insert(*max);
            }
        }
        sizes
    }

    /// The shortest that anything is kept of anybody; `None` if everything is for ever.
    pub fn shortest(&self) -> Option<Lifetime> {
        let of_all = PastKind::ALL.into_iter().map(|kind| self.of(kind));
        let of_domains = self.domains.iter().flat_map(|other| &other.kept).map(|(_, keep)| *keep);
        let spans = of_all.chain(of_domains).filter_map(|keep| match keep {
            Keep::For(span) => Some(span),
            Keep::Always => None,
        });
        spans.min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_its_own_way_and_else_that_of_all() {
        let days = |days: u64| Keep::For(Lifetime::from_ms(days * 86_400_000));
        let mut retention = Retention { acts: Keep::Always, ..Retention::of_all(days(30)) };
        assert_eq!(retention.shortest(), Some(Lifetime::from_ms(30 * 86_400_000)));
        let kept = vec![(PastKind::Messages, days(7)), (PastKind::Presence, Keep::Always)];
        let other = |name: &str, kept, log_bytes_max| {
            let domain = name.parse().unwrap();
            DomainRetention { domain, kept, log_bytes_max }
        };
        retention.domains.push(other("a.example", kept, None));
        for (domain, kind, keep) in [
            ("a.example", PastKind::Messages, days(7)),
            ("a.example", PastKind::Presence, Keep::Always),
            ("a.example", PastKind::Watchers, days(30)),
            ("b.example", PastKind::Messages, days(30)),
            ("b.example", PastKind::Acts, Keep::Always),
        ] {
            assert_eq!(retention.in_domain(domain, kind), keep, "{domain} {kind:?}");
        }
        assert_eq!(retention.shortest(), Some(Lifetime::from_ms(7 * 86_400_000)));
        assert_eq!(retention.sizes(), BTreeMap::new());
        for (name, max) in [("b.example", 5), ("c.example", 6), ("b.example", 7)] {
            retention.domains.push(other(name, Vec::new(), Some(max)));
        }
        let domain = |name: &str| name.parse().unwrap();
        assert_eq!(retention.sizes(), [(domain("b.example"), 5), (domain("c.example"), 6)].into());
        assert_eq!(Retention::of_all(Keep::Always).shortest(), None);
        let now = Timestamp::from_ms(100 * 86_400_000);
        assert_eq!(days(30).since(now).as_ms(), 70 * 86_400_000);
        assert_eq!(Keep::Always.since(now), Timestamp::default());
    }
}
