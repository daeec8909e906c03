//! The store itself: who wrote what of its log, which devices have seen what it does not have, and which changes of
//! rules have yet to come to subscriptions.
//!
//! Must never hold: what somebody wrote.

use serde::{Deserialize, Serialize};

use crate::event::{Event, Recorded, RestoreNoticed, ReviewBegan};
use crate::model::limits::NOTICES_KEPT_MAX;
use crate::model::{DeviceId, Epochs, Moment, Sequence, Timestamp};

/// The store itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreView {
    /// The last event that it took.
    pub as_of: Sequence,
    /// Who wrote what of its log.
    pub epochs: Epochs,
    /// The last devices that noticed that the store was put back, the last one last.
    notices: Vec<(Timestamp, RestoreNoticed)>,
    /// The changes of rules that have yet to come to some of the subscriptions that they are about, oldest first.
    pub reviews: Vec<ReviewBegan>,
}

impl StoreView {
    /// When `device` noticed last that the store was put back to an earlier state, and by what.
    pub fn notice(&self, device: DeviceId) -> Option<&(Timestamp, RestoreNoticed)> {
        self.notices.iter().find(|(_, notice)| notice.device == device)
    }

    /// Folds an event in that happened after what happened at `before`.
    pub(super) fn apply(&mut self, recorded: &Recorded, before: Moment) {
        self.as_of = recorded.sequence;
        match &recorded.event {
            Event::EpochBegan(event) => {
                // What lies in between is of no other past than one that was cut off.
                self.epochs.begin(event.epoch, recorded.sequence, before.next());
            }
            Event::RestoreNoticed(notice) => {
                self.notices.retain(|(_, known)| known.device != notice.device);
                self.notices.push((recorded.shown_at(), notice.clone()));
                let surplus = self.notices.len().saturating_sub(NOTICES_KEPT_MAX);
                self.notices.drain(..surplus);
            }
            Event::ReviewBegan(event) => self.reviews.push(event.clone()),
            // What a cut leaves is what was there before it.
            Event::LogCut(_) => {}
            Event::ReviewEnded(event) => self.reviews.retain(|began| began.of != event.of),
            _ => unreachable!("only events of the store come here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EpochBegan;
    use crate::model::{Ahead, EpochId};
    use crate::view::Views;

    #[test]
    fn what_lies_between_two_processes_is_of_the_later_one() {
        let id = |number: u8| EpochId([number; 8]);
        let mut views = Views::default();
        for (number, at) in [(1, 1_000), (2, 5_000)] {
            let event = Event::EpochBegan(EpochBegan { epoch: id(number) });
            let (sequence, at) = (Sequence::new(number.into()), Moment::from_us(at));
            views.apply(&Recorded { sequence, at, ahead: Ahead::ZERO, event });
        }
        let epochs = &views.store().epochs;
        assert!(epochs.holds_at(id(1), Moment::from_us(1_000)));
        assert!(!epochs.holds_at(id(1), Moment::from_us(1_001)));
        assert!(epochs.holds_at(id(2), Moment::from_us(4_999)));
    }
}
