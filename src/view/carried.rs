//! What of the past has to be carried forward when the beginning of the log is cut away.
//!
//! The state of an entity is carried whole; here stands which single events somebody may yet ask for by
//! their position: what waits in an inbox, what a presentity shows now, and by which rules; and what a domain wants of erasures,
//! by which it is told what is left of somebody.
//! Must never hold: how it is stored.

use std::collections::BTreeSet;

use super::inbox_record::{CHUNK, GROUP, numbered};
use super::{InboxView, RecordFault, Views};
use crate::event::EntityKey;
use crate::model::{InboxAddress, InboxSequence, Sequence};

impl Views {
    /// The events of `entity` that somebody may yet ask for by their position.
    pub fn places_of(&self, entity: &EntityKey) -> BTreeSet<Sequence> {
        let mut places = BTreeSet::new();
        match entity {
            EntityKey::Inbox(inbox) => {
                places.extend(self.kept_places(inbox).into_iter().map(|(_, at)| at));
            }
            EntityKey::Presentity(presentity) => {
                if let Some(view) = self.presentities.get(presentity) {
                    let documents = view.publications.values();
                    places.extend(documents.map(|publication| publication.document_at));
                    places.insert(view.changed_at);
                }
            }
            EntityKey::Rules(principal) => {
                places.extend(self.rules.get(principal).map(|view| view.access_at));
            }
            EntityKey::Domain(domain) => {
                places.extend(self.domains.get(domain).map(|view| view.erasure_at));
            }
            _ => {}
        }
        places.remove(&Sequence::ZERO);
        places
    }

    /// What is there in `inbox` and has a row that is held here: its place there, and its position.
    pub fn kept_places(&self, inbox: &InboxAddress) -> Vec<(InboxSequence, Sequence)> {
        let Some(view) = self.inboxes.get(inbox) else { return Vec::new() };
        let rows = view.all_kept().filter_map(|place| Some((place, view.row(place)?.at)));
        rows.collect()
    }

    /// Those of `places` of `inbox` that hold what is there.
    pub fn kept_among(
        &self,
        inbox: &InboxAddress,
        mut places: Vec<InboxSequence>,
    ) -> Vec<InboxSequence> {
        let view = self.inboxes.get(inbox);
        places.retain(|place| view.is_some_and(|view| view.is_kept(*place)));
        places
    }

    /// What the keys of the records begin with that tell which rows of `inbox` are over.
    pub fn over_keys(inbox: &InboxAddress) -> Vec<u8> {
        [&Self::record_key(&EntityKey::Inbox(inbox.clone()))[..], &[GROUP]].concat()
    }

    /// Takes a record under one of [`Views::over_keys`], so that the rows that it tells of need not be loaded.
    ///
    /// # Errors
    /// [`RecordFault`] if it does not read.
    pub fn load_over(&mut self, inbox: &InboxAddress, value: &[u8]) -> Result<(), RecordFault> {
        self.inboxes.get_mut(inbox).map_or(Ok(()), |view| view.load_over(value))
    }

    /// The keys of the records of the rows of `inbox` that are not over; they are all there, unless it is of none known which are over.
    pub fn open_keys(&self, inbox: &InboxAddress) -> (Vec<Vec<u8>>, bool) {
        let Some(view) = self.inboxes.get(inbox) else { return (Vec::new(), false) };
        let key = Self::record_key(&EntityKey::Inbox(inbox.clone()));
        let keys = view.chunks_open().map(|chunk| numbered(&key, CHUNK, chunk)).collect();
        (keys, view.gone.iter().next().is_some())
    }

    /// Has the next checkpoint save everything: nothing of what was loaded stands in one.
    pub fn mark_all_changed(&mut self) {
        self.changed = self.entities().into_iter().collect();
        self.inboxes.values_mut().for_each(InboxView::mark_all_changed);
    }
}
