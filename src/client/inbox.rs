//! Reading an inbox.
//!
//! Must never hold: a message that was taken.

use super::client::{Client, blocking};
use super::error::ClientError;
use super::exchange::{FeedEvent, FeedItem};
use super::feed::{Event, Feed, InHand, Subject};
use super::resume::{Arrived, FeedKind, FeedResume, Handed, Opening, Position};
use super::state::{CursorFile, CursorName};
use crate::model::{InboxAddress, InboxItem, Message, Receipt};
use crate::protocol::Field as _;
use crate::protocol::{Composing, FeedSubject};

impl FeedItem for InboxItem {
    fn arrived(event: FeedEvent) -> Result<Option<Arrived<Self>>, ClientError> {
        let (number, cursor, bytes, item) = match event {
            FeedEvent::Message { event, bytes } => {
                let read = Message::read(event.message, event.withheld);
                let read = read.map_err(ClientError::protocol)?;
                (event.number, event.cursor, bytes, Self::Message(read))
            }
            FeedEvent::Receipt { event, bytes } => {
                let read = Receipt::from_wire(event.receipt).map_err(ClientError::protocol)?;
                (event.number, event.cursor, bytes, Self::Receipt(read))
            }
            _ => return Ok(None),
        };
        Ok(Some(Arrived { number, cursor, sequence: item.sequence(), bytes, item }))
    }
}

/// Which inbox to read, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxOptions {
    /// Which; one's own if `None`.
    pub inbox: Option<InboxAddress>,
    /// Begins with the oldest message that is kept, also those this device has taken.
    pub from_start: bool,
    /// Only looks: nothing is taken, saved or acknowledged, so the next reader gets the same messages.
    pub keep: bool,
    /// Goes on with messages as they come; otherwise the reading ends when it is caught up.
    pub follow: bool,
}

/// A message or receipt in the application's hands.
#[derive(Debug)]
pub struct Received {
    /// The message or receipt.
    pub item: InboxItem,
    /// Whether it is sent anew because the server did not know the position any more. It was not handed out before.
    pub anew: bool,
    held: Option<InHand<InboxItem>>,
}

impl Received {
    /// The message, if it is one.
    pub fn message(&self) -> Option<&Message> {
        match &self.item {
            InboxItem::Message(message) => Some(message),
            InboxItem::Receipt(_) => None,
        }
    }

    /// Takes this item, and all before it, for good: resolves when the position is on stable storage here, and the
    /// server is told soon after, see [`Inbox::settled`]. Does nothing when the inbox is only looked at.
    ///
    /// # Errors
    /// [`ClientError::State`] if the position cannot be saved.
    pub async fn taken(self) -> Result<(), ClientError> {
        match self.held {
            Some(held) => held.taken().await,
            None => Ok(()),
        }
    }

    /// Takes this item, and all before it, without waiting.
    pub fn mark_taken(self) {
        if let Some(held) = &self.held {
            held.mark_taken();
        }
    }
}

/// What an inbox brings.
#[derive(Debug)]
pub enum InboxEvent {
    /// A message or receipt.
    Received(Received),
    /// Somebody is composing a message for the inbox (RFC 3994), as far as is known now: nothing to take, kept nowhere.
    Composing(Composing),
}

/// A stream of messages and receipts that survives lost connections, hands each one out once, and goes on behind what was taken.
///
/// Holds the lock of its position for as long as it lives, unless it only looks.
#[derive(Debug)]
pub struct Inbox {
    feed: Feed<InboxItem>,
    keep: bool,
}

impl Inbox {
    /// The next message or receipt, or `None` at the end of a reading that does not follow, or after the error that ended it.
    /// Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Received, ClientError>> {
        let next = self.feed.next().await?;
        Some(next.map(|next| self.received(next)))
    }

    /// As [`Inbox::next`], also telling who is composing. Cancel-safe.
    pub async fn next_event(&mut self) -> Option<Result<InboxEvent, ClientError>> {
        let next = self.feed.next_event().await?;
        Some(next.map(|event| match event {
            Event::Item(handed, held) => InboxEvent::Received(self.received((handed, held))),
            Event::Composing(composing) => InboxEvent::Composing(composing),
        }))
    }

    /// The next message or receipt, if one is here already: to take a burst with one save.
    pub fn next_ready(&mut self) -> Option<Received> {
        let next = self.feed.next_ready()?;
        Some(self.received(next))
    }

    fn received(&self, (handed, held): (Handed<InboxItem>, InHand<InboxItem>)) -> Received {
        let held = (!self.keep).then_some(held);
        Received { item: handed.item, anew: handed.anew, held }
    }

    /// Whether everything that waited has arrived and the feed is live.
    pub fn caught_up(&self) -> bool {
        self.feed.is_caught_up()
    }

    /// What the server said when the feed was opened last.
    pub fn opening(&self) -> Option<Opening> {
        self.feed.opening()
    }

    /// Waits until everything taken is on stable storage here and acknowledged durably at the server.
    ///
    /// # Errors
    /// [`ClientError::State`] if it cannot be saved, and those of a connection that will not come back.
    pub async fn settled(&self) -> Result<(), ClientError> {
        self.feed.settled().await
    }
}

impl Client {
    /// Reads an inbox from behind what was taken of it.
    ///
    /// # Errors
    /// [`StateError::Locked`](super::StateError::Locked) if another process of this identity reads it. Refusals and lost
    /// connections come from [`Inbox::next`].
    pub async fn inbox(&self, options: InboxOptions) -> Result<Inbox, ClientError> {
        let inbox = self.inbox_address(options.inbox.as_ref());
        let open = FeedSubject::Inbox { inbox: inbox.clone(), from_start: options.from_start };
        let kind = if options.keep { FeedKind::InboxKept } else { FeedKind::Inbox };
        let (file, position) = self.position(&inbox, options.keep).await?;
        let resume = if options.from_start {
            FeedResume::from_start(kind, position)
        } else {
            FeedResume::new(kind, position)
        };
        let subject = Subject { open, kind, follow: options.follow };
        Ok(Inbox { feed: Feed::new(self, subject, resume, file), keep: options.keep })
    }

    /// What the file says, and the file locked; who only looks needs no lock.
    async fn position(
        &self,
        inbox: &InboxAddress,
        keep: bool,
    ) -> Result<(Option<CursorFile>, Position), ClientError> {
        let (identity, name) = (self.identity().clone(), CursorName::inbox(inbox));
        blocking(move || {
            if keep {
                return Ok((None, CursorFile::peek(&identity, &name)?));
            }
            let file = CursorFile::open(&identity, name)?;
            let position = file.as_ref().map_or(Ok(Position::default()), CursorFile::load)?;
            Ok((file, position))
        })
        .await
    }
}
