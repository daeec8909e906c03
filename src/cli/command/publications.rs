//! `adsum publications`: what is published for a presentity, with which devices, and removing one whichever it is of.
//!
//! Must never hold: what is published (`fetch` shows it).

use clap::Subcommand;

use crate::cli::print::table::{self, Row};
use crate::cli::print::{changed, line::line, text::quoted, time::rfc3339};
use crate::cli::run::{failure::Failure, invocation::Invocation, repeat::Operation, session};
use crate::client::LivePublication;
use crate::model::{DeviceId, Presentity, PublicationName};

/// Arguments of `adsum publications`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Whose, such as pres:alice@localhost [default: one's own]
    #[arg(long, global = true, value_name = "PRESENTITY")]
    of: Option<Presentity>,
    #[command(flatten)]
    repeat: Operation,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List what stands
    List,
    /// Remove one, whichever device published it
    Remove {
        /// The device: 16 hexadecimal digits as `adsum publications` shows them
        device: DeviceId,
        /// That device's name for it [default: the unnamed one]
        #[arg(long, value_name = "PUBLICATION", value_parser = PublicationName::new, default_value = "", hide_default_value = true)]
        name: PublicationName,
    },
}

line! {
    /// `{"type":"publication", …}`.
    #[serde(tag = "type", rename = "publication")]
    struct PublicationLine from (presentity, live, own): (&Presentity, &LivePublication, DeviceId) {
        presentity: String = presentity.to_string(),
        device: String = live.device.to_string(),
        name: String = live.name.as_str().to_owned(),
        expires_at: String = rfc3339(live.expires_at),
        /// Whether the device that asks published it.
        this_device: bool = live.device == own,
    }
}

impl Row for PublicationLine {
    fn cells(&self) -> Vec<String> {
        let name = if self.name.is_empty() { String::new() } else { quoted(&self.name) };
        let own = if self.this_device { "(this device)" } else { "" };
        vec![self.device.clone(), name, format!("until {}", self.expires_at), own.to_owned()]
    }
}

/// Runs `adsum publications`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    invocation.operation = args.repeat.operation;
    let presentity = invocation.presentity(args.of)?;
    match args.action {
        None | Some(Action::List) => list(&presentity, invocation),
        Some(Action::Remove { device, name }) => {
            session::once(invocation, async |client| {
                client.remove_publication(&presentity, device, &name).await
            })?;
            changed::print(&format!("what {device} published is removed"), 0, invocation)
        }
    }
}

fn list(presentity: &Presentity, invocation: &mut Invocation) -> Result<(), Failure> {
    let own = invocation.identity()?.device;
    let live = session::once(invocation, async |client| client.publications(presentity).await)?;
    let lines = live.iter().map(|live| PublicationLine::from((presentity, live, own)));
    table::print(lines, "nothing is published", &mut invocation.output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn a_publication_line_tells_device_name_and_until_when() {
        let (device, name) = (DeviceId([7; 8]), PublicationName::new("desk").unwrap());
        let live = LivePublication { device, name, expires_at: Timestamp::from_ms(0) };
        let shown = PublicationLine::from((&"pres:a@b".parse().unwrap(), &live, device));
        let until = "until 1970-01-01T00:00:00.000Z";
        assert_eq!(shown.cells(), ["0707070707070707", "\"desk\"", until, "(this device)"]);
        let json = serde_json::to_string(&shown).unwrap();
        assert!(json.starts_with(r#"{"type":"publication","presentity":"pres:a@b""#), "{json}");
    }
}
