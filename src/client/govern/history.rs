//! What a presentity published in the past, and by which rule a watcher is or was answered.
//!
//! Must never hold: a document of its own. The server reads its log.

use crate::client::client::Client;
use crate::client::error::ClientError;
use crate::client::watch::Presence;
use crate::model::{
    DeviceId, Document, Handling, Presentity, Principal, PublicationName, RuleName, Shown,
    Timestamp,
};
use crate::protocol::{body, convert};

/// Which part of a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryOptions {
    /// Only what happened from then on.
    pub since: Option<Timestamp>,
    /// Only what happened before then.
    pub until: Option<Timestamp>,
    /// At most so many, the newest; 1,000 if `None`.
    pub limit: Option<u32>,
}

/// What happened to a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was made or changed.
    Published,
    /// Its publisher removed it.
    Removed,
    /// It ran out.
    Expired,
    /// It went with its device's key or its presentity.
    Withdrawn,
}

impl ChangeKind {
    /// The word for listings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Removed => "removed",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }

    fn from_number(number: u8) -> Result<Self, ClientError> {
        match number {
            1 => Ok(Self::Published),
            2 => Ok(Self::Removed),
            3 => Ok(Self::Expired),
            4 => Ok(Self::Withdrawn),
            other => Err(ClientError::protocol(format!("Change has what {other}"))),
        }
    }
}

/// One change of a presentity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// Who did it; `None` if it happened by itself.
    pub by: Option<Principal>,
    /// The device whose publication it is.
    pub device: DeviceId,
    /// That device's name for it.
    pub name: PublicationName,
    /// What happened.
    pub kind: ChangeKind,
    /// What was published.
    pub document: Option<Document>,
}

/// What is granted for one kind of request, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// What is granted.
    pub handling: Handling,
    /// The rule that decided; `None` if none did and the default holds.
    pub rule: Option<RuleName>,
    /// What is shown where it is allowed.
    pub shown: Shown,
}

/// By which rules a watcher is or was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Version of the presentity's rules at that moment; zero if there were none.
    pub version: u64,
    /// For one that fetches.
    pub fetch: Granted,
    /// For one that subscribes.
    pub subscribe: Granted,
    /// Whether the domain's rules took away from what the presentity grants.
    pub by_domain: bool,
}

impl Client {
    /// What `presentity` published, newest first.
    ///
    /// # Errors
    /// [`ClientError::Refused`], and those of a connection that will not come back.
    pub async fn history(
        &self,
        presentity: &Presentity,
        options: HistoryOptions,
    ) -> Result<Vec<Change>, ClientError> {
        let question = body::ListHistory {
            presentity: presentity.to_string(),
            since_ms: options.since.map(Timestamp::as_ms),
            until_ms: options.until.map(Timestamp::as_ms),
            limit: options.limit.unwrap_or(0),
        };
        let rows = self.rows::<_, body::Change>(&question).await?;
        rows.into_iter().map(change).collect()
    }

    /// The presence of `presentity`, one's own or one that one controls, as it was at `at`.
    ///
    /// # Errors
    /// As [`Client::history`].
    pub async fn fetch_at(
        &self,
        presentity: &Presentity,
        at: Timestamp,
    ) -> Result<Presence, ClientError> {
        let presentity = presentity.to_string();
        let question = body::FetchAt { presentity, at_ms: at.as_ms() };
        let answer: body::Presence = self.one(&question).await?;
        Presence::new(answer.presence)
    }

    /// By which rules of `presentity` `watcher` is answered, or was at `at`.
    ///
    /// # Errors
    /// As [`Client::history`].
    pub async fn explain(
        &self,
        presentity: &Presentity,
        watcher: &Principal,
        at: Option<Timestamp>,
    ) -> Result<Explanation, ClientError> {
        let question = body::Explain {
            presentity: presentity.to_string(),
            watcher: watcher.to_string(),
            at_ms: at.map(Timestamp::as_ms),
        };
        let answer: body::Explanation = self.one(&question).await?;
        Ok(Explanation {
            version: answer.version,
            fetch: granted(answer.fetch, &answer.fetch_rule, answer.fetch_shown)?,
            subscribe: granted(answer.subscribe, &answer.subscribe_rule, answer.subscribe_shown)?,
            by_domain: answer.by_domain,
        })
    }
}

fn change(row: body::Change) -> Result<Change, ClientError> {
    let by = (!row.by.is_empty()).then(|| row.by.parse()).transpose();
    let document = row.document.map(convert::document).transpose();
    Ok(Change {
        at: Timestamp::from_ms(row.at_ms),
        by: by.map_err(ClientError::protocol)?,
        device: DeviceId(row.device),
        name: PublicationName::new(&row.name).map_err(ClientError::protocol)?,
        kind: ChangeKind::from_number(row.what)?,
        document: document.map_err(ClientError::protocol)?,
    })
}

fn granted(handling: u8, rule: &str, shown: body::Shown) -> Result<Granted, ClientError> {
    let handling = convert::handling(handling).map_err(ClientError::protocol)?;
    let nothing = || ClientError::protocol("an explanation says nothing of a kind of request");
    let rule = (!rule.is_empty()).then(|| RuleName::new(rule)).transpose();
    Ok(Granted {
        handling: handling.ok_or_else(nothing)?,
        rule: rule.map_err(ClientError::protocol)?,
        shown: convert::shown(shown).map_err(ClientError::protocol)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_by_itself_was_done_by_nobody() {
        let row = body::Change {
            at_ms: 5,
            by: String::new(),
            device: [1; 8],
            name: String::new(),
            what: 3,
            document: None,
        };
        let change = change(row.clone()).unwrap();
        assert_eq!((change.by, change.kind), (None, ChangeKind::Expired));
        assert!(super::change(body::Change { what: 9, ..row }).is_err());
    }
}
