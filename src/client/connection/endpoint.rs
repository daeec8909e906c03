//! The UDP socket of a client and what QUIC may use of it.
//!
//! Must never hold: a server's address or key.

use core::time::Duration;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use quinn::{EndpointConfig, IdleTimeout, TokioRuntime, TransportConfig, VarInt};
use socket2::{Domain, Protocol, Socket, Type};

use crate::client::error::ClientError;
use crate::model::limits::{IDLE_MS_MAX, KEEP_ALIVE_MS};
use crate::wire::{ALPN, HTTP3, HTTP3_UNI_STREAMS};

/// How often a connection that says nothing shows that it lives.
pub const KEEP_ALIVE: Duration = Duration::from_millis(KEEP_ALIVE_MS);

/// Bytes of one stream that may lie unread here: little, because what waits here is stale when it is read.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// Bytes of all streams that may lie unread here.
const RECEIVE_WINDOW_BYTES: u32 = 1024 * 1024;
/// Bytes sent and not acknowledged: small, because small writes get slow with more.
const SEND_WINDOW_BYTES: u64 = 256 * 1024;
/// First guess of the round trip. A lost first packet is repeated after three of them, so that a client that knocks
/// while its server restarts is in soon after.
const FIRST_ROUND_TRIP: Duration = Duration::from_millis(100);
/// Socket buffers asked for; the system may give less.
const SOCKET_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// A UDP socket from which connections are made. One serves any number of them.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub(super) quic: quinn::Endpoint,
    pub(super) transport: Arc<TransportConfig>,
    pub(super) ipv6: bool,
    /// The protocol that a server is asked for.
    pub(super) alpn: &'static [u8],
}

impl Endpoint {
    /// Binds a socket to a free port, for IPv6 and IPv4 where the machine has both. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`ClientError::Machine`] if no socket can be had.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(keep_alive: Duration) -> Result<Self, ClientError> {
        Self::speaking(ALPN, transport(keep_alive))
    }

    /// As [`Endpoint::new`], for connections of HTTP/3, of which whoever takes them can make sessions of WebTransport.
    ///
    /// # Errors
    /// As [`Endpoint::new`].
    pub fn for_http3(keep_alive: Duration) -> Result<Self, ClientError> {
        let mut transport = transport(keep_alive);
        transport.max_concurrent_uni_streams(VarInt::from_u32(HTTP3_UNI_STREAMS));
        Self::speaking(HTTP3, transport)
    }

    fn speaking(alpn: &'static [u8], transport: TransportConfig) -> Result<Self, ClientError> {
        let refused = |error: std::io::Error| ClientError::Machine {
            what: "a UDP socket",
            reason: error.to_string(),
        };
        let (socket, ipv6) = bind_any(bind).map_err(refused)?;
        let runtime = Arc::new(TokioRuntime);
        let config = EndpointConfig::default();
        let quic = quinn::Endpoint::new(config, None, socket.into(), runtime).map_err(refused)?;
        Ok(Self { quic, transport: Arc::new(transport), ipv6, alpn })
    }

    /// Waits until the peers have heard that their connections were closed, at most `at_most`.
    pub async fn wait_idle(&self, at_most: Duration) {
        // Whether all have heard it changes nothing: those that have not will notice by themselves.
        let _ = tokio::time::timeout(at_most, self.quic.wait_idle()).await;
    }
}

/// What `bind` gives for IPv6 and IPv4, and true; where the machine has no IPv6, what it gives for IPv4 alone, and false.
fn bind_any<T>(bind: impl Fn(SocketAddr) -> std::io::Result<T>) -> std::io::Result<(T, bool)> {
    match bind((Ipv6Addr::UNSPECIFIED, 0).into()) {
        Ok(socket) => Ok((socket, true)),
        Err(_) => Ok((bind((Ipv4Addr::UNSPECIFIED, 0).into())?, false)),
    }
}

fn bind(address: SocketAddr) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // A smaller buffer than asked for costs speed under load and nothing else.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER_BYTES);
    socket.bind(&address.into())?;
    Ok(socket)
}

fn transport(keep_alive: Duration) -> TransportConfig {
    let mut transport = TransportConfig::default();
    let idle = Duration::from_millis(IDLE_MS_MAX);
    let idle = IdleTimeout::try_from(idle).expect("an idle time is far below 2^62 ms");
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(RECEIVE_WINDOW_BYTES))
        .send_window(SEND_WINDOW_BYTES)
        .initial_rtt(FIRST_ROUND_TRIP)
        .keep_alive_interval(Some(keep_alive))
        .max_idle_timeout(Some(idle));
    transport
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_ipv6_is_served_by_ipv4_alone() {
        let ipv4 = |address: SocketAddr| match address {
            SocketAddr::V6(_) => Err(std::io::ErrorKind::Unsupported.into()),
            SocketAddr::V4(_) => Ok(address.to_string()),
        };
        assert_eq!(bind_any(ipv4).unwrap(), ("0.0.0.0:0".to_owned(), false));
        assert_eq!(bind_any(|address| Ok(address.to_string())).unwrap(), ("[::]:0".into(), true));
    }
}
