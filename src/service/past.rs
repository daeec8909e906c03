//! What is asked of the past and what the log tells of it.
//!
//! Must never hold: a look into the log.

use crate::model::{
    AccessRules, Decision, DeviceId, Document, Handling, Presentity, Principal, PublicationName,
    Timestamp,
};

/// How a presentity changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Something was published.
    Published,
    /// A publication was removed by its publisher.
    Removed,
    /// A publication ran out.
    Expired,
    /// The right to publish was taken back, or the presentity ended.
    Withdrawn,
}

/// One change of a presentity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    /// When.
    pub at: Timestamp,
    /// Who published or removed; `None` if it ended by itself.
    pub by: Option<Principal>,
    /// Of which device the publication is.
    pub device: DeviceId,
    /// The device's name for the publication.
    pub name: PublicationName,
    /// What happened to it.
    pub kind: ChangeKind,
    /// What was published.
    pub document: Option<Document>,
}

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

/// What the rules grant, and which of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The version of the presentity's rules; zero if there were none.
    pub version: u64,
    /// For one that fetches.
    pub fetch: Decision,
    /// For one that subscribes.
    pub subscribe: Decision,
    /// Whether the domain's rules took away from what the presentity grants.
    pub by_domain: bool,
}
