//! What the application on a device keeps: everything that it recorded, for good, whatever crashes afterwards.
//!
//! It records an item before it says that it has taken it. Between the two its device may crash; then the item comes
//! again, and it knows that it has it: by its number or moment. What lies behind what it recorded
//! may come only once for each time that it is told that all comes anew.
//! Must never hold: anything that the library keeps.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use adsum::model::{EpochId, InboxSequence, Message, Presentity};
use adsum::protocol::{Outcome, Presence};

use super::forgetting::is_same_message;
use super::pasts::Spot;
use super::{Checked, promised};

/// A change the application recorded.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) spot: Spot,
    pub(crate) presence: Presence,
}

/// A message the application recorded, and where it lay.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) spot: Spot,
    pub(crate) message: Message,
}

/// The application's store.
#[derive(Debug, Default)]
pub(crate) struct Application {
    pub(crate) messages: Vec<Got>,
    pub(crate) presence: Vec<Seen>,
    /// How each presentity was shown last, as far as its position says so.
    pub(crate) shown: BTreeMap<Presentity, Presence>,
    /// What it was shown since, in order: gone with the process, as it comes again or, if the store went back, does not.
    ahead: VecDeque<Presence>,
    /// Where the changes lay that it recorded: by which cursors' secret, and when.
    places: BTreeSet<(u8, u64, EpochId)>,
    /// Where the last change lay that is not to be shown again, since the feed began without a position.
    last_change: Spot,
    pub(crate) repeats: u64,
    anew: Anew,
}

/// How often the feeds were said to begin anew, less what came since that could not have come otherwise.
#[derive(Clone, Copy, Debug, Default)]
struct Anew {
    messages: u32,
    changes: u32,
    is_restored: bool,
}

/// Whether one of `times` is left, which is used up.
fn take_one(times: &mut u32) -> bool {
    let is_left = *times > 0;
    *times = times.saturating_sub(1);
    is_left
}

/// How far the library's process has handed things out: nothing is handed out twice.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Floor {
    /// The place of the last message.
    message: Spot,
    /// The place of the last change.
    change: Spot,
    anew: Anew,
}

impl Floor {
    /// That of a process that begins at what was saved.
    pub(crate) fn new(message: Spot, change: Spot) -> Self {
        Self { message, change, anew: Anew::default() }
    }

    /// The inbox feed begins by this; what comes may lie behind what came.
    pub(crate) fn inbox_opened(&mut self, application: &mut Application, outcome: Outcome) {
        if outcome.is_anew() {
            self.anew.messages += 1;
            application.anew.messages += 1;
        }
    }

    /// As [`Floor::inbox_opened`], of the presence feed.
    pub(crate) fn presence_opened(&mut self, application: &mut Application, outcome: Outcome) {
        if outcome.is_anew() {
            self.anew.changes += 1;
            application.anew.changes += 1;
            self.anew.is_restored |= outcome == Outcome::Restored;
        }
        if outcome == Outcome::Fresh {
            // It has no position, so that all comes from the beginning: by other cursors, if the server forgot its own.
            application.last_change = Spot::default();
        }
    }
}

/// Whether what lies at `spot` goes on behind `last` without that anybody says so.
fn goes_on(last: Spot, spot: Spot) -> bool {
    last.era == 0 || last.era == spot.era && spot.position > last.position
}

impl Application {
    /// Its process begins at what was saved.
    pub(crate) fn begins(&mut self) {
        self.ahead.clear();
    }

    /// The position was saved that covers all changes but the last `held`.
    pub(crate) fn saved(&mut self, held: usize) {
        let covered = self.ahead.len().saturating_sub(held);
        let covered = self.ahead.drain(..covered);
        self.shown.extend(covered.map(|presence| (presence.presentity.clone(), presence)));
    }

    /// A message is handed out.
    pub(crate) fn record_message(
        &mut self,
        floor: &mut Floor,
        (spot, message): (Spot, Message),
        is_gone: impl Fn(Spot) -> bool,
    ) -> Checked {
        let (sequence, last) = (message.sequence, floor.message);
        let is_next = goes_on(last, spot) || take_one(&mut floor.anew.messages);
        promised!(3, is_next, "message {sequence} at {spot:?} was handed out behind {last:?}");
        floor.message = spot;
        let is_same =
            |got: &&Got| got.spot.position == spot.position && got.spot.epoch == spot.epoch;
        if let Some(known) = self.messages.iter().find(is_same) {
            self.repeats += 1;
            promised!(
                3,
                is_same_message(&known.message, &message),
                "message {sequence} differs from its first time"
            );
            return Ok(());
        }
        // Of what it recorded and did not take before its device crashed, nobody else knows: the position is behind that.
        let last = self.messages.last().filter(|got| !is_gone(got.spot));
        let last = last.map_or(InboxSequence::ZERO, |got| got.message.sequence);
        let is_next = sequence > last || take_one(&mut self.anew.messages);
        promised!(3, is_next, "message {sequence} was never handed out before {last}");
        self.messages.push(Got { spot, message });
        Ok(())
    }

    /// A change is handed out.
    pub(crate) fn record_presence(
        &mut self,
        floor: &mut Floor,
        (spot, anew): (Spot, bool),
        presence: Presence,
        is_gone: impl Fn(Spot) -> bool,
    ) -> Checked {
        let (last, told) = (floor.change, floor.anew);
        let is_next = goes_on(last, spot) || take_one(&mut floor.anew.changes);
        promised!(3, is_next, "a change at {spot:?} came behind {last:?}");
        floor.change = spot;
        self.ahead.push_back(presence.clone());
        if !self.places.insert((spot.era, spot.position, spot.epoch)) {
            self.repeats += 1;
            return Ok(());
        }
        let last = core::mem::replace(&mut self.last_change, spot);
        if spot.position <= last.position {
            let is_told = is_gone(last) || take_one(&mut self.anew.changes);
            promised!(3, is_told, "a change at {spot:?} was shown behind {last:?}, unannounced");
            // What is shown again because the server forgot its cursors says so. After a restoring, what is new may lie
            // behind what is gone.
            let marked = anew || told.changes == 0 || told.is_restored;
            promised!(3, marked, "a change at {spot:?} was shown again and not marked");
        }
        self.presence.push(Seen { spot, presence });
        Ok(())
    }
}
