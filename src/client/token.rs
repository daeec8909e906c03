//! Invite tokens as people pass them on.
//!
//! Must never hold: who the invite is for or how long it is good (the server knows).

use core::fmt;
use std::str::FromStr;

use data_encoding::{BASE32_NOPAD, BASE32_NOPAD_NOCASE};

use super::random;
use crate::model::{InviteId, Refusal};

const TOKEN_BYTES: usize = 32;
// 35 bytes are 56 letters of base32 without a remainder.
const CHECK_BYTES: usize = 3;
const CHECK_CONTEXT: &[u8] = b"adsum invite token check";

/// The secret of an invite: 32 random bytes, of which the server knows only the [`InviteId`].
///
/// Written as 56 letters and digits of base32 (RFC 4648 §6): the bytes, then the first 3 bytes of SHA-256 over
/// `adsum invite token check` and them, so that a slip is noticed before anything is sent. Upper and lower case are equal;
/// hyphens and white space are passed over. Tokens of the first version have the first 3 bytes of BLAKE3 there, in
/// key-derivation mode with the context `adsum 2026 invite token check`; they are read and not written.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteToken([u8; TOKEN_BYTES]);

impl InviteToken {
    /// A new secret.
    pub fn generate() -> Self {
        Self(random::bytes())
    }

    /// The secret `bytes`, which must be random.
    pub const fn from_bytes(bytes: [u8; TOKEN_BYTES]) -> Self {
        Self(bytes)
    }

    /// The secret.
    pub const fn as_bytes(&self) -> &[u8; TOKEN_BYTES] {
        &self.0
    }

    /// The invite this opens.
    pub fn id(&self) -> InviteId {
        InviteId::of(&self.0)
    }

    fn check(&self) -> [u8; CHECK_BYTES] {
        let checked = [CHECK_CONTEXT, &self.0].concat();
        cut(ring::digest::digest(&ring::digest::SHA256, &checked).as_ref())
    }

    fn first_check(&self) -> [u8; CHECK_BYTES] {
        cut(&blake3::derive_key("adsum 2026 invite token check", &self.0))
    }
}

fn cut(digest: &[u8]) -> [u8; CHECK_BYTES] {
    digest[..CHECK_BYTES].try_into().expect("a digest is longer than the check")
}

impl fmt::Display for InviteToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.0.as_slice(), &self.check()].concat();
        formatter.write_str(&BASE32_NOPAD.encode(&bytes).to_ascii_lowercase())
    }
}

impl fmt::Debug for InviteToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("InviteToken(secret)")
    }
}

impl FromStr for InviteToken {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let bad = |reason: &str| Refusal::bad_field("invite token", reason);
        let letters: String =
            text.chars().filter(|letter| *letter != '-' && !letter.is_whitespace()).collect();
        if letters.len() != (TOKEN_BYTES + CHECK_BYTES) * 8 / 5 {
            return Err(bad("must have 56 letters and digits; copy all of it"));
        }
        let bytes = BASE32_NOPAD_NOCASE.decode(letters.as_bytes()).map_err(|_| {
            bad("may hold only the letters a to z and the digits 2 to 7; copy it again")
        })?;
        let (token, check) = bytes.split_at(TOKEN_BYTES);
        let token = Self(token.try_into().expect("the length was checked"));
        if token.check() != check && token.first_check() != check {
            return Err(bad("has a slip in it: its check does not match; copy it again"));
        }
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        text.parse::<InviteToken>().unwrap_err().to_string()
    }

    #[test]
    fn a_token_reads_back_in_any_case_and_grouping() {
        let token = InviteToken::generate();
        let text = token.to_string();
        assert_eq!(text.len(), 56);
        assert_eq!(text.parse::<InviteToken>().unwrap(), token);
        let grouped = format!(" {}-{}\n", &text[..20].to_uppercase(), &text[20..]);
        assert_eq!(grouped.parse::<InviteToken>().unwrap(), token);
    }

    #[test]
    fn both_checks_are_read_and_the_later_one_is_written() {
        let token = InviteToken::from_bytes([7; 32]);
        let first = "a4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4d6q2hd";
        let later = "a4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dvc2nr";
        assert_eq!(first.parse::<InviteToken>().unwrap(), token);
        assert_eq!(token.to_string(), later);
    }

    #[test]
    fn a_wrong_token_is_told_what_is_wrong() {
        let text = InviteToken::from_bytes([7; 32]).to_string();
        assert!(reason("abc").contains("56 letters"));
        assert!(reason(&text.replacen(&text[..1], "1", 1)).contains("2 to 7"));
        let other = if text.ends_with('a') { "b" } else { "a" };
        assert!(reason(&format!("{}{other}", &text[..55])).contains("slip"));
    }

    #[test]
    fn a_token_is_never_printed_by_accident() {
        assert_eq!(format!("{:?}", InviteToken::from_bytes([7; 32])), "InviteToken(secret)");
    }
}
