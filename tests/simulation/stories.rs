//! What the oracle keeps of one presentity, one subscription, one message.
//!
//! Must never hold: a judgement.

use std::collections::BTreeMap;

use adsum::event::{MessageAccepted, PublicationKey};
use adsum::model::{Document, EndReason, Mode, Sequence, Timestamp};
use adsum::service::compose;

/// The past of one presentity.
#[derive(Debug, Default)]
pub(crate) struct PresenceStory {
    live: BTreeMap<PublicationKey, Document>,
    /// Each change and the composed document it led to.
    changes: Vec<(Sequence, Option<Document>)>,
}

impl PresenceStory {
    /// The last change; zero if there is none.
    pub(crate) fn last(&self) -> Sequence {
        self.changes.last().map_or(Sequence::ZERO, |(at, _)| *at)
    }

    pub(crate) fn publish(&mut self, at: Sequence, key: &PublicationKey, document: &Document) {
        self.live.insert(key.clone(), document.clone());
        self.changed(at);
    }

    /// Ends a publication; false if it does not live.
    pub(crate) fn end(&mut self, at: Sequence, key: &PublicationKey) -> bool {
        let known = self.live.remove(key).is_some();
        self.changed(at);
        known
    }

    fn changed(&mut self, at: Sequence) {
        let composed = compose(&self.live).expect("what was accepted composes");
        self.changes.push((at, composed));
    }

    /// The document at `at`.
    pub(crate) fn as_of(&self, at: Sequence) -> Option<&Document> {
        let later = self.changes.partition_point(|(changed, _)| *changed <= at);
        self.changes[..later].last().and_then(|(_, document)| document.as_ref())
    }

    /// The changes behind `after` and before `end`.
    pub(crate) fn between(&self, after: Sequence, end: Sequence) -> impl Iterator<Item = Sequence> {
        let changes = self.changes.iter().map(|(at, _)| *at);
        changes.filter(move |at| *at > after && *at < end)
    }
}

/// A subscription from its beginning to its end.
#[derive(Clone, Debug)]
pub(crate) struct Episode {
    pub(crate) begin: Sequence,
    pub(crate) mode: Mode,
    pub(crate) end: Option<(Sequence, EndReason)>,
}

impl Episode {
    pub(crate) fn new(begin: Sequence, mode: Mode) -> Self {
        Self { begin, mode, end: None }
    }

    /// The position that is too late for it.
    pub(crate) fn bound(&self) -> Sequence {
        self.end.map_or(Sequence::new(u64::MAX), |(at, _)| at)
    }

    pub(crate) fn covers(&self, at: Sequence) -> bool {
        self.begin <= at && at < self.bound()
    }
}

/// A message in its inbox.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) event: MessageAccepted,
    pub(crate) at: Timestamp,
    pub(crate) ended: Option<Sequence>,
}
