//! One connection of the load.
//!
//! Must never hold: a second try. A bench that needs one measures something else.

use std::time::Duration;

use bytes::Bytes;

use crate::cli::run::failure::Failure;
use crate::client::connection::{
    Connection, ControlReceiver, ControlSender, Endpoint, FeedEvent, FeedReceiver, FeedSender,
    KEEP_ALIVE, Pin,
};
use crate::client::{Answer, ClientError, ControlEvent, Credentials, ServerAddress};
use crate::model::InboxAddress;
use crate::protocol::body::{self, Body as _, Enroll};
use crate::protocol::identity::DURABILITY_SYNCED;
use crate::protocol::{FeedOpen, FeedSubject};
use crate::wire::{CloseCode, decode};

/// Longest time from the first packet to the end of the handshake.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// What the server is told that the client is.
const SOFTWARE: &str = concat!("adsum-bench ", env!("CARGO_PKG_VERSION"));
/// Events taken between two acknowledgements: half the server's window, so that it never closes.
const ACKNOWLEDGE_EVERY: u32 = 128;

/// Makes connections to one server from one socket.
#[derive(Clone, Debug)]
pub(super) struct Dialer {
    endpoint: Endpoint,
    server: ServerAddress,
}

impl Dialer {
    /// A socket of its own for connections to `server`.
    pub(super) fn new(server: ServerAddress) -> Result<Self, Failure> {
        Ok(Self { endpoint: Endpoint::new(KEEP_ALIVE)?, server })
    }

    /// Connects, without any word of the protocol.
    pub(super) async fn connect(&self) -> Result<Connection, Failure> {
        let pin = Pin::FirstUse;
        Ok(Connection::connect(&self.endpoint, &self.server, &pin, CONNECT_TIME).await?)
    }

    /// Connects as `who` and says so, without waiting for the answer.
    pub(super) async fn hello(
        &self,
        who: &Credentials,
        enroll: Option<Enroll>,
    ) -> Result<Link, Failure> {
        let connection = self.connect().await?;
        let (sender, receiver) = connection.hello(who, enroll, SOFTWARE).await?;
        Ok(Link { connection, sender, receiver, durable: false })
    }

    /// Connects as `who` and waits until it may act.
    pub(super) async fn enter(&self, who: &Credentials) -> Result<Link, Failure> {
        let mut link = self.hello(who, None).await?;
        link.welcome().await?;
        Ok(link)
    }
}

/// A connection with its CONTROL stream. Dropped, it says good-bye.
pub(super) struct Link {
    connection: Connection,
    /// Requests go out here.
    pub(super) sender: ControlSender,
    /// Answers come in here.
    pub(super) receiver: ControlReceiver,
    /// Whether the server said that its answers mean: it is on stable storage.
    pub(super) durable: bool,
}

impl Link {
    /// Waits until the session may act, and tells whether its answers mean: it is on stable storage.
    pub(super) async fn welcome(&mut self) -> Result<bool, Failure> {
        let welcome = self.receiver.welcome().await?;
        self.durable = welcome.durability == DURABILITY_SYNCED;
        Ok(self.durable)
    }

    /// Opens a feed.
    pub(super) async fn feed(&self, open: &FeedOpen) -> Result<Feed, Failure> {
        let (sender, receiver) = self.connection.feed(open).await?;
        Ok(Feed { sender, receiver, unacknowledged: 0, last: Bytes::new() })
    }

    /// Asks for the presence of one presentity.
    pub(super) async fn fetch(&self, presentity: &str) -> Result<body::Presence, Failure> {
        let fetch = body::Fetch { presentity: presentity.to_owned() };
        let frame = self.connection.query(&fetch).await?.answer().await?;
        decode(&frame).map_err(|fault| wrong(format!("a {}: {fault}", body::Presence::NAME)))
    }

    /// Asks `question` and reads all of its answer. A refusal is one.
    pub(super) async fn question<B: body::Body + Sync>(
        &self,
        question: &B,
    ) -> Result<bool, Failure> {
        let mut reader = self.connection.query(question).await?;
        loop {
            match reader.answer().await {
                Ok(frame) if frame.kind == body::End::KIND => return Ok(true),
                Ok(frame) if frame.kind == body::Presence::KIND => return Ok(true),
                Ok(_) => {}
                Err(ClientError::Refused(_)) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The number of the next request that was answered with yes; waits for it.
    pub(super) async fn answered(&mut self) -> Result<u64, Failure> {
        loop {
            if let Some(number) = number_of(self.receiver.next().await?)? {
                return Ok(number);
            }
        }
    }

    /// As [`Link::answered`], but `None` if no answer is here yet.
    pub(super) async fn answered_already(&mut self) -> Result<Option<u64>, Failure> {
        // Figures an answer may be given up without losing any.
        tokio::select! {
            biased;
            number = self.answered() => number.map(Some),
            () = std::future::ready(()) => Ok(None),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.connection.close(CloseCode::NoError);
    }
}

/// The request that `event` answers, if it answers one.
fn number_of(event: ControlEvent) -> Result<Option<u64>, Failure> {
    match event {
        ControlEvent::Goaway(_) => Ok(None),
        ControlEvent::Answer { result: Err(refused), .. } => {
            Err(ClientError::Refused(refused).into())
        }
        // A load that repeats itself measures nothing.
        ControlEvent::Answer { result: Ok(Answer::Sent { duplicate: true }), number } => {
            Err(wrong(format!("message {number} was there already")))
        }
        ControlEvent::Answer { number, .. } => Ok(Some(number)),
    }
}

/// A feed whose events are acknowledged now and then.
pub(super) struct Feed {
    sender: FeedSender,
    receiver: FeedReceiver,
    unacknowledged: u32,
    last: Bytes,
}

impl Feed {
    /// What comes next; waits for it.
    pub(super) async fn next(&mut self) -> Result<FeedEvent, Failure> {
        match self.receiver.next().await? {
            FeedEvent::End(end) => Err(wrong(format!("the server ended a feed: {}", end.message))),
            event => Ok(event),
        }
    }

    /// Notes that the event at `cursor` was taken, and acknowledges now and then.
    pub(super) async fn taken(&mut self, cursor: Bytes) -> Result<(), Failure> {
        self.unacknowledged += 1;
        self.last = cursor;
        if self.unacknowledged < ACKNOWLEDGE_EVERY {
            return Ok(());
        }
        self.acknowledge().await
    }

    /// Acknowledges the last event taken, if it is not yet.
    pub(super) async fn acknowledge(&mut self) -> Result<(), Failure> {
        if self.unacknowledged > 0 {
            self.unacknowledged = 0;
            self.sender.acknowledge(self.last.clone()).await?;
        }
        Ok(())
    }

    /// The cursor of the last event taken; empty if none was.
    pub(super) fn last(&self) -> &Bytes {
        &self.last
    }
}

/// Opens all of one's presence from `cursor` on, or from the start if it is empty.
pub(super) fn presence_from(cursor: Bytes) -> FeedOpen {
    let subject = FeedSubject::Presence { presentities: Vec::new(), with_watchers: false };
    FeedOpen { cursor, window: 0, subject }
}

/// Opens an inbox behind what was acknowledged.
pub(super) fn inbox(address: &InboxAddress) -> FeedOpen {
    let subject = FeedSubject::Inbox { inbox: address.clone(), from_start: false };
    FeedOpen { cursor: Bytes::new(), window: 0, subject }
}

/// What came is not what must come.
pub(super) fn wrong(what: impl std::fmt::Display) -> Failure {
    Failure::failed("wrong-answer", format!("the load was not answered as it must be: {what}"))
}
