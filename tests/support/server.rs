//! A server in this process, on a folder of its own.
//!
//! Must never hold: what a client does.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use adsum::model::Handling;
use adsum::server::{self, Server, ServerConfig, ServerError};
use tempfile::TempDir;

use super::DOMAIN;

/// A free port of the loopback address.
pub fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A server on `data` that anybody may enrol with, with a health side, on any port.
pub fn config(data: &Path) -> ServerConfig {
    let mut config = ServerConfig::new(data, any_port(), vec![DOMAIN.parse().unwrap()]);
    config.open_enrollment = true;
    config.anonymous = true;
    config.http = Some(any_port());
    // Most tests are not about who may watch whom.
    config.default_access = Handling::Allow;
    // All tests come from one address.
    config.limits.proxies = vec!["127.0.0.0/8".parse().unwrap()];
    // Tests say good-bye often, and nobody must wait for it.
    config.timeouts.reconnect_spread = Some(Duration::from_millis(50));
    // Peers that are spoken by hand do not leave when they are asked to.
    config.timeouts.drain = Duration::from_millis(200);
    config
}

/// A server and its folder.
pub struct Running {
    pub server: Server,
    pub data: TempDir,
}

impl Running {
    /// Starts a server on a new folder.
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// Starts a server on a new folder with a changed configuration.
    pub async fn start_with(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = config(data.path());
        change(&mut config);
        let server = server::start(config).await.unwrap();
        Self { server, data }
    }

    /// Where clients reach it.
    pub fn address(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Where health and metrics are.
    pub fn http(&self) -> SocketAddr {
        self.server.http_addr().unwrap()
    }

    /// Stops it in order and starts it again on the same folder and port.
    pub async fn restart(self) -> Self {
        let address = self.address();
        let data = self.stop().await;
        let server = start_at(data.path(), address).await.unwrap();
        Self { server, data }
    }

    /// Stops it in order.
    pub async fn stop(self) -> TempDir {
        self.server.shutdown().await.unwrap();
        self.data
    }
}

/// Starts a server on `data` at `address`.
pub async fn start_at(data: &Path, address: SocketAddr) -> Result<Server, ServerError> {
    let mut config = config(data);
    config.listen = address;
    server::start(config).await
}
