//! The number and word of each reason for saying no.
//!
//! Must never hold: a number that was ever used for something else.

#[cfg(doc)]
use super::Refusal;
use super::word::words;

words! {
    /// The number and word of a refusal on the wire and in JSON. Numbers are never reused.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[non_exhaustive]
    RefusalCode: u16, u16 {
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
        /// See [`Refusal::Refused`].
        Refused = 34, "refused";
        /// See [`Refusal::DeliveryRefused`].
        DeliveryRefused = 35, "delivery-refused";
        /// See [`Refusal::InboxClosed`].
        InboxClosed = 36, "inbox-closed";
        /// See [`Refusal::ServiceOff`].
        ServiceOff = 37, "service-off";
        /// See [`Refusal::Suspended`].
        Suspended = 38, "suspended";
        /// See [`Refusal::NoRule`].
        NoRule = 39, "no-rule";
        /// See [`Refusal::UnknownTuple`].
        UnknownTuple = 40, "unknown-tuple";
        /// See [`Refusal::StaleVersion`].
        StaleVersion = 41, "stale-version";
        /// See [`Refusal::RequestsFull`].
        RequestsFull = 42, "requests-full";
        /// See [`Refusal::DomainExists`].
        DomainExists = 43, "domain-exists";
        /// See [`Refusal::DomainConfigured`].
        DomainConfigured = 44, "domain-configured";
        /// See [`Refusal::Anonymous`].
        Anonymous = 45, "anonymous";
        /// See [`Refusal::NoMessage`].
        NoMessage = 46, "no-message";
        /// See [`Refusal::NoInvite`].
        NoInvite = 47, "no-invite";
        /// See [`Refusal::NoPublication`].
        NoPublication = 48, "no-publication";
        /// See [`Refusal::DomainInhabited`].
        DomainInhabited = 49, "domain-inhabited";
        /// See [`Refusal::SenderFull`].
        SenderFull = 50, "sender-full";
    }
}

impl RefusalCode {
    /// Whether the peer is not who it must be, rather than the request being wrong: exit code 4 of the commands.
    pub const fn is_authentication(self) -> bool {
        matches!(
            self,
            Self::UnknownKey
                | Self::Suspended
                | Self::KeyRevoked
                | Self::BadProof
                | Self::BadInvite
                | Self::InviteNeeded
                | Self::NameTaken
        )
    }
}
