//! What a presence feed sends next.
//!
//! Changes go out in rounds. A round is what was waiting when the round before was done, in order of version. What
//! changes meanwhile waits for the next round: the latest change of a presentity for `latest` subscriptions, each
//! change for `every`. So the feed's position is the version of what it sent last, nothing is sent twice to a watcher
//! that comes back at that position, and a presentity that changes all the time neither starves nor starves others.
//!
//! The position says no more than that. How far the feed has looked into the log is kept apart and never sent: it would
//! tell the watcher of changes that are hidden from it.
//! Must never hold: more than one round, the latest of each presentity, and a bounded queue.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::Window;
use crate::model::limits::FEED_QUEUE_MAX;
use crate::model::{Mode, Moment, Presentity, Principal, Sequence, SubscriptionState};
use crate::service::output::erase;
use crate::service::{History, PresenceItem, PresenceOpened, Walk};

/// What to do next for a presence feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresenceStep {
    /// Send this, then call [`PresenceFeed::sent`] with the bytes it took.
    Send {
        /// The event's number in the feed, from 1.
        number: u64,
        /// Where the feed stands after it.
        position: Moment,
        /// What to show, by way of [`view`](crate::service::view).
        item: Arc<PresenceItem>,
    },
    /// Read this change from the log and hand it to [`PresenceFeed::loaded`].
    Read {
        /// Whose.
        presentity: Presentity,
        /// Which change.
        at: Sequence,
    },
    /// Tell that the feed is caught up; said once.
    CaughtUp {
        /// Where it stands: this step does not move it.
        position: Moment,
    },
    /// The queue ran over: open the feed with the service again, after this position.
    Reopen {
        /// Everything up to here was sent. Not to be told to the watcher.
        after: Moment,
    },
    /// Nothing until something is offered, acknowledged or opened.
    Wait,
}

/// What a round sends: an item, or a change that is still to be read.
#[derive(Debug)]
enum RoundItem {
    Ready(Arc<PresenceItem>),
    /// To be read from the log; stands for the state at `version`, which is later than the change itself if the
    /// subscription began later.
    Stored {
        presentity: Presentity,
        at: Sequence,
        version: Moment,
    },
}

impl RoundItem {
    fn version(&self) -> Moment {
        match self {
            Self::Ready(item) => item.version,
            Self::Stored { version, .. } => *version,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Opening,
    CatchingUp,
    Live,
}

/// The state of one presence feed.
#[derive(Debug)]
pub struct PresenceFeed {
    phase: Phase,
    announced: bool,
    number: u64,
    position: Moment,
    /// Everything up to here was sent or is in the round.
    covered: Moment,
    window: Window<Moment>,
    round: VecDeque<RoundItem>,
    latest: BTreeMap<(Presentity, Option<Principal>), Arc<PresenceItem>>,
    every: VecDeque<Arc<PresenceItem>>,
    overrun: bool,
    conflated: u64,
    /// The version of the change being read from the log.
    reading: Option<Moment>,
}

impl PresenceFeed {
    /// A feed that was asked to begin after `after`, with a window of `events_max` events (0: the default).
    pub fn new(after: Moment, events_max: u32) -> Self {
        Self {
            phase: Phase::Opening,
            announced: false,
            number: 0,
            position: after,
            covered: after,
            window: Window::new(events_max),
            round: VecDeque::new(),
            latest: BTreeMap::new(),
            every: VecDeque::new(),
            overrun: false,
            conflated: 0,
            reading: None,
        }
    }

    /// The service opened the feed; `walks` is what the log told of each of its histories, in the same order.
    pub fn opened(&mut self, opened: &PresenceOpened, walks: Vec<Walk>) {
        assert_eq!(opened.histories.len(), walks.len(), "each history is walked once");
        if opened.restored.is_some() {
            // The position is of another past, so the service began at the beginning.
            (self.position, self.covered) = (Moment::ZERO, Moment::ZERO);
        }
        let mut round: Vec<RoundItem> =
            opened.items.iter().cloned().map(RoundItem::Ready).collect();
        for (history, walk) in opened.histories.iter().zip(walks) {
            add_history(history, walk, &mut round);
        }
        self.covered = self.add_told(opened, &mut round);
        round.sort_by_key(RoundItem::version);
        self.round.extend(round);
        self.phase = Phase::CatchingUp;
    }

    /// Adds what was told while the feed was opened in parts, of what earlier parts were about: the position is to say
    /// that all up to the last part was sent. What was told before the first part is in the parts. Returns up to where
    /// the round tells everything.
    fn add_told(&mut self, opened: &PresenceOpened, round: &mut Vec<RoundItem>) -> Moment {
        let begun = opened.begun.unwrap_or(opened.head);
        if self.overrun {
            round.retain(|item| item.version() <= begun);
            return begun;
        }
        self.latest.retain(|_, item| item.version > begun);
        self.every.retain(|item| item.version > begun);
        for (subject, item) in self.latest.extract_if(.., |_, item| item.version <= opened.head) {
            round.retain(|other| match other {
                RoundItem::Ready(other) => other.subject() != subject,
                RoundItem::Stored { .. } => true,
            });
            round.push(RoundItem::Ready(item));
        }
        let told = self.every.iter().take_while(|item| item.version <= opened.head).count();
        round.extend(self.every.drain(..told).map(RoundItem::Ready));
        opened.head
    }

    /// A change was told to this feed.
    pub fn offer(&mut self, mode: Mode, item: Arc<PresenceItem>) {
        if self.overrun || item.version <= self.covered && self.phase != Phase::Opening {
            return;
        }
        match mode {
            Mode::Latest => {
                if self.latest.insert(item.subject(), item).is_some() {
                    self.conflated += 1;
                }
            }
            Mode::Every if self.every.len() < FEED_QUEUE_MAX => self.every.push_back(item),
            Mode::Every => self.overrun(),
        }
    }

    /// Too much waits: what waits is dropped, and read again from the log once the watcher has taken the running round.
    fn overrun(&mut self) {
        self.overrun = true;
        self.every.clear();
        self.latest.clear();
    }

    /// Nobody is told any more what `principal` wrote: what waits of it is told without that, also if its watcher has left
    /// it.
    pub fn erase(&mut self, principal: &Principal) {
        let of_round = self.round.iter_mut().filter_map(|item| match item {
            RoundItem::Ready(item) => Some(item),
            RoundItem::Stored { .. } => None,
        });
        let waiting = of_round.chain(self.latest.values_mut()).chain(&mut self.every);
        erase(waiting, principal);
    }

    /// What to do next. Call again after each step until it says [`PresenceStep::Wait`].
    pub fn next_step(&mut self) -> PresenceStep {
        if self.phase == Phase::Opening {
            return PresenceStep::Wait;
        }
        if self.round.is_empty()
            && let Some(step) = self.begin_round()
        {
            return step;
        }
        if !self.window.has_room() {
            return PresenceStep::Wait;
        }
        match self.round.pop_front() {
            None => PresenceStep::Wait,
            Some(RoundItem::Stored { presentity, at, version }) => {
                self.reading = Some(version);
                PresenceStep::Read { presentity, at }
            }
            Some(RoundItem::Ready(item)) => self.send(item),
        }
    }

    fn begin_round(&mut self) -> Option<PresenceStep> {
        self.phase = Phase::Live;
        if self.overrun {
            self.overrun = false;
            self.phase = Phase::Opening;
            return Some(PresenceStep::Reopen { after: self.covered });
        }
        if !self.announced {
            self.announced = true;
            return Some(PresenceStep::CaughtUp { position: self.position });
        }
        let mut round: Vec<Arc<PresenceItem>> =
            core::mem::take(&mut self.latest).into_values().collect();
        round.extend(self.every.drain(..));
        round.sort_by_key(|item| item.version);
        self.covered = round.last().map_or(self.covered, |item| self.covered.max(item.version));
        self.round.extend(round.into_iter().map(RoundItem::Ready));
        None
    }

    fn send(&mut self, item: Arc<PresenceItem>) -> PresenceStep {
        self.number += 1;
        self.position = self.position.max(item.version);
        PresenceStep::Send { number: self.number, position: self.position, item }
    }

    /// The change asked for by [`PresenceStep::Read`] was read.
    ///
    /// # Panics
    /// If none was asked for.
    pub fn loaded(&mut self, mut item: PresenceItem) {
        item.version = self.reading.take().expect("a change is handed in after it was asked for");
        self.round.push_front(RoundItem::Ready(Arc::new(item)));
    }

    /// The event of the last [`PresenceStep::Send`] took `bytes`.
    pub fn sent(&mut self, bytes: usize) {
        self.window.sent(self.position, bytes);
    }

    /// The watcher has taken everything up to `position`.
    pub fn acknowledged(&mut self, position: Moment) {
        self.window.acknowledged(position);
    }

    /// How many events wait to be sent in the running round.
    pub fn pending(&self) -> usize {
        self.round.len()
    }

    /// Where the feed will stand after the running round: the version of its last event, or where it stands now.
    pub fn pending_through(&self) -> Moment {
        self.round.back().map_or(self.position, |due| self.position.max(due.version()))
    }

    /// Where the feed stands: the version of what it sent last.
    pub fn position(&self) -> Moment {
        self.position
    }

    /// How many changes were never sent because a later one took their place.
    pub fn conflated(&self) -> u64 {
        self.conflated
    }
}

/// Adds the changes of a stretch of history. If the subscription began within it, adds what it began with first.
fn add_history(history: &History, walk: Walk, round: &mut Vec<RoundItem>) {
    let base = walk.changes.first().is_some_and(|(_, first)| *first <= history.after);
    if let Some(began) = history.began
        && !base
        && walk.complete
    {
        // Nothing was published before: the subscription began with the offline state.
        let presentity = history.presentity.clone();
        let item = PresenceItem::new(presentity, began, SubscriptionState::Active, None);
        round.push(RoundItem::Ready(Arc::new(item)));
    }
    let stored = |(at, moment): (Sequence, Moment)| {
        let version = match history.began {
            Some(began) if moment <= history.after => began,
            _ => moment,
        };
        RoundItem::Stored { presentity: history.presentity.clone(), at, version }
    };
    round.extend(walk.changes.into_iter().map(stored));
}
