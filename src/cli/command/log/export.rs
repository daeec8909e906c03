//! `adsum log export`: every event with all that people wrote, one JSON object a line, for `adsum log import` and others.
//!
//! Must never hold: what is no event, such as a key.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::exported::Line;
use super::store::Store;
use crate::cli::print::line::line;
use crate::cli::run::{failure::Failure, invocation::Invocation, progress::Progress};
use crate::disk;
use crate::log::{EventLog, LogReader, each_event};
use crate::model::Sequence;

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
    let written = write(&args.file, file, log.reader().as_ref(), events, &mut |done| {
        progress.at(done, events);
    });
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
    reader: &dyn LogReader,
    events: u64,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io("write", path, &error);
    let mut to = BufWriter::new(file);
    put(&mut to, &Line::header(events)).map_err(failed)?;
    each_event(reader, (Sequence::new(1), Sequence::new(events)), |recorded| {
        progress(recorded.sequence.get());
        put(&mut to, &Line::of(recorded)).map_err(failed)
    })?;
    put(&mut to, &Line::End { events }).map_err(failed)?;
    let file = to.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)
}

fn put(to: &mut impl Write, line: &Line) -> std::io::Result<()> {
    serde_json::to_writer(&mut *to, line)?;
    to.write_all(b"\n")
}
