//! The sans-I/O core: inputs in, decide, events, apply, outputs out.
//!
//! The one law: hand in inputs with [`Service::handle`], drain [`Service::take_batch`] to the log, and release
//! [`Service::take_outputs`] only after that batch is synced. Outputs are never replayed.
//! Must never hold: a clock, randomness, a task, a socket, a file or a log line. Time arrives as `now`, by two clocks.

mod access;
mod anonymous;
mod askers;
mod budget;
mod case;
mod clock;
mod compose;
mod composed;
mod composing;
mod core;
mod decide;
mod due;
pub mod feed;
mod input;
mod lens;
mod live;
mod nobody;
mod observe;
mod open;
mod opens;
mod operator;
mod output;
mod past;
mod query;
mod retention;
mod review;
mod reviews;
mod room;
mod shown;
mod tell;
mod turns;
mod wants;
mod watchers;
mod watching;
mod withheld;

pub use self::core::Service;
pub use access::judge;
pub use askers::{Asker, Askers};
pub use clock::resumed_at;
pub use compose::compose;
pub use composed::Composed;
pub use input::{
    Actor, Enroll, FeedId, Hello, Input, OperatorRecovery, Origin, Query, ServiceConfig, SessionId,
    Ticket,
};
pub use lens::Lens;
pub use output::{
    Batch, History, InboxOpened, InboxRow, Output, PresenceItem, PresenceOpened, Reply, Restored,
    Walk,
};
pub use past::{Judged, Span};
pub use retention::{InboxPlace, KeptSince};
pub use shown::view;
pub use turns::Turns;
