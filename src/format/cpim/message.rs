//! A message as it came, and what it says.
//!
//! Must never hold: how it is read or written.

use core::fmt;

use bytes::Bytes;

use super::address::Address;
use super::content::ContentHeader;
use super::header::Header;
use super::namespace::Name;
use crate::format::FormatFault;
use crate::model::{ContentType, Timestamp};

/// The media type. Compared without regard to case, as MIME has it.
pub const CONTENT_TYPE: &str = "message/cpim";

/// A subject in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// RFC 5646 tag such as `fr`; empty if none is given, which RFC 3862 reads as `i-default`.
    pub language: String,
    /// The text, its escapes resolved.
    pub text: String,
}

/// A message, whole and checked: its bytes and what they say.
#[derive(Clone, PartialEq, Eq)]
pub struct Cpim {
    pub(super) bytes: Bytes,
    pub(super) headers: Vec<Header>,
    pub(super) from: Address,
    pub(super) to: Vec<Address>,
    pub(super) cc: Vec<Address>,
    pub(super) date_time: Option<Timestamp>,
    pub(super) subjects: Vec<Subject>,
    pub(super) required: Vec<Name>,
    pub(super) content_headers: Vec<ContentHeader>,
    pub(super) content_type: ContentType,
    pub(super) body: Bytes,
}

// What people wrote never reaches a log line.
impl fmt::Debug for Cpim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Cpim({} bytes)", self.bytes.len())
    }
}

impl Cpim {
    /// The message as it came or was composed: what is stored, sent and signed.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Every header, known or not, in order.
    pub fn headers(&self) -> &[Header] {
        &self.headers
    }

    /// Who says to have sent it. The authenticated sender is told beside the message.
    pub fn from(&self) -> &Address {
        &self.from
    }

    /// Whom it is for: at least one.
    pub fn to(&self) -> &[Address] {
        &self.to
    }

    /// Who gets a copy.
    pub fn cc(&self) -> &[Address] {
        &self.cc
    }

    /// When it was sent, by the sender's clock.
    pub fn date_time(&self) -> Option<Timestamp> {
        self.date_time
    }

    /// What it is about, in one or several languages.
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// The headers that a reader must understand or else not process the message.
    pub fn required(&self) -> &[Name] {
        &self.required
    }

    /// Refuses a message that requires more than the core headers and `understood`, pairs of namespace and name.
    ///
    /// For whoever reads the message; a server that only keeps it for a reader has no say in it.
    ///
    /// # Errors
    /// [`FormatFault::NotUnderstood`] naming what is not.
    pub fn require_at_most(&self, understood: &[(&str, &str)]) -> Result<(), FormatFault> {
        let known = |name: &&Name| {
            name.is_core_header() || understood.contains(&(name.namespace(), name.local()))
        };
        let unknown = self.required.iter().filter(|name| !known(name));
        let names: Vec<String> = unknown.map(Name::to_string).collect();
        if names.is_empty() {
            return Ok(());
        }
        Err(FormatFault::NotUnderstood { names: names.join(", ") })
    }

    /// The first header of `namespace` and `name`, such as `urn:ietf:params:imdn` and `Message-ID`.
    pub fn header(&self, namespace: &str, name: &str) -> Option<&Header> {
        let is = |name_of: &Name| name_of.namespace() == namespace && name_of.local() == name;
        self.headers.iter().find(|header| is(header.name()))
    }

    /// The MIME headers of the content, in order.
    pub fn content_headers(&self) -> &[ContentHeader] {
        &self.content_headers
    }

    /// What the content is.
    pub fn content_type(&self) -> &ContentType {
        &self.content_type
    }

    /// The content, byte for byte; its encoding, if any, is told by the content headers.
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}
