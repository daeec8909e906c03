//! Copies of the server's store, made as the world goes on, and put back later: the server goes on where the copy ends, with
//! other events in the places of those that came since.
//!
//! Must never hold: what a device makes of it, or a copy that was made of no single moment.

use adsum::log::memory::MemoryDisk;

use super::Bug;
use super::lots::Lots;
use super::pasts::Truth;
use super::plan::happens;
use super::server::Server;
use super::trace::note;
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
    /// How often other keys had been put back by then.
    pub(crate) keys_back: u32,
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
                copy.set_clock_back(scene);
                let with_keys = scene.rng.bool();
                server.comes_back_as((copy, with_keys), scene);
            }
            _ => {}
        }
    }
}

impl Copy {
    /// Whoever puts an old copy back looks at the clock: a process that must believe it, and finds a leap over years, remembers
    /// nothing.
    pub(crate) fn set_clock_back(&self, scene: &mut Scene) {
        let leap = self.truth.leap(scene.look());
        if leap.abs() > HOUR_MS {
            scene.set_clock(-leap);
        }
    }
}

impl Server {
    /// A copy of its store as it is now, which may be in the middle of a checkpoint.
    pub(crate) fn copy(&self, scene: &mut Scene) -> Copy {
        let in_checkpoint = self.disk.unsynced_count() > 0;
        let kind = if in_checkpoint { "copies during a checkpoint" } else { "copies" };
        scene.trace.count(kind);
        note!(scene.trace, "the store is copied at event {}", scene.oracle.chronicle.head());
        // What is noted of the time may be forgotten.
        let noted = self.noted.clone().filter(|_| scene.rng.u8(..4) > 0);
        let (disk, boots, era) = (self.disk.copy(), self.boots, self.era);
        let (keys_back, truth) = (self.keys_back, scene.oracle.truth());
        Copy { disk, noted, boots, era, keys_back, truth }
    }

    /// The process is gone, and a copy will be in the place of its store when it starts, with the keys of then or of now. Not
    /// before everybody has read what it still wrote, so that all are told either by the one past or by the other.
    pub(crate) fn comes_back_as(&mut self, copy: (Copy, bool), scene: &Scene) {
        self.starts_at = self.starts_at.max(scene.now + 1);
        self.comes_back = Some(copy);
    }

    /// Puts the copy that it is to come back as in the place of its store, if there is one.
    pub(crate) fn come_back(&mut self, scene: &mut Scene) -> bool {
        let Some((copy, with_keys)) = self.comes_back.take() else { return false };
        scene.trace.count("restores");
        let before = scene.oracle.chronicle.head();
        // What people wrote is sealed with keys that lie beside the log, as that of cursors does.
        // Those of now open what is in it only if they are those of then, and what was made and destroyed since.
        let with_keys = with_keys || copy.keys_back != self.keys_back;
        self.keys_back += u32::from(with_keys);
        let brings_keys = Bug::change_keys(scene.bug, with_keys);
        let keys = if brings_keys { copy.disk.keys() } else { self.disk.keys() };
        self.disk = copy.disk.copy_with_keys(keys);
        (self.noted, self.boots) = (copy.noted, copy.boots);
        if with_keys {
            self.era = copy.era;
        }
        for kind in scene.oracle.went_back(copy.truth, with_keys) {
            scene.trace.count(format!("gone: {kind}"));
        }
        let after = scene.oracle.chronicle.head();
        note!(scene.trace, "the store goes back from event {before} to {after}");
        true
    }
}
