//! An open feed, read item by item.
//!
//! Must never hold: a check of a requirement.

use adsum::protocol::body::{
    Body, CaughtUp, FeedAck, FeedAcked, FeedEnd, FeedReady, MessageBody, MessageEvent,
    PresenceBody, PresenceEvent, ReceiptBody, ReceiptEvent, Refused, WatcherBody, WatcherEvent,
};
use adsum::wire::Frame;
use bytes::Bytes;

use crate::person::{Answer, said, state, word};
use crate::support::stream::{End, Stream, known};

/// One thing a feed brings.
#[derive(Debug)]
pub enum Item {
    Presence(PresenceBody),
    Watcher(WatcherBody),
    Message(MessageBody),
    Receipt(ReceiptBody),
    CaughtUp,
    /// The feed is over, and why in one word.
    Refused(&'static str),
    Ended(FeedEnd),
}

/// A feed whose first frame was read.
pub struct Feed {
    stream: Stream,
    pub ready: FeedReady,
    /// Where it stands.
    pub cursor: Bytes,
    /// The number of the item that came last.
    pub number: u64,
    /// Every byte that it brought.
    pub bytes: Vec<u8>,
}

impl Feed {
    /// Reads the first frame of a feed that was asked for.
    pub async fn opened(mut stream: Stream) -> Answer<Self> {
        let frame = stream.next().await.unwrap();
        if frame.kind == Refused::KIND {
            return Err(word(known::<Refused>(&frame).code));
        }
        let ready: FeedReady = known(&frame);
        let cursor = ready.from.clone();
        Ok(Self { stream, ready, cursor, number: 0, bytes: frame.body.to_vec() })
    }

    /// The next thing it brings.
    pub async fn next(&mut self) -> Item {
        self.try_next().await.unwrap()
    }

    /// The next thing it brings, or how the stream ended.
    pub async fn try_next(&mut self) -> Result<Item, End> {
        loop {
            let frame = self.stream.next().await?;
            self.bytes.extend_from_slice(&frame.body);
            if frame.kind != FeedAcked::KIND {
                return Ok(self.take(&frame));
            }
        }
    }

    fn take(&mut self, frame: &Frame) -> Item {
        match frame.kind {
            PresenceEvent::KIND => {
                let event: PresenceEvent = known(frame);
                self.moved(event.number, event.cursor);
                Item::Presence(event.presence)
            }
            WatcherEvent::KIND => {
                let event: WatcherEvent = known(frame);
                self.moved(event.number, event.cursor);
                Item::Watcher(event.watcher)
            }
            MessageEvent::KIND => {
                let event: MessageEvent = known(frame);
                self.moved(event.number, event.cursor);
                Item::Message(event.message)
            }
            ReceiptEvent::KIND => {
                let event: ReceiptEvent = known(frame);
                self.moved(event.number, event.cursor);
                Item::Receipt(event.receipt)
            }
            CaughtUp::KIND => {
                self.cursor = known::<CaughtUp>(frame).cursor;
                Item::CaughtUp
            }
            Refused::KIND => Item::Refused(word(known::<Refused>(frame).code)),
            _ => Item::Ended(known(frame)),
        }
    }

    /// Numbers rise by one without a gap, whatever the feed brings.
    fn moved(&mut self, number: u64, cursor: Bytes) {
        assert_eq!(number, self.number + 1, "items are numbered without a gap");
        (self.number, self.cursor) = (number, cursor);
    }

    /// What the next item says in short; that it is caught up is passed over.
    pub async fn says(&mut self) -> String {
        loop {
            match self.next().await {
                Item::CaughtUp => {}
                item => return short(&item),
            }
        }
    }

    /// The next presence; that the feed is caught up is passed over.
    pub async fn presence(&mut self) -> PresenceBody {
        loop {
            match self.next().await {
                Item::Presence(presence) => return presence,
                Item::CaughtUp => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next message; receipts and that the feed is caught up are passed over.
    pub async fn message(&mut self) -> MessageBody {
        loop {
            match self.next().await {
                Item::Message(message) => return message,
                Item::Receipt(_) | Item::CaughtUp => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next receipt; messages and that the feed is caught up are passed over.
    pub async fn receipt(&mut self) -> ReceiptBody {
        loop {
            match self.next().await {
                Item::Receipt(receipt) => return receipt,
                Item::Message(_) | Item::CaughtUp => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Everything it brings until it is caught up.
    pub async fn until_caught_up(&mut self) -> Vec<Item> {
        let mut items = Vec::new();
        loop {
            match self.next().await {
                Item::CaughtUp => return items,
                item => items.push(item),
            }
        }
    }

    /// What everything says in short that it brings until it is caught up, in order.
    pub async fn says_until_caught_up(&mut self) -> Vec<String> {
        self.until_caught_up().await.iter().map(short).collect()
    }

    /// The bodies of the messages it brings until it is caught up.
    pub async fn texts_until_caught_up(&mut self) -> Vec<String> {
        let items = self.until_caught_up().await;
        let messages = items.iter().filter_map(|item| match item {
            Item::Message(message) => message.body.as_ref(),
            _ => None,
        });
        messages.map(|body| String::from_utf8(body.to_vec()).unwrap()).collect()
    }

    /// Says that everything up to where the feed stands was taken for good.
    pub async fn acknowledge(&mut self) {
        let cursor = self.cursor.clone();
        self.stream.write(&FeedAck { cursor: cursor.clone() }).await;
    }

    /// As [`Feed::acknowledge`], and waits until that is durable. Nothing else may be on its way.
    pub async fn acknowledged(&mut self) {
        self.acknowledge().await;
        let frame = self.stream.next().await.unwrap();
        assert_eq!(frame.kind, FeedAcked::KIND, "nothing else is on its way");
    }
}

/// What an item says in short.
pub fn short(item: &Item) -> String {
    match item {
        Item::Presence(presence) => said(presence),
        Item::Watcher(watcher) => watching(watcher),
        Item::Message(message) => {
            let body = message.body.as_deref().unwrap_or_default();
            format!("{}: {}", message.sender, String::from_utf8_lossy(body))
        }
        Item::Receipt(receipt) => format!("{} {}", receipt.id, RECEIPTS[usize::from(receipt.kind)]),
        Item::CaughtUp => "caught up".to_owned(),
        Item::Refused(word) => (*word).to_owned(),
        Item::Ended(end) => format!("ended with {:#x}", end.code),
    }
}

/// Kinds of receipts by their number.
pub const RECEIPTS: [&str; 6] = ["", "stored", "delivered", "displayed", "failed", "expired"];

/// A watcher in short: who and how.
pub fn watching(watcher: &WatcherBody) -> String {
    format!("{} {}", watcher.watcher, state(watcher.state, watcher.reason))
}
