//! `adsum log salvage`: copies what is proven of a damaged log into a new store, and lists what is not.
//!
//! Must never hold: a change of the store that is read.

use std::fmt;
use std::path::Path;

use super::anew::{Anew, copy_beside};
use crate::cli::print::line::line;
use crate::cli::run::{
    failure::Failure, folder::check_empty, invocation::Invocation, progress::Progress,
};
use crate::log::{Erasures, LostEvents, Salvaged, SledLog, rewrite};

line! {
    /// `{"type":"lost", …}`.
    #[serde(tag = "type", rename = "lost")]
    struct LostLine from lost: &LostEvents {
        first: u64 = lost.first.get(),
        last: u64 = lost.last.get(),
        reason: &'static str = lost.reason,
    }
}

impl fmt::Display for LostLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, reason } = self;
        write!(to, "events {first} to {last} are lost: {reason}")
    }
}

line! {
    /// `{"type":"salvaged", …}`.
    #[serde(tag = "type", rename = "salvaged")]
    struct SalvagedLine from (salvaged, to): (&Salvaged, &Path) {
        events: u64 = salvaged.head().get() - lost_of(salvaged),
        lost: u64 = lost_of(salvaged),
        keys_lost: u64 = salvaged.keys_lost() as u64,
        folder: String = to.display().to_string(),
    }
}

fn lost_of(salvaged: &Salvaged) -> u64 {
    salvaged.lost().iter().map(|lost| lost.last.get() - lost.first.get() + 1).sum()
}

impl fmt::Display for SalvagedLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, lost, keys_lost, folder } = self;
        write!(to, "{folder} holds the {events} events that are proven; {lost} are lost")?;
        if *keys_lost > 0 {
            write!(
                to,
                ", and {keys_lost} keys, so that what was sealed with them reads as erased"
            )?;
        }
        Ok(())
    }
}

/// Runs `adsum log salvage`.
pub(super) fn run(args: &Anew, invocation: &mut Invocation) -> Result<(), Failure> {
    let (data, to) = (args.store.data.as_path(), args.to.as_path());
    check_empty(to)?;
    let mut progress = Progress::new("searching", "bytes", invocation.is_json());
    let salvaged = Salvaged::of(data, &mut |done, of| progress.at(done, of))?;
    drop(progress);
    let (mut new, head) = (SledLog::open(to)?, salvaged.head());
    let mut progress = Progress::new("writing", "events", invocation.is_json());
    let erased = Erasures::of(&salvaged, head)?;
    rewrite((&salvaged, head), &mut new, &erased, &mut |done| progress.at(done, head.get()))?;
    drop((progress, new));
    copy_beside(data, to)?;
    for lost in salvaged.lost() {
        invocation.output.line(&LostLine::from(lost))?;
    }
    invocation.output.line(&SalvagedLine::from((&salvaged, to)))
}
