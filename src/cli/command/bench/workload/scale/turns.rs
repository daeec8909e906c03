//! Two stores of different sizes that take turns, so that both are measured on the same machine.
//!
//! Must never hold: what lies in them.

use std::time::Duration;

use serde_json::{Map, Value};

use super::place::{Kind, Place};
use crate::cli::command::bench::{
    progress::Progress,
    samples::{Samples, rounded},
};
use crate::cli::run::failure::Failure;

/// Rounds in which they take turns; the first is the warm-up.
pub(super) const ROUNDS: usize = 5;

/// A small store and a large one.
pub(super) struct Turns {
    pub(super) places: [Place; 2],
    kinds: &'static [Kind],
    /// The times of each kind of request, of each store.
    figures: [Vec<Samples>; 2],
}

impl Turns {
    /// Of `places`, where each of `kinds` is asked.
    pub(super) fn new(places: [Place; 2], kinds: &'static [Kind]) -> Self {
        let none = vec![Samples::default(); kinds.len()];
        Self { places, kinds, figures: [none.clone(), none] }
    }

    /// Asks `requests` of each kind in all, in [`ROUNDS`]. Returns how long those of the large store took.
    pub(super) async fn take(&mut self, requests: usize) -> Result<Duration, Failure> {
        let progress = Progress::begin("measuring by turns", ROUNDS * self.kinds.len());
        for round in 0..ROUNDS {
            for (number, kind) in self.kinds.iter().enumerate() {
                for (place, figures) in self.places.iter_mut().zip(&mut self.figures) {
                    let samples = place.ask(*kind, requests.div_ceil(ROUNDS)).await?;
                    if round > 0 {
                        figures[number].append(samples);
                    }
                }
                progress.add(1);
            }
        }
        Ok(self.figures[1].iter().map(Samples::total).sum())
    }

    /// What is told of each kind.
    pub(super) fn rows(&mut self) -> Map<String, Value> {
        let mut rows = Map::new();
        for (number, kind) in self.kinds.iter().enumerate() {
            let [small, large] =
                [0, 1].map(|place: usize| self.figures[place][number].p50_p99_ms());
            let figures = [
                ("small_p50_ms", small.0),
                ("small_p99_ms", small.1),
                ("large_p50_ms", large.0),
                ("large_p99_ms", large.1),
                ("p50_ratio", rounded(large.0 / small.0)),
                ("p99_ratio", rounded(large.1 / small.1)),
            ];
            rows.insert(kind.name().to_owned(), row(figures).into());
        }
        rows
    }

    /// All times in the large store, and the two stores.
    pub(super) fn apart(self) -> (Samples, [Place; 2]) {
        let mut all = Samples::default();
        let [_, large] = self.figures;
        for samples in large {
            all.append(samples);
        }
        (all, self.places)
    }
}

/// Figures with their names.
pub(super) fn row<const N: usize>(figures: [(&str, f64); N]) -> Map<String, Value> {
    figures.into_iter().map(|(name, figure)| (name.to_owned(), figure.into())).collect()
}
