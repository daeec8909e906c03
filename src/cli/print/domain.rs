//! How domains and the acts of administrators are printed.
//!
//! Must never hold: a count that is not the server's.

use serde::Serialize;

use crate::cli::print::{table::Row, text::visible_line, time::rfc3339};
use crate::client::ActRow;
use crate::model::AdministratorAct;
use crate::model::DomainRow;

/// `{"type":"domain", …}`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "domain")]
pub(in crate::cli) struct DomainLine {
    domain: String,
    /// Whether it stands in the server's configuration, so that it cannot be removed.
    configured: bool,
    presence: bool,
    messaging: bool,
    principals: u64,
}

impl From<&DomainRow> for DomainLine {
    fn from(row: &DomainRow) -> Self {
        Self {
            domain: row.domain.to_string(),
            configured: row.is_configured,
            presence: row.presence,
            messaging: row.messaging,
            principals: row.principals,
        }
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
        ]
    }
}

/// `{"type":"act", …}`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "act")]
pub(in crate::cli) struct ActLine {
    at: String,
    by: String,
    /// `other` for an act that this version does not know.
    act: &'static str,
    about: String,
}

impl From<&ActRow> for ActLine {
    fn from(row: &ActRow) -> Self {
        Self {
            at: rfc3339(row.at),
            by: row.by.to_string(),
            act: row.act.map_or("other", AdministratorAct::as_str),
            about: row.about.clone(),
        }
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
    use crate::model::Timestamp;

    #[test]
    fn a_domain_line_has_the_promised_fields() {
        let row = DomainRow {
            domain: "d.example".parse().unwrap(),
            is_configured: false,
            presence: true,
            messaging: false,
            principals: 2,
        };
        assert_eq!(
            serde_json::to_string(&DomainLine::from(&row)).unwrap(),
            r#"{"type":"domain","domain":"d.example","configured":false,"presence":true,"messaging":false,"principals":2}"#
        );
        assert_eq!(
            DomainLine::from(&row).cells(),
            ["d.example", "created", "presence on", "messaging off", "2 principals"]
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
