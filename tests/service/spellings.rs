//! Accounts whose spelling was folded otherwise when they were recorded: logs that hold them are read as ever, and what they
//! hold is nobody else's.
//!
//! Must never hold: how an address is folded; `src/model/address.rs` tests that.

use adsum::commit::Commit;
use adsum::event::{Event, KeyEnrolled, MessageAccepted, MessageDigest};
use adsum::log::memory::MemoryDisk;
use adsum::model::{
    ContentType, DeviceLabel, InboxSequence, MessageId, Payload, Principal, Role, Timestamp,
};

use crate::world::{config, im, key, principal};

const NOW: Timestamp = Timestamp::from_ms(1_000_000);

/// As a version recorded it that did not map width.
fn wide() -> Principal {
    Principal::recorded("ａlice@d.example").unwrap()
}

fn enrolled(principal: Principal) -> Event {
    let (key, label) = (key(principal.account()), DeviceLabel::new("").unwrap());
    Event::KeyEnrolled(KeyEnrolled { principal, key, label, role: Role::User, invite: None })
}

fn open(disk: &MemoryDisk) -> Commit {
    Commit::open(config(), Box::new(disk.open().unwrap()), &mut |_, _| {}).unwrap()
}

#[test]
fn an_account_of_an_older_spelling_stays_apart_in_views_checkpoints_and_messages() {
    let disk = MemoryDisk::new();
    let mut commit = open(&disk);
    let sent = Event::MessageAccepted(MessageAccepted {
        inbox: im("bob"),
        sequence: InboxSequence::new(1),
        sender: wide(),
        device: key("a").device(),
        id: MessageId::new("one").unwrap(),
        content_type: ContentType::new("text/plain").unwrap(),
        body: Payload::text("hello"),
        lifetime: None,
        digest: MessageDigest([7; 16]),
    });
    let events = [principal("alice"), wide(), principal("bob")].map(enrolled).into_iter();
    commit.record(NOW, events.chain([sent]).collect()).unwrap();
    let live = commit.fingerprint();
    commit.checkpoint_all().unwrap();
    drop(commit);
    disk.crash(0);

    let mut commit = open(&disk);
    assert_eq!(commit.fingerprint(), live, "with the checkpoint");
    let views = commit.views();
    assert_eq!(views.principal(&wide()).unwrap().devices.len(), 1);
    assert_eq!(views.principal(&principal("ａlice")).unwrap().devices.len(), 1);
    assert_ne!(wide(), principal("ａlice"), "whoever writes it now means alice");
    drop(commit);
    let log = Box::new(disk.open().unwrap());
    let mut rebuilt = Commit::rebuild(config(), log, &mut |_, _| {}).unwrap();
    assert_eq!(rebuilt.fingerprint(), live, "from the log alone");
}
