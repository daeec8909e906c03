//! RFC 2778's nouns, valid by construction.
//!
//! Holds: addresses, presence documents, messages, subscriptions, devices, units, limits and the refusals
//! a peer can see. A value that exists here has passed every check, so no layer below the edge checks again.
//! Must never hold: a clock, randomness, I/O, a task, a log line, or knowledge of any other layer.

mod access;
mod address;
#[cfg(test)]
mod address_tests;
mod administration;
mod clock;
mod delivery;
mod epoch;
mod grant;
mod identity;
pub mod limits;
mod message;
mod payload;
mod presence;
mod receipt;
mod refusal;
mod refusal_code;
mod spelling;
mod subscription;
mod tuple_id;
mod units;
mod watcher;

pub use access::{AccessRule, AccessRules, Decision, Handling, RuleName, Shown, WatcherKind, Who};
pub use address::{Domain, InboxAddress, Presentity, Principal};
pub use administration::{AdministratorAct, DomainRow};
pub use clock::{Ahead, Now};
pub use delivery::{Delivery, DeliveryChange, DeliveryRule, DeliveryRules, MediaRange, WhenClosed};
pub use epoch::EpochId;
pub use grant::{Rights, VisibilityRules};
pub use identity::{DeviceId, DeviceLabel, InviteId, PublicKey, Role};
pub use message::{ContentType, Message, MessageId};
pub use payload::Payload;
pub use presence::{Basic, Contact, Document, Note, Priority, PublicationName, Tag, Tuple};
pub use receipt::{InboxItem, Receipt, ReceiptKind, Receipts};
pub use refusal::Refusal;
pub use refusal_code::RefusalCode;
pub use subscription::{EndReason, Mode, SubscriptionState};
pub use tuple_id::TupleId;
pub use units::{InboxSequence, Lifetime, Moment, OperationId, Sequence, Timestamp};
pub use watcher::WatcherRow;
