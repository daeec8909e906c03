//! One header of a message: name, parameters, value. One line each, without folding.
//!
//! Must never hold: a value that was changed. Escapes are resolved on the way out.

use super::address::string_end;
use super::escape::resolve;
use super::namespace::{Name, is_name, is_name_byte};

/// A header as it stands in the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub(super) name: Name,
    pub(super) parameters: Vec<Parameter>,
    pub(super) value: String,
}

/// A parameter of a header, such as `lang=fr`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name. Case counts.
    pub name: String,
    /// Its value, without quotes and with escapes resolved.
    pub value: String,
}

impl Header {
    /// The name with its namespace.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The parameters, in order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The value as written, escapes and all.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The value with its escapes resolved. It may hold control characters: not fit for a terminal as it is.
    pub fn text(&self) -> String {
        resolve(&self.value)
    }

    /// The language the value is said to be in; `""` if none is.
    pub fn language(&self) -> &str {
        let found = self.parameters.iter().find(|parameter| parameter.name == "lang");
        found.map_or("", |parameter| &parameter.value)
    }
}

/// A header line taken apart; its name not yet resolved.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    pub(super) parameters: Vec<Parameter>,
    pub(super) value: &'a str,
}

/// Takes a line apart: `name ":" *(";" parameter) SP value`.
///
/// # Errors
/// The byte that is wrong, and what would be right there.
pub(super) fn take_apart(line: &str) -> Result<Line<'_>, (usize, &'static str)> {
    if line.starts_with([' ', '\t']) {
        return Err((
            0,
            "a header is one line; begin it with its name, do not continue the line before",
        ));
    }
    if let Some(byte) = line.find(char::is_control) {
        return Err((byte, "write a control character as an escape, such as \\t or \\u0007"));
    }
    let colon = line.find(':').ok_or((0, "write name, colon, one space and value"))?;
    let (mut parameters, mut at) = (Vec::new(), colon + 1);
    while line[at..].starts_with(';') {
        let (parameter, length) = parameter(&line[at + 1..]).map_err(|cure| (at, cure))?;
        parameters.push(parameter);
        at += 1 + length;
    }
    let value = line[at..].strip_prefix(' ').ok_or((at, "put one space in front of the value"))?;
    if value.starts_with(' ') || value.ends_with(' ') {
        return Err((at, "put exactly one space in front of the value and none behind it"));
    }
    Ok(Line { name: &line[..colon], parameters, value })
}

/// The parameter at the beginning of `text`, and how long it is.
fn parameter(text: &str) -> Result<(Parameter, usize), &'static str> {
    let cure = "write a parameter as ;name=value, the value in quotes if it is not a word";
    let (name, rest) = text.split_once('=').filter(|(name, _)| is_name(name)).ok_or(cure)?;
    let (value, length) = if let Some(quoted) = rest.strip_prefix('"') {
        let end = string_end(quoted).ok_or(cure)?;
        (resolve(&quoted[..end]), end + 2)
    } else {
        let word = |c: char| !c.is_ascii() || c == '.' || u8::try_from(c).is_ok_and(is_name_byte);
        let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
        (rest[..end].to_owned(), end)
    };
    if length == 0 || (name == "lang" && !is_language(&value)) {
        return Err(cure);
    }
    Ok((Parameter { name: name.to_owned(), value }, name.len() + 1 + length))
}

/// The outer form of an RFC 5646 tag.
fn is_language(tag: &str) -> bool {
    let part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    tag.split('-').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_name_parameters_and_value() {
        let line = take_apart("Subject:;lang=fr;x=\"a; \\\"b\\\"\" Bonjour; tous").unwrap();
        assert_eq!((line.name, line.value), ("Subject", "Bonjour; tous"));
        let parameters: Vec<(&str, &str)> =
            line.parameters.iter().map(|one| (&*one.name, &*one.value)).collect();
        assert_eq!(parameters, [("lang", "fr"), ("x", "a; \"b\"")]);
        assert_eq!(take_apart("A: ").unwrap().value, "", "a value may be empty");
    }

    #[test]
    fn a_line_out_of_form_is_refused_where_it_is() {
        for (line, at) in [
            ("", 0),
            ("no colon", 0),
            (" From: x", 0),
            ("\tFrom: x", 0),
            ("From:x", 5),
            ("From:  x", 5),
            ("From: x ", 5),
            ("From: x\ty", 7),
            ("From: x\u{7f}", 7),
            ("From: \u{85}", 6),
            ("From:\tx", 5),
            ("S:;lang= x", 2),
            ("S:;lang=f_r x", 2),
            ("S:;=fr x", 2),
            ("S:;lang x", 2),
            ("S:;a=\"b x", 2),
            ("S:;lang=fr", 10),
            ("S:;lang=fr,x y", 10),
        ] {
            assert_eq!(take_apart(line).map(|_| ()).unwrap_err().0, at, "{line:?}");
        }
    }
}
