//! How often composing indications are passed on: bounded for each sender and inbox.
//!
//! Must never hold: anything that outlives a minute by much.

use std::collections::BTreeMap;

use crate::model::limits::{COMPOSING_A_MINUTE_MAX, COMPOSING_PAIRS_MAX, MINUTE_MS};
use crate::model::{InboxAddress, Principal, Timestamp};

/// How often who told whom of late.
#[derive(Debug, Default)]
pub(super) struct ComposingRates {
    told: BTreeMap<(Principal, InboxAddress), (Timestamp, u32)>,
}

impl ComposingRates {
    /// Whether one more may be told, and counts it.
    pub(super) fn admits(
        &mut self,
        now: Timestamp,
        sender: &Principal,
        inbox: &InboxAddress,
    ) -> bool {
        let is_fresh = |since: Timestamp| now.as_ms().saturating_sub(since.as_ms()) < MINUTE_MS;
        if self.told.len() >= COMPOSING_PAIRS_MAX {
            self.told.retain(|_, (since, _)| is_fresh(*since));
        }
        let pair = (sender.clone(), inbox.clone());
        if self.told.len() >= COMPOSING_PAIRS_MAX && !self.told.contains_key(&pair) {
            return false;
        }
        let (since, count) = self.told.entry(pair).or_insert((now, 0));
        if !is_fresh(*since) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= COMPOSING_A_MINUTE_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_more_senders_than_are_counted_one_is_dropped_until_the_minute_is_over() {
        let mut rates = ComposingRates::default();
        let inbox: InboxAddress = "im:alice@d.example".parse().unwrap();
        let mut tells = |seconds: u64, number: usize| {
            let sender = format!("s{number}@d.example").parse().unwrap();
            rates.admits(Timestamp::from_ms(seconds * 1_000), &sender, &inbox)
        };
        assert!((0..COMPOSING_PAIRS_MAX).all(|number| tells(1, number)));
        assert!(!tells(60, COMPOSING_PAIRS_MAX), "one more");
        assert!(tells(60, 0), "who is counted goes on");
        assert!(tells(61, COMPOSING_PAIRS_MAX));
    }
}
