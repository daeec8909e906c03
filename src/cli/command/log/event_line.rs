//! How a recorded event is printed.
//!
//! Must never hold: what people wrote, unless it was asked for.

use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::governance;
use crate::cli::print::text::visible_line;
use crate::cli::print::time::rfc3339;
use crate::event::{
    EntityKey, Event, InviteCause, MessageAccepted, MessageCause, PublicationCause,
    PublicationEnded, Published, Recorded,
};
use crate::model::{Document, Mode, Payload, Presentity, Role, Sequence, Timestamp, Tuple};

/// `{"type":"event", …}`: an event with its place, time, kind and entity, and its own fields under `detail`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "event")]
pub(super) struct EventLine {
    sequence: u64,
    at: String,
    kind: &'static str,
    entity: String,
    detail: Value,
}

impl EventLine {
    /// The line for `recorded`; with `bodies` it shows what people wrote.
    pub(super) fn new(recorded: &Recorded, bodies: bool) -> Self {
        Self {
            sequence: recorded.sequence.get(),
            at: rfc3339(recorded.at.timestamp()),
            kind: recorded.event.kind(),
            entity: entity(&recorded.event.entity()),
            detail: Shown { bodies }.event(&recorded.event),
        }
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

fn entity(key: &EntityKey) -> String {
    match key {
        EntityKey::Invite(invite) => format!("invite:{}", HEXLOWER.encode(&invite.0[..8])),
        EntityKey::Principal(principal)
        | EntityKey::Watcher(principal)
        | EntityKey::Rules(principal) => principal.to_string(),
        EntityKey::Presentity(presentity) | EntityKey::Audience(presentity) => {
            presentity.to_string()
        }
        EntityKey::Inbox(inbox) => inbox.to_string(),
        EntityKey::Domain(domain) => domain.to_string(),
    }
}

/// How much of what people wrote is shown.
struct Shown {
    bodies: bool,
}

impl Shown {
    fn event(&self, event: &Event) -> Value {
        match event {
            Event::InviteCreated(event) => json!({
                "principal": event.principal.as_ref().map(ToString::to_string),
                "domain": event.domain,
                "role": role(event.role),
                "by": event.by.as_ref().map(ToString::to_string),
                "expires_at": rfc3339(event.expires_at),
            }),
            Event::InviteEnded(event) => json!({ "cause": match event.cause {
                InviteCause::Spent => "spent",
                InviteCause::Expired => "expired",
            }}),
            Event::KeyEnrolled(event) => json!({
                "device": event.key.device().to_string(),
                "label": event.label.as_str(),
                "role": role(event.role),
                "invited": event.invite.is_some(),
            }),
            Event::KeyRevoked(event) => {
                json!({ "device": event.device.to_string(), "by": event.by.to_string() })
            }
            Event::Published(event) => self.published(event),
            Event::PublicationRefreshed(event) => json!({
                "device": event.publication.device.to_string(),
                "name": event.publication.name.as_str(),
                "tag": event.tag.to_string(),
                "deadline": rfc3339(event.deadline),
            }),
            Event::PublicationEnded(event) => publication_ended(event),
            Event::SubscriptionCreated(event) => {
                subscription(&event.presentity, event.mode, event.expires_at)
            }
            Event::SubscriptionRefreshed(event) => {
                subscription(&event.presentity, event.mode, event.expires_at)
            }
            Event::SubscriptionEnded(event) => json!({
                "presentity": event.presentity.to_string(),
                "reason": event.reason.as_str(),
            }),
            Event::MessageAccepted(event) => self.message(event),
            Event::MessageEnded(event) => json!({
                "position": event.sequence.get(),
                "cause": match event.cause {
                    MessageCause::Deleted { .. } => "deleted",
                    MessageCause::Expired => "expired",
                    MessageCause::Retention => "retention",
                    MessageCause::Withdrawn => "withdrawn",
                },
            }),
            Event::Acknowledged(event) => json!({
                "device": event.device.to_string(),
                "through": event.through.get(),
            }),
            Event::MessageQuarantined(event) => {
                let mut detail = self.message(&event.message);
                detail["rule"] = event.rule.as_str().into();
                detail
            }
            other => governance::detail(other, self.bodies),
        }
    }

    fn published(&self, event: &Published) -> Value {
        json!({
            "device": event.publication.device.to_string(),
            "name": event.publication.name.as_str(),
            "tag": event.tag.to_string(),
            "document": self.document(&event.document),
            "deadline": rfc3339(event.deadline),
            "previous": event.previous.get(),
            "others": sequences(&event.others),
        })
    }

    fn message(&self, event: &MessageAccepted) -> Value {
        json!({
            "position": event.sequence.get(),
            "from": event.sender.to_string(),
            "device": event.device.to_string(),
            "id": event.id.as_str(),
            "content_type": event.content_type.as_str(),
            "body": self.payload(&event.body),
            "ttl_s": event.lifetime.map(crate::model::Lifetime::as_secs),
        })
    }

    fn document(&self, document: &Document) -> Value {
        let mut fields = Map::new();
        let tuples = document.tuples().iter().map(|tuple| self.tuple(tuple));
        fields.insert("tuples".into(), tuples.collect());
        if !document.notes().is_empty() {
            let notes = document.notes().iter().map(|note| self.payload(&note.text));
            fields.insert("notes".into(), notes.collect());
        }
        if !document.markup().is_empty() {
            fields.insert("markup".into(), document.markup().len().into());
        }
        Value::Object(fields)
    }

    fn tuple(&self, tuple: &Tuple) -> Value {
        let mut fields = Map::new();
        fields.insert("id".into(), tuple.id.as_str().into());
        fields.insert("status".into(), tuple.basic.map(crate::model::Basic::as_str).into());
        if !tuple.notes.is_empty() {
            let notes = tuple.notes.iter().map(|note| self.payload(&note.text));
            fields.insert("notes".into(), notes.collect());
        }
        if let Some(contact) = &tuple.contact {
            fields.insert("contact".into(), self.payload(&contact.uri));
        }
        let markup = tuple.markup.len() + tuple.status_markup.len();
        if markup > 0 {
            fields.insert("markup".into(), markup.into());
        }
        Value::Object(fields)
    }

    fn payload(&self, payload: &Payload) -> Value {
        match (payload.bytes(), payload.as_text()) {
            (None, _) => "(erased)".into(),
            (Some(bytes), _) if !self.bodies => format!("({} bytes)", bytes.len()).into(),
            (Some(_), Some(text)) => text.into(),
            (Some(bytes), None) => BASE64.encode(bytes).into(),
        }
    }
}

fn role(role: Role) -> &'static str {
    role.as_str()
}

fn subscription(presentity: &Presentity, mode: Mode, expires_at: Timestamp) -> Value {
    json!({
        "presentity": presentity.to_string(),
        "mode": governance::mode(mode),
        "expires_at": rfc3339(expires_at),
    })
}

fn publication_ended(event: &PublicationEnded) -> Value {
    json!({
        "device": event.publication.device.to_string(),
        "name": event.publication.name.as_str(),
        "cause": match event.cause {
            PublicationCause::Removed { .. } => "removed",
            PublicationCause::Expired => "expired",
            PublicationCause::Withdrawn => "withdrawn",
        },
        "previous": event.previous.get(),
        "others": sequences(&event.others),
    })
}

fn sequences(places: &[Sequence]) -> Value {
    places.iter().map(|place| place.get()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{MessageDigest, PublicationKey};
    use crate::model::{
        Basic, ContentType, DeviceId, InboxSequence, MessageId, Moment, Note, OperationId,
        PublicationName, Tag, TupleId,
    };

    fn recorded(event: Event) -> Recorded {
        Recorded { sequence: Sequence::new(7), at: Moment::from_us(1_000_000), event }
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
        let line = EventLine::new(&message(), false);
        let json = serde_json::to_string(&line).unwrap();
        let start = r#"{"type":"event","sequence":7,"at":"1970-01-01T00:00:01.000Z","kind":"message-accepted","entity":"im:bob@localhost","detail":{"#;
        assert!(json.starts_with(start), "{json}");
        let start = "7 1970-01-01T00:00:01.000Z message-accepted im:bob@localhost ";
        assert!(line.to_string().starts_with(start), "{line}");
    }

    #[test]
    fn what_people_wrote_is_shown_only_on_request() {
        for recorded in [message(), published()] {
            let plain = EventLine::new(&recorded, false);
            let json = serde_json::to_string(&plain).unwrap();
            assert!(!json.contains("cret") && !plain.to_string().contains("cret"), "{json}");
            let all = EventLine::new(&recorded, true);
            assert!(serde_json::to_string(&all).unwrap().contains("cret"));
            assert!(all.to_string().contains("cret"));
        }
    }

    #[test]
    fn a_body_cannot_steer_the_terminal() {
        let text = EventLine::new(&message(), true).to_string();
        assert!(text.contains("body=se␛cret"), "{text}");
    }
}
