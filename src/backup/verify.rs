//! Proving a backup: every file, checksum and link of the chain, and all events folded anew.
//!
//! Must never hold: a word of a checkpoint, or a repair.

use super::{Backup, BackupFault};
use crate::event::chain_of;
use crate::log::{LogFault, Tip, Verified, Verifier};
use crate::view::Views;

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
    let (mut checks, mut views) = (Verifier::since(Tip::EMPTY), Views::default());
    let noted = noted.unwrap_or(Tip::EMPTY);
    let mut reached = Tip::EMPTY;
    backup.walk(&mut |key, value| {
        checks.push(key, value)?.iter().for_each(|recorded| views.apply(recorded));
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
    check_noted(backup, reached, noted)?;
    Ok(Proven { verified, views, keys })
}

fn check_noted(backup: &Backup, found: Tip, noted: Tip) -> Result<(), LogFault> {
    if found == noted {
        return Ok(());
    }
    let (path, noted_at) = (backup.dir.display().to_string(), noted.to_string());
    Err(if found.head < noted.head {
        LogFault::Shorter { path, found: found.head, noted: noted_at }
    } else {
        LogFault::Differs { path, found: found.to_string(), noted: noted_at }
    })
}
