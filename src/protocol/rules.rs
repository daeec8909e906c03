//! Access rules: who may fetch or subscribe, and what of a document they are shown.
//!
//! Must never hold: a check that the model's constructors do not make.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use super::asked::question;
use super::field::{Field, fields, numbered};
use super::framed::{Framed, framed};
use super::request::{NamedBy, Request};
use super::sample::{BOBS, DAY_MS, Sample, TIME_MS, asked, operation, sample, through};
use crate::model::{
    AccessRule, Domain, Handling, OperationId, Presentity, Principal, Refusal, RuleName, Shown,
};

/// Frozen bodies and their parts.
pub mod body {
    use serde::{Deserialize, Serialize};

    crate::protocol::kind::bodies! {
        /// Changes access rules. Answer: `Changed`.
        0x0019 ChangeRules {
            /// The client's number for the answer.
            request: u64,
            /// The device's name for the operation; the same on a repeat.
            operation: [u8; 16],
            /// `pres:` URI of the presentity whose rules they are; `@domain` for a domain's.
            owner: String,
            /// The version they must have.
            if_version: Option<u64>,
            /// Rules to set.
            put: Vec<AccessRule>,
            /// Names of rules to remove.
            remove: Vec<String>,
        }
        /// Asks for access rules. Answer: `Version`, any number of `Rule`, then `End`.
        0x0024 ListRules {
            /// `pres:` URI, or `@domain`.
            owner: String,
        }
        /// First row of an answer that lists rules.
        0x0124 Version {
            /// Their version; 0 if there never were any.
            version: u64,
        }
        /// One access rule.
        0x0125 Rule {
            /// The rule.
            rule: AccessRule,
        }
    }

    /// An access rule.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct AccessRule {
        /// Its name.
        pub name: String,
        /// `everyone`, `anonymous`, `authenticated`, `@domain` or `local@domain`.
        pub who: String,
        /// For one that fetches. 0: says nothing. 1: block. 2: confirm. 3: polite-block. 4: allow.
        pub fetch: u8,
        /// The same for one that subscribes.
        pub subscribe: u8,
        /// What is shown where it allows.
        pub shown: Shown,
        /// It holds from then on.
        pub from_ms: Option<u64>,
        /// It holds until just before then.
        pub until_ms: Option<u64>,
    }

    /// What of a document is shown.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Shown {
        /// Only the tuples of these ids; all if none.
        pub tuples: Option<Vec<String>>,
        /// Notes.
        pub notes: bool,
        /// Contact addresses.
        pub contact: bool,
        /// Extension elements.
        pub markup: bool,
    }
}

/// Whose access rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RulesOwner {
    /// A presentity's own.
    Presentity(Presentity),
    /// A domain's, for all presentities in it.
    Domain(Domain),
}

impl fmt::Display for RulesOwner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Presentity(presentity) => write!(formatter, "{presentity}"),
            Self::Domain(domain) => write!(formatter, "@{domain}"),
        }
    }
}

impl FromStr for RulesOwner {
    type Err = Refusal;

    /// Parses `pres:alice@example.com` or `@example.com`.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        match text.strip_prefix('@') {
            Some(domain) => domain.parse().map(Self::Domain),
            None => text.parse().map(Self::Presentity),
        }
    }
}

impl Field<String> for RulesOwner {
    fn to_wire(&self) -> String {
        self.to_string()
    }

    fn from_wire(wire: String) -> Result<Self, Refusal> {
        wire.parse()
    }
}

/// Changes access rules. Answer: [`Answer::Changed`](super::Answer::Changed). A repeat gets the first answer, by its
/// operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRules {
    /// Whose.
    pub owner: RulesOwner,
    /// The device's name for the operation. Zero is no name.
    pub operation: OperationId,
    /// The version they must have.
    pub if_version: Option<u64>,
    /// Rules to set; one of the same name is replaced.
    pub put: Vec<AccessRule>,
    /// Names of rules to remove.
    pub remove: Vec<RuleName>,
}

framed! { request ChangeRules: owner, operation, if_version, put, remove }

impl Request for ChangeRules {
    fn operation(&self) -> Option<(NamedBy, OperationId)> {
        Some((NamedBy::Principal, self.operation))
    }

    fn subject(&self, _: &Principal) -> String {
        self.owner.to_string()
    }

    fn weight(&self) -> usize {
        self.put.len() + self.remove.len()
    }
}

/// Asks for access rules. Answer: [`Version`], then any number of [`AccessRule`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRules {
    /// Whose.
    pub owner: RulesOwner,
}

question! { ListRules -> (Version, Vec<Arc<AccessRule>>): owner }

/// The version of rules that are listed behind it; zero if there never were any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub u64);

impl Framed for Version {
    type Body = body::Version;
}

impl Field<body::Version> for Version {
    fn to_wire(&self) -> body::Version {
        body::Version { version: self.0 }
    }

    fn from_wire(body: body::Version) -> Result<Self, Refusal> {
        Ok(Self(body.version))
    }
}

framed! { AccessRule in Rule.rule }

fields! {
    AccessRule in body::AccessRule:
    name, who, fetch, subscribe, shown; from_ms = from, until_ms = until
}
fields! { Shown in body::Shown: tuples, notes, contact, markup }
numbered! {
    Option<Handling>,
    "handling",
    "is none of 0 (none), 1 (block), 2 (confirm), 3 (polite-block), 4 (allow)":
    1 Block, 2 Confirm, 3 PoliteBlock, 4 Allow
}

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let change = body::ChangeRules {
        request: 0,
        operation: operation(0),
        owner: BOBS.into(),
        if_version: Some(3),
        put: vec![sample_rule()],
        remove: vec!["everyone".into()],
    };
    vec![
        asked::<ChangeRules>("ChangeRules", 9, change),
        through::<ListRules>("ListRules", body::ListRules { owner: BOBS.into() }),
        sample("Version", &Version(4).to_body()),
        through::<AccessRule>("Rule", body::Rule { rule: sample_rule() }),
    ]
}

/// A rule that uses every field.
pub(super) fn sample_rule() -> body::AccessRule {
    let tuples = Some(vec!["desk".into()]);
    body::AccessRule {
        name: "@example.com".into(),
        who: "@example.com".into(),
        fetch: 4,
        subscribe: 2,
        shown: body::Shown { tuples, notes: false, contact: true, markup: true },
        from_ms: Some(TIME_MS),
        until_ms: Some(TIME_MS + DAY_MS),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Timestamp, TupleId, Who};

    /// Whoever a rule may be about.
    pub(in super::super) fn any_who() -> impl Strategy<Value = Who> {
        let text = prop_oneof![
            Just("everyone".to_owned()),
            Just("anonymous".to_owned()),
            Just("authenticated".to_owned()),
            "@[a-z]{1,9}\\.example",
            "[a-z]{1,9}@[a-z]{1,9}\\.example",
        ];
        text.prop_map(|text| text.parse().unwrap())
    }

    /// A name a rule may have.
    pub(in super::super) fn any_name() -> impl Strategy<Value = RuleName> {
        "[!-~é]{1,40}".prop_map(|text| RuleName::new(&text).unwrap())
    }

    fn any_handling() -> impl Strategy<Value = Option<Handling>> {
        prop::option::of(prop::sample::select(Handling::ALL.to_vec()))
    }

    fn any_shown() -> impl Strategy<Value = Shown> {
        let ids = prop::collection::vec("[a-z0-9-]{1,20}", 0..5);
        let ids = ids.prop_map(|ids| ids.iter().map(|id| TupleId::new(id).unwrap()).collect());
        (prop::option::of(ids), any::<[bool; 3]>())
            .prop_map(|(tuples, [notes, contact, markup])| Shown { tuples, notes, contact, markup })
    }

    fn any_moment() -> impl Strategy<Value = Option<Timestamp>> {
        prop::option::of(any::<u64>().prop_map(Timestamp::from_ms))
    }

    fn any_rule() -> impl Strategy<Value = AccessRule> {
        let grants = (any_handling(), any_handling(), any_shown());
        (any_name(), any_who(), grants, any_moment(), any_moment()).prop_map(
            |(name, who, (fetch, subscribe, shown), from, until)| AccessRule {
                name,
                who,
                fetch,
                subscribe,
                shown,
                from,
                until,
            },
        )
    }

    proptest! {
        #[test]
        fn an_access_rule_reads_back(given in any_rule()) {
            let wire: body::AccessRule = given.to_wire();
            prop_assert_eq!(AccessRule::from_wire(wire), Ok(given));
        }

        #[test]
        fn a_handling_is_read_as_written_or_refused(number in any::<u8>()) {
            let read = Option::<Handling>::from_wire(number);
            prop_assert!(read.map_or(number > 4, |it| Field::<u8>::to_wire(&it) == number));
        }
    }

    #[test]
    fn an_owner_reads_back_as_it_is_written() {
        for text in ["pres:alice@example.com", "@example.com"] {
            assert_eq!(text.parse::<RulesOwner>().unwrap().to_string(), text);
        }
        for wrong in ["alice@example.com", "@", "im:alice@example.com"] {
            assert!(wrong.parse::<RulesOwner>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_higher_number_grants_more() {
        let granted: Vec<_> = (1..=4).map(|number| Handling::from_wire(number).unwrap()).collect();
        assert_eq!(granted, Handling::ALL);
    }

    #[test]
    fn a_rule_about_nobody_is_refused() {
        let rule = AccessRule::plain(Who::Everyone, Handling::Allow);
        let wire = body::AccessRule { who: "nobody".to_owned(), ..rule.to_wire() };
        assert!(matches!(AccessRule::from_wire(wire), Err(Refusal::BadField { .. })));
    }
}
