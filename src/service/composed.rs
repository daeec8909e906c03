//! What a presentity shows through a lens, put together by whoever first looks at it.
//!
//! The service says what belongs together, which costs little; streams put it together, once for all who are told the
//! same, while the service goes on. Must never hold: how publications are put together (see `compose`).

use core::fmt;
use std::sync::OnceLock;

use super::compose::compose;
use super::lens::Lens;
use crate::event::PublicationKey;
use crate::model::Document;

/// A document that is made when somebody looks at it. Compares by what it says.
#[derive(Clone)]
pub struct Composed {
    publications: Vec<(PublicationKey, Document)>,
    lens: Lens,
    document: OnceLock<Option<Document>>,
}

impl Composed {
    /// What these live publications are together, as seen through `lens`.
    pub(super) fn of<'a>(
        publications: impl IntoIterator<Item = (&'a PublicationKey, &'a Document)>,
        lens: &Lens,
    ) -> Self {
        // Their documents are shared, not copied.
        let shared =
            publications.into_iter().map(|(key, document)| (key.clone(), document.clone()));
        let publications = if *lens == Lens::Nothing { Vec::new() } else { shared.collect() };
        Self { publications, lens: lens.clone(), document: OnceLock::new() }
    }

    /// The document; `None` if nothing is seen. Made by the first who asks.
    pub fn get(&self) -> Option<&Document> {
        let publications = || self.publications.iter().map(|(key, document)| (key, document));
        self.document.get_or_init(|| compose(publications(), &self.lens)).as_ref()
    }

    /// Whether somebody has asked for it.
    pub fn is_made(&self) -> bool {
        self.document.get().is_some()
    }
}

impl From<Option<Document>> for Composed {
    fn from(document: Option<Document>) -> Self {
        let (publications, lens) = (Vec::new(), Lens::All);
        Self { publications, lens, document: OnceLock::from(document) }
    }
}

impl fmt::Debug for Composed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it is made of may be more than is to be seen.
        self.get().fmt(formatter)
    }
}

impl PartialEq for Composed {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Composed {}
