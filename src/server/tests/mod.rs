//! The server over real QUIC on loopback, by a client that knows only the wire.
//!
//! Must never hold: a test of a rule; rules are tested where they are decided.

mod connections;
mod faults;
mod feeds;
mod governance;
mod load;
mod past;
mod peer;
mod requests;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::{Server, ServerConfig, start};

/// A server on a folder of its own, which outlives restarts.
struct Store {
    folder: tempfile::TempDir,
}

impl Store {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn config(&self) -> ServerConfig {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut config =
            ServerConfig::new(self.folder.path(), any, vec!["localhost".parse().unwrap()]);
        config.open_enrollment = true;
        // Most stories here are not about who may watch whom.
        config.default_access = crate::model::Handling::Allow;
        // The peers here do not go when they are told to.
        config.timeouts.drain = Duration::from_millis(100);
        config
    }

    async fn serve(&self) -> Server {
        start(self.config()).await.unwrap()
    }
}

/// Nothing here takes long; what hangs is a failure.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it hangs")
}
