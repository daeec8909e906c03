//! Settings read again while the server serves: what changed is taken over where it can be, and named where it cannot.
//!
//! Must never hold: how the server takes something over.

use tracing::{error, info, warn};

use super::args::{Args, credentials};
use super::logging::{FilterHandle, filter_of};
use super::setting::{SETTINGS, Setting};
use super::settings::Settings;
use crate::cli::run::failure::Failure;
use crate::server::Server;

/// What a server takes over while it serves; all else waits for the next start.
pub(super) const LIVE: &[&str] = &[
    "web.origins",
    "log.filter",
    "limits.connections_max",
    "limits.address_connections_max",
    "limits.address_handshakes_per_s_max",
    "limits.log_bytes_a_day_max",
    "limits.events_a_second_max",
    "limits.message_ids_max",
    "limits.rules_bytes_max",
    "limits.feeds_a_minute_max",
    "limits.subscriptions_max",
    "limits.invites_open_max",
    "limits.messages_waiting_of_sender_max",
    "limits.messages_stored_of_sender_max",
    "limits.proxies",
];

/// The settings of a server, as long as it serves.
pub(super) struct InForce<'a> {
    args: &'a Args,
    settings: Settings,
    filter: Option<FilterHandle>,
}

impl<'a> InForce<'a> {
    /// `settings`, which were read as `args` say; what is logged is changed with `filter`.
    pub(super) fn new(args: &'a Args, settings: Settings, filter: Option<FilterHandle>) -> Self {
        Self { args, settings, filter }
    }

    /// Reads them again, and has `server` take over what it can. What is wrong is told in the log, and what was in force stays.
    pub(super) async fn read_again(&mut self, server: &Server) {
        if let Err(failure) = self.take_over(server).await {
            let reason = failure.message();
            error!(reason, "the settings cannot be read again; those in force stay");
        }
    }

    async fn take_over(&mut self, server: &Server) -> Result<(), Failure> {
        let mut wanted = self.args.settings(std::env::vars_os())?;
        let config = wanted.clone().given(credentials().as_deref())?.config()?;
        let filter = filter_of(&wanted)?;
        let changed = changed(&mut self.settings, &mut wanted);
        let (live, waiting): (Vec<&str>, Vec<&str>) =
            changed.iter().map(String::as_str).partition(|name| LIVE.contains(name));
        let reloaded = server.reload(&config).await;
        if let Some(handle) = &self.filter {
            // A subscriber that is gone shows no lines.
            let _ = handle.reload(filter);
        }
        // What waits is named at each reload, until it holds.
        let is_live = |setting: &&Setting| LIVE.contains(&&*setting.name());
        for setting in SETTINGS.iter().filter(is_live) {
            setting.copy(&mut self.settings, &mut wanted);
        }
        if !waiting.is_empty() {
            warn!(
                settings = waiting.join(", "),
                "these settings have changed; they hold from the next start on"
            );
        }
        info!(changed = live.join(", "), "the settings were read again");
        if let Err(fault) = reloaded {
            error!(%fault, "not all can be taken over; what was in force before stays");
        }
        Ok(())
    }
}

/// The names of what differs.
pub(super) fn changed(one: &mut Settings, other: &mut Settings) -> Vec<String> {
    let mut names = Vec::new();
    for setting in SETTINGS {
        if setting.show(one) != setting.show(other) {
            names.push(setting.name());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_over_are_settings() {
        for name in LIVE {
            assert!(SETTINGS.iter().any(|setting| setting.name() == *name), "{name}");
        }
    }

    #[test]
    fn what_differs_is_named() {
        let (mut one, mut other) = (Settings::default(), Settings::default());
        assert_eq!(changed(&mut one, &mut other), [""; 0]);
        other.filter = "debug".to_owned();
        other.server.limits.connections_max = 7;
        assert_eq!(changed(&mut one, &mut other), ["log.filter", "limits.connections_max"]);
    }
}
