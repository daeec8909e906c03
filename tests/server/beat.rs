//! A server whose answers leave with a beat. When exactly they leave is told by the unit tests of `src/server/beat.rs`.
//!
//! Must never hold: a bound from above; machines may be slow.

use std::time::Duration;

use adsum::protocol::body::{
    CaughtUp, FeedAck, FeedAcked, FeedReady, Fetch, MessageEvent, Presence, Refused,
};
use tokio::time::Instant;

use crate::support::peer::{Session, inbox_feed, subscribe};
use crate::support::server::Running;
use crate::support::within;

const BEAT: Duration = Duration::from_millis(200);

/// What `answer` comes to, and that it took a whole beat at least.
async fn a_beat<T>(what: &str, answer: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let answer = within(what, answer).await;
    assert!(began.elapsed() >= BEAT, "{what} took {:?}", began.elapsed());
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_peer_asks_it_waits_a_beat_for_the_answer() {
    let running = Running::start_with(|config| config.timeouts.beat = Some(BEAT)).await;
    let mut alice = a_beat("a session", Session::enter(running.address(), "alice")).await;
    a_beat("a change", alice.publish("here")).await;
    a_beat("a message", alice.send("alice", "m1", b"one")).await;
    let wrong = subscribe(alice.number(), "alice", 7);
    let refused: Refused = a_beat("a refusal", alice.request(&wrong)).await;
    assert_eq!(refused.request, wrong.request);
    let fetch = Fetch { presentity: "pres:alice@d.example".into() };
    let _: Presence = a_beat("a question", alice.query(&fetch)).await;
    let began = Instant::now();
    let mut feed = alice.feed(&inbox_feed("alice")).await;
    let _: FeedReady = within("a feed", feed.read()).await;
    assert!(began.elapsed() >= BEAT);
    let letter: MessageEvent = within("a letter", feed.read()).await;
    let _: CaughtUp = within("the end of what waited", feed.read()).await;
    let began = Instant::now();
    feed.write(&FeedAck { cursor: letter.cursor }).await;
    let _: FeedAcked = within("an acknowledgement", feed.read()).await;
    assert!(began.elapsed() >= BEAT);
    running.stop().await;
}
