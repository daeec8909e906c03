//! Names of headers: a prefix is local to one message, so names are compared as namespace and name.
//!
//! Must never hold: a prefix that no NS header before it declared.

use core::fmt;

/// The namespace of the headers that RFC 3862 defines, in force until an NS header without prefix changes it.
pub const CORE: &str = "urn:ietf:params:cpim-headers:";

/// The headers that RFC 3862 defines.
pub(super) const CORE_HEADERS: [&str; 7] =
    ["From", "To", "cc", "DateTime", "Subject", "NS", "Require"];

/// A header's name with its namespace. Case counts in both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    namespace: String,
    local: String,
}

impl Name {
    /// The URI that an NS header gave, or [`CORE`].
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name without prefix.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// Whether RFC 3862 itself defines this header.
    pub fn is_core_header(&self) -> bool {
        self.core_header().is_some_and(|local| CORE_HEADERS.contains(&local))
    }

    /// The name, if it is in [`CORE`].
    pub(super) fn core_header(&self) -> Option<&str> {
        (self.namespace == CORE).then_some(&*self.local)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "<{}>{}", self.namespace, self.local)
    }
}

/// The namespaces in force at a header.
pub(super) struct Namespaces {
    default: String,
    prefixes: Vec<(String, String)>,
}

impl Namespaces {
    pub(super) fn new() -> Self {
        Self { default: CORE.to_owned(), prefixes: Vec::new() }
    }

    /// Takes an NS header in; an empty prefix changes the default. The latest declaration of a prefix counts.
    pub(super) fn declare(&mut self, prefix: &str, uri: &str) {
        if prefix.is_empty() {
            uri.clone_into(&mut self.default);
        } else {
            self.prefixes.push((prefix.to_owned(), uri.to_owned()));
        }
    }

    /// The name that `written` stands for, with its prefix if it has one.
    ///
    /// An `NS` without prefix is always the core one: otherwise a message that once changed the default could not
    /// declare anything any more.
    ///
    /// # Errors
    /// What is wrong with the name.
    pub(super) fn resolve(&self, written: &str) -> Result<Name, &'static str> {
        let (prefix, local) = written.split_once('.').unwrap_or(("", written));
        if !is_name(local) || (prefix.is_empty() != (local.len() == written.len())) {
            return Err(
                "write a name with letters, digits and - ! # $ % & ' * + ^ _ ` | ~, and one . behind a prefix",
            );
        }
        let namespace = match (prefix, local) {
            ("", "NS") => CORE,
            ("", _) => &self.default,
            _ => self.find(prefix).ok_or("declare the prefix in an NS header before it is used")?,
        };
        Ok(Name { namespace: namespace.to_owned(), local: local.to_owned() })
    }

    fn find(&self, prefix: &str) -> Option<&str> {
        let declared = self.prefixes.iter().rev().find(|(name, _)| name == prefix);
        declared.map(|(_, uri)| uri.as_str())
    }
}

/// RFC 3862 §3.6: `1*NAMECHAR`.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_name_byte)
}

pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_stands_for_what_was_declared_last_and_the_default_can_change() {
        let mut namespaces = Namespaces::new();
        let name =
            |namespaces: &Namespaces, text: &str| namespaces.resolve(text).map(|n| n.to_string());
        assert_eq!(name(&namespaces, "From").unwrap(), format!("<{CORE}>From"));
        assert!(name(&namespaces, "p.From").unwrap_err().contains("declare the prefix"));
        namespaces.declare("p", "urn:1");
        namespaces.declare("p", "urn:2");
        namespaces.declare("", "urn:3");
        assert_eq!(name(&namespaces, "p.From").unwrap(), "<urn:2>From");
        assert_eq!(name(&namespaces, "From").unwrap(), "<urn:3>From");
        assert_eq!(name(&namespaces, "NS").unwrap(), format!("<{CORE}>NS"));
        for wrong in ["", ".", "p.", ".x", "a.b.c", "a b", "a@b", "é", "p.é"] {
            assert!(name(&namespaces, wrong).is_err(), "{wrong:?}");
        }
    }
}
