//! One world from one seed: devices, a lossy network, a server on a forgetful disk, and an oracle that watches.
//!
//! The service, the commit order, the sessions, the frames and the client's resumption are the real ones; sockets,
//! tasks, signatures, the machine's clocks and the disk are played. Everything happens in one thread in an order that only the seed decides.
//! Must never hold: a source of randomness or of time beside the seed, or a collection without order.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

mod acts;
mod application;
mod bug;
mod chronicle;
mod decrees;
mod device;
mod fairness;
mod governor;
mod greedy;
mod host;
mod hostile;
mod impostor;
mod liar;
#[path = "../looks/mod.rs"]
mod looks;
mod machine;
mod network;
mod oracle;
mod pipe;
mod plan;
mod questions;
mod repeats;
mod requests;
mod seeds;
mod server;
mod serving;
mod stories;
mod timeline;
mod trace;
mod verdict;
mod wishes;
mod world;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) use bug::Bug;
pub(crate) use trace::Trace;
use world::World;

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
            return Err(crate::Violation { promise: $number, what: format!($($what)+) });
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
    /// The last happenings, for people.
    pub(crate) last: Vec<String>,
    /// How often each kind of thing happened.
    pub(crate) counts: BTreeMap<Cow<'static, str>, u64>,
}

/// Lives the world of `seed`, with `bug` planted in it if one is given.
pub(crate) fn run(seed: u64, bug: Option<Bug>) -> Outcome {
    let trace = Trace::new();
    let lived = catch_unwind(AssertUnwindSafe(|| World::new(seed, bug, trace.clone()).live()));
    let violation = match lived {
        Ok(Ok(())) => None,
        Ok(Err(violation)) => Some(violation),
        Err(panic) => Some(Violation { promise: 0, what: text_of(panic.as_ref()) }),
    };
    Outcome { digest: trace.digest(), violation, last: trace.last(), counts: trace.counts() }
}

fn text_of(panic: &(dyn core::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("something panicked: {}", text.unwrap_or("without a word"))
}
