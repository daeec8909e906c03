//! A request that may change state, and the yes to it.
//!
//! Must never hold: a kind.

use super::framed::Framed;
use crate::model::{
    Lifetime, OperationId, Principal, RefusalCode, SubscriptionState, Tag, Timestamp,
};

/// A request that may change state, on CONTROL. A repeat over a new connection says the same thing again; what makes it
/// harmless stands with each request.
pub trait Request: Framed {
    /// The name of the operation, and whose name it is; `None` for what has a name of another kind: a message, a
    /// publication, an invite.
    fn operation(&self) -> Option<(NamedBy, OperationId)> {
        None
    }

    /// What it is about when `asker` asks it, in words that never change: a part of the name under which it is remembered.
    fn subject(&self, _asker: &Principal) -> String {
        String::new()
    }

    /// How much it brings to be taken in beside itself: half KiB of a body or document, entries of a list.
    fn weight(&self) -> usize {
        0
    }

    /// What a repeat that is refused with `code` means, if the first one was done after all.
    fn done_before(&self, _code: RefusalCode) -> Option<Answer> {
        None
    }
}

/// Bytes of a body or document that weigh as much as an entry of a list.
pub(super) const WEIGHT_BYTES: usize = 512;

/// Whose name an operation has: a repeat is one that comes from the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// The principal's, on whichever device.
    Principal,
    /// The device's.
    Device,
}

/// The yes to a [`Request`]. The no is a [`Refusal`](crate::model::Refusal).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Publish`](super::Publish).
    Published {
        /// The publication's tag from now on.
        tag: Tag,
        /// The lifetime granted; zero after a removal.
        granted: Lifetime,
    },
    /// To [`Subscribe`](super::Subscribe).
    Subscribed {
        /// Where the subscription stands.
        state: SubscriptionState,
        /// The lifetime granted.
        granted: Lifetime,
    },
    /// To [`Unsubscribe`](super::Unsubscribe).
    Unsubscribed,
    /// To [`Send`](super::Send): the message is in the inbox.
    Sent {
        /// Whether it was there already.
        duplicate: bool,
    },
    /// To [`Delete`](super::Delete).
    Deleted {
        /// How many messages were there.
        count: u32,
    },
    /// To [`Invite`](super::Invite).
    Invited {
        /// When the invite runs out.
        expires_at: Timestamp,
    },
    /// To [`RevokeKey`](super::RevokeKey).
    KeyRevoked,
    /// To each of the other requests: the change was made, or had been made by the same operation.
    Changed {
        /// The version of what was changed from now on; zero if it has none.
        version: u64,
    },
    /// To [`Erase`](super::Erase): the principal is erased, and its key destroyed.
    Erased {
        /// The certificate, a line; empty if the server could not make one.
        certificate: String,
    },
}
