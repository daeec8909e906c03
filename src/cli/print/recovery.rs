//! How a recovery that runs is printed, and told to whoever can refuse it.
//!
//! Must never hold: whether it may be refused (the service knows).

use data_encoding::HEXLOWER;

use crate::cli::print::{line::line, table::Row, time::rfc3339};
use crate::client::OpenRecovery;
use crate::model::Principal;

line! {
    /// `{"type":"recovery", …}`.
    #[serde(tag = "type", rename = "recovery")]
    pub(in crate::cli) struct RecoveryLine from running: &OpenRecovery {
        invite: String = HEXLOWER.encode(&running.invite.0),
        principal: String = running.principal.to_string(),
        role: &'static str = running.role.as_str(),
        /// Left out for one that the operator started.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<String> = running.by.as_ref().map(Principal::to_string),
        started_at: String = rfc3339(running.started_at),
        effective_at: String = rfc3339(running.effective_at),
        expires_at: String = rfc3339(running.expires_at),
        /// Whether the new device is shown what messages say that were stored before.
        earlier_shown: bool = running.shows_earlier,
    }
}

impl Row for RecoveryLine {
    fn cells(&self) -> Vec<String> {
        vec![
            self.invite[..16].to_owned(),
            self.principal.clone(),
            self.role.to_owned(),
            format!("by {}", self.by.as_deref().unwrap_or("the operator")),
            format!("from {}", self.effective_at),
            format!("until {}", self.expires_at),
            format!("earlier messages {}", if self.earlier_shown { "shown" } else { "withheld" }),
        ]
    }
}

/// What is wrong for whoever did not ask for it.
pub(in crate::cli) fn told(running: &OpenRecovery) -> String {
    let by = running.by.as_ref().map_or_else(|| "the operator".to_owned(), Principal::to_string);
    format!(
        "{by} started a recovery of {} at {}: from {} on another device can act under it",
        running.principal,
        rfc3339(running.started_at),
        rfc3339(running.effective_at)
    )
}

/// What to do then.
pub(in crate::cli) const CURE: &str =
    "if you did not ask for that, refuse it with `adsum recovery refuse`";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{InviteId, Role, Timestamp};

    #[test]
    fn a_recovery_line_tells_whose_by_whom_and_from_when_on() {
        let running = OpenRecovery {
            invite: InviteId([0xab; 32]),
            principal: "bob@localhost".parse().unwrap(),
            role: Role::User,
            by: Some("root@localhost".parse().unwrap()),
            started_at: Timestamp::from_ms(0),
            effective_at: Timestamp::from_ms(86_400_000),
            expires_at: Timestamp::from_ms(2 * 86_400_000),
            shows_earlier: false,
        };
        let line = RecoveryLine::from(&running);
        let json = serde_json::to_string(&line).unwrap();
        assert!(json.starts_with(r#"{"type":"recovery","invite":"abab"#), "{json}");
        assert!(json.ends_with(r#""earlier_shown":false}"#), "{json}");
        assert_eq!(line.cells()[3..5], ["by root@localhost", "from 1970-01-02T00:00:00.000Z"]);
        let told_of = told(&running);
        assert!(told_of.starts_with("root@localhost started a recovery of bob@localhost at 1970-"));
        let operated = OpenRecovery { by: None, ..running };
        assert!(told(&operated).starts_with("the operator started a recovery of bob@localhost"));
        assert_eq!(RecoveryLine::from(&operated).cells()[3], "by the operator");
    }
}
