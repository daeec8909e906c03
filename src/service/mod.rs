//! The sans-I/O core: inputs in, decide, events, apply, outputs out.
//!
//! The one law: hand in inputs with [`Service::handle`], drain [`Service::take_batch`] to the log, and release
//! [`Service::take_outputs`] only after that batch is synced. Outputs are never replayed.
//! Must never hold: a clock, randomness, a task, a socket, a file or a log line. Time arrives as `now`.

mod api;
mod compose;
mod core;
mod decide;
pub mod feed;
mod live;
mod open;
mod query;

pub use self::core::Service;
pub use api::{
    Actor, Batch, Command, Enroll, FeedId, Hello, History, InboxRow, Input, Key, Output,
    PresenceItem, PresenceOpened, Publish, Query, Reply, Send, ServiceConfig, SessionId,
    SubscriptionRow, Ticket, Walk,
};
pub use compose::{compose, view};
