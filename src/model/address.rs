//! Principals, presentities, inboxes and their domains.
//!
//! One account key per principal: the domain in its ASCII form, the local part in NFKC and case-folded, so that spelling
//! cannot be used to look like somebody else or to get round a rule (RFC 2779 §5.1.13). RFC 8265 §3.3 maps width and case and
//! refuses other compatibility characters; NFKC maps those too, because Thai and Lao are typed with some. What was recorded
//! is read as it is: an account of an older spelling must not become another one.
//! Must never hold: a guess. What does not parse is refused with the part that is wrong.

use core::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::limits::{DOMAIN_BYTES_MAX, LOCAL_PART_BYTES_MAX};
use super::{Refusal, spelling};

/// A DNS domain in lower-case ASCII, such as `example.com` or `localhost`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Domain(Arc<str>);

/// The domain of pseudonyms. RFC 6761 §6.4 keeps `invalid` from ever being anybody's.
const ANONYMOUS: &str = "anonymous.invalid";

impl Domain {
    /// The domain as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Domain {
    /// Whether it is the one of pseudonyms, which nobody can be enrolled in.
    pub fn is_anonymous(&self) -> bool {
        self.as_str() == ANONYMOUS
    }
}

// Equal, ordered and hashed as its text is.
impl core::borrow::Borrow<str> for Domain {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Domain {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        text.parse()
    }
}

impl Serialize for Domain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl FromStr for Domain {
    type Err = Refusal;

    /// Parses `text` by IDNA (UTS 46) into its ASCII form.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let bad = |reason: &str| Refusal::bad_address(text, reason);
        if text.ends_with(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']) {
            return Err(bad("its domain ends in a dot; leave that out"));
        }
        let ascii = idna::domain_to_ascii_strict(text).ok();
        let ascii = ascii.filter(|ascii| ascii.len() <= DOMAIN_BYTES_MAX);
        let bad = || bad("its domain is not a DNS name; write one like example.com");
        Ok(Self(ascii.ok_or_else(bad)?.into()))
    }
}

/// `local@domain` in canonical form. Shared by the three kinds of address, which never mix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Account {
    text: Arc<str>,
    /// Where its `@` stands: nearly every rule asks for the domain.
    at: u32,
}

impl Account {
    /// The account that `text` is: it has something on both sides of its only `@`.
    fn of(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let at = text.find('@').expect("an account holds one `@`");
        Self { at: u32::try_from(at).expect("an account is short"), text }
    }

    /// Parses `text` after percent-decoding has been done.
    fn parse(text: &str) -> Result<Self, Refusal> {
        let bad = |reason: &str| Refusal::bad_address(text, reason);
        let (local, domain) = text
            .split_once('@')
            .ok_or_else(|| bad("it has no `@`; write it like alice@example.com"))?;
        if domain.contains('@') {
            return Err(bad("it has more than one `@`; write it like alice@example.com"));
        }
        let local = spelling::fold(local).map_err(|reason| bad(&reason))?;
        let domain: Domain = domain.parse().map_err(|refusal: Refusal| refusal.about(text))?;
        Ok(Self::of(format!("{local}@{}", domain.as_str())))
    }

    /// Takes `text` as it is: an account of one `@` with something on both sides.
    fn recorded(text: &str) -> Result<Self, Refusal> {
        let sides = text.split_once('@');
        let whole = sides.filter(|(local, domain)| !local.is_empty() && !domain.is_empty());
        match whole {
            Some((_, domain)) if !domain.contains('@') => Ok(Self::of(text)),
            _ => Err(Refusal::bad_address(
                text,
                "it was never an account; write it like alice@example.com",
            )),
        }
    }

    fn domain(&self) -> &str {
        &self.text[self.at as usize + 1..]
    }

    fn local(&self) -> &str {
        &self.text[..self.at as usize]
    }
}

/// Takes the scheme off, ignores header fields as RFC 3859 §A lets us, and undoes percent-encoding.
fn mailbox_of(text: &str, scheme: &str) -> Result<String, Refusal> {
    let bad = |reason: &str| Refusal::bad_address(text, reason);
    let write = format!("write it like {scheme}:alice@example.com");
    let (given, rest) = text.split_once(':').unwrap_or_default();
    if !given.eq_ignore_ascii_case(scheme) {
        return Err(bad(&format!("it does not begin with `{scheme}:`; {write}")));
    }
    let mailbox = rest.split_once('?').map_or(rest, |(mailbox, _)| mailbox);
    if mailbox.is_empty() {
        return Err(bad(&format!("it names nobody; {write}")));
    }
    let broken = "its percent-encoding is broken or not UTF-8; write % as %25";
    percent_decode(mailbox).ok_or_else(|| bad(broken))
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'%' {
            let digits = core::str::from_utf8(after.get(..2)?).ok()?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// An account as it was recorded.
#[derive(Deserialize)]
struct Recorded(String);

macro_rules! address {
    ($(#[$doc:meta])* $name:ident, $scheme:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "Recorded")]
        pub struct $name(Account);

        impl $name {
            /// Reads `local@domain` as a log or a server tells it, without folding it: what was folded otherwise when it was
            /// recorded stays what it was, and is not taken for somebody else.
            ///
            /// # Errors
            /// [`Refusal::BadAddress`] if it is no account at all.
            pub fn recorded(account: &str) -> Result<Self, Refusal> {
                Account::recorded(account).map(Self)
            }

            /// The domain, in ASCII.
            pub fn domain(&self) -> &str {
                self.0.domain()
            }

            /// The part before `@`, folded.
            pub fn local(&self) -> &str {
                self.0.local()
            }

            /// `local@domain`, without a scheme.
            pub fn account(&self) -> &str {
                &self.0.text
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}{}", $scheme, self.0.text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }

        impl TryFrom<Recorded> for $name {
            type Error = Refusal;

            fn try_from(Recorded(account): Recorded) -> Result<Self, Refusal> {
                Self::recorded(&account)
            }
        }

        // Most addresses are canonical already; reading them must not cost a Unicode pass each time.
        impl TryFrom<String> for $name {
            type Error = Refusal;

            fn try_from(text: String) -> Result<Self, Refusal> {
                if is_plain_canonical(&text) {
                    return Ok(Self(Account::of(text)));
                }
                Account::parse(&text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_newtype_struct(stringify!($name), self.account())
            }
        }
    };
}

/// Whether `text` is plainly what [`Account::parse`] would return for it: the common case, found in one pass.
fn is_plain_canonical(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let local_fits = (1..=LOCAL_PART_BYTES_MAX).contains(&local.len());
    let domain_fits = (1..=63).contains(&domain.len()) && !domain.contains("--");
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    local_fits
        && domain_fits
        && local.bytes().all(|byte| letters(byte) || matches!(byte, b'.' | b'-' | b'_' | b'+'))
        && domain.split('.').all(|label| {
            label.bytes().all(|byte| letters(byte) || byte == b'-')
                && label.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
                && !label.ends_with('-')
        })
}

address! {
    /// Somebody who acts: a person, a program or a group. RFC 2778 §3. Written `alice@example.com`.
    Principal, ""
}
address! {
    /// One that provides presence, and also a watcher's name: `pres:alice@example.com`. RFC 3859 appendix A.
    Presentity, "pres:"
}
address! {
    /// A receptacle for instant messages: `im:alice@example.com`. RFC 3860 appendix A.
    InboxAddress, "im:"
}

impl Principal {
    /// The pseudonym for one anonymous session, made from random bytes.
    pub fn pseudonym(random: [u8; 8]) -> Self {
        let account = format!("anonymous-{:016x}@{ANONYMOUS}", u64::from_be_bytes(random));
        Self(Account::of(account))
    }

    /// Whether this is the pseudonym of an anonymous session.
    pub fn is_anonymous(&self) -> bool {
        self.domain() == ANONYMOUS
    }

    /// Its domain.
    pub fn home(&self) -> Domain {
        Domain(self.domain().into())
    }

    /// The presentity of the same name, which this principal controls.
    pub fn presentity(&self) -> Presentity {
        Presentity(self.0.clone())
    }

    /// The inbox of the same name, which this principal controls.
    pub fn inbox(&self) -> InboxAddress {
        InboxAddress(self.0.clone())
    }
}

impl Presentity {
    /// The principal of the same name, who controls it.
    pub fn principal(&self) -> Principal {
        Principal(self.0.clone())
    }
}

impl InboxAddress {
    /// The principal of the same name, who controls it.
    pub fn principal(&self) -> Principal {
        Principal(self.0.clone())
    }
}

impl FromStr for Principal {
    type Err = Refusal;

    /// Parses `local@domain`.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::try_from(text.to_owned())
    }
}

impl FromStr for Presentity {
    type Err = Refusal;

    /// Parses a `pres:` URI.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::try_from(mailbox_of(text, "pres")?).map_err(|refusal| refusal.about(text))
    }
}

impl FromStr for InboxAddress {
    type Err = Refusal;

    /// Parses an `im:` URI.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::try_from(mailbox_of(text, "im")?).map_err(|refusal| refusal.about(text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn principal(text: &str) -> Principal {
        text.parse().unwrap()
    }

    #[test]
    fn spelling_does_not_make_another_principal() {
        assert_eq!(principal("Alice@Example.COM"), principal("alice@example.com"));
        assert_eq!(principal("ÉLISE@bücher.example").account(), "élise@xn--bcher-kva.example");
        assert_eq!(principal("e\u{301}lise@d.example"), principal("Élise@d.example"));
        assert_eq!(principal("straße@d.example"), principal("STRASSE@d.example"));
    }

    #[test]
    fn what_was_recorded_is_read_as_it_is() {
        let wide = "ａlice@localhost";
        let recorded: Principal =
            postcard::from_bytes(&postcard::to_stdvec(wide).unwrap()).unwrap();
        assert_eq!(recorded.account(), wide);
        assert_eq!((recorded.local(), recorded.domain()), ("ａlice", "localhost"));
        assert_eq!(Principal::recorded(wide).unwrap(), recorded);
        assert_ne!(recorded, principal(wide));
        for wrong in ["", "@", "a@", "@b", "ab", "a@b@c"] {
            assert!(Principal::recorded(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_print_with_their_scheme_and_read_back() {
        let alice: Presentity = "PRES:Alice@example.com?subject=hi".parse().unwrap();
        assert_eq!(alice.to_string(), "pres:alice@example.com");
        assert_eq!(alice.to_string().parse::<Presentity>().unwrap(), alice);
        assert_eq!(alice.principal().inbox().to_string(), "im:alice@example.com");
        assert_eq!("im:a%6cice@example.com".parse::<InboxAddress>().unwrap().local(), "alice");
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_wrong_part() {
        for (text, part) in [
            ("pres:", "names nobody"),
            ("alice@example.com", "does not begin with `pres:`"),
            ("im:alice@example.com", "does not begin with `pres:`"),
            ("pres:alice", "no `@`"),
            ("pres:a@b@c", "more than one `@`"),
            ("pres:@example.com", "1 to 64 bytes"),
            ("pres:a b@example.com", "may not hold ' '"),
            ("pres:a\u{200b}b@example.com", "may not hold"),
            ("pres:a%zz@example.com", "percent-encoding"),
            ("pres:a%ff@example.com", "percent-encoding"),
            ("pres:a@exa mple", "not a DNS name"),
            ("pres:a@", "not a DNS name"),
        ] {
            let message = text.parse::<Presentity>().unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn the_short_way_agrees_with_the_full_parse() {
        for text in ["a@b", "a.b-c_d+e@x.example", "alice@localhost", "a9@b9.c"] {
            assert!(is_plain_canonical(text), "{text}");
            assert_eq!(&*Account::parse(text).unwrap().text, text);
        }
        for text in ["A@b", "a@", "@b", "a@b.", "a@-b", "a@b-", "a@1.2.3.4", "a@xn--x", "a@b@c"] {
            assert!(!is_plain_canonical(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_address_is_a_fixed_point(text in "\\PC{1,20}@[a-zA-Z.]{1,12}") {
            if let Ok(first) = Account::parse(&text) {
                prop_assert_eq!(Account::parse(&first.text).unwrap(), first.clone());
                prop_assert_eq!(Principal::try_from(first.text.to_string()).unwrap().0, first);
            }
        }

        #[test]
        fn the_short_way_never_accepts_what_the_parse_changes(text in "[a-zA-Z0-9._+@-]{1,24}") {
            if is_plain_canonical(&text) {
                prop_assert_eq!(&*Account::parse(&text).unwrap().text, text.as_str());
            }
        }
    }
}
