//! Facts about publications.
//!
//! Must never hold: a composed document; that is made from all live publications.

use serde::{Deserialize, Serialize};

use crate::model::limits::TUPLE_ID_KEPT_BYTES_MAX;
use crate::model::{
    DeviceId, Document, OperationId, Presentity, Principal, PublicationName, Sequence, Tag,
    Timestamp, TupleId,
};

/// Names a publication of a presentity: the device that made it and the name it gave it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PublicationKey {
    /// The publishing device.
    pub device: DeviceId,
    /// The device's name for it.
    pub name: PublicationName,
}

impl PublicationKey {
    /// What the tuple that this publication calls `id` is called among those of others: its own id and a short hash of
    /// who published it, so that two devices may use the same id and a restarted device keeps it.
    pub fn composed_id(&self, id: &TupleId) -> TupleId {
        let mut hasher = blake3::Hasher::new_derive_key("adsum 2026 composed tuple id");
        hasher.update(&self.device.0).update(self.name.as_str().as_bytes()).update(&[0]);
        let hash = hasher.update(id.as_str().as_bytes()).finalize().to_hex();
        let mut end = id.as_str().len().min(TUPLE_ID_KEPT_BYTES_MAX);
        while !id.as_str().is_char_boundary(end) {
            end -= 1;
        }
        TupleId::new(&format!("{}.{}", &id.as_str()[..end], &hash[..8]))
            .expect("a shortened id with a hash is an id")
    }
}

/// See [`Event::Published`](super::Event::Published).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Whose presence.
    pub presentity: Presentity,
    /// Which of its publications.
    pub publication: PublicationKey,
    /// Who published.
    pub by: Principal,
    /// The publisher's name for the operation.
    pub operation: OperationId,
    /// The publication's tag from now on.
    pub tag: Tag,
    /// What was published.
    pub document: Document,
    /// When it runs out.
    pub deadline: Timestamp,
    /// The presentity's change before this one; zero if this is its first. Leads back through its history.
    pub previous: Sequence,
    /// Where the documents of its other live publications lie, in order of their keys: with them this one
    /// event is the whole state of the presentity at its position.
    pub others: Vec<Sequence>,
}

/// See [`Event::PublicationRefreshed`](super::Event::PublicationRefreshed).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicationRefreshed {
    /// Whose presence.
    pub presentity: Presentity,
    /// Which of its publications.
    pub publication: PublicationKey,
    /// The publisher's name for the operation.
    pub operation: OperationId,
    /// The publication's tag from now on.
    pub tag: Tag,
    /// When it runs out now.
    pub deadline: Timestamp,
}

/// See [`Event::PublicationEnded`](super::Event::PublicationEnded).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicationEnded {
    /// Whose presence.
    pub presentity: Presentity,
    /// Which of its publications.
    pub publication: PublicationKey,
    /// How it ended.
    pub cause: PublicationCause,
    /// The presentity's change before this one.
    pub previous: Sequence,
    /// Where the documents of the publications that still live lie, in order of their keys.
    pub others: Vec<Sequence>,
}

/// How a publication ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PublicationCause {
    /// Its publisher removed it by this operation, with this tag in the answer.
    Removed {
        /// The publisher's name for the operation.
        operation: OperationId,
        /// The tag the answer carries, so that a repeat gets the same.
        tag: Tag,
    },
    /// Its time was over.
    Expired,
    /// The right to publish was taken back, its device revoked, its principal suspended or another device removed it; or
    /// the presentity is no more.
    Withdrawn,
}
