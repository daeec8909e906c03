//! Who is composing, on its way into a live inbox feed.
//!
//! Must never hold: more than the latest indication of a few senders. One that comes too early or too often is forgotten.

use std::sync::Arc;

use crate::model::Principal;
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

    /// Nobody is told any more what `sender` wrote.
    pub(super) fn erase(&mut self, sender: &Principal) {
        self.waiting.retain(|known| known.sender != *sender);
    }

    /// Tells all that wait.
    pub(super) fn tell(&mut self, out: &mut Vec<u8>) {
        self.waiting.drain(..).for_each(|item| write(&*item, out));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ContentType;

    fn by(number: usize) -> Arc<Composing> {
        Arc::new(Composing {
            inbox: "im:alice@d.example".parse().unwrap(),
            sender: format!("s{number}@d.example").parse().unwrap(),
            content_type: ContentType::new("text/plain").unwrap(),
            body: "x".into(),
        })
    }

    #[test]
    fn what_waits_of_the_erased_is_not_told() {
        let mut heard = ComposingHeard { is_live: true, ..ComposingHeard::default() };
        (0..2).for_each(|number| heard.hear(by(number)));
        heard.erase(&by(0).sender);
        assert_eq!(heard.waiting, [by(1)]);
    }

    #[test]
    fn of_more_senders_than_are_held_the_oldest_makes_room() {
        let mut heard = ComposingHeard { is_live: true, ..ComposingHeard::default() };
        let held = |heard: &ComposingHeard, number| {
            heard.waiting.iter().any(|item| item.sender == by(number).sender)
        };
        (0..COMPOSING_HELD_MAX).for_each(|number| heard.hear(by(number)));
        assert!(held(&heard, 0));
        heard.hear(by(COMPOSING_HELD_MAX));
        assert_eq!(heard.waiting.len(), COMPOSING_HELD_MAX);
        assert_eq!(
            [0, 1, COMPOSING_HELD_MAX].map(|number| held(&heard, number)),
            [false, true, true]
        );
        heard.hear(by(1));
        heard.hear(by(COMPOSING_HELD_MAX + 1));
        assert!(
            held(&heard, 1) && !held(&heard, 2),
            "an indication takes the place of its sender's last"
        );
    }
}
