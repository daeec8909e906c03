//! The log of a store on which a server runs, event by event, and its state, as that server gives them to its own user.
//!
//! Must never hold: how a server gives it, or a key for longer than a page of events takes.

use core::ops::ControlFlow;
use std::path::Path;

use super::copy;
use super::look::{Asked, Told, What};
use crate::backup::{BackupFault, Record};
use crate::event::{Assembler, EntityKey, Recorded};
use crate::log::{CarriedEvent, CutMark, LogFault, StoredKeys, event_key, state_key};
use crate::model::{Payload, Sequence};
use crate::view::{Carried, EntityDigest, RecordFault, Views};

/// Events that are opened at once.
const PAGE_EVENTS: usize = 4_096;

/// What is called with each event; it says whether to go on.
pub type EachEvent<'a> = dyn FnMut(Recorded) -> ControlFlow<()> + 'a;

/// Calls `each` with every durable event behind `after` of the store in `data`, on which a server runs, in order and until it
/// breaks off; of what was cut away with those that are carried forward. What people wrote is opened with the keys of now.
///
/// # Errors
/// [`BackupFault::Silent`] if nobody answers whoever wants the log of a store that is in use, [`BackupFault::Server`] if the
/// server breaks off, and [`BackupFault::Log`] with the position of what cannot be read.
pub fn each_running(
    data: &Path,
    after: Sequence,
    each: &mut EachEvent<'_>,
) -> Result<(), BackupFault> {
    let mut pages = Pages::behind(after, data);
    copy::ask(data, after, &mut |record| pages.take(record, each))
}

struct Pages<'a> {
    data: &'a Path,
    after: Sequence,
    assembler: Assembler,
    waiting: Vec<Recorded>,
}

impl<'a> Pages<'a> {
    /// Of the store in `data`, for what comes behind `after`.
    fn behind(after: Sequence, data: &'a Path) -> Self {
        Self { data, after, assembler: Assembler::reading(), waiting: Vec::new() }
    }

    fn take(
        &mut self,
        record: Record<'_>,
        each: &mut EachEvent<'_>,
    ) -> Result<ControlFlow<()>, BackupFault> {
        match record {
            // If it is cut meanwhile, the copy begins again: with what was given already, which is not given twice.
            Record::Begins(_) => {
                self.waiting.clear();
                self.assembler = Assembler::reading();
            }
            Record::Stands(_) => {}
            Record::Carried { key, value } => self.carried(key, value)?,
            Record::Entry { key, value } => {
                self.assembler.push(key, value, &mut self.waiting)?;
            }
            Record::Ends(_) => {
                self.assembler.finish()?;
                return self.give(each);
            }
            Record::Fault(reason) => {
                let (data, reason) = (self.data.to_owned(), reason.to_owned());
                return Err(BackupFault::Server { data, reason });
            }
        }
        if self.waiting.len() < PAGE_EVENTS {
            return Ok(ControlFlow::Continue(()));
        }
        self.give(each)
    }

    fn carried(&mut self, key: &[u8], value: &[u8]) -> Result<(), BackupFault> {
        if key > &event_key(self.after)[..] && key < &state_key(&[])[..] {
            self.waiting.push(CarriedEvent::from_bytes(key, value)?.recorded);
        }
        Ok(())
    }

    /// A key is durable before what it seals is, so the keys of now open all that waits here but what was erased.
    fn give(&mut self, each: &mut EachEvent<'_>) -> Result<ControlFlow<()>, BackupFault> {
        self.waiting.retain(|recorded| recorded.sequence > self.after);
        self.after = self.waiting.last().map_or(self.after, |last| last.sequence);
        let keys = StoredKeys::read(self.data)?;
        for recorded in &mut self.waiting {
            keys.open(recorded.event.payloads_mut())?;
        }
        Ok(self.waiting.drain(..).try_for_each(each))
    }
}

/// Digests of some of the entities behind `after` in the state of the server on the store in `data`, in order, and the last event
/// that this state holds; of none behind the last. The next ones are those of a later state.
///
/// # Errors
/// [`BackupFault::Silent`] if nobody answers, [`BackupFault::Server`] if the server breaks off.
pub fn digests_of_running(
    data: &Path,
    after: Option<&EntityKey>,
) -> Result<(Sequence, Vec<EntityDigest>), BackupFault> {
    match told(data, &Asked::Digests(after.cloned()))? {
        Told { position, what: What::Digests(digests) } => Ok((position, digests)),
        Told { .. } => Err(unknown(data)),
    }
}

/// One entity of that state by the names of its fields, null if it is not there, and the last event that the state holds.
///
/// # Errors
/// As [`digests_of_running`].
pub fn fields_of_running(
    data: &Path,
    entity: &EntityKey,
) -> Result<(Sequence, serde_json::Value), BackupFault> {
    match told(data, &Asked::Fields(entity.clone()))? {
        Told { position, what: What::Fields(fields) } => {
            Ok((position, serde_json::from_str(&fields).map_err(|_| unknown(data))?))
        }
        Told { .. } => Err(unknown(data)),
    }
}

fn told(data: &Path, asked: &Asked) -> Result<Told, BackupFault> {
    let asked = postcard::to_stdvec(asked).expect("names have a form in postcard");
    let told = copy::look(data, &asked)?;
    postcard::from_bytes(&told).map_err(|_| unknown(data))
}

fn unknown(data: &Path) -> BackupFault {
    let reason = "its answer is of another version".to_owned();
    BackupFault::Server { data: data.to_owned(), reason }
}

/// The state of a store on which a server runs, folded anew along its log.
#[derive(Debug)]
pub struct RunningReplay<'a> {
    data: &'a Path,
    views: Views,
}

impl<'a> RunningReplay<'a> {
    /// Of the store in `data`, before its first event.
    pub fn new(data: &'a Path) -> Self {
        Self { data, views: Views::default() }
    }

    /// The state so far.
    pub fn views(&mut self) -> &mut Views {
        &mut self.views
    }

    /// Folds what comes up to the event `through` if that is not done yet, calling `progress` with the position. What is carried
    /// forward of a log that was cut is where it begins.
    ///
    /// # Errors
    /// As [`each_running`]; [`LogFault::OlderThanKept`] if `through` was cut away, or what comes next was meanwhile.
    pub fn advance(
        &mut self,
        through: Sequence,
        progress: &mut dyn FnMut(Sequence),
    ) -> Result<(), BackupFault> {
        if through <= self.views.head() {
            return Ok(());
        }
        let (data, after) = (self.data, self.views.head());
        let (views, keys) = (&mut self.views, StoredKeys::read(data)?);
        let mut fold = Fold { views, keys, goes_on: after > Sequence::ZERO, takes_state: false };
        let mut pages = Pages::behind(after, data);
        copy::ask(data, after, &mut |record| {
            if fold.state(record, through)? {
                pages.after = Sequence::ZERO;
            }
            // What is carried of single events is in the state already.
            if matches!(record, Record::Carried { .. }) {
                return Ok(ControlFlow::Continue(()));
            }
            let mut faulty = Ok(());
            let more = pages.take(record, &mut |recorded| {
                if recorded.sequence <= through {
                    faulty = fold.views.take(&recorded);
                    progress(recorded.sequence);
                }
                if faulty.is_ok() && recorded.sequence < through {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })?;
            faulty?;
            Ok(more)
        })?;
        let reached = self.views.head();
        if reached < through {
            return Err(LogFault::Missing { sequence: reached.next() }.into());
        }
        Ok(())
    }
}

/// What becomes of a copy of the log.
struct Fold<'a> {
    views: &'a mut Views,
    keys: StoredKeys,
    /// Whether something was folded before the copy.
    goes_on: bool,
    /// Whether what is carried forward is where the state begins.
    takes_state: bool,
}

impl Fold<'_> {
    /// Takes what is state of a copy that is to be folded up to `through`. Says whether the state begins anew with it.
    fn state(&mut self, record: Record<'_>, through: Sequence) -> Result<bool, LogFault> {
        match record {
            Record::Begins(mark) => return self.begins(mark, through),
            Record::Carried { key, value } if self.takes_state => self.carried(key, value)?,
            Record::Stands(_) if self.takes_state => {
                self.views.finish_loading().map_err(|fault| damaged(b"all", fault))?;
            }
            _ => {}
        }
        Ok(false)
    }

    /// The log begins there: as it was found, or because it was cut meanwhile.
    fn begins(&mut self, mark: CutMark, through: Sequence) -> Result<bool, LogFault> {
        let (cut, folded) = (mark.base.head, self.views.head());
        // Also what is carried counts as folded only once all of it is there.
        let is_folded = folded >= cut && !self.takes_state;
        if cut > through || !is_folded && self.goes_on {
            let sequence = folded.next();
            return Err(LogFault::OlderThanKept { sequence, through: cut, until: mark.until });
        }
        self.takes_state = !is_folded;
        if self.takes_state {
            *self.views = Views::default();
        }
        Ok(self.takes_state)
    }

    fn carried(&mut self, key: &[u8], value: &[u8]) -> Result<(), LogFault> {
        let Some(key) = key.strip_prefix(&state_key(&[])[..]) else { return Ok(()) };
        let mut opened = Ok(());
        let open = |payloads: Vec<&mut Payload>| {
            if opened.is_ok() {
                opened = self.keys.open(payloads);
            }
        };
        match self.views.load::<Carried>(key, value, open) {
            Ok(true) => opened,
            Ok(false) => Err(LogFault::CarriedVersion),
            Err(fault) => Err(damaged(key, fault)),
        }
    }
}

fn damaged(key: &[u8], RecordFault { reason }: RecordFault) -> LogFault {
    LogFault::Carried { key: key.escape_ascii().to_string(), reason }
}
