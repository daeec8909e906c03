//! Grants: what a principal lets others do in its name.
//!
//! Must never hold: whether a right suffices for something (the service decides).

use super::asked::question;
use super::framed::framed;
use super::request::{NamedBy, Request};
use super::sample::{CAROL, Sample, asked, operation, through};
use crate::model::{OperationId, Principal, Rights};

/// Frozen bodies.
pub mod body {
    crate::protocol::kind::bodies! {
        /// Grants rights or takes them back. Answer: `Changed`.
        0x001c Grant {
            /// The client's number for the answer.
            request: u64,
            /// The device's name for the operation; the same on a repeat.
            operation: [u8; 16],
            /// Who grants; empty means oneself.
            owner: String,
            /// To whom.
            grantee: String,
            /// Bits: 1 publish, 2 read, 4 delete, 8 watchers, 31 member; 0 takes all back.
            rights: u8,
        }
        /// Asks what a principal grants. Answer: any number of `Granted`, then `End`.
        0x0027 ListGrants {
            /// Who grants; empty means oneself.
            owner: String,
        }
        /// One grant.
        0x0129 Granted {
            /// To whom.
            grantee: String,
            /// As in `Grant`.
            rights: u8,
        }
    }
}

/// Grants rights or takes them back. Answer: [`Answer::Changed`](super::Answer::Changed). A repeat gets the first answer,
/// by its operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who grants: one the asker is a member of; `None` for the asker itself.
    pub owner: Option<Principal>,
    /// To whom.
    pub grantee: Principal,
    /// All it is to have from now on.
    pub rights: Rights,
    /// The device's name for the operation. Zero is no name.
    pub operation: OperationId,
}

framed! { request Grant: owner, grantee, rights, operation }

impl Request for Grant {
    fn operation(&self) -> Option<(NamedBy, OperationId)> {
        Some((NamedBy::Principal, self.operation))
    }

    fn subject(&self, asker: &Principal) -> String {
        format!("{} {}", self.owner.as_ref().unwrap_or(asker), self.grantee)
    }
}

/// Asks what a principal grants. Answer: any number of [`GrantRow`], in order of grantee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListGrants {
    /// Who grants; `None` for the asker itself.
    pub owner: Option<Principal>,
}

question! { ListGrants -> Vec<GrantRow>: owner }

/// What one other may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRow {
    /// Who may.
    pub grantee: Principal,
    /// All it may do.
    pub rights: Rights,
}

framed! { GrantRow in Granted: rights | grantee }

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let (owner, grantee, rights) = (String::new(), CAROL.to_owned(), 3);
    let row = body::Granted { grantee: grantee.clone(), rights };
    let operation = operation(3);
    let grant = body::Grant { request: 0, operation, owner, grantee, rights };
    vec![
        asked::<Grant>("Grant", 13, grant),
        through::<ListGrants>("ListGrants", body::ListGrants { owner: String::new() }),
        through::<GrantRow>("Granted", row),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Refusal;
    use crate::protocol::Framed as _;

    #[test]
    fn a_right_that_is_not_known_is_refused_and_not_passed_over() {
        let row = |rights| body::Granted { grantee: "bob@b.example".into(), rights };
        assert_eq!(GrantRow::from_body(row(31)).unwrap().rights, Rights::MEMBER);
        assert!(matches!(GrantRow::from_body(row(32)), Err(Refusal::BadField { .. })));
    }

    #[test]
    fn a_grant_without_an_owner_is_the_askers_own() {
        let grant = body::Grant {
            request: 1,
            operation: [9; 16],
            owner: String::new(),
            grantee: "bob@d.example".to_owned(),
            rights: 3,
        };
        let grant = Grant::from_body(grant).unwrap();
        assert_eq!((grant.owner, grant.rights.to_string().as_str()), (None, "publish,read"));
    }
}
