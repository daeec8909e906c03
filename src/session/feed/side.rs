//! What the telling sides of presence and inbox feeds have in common.
//!
//! Must never hold: what either of them tells.

use bytes::Bytes;

use crate::session::cursor::{Place, Sealer};
use crate::session::step::{Note, WRITE_BYTES};

/// What a side writes on.
pub(super) struct Desk<'a> {
    /// What goes into the next write.
    pub(super) out: &'a mut Vec<u8>,
    /// What is worth counting.
    pub(super) notes: &'a mut Vec<Note>,
    /// Events put into `out`.
    pub(super) sent: &'a mut u64,
}

impl Desk<'_> {
    /// Whether more goes into the next write.
    pub(super) fn has_room(&self) -> bool {
        self.out.len() < WRITE_BYTES
    }
}

/// The newest place among acknowledged `cursors`. One that is none of this feed's, or is not `known` to be of this past,
/// acknowledges nothing.
pub(super) fn newest(
    sealer: &Sealer,
    cursors: &[Bytes],
    known: impl Fn(Place) -> bool,
) -> Option<Place> {
    let places = cursors.iter().filter_map(|cursor| sealer.open(cursor));
    places.filter(|place| known(*place)).max()
}
