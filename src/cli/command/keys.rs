//! `adsum keys`: the devices of a principal.
//!
//! Must never hold: a key. Devices are named by theirs.

use std::fmt;

use clap::Subcommand;
use serde::Serialize;

use crate::cli::print::{line::line, text::quoted, time::rfc3339};
use crate::cli::run::{failure::Failure, invocation::Invocation, repeat::Again, session};
use crate::client::DeviceKey;
use crate::model::{DeviceId, Principal, Refusal};

/// Arguments of `adsum keys`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the devices that are or were enrolled
    List {
        /// Whose devices; others than one's own are for administrators [default: one's own]
        of: Option<Principal>,
    },
    /// Withdraw a device's key; its connections end at once
    Revoke {
        /// The device: 16 hexadecimal digits as `adsum keys list` shows them
        #[arg(value_parser = device)]
        device: DeviceId,
        /// Whose device; others than one's own are for administrators [default: one's own]
        #[arg(long, value_name = "PRINCIPAL")]
        of: Option<Principal>,
        #[command(flatten)]
        again: Again,
    },
}

fn device(text: &str) -> Result<DeviceId, String> {
    text.parse().map_err(|refusal: Refusal| format!("{refusal}, as `adsum keys list` shows it"))
}

line! {
    /// `{"type":"key", …}`.
    #[serde(tag = "type", rename = "key")]
    struct KeyLine from (key, own): (&DeviceKey, DeviceId) {
        device: String = key.device.to_string(),
        label: String = key.label.as_str().to_owned(),
        enrolled_at: String = rfc3339(key.enrolled_at),
        #[serde(skip_serializing_if = "Option::is_none")]
        revoked_at: Option<String> = key.revoked_at.map(rfc3339),
        /// Whether this is the device that asks.
        this_device: bool = key.device == own,
    }
}

impl fmt::Display for KeyLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}  enrolled {}", self.device, self.enrolled_at)?;
        if let Some(revoked_at) = &self.revoked_at {
            write!(to, "  revoked {revoked_at}")?;
        }
        if !self.label.is_empty() {
            write!(to, "  {}", quoted(&self.label))?;
        }
        to.write_str(if self.this_device { "  (this device)" } else { "" })
    }
}

/// `{"type":"revoked", …}`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "revoked")]
struct RevokedLine {
    device: String,
}

impl fmt::Display for RevokedLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} is revoked", self.device)
    }
}

/// Runs `adsum keys`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    match args.action {
        Action::List { of } => list(of.as_ref(), invocation),
        Action::Revoke { device, of, again } => {
            invocation.again = again.repeat;
            revoke(device, of.as_ref(), invocation)
        }
    }
}

fn list(of: Option<&Principal>, invocation: &mut Invocation) -> Result<(), Failure> {
    let own = invocation.identity()?.device;
    let keys = session::once(invocation, async |client| client.keys(of).await)?;
    keys.iter().try_for_each(|key| invocation.output.line(&KeyLine::from((key, own))))
}

fn revoke(
    device: DeviceId,
    of: Option<&Principal>,
    invocation: &mut Invocation,
) -> Result<(), Failure> {
    session::once(invocation, async |client| client.revoke_key(of, device).await)?;
    invocation.output.line(&RevokedLine { device: device.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_line_tells_device_label_and_when() {
        let line = KeyLine {
            device: "0011223344556677".into(),
            label: "pho\u{1b}ne".into(),
            enrolled_at: "T1".into(),
            revoked_at: Some("T2".into()),
            this_device: true,
        };
        assert_eq!(
            line.to_string(),
            "0011223344556677  enrolled T1  revoked T2  \"pho␛ne\"  (this device)"
        );
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"type":"key","device":"0011223344556677","label":"pho\u001bne","enrolled_at":"T1","revoked_at":"T2","this_device":true}"#
        );
    }
}
