//! An element carried on as it is: cut out of a document so that it stands alone, and looked at before it is put
//! into another.
//!
//! Must never hold: a change of anything but the start tag of the element that is cut out, and there only what the
//! element would lose with its surroundings: namespaces and language.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::chars::{attribute, is_space, split_name};
use super::reader::{Reader, Token, decode};
use super::scope::XML;
use super::tag::Start;
use crate::format::FormatFault;
use crate::model::limits::{XML_ATTRIBUTES_MAX, XML_DEPTH_MAX};

/// Reads the rest of the element that `start` began and gives it as a text that stands alone.
///
/// Byte for byte as it was, except that its start tag also declares each prefix, the default namespace and the
/// language that it has from elements around it and uses. A prefix counts as used in a name, and where a whole value
/// or text is a qualified name, as in `xsi:type="p:kind"`.
///
/// # Errors
/// What is wrong with the text inside; [`FormatFault::TooLarge`] if the element comes to more than `bytes_max`.
pub(in crate::format) fn capture<'a>(
    reader: &mut Reader<'a>,
    start: &Start<'a>,
    bytes_max: usize,
) -> Result<String, FormatFault> {
    let outside = reader.bindings() - declared_by(start);
    let mut inherited = Inherited::new();
    if start.value_in(XML, "lang").is_none() && !reader.language_outside().is_empty() {
        let language = format!("\"{}\"", attribute(reader.language_outside()));
        inherited.insert("xml:lang".into(), language.into());
    }
    note_start(reader, start, outside, &mut inherited);
    let depth = reader.depth();
    while reader.depth() >= depth {
        match reader.next()? {
            Token::Start(inner) => note_start(reader, &inner, outside, &mut inherited),
            Token::Text(text) => note_value(reader, &text, outside, &mut inherited),
            Token::End | Token::Done => {}
        }
    }
    put_together(reader, start, &inherited, bytes_max)
}

/// Attributes to add to a start tag: name and quoted value.
type Inherited<'a> = BTreeMap<String, Cow<'a, str>>;

fn declared_by(start: &Start<'_>) -> usize {
    let declares =
        |prefix: &str, local: &str| prefix == "xmlns" || (prefix.is_empty() && local == "xmlns");
    start.attributes.iter().filter(|one| declares(one.prefix, one.local)).count()
}

fn put_together(
    reader: &Reader<'_>,
    start: &Start<'_>,
    inherited: &Inherited<'_>,
    bytes_max: usize,
) -> Result<String, FormatFault> {
    if start.attributes.len() + inherited.len() > XML_ATTRIBUTES_MAX {
        let (at, max) = (reader.position(start.at), XML_ATTRIBUTES_MAX);
        return Err(FormatFault::TooMany { at, thing: "attributes of one element", max });
    }
    let added: usize = inherited.iter().map(|(name, quoted)| name.len() + quoted.len() + 2).sum();
    let whole = &reader.text()[start.at..reader.end()];
    let found = whole.len() + added;
    if found > bytes_max {
        return Err(FormatFault::TooLarge { thing: "document", found, max: bytes_max });
    }
    let (name, rest) = whole.split_at(1 + start.name.len());
    let mut text = String::with_capacity(found);
    text.push_str(name);
    for (name, quoted) in inherited {
        text.extend([" ", name, "=", &**quoted]);
    }
    text.push_str(rest);
    Ok(text)
}

fn note_start<'a>(
    reader: &Reader<'a>,
    start: &Start<'a>,
    outside: usize,
    inherited: &mut Inherited<'a>,
) {
    note_prefix(reader, start.prefix, outside, inherited);
    for one in &start.attributes {
        if !one.prefix.is_empty() {
            note_prefix(reader, one.prefix, outside, inherited);
        }
        note_value(reader, &one.value, outside, inherited);
    }
}

/// A value that is a qualified name needs its prefix as much as a name does.
fn note_value<'a>(reader: &Reader<'a>, value: &str, outside: usize, inherited: &mut Inherited<'a>) {
    if let Some((prefix, _)) = split_name(value.trim_matches(is_space))
        && !prefix.is_empty()
    {
        note_prefix(reader, prefix, outside, inherited);
    }
}

fn note_prefix<'a>(
    reader: &Reader<'a>,
    prefix: &str,
    outside: usize,
    inherited: &mut Inherited<'a>,
) {
    let Some(found) = reader.binding(prefix) else { return };
    // Standing alone there is no default namespace, so having none needs no telling.
    if found.index >= outside || found.uri.is_empty() {
        return;
    }
    let name = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
    inherited.insert(name, found.quoted.into());
}

/// What an element that stands alone asks of the document it is put into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::format) struct Needs {
    /// The root's namespace.
    pub(in crate::format) namespace: String,
    /// The root's name without prefix.
    pub(in crate::format) local: String,
    /// Whether a name in it has no namespace because there is no default one: it would change its meaning elsewhere.
    pub(in crate::format) no_default: bool,
}

/// Looks at `text`, which was stored as markup: is it one well-formed element that needs nothing around it?
///
/// `depth` is how many elements will be around it. `None` if it could not be put into a document.
pub(in crate::format) fn standalone(text: &str, depth: usize) -> Option<Needs> {
    // Only looked through: a byte order mark may begin a document, and no element within one.
    decode("element", text.as_bytes(), text.len()).ok()?;
    let trimmed = text.trim_matches(is_space);
    let mut reader = Reader::element(trimmed, XML_DEPTH_MAX.checked_sub(depth)?);
    let mut needs = None;
    loop {
        match reader.next().ok()? {
            Token::Start(start) => {
                // Something in front of the root is no part of the element.
                if needs.is_none() && start.at > 0 {
                    return None;
                }
                let bare = start.prefix.is_empty() && reader.binding("").is_none();
                let root = needs.get_or_insert_with(|| Needs {
                    namespace: start.namespace.clone().into_owned(),
                    local: start.local.to_owned(),
                    no_default: false,
                });
                root.no_default |= bare;
            }
            Token::End if reader.depth() == 0 && reader.end() < trimmed.len() => return None,
            Token::End | Token::Text(_) => {}
            Token::Done => return needs,
        }
    }
}

/// The value of an attribute of the root of `text`, which was stored as markup; `None` without it, or without a root.
pub(in crate::format) fn root_value(text: &str, namespace: &str, local: &str) -> Option<String> {
    let mut reader = Reader::element(text.trim_start_matches(is_space), XML_DEPTH_MAX);
    match reader.next().ok()? {
        Token::Start(root) => root.value_in(namespace, local).map(str::to_owned),
        _ => None,
    }
}
