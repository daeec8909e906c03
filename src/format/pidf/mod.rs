//! PIDF, the presence document of RFC 3863 (`application/pidf+xml`), to and from [`Document`].
//!
//! Extensions (RPID, persons and devices of RFC 4479, anything else in another namespace) are markup: carried byte
//! for byte, made to stand alone where they leaned on declarations around them. `docs/FORMATS.md` has the rules.
//! Must never hold: an extension that is changed by what is read in it, or composition and filtering (those are views).

mod entity;
mod id;
mod must_understand;
mod read;
mod rich;
mod write;

pub use entity::Entity;
pub use must_understand::must_ignore;
pub use read::{parse, parse_any};
pub use rich::{Component, Said, devices, persons, said_of, said_of_all};
pub use write::write;

use crate::model::{Document, Presentity};

/// The media type.
pub const CONTENT_TYPE: &str = "application/pidf+xml";

/// The namespace of the format's own elements.
pub(crate) const NAMESPACE: &str = "urn:ietf:params:xml:ns:pidf";

/// The format's own elements. One of these is never an extension; any other name is.
const ELEMENTS: [&str; 7] =
    ["presence", "tuple", "status", "basic", "contact", "note", "timestamp"];

/// Whether an element belongs to the format itself.
fn is_own(namespace: &str, local: &str) -> bool {
    namespace == NAMESPACE && ELEMENTS.contains(&local)
}

/// What a document says, and of whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pidf {
    /// Whom it is about.
    pub entity: Presentity,
    /// What it says.
    pub document: Document,
}
