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
    /// 1: active. 2: terminated. 3: pending.
    pub state: u8,
    /// 0: none. 1: timeout. 2: deactivated. 3: rejected. 4: giveup. 5: noresource.
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

/// What of a document is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Only the tuples of these ids; all if none.
    pub tuples: Option<Vec<String>>,
    /// Notes.
    pub notes: bool,
    /// Contact addresses.
    pub contact: bool,
    /// Extension elements.
    pub markup: bool,
}

/// An access rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRule {
    /// Its name.
    pub name: String,
    /// `everyone`, `anonymous`, `authenticated`, `@domain` or `local@domain`.
    pub who: String,
    /// For one that fetches. 0: says nothing. 1: block. 2: confirm. 3: polite-block. 4: allow.
    pub fetch: u8,
    /// The same for one that subscribes.
    pub subscribe: u8,
    /// What is shown where it allows.
    pub shown: Shown,
    /// It holds from then on.
    pub from_ms: Option<u64>,
    /// It holds until just before then.
    pub until_ms: Option<u64>,
}

/// A delivery rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRule {
    /// Its name.
    pub name: String,
    /// As in `AccessRule`.
    pub who: String,
    /// `type/subtype` or `type/*`; empty for any.
    pub content_type: String,
    /// Only messages with more bytes than this.
    pub larger_than: Option<u32>,
    /// 1: refuse. 2: discard. 3: quarantine. 4: accept.
    pub action: u8,
    /// For refuse: the owner's words.
    pub reason: String,
}

/// A visibility rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisibilityRule {
    /// As in `AccessRule`.
    pub who: String,
    /// Whether one is shown to them.
    pub is_shown: bool,
}

/// A watcher as watcher information shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatcherBody {
    /// `pres:` URI of the one watched.
    pub presentity: String,
    /// `local@domain` of the watcher.
    pub watcher: String,
    /// 0: only fetched. 1: active. 2: terminated. 3: pending. 4: waiting.
    pub state: u8,
    /// As in `PresenceBody`.
    pub reason: u8,
    /// What the rules grant it now, as in `AccessRule`.
    pub handling: u8,
    /// When it was first seen within 30 days.
    pub first_at_ms: u64,
    /// When it was last seen.
    pub last_at_ms: u64,
    /// How often it fetched.
    pub fetches: u64,
    /// How often it began to subscribe.
    pub subscriptions: u64,
}

/// A receipt as it lies in the sender's inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptBody {
    /// `im:` URI of the sender's inbox.
    pub inbox: String,
    /// Its position there.
    pub sequence: u64,
    /// 1: stored. 2: delivered. 3: displayed. 4: failed. 5: expired.
    pub kind: u8,
    /// The sender's name for the message.
    pub id: String,
    /// `im:` URI the message was sent to.
    pub recipient: String,
    /// When it happened.
    pub at_ms: u64,
    /// Why, for one that failed; else empty.
    pub reason: String,
}
