//! Bodies for an inbox feed: from the recent ones in memory, or from the log a stretch at a time.
//!
//! Messages of one inbox often lie next to each other, and reading one entry of the log finds them all; where they do
//! not, the stretch shrinks to the one asked for. Must never hold: a body longer than until it is sent or passed by.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::commit::history;
use crate::log::{LogFault, LogReader};
use crate::model::{InboxAddress, InboxItem, Sequence};
use crate::server::cache::RecentMessages;
use crate::service::InboxRow;

/// Events read at once at most; all of the largest size are 4 MiB.
const STRETCH_MAX: usize = 64;

/// Reads the messages of one feed in order.
pub(super) struct Messages {
    inbox: InboxAddress,
    reader: Arc<dyn LogReader>,
    recent: Arc<RecentMessages>,
    ahead: VecDeque<(Sequence, Arc<InboxItem>)>,
    /// How often the recent ones were let go of when that was read.
    clearings: u64,
    stretch: usize,
    used: usize,
}

impl Messages {
    /// Messages of `inbox`.
    pub(super) fn new(
        inbox: InboxAddress,
        reader: Arc<dyn LogReader>,
        recent: Arc<RecentMessages>,
    ) -> Self {
        let (ahead, clearings) = (VecDeque::new(), recent.clearings());
        Self { inbox, reader, recent, ahead, clearings, stretch: 4, used: 0 }
    }

    /// The message of `row`; `None` if what lies there is none of this inbox.
    ///
    /// # Errors
    /// [`LogFault`] if the log cannot be read there; [`LogFault::OlderThanKept`] if it was cut away.
    pub(super) async fn read(&mut self, row: InboxRow) -> Result<Option<Arc<InboxItem>>, LogFault> {
        let clearings = self.recent.clearings();
        if clearings != self.clearings {
            // Somebody was erased since: the log tells no more what it told then.
            self.ahead.clear();
        }
        while self.ahead.pop_front_if(|(at, _)| *at < row.at).is_some() {}
        if let Some((_, message)) = self.ahead.pop_front_if(|(at, _)| *at == row.at) {
            self.used += 1;
            return Ok(Some(message));
        }
        if let Some(message) = self.recent.find(row.at) {
            return Ok(Some(message));
        }
        self.adapt();
        self.clearings = clearings;
        self.ahead = self.read_stretch(row.at).await?;
        Ok(self.ahead.pop_front_if(|(at, _)| *at == row.at).map(|(_, message)| message))
    }

    /// Reads further ahead if the last stretch was mostly of use, less far if it was not.
    fn adapt(&mut self) {
        let was_of_use = self.used * 4 > self.stretch;
        self.stretch = if was_of_use { self.stretch * 2 } else { self.stretch / 2 };
        self.stretch = self.stretch.clamp(1, STRETCH_MAX);
        // The message asked for counts: a stretch of one is of use and may grow again.
        self.used = 1;
    }

    async fn read_stretch(
        &self,
        from: Sequence,
    ) -> Result<VecDeque<(Sequence, Arc<InboxItem>)>, LogFault> {
        let (reader, inbox, stretch) = (Arc::clone(&self.reader), self.inbox.clone(), self.stretch);
        let read = tokio::task::spawn_blocking(move || {
            let found = reader.read(from, stretch)?;
            if found.first().is_none_or(|first| first.sequence != from) {
                // Not there any more, or never was.
                let gone = reader.read_one(from).err();
                let is_over = |fault: &LogFault| matches!(fault, LogFault::OlderThanKept { .. });
                gone.filter(is_over).map_or(Ok(()), Err)?;
            }
            let messages = found.into_iter().filter_map(|recorded| {
                let at = recorded.sequence;
                let item = history::item_of(recorded)?;
                (*item.inbox() == inbox).then(|| (at, Arc::new(item)))
            });
            Ok(messages.collect())
        });
        read.await.unwrap_or_else(|panic| {
            Err(LogFault::Engine { action: "read", reason: panic.to_string() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, MessageAccepted, MessageDigest, Recorded};
    use crate::model::{Ahead, ContentType, DeviceId, InboxSequence, MessageId, Moment, Payload};
    use std::sync::atomic::{AtomicUsize, Ordering};

    const BOB: &str = "im:bob@d.example";

    /// A log of messages to alternating inboxes, which counts how often it is read.
    struct Stored {
        inboxes: Vec<&'static str>,
        reads: AtomicUsize,
    }

    impl LogReader for Stored {
        fn read(&self, from: Sequence, events_max: usize) -> Result<Vec<Recorded>, LogFault> {
            self.reads.fetch_add(1, Ordering::Relaxed);
            let from = usize::try_from(from.get()).unwrap();
            let found = (from..=self.inboxes.len()).take(events_max).map(|place| Recorded {
                sequence: Sequence::new(place as u64),
                at: Moment::from_us(1_000),
                ahead: Ahead::ZERO,
                event: accepted(self.inboxes[place - 1], place as u64),
            });
            Ok(found.collect())
        }
    }

    fn accepted(inbox: &str, sequence: u64) -> Event {
        Event::MessageAccepted(MessageAccepted {
            inbox: inbox.parse().unwrap(),
            sequence: InboxSequence::new(sequence),
            sender: "alice@d.example".parse().unwrap(),
            device: DeviceId([1; 8]),
            id: MessageId::new("m").unwrap(),
            content_type: ContentType::new("text/plain").unwrap(),
            body: Payload::text("hi"),
            lifetime: None,
            digest: MessageDigest([0; 16]),
        })
    }

    fn row(at: u64) -> InboxRow {
        InboxRow {
            sequence: InboxSequence::new(at),
            at: Sequence::new(at),
            is_withheld: false,
            ended: Moment::ZERO,
        }
    }

    fn messages(inboxes: Vec<&'static str>) -> (Messages, Arc<Stored>) {
        let stored = Arc::new(Stored { inboxes, reads: AtomicUsize::new(0) });
        let reader: Arc<dyn LogReader> = Arc::<Stored>::clone(&stored);
        let recent = Arc::new(RecentMessages::new(0));
        (Messages::new(BOB.parse().unwrap(), reader, recent), stored)
    }

    #[tokio::test]
    async fn neighbours_are_read_together() {
        let (mut messages, stored) = messages(vec![BOB; 1_000]);
        for place in 1..=1_000 {
            let found = messages.read(row(place)).await.unwrap().unwrap();
            assert_eq!(found.sequence(), InboxSequence::new(place));
        }
        assert!(stored.reads.load(Ordering::Relaxed) < 30);
    }

    #[tokio::test]
    async fn what_was_read_ahead_is_read_again_once_somebody_was_erased() {
        let (mut messages, stored) = messages(vec![BOB; 8]);
        let reads = || stored.reads.load(Ordering::Relaxed);
        messages.read(row(1)).await.unwrap();
        assert_eq!((reads(), messages.ahead.len()), (1, 1));
        messages.recent.clear();
        messages.read(row(2)).await.unwrap();
        assert_eq!(reads(), 2);
        messages.read(row(3)).await.unwrap();
        assert_eq!(reads(), 2, "what was read since is good");
    }

    #[tokio::test]
    async fn a_lonely_message_is_read_alone() {
        let others = (1..=1_000).map(|place| if place % 100 == 0 { BOB } else { "im:c@d.example" });
        let (mut messages, stored) = messages(others.collect());
        for place in (100..=1_000).step_by(100) {
            assert!(messages.read(row(place)).await.unwrap().is_some());
        }
        assert_eq!(stored.reads.load(Ordering::Relaxed), 10);
        assert!(messages.stretch <= 4);
    }

    #[tokio::test]
    async fn what_is_not_a_message_of_the_inbox_is_not_handed_out() {
        let (mut messages, _) = messages(vec!["im:carol@d.example"]);
        assert_eq!(messages.read(row(1)).await.unwrap(), None);
        assert_eq!(messages.read(row(9)).await.unwrap(), None);
    }
}
