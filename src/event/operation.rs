//! Operations: which request of whom was done and what it came to, so that a repeat gets the same answer.
//!
//! Most are known from the facts they left; what leaves no fact that names it is recorded by itself.
//! Must never hold: how long an operation is remembered.

use serde::{Deserialize, Serialize};

use super::publication::PublicationKey;
use crate::model::{
    DeviceId, InviteId, Lifetime, OperationId, Presentity, Principal, Role, SubscriptionState, Tag,
    Timestamp,
};

/// Whose operations are remembered together. What a device publishes is its own; the rest is its principal's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operator {
    /// A device.
    Device(DeviceId),
    /// A principal.
    Principal(Principal),
}

/// Kind, subject and id of an operation in 16 bytes: the first half of BLAKE3 over `kind NUL subject NUL id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OperationKey(#[serde(with = "crate::model::readable::hex")] pub [u8; 16]);

impl OperationKey {
    /// The key of the operation `id` of a kind on `subject`.
    pub fn of(kind: &str, subject: &str, id: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(kind.as_bytes()).update(&[0]).update(subject.as_bytes()).update(&[0]);
        let digest = hasher.update(id).finalize();
        Self(digest.as_bytes()[..16].try_into().expect("a digest is longer than 16 bytes"))
    }

    /// The key of an operation on a publication.
    pub fn publish(
        presentity: &Presentity,
        publication: &PublicationKey,
        operation: OperationId,
    ) -> Self {
        let subject = format!("{presentity} {}", publication.name.as_str());
        Self::of("publish", &subject, &operation.0)
    }

    /// The key of an invite for `principal`, or for whoever holds it, with `role`: a token given out for somebody else is
    /// another one.
    pub fn invite(invite: &InviteId, principal: Option<&Principal>, role: Role) -> Self {
        let principal = principal.map(ToString::to_string).unwrap_or_default();
        Self::of("invite", &format!("{principal} {}", role.as_str()), &invite.0)
    }

    /// As [`OperationKey::invite`], of a recovery: what is asked for as one is no repeat of what was not.
    pub fn recovery(invite: &InviteId, principal: Option<&Principal>, role: Role) -> Self {
        let principal = principal.map(ToString::to_string).unwrap_or_default();
        Self::of("recovery", &format!("{principal} {}", role.as_str()), &invite.0)
    }
}

/// An operation and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Whose.
    pub by: Operator,
    /// Which.
    pub key: OperationKey,
}

/// What an operation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// A publication was made, renewed or removed.
    Published {
        /// Its tag from then on.
        tag: Tag,
        /// The lifetime granted; zero by its removal.
        granted: Lifetime,
    },
    /// A subscription was made or renewed.
    Subscribed {
        /// Where it stood.
        state: SubscriptionState,
        /// The lifetime granted.
        granted: Lifetime,
    },
    /// A subscription ended.
    Unsubscribed,
    /// Messages were deleted.
    Deleted {
        /// How many were there.
        count: u32,
    },
    /// An invite was made.
    Invited {
        /// When it runs out.
        expires_at: Timestamp,
    },
    /// A key was revoked.
    KeyRevoked,
    /// Something else was changed.
    Changed {
        /// Its version from then on; zero if it has none.
        version: u64,
    },
}

/// See [`Event::OperationDone`](super::Event::OperationDone).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationDone {
    /// Whose operations it is among.
    pub by: Operator,
    /// Which.
    pub operation: OperationKey,
    /// What it came to.
    pub outcome: Outcome,
}
