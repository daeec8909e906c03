//! What a presentity published in the past, and by which rule a watcher is or was answered.
//!
//! Must never hold: a check that the model's constructors do not make.

use super::document::{document, document_body, plain_document};
use super::framed::Framed;
use super::rules::{handling, handling_number, sample_rule, shown, shown_body};
use super::sample::{BOB, BOBS, CAROL, DAY_MS, DEVICE, Sample, TIME_MS, through};
use crate::model::{
    Decision, DeviceId, Document, Presentity, Principal, PublicationName, Refusal, RuleName,
    Timestamp,
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

impl Framed for ListHistory {
    type Body = body::ListHistory;

    fn to_body(&self) -> body::ListHistory {
        body::ListHistory {
            presentity: self.presentity.to_string(),
            since_ms: self.since.map(Timestamp::as_ms),
            until_ms: self.until.map(Timestamp::as_ms),
            limit: self.limit,
        }
    }

    fn from_body(body: body::ListHistory) -> Result<Self, Refusal> {
        Ok(Self {
            presentity: body.presentity.parse()?,
            since: body.since_ms.map(Timestamp::from_ms),
            until: body.until_ms.map(Timestamp::from_ms),
            limit: body.limit,
        })
    }
}

/// What happened to a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was made or changed.
    Published,
    /// Its publisher removed it.
    Removed,
    /// It ran out.
    Expired,
    /// It went with its device's key or its presentity.
    Withdrawn,
}

impl ChangeKind {
    const ALL: [Self; 4] = [Self::Published, Self::Removed, Self::Expired, Self::Withdrawn];

    /// The word for listings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Removed => "removed",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Its number on the wire, from 1.
    const fn number(self) -> u8 {
        self as u8 + 1
    }

    fn from_number(number: u8) -> Result<Self, Refusal> {
        let known = Self::ALL.into_iter().find(|kind| kind.number() == number);
        known.ok_or_else(|| Refusal::bad_field("change", "is of a kind not known here"))
    }
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

impl Framed for Change {
    type Body = body::Change;

    fn to_body(&self) -> body::Change {
        body::Change {
            at_ms: self.at.as_ms(),
            by: self.by.as_ref().map(Principal::to_string).unwrap_or_default(),
            device: self.device.0,
            name: self.name.as_str().to_owned(),
            what: self.kind.number(),
            document: self.document.as_ref().map(document_body),
        }
    }

    fn from_body(body: body::Change) -> Result<Self, Refusal> {
        Ok(Self {
            at: Timestamp::from_ms(body.at_ms),
            by: (!body.by.is_empty()).then(|| body.by.parse()).transpose()?,
            device: DeviceId(body.device),
            name: PublicationName::new(&body.name)?,
            kind: ChangeKind::from_number(body.what)?,
            document: body.document.map(document).transpose()?,
        })
    }
}

/// Asks for the presence of a presentity one controls at a moment past. Answer: [`Presence`](super::Presence).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchAt {
    /// Whose.
    pub presentity: Presentity,
    /// When.
    pub at: Timestamp,
}

impl Framed for FetchAt {
    type Body = body::FetchAt;

    fn to_body(&self) -> body::FetchAt {
        body::FetchAt { presentity: self.presentity.to_string(), at_ms: self.at.as_ms() }
    }

    fn from_body(body: body::FetchAt) -> Result<Self, Refusal> {
        Ok(Self { presentity: body.presentity.parse()?, at: Timestamp::from_ms(body.at_ms) })
    }
}

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

impl Framed for Explain {
    type Body = body::Explain;

    fn to_body(&self) -> body::Explain {
        body::Explain {
            presentity: self.presentity.to_string(),
            watcher: self.watcher.to_string(),
            at_ms: self.at.map(Timestamp::as_ms),
        }
    }

    fn from_body(body: body::Explain) -> Result<Self, Refusal> {
        Ok(Self {
            presentity: body.presentity.parse()?,
            watcher: body.watcher.parse()?,
            at: body.at_ms.map(Timestamp::from_ms),
        })
    }
}

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

    fn to_body(&self) -> body::Explanation {
        body::Explanation {
            version: self.version,
            fetch: handling_number(Some(self.fetch.handling)),
            fetch_shown: shown_body(&self.fetch.shown),
            fetch_rule: rule_of(&self.fetch),
            subscribe: handling_number(Some(self.subscribe.handling)),
            subscribe_shown: shown_body(&self.subscribe.shown),
            subscribe_rule: rule_of(&self.subscribe),
            by_domain: self.by_domain,
        }
    }

    fn from_body(body: body::Explanation) -> Result<Self, Refusal> {
        Ok(Self {
            version: body.version,
            fetch: decision(body.fetch, &body.fetch_rule, body.fetch_shown)?,
            subscribe: decision(body.subscribe, &body.subscribe_rule, body.subscribe_shown)?,
            by_domain: body.by_domain,
        })
    }
}

fn rule_of(decision: &Decision) -> String {
    decision.rule.as_ref().map_or("", RuleName::as_str).to_owned()
}

fn decision(number: u8, rule: &str, wire: super::rules::body::Shown) -> Result<Decision, Refusal> {
    let nothing = || Refusal::bad_field("handling", "is missing");
    Ok(Decision {
        handling: handling(number)?.ok_or_else(nothing)?,
        rule: (!rule.is_empty()).then(|| RuleName::new(rule)).transpose()?,
        shown: shown(wire)?,
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
        what: ChangeKind::Published.number(),
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
        for kind in ChangeKind::ALL {
            assert_eq!(ChangeKind::from_number(kind.number()), Ok(kind));
        }
        assert!(ChangeKind::from_number(0).is_err());
    }
}
