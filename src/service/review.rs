//! Changes of rules, carried to the subscriptions that they are about: some of them in each round.
//!
//! Until a change has come to a subscription, its watcher is told by the rules in force already; what follows is that the
//! subscription itself moves, and its watcher learns of it. What was not carried to its end when the process ended is begun
//! again by the next: the log says which changes those are.
//! Must never hold: what becomes of a subscription (see `decide`), or which are left (see `reviews`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::core::{Service, decided_at};
use super::reviews::Judged;
use super::{FeedId, Lens, decide};
use crate::event::{
    AccessRulesAmended, Event, ReviewBegan, ReviewEnded, RulesBefore, RulesReviewed, RulesSubject,
};
use crate::model::{Domain, Mode, Moment, Presentity, Principal, Timestamp};
use crate::view::stored_bytes;

/// Bytes of rules that count for a step when rules change.
const RULES_STEP_BYTES: u64 = 1_024;

impl Service {
    /// What `event` is about to change for the subscriptions that it is about: whose rules, and what holds until then.
    pub(super) fn rules_before(&self, event: &Event) -> Option<ReviewBegan> {
        let (of, presentity) = match event {
            Event::AccessRulesAmended(AccessRulesAmended { presentity, .. })
            | Event::RulesReviewed(RulesReviewed { presentity, .. }) => {
                (RulesSubject::Presentity(presentity.clone()), presentity.clone())
            }
            Event::DomainRulesAmended(event) => {
                let anybody = self.subscribed_in(&event.domain).next()?.clone();
                (RulesSubject::Domain(event.domain.clone()), anybody)
            }
            _ => return None,
        };
        Some(ReviewBegan {
            of,
            before: decide::in_force(self.case(self.views.time()), &presentity),
        })
    }

    /// Rules changed: carries that to as many subscriptions as one round may, and remembers the others.
    pub(super) fn carry(&mut self, wanted: Moment, began: ReviewBegan) {
        let mut left = self.config.review_part;
        // All rules are gone through, whichever of them changed.
        let rules = stored_bytes(&began.before.own) + stored_bytes(&began.before.domain);
        self.steps += rules / RULES_STEP_BYTES;
        let presentities = self.concerned(&began);
        for presentity in &presentities {
            self.open_review(presentity, &began);
            left = self.carry_part(wanted, presentity, left);
        }
        let open: BTreeSet<Presentity> =
            presentities.into_iter().filter(|it| self.reviews.open.contains_key(it)).collect();
        if !open.is_empty() {
            self.reviews.recorded.entry(began.of.clone()).or_default().extend(open);
            self.happen(wanted, Event::ReviewBegan(began));
        }
    }

    /// The presentities to which somebody subscribes and for which the rules changed.
    fn concerned(&self, began: &ReviewBegan) -> Vec<Presentity> {
        match &began.of {
            RulesSubject::Presentity(presentity) => vec![presentity.clone()],
            RulesSubject::Domain(domain) => self.subscribed_in(domain).cloned().collect(),
        }
    }

    fn subscribed_in(&self, domain: &Domain) -> impl Iterator<Item = &Presentity> {
        self.views.subscribed().filter(move |it| it.domain() == domain.as_str())
    }

    fn open_review(&mut self, presentity: &Presentity, began: &ReviewBegan) {
        let case = self.case(self.views.time());
        let now = decide::in_force(case, presentity);
        let before = match began.of {
            RulesSubject::Presentity(_) => began.before.clone(),
            RulesSubject::Domain(_) => {
                RulesBefore { domain: Arc::clone(&began.before.domain), ..now.clone() }
            }
        };
        let about = decide::about(&before, &now);
        self.reviews.add(presentity, &about, &Arc::new(before));
    }

    /// Goes on with the review of `presentity`, `left` watchers at most. Returns how many may still be looked at.
    fn carry_part(&mut self, wanted: Moment, presentity: &Presentity, left: usize) -> usize {
        let Some(review) = self.reviews.open.get_mut(presentity).filter(|_| left > 0) else {
            return left;
        };
        let (next, looked_at) = review.next(&self.views, presentity, left);
        let is_done = review.is_done();
        if is_done {
            self.reviews.open.remove(presentity);
            self.reviews.turns.retain(|it| it != presentity);
        }
        self.steps += looked_at as u64;
        self.judge(wanted, presentity, &next);
        if is_done {
            self.finish(wanted, presentity);
        }
        left - looked_at
    }

    fn judge(&mut self, wanted: Moment, presentity: &Presentity, next: &[(Principal, Judged)]) {
        for event in decide::settled(self.case(self.views.time()), presentity, next) {
            self.happen(wanted, event);
        }
    }

    /// Nothing is left to judge of `presentity`: records which changes have come to all whom they are about.
    fn finish(&mut self, wanted: Moment, presentity: &Presentity) {
        let recorded = &mut self.reviews.recorded;
        for open in recorded.values_mut() {
            open.remove(presentity);
        }
        let done = recorded.extract_if(.., |_, open| open.is_empty());
        for (of, _) in done.collect::<Vec<_>>() {
            self.happen(wanted, Event::ReviewEnded(ReviewEnded { of }));
        }
    }

    /// A round begins: goes on with what changes of rules have left to do, as much as a round may.
    pub(super) fn carry_on(&mut self, now: Timestamp) {
        let mut left = self.config.review_part;
        while left > 0
            && let Some(presentity) = self.reviews.turns.pop_front()
        {
            self.reviews.turns.push_back(presentity.clone());
            left = self.carry_part(decided_at(now), &presentity, left);
        }
    }

    /// Judges the subscription of `watcher` to `presentity` by the rules in force, if that was not its turn yet.
    pub(super) fn judge_first(
        &mut self,
        now: Timestamp,
        watcher: &Principal,
        presentity: &Presentity,
    ) {
        let Some(review) = self.reviews.open.get_mut(presentity) else { return };
        let Some(judged) = review.judged(watcher).cloned() else { return };
        review.settle(watcher);
        self.judge(decided_at(now), presentity, &[(watcher.clone(), judged)]);
    }

    /// Takes up again what the process before left to do: by each of the rules that held, for which of them a
    /// subscription was judged by last is not known.
    pub(super) fn reopen_reviews(&mut self, now: Timestamp) {
        for began in self.views.store().reviews.clone() {
            let presentities = self.concerned(&began);
            for presentity in &presentities {
                self.reopen_review(presentity, &began);
            }
            self.reviews.recorded.entry(began.of).or_default().extend(presentities);
        }
        let recorded = core::mem::take(&mut self.reviews.recorded);
        let (open, done): (BTreeMap<_, _>, BTreeMap<_, _>) =
            recorded.into_iter().partition(|(_, open)| !open.is_empty());
        self.reviews.recorded = open;
        for of in done.into_keys() {
            self.happen(decided_at(now), Event::ReviewEnded(ReviewEnded { of }));
        }
    }

    fn reopen_review(&mut self, presentity: &Presentity, began: &ReviewBegan) {
        let mut before = began.before.clone();
        if let RulesSubject::Domain(_) = began.of {
            let now = decide::in_force(self.case(self.views.time()), presentity);
            before = RulesBefore { domain: before.domain, ..now };
        }
        self.reviews.review(presentity).add_unknown(before);
    }

    /// The feeds to tell of a change of `presentity`, by what they see of it by the rules in force.
    pub(super) fn feeds_by_lens(
        &self,
        presentity: &Presentity,
    ) -> BTreeMap<Lens, Vec<(FeedId, Mode)>> {
        if !self.reviews.open.contains_key(presentity) {
            return self.live.presence_feeds(presentity);
        }
        let case = self.case(self.views.time());
        self.live.presence_feeds_by(presentity, |watcher, sight| {
            let is_judged = self.reviews.judged(presentity, watcher).is_none();
            if is_judged { Some(sight.lens.clone()) } else { case.lens(presentity, watcher) }
        })
    }
}
