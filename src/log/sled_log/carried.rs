//! What is carried forward of a log, and the mark of where it begins, as they lie in sled.
//!
//! Must never hold: a change of them.

use core::ops::ControlFlow;

use super::{CutMark, Each, LogFault, records};
use crate::log::carried::{Slot, damaged};

/// The key of the mark.
pub(super) const MARK: &[u8] = b"mark";

/// Where the log begins by what lies in `cuts`.
pub(super) fn mark_of(cuts: &sled::Tree) -> Result<CutMark, LogFault> {
    let Some(bytes) = records::get(cuts, MARK).map_err(fault)? else {
        return Ok(CutMark::NONE);
    };
    postcard::from_bytes(&bytes).map_err(|error| damaged(MARK, &error.to_string()))
}

/// Calls `each` with the records as they count for the cut `number`, from the key `from` on, until it breaks off.
pub(super) fn walk(
    tree: &sled::Tree,
    number: u64,
    from: &[u8],
    each: &mut Each<'_>,
) -> Result<(), LogFault> {
    let mut goes_on = ControlFlow::Continue(());
    let mut next = |key: &[u8], value: &[u8]| {
        if let Some(value) = slot_of(key, value)?.at(number)
            && goes_on == ControlFlow::Continue(())
        {
            goes_on = each(key, value)?;
        }
        Ok(goes_on)
    };
    let walked = if from.is_empty() {
        // All of them, so that one that is gone is missed.
        records::load(tree, &mut |key, value| next(key, value).map(drop))
    } else {
        records::walk(tree, from, &mut next)
    };
    walked.map_err(fault)
}

pub(super) fn slot_of(key: &[u8], bytes: &[u8]) -> Result<Slot, LogFault> {
    Slot::decode(bytes).ok_or_else(|| damaged(key, "it does not decode"))
}

/// A damaged record of what is carried cannot be made anew, as one of a checkpoint can.
pub(super) fn fault(fault: LogFault) -> LogFault {
    match fault {
        LogFault::Checkpoint { key, reason } => LogFault::Carried { key, reason },
        other => other,
    }
}
