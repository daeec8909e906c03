//! An element that was carried on, as a tree: for whoever shows what it says.
//!
//! Must never hold: the bytes of the element. What is sent on is the text itself.

use super::chars::is_space;
use super::reader::{Reader, Token};
use super::tag::Start;
use crate::model::limits::XML_DEPTH_MAX;

/// An element with what is in it; comments and instructions are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::format) struct Node {
    pub(in crate::format) namespace: String,
    /// Its name without prefix.
    pub(in crate::format) local: String,
    /// Its own language, or the one around it; `""` if none is told.
    pub(in crate::format) language: String,
    /// Its own character data, joined, without white space at the ends.
    pub(in crate::format) text: String,
    pub(in crate::format) children: Vec<Node>,
    /// Attributes without a namespace.
    attributes: Vec<(String, String)>,
}

impl Node {
    fn of(start: &Start<'_>, language: &str) -> Self {
        let plain = start.attributes.iter().filter(|one| one.namespace.is_empty());
        Self {
            namespace: start.namespace.clone().into_owned(),
            local: start.local.to_owned(),
            language: language.to_owned(),
            attributes: plain.map(|one| (one.local.to_owned(), one.value.to_string())).collect(),
            ..Self::default()
        }
    }

    /// The value of an attribute without a namespace.
    pub(in crate::format) fn value(&self, local: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(name, _)| name == local);
        found.map(|(_, value)| value.trim_matches(is_space))
    }
}

/// `text`, which was stored as markup, as a tree; `None` if it is not well-formed.
pub(in crate::format) fn tree(text: &str) -> Option<Node> {
    read(Reader::element(text.trim_matches(is_space), XML_DEPTH_MAX))
}

/// A document, with its declaration or without, as a tree; `None` if it is not well-formed.
pub(in crate::format) fn document_tree(text: &str) -> Option<Node> {
    if text.starts_with("<?xml") { read(Reader::document(text).ok()?) } else { tree(text) }
}

fn read(mut reader: Reader<'_>) -> Option<Node> {
    let mut open: Vec<Node> = Vec::new();
    loop {
        match reader.next().ok()? {
            Token::Start(start) => {
                let node = Node::of(&start, reader.language());
                open.push(node);
            }
            Token::Text(text) => open.last_mut()?.text.push_str(&text),
            Token::End => {
                let mut node = open.pop()?;
                node.text = String::from(node.text.trim_matches(is_space));
                match open.last_mut() {
                    Some(around) => around.children.push(node),
                    None => return Some(node),
                }
            }
            Token::Done => return None,
        }
    }
}
