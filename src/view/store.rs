//! The store itself: in which epoch each place of its log lies.
//!
//! Must never hold: anything about a principal.

use serde::{Deserialize, Serialize};

use crate::event::{Event, Recorded};
use crate::model::limits::EPOCHS_KEPT_MAX;
use crate::model::{EpochId, Moment, Sequence};

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
    /// Adds the epoch that begins with the event `first`, at the moment `at`.
    pub fn begin(&mut self, id: EpochId, first: Sequence, at: Moment) {
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

    /// Whether `epoch` is one of this log, or older than what is kept.
    pub fn knows(&self, epoch: EpochId) -> bool {
        self.are_cut || epoch == EpochId::NONE || self.kept.iter().any(|kept| kept.id == epoch)
    }

    fn last(&self, begins_before: impl Fn(&Epoch) -> bool) -> EpochId {
        let after = self.kept.partition_point(begins_before);
        after.checked_sub(1).map_or(EpochId::NONE, |last| self.kept[last].id)
    }

    fn is_cut_before(&self, is_older: impl Fn(&Epoch) -> bool) -> bool {
        self.are_cut && self.kept.first().is_some_and(is_older)
    }
}

/// The store itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreView {
    /// The last event that it took.
    pub as_of: Sequence,
    /// Who wrote what of its log.
    pub epochs: Epochs,
}

impl StoreView {
    pub(super) fn apply(&mut self, recorded: &Recorded) {
        self.as_of = recorded.sequence;
        match &recorded.event {
            Event::EpochBegan(event) => {
                self.epochs.begin(event.epoch, recorded.sequence, recorded.at);
            }
            _ => unreachable!("only events of the store come here"),
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
}
