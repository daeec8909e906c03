//! How an access rule, and what it shows, is printed.
//!
//! Must never hold: what a rule decides.

use serde::Serialize;

use crate::cli::print::{table::Row, time::rfc3339};
use crate::model::{AccessRule, Handling, Shown, TupleId};

/// `{"type":"rule", …}`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "rule")]
pub(in crate::cli) struct RuleLine {
    name: String,
    who: String,
    /// `null` if it says nothing about fetching.
    fetch: Option<&'static str>,
    subscribe: Option<&'static str>,
    view: ShownLine,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// Of all the rules together.
    version: u64,
}

/// `{"tuples":…,"notes":…,"contact":…,"markup":…}`: what of a document is shown.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct ShownLine {
    /// `null` for all.
    tuples: Option<Vec<String>>,
    notes: bool,
    contact: bool,
    markup: bool,
}

impl From<&Shown> for ShownLine {
    fn from(shown: &Shown) -> Self {
        let text = |id: &TupleId| id.as_str().to_owned();
        Self {
            tuples: shown.tuples.as_ref().map(|tuples| tuples.iter().map(text).collect()),
            notes: shown.notes,
            contact: shown.contact,
            markup: shown.markup,
        }
    }
}

impl ShownLine {
    /// In the words of `--view`; empty if all is shown.
    pub(in crate::cli) fn words(&self) -> String {
        let flags =
            [(self.notes, "no-notes"), (self.contact, "no-contact"), (self.markup, "no-markup")];
        let tuples = self.tuples.as_ref().map(|tuples| format!("tuples={}", tuples.join(",")));
        let hidden =
            flags.iter().filter(|(is_shown, _)| !is_shown).map(|(_, word)| (*word).to_owned());
        tuples.into_iter().chain(hidden).collect::<Vec<_>>().join(",")
    }
}

impl RuleLine {
    pub(in crate::cli) fn new(rule: &AccessRule, version: u64) -> Self {
        Self {
            name: rule.name.as_str().to_owned(),
            who: rule.who.to_string(),
            fetch: rule.fetch.map(Handling::as_str),
            subscribe: rule.subscribe.map(Handling::as_str),
            view: ShownLine::from(&rule.shown),
            from: rule.from.map(rfc3339),
            until: rule.until.map(rfc3339),
            version,
        }
    }

    fn grants(&self) -> String {
        match (self.fetch, self.subscribe) {
            (Some(one), Some(other)) if one == other => one.to_owned(),
            (fetch, subscribe) => {
                let both = [("fetch", fetch), ("subscribe", subscribe)];
                let said =
                    both.iter().filter_map(|(act, word)| Some(format!("{act} {}", (*word)?)));
                said.collect::<Vec<_>>().join(", ")
            }
        }
    }
}

impl Row for RuleLine {
    fn cells(&self) -> Vec<String> {
        let moment = |word: &str, at: &Option<String>| {
            at.as_ref().map_or_else(String::new, |at| format!("{word} {at}"))
        };
        // Most rules are called by whom they are about.
        let who = if self.name == self.who { String::new() } else { format!("for {}", self.who) };
        vec![
            self.name.clone(),
            who,
            self.grants(),
            self.view.words(),
            moment("from", &self.from),
            moment("until", &self.until),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RuleName, Timestamp};

    fn rule() -> AccessRule {
        let shown =
            Shown { tuples: Some(vec![TupleId::new("desk").unwrap()]), notes: false, ..Shown::ALL };
        AccessRule {
            name: RuleName::new("work").unwrap(),
            subscribe: None,
            shown,
            until: Some(Timestamp::from_ms(1_000)),
            ..AccessRule::plain("@d.example".parse().unwrap(), Handling::Allow)
        }
    }

    #[test]
    fn a_rule_line_has_the_promised_fields() {
        assert_eq!(
            serde_json::to_string(&RuleLine::new(&rule(), 4)).unwrap(),
            r#"{"type":"rule","name":"work","who":"@d.example","fetch":"allow","subscribe":null,"view":{"tuples":["desk"],"notes":false,"contact":true,"markup":true},"until":"1970-01-01T00:00:01.000Z","version":4}"#
        );
    }

    #[test]
    fn people_read_a_rule_in_the_words_they_write_it_in() {
        let cells = RuleLine::new(&rule(), 4).cells();
        assert_eq!(cells[..4], ["work", "for @d.example", "fetch allow", "tuples=desk,no-notes"]);
        let plain = AccessRule::plain("everyone".parse().unwrap(), Handling::PoliteBlock);
        assert_eq!(RuleLine::new(&plain, 1).cells()[..4], ["everyone", "", "polite-block", ""]);
    }
}
