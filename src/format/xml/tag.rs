//! One start tag, taken apart: its name and its attributes, each with its namespace.
//!
//! Must never hold: what a name means.

use std::borrow::Cow;

use super::chars::{attribute_value, is_space, split_name};

/// An attribute as it stands in the text.
#[derive(Clone, Debug)]
pub(in crate::format) struct Attribute<'a> {
    /// `""` if there is none.
    pub(super) prefix: &'a str,
    pub(super) local: &'a str,
    /// The value with its quotes, as it was written.
    pub(super) quoted: &'a str,
    pub(super) value: Cow<'a, str>,
    /// `""` without a prefix: an attribute never takes the default namespace.
    pub(super) namespace: Cow<'a, str>,
}

/// The start of an element.
#[derive(Clone, Debug)]
pub(in crate::format) struct Start<'a> {
    /// The byte of its `<`.
    pub(in crate::format) at: usize,
    /// The name as written.
    pub(in crate::format) name: &'a str,
    pub(super) prefix: &'a str,
    /// The name without prefix.
    pub(in crate::format) local: &'a str,
    /// `""` if it is in none.
    pub(in crate::format) namespace: Cow<'a, str>,
    pub(super) attributes: Vec<Attribute<'a>>,
}

impl Start<'_> {
    /// The value of the attribute `local` that has no namespace.
    pub(in crate::format) fn value(&self, local: &str) -> Option<&str> {
        self.value_in("", local)
    }

    /// The value of the attribute `local` in `namespace`.
    pub(in crate::format) fn value_in(&self, namespace: &str, local: &str) -> Option<&str> {
        let found = |attribute: &&Attribute<'_>| {
            attribute.local == local && attribute.namespace == namespace
        };
        self.attributes.iter().find(found).map(|attribute| &*attribute.value)
    }
}

/// What is wrong with a tag, and where in it.
pub(super) struct TagFault {
    pub(super) at: usize,
    pub(super) cause: String,
    pub(super) cure: &'static str,
}

fn fault(at: usize, cause: impl Into<String>, cure: &'static str) -> TagFault {
    TagFault { at, cause: cause.into(), cure }
}

/// Cuts `inside`, what lies between `<` and `>` without a closing `/`, into the name and the attributes.
///
/// Namespaces are left empty.
pub(super) fn cut(inside: &str) -> Result<(&str, Vec<Attribute<'_>>), TagFault> {
    let (name, mut rest) = inside.split_at(inside.find(is_space).unwrap_or(inside.len()));
    let mut attributes = Vec::new();
    loop {
        let at = inside.len() - rest.len();
        let trimmed = rest.trim_start_matches(is_space);
        if trimmed.is_empty() {
            return Ok((name, attributes));
        }
        if trimmed.len() == rest.len() {
            return Err(fault(at, "attributes touch each other", "put a space between them"));
        }
        let at = inside.len() - trimmed.len();
        let (attribute, length) = one(trimmed).map_err(|fault| TagFault { at, ..fault })?;
        attributes.push(attribute);
        rest = &trimmed[length..];
    }
}

/// The attribute at the beginning of `text`, and how long it is.
fn one(text: &str) -> Result<(Attribute<'_>, usize), TagFault> {
    let equals = text.find('=');
    let equals =
        equals.ok_or_else(|| fault(0, "an attribute has no value", "write name=\"value\""))?;
    let name = text[..equals].trim_end_matches(is_space);
    let (prefix, local) = split_name(name).ok_or_else(|| {
        let name: String = name.chars().take(40).collect();
        fault(0, format!("{name:?} is no attribute name"), "begin it with a letter or _")
    })?;
    let value = text[equals + 1..].trim_start_matches(is_space);
    let begin = text.len() - value.len();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
    let quote = quote.ok_or_else(|| fault(0, "a value has no quotes", "write name=\"value\""))?;
    let close = value[1..].find(quote);
    let close = close.ok_or_else(|| fault(0, "a value does not end", "close its quotes"))? + 1;
    let quoted = &value[..=close];
    let value = attribute_value(&value[1..close]).map_err(|_| {
        let cause =
            format!("the value of {name} holds a `<` or a reference that stands for nothing");
        fault(0, cause, "write &lt; and &amp;; no entity is defined but the five of XML")
    })?;
    let namespace = Cow::Borrowed("");
    Ok((Attribute { prefix, local, quoted, value, namespace }, begin + quoted.len()))
}
