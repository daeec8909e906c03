//! QUIC stream bytes ⇄ frames, as `docs/PROTOCOL.md` defines them.
//!
//! Holds: the frame codec, what every body has, close and reset codes, and what a proof signs. The bodies themselves
//! stand in `protocol`. They are frozen once released: additions go into `ext`, which the codec owns; larger changes get
//! a new kind.
//! Must never hold: a socket, a clock, or what a kind means.

mod body;
mod code;
mod fault;
mod frame;
mod proof;

pub use body::{Body, Ext, KindVisitor};
pub use code::{CloseCode, ResetCode};
pub use fault::FrameFault;
pub use frame::{
    Decoder, Frame, IGNORABLE_KIND_MIN, decode, encode, encode_extended, request_number,
};
pub use proof::{CHALLENGE_CONTEXT, EXPORTER_CONTEXT, EXPORTER_LABEL, proof_bytes};

pub(crate) use frame::{append, encode_with};

/// ALPN token of this version. A peer that offers another is refused by TLS before any byte of ours.
pub const ALPN: &[u8] = b"adsum/1";
/// Version in `Hello` and `Welcome`.
pub const VERSION: u16 = 1;
/// ALPN token of HTTP/3, in which browsers speak WebTransport.
pub const HTTP3: &[u8] = b"h3";
/// Unidirectional streams that each side of HTTP/3 opens: its settings, and two for its headers (RFC 9114 §6.2, RFC 9204 §4.2).
pub const HTTP3_UNI_STREAMS: u32 = 3;
/// Path of the session that is asked for over HTTP/3, and of the upgrade to a WebSocket.
pub const WEB_PATH: &str = "/adsum";
/// What the upgrade to a WebSocket asks for: the framing of streams, and this protocol; a slash may not stand in it.
pub const WEB_SOCKET_TOKEN: &str = "qmux-02.adsum-1";
/// UDP port when none is given.
pub const PORT: u16 = 2778;

/// First byte of a stream: what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamType {
    /// One, opened first, lives as long as the connection.
    Control,
    /// One for each idempotent read.
    Query,
    /// Long-lived: presence, an inbox, or a drain.
    Feed,
}

impl StreamType {
    /// Every type, in order of its byte.
    pub const ALL: [Self; 3] = [Self::Control, Self::Query, Self::Feed];

    /// The byte on the wire.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Control => 0,
            Self::Query => 1,
            Self::Feed => 2,
        }
    }

    /// The type of `byte`, if this version knows it.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Control),
            1 => Some(Self::Query),
            2 => Some(Self::Feed),
            _ => None,
        }
    }
}
