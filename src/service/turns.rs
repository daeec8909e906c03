//! Whose turn it is: what waits for the service, by who asks, taken in turn and weighed by what it costs.
//!
//! Each asker has a queue of its own, taken in the order in which it was filled, and a mark: how much it was given so
//! far. The lowest mark is next, so that whoever asks for little is served before whoever asks for much, however much of
//! that waits. Nobody saves up for later: who comes back begins at the mark of those who are being served.
//!
//! What is decided together is a round, and nobody is answered before it is over. So it is short: each asker has a part of
//! it, the smaller the more there are, and whoever is ahead of the others by more than that waits for the next.
//! Must never hold: a clock, or a look at what waits.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::model::limits::{ROUND_COST_MAX, ROUND_COST_MIN};

/// What waits for its turn.
#[derive(Debug)]
pub struct Turns<K, T> {
    queues: BTreeMap<K, Queue<T>>,
    /// Those for whom something waits, by their marks.
    waiting: BTreeSet<(u64, K)>,
    /// Those for whom nothing waits and whose marks are ahead of everybody's: they have been given their part already.
    ahead: BTreeSet<(u64, K)>,
    /// The mark of whoever was served last, or where the running round began: nobody begins below it.
    mark: u64,
    /// Whoever has come to this mark waits for the next round.
    end: u64,
    /// What may still be given in the running round.
    left: u64,
    count: usize,
}

/// What waits for one asker.
#[derive(Debug)]
struct Queue<T> {
    mark: u64,
    items: VecDeque<(u64, T)>,
}

impl<K, T> Default for Turns<K, T> {
    fn default() -> Self {
        let (queues, waiting, ahead) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { queues, waiting, ahead, mark: 0, end: 0, left: 0, count: 0 }
    }
}

impl<K: Ord + Clone, T> Turns<K, T> {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// For how many askers something waits.
    pub fn askers(&self) -> usize {
        self.waiting.len()
    }

    /// Adds what `asker` asks for, behind all that it asked for before. What costs nothing counts as one.
    pub fn push(&mut self, asker: &K, cost: u64, item: T) {
        self.count += 1;
        let mark = self.mark;
        let queue = self
            .queues
            .entry(asker.clone())
            .or_insert_with(|| Queue { mark, items: VecDeque::new() });
        if queue.items.is_empty() {
            self.ahead.remove(&(queue.mark, asker.clone()));
            queue.mark = queue.mark.max(mark);
            self.waiting.insert((queue.mark, asker.clone()));
        }
        queue.items.push_back((cost.max(1), item));
    }

    /// Takes the next, and says who asked for it and what it cost.
    pub fn pop(&mut self) -> Option<(K, u64, T)> {
        let (mark, asker) = self.waiting.pop_first()?;
        self.mark = self.mark.max(mark);
        let queue = self.queues.get_mut(&asker).expect("who waits has a queue");
        let (cost, item) = queue.items.pop_front().expect("something waits in it");
        queue.mark = mark + cost;
        let has_more = !queue.items.is_empty();
        let places = if has_more { &mut self.waiting } else { &mut self.ahead };
        places.insert((queue.mark, asker.clone()));
        self.count -= 1;
        self.forget();
        Some((asker, cost, item))
    }

    /// Begins a round of what waits: [`ROUND_COST_MIN`] for one asker or two, as much for each further one, and no more than
    /// [`ROUND_COST_MAX`] for all together, of which each has an equal part.
    pub fn begin_round(&mut self) {
        let askers = (self.askers() as u64).max(1);
        self.left = ((askers - 1).max(1) * ROUND_COST_MIN).min(ROUND_COST_MAX);
        // Where all are ahead, the first of them need not wait for nobody.
        let first = self.waiting.first().map_or(0, |(mark, _)| *mark);
        self.mark = self.mark.max(self.end).max(first);
        self.end = self.mark + (self.left / askers).max(1);
    }

    /// As [`Turns::pop`], if that belongs to the running round.
    pub fn pop_in_round(&mut self) -> Option<(K, u64, T)> {
        let (mark, _) = self.waiting.first()?;
        if self.left == 0 || *mark >= self.end {
            return None;
        }
        let next = self.pop()?;
        self.left = self.left.saturating_sub(next.1);
        Some(next)
    }

    /// What `asker` was given cost so much more than was known before.
    pub fn charge(&mut self, asker: &K, cost: u64) {
        self.left = self.left.saturating_sub(cost);
        // Who is known no more has been overtaken by all others already.
        let Some(queue) = self.queues.get_mut(asker).filter(|_| cost > 0) else { return };
        let places = if queue.items.is_empty() { &mut self.ahead } else { &mut self.waiting };
        places.remove(&(queue.mark, asker.clone()));
        queue.mark += cost;
        places.insert((queue.mark, asker.clone()));
    }

    /// Forgets those for whom nothing waits and who would begin at the common mark anyway.
    fn forget(&mut self) {
        while self.ahead.first().is_some_and(|(mark, _)| *mark <= self.mark) {
            if let Some((_, asker)) = self.ahead.pop_first() {
                self.queues.remove(&asker);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The next `count`, as who asked and what was asked.
    fn next(turns: &mut Turns<&'static str, u32>, count: usize) -> Vec<(&'static str, u32)> {
        let popped = core::iter::from_fn(|| turns.pop().map(|(asker, _, item)| (asker, item)));
        popped.take(count).collect()
    }

    #[test]
    fn whoever_asks_for_little_goes_before_the_rest_of_what_a_greedy_one_asks_for() {
        let mut turns = Turns::default();
        assert!(turns.is_empty());
        (0..1_000).for_each(|item| turns.push(&"greedy", 1, item));
        assert!(!turns.is_empty());
        next(&mut turns, 10);
        turns.push(&"modest", 1, 7);
        assert_eq!(next(&mut turns, 1), [("modest", 7)]);
        assert_eq!((turns.len(), turns.askers()), (990, 1));
    }

    #[test]
    fn turns_are_weighed_by_cost() {
        let mut turns = Turns::default();
        (0..10).for_each(|item| turns.push(&"large", 10, item));
        (0..100).for_each(|item| turns.push(&"small", 1, item));
        let taken = next(&mut turns, 55);
        let large = taken.iter().filter(|(asker, _)| *asker == "large").count();
        assert!((4..=6).contains(&large), "{large} of 55");
    }

    #[test]
    fn nobody_saves_up_while_it_asks_for_nothing() {
        let mut turns = Turns::default();
        (0..100).for_each(|item| turns.push(&"steady", 1, item));
        next(&mut turns, 100);
        (0..100).for_each(|item| turns.push(&"steady", 1, item));
        (0..100).for_each(|item| turns.push(&"late", 1, item));
        let taken = next(&mut turns, 100);
        let late = taken.iter().filter(|(asker, _)| *asker == "late").count();
        assert!((49..=51).contains(&late), "{late} of 100");
    }

    #[test]
    fn what_turns_out_dear_is_paid_for_also_by_who_asks_one_by_one() {
        let mut turns = Turns::default();
        (0..100).for_each(|item| turns.push(&"steady", 1, item));
        turns.push(&"dear", 1, 0);
        assert_eq!(next(&mut turns, 1), [("dear", 0)]);
        turns.charge(&"dear", 50);
        turns.push(&"dear", 1, 1);
        let taken = next(&mut turns, 60);
        let place = taken.iter().position(|(asker, _)| *asker == "dear");
        assert_eq!(place, Some(51), "it waits until the others have been given as much");
    }

    proptest! {
        #[test]
        fn each_asker_is_served_in_order_and_whoever_waits_gets_as_much_as_the_others(
            asked in prop::collection::vec((0_u8..4, 1_u64..20, 0_u64..20), 1..300),
        ) {
            let mut turns: Turns<u8, (usize, u64)> = Turns::default();
            for (place, (asker, cost, extra)) in asked.iter().enumerate() {
                turns.push(asker, *cost, (place, *extra));
            }
            let mut last = BTreeMap::new();
            let mut given = BTreeMap::<u8, u64>::new();
            let mut left = BTreeMap::<u8, usize>::new();
            for (asker, ..) in &asked {
                *left.entry(*asker).or_default() += 1;
                given.entry(*asker).or_default();
            }
            while let Some((asker, cost, (place, extra))) = turns.pop() {
                prop_assert!(last.insert(asker, place).is_none_or(|before| before < place));
                turns.charge(&asker, extra);
                *given.entry(asker).or_default() += cost + extra;
                *left.entry(asker).or_default() -= 1;
                let waiting = left.iter().filter(|(_, left)| **left > 0);
                let least = waiting.map(|(asker, _)| given[asker]).min().unwrap_or(u64::MAX);
                // Ahead of whoever waits it is by no more than the last that it was given.
                prop_assert!(given[&asker] <= least.saturating_add(2 * 40));
            }
            prop_assert!(turns.is_empty() && left.values().all(|left| *left == 0));
            turns.push(&9, 1_000, (0, 0));
            turns.pop();
            turns.push(&8, 1, (0, 0));
            turns.pop();
            prop_assert!(turns.queues.len() <= 6, "who asks no more is forgotten");
        }
    }
}
