//! A folder on which servers start one after the other.
//!
//! Must never hold: what a peer does.

use adsum::server::{Server, ServerConfig, start};

use crate::support::server::config;

/// Outlives its servers.
pub(crate) struct Store {
    folder: tempfile::TempDir,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn config(&self) -> ServerConfig {
        config(self.folder.path())
    }

    pub(crate) async fn serve(&self) -> Server {
        start(self.config()).await.unwrap()
    }
}
