//! Who is composing, on its way into a live inbox feed.
//!
//! Must never hold: more than the latest indication of a few senders. One that comes too early or too often is forgotten.

use std::sync::Arc;

use crate::model::limits::COMPOSING_HELD_MAX;
use crate::protocol::{Composing, write};

/// Indications that wait for room in the feed.
#[derive(Default)]
pub(super) struct ComposingHeard {
    /// Whether everything that waited was told: before that nobody reads along.
    pub(super) is_live: bool,
    waiting: Vec<Arc<Composing>>,
}

impl ComposingHeard {
    /// One was passed on to the feed; it takes the place of its sender's last.
    pub(super) fn hear(&mut self, item: Arc<Composing>) {
        if self.is_live {
            self.waiting.retain(|known| known.sender != item.sender);
            self.waiting.push(item);
            let over = self.waiting.len().saturating_sub(COMPOSING_HELD_MAX);
            self.waiting.drain(..over);
        }
    }

    /// Tells all that wait.
    pub(super) fn tell(&mut self, out: &mut Vec<u8>) {
        self.waiting.drain(..).for_each(|item| write(&*item, out));
    }
}
