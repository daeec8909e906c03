//! Pages whose network lets no UDP through: the protocol's streams over a WebSocket, by the framing of qmux.
//!
//! Must never hold: what the bytes on streams mean, or a page that comes by UDP.

mod door;
mod room;
mod transport;
mod upgrade;

pub(in crate::server) use self::door::{Listening, bind, run};
