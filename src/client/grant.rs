//! Grants: what a principal lets others do in its name.
//!
//! Must never hold: whether a right suffices for something (the server decides).

use super::client::Client;
use super::error::ClientError;
use crate::model::{Principal, Rights};
use crate::protocol::{Grant, GrantRow, ListGrants};

impl Client {
    /// What `owner`, oneself if `None`, grants others.
    ///
    /// # Errors
    /// [`ClientError::Refused`], and those of a connection that will not come back.
    pub async fn grants(&self, owner: Option<&Principal>) -> Result<Vec<GrantRow>, ClientError> {
        self.ask(&ListGrants { owner: owner.cloned() }).await
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
        let (owner, grantee) = (owner.cloned(), grantee.clone());
        let operation = self.operation();
        self.changed(Grant { owner, grantee, rights, operation }).await.map(drop)
    }
}
