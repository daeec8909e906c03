//! A flag that switches something on or off.
//!
//! Must never hold: what is switched.

use clap::ValueEnum;

/// The value of a flag that switches something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Switch {
    /// It works
    On,
    /// It does not
    Off,
}

impl Switch {
    /// Whether it works.
    pub(in crate::cli) fn is_on(self) -> bool {
        self == Self::On
    }
}
