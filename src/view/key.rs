//! Names of messages and of senders that are short and all of one length.
//!
//! Must never hold: what lies under them.

use serde::{Deserialize, Serialize};

use crate::model::{MessageId, Principal};

/// Sender and message id in 16 bytes: the first half of BLAKE3 over `sender NUL id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageKey(#[serde(with = "crate::model::readable::hex")] pub(super) [u8; 16]);

impl MessageKey {
    /// The key of these bytes.
    pub fn of_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The key of `sender`'s message `id`.
    pub fn of(sender: &Principal, id: &MessageId) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(sender.account().as_bytes()).update(&[0]).update(id.as_str().as_bytes());
        let digest = hasher.finalize();
        Self(digest.as_bytes()[..16].try_into().expect("a digest is longer than 16 bytes"))
    }
}

/// Who sent a message, in 16 bytes: the first half of BLAKE3 over its account. Those whose names are made for one session
/// are one sender, because a new name costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SenderKey(#[serde(with = "crate::model::readable::hex")] pub(super) [u8; 16]);

impl SenderKey {
    /// The key of `sender`.
    pub fn of(sender: &Principal) -> Self {
        let account = if sender.is_anonymous() { "" } else { sender.account() };
        let digest = blake3::hash(account.as_bytes());
        Self(digest.as_bytes()[..16].try_into().expect("a digest is longer than 16 bytes"))
    }
}
