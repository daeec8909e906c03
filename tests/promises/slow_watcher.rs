//! A watcher that stops reading hurts only itself, and catches up when it reads again.
//!
//! Must never hold: a measurement of time. That others are not delayed shows by what they have before it reads.

use crate::support::child::Process;
use crate::support::http::count;
use crate::support::peer::{Device, Manner, Session, note_of, presence_feed, publish};
use crate::support::stream::{Stream, frame, known};
use adsum::model::limits::WINDOW_EVENTS_MAX;
use adsum::protocol::body::{Body, CaughtUp, FeedAck, FeedReady, PresenceEvent, Published};
use bytes::Bytes;

const CHANGES: u64 = 10_000;
/// Together far more than the server may hold for all that are stuck.
const NOTE_BYTES: usize = 2_000;
const STUCK: usize = 12;
/// Allowed growth of the server's memory: the engine's cache and what the allocator keeps. One copy of what each
/// stuck watcher misses would be ten times that.
const GROWTH_MAX: u64 = 160 * 1024 * 1024;
const LATEST: u8 = 0;
const EVERY: u8 = 1;

fn note(number: u64) -> String {
    format!("{number} {}", ".".repeat(NOTE_BYTES))
}

fn number_of(event: &PresenceEvent) -> u64 {
    let note = note_of(&event.presence.document).expect("something is published");
    note.split(' ').next().unwrap().parse().unwrap()
}

/// A watcher of alice with its feed.
struct Watcher {
    _session: Session,
    feed: Stream,
    seen: Vec<u64>,
}

impl Watcher {
    async fn new(server: &Process, name: &str, mode: u8, manner: Manner) -> Self {
        let mut session = Session::enter_as(server.address, &Device::of(name), manner).await;
        session.subscribe("alice", mode).await;
        let feed = session.feed(&presence_feed(Bytes::new())).await;
        Self { _session: session, feed, seen: Vec::new() }
    }

    /// Reads and acknowledges until it is shown change `last`.
    async fn reads_until(mut self, last: u64) -> Self {
        while self.seen.last() != Some(&last) {
            let frame = self.feed.next().await.unwrap();
            match frame.kind {
                FeedReady::KIND | CaughtUp::KIND => {}
                _ => {
                    let event: PresenceEvent = known(&frame);
                    self.seen.push(number_of(&event));
                    assert_eq!(event.number, self.seen.len() as u64, "numbered without gaps");
                    self.feed.write(&FeedAck { cursor: event.cursor }).await;
                }
            }
        }
        self
    }

    fn is_in_order(&self) -> bool {
        self.seen.is_sorted_by(|one, next| one < next)
    }
}

/// Publishes the changes after the first, many at once.
async fn publish_all(mut alice: Session) -> Session {
    let (mut asked, mut answered) = (0, 0);
    while answered < CHANGES {
        let mut flight = Vec::new();
        while asked < CHANGES && asked - answered < 64 {
            asked += 1;
            flight.extend(frame(&publish("alice", asked, &note(asked))));
        }
        alice.control.bytes(&flight).await;
        alice.answer::<Published>().await.unwrap();
        answered += 1;
    }
    alice
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watchers_that_stop_reading_hurt_only_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let server = tokio::task::block_in_place(|| Process::start(folder.path()));
    let mut alice = Session::enter(server.address, "alice").await;
    alice.control.write(&publish("alice", 0, &note(0))).await;
    alice.answer::<Published>().await.unwrap();

    // Some are held by QUIC's flow control in the middle of a frame, the others by the window of the feed.
    let narrow = Manner { stream_window: 4 * 1024, ..Manner::default() };
    let mut stuck = Vec::new();
    for index in 0..STUCK {
        let manner = if index % 2 == 0 { narrow.clone() } else { Manner::default() };
        let mode = if index % 4 < 2 { LATEST } else { EVERY };
        stuck.push((mode, Watcher::new(&server, &format!("stuck{index}"), mode, manner).await));
    }
    let every = Watcher::new(&server, "every", EVERY, Manner::default()).await;
    let latest = Watcher::new(&server, "latest", LATEST, Manner::default()).await;
    let before = server.memory();

    let publishing = tokio::spawn(publish_all(alice));
    let every = tokio::spawn(every.reads_until(CHANGES));
    let latest = tokio::spawn(latest.reads_until(CHANGES));
    let _alice = publishing.await.unwrap();
    // These have everything, and not one of the others has read a byte.
    let (every, latest) = (every.await.unwrap(), latest.await.unwrap());
    assert_eq!(every.seen, (0..=CHANGES).collect::<Vec<_>>());
    assert!(latest.is_in_order());
    let growth = server.memory().saturating_sub(before);
    let conflated = count(server.http, "adsum_notifications_conflated_total").await;
    println!("{STUCK} stuck watchers: {} MiB more, {conflated} conflated", growth / 1024 / 1024);
    assert!(growth < GROWTH_MAX, "{growth} bytes more");
    assert!(conflated > 9_000, "{conflated} changes were passed over");

    for (mode, watcher) in stuck {
        let watcher = watcher.reads_until(CHANGES).await;
        if mode == EVERY {
            assert_eq!(watcher.seen, (0..=CHANGES).collect::<Vec<_>>());
        } else {
            assert!(watcher.is_in_order());
            let most = 2 * u64::from(WINDOW_EVENTS_MAX);
            assert!((watcher.seen.len() as u64) < most, "{} events", watcher.seen.len());
        }
    }
}
