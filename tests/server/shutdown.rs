//! An orderly stop: everybody is told, everything on its way is answered, and the next start has little to do.
//!
//! Must never hold: a server that is killed.

use std::time::Duration;

use crate::support;
use crate::support::peer::{Session, answer_in, inbox_feed, note_of, presence_feed, publish};
use crate::support::server::Running;
use crate::support::stream::{End, Stream, frame, known};
use crate::support::{DOMAIN, presentity, until, within};
use adsum::commit::Commit;
use adsum::log::SledLog;
use adsum::model::RefusalCode;
use adsum::protocol::body::{
    Body, FeedEnd, Fetch, Goaway, MessageEvent, Presence, Published, Refused,
};
use adsum::service::ServiceConfig;
use adsum::wire::{CloseCode, ResetCode, StreamType};
use bytes::Bytes;

/// Longer than any test, so that whoever waits for it is noticed.
const DRAIN: Duration = Duration::from_mins(10);
const REQUESTS: u64 = 2_000;

async fn is_caught_up(feed: &mut Stream) {
    while feed.next().await.unwrap().kind != 0x0133 {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_tells_everybody_and_answers_what_is_on_its_way() {
    let running = Running::start_with(|config| config.timeouts.drain = DRAIN).await;
    let address = running.address();
    let mut alice = Session::enter(address, "alice").await;
    let bob = Session::enter(address, "bob").await;
    let mut feeds =
        [bob.feed(&presence_feed(Bytes::new())).await, bob.feed(&inbox_feed("bob")).await];
    for feed in &mut feeds {
        is_caught_up(feed).await;
    }
    let flight: Vec<u8> = (1..=REQUESTS)
        .flat_map(|number| frame(&publish("alice", number, &format!("{number}"))))
        .collect();
    alice.control.bytes(&flight).await;
    alice.answer::<Published>().await.unwrap();
    let stopping = tokio::spawn(running.stop());

    // Every request is answered in order, with the good-bye somewhere between; those that came too late say so.
    let (mut answered, mut refused, mut goaway) = (1, 0, None);
    while answered + refused < REQUESTS || goaway.is_none() {
        let frame = alice.control.next().await.unwrap();
        if frame.kind == Goaway::KIND {
            goaway = Some(known::<Goaway>(&frame));
            continue;
        }
        match answer_in::<Published>(&frame) {
            Ok(published) => {
                answered += 1;
                assert_eq!((published.request, refused), (answered, 0));
            }
            Err(code) => {
                refused += 1;
                assert_eq!(code, RefusalCode::GoingAway as u16);
                assert_eq!(known::<Refused>(&frame).request, answered + refused);
                assert!(goaway.is_some(), "it said that it goes first");
            }
        }
    }
    let goaway = goaway.unwrap();
    assert!(u128::from(goaway.deadline_ms) <= DRAIN.as_millis(), "{goaway:?}");
    assert!(goaway.reconnect_after_ms <= 50, "{goaway:?}");
    alice.control.write(&publish("alice", REQUESTS + 1, "too late")).await;
    assert_eq!(alice.control.refused().await, RefusalCode::GoingAway as u16);
    for mut feed in feeds {
        let end: FeedEnd = feed.read().await;
        assert_eq!(end.code, ResetCode::GoingAway.number());
    }
    // Those who have what they need leave, and the server need not wait for its deadline.
    alice.close();
    bob.close();
    let folder = within("the server stops", stopping).await.unwrap();

    // What was answered is there, and what was refused is not.
    let again = support::server::start_at(folder.path(), address).await.unwrap();
    let bob = Session::enter(again.local_addr(), "bob").await;
    let question = Fetch { presentity: presentity("alice") };
    let shown: Presence = bob.ask(&question).await.read().await;
    let found: u64 = note_of(&shown.presence.document).unwrap().parse().unwrap();
    assert_eq!(found, answered);
    again.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_in_while_the_server_stops() {
    let running = Running::start().await;
    let address = running.address();
    let half_in = support::peer::Peer::connect(address).await;
    // The handshake is over for the client only when the server has seen its end.
    let mut query = half_in.open(StreamType::Query).await;
    query.bytes(&[0]).await;
    until("the server has it", async || (running.server.connections() == 1).then_some(())).await;
    running.stop().await;
    assert_eq!(half_in.end().await, End::Closed(u64::from(CloseCode::GoingAway.number())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_start_takes_the_checkpoints_word() {
    let running = Running::start().await;
    let mut alice = Session::enter(running.address(), "alice").await;
    Session::enter(running.address(), "bob").await.subscribe("alice", 0).await;
    for number in 0..300 {
        alice.publish(&format!("note {number}")).await;
        alice.send("bob", &format!("m{number}"), b"lunch?").await;
    }
    let folder = running.stop().await;
    let config = ServiceConfig::new(vec![DOMAIN.parse().unwrap()], [0; 32]);
    let log = SledLog::open_existing(folder.path()).unwrap();
    let mut again = 0;
    let commit = Commit::open(config, Box::new(log), &mut |done, _| again = done).unwrap();
    assert!(commit.head().get() > 600);
    assert!(again < 10, "{again} of {} events were folded again", commit.head());
    assert_eq!(commit.sizes().messages, 300);
    drop(commit);
    let again =
        support::server::start_at(folder.path(), support::server::any_port()).await.unwrap();
    let bob = Session::enter(again.local_addr(), "bob").await;
    let mut feed = bob.feed(&inbox_feed("bob")).await;
    feed.next().await.unwrap();
    assert_eq!(feed.read::<MessageEvent>().await.message.id, "m0");
    again.shutdown().await.unwrap();
}
