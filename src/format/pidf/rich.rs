//! Rich presence: what the extensions that everybody uses say, for whoever shows presence.
//!
//! RPID (RFC 4480), persons and devices of the data model (RFC 4479) and CIPID (RFC 4482), also under the namespaces of
//! their drafts, which deployed programs still write. Must never hold: a change of a document, or anything that a server
//! decides by. What is carried on is the markup itself.

use super::NAMESPACE;
use crate::format::time;
use crate::format::xml::{self, Node};
use crate::model::{Document, Note, Payload, Timestamp, Tuple};

/// The namespace of persons and devices, and what a draft and its users call that of persons.
const DATA_MODEL: [&str; 2] =
    ["urn:ietf:params:xml:ns:pidf:data-model", "urn:ietf:params:xml:ns:pidf:person"];
/// The beginning of the namespaces of RPID and its drafts.
const RPID: [&str; 2] =
    ["urn:ietf:params:xml:ns:pidf:rpid", "urn:ietf:params:xml:ns:pidf:status:rpid"];
const CIPID: &str = "urn:ietf:params:xml:ns:pidf:cipid";

/// What is shown of RPID.
const OF_RPID: [&str; 12] = [
    "activities",
    "mood",
    "place-type",
    "place-is",
    "privacy",
    "relationship",
    "service-class",
    "sphere",
    "status-icon",
    "time-offset",
    "user-input",
    "class",
];

/// What is shown of CIPID.
const OF_CIPID: [&str; 6] = ["display-name", "card", "homepage", "icon", "map", "sound"];

/// One statement, such as an activity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The name of its element, such as `activities` or `time-offset`.
    pub name: &'static str,
    /// What it says: names such as `on-the-phone`, or what somebody wrote.
    pub values: Vec<String>,
    /// Notes of its own.
    pub notes: Vec<Note>,
    /// Since when it holds, as written.
    pub from: Option<String>,
    /// Until when it holds, as written.
    pub until: Option<String>,
    /// When the user last did something, as written; of `user-input`.
    pub last_input: Option<String>,
}

/// A person or a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Component {
    /// Its id in the document; `None` if it has none, as in documents by old drafts.
    pub id: Option<String>,
    /// What the device is, URNs; of a device.
    pub device_ids: Vec<String>,
    /// What it says.
    pub said: Vec<Said>,
    /// Its notes.
    pub notes: Vec<Note>,
    /// When it was made so.
    pub timestamp: Option<Timestamp>,
}

/// The persons of a document.
pub fn persons(document: &Document) -> Vec<Component> {
    components(document, "person")
}

/// The devices of a document.
pub fn devices(document: &Document) -> Vec<Component> {
    components(document, "device")
}

/// What a document says of the presentity without a person around it, as drafts had it.
pub fn said_of_all(document: &Document) -> Vec<Said> {
    trees(document.markup()).filter_map(|node| said(&node)).collect()
}

/// What a tuple says, in it or in its status.
pub fn said_of(tuple: &Tuple) -> Vec<Said> {
    let status = trees(&tuple.status_markup);
    status.chain(trees(&tuple.markup)).filter_map(|node| said(&node)).collect()
}

fn trees(markup: &[Payload]) -> impl Iterator<Item = Node> {
    markup.iter().filter_map(Payload::as_text).filter_map(xml::tree)
}

fn components(document: &Document, kind: &str) -> Vec<Component> {
    let found = trees(document.markup())
        .filter(|node| node.local == kind && DATA_MODEL.contains(&&*node.namespace));
    found.map(|node| component(&node)).collect()
}

fn component(node: &Node) -> Component {
    let mut component =
        Component { id: node.value("id").map(str::to_owned), ..Component::default() };
    take_in(node, &mut component);
    component
}

fn take_in(node: &Node, component: &mut Component) {
    for child in &node.children {
        let is_own = DATA_MODEL.contains(&&*child.namespace) || child.namespace == NAMESPACE;
        match child.local.as_str() {
            "note" if is_own => component.notes.push(note(child)),
            "timestamp" if is_own => component.timestamp = time::read(&child.text).ok(),
            "deviceID" if is_own => component.device_ids.push(child.text.clone()),
            // A draft put what a person does into a status.
            "status" => take_in(child, component),
            _ => component.said.extend(said(child)),
        }
    }
}

fn note(node: &Node) -> Note {
    Note { language: node.language.clone(), text: Payload::text(&node.text) }
}

/// The statement that an element makes, if it is one that is shown and says anything.
fn said(node: &Node) -> Option<Said> {
    let of_rpid = |name: &&&str| {
        RPID.iter().any(|start| node.namespace.starts_with(start)) && **name == node.local
    };
    let of_cipid = |name: &&&str| node.namespace == CIPID && **name == node.local;
    let name = OF_RPID.iter().find(of_rpid).or_else(|| OF_CIPID.iter().find(of_cipid))?;
    let attribute = |local| node.value(local).map(str::to_owned);
    let is_note = |child: &&Node| child.local == "note";
    let said = Said {
        name,
        values: values(node),
        notes: node.children.iter().filter(is_note).map(note).collect(),
        from: attribute("from").or_else(|| attribute("since")),
        until: attribute("until"),
        last_input: attribute("last-input"),
    };
    (!said.values.is_empty() || !said.notes.is_empty()).then_some(said)
}

/// The names of the elements inside, of those with elements of their own both names, and text where there is some.
fn values(node: &Node) -> Vec<String> {
    let mut values = Vec::new();
    for child in node.children.iter().filter(|child| child.local != "note") {
        if child.children.is_empty() {
            let value = if child.text.is_empty() { &child.local } else { &child.text };
            values.push(value.clone());
        }
        values
            .extend(child.children.iter().map(|inner| format!("{}: {}", child.local, inner.local)));
    }
    if values.is_empty() && !node.text.is_empty() {
        values.push(node.text.clone());
    }
    values
}
