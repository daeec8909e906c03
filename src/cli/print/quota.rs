//! How quotas are printed.
//!
//! Must never hold: a number that is not the server's.

use crate::cli::print::{line::line, table::Row};
use crate::model::{QuotaRow, QuotaSource};

line! {
    /// `{"type":"quota", …}`.
    #[serde(tag = "type", rename = "quota")]
    pub(in crate::cli) struct QuotaLine from row: &QuotaRow {
        quota: String = row.quota.clone(),
        max: u64 = row.max,
        /// How much is taken now. Left out for a domain, and where it would tell what others do.
        #[serde(skip_serializing_if = "Option::is_none")]
        used: Option<u64> = row.used,
        /// Who said how much there may be: `operator`, `domain` or `principal`.
        source: &'static str = row.source.as_str(),
    }
}

impl Row for QuotaLine {
    fn cells(&self) -> Vec<String> {
        let used = self.used.map(|used| format!("{used} of"));
        let set = if self.source == QuotaSource::Operator.as_str() { "by the" } else { "for the" };
        vec![
            self.quota.clone(),
            used.unwrap_or_default(),
            self.max.to_string(),
            format!("{set} {}", self.source),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_line_has_the_promised_fields() {
        let source = QuotaSource::Operator;
        let mut row = QuotaRow { quota: "subscriptions".into(), max: 9, used: Some(2), source };
        assert_eq!(
            serde_json::to_string(&QuotaLine::from(&row)).unwrap(),
            r#"{"type":"quota","quota":"subscriptions","max":9,"used":2,"source":"operator"}"#
        );
        let cells = QuotaLine::from(&row).cells();
        assert_eq!(cells, ["subscriptions", "2 of", "9", "by the operator"]);
        (row.used, row.source) = (None, QuotaSource::Domain);
        assert_eq!(
            serde_json::to_string(&QuotaLine::from(&row)).unwrap(),
            r#"{"type":"quota","quota":"subscriptions","max":9,"source":"domain"}"#
        );
        let cells = QuotaLine::from(&row).cells();
        assert_eq!(cells, ["subscriptions", "", "9", "for the domain"]);
    }
}
