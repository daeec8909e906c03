//! How domains and the acts of administrators are printed.
//!
//! Must never hold: a count that is not the server's.

use crate::cli::print::{line::line, table::Row, text::visible_line, time::rfc3339, time::span};
use crate::client::ActRow;
use crate::model::{AdministratorAct, DomainRow, Lifetime, PrincipalRow, Role};

line! {
    /// `{"type":"domain", …}`.
    #[serde(tag = "type", rename = "domain")]
    pub(in crate::cli) struct DomainLine from row: &DomainRow {
        domain: String = row.domain.to_string(),
        /// Whether it stands in the server's configuration, so that it cannot be removed.
        configured: bool = row.is_configured,
        presence: bool = row.presence,
        messaging: bool = row.messaging,
        principals: u64 = row.principals,
        /// How long a recovery that is started now waits.
        #[serde(skip_serializing_if = "Option::is_none")]
        recovery_delay_s: Option<u64> = row.recovery.map(|policy| policy.delay.as_secs()),
        /// Whether its device is shown what messages say that were stored before.
        #[serde(skip_serializing_if = "Option::is_none")]
        recovery_earlier: Option<bool> = row.recovery.map(|policy| policy.shows_earlier),
        /// Whether recipients keep what somebody in it sends now when that is erased.
        #[serde(skip_serializing_if = "Option::is_none")]
        recipients_keep: Option<bool> = row.recipients_keep,
    }
}

impl Row for DomainLine {
    fn cells(&self) -> Vec<String> {
        let state = |service: &str, on| format!("{service} {}", if on { "on" } else { "off" });
        vec![
            self.domain.clone(),
            if self.configured { "configured" } else { "created" }.to_owned(),
            state("presence", self.presence),
            state("messaging", self.messaging),
            format!("{} principals", self.principals),
            self.recovery_delay_s.map(recovery).unwrap_or_default(),
            if self.recipients_keep == Some(true) { KEPT } else { "" }.to_owned(),
        ]
    }
}

/// What else is told of a domain whose erased leave what they sent.
const KEPT: &str = "recipients keep what the erased sent";

fn recovery(delay_s: u64) -> String {
    format!("recovery after {}", span(Lifetime::from_ms(delay_s * 1_000)))
}

line! {
    /// `{"type":"principal", …}`.
    #[serde(tag = "type", rename = "principal")]
    pub(in crate::cli) struct PrincipalLine from row: &PrincipalRow {
        principal: String = row.principal.to_string(),
        role: &'static str = role(row.role),
        suspended: bool = row.is_suspended,
        presence: bool = row.presence,
        messaging: bool = row.messaging,
        /// Those that are not revoked.
        devices: u32 = row.devices,
        enrolled_at: String = rfc3339(row.enrolled_at),
    }
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Administrator => "administrator",
    }
}

impl Row for PrincipalLine {
    fn cells(&self) -> Vec<String> {
        let without = |service: &str, on: bool| (!on).then(|| format!("no {service}"));
        let notes = [
            self.suspended.then(|| "suspended".to_owned()),
            without("presence", self.presence),
            without("messaging", self.messaging),
        ];
        let devices = if self.devices == 1 { "device" } else { "devices" };
        vec![
            self.principal.clone(),
            self.role.to_owned(),
            format!("{} {devices}", self.devices),
            format!("enrolled {}", self.enrolled_at),
            notes.into_iter().flatten().collect::<Vec<_>>().join(", "),
        ]
    }
}

line! {
    /// `{"type":"act", …}`.
    #[serde(tag = "type", rename = "act")]
    pub(in crate::cli) struct ActLine from row: &ActRow {
        at: String = rfc3339(row.at),
        by: String = row.by.to_string(),
        /// `other` for an act that this version does not know.
        act: &'static str = row.act.map_or("other", AdministratorAct::as_str),
        about: String = row.about.clone(),
    }
}

impl Row for ActLine {
    fn cells(&self) -> Vec<String> {
        vec![self.at.clone(), self.by.clone(), self.act.to_owned(), visible_line(&self.about)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RecoveryPolicy, Timestamp};

    #[test]
    fn a_principal_line_has_the_promised_fields_and_tells_what_is_unusual() {
        let mut row = PrincipalRow {
            principal: "bob@d.example".parse().unwrap(),
            role: Role::User,
            is_suspended: false,
            presence: true,
            messaging: true,
            devices: 1,
            enrolled_at: Timestamp::default(),
        };
        assert_eq!(
            serde_json::to_string(&PrincipalLine::from(&row)).unwrap(),
            r#"{"type":"principal","principal":"bob@d.example","role":"user","suspended":false,"presence":true,"messaging":true,"devices":1,"enrolled_at":"1970-01-01T00:00:00.000Z"}"#
        );
        let enrolled = "enrolled 1970-01-01T00:00:00.000Z";
        let cells = PrincipalLine::from(&row).cells();
        assert_eq!(cells, ["bob@d.example", "user", "1 device", enrolled, ""]);
        (row.is_suspended, row.messaging, row.devices) = (true, false, 0);
        let cells = PrincipalLine::from(&row).cells();
        assert_eq!(cells[2..], ["0 devices", enrolled, "suspended, no messaging"]);
    }

    #[test]
    fn a_domain_line_has_the_promised_fields() {
        let row = DomainRow {
            domain: "d.example".parse().unwrap(),
            is_configured: false,
            presence: true,
            messaging: false,
            principals: 2,
            recovery: Some(RecoveryPolicy::default()),
            recipients_keep: Some(false),
        };
        assert_eq!(
            serde_json::to_string(&DomainLine::from(&row)).unwrap(),
            r#"{"type":"domain","domain":"d.example","configured":false,"presence":true,"messaging":false,"principals":2,"recovery_delay_s":86400,"recovery_earlier":false,"recipients_keep":false}"#
        );
        assert_eq!(
            DomainLine::from(&row).cells(),
            [
                "d.example",
                "created",
                "presence on",
                "messaging off",
                "2 principals",
                "recovery after 1d",
                ""
            ]
        );
    }

    #[test]
    fn an_act_line_has_the_promised_fields_also_for_an_act_of_a_later_version() {
        let mut row = ActRow {
            at: Timestamp::from_ms(0),
            by: "root@d".parse().unwrap(),
            act: Some(AdministratorAct::Suspended),
            about: String::new(),
        };
        assert_eq!(
            serde_json::to_string(&ActLine::from(&row)).unwrap(),
            r#"{"type":"act","at":"1970-01-01T00:00:00.000Z","by":"root@d","act":"suspended","about":""}"#
        );
        row.act = None;
        assert_eq!(ActLine::from(&row).cells()[2], "other");
    }
}
