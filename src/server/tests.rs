//! What happens when the disk fails: nothing leaves, and the server says why it ends.
//!
//! Must never hold: the faults themselves; `log::memory` injects them.

use std::sync::Arc;

use crate::commit::Commit;
use crate::log::memory::MemoryDisk;
use crate::model::{Keep, PublicKey, Retention};
use crate::server::cache::RecentMessages;
use crate::server::clock::Timekeeper;
use crate::server::desk::{Desk, Share};
use crate::server::keeper;
use crate::server::lanes::Lanes;
use crate::server::metrics::Metrics;
use crate::server::writer::{self, WriterParts, WriterThread};
use crate::server::{ServerLimits, SystemClock};
use crate::service::{Asker, Enroll, Hello, Input, Reply, ServiceConfig, Ticket};
use crate::session::Letter;
use crate::view::Views;

fn writer(disk: &MemoryDisk, lanes: &Arc<Lanes>) -> (Arc<Share>, WriterThread) {
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
        recent: Arc::new(RecentMessages::new(0)),
        known: Arc::default(),
        metrics: Arc::new(Metrics::default()),
        time: Timekeeper::open(clock, folder.path(), &Views::default()).unwrap(),
        chores: (keeper::nobody(&waiting), Retention::of_all(Keep::Always)),
    };
    let thread = writer::start(parts, &waiting, &ServerLimits::default()).unwrap();
    (waiting.share(Asker::Newcomer(None)), thread)
}

fn enter(ticket: Ticket) -> Input {
    let hello = Hello {
        principal: "alice@localhost".parse().unwrap(),
        key: PublicKey([1; 32]),
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

/// Nothing here takes long; what hangs is a failure.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    let limit = std::time::Duration::from_secs(20);
    tokio::time::timeout(limit, future).await.expect("it hangs")
}
