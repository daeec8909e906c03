//! What happens when the disk fails: nothing leaves, and the server says why it ends.
//!
//! Must never hold: the faults themselves; `log::memory` injects them.

use std::sync::Arc;

use crate::commit::Commit;
use crate::log::memory::MemoryDisk;
use crate::model::{ContentType, EpochId, Mark, MessageId, Payload, PublicKey, Receipts, Sequence};
use crate::protocol::{Command, Erase, Send};
use crate::server::cache::RecentMessages;
use crate::server::clock::Timekeeper;
use crate::server::desk::{Desk, Share};
use crate::server::keeper;
use crate::server::lanes::Lanes;
use crate::server::metrics::Metrics;
use crate::server::writer::{self, WriterParts, WriterThread};
use crate::server::{ServerLimits, SystemClock};
use crate::service::{Actor, Asker, Enroll, FeedId, Hello, Input, Reply, ServiceConfig, Ticket};
use crate::session::Letter;
use crate::view::Views;

fn writer(disk: &MemoryDisk, lanes: &Arc<Lanes>) -> (Arc<Share>, WriterThread) {
    writer_beside(disk, lanes, &Arc::new(RecentMessages::new(0)))
}

fn writer_beside(
    disk: &MemoryDisk,
    lanes: &Arc<Lanes>,
    recent: &Arc<RecentMessages>,
) -> (Arc<Share>, WriterThread) {
    let config = ServiceConfig {
        open_enrollment: true,
        ..ServiceConfig::new(vec!["localhost".parse().unwrap()], [1; 32])
    };
    let log = Box::new(disk.open().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SystemClock);
    let waiting = Desk::new(16);
    let parts = WriterParts {
        commit: Commit::open(config, log, &mut |_, _| {}).unwrap(),
        lanes: Arc::clone(lanes),
        recent: Arc::clone(recent),
        known: Arc::default(),
        metrics: Arc::new(Metrics::default()),
        time: Timekeeper::open(clock, folder.path(), &Views::default()).unwrap(),
        chores: keeper::nobody(&waiting),
    };
    let thread = writer::start(parts, &waiting, &ServerLimits::default()).unwrap();
    (waiting.share(Asker::Newcomer(None)), thread)
}

fn enter(ticket: Ticket) -> Input {
    enter_as("alice@localhost", ticket)
}

fn key(principal: &str) -> PublicKey {
    PublicKey([principal.as_bytes()[0]; 32])
}

fn enter_as(principal: &str, ticket: Ticket) -> Input {
    let hello = Hello {
        principal: principal.parse().unwrap(),
        key: key(principal),
        enroll: Some(Enroll { invite: None, label: String::new().try_into().unwrap() }),
    };
    Input::Enter { ticket, hello }
}

#[tokio::test]
async fn a_failed_sync_lets_nothing_out_and_ends_the_writer_with_the_reason() {
    let (disk, lanes) = (MemoryDisk::new(), Arc::new(Lanes::default()));
    let (writer, thread) = writer(&disk, &lanes);
    let seat = lanes.enter();
    let (mut lane, letter_box) = seat.lane();
    disk.fail_next_sync();
    writer.submit(vec![enter(lane.ticket().1)]).await.unwrap();
    let failure = soon(thread.failed()).await.to_string();
    assert!(failure.contains("the writer ended"), "{failure}");
    let heard = tokio::time::timeout(std::time::Duration::ZERO, letter_box.letters()).await;
    assert!(heard.is_err(), "an answer left that is not durable");
    assert!(writer.submit(vec![Input::Tick]).await.is_err());
    assert!(thread.stop().await.is_err());
}

#[tokio::test]
async fn an_orderly_stop_answers_first_and_leaves_a_checkpoint() {
    let (disk, lanes) = (MemoryDisk::new(), Arc::new(Lanes::default()));
    let (writer, thread) = writer(&disk, &lanes);
    let seat = lanes.enter();
    let (mut lane, letter_box) = seat.lane();
    writer.submit(vec![enter(lane.ticket().1)]).await.unwrap();
    thread.stop().await.unwrap();
    let letters = soon(letter_box.letters()).await;
    assert!(matches!(letters[..], [Letter::Reply(0, Ok(Reply::Entered { enrolled: true, .. }))]));
    assert_eq!(disk.unsynced_count(), 0);
}

fn actor(principal: &str) -> Actor {
    Actor { principal: principal.parse().unwrap(), device: key(principal).device() }
}

fn send(ticket: Ticket) -> Input {
    let send = Send {
        sender: None,
        inbox: "im:bob@localhost".parse().unwrap(),
        receipts: Receipts::NONE,
        id: MessageId::new("m").unwrap(),
        content_type: ContentType::new("text/plain").unwrap(),
        body: Payload::text("hello"),
        lifetime: None,
    };
    Input::Command { ticket, actor: actor("alice@localhost"), command: Command::Send(send) }
}

fn open_inbox(ticket: Ticket) -> Input {
    let bob = actor("bob@localhost");
    let feed = FeedId { session: ticket.session, number: 1 };
    let (inbox, epoch, passed) = (bob.principal.inbox(), EpochId::NONE, Mark::default());
    Input::OpenInbox { ticket, feed, actor: bob, inbox, after: None, epoch, passed }
}

fn erase(ticket: Ticket) -> Input {
    let alice = actor("alice@localhost");
    let command = Command::Erase(Erase { principal: alice.principal.clone() });
    Input::Command { ticket, actor: alice, command }
}

#[tokio::test]
async fn what_somebody_wrote_is_in_no_cache_any_more_once_its_erasure_is_answered() {
    let (disk, lanes) = (MemoryDisk::new(), Arc::new(Lanes::default()));
    let recent = Arc::new(RecentMessages::new(1 << 20));
    let (writer, thread) = writer_beside(&disk, &lanes, &recent);
    let seat = lanes.enter();
    let (mut lane, letter_box) = seat.lane();
    let is_cached = || (1..100).any(|at| recent.find(Sequence::new(at)).is_some());
    let enter_bob = |ticket| enter_as("bob@localhost", ticket);
    let inputs: [fn(Ticket) -> Input; 5] = [enter, enter_bob, open_inbox, send, erase];
    let mut cached = Vec::new();
    for input in inputs {
        writer.submit(vec![input(lane.ticket().1)]).await.unwrap();
        let mut letters = Vec::new();
        while !letters.iter().any(|letter| matches!(letter, Letter::Reply(_, Ok(_)))) {
            letters.extend(soon(letter_box.letters()).await);
        }
        cached.push(is_cached());
    }
    assert_eq!(cached, [false, false, false, true, false], "only between sending and erasing");
    thread.stop().await.unwrap();
}

/// Nothing here takes long; what hangs is a failure.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    let limit = std::time::Duration::from_secs(20);
    tokio::time::timeout(limit, future).await.expect("it hangs")
}
