//! The replay of a store on which a server runs: folded along the log as the server gives it, and compared with the state that
//! the server has meanwhile.
//!
//! Must never hold: what people wrote unless it was asked for, or a change of anything.

use std::path::Path;

use super::told::{Asked, ReplayedLine, Same, Until, differs, fields, no_event, show};
use crate::cli::run::{failure::Failure, invocation::Invocation, progress::Progress};
use crate::event::EntityKey;
use crate::log::SledLog;
use crate::model::Sequence;
use crate::server::{RunningReplay, digests_of_running, each_running, fields_of_running};
use crate::view::EntityDigest;

/// Replays the store and compares as far as that is asked.
pub(super) fn run(data: &Path, asked: &Asked, invocation: &mut Invocation) -> Result<(), Failure> {
    let mut replay = Replay {
        data,
        folding: RunningReplay::new(data),
        progress: Progress::new("replaying", "events", invocation.is_json()),
    };
    let mut server = None;
    if asked.compare {
        server = Some(replay.compare()?);
    } else {
        replay.advance(through(asked.until, data)?)?;
    }
    let Replay { mut folding, progress, .. } = replay;
    drop(progress);
    if asked.show {
        show(folding.views(), asked.bodies, invocation)?;
    }
    let same = Same { checkpoint: None, server };
    invocation.output.line(&ReplayedLine::from((folding.views(), same)))
}

/// The last event to fold.
fn through(until: Option<Until>, data: &Path) -> Result<Sequence, Failure> {
    let durable = SledLog::durable_tip(data)?.head;
    match until {
        None => Ok(durable),
        Some(Until::Event(sequence)) if sequence <= durable => Ok(sequence),
        Some(Until::Event(sequence)) => Err(no_event(sequence, durable)),
        Some(Until::Time(time)) => {
            let mut last = Sequence::ZERO;
            each_running(data, Sequence::ZERO, &mut |recorded| {
                if recorded.shown_at() > time {
                    return core::ops::ControlFlow::Break(());
                }
                last = recorded.sequence;
                core::ops::ControlFlow::Continue(())
            })?;
            Ok(last)
        }
    }
}

struct Replay<'a> {
    data: &'a Path,
    folding: RunningReplay<'a>,
    progress: Progress,
}

impl Replay<'_> {
    fn advance(&mut self, through: Sequence) -> Result<(), Failure> {
        let progress = &mut self.progress;
        let told = &mut |at: Sequence| progress.at(at.get(), through.get());
        Ok(self.folding.advance(through, told)?)
    }

    /// Compares all entities, a part after the other, each with what the log comes to at the event up to which the server had
    /// it. Returns the last of these events.
    fn compare(&mut self) -> Result<Sequence, Failure> {
        let mut after: Option<EntityKey> = None;
        loop {
            let (position, found) = digests_of_running(self.data, after.as_ref())?;
            self.advance(position)?;
            let last = found.last().map(|last| last.entity.clone());
            let folded = self.folding.views().digests_after(after.as_ref(), last.as_ref());
            if let Some(entity) = first_other(&folded, &found) {
                return Err(self.other(&entity, position)?);
            }
            if last.is_none() {
                return Ok(position);
            }
            after = last;
        }
    }

    /// What is to be said of an entity that was another one at `position`.
    fn other(&mut self, entity: &EntityKey, position: Sequence) -> Result<Failure, Failure> {
        let (at, found) = fields_of_running(self.data, entity)?;
        self.advance(at)?;
        let differs = differs(entity, &fields(self.folding.views(), entity), &found, "server");
        let data = self.data.display();
        let message = format!(
            "the state of the server on {data} is not what its log comes to at event {position}: {differs}; the log is right: stop the server, and start it once with --rebuild-views"
        );
        Ok(Failure::failed("views-differ", message))
    }
}

/// The first entity that is not the same in both, which are in order.
fn first_other(folded: &[EntityDigest], found: &[EntityDigest]) -> Option<EntityKey> {
    let same = folded.iter().zip(found).take_while(|(one, other)| one == other).count();
    let rest = folded.get(same).into_iter().chain(found.get(same));
    rest.map(|digest| &digest.entity).min().cloned()
}
