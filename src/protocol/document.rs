//! Presence documents, and presence as a watcher is shown it.
//!
//! Must never hold: a check that the model's constructors do not make.

use bytes::Bytes;

use super::field::{Field, fields, numbered};
use super::framed::Framed;
use super::sample::{ALICE, Sample, TIME_MS, through, written as text};
use super::subscribe::{state, state_numbers};
use crate::model::{
    Basic, Contact, Document, LeftOut, Note, Payload, Presentity, Priority, Refusal,
    SubscriptionState, Tuple,
};

/// Frozen bodies and their parts.
pub mod body {
    use bytes::Bytes;
    use serde::{Deserialize, Serialize};

    crate::protocol::kind::bodies! {
        /// Answer to `Fetch`.
        0x0120 Presence {
            /// What the watcher is shown.
            presence: PresenceBody,
            ;
            /// How much more was published than one document holds.
            1 left_out,
        }
    }

    /// What a person wrote, or `None` once it was erased.
    pub type Written = Option<Bytes>;

    /// Presence information.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Document {
        /// At most 100.
        pub tuples: Vec<Tuple>,
        /// About the whole presentity.
        pub notes: Vec<Note>,
        /// Extension elements, opaque UTF-8.
        pub markup: Vec<Written>,
    }

    /// A presence tuple.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Tuple {
        /// Its name.
        pub id: String,
        /// 0: none. 1: open. 2: closed.
        pub basic: u8,
        /// Extension elements of the status.
        pub status_markup: Vec<Written>,
        /// The communication address.
        pub contact: Option<Contact>,
        /// Notes, one per language.
        pub notes: Vec<Note>,
        /// When the status last changed.
        pub timestamp_ms: Option<u64>,
        /// Extension elements.
        pub markup: Vec<Written>,
    }

    /// A communication address.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Contact {
        /// An absolute URI.
        pub uri: Written,
        /// Thousandths, 0 to 1000.
        pub priority: Option<u16>,
    }

    /// A note.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Note {
        /// RFC 5646 tag or empty.
        pub language: String,
        /// UTF-8.
        pub text: Written,
    }

    /// The state of one presentity as one watcher is shown it.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct PresenceBody {
        /// `pres:` URI.
        pub presentity: String,
        /// 1: active. 2: terminated. 3: pending.
        pub state: u8,
        /// 0: none. 1: timeout. 2: deactivated. 3: rejected. 4: giveup. 5: noresource.
        pub reason: u8,
        /// What is shown; empty when terminated.
        pub document: Document,
    }
}

/// What a watcher is shown of a presentity. Answers a [`Fetch`](super::Fetch) or a [`FetchAt`](super::FetchAt).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Whose.
    pub presentity: Presentity,
    /// Where the subscription stands; active for a fetch.
    pub state: SubscriptionState,
    /// Its presence; empty when nothing is published or the subscription ended.
    pub document: Document,
}

impl Framed for Presence {
    type Body = body::Presence;
}

impl Field<body::Presence> for Presence {
    fn to_wire(&self) -> body::Presence {
        presence_body(&self.presentity, self.state, Some(&self.document))
    }

    fn from_wire(wire: body::Presence) -> Result<Self, Refusal> {
        let body::Presence { presence, left_out } = wire;
        Ok(Self {
            presentity: Field::from_wire(presence.presentity)?,
            state: state(presence.state, presence.reason)?,
            document: composed(presence.document, read_left_out(left_out.as_ref())?)?,
        })
    }
}

/// Writes how much is left out; nothing if nothing is.
fn left_out_addition(left_out: LeftOut) -> Option<Bytes> {
    let counts = [left_out.tuples, left_out.notes, left_out.markup];
    let bytes = || counts.into_iter().flat_map(u32::to_be_bytes).collect();
    (!left_out.is_none()).then(bytes)
}

fn read_left_out(addition: Option<&Bytes>) -> Result<LeftOut, Refusal> {
    let Some(bytes) = addition else { return Ok(LeftOut::default()) };
    let (counts, []) = bytes.as_chunks::<4>() else { return Err(not_counts()) };
    let [tuples, notes, markup] = *counts else { return Err(not_counts()) };
    let [tuples, notes, markup] = [tuples, notes, markup].map(u32::from_be_bytes);
    Ok(LeftOut { tuples, notes, markup })
}

fn not_counts() -> Refusal {
    Refusal::bad_field("counts of what is left out", "must have 12 bytes; send that many")
}

/// Reads what several publications were composed to.
fn composed(wire: body::Document, left_out: LeftOut) -> Result<Document, Refusal> {
    let (tuples, notes) = (Field::from_wire(wire.tuples)?, Field::from_wire(wire.notes)?);
    Document::composed((tuples, notes, Field::from_wire(wire.markup)?), left_out)
}

impl Field<body::Document> for Document {
    fn to_wire(&self) -> body::Document {
        body::Document {
            tuples: self.tuples().iter().map(Tuple::to_wire).collect(),
            notes: self.notes().iter().map(Note::to_wire).collect(),
            markup: self.markup().iter().map(Payload::to_wire).collect(),
        }
    }

    fn from_wire(wire: body::Document) -> Result<Self, Refusal> {
        let tuples = Field::from_wire(wire.tuples)?;
        Self::new(tuples, Field::from_wire(wire.notes)?, Field::from_wire(wire.markup)?)
    }
}

fields! {
    Tuple in body::Tuple:
    id, basic, status_markup, contact, notes, markup; timestamp_ms = timestamp
}
fields! { Contact in body::Contact: uri, priority }
fields! { Note in body::Note: language, text }
numbered! {
    Option<Basic>, "status", "is neither 0 (none), 1 (open) nor 2 (closed)": 1 Open, 2 Closed
}

impl Field<u16> for Priority {
    fn to_wire(&self) -> u16 {
        self.thousandths()
    }

    fn from_wire(wire: u16) -> Result<Self, Refusal> {
        Self::from_thousandths(wire)
    }
}

/// Writes what a watcher is shown of a presentity. Nothing published and an empty document are one and the same. A
/// `PresenceEvent` ends in the same bytes as a `Presence`.
pub fn presence_body(
    presentity: &Presentity,
    state: SubscriptionState,
    document: Option<&Document>,
) -> body::Presence {
    let (state, reason) = state_numbers(state);
    let left_out = document.and_then(|document| left_out_addition(document.left_out()));
    let document = document.map(Document::to_wire).unwrap_or_default();
    let presentity = presentity.to_wire();
    body::Presence {
        presence: body::PresenceBody { presentity, state, reason, document },
        left_out,
    }
}

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let mut document = full_document();
    // As if the operator had erased what was written there.
    document.notes[0].text = None;
    let plain = body::Presence { presence: alices_presence(document), left_out: None };
    let left_out = left_out_addition(LeftOut { tuples: 2, notes: 1, markup: 0 });
    let cut = body::Presence { presence: alices_presence(plain_document()), left_out };
    vec![
        through::<Presence>("Presence", plain),
        through::<Presence>("Presence of which parts are left out", cut),
    ]
}

/// A document that says only "open".
pub(super) fn plain_document() -> body::Document {
    let tuple = body::Tuple {
        id: "desk".into(),
        basic: 1,
        status_markup: vec![],
        contact: None,
        notes: vec![],
        timestamp_ms: None,
        markup: vec![],
    };
    body::Document { tuples: vec![tuple], ..body::Document::default() }
}

/// A document of one tuple that uses every field.
pub(super) fn full_document() -> body::Document {
    let note = body::Note { language: "en".into(), text: text("at my desk") };
    let contact = body::Contact { uri: text("im:alice@example.com"), priority: Some(800) };
    let tuple = body::Tuple {
        id: "desk".into(),
        basic: 1,
        status_markup: vec![text("<mood>calm</mood>")],
        contact: Some(contact),
        notes: vec![note],
        timestamp_ms: Some(TIME_MS),
        markup: vec![text("<room>4</room>")],
    };
    let whole = body::Note { language: String::new(), text: text("until six") };
    let (tuples, notes) = (vec![tuple], vec![whole]);
    body::Document { tuples, notes, markup: vec![text("<zone>8</zone>")] }
}

/// Alice, as bob is shown her.
pub(super) fn alices_presence(document: body::Document) -> body::PresenceBody {
    body::PresenceBody { presentity: ALICE.into(), state: 1, reason: 0, document }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::subscribe::tests::any_state;
    use super::*;
    use crate::model::limits::{
        CONTACT_BYTES_MAX, CURSOR_BYTES_MAX, DOCUMENT_BYTES_MAX, FRAME_BYTES_MAX, MARKUP_MAX,
        NOTES_MAX, TUPLES_MAX,
    };
    use crate::model::{Timestamp, TupleId};
    use crate::protocol::feed::encode_presence_suffix;

    pub(in super::super) fn payloads_of(pattern: &'static str) -> impl Strategy<Value = Payload> {
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

    proptest! {
        #[test]
        fn a_document_reads_back(given in any_document()) {
            prop_assert_eq!(Document::from_wire(given.to_wire()), Ok(given));
        }

        #[test]
        fn presence_reads_back(document in any_document(), state in any_state()) {
            let presentity: Presentity = "pres:alice@example.com".parse().unwrap();
            let given = Presence { presentity, state, document };
            prop_assert_eq!(Presence::from_body(given.to_body()), Ok(given));
        }

        #[test]
        fn a_status_is_read_as_written_or_refused(number in any::<u8>()) {
            prop_assert!(Option::<Basic>::from_wire(number).is_ok() == (number < 3));
        }
    }

    #[test]
    fn what_is_left_out_reads_back_and_nothing_takes_no_byte() {
        let left_out = LeftOut { tuples: 3, notes: 0, markup: u32::MAX };
        let addition = left_out_addition(left_out);
        assert_eq!(read_left_out(addition.as_ref()), Ok(left_out));
        assert_eq!(left_out_addition(LeftOut::default()), None);
        assert_eq!(read_left_out(None), Ok(LeftOut::default()));
        for length in [0, 4, 11, 13, 16] {
            let wrong = read_left_out(Some(&vec![0; length].into())).unwrap_err();
            assert_eq!(wrong.code().as_str(), "bad-field", "{length}");
        }
    }

    #[test]
    fn nothing_published_looks_like_an_empty_document() {
        let alice: Presentity = "pres:alice@example.com".parse().unwrap();
        let empty = Document::new(vec![], vec![], vec![]).unwrap();
        let shown = |document| presence_body(&alice, SubscriptionState::Active, document);
        assert_eq!(shown(None), shown(Some(&empty)));
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

    /// As composed: ids gain what they may, and parts are left out.
    fn grown(document: &Document) -> Document {
        let tuples = document.tuples().iter().map(|tuple| {
            let id = TupleId::new(&format!("{}.12345678", tuple.id.as_str())).unwrap();
            Tuple { id, ..tuple.clone() }
        });
        let parts = (tuples.collect(), document.notes().to_vec(), document.markup().to_vec());
        Document::composed(parts, LeftOut { tuples: 1, notes: 1, markup: 1 }).unwrap()
    }

    #[test]
    fn every_document_that_may_exist_fits_a_frame() {
        let alice: Presentity = "pres:alice@example.com".parse().unwrap();
        for (tuples, notes, markup) in
            [(0, 0, 0), (1, 0, 0), (TUPLES_MAX, 0, 0), (TUPLES_MAX, NOTES_MAX, MARKUP_MAX)]
        {
            let document = grown(&filled_up(&full_of_parts(tuples, notes, markup).unwrap()));
            let wire = presence_body(&alice, SubscriptionState::Active, Some(&document));
            let bytes = encode_presence_suffix(&wire).len();
            let around = CURSOR_BYTES_MAX + CONTACT_BYTES_MAX;
            assert!(bytes + around <= FRAME_BYTES_MAX, "{tuples} {notes} {markup}: {bytes}");
        }
    }
}
