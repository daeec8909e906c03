//! Addresses of other systems, and the principals here that they stand for: `sip:alice@example.com` is alice.
//!
//! Must never hold: a look-up. A telephone number or a bare name says no domain, and none is found for it.

use crate::model::{Presentity, Principal};

/// The schemes under which other systems name whom they speak of.
const SCHEMES: [&str; 8] = ["pres", "im", "sip", "sips", "tel", "mailto", "xmpp", "user"];

/// Whom an address names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A user of a domain.
    Principal(Principal),
    /// A number or a name without a domain.
    Local(String),
    /// Nobody: the domain is the one of pseudonyms.
    Anonymous,
    /// Something else, such as a host alone, or a user whose name cannot be one here.
    Other,
}

/// Takes an address apart: a URI of one of the known schemes, or what stands bare; `None` if it is neither.
pub(super) fn named(uri: &str) -> Option<Named> {
    let (scheme, rest) = match uri.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
        _ => (String::new(), uri),
    };
    let is_known = scheme.is_empty() || SCHEMES.contains(&&*scheme);
    if !is_known || rest.is_empty() || uri.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return None;
    }
    if scheme == "tel" {
        return Some(Named::Local(number(rest)));
    }
    let Some((user, host)) = rest.rsplit_once('@') else {
        let name = rest.split([';', '?']).next().unwrap_or_default();
        let is_host = matches!(&*scheme, "sip" | "sips");
        return Some(if is_host { Named::Other } else { Named::Local(name.to_owned()) });
    };
    Some(of_parts(user, host))
}

/// RFC 3261 §19.1: `user[;parameters][:password]@host[:port][;parameters][?headers]`; for `xmpp:` also `host/resource`.
fn of_parts(user: &str, host: &str) -> Named {
    let user = user.split([':', ';']).next().unwrap_or_default();
    let host = host.split([';', '?', '/', ':']).next().unwrap_or_default();
    if host.eq_ignore_ascii_case("anonymous.invalid") {
        return Named::Anonymous;
    }
    let read = format!("pres:{user}@{host}").parse::<Presentity>();
    read.map_or(Named::Other, |presentity| Named::Principal(presentity.principal()))
}

/// A telephone number without its visual separators and parameters. RFC 3966 §5.1.1.
fn number(rest: &str) -> String {
    let number = rest.split(';').next().unwrap_or_default();
    number.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')')).collect()
}

fn is_scheme(text: &str) -> bool {
    let begins = text.starts_with(|first: char| first.is_ascii_alphabetic());
    begins && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_another_system_names_the_same_principal() {
        for uri in [
            "sip:alice@example.com",
            "SIP:Alice@EXAMPLE.com",
            "sips:alice@example.com:5061;transport=tls?subject=x",
            "sip:alice:secret@example.com",
            "sip:%61lice@example.com",
            "sip:alice;day=monday@example.com",
            "mailto:alice@example.com",
            "im:alice@example.com",
            "xmpp:alice@example.com/desk",
            "alice@example.com",
            "alice@example.com:5060",
        ] {
            let alice = "alice@example.com".parse().unwrap();
            assert_eq!(named(uri), Some(Named::Principal(alice)), "{uri}");
        }
    }

    #[test]
    fn what_names_no_domain_or_nobody_is_told_apart() {
        let local = |name: &str| Some(Named::Local(name.into()));
        assert_eq!(named("tel:+1-201-555.0123;ext=1"), local("+12015550123"));
        assert_eq!(named("+15550100"), local("+15550100"));
        assert_eq!(named("alice"), local("alice"));
        assert_eq!(named("sip:anonymous@Anonymous.invalid"), Some(Named::Anonymous));
        assert_eq!(named("sip:example.com"), Some(Named::Other));
        assert_eq!(named("sip:alice@[2001:db8::1]"), Some(Named::Other));
        for wrong in ["", "sip:", "http://example.com", "urn:x", "a b", "sip:a\tb@c"] {
            assert_eq!(named(wrong), None, "{wrong:?}");
        }
    }
}
