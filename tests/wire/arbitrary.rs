//! Values of any body with nothing left out that can be written: every length of a number, texts of odd letters.
//!
//! Must never hold: anything but test support.

use adsum::wire::Body;

use crate::chance::{self, Chance, Values};

/// Begins every text that is not empty, so that a test finds where to break its UTF-8.
pub(super) const MARK: char = '⌘';

/// A body decided by `chance`; where that ends, numbers are 0, lists and texts empty, options none.
pub(super) fn arbitrary<B: Body>(chance: &[u8]) -> B {
    chance::body(&Odd, chance)
}

struct Odd;

impl Values for Odd {
    const LIST_LENGTH_END: u8 = 4;

    /// A number of 0 to 8 bytes, so that every length of a varint occurs.
    fn number(&self, chance: &mut Chance<'_>, _field: &str, max: u64) -> u64 {
        let bytes = chance.byte() % 9;
        (0..bytes).fold(0, |number, _| number << 8 | u64::from(chance.byte())) & max
    }

    fn text(&self, chance: &mut Chance<'_>, _field: &str) -> String {
        const LETTERS: [char; 8] = ['a', '@', ':', ' ', '\0', 'é', '語', '🦀'];
        match chance.byte() % 8 {
            0 => String::new(),
            length => core::iter::once(MARK)
                .chain((0..length).map(|_| LETTERS[usize::from(chance.byte() % 8)]))
                .collect(),
        }
    }

    fn bytes(&self, chance: &mut Chance<'_>, _field: &str) -> Vec<u8> {
        let length = chance.byte();
        (0..length).map(|_| chance.byte()).collect()
    }
}
