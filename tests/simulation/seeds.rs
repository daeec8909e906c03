//! Seeded worlds of devices, a lossy network and a server on a forgetful disk, judged by an oracle for promises 1 to 12
//! of the design.
//!
//! `ADSUM_SEEDS` says how many worlds to live (2,000), `ADSUM_SEED` the first of them (1). A world that breaks a promise
//! is printed with its last happenings and the command that lives it again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Mutex;

use adsum::log::memory::MemoryDisk;
use adsum::log::{
    CutMark, Entries as _, EventLog as _, LogReader as _, SledLog, check_cut, verify,
};
use adsum::model::Sequence;

use super::acts::{BESIDES, ROWS};
use super::chronicle::THINGS;
use super::{Bug, Outcome, Reduced, live, run, save, shrink};

/// Worlds lived when nobody says how many.
const SEEDS: u64 = 2_000;
/// Worlds lived side by side.
const THREADS: usize = 2;
/// Worlds within which each planted bug must show: the rarest shows in one of some hundreds.
const SEEDS_TO_FIND_A_BUG: u64 = 2_000;

fn from_environment(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

fn report(seed: u64, outcome: &Outcome) -> String {
    let violation = outcome.violation.as_ref().unwrap();
    format!(
        "seed {seed} breaks promise {}: {}\n\nlast happenings:\n{}\n\nrepeat it with:\n\
         ADSUM_SEED={seed} ADSUM_SEEDS=1 cargo test --test simulation -- --nocapture worlds_keep\n",
        violation.promise,
        violation.what,
        outcome.last(),
    )
}

#[test]
fn worlds_keep_their_promises() {
    let (first, count) =
        (from_environment("ADSUM_SEED", 1), from_environment("ADSUM_SEEDS", SEEDS));
    let broken: Mutex<Option<(u64, String)>> = Mutex::new(None);
    let totals: Mutex<BTreeMap<Cow<'static, str>, u64>> = Mutex::new(BTreeMap::new());
    live((first, count), THREADS, None, |seed, outcome| {
        let mut totals = totals.lock().unwrap();
        for (kind, count) in &outcome.counts {
            *totals.entry(kind.clone()).or_default() += count;
        }
        if outcome.violation.is_some() {
            let mut broken = broken.lock().unwrap();
            let earlier = broken.as_ref().is_some_and(|(known, _)| *known < seed);
            if !earlier {
                *broken = Some((seed, report(seed, outcome)));
            }
        }
        outcome.violation.is_none()
    });
    if let Some((_, report)) = broken.into_inner().unwrap() {
        panic!("{report}");
    }
    let totals = totals.into_inner().unwrap();
    println!("{count} worlds: {totals:#?}");
    if count >= SEEDS {
        let cells = ROWS.iter().flat_map(|row| THINGS.map(|thing| format!("{row}::{thing}")));
        let rough = ROUGH.iter().chain(&BESIDES).map(|kind| ((*kind).to_owned(), 10));
        for (kind, least) in rough.chain(cells.map(|cell| (cell, 3))) {
            let is_seen = totals.get(kind.as_str()).is_some_and(|count| *count >= least);
            assert!(is_seen, "{kind} is too rare: {totals:#?}");
        }
    }
}

/// What must happen in so many worlds, or they prove little.
const ROUGH: &[&str] = &[
    "access-rules-amended",
    "acknowledged",
    "acts",
    "acts for a group",
    "administer",
    "backups",
    "backups begun",
    "backups cut short",
    "backups restored",
    "backups restored with keys",
    "backups without room",
    "change-delivery",
    "change-rules",
    "change-visibility",
    "changes taken",
    "checkpoint steps",
    "clock-moved",
    "composing told",
    "connections",
    "copies",
    "copies during a checkpoint",
    "cuts",
    "delete",
    "delivery",
    "delivery-rules-amended",
    "device crashes",
    "displayed",
    "domain-created",
    "domains",
    "end-subscription",
    "epoch-began",
    "eras",
    "erasures asked for",
    "explain",
    "fetch",
    "fetch-at",
    "full disks",
    "gone: acknowledged",
    "gone: device-enrolled",
    "gone: key-revoked",
    "gone: message-accepted",
    "gone: published",
    "gone: subscribed",
    "grant",
    "grant-changed",
    "grant-given",
    "grants",
    "greedy bursts",
    "history",
    "impostors",
    "inbox",
    "inboxes restored",
    "invite",
    "invite-ended",
    "invite-issued",
    "invites",
    "items handed out after a crash again",
    "key-revoked",
    "keys",
    "leaps",
    "lies",
    "lies answered",
    "lies read",
    "lies refused",
    "log cuts",
    "log faults",
    "log-cut",
    "message-accepted",
    "message-ended",
    "message-quarantined",
    "messages sent again",
    "messages sent again after a crash",
    "messages taken",
    "orderly stops",
    "presence restored",
    "principal-erased",
    "principal-suspended",
    "publication-ended",
    "publication-refreshed",
    "publications",
    "publish",
    "quarantine",
    "questions answered",
    "receipt-issued",
    "refused for want of room",
    "refused for want of who was erased",
    "remove-publication",
    "restore-noticed",
    "restores",
    "revoke-key",
    "rules",
    "send",
    "server crashes",
    "services-switched",
    "subscribe",
    "subscribed",
    "subscription-ended",
    "subscription-moved",
    "subscriptions",
    "trust given",
    "trust taken back",
    "unsubscribe",
    "visibility",
    "visibility-rules-amended",
    "watchers",
    "withdraw-invite",
];

#[test]
fn one_seed_is_one_world_byte_for_byte_on_whatever_thread() {
    let seeds = 1..=6;
    let here: Vec<_> =
        seeds.clone().map(|seed| run(seed, None, &Reduced::default()).digest).collect();
    let again: Vec<_> =
        seeds.clone().map(|seed| run(seed, None, &Reduced::default()).digest).collect();
    let threads: Vec<_> = seeds
        .map(|seed| std::thread::spawn(move || run(seed, None, &Reduced::default()).digest))
        .collect();
    let there: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(here, again);
    assert_eq!(here, there);
    let different: std::collections::BTreeSet<_> =
        here.iter().map(|digest| *digest.as_bytes()).collect();
    assert_eq!(different.len(), here.len(), "other seeds are other worlds");
}

#[test]
fn planted_bugs_are_found() {
    for bug in Bug::ALL {
        let found: Mutex<Option<(u64, u8, String)>> = Mutex::new(None);
        live((1, SEEDS_TO_FIND_A_BUG), THREADS, Some(bug), |seed, outcome| {
            let Some(violation) = &outcome.violation else { return true };
            let mut found = found.lock().unwrap();
            if found.as_ref().is_none_or(|(known, ..)| seed < *known) {
                *found = Some((seed, violation.promise, violation.what.clone()));
            }
            false
        });
        let found = found.into_inner().unwrap();
        let (seed, promise, what) = found
            .unwrap_or_else(|| panic!("{bug:?} was not found in {SEEDS_TO_FIND_A_BUG} worlds"));
        println!("{bug:?}: seed {seed} breaks promise {promise}: {what}");
        assert!(bug.breaks().contains(&promise), "{bug:?} broke promise {promise}: {what}");
    }
}

#[test]
fn a_world_whose_log_was_cut_is_saved_as_a_store_that_verifies() {
    let disk_of = |seed| run(seed, None, &Reduced::default()).disk.unwrap();
    let is_cut = |disk: &MemoryDisk| disk.mark() != CutMark::NONE;
    let disk = (1..SEEDS_TO_FIND_A_BUG).map(disk_of).find(is_cut).expect("some are cut");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world");
    assert!(save(&disk, &path).unwrap() > 0);
    let saved = SledLog::open_existing(&path).unwrap();
    let stated = check_cut(&saved).unwrap().expect("it is stated");
    assert_eq!(Some(stated), check_cut(&disk).unwrap());
    verify(&saved, &mut |_| {}).unwrap();
    let read = |from| disk.read(from, usize::MAX).unwrap();
    assert_eq!(saved.reader().read(Sequence::new(1), usize::MAX).unwrap(), read(Sequence::new(1)));
}

#[test]
fn a_broken_world_shrinks_to_one_that_breaks_the_same_promise() {
    let bug = Bug::NamedIsBelieved;
    let is_broken = |seed: &u64| run(*seed, Some(bug), &Reduced::default()).violation.is_some();
    let seed = (1..SEEDS_TO_FIND_A_BUG).find(is_broken).expect("the bug is found");
    let (reduced, outcome) = shrink(seed, Some(bug));
    let (moments, violation) = (reduced.moments.unwrap(), outcome.violation.clone().unwrap());
    assert!(bug.breaks().contains(&violation.promise));
    assert!(moments < outcome.moments && !reduced.without.is_empty(), "{reduced:?}");
    let names: Vec<_> = reduced.without.iter().map(|part| part.name()).collect();
    println!("{names:?}, {moments} moments of {}", outcome.moments);
    let again = run(seed, Some(bug), &reduced);
    assert_eq!((again.digest, again.violation), (outcome.digest, outcome.violation));
    let events = again.disk.unwrap().read(Sequence::new(1), usize::MAX).unwrap();
    assert!(!events.is_empty(), "its log is there to be looked at");
}
