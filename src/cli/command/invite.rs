//! `adsum invite`: makes an invite and the line that uses it.
//!
//! Must never hold: who may invite whom (the service knows).

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::print::time::{lifetime, rfc3339};
use crate::cli::run::{failure::Failure, invocation::Invocation, session};
use crate::client::{InviteOptions, InviteToken, KeyHash};
use crate::model::{Domain, Lifetime, Principal, Role};
use crate::server::{OperatorInvite, invite_administrator};

/// Arguments of `adsum invite`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Who may use it; one's own name invites a further device [default: its holder chooses a free name; administrators only]
    principal: Option<Principal>,
    /// Make the invited an administrator of the domain [default: user]
    #[arg(long, visible_alias = "administrator")]
    admin: bool,
    /// On the server's machine, while no server runs: make the invite in the store in this folder, as its operator
    #[arg(long, value_name = "DIR", requires = "admin", conflicts_with = "acting_as")]
    data: Option<PathBuf>,
    /// With --data: of which domain the invited becomes administrator [default: the principal's, or the only one there is]
    #[arg(long, value_name = "DOMAIN", requires = "data", conflicts_with = "principal")]
    domain: Option<Domain>,
    /// How long it is good, such as 12h or 7d, at most 30d [default: 7d]
    #[arg(long, value_name = "SPAN", value_parser = lifetime)]
    expires: Option<Lifetime>,
    /// Make the invite with this token; repeated with the same token it is made once [default: a random one]
    #[arg(long, value_name = "TOKEN")]
    token: Option<InviteToken>,
}

/// `{"type":"invited", …}`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "invited")]
struct InvitedLine {
    token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<String>,
    role: &'static str,
    expires_at: String,
    /// What to run on the new device.
    command: String,
}

impl fmt::Display for InvitedLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.principal.as_deref().unwrap_or("a free name of the holder's choice");
        writeln!(to, "invite for {who} as {}, good once until {}", self.role, self.expires_at)?;
        writeln!(to, "  token  {}", self.token)?;
        write!(to, "on the new device:\n  {}", self.command)
    }
}

/// Makes an invite as the operator of the store in `data`.
fn as_operator(data: &Path, args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let named = args.token.as_ref().and_then(InviteToken::server_key);
    let invite = OperatorInvite {
        principal: args.principal.clone(),
        domain: args.domain,
        lifetime: args.expires,
        token: args.token.map(|token| *token.as_bytes()),
    };
    let invited = invite_administrator(data, invite)?;
    let mut token = InviteToken::from_bytes(invited.token);
    // A token given by its maker that names a server stays as it is.
    if let Some(key) = named.or(invited.server_key.map(KeyHash)) {
        token = token.bound_to(key);
    }
    let principal = args.principal.map(|principal| principal.to_string());
    let name = principal.clone().unwrap_or_else(|| format!("NAME@{}", invited.domain));
    invocation.output.line(&InvitedLine {
        token: token.to_string(),
        principal,
        role: Role::Administrator.as_str(),
        expires_at: rfc3339(invited.expires_at),
        command: format!("adsum enroll {name} --server HOST:PORT --invite {token}"),
    })
}

/// Runs `adsum invite`.
pub(super) fn run(mut args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    if let Some(data) = args.data.take() {
        return as_operator(&data, args, invocation);
    }
    let identity = invocation.identity()?;
    let role = if args.admin { Role::Administrator } else { Role::User };
    let (principal, lifetime, token) = (args.principal.clone(), args.expires, args.token);
    let options = InviteOptions { principal, role, lifetime, token };
    let invited = session::once(invocation, async |client| Ok(client.invite(options).await?))?;
    let name = args
        .principal
        .as_ref()
        .map_or_else(|| format!("NAME@{}", identity.principal.domain()), Principal::to_string);
    let (server, token) = (&identity.server, &invited.token);
    let line = InvitedLine {
        token: token.to_string(),
        principal: args.principal.map(|principal| principal.to_string()),
        role: role.as_str(),
        expires_at: rfc3339(invited.expires_at),
        // The token names the server's key, so that the new device need not trust the first answer it gets.
        command: format!("adsum enroll {name} --server {server} --invite {token}"),
    };
    invocation.output.line(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invited_line_is_ready_to_be_pasted() {
        let line = InvitedLine {
            token: "abc".into(),
            principal: Some("bob@localhost".into()),
            role: "user",
            expires_at: "2026-01-01T00:00:00.000Z".into(),
            command: "adsum enroll bob@localhost --invite abc".into(),
        };
        assert!(line.to_string().ends_with("\n  adsum enroll bob@localhost --invite abc"));
        assert!(serde_json::to_string(&line).unwrap().starts_with(
            r#"{"type":"invited","token":"abc","principal":"bob@localhost","role":"user""#
        ));
    }
}
