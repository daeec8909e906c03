//! The pasts of a store that was put back to an earlier state: what of the truth goes back with it, and which past a cursor
//! is of.
//!
//! A cursor that was given out before a copy was put back may stand in what was cut off; what came with it is judged by that
//! log. Must never hold: what a device knows of it.

use adsum::model::limits::DEDUPLICATION_MS;
use adsum::model::{EpochId, InboxAddress, InboxSequence, Lifetime, Mark, Moment, Sequence};
use adsum::protocol::Outcome;
use adsum::session::Scope;

use super::chronicle::Chronicle;
use super::decrees::Decrees;
use super::oracle::Oracle;
use super::timeline::{Look, Timeline};
use super::{Checked, promised};

/// Where a cursor stands. Zeros if it is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spot {
    /// The era of the secret that it was sealed with.
    pub(crate) era: u8,
    pub(crate) position: u64,
    /// The epoch that the position lies in, which tells one past of the log from another.
    pub(crate) epoch: EpochId,
    /// The last event for which something before the position was not told.
    pub(crate) passed: Mark,
}

/// When something was asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pasts: usize,
    at: Moment,
}

/// What follows from the log, of the time when a copy of the store was made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    chronicle: Chronicle,
    timeline: Timeline,
    decrees: Decrees,
}

impl Truth {
    /// The last event.
    pub(crate) fn head(&self) -> Sequence {
        self.chronicle.head()
    }

    /// The keys beside it are those of `later`: what is unreadable by then is so in it.
    pub(crate) fn keys_are_of(&mut self, later: &Self) {
        let head = self.head();
        self.chronicle.forgetting.lose(&later.chronicle.forgetting, head);
    }

    /// How far the wall clock was set since the copy was made.
    pub(crate) fn leap(&self, look: Look) -> i64 {
        self.timeline.set_since(look)
    }
}

impl Oracle {
    /// What would have to be put back with a copy of the store as it is now.
    pub(crate) fn truth(&self) -> Truth {
        let (chronicle, timeline) = (self.chronicle.clone(), self.timeline);
        Truth { chronicle, timeline, decrees: self.decrees.clone() }
    }

    /// The store is what it was when a copy was made: what was done and said since is not done, and not to be relied on.
    /// Returns the kinds of the events that are gone.
    pub(crate) fn went_back(&mut self, truth: Truth, with_keys: bool) -> Vec<&'static str> {
        self.timeline = truth.timeline;
        self.decrees.go_back(truth.decrees);
        let past = self.chronicle.go_back(truth.chronicle, with_keys);
        let both = past.events.iter().zip(&self.chronicle.events).take_while(|(a, b)| a == b);
        let gone = past.events[both.count()..].iter().map(|it| it.event.kind()).collect();
        self.pasts.push(past);
        self.back_at = self.chronicle.moment();
        self.unspeakable.are(&self.chronicle.forgetting, &self.chronicle.events);
        let now = &self.chronicle;
        self.sent.retain(|key, new| {
            let accepted = now.accepted.get(key).copied().unwrap_or_default();
            *new = accepted.min(*new);
            accepted > 0
        });
        // It may have been done in both pasts, and was given a tag in each.
        self.published.retain(|operation, tag| {
            now.operations.get(operation).is_some_and(|tags| tags.contains(tag))
        });
        self.subscribed.retain(|granted| now.grants.contains(granted));
        self.confirmed.retain(|place, through| {
            let durable = now.acknowledged.get(place).copied().unwrap_or_default();
            *through = durable.min(*through);
            durable > InboxSequence::ZERO
        });
        gone
    }

    /// Somebody asks now.
    pub(crate) fn asks(&self) -> Asked {
        Asked { pasts: self.pasts.len(), at: self.chronicle.moment() }
    }

    /// From when on something holds that was asked: from the restoring on, if there was one since to an earlier moment.
    pub(crate) fn since(&self, asked: Asked) -> Moment {
        if asked.pasts == self.pasts.len() { asked.at } else { asked.at.min(self.back_at) }
    }

    /// The log as it is now, and those that were cut off.
    pub(crate) fn logs(&self) -> impl Iterator<Item = &Chronicle> {
        core::iter::once(&self.chronicle).chain(self.pasts.iter().rev())
    }

    /// The log that has the message of an inbox cursor.
    pub(crate) fn log_of_message(&self, inbox: &InboxAddress, spot: Spot) -> Option<&Chronicle> {
        self.logs().find(|log| has_message(log, inbox, spot))
    }

    /// The log that has the moment of a presence cursor, the last one first; nothing if none ever had it.
    pub(crate) fn log_of(&self, spot: Spot) -> Option<&Chronicle> {
        self.logs().find(|log| has_moment(log, spot))
    }

    /// Whether the log, as it is now, has the moment of a presence cursor.
    pub(crate) fn has_moment(&self, spot: Spot) -> bool {
        has_moment(&self.chronicle, spot)
    }

    /// Whether the log, as it is now, has the message of an inbox cursor.
    pub(crate) fn has_message(&self, inbox: &InboxAddress, spot: Spot) -> bool {
        has_message(&self.chronicle, inbox, spot)
    }

    /// Whether nothing is known any more of what was told at `spot`: it is gone, or what was passed over before it is there
    /// again, or the server knows its cursor no more.
    pub(crate) fn is_gone(&self, scope: Scope<'_>, spot: Spot) -> bool {
        let has = match scope {
            Scope::Presence => self.has_moment(spot),
            Scope::Inbox(inbox) => self.has_message(inbox, spot),
        };
        spot.era != self.era || !has || !has_at(&self.chronicle, spot.passed)
    }

    /// Whether what lies at a place of an inbox may be forgotten, so that only the epoch tells of which past it is.
    fn may_be_forgotten(&self, inbox: &InboxAddress, spot: Spot) -> bool {
        let log = &self.chronicle;
        let entry = log.entry(inbox, InboxSequence::new(spot.position));
        let until = entry.map(|entry| entry.at.after(Lifetime::from_ms(DEDUPLICATION_MS)));
        until.is_some_and(|until| until <= log.moment().timestamp()) && log.knows(spot.epoch)
    }

    /// A device was told how a feed begins that it opened at `spot`.
    pub(crate) fn opened(&self, scope: Scope<'_>, spot: Spot, said: Outcome) -> Checked {
        let has = match scope {
            Scope::Presence => self.has_moment(spot),
            Scope::Inbox(inbox) => {
                let may_be_forgotten =
                    said == Outcome::Resumed && self.may_be_forgotten(inbox, spot);
                spot.position == 0 || self.has_message(inbox, spot) || may_be_forgotten
            }
        };
        // What was passed over for what is gone is there again.
        let has = has && has_at(&self.chronicle, spot.passed);
        let right = match (spot.era, has) {
            (0, _) => Outcome::Fresh,
            (era, _) if era != self.era => Outcome::Anew,
            (_, true) => Outcome::Resumed,
            (_, false) => Outcome::Restored,
        };
        promised!(
            3,
            said == right,
            "a feed of {scope:?} began as {said:?} at {spot:?}, not {right:?}"
        );
        Ok(())
    }
}

/// Whether a log has the moment of a presence cursor.
fn has_moment(log: &Chronicle, spot: Spot) -> bool {
    has_at(log, Mark { at: Moment::from_us(spot.position), epoch: spot.epoch })
}

fn has_at(log: &Chronicle, mark: Mark) -> bool {
    mark.at <= log.moment() && log.epoch_at(mark.at) == mark.epoch
}

/// Whether a log has the message of an inbox cursor.
fn has_message(log: &Chronicle, inbox: &InboxAddress, spot: Spot) -> bool {
    let entry = log.entry(inbox, InboxSequence::new(spot.position));
    entry.is_some_and(|entry| log.epoch_of(entry.place) == spot.epoch)
}
