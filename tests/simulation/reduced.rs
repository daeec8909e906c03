//! What is left of a world that is made smaller: the same seed, with less in it.
//!
//! Must never hold: a part without which there is no world.

use super::acts::Acts;
use super::backups::Backups;
use super::copies::Copies;
use super::erasing::Erasing;
use super::plan::Plan;
use super::{Bug, Outcome, run};

/// A part of a world that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Governors,
    Greedy,
    Liar,
    Clocks,
    Copies,
    Backups,
    Revocations,
    Leap,
    Cuts,
    DeviceCrashes,
    ServerCrashes,
    OrderlyStops,
    DiskFaults,
    Checkpoints,
    LogCuts,
    FullDisks,
    Erasures,
}

impl Part {
    pub(crate) const ALL: [Self; 17] = [
        Self::Governors,
        Self::Greedy,
        Self::Liar,
        Self::Clocks,
        Self::Copies,
        Self::Backups,
        Self::Revocations,
        Self::Leap,
        Self::Cuts,
        Self::DeviceCrashes,
        Self::ServerCrashes,
        Self::OrderlyStops,
        Self::DiskFaults,
        Self::Checkpoints,
        Self::LogCuts,
        Self::FullDisks,
        Self::Erasures,
    ];

    /// What it is called on a command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Governors => "governors",
            Self::Greedy => "greedy",
            Self::Liar => "liar",
            Self::Clocks => "clocks",
            Self::Copies => "copies",
            Self::Backups => "backups",
            Self::Revocations => "revocations",
            Self::Leap => "leap",
            Self::Cuts => "cuts",
            Self::DeviceCrashes => "device-crashes",
            Self::ServerCrashes => "server-crashes",
            Self::OrderlyStops => "orderly-stops",
            Self::DiskFaults => "disk-faults",
            Self::Checkpoints => "checkpoints",
            Self::LogCuts => "log-cuts",
            Self::FullDisks => "full-disks",
            Self::Erasures => "erasures",
        }
    }

    fn leave_out(self, plan: &mut Plan) {
        match self {
            Self::Governors => plan.governors.clear(),
            Self::Greedy => plan.greedy = None,
            Self::Liar => (plan.liar, plan.patron) = (None, None),
            Self::Clocks => plan.acts = Acts::none(),
            Self::Copies => plan.copies = Copies::default(),
            Self::Backups => plan.backups = Backups::default(),
            Self::Revocations => plan.revokes = false,
            Self::Leap => plan.leap = false,
            Self::Cuts => plan.cut = 0,
            Self::DeviceCrashes => plan.device_crash = 0,
            Self::ServerCrashes => plan.server_crash = 0,
            Self::OrderlyStops => plan.orderly_stop = 0,
            Self::DiskFaults => plan.disk_fault = 0,
            Self::Checkpoints => plan.checkpoint = 0,
            Self::LogCuts => plan.log_cut = 0,
            Self::FullDisks => plan.disk_full = 0,
            Self::Erasures => plan.erasing = Erasing::default(),
        }
    }
}

/// How much of a world is left; all of it by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reduced {
    /// After how many moments nothing goes wrong any more.
    pub(crate) moments: Option<u32>,
    /// What there is not.
    pub(crate) without: Vec<Part>,
}

impl Reduced {
    /// What is left of `plan`.
    pub(crate) fn apply(&self, plan: &mut Plan) {
        self.without.iter().for_each(|part| part.leave_out(plan));
        plan.lives = self.moments.map_or(plan.ticks, |moments| moments.min(plan.ticks));
    }
}

/// Leaves out of a world that breaks a promise whatever it breaks the same promise without: parts of it, then its last
/// moments.
pub(crate) fn shrink(seed: u64, bug: Option<Bug>) -> (Reduced, Outcome) {
    let whole = Reduced::default();
    let outcome = run(seed, bug, &whole);
    let promise = outcome.violation.as_ref().map(|violation| violation.promise);
    let mut smallest = (whole, outcome);
    let attempt = |reduced: Reduced| {
        let outcome = run(seed, bug, &reduced);
        let is_same = outcome.violation.as_ref().map(|it| it.promise) == promise;
        is_same.then_some((reduced, outcome))
    };
    for part in Part::ALL {
        let mut reduced = smallest.0.clone();
        reduced.without.push(part);
        smallest = attempt(reduced).unwrap_or(smallest);
    }
    let fewer = |moments| Reduced { moments: Some(moments), ..smallest.0.clone() };
    (0..smallest.1.moments).find_map(|moments| attempt(fewer(moments))).unwrap_or(smallest)
}
