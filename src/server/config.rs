//! What the operator decides about a server, as plain data with a reason for every default.
//!
//! Must never hold: parsing of files or flags, or a clock.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::ServerError;
use super::block::Network;
use super::web::PageOrigin;
use crate::model::limits::{
    DISK_RESERVE_BYTES_DEFAULT, DRAIN_MS_DEFAULT, FIRST_FRAME_MS_MAX, HELLO_MS_MAX, IDLE_MS_MAX,
    LOG_BYTES_KEPT_DEFAULT, MESSAGE_FILTER_BYTES_DEFAULT, REQUEST_MS_DEFAULT,
    RETENTION_ACTS_MS_DEFAULT, RETENTION_CHECK_MS_DEFAULT, RETENTION_MS_DEFAULT,
};
use crate::model::{Domain, Handling, Keep, Lifetime, Quotas, Retention};

/// Everything a server needs to know before it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct ServerConfig {
    /// The folder of the store; made if it is not there.
    pub data: PathBuf,
    /// The UDP address clients reach. `[::]` takes IPv4 too; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The domains served, at least one. The first invite is for the first of them.
    pub domains: Vec<Domain>,
    /// Whether the first comer may take a free name without an invite.
    pub open_enrollment: bool,
    /// Whether sessions are let in that do not say whose they are: no, for they can be told from nobody else.
    pub anonymous: bool,
    /// What an authenticated watcher is granted by a presentity without a rule about it: `confirm`, so that nobody is
    /// watched who has not agreed. Anonymous watchers are then blocked.
    pub default_access: Handling,
    /// How long an undecided wish to watch is remembered, 30 days.
    pub request_lifetime: Duration,
    /// Whether presence works on this server.
    pub presence: bool,
    /// Whether messaging works on this server.
    pub messaging: bool,
    /// The TCP address of health and metrics; `None` for none. Unencrypted, so keep it on loopback.
    pub http: Option<SocketAddr>,
    /// Names by which health and metrics may be asked, beside `localhost` and addresses: none, so that no page in a browser
    /// of this machine can.
    pub http_hosts: Vec<String>,
    /// A file with the bearer token that whoever asks for metrics must show; `None` lets everybody.
    pub http_token: Option<PathBuf>,
    /// Whether to throw the checkpoint away and fold the whole log anew: the cure for a damaged checkpoint.
    pub rebuild_views: bool,
    /// What browsers are served.
    pub web: WebConfig,
    /// Certificate and key from files; `None` for one the server makes and keeps.
    pub certificate: Option<CertificateFiles>,
    /// How much at once.
    pub limits: ServerLimits,
    /// How long.
    pub timeouts: ServerTimeouts,
    /// What is kept of the past.
    pub retention: RetentionConfig,
}

impl ServerConfig {
    /// A server of `domains` on the folder `data` at `listen`, with every default and no HTTP side.
    pub fn new(data: impl Into<PathBuf>, listen: SocketAddr, domains: Vec<Domain>) -> Self {
        Self {
            data: data.into(),
            listen,
            domains,
            open_enrollment: false,
            anonymous: false,
            default_access: Handling::Confirm,
            request_lifetime: Duration::from_millis(REQUEST_MS_DEFAULT),
            presence: true,
            messaging: true,
            rebuild_views: false,
            http: None,
            http_hosts: Vec::new(),
            http_token: None,
            web: WebConfig::default(),
            certificate: None,
            limits: ServerLimits::default(),
            timeouts: ServerTimeouts::default(),
            retention: RetentionConfig::default(),
        }
    }
}

/// Where the operator keeps a certificate. Both are PEM and are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, the server's own certificate first.
    pub chain: PathBuf,
    /// Its private key: PKCS#8, SEC1 or PKCS#1.
    pub key: PathBuf,
}

/// What browsers are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebConfig {
    /// Whether pages may connect by WebTransport, on the UDP address of all others.
    pub webtransport: bool,
    /// The TCP address for a WebSocket, for pages whose network lets no UDP through; `None` for none. With a certificate from files it
    /// is encrypted, without one it must be on loopback, behind a proxy.
    pub websocket: Option<SocketAddr>,
    /// Pages that may connect, beside those of the host that they ask: none.
    pub origins: Vec<PageOrigin>,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self { webtransport: true, websocket: None, origins: Vec::new() }
    }
}

/// How much a server does at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// Connections at once, 20,000: an idle one takes about 40 KiB, so 800 MiB in all.
    pub connections_max: usize,
    /// Handshakes at once of peers with a proven address, 64: each holds the endpoint's lock for a moment, and more
    /// would stall who is connected.
    pub handshakes_max: usize,
    /// Handshakes at once of peers whose address is not proven, 8. Beyond it a peer must first prove its address, of
    /// which nothing is kept.
    pub handshakes_unvalidated_max: usize,
    /// Peers with a proven address that may wait for their handshake, 1,024: half a second of work. Beyond it they
    /// are turned away.
    pub handshakes_waiting_max: usize,
    /// Connections at once from one IPv4 address or IPv6 /64, 1,000: an office, or a twentieth of the server.
    pub address_connections_max: usize,
    /// Handshakes a second from one IPv4 address or IPv6 /64, 50: a sixtieth of what a core makes. Those of ten seconds
    /// are saved up, for when all come back at once.
    pub address_handshakes_per_s_max: usize,
    /// Anonymous sessions at once, 100: visitors of a page, and few beside those with a name. Beyond it they are told to
    /// come back later.
    pub anonymous_max: usize,
    /// Anonymous sessions at once from one IPv4 address or IPv6 /64, 10: a tenth of them.
    pub address_anonymous_max: usize,
    /// How much of what all share one principal may take, unless an administrator sets something else: so far from what a
    /// person does that nobody meets it, see [`Quota::default_max`](crate::model::Quota::default_max). Of what stays in
    /// memory also the most that an administrator can set.
    pub quotas: Quotas,
    /// Networks for which the limits per address do not hold, because many clients share their addresses. None.
    pub proxies: Vec<Network>,
    /// Connections at once that have not proven who they are, 384: each may take 64 KiB, so 24 MiB in all. Beyond it
    /// the oldest of the address that has most is closed.
    pub unproven_max: usize,
    /// Connections at once to health and metrics, 64. Beyond it the oldest of the address that has most is closed.
    pub http_connections_max: usize,
    /// Requests of one principal that may wait for the writer, 256; each half KiB in one counts as one more. A principal whose
    /// share is full is not read from the network until there is room.
    pub queue_bundles_max: usize,
    /// Requests decided in one round, 4,096: more than what they cost lets in, so that only a lower one is felt.
    pub round_inputs_max: usize,
    /// Bytes of recent messages kept for live inbox feeds, 16 MiB.
    pub cache_bytes_max: usize,
    /// Bytes of memory for the filter that says of an id of a message that it is surely new, 64 MiB: a byte and a half for each of
    /// the last 30 days. With less, more ids are looked up on the disk in vain.
    pub message_filter_bytes_max: u64,
    /// Bytes that are set apart on the disk for the log, 64 MiB: several times what a round and a part of a checkpoint write.
    /// When half of them cannot be kept, what is new is refused until there is room again.
    pub disk_reserve_bytes: u64,
    /// UDP buffers asked from the system, 4 MiB each way: the usual 208 KiB lose packets when many are told at once.
    pub socket_buffer_bytes: usize,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections_max: 20_000,
            handshakes_max: 64,
            handshakes_unvalidated_max: 8,
            handshakes_waiting_max: 1_024,
            address_connections_max: 1_000,
            address_handshakes_per_s_max: 50,
            anonymous_max: 100,
            address_anonymous_max: 10,
            quotas: Quotas::default(),
            proxies: Vec::new(),
            unproven_max: 384,
            http_connections_max: 64,
            queue_bundles_max: 256,
            round_inputs_max: 4_096,
            cache_bytes_max: 16 * 1024 * 1024,
            message_filter_bytes_max: MESSAGE_FILTER_BYTES_DEFAULT,
            disk_reserve_bytes: DISK_RESERVE_BYTES_DEFAULT,
            socket_buffer_bytes: 4 * 1024 * 1024,
        }
    }
}

impl ServerLimits {
    /// Checks that somebody can come in.
    pub(super) fn check(&self) -> Result<(), ServerError> {
        let least_one = [
            ("limits.connections_max", "connections at once", self.connections_max),
            ("limits.handshakes_max", "handshakes at once", self.handshakes_max),
            (
                "limits.address_connections_max",
                "connections at once from one address",
                self.address_connections_max,
            ),
            (
                "limits.address_handshakes_per_s_max",
                "handshakes a second from one address",
                self.address_handshakes_per_s_max,
            ),
            (
                "limits.unproven_max",
                "connections at once that have proven nothing",
                self.unproven_max,
            ),
            (
                "limits.http_connections_max",
                "connections at once to health and metrics",
                self.http_connections_max,
            ),
            (
                "limits.queue_bundles_max",
                "requests of one principal that wait",
                self.queue_bundles_max,
            ),
            ("limits.round_inputs_max", "requests decided in one round", self.round_inputs_max),
        ];
        match least_one.into_iter().find(|(_, _, most)| *most == 0) {
            Some((limit, counted, _)) => Err(ServerError::NobodyAdmitted { limit, counted }),
            None => Ok(()),
        }
    }
}

/// How long a server waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTimeouts {
    /// From the first packet to the end of the handshake, and from there to a proven `Hello`: 10 s each, which a
    /// lossy mobile network still makes.
    pub hello: Duration,
    /// For a handshake of a peer whose address is not proven, 2 s. One that takes longer is made again.
    pub unvalidated: Duration,
    /// For the first frame of a stream after it was opened, 5 s.
    pub stream: Duration,
    /// Without a packet before a connection counts as lost, 60 s: three keep-alives of a client.
    pub idle: Duration,
    /// For clients to take what is on its way at shutdown, 5 s. Those that need longer are closed.
    pub drain: Duration,
    /// Clients are told at shutdown to come back spread evenly over this, so that they do not all come at once.
    /// `None` chooses it by the number of connections.
    pub reconnect_spread: Option<Duration>,
    /// All that is written leaves at multiples of this, and one whole of it after the question at the earliest, so that the time of
    /// an answer says nothing of commits that take less. `None` writes at once: an answer then costs no wait.
    pub beat: Option<Duration>,
    /// For a question to health and metrics, from the connection to the end of the answer, 10 s.
    pub http: Duration,
    /// Between two looks at the certificate files, 30 s.
    pub certificate_poll: Duration,
}

impl Default for ServerTimeouts {
    fn default() -> Self {
        Self {
            hello: Duration::from_millis(HELLO_MS_MAX),
            unvalidated: Duration::from_secs(2),
            stream: Duration::from_millis(FIRST_FRAME_MS_MAX),
            idle: Duration::from_millis(IDLE_MS_MAX),
            drain: Duration::from_millis(DRAIN_MS_DEFAULT),
            reconnect_spread: None,
            beat: None,
            http: Duration::from_secs(10),
            certificate_poll: Duration::from_secs(30),
        }
    }
}

/// What a server keeps of the past, and when it looks whether something is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionConfig {
    /// How long what is over is kept: 30 days, as long as ids of messages are remembered and people watched, and a year for what
    /// administrators did. What waits, what is published and what holds is kept whatever its age.
    pub kept: Retention,
    /// Bytes that entries of the log may have: beyond it the beginning goes, however young. A terabyte, so that age decides.
    pub log_bytes_max: u64,
    /// Between two looks, 10 minutes: a thousandth of a week.
    pub check: Duration,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        let acts = Keep::For(Lifetime::from_ms(RETENTION_ACTS_MS_DEFAULT));
        let all = Keep::For(Lifetime::from_ms(RETENTION_MS_DEFAULT));
        Self {
            kept: Retention { acts, ..Retention::of_all(all) },
            log_bytes_max: LOG_BYTES_KEPT_DEFAULT,
            check: Duration::from_millis(RETENTION_CHECK_MS_DEFAULT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_lets_nobody_in_is_refused_by_its_name() {
        assert!(ServerLimits::default().check().is_ok());
        let refused = |change: fn(&mut ServerLimits)| {
            let mut limits = ServerLimits::default();
            change(&mut limits);
            limits.check().unwrap_err().to_string()
        };
        for (told, name) in [
            (refused(|limits| limits.unproven_max = 0), "limits.unproven_max"),
            (refused(|limits| limits.connections_max = 0), "limits.connections_max"),
            (refused(|limits| limits.round_inputs_max = 0), "limits.round_inputs_max"),
        ] {
            assert!(told.starts_with(name) && told.ends_with("set it to at least 1"), "{told}");
        }
        let none = ServerLimits { anonymous_max: 0, cache_bytes_max: 0, ..ServerLimits::default() };
        assert!(none.check().is_ok(), "nobody needs these to come in");
    }
}
