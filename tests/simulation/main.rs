//! One world from one seed: devices, a lossy network, a server on a forgetful disk, and an oracle that watches.
//!
//! The service, the commit order, the sessions, the frames and the client's resumption are the real ones; sockets,
//! tasks, signatures, the machine's clocks and the disk are played. Everything happens in one thread in an order that only the seed decides.
//! Must never hold: a source of randomness or of time beside the seed, or a collection without order.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

mod acts;
mod application;
mod backups;
mod breaks;
mod bug;
mod chronicle;
mod copies;
mod copying;
#[cfg(test)]
mod corpus;
mod cutting;
mod decrees;
mod device;
mod erasing;
mod fairness;
mod feeds;
mod forgetting;
mod governor;
mod greedy;
mod host;
mod hostile;
mod impostor;
mod keeper;
mod liar;
mod lies;
#[path = "../looks/mod.rs"]
mod looks;
mod lots;
mod machine;
mod network;
mod oracle;
mod pasts;
mod patron;
mod pipe;
mod plan;
mod planted;
mod questions;
mod reduced;
mod repeats;
mod requests;
mod room;
mod saved;
#[cfg(test)]
mod seeds;
mod server;
mod serving;
mod shelf;
mod showing;
mod stories;
mod timeline;
mod trace;
mod trust;
mod verdict;
mod wishes;
mod world;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use adsum::log::memory::MemoryDisk;
pub(crate) use bug::Bug;
use lots::Lots;
#[allow(unused_imports, reason = "only a program for people names parts")]
pub(crate) use reduced::Part;
pub(crate) use reduced::{Reduced, shrink};
#[allow(unused_imports, reason = "the world of bytes saves nothing")]
pub(crate) use saved::save;
pub(crate) use trace::Trace;
use world::World;

/// How many happenings people are shown who did not ask for all.
const LAST_HAPPENINGS: usize = 60;

/// A promise that was broken, by its number in the design, and how. Number 0 is a panic, 10 is "all comes to rest".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) promise: u8,
    pub(crate) what: String,
}

/// What went as promised, or the promise that was broken.
pub(crate) type Checked<T = ()> = Result<T, Violation>;

/// Ends the function with a violation of promise `$number` unless `$holds`.
macro_rules! promised {
    ($number:expr, $holds:expr, $($what:tt)+) => {
        if !$holds {
            return Err(super::Violation { promise: $number, what: format!($($what)+) });
        }
    };
}
use promised;

/// What became of a world.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Digest of every byte on every link, everything that happened, and the disk at the end.
    pub(crate) digest: blake3::Hash,
    /// The first promise that was broken.
    pub(crate) violation: Option<Violation>,
    /// What happened, in words, for people.
    pub(crate) happenings: Vec<String>,
    /// How often each kind of thing happened.
    pub(crate) counts: BTreeMap<Cow<'static, str>, u64>,
    /// In how many moments things went wrong, if it was not reduced to less.
    pub(crate) moments: u32,
    /// The disk of its server, if it came to one.
    pub(crate) disk: Option<MemoryDisk>,
}

impl Outcome {
    /// The last happenings, a line each.
    pub(crate) fn last(&self) -> String {
        let first = self.happenings.len().saturating_sub(LAST_HAPPENINGS);
        self.happenings[first..].join("\n")
    }
}

/// Lives the world of `seed`, or what is left of it, with `bug` planted in it if one is given.
pub(crate) fn run(seed: u64, bug: Option<Bug>, reduced: &Reduced) -> Outcome {
    outcome_of((Lots::of_seed(seed), reduced), bug)
}

/// Lives the world in which `given` decides: who is there, what they ask for, which clocks, disks and connections fail.
#[allow(dead_code, reason = "for whoever looks for what to give")]
pub(crate) fn run_given(given: &[u8]) -> Outcome {
    outcome_of((Lots::given(given), &Reduced::default()), None)
}

fn outcome_of(lots: (Lots, &Reduced), bug: Option<Bug>) -> Outcome {
    let trace = Trace::new();
    let mut world = World::new(lots, bug, trace.clone());
    let lived = catch_unwind(AssertUnwindSafe(|| world.live()));
    let violation = match lived {
        Ok(Ok(())) => None,
        Ok(Err(violation)) => Some(violation),
        Err(panic) => Some(Violation { promise: 0, what: text_of(panic.as_ref()) }),
    };
    let (digest, happenings, counts) = (trace.digest(), trace.happenings(), trace.counts());
    let (moments, disk) = (world.moments(), world.disk());
    Outcome { digest, violation, happenings, counts, moments, disk }
}

/// Lives so many worlds from a seed on, on so many threads, and calls `each` with every outcome until it says to stop.
pub(crate) fn live(
    (first, count): (u64, u64),
    threads: usize,
    bug: Option<Bug>,
    each: impl Fn(u64, &Outcome) -> bool + Sync,
) {
    let next = AtomicU64::new(first);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    if !each(seed, &run(seed, bug, &Reduced::default())) {
                        next.store(first + count, Ordering::Relaxed);
                    }
                }
            });
        }
    });
}

fn text_of(panic: &(dyn core::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("something panicked: {}", text.unwrap_or("without a word"))
}
