//! RFC 2778's nouns, valid by construction.
//!
//! Holds: addresses, presence documents, messages, subscriptions, devices, units, limits and the refusals
//! a peer can see. A value that exists here has passed every check, so no layer below the edge checks again.
//! Must never hold: a clock, randomness, I/O, a task, a log line, or knowledge of any other layer.

mod access;
mod address;
mod administration;
mod clock;
mod composing;
mod delivery;
mod epoch;
mod grant;
mod identity;
pub mod limits;
mod message;
mod name_rule;
mod payload;
mod presence;
mod publication;
mod quota;
pub(crate) mod readable;
mod receipt;
mod recovery;
mod refusal;
mod refusal_code;
mod retention;
mod rule_set;
mod spelling;
mod subscription;
mod text;
mod tuple_id;
mod units;
mod watcher;
mod window;
mod word;

pub use access::*;
pub use address::*;
pub use administration::*;
pub use clock::*;
pub use composing::*;
pub use delivery::*;
pub use epoch::*;
pub use grant::*;
pub use identity::*;
pub use message::*;
pub use name_rule::*;
pub use payload::*;
pub use presence::*;
pub use publication::*;
pub use quota::*;
pub use receipt::*;
pub use recovery::*;
pub use refusal::*;
pub use refusal_code::*;
pub use retention::*;
pub use rule_set::*;
pub use subscription::*;
pub use tuple_id::*;
pub use units::*;
pub use watcher::*;
pub use window::*;
pub(crate) use word::words;
