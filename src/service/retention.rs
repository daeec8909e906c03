//! Ending what is kept only for a while: messages that were read.
//!
//! Must never hold: how long, or how a log is cut.

use super::Service;
use super::core::decided_at;
use crate::event::{Event, MessageCause, MessageEnded};
use crate::model::{InboxAddress, Now, Timestamp};

/// Inboxes looked at in one part of [`Service::end_read`], and messages that end in it: about a millisecond.
const INBOXES_AT_ONCE: usize = 1_024;
const ENDED_AT_ONCE: usize = 256;

/// From when on messages that were read are kept in an inbox.
pub type KeptSince<'a> = dyn Fn(&InboxAddress) -> Timestamp + 'a;

/// A place among all inboxes: behind one of them, or before the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxPlace(Option<InboxAddress>);

#[cfg(test)]
impl InboxPlace {
    /// Behind an inbox.
    pub(crate) fn behind(inbox: InboxAddress) -> Self {
        Self(Some(inbox))
    }
}

impl Service {
    /// The chunks of rows that lie elsewhere and must be put back before the same part of [`Service::end_read`] is done.
    pub fn wanted_to_end_read(
        &self,
        since: &KeptSince<'_>,
        place: &InboxPlace,
    ) -> Vec<(InboxAddress, u64)> {
        let inboxes = self.views().inboxes_after(place.0.as_ref()).take(INBOXES_AT_ONCE);
        let wanted = inboxes.filter_map(|(inbox, view)| {
            view.wanted_before(since(inbox)).map(|chunk| (inbox.clone(), chunk))
        });
        wanted.collect()
    }

    /// Ends messages that some device has taken and that are older than is kept, `since` some time in each inbox, in some of
    /// the inboxes from `place` on.
    /// Returns where to go on; `None` if there are no more.
    pub fn end_read(
        &mut self,
        now: impl Into<Now>,
        since: &KeptSince<'_>,
        place: &InboxPlace,
    ) -> Option<InboxPlace> {
        let now = self.begin(now);
        let (mut over, mut place) = (Vec::new(), place.clone());
        let after = place.0.clone();
        let mut inboxes = self.views().inboxes_after(after.as_ref());
        for (inbox, view) in inboxes.by_ref().take(INBOXES_AT_ONCE) {
            let left = ENDED_AT_ONCE - over.len();
            let read = view.read_before(since(inbox)).map(|sequence| (inbox.clone(), sequence));
            over.extend(read.take(left));
            if over.len() == ENDED_AT_ONCE {
                // There may be more in this one, so it is looked at again.
                break;
            }
            place = InboxPlace(Some(inbox.clone()));
        }
        let goes_on = over.len() == ENDED_AT_ONCE || inboxes.next().is_some();
        drop(inboxes);
        for (inbox, sequence) in over {
            let cause = MessageCause::Retention;
            self.happen(
                decided_at(now),
                Event::MessageEnded(MessageEnded { inbox, sequence, cause }),
            );
        }
        goes_on.then_some(place)
    }
}
