//! RFC 2778's nouns, valid by construction.
//!
//! Holds: addresses, presence documents, messages, subscriptions, devices, units, limits and the refusals
//! a peer can see. A value that exists here has passed every check, so no layer below the edge checks again.
//! Must never hold: a clock, randomness, I/O, a task, a log line, or knowledge of any other layer.

mod address;
mod identity;
pub mod limits;
mod message;
mod payload;
mod presence;
mod refusal;
mod subscription;
mod units;

pub use address::{Domain, InboxAddress, Presentity, Principal};
pub use identity::{DeviceId, DeviceLabel, InviteId, PublicKey, Role};
pub use message::{ContentType, Message, MessageId};
pub use payload::Payload;
pub use presence::{
    Basic, Contact, Document, Note, Priority, PublicationName, Tag, Tuple, TupleId,
};
pub use refusal::{Refusal, RefusalCode};
pub use subscription::{EndReason, Mode, SubscriptionState};
pub use units::{InboxSequence, Lifetime, Moment, OperationId, Sequence, Timestamp};
