//! Seeded worlds of devices, a lossy network and a server on a forgetful disk, judged by an oracle for promises 1 to 5
//! and 9 of the design.
//!
//! `ADSUM_SEEDS` says how many worlds to live (500), `ADSUM_SEED` the first of them (1). A world that breaks a promise
//! is printed with its last happenings and the command that lives it again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::acts::{BESIDES, ROWS};
use crate::chronicle::THINGS;
use crate::{Bug, Outcome, run};

/// Worlds lived when nobody says how many.
const SEEDS: u64 = 500;
/// Worlds lived side by side.
const THREADS: usize = 2;
/// Worlds within which each planted bug must show.
const SEEDS_TO_FIND_A_BUG: u64 = 100;

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
        outcome.last.join("\n"),
    )
}

/// Lives the worlds from `first` on, on all threads, and calls `each` with every outcome until it says to stop.
fn live(first: u64, count: u64, bug: Option<Bug>, each: impl Fn(u64, &Outcome) -> bool + Sync) {
    let next = AtomicU64::new(first);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    if !each(seed, &run(seed, bug)) {
                        next.store(first + count, Ordering::Relaxed);
                    }
                }
            });
        }
    });
}

#[test]
fn worlds_keep_their_promises() {
    let (first, count) =
        (from_environment("ADSUM_SEED", 1), from_environment("ADSUM_SEEDS", SEEDS));
    let broken: Mutex<Option<(u64, String)>> = Mutex::new(None);
    let totals: Mutex<BTreeMap<Cow<'static, str>, u64>> = Mutex::new(BTreeMap::new());
    live(first, count, None, |seed, outcome| {
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
    "administer",
    "change-delivery",
    "change-rules",
    "change-visibility",
    "changes taken",
    "checkpoint steps",
    "clock-moved",
    "composing told",
    "connections",
    "cuts",
    "delete",
    "delivery",
    "delivery-rules-amended",
    "device crashes",
    "displayed",
    "domain-created",
    "domains",
    "end-subscription",
    "eras",
    "explain",
    "fetch",
    "fetch-at",
    "grant",
    "grant-changed",
    "grant-given",
    "grants",
    "greedy bursts",
    "history",
    "impostors",
    "inbox",
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
    "log faults",
    "message-accepted",
    "message-ended",
    "message-quarantined",
    "messages sent again",
    "messages sent again after a crash",
    "messages taken",
    "orderly stops",
    "principal-suspended",
    "publication-ended",
    "publication-refreshed",
    "publications",
    "publish",
    "quarantine",
    "questions answered",
    "receipt-issued",
    "remove-publication",
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
    "unsubscribe",
    "visibility",
    "visibility-rules-amended",
    "watchers",
    "withdraw-invite",
];

#[test]
fn one_seed_is_one_world_byte_for_byte_on_whatever_thread() {
    let seeds = 1..=6;
    let here: Vec<_> = seeds.clone().map(|seed| run(seed, None).digest).collect();
    let again: Vec<_> = seeds.clone().map(|seed| run(seed, None).digest).collect();
    let threads: Vec<_> =
        seeds.map(|seed| std::thread::spawn(move || run(seed, None).digest)).collect();
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
        live(1, SEEDS_TO_FIND_A_BUG, Some(bug), |seed, outcome| {
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
