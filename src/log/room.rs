//! How much room there is for what is yet to be appended.
//!
//! Must never hold: how that is found out.

/// How much room there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Room {
    /// As much as is needed, or nobody knows.
    #[default]
    Plenty,
    /// Enough for what happens by itself, and for nothing new.
    Short,
    /// Hardly any: nothing may be appended.
    None,
}
