//! What decides in a world: numbers that follow from its seed, or those that somebody gives for as long as they last.
//!
//! Must never hold: a number that depends on anything else.

use core::ops::{Bound, RangeBounds};

use fastrand::Rng;

/// Decides.
#[derive(Clone, Debug)]
pub(crate) struct Lots {
    /// What is left of what was given, the next byte last; nothing if it is the seed alone that decides.
    given: Option<Vec<u8>>,
    drawn: Rng,
}

impl Lots {
    /// All follows from `seed`.
    pub(crate) fn of_seed(seed: u64) -> Self {
        Self { given: None, drawn: Rng::with_seed(seed) }
    }

    /// `bytes` decide, and then a seed that is always the same.
    pub(crate) fn given(bytes: &[u8]) -> Self {
        Self { given: Some(bytes.iter().rev().copied().collect()), drawn: Rng::with_seed(0) }
    }

    /// Whether something was given and nothing is left of it.
    pub(crate) fn are_spent(&self) -> bool {
        self.given.as_ref().is_some_and(Vec::is_empty)
    }

    /// From now on the seed decides.
    pub(crate) fn spend(&mut self) {
        self.given = self.given.take().map(|_| Vec::new());
    }

    /// Yes or no.
    pub(crate) fn bool(&mut self) -> bool {
        self.next(1).map_or_else(|| self.drawn.bool(), |number| number == 1)
    }

    /// Bytes that nobody had before, as ids, nonces and tokens are. What is given has no part in them: it would choose the same
    /// ones twice.
    pub(crate) fn unique<const COUNT: usize>(&mut self) -> [u8; COUNT] {
        core::array::from_fn(|_| self.drawn.u8(..))
    }

    /// A number that is at most `most`, of as many bytes as it can have; `None` if nothing is left.
    fn next(&mut self, most: u64) -> Option<u64> {
        let given = self.given.as_mut().filter(|given| !given.is_empty())?;
        let count = 8 - most.leading_zeros() / 8;
        let number =
            (0..count).fold(0, |number, _| number << 8 | u64::from(given.pop().unwrap_or(0)));
        Some(most.checked_add(1).map_or(number, |numbers| number % numbers))
    }
}

macro_rules! numbers {
    ($($kind:ident)*) => {
        #[allow(
            clippy::cast_lossless,
            clippy::cast_possible_truncation,
            clippy::cast_possible_wrap,
            clippy::cast_sign_loss,
            reason = "how far two numbers are apart fits, and wraps round where it is taken back"
        )]
        impl Lots {$(
            /// A number in `range`, which is not empty.
            pub(crate) fn $kind(&mut self, range: impl RangeBounds<$kind>) -> $kind {
                let low = match range.start_bound() {
                    Bound::Included(low) => *low,
                    Bound::Excluded(low) => low + 1,
                    Bound::Unbounded => $kind::MIN,
                };
                let high = match range.end_bound() {
                    Bound::Included(high) => *high,
                    Bound::Excluded(high) => high - 1,
                    Bound::Unbounded => $kind::MAX,
                };
                assert!(low <= high, "there is a number to choose");
                match self.next(high.wrapping_sub(low) as u64) {
                    Some(number) => low.wrapping_add(number as $kind),
                    None => self.drawn.$kind(range),
                }
            }
        )*}
    };
}

numbers! { u8 u32 u64 usize i64 }
