//! A client written from `docs/PROTOCOL.md` alone, against a real server, beside one that uses the crate's codec.
//!
//! Must never hold: a frame that the crate makes or reads for the client by hand.

use quinn::{RecvStream, SendStream};
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::by_hand::{
    Heard, Schema, counted, document, first_frame, frame, raw_frame, some, varint,
};
use crate::support::peer::{Manner, Peer, Session, note_of};
use crate::support::server::Running;
use crate::support::within;

const CONTROL: u8 = 0x00;
const QUERY: u8 = 0x01;
const FEED: u8 = 0x02;

/// A stream, and what came on it and was not read yet.
struct Stream<'a> {
    schema: &'a Schema,
    send: SendStream,
    receive: RecvStream,
    bytes: Vec<u8>,
}

impl<'a> Stream<'a> {
    async fn open(schema: &'a Schema, peer: &Peer, first: u8) -> Self {
        let (send, receive) = within("a stream opens", peer.connection.open_bi()).await.unwrap();
        let mut stream = Self { schema, send, receive, bytes: Vec::new() };
        stream.write(&[first]).await;
        stream
    }

    async fn write(&mut self, bytes: &[u8]) {
        within("bytes are written", self.send.write_all(bytes)).await.unwrap();
    }

    /// The next frame; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Heard> {
        loop {
            if let Some((length, kind, body)) = first_frame(&self.bytes) {
                let heard = self.schema.read(kind, body);
                self.bytes.drain(..length);
                return Some(heard);
            }
            let chunk = within("bytes or an end come", self.receive.read_chunk(65_536, true)).await;
            let Some(chunk) = chunk.unwrap() else {
                assert!(self.bytes.is_empty(), "the server ends behind a frame");
                return None;
            };
            self.bytes.extend_from_slice(&chunk.bytes);
        }
    }

    /// The next frame, which must be of this kind.
    async fn read(&mut self, name: &str) -> Heard {
        let heard = self.next().await.unwrap_or_else(|| panic!("the stream ends before {name}"));
        let words = if heard.name == "Refused" { heard.text("message") } else { "" };
        assert_eq!(heard.name, name, "{words}");
        heard
    }

    /// Asks and reads the answer.
    async fn ask(&mut self, request: &[u8], answer: &str) -> Heard {
        self.write(request).await;
        self.read(answer).await
    }
}

/// A device of a principal, on a connection of its own.
struct Hand {
    peer: Peer,
    pair: Ed25519KeyPair,
    principal: String,
}

impl Hand {
    async fn connect(running: &Running, name: &str) -> Self {
        let manner = Manner { alpn: b"adsum/1".to_vec(), ..Manner::default() };
        let peer = Peer::try_connect(running.address(), manner).await.unwrap();
        let seed = [name.as_bytes()[0]; 32];
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        Self { peer, pair, principal: format!("{name}@d.example") }
    }

    /// Section 6.2.
    fn sign(&self, context: &[u8], fresh: &[u8]) -> Vec<u8> {
        let key = self.pair.public_key().as_ref();
        let principal = self.principal.as_bytes();
        let signed = [context, &self.peer.server_key, fresh, key, principal].concat();
        self.pair.sign(&signed).as_ref().to_vec()
    }

    fn hello(&self, proof: u8, signature: &[u8]) -> Vec<u8> {
        let enroll = [counted(b""), counted(b"by hand")].concat();
        let parts = [
            varint(1),
            varint(0),
            counted(self.principal.as_bytes()),
            self.pair.public_key().as_ref().to_vec(),
            vec![proof],
            counted(signature),
            some(&enroll),
            counted(b"by hand"),
            varint(0),
        ];
        frame(0x0001, &parts)
    }

    async fn enter<'a>(&self, schema: &'a Schema) -> Stream<'a> {
        let mut fresh = [0; 32];
        let label = b"EXPORTER-adsum-1-hello";
        self.peer.connection.export_keying_material(&mut fresh, label, b"").unwrap();
        let signature = self.sign(b"adsum/1 hello exporter\0", &fresh);
        let mut control = Stream::open(schema, &self.peer, CONTROL).await;
        let welcome = control.ask(&self.hello(1, &signature), "Welcome").await;
        assert_eq!(welcome.text("principal"), self.principal);
        assert_eq!((welcome.number("version"), welcome.number("durability")), (1, 1));
        control
    }

    async fn feed<'a>(&self, schema: &'a Schema, kind: u8, inbox: &str) -> Stream<'a> {
        let parts = [
            vec![kind],
            counted(b""),
            varint(0),
            varint(0),
            counted(inbox.as_bytes()),
            vec![0],
            varint(0),
        ];
        let mut feed = Stream::open(schema, &self.peer, FEED).await;
        let ready = feed.ask(&frame(0x0030, &parts), "FeedReady").await;
        assert_eq!(ready.number("outcome"), 0, "nothing was read before");
        feed
    }
}

/// One open tuple with a note, published under no name, for as long as the server lets it.
fn publish_by_hand(request: u64, presentity: &str, note: &str) -> Vec<u8> {
    let note = [counted(b""), some(&counted(note.as_bytes()))].concat();
    let tuple =
        [counted(b"desk"), vec![1], varint(0), vec![0], varint(1), note, vec![0], varint(0)];
    let document = [varint(1), tuple.concat(), varint(0), varint(0)].concat();
    let parts = [
        varint(request),
        vec![7; 16],
        counted(presentity.as_bytes()),
        counted(b""),
        vec![0],
        vec![0],
        some(&document),
        varint(0),
    ];
    frame(0x0010, &parts)
}

fn subscribe_by_hand(request: u64, presentity: &str) -> Vec<u8> {
    let parts = [varint(request), counted(presentity.as_bytes()), vec![0], vec![0], varint(0)];
    frame(0x0011, &parts)
}

fn send_by_hand(request: u64, inbox: &str, body: &[u8]) -> Vec<u8> {
    let parts = [
        varint(request),
        counted(inbox.as_bytes()),
        counted(b""),
        counted(b"id-1"),
        counted(b"text/plain"),
        counted(body),
        vec![0],
        varint(0),
    ];
    frame(0x0013, &parts)
}

fn acknowledge_by_hand(cursor: &[u8]) -> Vec<u8> {
    // With an addition that this version does not know, which is passed over.
    let addition = [varint(1), varint(40_000), counted(&[1, 2, 3])].concat();
    frame(0x0031, &[counted(cursor), addition])
}

const NOTE: &str = "presence.document.tuples[0].notes[0].text";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_by_hand_is_told_what_a_client_of_the_crate_does() {
    let (running, schema) = (Running::start().await, Schema::of(&document()));
    let mut alice = Session::enter(running.address(), "alice").await;
    let hand = Hand::connect(&running, "bob").await;
    let mut control = hand.enter(&schema).await;
    alice.publish("at my desk").await;
    let subscribed = control.ask(&subscribe_by_hand(1, "pres:alice@d.example"), "Subscribed").await;
    assert_eq!((subscribed.number("request"), subscribed.number("state")), (1, 1));

    let mut presence = hand.feed(&schema, 1, "").await;
    let first = presence.read("PresenceEvent").await;
    assert_eq!((first.number("number"), first.text(NOTE)), (1, "at my desk"));
    assert_eq!(first.text("presence.presentity"), "pres:alice@d.example");
    presence.read("CaughtUp").await;
    presence.write(&acknowledge_by_hand(first.content("cursor"))).await;
    alice.publish("out").await;
    assert_eq!(presence.read("PresenceEvent").await.text(NOTE), "out");

    let mut messages = hand.feed(&schema, 2, "im:bob@d.example").await;
    messages.read("CaughtUp").await;
    alice.send("bob", "lunch-1", b"lunch?").await;
    let message = messages.read("MessageEvent").await;
    assert_eq!(message.content("message.body"), b"lunch?");
    assert_eq!(message.text("message.sender"), "alice@d.example");
    let acked = messages.ask(&acknowledge_by_hand(message.content("cursor")), "FeedAcked").await;
    assert_eq!(acked.content("cursor"), message.content("cursor"));

    let mut question = Stream::open(&schema, &hand.peer, QUERY).await;
    question.write(&frame(0x0020, &[counted(b"pres:alice@d.example"), varint(0)])).await;
    question.send.finish().unwrap();
    assert_eq!(question.read("Presence").await.text(NOTE), "out");
    assert!(question.next().await.is_none());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_the_crate_is_told_what_a_client_by_hand_does() {
    use crate::support::peer::{inbox_feed, presence_feed};
    use adsum::protocol::body::{CaughtUp, FeedReady, MessageEvent, PresenceEvent};
    let (running, schema) = (Running::start().await, Schema::of(&document()));
    let mut alice = Session::enter(running.address(), "alice").await;
    let hand = Hand::connect(&running, "bob").await;
    let mut control = hand.enter(&schema).await;
    let published =
        control.ask(&publish_by_hand(1, "pres:bob@d.example", "at my desk"), "Published").await;
    assert_eq!(published.number("request"), 1);
    alice.subscribe("bob", 0).await;
    let mut presence = alice.feed(&presence_feed(bytes::Bytes::new())).await;
    presence.read::<FeedReady>().await;
    let shown: PresenceEvent = presence.read().await;
    assert_eq!(note_of(&shown.presence.document).as_deref(), Some("at my desk"));

    let sent = control.ask(&send_by_hand(2, "im:alice@d.example", b"lunch?"), "Sent").await;
    assert_eq!((sent.number("request"), sent.number("duplicate")), (2, 0));
    let again = control.ask(&send_by_hand(3, "im:alice@d.example", b"lunch?"), "Sent").await;
    assert_eq!((again.number("request"), again.number("duplicate")), (3, 1));
    let mut messages = alice.feed(&inbox_feed("alice")).await;
    messages.read::<FeedReady>().await;
    let message: MessageEvent = messages.read().await;
    assert_eq!(message.message.body.as_deref(), Some(&b"lunch?"[..]));
    messages.read::<CaughtUp>().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenge_is_answered_by_hand() {
    let (running, schema) = (Running::start().await, Schema::of(&document()));
    let hand = Hand::connect(&running, "bob").await;
    let mut control = Stream::open(&schema, &hand.peer, CONTROL).await;
    let challenge = control.ask(&hand.hello(0, b""), "Challenge").await;
    let signature = hand.sign(b"adsum/1 hello challenge\0", challenge.content("nonce"));
    let answer = frame(0x0002, &[counted(&signature), varint(0)]);
    let welcome = control.ask(&answer, "Welcome").await;
    assert_eq!(welcome.text("principal"), "bob@d.example");
    assert_eq!(welcome.number("enrolled"), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_document_says_of_frames_that_are_no_requests_is_so() {
    let (running, schema) = (Running::start().await, Schema::of(&document()));
    let hand = Hand::connect(&running, "bob").await;
    let mut control = hand.enter(&schema).await;
    // Section 7.1, row by row.
    let cases = [(raw_frame(0x0010, &[9, 0xff]), 9, 4), (raw_frame(0x00f0, &[10, 1, 2]), 10, 5)];
    for (bytes, request, code) in cases {
        let refused = control.ask(&bytes, "Refused").await;
        assert_eq!((refused.number("request"), refused.number("code")), (request, code));
    }
    control.write(&raw_frame(0x8abc, b"of a later version")).await;
    let unsubscribe = frame(0x0012, &[varint(11), counted(b"pres:alice@d.example"), varint(0)]);
    let refused = control.ask(&unsubscribe, "Refused").await;
    assert_eq!(refused.number("request"), 11, "what may be skipped is skipped");
    control.write(&raw_frame(0x00f0, &[])).await;
    let end = within("the connection ends", hand.peer.connection.closed()).await;
    let quinn::ConnectionError::ApplicationClosed(close) = end else { panic!("{end}") };
    assert_eq!(close.error_code.into_inner(), 0x02);
    running.stop().await;
}
