//! What the oracle keeps of one presentity, one subscription, one message.
//!
//! Must never hold: a judgement.

use std::collections::BTreeMap;

use adsum::event::{MessageAccepted, PublicationKey};
use adsum::model::{Document, EndReason, Mode, Moment, Sequence, Timestamp};
use adsum::service::{Lens, compose};

/// Where an event lies and when it happened.
pub(crate) type Place = (Sequence, Moment);

/// The past of one presentity.
#[derive(Clone, Debug, Default)]
pub(crate) struct PresenceStory {
    live: BTreeMap<PublicationKey, Document>,
    /// Each change and the composed document it led to.
    changes: Vec<(Moment, Option<Document>)>,
    /// The event of the last change.
    last: Sequence,
}

impl PresenceStory {
    /// The last change; zero if there is none.
    pub(crate) fn last(&self) -> Sequence {
        self.last
    }

    pub(crate) fn publish(&mut self, place: Place, key: &PublicationKey, document: &Document) {
        self.live.insert(key.clone(), document.clone());
        self.changed(place);
    }

    /// Ends a publication; false if it does not live.
    pub(crate) fn end(&mut self, place: Place, key: &PublicationKey) -> bool {
        let known = self.live.remove(key).is_some();
        self.changed(place);
        known
    }

    fn changed(&mut self, (sequence, at): Place) {
        let composed = compose(&self.live, &Lens::All);
        self.last = sequence;
        self.changes.push((at, composed));
    }

    /// The document at `at`.
    pub(crate) fn as_of(&self, at: Moment) -> Option<&Document> {
        let later = self.changes.partition_point(|(changed, _)| *changed <= at);
        self.changes[..later].last().and_then(|(_, document)| document.as_ref())
    }

    /// The changes after `after` and before `end`.
    pub(crate) fn between(&self, after: Moment, end: Moment) -> impl Iterator<Item = Moment> {
        let changes = self.changes.iter().map(|(at, _)| *at);
        changes.filter(move |at| *at > after && *at < end)
    }
}

/// A subscription from its beginning to its end.
#[derive(Clone, Debug)]
pub(crate) struct Episode {
    pub(crate) begin: Moment,
    pub(crate) mode: Mode,
    pub(crate) end: Option<(Moment, EndReason)>,
}

impl Episode {
    pub(crate) fn new(begin: Moment, mode: Mode) -> Self {
        Self { begin, mode, end: None }
    }

    /// The moment that is too late for it.
    pub(crate) fn bound(&self) -> Moment {
        self.end.map_or(Moment::from_us(u64::MAX), |(at, _)| at)
    }

    pub(crate) fn covers(&self, at: Moment) -> bool {
        self.begin <= at && at < self.bound()
    }
}

/// A message in its inbox.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Where it lies in the log.
    pub(crate) place: Sequence,
    pub(crate) event: MessageAccepted,
    /// When it was accepted, in elapsed time, and by the wall clock.
    pub(crate) at: Timestamp,
    pub(crate) shown_at: Timestamp,
    pub(crate) ended: Option<Sequence>,
}
