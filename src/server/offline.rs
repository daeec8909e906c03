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
use crate::model::{Domain, EpochId, InviteId, Lifetime, Principal, Refusal, Role, Timestamp};
use crate::random;
use crate::service::{OperatorRecovery, ServiceConfig};

/// An invite that the operator makes, whoever the administrators are.
#[derive(Clone, Debug)]
pub struct OperatorInvite {
    /// Who may use it; whoever holds it if none.
    pub principal: Option<Principal>,
    /// What the invited may do.
    pub role: Role,
    /// Whether it is to be a recovery of the principal's name, which exists.
    pub recovers: bool,
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

/// Records an invite in the log of the store in `data`, or a recovery of a name that exists, which takes effect at once.
///
/// # Errors
/// [`ServerError::Log`] if there is no store or a process has it, [`ServerError::WhichDomain`] if the store knows several,
/// [`ServerError::Refused`] if the name exists and no recovery is wanted, or the other way round.
pub fn invite_as_operator(
    data: &Path,
    invite: OperatorInvite,
) -> Result<OperatorInvited, ServerError> {
    let log = SledLog::open_existing(data)?;
    // The secret makes tags and tuple ids; an invite has none, and a lost key must not be made anew here.
    let epoch = EpochId(random::bytes());
    let config = ServiceConfig { epoch, ..ServiceConfig::new(Vec::new(), [0; 32]) };
    let mut commit = Commit::open(config, Box::new(log), &mut |_, _| ())?;
    let own = invite.principal.as_ref().map(|principal| principal.domain().to_owned());
    let given = invite.domain.map(|domain| domain.as_str().to_owned()).or(own);
    let domain = given.map_or_else(|| only_domain(&commit), Ok)?;
    let token = invite.token.unwrap_or_else(random::bytes);
    let now = Timekeeper::open(Arc::new(SystemClock), data, commit.views())?.now();
    let lifetime_ms = invite.lifetime.map_or(INVITE_MS_DEFAULT, Lifetime::as_ms);
    let lifetime = Lifetime::from_ms(lifetime_ms.min(INVITE_MS_MAX));
    let expires_at = now.elapsed.after(lifetime);
    let (role, id) = (invite.role, InviteId::of(&token));
    let named = invite.principal.as_ref();
    let existing = named.filter(|named| commit.views().principal(named).is_some());
    if let (Some(principal), false) = (existing, invite.recovers) {
        return Err(Refusal::RecoveryNeeded { principal: principal.to_string() }.into());
    }
    match invite.principal {
        Some(principal) if invite.recovers => {
            commit.recover(now, &OperatorRecovery { invite: id, principal, role, lifetime })??;
        }
        principal => {
            let created = InviteIssued {
                invite: id,
                principal,
                domain: domain.clone(),
                role,
                by: None,
                device: None,
                is_first: false,
                expires_at,
            };
            commit.record(now, vec![Event::InviteIssued(created)])?;
        }
    }
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
