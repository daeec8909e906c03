//! URIs as other systems take them: what is outside their characters is percent-encoded.
//!
//! Must never hold: a URI that is taken apart. The model's addresses do that.

use std::fmt::Write;

/// `uri` with everything percent-encoded that a URI cannot hold plainly (RFC 3986 §2).
pub(super) fn encode(uri: &str) -> String {
    let mut encoded = String::with_capacity(uri.len());
    for byte in uri.bytes() {
        if byte.is_ascii_alphanumeric() || b":@!$&'*+-/=_~.".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_uri_cannot_hold_is_encoded_and_nothing_else() {
        assert_eq!(encode("im:a.b+c@d.example"), "im:a.b+c@d.example");
        assert_eq!(encode("pres:élise#1@d"), "pres:%C3%A9lise%231@d");
    }
}
