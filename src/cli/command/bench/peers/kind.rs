//! What is done with adsum and its peers, and how much of it: what adsum's own workloads do.
//!
//! Must never hold: what one server needs for it.

use crate::cli::command::bench::scale::scaled;
use crate::cli::command::bench::sizes;
use crate::cli::command::bench::workload::{Ack, Drain, Fanout, Measure, Store};

/// What is done with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Store,
    Ack,
    Fanout,
    Drain,
}

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) store: usize,
    pub(super) ack: usize,
    pub(super) inboxes: usize,
    pub(super) watchers: usize,
    pub(super) changes: usize,
    pub(super) changes_window: usize,
    pub(super) paced: usize,
    pub(super) spacing_ms: u64,
    pub(super) drain: usize,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Store, Self::Ack, Self::Fanout, Self::Drain];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Store => Store::NAME,
            Self::Ack => Ack::NAME,
            Self::Fanout => Fanout::NAME,
            Self::Drain => Drain::NAME,
        }
    }
}

impl Sizes {
    /// Those of the workloads, made smaller or larger as theirs are.
    pub(super) fn scaled(scale: f64) -> Self {
        let of = |count| scaled(count, scale);
        Self {
            store: of(sizes::STORE_COUNT),
            ack: of(sizes::ACK_COUNT),
            inboxes: of(sizes::STORE_INBOXES),
            watchers: of(sizes::FANOUT_WATCHERS),
            changes: of(sizes::FANOUT_CHANGES),
            changes_window: sizes::FANOUT_WINDOW,
            paced: of(sizes::FANOUT_PACED),
            spacing_ms: sizes::FANOUT_SPACING_MS,
            drain: of(sizes::DRAIN_COUNT),
        }
    }
}
