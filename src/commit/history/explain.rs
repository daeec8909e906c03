//! By which rules a watcher is answered, or was at a moment past.
//!
//! A domain's rules, who controls the presentity, and what is granted without a rule, are those of now: only a presentity's own rules have a
//! history that can be walked.
//! Must never hold: a rule of its own.

use std::sync::Arc;

use super::HistoryFault;
use super::rewind::Rewind;
use crate::event::Event;
use crate::log::{LogFault, LogReader};
use crate::model::limits::HISTORY_WALK_MAX;
use crate::model::{AccessRules, Decision, Handling, Sequence, Shown, WatcherKind};
use crate::protocol::Explanation;
use crate::service::{Judged, judge};

/// Judges by the rules in force at the moment asked for; `last` is the last change of the presentity's rules.
///
/// # Errors
/// [`HistoryFault`].
pub fn explain(
    reader: &dyn LogReader,
    last: Sequence,
    judged: &Judged,
) -> Result<Explanation, HistoryFault> {
    let (version, rules) = rules_at(reader, last, judged)?;
    let (fetch, fetch_cut) = judged.decide(&rules, WatcherKind::Fetcher);
    let (subscribe, subscribe_cut) = judged.decide(&rules, WatcherKind::Subscriber);
    Ok(Explanation { version, fetch, subscribe, by_domain: fetch_cut || subscribe_cut })
}

/// Version and rules in force at the moment, in elapsed time.
fn rules_at(
    reader: &dyn LogReader,
    last: Sequence,
    judged: &Judged,
) -> Result<(u64, AccessRules), HistoryFault> {
    let mut past = Rewind::new(Arc::clone(&judged.rules));
    let mut at = last;
    for _ in 0..HISTORY_WALK_MAX {
        if at == Sequence::ZERO {
            return Ok(past.finish(0, &AccessRules::NONE));
        }
        let recorded = reader.read_one(at)?;
        let stood = recorded.at.timestamp() <= judged.passed_at;
        at = match recorded.event {
            Event::AccessRulesAmended(event) if event.presentity == judged.presentity => {
                if !stood {
                    past.undo(&event.rules);
                } else if past.redo(event.version, &event.rules) {
                    return Ok(past.finish(event.version, &AccessRules::NONE));
                }
                event.previous
            }
            Event::AccessRulesChanged(event) if event.presentity == judged.presentity => {
                if stood {
                    return Ok(past.finish(event.version, &event.rules));
                }
                past.undo_all();
                event.previous
            }
            _ => return Err(LogFault::Missing { sequence: at }.into()),
        };
    }
    Err(HistoryFault::TooFar)
}

impl Judged {
    /// What is granted, and whether the domain took away from it.
    fn decide(&self, rules: &AccessRules, kind: WatcherKind) -> (Decision, bool) {
        if self.controls {
            let all = Decision { handling: Handling::Allow, shown: Shown::ALL, rule: None };
            return (all, false);
        }
        let when = (self.at, self.default);
        let by = |domain| judge(rules, domain, &self.watcher, kind, when);
        let (alone, both) = (by(&AccessRules::default()), by(&self.domain));
        let is_cut = both != alone;
        (both, is_cut)
    }
}
