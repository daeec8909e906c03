//! Domains, and what an administrator does to others.
//!
//! Must never hold: who is an administrator (the server knows).

use crate::client::client::Client;
use crate::client::error::{ClientError, printable};
use crate::client::random;
use crate::client::request::{ACT_REMOVE_DOMAIN, Request};
use crate::model::{AdministratorAct, Domain, DomainRow, Principal, Timestamp};
use crate::protocol::body;

/// What an administrator can do to a domain or a principal. What is `None` stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Administration {
    /// Creates a domain.
    CreateDomain(Domain),
    /// Removes a domain in which nobody is enrolled.
    RemoveDomain(Domain),
    /// Switches presence or messaging in a domain.
    SwitchDomain {
        /// Which.
        domain: Domain,
        /// Whether presence is to work.
        presence: Option<bool>,
        /// Whether messaging is to work.
        messaging: Option<bool>,
    },
    /// Gives or takes a principal's presentity or inbox.
    SwitchServices {
        /// Whose.
        principal: Principal,
        /// Whether it is to have a presentity.
        presence: Option<bool>,
        /// Whether it is to have an inbox.
        messaging: Option<bool>,
    },
    /// Suspends a principal.
    Suspend(Principal),
    /// Lifts a suspension.
    Resume(Principal),
}

/// One act of an administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActRow {
    /// When.
    pub at: Timestamp,
    /// Which administrator.
    pub by: Principal,
    /// What it did; `None` for an act this version does not know.
    pub act: Option<AdministratorAct>,
    /// To what; may be empty.
    pub about: String,
}

impl Client {
    /// Does something as an administrator.
    ///
    /// # Errors
    /// [`ClientError::Refused`], and those of a connection that will not come back.
    pub async fn administer(&self, act: &Administration) -> Result<(), ClientError> {
        self.changed(Request::Administer(request(act))).await.map(drop)
    }

    /// The domains that the server serves.
    ///
    /// # Errors
    /// As [`Client::administer`].
    pub async fn domains(&self) -> Result<Vec<DomainRow>, ClientError> {
        let question = body::ListDomains {};
        let rows = self.rows::<_, body::DomainState>(&question).await?;
        rows.iter().map(domain_row).collect()
    }

    /// What administrators did that concerns `principal`, oneself if `None`; oldest first.
    ///
    /// # Errors
    /// As [`Client::administer`].
    pub async fn acts(&self, principal: Option<&Principal>) -> Result<Vec<ActRow>, ClientError> {
        let principal = principal.map(Principal::to_string).unwrap_or_default();
        let question = body::ListActs { principal };
        let rows = self.rows::<_, body::Act>(&question).await?;
        rows.iter().map(act_row).collect()
    }
}

fn request(act: &Administration) -> body::Administer {
    let (act, subject, presence, messaging) = match act {
        Administration::CreateDomain(domain) => (1, domain.to_string(), None, None),
        Administration::RemoveDomain(domain) => (ACT_REMOVE_DOMAIN, domain.to_string(), None, None),
        Administration::SwitchDomain { domain, presence, messaging } => {
            (3, domain.to_string(), *presence, *messaging)
        }
        Administration::SwitchServices { principal, presence, messaging } => {
            (4, principal.to_string(), *presence, *messaging)
        }
        Administration::Suspend(principal) => (5, principal.to_string(), None, None),
        Administration::Resume(principal) => (6, principal.to_string(), None, None),
    };
    body::Administer {
        request: 0,
        operation: random::operation().0,
        act,
        subject,
        presence: switch(presence),
        messaging: switch(messaging),
    }
}

/// 0 stays, 1 off, 2 on.
fn switch(on: Option<bool>) -> u8 {
    on.map_or(0, |on| 1 + u8::from(on))
}

fn domain_row(row: &body::DomainState) -> Result<DomainRow, ClientError> {
    Ok(DomainRow {
        domain: row.domain.parse().map_err(ClientError::protocol)?,
        is_configured: row.is_configured,
        presence: row.presence,
        messaging: row.messaging,
        principals: row.principals,
    })
}

fn act_row(row: &body::Act) -> Result<ActRow, ClientError> {
    Ok(ActRow {
        at: Timestamp::from_ms(row.at_ms),
        by: row.by.parse().map_err(ClientError::protocol)?,
        act: AdministratorAct::from_number(row.act),
        about: printable(&row.about),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_of_a_switch_stays() {
        let domain = "example.com".parse().unwrap();
        let act = Administration::SwitchDomain { domain, presence: Some(false), messaging: None };
        let wire = request(&act);
        assert_eq!((wire.act, wire.subject.as_str()), (3, "example.com"));
        assert_eq!((wire.presence, wire.messaging), (1, 0));
    }

    #[test]
    fn each_act_is_an_operation_of_its_own() {
        let act = Administration::Suspend("bob@b.example".parse().unwrap());
        assert_ne!(request(&act).operation, request(&act).operation);
    }
}
