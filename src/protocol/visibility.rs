//! Visibility rules: to whom, beside those it watches, a watcher is shown. RFC 2778 WATCHER INFORMATION.
//!
//! Must never hold: a check that the model's constructors do not make.

use super::asked::question;
use super::field::fields;
use super::framed::{Framed as _, framed};
use super::request::{NamedBy, Request};
use super::rules::Version;
use super::sample::{Sample, asked, operation, sample, through};
use crate::model::{OperationId, Who};

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

/// One visibility rule. A list of them is headed by its [`Version`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisibilityRow {
    /// Whom it is about.
    pub who: Who,
    /// Whether one is shown to them.
    pub is_shown: bool,
}

fields! { VisibilityRow in body::VisibilityRule: who, is_shown }
framed! { VisibilityRow in Visibility.rule }

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

framed! { request ChangeVisibility: operation, put, remove }

impl Request for ChangeVisibility {
    fn operation(&self) -> Option<(NamedBy, OperationId)> {
        Some((NamedBy::Principal, self.operation))
    }

    fn weight(&self) -> usize {
        self.put.len() + self.remove.len()
    }
}

/// Asks for one's visibility rules. Answer: [`Version`], then any number of [`VisibilityRow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListVisibility;

question! { ListVisibility -> (Version, Vec<VisibilityRow>) }

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let rule = body::VisibilityRule { who: "@example.com".into(), is_shown: true };
    let change = body::ChangeVisibility {
        request: 0,
        operation: operation(2),
        put: vec![rule.clone()],
        remove: vec!["everyone".into()],
    };
    vec![
        asked::<ChangeVisibility>("ChangeVisibility", 11, change),
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
