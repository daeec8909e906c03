//! The QUIC endpoint: its socket, its keys and its numbers.
//!
//! Must never hold: anything of the protocol above streams.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{EndpointConfig, TokioRuntime, TransportConfig, VarInt};
use ring::{hkdf, hmac};
use socket2::{Domain, Protocol, Socket, Type};
use tracing::warn;

use super::ServerError;
use super::config::ServerConfig;
use super::connection_id::ConnectionIds;
use super::keys::Keys;
use super::listen;
use super::tls::{self, Certificates, ForPages};
use crate::model::limits::{
    FEEDS_MAX, STREAMS_OPEN_MAX, UNPROVEN_BYTES_MAX, UNPROVEN_STREAMS_OPEN_MAX,
};
use crate::wire::HTTP3_UNI_STREAMS;

/// Streams a peer may have open. Credit comes back only after an eighth of them was used, so the long-lived ones
/// must stay well below seven eighths; more cost idle memory.
pub(super) const STREAMS_MAX: u32 = STREAMS_OPEN_MAX;
const _: () = assert!(FEEDS_MAX + 1 < STREAMS_OPEN_MAX as usize / 2);
/// Bytes of one stream that may be on their way to us.
pub(super) const STREAM_RECEIVE_WINDOW: u32 = 128 * 1024;
/// Bytes of one connection that may be on their way to us; the library's default is without limit.
pub(super) const RECEIVE_WINDOW: u32 = 512 * 1024;
/// Bytes of one connection that may be on their way from us. Larger makes small writes several times slower.
const SEND_WINDOW: u64 = 256 * 1024;
/// Least time between two stateless resets: short, so that all clients of a killed server hear of it in a moment;
/// not zero, because a reset is an answer to anybody.
const RESET_INTERVAL: Duration = Duration::from_millis(1);
/// Peers that may be waiting for a decision about their first packet.
const INCOMING_MAX: usize = 4_096;
/// Bytes kept for one of them, and for all together.
const INCOMING_BYTES: u64 = 16 * 1024;
const INCOMING_BYTES_TOTAL: u64 = 4 * 1024 * 1024;

/// Bytes of a handshake that may have come out of order.
const CRYPTO_BUFFER: usize = 8 * 1024;

/// The transport numbers of a connection, the same for the server and whoever wants to be measured against it.
///
/// `idle` is the time without a packet after which a connection counts as lost. The peer opens up to 64
/// bidirectional streams and no others; no datagrams.
///
/// # Panics
/// If `idle` is longer than 2^62 ms.
pub fn transport(idle: Duration) -> TransportConfig {
    let mut transport = TransportConfig::default();
    let idle = idle.try_into().expect("an idle time is far below 2^62 ms");
    transport
        .max_idle_timeout(Some(idle))
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS_MAX))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_RECEIVE_WINDOW))
        .receive_window(VarInt::from_u32(RECEIVE_WINDOW))
        .send_window(SEND_WINDOW)
        .datagram_receive_buffer_size(None);
    transport
}

/// Takes the UDP address. Never shared: a second process on the port would steal packets in silence.
pub(super) fn bind(config: &ServerConfig) -> Result<UdpSocket, ServerError> {
    let buffer_bytes = config.limits.socket_buffer_bytes;
    listen::take("UDP", config.listen, |address| socket(address, buffer_bytes))
        .map_err(ServerError::listen("UDP"))
}

fn socket(address: SocketAddr, buffer_bytes: usize) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        // `[::]` takes IPv4 too; a host without it refuses the option, and then it is IPv6 alone.
        let _ = socket.set_only_v6(!address.ip().is_unspecified());
    }
    enlarge(&socket, buffer_bytes);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Asks for large buffers and says so if the system gives less.
fn enlarge(socket: &Socket, wanted: usize) {
    let _ = socket.set_recv_buffer_size(wanted);
    let _ = socket.set_send_buffer_size(wanted);
    let found = socket.recv_buffer_size().unwrap_or(0).min(socket.send_buffer_size().unwrap_or(0));
    if found < wanted {
        warn!(
            found,
            wanted, "UDP buffers are smaller than wanted; raise net.core.rmem_max and wmem_max"
        );
    }
}

/// Opens the endpoint on `socket`.
pub(super) fn open(
    socket: UdpSocket,
    keys: &Keys,
    (certificates, pages): (Arc<Certificates>, ForPages),
    idle: Duration,
) -> Result<quinn::Endpoint, ServerError> {
    let address = socket.local_addr().ok();
    let server = server_config(keys, (certificates, pages), idle)?;
    let config = endpoint_config(keys);
    quinn::Endpoint::new(config, Some(server), socket, Arc::new(TokioRuntime)).map_err(|source| {
        ServerError::Listen {
            transport: "UDP",
            address: address.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0))),
            source,
        }
    })
}

fn endpoint_config(keys: &Keys) -> EndpointConfig {
    let mut config = EndpointConfig::new(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &keys.reset)));
    let connection = keys.connection;
    config
        .cid_generator(move || Box::new(ConnectionIds::of(connection)))
        .min_reset_interval(RESET_INTERVAL);
    config
}

fn server_config(
    keys: &Keys,
    (certificates, pages): (Arc<Certificates>, ForPages),
    idle: Duration,
) -> Result<quinn::ServerConfig, ServerError> {
    // Granted before it is known which protocol is spoken, and once only: what a peer opens stays open and is not read on.
    let uni_max = if matches!(pages, ForPages::Nothing) { 0 } else { HTTP3_UNI_STREAMS };
    let crypto = QuicServerConfig::try_from(tls::config(certificates, pages)?)
        .map_err(|error| ServerError::Tls { reason: error.to_string() })?;
    // A peer that has proven nothing gets little; see `Transport::widen`.
    let mut transport = transport(idle);
    transport
        .max_concurrent_bidi_streams(UNPROVEN_STREAMS_OPEN_MAX.into())
        .receive_window(UNPROVEN_BYTES_MAX.into())
        .max_concurrent_uni_streams(uni_max.into())
        .crypto_buffer_size(CRYPTO_BUFFER);
    let token = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(&keys.token);
    let mut config = quinn::ServerConfig::new(Arc::new(crypto), Arc::new(token));
    config
        .transport_config(Arc::new(transport))
        .max_incoming(INCOMING_MAX)
        .incoming_buffer_size(INCOMING_BYTES)
        .incoming_buffer_size_total(INCOMING_BYTES_TOTAL);
    Ok(config)
}
