//! Visibility rules: to whom, beside those it watches, a watcher is shown. RFC 2778 WATCHER INFORMATION.
//!
//! Must never hold: a check that the model's constructors do not make.

use super::framed::Framed;
use super::request::Request;
use super::sample::{Sample, operation, sample, through, typed};
use crate::model::{OperationId, Refusal, Who};

/// Frozen bodies and their parts.
pub mod body {
    use serde::{Deserialize, Serialize};

    crate::protocol::kind::bodies! {
        /// Changes visibility rules. Answer: `Changed`.
        0x001b ChangeVisibility {
            /// The client's number for the answer.
            request: u64,
            /// The device's name for the operation; the same on a repeat.
            operation: [u8; 16],
            /// Rules to set.
            put: Vec<VisibilityRule>,
            /// Whom the rules to remove are about.
            remove: Vec<String>,
        }
        /// Asks for one's visibility rules. Answer: `Version`, any number of `Visibility`, then `End`.
        0x0026 ListVisibility {
        }
        /// One visibility rule.
        0x0128 Visibility {
            /// The rule.
            rule: VisibilityRule,
        }
    }

    /// A visibility rule.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct VisibilityRule {
        /// As in `AccessRule`.
        pub who: String,
        /// Whether one is shown to them.
        pub is_shown: bool,
    }
}

/// One visibility rule. A list of them is headed by its [`Version`](super::rules::Version).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisibilityRow {
    /// Whom it is about.
    pub who: Who,
    /// Whether one is shown to them.
    pub is_shown: bool,
}

impl VisibilityRow {
    /// Writes the rule.
    pub fn write(&self) -> body::VisibilityRule {
        body::VisibilityRule { who: self.who.to_string(), is_shown: self.is_shown }
    }

    /// Reads the rule.
    ///
    /// # Errors
    /// [`Refusal::BadField`] or [`Refusal::BadAddress`] if it is about nobody.
    pub fn read(rule: &body::VisibilityRule) -> Result<Self, Refusal> {
        Ok(Self { who: rule.who.parse()?, is_shown: rule.is_shown })
    }
}

impl Framed for VisibilityRow {
    type Body = body::Visibility;

    fn to_body(&self) -> body::Visibility {
        body::Visibility { rule: self.write() }
    }

    fn from_body(body: body::Visibility) -> Result<Self, Refusal> {
        Self::read(&body.rule)
    }
}

/// Changes visibility rules. Answer: [`Answer::Changed`](super::Answer::Changed). A repeat gets the first answer, by its
/// operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeVisibility {
    /// The device's name for the operation. Zero is no name.
    pub operation: OperationId,
    /// Rules to set.
    pub put: Vec<VisibilityRow>,
    /// Whom the rules to remove are about.
    pub remove: Vec<Who>,
}

impl Framed for ChangeVisibility {
    type Body = body::ChangeVisibility;

    fn to_body(&self) -> body::ChangeVisibility {
        body::ChangeVisibility {
            request: 0,
            operation: self.operation.0,
            put: self.put.iter().map(VisibilityRow::write).collect(),
            remove: self.remove.iter().map(Who::to_string).collect(),
        }
    }

    fn from_body(body: body::ChangeVisibility) -> Result<Self, Refusal> {
        let remove = body.remove.iter().map(|who| who.parse());
        Ok(Self {
            operation: OperationId(body.operation),
            put: body.put.iter().map(VisibilityRow::read).collect::<Result<_, _>>()?,
            remove: remove.collect::<Result<_, _>>()?,
        })
    }
}

impl Request for ChangeVisibility {}

/// Asks for one's visibility rules. Answer: [`Version`](super::rules::Version), then any number of [`VisibilityRow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListVisibility;

impl Framed for ListVisibility {
    type Body = body::ListVisibility;

    fn to_body(&self) -> body::ListVisibility {
        body::ListVisibility {}
    }

    fn from_body(_: body::ListVisibility) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let rule = body::VisibilityRule { who: "@example.com".into(), is_shown: true };
    let change = typed::<ChangeVisibility>(body::ChangeVisibility {
        request: 0,
        operation: operation(2),
        put: vec![rule.clone()],
        remove: vec!["everyone".into()],
    });
    vec![
        sample("ChangeVisibility", &body::ChangeVisibility { request: 11, ..change }),
        sample("ListVisibility", &ListVisibility.to_body()),
        through::<VisibilityRow>("Visibility", body::Visibility { rule }),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rules::tests::any_who;
    use super::*;

    proptest! {
        #[test]
        fn a_rule_reads_back(who in any_who(), is_shown in any::<bool>()) {
            let given = VisibilityRow { who, is_shown };
            prop_assert_eq!(VisibilityRow::from_body(given.to_body()), Ok(given));
        }
    }
}
