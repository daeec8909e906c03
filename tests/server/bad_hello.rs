//! Peers that do not get in: each learns why by a code of its own, changes nothing, and disturbs nobody.
//!
//! Must never hold: a peer that gets in and misbehaves then (see `bad_peer.rs`).

use std::time::Duration;

use crate::by_hand::raw_frame;
use crate::support;
use crate::support::http::head;
use crate::support::peer::{Device, Manner, Peer, Session, subscribe};
use crate::support::server::Running;
use crate::support::stream::{End, Stream, frame};
use adsum::model::RefusalCode as Code;
use adsum::protocol::body::{
    Challenge, ChallengeAnswer, Enroll, Hello, KeyRevoked, RevokeKey, Subscribe, Welcome,
};
use adsum::wire::{CHALLENGE_CONTEXT, CloseCode, EXPORTER_CONTEXT, StreamType};
use bytes::Bytes;

/// A server where alice is enrolled, and where the log ended before anybody was turned away.
struct Place {
    running: Running,
    alice: Session,
    head: u64,
}

impl Place {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut adsum::server::ServerConfig)) -> Self {
        let running = Running::start_with(change).await;
        let alice = Session::enter(running.address(), "alice").await;
        let head = head(running.http()).await;
        Self { running, alice, head }
    }

    async fn peer(&self) -> Peer {
        Peer::connect(self.running.address()).await
    }

    /// Nothing was recorded, and who was there before is still served.
    async fn end_unharmed(mut self) {
        assert_eq!(head(self.running.http()).await, self.head, "nothing was recorded");
        self.alice.publish("undisturbed").await;
        self.running.stop().await;
    }

    /// Says `hello`; returns the code of the refusal, behind which the connection must be closed with `close`.
    async fn refusal(&self, peer: Peer, hello: &Hello, close: CloseCode) -> u16 {
        let mut control = peer.say_hello(hello).await;
        let code = control.refused().await;
        assert_eq!(peer.end().await, closed(close));
        code
    }
}

/// Spoils a `Hello` in a way that no signature mends.
type Spoil = fn(&mut Hello);

fn closed(code: CloseCode) -> End {
    End::Closed(u64::from(code.number()))
}

fn without_enrolment(hello: Hello) -> Hello {
    Hello { enroll: None, ..hello }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_says_nothing_is_closed_in_time() {
    let short = Duration::from_secs(1);
    let place = Place::with(|config| config.timeouts.hello = short).await;
    let peers = [place.peer().await, place.peer().await, place.peer().await, place.peer().await];
    let [silent, half, elsewhere, unanswered] = &peers;
    let mut begun = half.open(StreamType::Control).await;
    let bytes = frame(&half.hello(&Device::of("bob")));
    begun.bytes(&bytes[..bytes.len() / 2]).await;
    let _query = elsewhere.open(StreamType::Query).await;
    let hello = Hello { proof: 0, signature: Bytes::new(), ..unanswered.hello(&Device::of("bob")) };
    let _challenged = unanswered.say_hello(&hello).await;
    for peer in [silent, half, elsewhere, unanswered] {
        assert_eq!(peer.end().await, closed(CloseCode::HelloTimeout));
    }
    place.end_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_frame_that_is_no_hello_ends_the_connection() {
    let place = Place::new().await;
    let subscribe: Subscribe = subscribe(1, "alice", 0);
    let not_text = raw_frame(0x0001, &[1, 0, 2, 0xff, 0xfe]);
    let wrong = [
        (frame(&subscribe), CloseCode::ProtocolViolation),
        (raw_frame(0x0001, b"what is this"), CloseCode::ProtocolViolation),
        (raw_frame(0x0001, &[]), CloseCode::ProtocolViolation),
        (not_text, CloseCode::ProtocolViolation),
        (vec![0, 0, 0, 1, 0], CloseCode::ProtocolViolation),
        (vec![0, 0, 16, 1], CloseCode::FrameTooLarge),
        (vec![0xff; 4], CloseCode::FrameTooLarge),
    ];
    for (bytes, code) in wrong {
        let peer = place.peer().await;
        let mut control = peer.open(StreamType::Control).await;
        control.bytes(&bytes).await;
        assert_eq!(peer.end().await, closed(code), "{bytes:02x?}");
    }
    place.end_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hello_may_be_as_large_as_the_limit_and_no_larger() {
    let place = Place::new().await;
    let fits = place.peer().await;
    let hello = fits.hello(&Device::of("alice"));
    let room = 4_096 - (frame(&hello).len() - 4);
    // The length of the text takes one byte more.
    let longer = |extra: usize| "x".repeat(hello.client.len() + room - 1 + extra);
    let mut control = fits.say_hello(&Hello { client: longer(0), ..hello.clone() }).await;
    control.read::<Welcome>().await;
    let above = place.peer().await;
    let hello = Hello { client: longer(1), ..above.hello(&Device::of("alice")) };
    above.say_hello(&hello).await;
    assert_eq!(above.end().await, closed(CloseCode::FrameTooLarge));
    place.end_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_cannot_prove_the_key_is_refused() {
    let place = Place::new().await;
    let (alice, other) = (Device::of("alice"), place.peer().await);
    let elsewhere = other.hello(&alice).signature;
    let swapped = Hello { key: Device::labelled("alice", "second").key, ..other.hello(&alice) };
    drop(other);
    let peer = place.peer().await;
    let honest = peer.hello(&alice);
    let mut fresh = [0; 32];
    peer.connection.export_keying_material(&mut fresh, b"EXPORTER-other-label", b"").unwrap();
    let other_label = alice.sign(EXPORTER_CONTEXT, &peer.server_key, &fresh);
    let other_server = alice.sign(EXPORTER_CONTEXT, &[7; 32], &fresh);
    drop(peer);
    let mut cut = honest.clone();
    cut.signature.truncate(63);
    let as_bob = Hello { principal: support::principal("bob"), ..honest.clone() };
    let forged = [
        Hello { signature: elsewhere, ..honest.clone() },
        Hello { signature: other_label, ..honest.clone() },
        Hello { signature: other_server, ..honest.clone() },
        Hello { signature: Bytes::new(), ..honest.clone() },
        cut,
        swapped,
        as_bob,
        // Honest on its own connection, and worth nothing on the next.
        honest,
    ];
    for hello in forged {
        let peer = place.peer().await;
        let code = place.refusal(peer, &hello, CloseCode::AuthFailed).await;
        assert_eq!(code, Code::BadProof as u16, "{hello:?}");
    }
    place.end_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenge_proves_as_well_as_the_exporter() {
    let place = Place::new().await;
    let alice = Device::of("alice");
    let peer = place.peer().await;
    let mut control = challenged(&peer, &alice).await;
    let nonce = control.read::<Challenge>().await.nonce;
    let signature = alice.sign(CHALLENGE_CONTEXT, &peer.server_key, &nonce);
    control.write(&ChallengeAnswer { signature }).await;
    let welcome: Welcome = control.read().await;
    assert_eq!((welcome.device, welcome.enrolled), (place.alice.welcome.device, false));
    control.write(&subscribe(1, "nobody", 0)).await;
    assert_eq!(control.refused().await, Code::Refused as u16);
    place.end_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenge_signed_wrongly_proves_nothing() {
    let place = Place::new().await;
    let (alice, bob) = (Device::of("alice"), Device::of("bob"));
    for case in 0..4 {
        let peer = place.peer().await;
        let mut control = challenged(&peer, &alice).await;
        let nonce = control.read::<Challenge>().await.nonce;
        let key = &peer.server_key;
        let signature = match case {
            0 => alice.sign(EXPORTER_CONTEXT, key, &nonce),
            1 => alice.sign(CHALLENGE_CONTEXT, key, &[0; 32]),
            2 => bob.sign(CHALLENGE_CONTEXT, key, &nonce),
            _ => Bytes::new(),
        };
        control.write(&ChallengeAnswer { signature }).await;
        assert_eq!(control.refused().await, Code::BadProof as u16, "case {case}");
        assert_eq!(peer.end().await, closed(CloseCode::AuthFailed));
    }
    place.end_unharmed().await;
}

async fn challenged(peer: &Peer, device: &Device) -> Stream {
    let hello = Hello { proof: 0, signature: Bytes::new(), ..peer.hello(device) };
    peer.say_hello(&without_enrolment(hello)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_reason_to_be_refused_has_its_own_code() {
    let place = Place::new().await;
    let enroll = |token: &'static [u8]| Enroll { token: token.into(), label: "phone".to_owned() };
    let second = Device::labelled("alice", "second");
    let (alice, carol) = (Device::of("alice"), Device::of("carol"));
    let unsigned: [(Code, Spoil); 4] = [
        (Code::Version, |hello| hello.version = 2),
        (Code::Version, |hello| hello.version = 0),
        (Code::BadField, |hello| hello.proof = 9),
        (Code::BadAddress, |hello| hello.principal = "alice".to_owned()),
    ];
    for (code, change) in unsigned {
        let peer = place.peer().await;
        let mut hello = peer.hello(&alice);
        change(&mut hello);
        assert_eq!(place.refusal(peer, &hello, CloseCode::AuthFailed).await, code as u16);
    }
    let signed = [
        // The same for who is not enrolled at all: nobody unproven learns who is.
        (&carol, None, Code::UnknownKey),
        (&second, None, Code::UnknownKey),
        (&second, Some(enroll(b"")), Code::NameTaken),
        (&carol, Some(enroll(&[7; 32])), Code::BadInvite),
        (&carol, Some(enroll(b"short")), Code::BadInvite),
    ];
    for (device, enroll, code) in signed {
        let peer = place.peer().await;
        let hello = Hello { enroll, ..peer.hello(device) };
        assert_eq!(place.refusal(peer, &hello, CloseCode::AuthFailed).await, code as u16);
    }
    place.end_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_domain_that_is_not_served_is_refused_by_its_name() {
    let place = Place::new().await;
    let mut stranger = Device::of("alice");
    stranger.principal = "alice@elsewhere.example".to_owned();
    let peer = place.peer().await;
    let hello = peer.hello(&stranger);
    let code = place.refusal(peer, &hello, CloseCode::AuthFailed).await;
    assert_eq!(code, Code::ForeignDomain as u16);
    place.end_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_open_enrolment_only_an_invite_lets_in() {
    let running = Running::start_with(|config| config.open_enrollment = false).await;
    let token = running.server.first_invite().expect("nobody is enrolled yet");
    let invited =
        |token: &[u8]| Enroll { token: Bytes::copy_from_slice(token), label: String::new() };
    let enter = async |name: &str, enroll: Enroll| {
        let peer = Peer::connect(running.address()).await;
        let hello = Hello { enroll: Some(enroll), ..peer.hello(&Device::of(name)) };
        let mut control = peer.say_hello(&hello).await;
        support::peer::answer_in::<Welcome>(&control.next().await.unwrap())
    };
    assert_eq!(enter("alice", invited(b"")).await.err(), Some(Code::InviteNeeded as u16));
    let welcome = enter("alice", invited(&token)).await.unwrap();
    assert_eq!(
        (welcome.enrolled, welcome.role),
        (true, 1),
        "the first invite is an administrator's"
    );
    assert_eq!(enter("bob", invited(&token)).await.err(), Some(Code::BadInvite as u16), "spent");
    // The answer may have been lost: the same Hello again is no fault.
    assert!(!enter("alice", invited(&token)).await.unwrap().enrolled);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_told_so_and_stays_out() {
    let running = Running::start().await;
    let mut alice = Session::enter(running.address(), "alice").await;
    let device = alice.welcome.device;
    let request = alice.number();
    let revoke = RevokeKey { operation: None, request, principal: String::new(), device };
    alice.control.write(&revoke).await;
    alice.answer::<KeyRevoked>().await.unwrap();
    assert_eq!(alice.peer.end().await, closed(CloseCode::AuthExpired));
    let peer = Peer::connect(running.address()).await;
    let mut control = peer.say_hello(&peer.hello(&Device::of("alice"))).await;
    assert_eq!(control.refused().await, Code::KeyRevoked as u16);
    assert_eq!(peer.end().await, closed(CloseCode::AuthFailed));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_protocol_is_refused_before_a_byte_of_ours() {
    let place = Place::new().await;
    for alpn in ["adsum/2", "h2"] {
        let manner = Manner { alpn: alpn.into(), ..Manner::default() };
        let refused = Peer::try_connect(place.running.address(), manner).await;
        let Err(quinn::ConnectionError::ConnectionClosed(close)) = refused else {
            panic!("{alpn}: the server took it, or said nothing")
        };
        // RFC 9001 §4.8: 0x100 and the alert, of which 120 is no_application_protocol.
        assert_eq!(u64::from(close.error_code), 0x178, "{alpn}");
    }
    place.end_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_answered_before_the_proof_holds() {
    let place = Place::new().await;
    let peer = place.peer().await;
    let question = adsum::protocol::body::ListSubscriptions {};
    let mut query = peer.open(StreamType::Query).await;
    query.write(&question).await;
    let mut feed = peer.open(StreamType::Feed).await;
    feed.write(&support::peer::inbox_feed("alice")).await;
    let hello = Hello { signature: vec![0; 64].into(), ..peer.hello(&Device::of("alice")) };
    let mut control = peer.open(StreamType::Control).await;
    let flight = [frame(&hello), frame(&support::peer::publish("alice", 1, "forged"))].concat();
    control.bytes(&flight).await;
    assert_eq!(control.refused().await, Code::BadProof as u16);
    for stream in [&mut query, &mut feed, &mut control] {
        let end = stream.next().await.expect_err("not a frame came");
        assert!(end == closed(CloseCode::AuthFailed) || end == End::Finished, "{end:?}");
    }
    place.end_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn datagrams_of_noise_disturb_nobody() {
    let place = Place::new().await;
    let mut random = fastrand::Rng::with_seed(support::seed(2_778));
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..2_000 {
        let noise: Vec<u8> = (0..random.usize(1..1_400)).map(|_| random.u8(..)).collect();
        socket.send_to(&noise, place.running.address()).unwrap();
    }
    Session::enter(place.running.address(), "alice").await;
    place.end_unharmed().await;
}
