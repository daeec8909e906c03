//! Messages and receipts of a moment ago, for the feeds that are about to send them.
//!
//! Must never hold: more bytes than its bound, or anything that is not in the log already.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::{InboxItem, Sequence};

/// What an item takes beside its text: addresses, ids and the cache's own entry.
const OVERHEAD_BYTES: usize = 512;

/// Recent messages by their place in the log, the oldest leaving first.
pub(super) struct RecentMessages {
    bytes_max: usize,
    kept: Mutex<Kept>,
    clearings: AtomicU64,
}

#[derive(Default)]
struct Kept {
    bytes: usize,
    messages: VecDeque<(Sequence, Arc<InboxItem>)>,
}

impl RecentMessages {
    /// A cache of at most `bytes_max` bytes.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, kept: Mutex::default(), clearings: AtomicU64::new(0) }
    }

    /// Adds messages in ascending order of their place, all behind those added before.
    pub(super) fn add(&self, messages: impl IntoIterator<Item = (Sequence, InboxItem)>) {
        let mut kept = self.lock();
        for (at, message) in messages {
            debug_assert!(kept.messages.back().is_none_or(|(last, _)| *last < at));
            kept.bytes += cost(&message);
            kept.messages.push_back((at, Arc::new(message)));
        }
        while kept.bytes > self.bytes_max {
            let Some((_, oldest)) = kept.messages.pop_front() else { return };
            kept.bytes -= cost(&oldest);
        }
    }

    /// Lets go of all, because somebody was erased.
    pub(super) fn clear(&self) {
        let mut kept = self.lock();
        *kept = Kept::default();
        self.clearings.fetch_add(1, Ordering::Release);
    }

    /// How often all was let go of: what was read of the log before may tell what it cannot tell any more.
    pub(super) fn clearings(&self) -> u64 {
        self.clearings.load(Ordering::Acquire)
    }

    /// The message at `at`, if it is still here.
    pub(super) fn find(&self, at: Sequence) -> Option<Arc<InboxItem>> {
        let kept = self.lock();
        let index = kept.messages.binary_search_by_key(&at, |(place, _)| *place).ok()?;
        Some(Arc::clone(&kept.messages[index].1))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cost(item: &InboxItem) -> usize {
    item.payload_bytes() + OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContentType, InboxSequence, Message, MessageId, Payload, Timestamp};

    fn message(number: u64, body: &str) -> (Sequence, InboxItem) {
        let message = Message {
            inbox: "im:bob@d.example".parse().unwrap(),
            sequence: InboxSequence::new(number),
            sender: "alice@d.example".parse().unwrap(),
            id: MessageId::new("m").unwrap(),
            content_type: ContentType::new("text/plain").unwrap(),
            body: Payload::text(body),
            accepted_at: Timestamp::from_ms(1),
            lifetime: None,
        };
        (Sequence::new(number * 10), InboxItem::Message(message))
    }

    #[test]
    fn a_recent_message_is_found_by_its_place() {
        let cache = RecentMessages::new(1 << 20);
        cache.add([message(1, "a"), message(2, "b")]);
        assert_eq!(cache.find(Sequence::new(20)).unwrap().sequence(), InboxSequence::new(2));
        assert_eq!(cache.find(Sequence::new(15)), None);
    }

    #[test]
    fn the_oldest_leaves_when_the_bound_is_reached() {
        let cache = RecentMessages::new(2 * (OVERHEAD_BYTES + 1));
        cache.add([message(1, "a"), message(2, "b"), message(3, "c")]);
        assert_eq!(cache.find(Sequence::new(10)), None);
        assert!(cache.find(Sequence::new(20)).is_some());
        assert!(cache.find(Sequence::new(30)).is_some());
    }

    #[test]
    fn nothing_is_found_any_more_once_all_was_let_go_of() {
        let cache = RecentMessages::new(1 << 20);
        cache.add([message(1, "a"), message(2, "b")]);
        cache.clear();
        assert_eq!((cache.find(Sequence::new(10)), cache.find(Sequence::new(20))), (None, None));
        assert_eq!((cache.lock().bytes, cache.clearings()), (0, 1));
        cache.add([message(3, "c")]);
        assert!(cache.find(Sequence::new(30)).is_some());
    }

    #[test]
    fn a_message_larger_than_the_bound_is_not_kept() {
        let cache = RecentMessages::new(10);
        cache.add([message(1, "a")]);
        assert_eq!(cache.find(Sequence::new(10)), None);
        assert_eq!(cache.lock().bytes, 0);
    }
}
