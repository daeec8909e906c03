//! Every reason the service gives for saying no, and the code a peer sees for it.
//!
//! A refusal changes nothing. Its text names the thing, the cause and the cure.
//! Must never hold: anything about other principals that the one refused may not know.

use thiserror::Error;

use super::Lifetime;

/// Why a request was refused. The peer sees [`Refusal::code`] and the text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// An address does not parse.
    #[error("the address {given:?} is wrong: {reason}")]
    BadAddress {
        /// The address as given, cut to 100 characters.
        given: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A field holds a value it cannot have.
    #[error("the {field} {reason}")]
    BadField {
        /// The field.
        field: String,
        /// What is wrong with it and what would be right.
        reason: String,
    },
    /// Text that is not UTF-8.
    #[error("the {part} is not UTF-8; send text in UTF-8 (RFC 3629)")]
    BadUtf8 {
        /// Where.
        part: String,
    },
    /// A request frame whose body does not decode.
    #[error("the request body does not decode as its kind; compare it with docs/PROTOCOL.md")]
    Malformed,
    /// A request of a kind this server does not know.
    #[error(
        "request kind {kind:#06x} is not known to this server; ask only for features its Welcome lists"
    )]
    UnknownKind {
        /// The kind given.
        kind: u16,
    },
    /// More than a limit allows.
    #[error("the {part} has {found}, the most is {max}; send less")]
    TooLarge {
        /// What is too large.
        part: String,
        /// How much it has.
        found: u64,
        /// How much it may have.
        max: u64,
    },
    /// An address in a domain this server does not serve.
    #[error("the domain {domain} is not served here; ask a server of that domain")]
    ForeignDomain {
        /// The domain.
        domain: String,
    },
    /// No presentity has this address.
    #[error("{address} is not a presentity here; check the spelling or have it enrolled")]
    UnknownPresentity {
        /// The address.
        address: String,
    },
    /// No inbox has this address.
    #[error("{address} is not an inbox here; check the spelling or have it enrolled")]
    UnknownInbox {
        /// The address.
        address: String,
    },
    /// The publication tag is not the current one, or the publication is gone.
    #[error(
        "the tag is not current: the publication changed, was removed or ran out; publish anew without a tag"
    )]
    StaleTag,
    /// A publish that has neither a document nor a tag, or a tag and a name that do not belong together.
    #[error("a publish needs a document, or the tag of a publication to refresh or remove")]
    NothingToPublish,
    /// A lifetime below the minimum.
    #[error("the lifetime is below the minimum of {} s; ask for at least that", .minimum.as_secs())]
    TooBrief {
        /// The minimum.
        minimum: Lifetime,
    },
    /// The presentity has as many publications as it may.
    #[error(
        "the presentity has {max} publications, as many as it may; remove one or let it run out"
    )]
    PublicationsFull {
        /// How many it may have.
        max: u64,
    },
    /// The watcher has as many subscriptions as it may.
    #[error("you have {max} subscriptions, as many as a watcher may; end one with `adsum unwatch`")]
    SubscriptionsFull {
        /// How many it may have.
        max: u64,
    },
    /// There is no such subscription.
    #[error("there is no subscription of yours to {address}; watch it first")]
    NoSubscription {
        /// The presentity.
        address: String,
    },
    /// The From is not the session's principal.
    #[error(
        "the sender {given} is not this session's principal; leave it out or authenticate as it"
    )]
    NotYourSender {
        /// The sender given.
        given: String,
    },
    /// The principal may not do this.
    #[error("you may not {action}; {cure}")]
    Forbidden {
        /// What was asked.
        action: String,
        /// Who may, or what to do.
        cure: String,
    },
    /// The same message id was used for another message.
    #[error("the message id {id:?} was used for a different message; give each message its own id")]
    DuplicateId {
        /// The id.
        id: String,
    },
    /// The inbox has as many unread messages as it may.
    #[error(
        "the inbox is full: {max} messages wait unread; try again when its owner has read some"
    )]
    InboxFull {
        /// How many may wait.
        max: u64,
    },
    /// A message whose time to live is over on arrival.
    #[error("the message's time to live is zero; give it one or leave it out")]
    ExpiredMessage,
    /// The principal is not enrolled here.
    #[error("{principal} is not enrolled here; run `adsum enroll {principal}`")]
    UnknownPrincipal {
        /// The principal.
        principal: String,
    },
    /// The key in Hello is not one of the principal's.
    #[error("this device's key is not enrolled for {principal}; enroll it with an invite")]
    UnknownKey {
        /// The principal.
        principal: String,
    },
    /// The key in Hello was revoked.
    #[error("this device's key was revoked; enroll a new one with an invite")]
    KeyRevoked,
    /// The proof of identity does not hold.
    #[error(
        "the proof of identity does not verify; sign what docs/PROTOCOL.md says with the device's key"
    )]
    BadProof,
    /// The invite is unknown, spent, out of date or for somebody else.
    #[error("the invite is unknown, used, out of date or for another principal; ask for a new one")]
    BadInvite,
    /// Enrolling needs an invite.
    #[error(
        "enrolling needs an invite here; ask an administrator for one, or start the server with --open-enrollment"
    )]
    InviteNeeded,
    /// The name is taken.
    #[error(
        "{principal} is enrolled already; to add a device use an invite made by it or an administrator"
    )]
    NameTaken {
        /// The principal.
        principal: String,
    },
    /// The principal has as many devices as it may.
    #[error(
        "there are {max} devices, as many as a principal may have; revoke one with `adsum keys revoke`"
    )]
    DevicesFull {
        /// How many it may have.
        max: u64,
    },
    /// There is no such device.
    #[error("there is no device {device}; list them with `adsum keys list`")]
    NoDevice {
        /// The device.
        device: String,
    },
    /// As many invites are open as may be.
    #[error("there are {max} open invites, as many as may be; let some be used or run out")]
    InvitesFull {
        /// How many may be open.
        max: u64,
    },
    /// The client speaks another version of the protocol.
    #[error(
        "version {given} of the protocol is not spoken here, version {served} is; use a matching client"
    )]
    Version {
        /// The client's.
        given: u16,
        /// The server's.
        served: u16,
    },
    /// The server is out of a resource for now.
    #[error("the server is busy; try again in {} s", .retry_after.as_secs())]
    Busy {
        /// When to come back.
        retry_after: Lifetime,
    },
    /// The server is going away.
    #[error("the server is shutting down; connect again in a moment")]
    GoingAway,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $number:literal, $name:literal;)*) => {
        /// The number and word of a refusal on the wire and in JSON. Numbers are never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum RefusalCode { $($(#[$doc])* $code = $number,)* }

        impl RefusalCode {
            /// Every code, in order of number.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// The word, such as `stale-tag`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => $name,)* }
            }

            /// The code of `number`, if this version knows it.
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$code),)* _ => None }
            }
        }
    };
}

codes! {
    /// See [`Refusal::BadAddress`].
    BadAddress = 1, "bad-address";
    /// See [`Refusal::BadField`].
    BadField = 2, "bad-field";
    /// See [`Refusal::BadUtf8`].
    BadUtf8 = 3, "bad-utf8";
    /// See [`Refusal::Malformed`].
    Malformed = 4, "malformed";
    /// See [`Refusal::UnknownKind`].
    UnknownKind = 5, "unknown-kind";
    /// See [`Refusal::TooLarge`].
    TooLarge = 6, "too-large";
    /// See [`Refusal::ForeignDomain`].
    ForeignDomain = 7, "foreign-domain";
    /// See [`Refusal::UnknownPresentity`].
    UnknownPresentity = 8, "unknown-presentity";
    /// See [`Refusal::UnknownInbox`].
    UnknownInbox = 9, "unknown-inbox";
    /// See [`Refusal::StaleTag`].
    StaleTag = 10, "stale-tag";
    /// See [`Refusal::NothingToPublish`].
    NothingToPublish = 11, "nothing-to-publish";
    /// See [`Refusal::TooBrief`].
    TooBrief = 12, "too-brief";
    /// See [`Refusal::PublicationsFull`].
    PublicationsFull = 13, "publications-full";
    /// See [`Refusal::SubscriptionsFull`].
    SubscriptionsFull = 14, "subscriptions-full";
    /// See [`Refusal::NoSubscription`].
    NoSubscription = 15, "no-subscription";
    /// See [`Refusal::NotYourSender`].
    NotYourSender = 16, "not-your-sender";
    /// See [`Refusal::Forbidden`].
    Forbidden = 17, "forbidden";
    /// See [`Refusal::DuplicateId`].
    DuplicateId = 18, "duplicate-id";
    /// See [`Refusal::InboxFull`].
    InboxFull = 19, "inbox-full";
    /// See [`Refusal::ExpiredMessage`].
    ExpiredMessage = 20, "expired-message";
    /// See [`Refusal::UnknownPrincipal`].
    UnknownPrincipal = 21, "unknown-principal";
    /// See [`Refusal::UnknownKey`].
    UnknownKey = 22, "unknown-key";
    /// See [`Refusal::KeyRevoked`].
    KeyRevoked = 23, "key-revoked";
    /// See [`Refusal::BadProof`].
    BadProof = 24, "bad-proof";
    /// See [`Refusal::BadInvite`].
    BadInvite = 25, "bad-invite";
    /// See [`Refusal::InviteNeeded`].
    InviteNeeded = 26, "invite-needed";
    /// See [`Refusal::NameTaken`].
    NameTaken = 27, "name-taken";
    /// See [`Refusal::DevicesFull`].
    DevicesFull = 28, "devices-full";
    /// See [`Refusal::NoDevice`].
    NoDevice = 29, "no-device";
    /// See [`Refusal::InvitesFull`].
    InvitesFull = 30, "invites-full";
    /// See [`Refusal::Version`].
    Version = 31, "version";
    /// See [`Refusal::Busy`].
    Busy = 32, "busy";
    /// See [`Refusal::GoingAway`].
    GoingAway = 33, "going-away";
}

impl RefusalCode {
    /// The number on the wire.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// Whether the peer is not who it must be, rather than the request being wrong: exit code 4 of the commands.
    pub const fn is_authentication(self) -> bool {
        matches!(
            self,
            Self::UnknownPrincipal
                | Self::UnknownKey
                | Self::KeyRevoked
                | Self::BadProof
                | Self::BadInvite
                | Self::InviteNeeded
                | Self::NameTaken
        )
    }
}

impl Refusal {
    /// The code of this refusal.
    pub const fn code(&self) -> RefusalCode {
        match self {
            Self::BadAddress { .. } => RefusalCode::BadAddress,
            Self::BadField { .. } => RefusalCode::BadField,
            Self::BadUtf8 { .. } => RefusalCode::BadUtf8,
            Self::Malformed => RefusalCode::Malformed,
            Self::UnknownKind { .. } => RefusalCode::UnknownKind,
            Self::TooLarge { .. } => RefusalCode::TooLarge,
            Self::ForeignDomain { .. } => RefusalCode::ForeignDomain,
            Self::UnknownPresentity { .. } => RefusalCode::UnknownPresentity,
            Self::UnknownInbox { .. } => RefusalCode::UnknownInbox,
            Self::StaleTag => RefusalCode::StaleTag,
            Self::NothingToPublish => RefusalCode::NothingToPublish,
            Self::TooBrief { .. } => RefusalCode::TooBrief,
            Self::PublicationsFull { .. } => RefusalCode::PublicationsFull,
            Self::SubscriptionsFull { .. } => RefusalCode::SubscriptionsFull,
            Self::NoSubscription { .. } => RefusalCode::NoSubscription,
            Self::NotYourSender { .. } => RefusalCode::NotYourSender,
            Self::Forbidden { .. } => RefusalCode::Forbidden,
            Self::DuplicateId { .. } => RefusalCode::DuplicateId,
            Self::InboxFull { .. } => RefusalCode::InboxFull,
            Self::ExpiredMessage => RefusalCode::ExpiredMessage,
            Self::UnknownPrincipal { .. } => RefusalCode::UnknownPrincipal,
            Self::UnknownKey { .. } => RefusalCode::UnknownKey,
            Self::KeyRevoked => RefusalCode::KeyRevoked,
            Self::BadProof => RefusalCode::BadProof,
            Self::BadInvite => RefusalCode::BadInvite,
            Self::InviteNeeded => RefusalCode::InviteNeeded,
            Self::NameTaken { .. } => RefusalCode::NameTaken,
            Self::DevicesFull { .. } => RefusalCode::DevicesFull,
            Self::NoDevice { .. } => RefusalCode::NoDevice,
            Self::InvitesFull { .. } => RefusalCode::InvitesFull,
            Self::Version { .. } => RefusalCode::Version,
            Self::Busy { .. } => RefusalCode::Busy,
            Self::GoingAway => RefusalCode::GoingAway,
        }
    }

    /// When to try again, if that is known.
    pub const fn retry_after(&self) -> Option<Lifetime> {
        match self {
            Self::Busy { retry_after } => Some(*retry_after),
            _ => None,
        }
    }

    /// A wrong address, with as much of it as is safe to repeat.
    pub(crate) fn bad_address(given: &str, reason: &str) -> Self {
        Self::BadAddress { given: given.chars().take(100).collect(), reason: reason.to_owned() }
    }

    /// A field that cannot have its value.
    pub(crate) fn bad_field(field: &str, reason: &str) -> Self {
        Self::BadField { field: field.to_owned(), reason: reason.to_owned() }
    }

    /// The same refusal, telling of `given` as the peer wrote it.
    pub(crate) fn about(self, given: &str) -> Self {
        match self {
            Self::BadAddress { reason, .. } => Self::bad_address(given, &reason),
            other => other,
        }
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

    #[test]
    fn a_refusal_names_the_cure() {
        let refusal = Refusal::TooBrief { minimum: Lifetime::from_ms(1_000) };
        assert_eq!(
            refusal.to_string(),
            "the lifetime is below the minimum of 1 s; ask for at least that"
        );
    }
}
