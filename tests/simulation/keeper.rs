//! The keeper of a world's server: now and then it ends what was read, and cuts the log, beside everything else.
//!
//! Must never hold: what of the log may go; that is the real code's, and the oracle knows what must stay.

use adsum::event::{CutStatement, Event, LogCut};
use adsum::log::{Entries as _, LogFault, Room};
use adsum::model::{Lifetime, Now, Sequence};

use super::cutting::{Chore, Cutting, Done, Past, Step, Turn, Word};
use super::plan::{SECRET, happens};
use super::server::{Process, Server};
use super::trace::note;
use super::world::Scene;
use super::{Bug, Checked, promised, verdict};

/// A turn of a process's keeper, and what it waits for.
pub(crate) struct Keeping {
    cutting: Cutting,
    chore: Option<Chore>,
}

impl Server {
    /// One moment of its keeper's life.
    pub(crate) fn keep(&mut self, scene: &mut Scene) -> Checked {
        if !scene.is_healing {
            let chance = self.chances.log_cut;
            let is_free = self.process.as_ref().is_some_and(|it| it.keeping.is_none());
            if is_free && self.room == Room::Plenty && happens(&mut scene.rng, chance) {
                self.begin_turn(scene);
            }
        }
        let waits = |process: &Process| process.keeping.as_ref().map(Keeping::waits);
        match self.process.as_ref().and_then(waits) {
            Some(false) if self.room != Room::Plenty => self.go_on(Word::Stop, scene),
            Some(false) if scene.is_healing || scene.rng.u8(..3) > 0 => {
                self.go_on(Word::GoOn, scene)
            }
            _ => Ok(()),
        }
    }

    /// Cuts the log at rest, nearly as far as it goes.
    pub(crate) fn cut_at_rest(&mut self, scene: &mut Scene) -> Checked {
        self.begin_turn(scene);
        while let Some(waits) =
            self.process.as_ref().and_then(|it| it.keeping.as_ref()).map(Keeping::waits)
        {
            if waits {
                self.round(scene)?;
            } else {
                self.go_on(Word::GoOn, scene)?;
            }
            self.checkpoint(scene);
        }
        Ok(())
    }

    fn begin_turn(&mut self, scene: &mut Scene) {
        let (base, head) = (self.disk.mark().base.head, scene.oracle.chronicle.head());
        let Some(process) = &mut self.process else { return };
        if head <= base {
            return;
        }
        let rng = &mut scene.rng;
        let place = rng.u64(base.get() + 1..=head.get());
        let at = |place: u64| scene.oracle.chronicle.time_of(Sequence::new(place));
        let kept = Past { kinds: rng.u8(..64), since: at(rng.u64(1..=place)) };
        let (ends, cuts) = (rng.u8(..3) > 0, rng.u8(..6) > 0);
        let turn = Turn {
            seed: rng.u64(..),
            ends: ends.then(|| at(place)),
            cuts: cuts.then(|| at(place).after(Lifetime::from_ms(1))),
            between: (base, head),
            waits_for_checkpoint: rng.bool(),
            past: kept,
            asks_what_is_there: rng.bool(),
            bug: scene.bug,
        };
        if let Some(since) = turn.ends {
            scene.oracle.ends_read(since);
        }
        note!(scene.trace, "the keeper begins: {turn:?}");
        let cutter = process.commit.cutter().expect("the log in memory can be cut");
        let cutting = Cutting::new(turn, self.disk.clone(), cutter);
        process.keeping = Some(Keeping { cutting, chore: None });
    }

    /// The keeper goes on until it waits again.
    pub(crate) fn go_on(&mut self, word: Word, scene: &mut Scene) -> Checked {
        let keeping = self.process.as_mut().and_then(|process| process.keeping.as_mut());
        let Some(keeping) = keeping else { return Ok(()) };
        match keeping.cutting.go_on(word) {
            Step::Rests => Ok(()),
            Step::Asks(chore) => {
                note!(scene.trace, "the keeper wants {chore:?}");
                keeping.chore = Some(chore);
                Ok(())
            }
            Step::Counts => {
                let mark = self.disk.mark();
                note!(scene.trace, "the log begins behind event {}", mark.base.head);
                scene.trace.count("log cuts");
                scene.oracle.cut(mark.base.head);
                verdict::cut_holds(&self.disk, &scene.oracle)
            }
            Step::Over(outcome) => self.is_over(outcome, scene),
        }
    }

    fn is_over(&mut self, outcome: Result<(), LogFault>, scene: &mut Scene) -> Checked {
        if let Some(process) = &mut self.process {
            process.keeping = None;
        }
        match outcome {
            Ok(()) => Ok(()),
            // Only what was to fail may fail: then memory and disk may differ, and the process ends.
            Err(LogFault::Engine { .. }) => {
                note!(scene.trace, "the log fails under the keeper's hands");
                scene.trace.count("log faults of the keeper");
                self.crash(scene);
                Ok(())
            }
            Err(fault) => {
                promised!(5, false, "the keeper fails: {fault}");
                Ok(())
            }
        }
    }
}

impl Keeping {
    fn waits(&self) -> bool {
        self.chore.is_some()
    }
}

impl Process {
    /// What the keeper wants done in a round, if anything.
    pub(crate) fn next_chore(&mut self) -> Option<Chore> {
        self.keeping.as_mut().and_then(|keeping| keeping.chore.take())
    }

    /// Whether the keeper wants something.
    pub(crate) fn has_chore(&self) -> bool {
        self.keeping.as_ref().is_some_and(Keeping::waits)
    }

    /// Does what the keeper wants, for the round to make durable.
    pub(crate) fn tend(&mut self, now: Now, chore: Chore) -> Done {
        match chore {
            Chore::End(place, since) => {
                let since = Bug::change_kept(self.bug(), since, now.elapsed);
                Done::Ended(self.commit.begin_end_read(now, &|_| since, &place))
            }
            Chore::Checkpoint(at) => {
                if self.commit.checkpointed() < at {
                    self.commit.begin_checkpoint();
                }
                Done::Checkpointed(self.commit.checkpointed())
            }
            Chore::StillThere(inbox, places) => {
                Done::StillThere(self.commit.views().kept_among(&inbox, places))
            }
            Chore::State(statement) => {
                self.commit.begin_record(now, vec![Event::LogCut(signed(statement))]);
                Done::Stated(self.commit.head())
            }
        }
    }
}

/// The statement with the played signature of the server.
fn signed(cut: CutStatement) -> LogCut {
    let signature = *blake3::keyed_hash(&SECRET, &cut.signed_bytes()).as_bytes();
    LogCut { cut, key: SECRET.to_vec().into(), signature: signature.to_vec().into() }
}

/// Whether the server signed a statement.
pub(crate) fn is_signed(stated: &LogCut) -> bool {
    signed(stated.cut) == *stated
}
