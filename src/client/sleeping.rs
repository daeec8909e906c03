//! A client whose machine slept and woke elsewhere: at once it has a new connection, and everything that it keeps going
//! goes on over that.
//!
//! The clocks say that it slept; the network is a relay whose path dies and comes back under another address.
//! Must never hold: a wait for a time to pass. Each test waits for what it promises.

use core::net::SocketAddr;
use core::time::Duration;

use super::proxy::{Faults, Proxy};
use super::testing::{FakeServer, Script};
use super::*;
use crate::model::Document;

const HOUR: Duration = Duration::from_hours(1);

/// A client, the way that it is connected over, and the server behind that.
struct Laptop {
    client: Client,
    path: Proxy,
    server: FakeServer,
}

impl Laptop {
    async fn new() -> Self {
        let server = FakeServer::start();
        let hour_ms = u64::try_from(HOUR.as_millis()).unwrap();
        server.with(|script| (script.granted_ms, script.published_ms) = (hour_ms, hour_ms));
        let behind = SocketAddr::from(([127, 0, 0, 1], server.address().port));
        let path = Proxy::start(behind, Faults::NONE, 1).await;
        let address = path.address.to_string().parse().unwrap();
        let profile = Profile::new(server.identity_at(&address));
        let client = Client::open(profile).unwrap();
        client.connected().await.unwrap();
        Self { client, path, server }
    }

    /// It sleeps for `long` while `meanwhile` happens, wakes where there is no network, and is given one with another
    /// address. Returns once it tried in vain, so that what was held open before is of no use any more.
    async fn sleeps(&self, long: Duration, meanwhile: impl FnOnce(&mut Script)) {
        let mut events = self.client.events();
        self.path.cut(true);
        self.server.with(meanwhile);
        awake::SLEPT.set(awake::SLEPT.get() + long);
        for reason in ["slept", "no answer"] {
            match events.next().await {
                Some(ConnectionEvent::Lost { reason: told, .. }) => {
                    assert!(told.contains(reason), "{told}");
                }
                other => panic!("{other:?}"),
            }
        }
        self.path.rebind();
        self.path.cut(false);
    }

    /// Until all that it asked before is answered: answers come in order.
    async fn answered(&self) {
        let message = Outgoing::text("im:bob@localhost".parse().unwrap(), "hello");
        self.client.send(message).await.unwrap();
    }

    async fn until(&self, holds: impl Fn(&Script) -> bool) {
        while !self.server.with(|script| holds(script)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn a_publication_that_ran_out_in_a_sleep_is_published_again_at_once() {
    let laptop = Laptop::new().await;
    let options = PublishOptions::default();
    let publication =
        laptop.client.keep_published(Document::default(), options.clone()).await.unwrap();
    laptop.sleeps(2 * HOUR, |script| script.stale = 1).await;
    laptop.until(|script| script.published == [true, false, true]).await;
    // What is not answered before the next sleep would rightly be asked again behind it.
    laptop.answered().await;
    // A shorter sleep costs a connection and no publication.
    laptop.sleeps(HOUR / 4, |_| {}).await;
    laptop.until(|script| script.hellos == 3).await;
    publication.update(Document::default()).await.unwrap();
    assert_eq!(laptop.server.with(|script| script.published.clone()), [true, false, true, true]);
    // In the second half of its lifetime it is refreshed, and not made again.
    laptop.sleeps(HOUR * 3 / 4, |_| {}).await;
    laptop.until(|script| script.published.len() == 5).await;
    assert!(!laptop.server.with(|script| script.published[4]));
    drop(publication);
}

#[tokio::test]
async fn an_inbox_that_slept_goes_on_at_once_and_has_each_message_once() {
    let laptop = Laptop::new().await;
    laptop.server.with(|script| script.head = 2);
    let options = InboxOptions { follow: true, ..InboxOptions::default() };
    let mut inbox = laptop.client.inbox(options).await.unwrap();
    let mut taken = Vec::new();
    for asleep in 1..=3 {
        for _ in 0..2 {
            let received = inbox.next().await.unwrap().unwrap();
            taken.push(received.item.sequence().get());
            received.taken().await.unwrap();
        }
        inbox.settled().await.unwrap();
        laptop.sleeps(2 * HOUR, |script| script.head += 2).await;
        laptop.until(|script| script.hellos == 1 + asleep).await;
    }
    assert_eq!(taken, [1, 2, 3, 4, 5, 6]);
    assert_eq!(inbox.next().await.unwrap().unwrap().item.sequence().get(), 7);
    assert_eq!(laptop.server.with(|script| script.opened_at.clone()), [0, 2, 4, 6]);
}

#[tokio::test]
async fn what_a_feed_said_before_a_sleep_is_told_behind_it() {
    let laptop = Laptop::new().await;
    laptop.server.with(|script| script.restored = 1);
    let options = InboxOptions { follow: true, ..InboxOptions::default() };
    let mut inbox = laptop.client.inbox(options).await.unwrap();
    while inbox.opening().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    laptop.sleeps(2 * HOUR, |script| script.head = 1).await;
    laptop.until(|script| script.opened_at.len() == 2).await;
    while !inbox.caught_up() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let told = inbox.next().await.unwrap();
    assert!(matches!(told, Err(ClientError::Restored { .. })), "{told:?}");
    assert!(inbox.next().await.unwrap().is_ok());
}

#[tokio::test]
async fn what_was_asked_before_a_sleep_is_answered_behind_it_and_done_once() {
    let laptop = Laptop::new().await;
    laptop.server.with(|script| script.mute = true);
    let message = Outgoing::text("im:bob@localhost".parse().unwrap(), "hello");
    let client = laptop.client.clone();
    let sending = tokio::spawn(async move { client.send(message).await });
    laptop.until(|script| script.sent.len() == 1).await;
    laptop.sleeps(2 * HOUR, |script| script.mute = false).await;
    assert!(sending.await.unwrap().unwrap().duplicate);
    let sent = laptop.server.with(|script| script.sent.clone());
    assert_eq!((sent.len(), &sent[0]), (2, &sent[1]), "under its id");
}

#[tokio::test]
async fn a_path_that_dies_without_a_sleep_is_given_up_when_a_sign_of_life_is_not_answered() {
    let server = FakeServer::start();
    let behind = SocketAddr::from(([127, 0, 0, 1], server.address().port));
    let path = Proxy::start(behind, Faults::NONE, 1).await;
    let address = path.address.to_string().parse().unwrap();
    let mut profile = Profile::new(server.identity_at(&address));
    profile.keep_alive = Duration::from_millis(100);
    profile.answer_within = Some(Duration::from_millis(500));
    let client = Client::open(profile).unwrap();
    client.connected().await.unwrap();
    let mut events = client.events();
    path.answers(0);
    let Some(ConnectionEvent::Lost { reason, .. }) = events.next().await else { panic!("lost") };
    assert!(reason.contains("no answer to anything for 1.1 s"), "{reason}");
    path.rebind();
    path.answers(i64::MAX);
    loop {
        if let Some(ConnectionEvent::Connected(_)) = events.next().await {
            break;
        }
    }
}
