//! Requests that are wrong: each is refused by a code of its own, changes nothing, and the connection goes on.
//!
//! Must never hold: bytes that are no frames (see `bad_stream.rs`).

use crate::by_hand::raw_frame;
use crate::support;
use crate::support::http::head;
use crate::support::peer::{Session, answer_in, document, message, operation, publish, subscribe};
use crate::support::server::Running;
use crate::support::stream::{frame, known};
use crate::support::{inbox, presentity, principal};
use adsum::model::RefusalCode as Code;
use adsum::protocol::body::{
    Body, Delete, Fetch, InboxStatus, Invite, ListKeys, Presence, Publish, Published, Refused,
    RevokeKey, Send, Sent, Subscribe, Unsubscribe,
};
use bytes::Bytes;

/// A request by its number, and the code it must be refused with.
type Case = (&'static str, Vec<u8>, Code);

/// Alice, bob and a message from alice to bob with the id `m1`.
struct Place {
    running: Running,
    alice: Session,
    bob: Session,
}

impl Place {
    async fn new() -> Self {
        let running = Running::start().await;
        let mut alice = Session::enter(running.address(), "alice").await;
        let bob = Session::enter(running.address(), "bob").await;
        alice.send("bob", "m1", b"lunch?").await;
        Self { running, alice, bob }
    }

    /// Each case is refused with its code and the number 77, and the log is as it was.
    async fn refuses(mut self, cases: Vec<Case>) {
        let before = head(self.running.http()).await;
        for (name, bytes, code) in cases {
            self.alice.control.bytes(&bytes).await;
            let refused: Refused = self.alice.control.read().await;
            assert_eq!((refused.request, refused.code), (77, code as u16), "{name}: {refused:?}");
            assert!(!refused.message.is_empty() && refused.message.len() <= 2_048, "{name}");
        }
        assert_eq!(head(self.running.http()).await, before, "nothing was recorded");
        self.bob.publish("undisturbed").await;
        let _: Published = {
            self.alice.control.write(&publish("alice", 78, "undisturbed")).await;
            self.alice.answer().await.unwrap()
        };
        self.running.stop().await;
    }
}

fn case<B: Body>(name: &'static str, body: &B, code: Code) -> Case {
    (name, frame(body), code)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_publish_says_what_is_wrong() {
    let good = || publish("alice", 77, "a note");
    let to = |presentity: &str| Publish { presentity: presentity.to_owned(), ..good() };
    let with = |change: fn(&mut adsum::protocol::body::Document)| {
        let mut document = document("a note");
        change(&mut document);
        Publish { document: Some(document), ..good() }
    };
    let not_text = || Some(Bytes::from_static(b"\xff\xfe"));
    let mut no_utf8 = document("a note");
    no_utf8.tuples[0].notes[0].text = not_text();
    let no_utf8 = Publish { document: Some(no_utf8), ..good() };
    let stale = Publish { if_match: Some([7; 16]), ..good() };
    let refresh_of_nothing = Publish { document: None, ..stale.clone() };
    let many = with(|document| document.tuples = vec![document.tuples[0].clone(); 101]);
    let twice = with(|document| document.tuples = vec![document.tuples[0].clone(); 2]);
    let large = Publish { document: Some(document(&"x".repeat(66_000))), ..good() };
    let cases = vec![
        case("no scheme", &to("alice@d.example"), Code::BadAddress),
        case("another scheme", &to("sip:alice@d.example"), Code::BadAddress),
        case("no domain", &to("pres:alice"), Code::BadAddress),
        case("empty address", &to(""), Code::BadAddress),
        case("foreign domain", &to("pres:alice@elsewhere.example"), Code::ForeignDomain),
        case("nobody's presentity", &to("pres:nobody@d.example"), Code::Forbidden),
        case("somebody else's presentity", &to("pres:bob@d.example"), Code::Forbidden),
        case("stale tag", &stale, Code::StaleTag),
        case("refresh of nothing", &refresh_of_nothing, Code::StaleTag),
        case("nothing", &Publish { document: None, ..good() }, Code::NothingToPublish),
        case("too brief", &Publish { lifetime_ms: Some(999), ..good() }, Code::TooBrief),
        case("name with a blank", &Publish { name: "my desk".into(), ..good() }, Code::BadField),
        case("long name", &Publish { name: "x".repeat(33), ..good() }, Code::BadField),
        case("tuple id", &with(|document| document.tuples[0].id.clear()), Code::BadField),
        case("status", &with(|document| document.tuples[0].basic = 3), Code::BadField),
        case("the same tuple twice", &twice, Code::BadField),
        case("note that is not UTF-8", &no_utf8, Code::BadUtf8),
        case("too many tuples", &many, Code::TooLarge),
        case("too large", &large, Code::TooLarge),
    ];
    Place::new().await.refuses(cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_message_says_what_is_wrong() {
    let good = || message(77, "bob", "m2", b"lunch?");
    let to = |inbox: &str| Send { inbox: inbox.to_owned(), ..good() };
    let from = |sender: &str| Send { sender: sender.to_owned(), ..good() };
    let other = message(77, "bob", "m1", b"dinner?");
    let cases = vec![
        case("no scheme", &to("bob@d.example"), Code::BadAddress),
        case("a presentity", &to("pres:bob@d.example"), Code::BadAddress),
        case("foreign domain", &to("im:bob@elsewhere.example"), Code::ForeignDomain),
        case("nobody's inbox", &to("im:nobody@d.example"), Code::UnknownInbox),
        case("another sender", &from(&principal("bob")), Code::NotYourSender),
        case("a sender that is none", &from("bob"), Code::BadAddress),
        case("empty", &message(77, "bob", "m2", b""), Code::BadField),
        case("too large", &message(77, "bob", "m2", &vec![0; 65_537]), Code::TooLarge),
        case("no id", &Send { id: String::new(), ..good() }, Code::BadField),
        case("long id", &Send { id: "x".repeat(65), ..good() }, Code::BadField),
        case("id with a blank", &Send { id: "m 2".into(), ..good() }, Code::BadField),
        case("no type", &Send { content_type: "text".into(), ..good() }, Code::BadField),
        case("no time to live", &Send { lifetime_ms: Some(0), ..good() }, Code::ExpiredMessage),
        case("the id of another message", &other, Code::DuplicateId),
    ];
    Place::new().await.refuses(cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_wrong_requests_say_what_is_wrong() {
    let to =
        |address: &str| Subscribe { presentity: address.to_owned(), ..subscribe(77, "bob", 0) };
    let end = |address: &str| {
        let presentity = address.to_owned();
        Unsubscribe { operation: None, request: 77, presentity }
    };
    let delete = |name: &str, count: u64| {
        let sequences = (1..=count).collect();
        Delete { operation: None, sender: None, request: 77, inbox: inbox(name), sequences }
    };
    let invite = Invite {
        request: 77,
        invite: [1; 32],
        principal: Some(principal("carol")),
        role: 0,
        lifetime_ms: None,
        recovers: None,
    };
    let revoke = |principal: &str| {
        let principal = principal.to_owned();
        RevokeKey { operation: None, request: 77, principal, device: [1; 8] }
    };
    let brief = Subscribe { lifetime_ms: Some(1), ..subscribe(77, "bob", 0) };
    let cases = vec![
        case("bad address", &to("pres:"), Code::BadAddress),
        case("foreign domain", &to("pres:bob@elsewhere.example"), Code::ForeignDomain),
        case("nobody", &to("pres:nobody@d.example"), Code::Refused),
        case("mode", &subscribe(77, "bob", 7), Code::BadField),
        case("too brief", &brief, Code::TooBrief),
        case("end of nothing", &end(&presentity("bob")), Code::NoSubscription),
        case("end of a bad address", &end("bob"), Code::BadAddress),
        case("somebody else's messages", &delete("bob", 1), Code::Forbidden),
        case("too many messages", &delete("alice", 1_001), Code::TooLarge),
        case("an invite by a user", &invite, Code::Forbidden),
        case("a role", &Invite { role: 9, ..invite.clone() }, Code::BadField),
        case("no such device", &revoke(""), Code::NoDevice),
        case("somebody else's device", &revoke(&principal("bob")), Code::Forbidden),
    ];
    Place::new().await.refuses(cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_does_not_decode_is_refused_by_its_number() {
    let good = frame(&message(77, "bob", "m2", b"lunch?"));
    let body = &good[6..];
    let rebuilt = |body: &[u8]| raw_frame(Send::KIND, body);
    let mut not_text = body.to_vec();
    // The first byte of the inbox's text.
    not_text[2] = 0xff;
    let mut claims_more = body.to_vec();
    claims_more[1] = 0x7f;
    let mut option = frame(&subscribe(77, "bob", 0))[6..].to_vec();
    let place = option.len() - 2;
    option[place] = 2;
    let cases: Vec<Case> = vec![
        ("cut", rebuilt(&body[..body.len() - 1]), Code::Malformed),
        ("only a number", rebuilt(&[77]), Code::Malformed),
        ("bytes left over", rebuilt(&[body, b"more"].concat()), Code::Malformed),
        ("a text longer than the frame", rebuilt(&claims_more), Code::Malformed),
        ("neither none nor some", raw_frame(Subscribe::KIND, &option), Code::Malformed),
        ("text that is not UTF-8", rebuilt(&not_text), Code::BadUtf8),
        ("unknown kind", raw_frame(0x00f0, &[77, 1, 2]), Code::UnknownKind),
        ("the last kind that must be known", raw_frame(0x7fff, &[77]), Code::UnknownKind),
    ];
    Place::new().await.refuses(cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_kinds_that_may_be_skipped_are_skipped() {
    let mut place = Place::new().await;
    for kind in [0x8000, 0x8001, 0x9abc, 0xffff] {
        let skipped = raw_frame(kind, b"of a later version");
        let next = frame(&message(77, "bob", &format!("after-{kind}"), b"hi"));
        place.alice.control.bytes(&[skipped, next].concat()).await;
        let sent: Sent = place.alice.answer().await.unwrap();
        assert_eq!((sent.request, sent.duplicate), (77, false));
    }
    place.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_keep_their_place_among_the_answers() {
    let mut place = Place::new().await;
    let mut flight = Vec::new();
    for number in 0..200_u64 {
        flight.extend(match number % 4 {
            0 => frame(&message(number, "bob", &format!("n{number}"), b"hi")),
            1 => frame(&message(number, "nobody", "x", b"hi")),
            2 => raw_frame(0x00f0, &varint(number)),
            _ => frame(&publish("alice", number, "a note")),
        });
    }
    place.alice.control.bytes(&flight).await;
    for number in 0..200_u64 {
        let frame = place.alice.control.next().await.unwrap();
        let found = match number % 4 {
            0 => answer_in::<Sent>(&frame).unwrap().request,
            3 => answer_in::<Published>(&frame).unwrap().request,
            _ => known::<Refused>(&frame).request,
        };
        assert_eq!(found, number);
    }
    place.running.stop().await;
}

fn varint(number: u64) -> Vec<u8> {
    let low = u8::try_from(number % 128).unwrap();
    if number < 128 { vec![low] } else { vec![low | 0x80, u8::try_from(number / 128).unwrap()] }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_question_is_refused_on_its_own_stream() {
    let place = Place::new().await;
    let before = head(place.running.http()).await;
    let alice = &place.alice;
    let fetch = |address: &str| Fetch { presentity: address.to_owned() };
    let status = |address: &str| InboxStatus { inbox: address.to_owned() };
    let keys = |principal: &str| ListKeys { principal: principal.to_owned() };
    let questions = [
        (frame(&fetch("alice")), Code::BadAddress),
        (frame(&fetch("pres:alice@elsewhere.example")), Code::ForeignDomain),
        (frame(&fetch("pres:nobody@d.example")), Code::Refused),
        (frame(&status("im:")), Code::BadAddress),
        (frame(&status("im:nobody@d.example")), Code::Forbidden),
        (frame(&status("im:bob@d.example")), Code::Forbidden),
        (frame(&keys("bob")), Code::BadAddress),
        (frame(&keys("bob@d.example")), Code::Forbidden),
    ];
    for (bytes, code) in questions {
        let mut query = alice.peer.open(adsum::wire::StreamType::Query).await;
        query.bytes(&bytes).await;
        assert_eq!(query.refused().await, code as u16, "{bytes:02x?}");
        assert_eq!(query.end().await, support::stream::End::Finished);
    }
    assert_eq!(head(place.running.http()).await, before, "nothing was recorded");
    let presence: Presence = alice.ask(&fetch(&presentity("bob"))).await.read().await;
    assert_eq!(presence.presence.presentity, presentity("bob"));
    place.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_repeated_after_others_is_judged_anew_and_by_its_tag() {
    let mut place = Place::new().await;
    let first = place.alice.publish("one").await;
    let second = place.alice.publish("two").await;
    assert_ne!(first.tag, second.tag);
    let before = head(place.running.http()).await;
    let number = place.alice.number();
    let stale = Publish {
        operation: operation(99, "another"),
        if_match: Some(first.tag),
        ..publish("alice", number, "three")
    };
    place.alice.control.write(&stale).await;
    assert_eq!(place.alice.answer::<Published>().await.err(), Some(Code::StaleTag as u16));
    assert_eq!(head(place.running.http()).await, before, "nothing was recorded");
    place.running.stop().await;
}
