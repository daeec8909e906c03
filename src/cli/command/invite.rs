//! `adsum invite`: makes an invite and the line that uses it.
//!
//! Must never hold: who may invite whom (the service knows).

use std::fmt;
use std::path::{Path, PathBuf};

use clap::ArgGroup;

use crate::cli::print::line::line;
use crate::cli::print::time::{lifetime, rfc3339};
use crate::cli::run::{failure::Failure, invocation::Invocation, session};
use crate::client::{Client, InviteOptions, InviteToken, Invited, KeyHash};
use crate::model::{Domain, Lifetime, Principal, Role, Timestamp};
use crate::server::{OperatorInvite, OperatorInvited, invite_as_operator};

/// Arguments of `adsum invite`.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("operated").args(["admin", "recover"]).multiple(true))]
pub(in crate::cli) struct Args {
    /// Who may use it; one's own name invites a further device [default: its holder chooses a free name; administrators only]
    principal: Option<Principal>,
    /// Make the invited an administrator of the domain [default: user]
    #[arg(long, visible_alias = "administrator")]
    admin: bool,
    /// Recover a name that exists and lost its devices: they are told and can refuse, so it takes effect after the delay that
    /// the domain sets; with --data at once [default: only names that are free, and one's own]
    #[arg(long, requires = "principal")]
    recover: bool,
    /// On the server's machine, while no server runs: make the invite in the store in this folder, as its operator
    #[arg(long, value_name = "DIR", requires = "operated", conflicts_with = "acting_as")]
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

/// An invite that was made.
struct Made {
    /// For whom; anybody if `None`.
    principal: Option<Principal>,
    domain: String,
    role: Role,
    /// Where it is used.
    server: String,
    invited: Invited,
    /// Of a recovery that waits: from when on it is good.
    effective_at: Option<Timestamp>,
}

line! {
    /// `{"type":"invited", …}`.
    #[serde(tag = "type", rename = "invited")]
    struct InvitedLine from made: &Made {
        token: String = made.invited.token.to_string(),
        #[serde(skip_serializing_if = "Option::is_none")]
        principal: Option<String> = made.principal.as_ref().map(Principal::to_string),
        role: &'static str = made.role.as_str(),
        #[serde(skip_serializing_if = "Option::is_none")]
        effective_at: Option<String> = made.effective_at.map(rfc3339),
        expires_at: String = rfc3339(made.invited.expires_at),
        /// What to run on the new device.
        command: String = made.command(),
    }
}

impl Made {
    /// The token names the server's key, so that the new device need not trust the first answer it gets.
    fn command(&self) -> String {
        let anybody = || format!("NAME@{}", self.domain);
        let name = self.principal.as_ref().map_or_else(anybody, Principal::to_string);
        let (server, token) = (&self.server, &self.invited.token);
        format!("adsum enroll {name} --server {server} --invite {token}")
    }
}

impl fmt::Display for InvitedLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.principal.as_deref().unwrap_or("a free name of the holder's choice");
        match &self.effective_at {
            None => {
                writeln!(
                    to,
                    "invite for {who} as {}, good once until {}",
                    self.role, self.expires_at
                )?;
            }
            Some(at) => writeln!(
                to,
                "recovery of {who}, good once from {at} until {}; its devices are told and can refuse",
                self.expires_at
            )?,
        }
        writeln!(to, "  token  {}", self.token)?;
        write!(to, "on the new device:\n  {}", self.command)
    }
}

/// Runs `adsum invite`.
pub(super) fn run(mut args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let made = match args.data.take() {
        Some(data) => as_operator(&data, args)?,
        None => as_member(args, invocation)?,
    };
    invocation.output.line(&InvitedLine::from(&made))
}

fn as_member(args: Args, invocation: &Invocation) -> Result<Made, Failure> {
    let identity = invocation.identity()?;
    let (role, recovers) = (role_of(args.admin), args.recover);
    let (principal, lifetime, token) = (args.principal, args.expires, args.token);
    let options = InviteOptions { principal: principal.clone(), role, recovers, lifetime, token };
    let (invited, effective_at) = session::once(invocation, async |client| {
        let invited = client.invite(options).await?;
        let since = if recovers { effective_at(client, &invited.token).await? } else { None };
        Ok::<_, Failure>((invited, since))
    })?;
    let (domain, server) = (identity.principal.domain().to_owned(), identity.server.to_string());
    Ok(Made { principal, domain, role, server, invited, effective_at })
}

/// Makes an invite as the operator of the store in `data`.
fn as_operator(data: &Path, args: Args) -> Result<Made, Failure> {
    let (principal, role, server) = (args.principal, role_of(args.admin), "HOST:PORT".to_owned());
    let named = args.token.as_ref().and_then(InviteToken::server_key);
    let invite = OperatorInvite {
        principal: principal.clone(),
        role,
        recovers: args.recover,
        domain: args.domain,
        lifetime: args.expires,
        token: args.token.map(|token| *token.as_bytes()),
    };
    let OperatorInvited { token, server_key, domain, expires_at } =
        invite_as_operator(data, invite)?;
    let mut token = InviteToken::from_bytes(token);
    // Until a server has run on the store its key is not known, and whoever gave the token may know it.
    if let Some(key) = server_key.map(KeyHash).or(named) {
        token = token.bound_to(key);
    }
    let invited = Invited { token, expires_at };
    Ok(Made { principal, domain, role, server, invited, effective_at: None })
}

fn role_of(is_admin: bool) -> Role {
    if is_admin { Role::Administrator } else { Role::User }
}

/// From when on the recovery that was started is good, unless it was refused already.
async fn effective_at(client: &Client, token: &InviteToken) -> Result<Option<Timestamp>, Failure> {
    let running = client.recoveries().await?;
    let own = running.iter().find(|running| running.invite == token.id());
    Ok(own.map(|own| own.effective_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invited_line_is_ready_to_be_pasted() {
        let (token, expires_at) = (InviteToken::from_bytes([7; 32]), Timestamp::from_ms(0));
        let line = InvitedLine::from(&Made {
            principal: Some("bob@localhost".parse().unwrap()),
            domain: "localhost".into(),
            role: Role::User,
            server: "d.example:2778".into(),
            invited: Invited { token: token.clone(), expires_at },
            effective_at: None,
        });
        let command =
            format!("adsum enroll bob@localhost --server d.example:2778 --invite {token}");
        assert!(line.to_string().ends_with(&format!("\n  {command}")), "{line}");
        let json = serde_json::to_string(&line).unwrap();
        let told = format!(
            r#"{{"type":"invited","token":"{token}","principal":"bob@localhost","role":"user""#
        );
        assert!(json.starts_with(&told), "{json}");
        let recovery = InvitedLine { effective_at: Some("T".into()), ..line };
        let told = "recovery of bob@localhost, good once from T until 1970-01-01T00:00:00.000Z;";
        assert!(recovery.to_string().starts_with(told), "{recovery}");
    }
}
