//! What people see while the server's wall clock is set: lifetimes go on, times are those of now, and it is told.
//!
//! The server is given clocks that the test sets. Must never hold: a rule about lifetimes; `tests/service/clocks.rs` has all.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use adsum::client::{Client, HistoryOptions, Home, InboxOptions, Outgoing, PublishOptions};
use adsum::model::{Ahead, Lifetime, Presentity, Timestamp};
use adsum::server::{self, Clock, Server};

use crate::support::app::{client, inbox_of, note, presentity_of};
use crate::support::http::{count, measure};
use crate::support::server::config;
use crate::support::{until, within};

const START_MS: u64 = 1_767_225_600_000;
const DAY_MS: i64 = 86_400_000;

/// Clocks that stand still until the test moves them.
#[derive(Debug, Default)]
pub(super) struct Played {
    passed_ms: AtomicU64,
    set_ms: AtomicI64,
}

impl Clock for Played {
    fn wall(&self) -> Timestamp {
        let right = Timestamp::from_ms(START_MS + self.since_boot().as_ms());
        Ahead::from_ms(self.set_ms.load(Ordering::SeqCst)).shown(right)
    }

    fn since_boot(&self) -> Lifetime {
        Lifetime::from_ms(self.passed_ms.load(Ordering::SeqCst))
    }

    fn boot(&self) -> Option<String> {
        Some("the only one".to_owned())
    }
}

impl Played {
    fn set(&self, ms: i64) {
        self.set_ms.store(ms, Ordering::SeqCst);
    }

    pub(super) fn pass(&self, seconds: u64) {
        self.passed_ms.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

async fn serve(data: &Path, clock: &Arc<Played>, address: Option<SocketAddr>) -> Server {
    let mut config = config(data);
    config.listen = address.unwrap_or(config.listen);
    server::start_with_clock(config, Arc::clone(clock) as Arc<dyn Clock>).await.unwrap()
}

async fn publish_for(client: &Client, seconds: u64, text: &str) {
    let lifetime = Some(Lifetime::from_ms(seconds * 1_000));
    let options = PublishOptions { lifetime, ..PublishOptions::default() };
    within("it is published", client.publish(note(text), &options)).await.unwrap();
}

async fn send_for(client: &Client, seconds: u64, text: &str) {
    let lifetime = Some(Lifetime::from_ms(seconds * 1_000));
    let outgoing = Outgoing { lifetime, ..Outgoing::text(inbox_of("bob"), text) };
    within("it is sent", client.send(outgoing)).await.unwrap();
}

async fn is_shown(client: &Client, of: &Presentity) -> bool {
    let found = within("it is fetched", client.fetch(of)).await.unwrap();
    found.document.tuples().iter().any(|tuple| !tuple.notes.is_empty())
}

/// Text and time of all that waits in an inbox.
async fn waiting(client: &Client) -> Vec<(String, Timestamp)> {
    let options = InboxOptions { keep: true, from_start: true, ..InboxOptions::default() };
    let mut inbox = within("the inbox opens", client.inbox(options)).await.unwrap();
    let mut found = Vec::new();
    while let Some(received) = within("the next message", inbox.next()).await {
        let received = received.unwrap();
        let message = received.message().unwrap();
        found.push((message.body.as_text().unwrap().to_owned(), message.accepted_at));
    }
    found
}

/// The wall clock is set; once the server has noticed, the log says so.
async fn noticed(server: &Server, sets: u64) {
    let http = server.http_addr().unwrap();
    until("the server notices", async || {
        (count(http, "adsum_clock_sets").await == sets).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_back_lengthens_nothing() {
    let (data, clock) = (tempfile::tempdir().unwrap(), Arc::new(Played::default()));
    let server = serve(data.path(), &clock, None).await;
    let home = tempfile::tempdir().unwrap();
    let (alice, bob) = people(home.path(), server.local_addr()).await;
    clock.set(-120_000);
    noticed(&server, 1).await;
    publish_for(&alice, 3, "gone after 3 s").await;
    send_for(&alice, 2, "gone after 2 s").await;
    assert!(is_shown(&bob, &presentity_of("alice")).await);
    clock.pass(3);
    assert!(!is_shown(&bob, &presentity_of("alice")).await);
    assert_eq!(waiting(&bob).await, []);
    let ahead = measure(server.http_addr().unwrap(), "adsum_clock_ahead_seconds").await;
    assert!((-120.0..=-119.0).contains(&ahead), "{ahead}");
    server.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_second_a_day_ahead_ends_nothing_and_dates_nothing_but_itself() {
    let (data, clock) = (tempfile::tempdir().unwrap(), Arc::new(Played::default()));
    let server = serve(data.path(), &clock, None).await;
    let home = tempfile::tempdir().unwrap();
    let (alice, bob) = people(home.path(), server.local_addr()).await;
    send_for(&alice, 12 * 3_600, "for twelve hours").await;
    publish_for(&alice, 7_200, "for two hours").await;
    let before = clock.wall();
    clock.pass(60);
    clock.set(DAY_MS);
    noticed(&server, 1).await;
    send_for(&alice, 12 * 3_600, "in the bad second").await;
    let bad = clock.wall();
    clock.set(0);
    noticed(&server, 2).await;
    clock.pass(60);
    let later = clock.wall();
    send_for(&alice, 12 * 3_600, "later").await;
    let expected = [("for twelve hours", before), ("in the bad second", bad), ("later", later)];
    assert_eq!(waiting(&bob).await, expected.map(|(text, at)| (text.to_owned(), at)));
    // What stood a minute ago is found by what has passed since then.
    let alices = presentity_of("alice");
    let then = within("the past", alice.fetch_at(&alices, before)).await.unwrap();
    assert!(then.document.tuples().iter().any(|tuple| !tuple.notes.is_empty()));
    publish_for(&alice, 3, "for three seconds").await;
    let since = HistoryOptions { since: Some(later), ..HistoryOptions::default() };
    let rows = within("history", alice.history(&alices, since)).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.at).collect::<Vec<_>>(), [later]);
    let said = within("the server says", bob.server_info()).await.unwrap().clock.unwrap();
    assert_eq!(said.by, Ahead::from_ms(-DAY_MS));
    // A restart on the same boot knows what has passed, although the clock was set back once more.
    let address = server.local_addr();
    server.shutdown().await.unwrap();
    clock.pass(2);
    clock.set(-3_600_000);
    let server = serve(data.path(), &clock, Some(address)).await;
    noticed(&server, 3).await;
    assert!(is_shown(&bob, &alices).await, "a second is left");
    clock.pass(1);
    assert!(!is_shown(&bob, &alices).await);
    assert_eq!(waiting(&bob).await.len(), 3);
    server.shutdown().await.unwrap();
}

async fn people(home: &Path, server: SocketAddr) -> (Client, Client) {
    let home = Home::at(home);
    (client(&home, "alice", server).await, client(&home, "bob", server).await)
}
