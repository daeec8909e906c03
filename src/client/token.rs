//! Invite tokens as people pass them on.
//!
//! Must never hold: who the invite is for or how long it is good (the server knows).

use core::fmt;
use std::str::FromStr;

use data_encoding::{BASE32_NOPAD, BASE32_NOPAD_NOCASE};

use super::address::KeyHash;
use super::random;
use crate::model::{InviteId, Refusal};

const TOKEN_BYTES: usize = 32;
const KEY_BYTES: usize = 32;
// 35 bytes are 56 letters of base32 without a remainder, and 70 are 112.
const CHECK_BYTES: usize = 3;
const CHECK_CONTEXT: &[u8] = b"adsum invite token check";
const BOUND_CHECK_BYTES: usize = 6;
const BOUND_CHECK_CONTEXT: &[u8] = b"adsum bound invite token check";

/// The secret of an invite: 32 random bytes, of which the server knows only the [`InviteId`], and the key of that server, so
/// that it is shown to no other.
///
/// Written as 112 letters and digits of base32 (RFC 4648 §6): the secret, the hash of the server's key, then the first 6 bytes
/// of SHA-256 over `adsum bound invite token check` and both, so that a slip is noticed before anything is sent. Upper and
/// lower case are equal; hyphens and white space are passed over. Tokens without a key are 56 letters: the secret, then 3
/// bytes of SHA-256 over `adsum invite token check` and it. Those of the first version have the first 3 bytes of BLAKE3 there,
/// in key-derivation mode with the context `adsum 2026 invite token check`; they are read and not written.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteToken {
    secret: [u8; TOKEN_BYTES],
    server_key: Option<KeyHash>,
}

impl InviteToken {
    /// A new secret, for whichever server.
    pub fn generate() -> Self {
        Self::from_bytes(random::bytes())
    }

    /// The secret `bytes`, which must be random, for whichever server.
    pub const fn from_bytes(bytes: [u8; TOKEN_BYTES]) -> Self {
        Self { secret: bytes, server_key: None }
    }

    /// The same secret for the server with this key alone.
    #[must_use]
    pub const fn bound_to(self, server_key: KeyHash) -> Self {
        Self { server_key: Some(server_key), ..self }
    }

    /// The secret.
    pub const fn as_bytes(&self) -> &[u8; TOKEN_BYTES] {
        &self.secret
    }

    /// The key of the server that it may be shown to; `None` for one that is not bound.
    pub const fn server_key(&self) -> Option<KeyHash> {
        self.server_key
    }

    /// The invite this opens.
    pub fn id(&self) -> InviteId {
        InviteId::of(&self.secret)
    }

    fn parts(&self) -> Vec<u8> {
        let key = self.server_key.as_ref().map_or(&[][..], |key| &key.0);
        [&self.secret, key].concat()
    }

    fn check(&self) -> Vec<u8> {
        let (context, length) = match self.server_key {
            Some(_) => (BOUND_CHECK_CONTEXT, BOUND_CHECK_BYTES),
            None => (CHECK_CONTEXT, CHECK_BYTES),
        };
        let checked = [context, &self.parts()].concat();
        ring::digest::digest(&ring::digest::SHA256, &checked).as_ref()[..length].to_vec()
    }

    fn first_check(&self) -> Vec<u8> {
        blake3::derive_key("adsum 2026 invite token check", &self.secret)[..CHECK_BYTES].to_vec()
    }

    /// The token of these bytes, if their check holds.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (secret, rest) = bytes.split_first_chunk::<TOKEN_BYTES>()?;
        let token = Self::from_bytes(*secret);
        if rest.len() == CHECK_BYTES {
            return (rest == token.check() || rest == token.first_check()).then_some(token);
        }
        let (key, check) = rest.split_first_chunk::<KEY_BYTES>()?;
        let token = token.bound_to(KeyHash(*key));
        (check == token.check()).then_some(token)
    }
}

/// How many letters `bytes` bytes are.
const fn letters_of(bytes: usize) -> usize {
    bytes * 8 / 5
}

impl fmt::Display for InviteToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.parts(), self.check()].concat();
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
        let bound = letters_of(TOKEN_BYTES + KEY_BYTES + BOUND_CHECK_BYTES);
        if ![letters_of(TOKEN_BYTES + CHECK_BYTES), bound].contains(&letters.len()) {
            return Err(bad(
                "must have 112 letters and digits, or 56 letters if it names no server; copy all of it",
            ));
        }
        let bytes = BASE32_NOPAD_NOCASE.decode(letters.as_bytes()).map_err(|_| {
            bad("may hold only the letters a to z and the digits 2 to 7; copy it again")
        })?;
        let slip = "has a slip in it: its check does not match; copy it again";
        Self::read(&bytes).ok_or_else(|| bad(slip))
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
    fn a_bound_token_tells_the_server_that_it_is_for() {
        let (plain, key) = (InviteToken::from_bytes([7; 32]), KeyHash([9; 32]));
        let bound = plain.clone().bound_to(key);
        assert_eq!((bound.id(), bound.as_bytes()), (plain.id(), plain.as_bytes()));
        let text = bound.to_string();
        assert_eq!(text.len(), 112);
        let read: InviteToken = text.to_uppercase().parse().unwrap();
        assert_eq!((read.server_key(), &read), (Some(key), &bound));
        for place in [0, 60, 111] {
            let other = if text[place..].starts_with('b') { "c" } else { "b" };
            let slipped = format!("{}{other}{}", &text[..place], &text[place + 1..]);
            assert!(reason(&slipped).contains("slip"), "{place}");
        }
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
