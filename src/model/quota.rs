//! Quotas: what one principal may take of what all share, and who says how much.
//!
//! Must never hold: what somebody has taken (see `view`).

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::limits::{
    EVENTS_A_SECOND_MAX, FEEDS_A_MINUTE_MAX, INVITES_OF_ADMINISTRATOR_MAX, LOG_BYTES_A_DAY_MAX,
    MESSAGE_IDS_REMEMBERED_MAX, MESSAGES_STORED_OF_SENDER_MAX, MESSAGES_WAITING_OF_SENDER_MAX,
    RULES_BYTES_MAX, SUBSCRIPTIONS_MAX,
};
use super::{Domain, Lifetime, Principal, Refusal, RefusalCode, words};

/// Defines the quotas: of each its word, the most if nothing else is set, the code of the refusal of one more, in words what
/// was done and of what there is too much, and what to do about it beside waiting; empty if only waiting helps.
macro_rules! quotas {
    ($(
        $(#[$doc:meta])*
        $name:ident $word:literal = $max:expr, $code:ident: $did:literal, $of:literal; $cure:literal;
    )*) => {
        words! {
            /// What a quota is of.
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
            Quota { $($(#[$doc])* $name = $word;)* }
        }

        impl Quota {
            /// The most, unless something else is set.
            pub const fn default_max(self) -> u64 {
                match self { $(Self::$name => $max as u64,)* }
            }

            /// The code of the refusal of one more.
            pub const fn code(self) -> RefusalCode {
                match self { $(Self::$name => RefusalCode::$code,)* }
            }

            /// What whoever has too much did, in a refusal; empty if it has it.
            const fn did(self) -> &'static str {
                match self { $(Self::$name => $did,)* }
            }

            /// What there is too much of, in a refusal.
            pub const fn of(self) -> &'static str {
                match self { $(Self::$name => $of,)* }
            }

            const fn cure(self) -> &'static str {
                match self { $(Self::$name => $cure,)* }
            }
        }
    };
}

// New ones stand last: the log has their places as numbers.
quotas! {
    /// Bytes of the log within a day.
    LogBytes "log-bytes-a-day" = LOG_BYTES_A_DAY_MAX, QuotaLogBytes:
        "filled", "bytes of the log within a day"; "";
    /// Events a second; what a minute allows may come at once.
    Events "events-a-second" = EVENTS_A_SECOND_MAX, QuotaEvents:
        "brought about", "events a second"; "";
    /// Ids of messages sent that are remembered, in all inboxes together.
    MessageIds "message-ids-remembered" = MESSAGE_IDS_REMEMBERED_MAX, QuotaMessageIds:
        "sent", "messages within 30 days"; "";
    /// Bytes of all rules that it has.
    RulesBytes "rules-bytes" = RULES_BYTES_MAX, QuotaRulesBytes:
        "", "bytes of rules"; "remove some rules first";
    /// Feeds opened within a minute.
    Feeds "feeds-a-minute" = FEEDS_A_MINUTE_MAX, QuotaFeeds:
        "opened", "feeds within a minute"; "";
    /// Subscriptions that live.
    Subscriptions "subscriptions" = SUBSCRIPTIONS_MAX, SubscriptionsFull:
        "", "subscriptions"; "end one";
    /// Invites that are open. Whoever is no administrator has no more than a device each.
    Invites "invites-open" = INVITES_OF_ADMINISTRATOR_MAX, InvitesFull:
        "", "open invites"; "withdraw some";
    /// Messages in one inbox that none of its owner's devices has taken.
    Waiting "messages-waiting-of-sender" = MESSAGES_WAITING_OF_SENDER_MAX, SenderFull:
        "", "messages that wait unread in the inbox"; "try again when its owner has read some";
    /// The same in all inboxes together.
    Stored "messages-stored-of-sender" = MESSAGES_STORED_OF_SENDER_MAX, QuotaMessagesStored:
        "", "messages that wait unread in all inboxes"; "try again when some of them were read";
}

impl Quota {
    /// What whoever may have none at all can do.
    pub const ASK: &'static str = "ask an administrator of your domain for some";

    /// Whether it is of what stays, in memory too, and not of what passes. Of what stays nobody is given more than the
    /// operator says, because all share the memory; what passes costs whoever takes it its turns.
    pub const fn stays(self) -> bool {
        !matches!(self, Self::LogBytes | Self::Events | Self::Feeds)
    }

    /// What is too large if an administrator sets too much.
    pub fn part(self) -> String {
        format!("quota {}", self.as_str())
    }

    /// Of how much there is too much, in a refusal.
    pub fn too_much(self, max: u64) -> String {
        let space = if self.did().is_empty() { "" } else { " " };
        format!("{}{space}{max} {}", self.did(), self.of())
    }

    /// What to do about it.
    pub fn remedy(self, max: u64, retry_after: Option<Lifetime>) -> String {
        let wait =
            retry_after.map(|wait| format!("try again in {} s", wait.as_ms().div_ceil(1_000)));
        match (self.cure(), wait) {
            (cure, None) if max == 0 || cure.is_empty() => Self::ASK.to_owned(),
            (cure, None) => cure.to_owned(),
            ("", Some(wait)) => wait,
            (cure, Some(wait)) => format!("{cure}, or {wait}"),
        }
    }
}

/// How much of each quota a principal may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas([u64; Quota::ALL.len()]);

impl Default for Quotas {
    fn default() -> Self {
        let mut most = [0; Quota::ALL.len()];
        for quota in Quota::ALL {
            most[*quota as usize] = quota.default_max();
        }
        Self(most)
    }
}

impl Quotas {
    /// As much as anybody wants.
    pub const UNBOUNDED: Self = Self([u64::MAX; Quota::ALL.len()]);

    /// How much of `quota`.
    pub const fn max(&self, quota: Quota) -> u64 {
        self.0[quota as usize]
    }

    /// The same with `max` of `quota`.
    #[must_use]
    pub const fn with(mut self, quota: Quota, max: u64) -> Self {
        self.0[quota as usize] = max;
        self
    }

    /// How much of `quota`, to be set.
    pub const fn max_mut(&mut self, quota: Quota) -> &mut u64 {
        &mut self.0[quota as usize]
    }
}

/// Quotas that an administrator set: how much of each.
pub type QuotasSet = BTreeMap<Quota, u64>;

/// Whose quota it is: a principal's, or that of everybody in a domain who has none of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuotaOwner {
    /// Everybody's in a domain, written `@example.com`.
    Domain(Domain),
    /// A principal's.
    Principal(Principal),
}

impl QuotaOwner {
    /// The domain whose administrators set it.
    pub fn domain(&self) -> Domain {
        match self {
            Self::Domain(domain) => domain.clone(),
            Self::Principal(principal) => principal.home(),
        }
    }
}

impl fmt::Display for QuotaOwner {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => write!(to, "@{domain}"),
            Self::Principal(principal) => principal.fmt(to),
        }
    }
}

impl FromStr for QuotaOwner {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        match text.strip_prefix('@') {
            Some(domain) => domain.parse().map(Self::Domain),
            None => text.parse().map(Self::Principal),
        }
    }
}

impl FromStr for Quota {
    type Err = Refusal;

    fn from_str(word: &str) -> Result<Self, Refusal> {
        let known = || Self::ALL.iter().map(|quota| quota.as_str()).collect::<Vec<_>>().join(", ");
        let unknown = || Refusal::bad_field("quota", &format!("is none of {}; send one", known()));
        Self::ALL.iter().copied().find(|quota| quota.as_str() == word).ok_or_else(unknown)
    }
}

words! {
    /// Who said how much of a quota there may be. Whoever stands last here wins.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    QuotaSource {
        /// The operator, for everybody.
        Operator = "operator";
        /// An administrator, for the domain.
        Domain = "domain";
        /// An administrator, for the principal.
        Principal = "principal";
    }
}

/// One quota, as its owner or an administrator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaRow {
    /// The word of the quota; a later version may have others than [`Quota`].
    pub quota: String,
    /// How much there may be.
    pub max: u64,
    /// How much is taken now; `None` for a domain, and for what tells of what others do.
    pub used: Option<u64>,
    /// Who said so.
    pub source: QuotaSource,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quota_reads_back_by_its_word_and_an_owner_by_its_name() {
        for quota in Quota::ALL {
            assert_eq!(quota.as_str().parse(), Ok(*quota));
        }
        let unknown = "feeds".parse::<Quota>().unwrap_err().to_string();
        assert!(unknown.starts_with("the quota is none of log-bytes-a-day, "), "{unknown}");
        for name in ["bob@d.example", "@d.example"] {
            let owner: QuotaOwner = name.parse().unwrap();
            assert_eq!((owner.to_string().as_str(), owner.domain().as_str()), (name, "d.example"));
        }
    }

    #[test]
    fn what_helps_is_said_and_where_nothing_does_whom_to_ask() {
        let wait = Some(Lifetime::from_ms(1_500));
        assert_eq!(Quota::Events.remedy(1, wait), "try again in 2 s");
        assert_eq!(Quota::Subscriptions.remedy(1, wait), "end one, or try again in 2 s");
        assert_eq!(Quota::RulesBytes.remedy(1, None), "remove some rules first");
        assert_eq!(Quota::Events.remedy(0, None), Quota::ASK);
    }
}
