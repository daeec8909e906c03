//! Access rules: who may fetch or subscribe.
//!
//! Must never hold: what a rule decides (the server applies it).

use std::sync::Arc;

use super::client::Client;
use super::error::ClientError;
use crate::model::{AccessRule, RuleName};
use crate::protocol::{ChangeRules, ListRules, RulesOwner, Version};

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
        let question = ListRules { owner: self.rules_owner(owner) };
        let (Version(version), rules) = self.ask(&question).await?;
        let rules = rules.into_iter().map(Arc::unwrap_or_clone).collect();
        Ok(Rules { version, rules })
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
        let (owner, operation) = (self.rules_owner(owner), self.operation());
        let RulesChange { if_version, put, remove } = change;
        self.changed(ChangeRules { owner, operation, if_version, put, remove }).await
    }

    fn rules_owner(&self, owner: Option<&RulesOwner>) -> RulesOwner {
        let own = || RulesOwner::Presentity(self.identity().principal.presentity());
        owner.cloned().unwrap_or_else(own)
    }
}
