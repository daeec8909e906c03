//! The settings of `serve` as plain values, with the defaults of the command line.
//!
//! Must never hold: how a setting is called or read.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use crate::cli::run::failure::Failure;
use crate::server::{CertificateFiles, ServerConfig};
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

/// Everything that can be set: what the server is to be, and how its log lines look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) server: ServerConfig,
    /// The files of the certificate, which belong together.
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) filter: String,
    pub(super) format: LogFormat,
}

impl Default for Settings {
    fn default() -> Self {
        let listen = (Ipv6Addr::UNSPECIFIED, PORT).into();
        let domain = "localhost".parse().expect("localhost is a domain");
        let mut server = ServerConfig::new("./adsum-data", listen, vec![domain]);
        server.http = Some((Ipv4Addr::LOCALHOST, HTTP_PORT).into());
        Self {
            server,
            certificate: None,
            key: None,
            filter: "info".to_owned(),
            format: LogFormat::Text,
        }
    }
}

impl Settings {
    /// The server these settings describe.
    ///
    /// # Errors
    /// Wrong usage if a certificate comes without its key, or the key alone.
    pub(super) fn config(self) -> Result<ServerConfig, Failure> {
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
        Ok(ServerConfig { certificate, ..self.server })
    }
}
