//! Reads a presence document. Elements may come in any order; what is wrong is refused with its place.
//!
//! Must never hold: a guess at what a wrong value meant.

use super::{ELEMENTS, Entity, NAMESPACE, Pidf, id, is_own};
use crate::format::xml::{self, Reader, Start, Token, is_space};
use crate::format::{FormatFault, Position, time};
use crate::model::limits::{DOCUMENT_BYTES_MAX, NOTES_MAX, TUPLES_MAX};
use crate::model::{
    Basic, Contact, Document, Note, Payload, Presentity, Priority, Refusal, Timestamp, Tuple,
    TupleId,
};

/// Reads one document of at most [`DOCUMENT_BYTES_MAX`] bytes, in the character set that it names, UTF-8 if it names none.
///
/// # Errors
/// The first [`FormatFault`]: not well-formed, over a limit, or not a presence document of RFC 3863.
pub fn parse(text: &[u8]) -> Result<Pidf, FormatFault> {
    let (entity, document) = read(text, pres)?;
    Ok(Pidf { entity, document })
}

/// As [`parse`], where `entity` may name the presentity as other systems do: by a `sip:`, `sips:`, `tel:`, `mailto:`, `im:` or
/// `xmpp:` URI, or bare.
///
/// # Errors
/// As [`parse`].
pub fn parse_any(text: &[u8]) -> Result<(Entity, Document), FormatFault> {
    read(text, Entity::read)
}

/// Reads a document whose entity `name` understands, or says what would be right.
fn read<E>(
    bytes: &[u8],
    name: impl Fn(&str) -> Result<E, String>,
) -> Result<(E, Document), FormatFault> {
    let text = xml::document_text(bytes, DOCUMENT_BYTES_MAX)?;
    let mut reading = Reading { reader: Reader::document(&text)?, markup_bytes: 0 };
    let Token::Start(root) = reading.reader.next()? else {
        // Nothing but a start comes first: text and ends outside of the root are faults of the reader.
        let at = reading.reader.here();
        return Err(FormatFault::Missing { at, thing: "presence element", cure: ROOT });
    };
    let entity = entity(&root, reading.reader.position(root.at), name)?;
    let document = reading.presence(&root)?;
    while !matches!(reading.reader.next()?, Token::Done) {}
    Ok((entity, document))
}

const ROOT: &str = "begin with <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"pres:…\">";

const PARTS: &str =
    "put only status, contact, note, timestamp and elements of other namespaces into a tuple";

struct Reading<'a> {
    reader: Reader<'a>,
    /// What the markup read so far comes to: what it inherits may make it larger than the text it is in.
    markup_bytes: usize,
}

/// What may stand directly inside one of the format's elements.
enum Item<'a> {
    Own(Start<'a>),
    Markup(Payload),
    End,
}

/// A tuple as far as it is read.
#[derive(Default)]
struct Draft {
    status: Option<(Option<Basic>, Vec<Payload>)>,
    contact: Option<Contact>,
    notes: Vec<Note>,
    timestamp: Option<Timestamp>,
    markup: Vec<Payload>,
}

impl<'a> Reading<'a> {
    fn presence(&mut self, root: &Start<'a>) -> Result<Document, FormatFault> {
        let at = self.reader.position(root.at);
        let (mut tuples, mut notes, mut markup) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            match self.item()? {
                Item::Own(start) if start.local == "tuple" => {
                    let at = self.reader.position(start.at);
                    if tuples.len() == TUPLES_MAX {
                        return Err(FormatFault::TooMany { at, thing: "tuples", max: TUPLES_MAX });
                    }
                    let tuple = self.tuple(&start, at)?;
                    distinct(&tuples, &tuple, at)?;
                    tuples.push(tuple);
                }
                Item::Own(start) if start.local == "note" => self.note_into(&mut notes, &start)?,
                Item::Own(start) => {
                    let cure =
                        "put only tuple, note and elements of other namespaces into presence";
                    return Err(self.misplaced(&start, cure));
                }
                Item::Markup(element) => markup.push(element),
                Item::End => break,
            }
        }
        Document::new(tuples, notes, markup).map_err(|refusal| FormatFault::Model { at, refusal })
    }

    fn tuple(&mut self, start: &Start<'a>, at: Position) -> Result<Tuple, FormatFault> {
        let id = tuple_id(start, at)?;
        let mut draft = Draft::default();
        self.parts(&mut draft)?;
        let missing = FormatFault::Missing {
            at,
            thing: "status of this tuple",
            cure: "add <status><basic>open</basic></status>",
        };
        let (basic, status_markup) = draft.status.ok_or(missing)?;
        let Draft { contact, notes, timestamp, markup, .. } = draft;
        let tuple = Tuple { id, basic, status_markup, contact, notes, timestamp, markup };
        // Judged alone first, so that a fault tells which tuple it is in.
        match Document::new(vec![tuple.clone()], Vec::new(), Vec::new()) {
            Ok(_) => Ok(tuple),
            Err(refusal) => Err(FormatFault::Model { at, refusal }),
        }
    }

    /// Takes the parts of a tuple in until it ends.
    fn parts(&mut self, draft: &mut Draft) -> Result<(), FormatFault> {
        loop {
            let start = match self.item()? {
                Item::Own(start) => start,
                Item::Markup(element) => {
                    draft.markup.push(element);
                    continue;
                }
                Item::End => return Ok(()),
            };
            match start.local {
                "status" => {
                    self.once(draft.status.is_some(), &start, "status")?;
                    draft.status = Some(self.status(&start)?);
                }
                "contact" => {
                    self.once(draft.contact.is_some(), &start, "contact")?;
                    draft.contact = Some(self.contact(&start)?);
                }
                "timestamp" => {
                    self.once(draft.timestamp.is_some(), &start, "timestamp")?;
                    draft.timestamp = Some(self.timestamp(&start)?);
                }
                "note" => self.note_into(&mut draft.notes, &start)?,
                _ => return Err(self.misplaced(&start, PARTS)),
            }
        }
    }

    fn status(&mut self, status: &Start<'a>) -> Result<(Option<Basic>, Vec<Payload>), FormatFault> {
        let (mut basic, mut markup) = (None, Vec::new());
        loop {
            match self.item()? {
                Item::Own(start) if start.local == "basic" => {
                    self.once(basic.is_some(), &start, "basic")?;
                    basic = Some(self.basic(&start)?);
                }
                Item::Own(start) => {
                    return Err(self.misplaced(
                        &start,
                        "put only basic and elements of other namespaces into a status",
                    ));
                }
                Item::Markup(element) => markup.push(element),
                Item::End => break,
            }
        }
        if basic.is_none() && markup.is_empty() {
            let at = self.reader.position(status.at);
            let cure = "add <basic>open</basic> or an extension";
            return Err(FormatFault::Missing { at, thing: "content of this status", cure });
        }
        Ok((basic, markup))
    }

    fn basic(&mut self, start: &Start<'a>) -> Result<Basic, FormatFault> {
        let text = self.text()?;
        match text.trim_matches(is_space) {
            "open" => Ok(Basic::Open),
            "closed" => Ok(Basic::Closed),
            other => {
                let at = self.reader.position(start.at);
                Err(FormatFault::value(
                    at,
                    "basic",
                    other,
                    "write open or closed, in small letters",
                ))
            }
        }
    }

    fn contact(&mut self, start: &Start<'a>) -> Result<Contact, FormatFault> {
        // RFC 3863 §4.1.5: a priority that cannot be one counts as none.
        let priority = start.value("priority").map(|text| text.trim_matches(is_space));
        let priority = priority.and_then(|text| text.parse::<Priority>().ok());
        let uri = Payload::text(self.text()?.trim_matches(is_space));
        Ok(Contact { uri, priority })
    }

    fn timestamp(&mut self, start: &Start<'a>) -> Result<Timestamp, FormatFault> {
        let text = self.text()?;
        let text = text.trim_matches(is_space);
        let at = self.reader.position(start.at);
        time::read(text).map_err(|cure| FormatFault::value(at, "timestamp", text, cure))
    }

    fn note_into(&mut self, notes: &mut Vec<Note>, start: &Start<'a>) -> Result<(), FormatFault> {
        if notes.len() == NOTES_MAX {
            let at = self.reader.position(start.at);
            return Err(FormatFault::TooMany { at, thing: "notes in one place", max: NOTES_MAX });
        }
        let language = self.reader.language().to_owned();
        let text = Payload::text(&self.text()?);
        notes.push(Note { language, text });
        Ok(())
    }

    /// The character data of an element that holds nothing else.
    fn text(&mut self) -> Result<String, FormatFault> {
        let mut text = String::new();
        loop {
            match self.reader.next()? {
                Token::Text(more) => text.push_str(&more),
                Token::Start(start) => {
                    return Err(self.misplaced(&start, "write only text here"));
                }
                Token::End | Token::Done => return Ok(text),
            }
        }
    }

    /// The next element inside an element that holds elements only.
    fn item(&mut self) -> Result<Item<'a>, FormatFault> {
        loop {
            match self.reader.next()? {
                Token::Start(start) if is_own(&start.namespace, start.local) => {
                    return Ok(Item::Own(start));
                }
                Token::Start(start) => return self.markup(&start).map(Item::Markup),
                Token::Text(text) if text.chars().all(is_space) => {}
                Token::Text(_) => {
                    let (at, cure) = (self.reader.here(), "put it into a <note>");
                    return Err(FormatFault::Misplaced { at, thing: "text".into(), cure });
                }
                Token::End | Token::Done => return Ok(Item::End),
            }
        }
    }

    fn markup(&mut self, start: &Start<'a>) -> Result<Payload, FormatFault> {
        let element =
            xml::capture(&mut self.reader, start, DOCUMENT_BYTES_MAX - self.markup_bytes)?;
        self.markup_bytes += element.len();
        Ok(Payload::Present(element.into()))
    }

    fn once(&self, again: bool, start: &Start<'a>, thing: &'static str) -> Result<(), FormatFault> {
        if !again {
            return Ok(());
        }
        let (at, cure) = (self.reader.position(start.at), "keep one");
        Err(FormatFault::Repeated { at, thing, cure })
    }

    fn misplaced(&self, start: &Start<'a>, cure: &'static str) -> FormatFault {
        FormatFault::Misplaced { at: self.reader.position(start.at), thing: named(start), cure }
    }
}

fn named(start: &Start<'_>) -> String {
    let name: String = start.name.chars().take(60).collect();
    if ELEMENTS.contains(&start.local) && start.namespace != NAMESPACE {
        return format!("<{name}> without the namespace of PIDF");
    }
    format!("<{name}>")
}

fn entity<E>(
    root: &Start<'_>,
    at: Position,
    name: impl Fn(&str) -> Result<E, String>,
) -> Result<E, FormatFault> {
    if root.namespace != NAMESPACE || root.local != "presence" {
        return Err(FormatFault::Misplaced { at, thing: named(root), cure: ROOT });
    }
    let cure = "name the presentity, as in entity=\"pres:alice@example.com\"";
    let missing = FormatFault::Missing { at, thing: "attribute entity", cure };
    let text = root.value("entity").ok_or(missing)?.trim_matches(is_space);
    name(text).map_err(|cure| FormatFault::value(at, "attribute entity", text, cure))
}

fn pres(text: &str) -> Result<Presentity, String> {
    text.parse().map_err(|refusal: Refusal| refusal.to_string())
}

fn tuple_id(start: &Start<'_>, at: Position) -> Result<TupleId, FormatFault> {
    let missing =
        FormatFault::Missing { at, thing: "attribute id", cure: "give each tuple its own" };
    let text = start.value("id").ok_or(missing)?;
    id::decode(text.trim_matches(is_space)).map_err(|refusal| FormatFault::Model { at, refusal })
}

fn distinct(tuples: &[Tuple], tuple: &Tuple, at: Position) -> Result<(), FormatFault> {
    if tuples.iter().all(|other| other.id != tuple.id) {
        return Ok(());
    }
    let cure = "give each tuple its own";
    Err(FormatFault::value(at, "attribute id", tuple.id.as_str(), cure))
}
