//! Recoveries of names: which run, and refusing that of one's own.
//!
//! Must never hold: a token. A recovery is started as an invite (see `manage`), and taken back as one.

use super::client::Client;
use super::error::ClientError;
use crate::model::InviteId;
use crate::protocol::{ListRecoveries, OpenRecovery, RefuseRecovery};

impl Client {
    /// The recoveries that run: that of one's own name, and for an administrator those of its domain.
    ///
    /// # Errors
    /// [`ClientError::Refused`], and those of a connection that will not come back.
    pub async fn recoveries(&self) -> Result<Vec<OpenRecovery>, ClientError> {
        self.ask(&ListRecoveries).await
    }

    /// Refuses the recovery of one's own name that has this invite.
    ///
    /// # Errors
    /// As [`Client::recoveries`].
    pub async fn refuse_recovery(&self, invite: InviteId) -> Result<(), ClientError> {
        let operation = self.operation();
        self.changed(RefuseRecovery { operation, invite }).await.map(drop)
    }
}
