//! Domains, what an administrator does to them and to principals, and the record of that.
//!
//! Must never hold: a rule of who may do what (the server decides).

use super::client::Client;
use super::error::{ClientError, printable};
use crate::model::{Domain, DomainRow, Principal, PrincipalRow};
use crate::protocol::{ActRow, Administer, Administration, ListActs, ListDomains, ListPrincipals};

impl Client {
    /// Does something as an administrator.
    ///
    /// # Errors
    /// [`ClientError::Refused`], and those of a connection that will not come back.
    pub async fn administer(&self, act: &Administration) -> Result<(), ClientError> {
        let (operation, act) = (self.operation(), act.clone());
        self.changed(Administer { operation, act }).await.map(drop)
    }

    /// The domains that the server serves.
    ///
    /// # Errors
    /// As [`Client::administer`].
    pub async fn domains(&self) -> Result<Vec<DomainRow>, ClientError> {
        self.ask(&ListDomains).await
    }

    /// Who has a name in `domain`, one's own if `None`, in order of name: for its administrators.
    ///
    /// # Errors
    /// As [`Client::administer`].
    pub async fn principals(
        &self,
        domain: Option<&Domain>,
    ) -> Result<Vec<PrincipalRow>, ClientError> {
        self.ask(&ListPrincipals { domain: domain.cloned() }).await
    }

    /// What administrators did that concerns `principal`, oneself if `None`; oldest first.
    ///
    /// # Errors
    /// As [`Client::administer`].
    pub async fn acts(&self, principal: Option<&Principal>) -> Result<Vec<ActRow>, ClientError> {
        let rows = self.ask(&ListActs { principal: principal.cloned() }).await?;
        Ok(rows.into_iter().map(|row| ActRow { about: printable(&row.about), ..row }).collect())
    }
}
