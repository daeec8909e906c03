//! A world's log as a store on a disk, for `adsum log`.
//!
//! Must never hold: anything of a world that is not in its log.

use core::ops::ControlFlow;
use std::path::Path;

use adsum::event::Event;
use adsum::log::memory::MemoryDisk;
use adsum::log::{Carried, CutMark, Entries, EventLog as _, LogFault, LogReader as _, SledLog};
use adsum::model::Moment;

/// Writes the events of a world's disk into a log of their own, in a folder that is not there yet, with what is carried of those
/// that were cut away. Returns how many.
pub(crate) fn save(disk: &MemoryDisk, path: &Path) -> Result<usize, LogFault> {
    let mut log = SledLog::open(path)?;
    // What is carried is sealed with the keys of the world.
    if let Some(keys) = disk.keys().filter(|_| log.head() == CutMark::NONE.base.head) {
        drop(log);
        let place = path.join("keys").join("principals.keys");
        std::fs::write(place, keys).expect("a store has a folder of keys");
        log = SledLog::open_existing(path)?;
    }
    if log.head() == CutMark::NONE.base.head && disk.mark() != CutMark::NONE {
        carry(disk, &mut log)?;
    }
    let events = disk.read(log.head().next(), usize::MAX)?;
    for together in events.chunk_by(|one, next| one.ahead == next.ahead) {
        let batch: Vec<(Moment, Event)> =
            together.iter().map(|recorded| (recorded.at, recorded.event.clone())).collect();
        log.append_at(together[0].ahead, &batch)?;
    }
    log.sync()?;
    Ok(events.len())
}

fn carry(disk: &MemoryDisk, log: &mut SledLog) -> Result<(), LogFault> {
    let mut cutter = log.cutter().expect("sled cuts");
    disk.walk_carried(Carried::Counting, &[], &mut |key, value| {
        cutter.stage(&[(key.to_vec(), Some(value.to_vec()))])?;
        Ok(ControlFlow::Continue(()))
    })?;
    drop(cutter);
    log.begin_at(disk.mark())
}
