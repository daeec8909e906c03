//! Presence and messages as other systems write them, to and from the model: pure text in, pure text out.
//!
//! Holds: [`pidf`], presence documents (RFC 3863), [`cpim`], messages with their own headers (RFC 3862), [`mime`], what
//! people can read of a content, and [`composing`], that somebody is writing (RFC 3994). What
//! is not understood is carried on byte for byte. What is wrong is refused with its place, cause and cure.
//! Must never hold: a decision about who may see or send something, or a name, entity or file looked up elsewhere.

mod charset;
pub mod composing;
pub mod cpim;
mod fault;
mod foreign;
pub mod mime;
pub mod pidf;
mod time;
mod uri;
mod xml;

pub use fault::{FormatFault, Position};
pub use time::rfc3339;
