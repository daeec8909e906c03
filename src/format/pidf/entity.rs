//! Whom a document says it is about, in the presentity's own terms or in another system's.
//!
//! Must never hold: the decision whether to publish it.

use crate::format::foreign::{Named, named};
use crate::model::{Presentity, Refusal};

/// The `entity` of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entity {
    /// A `pres:` URI, as RFC 3863 has it.
    Presentity(Presentity),
    /// As another system names it, as written: a `sip:`, `sips:`, `tel:`, `mailto:`, `im:` or `xmpp:` URI, or bare.
    Other(String),
}

impl Entity {
    /// Whether it can stand for `presentity`: it is that, or does not name somebody else in the same domain.
    ///
    /// A number, a name without a domain and a user of another system say nothing about who it is here.
    pub fn may_be(&self, presentity: &Presentity) -> bool {
        match self {
            Self::Presentity(named) => named == presentity,
            Self::Other(uri) => match named(uri) {
                Some(Named::Principal(other)) => {
                    other.domain() != presentity.domain() || other == presentity.principal()
                }
                _ => true,
            },
        }
    }

    /// Reads the attribute, or says what is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("pres:")) {
            let read = text.parse().map(Self::Presentity);
            return read.map_err(|refusal: Refusal| refusal.to_string());
        }
        let other = named(text).map(|_| Self::Other(text.to_owned()));
        other.ok_or_else(|| {
            "name the presentity, as in pres:alice@example.com; sip:, sips:, tel:, mailto:, im:, xmpp: and bare \
             names are taken too"
                .to_owned()
        })
    }
}
