//! What one feed sends next: windows, conflation, catching up. Sans-I/O.
//!
//! A session owns one of these for each open feed, tells it what happened and does what it says. Memory for a stuck
//! watcher is bounded: the latest state of each presentity, a bounded queue, a window.
//! Must never hold: a socket, a clock, or the bytes of a cursor (positions only).

mod inbox;
mod presence;
mod window;

pub use inbox::{InboxFeed, InboxStep};
pub use presence::{PresenceFeed, PresenceStep};
pub use window::Window;
