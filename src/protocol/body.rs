//! Every frozen body and its parts under one roof, and the tables of all kinds.
//!
//! Must never hold: a body (each stands with its noun).

pub use crate::wire::{Body, Ext, KindVisitor};

macro_rules! tables {
    ($($noun:ident { $($request:tt)* } asks { $($question:tt)* })*) => {
        $(pub use super::$noun::body::*;)*

        const KINDS_COUNT: usize = 0 $(+ super::$noun::body::Table::KINDS.len())*;

        /// The kinds of all nouns, noun by noun.
        const fn joined() -> [(u16, &'static str); KINDS_COUNT] {
            let mut all = [(0, ""); KINDS_COUNT];
            let mut filled = 0;
            $(
                let kinds = super::$noun::body::Table::KINDS;
                let mut index = 0;
                while index < kinds.len() {
                    all[filled] = kinds[index];
                    (filled, index) = (filled + 1, index + 1);
                }
            )*
            all
        }

        /// Lets `visitor` work with the type of `kind`; `None` if this version does not know it.
        pub fn visit_kind<V: KindVisitor>(kind: u16, visitor: V) -> Option<V::Output> {
            $(let visitor = match super::$noun::body::Table::visit(kind, visitor) {
                Ok(output) => return Some(output),
                Err(visitor) => visitor,
            };)*
            drop(visitor);
            None
        }
    };
}

nouns! { tables }

/// Number and name of every kind, in order of number.
pub const KINDS: &[(u16, &str)] = &ordered(joined());

const fn ordered(
    mut kinds: [(u16, &'static str); KINDS_COUNT],
) -> [(u16, &'static str); KINDS_COUNT] {
    let mut end = KINDS_COUNT;
    while end > 1 {
        let mut index = 1;
        while index < end {
            if kinds[index - 1].0 > kinds[index].0 {
                (kinds[index - 1], kinds[index]) = (kinds[index], kinds[index - 1]);
            }
            index += 1;
        }
        end -= 1;
    }
    kinds
}
