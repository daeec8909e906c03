//! `adsum log import`: a new store of the events that `adsum log export` wrote, with a chain of its own.
//!
//! It is made beside its place and moved there when it is whole, so that whatever is wrong with a line, nothing is changed.
//! Must never hold: a store that was there before, or a line that is taken as something else than it says.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

use super::exported::{Base, Json, LINE_BYTES_MAX, Line, VERSION, VERSION_CUT};
use crate::cli::print::line::line;
use crate::cli::run::{failure::Failure, input, invocation::Invocation, progress::Progress};
use crate::commit::Stage;
use crate::disk;
use crate::event::{Event, Recorded};
use crate::log::{CarriedEvent, EventLog, SledLog, Tip};
use crate::model::{Ahead, Moment, Sequence};
use crate::server::state_carried;
use crate::view::Views;

/// Arguments of `adsum log import`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The folder of the new store, which must not be there yet or be empty
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// What `adsum log export` wrote; `-` reads standard input
    file: PathBuf,
}

/// Events appended at once.
const COMMIT_EVENTS: usize = 512;

line! {
    /// `{"type":"imported", …}`.
    #[serde(tag = "type", rename = "imported")]
    struct ImportedLine from (data, tip): (&Path, Tip) {
        data: String = data.display().to_string(),
        events: u64 = tip.head.get(),
        chain: String = tip.chain.to_string(),
    }
}

impl fmt::Display for ImportedLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { data, events, chain } = self;
        write!(to, "imported {events} events into {data}, chain {chain}")
    }
}

/// Runs `adsum log import`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let is_taken = std::fs::read_dir(&args.data).is_ok_and(|mut found| found.next().is_some());
    if is_taken || args.data.is_file() {
        let message = format!("{} is not empty; name a new folder", args.data.display());
        return Err(Failure::failed("not-empty", message));
    }
    let beside = beside(&args.data)?;
    let staged = tempfile::Builder::new().prefix(".adsum-import-").tempdir_in(&beside);
    let staged = staged.map_err(|error| Failure::io("make a folder in", &beside, &error))?;
    let mut progress = Progress::new("importing", "events", invocation.is_json());
    let tip = take(&mut Lines::of(&args.file)?, staged.path(), &mut |done, total| {
        progress.at(done, total);
    });
    drop(progress);
    let tip = tip?;
    std::fs::rename(staged.path(), &args.data)
        .map_err(|error| Failure::io("make", &args.data, &error))?;
    disk::sync_folder(&beside)
        .map_err(|fault| Failure::io(fault.action, &fault.path, &fault.source))?;
    invocation.output.line(&ImportedLine::from((args.data.as_path(), tip)))
}

/// The folder in which the store's folder is to be.
fn beside(data: &Path) -> Result<PathBuf, Failure> {
    let data = std::path::absolute(data).map_err(|error| Failure::io("find", data, &error))?;
    Ok(data.parent().map_or_else(|| data.clone(), Path::to_owned))
}

/// Makes the store in `folder`.
fn take(
    lines: &mut Lines,
    folder: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Tip, Failure> {
    let (total, cut) = lines.header()?;
    let mut log = SledLog::open(folder)?;
    let (views, mut next) = match cut {
        Some(base) => take_carried(lines, &mut log, base)?,
        None => (Views::default(), lines.next()?),
    };
    let mut taken = Taken { log, views, waiting: Vec::new(), ahead: Ahead::ZERO };
    while let Some(recorded) = lines.event(next)? {
        taken.views.check_place(&recorded).map_err(|cause| lines.wrong(&cause))?;
        taken.add(recorded)?;
        progress(taken.views.head().get(), total);
        next = lines.next()?;
    }
    let found = taken.views.head().get();
    if found != total {
        return Err(lines.wrong(&format!(
            "{found} events stand before it, and the first line tells of {total}"
        )));
    }
    taken.commit()?;
    drop(taken);
    state_carried(folder)?;
    Ok(SledLog::durable_tip(folder)?)
}

/// Takes what is carried forward of a log that was cut, which then begins at `base`. Returns the state there, and the line behind.
fn take_carried(
    lines: &mut Lines,
    log: &mut SledLog,
    base: Base,
) -> Result<(Views, Line), Failure> {
    let mut cutter = log.cutter().expect("sled cuts");
    let (mut always, mut views, mark) = (|| true, Views::default(), base.mark());
    let mut stage = Stage::new(cutter.as_mut(), &mut always);
    let next = loop {
        match lines.next()? {
            Line::Carried { lives, sequence, at_us: at, ahead_ms: ahead, event } => {
                let recorded = Recorded { sequence, at, ahead, event };
                stage.opened_event(CarriedEvent { lives, recorded })?;
            }
            Line::State { key, value } => {
                let key = HEXLOWER.decode(key.as_bytes()).unwrap_or_default();
                let read = views.load::<Json>(&key, value.to_string().as_bytes(), |_| ());
                let read = read.map_err(|fault| lines.wrong(&fault.to_string()))?;
                if !read {
                    return Err(lines.wrong("its state is of another version"));
                }
            }
            other => break other,
        }
    };
    views.finish_loading().map_err(|fault| lines.wrong(&fault.to_string()))?;
    if views.head() != mark.base.head {
        return Err(lines.wrong("the state above it is of another event than the first line tells"));
    }
    views.mark_all_changed();
    for entity in views.entities() {
        stage.state(&mut views, &entity)?;
    }
    stage.finish((views.head(), views.moment(), views.ahead()))?;
    drop(cutter);
    log.begin_at(mark)?;
    lines.last = (views.head(), views.moment());
    Ok((views, next))
}

/// What is taken so far: in the log, and folded.
struct Taken {
    log: SledLog,
    views: Views,
    waiting: Vec<(Moment, Event)>,
    /// Of the events that wait.
    ahead: Ahead,
}

impl Taken {
    fn add(&mut self, recorded: Recorded) -> Result<(), Failure> {
        if recorded.ahead != self.ahead || self.waiting.len() >= COMMIT_EVENTS {
            self.commit()?;
        }
        self.views.apply(&recorded);
        self.ahead = recorded.ahead;
        self.waiting.push((recorded.at, recorded.event));
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Failure> {
        if !self.waiting.is_empty() {
            self.log.append_at(self.ahead, &self.waiting)?;
            self.waiting.clear();
        }
        Ok(self.log.sync()?)
    }
}

/// The lines of an export, as they come.
struct Lines {
    from: Box<dyn BufRead>,
    path: PathBuf,
    /// The number of the line that was read last.
    number: u64,
    /// The event that was read last, and its moment.
    last: (Sequence, Moment),
}

impl Lines {
    fn of(path: &Path) -> Result<Self, Failure> {
        let from: Box<dyn BufRead> = if input::is_standard(path) {
            Box::new(BufReader::new(std::io::stdin()))
        } else {
            let file = std::fs::File::open(path);
            Box::new(BufReader::new(file.map_err(|error| Failure::io("open", path, &error))?))
        };
        Ok(Self { from, path: path.to_owned(), number: 0, last: (Sequence::ZERO, Moment::ZERO) })
    }

    /// The last event, and where the log begins if it was cut.
    fn header(&mut self) -> Result<(u64, Option<Base>), Failure> {
        match self.next()? {
            Line::AdsumExport { version: VERSION, events, cut: None, .. } => Ok((events, None)),
            Line::AdsumExport { version: VERSION_CUT, events, cut: Some(cut), .. } => {
                Ok((events, Some(cut)))
            }
            Line::AdsumExport { version, .. } => {
                let reads = format!("{VERSION} and {VERSION_CUT}");
                Err(self
                    .wrong(&format!("it is of version {version} and this program reads {reads}")))
            }
            _ => Err(self.wrong("it is not the first line of an export")),
        }
    }

    /// The event of `line`; none behind the last.
    fn event(&mut self, line: Line) -> Result<Option<Recorded>, Failure> {
        let (sequence, at_us, ahead_ms, event) = match line {
            Line::Event { sequence, at_us, ahead_ms, event } => (sequence, at_us, ahead_ms, event),
            Line::End { events } if events == self.last.0.get() => return self.end(),
            Line::End { events } => return Err(self.wrong(&format!("it tells of {events} events"))),
            Line::AdsumExport { .. } => return Err(self.wrong("another export begins")),
            Line::Carried { .. } | Line::State { .. } => {
                return Err(self.wrong("what is carried forward stands before all events"));
            }
        };
        let (last, moment) = self.last;
        if sequence != last.next() {
            return Err(
                self.wrong(&format!("it is event {sequence}, and {} must come", last.next()))
            );
        }
        if at_us < moment {
            return Err(self.wrong("its event happened before the one above it"));
        }
        self.last = (sequence, at_us);
        Ok(Some(Recorded { sequence, at: at_us, ahead: ahead_ms, event }))
    }

    fn end(&mut self) -> Result<Option<Recorded>, Failure> {
        if self.text()?.is_empty() { Ok(None) } else { Err(self.wrong("it stands behind the end")) }
    }

    fn next(&mut self) -> Result<Line, Failure> {
        let text = self.text()?;
        if text.is_empty() {
            return Err(self.wrong("there is none, and the end is missing"));
        }
        serde_json::from_slice(&text).map_err(|error| self.wrong(&error.to_string()))
    }

    /// The bytes of the next line; none at the end.
    fn text(&mut self) -> Result<Vec<u8>, Failure> {
        let (mut text, path) = (Vec::new(), &self.path);
        self.number += 1;
        let read = self.from.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut text);
        read.map_err(|error| Failure::io("read", path, &error))?;
        if text.len() as u64 == LINE_BYTES_MAX {
            return Err(self.wrong(&format!("it is longer than {LINE_BYTES_MAX} bytes")));
        }
        Ok(text)
    }

    fn wrong(&self, cause: &str) -> Failure {
        let (name, number) = (input::name(&self.path), self.number);
        let cure = "export the log anew";
        Failure::failed("bad-export", format!("{name}, line {number}: {cause}; {cure}"))
    }
}
