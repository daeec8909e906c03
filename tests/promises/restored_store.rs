//! A store that was put back to an earlier state deceives nobody: whoever has seen what it does not have is told, and
//! nothing that it acknowledges afterwards is passed over.
//!
//! Must never hold: a wait for a time.

use std::path::Path;
use std::process::Command;

use crate::support::app::{client, noted, publish, send, watch_of};
use crate::support::server::{Running, start_at};
use crate::support::within;
use adsum::backup::NewKeys;
use adsum::client::{Client, ClientError, Home, InboxOptions, WatchOptions};
use adsum::model::{InboxSequence, Message, Mode};
use adsum::server::{Server, back_up, pack_keys, restore_store};
use tempfile::TempDir;

/// What an inbox told: bodies, and up to where it had been read if it was found to be of another past.
#[derive(Debug, Default, PartialEq)]
struct Told {
    bodies: Vec<String>,
    restored: Option<u64>,
}

fn body(message: &Message) -> String {
    String::from_utf8(message.body.bytes().unwrap().to_vec()).unwrap()
}

async fn read(client: &Client) -> Told {
    let mut inbox = client.inbox(InboxOptions::default()).await.unwrap();
    let mut told = Told::default();
    while let Some(next) = within("the inbox goes on", inbox.next()).await {
        match next {
            Ok(received) => {
                told.bodies.extend(received.message().map(body));
                received.taken().await.unwrap();
            }
            Err(ClientError::Restored { had }) => told.restored = Some(had.get()),
            Err(error) => panic!("{error}"),
        }
    }
    within("it is acknowledged", inbox.settled()).await.unwrap();
    told
}

/// The notes of a watch until it is caught up, and whether it was told of another past.
async fn look(client: &Client, name: &str) -> (Vec<Option<String>>, bool) {
    let options = WatchOptions { follow: false, ..watch_of(name, Mode::Latest) };
    let mut watch = client.watch(options).await.unwrap();
    let (mut notes, mut restored) = (Vec::new(), false);
    while let Some(next) = within("the watch goes on", watch.next()).await {
        match next {
            Ok(update) => {
                notes.push(noted(&update));
                update.taken().await.unwrap();
            }
            Err(ClientError::Restored { .. }) => restored = true,
            Err(error) => panic!("{error}"),
        }
    }
    (notes, restored)
}

/// When the copy of the store was made that comes back.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Copied {
    /// While no server had it.
    Stopped,
    /// While a server wrote to it.
    Running,
    /// As a backup, by the server that wrote to it.
    BackedUp,
    /// Likewise, and without its keys: those that clients know it by are put there by hand, the others are lost.
    WithoutKeys,
}

impl Copied {
    fn is_backup(self) -> bool {
        matches!(self, Self::BackedUp | Self::WithoutKeys)
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    let copied = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status();
    assert!(copied.unwrap().success());
}

/// Makes a store in `data` of the backup in `place`, and gives it keys.
fn restore_backup(copied: Copied, place: &Path, data: &Path) {
    let keys = pack_keys(place).unwrap();
    let keys = (copied == Copied::BackedUp).then_some(&keys[..]);
    restore_store(&place.join("log"), data, keys, &mut |_, _| ()).unwrap();
    if keys.is_none() {
        std::fs::create_dir_all(data.join("keys")).unwrap();
        for name in ["server-key.pem", "server.pem", "store.secret", "principals.keys"] {
            let (from, to) = (place.join("keys").join(name), data.join("keys").join(name));
            std::fs::copy(from, to).unwrap();
        }
    }
}

/// Alice, who publishes and sends, bob, who watches and reads, their server, and a copy of its store.
struct World {
    server: Server,
    alice: Client,
    bob: Client,
    sent: u64,
    copied: Copied,
    data: TempDir,
    backup: TempDir,
    _home: TempDir,
}

impl World {
    /// Everything that was published and sent has been seen, and the store is copied.
    async fn new(copied: Copied) -> Self {
        let (home, backup) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let Running { mut server, data } = Running::start().await;
        let alice = client(&Home::at(home.path()), "alice", server.local_addr()).await;
        let bob = client(&Home::at(home.path()), "bob", server.local_addr()).await;
        let mut world = Self { server, alice, bob, sent: 0, copied, data, backup, _home: home };
        publish(&world.alice, "A").await;
        world.send(3).await;
        assert_eq!(read(&world.bob).await, told(1..=3));
        assert_eq!(look(&world.bob, "alice").await, (vec![Some("A".into())], false));
        if copied.is_backup() {
            let (data, dir) = (world.data.path(), world.backup.path().join("log"));
            tokio::task::block_in_place(|| back_up(data, &dir, &NewKeys::None, &mut |_, _| ()))
                .unwrap();
            copy(&data.join("keys"), &world.backup.path().join("keys"));
        } else if copied == Copied::Stopped {
            server = world.server;
            let address = server.local_addr();
            server.shutdown().await.unwrap();
            copy(world.data.path(), world.backup.path());
            world.server = start_at(world.data.path(), address).await.unwrap();
        } else {
            copy(world.data.path(), world.backup.path());
        }
        world
    }

    /// Alice sends the next `count` messages.
    async fn send(&mut self, count: u64) {
        for number in self.sent + 1..=self.sent + count {
            let id = format!("m{number}");
            assert!(!send(&self.alice, "bob", &id, &id).await, "{id} is new");
        }
        self.sent += count;
    }

    /// The copy takes the place of the store, as `change` leaves it.
    async fn restore(mut self, change: impl FnOnce(&Path)) -> Self {
        let address = self.server.local_addr();
        self.server.shutdown().await.unwrap();
        std::fs::remove_dir_all(self.data.path()).unwrap();
        if self.copied.is_backup() {
            restore_backup(self.copied, self.backup.path(), self.data.path());
        } else {
            std::fs::create_dir(self.data.path()).unwrap();
            copy(self.backup.path(), self.data.path());
        }
        change(self.data.path());
        self.server = start_at(self.data.path(), address).await.unwrap();
        self
    }

    async fn end(self) {
        self.alice.close().await;
        self.bob.close().await;
        self.server.shutdown().await.unwrap();
    }
}

fn told(numbers: impl Iterator<Item = u64>) -> Told {
    Told { bodies: numbers.map(|number| format!("m{number}")).collect(), restored: None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_after_a_restoring_is_passed_over_however_much_comes() {
    for copied in [Copied::Stopped, Copied::Running, Copied::BackedUp] {
        // Fewer than were lost, as many, and more: the numbers of what was lost are given again.
        for count in [1, 3, 5] {
            let mut world = World::new(copied).await;
            publish(&world.alice, "B").await;
            world.send(3).await;
            assert_eq!(read(&world.bob).await, told(4..=6));
            assert_eq!(look(&world.bob, "alice").await, (vec![Some("B".into())], false));
            let mut world = world.restore(|_| ()).await;
            world.send(count).await;
            let expected = Told { restored: Some(6), ..told(7..=6 + count) };
            assert_eq!(read(&world.bob).await, expected, "{copied:?}, {count}");
            let anew = (vec![Some("A".into())], true);
            assert_eq!(look(&world.bob, "alice").await, anew, "{copied:?}, {count}");
            // It is said once, and everything goes on from there.
            assert_eq!(read(&world.bob).await, told(0..0));
            assert_eq!(look(&world.bob, "alice").await, (vec![], false));
            publish(&world.alice, "C").await;
            assert_eq!(look(&world.bob, "alice").await, (vec![Some("C".into())], false));
            let said = within("the server says it", world.bob.server_info()).await.unwrap();
            assert!(said.noticed.is_some(), "{copied:?}, {count}");
            world.end().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_saw_nothing_of_what_is_lost_goes_on_as_if_nothing_had_happened() {
    for copied in [Copied::Running, Copied::BackedUp] {
        let mut world = World::new(copied).await;
        publish(&world.alice, "B").await;
        world.send(3).await;
        let mut world = world.restore(|_| ()).await;
        world.send(1).await;
        assert_eq!(read(&world.bob).await, told(7..=7), "{copied:?}");
        assert_eq!(look(&world.bob, "alice").await, (vec![], false), "{copied:?}");
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_passed_over_because_it_had_ended_in_the_lost_past_is_told() {
    let mut world = World::new(Copied::Running).await;
    world.send(2).await;
    std::fs::remove_dir_all(world.backup.path()).unwrap();
    copy(world.data.path(), world.backup.path());
    // The place at which the device then stands is of both pasts.
    let fourth = [InboxSequence::new(4)];
    within("it is deleted", world.bob.delete(None, &fourth)).await.unwrap();
    assert_eq!(read(&world.bob).await, told(5..=5));
    let world = world.restore(|_| ()).await;
    assert_eq!(read(&world.bob).await, Told { restored: Some(5), ..told(4..=5) });
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_restored_without_the_secret_of_its_cursors_passes_nothing_over_either() {
    for copied in [Copied::Stopped, Copied::WithoutKeys] {
        let mut world = World::new(copied).await;
        publish(&world.alice, "B").await;
        world.send(3).await;
        assert_eq!(read(&world.bob).await, told(4..=6));
        assert_eq!(look(&world.bob, "alice").await, (vec![Some("B".into())], false));
        let forget = |data: &Path| {
            let gone = std::fs::remove_file(data.join("keys/cursor.secret"));
            assert_eq!(gone.is_err(), copied == Copied::WithoutKeys);
        };
        let mut world = world.restore(forget).await;
        world.send(2).await;
        assert_eq!(read(&world.bob).await, told(7..=8), "{copied:?}");
        let (notes, _) = look(&world.bob, "alice").await;
        assert_eq!(notes, [Some("A".into())], "{copied:?}: all of it, anew");
        world.end().await;
    }
}
