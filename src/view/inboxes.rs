//! All inboxes in order, to be gone through a few at a time.
//!
//! Must never hold: what is done with one.

use std::ops::Bound;

use super::{InboxView, Views};
use crate::model::InboxAddress;

impl Views {
    /// The inboxes behind `after`, in order; all of them if that is none.
    pub fn inboxes_after(
        &self,
        after: Option<&InboxAddress>,
    ) -> impl Iterator<Item = (&InboxAddress, &InboxView)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.inboxes.range::<InboxAddress, _>((from, Bound::Unbounded))
    }
}
