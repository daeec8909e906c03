//! From a TCP connection to a session: TLS, the request for the service's path, and the framing of streams.
//!
//! Must never hold: any other page or request of HTTP; those are answered by a status that says no.

use std::sync::Arc;
use std::time::Duration;

use qmux::ws::tokio_tungstenite::accept_hdr_async_with_config;
use qmux::ws::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use qmux::ws::tungstenite::protocol::WebSocketConfig;
use qmux::{Config, Version};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use web_transport_quinn::http::{HeaderValue, StatusCode, Uri, header};

use super::room::{Bounded, Room};
use super::transport::SocketSession;
use crate::model::limits::{STREAMS_OPEN_MAX, UNPROVEN_BYTES_MAX, UNPROVEN_REQUEST_BYTES_MAX};
use crate::server::endpoint::{RECEIVE_WINDOW, STREAM_RECEIVE_WINDOW};
use crate::server::web::Pages;
use crate::wire::{WEB_PATH, WEB_SOCKET_TOKEN};

/// Bytes of one message, of which each carries a record of at most 16,382.
const MESSAGE_BYTES_MAX: usize = 32 * 1024;
/// Bytes read at once, and written at once.
const READ_BYTES: usize = 4 * 1024;
const WRITE_BYTES: usize = 16 * 1024;
/// What frames of the WebSocket and of qmux take beside what they carry, before the proof.
const FRAMES_BYTES: usize = 1024;

/// Makes `stream` a session, or says why not.
pub(super) async fn upgrade(
    stream: TcpStream,
    tls: Option<&TlsAcceptor>,
    pages: Arc<Pages>,
    idle: Duration,
) -> Result<SocketSession, String> {
    let room = Room::new(usize::try_from(UNPROVEN_REQUEST_BYTES_MAX).unwrap_or(usize::MAX));
    let stream = Bounded::new(stream, room.clone());
    match tls {
        Some(tls) => {
            let stream = tls.accept(stream).await.map_err(|error| error.to_string())?;
            open(stream, room, pages, idle).await
        }
        None => open(stream, room, pages, idle).await,
    }
}

async fn open<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    room: Room,
    pages: Arc<Pages>,
    idle: Duration,
) -> Result<SocketSession, String> {
    #[expect(clippy::result_large_err, reason = "the library wants it so")]
    let answer = move |request: &Request, response: Response| answer(request, response, &pages);
    let socket = accept_hdr_async_with_config(stream, answer, Some(socket_config()))
        .await
        .map_err(|error| error.to_string())?;
    room.set(Some(UNPROVEN_BYTES_MAX as usize + FRAMES_BYTES));
    let session = qmux::ws::Upgraded::new(socket)
        .with_alpn(WEB_SOCKET_TOKEN)
        .with_session_config(session_config(idle))
        .accept();
    Ok(SocketSession::new(session, room))
}

fn socket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(WRITE_BYTES)
        .max_write_buffer_size(WRITE_BYTES + 2 * MESSAGE_BYTES_MAX)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
}

fn session_config(idle: Duration) -> Config {
    let mut config = Config::new(Version::QMux02);
    config.max_streams_bidi = STREAMS_OPEN_MAX.into();
    config.max_streams_uni = 0;
    config.max_data = RECEIVE_WINDOW.into();
    config.max_stream_data_bidi_local = STREAM_RECEIVE_WINDOW.into();
    config.max_stream_data_bidi_remote = STREAM_RECEIVE_WINDOW.into();
    config.max_stream_data_uni = 0;
    config.max_datagram_frame_size = 0;
    config.max_idle_timeout = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX);
    config.rtt_interval = Duration::ZERO;
    config
}

/// Takes the request, or says by which status it is refused.
#[expect(clippy::result_large_err, reason = "the library wants it so")]
fn answer(
    request: &Request,
    mut response: Response,
    pages: &Pages,
) -> Result<Response, ErrorResponse> {
    let headers = request.headers();
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = origins.next().map(|origin| origin.to_str().unwrap_or_default());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host: Option<Uri> = host.parse().ok();
    let host = host.as_ref().and_then(Uri::host).unwrap_or_default();
    let mut offered = headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .flat_map(|names| names.to_str().unwrap_or_default().split(','));
    if request.uri().path() != WEB_PATH || request.uri().query().is_some() {
        return Err(refused(StatusCode::NOT_FOUND, "there is nothing at that path\n"));
    }
    if origins.next().is_some() || !pages.admit(origin, host) {
        return Err(refused(StatusCode::FORBIDDEN, "pages of that origin may not connect\n"));
    }
    if !offered.any(|token| token.trim() == WEB_SOCKET_TOKEN) {
        return Err(refused(StatusCode::BAD_REQUEST, "the protocol was not asked for\n"));
    }
    let token = HeaderValue::from_static(WEB_SOCKET_TOKEN);
    response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, token);
    Ok(response)
}

fn refused(status: StatusCode, reason: &str) -> ErrorResponse {
    let mut response = ErrorResponse::new(Some(reason.to_owned()));
    *response.status_mut() = status;
    response
}
