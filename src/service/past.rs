//! What is asked of the past.
//!
//! Must never hold: a look into the log.

use std::sync::Arc;

use crate::model::{AccessRules, Handling, Presentity, Principal, Timestamp};

/// A stretch of elapsed time, which the log follows whatever the wall clock did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Only what happened from then on; all if `None`.
    pub since: Option<Timestamp>,
    /// Only what happened before then; all if `None`.
    pub until: Option<Timestamp>,
}

/// Who is judged, by whose rules, when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Whose rules.
    pub presentity: Presentity,
    /// Who watches.
    pub watcher: Principal,
    /// When, by the wall clock: rules hold by it.
    pub at: Timestamp,
    /// The same in elapsed time: the log is searched by it.
    pub passed_at: Timestamp,
    /// What authenticated watchers are granted without a rule.
    pub default: Handling,
    /// The rules of now.
    pub rules: Arc<AccessRules>,
    /// The domain's rules.
    pub domain: Arc<AccessRules>,
    /// Whether the watcher controls the presentity.
    pub controls: bool,
}
