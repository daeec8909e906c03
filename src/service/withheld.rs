//! What messages say that a device is not shown: it came by a recovery, and they were stored before.
//!
//! Must never hold: which devices those are, which is recorded.

use super::Actor;
use super::case::Case;
use crate::model::{DeviceId, InboxAddress, Principal, Sequence};
use crate::view::{InboxView, Row};

impl Case<'_> {
    /// The event before which what messages say is not shown to `device`; zero if it is shown all.
    pub(super) fn confined_before(&self, principal: &Principal, device: DeviceId) -> Sequence {
        let view = self.views.principal(principal);
        let device = view.and_then(|view| view.devices.get(&device));
        device.map_or(Sequence::ZERO, |device| device.confined_before)
    }

    /// Whether what lies in `row` of some inbox is not shown to the device of `actor`.
    pub(super) fn is_withheld(&self, actor: &Actor, row: &Row) -> bool {
        row.at < self.confined_before(&actor.principal, actor.device)
    }

    /// Whether anything that is there in `inbox` is not shown to the device of `actor`.
    pub(super) fn withholds(&self, actor: &Actor, inbox: &InboxAddress) -> bool {
        let view = self.views.inbox(inbox);
        let oldest = view.into_iter().flat_map(InboxView::oldest_kept);
        oldest.into_iter().any(|row| self.is_withheld(actor, row))
    }
}
