//! Every setting of the server: its section, its key, what it means, and how it is read and shown.
//!
//! Must never hold: where a value came from (file, environment, flag), or which of them wins.

use toml::Value;

use super::kind::Kind;
use super::settings::Settings;

/// One setting: `[section] key = value` in the file, `ADSUM_SECTION_KEY` in the environment.
pub(super) struct Setting {
    /// Its section.
    pub(super) section: &'static str,
    /// Its key.
    pub(super) key: &'static str,
    /// What it means, with its unit.
    pub(super) help: &'static str,
    /// Reads it; the error says what would be right.
    pub(super) read: fn(&mut Settings, &Value) -> Result<(), String>,
    /// Shows it; `None` if it is not set.
    pub(super) show: fn(&Settings) -> Option<Value>,
}

impl Setting {
    /// Its name in the environment.
    pub(super) fn variable(&self) -> String {
        format!("ADSUM_{}_{}", self.section, self.key).to_ascii_uppercase()
    }

    /// Its name in the file.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }
}

macro_rules! settings {
    ($($section:literal $key:literal = $($field:ident).+, $help:literal;)*) => {
        /// All settings, in the order they are shown.
        pub(super) const SETTINGS: &[Setting] = &[$(Setting {
            section: $section,
            key: $key,
            help: $help,
            read: |settings, value| {
                settings.$($field).+ = Kind::read(value)?;
                Ok(())
            },
            show: |settings| Kind::show(&settings.$($field).+),
        },)*];
    };
}

settings! {
    "server" "data" = data, "folder of the store; made if it is not there";
    "server" "listen" = listen, "UDP address clients reach; [::] takes IPv4 too, port 0 takes any free one";
    "server" "domains" = domains, "domains served, at least one";
    "server" "open_enrollment" = open_enrollment, "whether the first comer may take a free name without an invite";
    "server" "default_access" = default_access, "what an authenticated watcher is granted without a rule: confirm, allow, block or polite-block";
    "server" "request_lifetime" = request_lifetime, "how long an undecided wish to watch is remembered";
    "server" "presence" = presence, "whether presence works on this server";
    "server" "messaging" = messaging, "whether messaging works on this server";
    "server" "certificate" = certificate, "PEM file with the certificate chain; without it the server makes its own and keeps it";
    "server" "key" = key, "PEM file with the private key of the certificate";
    "http" "listen" = http, "TCP address of health and metrics, unencrypted; \"off\" for none";
    "log" "filter" = filter, "what is logged on stderr: error, warn, info, debug, trace, or a list of target=level";
    "log" "format" = format, "text, or json for one object a line";
    "limits" "connections_max" = limits.connections_max, "connections at once";
    "limits" "handshakes_max" = limits.handshakes_max, "handshakes at once";
    "limits" "handshakes_waiting_max" = limits.handshakes_waiting_max, "peers with a proven address that may wait for their handshake";
    "limits" "queue_bundles_max" = limits.queue_bundles_max, "bundles of requests that may wait for the writer";
    "limits" "round_inputs_max" = limits.round_inputs_max, "requests decided in one round";
    "limits" "cache_bytes_max" = limits.cache_bytes_max, "bytes of recent messages kept for live inbox feeds";
    "limits" "socket_buffer_bytes" = limits.socket_buffer_bytes, "bytes of UDP buffer asked from the system, each way";
    "timeouts" "hello" = timeouts.hello, "from the first packet to a proven Hello";
    "timeouts" "stream" = timeouts.stream, "for the first frame of a stream";
    "timeouts" "idle" = timeouts.idle, "without a packet before a connection counts as lost";
    "timeouts" "drain" = timeouts.drain, "for clients to take what is on its way at shutdown";
    "timeouts" "reconnect_spread" = timeouts.reconnect_spread, "clients come back spread over this after a shutdown; not set: by their number";
    "timeouts" "certificate_poll" = timeouts.certificate_poll, "between two looks at the certificate files";
}
