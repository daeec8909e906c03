//! Who may open one more feed.
//!
//! Must never hold: what a feed begins with (see `open`).

use super::Actor;
use super::core::Service;
use crate::model::{Quota, Refusal, Timestamp};

impl Service {
    /// Whether `actor` may open one more feed, and counts it.
    pub(super) fn check_opens(&mut self, now: Timestamp, actor: &Actor) -> Result<(), Refusal> {
        self.check_actor(actor)?;
        let max = self.case(now).quota(&actor.principal, Quota::Feeds);
        self.feeds_opened.count(now, &actor.principal, max)
    }
}
