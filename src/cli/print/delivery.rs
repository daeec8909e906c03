//! How delivery rules are printed.
//!
//! Must never hold: what a rule decides.

use std::fmt;

use crate::cli::print::{line::line, table::Row, text::quoted};
use crate::client;
use crate::model::{Delivery, DeliveryRule, InboxAddress, WhenClosed};

line! {
    /// `{"type":"delivery", …}`: what holds for the whole inbox.
    #[serde(tag = "type", rename = "delivery")]
    pub(in crate::cli) struct DeliveryLine from (inbox, held): (&InboxAddress, &client::Delivery) {
        inbox: String = inbox.to_string(),
        when_closed: &'static str = match held.when_closed {
            WhenClosed::Refuse => "refuse",
            WhenClosed::Store => "store",
        },
        receipts: bool = held.receipts,
        version: u64 = held.version,
    }
}

impl fmt::Display for DeliveryLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let receipts = if self.receipts { "on" } else { "off" };
        write!(to, "{}: {} when closed, receipts {receipts}", self.inbox, self.when_closed)
    }
}

line! {
    /// `{"type":"delivery-rule", …}`.
    #[serde(tag = "type", rename = "delivery-rule")]
    pub(in crate::cli) struct DeliveryRuleLine from (rule, version): (&DeliveryRule, u64) {
        name: String = rule.name.as_str().to_owned(),
        who: String = rule.who.to_string(),
        /// `null` for any.
        content_type: Option<String> = rule.content_type.as_ref().map(ToString::to_string),
        /// `null` for any.
        larger_than: Option<u32> = rule.larger_than,
        action: &'static str = rule.action.as_str(),
        #[serde(skip_serializing_if = "String::is_empty")]
        reason: String = reason(&rule.action),
        /// Of all the rules together.
        version: u64 = version,
    }
}

fn reason(action: &Delivery) -> String {
    match action {
        Delivery::Refuse { reason } => reason.clone(),
        _ => String::new(),
    }
}

impl Row for DeliveryRuleLine {
    fn cells(&self) -> Vec<String> {
        let size = self.larger_than.map(|size| format!("larger than {size} bytes"));
        let reason = if self.reason.is_empty() { String::new() } else { quoted(&self.reason) };
        vec![
            self.name.clone(),
            self.action.to_owned(),
            format!("from {}", self.who),
            self.content_type.clone().unwrap_or_default(),
            size.unwrap_or_default(),
            reason,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MediaRange, RuleName};

    #[test]
    fn a_delivery_rule_line_has_the_promised_fields() {
        let rule = DeliveryRule {
            name: RuleName::new("big").unwrap(),
            who: "@d.example".parse().unwrap(),
            content_type: Some(MediaRange::new("image/*").unwrap()),
            larger_than: Some(100),
            action: Delivery::Refuse { reason: "too \u{1b}big".into() },
        };
        let line = DeliveryRuleLine::from((&rule, 2));
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"type":"delivery-rule","name":"big","who":"@d.example","content_type":"image/*","larger_than":100,"action":"refuse","reason":"too \u001bbig","version":2}"#
        );
        assert!(line.cells().join(" ").ends_with("larger than 100 bytes \"too ␛big\""));
    }

    #[test]
    fn a_delivery_line_tells_what_holds_for_the_whole_inbox() {
        let delivery = client::Delivery {
            version: 3,
            when_closed: WhenClosed::Store,
            receipts: true,
            rules: Vec::new(),
        };
        let line = DeliveryLine::from((&"im:a@b".parse().unwrap(), &delivery));
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"type":"delivery","inbox":"im:a@b","when_closed":"store","receipts":true,"version":3}"#
        );
        assert_eq!(line.to_string(), "im:a@b: store when closed, receipts on");
    }
}
