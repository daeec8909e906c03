//! The world of the simulation, its real service, log, sessions and clients, with bytes in the place of chance: they decide who is
//! there, what is asked, which clocks are set, when processes, disks and connections fail, and which copies are put back.
//!
//! Must never hold: a promise; the oracle of the simulation has them.

use super::simulation::run_given;

/// Lives the world of `data`.
pub(crate) fn check(data: &[u8]) {
    let outcome = run_given(data);
    if let Some(violation) = &outcome.violation {
        panic!("promise {} is broken: {}\n{}", violation.promise, violation.what, outcome.last());
    }
}
