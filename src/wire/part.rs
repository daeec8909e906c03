//! What bodies are made of: structures that occur inside more than one kind, or as a field of one.
//!
//! They carry no `ext` and so are frozen for ever: a field added here would shift everything behind it.
//! Must never hold: a recursive, zero-sized, float or `usize` field; a changed field order.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// An addition by a later version: unknown tags are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ext {
    /// What it is.
    pub tag: u16,
    /// Its bytes.
    pub value: Bytes,
}

/// What a person wrote, or `None` once it was erased.
pub type Written = Option<Bytes>;

/// A wish to have a key enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enroll {
    /// The invite's token; empty under open enrollment.
    pub token: Bytes,
    /// What the owner calls the device.
    pub label: String,
}

/// Presence information.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// At most 100.
    pub tuples: Vec<Tuple>,
    /// About the whole presentity.
    pub notes: Vec<Note>,
    /// Extension elements, opaque UTF-8.
    pub markup: Vec<Written>,
}

/// A presence tuple.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tuple {
    /// Its name.
    pub id: String,
    /// 0: none. 1: open. 2: closed.
    pub basic: u8,
    /// Extension elements of the status.
    pub status_markup: Vec<Written>,
    /// The communication address.
    pub contact: Option<Contact>,
    /// Notes, one per language.
    pub notes: Vec<Note>,
    /// When the status last changed.
    pub timestamp_ms: Option<u64>,
    /// Extension elements.
    pub markup: Vec<Written>,
}

/// A communication address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// An absolute URI.
    pub uri: Written,
    /// Thousandths, 0 to 1000.
    pub priority: Option<u16>,
}

/// A note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// RFC 5646 tag or empty.
    pub language: String,
    /// UTF-8.
    pub text: Written,
}

/// The state of one presentity as one watcher is shown it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceBody {
    /// `pres:` URI.
    pub presentity: String,
    /// 1: active. 2: terminated.
    pub state: u8,
    /// 0: none. 1: timeout. 2: deactivated.
    pub reason: u8,
    /// What is shown; empty when terminated.
    pub document: Document,
}

/// A message as it lies in an inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageBody {
    /// `im:` URI.
    pub inbox: String,
    /// Its position there.
    pub sequence: u64,
    /// `local@domain` of the authenticated sender.
    pub sender: String,
    /// The sender's name for it.
    pub id: String,
    /// MIME type.
    pub content_type: String,
    /// The body; none once erased.
    pub body: Written,
    /// When it became durable.
    pub accepted_at_ms: u64,
    /// Time to live from then on.
    pub lifetime_ms: Option<u64>,
}
