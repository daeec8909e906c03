//! A watch goes on over restarts of the server between every two steps: nothing is missed, repeated or made up.
//!
//! Must never hold: a network that is bad (see `network.rs`).

use crate::support::app::{client, noted, presentity_of, publish, watch_of};
use crate::support::child::Process;
use crate::support::within;
use adsum::client::{Client, Home, PublishOptions, Watch};
use adsum::model::{Mode, SubscriptionState};
use tokio::task::block_in_place;

/// How the server goes away between two steps.
#[derive(Clone, Copy, Debug)]
enum Restart {
    Killed,
    Stopped,
}

/// Alice, who publishes, and bob, who watches her, and their server.
struct World {
    how: Restart,
    server: Process,
    alice: Client,
    bob: Client,
    _folders: [tempfile::TempDir; 2],
}

impl World {
    async fn new(how: Restart) -> Self {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let server = block_in_place(|| Process::start(folders[0].path()));
        let home = Home::at(folders[1].path());
        let alice = client(&home, "alice", server.address).await;
        let bob = client(&home, "bob", server.address).await;
        Self { how, server, alice, bob, _folders: folders }
    }

    fn restart(&mut self) {
        block_in_place(|| {
            match self.how {
                Restart::Killed => self.server.kill(),
                Restart::Stopped => self.server.stop(),
            }
            self.server.start_again();
        });
    }

    async fn watch(&self, mode: Mode) -> Watch {
        within("the watch begins", self.bob.watch(watch_of("alice", mode))).await.unwrap()
    }

    async fn remove(&self) {
        let options = PublishOptions::default();
        within("it is removed", self.alice.remove(&options)).await.unwrap();
    }

    async fn end(self) {
        self.alice.close().await;
        self.bob.close().await;
    }
}

/// The next thing the watcher is shown, which it takes for good.
async fn shown(watch: &mut Watch) -> Option<String> {
    let update = within("an update", watch.next()).await.unwrap().unwrap();
    assert_eq!(update.presence.state, SubscriptionState::Active);
    assert!(!update.anew, "the cursor stays good");
    let note = noted(&update);
    update.taken().await.unwrap();
    note
}

/// A change by its note; `None` takes back what is published.
type Step = Option<&'static str>;

const STEPS: [Step; 6] = [Some("one"), Some("two"), None, Some("three"), Some("four"), None];

async fn changes(world: &World, step: Step) {
    match step {
        Some(note) => publish(&world.alice, note).await,
        None => world.remove().await,
    }
}

/// Each change is shown exactly once, whether the server restarts before it, behind it, or both.
async fn a_held_watch_misses_nothing(how: Restart, mode: Mode) {
    let mut world = World::new(how).await;
    let mut watch = world.watch(mode).await;
    world.restart();
    assert_eq!(shown(&mut watch).await, None, "nothing is published yet");
    world.restart();
    for step in STEPS {
        changes(&world, step).await;
        world.restart();
        assert_eq!(shown(&mut watch).await.as_deref(), step, "{how:?} {mode:?}");
    }
    // The last word: whatever came too much would come before it.
    changes(&world, Some("last")).await;
    assert_eq!(shown(&mut watch).await.as_deref(), Some("last"));
    drop(watch);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_of_the_latest_misses_nothing_when_the_server_is_killed() {
    a_held_watch_misses_nothing(Restart::Killed, Mode::Latest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_of_every_change_misses_nothing_when_the_server_is_killed() {
    a_held_watch_misses_nothing(Restart::Killed, Mode::Every).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_of_the_latest_misses_nothing_when_the_server_is_stopped() {
    a_held_watch_misses_nothing(Restart::Stopped, Mode::Latest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_of_every_change_misses_nothing_when_the_server_is_stopped() {
    a_held_watch_misses_nothing(Restart::Stopped, Mode::Every).await;
}

/// What happened while nobody watched comes at the next watch: all of it, or the latest of it, by the mode.
async fn a_new_watch_goes_on(mode: Mode, expected: &[Step]) {
    let mut world = World::new(Restart::Killed).await;
    publish(&world.alice, "before").await;
    let mut watch = world.watch(mode).await;
    assert_eq!(shown(&mut watch).await.as_deref(), Some("before"));
    drop(watch);
    world.restart();
    for step in STEPS {
        changes(&world, step).await;
        world.restart();
    }
    let mut watch = world.watch(mode).await;
    world.restart();
    for step in expected {
        assert_eq!(shown(&mut watch).await.as_deref(), *step, "{mode:?}");
    }
    drop(watch);
    // And once taken, it does not come again.
    let mut watch = world.watch(mode).await;
    world.restart();
    changes(&world, Some("last")).await;
    assert_eq!(shown(&mut watch).await.as_deref(), Some("last"));
    drop(watch);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_watch_of_every_change_is_shown_all_it_missed() {
    a_new_watch_goes_on(Mode::Every, &STEPS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_watch_of_the_latest_is_shown_what_stands() {
    a_new_watch_goes_on(Mode::Latest, &STEPS[5..]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publication_and_a_subscription_keep_their_remaining_time_over_a_restart() {
    let mut world = World::new(Restart::Killed).await;
    let bob = presentity_of("bob");
    let hour = adsum::model::Lifetime::from_ms(3_600_000);
    within("it stands", world.alice.subscribe(&bob, Mode::Latest, Some(hour))).await.unwrap();
    let before = within("a list", world.alice.subscriptions()).await.unwrap();
    world.restart();
    let after = within("a list", world.alice.subscriptions()).await.unwrap();
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_eq!(after[0].state, SubscriptionState::Active);
    let (before, after) = (before[0].remaining.as_ms(), after[0].remaining.as_ms());
    assert!(0 < after && after <= before && before <= hour.as_ms(), "{after} of {before} ms");
    world.end().await;
}
