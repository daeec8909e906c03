//! How much there is of what is counted.
//!
//! Must never hold: how it is counted.

/// How much the views hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Publications that live.
    pub publications: u64,
    /// Subscriptions that live.
    pub subscriptions: u64,
    /// Messages kept.
    pub messages: u64,
}
