//! Grants: what a principal lets others do in its name.
//!
//! Must never hold: whether a right suffices for something (the server decides).

use crate::client::client::Client;
use crate::client::error::ClientError;
use crate::client::random;
use crate::client::request::Request;
use crate::model::{Principal, Rights};
use crate::protocol::body;

/// What one other may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who may.
    pub grantee: Principal,
    /// All it may do.
    pub rights: Rights,
}

impl Client {
    /// What `owner`, oneself if `None`, grants others.
    ///
    /// # Errors
    /// [`ClientError::Refused`], and those of a connection that will not come back.
    pub async fn grants(&self, owner: Option<&Principal>) -> Result<Vec<Grant>, ClientError> {
        let owner = owner.map(Principal::to_string).unwrap_or_default();
        let question = body::ListGrants { owner };
        let rows = self.rows::<_, body::Granted>(&question).await?;
        rows.iter().map(grant).collect()
    }

    /// Grants `grantee` exactly these rights of `owner`, oneself if `None`; none takes all back.
    ///
    /// # Errors
    /// As [`Client::grants`].
    pub async fn grant(
        &self,
        owner: Option<&Principal>,
        grantee: &Principal,
        rights: Rights,
    ) -> Result<(), ClientError> {
        let request = body::Grant {
            request: 0,
            operation: random::operation().0,
            owner: owner.map(Principal::to_string).unwrap_or_default(),
            grantee: grantee.to_string(),
            rights: rights.bits(),
        };
        self.changed(Request::Grant(request)).await.map(drop)
    }
}

fn grant(row: &body::Granted) -> Result<Grant, ClientError> {
    let grantee = row.grantee.parse().map_err(ClientError::protocol)?;
    let rights = Rights::from_bits(row.rights).map_err(ClientError::protocol)?;
    Ok(Grant { grantee, rights })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_that_is_not_known_is_a_breach_and_not_passed_over() {
        let row = |rights| body::Granted { grantee: "bob@b.example".into(), rights };
        assert_eq!(grant(&row(31)).unwrap().rights, Rights::MEMBER);
        assert!(matches!(grant(&row(32)), Err(ClientError::Protocol { .. })));
    }
}
