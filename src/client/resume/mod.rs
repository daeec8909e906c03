//! What a client must remember to lose nothing and get nothing twice. Sans-I/O.
//!
//! Holds: the requests that are not answered yet ([`Requests`]), how far a feed was received, handed out and taken
//! ([`FeedResume`]), and how long to wait before the next attempt ([`BackOff`]). The caller brings bytes, time as a
//! span, and random numbers, so that a simulation can drive it.
//! Must never hold: a socket, a clock, randomness, a file, a task or a log line.

mod back_off;
mod feed;
mod requests;

pub use back_off::{BackOff, EARLY_ATTEMPTS, EARLY_MS_MAX, HEALTHY_MS, LATE_MS_MAX, USEFUL_MS};
pub use feed::{
    Arrived, FeedFault, FeedKind, FeedResume, Handed, ItemNumber, Opening, Position, Unsaved,
};
pub use requests::{Requests, RequestsFault, Resolved, Submission};
