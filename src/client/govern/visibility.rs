//! Visibility rules: to whom, beside those one watches, one is shown as a watcher.
//!
//! Must never hold: what a rule decides (the server applies it).

use crate::client::client::Client;
use crate::client::error::ClientError;
use crate::client::random;
use crate::client::request::Request;
use crate::model::Who;
use crate::protocol::{Framed as _, VisibilityRow, body};

impl Client {
    /// One's own visibility rules, and their version.
    ///
    /// # Errors
    /// [`ClientError::Refused`], and those of a connection that will not come back.
    pub async fn visibility(&self) -> Result<(u64, Vec<VisibilityRow>), ClientError> {
        let question = body::ListVisibility {};
        let (head, rows) = self.headed::<_, body::Version, body::Visibility>(&question).await?;
        let rules = rows.into_iter().map(VisibilityRow::from_body);
        let rules = rules.collect::<Result<_, _>>().map_err(ClientError::protocol)?;
        Ok((head.version, rules))
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
        let put = put.iter().map(VisibilityRow::write);
        let request = body::ChangeVisibility {
            request: 0,
            operation: random::operation().0,
            put: put.collect(),
            remove: remove.iter().map(Who::to_string).collect(),
        };
        self.changed(Request::ChangeVisibility(request)).await
    }
}
