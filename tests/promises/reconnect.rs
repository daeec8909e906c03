//! Clients come back by themselves, repeat what was not answered, and stop when coming back cannot help.
//!
//! Must never hold: a bad network (see `network.rs`).

use std::time::{Duration, Instant};

use crate::support::app::{
    client, enrolled, inbox_of, noted, presentity_of, publish, send, watch_of,
};
use crate::support::child::{Process, free_port};
use crate::support::server::{Running, start_at};
use crate::support::within;
use adsum::client::{
    Client, ClientError, ConnectionEvent, Events, Home, Inbox, InboxOptions, Profile, Watch,
    WatchOptions,
};
use adsum::model::{Mode, RefusalCode};
use tokio::task::{JoinSet, block_in_place};

const CLIENTS: usize = 24;
/// Sends of each client that are not answered when the server goes.
const UNANSWERED: usize = 4;
/// Within a second is what is promised; the rest is for machines that do other things as well.
const BACK_MAX: Duration = Duration::from_secs(5);

/// A client that watches alice and reads its inbox.
struct Member {
    name: String,
    client: Client,
    watch: Watch,
    inbox: Inbox,
}

impl Member {
    async fn new(home: &Home, index: usize, server: std::net::SocketAddr) -> Self {
        let name = format!("member{index}");
        let client = client(home, &name, server).await;
        let options = watch_of("alice", Mode::Every);
        let mut watch = within("a watch", client.watch(options)).await.unwrap();
        let options = InboxOptions { follow: true, ..InboxOptions::default() };
        let inbox = client.inbox(options).await.unwrap();
        assert_eq!(see(&mut watch).await.as_deref(), Some("before"));
        Self { name, client, watch, inbox }
    }
}

async fn see(watch: &mut Watch) -> Option<String> {
    let update = within("an update", watch.next()).await.unwrap().unwrap();
    let note = noted(&update);
    update.taken().await.unwrap();
    note
}

/// How long after `returned` the server lets this client in again.
async fn back_after(mut events: Events, returned: Instant) -> Duration {
    loop {
        let event = within("the client is back", events.next()).await.unwrap();
        if matches!(event, ConnectionEvent::Connected(_)) {
            return returned.elapsed();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_a_killed_server_are_back_soon_and_go_on() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut server = block_in_place(|| Process::start(folders[0].path()));
    let home = Home::at(folders[1].path());
    let alice = client(&home, "alice", server.address).await;
    publish(&alice, "before").await;
    let mut members = Vec::new();
    for index in 0..CLIENTS {
        members.push(Member::new(&home, index, server.address).await);
    }
    let events: Vec<_> = members.iter().map(|member| member.client.events()).collect();
    block_in_place(|| server.kill());
    // Asked by every other one while nobody is there to answer, each under its own id.
    let mut asked = JoinSet::new();
    for member in members.iter().step_by(2) {
        for number in 0..UNANSWERED {
            let (client, id) = (member.client.clone(), format!("{}-{number}", member.name));
            let to = member.name.clone();
            asked.spawn(async move { send(&client, &to, &id, "still there?").await });
        }
    }
    block_in_place(|| server.start_again());
    let returned = Instant::now();
    let waiting: JoinSet<_> =
        events.into_iter().map(|events| back_after(events, returned)).collect();
    let slowest = waiting.join_all().await.into_iter().max().unwrap();
    println!("{CLIENTS} clients were back {slowest:?} after the server");
    assert!(slowest < BACK_MAX, "{slowest:?}");
    while let Some(sent) = asked.join_next().await {
        sent.unwrap();
    }
    publish(&alice, "behind").await;
    for (index, mut member) in members.into_iter().enumerate() {
        let asked = if index % 2 == 0 { UNANSWERED } else { 0 };
        assert_eq!(
            see(&mut member.watch).await.as_deref(),
            Some("behind"),
            "once, and no false offline"
        );
        let mut found = Vec::new();
        for _ in 0..asked {
            let received = within("a message", member.inbox.next()).await.unwrap().unwrap();
            found.push(received.message().unwrap().id.as_str().to_owned());
            received.taken().await.unwrap();
        }
        found.sort_unstable();
        let expected: Vec<_> = (0..asked).map(|n| format!("{}-{n}", member.name)).collect();
        assert_eq!(found, expected, "each once");
        let status = member.client.inbox_status(None).await.unwrap();
        assert_eq!(status.head.get(), asked as u64, "and nothing else");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_a_stopped_server_come_back_when_told() {
    let running = Running::start().await;
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let alice = client(&home, "alice", running.address()).await;
    publish(&alice, "before").await;
    let mut member = Member::new(&home, 0, running.address()).await;
    let running = running.restart().await;
    publish(&alice, "behind").await;
    assert_eq!(see(&mut member.watch).await.as_deref(), Some("behind"));
    send(&alice, "member0", "m1", "lunch?").await;
    let received = within("a message", member.inbox.next()).await.unwrap().unwrap();
    assert_eq!(received.message().unwrap().inbox, inbox_of("member0"));
    running.stop().await;
}

/// Waits until the client has given up for good.
async fn failure(client: &Client) -> ClientError {
    let mut events = client.events();
    if let Err(error) = within("it fails", client.connected()).await {
        return error;
    }
    loop {
        match within("it fails", events.next()).await {
            Some(ConnectionEvent::Failed(error)) => return error,
            Some(_) => {}
            None => return client.connected().await.unwrap_err(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_another_key_is_refused_loudly_and_for_good() {
    let address = free_port();
    let folders =
        [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let honest = start_at(folders[0].path(), address).await.unwrap();
    let home = Home::at(folders[2].path());
    let identity = enrolled(&home, "alice", address).await;
    let expected = honest.server_key_hash();
    let client = Client::open(Profile::new(identity.clone())).unwrap();
    within("alice is in", client.connected()).await.unwrap();
    honest.shutdown().await.unwrap();
    let other = start_at(folders[1].path(), address).await.unwrap();
    for client in [client, Client::open(Profile::new(identity)).unwrap()] {
        let error = failure(&client).await;
        let ClientError::ServerKeyChanged { expected: known, found, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!((known.0, found.0), (expected, other.server_key_hash()));
        assert!(error.is_final());
        assert!(error.to_string().contains("HAS CHANGED"), "{error}");
        let asked = within("an answer", client.fetch(&presentity_of("alice"))).await;
        assert!(matches!(asked, Err(ClientError::ServerKeyChanged { .. })), "{asked:?}");
    }
    assert_eq!(other.connections(), 0, "nobody said a word to it");
    other.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_whose_key_is_revoked_stops_for_good() {
    let running = Running::start().await;
    let folder = tempfile::tempdir().unwrap();
    let alice = client(&Home::at(folder.path()), "alice", running.address()).await;
    let session = within("alice is in", alice.connected()).await.unwrap();
    let mut watch = within("a watch", alice.watch(watch_of("alice", Mode::Latest))).await.unwrap();
    within("her presence", watch.next()).await.unwrap().unwrap().taken().await.unwrap();
    let mut all = within("all", alice.watch(WatchOptions::of(Vec::new()))).await.unwrap();
    within("her presence", all.next()).await.unwrap().unwrap().taken().await.unwrap();
    within("it is revoked", alice.revoke_key(None, session.device)).await.unwrap();
    let ended = within("the watch ends", watch.next()).await.unwrap().unwrap_err();
    assert!(is_about_the_key(&ended), "{ended}");
    let ended = within("the watch ends", all.next()).await.unwrap().unwrap_err();
    assert!(is_about_the_key(&ended), "{ended}");
    assert!(within("the end", watch.next()).await.is_none());
    let error = within("an answer", alice.fetch(&presentity_of("alice"))).await.unwrap_err();
    assert!(is_about_the_key(&error) && error.is_final(), "{error}");
    running.stop().await;
}

fn is_about_the_key(error: &ClientError) -> bool {
    match error {
        ClientError::NotAuthenticated { .. } => true,
        ClientError::Refused(refused) => refused.code == Some(RefusalCode::KeyRevoked),
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_gives_up_on_a_server_that_is_not_there_and_says_so() {
    let running = Running::start().await;
    let folder = tempfile::tempdir().unwrap();
    let identity = enrolled(&Home::at(folder.path()), "alice", running.address()).await;
    running.stop().await;
    let client = Client::open(Profile::once(identity)).unwrap();
    let error = within("it gives up", client.fetch(&presentity_of("alice"))).await.unwrap_err();
    assert!(
        matches!(error, ClientError::Unreachable { .. }) && error.code() == "unreachable",
        "{error}"
    );
}
