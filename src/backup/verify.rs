//! Proving a backup: every file, checksum and link of the chain, and all events folded anew.
//!
//! Must never hold: a word of a checkpoint, or a repair.

use super::{Backup, BackupFault};
use crate::event::chain_of;
use crate::log::{
    CarriedSum, CutMark, LogFault, Summing, Tip, Verified, Verifier, check_stated, state_key,
    statement_in,
};
use crate::view::{self, RecordFault, Views};

/// A backup that was found whole.
#[derive(Debug)]
pub struct Proven {
    /// What was found of its entries.
    pub verified: Verified,
    /// What its events fold to.
    pub views: Views,
    /// Whether it holds keys. They are as they were written; nobody has opened them.
    pub keys: bool,
}

/// Reads all of `backup`, folds its events into fresh views, and checks that it goes on from what was `noted` of its log
/// elsewhere. Calls `progress` with the number of events so far.
///
/// # Errors
/// [`BackupFault::Damaged`] with the file that is not as it was written, [`BackupFault::Log`] with the position of what
/// does not follow from what is before it or, as [`LogFault::Shorter`] or [`LogFault::Differs`], from what was noted.
pub fn prove(
    backup: &Backup,
    noted: Option<Tip>,
    progress: &mut dyn FnMut(u64),
) -> Result<Proven, BackupFault> {
    backup.marks()?;
    let keys = backup.keys()?.is_some();
    let mark = backup.mark()?;
    let (mut views, carried) = carried(backup)?;
    let (mut checks, mut stated) = (Verifier::since(mark.base), None);
    let (noted, mut reached) = (noted.unwrap_or(mark.base), mark.base);
    backup.walk(&mut |key, value| {
        for recorded in checks.push(key, value)? {
            stated = stated.take().or_else(|| statement_in(mark, recorded));
            views.take(recorded)?;
        }
        let so_far = checks.so_far();
        if reached.head < noted.head {
            reached = Tip { head: so_far.head, chain: chain_of(key, value)? };
        }
        progress(so_far.events);
        Ok(())
    })?;
    let verified = checks.finish()?;
    let (found, end) = (Tip { head: verified.head, chain: verified.chain }, backup.tip());
    if found != end {
        let reason = format!("it names {end} as the end, and its segments end at {found}");
        return Err(BackupFault::damaged(&backup.manifest_path(), reason));
    }
    if mark != CutMark::NONE {
        check_stated(mark, carried, stated.as_ref())?;
    }
    check_noted(backup, mark, (reached, noted))?;
    Ok(Proven { verified, views, keys })
}

/// The state that is carried forward of a log that was cut, and the sum of all that is.
fn carried(backup: &Backup) -> Result<(Views, CarriedSum), BackupFault> {
    let (mut views, mut sum, states) = (Views::default(), Summing::default(), state_key(&[]));
    backup.walk_carried(&mut |key, value| {
        sum.add(key, value);
        let Some(key) = key.strip_prefix(&states[..]) else { return Ok(()) };
        match views.load::<view::Carried>(key, value, |_| ()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(LogFault::CarriedVersion.into()),
            Err(RecordFault { reason }) => Err(damaged(key, reason)),
        }
    })?;
    views.finish_loading().map_err(|RecordFault { reason }| damaged(b"all", reason))?;
    Ok((views, sum.finish()))
}

fn damaged(key: &[u8], reason: String) -> BackupFault {
    LogFault::Carried { key: key.escape_ascii().to_string(), reason }.into()
}

fn check_noted(backup: &Backup, mark: CutMark, (found, noted): (Tip, Tip)) -> Result<(), LogFault> {
    if found == noted {
        return Ok(());
    }
    let CutMark { base: Tip { head: through, .. }, until, .. } = mark;
    if noted.head < through {
        return Err(LogFault::OlderThanKept { sequence: noted.head, through, until });
    }
    let (path, noted_at) = (backup.dir().display().to_string(), noted.to_string());
    Err(if found.head < noted.head {
        LogFault::Shorter { path, found: found.head, noted: noted_at }
    } else {
        LogFault::Differs { path, found: found.to_string(), noted: noted_at }
    })
}
