//! Access rules: who may fetch or subscribe.
//!
//! Must never hold: what a rule decides (the server applies it).

use core::fmt;
use core::str::FromStr;

use crate::client::client::Client;
use crate::client::error::ClientError;
use crate::client::random;
use crate::client::request::Request;
use crate::model::{AccessRule, Domain, Presentity, Refusal, RuleName};
use crate::protocol::{body, convert};

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

/// Access rules and their version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Their version; zero if there never were any.
    pub version: u64,
    /// The rules, in order of name.
    pub rules: Vec<AccessRule>,
}

/// A change of access rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesChange {
    /// The version they must have; any if `None`.
    pub if_version: Option<u64>,
    /// Rules to set; one of the same name is replaced.
    pub put: Vec<AccessRule>,
    /// Names of rules to remove.
    pub remove: Vec<RuleName>,
}

impl Client {
    /// The access rules of `owner`, one's own if `None`.
    ///
    /// # Errors
    /// [`ClientError::Refused`], and those of a connection that will not come back.
    pub async fn rules(&self, owner: Option<&RulesOwner>) -> Result<Rules, ClientError> {
        let question = body::ListRules { owner: self.rules_owner(owner) };
        let (head, rows) = self.headed::<_, body::Version, body::Rule>(&question).await?;
        let rules = rows.into_iter().map(|row| convert::access_rule(row.rule));
        let rules = rules.collect::<Result<_, _>>().map_err(ClientError::protocol)?;
        Ok(Rules { version: head.version, rules })
    }

    /// Changes the access rules of `owner`, one's own if `None`, and returns their version.
    ///
    /// # Errors
    /// As [`Client::rules`].
    pub async fn change_rules(
        &self,
        owner: Option<&RulesOwner>,
        change: RulesChange,
    ) -> Result<u64, ClientError> {
        let request = body::ChangeRules {
            request: 0,
            operation: random::operation().0,
            owner: self.rules_owner(owner),
            if_version: change.if_version,
            put: change.put.iter().map(convert::access_rule_body).collect(),
            remove: change.remove.into_iter().map(String::from).collect(),
        };
        self.changed(Request::ChangeRules(request)).await
    }

    fn rules_owner(&self, owner: Option<&RulesOwner>) -> String {
        owner.map_or_else(
            || self.identity().principal.presentity().to_string(),
            RulesOwner::to_string,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_reads_back_as_it_is_written() {
        for text in ["pres:alice@example.com", "@example.com"] {
            assert_eq!(text.parse::<RulesOwner>().unwrap().to_string(), text);
        }
        for wrong in ["alice@example.com", "@", "im:alice@example.com"] {
            assert!(wrong.parse::<RulesOwner>().is_err(), "{wrong}");
        }
    }
}
