//! Every setting of `serve`: its key in the file, its variable, its flags, what it means, and where its value is kept.
//!
//! A setting is added here and where it is used.
//! Must never hold: where a value came from (file, environment, flag), or which of them wins.

use clap::{Arg, ArgAction, ArgMatches};
use toml::Value;

use super::settings::Settings;
use super::value::Place;
use crate::model::Quota;

/// One setting: `[section] key = value` in the file, `ADSUM_SECTION_KEY` in the environment.
pub(super) struct Setting {
    /// Its section.
    pub(super) section: &'static str,
    /// Its key.
    pub(super) key: &'static str,
    /// What it means, with its unit.
    pub(super) help: &'static str,
    /// Where its value is kept.
    place: fn(&mut Settings) -> &mut dyn Place,
    /// Its flags; most have none.
    flags: &'static [Flag],
}

/// A flag of the command line.
struct Flag {
    /// Its place in the help, among all flags of the command.
    order: usize,
    long: &'static str,
    takes: Takes,
    help: &'static str,
}

/// What stands behind a flag.
enum Takes {
    /// A value, called like this in the help.
    Value(&'static str),
    /// Nothing: the flag says by itself that the setting has this value.
    Nothing(&'static str),
}

const fn value(order: usize, long: &'static str, name: &'static str, help: &'static str) -> Flag {
    Flag { order, long, takes: Takes::Value(name), help }
}

const fn switch(order: usize, long: &'static str, to: &'static str, help: &'static str) -> Flag {
    Flag { order, long, takes: Takes::Nothing(to), help }
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

    /// Takes `value`; the error says what would be right.
    pub(super) fn read(&self, settings: &mut Settings, value: &Value) -> Result<(), String> {
        (self.place)(settings).take(value)
    }

    /// Shows what it is in `settings`; `None` if it is not set.
    pub(super) fn show(&self, settings: &mut Settings) -> Option<Value> {
        (self.place)(settings).shown()
    }

    /// Puts what it is in `from` into `to`.
    pub(super) fn copy(&self, to: &mut Settings, from: &mut Settings) {
        let value = (self.place)(from).shown();
        // Without a value it is as nobody set it.
        let value = value.or_else(|| (self.place)(&mut Settings::default()).shown());
        if let Some(value) = value {
            (self.place)(to).take(&value).expect("what is shown reads back");
        }
    }

    /// Its flags as clap reads them. Those of one setting exclude each other.
    pub(super) fn args(&self) -> impl Iterator<Item = Arg> {
        self.flags.iter().map(|flag| {
            let rivals =
                self.flags.iter().map(|rival| rival.long).filter(|long| *long != flag.long);
            let arg = Arg::new(flag.long).long(flag.long).help(flag.help);
            let arg = arg.display_order(flag.order).conflicts_with_all(rivals);
            match flag.takes {
                Takes::Value(name) => {
                    (self.place)(&mut Settings::default()).flag(arg.value_name(name))
                }
                Takes::Nothing(_) => arg.action(ArgAction::SetTrue),
            }
        })
    }

    /// Takes the values of those of its flags that were given.
    pub(super) fn put(&self, settings: &mut Settings, given: &ArgMatches) -> Result<(), String> {
        self.flags.iter().try_for_each(|flag| match flag.takes {
            Takes::Value(_) => {
                (self.place)(settings).take_flag(given, flag.long);
                Ok(())
            }
            Takes::Nothing(to) if given.get_flag(flag.long) => self.read(settings, &to.into()),
            Takes::Nothing(_) => Ok(()),
        })
    }
}

macro_rules! settings {
    ($($section:literal $key:literal = $($field:ident).+ $(of $quota:ident)?, $help:literal $(, $flag:expr)*;)*) => {
        /// All settings, in the order they are shown.
        pub(super) const SETTINGS: &[Setting] = &[$(Setting {
            section: $section,
            key: $key,
            help: $help,
            place: |settings| settings!(@place settings.$($field).+ $(, $quota)?),
            flags: &[$($flag),*],
        },)*];
    };
    (@place $settings:ident.$($field:ident).+) => { &mut $settings.$($field).+ };
    (@place $settings:ident.$($field:ident).+, $quota:ident) => {
        $settings.$($field).+.max_mut(Quota::$quota)
    };
}

settings! {
    "server" "data" = server.data, "folder of the store; made if it is not there",
        value(0, "data", "DIR", "Folder of the store; made if it is not there [default: ./adsum-data]");
    "server" "listen" = server.listen, "UDP address clients reach; [::] takes IPv4 too, port 0 takes any free one",
        value(1, "listen", "IP:PORT", "UDP address clients reach; port 0 takes any free one [default: [::]:2778]");
    "server" "domains" = server.domains, "domains served, at least one",
        value(2, "domain", "DOMAIN", "A domain to serve; may be given several times [default: localhost]");
    "server" "open_enrollment" = server.open_enrollment, "whether the first comer may take a free name without an invite",
        switch(4, "open-enrollment", "true", "Let the first comer take a free name without an invite, for trying out [default: invites only]");
    "server" "anonymous" = server.anonymous, "whether sessions are let in that do not say whose they are",
        switch(4, "anonymous", "true", "Let sessions in that do not say whose they are [default: none]");
    "server" "default_access" = server.default_access, "what an authenticated watcher is granted without a rule: confirm, allow, block or polite-block",
        value(5, "default-access", "ACCESS", "What an authenticated watcher is granted where no rule says: confirm, allow, block or polite-block [default: confirm]");
    "server" "request_lifetime" = server.request_lifetime, "how long an undecided wish to watch is remembered",
        value(6, "request-lifetime", "SPAN", "How long an undecided wish to watch is remembered, such as 30d [default: 30d]");
    "server" "presence" = server.presence, "whether presence works on this server",
        switch(7, "no-presence", "false", "Serve no presence");
    "server" "messaging" = server.messaging, "whether messaging works on this server",
        switch(8, "no-messaging", "false", "Serve no messaging");
    "server" "certificate" = certificate, "PEM file with the certificate chain; without it the server makes its own and keeps it",
        value(11, "certificate", "FILE", "PEM file with the certificate chain, read again when it changes or on SIGHUP [default: the server makes its own and keeps it]");
    "server" "key" = key, "PEM file with the private key of the certificate",
        value(12, "key", "FILE", "PEM file with the private key of the certificate");
    "http" "listen" = server.http, "TCP address of health and metrics, unencrypted; \"off\" for none",
        value(9, "http", "IP:PORT", "TCP address of health and metrics, unencrypted [default: 127.0.0.1:2780]"),
        switch(10, "no-http", "off", "Serve no health and metrics");
    "http" "hosts" = server.http_hosts, "names by which it may be asked, beside localhost and addresses";
    "http" "token" = server.http_token, "file with the bearer token that whoever asks for metrics must show; not set: everybody may";
    "web" "webtransport" = server.web.webtransport, "whether pages may connect by WebTransport, on the UDP address of all others";
    "web" "websocket" = server.web.websocket, "TCP address of WebSockets, for pages whose network lets no UDP through: with server.certificate encrypted, without it on loopback behind a proxy; \"off\" for none";
    "web" "origins" = server.web.origins, "pages that may connect, such as [\"https://app.example.com\"], beside those of the host that they ask";
    "log" "filter" = filter, "what is logged on stderr: error, warn, info, debug, trace, or a list of target=level",
        value(14, "log", "FILTER", "What to log on stderr: error, warn, info, debug, trace, or a list of target=level [default: info]");
    "log" "format" = format, "text, or json for one object a line",
        value(15, "log-format", "FORMAT", "How log lines look [default: text]");
    "limits" "connections_max" = server.limits.connections_max, "connections at once";
    "limits" "handshakes_max" = server.limits.handshakes_max, "handshakes at once of peers with a proven address";
    "limits" "handshakes_unvalidated_max" = server.limits.handshakes_unvalidated_max, "handshakes at once of peers that have not proven their address";
    "limits" "handshakes_waiting_max" = server.limits.handshakes_waiting_max, "peers with a proven address that may wait for their handshake";
    "limits" "address_connections_max" = server.limits.address_connections_max, "connections at once from one IPv4 address or IPv6 /64";
    "limits" "address_handshakes_per_s_max" = server.limits.address_handshakes_per_s_max, "handshakes a second from one IPv4 address or IPv6 /64";
    "limits" "anonymous_max" = server.limits.anonymous_max, "anonymous sessions at once";
    "limits" "address_anonymous_max" = server.limits.address_anonymous_max, "anonymous sessions at once from one IPv4 address or IPv6 /64";
    "limits" "log_bytes_a_day_max" = server.limits.quotas of LogBytes, "bytes of the log that one principal may fill within a day";
    "limits" "events_a_second_max" = server.limits.quotas of Events, "events a second that one principal may bring about; what a minute allows may come at once";
    "limits" "message_ids_max" = server.limits.quotas of MessageIds, "messages that one principal may send within 30 days";
    "limits" "rules_bytes_max" = server.limits.quotas of RulesBytes, "bytes of rules that one principal may have";
    "limits" "feeds_a_minute_max" = server.limits.quotas of Feeds, "feeds that one principal may open within a minute";
    "limits" "subscriptions_max" = server.limits.quotas of Subscriptions, "subscriptions that one principal may have";
    "limits" "invites_open_max" = server.limits.quotas of Invites, "invites that one administrator may have open";
    "limits" "messages_waiting_of_sender_max" = server.limits.quotas of Waiting, "messages of one sender that may wait unread in one inbox";
    "limits" "messages_stored_of_sender_max" = server.limits.quotas of Stored, "messages of one sender that may wait unread in all inboxes together";
    "limits" "proxies" = server.limits.proxies, "networks for which the limits per address do not hold, such as 192.0.2.0/24";
    "limits" "unproven_max" = server.limits.unproven_max, "connections at once that have not proven who they are";
    "limits" "http_connections_max" = server.limits.http_connections_max, "connections at once to health and metrics";
    "limits" "queue_bundles_max" = server.limits.queue_bundles_max, "requests of one principal that may wait for the writer; a large one counts for more";
    "limits" "round_inputs_max" = server.limits.round_inputs_max, "requests decided in one round";
    "limits" "cache_bytes_max" = server.limits.cache_bytes_max, "bytes of recent messages kept for live inbox feeds";
    "limits" "message_filter_bytes_max" = server.limits.message_filter_bytes_max, "bytes of memory for the filter that says of an id of a message that it is surely new; with less, more are looked up on the disk";
    "limits" "disk_reserve_bytes" = server.limits.disk_reserve_bytes, "bytes set apart on the disk for the log; when half of them cannot be kept, what is new is refused until there is room";
    "limits" "socket_buffer_bytes" = server.limits.socket_buffer_bytes, "bytes of UDP buffer asked from the system, each way";
    "timeouts" "hello" = server.timeouts.hello, "from the first packet to a proven Hello";
    "timeouts" "unvalidated" = server.timeouts.unvalidated, "for a handshake of a peer whose address is not proven";
    "timeouts" "stream" = server.timeouts.stream, "for the first frame of a stream";
    "timeouts" "idle" = server.timeouts.idle, "without a packet before a connection counts as lost";
    "timeouts" "drain" = server.timeouts.drain, "for clients to take what is on its way at shutdown";
    "timeouts" "reconnect_spread" = server.timeouts.reconnect_spread, "clients come back spread over this after a shutdown; not set: by their number";
    "timeouts" "beat" = server.timeouts.beat, "answers and notifications leave at multiples of this, such as 50ms, so that their times tell nothing; not set: at once";
    "timeouts" "http" = server.timeouts.http, "for a question to health and metrics, with its answer";
    "timeouts" "certificate_poll" = server.timeouts.certificate_poll, "between two looks at the certificate files";
    "retention" "presence" = server.retention.kept.presence, "how long presence that was replaced is kept in the log, or for-ever";
    "retention" "messages" = server.retention.kept.messages, "how long messages that some device has taken are kept, and in the log what became of messages; or for-ever";
    "retention" "subscriptions" = server.retention.kept.subscriptions, "how long the log keeps how subscriptions went, or for-ever; those that live are kept anyway";
    "retention" "watchers" = server.retention.kept.watchers, "how long the log keeps who watched whom, or for-ever";
    "retention" "acts" = server.retention.kept.acts, "how long the log keeps what administrators did and how rules were changed, or for-ever";
    "retention" "domains" = server.retention.kept.domains, "what single domains want else, such as [\"example.com messages=7d presence=for-ever log_bytes_max=1073741824\"]: spans, and bytes of the log beyond which the oldest of their past goes, however young";
    "retention" "log_bytes_max" = server.retention.log_bytes_max, "bytes that the log may have, without what is carried forward: beyond it the oldest goes, however young";
    "retention" "check" = server.retention.check, "between two looks whether something is to go";
}
