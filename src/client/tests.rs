//! The client against a small server: what it repeats, where it goes on, when it gives up.
//!
//! Must never hold: a wait for a time to pass. Each test waits for what it promises.

use super::testing::{FakeServer, Script};
use super::*;
use crate::model::RefusalCode;

/// A server that is told what to do, and a client of it.
fn served(told: impl FnOnce(&mut Script)) -> (FakeServer, Client) {
    let server = FakeServer::start();
    server.with(told);
    let client = Client::open(Profile::new(server.identity())).unwrap();
    (server, client)
}

fn hello_bob() -> Outgoing {
    Outgoing::text("im:bob@localhost".parse().unwrap(), "hello")
}

async fn read(inbox: &mut Inbox, count: usize) -> Vec<u64> {
    let mut sequences = Vec::new();
    while sequences.len() < count {
        let received = inbox.next().await.unwrap().unwrap();
        sequences.push(received.item.sequence().get());
        received.taken().await.unwrap();
    }
    sequences
}

#[tokio::test]
async fn a_request_whose_answer_was_lost_is_repeated_under_its_id_and_answered_once() {
    let (server, client) = served(|script| script.cuts = 2);
    let sent = client.send(hello_bob()).await.unwrap();
    assert_eq!(sent.durability, Durability::Synced);
    let ids = server.with(|script| script.sent.clone());
    assert_eq!(ids, vec![sent.id.as_str().to_owned(); 3]);
    assert!(sent.duplicate);
    client.close().await;
}

#[tokio::test]
async fn requests_are_answered_in_order_over_a_lost_connection() {
    let (server, client) = served(|script| script.cuts = 1);
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.send(hello_bob()).await.unwrap().id })
        })
        .collect();
    let mut ids = Vec::new();
    for task in tasks {
        ids.push(task.await.unwrap().as_str().to_owned());
    }
    let mut found = server.with(|script| script.sent.clone());
    found.sort_unstable();
    found.dedup();
    ids.sort_unstable();
    assert_eq!(found, ids);
}

#[tokio::test]
async fn a_request_that_a_leaving_server_did_not_take_is_sent_to_the_next_one() {
    let (server, client) = served(|script| script.goaway = true);
    let sent = client.send(hello_bob()).await.unwrap();
    assert!(!sent.duplicate);
    assert_eq!(server.with(|script| script.hellos), 2);
}

#[tokio::test]
async fn a_request_that_is_not_answered_in_time_is_told_with_its_id_and_repeated_by_that() {
    let server = FakeServer::start();
    server.with(|script| script.mute = true);
    let identity = server.identity();
    let answer_within = Some(core::time::Duration::from_millis(300));
    let profile = Profile { answer_within, ..Profile::new(identity) };
    let client = Client::open(profile.clone()).unwrap();
    let error = client.send(hello_bob()).await.unwrap_err();
    let ClientError::OutcomeUnknown { request: "send", id: RequestId::Message(id), .. } = error
    else {
        panic!("{error}")
    };
    assert_eq!(server.with(|script| script.sent.clone()), [id.as_str()]);
    client.close().await;
    server.with(|script| script.mute = false);
    let client = Client::open(profile).unwrap();
    let sent = client.send(Outgoing { id: Some(id.clone()), ..hello_bob() }).await.unwrap();
    assert!(sent.duplicate && sent.id == id);
    client.close().await;
}

#[tokio::test]
async fn a_client_that_is_closed_before_the_answer_came_does_not_know_either() {
    let (server, client) = served(|script| script.mute = true);
    let asking = client.clone();
    let asked = tokio::spawn(async move { asking.send(hello_bob()).await });
    until(&server, |script| !script.sent.is_empty()).await;
    client.close().await;
    assert_eq!(asked.await.unwrap().unwrap_err().code(), "outcome-unknown");
}

#[tokio::test]
async fn a_device_that_is_not_let_in_is_told_at_once_and_does_not_knock_again() {
    let (_server, client) =
        served(|script| script.refuse_hello = Some(RefusalCode::KeyRevoked.number()));
    let error = client.connected().await.unwrap_err();
    assert_eq!(error.code(), "key-revoked");
    assert!(error.is_final(), "{error}");
    let error = client.send(hello_bob()).await.unwrap_err();
    assert_eq!(error.code(), "key-revoked");
    let error = client.inbox_status(None).await.unwrap_err();
    assert_eq!(error.code(), "key-revoked");
}

#[tokio::test]
async fn a_changed_server_key_ends_it_before_anything_is_sent() {
    let (server, other) = (FakeServer::start(), FakeServer::with_another_key());
    let mut identity = server.identity();
    identity.server = other.address();
    let client = Client::open(Profile::new(identity)).unwrap();
    let error = client.send(hello_bob()).await.unwrap_err();
    let ClientError::ServerKeyChanged { expected, found, .. } = &error else { panic!("{error}") };
    assert_eq!((*expected, *found), (server.key, other.key));
    assert!(error.is_final(), "{error}");
    assert_eq!(other.with(|script| script.hellos), 0);
}

#[tokio::test]
async fn an_inbox_goes_on_over_a_lost_connection_without_gap_or_repeat() {
    let (server, client) = served(|script| (script.head, script.cut_feed_after) = (5, Some(3)));
    let mut inbox = client.inbox(InboxOptions::default()).await.unwrap();
    assert_eq!(read(&mut inbox, 5).await, [1, 2, 3, 4, 5]);
    assert!(inbox.next().await.is_none(), "it is caught up and does not follow");
    inbox.settled().await.unwrap();
    assert_eq!(server.with(|script| script.acknowledged), 5);
    assert_eq!(server.with(|script| script.opened_at.clone()), [0, 3]);
}

#[tokio::test]
async fn the_next_process_begins_behind_what_was_taken_even_if_the_server_did_not_hear_of_it() {
    let server = FakeServer::start();
    server.with(|script| (script.head, script.cut_feed_after) = (3, Some(2)));
    let identity = server.identity();
    let client = Client::open(Profile::new(identity.clone())).unwrap();
    let mut inbox = client.inbox(InboxOptions::default()).await.unwrap();
    assert_eq!(read(&mut inbox, 2).await, [1, 2]);
    drop((inbox, client));
    server.with(|script| script.acknowledged = 0);
    let client = Client::open(Profile::new(identity)).unwrap();
    let mut inbox = reopened(&client).await;
    assert_eq!(read(&mut inbox, 1).await, [3]);
    inbox.settled().await.unwrap();
    assert_eq!(server.with(|script| script.acknowledged), 3);
}

/// The tasks of a dropped feed let go of its lock when they are next scheduled.
async fn reopened(client: &Client) -> Inbox {
    loop {
        match client.inbox(InboxOptions::default()).await {
            Ok(inbox) => return inbox,
            Err(ClientError::State(StateError::Locked { .. })) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn an_inbox_that_is_only_looked_at_is_neither_locked_nor_moved() {
    let (server, client) = served(|script| script.head = 300);
    let mut taking = client.inbox(InboxOptions::default()).await.unwrap();
    assert_eq!(read(&mut taking, 1).await, [1]);
    taking.settled().await.unwrap();
    let keep = InboxOptions { keep: true, ..InboxOptions::default() };
    let mut looking = client.inbox(keep).await.unwrap();
    let seen = read(&mut looking, 299).await;
    assert!(seen.iter().copied().eq(2..=300));
    assert!(looking.next().await.is_none());
    assert_eq!(server.with(|script| script.acknowledged), 1);
}

#[tokio::test]
async fn a_second_reader_of_the_same_inbox_is_refused() {
    let (_server, client) = served(|_| {});
    let _first = client.inbox(InboxOptions::default()).await.unwrap();
    let error = client.inbox(InboxOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), "locked");
}

#[tokio::test]
async fn a_refused_feed_tells_why_and_ends() {
    let (_server, client) = served(|_| {});
    let alice = "pres:alice@localhost".parse().unwrap();
    let error = client.fetch(&alice).await.unwrap_err();
    assert_eq!(error.code(), "unknown-kind");
    let status = client.inbox_status(None).await.unwrap();
    assert_eq!(status.waiting, 0);
}

#[tokio::test]
async fn enrolling_pins_the_key_and_can_be_repeated_after_it_was_cut_short() {
    let server = FakeServer::start();
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let alice: crate::model::Principal = "alice@localhost".parse().unwrap();
    server.with(|script| script.refuse_hello = Some(RefusalCode::InviteNeeded.number()));
    let enrollment = Enrollment::new(alice.clone(), server.address());
    let error = enroll(&home, enrollment.clone()).await.unwrap_err();
    assert_eq!(error.code(), "invite-needed");
    assert!(home.identities().unwrap().is_empty());
    let staged = home.stage(&alice).unwrap().credentials().public_key().device();
    server.with(|script| script.refuse_hello = None);
    let enrolled = enroll(&home, enrollment.clone()).await.unwrap();
    assert!(enrolled.newly);
    assert_eq!(enrolled.identity.device, staged);
    assert_eq!(enrolled.identity.server_key, server.key);
    let error = enroll(&home, enrollment).await.unwrap_err();
    assert_eq!(error.code(), "already-enrolled");
}

#[tokio::test]
async fn a_closed_client_ends_what_waits_on_it() {
    let (_server, client) = served(|_| {});
    let follow = InboxOptions { follow: true, ..InboxOptions::default() };
    let mut inbox = client.inbox(follow).await.unwrap();
    client.connected().await.unwrap();
    client.clone().close().await;
    assert!(matches!(inbox.next().await, Some(Err(ClientError::Closed))));
    assert!(inbox.next().await.is_none());
    assert!(matches!(client.send(hello_bob()).await, Err(ClientError::Closed)));
}

#[tokio::test]
async fn a_watch_goes_on_where_the_last_one_of_the_same_presentities_stopped() {
    let (server, client) = served(|script| (script.head, script.cut_feed_after) = (4, Some(1)));
    let options = || WatchOptions {
        follow: false,
        ..WatchOptions::of(vec!["pres:bob@localhost".parse().unwrap()])
    };
    let mut watch = client.watch(options()).await.unwrap();
    for position in 1..=2_u64 {
        let update = watch.next().await.unwrap().unwrap();
        assert_eq!(update.cursor.as_ref(), position.to_be_bytes());
        update.taken().await.unwrap();
    }
    assert_eq!(client.watch(options()).await.unwrap_err().code(), "locked");
    drop(watch);
    let mut watch = loop {
        match client.watch(options()).await {
            Err(ClientError::State(StateError::Locked { .. })) => tokio::task::yield_now().await,
            watch => break watch.unwrap(),
        }
    };
    let mut left = 0;
    while let Some(update) = watch.next().await {
        update.unwrap().mark_taken();
        left += 1;
    }
    assert_eq!(left, 2);
    watch.settled().await.unwrap();
    assert_eq!(server.with(|script| script.opened_at.clone()), [0, 1, 2]);
}

#[tokio::test]
async fn a_watch_renews_its_subscriptions_while_it_is_held() {
    let (server, client) = served(|_| {});
    let bob = vec!["pres:bob@localhost".parse().unwrap()];
    let _watch = client.watch(WatchOptions::of(bob)).await.unwrap();
    until(&server, |script| script.subscribed >= 3).await;
}

/// The machine sleeps for so long, as the client sees it.
fn slept(long: core::time::Duration) {
    awake::SLEPT.set(awake::SLEPT.get() + long);
}

#[tokio::test]
async fn a_watch_that_slept_connects_and_subscribes_again_at_once_and_shows_what_it_missed() {
    let (server, client) = served(|script| script.granted_ms = 3_600_000);
    let bob = vec!["pres:bob@localhost".parse().unwrap()];
    let mut watch = client.watch(WatchOptions::of(bob)).await.unwrap();
    until(&server, |script| script.opened_at.len() == 1).await;
    server.with(|script| (script.head, script.ran_out) = (2, true));
    slept(core::time::Duration::from_hours(1));
    let update = watch.next().await.unwrap().unwrap();
    assert_eq!(update.cursor.as_ref(), 1_u64.to_be_bytes());
    update.taken().await.unwrap();
    until(&server, |script| (script.hellos, script.subscribed) == (2, 2)).await;
    // Word of the end came behind the first change, and is not shown.
    server.with(|script| (script.head, script.ran_out) = (3, false));
    slept(core::time::Duration::from_secs(5));
    let update = watch.next().await.unwrap().unwrap();
    assert_eq!(update.cursor.as_ref(), 3_u64.to_be_bytes());
    assert_eq!(server.with(|script| (script.hellos, script.subscribed)), (3, 2));
}

async fn until(server: &FakeServer, holds: impl Fn(&Script) -> bool) {
    while !server.with(|script| holds(script)) {
        tokio::time::sleep(core::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_subscription_that_its_watcher_ended_elsewhere_is_told_as_ended_and_not_begun_again() {
    let (server, client) =
        served(|script| (script.granted_ms, script.head, script.ran_out) = (3_600_000, 1, true));
    let bob = vec!["pres:bob@localhost".parse().unwrap()];
    let mut watch = client.watch(WatchOptions::of(bob)).await.unwrap();
    let update = watch.next().await.unwrap().unwrap();
    assert_eq!(update.presence.state.as_str(), "terminated");
    server.with(|script| (script.head, script.ran_out) = (2, false));
    slept(core::time::Duration::from_hours(1));
    assert!(watch.next().await.unwrap().is_ok());
    assert_eq!(server.with(|script| script.subscribed), 1);
}

#[tokio::test]
async fn an_impatient_client_that_reaches_nobody_tells_everybody_who_waits() {
    let server = FakeServer::start();
    let mut identity = server.identity();
    identity.server = "no-such-host.invalid".parse().unwrap();
    let client = Client::open(Profile::once(identity)).unwrap();
    let mut inbox = client.inbox(InboxOptions::default()).await.unwrap();
    let error = client.send(hello_bob()).await.unwrap_err();
    assert_eq!(error.code(), "unreachable");
    assert!(matches!(inbox.next().await, Some(Err(ClientError::Unreachable { .. }))));
    assert!(inbox.next().await.is_none());
}

/// Whatever an application awaits may be awaited in a task of its own.
#[test]
fn every_future_can_be_spawned() {
    fn sendable<T: Send>(_: &T) {}
    fn check(client: &Client, watch: &mut Watch, inbox: &mut Inbox, publication: &Publication) {
        let alice = "pres:alice@localhost".parse().unwrap();
        let options = PublishOptions::default();
        sendable(&client.connected());
        sendable(&client.fetch(&alice));
        sendable(&client.subscriptions());
        sendable(&client.keys(None));
        sendable(&client.inbox_status(None));
        sendable(&client.publish(crate::model::Document::default(), &options));
        sendable(&client.keep_published(crate::model::Document::default(), options.clone()));
        sendable(&client.watch(WatchOptions::of(vec![])));
        sendable(&client.inbox(InboxOptions::default()));
        sendable(&client.send(hello_bob()));
        sendable(&watch.next());
        sendable(&inbox.next());
        sendable(&inbox.settled());
        sendable(&publication.failed());
    }
    let _ = check;
}
