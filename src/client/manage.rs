//! Invites, devices, subscriptions and the state of an inbox.
//!
//! Must never hold: a rule of who may do what (the server decides).

use super::client::{Client, mismatched};
use super::error::{ClientError, printable};
use super::random;
use super::request_id::RequestId;
use super::token::InviteToken;
use crate::model::limits::DELETE_COUNT_MAX;
use crate::model::{
    DeviceId, InboxAddress, InboxSequence, InviteId, Lifetime, Presentity, Principal,
    PublicationName, Refusal, Role, Timestamp,
};
use crate::protocol::{
    Answer, Delete, DeviceKey, InboxState, InboxStatus, Invite, ListInvites, ListKeys,
    ListPublications, ListSubscriptions, LivePublication, OpenInvite, RemovePublication, RevokeKey,
    ServerDescription, ServerInfo, SubscriptionRow, WithdrawInvite,
};

/// Whom to invite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteOptions {
    /// For whom; any free name of one's domain if `None`.
    pub principal: Option<Principal>,
    /// What the invited may do.
    pub role: Role,
    /// Whether it is to be a recovery of the principal's name, which exists and is not one's own.
    pub recovers: bool,
    /// How long it is good; the server's default if `None`.
    pub lifetime: Option<Lifetime>,
    /// The secret; a random one if `None`. To ask again for an invite whose answer did not come, give the same.
    pub token: Option<InviteToken>,
}

/// An invite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// Its secret, to be passed on, with the key of the server that it is for. The server does not know it.
    pub token: InviteToken,
    /// When it runs out.
    pub expires_at: Timestamp,
}

impl Client {
    /// Makes an invite.
    ///
    /// # Errors
    /// [`ClientError::Refused`], and those of a connection that will not come back.
    pub async fn invite(&self, options: InviteOptions) -> Result<Invited, ClientError> {
        let InviteOptions { principal, role, recovers, lifetime, token } = options;
        let token = token.unwrap_or_else(InviteToken::generate);
        let request = Invite { invite: token.id(), principal, role, lifetime, recovers };
        match self.request(request).await {
            Ok((Answer::Invited { expires_at }, _)) => {
                let token = token.bound_to(self.identity().server_key);
                Ok(Invited { token, expires_at })
            }
            Ok((other, _)) => Err(mismatched(&other)),
            // The server knows an invite by its token, which the request does not hold.
            Err(ClientError::OutcomeUnknown { request, reason, .. }) => {
                Err(ClientError::OutcomeUnknown { request, id: RequestId::Invite(token), reason })
            }
            Err(error) => Err(error),
        }
    }

    /// The open invites: one's own, and for an administrator those of its domain.
    ///
    /// # Errors
    /// As [`Client::invite`].
    pub async fn invites(&self) -> Result<Vec<OpenInvite>, ClientError> {
        self.ask(&ListInvites).await
    }

    /// Takes an invite back.
    ///
    /// # Errors
    /// As [`Client::invite`].
    pub async fn withdraw_invite(&self, invite: InviteId) -> Result<(), ClientError> {
        let operation = self.operation();
        self.changed(WithdrawInvite { operation, invite }).await.map(drop)
    }

    /// What is published for `presentity` and with which devices: all of it if one controls that, else one's own.
    ///
    /// # Errors
    /// As [`Client::invite`].
    pub async fn publications(
        &self,
        presentity: &Presentity,
    ) -> Result<Vec<LivePublication>, ClientError> {
        self.ask(&ListPublications { presentity: presentity.clone() }).await
    }

    /// Removes what `device` published for `presentity` under `name`.
    ///
    /// # Errors
    /// As [`Client::invite`].
    pub async fn remove_publication(
        &self,
        presentity: &Presentity,
        device: DeviceId,
        name: &PublicationName,
    ) -> Result<(), ClientError> {
        let (operation, presentity) = (self.operation(), presentity.clone());
        let request = RemovePublication { operation, presentity, device, name: name.clone() };
        self.changed(request).await.map(drop)
    }

    /// The devices of `principal`, one's own if `None`.
    ///
    /// # Errors
    /// As [`Client::invite`].
    pub async fn keys(&self, principal: Option<&Principal>) -> Result<Vec<DeviceKey>, ClientError> {
        self.ask(&ListKeys { principal: principal.cloned() }).await
    }

    /// Withdraws the key of a device of `principal`, one's own if `None`, and closes its connections.
    ///
    /// # Errors
    /// As [`Client::invite`]. Revoking the key in use may end in [`ClientError::NotAuthenticated`].
    pub async fn revoke_key(
        &self,
        principal: Option<&Principal>,
        device: DeviceId,
    ) -> Result<(), ClientError> {
        match self
            .request(RevokeKey {
                operation: self.operation(),
                principal: principal.cloned(),
                device,
            })
            .await?
        {
            (Answer::KeyRevoked, _) => Ok(()),
            (other, _) => Err(mismatched(&other)),
        }
    }

    /// One's own subscriptions.
    ///
    /// # Errors
    /// As [`Client::invite`].
    pub async fn subscriptions(&self) -> Result<Vec<SubscriptionRow>, ClientError> {
        self.ask(&ListSubscriptions).await
    }

    /// Where `inbox` stands, one's own if `None`.
    ///
    /// # Errors
    /// As [`Client::invite`].
    pub async fn inbox_status(
        &self,
        inbox: Option<&InboxAddress>,
    ) -> Result<InboxState, ClientError> {
        self.ask(&InboxStatus { inbox: self.inbox_address(inbox) }).await
    }

    /// Deletes messages of `inbox`, one's own if `None`, for all devices, and tells how many were there. At most
    /// [`DELETE_COUNT_MAX`] in one call.
    ///
    /// # Errors
    /// As [`Client::invite`].
    pub async fn delete(
        &self,
        inbox: Option<&InboxAddress>,
        sequences: &[InboxSequence],
    ) -> Result<u32, ClientError> {
        Refusal::check_max("list of messages to delete", sequences.len(), DELETE_COUNT_MAX)?;
        let (inbox, sequences) = (self.inbox_address(inbox), sequences.to_vec());
        self.deleted(Delete { operation: self.operation(), inbox, sequences, sender: None }).await
    }

    /// Deletes all messages of `sender` in `inbox`, one's own if `None`, stored aside or not, for all devices, and tells
    /// how many were there. One request for each [`DELETE_COUNT_MAX`].
    ///
    /// # Errors
    /// As [`Client::invite`].
    pub async fn delete_from(
        &self,
        inbox: Option<&InboxAddress>,
        sender: &Principal,
    ) -> Result<u32, ClientError> {
        let mut all = 0;
        loop {
            // Each is an operation of its own, so that the second is not taken for a repeat of the first.
            let (operation, inbox) = (random::operation(), self.inbox_address(inbox));
            let (sequences, sender) = (Vec::new(), Some(sender.clone()));
            let count = self.deleted(Delete { operation, inbox, sequences, sender }).await?;
            all += count;
            if (count as usize) < DELETE_COUNT_MAX {
                return Ok(all);
            }
        }
    }

    async fn deleted(&self, delete: Delete) -> Result<u32, ClientError> {
        match self.request(delete).await? {
            (Answer::Deleted { count }, _) => Ok(count),
            (other, _) => Err(mismatched(&other)),
        }
    }

    /// What the server says of itself.
    ///
    /// # Errors
    /// As [`Client::invite`].
    pub async fn server_info(&self) -> Result<ServerDescription, ClientError> {
        let said = self.ask(&ServerInfo).await?;
        let limits = said.limits.iter().map(|(name, most)| (printable(name), *most)).collect();
        Ok(ServerDescription { software: printable(&said.software), limits, ..said })
    }

    pub(crate) fn inbox_address(&self, inbox: Option<&InboxAddress>) -> InboxAddress {
        inbox.cloned().unwrap_or_else(|| self.identity().principal.inbox())
    }
}
