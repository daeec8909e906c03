//! The samples of all nouns.
//!
//! Must never hold: a sample (each stands with its noun).

use super::sample::Sample;

macro_rules! gather {
    ($($noun:ident { $($request:tt)* } asks { $($question:tt)* })*) => {
        /// A frame of every kind, some kinds with several. `docs/PROTOCOL_EXAMPLES.md` is made of these.
        pub fn samples() -> Vec<Sample> {
            [$(super::$noun::samples()),*].into_iter().flatten().collect()
        }
    };
}

nouns! { gather }
