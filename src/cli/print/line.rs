//! How a line is said to be made of what it tells: each field once, with its type and where its value comes from.
//!
//! Must never hold: a line.

/// Defines a line, and how it is made from what it tells.
macro_rules! line {
    (
        $(#[$meta:meta])*
        $vis:vis struct $line:ident from $told:tt: $from:ty {
            $($(#[$field_meta:meta])* $field:ident: $type:ty = $value:expr,)*
        }
    ) => {
        #[derive(Debug, serde::Serialize)]
        $(#[$meta])*
        $vis struct $line {
            $($(#[$field_meta])* $field: $type,)*
        }

        impl From<$from> for $line {
            fn from($told: $from) -> Self {
                Self { $($field: $value,)* }
            }
        }
    };
}
pub(in crate::cli) use line;
