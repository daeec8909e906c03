//! The sans-I/O core: inputs in, decide, events, apply, outputs out.
//!
//! The one law: hand in inputs with [`Service::handle`], drain [`Service::take_batch`] to the log, and release
//! [`Service::take_outputs`] only after that batch is synced. Outputs are never replayed.
//! Must never hold: a clock, randomness, a task, a socket, a file or a log line. Time arrives as `now`.

mod access;
mod api;
mod command;
mod compose;
mod core;
mod decide;
pub mod feed;
mod live;
mod observe;
mod open;
mod query;
mod reply;
mod tell;
mod watchers;

pub use self::core::Service;
pub use access::{Lens, judge};
pub use api::{
    Actor, Batch, Enroll, FeedId, Hello, History, InboxRow, Input, Output, PresenceItem,
    PresenceOpened, ServiceConfig, SessionId, Ticket, Walk,
};
pub use command::{ChangeRules, Command, Publish, RulesOwner, Send};
pub use compose::{compose, view};
pub use reply::{ActRow, Key, Query, Reply, SubscriptionRow};
