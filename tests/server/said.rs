//! Sentences of `docs/PROTOCOL.md` that are about one small thing each.
//!
//! Must never hold: what a whole file is about (feeds, rules, bad peers).

use bytes::Bytes;

use super::connections::inbox_of;
use super::feeds::{ack, open, presence};
use super::rules::{first, rule, set_rules, visitor};
use super::store::Store;
use crate::by_hand::raw_frame;
use crate::support::peer::{Device, Peer, Session, inbox_feed, message, presence_feed, subscribe};
use crate::support::server::Running;
use crate::support::stream::{End, frame, known};
use crate::support::until;
use adsum::model::{Handling, RefusalCode as Code};
use adsum::protocol::body::{
    Administer, Body, CaughtUp, Challenge, ChallengeAnswer, ChangeDelivery, Changed, DeliveryRule,
    EndSubscription, FeedAcked, FeedEnd, FeedOpen, FeedReady, Fetch, Hello, Invite, Invited, Key,
    ListKeys, MessageEvent, Presence, PresenceEvent, Refused, Subscribed,
};
use adsum::wire::{CHALLENGE_CONTEXT, CloseCode, ResetCode, StreamType};

const LATER: &[u8] = b"of a later version";

#[tokio::test]
async fn an_anonymous_session_is_told_so_whatever_else_it_asks() {
    let store = Store::new();
    let server = store.serve().await;
    let mut guest = visitor(&server).await;
    let mut asked = 0;
    for sample in adsum::protocol::samples() {
        let kind = u16::from_be_bytes([sample.frame[4], sample.frame[5]]);
        if (0x0021..=0x002e).contains(&kind) {
            let mut query = guest.peer.open(StreamType::Query).await;
            query.bytes(&sample.frame).await;
            query.finish();
            assert_eq!(query.refused().await, Code::Anonymous as u16, "{}", sample.title);
            asked += 1;
        }
        let may =
            [Code::Refused, Code::ForeignDomain, Code::NoSubscription].map(|code| code as u16);
        if (0x0010..=0x001f).contains(&kind) {
            guest.control.bytes(&sample.frame).await;
            let code = guest.control.refused().await;
            let is_allowed = [0x0011, 0x0012, 0x0013].contains(&kind);
            let expected = code == Code::Anonymous as u16 || is_allowed && may.contains(&code);
            assert!(expected, "{}: {code}", sample.title);
        }
    }
    assert!(asked > 13);
    let mut inbox = guest.feed(&inbox_feed("alice")).await;
    assert_eq!(inbox.refused().await, Code::Anonymous as u16);
    let (_, ready) = open(&guest, &presence(&Bytes::new(), 0)).await;
    assert_eq!(ready.outcome, 0);
}

#[tokio::test]
async fn kinds_that_may_be_skipped_are_skipped_in_front_of_every_first_frame() {
    let store = Store::new();
    let server = store.serve().await;
    let skipped = [raw_frame(0x8000, LATER), raw_frame(0xffff, &[])].concat();
    let alice = Device::of("alice");
    let peer = Peer::connect(server.local_addr()).await;
    let mut control = peer.open(StreamType::Control).await;
    let hello = Hello { proof: 0, signature: Bytes::new(), ..peer.hello(&alice) };
    control.bytes(&[&skipped[..], &frame(&hello)].concat()).await;
    let nonce = control.read::<Challenge>().await.nonce;
    let signature = alice.sign(CHALLENGE_CONTEXT, &peer.server_key, &nonce);
    control.bytes(&[&skipped[..], &frame(&ChallengeAnswer { signature })].concat()).await;
    control.read::<adsum::protocol::body::Welcome>().await;
    let mut query = peer.open(StreamType::Query).await;
    let fetch = Fetch { presentity: "pres:alice@d.example".into() };
    query.bytes(&[&skipped[..], &frame(&fetch)].concat()).await;
    query.read::<Presence>().await;
    let mut feed = peer.open(StreamType::Feed).await;
    feed.bytes(&[&skipped[..], &frame(&presence_feed(Bytes::new()))].concat()).await;
    feed.read::<FeedReady>().await;
}

#[tokio::test]
async fn a_field_that_means_nothing_where_it_stands_is_refused() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let feeds = [
        FeedOpen { inbox: "im:alice@d.example".into(), ..presence_feed(Bytes::new()) },
        FeedOpen { from_start: true, ..presence_feed(Bytes::new()) },
        FeedOpen { presentities: vec!["pres:bob@d.example".into()], ..inbox_feed("alice") },
        FeedOpen { watchers: Some(Bytes::from_static(&[1])), ..inbox_feed("alice") },
    ];
    for wish in feeds {
        assert_eq!(alice.feed(&wish).await.refused().await, Code::BadField as u16, "{wish:?}");
    }
    let rule = DeliveryRule {
        name: "bob@d.example".into(),
        who: "bob@d.example".into(),
        content_type: String::new(),
        larger_than: None,
        action: 4,
        reason: "for nothing".into(),
    };
    let change = ChangeDelivery {
        request: 1,
        operation: [1; 16],
        inbox: "im:alice@d.example".into(),
        if_version: None,
        put: vec![rule],
        remove: vec![],
        when_closed: 0,
        receipts: 0,
    };
    alice.control.write(&change).await;
    assert_eq!(alice.control.refused().await, Code::BadField as u16);
    let suspend = Administer {
        request: 2,
        operation: [2; 16],
        act: 5,
        subject: "bob@d.example".into(),
        presence: 1,
        messaging: 0,
        recovery_delay: None,
        recovery_shows: None,
        quota: None,
        quota_max: None,
        recipients_keep: None,
    };
    alice.control.write(&suspend).await;
    assert_eq!(alice.control.refused().await, Code::BadField as u16);
    let peer = Peer::connect(server.local_addr()).await;
    let hello = Hello { proof: 0, ..peer.hello(&Device::of("alice")) };
    assert_eq!(peer.say_hello(&hello).await.refused().await, Code::BadField as u16);
}

#[tokio::test]
async fn a_closed_window_holds_events_back_and_nothing_else() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let mut bob = Session::enter(server.local_addr(), "bob").await;
    alice.send("bob", "m1", b"one").await;
    let (mut inbox, _) = open(&bob, &FeedOpen { window: 1, ..inbox_of("bob") }).await;
    let first: MessageEvent = inbox.read().await;
    // All that was missed has been sent, though nothing of it is acknowledged.
    inbox.read::<CaughtUp>().await;
    alice.send("bob", "m2", b"two").await;
    alice.send("bob", "m3", b"three").await;
    ack(&mut inbox, &first.cursor).await;
    let mut kinds = [inbox.next().await.unwrap().kind, inbox.next().await.unwrap().kind];
    kinds.sort_unstable();
    assert_eq!(kinds, [MessageEvent::KIND, FeedAcked::KIND]);
    inbox.finish();
    inbox.read::<FeedEnd>().await;
    alice.publish("one").await;
    bob.subscribe("alice", 0).await;
    let (mut shown, _) = open(&bob, &presence(&Bytes::new(), 1)).await;
    shown.read::<PresenceEvent>().await;
    shown.read::<CaughtUp>().await;
    alice.publish("two").await;
    shown.finish();
    shown.read::<FeedEnd>().await;
}

#[tokio::test]
async fn nothing_published_is_one_closed_tuple() {
    let store = Store::new();
    let server = store.serve().await;
    let bob = Session::enter(server.local_addr(), "bob").await;
    let _alice = Session::enter(server.local_addr(), "alice").await;
    let shown: Presence = bob.query(&Fetch { presentity: "pres:alice@d.example".to_owned() }).await;
    let document = shown.presence.document;
    assert_eq!((document.tuples.len(), document.tuples[0].basic), (1, 2));
    assert!(document.notes.is_empty() && document.tuples[0].notes.is_empty());
}

#[tokio::test]
async fn a_watcher_is_told_who_ended_its_subscription_and_may_subscribe_again() {
    let running = Running::start_with(|config| config.open_enrollment = true).await;
    let server = &running.server;
    let mut root = first(server, "root").await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let mut bob = Session::enter(server.local_addr(), "bob").await;
    let (mut feed, _) = open(&bob, &presence(&Bytes::new(), 0)).await;
    feed.read::<CaughtUp>().await;
    let end = EndSubscription {
        operation: None,
        request: 1,
        watcher: "bob@d.example".into(),
        presentity: "pres:alice@d.example".into(),
    };
    for (by, reason) in [(&mut alice, 3), (&mut root, 2)] {
        bob.subscribe("alice", 0).await;
        assert_eq!(feed.read::<PresenceEvent>().await.presence.state, 1);
        let _: Changed = by.request(&end).await;
        let told: PresenceEvent = feed.read().await;
        assert_eq!((told.presence.state, told.presence.reason), (2, reason));
        assert!(told.presence.document.tuples.is_empty());
    }
    // To keep it out takes a rule.
    let block = set_rules(2, "pres:alice@d.example", &[rule("bob@d.example", Handling::Block)]);
    let _: Changed = alice.request(&block).await;
    bob.control.write(&subscribe(77, "alice", 0)).await;
    assert_eq!(bob.answer::<Subscribed>().await.err(), Some(Code::Refused as u16));
    running.stop().await;
}

#[tokio::test]
async fn a_feed_that_is_stopped_gives_its_place_back() {
    let store = Store::new();
    let server = store.serve().await;
    let alice = Session::enter(server.local_addr(), "alice").await;
    let mut feeds = Vec::new();
    for _ in 0..8 {
        feeds.push(open(&alice, &presence(&Bytes::new(), 0)).await.0);
    }
    let mut stopped = feeds.pop().unwrap();
    let cancelled = quinn::VarInt::from_u32(ResetCode::Cancelled.number());
    stopped.receive.stop(cancelled).unwrap();
    stopped.send.reset(cancelled).unwrap();
    until("there is room for a feed again", async || {
        let mut feed = alice.feed(&presence_feed(Bytes::new())).await;
        (feed.next().await.unwrap().kind == FeedReady::KIND).then_some(())
    })
    .await;
}

#[tokio::test]
async fn request_number_0_is_answered_like_any_other() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let sent: adsum::protocol::body::Sent = alice.request(&message(0, "alice", "m0", b"hi")).await;
    assert_eq!(sent.request, 0);
    let refused: Refused = alice.request(&message(0, "nobody", "m1", b"hi")).await;
    assert_eq!((refused.request, refused.code), (0, Code::UnknownInbox as u16));
}

#[tokio::test]
async fn the_code_of_a_close_is_there_when_control_has_ended() {
    let store = Store::new();
    let server = store.serve().await;
    let peer = Peer::connect(server.local_addr()).await;
    let stranger = Hello { enroll: None, ..peer.hello(&Device::of("nobody")) };
    let mut control = peer.say_hello(&stranger).await;
    assert_eq!(control.refused().await, Code::UnknownKey as u16);
    let code = End::closed(CloseCode::AuthFailed);
    // The half may end first, or the close may overtake it: the code comes in both cases.
    let end = control.end().await;
    assert!(end == End::Finished || end == code, "{end:?}");
    assert_eq!(peer.end().await, code);
}

#[tokio::test]
async fn a_body_without_fields_still_has_its_ext() {
    let store = Store::new();
    let server = store.serve().await;
    let alice = Session::enter(server.local_addr(), "alice").await;
    let mut empty = alice.peer.open(StreamType::Query).await;
    empty.bytes(&raw_frame(0x0021, &[])).await;
    assert_eq!(empty.end().await, End::reset(ResetCode::Malformed));
    let mut query = alice.peer.open(StreamType::Query).await;
    query.bytes(&raw_frame(0x0021, &[0])).await;
    assert_eq!(query.next().await.unwrap().kind, 0x012f);
}

#[tokio::test]
async fn keys_are_listed_in_order_of_device() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    for number in 0..4_u8 {
        let token = [number; 32];
        let invite = Invite {
            request: alice.number(),
            invite: adsum::model::InviteId::of(&token).0,
            principal: Some("alice@d.example".into()),
            role: 0,
            lifetime_ms: None,
            recovers: None,
        };
        let _: Invited = alice.request(&invite).await;
        let device = Device::labelled("alice", &format!("device {number}"));
        let peer = Peer::connect(server.local_addr()).await;
        let mut hello = peer.hello(&device);
        hello.enroll.as_mut().unwrap().token = Bytes::copy_from_slice(&token);
        Session::begin(peer, "alice", &hello).await.unwrap().close();
    }
    let listed = alice.list(&ListKeys { principal: String::new() }).await;
    let devices: Vec<[u8; 8]> = listed.iter().map(|row| known::<Key>(row).device).collect();
    assert_eq!(devices.len(), 5);
    assert!(devices.is_sorted());
}

#[tokio::test]
async fn a_peer_may_open_64_streams_and_no_datagrams_and_others_end_the_connection() {
    let store = Store::new();
    let server = store.serve().await;
    let Session { peer, control: _control, .. } =
        Session::enter(server.local_addr(), "alice").await;
    assert_eq!(peer.connection.max_datagram_size(), None);
    let at_once = async |opened: bool| {
        let short = std::time::Duration::from_millis(if opened { 60_000 } else { 100 });
        tokio::time::timeout(short, peer.connection.open_bi()).await.ok()
    };
    let mut streams = Vec::new();
    // With CONTROL.
    for _ in 1..64 {
        streams.push(at_once(true).await.expect("there is room").unwrap());
    }
    assert!(at_once(false).await.is_none(), "a 65th waits");
    let mut send = peer.connection.open_uni().await.unwrap();
    let _ = send.write_all(&[0]).await;
    assert_eq!(peer.end().await, End::closed(CloseCode::ProtocolViolation));
}

#[tokio::test]
async fn a_longer_form_of_a_number_is_the_same_number() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let address = b"pres:nobody@d.example";
    let count = u8::try_from(address.len()).unwrap() | 0x80;
    let body = [&[0xcd, 0x80, 0x00, count, 0x00], &address[..], &[0x80, 0x00]].concat();
    alice.control.bytes(&raw_frame(0x0012, &body)).await;
    let refused: Refused = alice.control.read().await;
    assert_eq!((refused.request, refused.code), (77, Code::NoSubscription as u16));
}

#[tokio::test]
async fn an_answer_has_the_canonical_spelling() {
    let store = Store::new();
    let server = store.serve().await;
    let alice = Session::enter(server.local_addr(), "alice").await;
    for typed in
        ["PRES:Alice@D.Example", "pres:%61lice@d.example", "pres:alice@d.example?subject=x"]
    {
        let shown: Presence = alice.query(&Fetch { presentity: typed.to_owned() }).await;
        assert_eq!(shown.presence.presentity, "pres:alice@d.example", "{typed}");
    }
}

#[tokio::test]
async fn unknown_features_are_not_granted() {
    let store = Store::new();
    let server = store.serve().await;
    let peer = Peer::connect(server.local_addr()).await;
    let hello = Hello { features: u64::MAX, ..peer.hello(&Device::of("alice")) };
    let mut control = peer.say_hello(&hello).await;
    assert_eq!(control.read::<adsum::protocol::body::Welcome>().await.features, 0);
}
