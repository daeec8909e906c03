//! What was done of late, so that a repeat gets the first answer: the same rule for every request that names itself.
//!
//! Must never hold: what an operation did.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::event::{OperationKey, Operator, Outcome};
use crate::model::limits::{OPERATION_MS, OPERATIONS_OF_DEVICE_MAX, OPERATIONS_OF_PRINCIPAL_MAX};
use crate::model::{Lifetime, Sequence, Timestamp};

/// The operations of a device or a principal that are remembered, oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Saved")]
pub struct OperationsView {
    /// The last event it took.
    pub as_of: Sequence,
    keys: VecDeque<OperationKey>,
    done: VecDeque<(Timestamp, Outcome)>,
    /// Where each key stands last, counted from the first operation ever: every request is looked for here.
    #[serde(skip)]
    places: BTreeMap<OperationKey, u64>,
    /// How many stood before those that are held.
    #[serde(skip)]
    forgotten: u64,
}

/// What is saved of them.
#[derive(Deserialize)]
struct Saved {
    as_of: Sequence,
    keys: VecDeque<OperationKey>,
    done: VecDeque<(Timestamp, Outcome)>,
}

impl From<Saved> for OperationsView {
    fn from(saved: Saved) -> Self {
        let Saved { as_of, keys, done } = saved;
        let places = keys.iter().copied().zip(0..).collect();
        Self { as_of, keys, done, places, forgotten: 0 }
    }
}

impl PartialEq for OperationsView {
    fn eq(&self, other: &Self) -> bool {
        (self.as_of, &self.keys, &self.done) == (other.as_of, &other.keys, &other.done)
    }
}

impl Eq for OperationsView {}

impl OperationsView {
    /// What `key` came to, if that is remembered at `now`. Of two of one name the later one counts.
    pub fn outcome(&self, key: OperationKey, now: Timestamp) -> Option<Outcome> {
        let index = usize::try_from(self.places.get(&key)? - self.forgotten).ok()?;
        let (at, outcome) = self.done.get(index)?;
        (forget_at(*at) > now).then_some(*outcome)
    }

    /// How many are held. Those whose time is over go a few at a time, and are not remembered any more from then on.
    pub fn count(&self) -> usize {
        self.keys.len()
    }

    /// What is remembered at `now`; `None` if that is nothing. The same, whatever else is held yet.
    pub(super) fn remembered(&self, now: Timestamp) -> Option<Cow<'_, Self>> {
        let over = self.done.iter().take_while(|(at, _)| forget_at(*at) <= now).count();
        if over == 0 {
            return (!self.done.is_empty()).then_some(Cow::Borrowed(self));
        }
        let mut left = self.clone();
        (0..over).for_each(|_| left.forget_oldest());
        (!left.done.is_empty()).then_some(Cow::Owned(left))
    }

    /// When the oldest may be forgotten.
    pub(super) fn forget_at(&self) -> Option<Timestamp> {
        self.done.front().map(|(at, _)| forget_at(*at))
    }

    /// Adds an operation that `by` did at `at`.
    pub(super) fn add(&mut self, by: &Operator, key: OperationKey, done: (Timestamp, Outcome)) {
        let max = match by {
            Operator::Device(_) => OPERATIONS_OF_DEVICE_MAX,
            Operator::Principal(_) => OPERATIONS_OF_PRINCIPAL_MAX,
        };
        if self.keys.len() == max {
            self.forget_oldest();
        }
        self.places.insert(key, self.forgotten + self.keys.len() as u64);
        self.keys.push_back(key);
        self.done.push_back(done);
    }

    pub(super) fn forget_oldest(&mut self) {
        let Some(key) = self.keys.pop_front() else { return };
        self.done.pop_front();
        // One that was done again stands there for the later time.
        if self.places.get(&key) == Some(&self.forgotten) {
            self.places.remove(&key);
        }
        self.forgotten += 1;
    }
}

/// When what was done at `at` may be forgotten.
fn forget_at(at: Timestamp) -> Timestamp {
    at.after(Lifetime::from_ms(OPERATION_MS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeviceId;

    fn key(number: usize) -> OperationKey {
        OperationKey::of("publish", "", &number.to_be_bytes())
    }

    #[test]
    fn of_a_device_as_many_are_remembered_as_may_be_unanswered_and_not_one_more() {
        let (by, mut view) = (Operator::Device(DeviceId([1; 8])), OperationsView::default());
        for number in 0..=OPERATIONS_OF_DEVICE_MAX {
            view.add(
                &by,
                key(number),
                (Timestamp::default(), Outcome::Changed { version: number as u64 }),
            );
        }
        assert_eq!(
            (view.count(), view.outcome(key(0), Timestamp::default())),
            (OPERATIONS_OF_DEVICE_MAX, None)
        );
        for number in 1..=OPERATIONS_OF_DEVICE_MAX {
            assert_eq!(
                view.outcome(key(number), Timestamp::default()),
                Some(Outcome::Changed { version: number as u64 })
            );
        }
    }

    #[test]
    fn of_two_of_one_name_the_later_one_counts_also_when_the_first_is_forgotten_or_all_is_read_again()
     {
        let (by, mut view) = (Operator::Device(DeviceId([1; 8])), OperationsView::default());
        let now = Timestamp::default();
        for (number, version) in [(1, 1), (2, 2), (1, 3)] {
            view.add(&by, key(number), (now, Outcome::Changed { version }));
        }
        let saved = postcard::to_allocvec(&view).unwrap();
        let read: OperationsView = postcard::from_bytes(&saved).unwrap();
        assert_eq!(read, view);
        for mut view in [view, read] {
            let mut counts = vec![];
            for _ in 0..3 {
                counts.push([1, 2].map(|number| view.outcome(key(number), now)));
                view.forget_oldest();
            }
            let [one, two] = [3, 2].map(|version| Some(Outcome::Changed { version }));
            assert_eq!(counts, [[one, two], [one, two], [one, None]]);
            assert!(view.places.is_empty(), "nothing is left of what is forgotten");
        }
    }
}
