//! An application that is killed at any moment gets everything, in order, and at most the item in flight twice.
//!
//! The application is a process that writes each item to a file, syncs it, and only then takes it for good. So the
//! one item that may come again is the last of a life: written, and killed before it was taken.
//! Must never hold: a server that is killed (see `kill_server.rs`).

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Child;

use crate::support;
use crate::support::app::{client, enrolled, noted, publish, send, watch_of};
use crate::support::child::command;
use crate::support::server::Running;
use crate::support::{principal, until};
use adsum::client::{Client, Home, InboxOptions, Profile};
use adsum::model::Mode;

const HOME: &str = "ADSUM_TEST_CLIENT_HOME";
const MESSAGES: &str = "messages";
const CHANGES: &str = "changes";
const KILLS: usize = 12;
/// Items of each feed: more than the kills need.
const ITEMS: u64 = 400;

/// The child: reads its inbox and watches alice until it is killed. Started by itself it does nothing.
#[test]
fn child_that_reads() {
    let Some(home) = std::env::var_os(HOME).map(PathBuf::from) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    // Ends with its parent, who holds the other end.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_line(&mut String::new());
        std::process::exit(0);
    });
    runtime.block_on(read_for_ever(&home));
}

async fn read_for_ever(home: &Path) {
    let identity = Home::at(home).identity(&principal("bob").parse().unwrap()).unwrap();
    let client = Client::open(Profile::new(identity)).unwrap();
    let (mut messages, mut changes) = (notebook(home, MESSAGES), notebook(home, CHANGES));
    writeln!(messages, "begin").unwrap();
    writeln!(changes, "begin").unwrap();
    let options = InboxOptions { follow: true, ..InboxOptions::default() };
    let mut inbox = client.inbox(options).await.unwrap();
    let mut watch = client.watch(watch_of("alice", Mode::Every)).await.unwrap();
    loop {
        tokio::select! {
            received = inbox.next() => {
                let received = received.unwrap().unwrap();
                note_down(&mut messages, received.item.sequence().get());
                received.taken().await.unwrap();
            }
            update = watch.next() => {
                let update = update.unwrap().unwrap();
                note_down(&mut changes, noted(&update).map_or(0, |note| note.parse().unwrap()));
                update.taken().await.unwrap();
            }
        }
    }
}

fn notebook(home: &Path, name: &str) -> File {
    OpenOptions::new().create(true).append(true).open(home.join(name)).unwrap()
}

/// One write, so that a kill leaves the whole line or nothing of it.
fn note_down(file: &mut File, number: u64) {
    file.write_all(format!("{number}\n").as_bytes()).unwrap();
    file.sync_data().unwrap();
}

/// What a notebook says, a list for each life of the application.
fn lives(home: &Path, name: &str) -> Vec<Vec<u64>> {
    let text = std::fs::read_to_string(home.join(name)).unwrap_or_default();
    let lives = text.split("begin\n").skip(1);
    lives.map(|life| life.lines().map(|line| line.parse().unwrap()).collect()).collect()
}

fn written(home: &Path) -> usize {
    [MESSAGES, CHANGES].iter().flat_map(|name| lives(home, name)).map(|life| life.len()).sum()
}

/// A process that is killed when dropped.
struct Reader(Child);

impl Reader {
    fn start(home: &Path) -> Self {
        Self(command("kill_client::child_that_reads").env(HOME, home).spawn().unwrap())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

async fn publish_all(alice: Client) {
    for number in 1..=ITEMS {
        publish(&alice, &number.to_string()).await;
    }
}

async fn send_all(alice: Client) {
    for number in 1..=ITEMS {
        send(&alice, "bob", &format!("m{number}"), "lunch?").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_is_killed_misses_nothing_and_repeats_only_what_was_in_flight() {
    let mut random = fastrand::Rng::with_seed(support::seed(12));
    let running = Running::start().await;
    let (home, alices) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    enrolled(&Home::at(home.path()), "bob", running.address()).await;
    let alice = client(&Home::at(alices.path()), "alice", running.address()).await;
    let loads = [tokio::spawn(publish_all(alice.clone())), tokio::spawn(send_all(alice.clone()))];
    for _ in 0..KILLS {
        let reader = Reader::start(home.path());
        let enough = written(home.path()) + random.usize(1..40);
        until("items are written", async || (written(home.path()) >= enough).then_some(())).await;
        drop(reader);
    }
    for load in loads {
        load.await.unwrap();
    }
    let reader = Reader::start(home.path());
    let last = |name: &str| lives(home.path(), name).last().and_then(|life| life.last().copied());
    until("everything is written", async || {
        (last(MESSAGES) == Some(ITEMS) && last(CHANGES) == Some(ITEMS)).then_some(())
    })
    .await;
    drop(reader);
    let repeated: usize = [MESSAGES, CHANGES].iter().map(|name| check(home.path(), name)).sum();
    println!("{KILLS} kills, {repeated} items repeated");
    alice.close().await;
    running.stop().await;
}

/// Each life goes on behind the item at which the one before was killed, or with that item. Counts the latter.
fn check(home: &Path, name: &str) -> usize {
    let mut repeated = 0;
    let mut last: Option<u64> = None;
    for life in lives(home, name) {
        let Some(first) = life.first().copied() else { continue };
        match last {
            Some(last) if first == last => repeated += 1,
            Some(last) => assert_eq!(first, last + 1, "{name}: a life goes on where one ended"),
            // A watch begins with the state it finds.
            None => assert!(first == 1 || name == CHANGES, "{name} begins with {first}"),
        }
        let expected: Vec<u64> = (first..).take(life.len()).collect();
        assert_eq!(life, expected, "{name}: within a life everything comes once, in order");
        last = life.last().copied();
    }
    assert_eq!(last, Some(ITEMS));
    repeated
}
