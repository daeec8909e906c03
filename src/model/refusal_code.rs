//! The number and word of each reason for saying no, in one table.
//!
//! Must never hold: a number that was ever used for something else.

use super::Refusal;
use super::word::words;

/// Defines the codes, in order of number, and which refusal has which: the one of its name. Which quota has which stands with
/// the quotas.
macro_rules! codes {
    ($(
        refusals { $($refusal:ident = $number:literal, $word:literal;)* }
        quotas { $($code:ident = $of_number:literal, $of_word:literal;)* }
    )*) => {
        words! {
            /// The number and word of a refusal on the wire and in JSON. Numbers are never reused.
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            #[non_exhaustive]
            RefusalCode: u16, u16 {
                $(
                    $(
                        #[doc = concat!("See [`Refusal::", stringify!($refusal), "`].")]
                        $refusal = $number, $word;
                    )*
                    $(
                        /// See [`Refusal::OverQuota`].
                        $code = $of_number, $of_word;
                    )*
                )*
            }
        }

        impl Refusal {
            /// The code of this refusal.
            pub const fn code(&self) -> RefusalCode {
                match self {
                    $($(Self::$refusal { .. } => RefusalCode::$refusal,)*)*
                    Self::OverQuota { quota, .. } => quota.code(),
                }
            }
        }
    };
}

codes! {
    refusals {
        BadAddress = 1, "bad-address";
        BadField = 2, "bad-field";
        BadUtf8 = 3, "bad-utf8";
        Malformed = 4, "malformed";
        UnknownKind = 5, "unknown-kind";
        TooLarge = 6, "too-large";
        ForeignDomain = 7, "foreign-domain";
        UnknownPresentity = 8, "unknown-presentity";
        UnknownInbox = 9, "unknown-inbox";
        StaleTag = 10, "stale-tag";
        NothingToPublish = 11, "nothing-to-publish";
        TooBrief = 12, "too-brief";
        PublicationsFull = 13, "publications-full";
    }
    quotas {
        SubscriptionsFull = 14, "subscriptions-full";
    }
    refusals {
        NoSubscription = 15, "no-subscription";
        NotYourSender = 16, "not-your-sender";
        Forbidden = 17, "forbidden";
        DuplicateId = 18, "duplicate-id";
        InboxFull = 19, "inbox-full";
        ExpiredMessage = 20, "expired-message";
        UnknownPrincipal = 21, "unknown-principal";
        UnknownKey = 22, "unknown-key";
        KeyRevoked = 23, "key-revoked";
        BadProof = 24, "bad-proof";
        BadInvite = 25, "bad-invite";
        InviteNeeded = 26, "invite-needed";
        NameTaken = 27, "name-taken";
        DevicesFull = 28, "devices-full";
        NoDevice = 29, "no-device";
        InvitesFull = 30, "invites-full";
        Version = 31, "version";
        Busy = 32, "busy";
        GoingAway = 33, "going-away";
        Refused = 34, "refused";
        DeliveryRefused = 35, "delivery-refused";
        InboxClosed = 36, "inbox-closed";
        ServiceOff = 37, "service-off";
        Suspended = 38, "suspended";
        NoRule = 39, "no-rule";
        UnknownTuple = 40, "unknown-tuple";
        StaleVersion = 41, "stale-version";
        RequestsFull = 42, "requests-full";
        DomainExists = 43, "domain-exists";
        DomainConfigured = 44, "domain-configured";
        Anonymous = 45, "anonymous";
        NoMessage = 46, "no-message";
        NoInvite = 47, "no-invite";
        NoPublication = 48, "no-publication";
        DomainInhabited = 49, "domain-inhabited";
    }
    quotas {
        SenderFull = 50, "sender-full";
    }
    refusals {
        RecoveryNeeded = 51, "recovery-needed";
        RecoveryPending = 52, "recovery-pending";
        RecoveryOpen = 53, "recovery-open";
        NoRecovery = 54, "no-recovery";
        NameRefused = 55, "name-refused";
    }
    quotas {
        QuotaLogBytes = 56, "quota-log-bytes";
        QuotaEvents = 57, "quota-events";
        QuotaMessageIds = 58, "quota-message-ids";
        QuotaRulesBytes = 59, "quota-rules-bytes";
        QuotaFeeds = 60, "quota-feeds";
        QuotaMessagesStored = 61, "quota-messages-stored";
    }
    refusals {
        StorageFull = 62, "storage-full";
        Erased = 63, "erased";
        OlderThanKept = 64, "older-than-kept";
    }
    quotas {}
}

impl RefusalCode {
    /// Whether the peer is not who it must be, rather than the request being wrong: exit code 4 of the commands.
    pub const fn is_authentication(self) -> bool {
        matches!(
            self,
            Self::UnknownKey
                | Self::Erased
                | Self::Suspended
                | Self::KeyRevoked
                | Self::BadProof
                | Self::BadInvite
                | Self::InviteNeeded
                | Self::NameTaken
                | Self::RecoveryPending
                | Self::NameRefused
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_no_word_is_used_twice() {
        let mut words: Vec<&str> = RefusalCode::ALL.iter().map(|code| code.as_str()).collect();
        for code in RefusalCode::ALL {
            assert_eq!(RefusalCode::from_number(code.number()), Some(*code));
        }
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), RefusalCode::ALL.len());
    }
}
