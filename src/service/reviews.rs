//! Which subscriptions a change of rules has yet to come to, and by which rules they were judged last.
//!
//! Of one presentity they are mostly all from some watcher on, for a change comes to one after the other in order. Rules
//! that change again before that is done leave some who were judged by the first change, and others who were not.
//! Must never hold: what becomes of a subscription (see `decide`), or how many it comes to at once (see `review`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use crate::event::{RulesBefore, RulesSubject};
use crate::model::{Presentity, Principal, Who};
use crate::view::Views;

/// By which rules a subscription was judged last; several if it is not known by which of them.
pub(super) type Judged = Vec<Arc<RulesBefore>>;

/// The changes of rules that have yet to come to some subscriptions.
#[derive(Debug, Default)]
pub(super) struct Reviews {
    pub(super) open: BTreeMap<Presentity, Review>,
    /// Those of `open`, in the order in which they are gone on with.
    pub(super) turns: VecDeque<Presentity>,
    /// What the log says is open, with the presentities that are left of each.
    pub(super) recorded: BTreeMap<RulesSubject, BTreeSet<Presentity>>,
}

/// The subscriptions to one presentity that have yet to be judged by the rules in force.
#[derive(Debug, Default)]
pub(super) struct Review {
    /// All from some watcher on.
    range: Option<Range>,
    /// Single watchers: by what they were judged last, or that they are judged by now though they lie in the range.
    single: BTreeMap<Principal, Option<Judged>>,
}

#[derive(Debug, Default)]
struct Range {
    /// Up to here all are judged.
    through: Option<Principal>,
    /// Up to which watcher they were judged by what, in order.
    parts: VecDeque<(Option<Principal>, Judged)>,
}

impl Range {
    fn judged(&self, watcher: &Principal) -> Option<&Judged> {
        if self.through.as_ref().is_some_and(|through| watcher <= through) {
            return None;
        }
        let reaches = |end: &Option<Principal>| end.as_ref().is_none_or(|end| watcher <= end);
        self.parts.iter().find(|(end, _)| reaches(end)).map(|(_, judged)| judged)
    }
}

impl Review {
    /// By what the subscription of `watcher` was judged last, if that is not what is in force.
    pub(super) fn judged(&self, watcher: &Principal) -> Option<&Judged> {
        match self.single.get(watcher) {
            Some(single) => single.as_ref(),
            None => self.range.as_ref()?.judged(watcher),
        }
    }

    /// The rules of `before` hold no more, for any watcher.
    fn add_all(&mut self, before: &Arc<RulesBefore>) {
        let mut range = self.range.take().unwrap_or_default();
        if range.parts.is_empty() {
            range.parts.push_back((None, vec![Arc::clone(before)]));
        } else if let Some(through) = range.through.take() {
            range.parts.push_front((Some(through), vec![Arc::clone(before)]));
        }
        self.range = Some(range);
        for judged in self.single.values_mut() {
            judged.get_or_insert_with(|| vec![Arc::clone(before)]);
        }
    }

    /// The rules of `before` held until some time ago; by which of those that are known here each was judged is not known.
    pub(super) fn add_unknown(&mut self, before: RulesBefore) {
        let range = self.range.get_or_insert_default();
        match range.parts.front_mut() {
            Some((_, judged)) => judged.push(Arc::new(before)),
            None => range.parts.push_back((None, vec![Arc::new(before)])),
        }
    }

    /// The rules of `before` hold no more for `watcher`.
    fn add_one(&mut self, watcher: &Principal, before: &Arc<RulesBefore>) {
        if self.judged(watcher).is_none() {
            self.single.insert(watcher.clone(), Some(vec![Arc::clone(before)]));
        }
    }

    /// The subscription of `watcher` is judged by what is in force.
    pub(super) fn settle(&mut self, watcher: &Principal) {
        self.single.remove(watcher);
        if self.range.as_ref().is_some_and(|range| range.judged(watcher).is_some()) {
            self.single.insert(watcher.clone(), None);
        }
    }

    /// The next watchers to be judged and by what they were last, and how many were looked at for that, at most `max`.
    pub(super) fn next(
        &mut self,
        views: &Views,
        presentity: &Presentity,
        max: usize,
    ) -> (Vec<(Principal, Judged)>, usize) {
        let open = self
            .single
            .iter()
            .filter_map(|(watcher, judged)| Some((watcher.clone(), judged.clone()?)));
        let mut next: Vec<(Principal, Judged)> = open.take(max).collect();
        for (watcher, _) in &next {
            self.settle(watcher);
        }
        let singles = next.len();
        let Some(range) = &mut self.range else { return (next, singles) };
        let begin = range.through.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let left = max - next.len();
        let watchers = views.subscribers_in(presentity, (begin, Bound::Unbounded)).take(left);
        let watchers: Vec<Principal> = watchers.cloned().collect();
        for watcher in &watchers {
            if !self.single.contains_key(watcher)
                && let Some(judged) = range.judged(watcher)
            {
                next.push((watcher.clone(), judged.clone()));
            }
        }
        if watchers.len() < left {
            self.range = None;
            self.single.retain(|_, judged| judged.is_some());
        } else if let Some(last) = watchers.last() {
            range.parts.retain(|(end, _)| end.as_ref().is_none_or(|end| end > last));
            self.single.retain(|watcher, judged| judged.is_some() || watcher > last);
            range.through = Some(last.clone());
        }
        (next, singles + watchers.len())
    }

    pub(super) fn is_done(&self) -> bool {
        self.range.is_none() && self.single.is_empty()
    }
}

impl Reviews {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn review(&mut self, presentity: &Presentity) -> &mut Review {
        if !self.open.contains_key(presentity) {
            self.turns.push_back(presentity.clone());
        }
        self.open.entry(presentity.clone()).or_default()
    }

    pub(super) fn judged(&self, presentity: &Presentity, watcher: &Principal) -> Option<&Judged> {
        self.open.get(presentity)?.judged(watcher)
    }

    /// Adds a change for the watchers whom `about` names; all if it names classes of them.
    pub(super) fn add(
        &mut self,
        presentity: &Presentity,
        about: &BTreeSet<Who>,
        before: &Arc<RulesBefore>,
    ) {
        let named = about.iter().map(|who| match who {
            Who::Principal(watcher) => Some(watcher),
            _ => None,
        });
        match named.collect::<Option<Vec<&Principal>>>() {
            Some(watchers) => {
                let review = self.review(presentity);
                for watcher in watchers {
                    review.add_one(watcher, before);
                }
            }
            None => self.review(presentity).add_all(before),
        }
    }
}
