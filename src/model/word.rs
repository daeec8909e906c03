//! Enums whose values have a word each, and a number each if they have one outside of this program.
//!
//! Must never hold: what a word is for (each type says so).

/// Defines an enum with `ALL` and `as_str`; with numbers, also `number` and `from_number`, which may read a wider type.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $value:ident = $word:literal;)* }) => {
        $(#[$meta])*
        pub enum $name { $($(#[$doc])* $value,)* }

        $crate::model::words! { @words $name: $($value = $word)* }
    };
    (
        $(#[$meta:meta])*
        $name:ident: $number:ty, $read:ty {
            $($(#[$doc:meta])* $value:ident = $is:literal, $word:literal;)*
        }
    ) => {
        $(#[$meta])*
        pub enum $name { $($(#[$doc])* $value = $is,)* }

        $crate::model::words! { @words $name: $($value = $word)* }

        impl $name {
            /// The number on the wire.
            pub const fn number(self) -> $number {
                self as $number
            }

            /// The one of `number`, if this version knows it.
            pub const fn from_number(number: $read) -> Option<Self> {
                match number { $($is => Some(Self::$value),)* _ => None }
            }
        }
    };
    (@words $name:ident: $($value:ident = $word:literal)*) => {
        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$value,)*];

            /// The word for people, listings and logs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $word,)* }
            }
        }
    };
}

pub(crate) use words;
