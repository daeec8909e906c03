//! Whether those who wait for the writer are taken in turn: while one waits, nobody is given more before it than it was
//! given itself when it was served last, and one thing beyond.
//!
//! So whoever asks for little is served within a bounded number of turns, however much others ask for. Must never hold: a
//! rule by which somebody is chosen.

use std::collections::BTreeMap;

use adsum::service::Asker;

use super::{Checked, promised};

/// What each was given, and what others were given while it waited.
#[derive(Debug, Default)]
pub(crate) struct Fairness(BTreeMap<Asker, Standing>);

#[derive(Debug, Default)]
struct Standing {
    waiting: usize,
    /// What it was given when it was served last.
    last: u64,
    /// What each of the others was given since, or since it began to wait.
    passed: BTreeMap<Asker, u64>,
}

impl Fairness {
    /// How much of `asker` waits.
    pub(crate) fn waiting(&self, asker: &Asker) -> usize {
        self.0.get(asker).map_or(0, |standing| standing.waiting)
    }

    /// One more thing of `asker` waits.
    pub(crate) fn waits(&mut self, asker: &Asker) {
        let standing = self.0.entry(asker.clone()).or_default();
        if standing.waiting == 0 {
            standing.passed.clear();
        }
        standing.waiting += 1;
    }

    /// One thing of `asker` is taken, at this cost.
    pub(crate) fn taken(&mut self, asker: &Asker, cost: u64) -> Checked {
        for (other, standing) in &mut self.0 {
            if other == asker || standing.waiting == 0 {
                continue;
            }
            let (passed, last) = (standing.passed.entry(asker.clone()).or_default(), standing.last);
            promised!(
                12,
                *passed <= last,
                "{other:?} waits, was given {last} before, and {asker:?} was given {passed} since and has its turn"
            );
            *passed += cost;
        }
        let standing = self.0.entry(asker.clone()).or_default();
        standing.waiting -= 1;
        standing.last = cost;
        standing.passed.clear();
        Ok(())
    }

    /// What was taken for `asker` cost so much more.
    pub(crate) fn charged(&mut self, asker: &Asker, steps: u64) {
        for (other, standing) in &mut self.0 {
            if other == asker {
                standing.last += steps;
            } else if standing.waiting > 0 {
                *standing.passed.entry(asker.clone()).or_default() += steps;
            }
        }
    }
}
