//! Streams whose bytes are wrong: each ends in its own way, and nobody else notices.
//!
//! Must never hold: a request that is well formed and wrong (see `bad_peer.rs`).

use crate::by_hand::raw_frame;
use crate::support;
use crate::support::http::head;
use crate::support::peer::{Device, Manner, Session, inbox_feed, presence_feed, publish};
use crate::support::presentity;
use crate::support::server::Running;
use crate::support::stream::{End, Stream, frame};
use adsum::model::RefusalCode as Code;
use adsum::protocol::body::{
    Body, FeedAck, FeedAcked, FeedOpen, FeedReady, Fetch, InboxState, InboxStatus, MessageEvent,
    Presence, PresenceEvent, Published,
};
use adsum::wire::{CloseCode, ResetCode, StreamType};
use bytes::Bytes;

/// Alice, who watches bob, who is there.
struct Place {
    running: Running,
    alice: Session,
    bob: Session,
    head: u64,
}

impl Place {
    async fn new() -> Self {
        let running = Running::start().await;
        let mut bob = Session::enter(running.address(), "bob").await;
        let mut alice = Session::enter(running.address(), "alice").await;
        bob.publish("here").await;
        alice.subscribe("bob", 0).await;
        let head = head(running.http()).await;
        Self { running, alice, bob, head }
    }

    /// Nothing was recorded, and others are served.
    async fn end_unharmed(mut self) {
        assert_eq!(head(self.running.http()).await, self.head, "nothing was recorded");
        self.bob.publish("undisturbed").await;
        self.running.stop().await;
    }

    /// Alice's connection still answers.
    async fn alice_goes_on(&self) {
        let question = Fetch { presentity: presentity("bob") };
        self.alice.ask(&question).await.read::<Presence>().await;
    }

    async fn open(&self, kind: StreamType) -> Stream {
        self.alice.peer.open(kind).await
    }
}

fn closed(code: CloseCode) -> End {
    End::Closed(u64::from(code.number()))
}

fn reset(code: ResetCode) -> End {
    End::Reset(u64::from(code.number()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_on_control_that_are_no_requests_end_the_connection() {
    let place = Place::new().await;
    let hello_again = frame(&place.alice.peer.hello(&Device::of("alice")));
    let wrong = [
        (vec![0, 0, 0, 0], CloseCode::ProtocolViolation),
        (vec![0, 0, 0, 1, 0], CloseCode::ProtocolViolation),
        (vec![0, 1, 0x10, 1], CloseCode::FrameTooLarge),
        (vec![0xff; 64], CloseCode::FrameTooLarge),
        (raw_frame(0x0013, &[]), CloseCode::ProtocolViolation),
        (raw_frame(0x0013, &[0xff; 11]), CloseCode::ProtocolViolation),
        (raw_frame(0x00f0, &[]), CloseCode::ProtocolViolation),
        (raw_frame(0x0101, &[77, 0]), CloseCode::ProtocolViolation),
        (hello_again, CloseCode::ProtocolViolation),
    ];
    for (bytes, code) in wrong {
        let mut carol = Session::enter(place.running.address(), "alice").await;
        carol.control.bytes(&bytes).await;
        assert_eq!(carol.peer.end().await, closed(code), "{bytes:02x?}");
    }
    place.end_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_control_ends_the_connection() {
    let place = Place::new().await;
    let _second = place.open(StreamType::Control).await;
    assert_eq!(place.alice.peer.end().await, closed(CloseCode::ProtocolViolation));
    place.end_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_that_ends_in_a_frame_or_is_reset_ends_the_connection() {
    let place = Place::new().await;
    let whole = frame(&publish("alice", 1, "cut"));
    let mut cut = Session::enter(place.running.address(), "alice").await;
    cut.control.bytes(&whole[..whole.len() - 1]).await;
    cut.control.finish();
    assert_eq!(cut.peer.end().await, closed(CloseCode::ProtocolViolation));
    let mut torn = Session::enter(place.running.address(), "alice").await;
    torn.control.reset(0x100);
    assert_eq!(torn.peer.end().await, closed(CloseCode::ProtocolViolation));
    place.end_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_that_ends_between_frames_gets_its_answers_first() {
    let place = Place::new().await;
    let mut alice = Session::enter(place.running.address(), "alice").await;
    alice.control.write(&publish("alice", 1, "the last word")).await;
    alice.control.finish();
    assert_eq!(alice.answer::<Published>().await.unwrap().request, 1);
    assert_eq!(alice.peer.end().await, closed(CloseCode::ProtocolViolation));
    place.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_an_unknown_type_is_given_back() {
    let place = Place::new().await;
    for byte in [3, 7, 0x40, 0xff] {
        let mut stream = Stream::blank(&place.alice.peer.connection).await.unwrap();
        stream.bytes(&[byte]).await;
        assert_eq!(stream.end().await, reset(ResetCode::Unsupported), "type {byte}");
    }
    let mut empty = Stream::blank(&place.alice.peer.connection).await.unwrap();
    empty.finish();
    assert_eq!(empty.end().await, reset(ResetCode::Rejected));
    place.alice_goes_on().await;
    place.end_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_or_feed_that_cannot_be_read_is_reset() {
    let place = Place::new().await;
    let unknown = raw_frame(0x00f0, b"?");
    let elsewhere = frame(&publish("alice", 1, "not here"));
    for (kind, known) in [(StreamType::Query, 0x0020), (StreamType::Feed, 0x0030)] {
        let wrong = [
            (vec![0, 0, 0, 1, 0], ResetCode::Malformed),
            (vec![0, 1, 0x10, 1], ResetCode::FrameTooLarge),
            (vec![0, 0, 0, 9, 0, 0x20], ResetCode::Malformed),
            (vec![], ResetCode::Malformed),
            (raw_frame(known, b"\x05cut"), ResetCode::Malformed),
            (raw_frame(known, b"\x02\xff\xfe\x00"), ResetCode::Malformed),
            (unknown.clone(), ResetCode::Unsupported),
            (elsewhere.clone(), ResetCode::Unsupported),
        ];
        for (bytes, code) in wrong {
            let mut stream = place.open(kind).await;
            stream.bytes(&bytes).await;
            // The server may have stopped us already.
            let _ = stream.send.finish();
            assert_eq!(stream.end().await, reset(code), "{kind:?} {bytes:02x?}");
        }
    }
    place.alice_goes_on().await;
    place.end_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_feed_is_refused_and_says_why() {
    let place = Place::new().await;
    let presence = || presence_feed(Bytes::new());
    let only = |address: &str| FeedOpen { presentities: vec![address.to_owned()], ..presence() };
    let many = FeedOpen { presentities: vec![presentity("b"); 1_001], ..presence() };
    let wrong = [
        (frame(&FeedOpen { kind: 9, ..presence() }), Code::BadField),
        (frame(&FeedOpen { kind: 0, ..presence() }), Code::BadField),
        (frame(&only("bob")), Code::BadAddress),
        (frame(&many), Code::TooLarge),
        (frame(&FeedOpen { inbox: String::new(), ..inbox_feed("alice") }), Code::BadAddress),
        (frame(&inbox_feed("nobody")), Code::Forbidden),
        (frame(&inbox_feed("bob")), Code::Forbidden),
    ];
    for (bytes, code) in wrong {
        let mut feed = place.open(StreamType::Feed).await;
        feed.bytes(&bytes).await;
        assert_eq!(feed.refused().await, code as u16, "{bytes:02x?}");
        assert_eq!(feed.end().await, End::Finished);
    }
    place.alice_goes_on().await;
    place.end_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ninth_feed_waits_for_its_turn() {
    let place = Place::new().await;
    let mut feeds = Vec::new();
    for _ in 0..8 {
        let mut feed = place.alice.feed(&presence_feed(Bytes::new())).await;
        feed.read::<FeedReady>().await;
        feeds.push(feed);
    }
    let mut ninth = place.alice.feed(&presence_feed(Bytes::new())).await;
    assert_eq!(ninth.refused().await, Code::Busy as u16);
    let mut ended = feeds.pop().unwrap();
    ended.finish();
    assert_eq!(ended.end().await, End::Finished);
    support::until("there is room for a feed again", async || {
        let mut feed = place.alice.feed(&presence_feed(Bytes::new())).await;
        (feed.next().await.unwrap().kind == 0x0130).then_some(())
    })
    .await;
    place.end_unharmed().await;
}

/// How a presence feed of alice begins at `cursor`.
async fn outcome(session: &Session, cursor: Bytes) -> u8 {
    let mut feed = session.feed(&presence_feed(cursor)).await;
    feed.read::<FeedReady>().await.outcome
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_that_was_not_given_for_this_feed_begins_it_anew() {
    const ANEW: u8 = 2;
    let place = Place::new().await;
    let mut feed = place.alice.feed(&presence_feed(Bytes::new())).await;
    assert_eq!(feed.read::<FeedReady>().await.outcome, 0);
    let cursor = feed.read::<PresenceEvent>().await.cursor;
    assert_eq!(outcome(&place.alice, cursor.clone()).await, 1, "the real one resumes");
    for index in 0..cursor.len() {
        let mut forged = cursor.to_vec();
        forged[index] ^= 1;
        let mut session = Session::enter(place.running.address(), "alice").await;
        assert_eq!(outcome(&session, forged.into()).await, ANEW, "byte {index}");
        session.number();
    }
    for forged in [&b"x"[..], &[0; 32], &[7; 128], &[7; 129], &[7; 2_000]] {
        let session = Session::enter(place.running.address(), "alice").await;
        assert_eq!(outcome(&session, Bytes::copy_from_slice(forged)).await, ANEW);
    }
    assert_eq!(outcome(&place.bob, cursor.clone()).await, ANEW, "another principal");
    let inbox = FeedOpen { cursor: cursor.clone(), ..inbox_feed("alice") };
    let mut elsewhere = place.alice.feed(&inbox).await;
    assert_eq!(elsewhere.read::<FeedReady>().await.outcome, ANEW, "another feed");
    place.end_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_of_another_device_begins_the_feed_anew() {
    use adsum::model::InviteId;
    use adsum::protocol::body::{Enroll, Invite, Invited, Welcome};
    let mut place = Place::new().await;
    let token = [9_u8; 32];
    let invite = Invite {
        request: place.alice.number(),
        invite: InviteId::of(&token).0,
        principal: Some(support::principal("alice")),
        role: 0,
        lifetime_ms: None,
        recovers: None,
    };
    place.alice.control.write(&invite).await;
    place.alice.answer::<Invited>().await.unwrap();
    let second = Device::labelled("alice", "second");
    let peer = support::peer::Peer::connect(place.running.address()).await;
    let enroll = Enroll { token: Bytes::copy_from_slice(&token), label: "second".to_owned() };
    let hello = adsum::protocol::body::Hello { enroll: Some(enroll), ..peer.hello(&second) };
    assert!(peer.say_hello(&hello).await.read::<Welcome>().await.enrolled);
    let second = Session::enter_as(place.running.address(), &second, Manner::default()).await;
    let mut feed = place.alice.feed(&presence_feed(Bytes::new())).await;
    let cursor = feed.read::<FeedReady>().await.to;
    assert_eq!(outcome(&place.alice, cursor.clone()).await, 1);
    assert_eq!(outcome(&second, cursor).await, 2);
    place.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_that_cannot_be_read_ends_its_feed_and_nothing_else() {
    let place = Place::new().await;
    let wrong = [
        (raw_frame(0x0031, b"\x09cut"), ResetCode::Malformed),
        (raw_frame(0x00f0, b"?"), ResetCode::Unsupported),
        (vec![0, 1, 0x10, 1], ResetCode::FrameTooLarge),
    ];
    for open in [presence_feed(Bytes::new()), inbox_feed("alice")] {
        for (bytes, code) in &wrong {
            let mut feed = place.alice.feed(&open).await;
            feed.read::<FeedReady>().await;
            feed.bytes(bytes).await;
            assert_eq!(feed.end().await, reset(*code), "{bytes:02x?}");
        }
        let mut feed = place.alice.feed(&open).await;
        feed.read::<FeedReady>().await;
        feed.bytes(&raw_frame(0x8abc, b"of a later version")).await;
        feed.finish();
        assert_eq!(feed.end().await, End::Finished, "what may be skipped is skipped");
    }
    place.alice_goes_on().await;
    place.end_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_of_another_feed_acknowledges_nothing() {
    let mut place = Place::new().await;
    for number in 0..3 {
        place.bob.send("alice", &format!("m{number}"), b"lunch?").await;
    }
    let mut presence = place.alice.feed(&presence_feed(Bytes::new())).await;
    let of_presence = presence.read::<FeedReady>().await.to;
    let mut inbox = place.alice.feed(&FeedOpen { window: 1, ..inbox_feed("alice") }).await;
    inbox.read::<FeedReady>().await;
    let first: MessageEvent = inbox.read().await;
    for cursor in [Bytes::from_static(b"forged"), Bytes::new(), of_presence] {
        inbox.write(&FeedAck { cursor }).await;
    }
    // Had one of them counted, the window would be open and the second message be next.
    inbox.write(&FeedAck { cursor: first.cursor.clone() }).await;
    let acked: FeedAcked = loop {
        let frame = inbox.next().await.unwrap();
        if frame.kind == FeedAcked::KIND {
            break support::stream::known(&frame);
        }
        let event: MessageEvent = support::stream::known(&frame);
        assert_eq!(event.number, 2);
    };
    assert_eq!(acked.cursor, first.cursor);
    let question = InboxStatus { inbox: support::inbox("alice") };
    let state: InboxState = place.alice.ask(&question).await.read().await;
    assert_eq!((state.acknowledged, state.waiting), (1, 2));
    place.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noise_on_any_stream_disturbs_nobody() {
    let place = Place::new().await;
    let mut random = fastrand::Rng::with_seed(support::seed(2_779));
    for round in 0..60 {
        let session = Session::enter(place.running.address(), "alice").await;
        let mut stream = Stream::blank(&session.peer.connection).await.unwrap();
        let length = random.usize(1..3_000);
        let mut noise: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
        noise[0] %= 4;
        // Half of the time with a length that lets the rest pass as a frame.
        if round % 2 == 0 && length > 8 {
            let rest = u32::try_from(length - 5).unwrap();
            noise[1..5].copy_from_slice(&rest.to_be_bytes());
            noise[5] = 0;
        }
        stream.bytes(&noise).await;
        let _ = stream.send.finish();
        stream.end().await;
        session.close();
    }
    place.alice_goes_on().await;
    place.end_unharmed().await;
}
