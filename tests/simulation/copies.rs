//! Copies of the server's store, made as the world goes on, and put back later: the server goes on where the copy ends, with
//! other events in the places of those that came since.
//!
//! Must never hold: what a device makes of it, or a copy that was made of no single moment.

use adsum::log::memory::MemoryDisk;

use super::lots::Lots;
use super::pasts::Truth;
use super::plan::happens;
use super::server::Server;
use super::world::Scene;

/// How many worlds out of a thousand have copies.
const WORLDS: u32 = 500;
/// How far the wall clock may be from where the copy has it.
const HOUR_MS: i64 = 3_600_000;
/// Copies that are kept: an older one may be put back after a newer one.
const KEPT_MAX: usize = 3;

/// What lies in the server's folder at one moment, and what the oracle knows of it.
#[derive(Clone, Debug)]
pub(crate) struct Copy {
    pub(crate) disk: MemoryDisk,
    /// What is noted beside the log of how time goes on, and on which boot.
    pub(crate) noted: Option<String>,
    pub(crate) boots: u64,
    /// Which cursors it knows.
    pub(crate) era: u8,
    pub(crate) truth: Truth,
}

/// What happens to copies, and when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Copies {
    /// At which ticks one is made, or put back, the first one last.
    planned: Vec<(u32, bool)>,
    kept: Vec<Copy>,
}

impl Copies {
    /// Those of a world of so many ticks.
    pub(crate) fn new(rng: &mut Lots, ticks: u32) -> Self {
        let count = if happens(rng, WORLDS) { rng.usize(1..=3) } else { 0 };
        let mut planned: Vec<(u32, bool)> = Vec::new();
        for _ in 0..count {
            let made = rng.u32(..ticks);
            planned.push((made, false));
            planned.push((rng.u32(made..ticks), true));
        }
        planned.sort_unstable_by_key(|(at, _)| core::cmp::Reverse(*at));
        Self { planned, kept: Vec::new() }
    }

    /// Whether there are any.
    pub(crate) fn has_any(&self) -> bool {
        !self.planned.is_empty()
    }

    /// One moment: a copy is made, or one is put back.
    pub(crate) fn live(&mut self, tick: u32, (scene, server): (&mut Scene, &mut Server)) {
        let runs = server.process.is_some();
        match self.planned.pop_if(|(at, _)| *at <= tick && runs) {
            Some((_, false)) => {
                self.kept.truncate(KEPT_MAX - 1);
                self.kept.insert(0, server.copy(scene));
            }
            Some((_, true)) if !self.kept.is_empty() => {
                let copy = self.kept[scene.rng.usize(..self.kept.len())].clone();
                server.crash(scene);
                // Whoever puts an old copy back looks at the clock: a process that must believe it, and finds a leap over years,
                // remembers nothing.
                let leap = copy.truth.leap(scene.look());
                if leap.abs() > HOUR_MS {
                    scene.set_clock(-leap);
                }
                server.comes_back_as(copy, scene);
            }
            _ => {}
        }
    }
}
