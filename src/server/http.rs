//! Health and metrics over plain HTTP, for the operator's machine only.
//!
//! It answers from before the log is replayed until after the last connection is closed.
//! Must never hold: anything a client of the service may ask, or anything a person wrote.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use super::metrics::Metrics;
use super::{ServerError, files, listen};

/// Written and synced to see whether the disk still takes anything.
const PROBE: &str = "disk-probe";

/// How far the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The log is opened and folded: so many of so many events.
    Replaying(u64, u64),
    /// Clients are served.
    Serving,
    /// The server stops.
    Stopping,
    /// The log failed, with the reason.
    Failed(String),
}

/// What the health pages tell.
pub(super) struct Health {
    data: PathBuf,
    phase: Mutex<Phase>,
    metrics: Arc<Metrics>,
    // One probe at a time, however many ask.
    probing: tokio::sync::Mutex<()>,
}

impl Health {
    /// A server that begins to replay the log in `data`.
    pub(super) fn new(data: &Path, metrics: Arc<Metrics>) -> Self {
        let phase = Mutex::new(Phase::Replaying(0, 0));
        Self { data: data.to_owned(), phase, metrics, probing: tokio::sync::Mutex::default() }
    }

    /// The server is this far now.
    pub(super) fn enter(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    fn phase(&self) -> Phase {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ready, or why not, in words.
    async fn readiness(&self) -> Result<(), String> {
        match self.phase() {
            Phase::Replaying(0, 0) => return Err("opening the log".to_owned()),
            Phase::Replaying(done, of) => return Err(format!("replaying: {done} of {of} events")),
            Phase::Stopping => return Err("stopping".to_owned()),
            Phase::Failed(reason) => return Err(format!("the log failed: {reason}")),
            Phase::Serving => {}
        }
        let _one = self.probing.lock().await;
        let path = self.data.join(PROBE);
        let probe = tokio::task::spawn_blocking(move || files::write_synced(&path, b"probe"));
        match probe.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("the data folder cannot be written: {error}")),
            Err(panic) => {
                Err(format!("the data folder could not be tried: {panic}; start the server again"))
            }
        }
    }
}

/// Begins to answer at `address`; returns where, and the task that answers.
pub(super) fn open(
    address: SocketAddr,
    health: Arc<Health>,
) -> Result<(SocketAddr, impl Future<Output = ()> + Send + use<>), ServerError> {
    let fault = |source| ServerError::Listen { transport: "TCP", address, source };
    let listener = listen::take("TCP", address, std::net::TcpListener::bind)
        .map_err(ServerError::listen("TCP"))?;
    listener.set_nonblocking(true).map_err(fault)?;
    let listener = TcpListener::from_std(listener).map_err(fault)?;
    let bound = listener.local_addr().map_err(fault)?;
    let pages = Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(health);
    let serving = async move {
        // It never ends by itself: errors of single connections are handled inside.
        let _ = axum::serve(listener, pages).await;
    };
    Ok((bound, serving))
}

async fn livez() -> &'static str {
    "alive\n"
}

async fn readyz(State(health): State<Arc<Health>>) -> (StatusCode, String) {
    match health.readiness().await {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

async fn metrics(State(health): State<Arc<Health>>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], health.metrics.text())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    async fn ask(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: adsum\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_server_is_alive_before_it_is_ready() {
        let data = tempfile::tempdir().unwrap();
        let health = Arc::new(Health::new(data.path(), Arc::new(Metrics::default())));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (address, serving) = open(any, Arc::clone(&health)).unwrap();
        let serving = tokio::spawn(serving);
        assert!(ask(address, "/livez").await.contains("200 OK"));
        health.enter(Phase::Replaying(5, 10));
        let answer = ask(address, "/readyz").await;
        assert!(answer.contains("503") && answer.contains("replaying: 5 of 10"), "{answer}");
        health.enter(Phase::Serving);
        assert!(ask(address, "/readyz").await.contains("200 OK"));
        assert!(ask(address, "/metrics").await.contains("adsum_connections 0"));
        serving.abort();
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_not_ready() {
        let data = tempfile::tempdir().unwrap();
        let health = Health::new(&data.path().join("gone"), Arc::new(Metrics::default()));
        health.enter(Phase::Serving);
        assert!(health.readiness().await.unwrap_err().contains("cannot be written"));
    }

    #[tokio::test]
    async fn a_taken_address_is_named() {
        let data = tempfile::tempdir().unwrap();
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let health = Arc::new(Health::new(data.path(), Arc::new(Metrics::default())));
        let address = taken.local_addr().unwrap();
        let fault = open(address, health).err().unwrap().to_string();
        assert!(fault.contains(&format!("TCP {address}")), "{fault}");
    }
}
