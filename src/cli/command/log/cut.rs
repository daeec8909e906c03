//! `adsum log cut`: removes the beginning of a log, all but what is carried forward.
//!
//! Must never hold: what is carried.

use std::fmt;

use super::store::Store;
use crate::cli::print::line::line;
use crate::cli::print::time::{lifetime, rfc3339};
use crate::cli::run::{failure::Failure, invocation::Invocation, progress::Progress};
use crate::model::Lifetime;
use crate::server::{CutDone, cut_as_operator};

/// Arguments of `adsum log cut`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    store: Store,
    /// Keep what is not older than this; what waits, what is published and what holds is kept anyway
    #[arg(long, value_name = "SPAN", value_parser = lifetime)]
    keep: Lifetime,
    /// Change nothing, tell only what would go
    #[arg(long)]
    dry_run: bool,
}

line! {
    /// `{"type":"log-cut", …}`.
    #[serde(tag = "type", rename = "log-cut")]
    struct CutLine from (done, dry_run): (&CutDone, bool) {
        dry_run: bool = dry_run,
        events: u64 = done.through.get() + 1 - done.from.get(),
        from: u64 = done.from.get(),
        through: u64 = done.through.get(),
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<String> = done.until.map(rfc3339),
        bytes: u64 = done.bytes,
        #[serde(skip_serializing_if = "Option::is_none")]
        records_carried: Option<u64> = done.stated.map(|(cut, _)| cut.records),
        #[serde(skip_serializing_if = "Option::is_none")]
        stated_by: Option<u64> = done.stated.map(|(_, by)| by.get()),
    }
}

impl fmt::Display for CutLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, from, through, bytes, .. } = self;
        if *events == 0 {
            return write!(to, "nothing is older than what is kept");
        }
        let until = self.until.as_deref().unwrap_or("never");
        let verb = if self.dry_run { "would cut" } else { "cut" };
        write!(to, "{verb} {events} events ({bytes} bytes), {from} to {through}, until {until}")?;
        let (Some(records), Some(by)) = (self.records_carried, self.stated_by) else {
            return Ok(());
        };
        write!(to, "; {records} records are carried forward, event {by} states it")
    }
}

/// Runs `adsum log cut`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let mut progress = Progress::new("reading", "events", invocation.is_json());
    let done = cut_as_operator(&args.store.data, args.keep, args.dry_run, &mut |done, of| {
        progress.at(done, of);
    });
    drop(progress);
    invocation.output.line(&CutLine::from((&done?, args.dry_run)))
}
