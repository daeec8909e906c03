//! Invites, devices, subscriptions and the state of an inbox.
//!
//! Must never hold: a rule of who may do what (the server decides).

use super::client::{Client, mismatched};
use super::error::{ClientError, printable};
use super::request::{Answer, Request};
use super::token::InviteToken;
use crate::model::{
    DeviceId, InboxAddress, InboxSequence, Lifetime, Mode, Presentity, Principal, Role,
    SubscriptionState, Timestamp,
};
use crate::protocol::{Framed as _, ServerDescription, body, convert};

/// Whom to invite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteOptions {
    /// For whom; any free name of one's domain if `None`.
    pub principal: Option<Principal>,
    /// What the invited may do.
    pub role: Role,
    /// How long it is good; the server's default if `None`.
    pub lifetime: Option<Lifetime>,
}

/// An invite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// Its secret, to be passed on. The server does not know it.
    pub token: InviteToken,
    /// When it runs out.
    pub expires_at: Timestamp,
}

/// A device of a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceKey {
    /// Its name.
    pub device: DeviceId,
    /// What its owner calls it.
    pub label: String,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

/// One of one's own subscriptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// Whom it is to.
    pub presentity: Presentity,
    /// Where it stands.
    pub state: SubscriptionState,
    /// How much it tells.
    pub mode: Mode,
    /// Time left.
    pub remaining: Lifetime,
}

/// Where an inbox stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxStatus {
    /// The last message ever accepted.
    pub head: InboxSequence,
    /// The last one this device acknowledged.
    pub acknowledged: InboxSequence,
    /// Messages this device has not acknowledged.
    pub waiting: u64,
    /// Messages kept in all.
    pub kept: u64,
}

impl Client {
    /// Makes an invite.
    ///
    /// # Errors
    /// [`ClientError::Refused`], and those of a connection that will not come back.
    pub async fn invite(&self, options: InviteOptions) -> Result<Invited, ClientError> {
        let token = InviteToken::generate();
        let request = Request::Invite(body::Invite {
            request: 0,
            invite: token.id().0,
            principal: options.principal.map(|principal| principal.to_string()),
            role: convert::role_number(options.role),
            lifetime_ms: options.lifetime.map(Lifetime::as_ms),
        });
        match self.request(request).await? {
            (Answer::Invited { expires_at }, _) => Ok(Invited { token, expires_at }),
            (other, _) => Err(mismatched(other)),
        }
    }

    /// The devices of `principal`, one's own if `None`.
    ///
    /// # Errors
    /// As [`Client::invite`].
    pub async fn keys(&self, principal: Option<&Principal>) -> Result<Vec<DeviceKey>, ClientError> {
        let principal = principal.map(Principal::to_string).unwrap_or_default();
        let question = body::ListKeys { principal };
        let rows = self.rows::<_, body::Key>(&question).await?;
        Ok(rows.iter().map(device_key).collect())
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
        let principal = principal.map(Principal::to_string).unwrap_or_default();
        let request = body::RevokeKey { request: 0, principal, device: device.0 };
        match self.request(Request::RevokeKey(request)).await? {
            (Answer::KeyRevoked, _) => Ok(()),
            (other, _) => Err(mismatched(other)),
        }
    }

    /// One's own subscriptions.
    ///
    /// # Errors
    /// As [`Client::invite`].
    pub async fn subscriptions(&self) -> Result<Vec<SubscriptionRow>, ClientError> {
        let question = body::ListSubscriptions {};
        let rows = self.rows::<_, body::Subscription>(&question).await?;
        rows.iter().map(subscription_row).collect()
    }

    /// Where `inbox` stands, one's own if `None`.
    ///
    /// # Errors
    /// As [`Client::invite`].
    pub async fn inbox_status(
        &self,
        inbox: Option<&InboxAddress>,
    ) -> Result<InboxStatus, ClientError> {
        let inbox = self.inbox_address(inbox).to_string();
        let question = body::InboxStatus { inbox };
        let state: body::InboxState = self.one(&question).await?;
        Ok(InboxStatus {
            head: InboxSequence::new(state.head),
            acknowledged: InboxSequence::new(state.acknowledged),
            waiting: state.waiting,
            kept: state.kept,
        })
    }

    /// Deletes messages of `inbox`, one's own if `None`, for all devices, and tells how many were there. At most
    /// [`DELETE_COUNT_MAX`](crate::model::limits::DELETE_COUNT_MAX) in one call.
    ///
    /// # Errors
    /// As [`Client::invite`].
    pub async fn delete(
        &self,
        inbox: Option<&InboxAddress>,
        sequences: &[InboxSequence],
    ) -> Result<u32, ClientError> {
        check_count(sequences.len())?;
        let request = Request::Delete(body::Delete {
            request: 0,
            inbox: self.inbox_address(inbox).to_string(),
            sequences: sequences.iter().map(|sequence| sequence.get()).collect(),
        });
        match self.request(request).await? {
            (Answer::Deleted { count }, _) => Ok(count),
            (other, _) => Err(mismatched(other)),
        }
    }

    /// What the server says of itself.
    ///
    /// # Errors
    /// As [`Client::invite`].
    pub async fn server_info(&self) -> Result<ServerDescription, ClientError> {
        let question = body::ServerInfo {};
        let answer: body::ServerDescription = self.one(&question).await?;
        let said = ServerDescription::from_body(answer).map_err(ClientError::protocol)?;
        let limits = said.limits.iter().map(|(name, most)| (printable(name), *most)).collect();
        Ok(ServerDescription { software: printable(&said.software), limits, ..said })
    }

    pub(crate) fn inbox_address(&self, inbox: Option<&InboxAddress>) -> InboxAddress {
        inbox.cloned().unwrap_or_else(|| self.identity().principal.inbox())
    }
}

fn check_count(count: usize) -> Result<(), ClientError> {
    use crate::model::{Refusal, limits::DELETE_COUNT_MAX};
    if count <= DELETE_COUNT_MAX {
        return Ok(());
    }
    let (found, max) = (count as u64, DELETE_COUNT_MAX as u64);
    Err(Refusal::TooLarge { part: "list of messages to delete".into(), found, max }.into())
}

fn device_key(wire: &body::Key) -> DeviceKey {
    DeviceKey {
        device: DeviceId(wire.device),
        label: printable(&wire.label),
        enrolled_at: Timestamp::from_ms(wire.enrolled_at_ms),
        revoked_at: wire.revoked_at_ms.map(Timestamp::from_ms),
    }
}

fn subscription_row(wire: &body::Subscription) -> Result<SubscriptionRow, ClientError> {
    Ok(SubscriptionRow {
        presentity: wire.presentity.parse().map_err(ClientError::protocol)?,
        state: convert::state(wire.state, wire.reason).map_err(ClientError::protocol)?,
        mode: convert::mode(wire.mode).map_err(ClientError::protocol)?,
        remaining: Lifetime::from_ms(wire.remaining_ms),
    })
}
