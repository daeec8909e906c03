//! What a domain wants of recoveries: how a name whose devices are lost gets a new one.
//!
//! Must never hold: a recovery that runs, or who may start one.

use serde::{Deserialize, Serialize};

use super::Lifetime;
use super::limits::RECOVERY_DELAY_MS_DEFAULT;

/// On what terms names of a domain are recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryPolicy {
    /// How long the devices of the name can refuse before a new one is let in.
    pub delay: Lifetime,
    /// Whether the new device is shown what messages say that were stored before it came.
    pub shows_earlier: bool,
}

impl Default for RecoveryPolicy {
    fn default() -> Self {
        Self { delay: Lifetime::from_ms(RECOVERY_DELAY_MS_DEFAULT), shows_earlier: false }
    }
}

impl RecoveryPolicy {
    /// What satisfies both: the longer delay, and earlier messages only if both show them.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            delay: self.delay.max(other.delay),
            shows_earlier: self.shows_earlier && other.shows_earlier,
        }
    }
}

/// The MIME type of what tells a principal that a recovery of its name was started. Nobody can send it. A program that
/// does not know it shows it as plain text (RFC 2046 §4.1.4).
pub const RECOVERY_TYPE: &str = "text/vnd.adsum.recovery; charset=utf-8";

/// Whether `content_type` is that of [`RECOVERY_TYPE`], whatever its parameters.
pub fn is_recovery_type(content_type: &str) -> bool {
    let essence = |text: &str| text.split(';').next().unwrap_or_default().trim().to_owned();
    essence(content_type).eq_ignore_ascii_case(&essence(RECOVERY_TYPE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_policies_the_stricter_holds_in_each_part() {
        let policy = |hours: u64, shows_earlier| RecoveryPolicy {
            delay: Lifetime::from_ms(hours * 3_600_000),
            shows_earlier,
        };
        assert_eq!(RecoveryPolicy::default(), policy(24, false));
        assert_eq!(policy(24, true).and(policy(1, true)), policy(24, true));
        assert_eq!(policy(1, false).and(policy(24, true)), policy(24, false));
    }

    #[test]
    fn the_type_is_known_in_every_spelling() {
        for text in [RECOVERY_TYPE, "text/vnd.adsum.recovery", "TEXT/Vnd.Adsum.Recovery ;a=b"] {
            assert!(is_recovery_type(text), "{text}");
        }
        assert!(!is_recovery_type("text/plain") && !is_recovery_type("text/vnd.adsum.recovery2"));
    }
}
