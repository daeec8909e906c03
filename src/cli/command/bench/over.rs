//! What carries the load: `adsum/1` itself, or a session of WebTransport as pages have one.
//!
//! Both are one kind of session to whoever speaks in it, so that what lies between their figures is what carries them.
//! Must never hold: a word of the protocol.

use std::error::Error;
use std::fmt;

use url::Url;
use web_transport_quinn::Session;
use web_transport_quinn::proto::ConnectRequest;

use crate::cli::run::failure::Failure;
use crate::client::ServerAddress;
use crate::client::connection::{Endpoint, KEEP_ALIVE};
use crate::wire::{ALPN, WEB_PATH};

/// What carries the load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Over {
    /// The protocol's own connections
    #[default]
    #[value(name = "adsum/1")]
    Adsum,
    /// Sessions of WebTransport, by the client of web-transport-quinn; each run is followed by one over adsum/1
    #[value(name = "webtransport")]
    WebTransport,
}

impl fmt::Display for Over {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Adsum => "adsum/1",
            Self::WebTransport => "webtransport",
        })
    }
}

impl Over {
    /// A socket for connections of this kind.
    pub(super) fn endpoint(self) -> Result<Endpoint, Failure> {
        Ok(match self {
            Self::Adsum => Endpoint::new(KEEP_ALIVE)?,
            Self::WebTransport => Endpoint::for_http3(KEEP_ALIVE)?,
        })
    }

    /// The session in a fresh connection to `server`.
    pub(super) async fn session(
        self,
        quic: quinn::Connection,
        server: &ServerAddress,
    ) -> Result<Session, Box<dyn Error + Send + Sync>> {
        if self == Self::Adsum {
            return Ok(Session::raw(quic));
        }
        let url = Url::parse(&format!("https://{server}{WEB_PATH}"))?;
        let protocol = String::from_utf8_lossy(ALPN);
        let request = ConnectRequest::new(url).with_protocol(protocol);
        Ok(Session::connect(quic, request).await?)
    }
}
