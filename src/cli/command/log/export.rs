//! `adsum log export`: every event with all that people wrote, one JSON object a line, for `adsum log import` and others.
//!
//! Must never hold: what is no event, such as a key.

use core::convert::Infallible;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::exported::{Json, Line};
use super::store::Store;
use crate::cli::print::line::line;
use crate::cli::run::{failure::Failure, invocation::Invocation, progress::Progress};
use crate::commit::carried;
use crate::disk;
use crate::log::{Entries as _, EventLog, SledLog, each_carried_event, each_event};
use crate::model::{Payload, Principal, Sequence};
use crate::view::Views;

/// Arguments of `adsum log export`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    store: Store,
    /// The file to write, which must not be there yet and only its owner may read
    file: PathBuf,
}

line! {
    /// `{"type":"exported", …}`.
    #[serde(tag = "type", rename = "exported")]
    struct ExportedLine from (file, events): (&Path, u64) {
        file: String = file.display().to_string(),
        events: u64 = events,
    }
}

impl std::fmt::Display for ExportedLine {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "exported {} events to {}", self.events, self.file)
    }
}

/// Runs `adsum log export`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let log = args.store.open()?;
    let events = log.head().get();
    let file = disk::private().create_new(true).open(&args.file);
    let file = file.map_err(|error| Failure::io("make", &args.file, &error))?;
    let mut progress = Progress::new("exporting", "events", invocation.is_json());
    let written = write(&args.file, file, &log, &mut |done| progress.at(done, events));
    drop(progress);
    if written.is_err() {
        // What is there would be taken for an export. That it cannot be removed adds nothing to why it could not be written.
        let _ = std::fs::remove_file(&args.file);
    }
    written?;
    invocation.output.line(&ExportedLine::from((args.file.as_path(), events)))
}

fn write(
    path: &Path,
    file: File,
    log: &SledLog,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io("write", path, &error);
    let (mut to, head, mark) = (BufWriter::new(file), log.head(), log.mark());
    let mut put = |line: &Line| put(&mut to, line).map_err(failed);
    put(&Line::header(head.get(), mark))?;
    put_carried(log, &mut put)?;
    each_event(log.reader().as_ref(), (mark.base.head.next(), head), |recorded| {
        progress(recorded.sequence.get());
        put(&Line::of(recorded))
    })?;
    put(&Line::End { events: head.get() })?;
    let file = to.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)
}

/// What is carried forward of what was cut away: events, then state.
fn put_carried(
    log: &SledLog,
    put: &mut dyn FnMut(&Line) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Some(mut views) = carried(log, Sequence::ZERO)? else { return Ok(()) };
    let mut written = Ok(());
    each_carried_event(log, log.vault(), &mut |event| {
        if written.is_ok() {
            written = put(&Line::carried(event));
        }
        Ok(())
    })?;
    written?;
    let meta = Views::meta_record::<Json>(views.head(), views.moment(), views.ahead());
    Line::state(meta).iter().try_for_each(&mut *put)?;
    for entity in views.entities() {
        let as_it_is = |_: &Principal, _: Vec<&mut Payload>| Ok::<_, Infallible>(());
        let Ok(records) = views.records_of::<Json, _>(&entity, as_it_is);
        records.into_iter().filter_map(Line::state).try_for_each(|line| put(&line))?;
    }
    Ok(())
}

fn put(to: &mut impl Write, line: &Line) -> std::io::Result<()> {
    serde_json::to_writer(&mut *to, line)?;
    to.write_all(b"\n")
}
