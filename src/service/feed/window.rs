//! How much of a feed is sent and not acknowledged.
//!
//! Must never hold: what was sent, only how much.

use std::collections::VecDeque;

use crate::model::limits::{WINDOW_BYTES_MAX, WINDOW_EVENTS_MAX};

/// Events and bytes in flight of one feed. `P` is the feed's position.
#[derive(Debug)]
pub struct Window<P> {
    events_max: usize,
    bytes: usize,
    flight: VecDeque<(P, usize)>,
}

impl<P: Copy + Ord> Window<P> {
    /// A window of `events_max` events, at most [`WINDOW_EVENTS_MAX`]; 0 means that many.
    pub fn new(events_max: u32) -> Self {
        let events_max =
            if events_max == 0 { WINDOW_EVENTS_MAX } else { events_max.min(WINDOW_EVENTS_MAX) };
        Self { events_max: events_max as usize, bytes: 0, flight: VecDeque::new() }
    }

    /// Whether one more event may be sent. An empty window takes an event of any size.
    pub fn has_room(&self) -> bool {
        self.flight.len() < self.events_max && self.bytes < WINDOW_BYTES_MAX
    }

    /// An event of `bytes` went out; the feed now stands at `position`.
    pub fn sent(&mut self, position: P, bytes: usize) {
        self.flight.push_back((position, bytes));
        self.bytes += bytes;
    }

    /// Everything up to `position` was taken. A position never sent changes nothing beyond what lies before it.
    pub fn acknowledged(&mut self, position: P) {
        while let Some((_, bytes)) = self.flight.pop_front_if(|(sent, _)| *sent <= position) {
            self.bytes -= bytes;
        }
    }

    /// Events in flight.
    pub fn in_flight(&self) -> usize {
        self.flight.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_closes_by_count_and_opens_by_acknowledgement() {
        let mut window = Window::new(2);
        window.sent(1_u64, 10);
        assert!(window.has_room());
        window.sent(2, 10);
        assert!(!window.has_room());
        window.acknowledged(1);
        assert!(window.has_room());
        assert_eq!(window.in_flight(), 1);
    }

    #[test]
    fn a_window_closes_by_bytes() {
        let mut window = Window::new(0);
        window.sent(1_u64, WINDOW_BYTES_MAX);
        assert!(!window.has_room());
        window.acknowledged(9);
        assert!(window.has_room());
    }

    #[test]
    fn a_wish_for_a_larger_window_is_cut() {
        let mut window = Window::new(u32::MAX);
        (0..u64::from(WINDOW_EVENTS_MAX)).for_each(|position| window.sent(position, 1));
        assert!(!window.has_room());
    }
}
