//! How an access rule, and what it shows, is printed.
//!
//! Must never hold: what a rule decides.

use crate::cli::print::{line::line, table::Row, time::rfc3339};
use crate::model::{AccessRule, Handling, Shown};

line! {
    /// `{"type":"rule", …}`.
    #[serde(tag = "type", rename = "rule")]
    pub(in crate::cli) struct RuleLine from (rule, version): (&AccessRule, u64) {
        name: String = rule.name.as_str().to_owned(),
        who: String = rule.who.to_string(),
        /// `null` if it says nothing about fetching.
        fetch: Option<&'static str> = rule.fetch.map(Handling::as_str),
        subscribe: Option<&'static str> = rule.subscribe.map(Handling::as_str),
        view: ShownLine = ShownLine::from(&rule.shown),
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<String> = rule.from.map(rfc3339),
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<String> = rule.until.map(rfc3339),
        /// Of all the rules together.
        version: u64 = version,
    }
}

line! {
    /// `{"tuples":…,"notes":…,"contact":…,"markup":…}`: what of a document is shown.
    pub(in crate::cli) struct ShownLine from shown: &Shown {
        /// `null` for all.
        tuples: Option<Vec<String>> = shown.tuples.as_ref().map(|tuples| {
            tuples.iter().map(|id| id.as_str().to_owned()).collect()
        }),
        notes: bool = shown.notes,
        contact: bool = shown.contact,
        markup: bool = shown.markup,
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
    use crate::model::{RuleName, Timestamp, TupleId};

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
            serde_json::to_string(&RuleLine::from((&rule(), 4))).unwrap(),
            r#"{"type":"rule","name":"work","who":"@d.example","fetch":"allow","subscribe":null,"view":{"tuples":["desk"],"notes":false,"contact":true,"markup":true},"until":"1970-01-01T00:00:01.000Z","version":4}"#
        );
    }

    #[test]
    fn people_read_a_rule_in_the_words_they_write_it_in() {
        let cells = RuleLine::from((&rule(), 4)).cells();
        assert_eq!(cells[..4], ["work", "for @d.example", "fetch allow", "tuples=desk,no-notes"]);
        let plain = AccessRule::plain("everyone".parse().unwrap(), Handling::PoliteBlock);
        assert_eq!(RuleLine::from((&plain, 1)).cells()[..4], ["everyone", "", "polite-block", ""]);
    }
}
