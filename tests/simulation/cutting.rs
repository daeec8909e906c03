//! One turn of a server's keeper, as the real one takes it: what is over ends, the beginning of the log is cut away, and what
//! counts no more is swept away.
//!
//! It runs in a thread of its own, which goes on only while the world waits for it: after each of its steps the world
//! decides what else happens before the next, and may never let it go on.
//! Must never hold: a decision about when and how far to cut, or anything that both threads do at a time.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use adsum::commit::{Asked, finish_cut, last_until, stage_cut_beside, sweep_cut};
use adsum::event::{CutStatement, EntityKey, EntryKey, Recorded};
use adsum::log::memory::MemoryDisk;
use adsum::log::{CheckpointRecord, CutMark, Cutter, Entries, LogFault, LogReader, Sealing};
use adsum::model::{InboxAddress, InboxSequence, Sequence, Timestamp};
use adsum::service::InboxPlace;
use fastrand::Rng;

use super::Bug;

/// How often one asks whether a checkpoint is written before it gives up.
const CHECKPOINT_LOOKS: u32 = 200;

/// What is to be done in a turn.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    /// Decides what the turn does in one step and what in two.
    pub(crate) seed: u64,
    /// Messages that were read and are from before then end.
    pub(crate) ends: Option<Timestamp>,
    /// The log is cut until then.
    pub(crate) cuts: Option<Timestamp>,
    /// Where the log begins and ends.
    pub(crate) between: (Sequence, Sequence),
    /// Whether a checkpoint has to stand through it first.
    pub(crate) waits_for_checkpoint: bool,
    /// What is carried of the past.
    pub(crate) past: Past,
    /// Whether what is over by now is carried no more.
    pub(crate) asks_what_is_there: bool,
    pub(crate) bug: Option<Bug>,
}

/// What is carried of the past: some kinds of it, from some time on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past {
    pub(crate) kinds: u8,
    pub(crate) since: Timestamp,
}

impl Past {
    fn keeps(self, recorded: &Recorded) -> bool {
        let kind = match recorded.event.entity() {
            EntityKey::Presentity(_) => 1,
            EntityKey::Inbox(_) => 2,
            EntityKey::Watcher(_) | EntityKey::Audience(_) => 4,
            EntityKey::Rules(_) => 8,
            EntityKey::Principal(_) | EntityKey::Domain(_) | EntityKey::Invite(_) => 16,
            _ => 0,
        };
        self.kinds & kind > 0 && recorded.at.timestamp() >= self.since
    }
}

/// What the writer is to do in its next round.
#[derive(Debug)]
pub(crate) enum Chore {
    /// End what was read and is from before then, from there on.
    End(InboxPlace, Timestamp),
    /// Begin a checkpoint unless one stands through that event.
    Checkpoint(Sequence),
    /// Say which of those places of an inbox hold something.
    StillThere(InboxAddress, Vec<InboxSequence>),
    /// Record a cut.
    State(CutStatement),
}

/// What became of a [`Chore`], which is durable.
#[derive(Debug)]
pub(crate) enum Done {
    Ended(Option<InboxPlace>),
    Checkpointed(Sequence),
    StillThere(Vec<InboxSequence>),
    Stated(Sequence),
}

/// What a turn has done, and waits.
#[derive(Debug)]
pub(crate) enum Step {
    Rests,
    Asks(Chore),
    /// A cut counts.
    Counts,
    /// It is over; if a change of the log failed, so is the process.
    Over(Result<(), LogFault>),
}

/// What a turn hears.
#[derive(Debug)]
pub(crate) enum Word {
    GoOn,
    Done(Done),
    /// It is to end.
    Stop,
}

/// A turn as the world sees it. Dropped, it is over, and nothing of the log is in use by it.
pub(crate) struct Cutting {
    says: Option<SyncSender<Word>>,
    steps: Receiver<Step>,
    thread: Option<JoinHandle<()>>,
}

impl Cutting {
    /// One that has yet to take its first step.
    pub(crate) fn new(turn: Turn, disk: MemoryDisk, inner: Box<dyn Cutter>) -> Self {
        let (says, heard) = sync_channel(1);
        let (tells, steps) = sync_channel(1);
        let reader = disk.clone();
        let thread = std::thread::spawn(move || {
            let rng = Rng::with_seed(turn.seed);
            let side = Arc::new(Mutex::new(Side { tells, heard, rng, is_over: false }));
            let begins = side.lock().is_ok_and(|mut side| side.listen().is_some());
            let (side_of_cutter, bug, late) = (Arc::clone(&side), turn.bug, Vec::new());
            let cutter = Pausing { inner, side: side_of_cutter, bug, late, disk };
            let outcome = if begins { take(&turn, &reader, cutter, &side) } else { Ok(()) };
            if let Ok(side) = side.lock() {
                // The world may have gone on without it.
                let _ = side.tells.send(Step::Over(outcome));
            }
        });
        Self { says: Some(says), steps, thread: Some(thread) }
    }

    /// It goes on until it waits again.
    pub(crate) fn go_on(&mut self, word: Word) -> Step {
        let is_heard = self.says.as_ref().is_some_and(|says| says.send(word).is_ok());
        assert!(is_heard, "whoever waits is there");
        self.steps.recv().expect("it says when it is over")
    }
}

impl Drop for Cutting {
    fn drop(&mut self) {
        self.says = None;
        if let Some(thread) = self.thread.take() {
            // One that panicked was noticed when it was to say something.
            let _ = thread.join();
        }
    }
}

/// The thread's side.
struct Side {
    tells: SyncSender<Step>,
    heard: Receiver<Word>,
    rng: Rng,
    is_over: bool,
}

type Shared = Arc<Mutex<Side>>;

impl Side {
    fn listen(&mut self) -> Option<Word> {
        let word = self.heard.recv().unwrap_or(Word::Stop);
        self.is_over |= matches!(word, Word::Stop);
        (!self.is_over).then_some(word)
    }

    fn say(&mut self, step: Step) -> Option<Word> {
        if self.is_over || self.tells.send(step).is_err() {
            self.is_over = true;
            return None;
        }
        self.listen()
    }
}

fn say(side: &Shared, step: Step) -> Option<Word> {
    side.lock().expect("one thread has it").say(step)
}

fn rest(side: &Shared) -> bool {
    say(side, Step::Rests).is_some()
}

fn drawn(side: &Shared, most: usize) -> usize {
    side.lock().expect("one thread has it").rng.usize(1..=most)
}

fn ask(side: &Shared, chore: Chore) -> Option<Done> {
    match say(side, Step::Asks(chore)) {
        Some(Word::Done(done)) => Some(done),
        _ => None,
    }
}

fn take(
    turn: &Turn,
    reader: &dyn LogReader,
    mut cutter: Pausing,
    side: &Shared,
) -> Result<(), LogFault> {
    let mut pace = || rest(side);
    if !sweep_cut(&mut cutter, &mut pace)? {
        return Ok(());
    }
    let mut part = turn.ends.map(|since| (InboxPlace::default(), since));
    while let Some((from, since)) = part {
        let Some(Done::Ended(next)) = ask(side, Chore::End(from, since)) else { return Ok(()) };
        part = next.map(|next| (next, since));
    }
    let Some(until) = turn.cuts else { return Ok(()) };
    let at = last_until(reader, turn.between, until)?;
    if turn.waits_for_checkpoint && !is_checkpointed(at, side) {
        return Ok(());
    }
    let keeps = |recorded: &Recorded| turn.past.keeps(recorded);
    let mut still_there = |inbox: &InboxAddress, places: Vec<InboxSequence>| {
        if !turn.asks_what_is_there {
            return Some(places);
        }
        match ask(side, Chore::StillThere(inbox.clone(), places)) {
            Some(Done::StillThere(there)) => Some(there),
            _ => None,
        }
    };
    let mut asked = Asked { keeps: &keeps, still_there: &mut still_there };
    let staged = stage_cut_beside(reader, &mut cutter, at, &mut asked, &mut pace)?;
    let Some(mut staged) = staged else { return Ok(()) };
    Bug::change_statement(turn.bug, &mut staged.statement);
    if turn.bug == Some(Bug::MarkBeforeStatement) {
        finish_cut(&mut cutter, &staged, turn.between.1.plus(1))?;
    }
    let Some(Done::Stated(statement)) = ask(side, Chore::State(staged.statement)) else {
        return Ok(());
    };
    if !rest(side) {
        return Ok(());
    }
    if turn.bug != Some(Bug::MarkBeforeStatement) {
        finish_cut(&mut cutter, &staged, statement)?;
    }
    if say(side, Step::Counts).is_some() {
        sweep_cut(&mut cutter, &mut pace)?;
    }
    Ok(())
}

fn is_checkpointed(at: Sequence, side: &Shared) -> bool {
    (0..CHECKPOINT_LOOKS).any(|_| match ask(side, Chore::Checkpoint(at)) {
        Some(Done::Checkpointed(through)) if through >= at => true,
        Some(_) => !rest(side),
        None => true,
    }) && side.lock().is_ok_and(|side| !side.is_over)
}

/// A cutter that does in many steps what may be done in many, and rests in between.
struct Pausing {
    inner: Box<dyn Cutter>,
    side: Shared,
    bug: Option<Bug>,
    /// What a bug stages too late.
    late: Vec<CheckpointRecord>,
    /// What a bug removes from.
    disk: MemoryDisk,
}

impl Cutter for Pausing {
    fn entries(&self) -> &dyn Entries {
        self.inner.entries()
    }

    fn vault(&self) -> Option<&dyn Sealing> {
        self.inner.vault().filter(|_| self.bug != Some(Bug::CutUnsealed))
    }

    fn carried(&self, key: &[u8]) -> Result<Option<Vec<u8>>, LogFault> {
        self.inner.carried(key)
    }

    fn stage(&mut self, records: &[CheckpointRecord]) -> Result<(), LogFault> {
        let mut records: Vec<_> =
            records.iter().filter(|record| Bug::carries(self.bug, record)).cloned().collect();
        if self.bug == Some(Bug::MarkBeforeStage) {
            self.late = records.split_off(records.len() / 2);
        }
        let mut left = &records[..];
        while !left.is_empty() {
            let (now, later) = left.split_at(drawn(&self.side, left.len()));
            self.inner.stage(now)?;
            left = later;
            // Whoever staged it asks as well whether to go on.
            if !left.is_empty() && !rest(&self.side) {
                break;
            }
        }
        Ok(())
    }

    fn cut(&mut self, mark: CutMark) -> Result<(), LogFault> {
        if self.bug == Some(Bug::SweptBeforeMark) {
            let end = EntryKey { sequence: mark.base.head.next(), part: 0 }.to_bytes();
            self.disk.damage(|entries| entries.retain(|key, _| *key >= end));
            rest(&self.side);
        }
        self.inner.cut(mark)?;
        self.inner.stage(&core::mem::take(&mut self.late))
    }

    fn sweep(&mut self, steps: usize) -> Result<bool, LogFault> {
        self.inner.sweep(drawn(&self.side, steps))
    }
}
