//! How far one feed was received, handed out, taken, saved and acknowledged, over any number of connections.
//!
//! An item goes through these in order. Received: it lies in memory, and the next connection begins behind it. Handed
//! out: the application has it, once. Taken: the application says so, and all items before it are taken with it.
//! Saved: the position is in a file, so that the next process begins behind it. Only then it is acknowledged.
//! Must never hold: what an item means; a file; more than [`ITEMS_HELD_MAX`] items once the caller heeds `has_room`.

use std::collections::VecDeque;

use bytes::Bytes;
use thiserror::Error;

use crate::model::InboxSequence;
use crate::model::limits::{WINDOW_BYTES_MAX, WINDOW_EVENTS_MAX};
use crate::protocol::Outcome;

/// Items held that are not taken: two windows, one of the connection before and one of this one.
const ITEMS_HELD_MAX: usize = 2 * WINDOW_EVENTS_MAX as usize;

/// How far a feed was taken. The default is the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The server's sealed bytes; empty at the beginning.
    pub cursor: Bytes,
    /// For an inbox, the last message taken since the server has had this past. Zero for presence.
    pub sequence: InboxSequence,
}

/// A position that is taken and must be saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsaved {
    /// What to put into the file.
    pub position: Position,
    era: u64,
}

/// What the items of a feed are, and so what to do when the server sends them again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedKind {
    /// States that replace one another: what comes anew is handed out anew.
    Presence,
    /// Numbered messages: one that was handed out is dropped when it comes again, unless the server has another past.
    Inbox,
    /// Numbered messages that are only looked at: nothing is ever saved or acknowledged.
    InboxKept,
}

/// What the server said when it opened the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// How it begins.
    pub outcome: Outcome,
    /// How many items come before the feed is caught up.
    pub pending: u64,
    /// Whether each change of subscriptions in mode `every` is still known.
    pub complete: bool,
    /// The last message received of an inbox before; zero for presence.
    pub had: InboxSequence,
}

/// An item as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived<T> {
    /// Its number on this feed, from 1.
    pub number: u64,
    /// Where the feed stands after it.
    pub cursor: Bytes,
    /// Its position in the inbox; zero for presence.
    pub sequence: InboxSequence,
    /// The bytes of its frame, which count against the window.
    pub bytes: usize,
    /// The item.
    pub item: T,
}

/// Names an item for as long as this process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemNumber(u64);

/// An item on its way to the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handed<T> {
    /// What to call it when it is taken.
    pub number: ItemNumber,
    /// Where the feed stands after it.
    pub cursor: Bytes,
    /// Whether it was sent because the cursor was of no use: it replaces what was known.
    pub anew: bool,
    /// The item.
    pub item: T,
}

/// What a server may not do on a feed. The connection is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FeedFault {
    /// Numbers are not 1, 2, 3.
    #[error("event {found} of a feed came where {expected} is due")]
    Gap {
        /// The number that came.
        found: u64,
        /// The number that is due.
        expected: u64,
    },
    /// An event before the feed was open, or the opening twice.
    #[error("a feed was not opened by exactly one FeedReady")]
    NotOpen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Closed,
    Asked,
    CatchingUp,
    Live,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    number: ItemNumber,
    cursor: Option<Bytes>,
    sequence: InboxSequence,
    anew: bool,
    shown_cursor: Bytes,
    item: Option<T>,
}

/// The state of one feed at the client.
#[derive(Clone, Debug)]
pub struct FeedResume<T> {
    kind: FeedKind,
    phase: Phase,
    /// Whether what is caught up with is everything anew, over however many connections that takes.
    anew: bool,
    due: u64,
    bytes: usize,
    received: Position,
    entries: VecDeque<Entry<T>>,
    handed: usize,
    numbered: u64,
    /// How often the server forgot its cursors. One from an earlier era must never be sent back.
    era: u64,
    taken: Position,
    taken_era: u64,
    saved: Position,
    saved_era: u64,
    acknowledgement: Option<Bytes>,
    /// Taken before, acknowledged as soon as the position saved covers it.
    covered: Option<(InboxSequence, Bytes)>,
    sent: Option<Bytes>,
    unconfirmed: u32,
    confirmed: Option<Bytes>,
}

impl<T> FeedResume<T> {
    /// A feed that was taken up to `position` by processes before this one.
    pub fn new(kind: FeedKind, position: Position) -> Self {
        Self {
            kind,
            phase: Phase::Closed,
            anew: false,
            due: 1,
            bytes: 0,
            received: position.clone(),
            entries: VecDeque::new(),
            handed: 0,
            numbered: 0,
            era: 0,
            taken: position.clone(),
            taken_era: 0,
            saved: position,
            saved_era: 0,
            acknowledgement: None,
            covered: None,
            sent: None,
            unconfirmed: 0,
            confirmed: None,
        }
    }

    /// A feed that shows everything from the start again. The position saved before, `position`, never moves back.
    pub fn from_start(kind: FeedKind, position: Position) -> Self {
        Self { received: Position::default(), ..Self::new(kind, position) }
    }

    /// There is a connection: returns the cursor to open the feed at, empty for the beginning.
    pub fn open(&mut self) -> Bytes {
        self.phase = Phase::Asked;
        (self.due, self.bytes) = (1, 0);
        (self.sent, self.unconfirmed) = (None, 0);
        let known = self.saved_era == self.era && !self.saved.cursor.is_empty();
        self.acknowledgement = known.then(|| self.saved.cursor.clone());
        self.received.cursor.clone()
    }

    /// The connection or the stream is gone.
    pub fn lost(&mut self) {
        self.phase = Phase::Closed;
    }

    /// The server opened the feed.
    ///
    /// It begins at the cursor `from`.
    ///
    /// # Errors
    /// [`FeedFault::NotOpen`] unless [`FeedResume::open`] came right before.
    pub fn ready(&mut self, outcome: Outcome, from: Bytes) -> Result<(), FeedFault> {
        if self.phase != Phase::Asked {
            return Err(FeedFault::NotOpen);
        }
        // A fresh start where a cursor was given is the same as a cursor of no use.
        let anew =
            outcome.is_anew() || outcome == Outcome::Fresh && !self.received.cursor.is_empty();
        self.phase = Phase::CatchingUp;
        if anew {
            self.anew = true;
            self.forget_past(from);
        }
        Ok(())
    }

    /// The server has another past than the one that was received. Its cursors are worth nothing to it, and what it
    /// numbers as before may be something else, so that nothing that comes may be dropped for its number.
    fn forget_past(&mut self, from: Bytes) {
        for entry in &mut self.entries {
            (entry.cursor, entry.sequence) = (None, InboxSequence::ZERO);
        }
        self.acknowledgement = None;
        self.covered = None;
        self.era += 1;
        let begin = Position { cursor: from, sequence: InboxSequence::ZERO };
        self.received = begin.clone();
        if self.kind == FeedKind::Inbox {
            // It is known from now on that this is where the device stands, also if nothing comes.
            (self.taken, self.taken_era) = (begin, self.era);
        }
    }

    /// An item arrived.
    ///
    /// # Errors
    /// [`FeedFault`] if it may not come now.
    pub fn arrived(&mut self, arrived: Arrived<T>) -> Result<(), FeedFault> {
        if matches!(self.phase, Phase::Closed | Phase::Asked) {
            return Err(FeedFault::NotOpen);
        }
        if arrived.number != self.due {
            return Err(FeedFault::Gap { found: arrived.number, expected: self.due });
        }
        self.due += 1;
        self.bytes += arrived.bytes;
        self.received.cursor = arrived.cursor.clone();
        if self.kind != FeedKind::Presence && arrived.sequence <= self.received.sequence {
            self.arrived_again(arrived.sequence, arrived.cursor);
        } else {
            self.received.sequence = arrived.sequence;
            self.push(arrived);
        }
        Ok(())
    }

    fn push(&mut self, arrived: Arrived<T>) {
        self.numbered += 1;
        self.entries.push_back(Entry {
            number: ItemNumber(self.numbered),
            cursor: Some(arrived.cursor.clone()),
            sequence: arrived.sequence,
            anew: self.anew,
            shown_cursor: arrived.cursor,
            item: Some(arrived.item),
        });
    }

    /// A message that was received before is dropped, but its cursor is one that the server knows.
    fn arrived_again(&mut self, sequence: InboxSequence, cursor: Bytes) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.sequence == sequence) {
            entry.cursor = Some(cursor);
        } else if sequence == self.taken.sequence {
            self.move_to(cursor);
        } else {
            self.acknowledge_covered(sequence, cursor);
        }
    }

    /// An old message has nothing to save, but the server's window must open.
    fn acknowledge_covered(&mut self, sequence: InboxSequence, cursor: Bytes) {
        if sequence <= self.saved.sequence {
            self.acknowledgement = Some(cursor);
        } else {
            self.covered = Some((sequence, cursor));
        }
    }

    /// Everything that was missed has arrived; from here on the feed is live.
    ///
    /// # Errors
    /// [`FeedFault::NotOpen`] if it may not come now.
    pub fn caught_up(&mut self, cursor: Bytes) -> Result<(), FeedFault> {
        if self.phase != Phase::CatchingUp {
            return Err(FeedFault::NotOpen);
        }
        (self.phase, self.anew) = (Phase::Live, false);
        if self.kind != FeedKind::Presence {
            // The position of an inbox is that of a message, so there is nothing beyond the last one to know.
            return Ok(());
        }
        self.received.cursor = cursor.clone();
        match self.entries.back_mut() {
            Some(last) => last.cursor = Some(cursor),
            None => self.move_to(cursor),
        }
        Ok(())
    }

    /// The last message received of an inbox; zero for presence.
    pub fn received(&self) -> InboxSequence {
        self.received.sequence
    }

    /// Whether one more item should be read: a reader that stops makes the server stop.
    pub fn has_room(&self) -> bool {
        self.entries.len() < ITEMS_HELD_MAX
    }

    /// Whether the feed is open and everything that was missed has arrived.
    pub fn is_caught_up(&self) -> bool {
        self.phase == Phase::Live
    }

    /// Whether an item waits to be handed out.
    pub fn has_item(&self) -> bool {
        self.handed < self.entries.len()
    }

    /// The next item for the application; each is handed out once.
    ///
    /// # Panics
    /// Never: entries behind those handed out hold their item.
    pub fn next_item(&mut self) -> Option<Handed<T>> {
        let entry = self.entries.get_mut(self.handed)?;
        let (number, anew) = (entry.number, entry.anew);
        let cursor = entry.shown_cursor.clone();
        let item = entry.item.take().expect("entries behind those handed out hold their item");
        if self.kind == FeedKind::InboxKept {
            self.entries.pop_front();
        } else {
            self.handed += 1;
        }
        Some(Handed { number, cursor, anew, item })
    }

    /// The application has taken `number` for good, and with it everything before.
    pub fn taken(&mut self, number: ItemNumber) {
        while self.handed > 0
            && let Some(entry) = self.entries.pop_front_if(|entry| entry.number <= number)
        {
            self.handed -= 1;
            self.take(entry);
        }
    }

    fn take(&mut self, entry: Entry<T>) {
        let beyond = self.kind == FeedKind::Presence || entry.sequence > self.taken.sequence;
        match (beyond, entry.cursor) {
            (true, Some(cursor)) => {
                self.taken.sequence = entry.sequence;
                self.move_to(cursor);
            }
            (false, Some(cursor)) => self.acknowledge_covered(entry.sequence, cursor),
            // It is of another past than the server's, which has no place for it.
            (_, None) => {}
        }
    }

    fn move_to(&mut self, cursor: Bytes) {
        self.taken.cursor = cursor;
        self.taken_era = self.era;
    }

    /// The position that is taken and must be saved now, if it moved.
    #[must_use]
    pub fn unsaved(&self) -> Option<Unsaved> {
        let moved = self.kind != FeedKind::InboxKept && self.taken != self.saved;
        moved.then(|| Unsaved { position: self.taken.clone(), era: self.taken_era })
    }

    /// A position was saved for good.
    pub fn saved(&mut self, Unsaved { position, era }: Unsaved) {
        if era == self.era && position.cursor != self.saved.cursor {
            self.acknowledgement = Some(position.cursor.clone());
        } else if let Some((_, cursor)) =
            self.covered.take_if(|(sequence, _)| *sequence <= position.sequence)
        {
            self.acknowledgement = Some(cursor);
        }
        (self.saved, self.saved_era) = (position, era);
    }

    /// The cursor to acknowledge now on the open feed, if one is due.
    #[must_use]
    pub fn next_acknowledgement(&mut self) -> Option<Bytes> {
        let open = matches!(self.phase, Phase::CatchingUp | Phase::Live);
        if !open || self.kind == FeedKind::InboxKept {
            return None;
        }
        let cursor = self.acknowledgement.take()?;
        self.sent = Some(cursor.clone());
        self.unconfirmed += 1;
        Some(cursor)
    }

    /// The server made an acknowledgement durable.
    pub fn acknowledged(&mut self, cursor: &Bytes) {
        self.unconfirmed = self.unconfirmed.saturating_sub(1);
        // A server may answer several at once, with the last one's cursor.
        if self.unconfirmed == 0 || self.sent.as_ref() == Some(cursor) {
            self.unconfirmed = 0;
            self.confirmed = self.sent.clone();
        }
    }

    /// Whether everything taken is saved, and for an inbox also acknowledged durably.
    pub fn is_settled(&self) -> bool {
        if self.kind != FeedKind::Inbox {
            return self.unsaved().is_none();
        }
        // What cannot be acknowledged any more is as settled as it can be: the server sends it again, and it is dropped.
        let impossible = self.saved.cursor.is_empty() || self.saved_era != self.era;
        let confirmed = self.confirmed.as_ref() == Some(&self.saved.cursor);
        self.unsaved().is_none() && (impossible || confirmed)
    }

    /// Whether `position` covers the item `number`: it is taken and saved.
    pub fn is_saved(&self, number: ItemNumber) -> bool {
        let held = self.entries.front().is_some_and(|entry| entry.number <= number);
        !held && self.unsaved().is_none()
    }

    /// Whether the feed should be opened again from where it is, because it is never acknowledged and the server's
    /// window would close: after half of it.
    #[must_use]
    pub fn must_reopen(&self) -> bool {
        self.kind == FeedKind::InboxKept
            && (self.due > u64::from(WINDOW_EVENTS_MAX / 2) || self.bytes > WINDOW_BYTES_MAX / 2)
    }
}

#[cfg(test)]
mod tests;
