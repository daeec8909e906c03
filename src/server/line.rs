//! Log lines that strangers can cause: at most one a second of each, with a count of those that were left out.
//!
//! What a stranger wrote stands in them as Rust writes text in quotes, so that it neither ends a line nor steers a terminal.
//! Must never hold: a line that only the operator, or who has proven who it is, can cause.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Between two lines of one kind.
const EVERY: Duration = Duration::from_secs(1);

/// What is known of one kind of line.
pub(in crate::server) struct Line(Mutex<State>);

struct State {
    next_at: Option<Instant>,
    left_out: u64,
}

impl Line {
    /// A line that was not written yet.
    pub(in crate::server) const fn new() -> Self {
        Self(Mutex::new(State { next_at: None, left_out: 0 }))
    }

    /// Whether it may be written now, and then how many were left out since the last.
    pub(in crate::server) fn turn(&self) -> Option<u64> {
        self.turn_at(Instant::now())
    }

    fn turn_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.next_at.is_some_and(|at| now < at) {
            state.left_out += 1;
            return None;
        }
        state.next_at = Some(now + EVERY);
        Some(std::mem::take(&mut state.left_out))
    }
}

/// Writes a line that a stranger can cause, unless one of its kind was written a moment ago.
macro_rules! line {
    ($level:ident, $($what:tt)*) => {{
        static LINE: $crate::server::line::Line = $crate::server::line::Line::new();
        if let Some(left_out) = LINE.turn() {
            tracing::$level!(left_out, $($what)*);
        }
    }};
}
pub(in crate::server) use line;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_second_is_written_and_the_others_are_counted() {
        let (line, now) = (Line::new(), Instant::now());
        assert_eq!(line.turn_at(now), Some(0));
        for _ in 0..41 {
            assert_eq!(line.turn_at(now), None);
        }
        let later = now + EVERY;
        assert_eq!((line.turn_at(later), line.turn_at(later)), (Some(41), None));
        assert_eq!(line.turn_at(later + EVERY), Some(1));
    }
}
