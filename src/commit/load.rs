//! Loading state instead of folding it: what a checkpoint has, and what is carried forward of a log that was cut.
//!
//! Must never hold: an event.

use core::ops::ControlFlow;

use super::ids::{IdStore, ListedIds};
use super::rows;
use crate::log::{Carried, Cutter, EventLog, LogFault, Sealing, state_key};
use crate::model::{Payload, Sequence};
use crate::view::{self, Checkpointed, Layout, RecordFault, Views};

/// The views as the checkpoint has them, without the ids and rows of messages that lie on the disk, and those ids; empty if there
/// is none or it is of another version.
pub(super) fn load(log: &dyn EventLog) -> Result<(Views, IdStore), LogFault> {
    let Some((mut views, ids)) = records(log)? else {
        return Ok((Views::default(), IdStore::empty(log)?));
    };
    // Ids of events behind the checkpoint do not lie there, and not all such events are folded once more.
    for (inbox, chunk) in views.chunks_behind() {
        // What is removed already was forgotten, and is again when the events are folded.
        rows::recall_if_there(&mut views, log, (&inbox, chunk))?;
    }
    views.finish_loading_beside_ids().map_err(|fault| damaged(b"all", fault))?;
    Ok((views, ids.open(log)?))
}

/// What the checkpoint has, if there is one of this version.
fn records(log: &dyn EventLog) -> Result<Option<(Views, ListedIds)>, LogFault> {
    let (mut views, mut ids) = (Views::default(), ListedIds::default());
    let mut usable = true;
    let mut fault = None;
    log.load(&mut |key, value| {
        if ids.take(key, value) {
            return Ok(());
        }
        match record::<Checkpointed>(&mut views, log.vault(), (key, value))? {
            Ok(known) => usable &= known,
            Err(found) => fault = fault.take().or(Some(damaged(key, found))),
        }
        Ok(())
    })?;
    // Records of another version need not read, and which version they are of only one of them says. Without the
    // record that vouches for them, the others are of a checkpoint that never got finished.
    if !usable || views.head() == Sequence::ZERO {
        return Ok(None);
    }
    if let Some(fault) = fault {
        return Err(fault);
    }
    Ok(Some((views, ids)))
}

/// Removes every record of a checkpoint that is of no use, so that none of what is gone by now is left in it.
pub(super) fn discard(log: &mut dyn EventLog) -> Result<(), LogFault> {
    let mut records = Vec::new();
    log.load(&mut |key, _| {
        records.push((key.to_vec(), None));
        Ok(())
    })?;
    log.save(&records)
}

/// The state at the last event that was cut away, if that lies behind the event `through`.
///
/// # Errors
/// [`LogFault::Carried`] if it is damaged, [`LogFault::CarriedVersion`] if this program does not read it.
pub fn carried(log: &dyn EventLog, through: Sequence) -> Result<Option<Views>, LogFault> {
    let cutter = log.cutter().filter(|cutter| cutter.entries().mark().base.head > through);
    cutter.map(|cutter| all_carried(cutter.as_ref())).transpose()
}

fn all_carried(cutter: &dyn Cutter) -> Result<Views, LogFault> {
    let (mut views, states) = (Views::default(), state_key(&[]));
    cutter.entries().walk_carried(Carried::Counting, &[], &mut |key, value| {
        if let Some(key) = key.strip_prefix(&states[..]) {
            carried_record(&mut views, cutter.vault(), (key, value))?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    finish_carried(&mut views)?;
    views.mark_all_changed();
    Ok(views)
}

/// Takes a record of state that is carried, by the key that it has as a record.
pub(super) fn carried_record(
    views: &mut Views,
    vault: Option<&dyn Sealing>,
    (key, value): (&[u8], &[u8]),
) -> Result<(), LogFault> {
    match record::<view::Carried>(views, vault, (key, value))? {
        Ok(true) => Ok(()),
        Ok(false) => Err(LogFault::CarriedVersion),
        Err(fault) => Err(carried_fault(key, fault)),
    }
}

/// All records that are carried were taken.
pub(super) fn finish_carried(views: &mut Views) -> Result<(), LogFault> {
    views.finish_loading().map_err(|fault| carried_fault(b"all", fault))
}

/// Takes one record, with what is sealed in it opened.
fn record<L: Layout>(
    views: &mut Views,
    vault: Option<&dyn Sealing>,
    (key, value): (&[u8], &[u8]),
) -> Result<Result<bool, RecordFault>, LogFault> {
    let mut opened = Ok(());
    let open = |payloads: Vec<&mut Payload>| {
        if let (Ok(()), Some(vault)) = (&opened, vault) {
            opened = vault.open(payloads);
        }
    };
    let loaded = views.load::<L>(key, value, open);
    opened.map(|()| loaded)
}

fn damaged(key: &[u8], fault: RecordFault) -> LogFault {
    LogFault::Checkpoint { key: String::from_utf8_lossy(key).into_owned(), reason: fault.reason }
}

pub(super) fn carried_fault(key: &[u8], RecordFault { reason }: RecordFault) -> LogFault {
    LogFault::Carried { key: key.escape_ascii().to_string(), reason }
}
