//! What browsers need: sessions of WebTransport on the service's own port, certificates of a short life that pages pin,
//! which pages may connect, and the pages of the console.
//!
//! A session serves the same streams as a connection of `adsum/1`, under the same bounds.
//! Must never hold: what the bytes on streams mean.

mod card;
pub(super) mod console;
mod door;
mod origin;
mod pinned;
pub(in crate::server) mod socket;
mod transport;

pub use self::origin::PageOrigin;

pub(super) use self::card::{Web, keep_fresh};
pub(super) use self::door::open;
pub(super) use self::origin::Pages;
pub(super) use self::pinned::Pinned;
pub(super) use self::transport::WebSession;
