//! The state as it is compared: with what lies on the disk of it.
//!
//! Must never hold: another state.

use super::{Commit, ids, rows};
use crate::event::EntityKey;
use crate::view::EntityDigest;

/// Chunks of rows that one part of a comparison reads from the disk: about a millisecond, unless one inbox alone has more.
const COMPARED_CHUNKS: usize = 64;

/// A record's key and bytes.
type CheckpointBytes = (Vec<u8>, Option<Vec<u8>>);

impl Commit {
    /// Every checkpoint record of the state as it is, and every id of a message that is remembered, wherever it lies: two
    /// states are equal if and only if these are. Nothing, if that cannot be read: [`Commit::persist`] then tells why.
    pub fn fingerprint(&mut self) -> Vec<CheckpointBytes> {
        let (views, log) = (self.service.views_mut(), self.log.as_ref());
        let all = rows::recall_all(views, log);
        match all.and_then(|()| self.checkpointer.ids.all(log, views.time())) {
            Ok(mut ids) => {
                ids.extend(views.held_ids());
                let mut records = views.all_records();
                records.extend(ids.iter().map(ids::as_record));
                views.let_go_again();
                records
            }
            Err(fault) => {
                self.fault = Some(fault);
                Vec::new()
            }
        }
    }

    /// The next part of all entities behind `after` with a digest of each, see [`Views::digests_after`](crate::view::Views::digests_after): costs little, so it may
    /// be asked between two rounds.
    /// What lies on the disk is read for it; if that fails there is no part, and [`Commit::persist`] tells why.
    pub fn digests_after(&mut self, after: Option<&EntityKey>) -> Vec<EntityDigest> {
        let mut part = self.service.views_mut().digests_after(after, None);
        let (mut looked, mut recalled) = (0, 0);
        for told in &mut part {
            looked += 1;
            let chunks = self.put_back(&told.entity);
            if chunks > 0 {
                let views = self.service.views_mut();
                told.digest = views.digest_of(&told.entity);
                views.let_go_again();
            }
            recalled += chunks;
            if recalled >= COMPARED_CHUNKS {
                break;
            }
        }
        part.truncate(looked);
        if self.fault.is_some() { Vec::new() } else { part }
    }

    /// Puts back what lies on the disk of an entity, until the next round is persisted. Returns how many chunks of rows that are.
    pub fn put_back(&mut self, entity: &EntityKey) -> usize {
        let EntityKey::Inbox(inbox) = entity else { return 0 };
        let (views, log) = (self.service.views_mut(), self.log.as_ref());
        let chunks = views.chunks_elsewhere(inbox);
        let mut all = chunks.iter();
        if let Err(fault) = all.try_for_each(|chunk| rows::recall(views, log, (inbox, *chunk))) {
            self.fault = Some(fault);
        }
        chunks.len()
    }
}
