//! The keeper beside a writer: what is over goes, what waits stays, and what fails under it ends the server.
//!
//! Must never hold: what is carried forward; that is tested on the service.

use core::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::count::count;
use super::shares::{Shares, Taken};
use super::{KeeperParts, start};
use crate::commit::{Commit, history};
use crate::log::memory::MemoryDisk;
use crate::log::{
    CheckpointRecord, CutMark, Cutter, Entries, LogFault, LogReader as _, check_cut, tip_at, verify,
};
use crate::model::{
    ContentType, Document, DomainRetention, InboxItem, InboxSequence, Keep, Lifetime, MessageId,
    Note, OperationId, PastKind, Payload, Principal, PublicKey, PublicationName, Receipts,
    Retention, Sequence, Timestamp,
};
use crate::protocol::{Command, Publish, Send};
use crate::server::ServerLimits;
use crate::server::cache::RecentMessages;
use crate::server::clock::{Clock, Timekeeper};
use crate::server::config::RetentionConfig;
use crate::server::desk::{Desk, Share};
use crate::server::is_cut_signed;
use crate::server::lanes::Lanes;
use crate::server::metrics::Metrics;
use crate::server::writer::{self, WriterParts, WriterThread};
use crate::service::{Actor, Asker, Enroll, Hello, Input, ServiceConfig, Span, Ticket};
use crate::session::Letter;

const KEPT_MS: u64 = 1_000_000;
/// A domain whose past may have so many bytes.
const MUCH: &str = "much.example";
const MUCH_BYTES: u64 = 20_000;
/// Some seconds: what is younger than one is not over, however much there is.
const SECONDS_MS: u64 = 5_000;
/// What a keeper tells at the end of each look, in seconds.
const OLDEST: &str = "adsum_log_oldest_seconds";

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
    retention: Retention,
    wrap: Wrap,
}

impl Store {
    fn new(wrap: Wrap) -> Self {
        let (disk, folder) = (MemoryDisk::new(), tempfile::tempdir().unwrap());
        let retention = Retention::of_all(Keep::For(Lifetime::from_ms(KEPT_MS)));
        Self { disk, folder, clock: Arc::default(), metrics: Arc::default(), retention, wrap }
    }

    /// One that keeps everything for ever, but for what is too much of one domain.
    fn held() -> Self {
        let retention = of_much(Keep::Always, Some(MUCH_BYTES));
        Self { retention, ..Self::new(|cutter| cutter) }
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
            kept: self.retention.clone(),
            log_bytes_max: u64::MAX,
            check: Duration::from_millis(2),
        };
        let keeper = KeeperParts {
            reader: commit.reader(),
            cutter: (self.wrap)(commit.cutter().unwrap()),
            retention,
            time: time.clone(),
            data: self.folder.path().to_owned(),
            metrics: Arc::clone(&self.metrics),
        };
        let chores = start(keeper, &desk).unwrap();
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

    /// What there is of the domain that is held to its size, as a keeper that has just started counts it.
    fn much(&self) -> Taken {
        let (mut shares, disk) = (Shares::new(&self.retention), self.disk.copy());
        let head = tip_at(&disk, Sequence::new(u64::MAX - 1)).unwrap().head;
        assert!(count(&mut shares, &disk, head, &mut || true).unwrap());
        shares.taken().next().unwrap().1
    }

    /// What a figure of the metrics is now.
    fn figure(&self, name: &str) -> u64 {
        let text = self.metrics.text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().unwrap())
    }

    /// Waits until the keeper has looked at it all from the beginning on.
    async fn looked_at(&self) {
        for _ in 0..2 {
            let before = self.figure(OLDEST);
            let has_looked = || {
                self.pass(SECONDS_MS);
                self.figure(OLDEST) != before
            };
            until(has_looked).await;
        }
    }

    /// What the keeper told last of the domain that is held to its size.
    fn told(&self, name: &str) -> u64 {
        self.figure(&format!("adsum_log_domain_{name}{{domain=\"{MUCH}\"}}"))
    }

    /// Waits until the keeper has looked at it all and found no more than may be.
    async fn settled(&self) {
        let settle = async {
            self.looked_at().await;
            while self.told("bytes") > MUCH_BYTES {
                self.looked_at().await;
            }
        };
        soon(settle).await;
    }

    /// How many cuts were made.
    fn cuts(&self) -> u64 {
        self.disk.mark().number
    }
}

/// Of one domain all is kept whatever its age, up to a size if it has one.
fn of_much(others: Keep, log_bytes_max: Option<u64>) -> Retention {
    let kept = PastKind::ALL.map(|kind| (kind, Keep::Always)).to_vec();
    let much = DomainRetention { domain: MUCH.parse().unwrap(), kept, log_bytes_max };
    Retention { domains: vec![much], ..Retention::of_all(others) }
}

fn config() -> ServiceConfig {
    let domains = ["localhost", MUCH].map(|name| name.parse().unwrap()).to_vec();
    ServiceConfig { open_enrollment: true, ..ServiceConfig::new(domains, [1; 32]) }
}

/// Somebody of that name, who is at home where it says.
fn actor(name: &str) -> Actor {
    let at = if name.contains('@') { "" } else { "@localhost" };
    let principal: Principal = format!("{name}{at}").parse().unwrap();
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
    send_to("alice", &format!("m{number}"), "hello", ticket)
}

fn send_to(to: &str, id: &str, text: &str, ticket: Ticket) -> Input {
    let send = Send {
        sender: None,
        inbox: actor(to).principal.inbox(),
        receipts: Receipts::NONE,
        id: MessageId::new(id).unwrap(),
        content_type: ContentType::new("text/plain").unwrap(),
        body: Payload::text(text),
        lifetime: None,
    };
    Input::Command { ticket, actor: actor("bob"), command: Command::Send(send) }
}

fn take(through: u64, ticket: Ticket) -> Input {
    take_of("alice", through, ticket)
}

fn take_of(name: &str, through: u64, ticket: Ticket) -> Input {
    let (actor, inbox) = (actor(name), actor(name).principal.inbox());
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

/// Somebody publishes.
fn publish(name: &str, number: u8, text: &str, ticket: Ticket) -> Input {
    // What a publication says already is no change of it.
    let text = format!("{number} {text}");
    let note = Note { language: String::new(), text: Payload::text(&text) };
    let publish = Publish {
        presentity: actor(name).principal.presentity(),
        name: PublicationName::default(),
        operation: OperationId([number; 16]),
        if_match: None,
        lifetime: None,
        document: Some(Document::new(vec![], vec![note], vec![]).unwrap()),
    };
    Input::Command { ticket, actor: actor(name), command: Command::Publish(publish) }
}

/// How often somebody published, as far as history tells.
fn published(store: &Store, name: &str) -> usize {
    let (commit, whose) = (store.commit(), actor(name).principal.presentity());
    let last = commit.views().presentity(&whose).unwrap().changed_at;
    let mut past = history::Past::new(whose, last, Span::default(), 0);
    let changes = past.page(&store.disk, 1_000).unwrap();
    changes.iter().filter(|change| change.document.is_some()).count()
}

/// Carol is sent 200 messages, c1 to c200, and reads them, some seconds after each ten of them.
async fn read_much(store: &Store, at: (&Arc<Share>, &Arc<Lanes>)) {
    let (carol, text) = (format!("carol@{MUCH}"), "x".repeat(200));
    for round in 1..=20_u64 {
        let ids = (round * 10 - 9..=round * 10).map(|number| format!("c{number}"));
        let (to, text) = (&carol, &text);
        ask(at, ids.map(|id| move |ticket| send_to(to, &id, text, ticket))).await;
        ask(at, [|ticket| take_of(&carol, round * 10, ticket)]).await;
        store.pass(SECONDS_MS);
    }
}

#[tokio::test]
async fn a_domain_that_writes_much_is_held_to_its_size_and_another_keeps_its_past() {
    let store = Store::held();
    let (share, lanes, thread) = store.start();
    let (at, [carol, dora]) =
        ((&share, &lanes), ["carol", "dora"].map(|name| format!("{name}@{MUCH}")));
    ask(at, ["alice", "bob", &carol, &dora].map(|name| move |ticket| enter(name, ticket))).await;
    ask(at, (1..=5).map(|number| move |ticket| publish("alice", number, "here", ticket))).await;
    ask(at, (1..=5).map(|number| move |ticket| send(number, ticket))).await;
    ask(at, [|ticket| take(5, ticket)]).await;
    ask(at, [|ticket| send_to(&dora, "waits", "hello", ticket)]).await;
    read_much(&store, at).await;
    store.settled().await;
    soon(thread.stop()).await.unwrap();
    assert!(store.cuts() > 0);
    // The message that waits is counted by whoever counts for the first time.
    let there = store.much().bytes;
    assert!(there <= MUCH_BYTES + 1_000, "{there}");
    assert!(there > MUCH_BYTES / 2, "no more than has to goes: {there}");
    let waiting = waiting(&store.disk);
    let is_there = |id: &str| waiting.iter().any(|other| other == id);
    assert_eq!([is_there("c1"), is_there("c100"), is_there("c200")], [false, false, true]);
    // What waits is there, and of others all that was, though the log begins behind it.
    assert!(is_there("waits") && (1..=5).all(|number| is_there(&format!("m{number}"))));
    assert_eq!(published(&store, "alice"), 5);
    assert!(store.disk.kept_from() > Sequence::new(100));
    check_whole(&store);
}

#[tokio::test]
async fn a_limit_that_comes_later_holds_for_what_was_carried_before() {
    let mut store = Store::new(|cutter| cutter);
    store.retention = of_much(Keep::For(Lifetime::from_ms(KEPT_MS)), None);
    let (carol, text) = (format!("carol@{MUCH}"), "x".repeat(200));
    let (share, lanes, thread) = store.start();
    let at = (&share, &lanes);
    ask(at, [|ticket| enter(&carol, ticket)]).await;
    for number in 1..=150 {
        ask(at, [|ticket| publish(&carol, number, &text, ticket)]).await;
        store.pass(SECONDS_MS);
    }
    store.pass(2 * KEPT_MS);
    until(|| store.cuts() > 0).await;
    soon(thread.stop()).await.unwrap();
    assert_eq!(published(&store, &carol), 150, "of the domain all is kept");
    store.retention = of_much(Keep::Always, Some(MUCH_BYTES));
    let before = store.much().bytes;
    assert!(before > 2 * MUCH_BYTES, "{before}");
    let (_, _, thread) = store.start();
    until(|| store.much().bytes <= MUCH_BYTES).await;
    soon(thread.stop()).await.unwrap();
    let left = published(&store, &carol);
    assert!((20..75).contains(&left), "the newest: {left}");
    check_whole(&store);
}

#[tokio::test]
async fn what_lives_of_a_domain_stays_however_much_it_is_and_the_log_is_not_cut_for_it_again() {
    let store = Store::held();
    let (share, lanes, thread) = store.start();
    let (at, carol) = ((&share, &lanes), format!("carol@{MUCH}"));
    ask(at, ["bob", &carol].map(|name| move |ticket| enter(name, ticket))).await;
    let text = "x".repeat(1_000);
    for number in 1..=60 {
        let (to, text, id) = (&carol, &text, format!("c{number}"));
        ask(at, [move |ticket| send_to(to, &id, text, ticket)]).await;
        store.pass(SECONDS_MS);
    }
    until(|| store.told("lives_bytes") > MUCH_BYTES).await;
    store.settled().await;
    let cuts = store.cuts();
    for _ in 0..5 {
        store.looked_at().await;
    }
    assert_eq!(store.cuts(), cuts, "there is nothing more to go");
    soon(thread.stop()).await.unwrap();
    let expected: Vec<String> = (1..=60).map(|number| format!("c{number}")).collect();
    assert_eq!(waiting(&store.disk), expected);
    assert!(store.much().bytes > 60_000, "whoever starts counts it once more");
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
