//! What a presentity published in the past, and by which rule a watcher is or was answered.
//!
//! Must never hold: a document of its own. The server reads its log.

use super::client::Client;
use super::error::ClientError;
use crate::model::{Presentity, Principal, Timestamp};
use crate::protocol::{Change, Explain, Explanation, FetchAt, ListHistory, Presence};

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
        let HistoryOptions { since, until, limit } = options;
        let (presentity, limit) = (presentity.clone(), limit.unwrap_or(0));
        self.ask(&ListHistory { presentity, since, until, limit }).await
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
        self.ask(&FetchAt { presentity: presentity.clone(), at }).await
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
        let (presentity, watcher) = (presentity.clone(), watcher.clone());
        self.ask(&Explain { presentity, watcher, at }).await
    }
}
