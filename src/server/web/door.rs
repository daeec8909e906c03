//! How a connection of HTTP/3 becomes a session: one request for the service's path, in the time and within the bounds of
//! whoever has proven nothing.
//!
//! Must never hold: any other page or request of HTTP; those are answered by a status that says no.

use std::time::Duration;

use quinn::Connection;
use tokio::time::{interval, sleep_until, timeout};
use tracing::debug;
use web_transport_quinn::http::{StatusCode, header};
use web_transport_quinn::proto::{ConnectRequest, ConnectResponse};
use web_transport_quinn::{Request, ServerError as Fault};

use super::Pages;
use super::transport::{OWN_STREAM, WebSession, over_http3};
use crate::model::limits::{
    UNPROVEN_PIECES_MAX, UNPROVEN_REQUEST_BYTES_MAX, UNPROVEN_STREAMS_OPEN_MAX,
};
use crate::server::line::line;
use crate::server::session::Arrival;
use crate::session::{Close, LAST_WORDS};
use crate::wire::{ALPN, CloseCode, WEB_PATH};

/// Between two looks at what a peer sends.
const LOOK: Duration = Duration::from_millis(25);

/// Bytes of a request that are kept: browsers send less than half of it.
const KEPT_BYTES_MAX: usize = 4 * 1024;
/// What a header counts beside its name and value, as HTTP/3 counts it.
const FIELD_BYTES: usize = 32;

/// Waits for the request that makes `connection` a session; `None` if it is over instead.
pub(in crate::server) async fn open(
    connection: Connection,
    arrival: &Arrival,
    most: Duration,
    pages: &Pages,
) -> Option<WebSession> {
    connection.set_max_concurrent_bi_streams((UNPROVEN_STREAMS_OPEN_MAX + OWN_STREAM).into());
    let (code, reason) = tokio::select! {
        answered = answer(&connection, pages) => match answered {
            Ok(session) => return Some(session),
            Err(fault) => (CloseCode::ProtocolViolation, fault),
        },
        close = too_much(&connection) => close,
        () = arrival.place.lost() => {
            (CloseCode::Overloaded, "too many connections have proven nothing".to_owned())
        }
        () = sleep_until(arrival.began + most) => {
            (CloseCode::HelloTimeout, "no session was asked for in time".to_owned())
        }
    };
    line!(debug, code = code.as_str(), reason = %reason.escape_debug(), "no session is opened");
    connection.close(over_http3(code.number()), reason.as_bytes());
    None
}

/// Answers the first request, or says why there is no session.
async fn answer(connection: &Connection, pages: &Pages) -> Result<WebSession, String> {
    let request = Request::accept(connection.clone()).await.map_err(told)?;
    if let Err((status, reason)) = check(&request, pages) {
        request.reject(status).await.map_err(told)?;
        // The answer is to arrive before the connection is closed.
        let _ = timeout(LAST_WORDS, connection.closed()).await;
        return Err(reason.to_owned());
    }
    let response = response(&request);
    let session = request.respond(response).await.map_err(told)?;
    debug!("a session is opened");
    Ok(WebSession::new(session))
}

/// Selects the protocol where any was offered. Firefox (153) offers none, whatever the page says; the path is ours alone.
fn response(request: &ConnectRequest) -> ConnectResponse {
    let protocol = core::str::from_utf8(ALPN).expect("the protocol has a name in ASCII");
    let response = ConnectResponse::OK;
    if request.protocols.is_empty() { response } else { response.with_protocol(protocol) }
}

/// Whether the session may be had, or by which status it is refused and why.
fn check(request: &ConnectRequest, pages: &Pages) -> Result<(), (StatusCode, &'static str)> {
    let mut origins = request.headers.get_all(header::ORIGIN).iter();
    let origin = origins.next().map(|origin| origin.to_str().unwrap_or_default());
    let host = request.url.host_str().unwrap_or_default();
    if request.url.path() != WEB_PATH || request.url.query().is_some() {
        return Err((StatusCode::NOT_FOUND, "there is nothing at that path"));
    }
    if kept_bytes(request) > KEPT_BYTES_MAX {
        let reason = "the request is too long";
        return Err((StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, reason));
    }
    if origins.next().is_some() || !pages.admit(origin, host) {
        return Err((StatusCode::FORBIDDEN, "pages of that origin may not connect"));
    }
    let mut offered = request.protocols.iter();
    if !request.protocols.is_empty() && !offered.any(|protocol| protocol.as_bytes() == ALPN) {
        return Err((StatusCode::BAD_REQUEST, "only other protocols are offered"));
    }
    Ok(())
}

/// Bytes of a request that stay as long as its session.
fn kept_bytes(request: &ConnectRequest) -> usize {
    let headers =
        request.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_BYTES);
    let protocols = request.protocols.iter().map(|protocol| protocol.len() + FIELD_BYTES);
    request.url.as_str().len() + headers.chain(protocols).sum::<usize>()
}

/// Waits until the peer has sent more than a request takes.
async fn too_much(connection: &Connection) -> Close {
    let mut looks = interval(LOOK);
    loop {
        looks.tick().await;
        let stats = connection.stats();
        if stats.frame_rx.stream > UNPROVEN_PIECES_MAX {
            return (CloseCode::LimitExceeded, "too many small pieces before Welcome".to_owned());
        }
        if stats.udp_rx.bytes > UNPROVEN_REQUEST_BYTES_MAX {
            return (CloseCode::LimitExceeded, "the request is too long".to_owned());
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn told(fault: Fault) -> String {
    fault.to_string()
}
