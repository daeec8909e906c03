//! What an inbox feed sends next.
//!
//! Messages are never conflated: what does not fit the queue waits in the log and is asked for page by page.
//! Must never hold: a body.

use std::collections::VecDeque;

use super::Window;
use crate::model::InboxSequence;
use crate::model::limits::FEED_QUEUE_MAX;
use crate::service::InboxRow;

/// What to do next for an inbox feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboxStep {
    /// Read this message from the log, send it, then call [`InboxFeed::sent`] with the bytes it took.
    Send {
        /// The event's number in the feed, from 1.
        number: u64,
        /// Where the message lies; its sequence is where the feed stands after it.
        row: InboxRow,
    },
    /// Ask the service for the page behind this position and hand it to [`InboxFeed::page`].
    Page {
        /// Everything up to here was sent.
        after: InboxSequence,
    },
    /// Tell that the feed is caught up; said once.
    CaughtUp {
        /// Where it stands.
        position: InboxSequence,
    },
    /// Nothing until something is offered, acknowledged or answered.
    Wait,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paging {
    /// Rows must be asked for before anything offered counts.
    Needed,
    /// They were asked for; `again` if a message was offered since that the answer may lack.
    Asked { again: bool },
    /// Every message up to the last offered one is in the queue or was sent.
    Complete,
}

/// The state of one inbox feed.
#[derive(Debug)]
pub struct InboxFeed {
    opened: bool,
    announced: bool,
    number: u64,
    position: InboxSequence,
    known: InboxSequence,
    window: Window<InboxSequence>,
    queue: VecDeque<InboxRow>,
    paging: Paging,
}

impl InboxFeed {
    /// A feed with a window of `events_max` events (0: the default).
    pub fn new(events_max: u32) -> Self {
        Self {
            opened: false,
            announced: false,
            number: 0,
            position: InboxSequence::ZERO,
            known: InboxSequence::ZERO,
            window: Window::new(events_max),
            queue: VecDeque::new(),
            paging: Paging::Needed,
        }
    }

    /// The service opened the feed, to begin after `after`.
    pub fn opened(&mut self, after: InboxSequence) {
        self.opened = true;
        self.position = after;
        self.known = after;
    }

    /// A message was told to this feed.
    pub fn offer(&mut self, row: InboxRow) {
        if row.sequence <= self.known {
            return;
        }
        match &mut self.paging {
            Paging::Needed => {}
            Paging::Asked { again } => *again = true,
            Paging::Complete if self.queue.len() == FEED_QUEUE_MAX => self.paging = Paging::Needed,
            Paging::Complete => {
                self.known = row.sequence;
                self.queue.push_back(row);
            }
        }
    }

    /// What to do next. Call again after each step until it says [`InboxStep::Wait`].
    pub fn next_step(&mut self) -> InboxStep {
        if !self.opened {
            return InboxStep::Wait;
        }
        if let Some(row) = self.window.has_room().then(|| self.queue.pop_front()).flatten() {
            self.number += 1;
            self.position = row.sequence;
            return InboxStep::Send { number: self.number, row };
        }
        if !self.queue.is_empty() {
            return InboxStep::Wait;
        }
        match self.paging {
            Paging::Needed => {
                self.paging = Paging::Asked { again: false };
                InboxStep::Page { after: self.known }
            }
            Paging::Complete if !self.announced => {
                self.announced = true;
                InboxStep::CaughtUp { position: self.position }
            }
            Paging::Asked { .. } | Paging::Complete => InboxStep::Wait,
        }
    }

    /// The service answered with the rows behind the position asked for; an empty page means there are no more.
    pub fn page(&mut self, rows: Vec<InboxRow>) {
        let complete = rows.is_empty() && self.paging == Paging::Asked { again: false };
        self.paging = if complete { Paging::Complete } else { Paging::Needed };
        self.known = rows.last().map_or(self.known, |row| row.sequence);
        self.queue.extend(rows);
    }

    /// The event of the last [`InboxStep::Send`] took `bytes`.
    pub fn sent(&mut self, bytes: usize) {
        self.window.sent(self.position, bytes);
    }

    /// The device has taken everything up to `position`.
    pub fn acknowledged(&mut self, position: InboxSequence) {
        self.window.acknowledged(position);
    }

    /// Where the feed stands: the last message it sent.
    pub fn position(&self) -> InboxSequence {
        self.position
    }
}
