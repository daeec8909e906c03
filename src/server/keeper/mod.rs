//! The keeper: a thread that keeps the log within what the operator wants to have kept, beside the server.
//!
//! Now and then it has the writer end what is over, works out how far the log may be cut, stages the cut, has the writer state
//! it, and removes what is over, a little at a time: it rests after each step, and longer while clients ask for something.
//! A process that ends meanwhile leaves a log that is as before or as after; the next keeper goes on.
//! Must never hold: what is carried forward of a log, or anything a client waits for.

mod chores;
mod count;
mod kept;
mod plan;
mod shares;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tracing::{debug, error, info, warn};

use self::chores::{Asking, Pacer, Stopped};
pub(super) use self::chores::{Chore, Chores, Done};
use self::count::count;
pub(super) use self::kept::Kept;
use self::plan::{Counted, Plan, Sizes, plan};
use self::shares::{Excess, Shares, Taken};
use super::ServerError;
use super::clock::Timekeeper;
use super::config::RetentionConfig;
use super::cut::signed;
use super::desk::Desk;
use super::files;
use super::metrics::Metrics;
use crate::commit::{Asked, Commit, StagedCut, finish_cut, stage_cut_beside, sweep_cut};
use crate::log::{
    CheckpointRecord, CutMark, Cutter, Entries, LogFault, LogReader, Sealing, tip_at,
};
use crate::model::{Domain, InboxAddress, Sequence, Timestamp};

/// The thread's name.
const THREAD: &str = "adsum-keeper";
/// The longest wait before the first look, so that a server which is started often is looked after, too.
const FIRST_WAIT_MAX: Duration = Duration::from_mins(1);
/// Parts of what is over that are ended before the log is looked at, and the rest between two: the writer does one a round. What is over and
/// not ended is carried when the log is cut.
const PARTS_AT_ONCE: u32 = 1_024;
const PART_REST: Duration = Duration::from_millis(2);
/// Between two looks whether a checkpoint is written, at first and at the longest, and how many of them: about a minute.
const CHECKPOINT_WAIT: Duration = Duration::from_millis(1);
const CHECKPOINT_WAIT_MAX: Duration = Duration::from_millis(100);
const CHECKPOINT_LOOKS: u32 = 600;

/// What the keeper works with.
pub(super) struct KeeperParts {
    /// Reads the log.
    pub(super) reader: Arc<dyn LogReader>,
    /// Cuts it; there is no other.
    pub(super) cutter: Box<dyn Cutter>,
    /// What is to be kept.
    pub(super) retention: RetentionConfig,
    /// What time it is.
    pub(super) time: Timekeeper,
    /// The store, for the key that signs.
    pub(super) data: PathBuf,
    /// What it counts into.
    pub(super) metrics: Arc<Metrics>,
}

/// Starts the keeper, which has what is to be recorded recorded by the writer at `desk`.
pub(super) fn start(parts: KeeperParts, desk: &Arc<Desk>) -> Result<Chores, ServerError> {
    let fault = |source| ServerError::Thread { name: THREAD, source };
    let (asking, chores) = chores::pair(desk);
    let cutter = Noting { inner: parts.cutter, has_failed: false };
    let keeper = Keeper {
        asking,
        cutter,
        reader: parts.reader,
        kept: Arc::new(Kept::new(parts.retention.kept.clone())),
        shares: Shares::new(&parts.retention.kept),
        retention: parts.retention,
        time: parts.time,
        data: parts.data,
        metrics: parts.metrics,
        counted: Counted::default(),
        told: BTreeSet::new(),
        is_swept: false,
    };
    let thread = thread::Builder::new().name(THREAD.to_owned()).spawn(move || keeper.run());
    Ok(chores.of_thread(thread.map_err(fault)?))
}

/// A writer's side without a keeper.
#[cfg(test)]
pub(super) fn nobody(desk: &Arc<Desk>) -> Chores {
    chores::pair(desk).1
}

/// Does what the keeper wants, but for making it durable. Returns what to answer once that is done.
pub(super) fn tend(commit: &mut Commit, time: &Timekeeper, chore: Chore) -> Result<Done, LogFault> {
    let now = time.now();
    match chore {
        Chore::End(place, kept) => {
            let since = kept.read_since(now.elapsed);
            Ok(Done::Ended(commit.begin_end_read(now, &since, &place)))
        }
        Chore::Checkpoint(at) => {
            if commit.checkpointed() < at {
                commit.begin_checkpoint();
            }
            Ok(Done::Checkpointed(commit.checkpointed()))
        }
        Chore::StillThere(inbox, places) => {
            Ok(Done::StillThere(commit.views().kept_among(&inbox, places)))
        }
        Chore::State(cut) => {
            commit.begin_record(now, vec![crate::event::Event::LogCut(*cut)]);
            Ok(Done::Stated(commit.head()))
        }
        Chore::Fail(fault) => Err(fault),
    }
}

/// Why a turn ends early.
enum Halt {
    Stopped,
    Fault(LogFault),
    Signing(ServerError),
}

impl From<Stopped> for Halt {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<LogFault> for Halt {
    fn from(fault: LogFault) -> Self {
        Self::Fault(fault)
    }
}

/// How long the parts of a cut took, with the rests between their steps.
#[derive(Clone, Copy)]
struct Took {
    last: Instant,
    /// Until a checkpoint stood.
    checkpoint: Duration,
    /// Until the cut counted.
    staging: Duration,
    /// Until what was over was gone.
    sweeping: Duration,
}

impl Default for Took {
    fn default() -> Self {
        let none = Duration::ZERO;
        Self { last: Instant::now(), checkpoint: none, staging: none, sweeping: none }
    }
}

impl Took {
    /// The time since this was last asked.
    fn since(&mut self) -> Duration {
        let now = Instant::now();
        now.duration_since(core::mem::replace(&mut self.last, now))
    }
}

struct Keeper {
    asking: Asking,
    cutter: Noting,
    reader: Arc<dyn LogReader>,
    retention: RetentionConfig,
    time: Timekeeper,
    data: PathBuf,
    metrics: Arc<Metrics>,
    counted: Counted,
    /// What is counted of domains that have a limit, and what is kept by that.
    shares: Shares,
    kept: Arc<Kept>,
    /// Domains of which it is told that more lives than may be there of their past.
    told: BTreeSet<Domain>,
    /// Whether what the last process left is swept away.
    is_swept: bool,
}

impl Keeper {
    fn run(mut self) {
        let mut wait = self.retention.check.min(FIRST_WAIT_MAX);
        while self.asking.signs.sleep(wait) {
            let turn = if self.asking.signs.has_room() { self.turn() } else { Ok(()) };
            match turn {
                Ok(()) => drop(self.metrics.cut_failed.set(0)),
                Err(Halt::Stopped) => return,
                Err(Halt::Fault(fault)) if self.cutter.has_failed => {
                    // Memory and disk may differ now, as after a failed append. It never answers.
                    let _ = self.asking.ask(Chore::Fail(fault));
                    return;
                }
                Err(Halt::Fault(fault)) => self.failed(&fault),
                Err(Halt::Signing(fault)) => self.failed(&fault),
            }
            self.tell_oldest();
            let is_behind = self.asking.is_behind();
            wait =
                if is_behind { PART_REST.min(self.retention.check) } else { self.retention.check };
        }
    }

    fn failed(&self, fault: &dyn std::fmt::Display) {
        self.metrics.cut_failed.set(1);
        error!(%fault, "the beginning of the log could not be cut; it grows until that is mended, run `adsum log verify` at the next stop");
    }

    /// Ends what is over, and cuts as far as may be.
    fn turn(&mut self) -> Result<(), Halt> {
        if !self.is_swept {
            self.is_swept = self.sweep(false)?;
        }
        let domains = self.excess()?;
        // What is read and over by that is to be ended before the log is cut: else it would be carried.
        self.end_over()?;
        while self.cut(domains)? {}
        Ok(())
    }

    /// Ends some of what is over: while more is read than that, the log must be cut all the same.
    fn end_over(&mut self) -> Result<(), Halt> {
        for _ in 0..PARTS_AT_ONCE {
            if !self.asking.end_part(&self.kept)? {
                break;
            }
            if !self.asking.signs.sleep(PART_REST) {
                return Err(Halt::Stopped);
            }
        }
        Ok(())
    }

    fn sweep(&mut self, is_late: bool) -> Result<bool, LogFault> {
        let mut pacer = Pacer::new(&self.asking.signs, is_late);
        sweep_cut(&mut self.cutter, &mut || pacer.rest())
    }

    /// Cuts once, if there is something to cut. Returns whether there is more.
    fn cut(&mut self, domains: Option<Excess>) -> Result<bool, Halt> {
        let now = self.time.now().elapsed;
        let Some(head) = self.head()? else { return Ok(false) };
        let sizes = Sizes { log: self.too_large(head)?, domains };
        let retention = &self.retention.kept;
        let Some(plan) = plan(self.reader.as_ref(), head, (retention, now), sizes)? else {
            return Ok(false);
        };
        let mut took = Took::default();
        let through = plan.at.get();
        debug!(through, "a cut of the log begins: a checkpoint is to stand behind it");
        // A start has to fold what is carried if the log is cut behind the last checkpoint.
        if !self.is_checkpointed(plan.at)? {
            return Ok(false);
        }
        took.checkpoint = took.since();
        debug!(through, "what is carried forward is being staged");
        let Some(staged) = self.stage(&plan, now)? else { return Ok(false) };
        debug!(through, "a cut of the log is being stated");
        let cut = signed(&self.data, staged.statement).map_err(Halt::Signing)?;
        let Done::Stated(statement) = self.asking.ask(Chore::State(Box::new(cut)))? else {
            return Ok(false);
        };
        debug!(through, "a cut of the log is to count");
        finish_cut(&mut self.cutter, &staged, statement)?;
        took.staging = took.since();
        debug!(through, "what was cut away is being removed");
        let is_swept = self.sweep(plan.is_late)?;
        took.sweeping = took.since();
        self.made(&staged, statement, took);
        Ok(is_swept && plan.has_more)
    }

    fn stage(&mut self, plan: &Plan, now: Timestamp) -> Result<Option<StagedCut>, LogFault> {
        let (kept, is_for_size) = (&self.kept, plan.is_for_size);
        let mut pacer = Pacer::new(&self.asking.signs, plan.is_late);
        let keeps = |recorded: &_| !is_for_size && kept.is_kept(now, recorded);
        let (reader, asking) = (self.reader.as_ref(), &self.asking);
        // More is over meanwhile, and what is ended need not be carried.
        let mut step = || {
            let ends = plan.is_late || asking.is_behind();
            (!ends || asking.end_beside(kept).is_ok()) && pacer.rest()
        };
        let mut still_there = |inbox: &InboxAddress, places| {
            let asked = asking.ask(Chore::StillThere(inbox.clone(), places));
            if let Ok(Done::StillThere(there)) = asked { Some(there) } else { None }
        };
        let mut asked = Asked { keeps: &keeps, still_there: &mut still_there };
        stage_cut_beside(reader, &mut self.cutter, plan.at, &mut asked, &mut step)
    }

    fn made(&mut self, staged: &StagedCut, statement: Sequence, took: Took) {
        let cut = staged.statement;
        self.counted.cut(cut.through, cut.bytes);
        self.metrics.log_cut(cut.bytes, cut.through);
        info!(
            from = cut.from.get(),
            through = cut.through.get(),
            bytes = cut.bytes,
            records = cut.records,
            carried_bytes = cut.carried_bytes,
            statement = statement.get(),
            checkpoint_ms = took.checkpoint.as_millis(),
            staging_ms = took.staging.as_millis(),
            sweeping_ms = took.sweeping.as_millis(),
            "the beginning of the log was cut"
        );
    }

    /// The last event, if there is one behind where the log begins.
    fn head(&self) -> Result<Option<Sequence>, LogFault> {
        let entries = self.cutter.entries();
        let head = tip_at(entries, Sequence::new(u64::MAX - 1))?.head;
        Ok((head > entries.mark().base.head).then_some(head))
    }

    /// The last event that has to go because the log is larger than it may be.
    fn too_large(&mut self, head: Sequence) -> Result<Option<Sequence>, LogFault> {
        let max = self.retention.log_bytes_max;
        // The files are larger than what is in them: as long as they are small nothing has to be counted.
        if files::folder_bytes(&self.data) <= max {
            return Ok(None);
        }
        let mut pacer = Pacer::new(&self.asking.signs, false);
        self.counted.too_large(&self.cutter, (head, max), &mut || pacer.rest())
    }

    /// What has to go because some domain has more than it may, where that is all counted; from then on it is over.
    fn excess(&mut self) -> Result<Option<Excess>, LogFault> {
        if self.shares.is_empty() {
            return Ok(None);
        }
        let Some(head) = self.head()? else { return Ok(None) };
        let (entries, mut pacer) = (self.cutter.entries(), Pacer::new(&self.asking.signs, false));
        if !count(&mut self.shares, entries, head, &mut || pacer.rest())? {
            return Ok(None);
        }
        // What is carried goes only with some of what is not.
        let first = tip_at(entries, entries.mark().base.head.next())?.head;
        let excess = self.shares.judge(self.time.now().elapsed);
        self.kept = Arc::new(self.kept.with(self.shares.over_before()));
        self.tell_domains();
        Ok(excess.map(|excess| Excess { through: excess.through.max(first), ..excess }))
    }

    /// Has a checkpoint written that stands through `at`, unless there is one.
    fn is_checkpointed(&self, at: Sequence) -> Result<bool, Stopped> {
        let mut wait = CHECKPOINT_WAIT;
        for _ in 0..CHECKPOINT_LOOKS {
            match self.asking.ask(Chore::Checkpoint(at))? {
                Done::Checkpointed(through) if through >= at => return Ok(true),
                _ if self.asking.signs.sleep(wait) => {}
                _ => return Err(Stopped),
            }
            wait = (wait * 2).min(CHECKPOINT_WAIT_MAX);
        }
        warn!("a checkpoint takes more than a minute; the log is cut later");
        Ok(false)
    }

    fn tell_domains(&mut self) {
        for (domain, taken) in self.shares.taken() {
            self.metrics.log_of_domain(domain, (taken.bytes, taken.stays));
            let Taken { max, stays, .. } = taken;
            if stays <= max {
                self.told.remove(domain);
            } else if self.told.insert(domain.clone()) {
                warn!(%domain, stays, max, "what lives of a domain takes more of the store than its past may; nothing of that is removed, look for inboxes that nobody reads");
            }
        }
    }

    fn tell_oldest(&self) {
        let now = self.time.now().elapsed;
        // One that cannot be read is told when it is needed.
        let oldest = self.reader.read_one(self.reader.kept_from());
        let age = oldest.map_or(0, |oldest| oldest.at.timestamp().until(now).as_ms() / 1_000);
        self.metrics.log_oldest.set(i64::try_from(age).unwrap_or(i64::MAX));
    }
}

/// A cutter that notes whether a change of the log failed: afterwards the log must not be used any more.
struct Noting {
    inner: Box<dyn Cutter>,
    has_failed: bool,
}

impl Noting {
    fn note<T>(&mut self, done: Result<T, LogFault>) -> Result<T, LogFault> {
        self.has_failed |= done.is_err();
        done
    }
}

impl Cutter for Noting {
    fn entries(&self) -> &dyn Entries {
        self.inner.entries()
    }

    fn vault(&self) -> Option<&dyn Sealing> {
        self.inner.vault()
    }

    fn carried(&self, key: &[u8]) -> Result<Option<Vec<u8>>, LogFault> {
        self.inner.carried(key)
    }

    fn stage(&mut self, records: &[CheckpointRecord]) -> Result<(), LogFault> {
        let done = self.inner.stage(records);
        self.note(done)
    }

    fn cut(&mut self, mark: CutMark) -> Result<(), LogFault> {
        let done = self.inner.cut(mark);
        self.note(done)
    }

    fn sweep(&mut self, steps: usize) -> Result<bool, LogFault> {
        let done = self.inner.sweep(steps);
        self.note(done)
    }
}
