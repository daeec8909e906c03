//! How presence is printed, by `fetch` and by `watch`.
//!
//! Must never hold: a value that the document does not say.

use std::fmt;

use serde::Serialize;

use crate::cli::print::{
    line::line,
    note::{NoteLine, Written},
    rich::{ComponentLine, SaidLine},
    text::visible_line,
    time::rfc3339,
};
use crate::client::Presence;
use crate::format::pidf;
use crate::model::{Basic, Document, LeftOut, SubscriptionState, Tuple};

line! {
    /// `{"type":"presence", …}`: the state of a presentity as the watcher may see it.
    #[serde(tag = "type", rename = "presence")]
    pub(in crate::cli) struct PresenceLine from (presence, cursor): (&Presence, Option<String>) {
        presentity: String = presence.presentity.to_string(),
        state: &'static str = presence.state.as_str(),
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'static str> = match presence.state {
            SubscriptionState::Terminated(reason) => Some(reason.as_str()),
            _ => None,
        },
        #[serde(flatten)]
        document: DocumentLine = DocumentLine::from(&presence.document),
        /// Where the watch stands after this line; `null` for a fetch.
        cursor: Option<String> = cursor,
    }
}

line! {
    /// What a presentity shows.
    pub(in crate::cli) struct DocumentLine from document: &Document {
        tuples: Vec<TupleLine> = document.tuples().iter().map(TupleLine::from).collect(),
        /// Notes about the whole presentity.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        notes: Vec<NoteLine> = document.notes().iter().map(NoteLine::new).collect(),
        #[serde(skip_serializing_if = "Vec::is_empty")]
        persons: Vec<ComponentLine> = pidf::persons(document).into_iter().map(Into::into).collect(),
        #[serde(skip_serializing_if = "Vec::is_empty")]
        devices: Vec<ComponentLine> = pidf::devices(document).into_iter().map(Into::into).collect(),
        #[serde(flatten)]
        said: SaidLine = SaidLine(pidf::said_of_all(document)),
        /// What more is published than one document holds.
        #[serde(skip_serializing_if = "Option::is_none")]
        left_out: Option<LeftOutLine> = LeftOutLine::of(document.left_out()),
    }
}

#[derive(Clone, Copy, Debug, Serialize)]
struct LeftOutLine {
    tuples: u32,
    notes: u32,
    markup: u32,
}

line! {
    /// One tuple.
    struct TupleLine from tuple: &Tuple {
        id: String = tuple.id.as_str().to_owned(),
        /// `null` if the status has only values of other kinds.
        status: Option<&'static str> = tuple.basic.map(Basic::as_str),
        /// The first note.
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<Written> = tuple.notes.first().map(|note| Written::of(&note.text)),
        /// All notes, if there are several or one tells its language.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        notes: Vec<NoteLine> = match tuple.notes.as_slice() {
            [only] if only.language.is_empty() => Vec::new(),
            notes => notes.iter().map(NoteLine::new).collect(),
        },
        #[serde(skip_serializing_if = "Option::is_none")]
        contact: Option<Written> = tuple.contact.as_ref().map(|contact| Written::of(&contact.uri)),
        #[serde(skip_serializing_if = "Option::is_none")]
        priority: Option<f64> = tuple.contact.as_ref().and_then(|contact| contact.priority)
            .map(|priority| f64::from(priority.thousandths()) / 1_000.0),
        #[serde(skip_serializing_if = "Option::is_none")]
        timestamp: Option<String> = tuple.timestamp.map(rfc3339),
        #[serde(flatten)]
        said: SaidLine = SaidLine(pidf::said_of(tuple)),
    }
}

impl DocumentLine {
    /// A line for each person and device that says something people are shown.
    fn components(&self) -> Vec<String> {
        let persons = self.persons.iter().map(|one| ("person", one.to_string()));
        let all = persons.chain(self.devices.iter().map(|one| ("device", one.to_string())));
        let shown = all.filter(|(_, text)| !text.is_empty());
        shown.map(|(kind, text)| format!("{kind}: {text}")).collect()
    }
}

impl LeftOutLine {
    fn of(left_out: LeftOut) -> Option<Self> {
        let LeftOut { tuples, notes, markup } = left_out;
        (!left_out.is_none()).then_some(Self { tuples, notes, markup })
    }
}

impl TupleLine {
    fn all_notes(&self) -> Vec<NoteLine> {
        match (&self.note, self.notes.is_empty()) {
            (Some(text), true) => vec![NoteLine { text: text.clone(), lang: String::new() }],
            _ => self.notes.clone(),
        }
    }
}

impl fmt::Display for PresenceLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}:", self.presentity)?;
        if let Some(reason) = self.reason {
            return write!(to, " the subscription has ended ({reason})");
        }
        if self.state == SubscriptionState::Pending.as_str() {
            return to.write_str(" pending, its owner has not decided yet");
        }
        write!(to, " {}", self.document)
    }
}

impl fmt::Display for DocumentLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for note in &self.notes {
            write!(to, "{note} ")?;
        }
        if !self.said.is_silent() {
            write!(to, "{} ", self.said)?;
        }
        let components = self.components();
        match self.tuples.as_slice() {
            [] if components.is_empty() => to.write_str("nothing published")?,
            [] => to.write_str("no tuples")?,
            [only] => write!(to, "{only}")?,
            several => {
                write!(to, "{} tuples", several.len())?;
                several.iter().try_for_each(|tuple| write!(to, "\n  {tuple}"))?;
            }
        }
        components.iter().try_for_each(|component| write!(to, "\n  {component}"))?;
        let Some(LeftOutLine { tuples, notes, markup }) = self.left_out else { return Ok(()) };
        write!(to, "\n  {}", LeftOut { tuples, notes, markup })
    }
}

impl fmt::Display for TupleLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} [{}]", self.status.unwrap_or("other"), visible_line(&self.id))?;
        if !self.said.is_silent() {
            write!(to, " {}", self.said)?;
        }
        for note in self.all_notes() {
            write!(to, " {note}")?;
        }
        if let Some(contact) = &self.contact {
            write!(to, " at {}", contact.shown(visible_line))?;
        }
        if let Some(priority) = self.priority {
            write!(to, " (priority {priority})")?;
        }
        match &self.timestamp {
            Some(timestamp) => write!(to, " since {timestamp}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Contact, EndReason, Note, Payload, Timestamp, TupleId};

    fn note(text: &str, language: &str) -> Note {
        Note { language: language.into(), text: Payload::text(text) }
    }

    fn tuple() -> Tuple {
        let contact = Contact {
            uri: Payload::text("im:alice@localhost"),
            priority: Some("0.8".parse().unwrap()),
        };
        let mut tuple = Tuple::plain(TupleId::new("desk").unwrap(), Basic::Open);
        tuple.contact = Some(contact);
        tuple.notes = vec![note("at my desk", "")];
        tuple.timestamp = Some(Timestamp::from_ms(1_000));
        tuple
    }

    fn line(tuples: Vec<Tuple>, state: SubscriptionState, cursor: Option<&str>) -> PresenceLine {
        let document = Document::new(tuples, Vec::new(), Vec::new()).unwrap();
        let presentity = "pres:alice@localhost".parse().unwrap();
        let presence = Presence { presentity, state, document };
        PresenceLine::from((&presence, cursor.map(str::to_owned)))
    }

    fn json(line: &PresenceLine) -> String {
        serde_json::to_string(line).unwrap()
    }

    #[test]
    fn a_presence_line_has_the_promised_fields() {
        let line = line(vec![tuple()], SubscriptionState::Active, Some("AbC"));
        assert_eq!(
            json(&line),
            r#"{"type":"presence","presentity":"pres:alice@localhost","state":"active","tuples":[{"id":"desk","status":"open","note":"at my desk","contact":"im:alice@localhost","priority":0.8,"timestamp":"1970-01-01T00:00:01.000Z"}],"cursor":"AbC"}"#
        );
        assert_eq!(
            line.to_string(),
            "pres:alice@localhost: open [desk] \"at my desk\" at im:alice@localhost (priority 0.8) since 1970-01-01T00:00:01.000Z"
        );
    }

    #[test]
    fn what_is_not_said_is_left_out() {
        let plain = Tuple::plain(TupleId::new("t").unwrap(), Basic::Closed);
        let line = line(vec![plain], SubscriptionState::Active, None);
        assert_eq!(
            json(&line),
            r#"{"type":"presence","presentity":"pres:alice@localhost","state":"active","tuples":[{"id":"t","status":"closed"}],"cursor":null}"#
        );
        assert_eq!(line.to_string(), "pres:alice@localhost: closed [t]");
    }

    #[test]
    fn an_ended_subscription_tells_its_reason() {
        let line = line(Vec::new(), SubscriptionState::Terminated(EndReason::Timeout), None);
        assert!(json(&line).contains(r#""state":"terminated","reason":"timeout""#));
        assert_eq!(line.to_string(), "pres:alice@localhost: the subscription has ended (timeout)");
    }

    #[test]
    fn an_undecided_subscription_is_told_and_shows_nothing() {
        let line = line(Vec::new(), SubscriptionState::Pending, None);
        assert!(json(&line).contains(r#""state":"pending","tuples":[]"#));
        assert_eq!(
            line.to_string(),
            "pres:alice@localhost: pending, its owner has not decided yet"
        );
    }

    #[test]
    fn several_notes_come_with_their_languages() {
        let mut tuple = tuple();
        tuple.notes = vec![note("away", "en"), note("absent", "fr")];
        let line = line(vec![tuple], SubscriptionState::Active, None);
        let expected =
            r#""note":"away","notes":[{"text":"away","lang":"en"},{"text":"absent","lang":"fr"}]"#;
        assert!(json(&line).contains(expected), "{}", json(&line));
        assert!(line.to_string().contains("\"away\" (en) \"absent\" (fr)"), "{line}");
    }

    #[test]
    fn several_tuples_have_a_line_each() {
        let second = Tuple::plain(TupleId::new("phone").unwrap(), Basic::Closed);
        let line = line(vec![tuple(), second], SubscriptionState::Active, None);
        assert_eq!(line.to_string().lines().count(), 3);
    }

    #[test]
    fn an_erased_note_is_null_and_nothing_published_is_told() {
        let mut tuple = tuple();
        tuple.notes = vec![Note { language: String::new(), text: Payload::Erased }];
        let erased = line(vec![tuple], SubscriptionState::Active, None);
        assert!(json(&erased).contains(r#""note":null"#));
        assert!(erased.to_string().contains("(erased)"));
        let nothing = line(Vec::new(), SubscriptionState::Active, None);
        assert_eq!(nothing.to_string(), "pres:alice@localhost: nothing published");
    }

    #[test]
    fn what_is_left_out_is_told_with_its_counts() {
        let left_out = LeftOut { tuples: 2, notes: 1, markup: 0 };
        let document = Document::composed((vec![tuple()], vec![], vec![]), left_out).unwrap();
        let presentity = "pres:alice@localhost".parse().unwrap();
        let presence = Presence { presentity, state: SubscriptionState::Active, document };
        let line = PresenceLine::from((&presence, None));
        let expected = r#""left_out":{"tuples":2,"notes":1,"markup":0}"#;
        assert!(json(&line).contains(expected), "{}", json(&line));
        let told =
            "left out: tuples 2, notes 1, extensions 0; more is published than one document holds";
        assert_eq!(line.to_string().lines().last().unwrap().trim(), told);
    }

    #[test]
    fn a_note_cannot_steer_the_terminal_or_forge_a_line() {
        let mut tuple = tuple();
        tuple.notes = vec![note("x\u{1b}[2J\npres:eve@localhost: open", "")];
        let text = line(vec![tuple], SubscriptionState::Active, None).to_string();
        assert_eq!(text.lines().count(), 1);
        assert!(!text.contains('\u{1b}'));
    }
}
