//! The keeper beside a writer: what is over goes, what waits stays, and what fails under it ends the server.
//!
//! Must never hold: what is carried forward; that is tested on the service.

use core::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{KeeperParts, start};
use crate::commit::{Commit, history};
use crate::log::memory::MemoryDisk;
use crate::log::{
    CheckpointRecord, CutMark, Cutter, Entries, LogFault, LogReader as _, check_cut, verify,
};
use crate::model::{
    ContentType, InboxItem, InboxSequence, Keep, Lifetime, MessageId, Payload, PublicKey, Receipts,
    Retention, Sequence, Timestamp,
};
use crate::protocol::{Command, Send};
use crate::server::ServerLimits;
use crate::server::cache::RecentMessages;
use crate::server::clock::{Clock, Timekeeper};
use crate::server::config::RetentionConfig;
use crate::server::desk::{Desk, Share};
use crate::server::is_cut_signed;
use crate::server::lanes::Lanes;
use crate::server::metrics::Metrics;
use crate::server::writer::{self, WriterParts, WriterThread};
use crate::service::{Actor, Asker, Enroll, Hello, Input, ServiceConfig, Ticket};
use crate::session::Letter;

const KEPT_MS: u64 = 1_000_000;

/// A clock that stands still unless it is moved.
#[derive(Debug, Default)]
struct Moved(AtomicU64);

impl Clock for Moved {
    fn wall(&self) -> Timestamp {
        Timestamp::from_ms(1_000_000_000 + self.0.load(Ordering::Relaxed))
    }

    fn since_boot(&self) -> Lifetime {
        Lifetime::from_ms(self.0.load(Ordering::Relaxed))
    }

    fn boot(&self) -> Option<String> {
        Some("one".to_owned())
    }
}

type Wrap = fn(Box<dyn Cutter>) -> Box<dyn Cutter>;

/// A store that outlives its processes.
struct Store {
    disk: MemoryDisk,
    folder: tempfile::TempDir,
    clock: Arc<Moved>,
    metrics: Arc<Metrics>,
    wrap: Wrap,
}

impl Store {
    fn new(wrap: Wrap) -> Self {
        let (disk, folder) = (MemoryDisk::new(), tempfile::tempdir().unwrap());
        Self { disk, folder, clock: Arc::default(), metrics: Arc::default(), wrap }
    }

    fn commit(&self) -> Commit {
        Commit::open(config(), Box::new(self.disk.open().unwrap()), &mut |_, _| ()).unwrap()
    }

    fn start(&self) -> (Arc<Share>, Arc<Lanes>, WriterThread) {
        let (commit, lanes) = (self.commit(), Arc::<Lanes>::default());
        let clock = Arc::<Moved>::clone(&self.clock);
        let time = Timekeeper::open(clock, self.folder.path(), commit.views()).unwrap();
        let desk = Desk::new(1_000);
        let retention = RetentionConfig {
            kept: Retention::of_all(Keep::For(Lifetime::from_ms(KEPT_MS))),
            log_bytes_max: u64::MAX,
            check: Duration::from_millis(2),
        };
        let keeper = KeeperParts {
            reader: commit.reader(),
            cutter: (self.wrap)(commit.cutter().unwrap()),
            retention: retention.clone(),
            time: time.clone(),
            data: self.folder.path().to_owned(),
            metrics: Arc::clone(&self.metrics),
        };
        let chores = (start(keeper, &desk).unwrap(), retention.kept);
        let parts = WriterParts {
            commit,
            lanes: Arc::clone(&lanes),
            recent: Arc::new(RecentMessages::new(0)),
            known: Arc::default(),
            metrics: Arc::clone(&self.metrics),
            time,
            chores,
        };
        let thread = writer::start(parts, &desk, &ServerLimits::default()).unwrap();
        (desk.share(Asker::Newcomer(None)), lanes, thread)
    }

    fn pass(&self, ms: u64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    /// How many cuts were made.
    fn cuts(&self) -> u64 {
        self.disk.mark().number
    }
}

fn config() -> ServiceConfig {
    ServiceConfig {
        open_enrollment: true,
        ..ServiceConfig::new(vec!["localhost".parse().unwrap()], [1; 32])
    }
}

fn actor(name: &str) -> Actor {
    let principal = format!("{name}@localhost").parse().unwrap();
    Actor { principal, device: key(name).device() }
}

fn key(name: &str) -> PublicKey {
    PublicKey([name.as_bytes()[0]; 32])
}

fn enter(name: &str, ticket: Ticket) -> Input {
    let enroll = Some(Enroll { invite: None, label: String::new().try_into().unwrap() });
    Input::Enter {
        ticket,
        hello: Hello { principal: actor(name).principal, key: key(name), enroll },
    }
}

fn send(number: u64, ticket: Ticket) -> Input {
    let send = Send {
        sender: None,
        inbox: actor("alice").principal.inbox(),
        receipts: Receipts::NONE,
        id: MessageId::new(&format!("m{number}")).unwrap(),
        content_type: ContentType::new("text/plain").unwrap(),
        body: Payload::text("hello"),
        lifetime: None,
    };
    Input::Command { ticket, actor: actor("bob"), command: Command::Send(send) }
}

fn take(through: u64, ticket: Ticket) -> Input {
    let (actor, inbox) = (actor("alice"), actor("alice").principal.inbox());
    Input::Acknowledge { ticket, actor, inbox, through: InboxSequence::new(through) }
}

/// Has the writer do `inputs`, each after the answer to the one before.
async fn ask(
    (share, lanes): (&Arc<Share>, &Arc<Lanes>),
    inputs: impl IntoIterator<Item = impl FnOnce(Ticket) -> Input>,
) {
    let seat = lanes.enter();
    let (mut lane, letter_box) = seat.lane();
    for input in inputs {
        share.submit(vec![input(lane.ticket().1)]).await.unwrap();
        let letters = soon(letter_box.letters()).await;
        let is_done = |letter: &Letter| matches!(letter, Letter::Reply(_, Ok(_)));
        assert!(letters.iter().any(is_done), "{letters:?}");
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), future).await.expect("it hangs")
}

async fn until(is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    soon(wait).await;
}

fn waiting(disk: &MemoryDisk) -> Vec<String> {
    let kept = disk.read(Sequence::ZERO, usize::MAX).unwrap();
    let messages = kept.into_iter().filter_map(history::item_of);
    let ids = messages.map(|item| match item {
        InboxItem::Message(message) => message.id.as_str().to_owned(),
        InboxItem::Receipt(_) => panic!("nobody asked for one"),
    });
    ids.collect()
}

/// A log folds to the same with and without its checkpoint.
fn check_whole(store: &Store) {
    verify(&store.disk, &mut |_| ()).unwrap();
    let stated = check_cut(&store.disk).unwrap();
    assert!(stated.iter().all(is_cut_signed));
    let live = store.commit().fingerprint();
    let log = Box::new(store.disk.open().unwrap());
    let rebuilt = Commit::rebuild(config(), log, &mut |_, _| ()).unwrap().fingerprint();
    assert_eq!(live, rebuilt);
}

#[tokio::test]
async fn what_was_read_and_is_over_goes_beside_the_server_and_what_waits_stays() {
    let store = Store::new(|cutter| cutter);
    let (share, lanes, thread) = store.start();
    let at = (&share, &lanes);
    ask(at, ["alice", "bob"].map(|name| move |ticket| enter(name, ticket))).await;
    ask(at, (1..=40).map(|number| move |ticket| send(number, ticket))).await;
    ask(at, [|ticket| take(30, ticket)]).await;
    assert_eq!(store.cuts(), 0, "nothing is over");
    store.pass(2 * KEPT_MS);
    // Read messages end, and the log is cut; when that is over, too, what they said goes.
    until(|| store.cuts() >= 1).await;
    ask(at, (41..=50).map(|number| move |ticket| send(number, ticket))).await;
    store.pass(2 * KEPT_MS);
    until(|| store.cuts() >= 2).await;
    soon(thread.stop()).await.unwrap();
    let expected: Vec<String> = (31..=50).map(|number| format!("m{number}")).collect();
    assert_eq!(waiting(&store.disk), expected);
    let cuts = format!("adsum_log_cuts_total {}", store.cuts());
    assert!(store.metrics.text().contains(&cuts), "{}", store.metrics.text());
    check_whole(&store);
}

#[tokio::test]
async fn a_server_that_stops_at_any_moment_of_a_cut_leaves_a_log_that_is_whole() {
    let store = Store::new(|cutter| cutter);
    for round in 0..16_u64 {
        let (share, lanes, thread) = store.start();
        let at = (&share, &lanes);
        ask(at, ["alice", "bob"].map(|name| move |ticket| enter(name, ticket))).await;
        let numbers = round * 30 + 1..=round * 30 + 30;
        ask(at, numbers.map(|number| move |ticket| send(number, ticket))).await;
        ask(at, [move |ticket| take(round * 30 + 20, ticket)]).await;
        store.pass(2 * KEPT_MS);
        tokio::time::sleep(Duration::from_micros(1_500 * round)).await;
        soon(thread.stop()).await.unwrap();
        check_whole(&store);
    }
    // Whatever the last of them left, the next one goes on.
    let (_, _, thread) = store.start();
    until(|| store.cuts() > 0).await;
    soon(thread.stop()).await.unwrap();
    check_whole(&store);
}

/// A cutter whose disk does not take what is staged.
struct Failing(Box<dyn Cutter>);

impl Cutter for Failing {
    fn entries(&self) -> &dyn Entries {
        self.0.entries()
    }

    fn carried(&self, key: &[u8]) -> Result<Option<Vec<u8>>, LogFault> {
        self.0.carried(key)
    }

    fn stage(&mut self, _: &[CheckpointRecord]) -> Result<(), LogFault> {
        Err(LogFault::Engine { action: "stage", reason: "the disk is gone".into() })
    }

    fn cut(&mut self, mark: CutMark) -> Result<(), LogFault> {
        self.0.cut(mark)
    }

    fn sweep(&mut self, steps: usize) -> Result<bool, LogFault> {
        self.0.sweep(steps)
    }
}

#[tokio::test]
async fn a_change_that_fails_under_the_keeper_ends_the_server_with_the_reason() {
    let store = Store::new(|cutter| Box::new(Failing(cutter)));
    let (share, lanes, thread) = store.start();
    ask((&share, &lanes), ["alice", "bob"].map(|name| move |ticket| enter(name, ticket))).await;
    store.pass(2 * KEPT_MS);
    let failure = soon(thread.failed()).await.to_string();
    assert!(failure.contains("the disk is gone"), "{failure}");
    assert_eq!(store.cuts(), 0);
}
