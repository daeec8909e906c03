//! The numbers of the workloads that are compared with servers of other makes: the same for all, or the comparison tells nothing.
//!
//! Must never hold: a number that one side alone uses.

/// Messages of `store`, each to one of so many inboxes, over so many connections, so many unanswered on each.
pub(super) const STORE_COUNT: usize = 200_000;
pub(super) const STORE_INBOXES: usize = 1_000;
pub(super) const STORE_CONNECTIONS: usize = 32;
pub(super) const STORE_WINDOW: usize = 64;
/// Messages of `ack`, one at a time.
pub(super) const ACK_COUNT: usize = 5_000;
/// Watchers of `fanout`, changes as fast as answers come with so many unanswered, and those at a distance in milliseconds.
pub(super) const FANOUT_WATCHERS: usize = 200;
pub(super) const FANOUT_CHANGES: usize = 2_000;
pub(super) const FANOUT_WINDOW: usize = 64;
pub(super) const FANOUT_PACED: usize = 300;
pub(super) const FANOUT_SPACING_MS: u64 = 10;
/// Messages of `drain`.
pub(super) const DRAIN_COUNT: usize = 10_000;
/// This part of a load goes ahead of what is measured.
pub(super) const WARM_UP_PART: usize = 10;
