//! Which prefix stands for which namespace, at the place a reader has come to.
//!
//! Must never hold: a prefix that was never declared, except `xml`.

use std::borrow::Cow;

use super::tag::Attribute;

/// The namespace of `xml:lang`, bound without being declared.
pub(super) const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// One declaration.
#[derive(Clone, Debug)]
struct Binding<'a> {
    /// `""` for the default namespace.
    prefix: &'a str,
    /// `""` takes the default namespace away.
    uri: Cow<'a, str>,
    /// The value as it was written, with its quotes.
    quoted: &'a str,
}

/// The declarations in force.
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    bindings: Vec<Binding<'a>>,
    /// How many there were before each open element.
    outside: Vec<usize>,
}

/// A declaration found by its prefix.
pub(super) struct Found<'s, 'a> {
    /// How many declarations stand before it: tells whether it is older than some element.
    pub(super) index: usize,
    pub(super) uri: &'s Cow<'a, str>,
    pub(super) quoted: &'a str,
}

impl<'a> Scope<'a> {
    /// Enters an element and takes in what it declares.
    ///
    /// # Errors
    /// What is wrong with a declaration.
    pub(super) fn enter(&mut self, attributes: &[Attribute<'a>]) -> Result<(), &'static str> {
        self.outside.push(self.bindings.len());
        for attribute in attributes {
            let prefix = match (attribute.prefix, attribute.local) {
                ("", "xmlns") => "",
                ("xmlns", prefix) => prefix,
                _ => continue,
            };
            check(prefix, &attribute.value)?;
            let (uri, quoted) = (attribute.value.clone(), attribute.quoted);
            self.bindings.push(Binding { prefix, uri, quoted });
        }
        Ok(())
    }

    /// Leaves the innermost element and forgets what it declared.
    pub(super) fn leave(&mut self) {
        let outside = self.outside.pop().expect("what is left was entered");
        self.bindings.truncate(outside);
    }

    /// How many declarations are in force.
    pub(super) fn len(&self) -> usize {
        self.bindings.len()
    }

    /// The innermost declaration of `prefix`.
    pub(super) fn find(&self, prefix: &str) -> Option<Found<'_, 'a>> {
        let index = self.bindings.iter().rposition(|binding| binding.prefix == prefix)?;
        let binding = &self.bindings[index];
        Some(Found { index, uri: &binding.uri, quoted: binding.quoted })
    }

    /// The namespace of an element; `None` if its prefix is not declared.
    pub(super) fn of_element(&self, prefix: &str) -> Option<Cow<'a, str>> {
        match prefix {
            "xml" => Some(XML.into()),
            "xmlns" => None,
            "" => Some(self.find("").map_or("".into(), |found| found.uri.clone())),
            _ => self.find(prefix).map(|found| found.uri.clone()),
        }
    }

    /// The namespace of an attribute; `None` if its prefix is not declared.
    pub(super) fn of_attribute(&self, attribute: &Attribute<'a>) -> Option<Cow<'a, str>> {
        match (attribute.prefix, attribute.local) {
            ("", "xmlns") | ("xmlns", _) => Some(XMLNS.into()),
            ("", _) => Some("".into()),
            (prefix, _) => self.of_element(prefix),
        }
    }
}

/// Namespaces in XML 1.0 §3: what may not be declared.
fn check(prefix: &str, uri: &str) -> Result<(), &'static str> {
    match (prefix, uri) {
        ("xmlns", _) => Err("the prefix xmlns is declared"),
        ("xml", uri) if uri != XML => Err("the prefix xml is bound to a namespace not its own"),
        (prefix, XML) if prefix != "xml" => Err("the namespace of xml is bound to another prefix"),
        (_, XMLNS) => Err("the namespace of xmlns is bound to a prefix"),
        (prefix, "") if !prefix.is_empty() => Err("a prefix is bound to no namespace"),
        // No URI holds these, and other parsers put them between a namespace and a name.
        (_, uri) if uri.contains([' ', '\t', '\n', '\r', '{', '}']) => {
            Err("a namespace holds a space or a brace")
        }
        _ => Ok(()),
    }
}
