//! A presentity's live publications, and what it ever published.
//!
//! Must never hold: the composed document (that is made when somebody looks) or who watches.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::expiry::Ends;
use super::parts::{Parts, PastParts};
use crate::event::{Event, PublicationCause, PublicationKey, Recorded};
use crate::model::{Document, Moment, Payload, Sequence, Shown, Tag, Timestamp};

/// A presentity that ever published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresentityView {
    /// The last event it took.
    pub as_of: Sequence,
    /// When it last changed for a watcher to see.
    pub version: Moment,
    /// The event that changed it then.
    pub changed_at: Sequence,
    /// How many tags were ever issued for it.
    pub issued: u64,
    /// What is live.
    #[serde(with = "crate::model::readable::pairs")]
    pub publications: BTreeMap<PublicationKey, PublicationView>,
    /// What it ever published.
    pub past: PastParts,
}

/// A live publication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicationView {
    /// Its current tag.
    pub tag: Tag,
    /// What it says.
    pub document: Document,
    /// The event that holds the document.
    pub document_at: Sequence,
    /// When it runs out.
    pub deadline: Timestamp,
    parts: Parts,
}

impl PresentityView {
    /// The documents of all live publications, in order of their keys: what its presence is composed of.
    pub fn documents(&self) -> impl Iterator<Item = (&PublicationKey, &Document)> {
        self.publications.iter().map(|(key, publication)| (key, &publication.document))
    }

    /// Where the documents of all live publications but `except` lie, in order of their keys.
    pub fn documents_at(&self, except: &PublicationKey) -> Vec<Sequence> {
        let others = self.publications.iter().filter(|(key, _)| *key != except);
        others.map(|(_, publication)| publication.document_at).collect()
    }

    /// When what is seen through `shown` last changed.
    pub fn version_through(&self, shown: &Shown) -> Moment {
        if shown.is_all() {
            return self.version;
        }
        let live = self.publications.iter();
        live.map(|(key, publication)| publication.parts.through(shown, key))
            .fold(self.past.through(shown), Moment::max)
    }

    /// All that somebody wrote, to be sealed or opened: what belongs together at once.
    pub(super) fn payloads_mut(&mut self) -> impl Iterator<Item = Vec<&mut Payload>> {
        let publications = self.publications.values_mut();
        publications.map(|publication| publication.document.payloads_mut().collect())
    }

    /// Returns the publication that the event is about, and when it ends.
    pub(super) fn apply(&mut self, recorded: &Recorded) -> (PublicationKey, Ends) {
        self.as_of = recorded.sequence;
        match &recorded.event {
            Event::Published(event) => {
                self.changed(recorded);
                self.issued += 1;
                let old = self.publications.get_mut(&event.publication);
                let (before, parts) = match old {
                    Some(old) => (Some(&old.document), core::mem::take(&mut old.parts)),
                    None => (None, Parts::default()),
                };
                let at = recorded.at;
                let parts = parts.replaced(before, &event.document, at, &mut self.past);
                let view = PublicationView {
                    parts,
                    tag: event.tag,
                    document: event.document.clone(),
                    document_at: recorded.sequence,
                    deadline: event.deadline,
                };
                let old = self.publications.insert(event.publication.clone(), view);
                let before = old.map(|old| old.deadline);
                (event.publication.clone(), Ends { before, after: Some(event.deadline) })
            }
            Event::PublicationRefreshed(event) => {
                self.issued += 1;
                let Some(view) = self.publications.get_mut(&event.publication) else {
                    return (event.publication.clone(), Ends::default());
                };
                let before = Some(view.deadline);
                view.tag = event.tag;
                view.deadline = event.deadline;
                (event.publication.clone(), Ends { before, after: Some(event.deadline) })
            }
            Event::PublicationEnded(event) => {
                self.changed(recorded);
                if let PublicationCause::Removed { .. } = event.cause {
                    self.issued += 1;
                }
                let old = self.publications.remove(&event.publication);
                let before = old.as_ref().map(|old| old.deadline);
                if let Some(old) = old {
                    self.past.ended(&old.document, old.parts, recorded.at);
                }
                (event.publication.clone(), Ends { before, after: None })
            }
            _ => unreachable!("only events of presentities come here"),
        }
    }

    fn changed(&mut self, recorded: &Recorded) {
        self.version = recorded.at;
        self.changed_at = recorded.sequence;
    }
}
