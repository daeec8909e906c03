//! What an operator does to a store while no server runs on it.
//!
//! Must never hold: anything that a client may ask for.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::clock::{SystemClock, Timekeeper};
use super::{ServerError, keys};
use crate::commit::Commit;
use crate::event::{Event, InviteIssued};
use crate::log::SledLog;
use crate::model::limits::{INVITE_MS_DEFAULT, INVITE_MS_MAX};
use crate::model::{Domain, EpochId, InviteId, Lifetime, Principal, Role, Timestamp};
use crate::service::ServiceConfig;

/// An invite that the operator makes, whoever the administrators are.
#[derive(Clone, Debug, Default)]
pub struct OperatorInvite {
    /// Who may use it; whoever holds it if none.
    pub principal: Option<Principal>,
    /// Of which domain the invited becomes administrator: the principal's, or the only one that the store knows.
    pub domain: Option<Domain>,
    /// How long it is good, 7 days if none, 30 days at most.
    pub lifetime: Option<Lifetime>,
    /// Its token; a random one if none.
    pub token: Option<[u8; 32]>,
}

/// An invite that was recorded.
#[derive(Clone, Debug)]
pub struct OperatorInvited {
    /// What makes it good: it exists nowhere else.
    pub token: [u8; 32],
    /// The hash of the key that the last server on the store showed, if that is known.
    pub server_key: Option<[u8; 32]>,
    /// The domain.
    pub domain: String,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// Records an invite for an administrator in the log of the store in `data`.
///
/// # Errors
/// [`ServerError::Log`] if there is no store or a process has it, [`ServerError::WhichDomain`] if the store knows several.
pub fn invite_administrator(
    data: &Path,
    invite: OperatorInvite,
) -> Result<OperatorInvited, ServerError> {
    let log = SledLog::open_existing(data)?;
    // The secret makes tags and tuple ids; an invite has none, and a lost key must not be made anew here.
    let epoch = EpochId(keys::random());
    let config = ServiceConfig { epoch, ..ServiceConfig::new(Vec::new(), [0; 32]) };
    let mut commit = Commit::open(config, Box::new(log), &mut |_, _| ())?;
    let own = invite.principal.as_ref().map(|principal| principal.domain().to_owned());
    let given = invite.domain.map(|domain| domain.as_str().to_owned()).or(own);
    let domain = given.map_or_else(|| only_domain(&commit), Ok)?;
    let token = invite.token.unwrap_or_else(keys::random);
    let now = Timekeeper::open(Arc::new(SystemClock), data, commit.views())?.now();
    let lifetime_ms = invite.lifetime.map_or(INVITE_MS_DEFAULT, Lifetime::as_ms);
    let expires_at = now.elapsed.after(Lifetime::from_ms(lifetime_ms.min(INVITE_MS_MAX)));
    let created = InviteIssued {
        invite: InviteId::of(&token),
        principal: invite.principal,
        domain: domain.clone(),
        role: Role::Administrator,
        by: None,
        device: None,
        is_first: false,
        expires_at,
    };
    commit.record(now, vec![Event::InviteIssued(created)])?;
    let expires_at = now.ahead().shown(expires_at);
    Ok(OperatorInvited { token, server_key: keys::shown_key_hash(data), domain, expires_at })
}

/// The domain of all principals; `localhost`, as of a server without settings, if there are none.
fn only_domain(commit: &Commit) -> Result<String, ServerError> {
    let principals = commit.views().principals();
    let domains: BTreeSet<&str> = principals.map(|(principal, _)| principal.domain()).collect();
    match domains.len() {
        0 => Ok("localhost".to_owned()),
        1 => Ok(domains.into_iter().collect()),
        _ => Err(ServerError::WhichDomain {
            domains: domains.into_iter().collect::<Vec<_>>().join(", "),
        }),
    }
}
