//! Presence information: documents of tuples, as RFC 2778 names them and RFC 3863 (PIDF) shapes them.
//!
//! Must never hold: composition of several publications or filtering for a watcher (those are views).

use core::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::limits::{
    COMPOSED_BYTES_MAX, CONTACT_BYTES_MAX, DOCUMENT_BYTES_MAX, LANGUAGE_BYTES_MAX, MARKUP_MAX,
    NOTES_MAX, TEXT_COST_BYTES, TUPLE_COST_BYTES, TUPLES_MAX,
};
use super::word::words;
use super::{Payload, Refusal, Timestamp, TupleId};

words! {
    /// Whether the inbox behind a tuple takes instant messages; for other means, whether they are usable.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    Basic {
        /// RFC 2778 OPEN.
        Open = "open";
        /// RFC 2778 CLOSED.
        Closed = "closed";
    }
}

/// Preference of a contact: thousandths from 0 to 1000, higher preferred. RFC 3863 §4.1.5 allows 3 decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Priority(u16);

impl Priority {
    /// `thousandths` from 0 to 1000.
    ///
    /// # Errors
    /// [`Refusal::BadField`] above 1000.
    pub fn from_thousandths(thousandths: u16) -> Result<Self, Refusal> {
        if thousandths > 1_000 {
            return Err(Refusal::bad_field(
                "priority",
                "must be from 0 to 1; give it at most 1000 thousandths",
            ));
        }
        Ok(Self(thousandths))
    }

    /// The preference in thousandths.
    pub const fn thousandths(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Priority {
    type Error = Refusal;

    fn try_from(thousandths: u16) -> Result<Self, Refusal> {
        Self::from_thousandths(thousandths)
    }
}

impl From<Priority> for u16 {
    fn from(priority: Priority) -> Self {
        priority.0
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:03}", self.0 / 1_000, self.0 % 1_000);
        formatter.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl core::str::FromStr for Priority {
    type Err = Refusal;

    /// Parses `0`, `1`, `0.8`, `0.125`: at most three decimals.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let bad = || {
            Refusal::bad_field(
                "priority",
                "must be from 0 to 1 with at most 3 decimals; write it like 0.5",
            )
        };
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || whole.len() > 1 || decimals.len() > 3 {
            return Err(bad());
        }
        let thousandths = format!("{whole}{decimals:0<3}").parse().map_err(|_| bad())?;
        Self::from_thousandths(thousandths).map_err(|_| bad())
    }
}

/// Free text for people, with the language it is in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Note {
    /// RFC 5646 tag such as `fr`, or empty if not told.
    pub language: String,
    /// The text.
    pub text: Payload,
}

impl Note {
    /// What it counts in a document.
    pub fn payload_bytes(&self) -> usize {
        TEXT_COST_BYTES + self.language.len() + self.text.len()
    }
}

/// A communication address: the URI tells the means, the rest the place. RFC 2778 §3.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Contact {
    /// An absolute URI, kept byte for byte; empty for a service that has none, such as the post.
    pub uri: Payload,
    /// Missing means lowest.
    pub priority: Option<Priority>,
}

/// A status, with where and how to communicate if the presentity says so. RFC 2778 PRESENCE TUPLE.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tuple {
    /// Its name inside the publication.
    pub id: TupleId,
    /// OPEN or CLOSED; `None` if the status has only other values.
    pub basic: Option<Basic>,
    /// Other values of the status: opaque elements, forwarded unmodified.
    pub status_markup: Vec<Payload>,
    /// The communication address.
    pub contact: Option<Contact>,
    /// Notes, one per language.
    pub notes: Vec<Note>,
    /// When the status last changed, by the publisher's clock.
    pub timestamp: Option<Timestamp>,
    /// RFC 2778 OTHER PRESENCE MARKUP: opaque elements, forwarded unmodified.
    pub markup: Vec<Payload>,
}

impl Tuple {
    /// A tuple that says only `basic`.
    pub fn plain(id: TupleId, basic: Basic) -> Self {
        Self {
            id,
            basic: Some(basic),
            status_markup: Vec::new(),
            contact: None,
            notes: Vec::new(),
            timestamp: None,
            markup: Vec::new(),
        }
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.basic.is_none() && self.status_markup.is_empty() {
            return Err(Refusal::bad_field("status", "is empty; say open or closed"));
        }
        if self.markup.len() + self.status_markup.len() > MARKUP_MAX {
            return Err(Refusal::bad_field(
                "tuple",
                "has more than 32 extension elements; leave some out",
            ));
        }
        self.contact.as_ref().map_or(Ok(()), check_contact)?;
        check_notes(&self.notes)?;
        self.markup.iter().chain(&self.status_markup).try_for_each(check_text)
    }

    /// What it counts in a document.
    pub fn payload_bytes(&self) -> usize {
        let contact = self.contact.as_ref().map_or(0, |contact| contact.uri.len());
        let markup = self.markup.iter().chain(&self.status_markup);
        let text = self.id.as_str().len() + contact + note_bytes(&self.notes);
        TUPLE_COST_BYTES + text + markup.map(element_bytes).sum::<usize>()
    }
}

fn check_contact(contact: &Contact) -> Result<(), Refusal> {
    let Some(bytes) = contact.uri.bytes() else { return Ok(()) };
    let text =
        core::str::from_utf8(bytes).map_err(|_| Refusal::BadUtf8 { part: "contact".into() })?;
    // A tuple for letters, parcels or visits has a contact without a URI. RFC 4480, service-class.
    if text.is_empty() {
        return Ok(());
    }
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let absolute = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !absolute
        || text.len() > CONTACT_BYTES_MAX
        || text.chars().any(|c| c.is_control() || c == ' ')
    {
        let reason =
            "must be an absolute URI of at most 1024 bytes; write one like im:alice@example.com";
        return Err(Refusal::bad_field("contact", reason));
    }
    Ok(())
}

fn check_notes(notes: &[Note]) -> Result<(), Refusal> {
    if notes.len() > NOTES_MAX {
        return Err(Refusal::bad_field(
            "document",
            "has more than 16 notes in one place; leave some out",
        ));
    }
    for note in notes {
        let tag = &note.language;
        let letters = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if tag.len() > LANGUAGE_BYTES_MAX || !letters {
            return Err(Refusal::bad_field(
                "note language",
                "is not an RFC 5646 tag; write one like fr",
            ));
        }
        check_text(&note.text)?;
    }
    Ok(())
}

fn check_text(payload: &Payload) -> Result<(), Refusal> {
    match payload {
        Payload::Present(bytes) if core::str::from_utf8(bytes).is_err() => {
            Err(Refusal::BadUtf8 { part: "note or markup".into() })
        }
        _ => Ok(()),
    }
}

fn note_bytes(notes: &[Note]) -> usize {
    notes.iter().map(Note::payload_bytes).sum()
}

/// What an extension element counts in a document.
pub fn element_bytes(element: &Payload) -> usize {
    TEXT_COST_BYTES + element.len()
}

/// How many parts a watcher might see, and does not because together they are more than one document may hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LeftOut {
    /// Tuples.
    pub tuples: u32,
    /// Notes about the whole presentity.
    pub notes: u32,
    /// Extension elements about the whole presentity.
    pub markup: u32,
}

impl LeftOut {
    /// Whether nothing is left out.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tuples, notes, markup } = self;
        write!(
            formatter,
            "left out: tuples {tuples}, notes {notes}, extensions {markup}; more is published than one document holds"
        )
    }
}

/// What one device publishes, or what a watcher is shown: tuples, notes and other markup.
///
/// Built through [`Document::new`], so one that exists is within every limit and has distinct tuple ids. A clone shares
/// what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Document(Arc<Said>);

/// What a document says, and what more there was to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Said {
    tuples: Vec<Tuple>,
    notes: Vec<Note>,
    markup: Vec<Payload>,
    left_out: LeftOut,
}

#[derive(Serialize, Deserialize)]
struct Parts {
    tuples: Vec<Tuple>,
    notes: Vec<Note>,
    markup: Vec<Payload>,
}

impl Document {
    /// Checks the parts and puts them together.
    ///
    /// # Errors
    /// [`Refusal::BadField`] naming the part, [`Refusal::BadUtf8`], [`Refusal::TooLarge`] over 64 KiB or 100 tuples.
    pub fn new(
        tuples: Vec<Tuple>,
        notes: Vec<Note>,
        markup: Vec<Payload>,
    ) -> Result<Self, Refusal> {
        let left_out = LeftOut::default();
        let document = Self(Arc::new(Said { tuples, notes, markup, left_out }));
        document.check(DOCUMENT_BYTES_MAX)?;
        Ok(document)
    }

    /// Puts parts of several publications together, of which `left_out` found no place. Ids gained what tells
    /// publications apart, so it may have [`COMPOSED_BYTES_MAX`].
    ///
    /// # Errors
    /// As [`Document::new`].
    pub fn composed(
        (tuples, notes, markup): (Vec<Tuple>, Vec<Note>, Vec<Payload>),
        left_out: LeftOut,
    ) -> Result<Self, Refusal> {
        let document = Self(Arc::new(Said { tuples, notes, markup, left_out }));
        document.check(COMPOSED_BYTES_MAX)?;
        Ok(document)
    }

    fn check(&self, bytes_max: usize) -> Result<(), Refusal> {
        Refusal::check_max("tuples", self.tuples().len(), TUPLES_MAX)?;
        if self.markup().len() > MARKUP_MAX {
            return Err(Refusal::bad_field(
                "document",
                "has more than 32 extension elements; leave some out",
            ));
        }
        Refusal::check_max("document", self.payload_bytes(), bytes_max)?;
        check_notes(self.notes())?;
        self.markup().iter().try_for_each(check_text)?;
        self.tuples().iter().try_for_each(Tuple::check)?;
        self.check_ids()
    }

    fn check_ids(&self) -> Result<(), Refusal> {
        let mut ids: Vec<&TupleId> = self.tuples().iter().map(|tuple| &tuple.id).collect();
        ids.sort_unstable();
        match ids.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(Refusal::bad_field(
                "tuple id",
                &format!("{:?} is used twice; give each tuple its own", pair[0].as_str()),
            )),
            None => Ok(()),
        }
    }

    /// The document's size as [`DOCUMENT_BYTES_MAX`] counts it: everything written in it, and a cost for each part.
    ///
    /// The cost keeps a document of very many empty parts, as composing several may make one, within a frame.
    pub fn payload_bytes(&self) -> usize {
        let tuples: usize = self.tuples().iter().map(Tuple::payload_bytes).sum();
        let markup: usize = self.markup().iter().map(element_bytes).sum();
        tuples + markup + note_bytes(self.notes())
    }

    /// Whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        self.tuples().is_empty() && self.notes().is_empty() && self.markup().is_empty()
    }

    /// The tuples, in order.
    pub fn tuples(&self) -> &[Tuple] {
        &self.0.tuples
    }

    /// Notes about the whole presentity.
    pub fn notes(&self) -> &[Note] {
        &self.0.notes
    }

    /// Other presence markup about the whole presentity.
    pub fn markup(&self) -> &[Payload] {
        &self.0.markup
    }

    /// Everything in it that somebody wrote, to be sealed or opened: a sealed payload counts nothing, so no limit is passed.
    pub(crate) fn payloads_mut(&mut self) -> impl Iterator<Item = &mut Payload> {
        let said = Arc::make_mut(&mut self.0);
        let of_tuples = said.tuples.iter_mut().flat_map(|tuple| {
            let markup = tuple.status_markup.iter_mut().chain(&mut tuple.markup);
            let contact = tuple.contact.as_mut().map(|contact| &mut contact.uri);
            markup.chain(contact).chain(tuple.notes.iter_mut().map(|note| &mut note.text))
        });
        let notes = said.notes.iter_mut().map(|note| &mut note.text);
        of_tuples.chain(notes).chain(&mut said.markup)
    }

    /// The same, of which nobody can read any more what was written.
    #[must_use]
    pub fn erased(&self) -> Self {
        let mut erased = self.clone();
        erased.payloads_mut().for_each(|payload| *payload = Payload::Erased);
        erased
    }

    /// What more was published that this document does not hold; nothing in one that a device publishes.
    pub fn left_out(&self) -> LeftOut {
        self.0.left_out
    }
}

impl TryFrom<Parts> for Document {
    type Error = Refusal;

    fn try_from(parts: Parts) -> Result<Self, Refusal> {
        Self::new(parts.tuples, parts.notes, parts.markup)
    }
}

impl From<Document> for Parts {
    fn from(document: Document) -> Self {
        let (tuples, notes) = (document.tuples().to_vec(), document.notes().to_vec());
        Self { tuples, notes, markup: document.markup().to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(id: &str) -> Tuple {
        Tuple::plain(TupleId::new(id).unwrap(), Basic::Open)
    }

    fn with(change: impl FnOnce(&mut Tuple)) -> Result<Document, Refusal> {
        let mut one = tuple("a");
        change(&mut one);
        Document::new(vec![one], vec![], vec![])
    }

    #[test]
    fn a_document_may_have_no_tuples_but_not_two_of_one_id() {
        assert!(Document::new(vec![], vec![], vec![]).is_ok());
        let refusal = Document::new(vec![tuple("a"), tuple("b"), tuple("a")], vec![], vec![]);
        assert!(refusal.unwrap_err().to_string().contains("\"a\" is used twice"));
    }

    #[test]
    fn a_document_over_a_limit_is_refused_with_the_limit() {
        let many = (0..=TUPLES_MAX).map(|n| tuple(&format!("t{n}"))).collect();
        assert!(matches!(
            Document::new(many, vec![], vec![]),
            Err(Refusal::TooLarge { max: 100, .. })
        ));
        let large = Payload::text(&"x".repeat(DOCUMENT_BYTES_MAX));
        assert!(matches!(with(|tuple| tuple.markup = vec![large]), Err(Refusal::TooLarge { .. })));
    }

    #[test]
    fn a_status_says_something_and_a_contact_is_a_uri() {
        assert!(with(|tuple| tuple.basic = None).is_err());
        for (uri, good) in [
            ("im:a@b", true),
            ("tel:+1", true),
            ("", true),
            ("alice", false),
            ("1x:y", false),
            ("a:b c", false),
        ] {
            let contact = Contact { uri: Payload::text(uri), priority: None };
            assert_eq!(with(|tuple| tuple.contact = Some(contact)).is_ok(), good, "{uri}");
        }
    }

    #[test]
    fn text_that_is_not_utf8_is_refused_as_such() {
        let wrong = Payload::Present(vec![0xff].into());
        let note = Note { language: String::new(), text: wrong };
        assert!(matches!(with(|tuple| tuple.notes = vec![note]), Err(Refusal::BadUtf8 { .. })));
    }

    #[test]
    fn a_priority_reads_and_prints_at_most_three_decimals() {
        for (text, printed) in
            [("0", "0"), ("1", "1"), ("0.8", "0.8"), ("1.000", "1"), ("0.125", "0.125")]
        {
            assert_eq!(text.parse::<Priority>().unwrap().to_string(), printed);
        }
        for wrong in ["", "1.1", "2", "0.1234", "-0", ".5", "0.", "+1", "00"] {
            assert!(wrong.parse::<Priority>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_erased_part_passes_every_check() {
        let erased = |tuple: &mut Tuple| {
            tuple.contact = Some(Contact { uri: Payload::Erased, priority: None });
            tuple.notes = vec![Note { language: "fr".into(), text: Payload::Erased }];
            tuple.markup = vec![Payload::Erased];
        };
        assert!(with(erased).is_ok());
    }
}
