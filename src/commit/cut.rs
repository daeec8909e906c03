//! Cutting away the beginning of a log: what is carried forward is found, staged, stated in the log, and then counts.
//!
//! The state at the cut is folded from what the cut before carried and the events since, of those entities alone that these
//! are about. So a cut costs what it removes, and holds up nobody who asks the service.
//! Must never hold: a decision about when to cut and how far, or a key.

use core::ops::ControlFlow;
use std::collections::{BTreeMap, BTreeSet};

use super::load::{carried_fault, carried_record, finish_carried};
use super::stage::{Pace, Stage};
use crate::event::{AccessRulesChanged, CutStatement, EntityKey, Event, Operator, Recorded};
use crate::log::{
    Carried, CarriedEvent, CarriedSum, CutMark, Cutter, Entries, LogFault, LogReader, Tip,
    carried_sum_while, event_key, measure, state_key, stored_event, stored_events,
    stored_neighbours, tip_until,
};
use crate::model::{InboxAddress, InboxSequence, Sequence, Timestamp};
use crate::view::{RecordFault, Views};

/// Events folded at once.
const STEP_EVENTS: usize = 1_024;
/// Records of what is carried that are looked at at once.
const STEP_RECORDS: usize = 64;
/// Entries and records removed at once: a fraction of a millisecond.
const SWEEP_STEPS: usize = 32;

/// Says of an event of the past whether it is to be kept for a while, though nothing that lives is there.
pub type Keeps<'a> = dyn Fn(&Recorded) -> bool + 'a;

/// Says which of the places of an inbox hold something that is there by now; `None` to stop. What is over by then, though it was there
/// where the log is cut, is not carried: nobody can ask for it.
pub type StillThere<'a> =
    dyn FnMut(&InboxAddress, Vec<InboxSequence>) -> Option<Vec<InboxSequence>> + 'a;

/// What is asked while a cut is staged.
pub struct Asked<'a, 'w> {
    /// What is carried of the past.
    pub keeps: &'a Keeps<'a>,
    /// What is there by now. Whatever it says is over must be recorded as such, durably.
    pub still_there: &'a mut StillThere<'w>,
}

/// A cut that is staged and has yet to be stated.
#[derive(Clone, Debug)]
pub struct StagedCut {
    /// What is to be stated.
    pub statement: CutStatement,
    mark: CutMark,
}

/// As [`stage_cut_beside`], with all that was there where the log is cut.
///
/// # Errors
/// [`LogFault`].
pub fn stage_cut(
    reader: &dyn LogReader,
    cutter: &mut dyn Cutter,
    at: Sequence,
    keeps: &Keeps<'_>,
    pace: &mut Pace<'_>,
) -> Result<Option<StagedCut>, LogFault> {
    let mut asked = Asked { keeps, still_there: &mut |_, places| Some(places) };
    stage_cut_beside(reader, cutter, at, &mut asked, pace)
}

/// Stages a cut of the log through the last whole entry that ends at `at` or before, with what `asked` says. `None` if there is nothing
/// to cut there, or to stop was said.
///
/// # Errors
/// [`LogFault`].
pub fn stage_cut_beside(
    reader: &dyn LogReader,
    cutter: &mut dyn Cutter,
    at: Sequence,
    asked: &mut Asked<'_, '_>,
    pace: &mut Pace<'_>,
) -> Result<Option<StagedCut>, LogFault> {
    if !sweep_cut(cutter, pace)? {
        return Ok(None);
    }
    let from = cutter.entries().mark().base;
    let through = tip_until(cutter.entries(), at)?;
    if through.head <= from.head {
        return Ok(None);
    }
    let Some(touched) = touched(cutter.entries(), (from.head, through.head), pace)? else {
        return Ok(None);
    };
    let Some(mut views) = carried_of(cutter, &touched, pace)? else { return Ok(None) };
    let before: Vec<BTreeSet<Sequence>> =
        touched.iter().map(|entity| views.places_of(entity)).collect();
    let mut past = Past { keeps: asked.keeps, places: BTreeSet::new() };
    let between = (from.head, through.head);
    let read = |from, max| reader.read(from, max);
    let folded = each_between(&read, between, pace, &mut |recorded| {
        views.apply(recorded);
        past.add(recorded);
        forget_ids(&mut views, recorded.sequence);
    })?;
    let Some(last) = folded else { return Ok(None) };
    let mut staging = Staging {
        stage: Stage::new(&mut *cutter, pace),
        past,
        still_there: &mut *asked.still_there,
        living: Vec::new(),
    };
    staging.past(from.head)?;
    for (entity, before) in touched.iter().zip(before) {
        staging.entity(&mut views, entity, &before)?;
    }
    staging.living(&views)?;
    if !staging.stage.finish((last.sequence, last.at, last.ahead))? {
        return Ok(None);
    }
    let Some(sum) = carried_sum_while(cutter.entries(), Carried::Staged, pace)? else {
        return Ok(None);
    };
    state(cutter, (from, through), sum, &last).map(Some)
}

/// Makes a staged cut count, which event `statement` states, durably.
///
/// # Errors
/// [`LogFault`].
pub fn finish_cut(
    cutter: &mut dyn Cutter,
    staged: &StagedCut,
    statement: Sequence,
) -> Result<(), LogFault> {
    cutter.cut(CutMark { statement, ..staged.mark })
}

/// Removes what counts no more. Returns whether all of it is gone.
///
/// # Errors
/// [`LogFault`].
pub fn sweep_cut(cutter: &mut dyn Cutter, pace: &mut Pace<'_>) -> Result<bool, LogFault> {
    while cutter.sweep(SWEEP_STEPS)? {
        if !pace() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The last event of those behind `base` up to `head` that was decided before `time`, or `base` itself.
///
/// # Errors
/// [`LogFault`].
pub fn last_until(
    reader: &dyn LogReader,
    (base, head): (Sequence, Sequence),
    time: Timestamp,
) -> Result<Sequence, LogFault> {
    let (mut low, mut high) = (base.get(), head.get());
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if reader.read_one(Sequence::new(middle))?.at.timestamp() < time {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Ok(Sequence::new(low))
}

/// Forgets now and then which messages came: nobody asks these views, and what is carried of them are rows.
fn forget_ids(views: &mut Views, at: Sequence) {
    if at.get().is_multiple_of(STEP_EVENTS as u64) {
        views.settle_ids();
        views.ids_settled();
    }
}

/// Which events of the past are carried: those that are asked for, and what stood beside a change that is.
struct Past<'a> {
    keeps: &'a Keeps<'a>,
    places: BTreeSet<Sequence>,
}

impl Past<'_> {
    /// Takes an event of the past. An erasure is always carried: it says of what was written before that it is gone.
    fn add(&mut self, recorded: &Recorded) {
        if !(self.keeps)(recorded) && !matches!(recorded.event, Event::PrincipalErased(_)) {
            return;
        }
        self.places.insert(recorded.sequence);
        match &recorded.event {
            Event::Published(event) => self.places.extend(&event.others),
            Event::PublicationEnded(event) => self.places.extend(&event.others),
            _ => {}
        }
    }
}

/// What is to be stated of the cut that is staged.
fn state(
    cutter: &dyn Cutter,
    (from, through): (Tip, Tip),
    CarriedSum { records, bytes: carried_bytes, digest }: CarriedSum,
    last: &Recorded,
) -> Result<StagedCut, LogFault> {
    let (_, bytes) = measure(cutter.entries(), (from.head, through.head), u64::MAX)?;
    let statement = CutStatement {
        from: from.head.next(),
        through: through.head,
        until: last.at.timestamp(),
        before: from.chain,
        after: through.chain,
        bytes,
        records,
        carried_bytes,
        carried: digest,
    };
    let number = cutter.entries().mark().number + 1;
    let (base, until, statement_at) = (through, last.shown_at(), Sequence::ZERO);
    let mark = CutMark { base, until, statement: statement_at, number, carried_bytes };
    Ok(StagedCut { statement, mark })
}

/// The state of `entities` alone that is carried, without the rows of inboxes that are over; `None` if `pace` says to stop.
fn carried_of(
    cutter: &dyn Cutter,
    entities: &BTreeSet<EntityKey>,
    pace: &mut Pace<'_>,
) -> Result<Option<Views>, LogFault> {
    let mut loading = Loading { cutter, pace, views: Views::default(), taken: 0 };
    loading.take(Views::META_KEY)?;
    for entity in entities {
        loading.take(&Views::record_key(entity))?;
        if let EntityKey::Inbox(inbox) = entity
            && !loading.rows(inbox)?
        {
            return Ok(None);
        }
    }
    let mut views = loading.views;
    finish_carried(&mut views)?;
    Ok(Some(views))
}

/// Loads what is carried, record by record.
struct Loading<'a, 'p> {
    cutter: &'a dyn Cutter,
    pace: &'a mut Pace<'p>,
    views: Views,
    taken: usize,
}

impl Loading<'_, '_> {
    /// The record under `key`. Returns whether there is one.
    fn take(&mut self, key: &[u8]) -> Result<bool, LogFault> {
        let found = self.cutter.carried(&state_key(key))?;
        if let Some(value) = &found {
            carried_record(&mut self.views, self.cutter.vault(), (key, value))?;
        }
        Ok(found.is_some())
    }

    /// The rows of an inbox that may change. Returns whether to go on.
    fn rows(&mut self, inbox: &InboxAddress) -> Result<bool, LogFault> {
        let (over, views) = (state_key(&Views::over_keys(inbox)), &mut self.views);
        self.cutter.entries().walk_carried(Carried::Staged, &over, &mut |key, value| {
            if !key.starts_with(&over) {
                return Ok(ControlFlow::Break(()));
            }
            let loaded = views.load_over(inbox, value);
            loaded.map(ControlFlow::Continue).map_err(|fault| carried_fault(key, fault))
        })?;
        let (keys, are_all_there) = self.views.open_keys(inbox);
        for key in keys {
            if !self.take(&key)? && are_all_there {
                let reason = format!("rows of {inbox} are missing");
                return Err(carried_fault(&key, RecordFault { reason }));
            }
            self.taken += 1;
            if self.taken.is_multiple_of(STEP_RECORDS) && !(self.pace)() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The entities that the events behind `after` up to `through` are about; `None` if `pace` says to stop.
fn touched(
    entries: &dyn Entries,
    (after, through): (Sequence, Sequence),
    pace: &mut Pace<'_>,
) -> Result<Option<BTreeSet<EntityKey>>, LogFault> {
    let mut touched = BTreeSet::new();
    // As they are stored: what is sealed says nothing of that.
    let read = |from, max| stored_events(entries, from, max);
    let all = each_between(&read, (after, through), pace, &mut |recorded| {
        touched.insert(recorded.event.entity());
        let operator = recorded.operation().map(|(operation, _)| operation.by);
        touched.extend(operator.map(EntityKey::Operations));
        touched.extend(recorded.event.charge().map(|charge| EntityKey::Budget(charge.principal)));
        if let Event::WatcherForgotten(event) = &recorded.event {
            touched.insert(EntityKey::Operations(Operator::Principal(event.watcher.clone())));
        }
    })?;
    Ok(all.map(|_| touched))
}

/// Reads so many events from a place on, at most.
type Read<'a> = dyn Fn(Sequence, usize) -> Result<Vec<Recorded>, LogFault> + 'a;

/// Calls `each` with the events behind `after` up to `through`; returns the last, or `None` if `pace` says to stop.
fn each_between(
    read: &Read<'_>,
    (after, through): (Sequence, Sequence),
    pace: &mut Pace<'_>,
    each: &mut dyn FnMut(&Recorded),
) -> Result<Option<Recorded>, LogFault> {
    let (mut next, mut last) = (after.next(), None);
    while next <= through {
        let begin = next;
        for recorded in read(next, STEP_EVENTS)? {
            if recorded.sequence != next || next > through {
                break;
            }
            each(&recorded);
            (next, last) = (next.next(), Some(recorded));
        }
        if next == begin {
            return Err(LogFault::Missing { sequence: next });
        }
        if !pace() {
            return Ok(None);
        }
    }
    Ok(last)
}

/// What goes into what is carried, entity by entity.
struct Staging<'a, 'w> {
    stage: Stage<'a>,
    past: Past<'a>,
    still_there: &'a mut StillThere<'w>,
    /// Where the events of what lives are. They are carried in their order, which they are read in and stored in at the least cost.
    living: Vec<Sequence>,
}

impl Staging<'_, '_> {
    /// The state of one entity, and where those of its events are that are asked for by their position; `before` are those
    /// that were at the cut before.
    fn entity(
        &mut self,
        views: &mut Views,
        entity: &EntityKey,
        before: &BTreeSet<Sequence>,
    ) -> Result<(), LogFault> {
        self.stage.state(views, entity)?;
        let places = views.places_of(entity);
        for gone in before.difference(&places) {
            self.ended(*gone)?;
        }
        let new = places.difference(before).copied().collect();
        let new = match entity {
            EntityKey::Inbox(inbox) => self.still_there(views, inbox, &new),
            _ => new,
        };
        self.living.extend(new);
        Ok(())
    }

    /// Carries the events of what lives.
    fn living(&mut self, views: &Views) -> Result<(), LogFault> {
        let (mut places, mut near) = (core::mem::take(&mut self.living), Vec::new());
        places.sort_unstable();
        for place in places {
            if !self.stage.goes_on {
                break;
            }
            let recorded = full(views, stored_near(self.stage.cutter.entries(), place, &mut near)?);
            self.stage.event(&CarriedEvent { lives: true, recorded })?;
        }
        Ok(())
    }

    /// Those of the events at `new` of what is in `inbox` by now as well.
    fn still_there(
        &mut self,
        views: &Views,
        inbox: &InboxAddress,
        new: &BTreeSet<Sequence>,
    ) -> BTreeSet<Sequence> {
        let mut places: BTreeMap<InboxSequence, Sequence> =
            views.kept_places(inbox).into_iter().collect();
        places.retain(|_, at| new.contains(at));
        let all: Vec<InboxSequence> = places.keys().copied().collect();
        let mut found = BTreeSet::new();
        for step in all.chunks(STEP_EVENTS) {
            let Some(there) = (self.still_there)(inbox, step.to_vec()) else {
                self.stage.goes_on = false;
                break;
            };
            found.extend(there.iter().filter_map(|place| places.get(place)));
        }
        found
    }

    /// What lived in the event at `place` lives there no more.
    fn ended(&mut self, place: Sequence) -> Result<(), LogFault> {
        let key = event_key(place);
        let carried = self.stage.cutter.carried(&key)?;
        let carried = carried.map(|bytes| CarriedEvent::from_bytes(&key, &bytes)).transpose()?;
        let kept = carried.filter(|_| self.past.places.contains(&place));
        let kept = kept.map(|carried| CarriedEvent { lives: false, ..carried }.to_bytes());
        self.stage.push((key, kept))
    }

    /// Carries the events of the past behind `base` that are kept, and those before no more whose time is over.
    fn past(&mut self, base: Sequence) -> Result<(), LogFault> {
        let (mut over, states, mut taken) = (Vec::new(), state_key(&[]), 0_usize);
        let Self { stage, past, .. } = self;
        let first = event_key(Sequence::ZERO);
        let Stage { cutter, pace, goes_on, .. } = stage;
        cutter.entries().walk_carried(Carried::Counting, &first, &mut |key, bytes| {
            taken += 1;
            *goes_on = *goes_on && (!taken.is_multiple_of(STEP_RECORDS) || pace());
            if key >= &states[..] || !*goes_on {
                return Ok(ControlFlow::Break(()));
            }
            let carried = CarriedEvent::from_bytes(key, bytes)?;
            past.add(&carried.recorded);
            if !carried.lives {
                over.push(carried.recorded.sequence);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        over.retain(|place| !past.places.contains(place));
        over.into_iter().try_for_each(|place| stage.push((event_key(place), None)))?;
        for place in past.places.range(base.next()..) {
            let recorded = stored_event(stage.cutter.entries(), *place)?;
            stage.event(&CarriedEvent { lives: false, recorded })?;
        }
        Ok(())
    }
}

/// The event at `place`, as it is stored. `near` are those that stand together with the one that was asked for before.
fn stored_near(
    entries: &dyn Entries,
    place: Sequence,
    near: &mut Vec<Recorded>,
) -> Result<Recorded, LogFault> {
    let find = |near: &[Recorded]| near.iter().find(|it| it.sequence == place).cloned();
    if let Some(found) = find(near) {
        return Ok(found);
    }
    *near = stored_neighbours(entries, place)?;
    find(near).ok_or(LogFault::Missing { sequence: place })
}

/// An event as it is carried: rules in full, because the changes before are not.
fn full(views: &Views, mut recorded: Recorded) -> Recorded {
    if let Event::AccessRulesAmended(event) = &recorded.event
        && let Some(rules) = views.rules(&event.presentity.principal())
    {
        recorded.event = Event::AccessRulesChanged(AccessRulesChanged {
            presentity: event.presentity.clone(),
            version: event.version,
            rules: (*rules.access).clone(),
            by: event.by.clone(),
            device: event.device,
            operation: event.operation,
            previous: event.previous,
        });
    }
    recorded
}
