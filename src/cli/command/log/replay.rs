//! `adsum log replay`: what the log comes to, folded from its first event, and whether the checkpoint says the same, or the
//! server that runs on the store.
//!
//! Must never hold: what people wrote unless it was asked for, or a repair.

mod running;
mod told;

use self::told::{Asked, Compared, ReplayedLine, Same, Until, differs, fields, no_event, show};
use super::store::Store;
use crate::cli::run::{failure::Failure, invocation::Invocation, progress::Progress};
use crate::commit::replay::{from_checkpoint, position_at, replay};
use crate::log::{CutMark, Entries as _, EventLog, LogFault, SledLog, Tip};
use crate::model::Sequence;
use crate::view::Views;

/// Arguments of `adsum log replay`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    store: Store,
    #[command(flatten)]
    asked: Asked,
}

/// Runs `adsum log replay`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let asked = &args.asked;
    let Some(log) = args.store.open_free()? else {
        return running::run(&args.store.data, asked, invocation);
    };
    let through = through(asked.until, &log)?;
    let mut progress = Progress::new("replaying", "events", invocation.is_json());
    let views = replay(&log, through, &mut |done, total| progress.at(done, total));
    drop(progress);
    let mut views = views?;
    if asked.show {
        show(&views, asked.bodies, invocation)?;
    }
    let checkpoint = asked.compare.then(|| compare(&log, &mut views)).transpose()?;
    invocation.output.line(&ReplayedLine::from((&mut views, Same { checkpoint, server: None })))
}

/// The last event to fold.
fn through(until: Option<Until>, log: &SledLog) -> Result<Sequence, Failure> {
    let head = log.head();
    match until {
        None => Ok(head),
        Some(Until::Time(time)) if time < log.mark().until => {
            let CutMark { base: Tip { head: through, .. }, until, .. } = log.mark();
            Err(LogFault::OlderThanKept { sequence: through, through, until }.into())
        }
        Some(Until::Time(time)) => Ok(position_at(log.reader().as_ref(), time)?),
        Some(Until::Event(sequence)) if sequence <= head => Ok(sequence),
        Some(Until::Event(sequence)) => Err(no_event(sequence, head)),
    }
}

/// Compares `views` with what the checkpoint of `log` comes to.
fn compare(log: &SledLog, views: &mut Views) -> Result<Compared, Failure> {
    let Some(mut loaded) = from_checkpoint(log)? else { return Ok(Compared(None)) };
    let Some(entity) = views.first_difference(&mut loaded.views) else {
        let is_same = loaded.knows_as(views);
        return if is_same { Ok(Compared(Some(loaded.through))) } else { Err(ids_differ(log)) };
    };
    let differs =
        differs(&entity, &fields(views, &entity), &fields(&loaded.views, &entity), "checkpoint");
    let data = log.path().display();
    Err(Failure::failed(
        "views-differ",
        format!(
            "the checkpoint in {data} is not what its log comes to: {differs}; start once with --rebuild-views"
        ),
    ))
}

fn ids_differ(log: &SledLog) -> Failure {
    let data = log.path().display();
    Failure::failed(
        "views-differ",
        format!(
            "the checkpoint in {data} is not what its log comes to: it knows other ids of messages; start once with --rebuild-views"
        ),
    )
}
