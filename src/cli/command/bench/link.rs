//! One connection of the load.
//!
//! Must never hold: a second try. A bench that needs one measures something else.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;
use web_transport_quinn::{SendStream, Session};

use super::over::Over;
use super::stream::Reader;
use crate::cli::run::failure::Failure;
use crate::client::connection::{Connection, Endpoint, FeedEvent, Pin};
use crate::client::exchange::{Admission, acknowledgement, opening};
use crate::client::{Answer, ClientError, ControlEvent, Credentials, KeyHash, ServerAddress};
use crate::model::InboxAddress;
use crate::protocol::body::{self, Body as _, Enroll};
use crate::protocol::identity::{DURABILITY_SYNCED, PROOF_CHALLENGE};
use crate::protocol::{FeedOpen, FeedSubject, Framed as _};
use crate::wire::{CloseCode, StreamType, decode, encode};

/// Longest time from the first packet to the end of the handshake.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// Longest wait for a stream to be opened: at a peer's limit QUIC would wait for ever without a word.
const OPEN_TIME: Duration = Duration::from_secs(10);
/// What the server is told that the client is.
const SOFTWARE: &str = concat!("adsum-bench ", env!("CARGO_PKG_VERSION"));
/// Events taken between two acknowledgements: half the server's window, so that it never closes.
const ACKNOWLEDGE_EVERY: u32 = 128;

/// Makes connections to one server from one socket.
#[derive(Clone, Debug)]
pub(super) struct Dialer {
    endpoint: Endpoint,
    server: ServerAddress,
    over: Over,
    /// The key that the server proves elsewhere, where what carries the load shows another one.
    server_key: Option<KeyHash>,
}

impl Dialer {
    /// A socket of its own for connections of `adsum/1` to `server`.
    pub(super) fn new(server: ServerAddress) -> Result<Self, Failure> {
        let over = Over::Adsum;
        Ok(Self { endpoint: over.endpoint()?, server, over, server_key: None })
    }

    /// A socket of its own for connections to `server` that `over` carries.
    pub(super) async fn to(server: ServerAddress, over: Over) -> Result<Self, Failure> {
        let plain = Self::new(server)?;
        if over == Over::Adsum {
            return Ok(plain);
        }
        let connection = plain.connect().await?;
        connection.close(CloseCode::NoError);
        let server_key = Some(connection.server_key());
        Ok(Self { endpoint: over.endpoint()?, over, server_key, ..plain })
    }

    /// Connects, without any word of the protocol.
    pub(super) async fn connect(&self) -> Result<Connection, Failure> {
        let pin = Pin::FirstUse;
        Ok(Connection::connect(&self.endpoint, &self.server, &pin, CONNECT_TIME).await?)
    }

    /// Connects as `who` and says so, without waiting until it may act.
    pub(super) async fn hello(
        &self,
        who: &Credentials,
        enroll: Option<Enroll>,
    ) -> Result<Link, Failure> {
        let connection = self.connect().await?;
        let session = self.over.session(connection.quic().clone(), &self.server);
        let session = session.await.map_err(wrong)?;
        let mut hello = connection.introduction(who, enroll, SOFTWARE)?;
        if self.server_key.is_some() {
            (hello.proof, hello.signature) = (PROOF_CHALLENGE, Bytes::new());
        }
        let (sender, receiver) = open(&session, StreamType::Control, &hello).await?;
        let mut link = Link { session, sender, receiver, durable: false };
        if let Some(server_key) = self.server_key {
            link.prove(who, server_key).await?;
        }
        Ok(link)
    }

    /// Connects as `who` and waits until it may act.
    pub(super) async fn enter(&self, who: &Credentials) -> Result<Link, Failure> {
        let mut link = self.hello(who, None).await?;
        link.welcome().await?;
        Ok(link)
    }
}

/// Opens a stream that begins with `first`.
async fn open<B: body::Body>(
    session: &Session,
    kind: StreamType,
    first: &B,
) -> Result<(SendStream, Reader), Failure> {
    let opened = timeout(OPEN_TIME, session.open_bi()).await.map_err(wrong)?;
    let (mut sender, receiver) = opened.map_err(wrong)?;
    sender.write_all(&opening(kind, first)).await.map_err(wrong)?;
    Ok((sender, Reader::new(receiver)))
}

/// A connection with its CONTROL stream. Dropped, it says good-bye.
pub(super) struct Link {
    session: Session,
    sender: SendStream,
    receiver: Reader,
    /// Whether the server said that its answers mean: it is on stable storage.
    pub(super) durable: bool,
}

impl Link {
    /// Answers the challenge of a server that was brought no proof.
    async fn prove(&mut self, who: &Credentials, server_key: KeyHash) -> Result<(), Failure> {
        let Admission::Challenge(nonce) = self.receiver.next(Admission::next).await? else {
            return Err(wrong("somebody was let in who had proven nothing"));
        };
        let signature = who.answer(server_key, &nonce).to_vec();
        let mut out = Vec::new();
        encode(&body::ChallengeAnswer { signature: signature.into() }, &mut out);
        self.write(&out).await
    }

    /// Waits until the session may act, and tells whether its answers mean: it is on stable storage.
    pub(super) async fn welcome(&mut self) -> Result<bool, Failure> {
        let Admission::Welcome(welcome) = self.receiver.next(Admission::next).await? else {
            return Err(wrong("a challenge came where a proof was brought"));
        };
        self.durable = welcome.durability == DURABILITY_SYNCED;
        Ok(self.durable)
    }

    /// Writes whole requests.
    pub(super) async fn write(&mut self, frames: &[u8]) -> Result<(), Failure> {
        self.sender.write_all(frames).await.map_err(wrong)
    }

    /// The next answer or announcement. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<ControlEvent, Failure> {
        Ok(self.receiver.next(ControlEvent::next).await?)
    }

    /// Opens a feed.
    pub(super) async fn feed(&self, first: &FeedOpen) -> Result<Feed, Failure> {
        let (sender, receiver) = open(&self.session, StreamType::Feed, &first.to_body()).await?;
        Ok(Feed { sender, receiver, unacknowledged: 0, last: Bytes::new() })
    }

    /// Asks `question` on a stream of its own, which ends behind it.
    async fn query<B: body::Body>(&self, question: &B) -> Result<Reader, Failure> {
        let (mut sender, reader) = open(&self.session, StreamType::Query, question).await?;
        // That the stream is finished twice cannot be: it was opened here.
        let _ = sender.finish();
        Ok(reader)
    }

    /// Asks for the presence of one presentity.
    pub(super) async fn fetch(&self, presentity: &str) -> Result<body::Presence, Failure> {
        let fetch = body::Fetch { presentity: presentity.to_owned() };
        let frame = self.query(&fetch).await?.answer().await?;
        decode(&frame).map_err(|fault| wrong(format!("a {}: {fault}", body::Presence::NAME)))
    }

    /// Asks `question` and reads all of its answer: how many rows that has; none if it is a refusal.
    pub(super) async fn question<B: body::Body + Sync>(
        &self,
        question: &B,
    ) -> Result<Option<usize>, Failure> {
        let mut reader = self.query(question).await?;
        let mut rows = 0;
        loop {
            match reader.answer().await {
                Ok(frame) if frame.kind == body::End::KIND => return Ok(Some(rows)),
                Ok(frame) if frame.kind == body::Presence::KIND => return Ok(Some(1)),
                Ok(_) => rows += 1,
                Err(ClientError::Refused(_)) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The number of the next request that was answered with yes; waits for it.
    pub(super) async fn answered(&mut self) -> Result<u64, Failure> {
        loop {
            if let Some(number) = number_of(self.next().await?)? {
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
        self.session.close(CloseCode::NoError.number(), b"");
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
    sender: SendStream,
    receiver: Reader,
    unacknowledged: u32,
    last: Bytes,
}

impl Feed {
    /// What comes next; waits for it.
    pub(super) async fn next(&mut self) -> Result<FeedEvent, Failure> {
        match self.receiver.next(FeedEvent::next).await? {
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
            let frame = acknowledgement(self.last.clone());
            self.sender.write_all(&frame).await.map_err(wrong)?;
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
