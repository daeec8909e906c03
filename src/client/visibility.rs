//! Visibility rules: to whom, beside those one watches, one is shown as a watcher.
//!
//! Must never hold: what a rule decides (the server applies it).

use super::client::Client;
use super::error::ClientError;
use crate::model::Who;
use crate::protocol::{ChangeVisibility, ListVisibility, Version, VisibilityRow};

impl Client {
    /// One's own visibility rules, and their version.
    ///
    /// # Errors
    /// [`ClientError::Refused`], and those of a connection that will not come back.
    pub async fn visibility(&self) -> Result<(u64, Vec<VisibilityRow>), ClientError> {
        let (Version(version), rules) = self.ask(&ListVisibility).await?;
        Ok((version, rules))
    }

    /// Sets and removes visibility rules, and returns their version.
    ///
    /// # Errors
    /// As [`Client::visibility`].
    pub async fn change_visibility(
        &self,
        put: &[VisibilityRow],
        remove: &[Who],
    ) -> Result<u64, ClientError> {
        let (put, remove) = (put.to_vec(), remove.to_vec());
        self.changed(ChangeVisibility { operation: self.operation(), put, remove }).await
    }
}
