//! What of the past has to be carried forward when the beginning of the log is cut away.
//!
//! The state of an entity is carried whole; here stands which single events somebody may yet ask for by
//! their position: what waits in an inbox, what a presentity shows now, and by which rules; and what a domain wants of erasures,
//! by which it is told what is left of somebody.
//! Must never hold: how it is stored.

use std::collections::BTreeSet;

use super::{InboxView, Views};
use crate::event::EntityKey;
use crate::model::Sequence;

impl Views {
    /// The events of `entity` that somebody may yet ask for by their position.
    pub fn places_of(&self, entity: &EntityKey) -> BTreeSet<Sequence> {
        let mut places = BTreeSet::new();
        match entity {
            EntityKey::Inbox(inbox) => {
                let inbox = self.inboxes.get(inbox).into_iter();
                let rows =
                    inbox.flat_map(|view| view.all_kept().filter_map(|place| view.row(place)));
                places.extend(rows.map(|row| row.at));
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

    /// Has the next checkpoint save everything: nothing of what was loaded stands in one.
    pub fn mark_all_changed(&mut self) {
        self.changed = self.entities().into_iter().collect();
        self.inboxes.values_mut().for_each(InboxView::mark_all_changed);
    }
}
