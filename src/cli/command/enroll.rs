//! `adsum enroll`: makes a key for this device and has it bound to a principal.
//!
//! Must never hold: the invite's token after it was used, or a private key.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};

use crate::cli::print::line::line;
use crate::cli::run::{failure::Failure, invocation::Invocation, session};
use crate::client::{ClientError, Enrolled, Enrollment, InviteToken, KeyHash, ServerAddress};
use crate::model::{DeviceLabel, Principal};

/// Arguments of `adsum enroll`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Whom this device is to act for, such as alice@localhost
    principal: Principal,
    /// The server, as host:port; UDP port 2778 if none is given
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:2778")]
    server: ServerAddress,
    /// The token of an invite; needed unless the server runs with --open-enrollment [default: none]
    #[arg(long, value_name = "TOKEN")]
    invite: Option<InviteToken>,
    /// What to call this device in `adsum keys`, at most 64 bytes
    #[arg(long, value_name = "TEXT", default_value = "", value_parser = DeviceLabel::new, hide_default_value = true)]
    label: DeviceLabel,
    /// The hash of the server's key, 64 hexadecimal digits [default: the one that the invite names; if there is none, one is asked]
    #[arg(long, value_name = "HASH")]
    server_key: Option<KeyHash>,
    /// Trust the key that the server shows now, and pin it [default: ask on a terminal, else refuse; on this machine itself it is trusted]
    #[arg(long, conflicts_with = "server_key")]
    trust_on_first_use: bool,
    /// Put an identity this machine already has for the principal aside and enroll anew [default: refuse]
    #[arg(long)]
    replace: bool,
}

line! {
    /// `{"type":"enrolled", …}`.
    #[serde(tag = "type", rename = "enrolled")]
    struct EnrolledLine from enrolled: &Enrolled {
        principal: String = enrolled.identity.principal.to_string(),
        device: String = enrolled.identity.device.to_string(),
        role: &'static str = enrolled.role.as_str(),
        server: String = enrolled.identity.server.to_string(),
        server_key: String = enrolled.identity.server_key.to_string(),
        /// `false` if this key was enrolled before, by a run that was cut off.
        newly: bool = enrolled.newly,
    }
}

impl fmt::Display for EnrolledLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(to, "{} is enrolled at {} as {}", self.principal, self.server, self.role)?;
        writeln!(to, "  device      {}", self.device)?;
        write!(to, "  server key  {}", self.server_key)
    }
}

/// Runs `adsum enroll`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let home = invocation.closed_home()?;
    let mut enrollment = Enrollment::new(args.principal, args.server);
    enrollment.invite = args.invite;
    enrollment.label = args.label;
    enrollment.server_key = args.server_key;
    enrollment.replace = args.replace;
    enrollment.answer_within = invocation.answer_within()?;
    let runtime = session::runtime()?;
    let is_trusted = args.trust_on_first_use || enrollment.server.is_loopback();
    if enrollment.known_key().map_err(ClientError::from)?.is_none() && !is_trusted {
        let shown = runtime.block_on(crate::client::shown_key(&enrollment.server))?;
        enrollment.server_key = Some(approved(&enrollment.server, shown)?);
    }
    let enrolled = runtime.block_on(crate::client::enroll(&home, enrollment))?;
    invocation.output.line(&EnrolledLine::from(&enrolled))
}

/// The key that the server shows, once somebody at a terminal has said that it is the right one.
fn approved(server: &ServerAddress, shown: KeyHash) -> Result<KeyHash, Failure> {
    let told = format!(
        "the server at {server} shows the key {shown}, and nothing says that it is the right one"
    );
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Failure::wrong(
            "server-key-unknown",
            format!(
                "{told}; compare it with what its operator tells, and give it with --server-key, or trust it with --trust-on-first-use"
            ),
        ));
    }
    let asked = format!(
        "adsum: {told}.\nCompare it with what its operator tells. Is it the same? [yes/no] "
    );
    let mut answer = String::new();
    let heard =
        io::stderr().write_all(asked.as_bytes()).and_then(|()| io::stdin().read_line(&mut answer));
    let is_same = heard.is_ok() && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str());
    let refused = "the server's key is not approved; ask its operator for the right one, and give it with --server-key";
    is_same.then_some(shown).ok_or_else(|| Failure::failed("server-key-unknown", refused))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Role;

    #[test]
    fn an_enrolled_line_tells_the_pinned_key() {
        let line = EnrolledLine {
            principal: "alice@localhost".into(),
            device: "00".into(),
            role: Role::Administrator.as_str(),
            server: "127.0.0.1:2778".into(),
            server_key: "abcd".into(),
            newly: true,
        };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"type":"enrolled","principal":"alice@localhost","device":"00","role":"administrator","server":"127.0.0.1:2778","server_key":"abcd","newly":true}"#
        );
        assert!(line.to_string().contains("server key  abcd"));
    }
}
