//! Epochs: what tells one past of a log from another.
//!
//! Must never hold: a place that a log does not have.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::address::InboxAddress;
use super::limits::EPOCHS_KEPT_MAX;
use super::units::{InboxSequence, Moment, Sequence, Timestamp};

/// Names the stretch of a log that one process wrote: 8 bytes, drawn at random by that process.
///
/// Two logs with a common past part where another process began to write, as after a restored backup. From there on
/// the same places lie in different epochs.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EpochId(#[serde(with = "crate::model::readable::hex")] pub [u8; 8]);

impl EpochId {
    /// The stretch before the first epoch that was recorded.
    pub const NONE: Self = Self([0; 8]);
}

impl fmt::Display for EpochId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for EpochId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "EpochId({self})")
    }
}

/// A moment of a log, and the epoch that it lies in there. The default is the beginning, which every log has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// When.
    pub at: Moment,
    /// In which epoch.
    pub epoch: EpochId,
}

/// Where an epoch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Epoch {
    id: EpochId,
    first: Sequence,
    at: Moment,
}

/// The last epochs of a log, [`EPOCHS_KEPT_MAX`] at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epochs {
    /// In order.
    kept: Vec<Epoch>,
    /// Whether there were more, so that it is not known in which one what came before these lies.
    are_cut: bool,
}

impl Epochs {
    /// Adds the epoch that begins with the event `first`; `at` is the moment right after the event before it. The last one
    /// goes on if it is named again.
    pub fn begin(&mut self, id: EpochId, first: Sequence, at: Moment) {
        if self.kept.last().is_some_and(|last| last.id == id) {
            return;
        }
        self.kept.push(Epoch { id, first, at });
        if self.kept.len() > EPOCHS_KEPT_MAX {
            self.kept.remove(0);
            self.are_cut = true;
        }
    }

    /// The epoch of the event `place`.
    pub fn of(&self, place: Sequence) -> EpochId {
        self.last(|epoch| epoch.first <= place)
    }

    /// The epoch of what happened at `moment`.
    pub fn at(&self, moment: Moment) -> EpochId {
        self.last(|epoch| epoch.at <= moment)
    }

    /// Whether the event `place` can lie in `epoch`.
    pub fn holds(&self, epoch: EpochId, place: Sequence) -> bool {
        self.of(place) == epoch || self.is_cut_before(|oldest| oldest.first > place)
    }

    /// Whether what happened at `moment` can lie in `epoch`.
    pub fn holds_at(&self, epoch: EpochId, moment: Moment) -> bool {
        self.at(moment) == epoch || self.is_cut_before(|oldest| oldest.at > moment)
    }

    /// The moment `at` of this log.
    pub fn mark(&self, at: Moment) -> Mark {
        Mark { at, epoch: self.at(at) }
    }

    /// Whether a mark can be of this log, as far as its epochs tell.
    pub fn has(&self, mark: Mark) -> bool {
        self.holds_at(mark.epoch, mark.at)
    }

    /// Whether `epoch` is one of this log, or older than what is kept.
    pub fn knows(&self, epoch: EpochId) -> bool {
        self.are_cut || epoch == EpochId::NONE || self.kept.iter().any(|kept| kept.id == epoch)
    }

    /// Whether `epoch` is no older than `other`, of those that are kept.
    pub fn is_since(&self, epoch: EpochId, other: EpochId) -> bool {
        let place = |id| self.kept.iter().position(|kept| kept.id == id);
        place(epoch) >= place(other)
    }

    fn last(&self, begins_before: impl Fn(&Epoch) -> bool) -> EpochId {
        let after = self.kept.partition_point(begins_before);
        after.checked_sub(1).map_or(EpochId::NONE, |last| self.kept[last].id)
    }

    fn is_cut_before(&self, is_older: impl Fn(&Epoch) -> bool) -> bool {
        self.are_cut && self.kept.first().is_some_and(is_older)
    }
}

/// A place that a device has seen and this log does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PastPlace {
    /// The device had been told of presence up to a moment.
    Presence {
        /// Which moment.
        had: Moment,
        /// The last moment of this log then.
        stands: Moment,
    },
    /// The device had been told of an inbox up to a place in it.
    Inbox {
        /// Which inbox.
        inbox: InboxAddress,
        /// Which place.
        had: InboxSequence,
        /// The last place in the inbox then.
        stands: InboxSequence,
    },
}

impl PastPlace {
    /// The place and where the log stood in words, with moments as `time` writes them.
    pub fn told(&self, time: impl Fn(Timestamp) -> String) -> String {
        match self {
            Self::Presence { had, stands } => {
                let (had, stands) = (time(had.timestamp()), time(stands.timestamp()));
                format!(
                    "presence up to {had}, where the log stood at {stands} and had not that past"
                )
            }
            Self::Inbox { inbox, had, stands } => {
                format!(
                    "{inbox} up to #{had}, where the inbox stood at #{stands} and had not that past"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> EpochId {
        EpochId((number as u64).to_be_bytes())
    }

    fn epochs(count: usize) -> Epochs {
        let mut epochs = Epochs::default();
        for number in 1..=count {
            let place = 10 * number as u64;
            epochs.begin(id(number), Sequence::new(place), Moment::from_us(1_000 * place));
        }
        epochs
    }

    #[test]
    fn an_epoch_lasts_from_its_first_event_to_the_next_one() {
        let epochs = epochs(2);
        for (place, number) in [(0, 0), (9, 0), (10, 1), (19, 1), (20, 2), (u64::MAX, 2)] {
            assert_eq!(epochs.of(Sequence::new(place)), id(number), "event {place}");
            let moment = Moment::from_us(place.saturating_mul(1_000));
            assert_eq!(epochs.at(moment), id(number), "at {moment:?}");
            for other in 0..3 {
                assert_eq!(epochs.holds(id(other), Sequence::new(place)), other == number);
                assert_eq!(epochs.holds_at(id(other), moment), other == number);
            }
        }
        assert!(epochs.knows(id(2)) && epochs.knows(EpochId::NONE) && !epochs.knows(id(3)));
    }

    #[test]
    fn of_what_is_older_than_the_epochs_kept_nothing_false_is_said() {
        let epochs = epochs(EPOCHS_KEPT_MAX + 1);
        let (cut, kept) = (Sequence::new(19), Sequence::new(20));
        assert!(epochs.holds(id(1), cut) && epochs.holds(id(9), cut));
        assert!(epochs.holds(id(2), kept) && !epochs.holds(id(1), kept));
        assert!(epochs.holds_at(id(1), Moment::from_us(19_999)));
        assert!(!epochs.holds_at(id(1), Moment::from_us(20_000)));
    }

    #[test]
    fn an_epoch_is_since_itself_and_those_before_it() {
        let (epochs, first, second) = (epochs(2), id(1), id(2));
        assert!(epochs.is_since(second, first) && epochs.is_since(first, first));
        assert!(epochs.is_since(first, EpochId::NONE) && !epochs.is_since(first, second));
    }
}
