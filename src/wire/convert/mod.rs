//! Between bodies and the model: what is decoded here is valid below.
//!
//! Whatever is read back was written by the same version or an older one; a number this version does not know is
//! refused by name. Must never hold: a check that the model's constructors do not make.

mod access;
mod addition;
mod delivery;
mod watching;

pub use access::{
    access_rule, access_rule_body, handling, handling_number, shown, shown_body, visibility_rule,
    visibility_rule_body,
};
pub use addition::{
    operation, operation_added, receipts, receipts_added, wants_watchers, watchers_added,
};
pub use delivery::{
    delivery_rule, delivery_rule_body, receipt, receipt_body, when_closed, when_closed_number,
};
pub use watching::{mode, mode_number, state, state_numbers, watcher, watcher_body};

use super::body::{self, Written};
use crate::model::limits::REFUSAL_TEXT_BYTES_MAX;
use crate::model::{
    Basic, Contact, ContentType, Document, InboxAddress, InboxSequence, Lifetime, Message,
    MessageId, Note, Payload, Presentity, Principal, Priority, Refusal, Role, SubscriptionState,
    Timestamp, Tuple, TupleId,
};

/// Reads a document.
///
/// # Errors
/// As [`Document::new`] and the constructors of its parts.
pub fn document(wire: body::Document) -> Result<Document, Refusal> {
    let tuples = wire.tuples.into_iter().map(tuple).collect::<Result<_, _>>()?;
    Document::new(tuples, notes(wire.notes), payloads(wire.markup))
}

fn tuple(wire: body::Tuple) -> Result<Tuple, Refusal> {
    Ok(Tuple {
        id: TupleId::new(&wire.id)?,
        basic: basic(wire.basic)?,
        status_markup: payloads(wire.status_markup),
        contact: wire.contact.map(contact).transpose()?,
        notes: notes(wire.notes),
        timestamp: wire.timestamp_ms.map(Timestamp::from_ms),
        markup: payloads(wire.markup),
    })
}

fn basic(number: u8) -> Result<Option<Basic>, Refusal> {
    match number {
        0 => Ok(None),
        1 => Ok(Some(Basic::Open)),
        2 => Ok(Some(Basic::Closed)),
        _ => Err(Refusal::bad_field("status", "is neither 0 (none), 1 (open) nor 2 (closed)")),
    }
}

fn contact(wire: body::Contact) -> Result<Contact, Refusal> {
    let priority = wire.priority.map(Priority::from_thousandths).transpose()?;
    Ok(Contact { uri: payload(wire.uri), priority })
}

fn notes(wire: Vec<body::Note>) -> Vec<Note> {
    wire.into_iter()
        .map(|note| Note { language: note.language, text: payload(note.text) })
        .collect()
}

fn payloads(wire: Vec<Written>) -> Vec<Payload> {
    wire.into_iter().map(payload).collect()
}

fn payload(wire: Written) -> Payload {
    wire.map_or(Payload::Erased, Payload::Present)
}

fn written(payload: &Payload) -> Written {
    payload.bytes().cloned()
}

/// Writes a document.
pub fn document_body(document: &Document) -> body::Document {
    body::Document {
        tuples: document.tuples().iter().map(tuple_body).collect(),
        notes: document.notes().iter().map(note_body).collect(),
        markup: document.markup().iter().map(written).collect(),
    }
}

fn tuple_body(tuple: &Tuple) -> body::Tuple {
    body::Tuple {
        id: tuple.id.as_str().to_owned(),
        basic: match tuple.basic {
            None => 0,
            Some(Basic::Open) => 1,
            Some(Basic::Closed) => 2,
        },
        status_markup: tuple.status_markup.iter().map(written).collect(),
        contact: tuple.contact.as_ref().map(|contact| body::Contact {
            uri: written(&contact.uri),
            priority: contact.priority.map(Priority::thousandths),
        }),
        notes: tuple.notes.iter().map(note_body).collect(),
        timestamp_ms: tuple.timestamp.map(Timestamp::as_ms),
        markup: tuple.markup.iter().map(written).collect(),
    }
}

fn note_body(note: &Note) -> body::Note {
    body::Note { language: note.language.clone(), text: written(&note.text) }
}

/// Writes what a watcher is shown of a presentity.
pub fn presence_body(
    presentity: &Presentity,
    state: SubscriptionState,
    document: Option<&Document>,
) -> body::PresenceBody {
    let (state, reason) = state_numbers(state);
    let document = document.map(document_body).unwrap_or_default();
    body::PresenceBody { presentity: presentity.to_string(), state, reason, document }
}

/// Reads what a watcher is shown. Nothing published and an empty document are one and the same.
///
/// # Errors
/// The refusal of the first part that is not valid.
pub fn presence(
    wire: body::PresenceBody,
) -> Result<(Presentity, SubscriptionState, Document), Refusal> {
    let presentity = wire.presentity.parse()?;
    Ok((presentity, state(wire.state, wire.reason)?, document(wire.document)?))
}

/// Reads a role.
///
/// # Errors
/// [`Refusal::BadField`] for a role this version does not know.
pub fn role(number: u8) -> Result<Role, Refusal> {
    match number {
        0 => Ok(Role::User),
        1 => Ok(Role::Administrator),
        _ => Err(Refusal::bad_field("role", "is neither 0 (user) nor 1 (administrator)")),
    }
}

/// Number of a role.
pub const fn role_number(role: Role) -> u8 {
    match role {
        Role::User => 0,
        Role::Administrator => 1,
    }
}

/// Writes the answer to a request that was refused; `request` is 0 where requests have no number.
///
/// The text is cut to [`REFUSAL_TEXT_BYTES_MAX`], so that no refusal can outgrow a frame by what it repeats.
pub fn refused(request: u64, refusal: &Refusal) -> body::Refused {
    let mut message = refusal.to_string();
    message.truncate(message.floor_char_boundary(REFUSAL_TEXT_BYTES_MAX));
    body::Refused {
        request,
        code: refusal.code().number(),
        message,
        retry_after_ms: refusal.retry_after().map(Lifetime::as_ms),
    }
}

/// Writes a message.
pub fn message_body(message: &Message) -> body::MessageBody {
    body::MessageBody {
        inbox: message.inbox.to_string(),
        sequence: message.sequence.get(),
        sender: message.sender.to_string(),
        id: message.id.as_str().to_owned(),
        content_type: message.content_type.as_str().to_owned(),
        body: written(&message.body),
        accepted_at_ms: message.accepted_at.as_ms(),
        lifetime_ms: message.lifetime.map(Lifetime::as_ms),
    }
}

/// Reads a message.
///
/// # Errors
/// The refusal of the first part that is not valid.
pub fn message(wire: body::MessageBody) -> Result<Message, Refusal> {
    Ok(Message {
        inbox: wire.inbox.parse::<InboxAddress>()?,
        sequence: InboxSequence::new(wire.sequence),
        sender: wire.sender.parse::<Principal>()?,
        id: MessageId::new(&wire.id)?,
        content_type: ContentType::new(&wire.content_type)?,
        body: payload(wire.body),
        accepted_at: Timestamp::from_ms(wire.accepted_at_ms),
        lifetime: wire.lifetime_ms.map(Lifetime::from_ms),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::watching::tests::any_state;
    use super::*;
    use crate::model::limits::{
        CONTACT_BYTES_MAX, CURSOR_BYTES_MAX, DOCUMENT_BYTES_MAX, FRAME_BYTES_MAX, MARKUP_MAX,
        NOTES_MAX, TUPLES_MAX,
    };
    use crate::wire::encode_presence_suffix;

    fn payloads_of(pattern: &'static str) -> impl Strategy<Value = Payload> {
        prop_oneof![4 => pattern.prop_map(|text| Payload::text(&text)), 1 => Just(Payload::Erased)]
    }

    fn any_notes() -> impl Strategy<Value = Vec<Note>> {
        let note = ("[a-zA-Z-]{0,8}", payloads_of("\\PC{0,20}"))
            .prop_map(|(language, text)| Note { language, text });
        prop::collection::vec(note, 0..3)
    }

    fn any_markup() -> impl Strategy<Value = Vec<Payload>> {
        prop::collection::vec(payloads_of("<\\PC{0,20}/>"), 0..3)
    }

    fn any_contact() -> impl Strategy<Value = Contact> {
        let priority = prop::option::of(0_u16..=1_000);
        (payloads_of("[a-z]{1,5}:[a-z@.]{1,20}"), priority).prop_map(|(uri, priority)| Contact {
            uri,
            priority: priority.map(|number| Priority::from_thousandths(number).unwrap()),
        })
    }

    fn any_tuple() -> impl Strategy<Value = Tuple> {
        let basic = prop_oneof![Just(Basic::Open), Just(Basic::Closed)];
        let contact = prop::option::of(any_contact());
        let timestamp = prop::option::of(any::<u64>());
        (basic, any_markup(), contact, any_notes(), timestamp, any_markup()).prop_map(
            |(basic, status_markup, contact, notes, timestamp, markup)| Tuple {
                id: TupleId::new("replaced").unwrap(),
                basic: Some(basic).filter(|_| status_markup.is_empty()),
                status_markup,
                contact,
                notes,
                timestamp: timestamp.map(Timestamp::from_ms),
                markup,
            },
        )
    }

    fn any_document() -> impl Strategy<Value = Document> {
        let tuples = prop::collection::vec(any_tuple(), 0..5);
        (tuples, any_notes(), any_markup()).prop_map(|(mut tuples, notes, markup)| {
            for (number, tuple) in tuples.iter_mut().enumerate() {
                tuple.id = TupleId::new(&format!("tuple-{number}")).unwrap();
            }
            Document::new(tuples, notes, markup).unwrap()
        })
    }

    fn any_message() -> impl Strategy<Value = Message> {
        let body = payloads_of("\\PC{1,50}");
        let id = "[!-~]{1,64}";
        (any::<[u64; 2]>(), id, body, prop::option::of(any::<u64>())).prop_map(
            |([sequence, at], id, body, lifetime)| Message {
                inbox: "im:bob@example.com".parse().unwrap(),
                sequence: InboxSequence::new(sequence),
                sender: "alice@example.com".parse().unwrap(),
                id: MessageId::new(&id).unwrap(),
                content_type: ContentType::new("text/plain; charset=utf-8").unwrap(),
                body,
                accepted_at: Timestamp::from_ms(at),
                lifetime: lifetime.map(Lifetime::from_ms),
            },
        )
    }

    proptest! {
        #[test]
        fn a_document_reads_back(given in any_document()) {
            prop_assert_eq!(document(document_body(&given)), Ok(given));
        }

        #[test]
        fn presence_reads_back(given in any_document(), state in any_state()) {
            let alice: Presentity = "pres:alice@example.com".parse().unwrap();
            let wire = presence_body(&alice, state, Some(&given));
            prop_assert_eq!(presence(wire), Ok((alice, state, given)));
        }

        #[test]
        fn a_message_reads_back(given in any_message()) {
            prop_assert_eq!(message(message_body(&given)), Ok(given));
        }

        #[test]
        fn numbers_are_read_as_written_or_refused(number in any::<u8>()) {
            prop_assert!(role(number).map_or(number > 1, |it| role_number(it) == number));
            prop_assert!(basic(number).is_ok() == (number < 3));
        }
    }

    #[test]
    fn nothing_published_looks_like_an_empty_document() {
        let alice: Presentity = "pres:alice@example.com".parse().unwrap();
        let empty = Document::new(vec![], vec![], vec![]).unwrap();
        let shown = |document| presence_body(&alice, SubscriptionState::Active, document);
        assert_eq!(shown(None), shown(Some(&empty)));
    }

    #[test]
    fn a_refusal_carries_code_and_cure_and_never_outgrows_a_frame() {
        let busy = refused(7, &Refusal::Busy { retry_after: Lifetime::from_ms(2_000) });
        assert_eq!((busy.request, busy.code, busy.retry_after_ms), (7, 32, Some(2_000)));
        assert!(busy.message.contains("try again"));
        let long = refused(0, &Refusal::NotYourSender { given: "é".repeat(50_000) });
        assert!(long.message.len() <= REFUSAL_TEXT_BYTES_MAX);
        assert!(long.message.len() >= REFUSAL_TEXT_BYTES_MAX - 3);
    }

    /// As many parts as may be, each as small as may be: the most framing for the least text.
    fn full_of_parts(tuples: usize, notes: usize, markup: usize) -> Result<Document, Refusal> {
        let note = || Note { language: String::new(), text: Payload::text("") };
        let tuple = |number: usize| Tuple {
            id: TupleId::new(&number.to_string()).unwrap(),
            basic: Some(Basic::Open),
            status_markup: vec![],
            contact: None,
            notes: (0..notes).map(|_| note()).collect(),
            timestamp: Some(Timestamp::from_ms(u64::MAX)),
            markup: (0..markup).map(|_| Payload::text("")).collect(),
        };
        Document::new((0..tuples).map(tuple).collect(), vec![], vec![])
    }

    /// Fills up what `document` leaves free, in the document's own markup.
    fn filled_up(document: &Document) -> Document {
        let room = DOCUMENT_BYTES_MAX - document.payload_bytes();
        let with = |length: usize| {
            let text = Payload::text(&"x".repeat(length));
            Document::new(document.tuples().to_vec(), vec![], vec![text])
        };
        (0..10).find_map(|less| with(room.saturating_sub(less)).ok()).unwrap()
    }

    #[test]
    fn every_document_that_may_exist_fits_a_frame() {
        let alice: Presentity = "pres:alice@example.com".parse().unwrap();
        for (tuples, notes, markup) in
            [(0, 0, 0), (1, 0, 0), (TUPLES_MAX, 0, 0), (TUPLES_MAX, NOTES_MAX, MARKUP_MAX)]
        {
            let document = filled_up(&full_of_parts(tuples, notes, markup).unwrap());
            let wire = presence_body(&alice, SubscriptionState::Active, Some(&document));
            let bytes = encode_presence_suffix(&wire).len();
            let around = CURSOR_BYTES_MAX + CONTACT_BYTES_MAX;
            assert!(bytes + around <= FRAME_BYTES_MAX, "{tuples} {notes} {markup}: {bytes}");
        }
    }
}
