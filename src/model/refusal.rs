//! Every reason the service gives for saying no, in words.
//!
//! A refusal changes nothing. Its text names the thing, the cause and the cure.
//! Must never hold: anything about other principals that the one refused may not know.

use thiserror::Error;

use super::{Lifetime, NameRule, Quota};

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
    #[error("the {part} has {found}, the most is {max}; {}", less_of(.part))]
    TooLarge {
        /// What is too large.
        part: String,
        /// How much it has.
        found: u64,
        /// How much it may have.
        max: u64,
    },
    /// An address in a domain this server does not serve.
    #[error(
        "the domain {domain} is not served here; check its spelling, or ask a server of that domain"
    )]
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
    #[error(
        "there is nothing to publish; send a document, or the tag of a publication to refresh or remove"
    )]
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
    /// There is no such subscription.
    #[error("there is no subscription of {watcher} to {address}; check both names")]
    NoSubscription {
        /// Who would have it.
        watcher: String,
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
    #[error("{principal} is not enrolled here; enroll it first")]
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
    /// The key in Hello was one of a principal that was erased.
    #[error(
        "{principal} was erased, and with it the key of this device; ask an administrator of its domain for the certificate"
    )]
    Erased {
        /// The principal.
        principal: String,
    },
    /// The proof of identity does not hold.
    #[error(
        "the proof of identity does not verify; sign what docs/PROTOCOL.md says with the device's key"
    )]
    BadProof,
    /// The invite is unknown, spent, withdrawn, out of date or for somebody else.
    #[error(
        "the invite is unknown, used, withdrawn, out of date or for another principal; ask for a new one"
    )]
    BadInvite,
    /// Enrolling needs an invite.
    #[error(
        "enrolling needs an invite here; ask an administrator for one, or the operator for open enrollment"
    )]
    InviteNeeded,
    /// The name is taken.
    #[error(
        "{principal} is enrolled already; to add a device use an invite that one of its own made, \
         or ask an administrator for a recovery"
    )]
    NameTaken {
        /// The principal.
        principal: String,
    },
    /// The principal has as many devices as it may.
    #[error("there are {max} devices, as many as a principal may have; revoke one")]
    DevicesFull {
        /// How many it may have.
        max: u64,
    },
    /// There is no such device.
    #[error("there is no device {device}; list the devices to see which there are")]
    NoDevice {
        /// The device.
        device: String,
    },
    /// As many invites are open as may be in all.
    #[error("there are {max} open invites, as many as may be; withdraw some, or let them run out")]
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
    /// The presentity is not shown to this watcher, or there is none: the answer is the same.
    #[error("{address} is not shown to you; ask its owner to allow you, and check the spelling")]
    Refused {
        /// The address.
        address: String,
    },
    /// The inbox's owner does not take this message.
    #[error("{address} does not take this message{}{reason}; ask its owner", if reason.is_empty() { "" } else { ": " })]
    DeliveryRefused {
        /// The inbox.
        address: String,
        /// The owner's words; may be empty.
        reason: String,
    },
    /// The owner shows the inbox as closed.
    #[error("{address} is closed now; send again when its owner shows it open")]
    InboxClosed {
        /// The inbox.
        address: String,
    },
    /// Presence or messaging is switched off.
    #[error("{service} is switched off {place}; ask the operator")]
    ServiceOff {
        /// `presence` or `messaging`.
        service: String,
        /// On this server, or in which domain.
        place: String,
    },
    /// An administrator has suspended the principal.
    #[error("{principal} is suspended; ask an administrator of its domain")]
    Suspended {
        /// The principal.
        principal: String,
    },
    /// There is no rule of this name.
    #[error("there is no rule {name:?}; list them to see their names")]
    NoRule {
        /// The name.
        name: String,
    },
    /// A rule's view names a tuple that was never published.
    #[error(
        "the view names the tuple {tuple:?}, which was never published; name one of these: {known}"
    )]
    UnknownTuple {
        /// The tuple.
        tuple: String,
        /// Those that were published.
        known: String,
    },
    /// The rules are not the ones the change was made for.
    #[error("the rules changed meanwhile: version {found}, not {expected}; read them again")]
    StaleVersion {
        /// The version the change was made for.
        expected: u64,
        /// The version there is.
        found: u64,
    },
    /// The watcher has as many undecided wishes as it may.
    #[error("{max} of your wishes to watch wait for a decision, as many as may; wait for some")]
    RequestsFull {
        /// How many it may have.
        max: u64,
    },
    /// The domain exists already.
    #[error("the domain {domain} exists already; use it as it is, or take another name")]
    DomainExists {
        /// The domain.
        domain: String,
    },
    /// The domain is one the operator configured.
    #[error("the domain {domain} stands in the server's configuration; remove it there")]
    DomainConfigured {
        /// The domain.
        domain: String,
    },
    /// An anonymous session cannot do this.
    #[error("an anonymous session cannot {action}; authenticate")]
    Anonymous {
        /// What was asked.
        action: String,
    },
    /// There is no such message.
    #[error("{address} has no message {sequence}; read the inbox to see which there are")]
    NoMessage {
        /// The inbox.
        address: String,
        /// The position asked for.
        sequence: u64,
    },
    /// There is no such publication.
    #[error("the device {device} has no such publication there; list them to see which there are")]
    NoPublication {
        /// The device.
        device: String,
    },
    /// Somebody lives in the domain.
    #[error(
        "{principals} principals have devices in {domain}; revoke those first, or ask its administrators to"
    )]
    DomainInhabited {
        /// The domain.
        domain: String,
        /// How many principals.
        principals: u64,
    },
    /// There is no such open invite, or none that whoever asks may see.
    #[error("there is no open invite {invite} of yours; list the invites to see which there are")]
    NoInvite {
        /// The invite.
        invite: String,
    },
    /// An invite for somebody else who is enrolled is a recovery, and was not called one.
    #[error(
        "{principal} is enrolled already; say that it is to be a recovery if its devices are lost, \
         or have one of them make the invite"
    )]
    RecoveryNeeded {
        /// The principal.
        principal: String,
    },
    /// The name breaks a rule for the names of new accounts.
    #[error("{principal} is no name for a new account: {rule}; choose another name")]
    NameRefused {
        /// The name.
        principal: String,
        /// The rule.
        rule: NameRule,
    },
    /// The recovery takes effect later.
    #[error(
        "the recovery of {principal} takes effect in {} s, and its devices can refuse it until then; try again after that",
        .wait.as_ms().div_ceil(1_000)
    )]
    RecoveryPending {
        /// The principal.
        principal: String,
        /// How long from now.
        wait: Lifetime,
    },
    /// A recovery of the principal runs already.
    #[error("a recovery of {principal} runs already; withdraw that one first")]
    RecoveryOpen {
        /// The principal.
        principal: String,
    },
    /// No such recovery of whoever asks is open.
    #[error("there is no recovery {invite} of your name; list them to see which there are")]
    NoRecovery {
        /// The name of its invite.
        invite: String,
    },
    /// Whoever asks has taken as much as it may of what all share.
    #[error("you have {}, as many as you may; {}", .quota.too_much(*.max), .quota.remedy(*.max, *.retry_after))]
    OverQuota {
        /// Of what.
        quota: Quota,
        /// How much it may take.
        max: u64,
        /// When there is room again at the latest, if time alone makes it.
        retry_after: Option<Lifetime>,
    },
    /// There is no room for anything new on the server's disk.
    #[error(
        "the server's disk is full: it answers what is asked and takes nothing new; try again later, or tell its operator"
    )]
    StorageFull,
    /// The past that was asked for was cut away.
    #[error("what happened until {until} is older than is kept; ask for a later moment")]
    OlderThanKept {
        /// Until when nothing is kept, by the wall clock then, in words.
        until: String,
    },
}

impl Refusal {
    /// When to try again, if that is known.
    pub const fn retry_after(&self) -> Option<Lifetime> {
        match self {
            Self::Busy { retry_after } | Self::RecoveryPending { wait: retry_after, .. } => {
                Some(*retry_after)
            }
            Self::OverQuota { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// A wrong address, with as much of it as is safe to repeat.
    pub(crate) fn bad_address(given: &str, reason: &str) -> Self {
        Self::BadAddress { given: given.chars().take(100).collect(), reason: reason.to_owned() }
    }

    /// Refuses more of `part` than `max`.
    pub(crate) fn check_max(part: &str, found: usize, max: usize) -> Result<(), Self> {
        if found <= max {
            return Ok(());
        }
        Err(Self::TooLarge { part: part.to_owned(), found: found as u64, max: max as u64 })
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

/// What to do where `part` is more than it may be.
fn less_of(part: &str) -> &'static str {
    match part {
        "list of domains" => "remove one first",
        "stretch of history between now and then" => "ask for a later moment",
        "rules" => "remove some",
        part if part.starts_with("quota ") => "set less, or ask the operator to allow more",
        _ => "send less",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_cure() {
        let refusal = Refusal::TooBrief { minimum: Lifetime::from_ms(1_000) };
        assert_eq!(
            refusal.to_string(),
            "the lifetime is below the minimum of 1 s; ask for at least that"
        );
    }
}
