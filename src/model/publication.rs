//! What a publication is called, by its device and by the server.
//!
//! Must never hold: what it says.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::Refusal;
use super::limits::PUBLICATION_NAME_BYTES_MAX;
use super::text::text;

/// Opaque version of a publication: 16 bytes, never issued twice for a presentity. RFC 3903 entity-tag.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tag(#[serde(with = "crate::model::readable::hex")] pub [u8; 16]);

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Tag({self})")
    }
}

text! {
    /// A device's name for one of its publications, `""` by default: at most 32 visible ASCII characters.
    ///
    /// A device that lost its tags publishes under the same name and so replaces what it published before.
    #[derive(Debug, Default)]
    PublicationName(String)
}

impl PublicationName {
    /// Checks `text`.
    ///
    /// # Errors
    /// [`Refusal::BadField`] if it is too long or holds anything but visible ASCII.
    pub fn new(text: &str) -> Result<Self, Refusal> {
        let fits = text.len() <= PUBLICATION_NAME_BYTES_MAX;
        if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Refusal::bad_field(
            "publication name",
            "may have at most 32 visible ASCII characters; choose a shorter or simpler one",
        ))
    }
}
