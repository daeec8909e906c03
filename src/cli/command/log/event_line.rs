//! How a recorded event is printed.
//!
//! Must never hold: what people wrote, unless it was asked for.

use std::fmt;

use serde_json::Value;

use super::fields;
use crate::cli::print::{line::line, text::visible_line, time::rfc3339};
use crate::event::{EntityKey, Operator, Recorded};

line! {
    /// `{"type":"event", …}`: an event with its place, time, kind and entity, and its own fields under `detail`; with
    /// `bodies` they show what people wrote.
    #[serde(tag = "type", rename = "event")]
    pub(in crate::cli) struct EventLine from (recorded, bodies): (&Recorded, bool) {
        sequence: u64 = recorded.sequence.get(),
        at: String = rfc3339(recorded.shown_at()),
        kind: &'static str = recorded.event.kind(),
        entity: String = entity_text(&recorded.event.entity()),
        detail: Value = fields::of(recorded, bodies),
    }
}

impl fmt::Display for EventLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} {} {} {}", self.sequence, self.at, self.kind, self.entity)?;
        let Value::Object(fields) = &self.detail else { return Ok(()) };
        fields.iter().filter(|(_, value)| !is_empty(value)).try_for_each(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            write!(to, " {name}={}", visible_line(&text))
        })
    }
}

/// Whether a value says nothing that a person would miss.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        _ => false,
    }
}

/// An entity by its name.
pub(super) fn entity_text(key: &EntityKey) -> String {
    match key {
        EntityKey::Invite(invite) => format!("invite:{invite}"),
        EntityKey::Principal(principal)
        | EntityKey::Watcher(principal)
        | EntityKey::Rules(principal)
        | EntityKey::Budget(principal)
        | EntityKey::Operations(Operator::Principal(principal)) => principal.to_string(),
        EntityKey::Presentity(presentity) | EntityKey::Audience(presentity) => {
            presentity.to_string()
        }
        EntityKey::Inbox(inbox) => inbox.to_string(),
        EntityKey::Domain(domain) => domain.to_string(),
        EntityKey::Store => "store".to_owned(),
        EntityKey::Clock => "clock".to_owned(),
        EntityKey::Operations(Operator::Device(device)) => format!("device:{device}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, MessageAccepted, MessageDigest, PublicationKey, Published};
    use crate::model::{
        Ahead, Basic, ContentType, DeviceId, Document, InboxSequence, MessageId, Moment, Note,
        OperationId, Payload, PublicationName, Sequence, Tag, Timestamp, Tuple, TupleId,
    };

    fn recorded(event: Event) -> Recorded {
        let (sequence, at) = (Sequence::new(7), Moment::from_us(1_000_000));
        Recorded { sequence, at, ahead: Ahead::ZERO, event }
    }

    fn message() -> Recorded {
        recorded(Event::MessageAccepted(MessageAccepted {
            inbox: "im:bob@localhost".parse().unwrap(),
            sequence: InboxSequence::new(1),
            sender: "alice@localhost".parse().unwrap(),
            device: DeviceId([1; 8]),
            id: MessageId::new("m1").unwrap(),
            content_type: ContentType::new("text/plain").unwrap(),
            body: Payload::text("se\u{1b}cret"),
            lifetime: None,
            digest: MessageDigest([0; 16]),
        }))
    }

    fn published() -> Recorded {
        let mut tuple = Tuple::plain(TupleId::new("main").unwrap(), Basic::Open);
        tuple.notes = vec![Note { language: String::new(), text: Payload::text("secret") }];
        recorded(Event::Published(Published {
            presentity: "pres:alice@localhost".parse().unwrap(),
            publication: PublicationKey {
                device: DeviceId([1; 8]),
                name: PublicationName::default(),
            },
            by: "alice@localhost".parse().unwrap(),
            operation: OperationId([0; 16]),
            tag: Tag([2; 16]),
            document: Document::new(vec![tuple], Vec::new(), Vec::new()).unwrap(),
            deadline: Timestamp::from_ms(2_000),
            previous: Sequence::ZERO,
            others: vec![Sequence::new(3)],
        }))
    }

    #[test]
    fn an_event_line_tells_place_time_kind_and_entity() {
        let line = EventLine::from((&message(), false));
        let json = serde_json::to_string(&line).unwrap();
        let start = r#"{"type":"event","sequence":7,"at":"1970-01-01T00:00:01.000Z","kind":"message-accepted","entity":"im:bob@localhost","detail":{"#;
        assert!(json.starts_with(start), "{json}");
        let start = "7 1970-01-01T00:00:01.000Z message-accepted im:bob@localhost ";
        assert!(line.to_string().starts_with(start), "{line}");
    }

    #[test]
    fn what_people_wrote_is_shown_only_on_request() {
        for recorded in [message(), published()] {
            let plain = EventLine::from((&recorded, false));
            let json = serde_json::to_string(&plain).unwrap();
            assert!(!json.contains("cret") && !plain.to_string().contains("cret"), "{json}");
            let all = EventLine::from((&recorded, true));
            assert!(serde_json::to_string(&all).unwrap().contains("cret"));
            assert!(all.to_string().contains("cret"));
        }
    }

    #[test]
    fn a_body_cannot_steer_the_terminal() {
        let text = EventLine::from((&message(), true)).to_string();
        assert!(text.contains("body=se␛cret"), "{text}");
    }
}
