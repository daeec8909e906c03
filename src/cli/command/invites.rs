//! `adsum invites`: the invites that are open, and taking one back.
//!
//! Must never hold: a token, or who may withdraw what (the service knows).

use clap::Subcommand;
use data_encoding::HEXLOWER;

use crate::cli::print::table::{self, Row};
use crate::cli::print::{changed, line::line, time::rfc3339};
use crate::cli::run::cure;
use crate::cli::run::{
    digits::Digits, failure::Failure, invocation::Invocation, repeat::Operation, session,
};
use crate::client::{Client, OpenInvite};
use crate::model::{InviteId, Refusal};

/// Arguments of `adsum invites`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    repeat: Operation,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List those that are open: one's own, and for an administrator those of its domain
    List,
    /// Take one back, so that nobody can use it
    Withdraw {
        /// Which: the 16 hexadecimal digits that `adsum invites` shows
        invite: Digits,
    },
}

line! {
    /// `{"type":"invite", …}`.
    #[serde(tag = "type", rename = "invite")]
    struct InviteLine from open: &OpenInvite {
        invite: String = HEXLOWER.encode(&open.invite.0),
        #[serde(skip_serializing_if = "Option::is_none")]
        principal: Option<String> = open.principal.as_ref().map(ToString::to_string),
        domain: String = open.domain.to_string(),
        role: &'static str = open.role.as_str(),
        /// Left out for one that the operator made.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<String> = open.by.as_ref().map(ToString::to_string),
        #[serde(skip_serializing_if = "Option::is_none")]
        device: Option<String> = open.device.as_ref().map(ToString::to_string),
        expires_at: String = rfc3339(open.expires_at),
    }
}

impl Row for InviteLine {
    fn cells(&self) -> Vec<String> {
        let anybody = || format!("anybody of {}", self.domain);
        let by = self.by.as_deref().unwrap_or("the operator");
        let with = self.device.as_ref().map(|device| format!(" with {device}")).unwrap_or_default();
        vec![
            self.invite[..16].to_owned(),
            self.principal.clone().unwrap_or_else(anybody),
            self.role.to_owned(),
            format!("by {by}{with}"),
            format!("until {}", self.expires_at),
        ]
    }
}

/// Runs `adsum invites`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    invocation.operation = args.repeat.operation;
    match args.action {
        None | Some(Action::List) => list(invocation),
        Some(Action::Withdraw { invite }) => withdraw(&invite, invocation),
    }
}

fn list(invocation: &mut Invocation) -> Result<(), Failure> {
    let open = session::once(invocation, async |client| client.invites().await)?;
    table::print(open.iter().map(InviteLine::from), "no invite is open", &mut invocation.output)
}

fn withdraw(given: &Digits, invocation: &mut Invocation) -> Result<(), Failure> {
    let is_repeat = invocation.operation.is_some();
    let was_named = session::once(invocation, async |client| match named(client, given).await? {
        Some(invite) => Ok(client.withdraw_invite(invite).await.map(|()| true)?),
        // The first time may have done it.
        None if is_repeat => Ok(false),
        None => Err(unknown(given)),
    })?;
    let done = if was_named {
        format!("the invite {given} is withdrawn")
    } else {
        format!("no invite {given} is open: it was withdrawn, was used, ran out, or never was")
    };
    changed::print(&done, 0, invocation)
}

fn unknown(given: &Digits) -> Failure {
    let refusal = Refusal::NoInvite { invite: given.to_string() };
    Failure::failed(refusal.code().as_str(), cure::of_refusal(&refusal))
}

/// The invite of this name, or the open one whose name begins so.
async fn named(client: &Client, given: &Digits) -> Result<Option<InviteId>, Failure> {
    if let Some(whole) = given.whole() {
        return Ok(Some(InviteId(whole)));
    }
    let open = client.invites().await?;
    let mut ids = open.iter().map(|open| open.invite);
    Ok(ids.find(|invite| given.begin(&invite.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invite_line_tells_for_whom_by_whom_and_until_when() {
        let line = |principal: Option<&str>, by: Option<&str>| InviteLine {
            invite: "ab".repeat(32),
            principal: principal.map(str::to_owned),
            domain: "localhost".into(),
            role: "user",
            by: by.map(str::to_owned),
            device: by.map(|_| "0011223344556677".to_owned()),
            expires_at: "T".into(),
        };
        let first =
            ["abababababababab", "anybody of localhost", "user", "by the operator", "until T"];
        assert_eq!(line(None, None).cells(), first);
        let named = line(Some("bob@localhost"), Some("root@localhost"));
        assert_eq!(named.cells()[1], "bob@localhost");
        assert_eq!(named.cells()[3], "by root@localhost with 0011223344556677");
        let json = serde_json::to_string(&named).unwrap();
        assert!(json.starts_with(r#"{"type":"invite","invite":"abab"#), "{json}");
    }
}
