//! Addresses in From, To and cc: a name for people and a URI for programs.
//!
//! Must never hold: a URI of one scheme only. A message may also name telephones and mailboxes.

use super::escape::{escape, resolve};
use super::namespace::is_name_byte;
use crate::format::foreign::{Named, named};
use crate::format::uri;
use crate::model::{InboxAddress, Principal, Refusal};

/// Somebody a message is from or for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// What to call them; `None` if the message does not say.
    pub name: Option<String>,
    /// An absolute URI of any scheme, as written.
    pub uri: String,
}

/// Whom an address stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    /// Somebody with an inbox: named by an `im:`, `sip:` or `sips:` URI.
    Inbox(InboxAddress),
    /// A telephone number, as its digits.
    Number(String),
    /// Nobody: some programs write `anonymous.invalid` into every message and leave the rest to what carries it.
    Anonymous,
    /// Nobody that can be reached here.
    Other,
}

impl Address {
    /// Whom the URI stands for, also if it is one of a system for calls.
    pub fn party(&self) -> Party {
        let scheme = self.uri.split(':').next().unwrap_or_default().to_ascii_lowercase();
        match named(&self.uri).filter(|_| ["im", "sip", "sips", "tel"].contains(&&*scheme)) {
            Some(Named::Principal(principal)) => Party::Inbox(principal.inbox()),
            Some(Named::Local(number)) if scheme == "tel" => Party::Number(number),
            Some(Named::Anonymous) => Party::Anonymous,
            _ => Party::Other,
        }
    }

    /// Whether it stands for `sender`: by an address of theirs, or by their number in their own domain.
    pub fn is_of(&self, sender: &Principal) -> bool {
        match self.party() {
            Party::Inbox(inbox) => inbox == sender.inbox(),
            Party::Number(number) => number == sender.local(),
            Party::Anonymous | Party::Other => false,
        }
    }

    /// An address without a name.
    pub fn of(uri: &str) -> Self {
        Self { name: None, uri: uri.to_owned() }
    }

    /// The address of an inbox, without a name.
    pub fn of_inbox(inbox: &InboxAddress) -> Self {
        Self { name: None, uri: uri::encode(&inbox.to_string()) }
    }

    /// The inbox that the URI names.
    ///
    /// # Errors
    /// [`Refusal::BadAddress`] if it names none, as a `tel:` URI does not.
    pub fn inbox(&self) -> Result<InboxAddress, Refusal> {
        self.uri.parse()
    }

    /// The value of a From, To or cc header. RFC 3862 §3.6: words and a space, or a string, then `<URI>`.
    pub(super) fn write(&self) -> String {
        match &self.name {
            None => format!("<{}>", self.uri),
            Some(name) if is_words(name) => format!("{name} <{}>", self.uri),
            Some(name) => format!("\"{}\"<{}>", escape(name, true), self.uri),
        }
    }

    /// Reads such a value.
    ///
    /// # Errors
    /// What would be right.
    pub(super) fn read(value: &str) -> Result<Self, &'static str> {
        let (name, rest) = if let Some(quoted) = value.strip_prefix('"') {
            let end = string_end(quoted).ok_or("close the quotes of the name")?;
            (Some(resolve(&quoted[..end])), quoted[end + 1..].trim_start_matches(' '))
        } else {
            let begin = value.find('<').ok_or(SHAPE)?;
            let words = value[..begin].trim_end_matches(' ');
            ((!words.is_empty()).then(|| resolve(words)), &value[begin..])
        };
        let uri = uri_in_brackets(rest)?;
        Ok(Self { name, uri: uri.to_owned() })
    }
}

const SHAPE: &str = "write it like Alice <im:alice@example.com>";

/// The absolute URI that `text` is, between `<` and `>`.
pub(super) fn uri_in_brackets(text: &str) -> Result<&str, &'static str> {
    let uri = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).ok_or(SHAPE)?;
    let (scheme, rest) =
        uri.split_once(':').ok_or("give an absolute URI, such as <im:alice@example.com>")?;
    let begins = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
    let scheme_fits =
        begins && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !scheme_fits || rest.is_empty() {
        return Err("give an absolute URI, such as <im:alice@example.com>");
    }
    if uri
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '\\'))
    {
        return Err("percent-encode what a URI may not hold");
    }
    Ok(uri)
}

/// Where the quote lies that ends a string, escapes passed over.
pub(super) fn string_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}

/// Whether `name` may stand without quotes: tokens with one space between them.
fn is_words(name: &str) -> bool {
    let fits = |c: char| match u8::try_from(c) {
        Ok(byte) if byte.is_ascii() => is_name_byte(byte) || byte == b'.',
        _ => !c.is_control() && !c.is_whitespace(),
    };
    name.split(' ').all(|word| !word.is_empty() && word.chars().all(fits))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(name: &str) -> Address {
        Address { name: Some(name.into()), uri: "im:a@b".into() }
    }

    #[test]
    fn a_name_is_written_plainly_if_it_can_be() {
        for (name, written) in [
            ("Alice", "Alice <im:a@b>"),
            ("Élise M. 李", "Élise M. 李 <im:a@b>"),
            ("Alice  B", "\"Alice  B\"<im:a@b>"),
            ("A, \"B\" \\", "\"A, \\\"B\\\" \\\\\"<im:a@b>"),
            ("", "\"\"<im:a@b>"),
        ] {
            assert_eq!(named(name).write(), written);
            assert_eq!(Address::read(written).unwrap(), named(name));
        }
        assert_eq!(Address::read("<tel:+1-2>").unwrap(), Address::of("tel:+1-2"));
        assert_eq!(Address::read("\"Alice\" <im:a@b>").unwrap(), named("Alice"));
        assert!(Address::of("im:A@b").inbox().is_ok() && Address::of("tel:+1").inbox().is_err());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in [
            "",
            "im:a@b",
            "Alice im:a@b",
            "<>",
            "<alice@b>",
            "<im:>",
            "<:a>",
            "<1m:a>",
            "<im:a b>",
            "<im:a\\b>",
            "<im:a> ",
            "<im:a>x",
            "<im:a",
            "\"Alice <im:a@b>",
            "\"Alice\"x<im:a@b>",
            "<<im:a>>",
        ] {
            assert!(Address::read(wrong).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn an_address_that_is_written_reads_back(name in proptest::option::of(any::<String>())) {
            let address = Address { name, uri: "mailto:a@b".into() };
            prop_assert_eq!(Address::read(&address.write()), Ok(address));
        }
    }
}
