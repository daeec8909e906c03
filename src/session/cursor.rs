//! Sealed positions: what a client keeps to come back where it stopped.
//!
//! A cursor of a presence feed holds the moment of what was sent last, one of an inbox feed the place in the inbox.
//! Neither depends on what is hidden from the watcher, and either leaves only sealed, so that nobody can make one up.
//! Sealing is deterministic authenticated encryption in the manner of SIV (RFC 5297) with BLAKE3 as the function
//! behind it:
//!
//! ```text
//! cursor := version:u8=2 tag:[u8;16] masked:[u8;8]
//! tag    := BLAKE3(seal key, 0 || position)[..16]
//! masked := position:u64be xor BLAKE3(seal key, 1 || tag)[..8]
//! ```
//!
//! The seal key is derived for one principal, device, feed kind and inbox, so a cursor is worth nothing elsewhere.
//! A nonce is not needed and cannot repeat. The same position sealed twice is the same bytes, which tells a client
//! only that it stands where it stood. Must never hold: a cursor whose plain position can be read off.

use bytes::Bytes;
use subtle::ConstantTimeEq as _;

use crate::model::{InboxAddress, limits::CURSOR_BYTES_MAX};
use crate::service::Actor;

/// 1 held positions of the log; such a cursor does not open, and its feed begins anew.
const VERSION: u8 = 2;
const TAG_BYTES: usize = 16;
const CURSOR_BYTES: usize = 1 + TAG_BYTES + 8;
const _: () = assert!(CURSOR_BYTES <= CURSOR_BYTES_MAX);

/// What a cursor is for, besides its principal and device.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// A presence feed.
    Presence,
    /// A feed of this inbox.
    Inbox(&'a InboxAddress),
}

/// Seals and opens the cursors of one feed.
#[derive(Clone)]
pub struct Sealer {
    key: [u8; 32],
}

impl Sealer {
    /// The sealer for `actor`'s feeds of `scope`, from the store's secret.
    pub fn new(secret: &[u8; 32], actor: &Actor, scope: Scope<'_>) -> Self {
        let (kind, inbox) = match scope {
            Scope::Presence => (b'p', ""),
            Scope::Inbox(inbox) => (b'i', inbox.account()),
        };
        let mut hasher = blake3::Hasher::new_keyed(secret);
        // Addresses hold no zero byte, so no two bindings are the same bytes.
        hasher.update(&[kind]).update(&actor.device.0);
        hasher.update(actor.principal.account().as_bytes()).update(&[0]).update(inbox.as_bytes());
        Self { key: *hasher.finalize().as_bytes() }
    }

    /// Seals `position`.
    pub fn seal(&self, position: u64) -> Bytes {
        let tag = self.tag(position);
        let mut cursor = [VERSION; CURSOR_BYTES];
        cursor[1..=TAG_BYTES].copy_from_slice(&tag);
        cursor[1 + TAG_BYTES..].copy_from_slice(&(position ^ self.mask(&tag)).to_be_bytes());
        Bytes::copy_from_slice(&cursor)
    }

    /// The position in `cursor`, unless it was not sealed by this sealer.
    pub fn open(&self, cursor: &[u8]) -> Option<u64> {
        let cursor: &[u8; CURSOR_BYTES] = cursor.try_into().ok()?;
        let (version, rest) = cursor.split_first()?;
        let (tag, masked) = rest.split_first_chunk::<TAG_BYTES>()?;
        let position = u64::from_be_bytes(masked.try_into().ok()?) ^ self.mask(tag);
        (*version == VERSION && bool::from(self.tag(position).ct_eq(tag))).then_some(position)
    }

    fn tag(&self, position: u64) -> [u8; TAG_BYTES] {
        let mut input = [0; 9];
        input[1..].copy_from_slice(&position.to_be_bytes());
        *self.hash(&input).first_chunk().expect("a digest is longer than a tag")
    }

    fn mask(&self, tag: &[u8; TAG_BYTES]) -> u64 {
        let mut input = [1; 1 + TAG_BYTES];
        input[1..].copy_from_slice(tag);
        u64::from_be_bytes(
            *self.hash(&input).first_chunk().expect("a digest is longer than a mask"),
        )
    }

    fn hash(&self, input: &[u8]) -> [u8; 32] {
        *blake3::keyed_hash(&self.key, input).as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeviceId;

    const SECRET: [u8; 32] = [7; 32];

    fn actor(principal: &str, device: u8) -> Actor {
        Actor { principal: principal.parse().unwrap(), device: DeviceId([device; 8]) }
    }

    fn presence(principal: &str, device: u8) -> Sealer {
        Sealer::new(&SECRET, &actor(principal, device), Scope::Presence)
    }

    #[test]
    fn a_cursor_opens_to_the_position_it_was_sealed_at() {
        let sealer = presence("alice@d.example", 1);
        for position in [0, 1, 0x1234_5678_9abc_def0, u64::MAX] {
            assert_eq!(sealer.open(&sealer.seal(position)), Some(position));
        }
    }

    #[test]
    fn the_same_position_is_the_same_bytes_and_another_is_not() {
        let sealer = presence("alice@d.example", 1);
        assert_eq!(sealer.seal(5), sealer.seal(5));
        assert_ne!(sealer.seal(5)[17..], sealer.seal(6)[17..]);
    }

    #[test]
    fn a_cursor_is_worth_nothing_to_anyone_else_or_anywhere_else() {
        let inbox: InboxAddress = "im:alice@d.example".parse().unwrap();
        let other: InboxAddress = "im:carol@d.example".parse().unwrap();
        let alice = actor("alice@d.example", 1);
        let cursor = presence("alice@d.example", 1).seal(9);
        assert_eq!(presence("bob@d.example", 1).open(&cursor), None);
        assert_eq!(presence("alice@d.example", 2).open(&cursor), None);
        assert_eq!(Sealer::new(&SECRET, &alice, Scope::Inbox(&inbox)).open(&cursor), None);
        assert_eq!(Sealer::new(&[8; 32], &alice, Scope::Presence).open(&cursor), None);
        let cursor = Sealer::new(&SECRET, &alice, Scope::Inbox(&inbox)).seal(9);
        assert_eq!(Sealer::new(&SECRET, &alice, Scope::Inbox(&other)).open(&cursor), None);
    }

    #[test]
    fn a_cursor_changed_in_any_bit_or_cut_does_not_open() {
        let sealer = presence("alice@d.example", 1);
        let cursor = sealer.seal(77).to_vec();
        for bit in 0..cursor.len() * 8 {
            let mut forged = cursor.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(sealer.open(&forged), None, "bit {bit}");
        }
        for length in 0..cursor.len() {
            assert_eq!(sealer.open(&cursor[..length]), None);
        }
        assert_eq!(sealer.open(&[cursor, vec![0]].concat()), None);
    }
}
