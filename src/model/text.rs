//! A text that was checked once and stays as it came.
//!
//! Must never hold: what is checked (each type says so in its `new`).

/// Defines a type for a text. `new` of the type checks what comes from elsewhere, the log among it; a control character that
/// an earlier version let into the log is left out of what is read there.
macro_rules! text {
    ($(#[$meta:meta])* $name:ident($held:ty)) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name($held);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::model::Refusal;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(&text).or_else(|refusal| {
                    Self::new(&text.replace(char::is_control, "")).map_err(|_| refusal)
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}
pub(super) use text;
