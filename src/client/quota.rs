//! Quotas: how much of what all share somebody may take. They are set by an act of an administrator (see `domain`).
//!
//! Must never hold: a rule of who may see them (the server decides).

use super::client::Client;
use super::error::{ClientError, printable};
use crate::model::{QuotaOwner, QuotaRow};
use crate::protocol::ListQuotas;

impl Client {
    /// How much `owner` may take and has taken, oneself if `None`. Of others an administrator of their domain is told.
    ///
    /// # Errors
    /// [`ClientError::Refused`], and those of a connection that will not come back.
    pub async fn quotas(&self, owner: Option<&QuotaOwner>) -> Result<Vec<QuotaRow>, ClientError> {
        let rows = self.ask(&ListQuotas { owner: owner.cloned() }).await?;
        Ok(rows.into_iter().map(|row| QuotaRow { quota: printable(&row.quota), ..row }).collect())
    }
}
