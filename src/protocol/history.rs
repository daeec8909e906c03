//! What a presentity published in the past, and by which rule a watcher is or was answered.
//!
//! Must never hold: a check that the model's constructors do not make.

use super::asked::question;
use super::document::{Presence, plain_document};
use super::field::{Field, numbered};
use super::framed::{Framed, framed};
use super::rules::sample_rule;
use super::sample::{BOB, BOBS, CAROL, DAY_MS, DEVICE, Sample, TIME_MS, through};
use crate::model::{
    Decision, DeviceId, Document, Presentity, Principal, PublicationName, Refusal, Timestamp, words,
};

/// Frozen bodies.
pub mod body {
    use crate::protocol::document::body::Document;
    use crate::protocol::rules::body::Shown;

    crate::protocol::kind::bodies! {
        /// Asks what was published. Answer: any number of `Change`, newest first, then `End`.
        0x0029 ListHistory {
            /// `pres:` URI.
            presentity: String,
            /// Only what happened from then on.
            since_ms: Option<u64>,
            /// Only what happened before then.
            until_ms: Option<u64>,
            /// At most so many; 0 and more than 1,000 mean 1,000.
            limit: u32,
        }
        /// Asks for the presence of one's own presentity at a moment past. Answer: `Presence`.
        0x002a FetchAt {
            /// `pres:` URI.
            presentity: String,
            /// When.
            at_ms: u64,
        }
        /// Asks which rule decides what a watcher sees, or did. Answer: `Explanation`.
        0x002b Explain {
            /// `pres:` URI.
            presentity: String,
            /// `local@domain`.
            watcher: String,
            /// When; now if none.
            at_ms: Option<u64>,
        }
        /// One change of a presentity.
        0x012b Change {
            /// When.
            at_ms: u64,
            /// Who published; empty if it ended by itself.
            by: String,
            /// With which device.
            device: [u8; 8],
            /// The device's name for the publication.
            name: String,
            /// 1: published. 2: removed. 3: expired. 4: withdrawn.
            what: u8,
            /// What was published.
            document: Option<Document>,
        }
        /// Answer to `Explain`.
        0x012c Explanation {
            /// Version of the presentity's rules at that moment; 0 if there were none.
            version: u64,
            /// What is granted to one that fetches, as in `AccessRule`.
            fetch: u8,
            /// The rule that decided; empty if the default did.
            fetch_rule: String,
            /// What is granted to one that subscribes.
            subscribe: u8,
            /// The rule that decided; empty if the default did.
            subscribe_rule: String,
            /// What is shown to one that fetches.
            fetch_shown: Shown,
            /// What is shown to one that subscribes.
            subscribe_shown: Shown,
            /// Whether the domain's rules took away from what the presentity grants.
            by_domain: bool,
        }
    }
}

/// Asks what was published. Answer: any number of [`Change`], newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListHistory {
    /// Whose.
    pub presentity: Presentity,
    /// Only what happened from then on.
    pub since: Option<Timestamp>,
    /// Only what happened before then.
    pub until: Option<Timestamp>,
    /// At most so many; 0 and more than 1,000 mean 1,000.
    pub limit: u32,
}

question! {
    ListHistory -> Vec<Change>:
    presentity, limit; since_ms = since, until_ms = until
}

words! {
    /// What happened to a publication.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    ChangeKind {
        /// It was made or changed.
        Published = "published";
        /// Its publisher removed it.
        Removed = "removed";
        /// It ran out.
        Expired = "expired";
        /// It went with its device's key or its presentity.
        Withdrawn = "withdrawn";
    }
}

numbered! {
    ChangeKind, "change", "is none of 1 to 4":
    1 Published, 2 Removed, 3 Expired, 4 Withdrawn
}

/// One change of a presentity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// Who did it; `None` if it happened by itself.
    pub by: Option<Principal>,
    /// The device whose publication it is.
    pub device: DeviceId,
    /// That device's name for it.
    pub name: PublicationName,
    /// What happened.
    pub kind: ChangeKind,
    /// What was published.
    pub document: Option<Document>,
}

framed! { Change in Change: device, name, document; at_ms = at, what = kind | by }

/// Asks for the presence of a presentity one controls at a moment past. Answer: [`Presence`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchAt {
    /// Whose.
    pub presentity: Presentity,
    /// When.
    pub at: Timestamp,
}

question! { FetchAt -> Presence: presentity; at_ms = at }

/// Asks which rule decides what a watcher sees, or did. Answer: [`Explanation`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explain {
    /// Of which presentity.
    pub presentity: Presentity,
    /// Which watcher.
    pub watcher: Principal,
    /// When; now if `None`.
    pub at: Option<Timestamp>,
}

question! { Explain -> Explanation: presentity, watcher; at_ms = at }

/// By which rules a watcher is or was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Version of the presentity's rules at that moment; zero if there were none.
    pub version: u64,
    /// For one that fetches.
    pub fetch: Decision,
    /// For one that subscribes.
    pub subscribe: Decision,
    /// Whether the domain's rules took away from what the presentity grants.
    pub by_domain: bool,
}

impl Framed for Explanation {
    type Body = body::Explanation;
}

impl Field<body::Explanation> for Explanation {
    fn to_wire(&self) -> body::Explanation {
        body::Explanation {
            version: self.version,
            fetch: self.fetch.handling.to_wire(),
            fetch_shown: self.fetch.shown.to_wire(),
            fetch_rule: self.fetch.rule.to_wire(),
            subscribe: self.subscribe.handling.to_wire(),
            subscribe_shown: self.subscribe.shown.to_wire(),
            subscribe_rule: self.subscribe.rule.to_wire(),
            by_domain: self.by_domain,
        }
    }

    fn from_wire(body: body::Explanation) -> Result<Self, Refusal> {
        Ok(Self {
            version: body.version,
            fetch: decision(body.fetch, body.fetch_rule, body.fetch_shown)?,
            subscribe: decision(body.subscribe, body.subscribe_rule, body.subscribe_shown)?,
            by_domain: body.by_domain,
        })
    }
}

fn decision(
    number: u8,
    rule: String,
    shown: super::rules::body::Shown,
) -> Result<Decision, Refusal> {
    Ok(Decision {
        handling: Field::from_wire(number)?,
        rule: Field::from_wire(rule)?,
        shown: Field::from_wire(shown)?,
    })
}

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    [questions(), rows()].into_iter().flatten().collect()
}

fn questions() -> Vec<Sample> {
    let presentity = || BOBS.to_owned();
    let history = body::ListHistory {
        presentity: presentity(),
        since_ms: Some(TIME_MS),
        until_ms: Some(TIME_MS + DAY_MS),
        limit: 100,
    };
    let (watcher, at_ms) = (CAROL.to_owned(), Some(TIME_MS));
    let explain = body::Explain { presentity: presentity(), watcher, at_ms };
    let past = body::FetchAt { presentity: presentity(), at_ms: TIME_MS };
    vec![
        through::<ListHistory>("ListHistory", history),
        through::<FetchAt>("FetchAt", past),
        through::<Explain>("Explain", explain),
    ]
}

fn rows() -> Vec<Sample> {
    let change = body::Change {
        at_ms: TIME_MS,
        by: BOB.into(),
        device: DEVICE,
        name: String::new(),
        what: 1,
        document: Some(plain_document()),
    };
    let rule = sample_rule();
    let all = super::rules::body::Shown { tuples: None, notes: true, contact: true, markup: true };
    let explanation = body::Explanation {
        version: 4,
        fetch: rule.fetch,
        fetch_rule: rule.name,
        subscribe: rule.subscribe,
        subscribe_rule: String::new(),
        fetch_shown: rule.shown,
        subscribe_shown: all,
        by_domain: false,
    };
    vec![through::<Change>("Change", change), through::<Explanation>("Explanation", explanation)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_by_itself_was_done_by_nobody() {
        let row = body::Change {
            at_ms: 5,
            by: String::new(),
            device: [1; 8],
            name: String::new(),
            what: 3,
            document: None,
        };
        let change = Change::from_body(row.clone()).unwrap();
        assert_eq!((change.by.clone(), change.kind), (None, ChangeKind::Expired));
        assert_eq!(change.to_body(), row);
        assert!(Change::from_body(body::Change { what: 9, ..row }).is_err());
    }

    #[test]
    fn every_kind_of_change_reads_back() {
        for number in 1..=4 {
            assert_eq!(ChangeKind::from_wire(number).unwrap().to_wire(), number);
        }
        assert!(ChangeKind::from_wire(0).is_err());
    }
}
