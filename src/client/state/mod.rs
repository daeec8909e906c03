//! What the client keeps in files, so that it survives a crash at any moment.
//!
//! Holds, in a folder for each principal: who it is and which server it trusts (`identity.toml`), the device's
//! private key (`device.key`), how far each feed was taken (`cursors/`) and the tags of its publications (`tags/`).
//! Every file is replaced whole: written beside, synced, renamed, the folder synced. A crash leaves the old file or
//! the new one. Several processes may use one identity; a feed's position is locked by the one that reads it.
//! Requests that are not answered yet live in memory only: a process that dies must decide anew, and the ids that
//! the caller chose (messages) or the tags kept here (publications) make the repeat harmless.
//! Must never hold: a message or a document.

mod cursor;
mod durable;
mod error;
mod guarded;
mod home;
mod identity;
mod key;
mod tag;

pub use error::StateError;
pub use home::Home;
pub use identity::{Credentials, Identity};

pub(crate) use cursor::{CursorFile, CursorName};
pub(crate) use tag::TagFile;
