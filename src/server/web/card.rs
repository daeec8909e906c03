//! What a page must know before it connects, as JSON: in a file of the data folder and on the HTTP side.
//!
//! All of it is public: hashes of certificates that are shown to everybody.
//! Must never hold: a key.

use core::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use serde::Serialize;
use tracing::{error, info};

use super::{Pages, Pinned};
use crate::model::Timestamp;
use crate::server::clock::Timekeeper;
use crate::server::tls::Certificates;
use crate::server::{ServerError, files};
use crate::wire::{ALPN, WEB_PATH, WEB_SOCKET_TOKEN};

/// What pages need of a server.
pub(in crate::server) struct Web {
    /// Which of them may connect.
    pub(in crate::server) pages: Arc<Pages>,
    /// Certificates to pin; `None` where the operator's are shown.
    pub(in crate::server) pinned: Option<Arc<Pinned>>,
    /// What proofs are bound to.
    pub(in crate::server) certificates: Arc<Certificates>,
    /// UDP port of WebTransport, if it is served.
    pub(in crate::server) port: Option<u16>,
    /// TCP port for a WebSocket, if that is served, and whether it is encrypted.
    pub(in crate::server) socket: Option<(u16, bool)>,
}

#[derive(Serialize)]
struct Card {
    protocol: String,
    path: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    server_key: String,
    certificate_hashes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    websocket: Option<Socket>,
}

#[derive(Serialize)]
struct Socket {
    port: u16,
    encrypted: bool,
    protocol: &'static str,
}

impl Web {
    /// The text for pages.
    pub(in crate::server) fn card(&self) -> String {
        let hashes = self.pinned.as_ref().map(|pinned| pinned.hashes());
        let hashes = hashes.iter().flatten().map(|hash| HEXLOWER.encode(hash));
        let card = Card {
            protocol: String::from_utf8_lossy(ALPN).into_owned(),
            path: WEB_PATH,
            port: self.port,
            server_key: HEXLOWER.encode(&self.certificates.key_hash()),
            certificate_hashes: hashes.collect(),
            websocket: self.socket.map(|(port, encrypted)| Socket {
                port,
                encrypted,
                protocol: WEB_SOCKET_TOKEN,
            }),
        };
        let mut text = serde_json::to_string(&card).expect("texts and numbers are JSON");
        text.push('\n');
        text
    }

    /// Puts the text for pages into the folder `data`.
    pub(in crate::server) fn write(&self, data: &Path) -> Result<(), ServerError> {
        Ok(files::write_private(&data.join(files::FOR_PAGES), self.card().as_bytes())?)
    }
}

/// Shows the next certificate when it is time, and tells pages. Ends with the task it runs in.
pub(in crate::server) async fn keep_fresh(
    web: Arc<Web>,
    data: PathBuf,
    time: Timekeeper,
    every: Duration,
) {
    loop {
        tokio::time::sleep(every).await;
        let (web, data, now) = (Arc::clone(&web), data.clone(), time.now().wall);
        let renewed = tokio::task::spawn_blocking(move || renew(&web, &data, now)).await;
        let told = |fault: &dyn Display| {
            error!(%fault, "the next certificate for pages cannot be shown; the one before stays");
        };
        match renewed {
            Ok(Ok(false)) => {}
            Ok(Ok(true)) => info!("pages are shown the next certificate"),
            Ok(Err(fault)) => told(&fault),
            Err(fault) => told(&fault),
        }
    }
}

fn renew(web: &Web, data: &Path, now: Timestamp) -> Result<bool, ServerError> {
    let renewed = web.pinned.as_ref().map_or(Ok(false), |pinned| pinned.renew(now))?;
    if renewed {
        web.write(data)?;
    }
    Ok(renewed)
}
