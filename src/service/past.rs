//! What is asked of the past.
//!
//! Must never hold: a look into the log.

use crate::model::{AccessRules, Handling, Presentity, Principal, Timestamp};

/// A stretch of time.
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
    /// When.
    pub at: Timestamp,
    /// What authenticated watchers are granted without a rule.
    pub default: Handling,
    /// The domain's rules.
    pub domain: AccessRules,
    /// Whether the watcher controls the presentity.
    pub controls: bool,
}
