//! The only place where service meets log: handle inputs, append, sync, release outputs.
//!
//! The order handle, persist, release is the promise that an answer means durable.
//! Must never hold: a clock, a thread or a socket.

mod checkpoint;
mod compared;
mod cut;
pub mod history;
mod ids;
mod load;
pub mod replay;
mod rewrite;
mod rows;
mod stage;

use std::sync::Arc;

use self::checkpoint::Checkpointer;
pub use self::cut::{
    Asked, Keeps, StagedCut, StillThere, finish_cut, last_until, stage_cut, stage_cut_beside,
    sweep_cut,
};
use self::ids::IdStore;
pub use self::load::carried;
use self::load::{discard, load};
pub use self::rewrite::rewrite;
pub use self::stage::{Pace, Stage};
use crate::event::Event;
use crate::log::{Cutter, EventLog, LogFault, LogReader, Room, each_event};
use crate::model::{Now, Principal, Quotas, Refusal, Sequence, Timestamp};
use crate::service::{
    Batch, InboxPlace, Input, KeptSince, OperatorRecovery, Output, Service, ServiceConfig,
};
use crate::view::Views;

/// Records of a checkpoint that are written at once when nobody waits.
const CHECKPOINT_RECORDS: usize = 4_096;
/// How many events are folded between two words on how far it is.
const PROGRESS_EVENTS: u64 = 4_096;

/// Sizes of the views, for the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Principals enrolled.
    pub principals: u64,
    /// Presentities that ever published.
    pub presentities: u64,
    /// Publications that live.
    pub publications: u64,
    /// Subscriptions that live.
    pub subscriptions: u64,
    /// Inboxes that ever got a message.
    pub inboxes: u64,
    /// Messages kept.
    pub messages: u64,
    /// Feeds that are open.
    pub feeds: u64,
}

/// How far [`Commit::persist_telling`] has come with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persisted {
    /// Its entries are made: what people wrote is sealed, and its events are packed.
    Packed,
    /// They are handed to the disk.
    Appended,
    /// They are on stable storage.
    Synced,
}

/// A service on its log.
pub struct Commit {
    service: Service,
    log: Box<dyn EventLog>,
    checkpointer: Checkpointer,
    /// Whether the outputs waiting in the service were judged by synced state only.
    persisted: bool,
    /// How many chunks of rows were put back for the next input.
    recalled: u64,
    /// What kept an input from being decided. Nothing is decided any more.
    fault: Option<LogFault>,
}

impl Commit {
    /// Loads the checkpoint of `log` and folds the rest of it, telling `progress` how far it is: the events folded so
    /// far and how many there are to fold.
    ///
    /// # Errors
    /// [`LogFault`] with the position of the damage.
    pub fn open(
        config: ServiceConfig,
        mut log: Box<dyn EventLog>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, LogFault> {
        let (mut views, mut ids) = load(log.as_ref())?;
        let carried = carried(log.as_ref(), views.head())?;
        let is_carried = carried.is_some();
        if let Some(carried) = carried {
            discard(log.as_mut())?;
            (views, ids) = (carried, IdStore::empty(log.as_ref())?);
        }
        if views.head() == Sequence::ZERO || is_carried {
            rows::clear(log.as_mut())?;
        }
        let checkpointer = Checkpointer::new(views.head(), ids);
        let head = log.head();
        fold(&mut views, log.as_ref(), head, progress)?;
        Self::over(config, log, (views, checkpointer))
    }

    /// A service over the state that `log` folds to. Keys of the erased are gone by then, also if a process ended before it
    /// could destroy one.
    fn over(
        config: ServiceConfig,
        log: Box<dyn EventLog>,
        (mut views, checkpointer): (Views, Checkpointer),
    ) -> Result<Self, LogFault> {
        views.let_go_again();
        let mut erased = views.erased();
        erased.try_for_each(|principal| destroy_key(log.as_ref(), principal))?;
        drop(erased);
        if let Some(vault) = log.vault() {
            let domains = views.domains().filter(|(_, view)| view.recipients_keep);
            vault.keep_for_recipients(domains.map(|(domain, _)| domain.clone()).collect());
        }
        let service = Service::new(config, views);
        Ok(Self { service, log, checkpointer, persisted: true, recalled: 0, fault: None })
    }

    /// As [`Commit::open`], but folds the whole log and takes no checkpoint's word.
    ///
    /// # Errors
    /// [`LogFault`] with the position of the damage.
    pub fn rebuild(
        config: ServiceConfig,
        mut log: Box<dyn EventLog>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, LogFault> {
        // Nothing of the checkpoint is to speak of rows that are gone.
        discard(log.as_mut())?;
        rows::clear(log.as_mut())?;
        let mut views = carried(log.as_ref(), Sequence::ZERO)?.unwrap_or_default();
        let head = log.head();
        fold(&mut views, log.as_ref(), head, progress)?;
        let ids = IdStore::empty(log.as_ref())?;
        Self::over(config, log, (views, Checkpointer::new(Sequence::ZERO, ids)))
    }

    /// Looks how much room the log has. Unless that is plenty, what is new is refused from now on. Call before each round and
    /// before each part of a checkpoint; with no room at all neither may follow.
    pub fn look_for_room(&mut self) -> Room {
        let room = self.log.room();
        self.service.storage_full(room != Room::Plenty);
        room
    }

    /// Step 1 of a round: does what is due, decides and applies `inputs`. Nothing may leave yet.
    /// `now` is read once a round; elapsed time that went back is taken as standing still.
    pub fn handle(&mut self, now: impl Into<Now>, inputs: impl IntoIterator<Item = Input>) {
        let now = now.into();
        self.persisted = false;
        for input in inputs {
            self.take_in(now, input);
        }
    }

    /// As [`Commit::handle`], of one input. Returns what it took beside itself, see [`Service::steps`].
    ///
    /// What the input asks of the past is first looked up on the disk. If that cannot be read, nothing is decided any more, and
    /// [`Commit::persist`] tells why.
    pub fn take_in(&mut self, now: impl Into<Now>, input: Input) -> u64 {
        self.persisted = false;
        if self.fault.is_none() {
            self.fault = self.recall(&input).err();
        }
        if self.fault.is_some() {
            return 0;
        }
        let recalled = core::mem::take(&mut self.recalled);
        self.service.handle(now, input);
        self.service.steps() + recalled
    }

    /// Puts what `input` asks of the past, and the state does not hold, back into it.
    fn recall(&mut self, input: &Input) -> Result<(), LogFault> {
        while let Some((inbox, chunk)) = self.service.wanted_rows(input) {
            rows::recall(self.service.views_mut(), self.log.as_ref(), (&inbox, chunk))?;
            self.recalled += 1;
        }
        let Some(key) = input.message_key() else { return Ok(()) };
        let views = self.service.views_mut();
        let known = match views.held_message(&key) {
            None => self.checkpointer.ids.find(self.log.as_ref(), key)?,
            held => held,
        };
        views.recall_message(key, known);
        Ok(())
    }

    /// Step 2: appends and syncs the round's events and returns them; with none, does nothing.
    ///
    /// # Errors
    /// [`LogFault`]: the process must end, memory is ahead of the disk.
    pub fn persist(&mut self) -> Result<Option<Batch>, LogFault> {
        self.persist_telling(&mut |_| {})
    }

    /// As [`Commit::persist`], telling `reached` how far it is, for whoever has a clock. With no events nothing is told.
    ///
    /// # Errors
    /// As [`Commit::persist`].
    pub fn persist_telling(
        &mut self,
        reached: &mut dyn FnMut(Persisted),
    ) -> Result<Option<Batch>, LogFault> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let batch = self.service.take_batch();
        if let Some(batch) = &batch {
            let packed = &mut || reached(Persisted::Packed);
            let head = self.log.append_telling(batch.ahead, &batch.events, packed)?;
            assert_eq!(head, self.service.views().head(), "log and views count the same events");
            reached(Persisted::Appended);
            self.log.sync()?;
            reached(Persisted::Synced);
            self.forget_erased(batch)?;
        }
        // What was put back for this round is not needed any more.
        self.service.views_mut().let_go_again();
        self.persisted = true;
        Ok(batch)
    }

    /// Destroys the keys of those whom the events of `batch`, which are durable, have erased.
    fn forget_erased(&self, batch: &Batch) -> Result<(), LogFault> {
        let mut erased = batch.events.iter().filter_map(|(_, event)| match event {
            Event::PrincipalErased(event) => Some(&event.principal),
            _ => None,
        });
        erased.try_for_each(|principal| destroy_key(self.log.as_ref(), principal))
    }

    /// Step 3: what may leave now.
    ///
    /// # Panics
    /// If called before the round was persisted.
    pub fn release(&mut self) -> Vec<Output> {
        assert!(self.persisted, "nothing leaves before the state it was judged by is durable");
        self.service.take_outputs()
    }

    /// Writes about `records_max` records of the running checkpoint, beginning one if enough changed since the
    /// last, and between two of them merges what lies on the disk of ids. Returns whether there is more to write. Costs what changed, so call it between rounds.
    ///
    /// # Errors
    /// [`LogFault`]: the process must end.
    pub fn checkpoint(&mut self, records_max: usize) -> Result<bool, LogFault> {
        assert!(self.persisted, "a checkpoint never runs ahead of the log");
        let (views, log) = (self.service.views_mut(), self.log.as_mut());
        if self.checkpointer.step(views, log, records_max)? {
            return Ok(true);
        }
        self.checkpointer.tidy(views, log, records_max)
    }

    /// Begins a checkpoint now, for [`Commit::checkpoint`] to write, unless one runs or nothing changed.
    pub fn begin_checkpoint(&mut self) {
        self.checkpointer.begin(self.service.views_mut());
    }

    /// Writes a whole checkpoint now, for an orderly shutdown.
    ///
    /// # Errors
    /// [`LogFault`].
    pub fn checkpoint_all(&mut self) -> Result<(), LogFault> {
        assert!(self.persisted, "a checkpoint never runs ahead of the log");
        // One that runs already is finished first; what changed since it began is another.
        let (views, log) = (self.service.views_mut(), self.log.as_mut());
        while self.checkpointer.step(views, log, CHECKPOINT_RECORDS)? {}
        self.checkpointer.begin(views);
        while self.checkpointer.step(views, log, CHECKPOINT_RECORDS)? {}
        Ok(())
    }

    /// What the operator lets one principal have from now on, where its administrators set nothing else.
    pub fn limit_principals(&mut self, quotas: Quotas) {
        self.service.limit_principals(quotas);
    }

    /// Lets the filter that says of an id of a message that it is surely new take no more than `bytes` of memory. Where that is
    /// less than it needs, more ids are looked up on the disk in vain.
    pub fn limit_message_filter(&mut self, bytes: u64) {
        self.checkpointer.ids.limit_filter(bytes);
    }

    /// How much memory that filter takes, in bytes.
    pub fn message_filter_bytes(&self) -> u64 {
        self.checkpointer.ids.filter_bytes()
    }

    /// Records events that are decided outside any session, such as the first invite, and syncs them.
    ///
    /// # Errors
    /// [`LogFault`]: the process must end.
    pub fn record(&mut self, now: impl Into<Now>, events: Vec<Event>) -> Result<(), LogFault> {
        self.begin_record(now, events);
        self.persist().map(drop)
    }

    /// As [`Commit::record`], for [`Commit::persist`] to sync with the rest of a round.
    pub fn begin_record(&mut self, now: impl Into<Now>, events: Vec<Event>) {
        self.persisted = false;
        self.service.record(now, events);
    }

    /// Ends messages that were read and are older than is kept, in some inboxes, and syncs that; see [`Service::end_read`].
    ///
    /// # Errors
    /// [`LogFault`]: the process must end.
    pub fn end_read(
        &mut self,
        now: impl Into<Now>,
        since: &KeptSince<'_>,
        place: &InboxPlace,
    ) -> Result<Option<InboxPlace>, LogFault> {
        let next = self.begin_end_read(now, since, place);
        self.persist()?;
        Ok(next)
    }

    /// As [`Commit::end_read`], for [`Commit::persist`] to sync with the rest of a round, and to tell if the disk cannot be read.
    pub fn begin_end_read(
        &mut self,
        now: impl Into<Now>,
        since: &KeptSince<'_>,
        place: &InboxPlace,
    ) -> Option<InboxPlace> {
        self.persisted = false;
        for (inbox, chunk) in self.service.wanted_to_end_read(since, place) {
            let views = self.service.views_mut();
            if let Err(fault) = rows::recall(views, self.log.as_ref(), (&inbox, chunk)) {
                self.fault = Some(fault);
                return None;
            }
        }
        self.service.end_read(now, since, place)
    }

    /// Records that the operator starts a recovery, and syncs it.
    ///
    /// # Errors
    /// [`LogFault`]: the process must end. The refusal of a name that cannot be recovered is no error of the log.
    pub fn recover(
        &mut self,
        now: impl Into<Now>,
        wanted: &OperatorRecovery,
    ) -> Result<Result<(), Refusal>, LogFault> {
        let recovered = self.service.recover(now, wanted);
        self.persist()?;
        Ok(recovered)
    }

    /// Erases a principal for the operator: when this returns, it is recorded, and its key is destroyed.
    ///
    /// # Errors
    /// As [`Commit::recover`].
    pub fn erase(
        &mut self,
        now: impl Into<Now>,
        principal: &Principal,
    ) -> Result<Result<(), Refusal>, LogFault> {
        let erased = self.service.erase(now, principal);
        self.persist()?;
        Ok(erased)
    }

    /// Ends all that was due while the log was not open, and has every live subscription be where it belongs by what holds
    /// now, which may not be what held then. Call once, before anything is asked. Returns what happened.
    ///
    /// # Errors
    /// [`LogFault`]: the process must end.
    pub fn review(&mut self, now: impl Into<Now>) -> Result<Vec<Batch>, LogFault> {
        let (now, mut happened) = (now.into(), Vec::new());
        while self.service.is_due(now) {
            self.take_in(now, Input::Tick);
            happened.extend(self.persist()?);
        }
        self.service.review(now);
        happened.extend(self.persist()?);
        Ok(happened)
    }

    /// Records what was counted and not recorded yet, for an orderly end.
    ///
    /// # Errors
    /// [`LogFault`]: the process must end.
    pub fn settle(&mut self, now: impl Into<Now>) -> Result<(), LogFault> {
        self.service.settle(now);
        self.persist().map(drop)
    }

    /// Whether there is something to do without any input, see [`Service::is_due`].
    pub fn is_due(&mut self, now: impl Into<Now>) -> bool {
        self.service.is_due(now)
    }

    /// When something falls due next, in elapsed time.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        self.service.next_timeout()
    }

    /// The last event.
    pub fn head(&self) -> Sequence {
        self.service.views().head()
    }

    /// The state.
    pub fn views(&self) -> &Views {
        self.service.views()
    }

    /// Sizes of the views.
    pub fn sizes(&self) -> Sizes {
        let views = self.service.views();
        let counts = views.counts();
        Sizes {
            principals: views.principals_count() as u64,
            presentities: views.presentities_count() as u64,
            publications: counts.publications,
            subscriptions: counts.subscriptions,
            inboxes: views.inboxes_count() as u64,
            messages: counts.messages,
            feeds: self.service.feeds_count() as u64,
        }
    }

    /// The last event that the last checkpoint stands for: a log is cut no further, so that a start has not to fold what is
    /// carried.
    pub fn checkpointed(&self) -> Sequence {
        self.checkpointer.through()
    }

    /// What cuts the log, see [`stage_cut`].
    pub fn cutter(&self) -> Option<Box<dyn Cutter>> {
        self.log.cutter()
    }

    /// A reader of the log.
    pub fn reader(&self) -> Arc<dyn LogReader> {
        self.log.reader()
    }
}

fn destroy_key(log: &dyn EventLog, principal: &Principal) -> Result<(), LogFault> {
    log.vault().map_or(Ok(false), |vault| vault.destroy(principal)).map(drop)
}

fn fold(
    views: &mut Views,
    log: &dyn EventLog,
    through: Sequence,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), LogFault> {
    let reader = log.reader();
    let begin = views.head();
    let total = through.get().saturating_sub(begin.get());
    if begin > log.head() {
        return Err(LogFault::Missing { sequence: begin });
    }
    each_event(reader.as_ref(), (begin.next(), through), |recorded| {
        if let Event::MessageDisplayed(event) = &recorded.event {
            let view = views.inbox(&event.inbox);
            if let Some(chunk) = view.and_then(|view| view.wanted_for(event.sequence)) {
                rows::recall(views, log, (&event.inbox, chunk))?;
            }
        }
        views.take(&recorded)?;
        let done = recorded.sequence.get() - begin.get();
        if done.is_multiple_of(PROGRESS_EVENTS) || done == total {
            progress(done, total);
        }
        Ok(())
    })
}
