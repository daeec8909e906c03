//! Writes a presence document: one form for each document, so that equal documents are equal bytes.
//!
//! Must never hold: a text that another parser would not take. What cannot be written well-formed is left out.

use super::{NAMESPACE, id, is_own};
use crate::format::{time, uri, xml};
use crate::model::{Contact, Document, Note, Payload, Presentity, Timestamp, Tuple};

/// Elements around an extension of the document, of a tuple, of a status.
const DEPTH_PRESENCE: usize = 1;
const DEPTH_TUPLE: usize = 2;
const DEPTH_STATUS: usize = 3;

/// Writes `document` about `entity`, with XML declaration, one element a line, in the order of the schema.
///
/// Left out are erased notes, contacts and markup, markup that is not one well-formed element of another vocabulary
/// that stands alone, and a tuple whose status has nothing left. A character that XML cannot hold becomes U+FFFD. What
/// the document says it leaves out stands in a comment at the end.
pub fn write(entity: &Presentity, document: &Document) -> String {
    let plan = Plan::of(document);
    let mut writer = Writer { text: String::new(), prefix: plan.prefix };
    let prefix = plan.prefix;
    let declared =
        prefix.strip_suffix(':').map_or("xmlns".into(), |prefix| format!("xmlns:{prefix}"));
    let entity = xml::attribute(&uri::encode(&entity.to_string()));
    writer.line(0, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    writer.line(0, &format!("<{prefix}presence {declared}=\"{NAMESPACE}\" entity=\"{entity}\">"));
    for (tuple, plan) in document.tuples().iter().zip(&plan.tuples) {
        writer.tuple(tuple, plan);
    }
    writer.notes(1, document.notes());
    writer.markup(1, &plan.markup);
    if !document.left_out().is_none() {
        writer.line(1, &format!("<!-- {} -->", document.left_out()));
    }
    writer.line(0, &format!("</{prefix}presence>"));
    writer.text
}

/// What of the markup is written, and under which names the format's own elements are.
struct Plan<'a> {
    /// `""`, or `pidf:` if some markup has names without a namespace: a default one would change what they mean.
    prefix: &'static str,
    tuples: Vec<TuplePlan<'a>>,
    markup: Vec<&'a str>,
}

struct TuplePlan<'a> {
    status: Vec<&'a str>,
    markup: Vec<&'a str>,
}

impl<'a> Plan<'a> {
    fn of(document: &'a Document) -> Self {
        let mut no_default = false;
        let mut fit = |markup: &'a [Payload], depth| -> Vec<&'a str> {
            let elements = markup.iter().filter_map(Payload::as_text);
            elements.filter(|element| fits(element, depth, &mut no_default)).collect()
        };
        let tuples = document.tuples().iter().map(|tuple| TuplePlan {
            status: fit(&tuple.status_markup, DEPTH_STATUS),
            markup: fit(&tuple.markup, DEPTH_TUPLE),
        });
        let tuples = tuples.collect();
        let markup = fit(document.markup(), DEPTH_PRESENCE);
        Self { prefix: if no_default { "pidf:" } else { "" }, tuples, markup }
    }
}

fn fits(element: &str, depth: usize, no_default: &mut bool) -> bool {
    match xml::standalone(element, depth) {
        Some(needs) if !is_own(&needs.namespace, &needs.local) => {
            *no_default |= needs.no_default;
            true
        }
        _ => false,
    }
}

struct Writer {
    text: String,
    prefix: &'static str,
}

impl Writer {
    fn line(&mut self, depth: usize, line: &str) {
        self.text.push_str(&"  ".repeat(depth));
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn element(&mut self, depth: usize, name: &str, attributes: &str, text: &str) {
        let (prefix, text) = (self.prefix, xml::text(text));
        self.line(depth, &format!("<{prefix}{name}{attributes}>{text}</{prefix}{name}>"));
    }

    fn tuple(&mut self, tuple: &Tuple, plan: &TuplePlan<'_>) {
        if tuple.basic.is_none() && plan.status.is_empty() {
            return;
        }
        let prefix = self.prefix;
        self.line(1, &format!("<{prefix}tuple id=\"{}\">", id::encode(&tuple.id)));
        self.line(2, &format!("<{prefix}status>"));
        if let Some(basic) = tuple.basic {
            self.element(3, "basic", "", basic.as_str());
        }
        self.markup(3, &plan.status);
        self.line(2, &format!("</{prefix}status>"));
        self.markup(2, &plan.markup);
        tuple.contact.iter().for_each(|contact| self.contact(contact));
        self.notes(2, &tuple.notes);
        tuple.timestamp.iter().for_each(|&timestamp| self.timestamp(timestamp));
        self.line(1, &format!("</{prefix}tuple>"));
    }

    fn contact(&mut self, contact: &Contact) {
        let Some(uri) = contact.uri.as_text() else { return };
        let priority = contact.priority.map(|priority| format!(" priority=\"{priority}\""));
        self.element(2, "contact", &priority.unwrap_or_default(), uri);
    }

    fn timestamp(&mut self, timestamp: Timestamp) {
        if let Some(text) = time::write(timestamp) {
            self.element(2, "timestamp", "", &text);
        }
    }

    fn notes(&mut self, depth: usize, notes: &[Note]) {
        for note in notes {
            let Some(text) = note.text.as_text() else { continue };
            let language = match note.language.as_str() {
                "" => String::new(),
                tag => format!(" xml:lang=\"{tag}\""),
            };
            self.element(depth, "note", &language, text);
        }
    }

    fn markup(&mut self, depth: usize, elements: &[&str]) {
        for element in elements {
            self.line(depth, element);
        }
    }
}
