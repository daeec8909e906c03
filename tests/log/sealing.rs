//! What people wrote is stored sealed: no file holds it, and where a key is destroyed it reads as erased.
//!
//! Must never hold: how anything is sealed (see the tests in `src/log/sealing/`).

use core::ops::ControlFlow;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::events::{message, samples, timed};
use adsum::commit::{Commit, stage_cut};
use adsum::event::{Chain, DeviceEnrolled, ErasurePolicyChanged, Event, Owners, Recorded, pack};
use adsum::log::{Carried, Entries, Erasures, EventLog, SledLog, rewrite, verify};
use adsum::model::{Ahead, Payload, Principal, PublicKey, Role, Sequence, Timestamp};
use adsum::service::ServiceConfig;

const SECRET: &str = "zebra:quagga-secret-77";

fn principal(name: &str) -> Principal {
    format!("{name}@example.com").parse().unwrap()
}

/// An event of each kind, each saying the secret wherever it says anything.
fn secret_events() -> Vec<Event> {
    let secret = |mut event: Event| {
        event.payloads_mut().into_iter().for_each(|payload| *payload = Payload::text(SECRET));
        event
    };
    samples().into_iter().map(|(_, event)| secret(event)).collect()
}

fn all(log: &SledLog) -> Vec<Recorded> {
    log.reader().read(Sequence::ZERO, usize::MAX).unwrap()
}

/// The payloads of all events that have any.
fn payloads(events: &[Recorded]) -> Vec<(Event, Payload)> {
    let mut found = Vec::new();
    for recorded in events {
        for payload in recorded.event.clone().payloads_mut() {
            found.push((recorded.event.clone(), payload.clone()));
        }
    }
    found
}

/// The files below `folder` that hold the secret.
fn files_with_it(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            found.extend(files_with_it(&entry.path()));
        } else if holds_it(&fs::read(entry.path()).unwrap()) {
            found.push(entry.path().display().to_string());
        }
    }
    found
}

fn holds_it(bytes: &[u8]) -> bool {
    bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
}

#[test]
fn no_file_holds_what_people_wrote_and_all_of_it_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let (events, at) = (secret_events(), Timestamp::from_ms(1));
    let mut log = SledLog::open(folder.path()).unwrap();
    log.append(&timed(at, events.clone())).unwrap();
    log.sync().unwrap();
    for log in [Some(log), None] {
        let log = log.unwrap_or_else(|| SledLog::open(folder.path()).unwrap());
        let read: Vec<Event> = all(&log).into_iter().map(|recorded| recorded.event).collect();
        assert_eq!(read, events);
        for (at, event) in (1..).zip(&events) {
            assert_eq!(log.reader().read_one(Sequence::new(at)).unwrap().event, *event);
        }
        drop(log);
        assert_eq!(files_with_it(folder.path()), [""; 0]);
    }
}

#[test]
fn the_log_verifies_without_any_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = SledLog::open(folder.path()).unwrap();
    log.append(&timed(Timestamp::from_ms(1), secret_events())).unwrap();
    log.sync().unwrap();
    let chain = verify(&log, &mut |_| ()).unwrap().chain;
    drop(log);
    fs::remove_file(folder.path().join("keys/principals.keys")).unwrap();
    let log = SledLog::open(folder.path()).unwrap();
    assert_eq!(verify(&log, &mut |_| ()).unwrap().chain, chain);
    assert!(payloads(&all(&log)).iter().all(|(_, payload)| *payload == Payload::Erased));
}

#[test]
fn what_a_principal_wrote_or_got_reads_as_erased_once_its_key_is_destroyed() {
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(principal);
    for gone in [&alice, &bob, &carol] {
        let folder = tempfile::tempdir().unwrap();
        let mut log = SledLog::open(folder.path()).unwrap();
        log.append(&timed(Timestamp::from_ms(1), secret_events())).unwrap();
        log.sync().unwrap();
        // Read before, so that what the reader remembers is asked as well.
        let last = log.head();
        log.reader().read_one(last).unwrap();
        assert_eq!(log.vault().unwrap().destroy(gone).unwrap(), *gone != carol);
        for log in [Some(log), None] {
            let log = log.unwrap_or_else(|| SledLog::open(folder.path()).unwrap());
            for (event, payload) in payloads(&all(&log)) {
                let owners = event.owners().unwrap();
                let is_gone = owners.keeper == *gone || owners.sender.as_ref() == Some(gone);
                let expected = if is_gone { Payload::Erased } else { Payload::text(SECRET) };
                assert_eq!(payload, expected, "{event:?} without {gone}");
            }
        }
    }
}

#[test]
fn what_recipients_keep_is_theirs_alone_from_where_the_log_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let Event::MessageAccepted(sample) = message(20, 1) else { panic!() };
    let sender = sample.sender.clone();
    let chosen = |recipients_keep| {
        let (domain, by) = (sender.domain().parse().unwrap(), sender.clone());
        Event::ErasurePolicyChanged(ErasurePolicyChanged { domain, recipients_keep, by })
    };
    let sent = |number| message(20, number);
    let mut log = SledLog::open(folder.path()).unwrap();
    // Where it stands among the events of one commit is what counts, and so does what is told at the start.
    let commit = vec![sent(1), chosen(true), sent(2)];
    log.append(&timed(Timestamp::from_ms(1), commit)).unwrap();
    log.append(&timed(Timestamp::from_ms(2), vec![sent(3), chosen(false), sent(4)])).unwrap();
    drop(log);
    let mut log = SledLog::open(folder.path()).unwrap();
    let vault = log.vault().unwrap();
    vault.keep_for_recipients([sender.domain().parse().unwrap()].into());
    log.append(&timed(Timestamp::from_ms(3), vec![sent(5)])).unwrap();
    let readable = |log: &SledLog| {
        let found = payloads(&all(log)).into_iter();
        let present = found.map(|(_, payload)| matches!(payload, Payload::Present(_)));
        present.collect::<Vec<_>>()
    };
    assert_eq!(readable(&log), [true; 5]);
    log.vault().unwrap().destroy(&sender).unwrap();
    assert_eq!(readable(&log), [false, true, true, false, true]);
    log.vault().unwrap().destroy(&sample.inbox.principal()).unwrap();
    assert_eq!(readable(&log), [false; 5]);
}

#[test]
fn a_new_key_of_the_same_owner_opens_nothing_of_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = SledLog::open(folder.path()).unwrap();
    let commit = |log: &mut SledLog, ms| {
        log.append(&timed(Timestamp::from_ms(ms), vec![message(ms, 10)])).unwrap();
        log.sync().unwrap();
    };
    commit(&mut log, 1);
    assert!(log.vault().unwrap().destroy(&principal("bob")).unwrap());
    log.append(&timed(Timestamp::from_ms(2), vec![enrolled("bob")])).unwrap();
    commit(&mut log, 3);
    let read = payloads(&all(&log));
    assert_eq!(read[0].1, Payload::Erased);
    assert_eq!(read[1].1, Payload::text("of another"));
    assert_eq!(read[2].1.len(), 10);
}

fn enrolled(name: &str) -> Event {
    Event::DeviceEnrolled(DeviceEnrolled {
        principal: principal(name),
        key: PublicKey([9; 32]),
        label: Payload::text("of another"),
        role: Role::User,
        invite: None,
    })
}

/// The bytes of all keys, and of all records that are carried forward in the store.
fn kept_of(log: &SledLog, folder: &Path) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut records = Vec::new();
    log.walk_carried(Carried::Staged, &[], &mut |_, value| {
        records.push(value.to_vec());
        Ok(ControlFlow::Continue(()))
    })
    .unwrap();
    (fs::read(folder.join("keys/principals.keys")).unwrap(), records)
}

#[test]
fn what_is_sealed_late_makes_no_key_for_somebody_who_was_erased() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = SledLog::open(folder.path()).unwrap();
    log.append(&timed(Timestamp::from_ms(1), vec![message(1, 10)])).unwrap();
    log.sync().unwrap();
    let owners = |keeper, sender: Option<&str>| Owners {
        keeper: principal(keeper),
        sender: sender.map(principal),
    };
    let sealed = |log: &SledLog, owners: &Owners| {
        let mut payload = Payload::text(SECRET);
        log.vault().unwrap().seal(owners, vec![&mut payload]).unwrap();
        payload
    };
    let is_sealed = |payload: Payload| matches!(payload, Payload::Sealed(_));
    assert!(is_sealed(sealed(&log, &owners("bob", Some("alice")))));
    log.vault().unwrap().destroy(&principal("bob")).unwrap();
    // Also of somebody who never had one.
    log.vault().unwrap().destroy(&principal("carol")).unwrap();
    let keys = fs::read(folder.path().join("keys/principals.keys")).unwrap();
    for gone in ["bob", "carol"] {
        for owners in [owners(gone, None), owners(gone, Some("alice")), owners("alice", Some(gone))]
        {
            assert_eq!(sealed(&log, &owners), Payload::Erased, "{owners:?}");
        }
    }
    log.vault().unwrap().seal(&owners("dave", None), vec![&mut Payload::Erased]).unwrap();
    assert_eq!(fs::read(folder.path().join("keys/principals.keys")).unwrap(), keys);
    log.append(&timed(Timestamp::from_ms(2), vec![enrolled("bob")])).unwrap();
    assert!(is_sealed(sealed(&log, &owners("bob", None))), "whoever is called so now has one");
}

#[test]
fn who_is_erased_while_a_cut_is_staged_is_in_nothing_that_is_carried() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let config = ServiceConfig::new(vec!["example.com".parse().unwrap()], [0; 32]);
        Commit::open(config, Box::new(SledLog::open(folder.path()).unwrap()), &mut |_, _| ())
    };
    let mut commit = open().unwrap();
    let at = Timestamp::from_ms(1);
    let mut events = secret_events();
    events.retain(|event| matches!(event, Event::Published(_) | Event::DeviceEnrolled(_)));
    let keepers: BTreeSet<Principal> =
        events.iter().filter_map(Event::owners).map(|owners| owners.keeper).collect();
    commit.record(at, events).unwrap();
    let (reader, mut cutter) = (commit.reader(), commit.cutter().unwrap());
    // All that the stretch says is folded and readable by the second of the steps.
    let mut steps = 0;
    let mut pace = || {
        steps += 1;
        if steps == 2 {
            for keeper in &keepers {
                commit.erase(at, keeper).unwrap().unwrap();
            }
        }
        true
    };
    let head = Sequence::new(u64::MAX / 2);
    stage_cut(reader.as_ref(), cutter.as_mut(), head, &|_| false, &mut pace).unwrap().unwrap();
    assert!(steps > 2, "{steps}");
    drop((commit, reader, cutter));
    let check = || {
        let log = SledLog::open(folder.path()).unwrap();
        let (keys, records) = kept_of(&log, folder.path());
        assert!(records.len() > 3, "{}", records.len());
        assert_eq!(keys.len(), 64, "there is no key but the title");
        let states = records.iter().filter(|record| holds_it(record));
        assert_eq!(states.count(), 0);
    };
    check();
    // A process that comes after knows it, too, whatever it seals.
    let commit = open().unwrap();
    let (reader, mut cutter) = (commit.reader(), commit.cutter().unwrap());
    for keeper in &keepers {
        let owners = Owners { keeper: keeper.clone(), sender: None };
        let mut payload = Payload::text(SECRET);
        cutter.vault().unwrap().seal(&owners, vec![&mut payload]).unwrap();
        assert_eq!(payload, Payload::Erased);
    }
    stage_cut(reader.as_ref(), cutter.as_mut(), head, &|_| false, &mut || true).unwrap().unwrap();
    drop((commit, reader, cutter));
    check();
}

#[test]
fn keys_of_another_store_are_not_taken_for_those_that_were_destroyed() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for folder in &folders {
        let mut log = SledLog::open(folder.path()).unwrap();
        log.append(&timed(Timestamp::from_ms(1), vec![message(1, 10)])).unwrap();
        log.sync().unwrap();
    }
    let [path, other] = folders.each_ref().map(|folder| folder.path().join("keys/principals.keys"));
    let mut bytes = fs::read(other).unwrap();
    let own = fs::read(&path).unwrap();
    // Another key under the name of the right one.
    bytes[64..72].copy_from_slice(&own[64..72]);
    let sum = crc32fast::hash(&bytes[64..124]);
    bytes[124..128].copy_from_slice(&sum.to_le_bytes());
    bytes[128..136].copy_from_slice(&own[128..136]);
    let sum = crc32fast::hash(&bytes[128..188]);
    bytes[188..192].copy_from_slice(&sum.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let log = SledLog::open(folders[0].path()).unwrap();
    let fault = log.reader().read(Sequence::ZERO, 9).unwrap_err().to_string();
    assert!(fault.contains("principals.keys") && fault.contains("does not open"), "{fault}");
}

#[test]
fn checkpoint_records_hold_it_sealed_and_are_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let config = ServiceConfig::new(vec!["example.com".parse().unwrap()], [0; 32]);
        let log = Box::new(SledLog::open(folder.path()).unwrap());
        Commit::open(config, log, &mut |folded, _| assert_eq!(folded, 0)).unwrap()
    };
    let mut commit = open();
    let at = Timestamp::from_ms(1);
    let mut events = secret_events();
    events.retain(|event| matches!(event, Event::Published(_) | Event::DeviceEnrolled(_)));
    // The last of what is published says most.
    events.reverse();
    commit.record(at, events).unwrap();
    commit.checkpoint_all().unwrap();
    let before = commit.fingerprint();
    drop(commit);
    let text = |records: &[(Vec<u8>, Option<Vec<u8>>)]| {
        records.iter().filter(|(_, value)| value.as_deref().is_some_and(holds_it)).count()
    };
    assert!(text(&before) > 1, "the state says it");
    let mut log_records = Vec::new();
    let log = SledLog::open(folder.path()).unwrap();
    log.load(&mut |key, value| {
        log_records.push((key.to_vec(), Some(value.to_vec())));
        Ok(())
    })
    .unwrap();
    drop(log);
    assert_eq!(text(&log_records), 0, "the records do not");
    assert_eq!(open().fingerprint(), before);
}

/// A store as an older version left it: nothing is sealed.
fn plain_store(events: &[Event]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    drop(SledLog::open(folder.path()).unwrap());
    let (mut chain, at) = (Chain::START, Timestamp::from_ms(1));
    let entries = pack(&mut chain, Sequence::new(1), Ahead::ZERO, &timed(at, events.to_vec()));
    let db = sled::open(folder.path().join("log")).unwrap();
    let tree = db.open_tree("events").unwrap();
    for entry in entries {
        tree.insert(entry.key.to_bytes(), entry.value).unwrap();
    }
    db.flush().unwrap();
    drop((tree, db));
    folder
}

#[test]
fn a_store_of_an_older_version_is_read_and_written_anew_sealed() {
    let mut events = secret_events();
    let erased = events.iter().position(|event| matches!(event, Event::PrincipalErased(_)));
    let after = Event::DeviceEnrolled(DeviceEnrolled {
        principal: principal("alice"),
        key: PublicKey([9; 32]),
        label: Payload::text("of another alice"),
        role: Role::User,
        invite: None,
    });
    events.push(after.clone());
    let (old, new) = (plain_store(&events), tempfile::tempdir().unwrap());
    let from = SledLog::open(old.path()).unwrap();
    assert_eq!(all(&from).len(), events.len());
    assert!(!files_with_it(old.path()).is_empty(), "it is looked for where it is");
    let mut to = SledLog::open(new.path()).unwrap();
    let gone = Erasures::of(from.reader().as_ref(), from.head()).unwrap();
    rewrite((from.reader().as_ref(), from.head()), &mut to, &gone, &mut |_| ()).unwrap();
    verify(&to, &mut |_| ()).unwrap();
    let written = all(&to);
    assert_eq!(written.last().unwrap().event, after, "who has the name since is left alone");
    for (old, new) in all(&from).iter().zip(&written) {
        assert_eq!((old.sequence, old.at, old.ahead), (new.sequence, new.at, new.ahead));
        let is_label = matches!(old.event, Event::KeyEnrolled(_));
        let kind = if is_label { "device-enrolled" } else { old.event.kind() };
        assert_eq!(new.event.kind(), kind);
    }
    let gone = principal("alice");
    let before = &written[..erased.unwrap()];
    for (event, payload) in payloads(before) {
        let owners = event.owners().unwrap();
        let is_gone = owners.keeper == gone || owners.sender.as_ref() == Some(&gone);
        assert_eq!(payload == Payload::Erased, is_gone, "{event:?}");
    }
    drop(to);
    assert_eq!(files_with_it(new.path()), [""; 0]);
}
