//! The settings of a server as plain values, with their defaults.
//!
//! Must never hold: how a setting is called or read.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::run::failure::Failure;
use crate::model::limits::REQUEST_MS_DEFAULT;
use crate::model::{Domain, Handling};
use crate::server::{CertificateFiles, ServerConfig, ServerLimits, ServerTimeouts};
use crate::wire::PORT;

/// TCP port of health and metrics: two above the service's own.
const HTTP_PORT: u16 = 2_780;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

impl LogFormat {
    /// The word in the file.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) data: PathBuf,
    pub(super) listen: SocketAddr,
    pub(super) domains: Vec<Domain>,
    pub(super) open_enrollment: bool,
    pub(super) default_access: Handling,
    pub(super) request_lifetime: Duration,
    pub(super) presence: bool,
    pub(super) messaging: bool,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) http: Option<SocketAddr>,
    pub(super) filter: String,
    pub(super) format: LogFormat,
    pub(super) limits: ServerLimits,
    pub(super) timeouts: ServerTimeouts,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: "./adsum-data".into(),
            listen: (Ipv6Addr::UNSPECIFIED, PORT).into(),
            domains: vec!["localhost".parse().expect("localhost is a domain")],
            open_enrollment: false,
            default_access: Handling::Confirm,
            request_lifetime: Duration::from_millis(REQUEST_MS_DEFAULT),
            presence: true,
            messaging: true,
            certificate: None,
            key: None,
            http: Some((Ipv4Addr::LOCALHOST, HTTP_PORT).into()),
            filter: "info".to_owned(),
            format: LogFormat::Text,
            limits: ServerLimits::default(),
            timeouts: ServerTimeouts::default(),
        }
    }
}

impl Settings {
    /// The server these settings describe.
    ///
    /// # Errors
    /// Wrong usage if a certificate comes without its key, or the key alone.
    pub(super) fn config(self, rebuild_views: bool) -> Result<ServerConfig, Failure> {
        let certificate = match (self.certificate, self.key) {
            (Some(chain), Some(key)) => Some(CertificateFiles { chain, key }),
            (None, None) => None,
            (chain, _) => {
                let missing = if chain.is_some() { "--key" } else { "--certificate" };
                return Err(Failure::usage(format!(
                    "a certificate and its key belong together; give {missing} too, or neither"
                )));
            }
        };
        let mut config = ServerConfig::new(self.data, self.listen, self.domains);
        config.open_enrollment = self.open_enrollment;
        config.default_access = self.default_access;
        config.request_lifetime = self.request_lifetime;
        config.presence = self.presence;
        config.messaging = self.messaging;
        config.http = self.http;
        config.certificate = certificate;
        config.limits = self.limits;
        config.timeouts = self.timeouts;
        config.rebuild_views = rebuild_views;
        Ok(config)
    }
}
