//! A server that is killed at any moment under load loses nothing it answered, and does nothing twice.
//!
//! Every client writes on without waiting, and after each kill sends again, under the same ids, what was not answered.
//! Must never hold: a part of the client library, or a wait for a time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support;
use crate::support::child::Process;
use crate::support::peer::{
    Device, Manner, Session, inbox_feed, message, note_in, operation, presence_feed, publish,
};
use crate::support::stream::{End, frame, known};
use crate::support::{presentity, principal, until, within};
use adsum::event::Event;
use adsum::log::{EventLog, SledLog, verify};
use adsum::model::Sequence;
use adsum::protocol::body::{
    Body, CaughtUp, FeedAck, FeedAcked, Fetch, MessageEvent, Presence, Publish, Published, Refused,
    Sent,
};
use bytes::Bytes;
use tokio::sync::watch;

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];
const KILLS: u32 = 30;
/// Requests that a client has under way at once.
const PIPELINE: usize = 24;
/// How long a client waits for an answer before it connects anew, at first and at most: QUIC's own repeats come ever
/// more seldom, and may meet only the moments in which the server is down.
const PATIENCE_MIN: Duration = Duration::from_millis(200);
const PATIENCE_MAX: Duration = Duration::from_secs(10);
/// Publications of one client. A repeat is recognised as long as it is the last operation on its publication, so
/// that there are more of them than publishes under way.
const PUBLICATIONS: u64 = 12;

/// One client: what it asked and what was answered.
struct Load {
    name: &'static str,
    to: &'static str,
    random: fastrand::Rng,
    /// Everything it ever asked is numbered from 1 on.
    asked: u64,
    unanswered: VecDeque<(u64, Bytes)>,
    patience: Duration,
    index: usize,
    answered: Arc<watch::Sender<Answered>>,
    stop: watch::Receiver<bool>,
}

/// How many answers each client has.
type Answered = [u64; NAMES.len()];

/// From this number on a client only publishes: more messages of one sender than an inbox takes unread would be refused.
const MESSAGES_BEFORE: u64 = 1_400;

/// Whether the thing of this number is a publish, or else a message.
fn is_publish(number: u64) -> bool {
    number.is_multiple_of(3) || number >= MESSAGES_BEFORE
}

fn publication(number: u64) -> String {
    format!("p{}", number / 3 % PUBLICATIONS)
}

fn id(name: &str, number: u64) -> String {
    format!("{name}-{number}")
}

impl Load {
    /// Asks until told to stop and everything is answered; returns how much was asked.
    async fn run(mut self, server: SocketAddr) -> u64 {
        while !(self.is_stopping() && self.unanswered.is_empty()) {
            let device = Device::of(self.name);
            let entering = Session::try_enter(server, &device, Manner::default());
            let Ok(Ok(session)) = tokio::time::timeout(self.patience, entering).await else {
                self.patience = (self.patience * 2).min(PATIENCE_MAX);
                continue;
            };
            // Whatever the end was, the next connection repeats what it left open.
            let _ = self.use_up(session).await;
        }
        self.asked
    }

    fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    async fn use_up(&mut self, mut session: Session) -> Result<(), End> {
        let again: Vec<u8> = self.unanswered.iter().flat_map(|(_, frame)| frame.clone()).collect();
        session.control.bytes(&again).await;
        loop {
            let mut fresh = Vec::new();
            while self.unanswered.len() < PIPELINE && !self.is_stopping() {
                fresh.extend_from_slice(&self.ask());
            }
            session.control.bytes(&fresh).await;
            if self.unanswered.is_empty() {
                return Ok(());
            }
            let Some(answer) = session.control.next_for(self.patience).await else {
                self.patience = (self.patience * 2).min(PATIENCE_MAX);
                return Ok(());
            };
            let answer = answer?;
            self.patience = PATIENCE_MIN;
            let (expected, _) = self.unanswered.pop_front().unwrap();
            assert_eq!(number_of(&answer), expected, "{}: answers come in order", self.name);
            self.answered.send_modify(|counts| counts[self.index] += 1);
        }
    }

    /// The next request.
    fn ask(&mut self) -> Bytes {
        self.asked += 1;
        let number = self.asked;
        let id = id(self.name, number);
        let bytes = if is_publish(number) {
            frame(&Publish { name: publication(number), ..publish(self.name, number, &id) })
        } else {
            let padding = ".".repeat(self.random.usize(0..2_000));
            frame(&message(number, self.to, &id, format!("{id} {padding}").as_bytes()))
        };
        let bytes = Bytes::from(bytes);
        self.unanswered.push_back((number, bytes.clone()));
        bytes
    }
}

fn number_of(frame: &adsum::wire::Frame) -> u64 {
    match frame.kind {
        Published::KIND => known::<Published>(frame).request,
        Sent::KIND => known::<Sent>(frame).request,
        _ => panic!("{:?}", known::<Refused>(frame)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_thirty_times_under_load_keeps_every_promise() {
    let began = Instant::now();
    let mut random = fastrand::Rng::with_seed(support::seed(30));
    let folder = tempfile::tempdir().unwrap();
    let mut server = tokio::task::block_in_place(|| Process::start(folder.path()));
    for name in NAMES {
        Session::enter(server.address, name).await.close();
    }
    let answered = Arc::new(watch::channel(Answered::default()).0);
    let (stop, stopped) = watch::channel(false);
    let loads: Vec<_> = (0..NAMES.len())
        .map(|index| {
            let load = Load {
                name: NAMES[index],
                to: NAMES[(index + 1) % NAMES.len()],
                random: random.fork(),
                asked: 0,
                unanswered: VecDeque::new(),
                patience: PATIENCE_MIN,
                index,
                answered: Arc::clone(&answered),
                stop: stopped.clone(),
            };
            tokio::spawn(load.run(server.address))
        })
        .collect();
    let mut counted = answered.subscribe();
    for kill in 0..KILLS {
        let before = *counted.borrow_and_update();
        let wanted: Answered = std::array::from_fn(|index| before[index] + random.u64(1..30));
        let all_have = |now: &Answered| now.iter().zip(&wanted).all(|(now, wanted)| now >= wanted);
        within("everybody is answered", counted.wait_for(all_have)).await.unwrap();
        tokio::task::block_in_place(|| {
            server.kill();
            if kill % 6 == 5 {
                server.start_and_kill(Duration::from_millis(random.u64(0..60)));
            }
            server.start_again();
        });
    }
    stop.send_replace(true);
    let mut asked = BTreeMap::new();
    for (name, load) in NAMES.into_iter().zip(loads) {
        asked.insert(name, within("everything is answered", load).await.unwrap());
    }
    println!("{KILLS} kills, {asked:?} answered in {:?}", began.elapsed());
    for (index, name) in NAMES.into_iter().enumerate() {
        let from = NAMES[(index + NAMES.len() - 1) % NAMES.len()];
        check_inbox(server.address, name, from, asked[from]).await;
        check_presence(server.address, name, asked[name]).await;
    }
    server.kill();
    check_log(folder.path(), &asked);
}

/// Every message of `from` is there once and in order, and nothing else.
async fn check_inbox(server: SocketAddr, name: &str, from: &str, asked: u64) {
    let reader = Session::enter(server, name).await;
    let mut feed = reader.feed(&inbox_feed(name)).await;
    feed.next().await.unwrap();
    let mut found = Vec::new();
    loop {
        let frame = feed.next().await.unwrap();
        match frame.kind {
            CaughtUp::KIND => break,
            FeedAcked::KIND => continue,
            _ => {}
        }
        let event: MessageEvent = known(&frame);
        assert_eq!(event.message.sender, principal(from));
        let body = event.message.body.expect("nobody erased it");
        assert!(body.starts_with(event.message.id.as_bytes()), "the body belongs to the id");
        found.push(event.message.id);
        feed.write(&FeedAck { cursor: event.cursor }).await;
    }
    let messages = (1..=asked).filter(|number| !is_publish(*number));
    assert_eq!(found, messages.map(|number| id(from, number)).collect::<Vec<_>>());
}

/// What is shown of `name` is what it published last under each name.
async fn check_presence(server: SocketAddr, name: &str, asked: u64) {
    let publishes = (1..=asked).filter(|number| is_publish(*number));
    let last: BTreeMap<_, _> =
        publishes.map(|number| (publication(number), id(name, number))).collect();
    let watcher = Session::enter(server, "alice").await;
    let question = Fetch { presentity: presentity(name) };
    let shown: Presence = watcher.ask(&question).await.read().await;
    let notes = shown.presence.document.tuples.iter().map(note_in);
    assert_eq!(notes.collect::<BTreeSet<_>>(), last.into_values().collect());
}

/// The chain is whole, and every publish was recorded once and in order.
fn check_log(folder: &Path, asked: &BTreeMap<&str, u64>) {
    let log = SledLog::open_existing(folder).unwrap();
    let verified = verify(&log, &mut |_| ()).unwrap();
    assert_eq!(verified.head, log.head());
    let recorded = log.reader().read(Sequence::new(1), usize::MAX).unwrap();
    for (name, asked) in asked {
        let found: Vec<[u8; 16]> = recorded
            .iter()
            .filter_map(|recorded| match &recorded.event {
                Event::Published(event) if event.by.account() == principal(name) => {
                    Some(event.operation.0)
                }
                _ => None,
            })
            .collect();
        let expected = (1..=*asked).filter(|number| is_publish(*number));
        let expected: Vec<_> =
            expected.map(|number| operation(number, &id(name, number))).collect();
        assert!(found == expected, "{name}: {} of {}", found.len(), expected.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_is_noticed_long_before_the_idle_time_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = tokio::task::block_in_place(|| Process::start(folder.path()));
    let mut watcher = Session::enter(server.address, "alice").await;
    watcher.subscribe("alice", 0).await;
    let mut feed = watcher.feed(&presence_feed(Bytes::new())).await;
    feed.next().await.unwrap();
    tokio::task::block_in_place(|| {
        server.kill();
        server.start_again();
    });
    // One packet is enough: the new process tells that it knows nothing of the connection.
    let end = until("the connection is reset", async || {
        watcher.control.write(&publish("alice", 9, "anybody?")).await;
        let ended = watcher.peer.connection.close_reason();
        if ended.is_none() {
            tokio::task::yield_now().await;
        }
        ended
    })
    .await;
    assert!(matches!(end, quinn::ConnectionError::Reset), "{end}");
}
