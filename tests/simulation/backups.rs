//! Backups of the server's log: real ones, made while the world goes on, and restored later.
//!
//! What a backup holds is what was durable when it asked for that, whatever is cut, recorded or lost meanwhile; one that did
//! not come to its end is the one before, or the new one. Must never hold: what a device makes of a restored store.

use std::io;

use adsum::backup::{BackupFault, Copied};
use adsum::log::{Entries as _, Room};

use super::copies::Copy;
use super::copying::{Copier, Stage, Told};
use super::lots::Lots;
use super::pasts::Truth;
use super::plan::happens;
use super::server::Server;
use super::shelf::Shelf;
use super::trace::note;
use super::world::Scene;
use super::{Bug, Checked, promised};

/// How many worlds out of a thousand have backups.
const WORLDS: u32 = 300;
/// How often one that runs goes on, out of a thousand moments.
const GOES_ON: u32 = 850;
/// The same while the log is cut, so that more of it is copied meanwhile.
const GOES_ON_IN_CUT: u32 = 250;
/// How often one is begun while the log is cut, beside those that are planned.
const BEGINS_IN_CUT: u32 = 200;

/// What happens to backups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Make,
    Restore,
}

/// When backups are made and restored in a world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backups {
    are_any: bool,
    /// At which ticks, the first one last.
    planned: Vec<(u32, Act)>,
}

/// What a backup holds.
#[derive(Clone, Debug)]
struct Held {
    truth: Truth,
    /// How often the store had gone back by then.
    pasts: usize,
    era: u8,
    keys_back: u32,
    keys: Option<Vec<u8>>,
}

/// The place of a world's backups, and what is known of them.
#[derive(Debug, Default)]
pub(crate) struct Store {
    shelf: Shelf,
    /// What the last one that came to its end holds.
    made: Option<Held>,
    /// What the one that is being made will hold.
    wanted: Option<Held>,
    /// Whether that is to hold keys.
    wants_keys: bool,
}

impl Backups {
    /// Those of a world of so many ticks.
    pub(crate) fn new(rng: &mut Lots, ticks: u32) -> Self {
        let (are_any, mut planned) = (happens(rng, WORLDS), Vec::new());
        if are_any {
            planned.extend((0..rng.u32(2..=6)).map(|_| (rng.u32(..ticks), Act::Make)));
            let restores = rng.u32(1..=2);
            planned.extend((0..restores).map(|_| (rng.u32(ticks / 3..ticks), Act::Restore)));
        }
        planned.sort_by_key(|(at, _)| core::cmp::Reverse(*at));
        Self { are_any, planned }
    }

    /// Whether there are any.
    pub(crate) fn has_any(&self) -> bool {
        self.are_any
    }

    /// One moment: one is begun, or goes on, or is restored.
    pub(crate) fn live(
        &mut self,
        tick: u32,
        (scene, server): (&mut Scene, &mut Server),
    ) -> Checked {
        let runs = server.process.is_some();
        match self.planned.pop_if(|(at, _)| *at <= tick && runs) {
            Some((_, Act::Make)) => server.begin_backup(scene)?,
            Some((_, Act::Restore)) => return server.restore_backup(scene),
            None => {}
        }
        let Some(process) = server.process.as_ref().filter(|_| self.are_any) else { return Ok(()) };
        let (is_cut, is_made) = (process.keeping.is_some(), process.copier.is_some());
        let goes_on = if is_cut { GOES_ON_IN_CUT } else { GOES_ON };
        if is_made && happens(&mut scene.rng, goes_on) {
            return server.go_on_with_backup(scene);
        }
        if is_cut && !is_made && happens(&mut scene.rng, BEGINS_IN_CUT) {
            return server.begin_backup(scene);
        }
        Ok(())
    }
}

impl Server {
    fn begin_backup(&mut self, scene: &mut Scene) -> Checked {
        let is_made = self.process.as_ref().is_some_and(|process| process.copier.is_some());
        if is_made && scene.rng.bool() {
            return Ok(());
        }
        self.end_backup(scene)?;
        let (disk, files) = (self.disk.clone(), self.backups.shelf.clone());
        let (seed, keys) = (scene.rng.u64(..), scene.rng.bool());
        let Some(process) = &mut self.process else { return Ok(()) };
        note!(scene.trace, "a backup is begun, with keys: {keys}");
        scene.trace.count("backups begun");
        self.backups.wants_keys = keys;
        process.copier = Some(Copier::new(seed, disk, files, scene.bug));
        Ok(())
    }

    /// What a backup holds that ends where the log does now.
    fn held(&self, scene: &Scene) -> Held {
        let (truth, pasts) = (scene.oracle.truth(), scene.oracle.pasts.len());
        Held { truth, pasts, era: self.era, keys_back: self.keys_back, keys: None }
    }

    /// The keys that the backup is given, if it is to hold any.
    fn keys_for_backup(&mut self, scene: &Scene) -> Option<Vec<u8>> {
        let keys = self.disk.keys().filter(|_| self.backups.wants_keys);
        if let Some(wanted) = self.backups.wanted.as_mut().filter(|_| keys.is_some()) {
            wanted.truth.keys_are_of(&scene.oracle.truth());
            wanted.keys.clone_from(&keys);
        }
        if scene.bug == Some(Bug::BackupTakesKeys) { self.disk.keys() } else { keys }
    }

    /// Lets a backup that is being made go on until it rests.
    fn go_on_with_backup(&mut self, scene: &mut Scene) -> Checked {
        self.backups.shelf.fill_up(self.room != Room::Plenty);
        let mut told = Told::GoOn;
        loop {
            let copier = self.process.as_mut().and_then(|process| process.copier.as_mut());
            let Some(copier) = copier else { return Ok(()) };
            match copier.go_on(told) {
                Stage::Rests => return Ok(()),
                Stage::AsksEnd => {
                    self.backups.wanted = Some(self.held(scene));
                    told = Told::Durable(self.disk.durable());
                }
                Stage::AsksKeys => told = Told::Keys(self.keys_for_backup(scene)),
                Stage::Over(outcome) => return self.backup_is_over(outcome, scene),
            }
        }
    }

    fn backup_is_over(
        &mut self,
        outcome: Result<Copied, BackupFault>,
        scene: &mut Scene,
    ) -> Checked {
        let base = self.disk.mark().base.head;
        let made = self.backups.made.as_ref();
        let is_of_other_past = made.is_some_and(|made| made.pasts < scene.oracle.pasts.len());
        let ends_before = made.is_some_and(|made| made.truth.head() < base);
        match outcome {
            Ok(copied) => {
                note!(scene.trace, "a backup ends at event {}", copied.tip.head);
                scene.trace.count("backups");
                let wanted = self.backups.wanted.as_ref().map(|wanted| wanted.truth.head());
                let (found, is_right) = (copied.tip.head, wanted == Some(copied.tip.head));
                promised!(2, is_right, "a backup ends at {found}, the log did at {wanted:?}");
                self.backups.made = None;
                return self.end_backup(scene);
            }
            Err(BackupFault::Io { source, .. }) if source.kind() == io::ErrorKind::StorageFull => {
                scene.trace.count("backups without room");
            }
            // One of another past, or of what is cut away by now, stays; a new one is made elsewhere.
            Err(BackupFault::OtherLog { .. }) if is_of_other_past => {
                scene.trace.count("backups of another past");
                self.end_backup(scene)?;
                self.backups = Store::default();
            }
            Err(BackupFault::OlderThanKept { .. }) if ends_before => {
                scene.trace.count("backups of what is cut away");
                self.end_backup(scene)?;
                self.backups = Store::default();
            }
            Err(fault) => promised!(2, false, "no backup is made: {fault}"),
        }
        self.end_backup(scene)
    }

    /// No backup is being made any more: what is there is the one before or, if that was written, the new one.
    pub(crate) fn end_backup(&mut self, scene: &mut Scene) -> Checked {
        if let Some(copier) = self.process.as_mut().and_then(|process| process.copier.take()) {
            drop(copier);
            scene.trace.count("backups cut short");
        }
        let store = &mut self.backups;
        store.shelf.each(|bytes| scene.oracle.unspeakable.hear(bytes));
        scene.oracle.unspeakable.check()?;
        let proven = store.shelf.proven();
        promised!(2, proven.is_ok(), "a backup does not verify: {:?}", proven.err());
        let Ok(Some((tip, keys))) = proven else {
            let is_lost = store.made.is_some();
            promised!(2, !is_lost, "a backup is gone");
            return Ok(());
        };
        let is_it = |held: &Held| held.truth.head() == tip.head && held.keys == keys;
        let wanted = store.wanted.take();
        let held = wanted.iter().chain(&store.made).find(|held| is_it(held)).cloned();
        let no_keys = keys.is_none()
            || [&wanted, &store.made].into_iter().flatten().any(|held| held.keys == keys);
        promised!(11, no_keys, "a backup holds keys that it was not given");
        let heads = [&wanted, &store.made].map(|held| held.as_ref().map(|it| it.truth.head()));
        promised!(2, held.is_some(), "a backup ends at {}, none of {heads:?}", tip.head);
        store.made = held;
        Ok(())
    }

    /// The store is made anew of the last backup, with its keys or with those of now.
    fn restore_backup(&mut self, scene: &mut Scene) -> Checked {
        self.end_backup(scene)?;
        let Some(held) = self.backups.made.clone() else { return Ok(()) };
        // Those of now open what is in it only if they are those of then, and what was made and destroyed since.
        let fits = held.keys_back == self.keys_back;
        let with_keys = held.keys.is_some() && (scene.rng.bool() || !fits);
        if !fits && !with_keys {
            return Ok(());
        }
        let disk = self.backups.shelf.restored((&self.disk, scene.bug));
        promised!(2, disk.is_ok(), "a backup is not restored: {:?}", disk.err());
        let Ok(disk) = disk else { return Ok(()) };
        let Held { truth, era, keys_back, .. } = held;
        note!(scene.trace, "a backup of event {} is restored, its keys: {with_keys}", truth.head());
        scene.trace.count(if with_keys {
            "backups restored with keys"
        } else {
            "backups restored"
        });
        let copy = Copy { disk, noted: None, boots: self.boots, era, keys_back, truth };
        self.crash(scene);
        copy.set_clock_back(scene);
        self.comes_back_as((copy, with_keys), scene);
        Ok(())
    }
}
