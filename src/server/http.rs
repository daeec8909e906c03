//! Health, metrics and the console over plain HTTP, for the operator's machine only.
//!
//! It answers from before the log is replayed until after the last connection is closed.
//! Must never hold: anything a client of the service may ask, or anything a person wrote.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use subtle::ConstantTimeEq;

use super::config::ServerConfig;
use super::metrics::Metrics;
use super::visit::Doorkeeper;
use super::web::{Web, console};
use super::{ServerError, files, guarded, listen};

/// Who is answered what.
struct Access {
    /// Names, beside `localhost` and addresses, by which it may be asked.
    hosts: Vec<String>,
    /// What whoever asks for metrics must show.
    token: Option<String>,
}

impl Access {
    fn new(config: &ServerConfig) -> Result<Self, ServerError> {
        if let Some(path) = &config.http_token {
            guarded::close_given(path)?;
        }
        let token = config.http_token.as_deref().map(read_token).transpose()?;
        Ok(Self { hosts: config.http_hosts.clone(), token })
    }

    /// Whether it is asked by a name of its own. A page in a browser can lead a name of its author's to this machine, but
    /// the browser says that name.
    fn is_meant(&self, name: &str) -> bool {
        let Ok(authority) = name.parse::<Authority>() else { return false };
        let host = authority.host();
        let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let is_named = |known: &str| known.eq_ignore_ascii_case(host.trim_end_matches('.'));
        is_address || is_named("localhost") || self.hosts.iter().any(|known| is_named(known))
    }

    fn shows_token(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else { return true };
        let shown = headers.get(header::AUTHORIZATION).map_or(&b""[..], HeaderValue::as_bytes);
        let shown = shown.strip_prefix(b"Bearer ").unwrap_or_default();
        shown.ct_eq(token.as_bytes()).into()
    }
}

/// The token in the file at `path`.
pub(super) fn read_token(path: &Path) -> Result<String, ServerError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| ServerError::file("read", path, source))?;
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let cure = "write one line of visible ASCII characters into it";
        let reason = "holds no token".to_owned();
        return Err(ServerError::BadFile { path: path.to_owned(), reason, cure });
    }
    Ok(token.to_owned())
}

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
    /// What pages need of the server, once it is known.
    web: OnceLock<Arc<Web>>,
    // One probe at a time, however many ask.
    probing: tokio::sync::Mutex<()>,
}

impl Health {
    /// A server that begins to replay the log in `data`.
    pub(super) fn new(data: &Path, metrics: Arc<Metrics>) -> Self {
        let phase = Mutex::new(Phase::Replaying(0, 0));
        let (web, probing) = (OnceLock::new(), tokio::sync::Mutex::default());
        Self { data: data.to_owned(), phase, metrics, web, probing }
    }

    /// Whether pages are served, and then how.
    pub(super) fn serve_pages(&self, web: Option<Arc<Web>>) {
        // A server starts once.
        let _ = web.map(|web| self.web.set(web));
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
            Phase::Serving if self.metrics.storage_full.get() > 0 => {
                return Err("the disk of the data folder is nearly full, so that what is new is refused (storage-full); make room there".to_owned());
            }
            Phase::Serving => {}
        }
        let _one = self.probing.lock().await;
        let path = self.data.join(files::PROBE);
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
    config: &ServerConfig,
    health: Arc<Health>,
) -> Result<(SocketAddr, impl Future<Output = ()> + Send + use<>), ServerError> {
    let access = Arc::new(Access::new(config)?);
    let (listener, bound) = listen::tcp(address).map_err(ServerError::listen("TCP"))?;
    let pages = Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/web.json", get(card))
        .merge(console::routes())
        .with_state(health)
        .layer(middleware::from_fn_with_state(access, admit));
    let listener = Doorkeeper::new(listener, config);
    let serving = async move {
        // It never ends by itself: errors of single connections are handled inside.
        let _ = axum::serve(listener, pages).await;
    };
    Ok((bound, serving))
}

/// Answers who may ask, once: every connection is for one question.
async fn admit(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let (headers, uri) = (request.headers(), request.uri());
    let mut names = headers.get_all(header::HOST).iter().map(HeaderValue::to_str);
    let is_meant = names.all(|name| name.is_ok_and(|name| access.is_meant(name)))
        && uri.authority().is_none_or(|name| access.is_meant(name.as_str()));
    let mut response = if !is_meant {
        let cure = "it is not asked by this name; use its address, or add the name to http.hosts\n";
        (StatusCode::MISDIRECTED_REQUEST, cure).into_response()
    } else if uri.path() == "/metrics" && !access.shows_token(headers) {
        let asked = [(header::WWW_AUTHENTICATE, "Bearer")];
        (StatusCode::UNAUTHORIZED, asked, "show the token of http.token\n").into_response()
    } else {
        next.run(request).await
    };
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
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

/// What a page must know before it connects; a page that may connect may read it in a browser too.
async fn card(State(health): State<Arc<Health>>, headers: HeaderMap) -> Response {
    let Some(web) = health.web.get() else {
        let reason = "pages are not served, or not yet; look at /readyz and at web.webtransport\n";
        return (StatusCode::NOT_FOUND, reason).into_response();
    };
    let json = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    let mut response = (json, web.card()).into_response();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()?.parse().ok());
    if let (Some(origin), Some(host)) = (headers.get(header::ORIGIN), host)
        && origin.to_str().is_ok_and(|origin| web.pages.admit(Some(origin), Authority::host(&host)))
    {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("origin"));
    }
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    fn config(data: &Path) -> ServerConfig {
        ServerConfig::new(data, SocketAddr::from(([127, 0, 0, 1], 0)), Vec::new())
    }

    #[test]
    fn a_name_that_is_nobodys_here_is_not_answered() {
        let hosts = vec!["health.example".to_owned()];
        let access = Access { hosts, token: None };
        for good in [
            "localhost",
            "LocalHost:2780",
            "127.0.0.1:2780",
            "[::1]:2780",
            "192.0.2.1",
            "Health.example.:80",
        ] {
            assert!(access.is_meant(good), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "evil.example:2780",
            "localhost.evil.example",
            "a b",
            "127.0.0.1.evil.example",
        ] {
            assert!(!access.is_meant(bad), "{bad}");
        }
    }

    async fn ask(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
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
        let (address, serving) = open(any, &config(data.path()), Arc::clone(&health)).unwrap();
        let serving = tokio::spawn(serving);
        assert!(ask(address, "/livez").await.contains("200 OK"));
        let none = "pages are not served, or not yet; look at /readyz and at web.webtransport\n";
        assert!(ask(address, "/web.json").await.ends_with(none));
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
    async fn a_server_that_takes_nothing_new_is_not_ready() {
        let data = tempfile::tempdir().unwrap();
        let metrics = Arc::new(Metrics::default());
        let health = Health::new(data.path(), Arc::clone(&metrics));
        health.enter(Phase::Serving);
        assert_eq!(health.readiness().await, Ok(()));
        metrics.storage_full.set(1);
        let told = "the disk of the data folder is nearly full, so that what is new is refused (storage-full); make room there";
        assert_eq!(health.readiness().await.unwrap_err(), told);
    }

    #[tokio::test]
    async fn a_taken_address_is_named() {
        let data = tempfile::tempdir().unwrap();
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let health = Arc::new(Health::new(data.path(), Arc::new(Metrics::default())));
        let address = taken.local_addr().unwrap();
        let fault = open(address, &config(data.path()), health).err().unwrap().to_string();
        assert!(fault.contains(&format!("TCP {address}")), "{fault}");
    }
}
