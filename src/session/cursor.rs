//! Sealed positions: what a client keeps to come back where it stopped.
//!
//! A cursor of a presence feed holds the moment of what was sent last, one of an inbox feed the place in the inbox; either
//! also holds the last event by which something before it was passed over. Neither depends on what is hidden from the watcher, and either leaves only sealed, so that nobody can make one up.
//! Sealing is deterministic authenticated encryption in the manner of SIV (RFC 5297) with BLAKE3 as the function
//! behind it:
//!
//! ```text
//! cursor := version:u8=4 tag:[u8;16] masked:[u8;32]
//! tag    := BLAKE3(seal key, 4 || place)[..16]
//! masked := place xor BLAKE3(seal key, 5 || tag)
//! place  := position:u64be epoch:[u8;8] passed:u64be epoch-of-passed:[u8;8]
//! ```
//!
//! The epoch is the one that the position lies in, so that a store in whose past it lies in another one, or nowhere, is
//! known to be another or to have been put back to an earlier state. That may be so although the position is of both pasts:
//! what lay before it was not told because something later was told instead, or because it had ended. If that is gone,
//! what was passed over is there again, and so the last of it is named too.
//!
//! The seal key is derived for one principal, device, feed kind and inbox, so a cursor is worth nothing elsewhere.
//! A nonce is not needed and cannot repeat. The same position sealed twice is the same bytes, which tells a client
//! only that it stands where it stood. Must never hold: a cursor whose plain position can be read off.

use bytes::Bytes;
use subtle::ConstantTimeEq as _;

use crate::model::{EpochId, InboxAddress, Mark, Moment, limits::CURSOR_BYTES_MAX};
use crate::service::Actor;

/// 1 held positions of the log; such a cursor does not open, and its feed begins anew.
const VERSION: u8 = 4;
/// As 4 but without what was passed over; it opens to a place before which nothing was.
const VERSION_WITHOUT_PASSED: u8 = 3;
/// As 3 but without an epoch; it opens to a place before all epochs.
const VERSION_WITHOUT_EPOCH: u8 = 2;
const TAG_BYTES: usize = 16;
const PLACE_BYTES: usize = 8 + 8 + 8 + 8;
const CURSOR_BYTES: usize = 1 + TAG_BYTES + PLACE_BYTES;
const _: () = assert!(CURSOR_BYTES <= CURSOR_BYTES_MAX);

/// What a cursor says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The moment of what a presence feed sent last, in microseconds, or a place in an inbox.
    pub position: u64,
    /// The epoch that it lies in.
    pub epoch: EpochId,
    /// The last event that this feed may know of and by which something before `position` was not told, or an earlier one
    /// of those that were told.
    pub passed: Mark,
}

impl Place {
    fn to_bytes(self) -> [u8; PLACE_BYTES] {
        let (position, passed) =
            (self.position.to_be_bytes(), self.passed.at.as_us().to_be_bytes());
        let mut bytes = [0; PLACE_BYTES];
        let parts = [position, self.epoch.0, passed, self.passed.epoch.0];
        bytes.chunks_exact_mut(8).zip(parts).for_each(|(to, part)| to.copy_from_slice(&part));
        bytes
    }

    /// From the parts that there are; what is missing is zero.
    fn from_bytes(bytes: &[u8]) -> Self {
        let mut parts = bytes.chunks_exact(8).map(|part| part.try_into().expect("it is 8 bytes"));
        let mut next = || -> [u8; 8] { parts.next().unwrap_or_default() };
        let (position, epoch) = (u64::from_be_bytes(next()), EpochId(next()));
        let at = Moment::from_us(u64::from_be_bytes(next()));
        Self { position, epoch, passed: Mark { at, epoch: EpochId(next()) } }
    }
}

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

    /// Seals `place`.
    pub fn seal(&self, place: Place) -> Bytes {
        let tag = self.tag(4, &place.to_bytes());
        let mut cursor = [VERSION; CURSOR_BYTES];
        cursor[1..=TAG_BYTES].copy_from_slice(&tag);
        cursor[1 + TAG_BYTES..].copy_from_slice(&self.masked(5, &tag, place.to_bytes()));
        Bytes::copy_from_slice(&cursor)
    }

    /// The place in `cursor`, unless it was not sealed by this sealer.
    pub fn open(&self, cursor: &[u8]) -> Option<Place> {
        let (version, rest) = cursor.split_first()?;
        let (tag, masked) = rest.split_first_chunk::<TAG_BYTES>()?;
        match *version {
            VERSION => self.opened::<PLACE_BYTES>(4, tag, masked),
            VERSION_WITHOUT_PASSED => self.opened::<16>(2, tag, masked),
            VERSION_WITHOUT_EPOCH => self.opened::<8>(0, tag, masked),
            _ => None,
        }
    }

    /// The place of `N` bytes that was tagged for `purpose` and masked for the next one.
    fn opened<const N: usize>(
        &self,
        purpose: u8,
        tag: &[u8; TAG_BYTES],
        masked: &[u8],
    ) -> Option<Place> {
        let place = self.masked::<N>(purpose + 1, tag, masked.try_into().ok()?);
        bool::from(self.tag(purpose, &place).ct_eq(tag)).then(|| Place::from_bytes(&place))
    }

    fn tag(&self, purpose: u8, place: &[u8]) -> [u8; TAG_BYTES] {
        let digest = self.hash(purpose, place);
        *digest.first_chunk().expect("a digest is longer than a tag")
    }

    /// Masks what is plain, or makes it plain again.
    fn masked<const N: usize>(&self, purpose: u8, tag: &[u8], mut bytes: [u8; N]) -> [u8; N] {
        let mask = self.hash(purpose, tag);
        bytes.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        bytes
    }

    /// Of one block, which costs half of what a hasher for inputs of any length does. No input is longer than a place.
    fn hash(&self, purpose: u8, input: &[u8]) -> [u8; 32] {
        let mut bytes = [purpose; 1 + PLACE_BYTES];
        bytes[1..=input.len()].copy_from_slice(input);
        *blake3::keyed_hash(&self.key, &bytes[..=input.len()]).as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeviceId;

    const SECRET: [u8; 32] = [7; 32];

    fn place(position: u64) -> Place {
        let passed = Mark { at: Moment::from_us(!position), epoch: EpochId([1; 8]) };
        Place { position, epoch: EpochId([8, 7, 6, 5, 4, 3, 2, 1]), passed }
    }

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
            assert_eq!(sealer.open(&sealer.seal(place(position))), Some(place(position)));
        }
    }

    #[test]
    fn the_same_position_is_the_same_bytes_and_another_is_not() {
        let sealer = presence("alice@d.example", 1);
        assert_eq!(sealer.seal(place(5)), sealer.seal(place(5)));
        assert_ne!(sealer.seal(place(5))[17..], sealer.seal(place(6))[17..]);
        let later = Place { epoch: EpochId([9; 8]), ..place(5) };
        assert_ne!(sealer.seal(place(5)), sealer.seal(later));
        let further = Place { passed: place(4).passed, ..place(5) };
        assert_ne!(sealer.seal(place(5)), sealer.seal(further));
    }

    #[test]
    fn a_cursor_is_worth_nothing_to_anyone_else_or_anywhere_else() {
        let inbox: InboxAddress = "im:alice@d.example".parse().unwrap();
        let other: InboxAddress = "im:carol@d.example".parse().unwrap();
        let alice = actor("alice@d.example", 1);
        let cursor = presence("alice@d.example", 1).seal(place(9));
        assert_eq!(presence("bob@d.example", 1).open(&cursor), None);
        assert_eq!(presence("alice@d.example", 2).open(&cursor), None);
        assert_eq!(Sealer::new(&SECRET, &alice, Scope::Inbox(&inbox)).open(&cursor), None);
        assert_eq!(Sealer::new(&[8; 32], &alice, Scope::Presence).open(&cursor), None);
        let cursor = Sealer::new(&SECRET, &alice, Scope::Inbox(&inbox)).seal(place(9));
        assert_eq!(Sealer::new(&SECRET, &alice, Scope::Inbox(&other)).open(&cursor), None);
    }

    #[test]
    fn a_cursor_changed_in_any_bit_or_cut_does_not_open() {
        let sealer = presence("alice@d.example", 1);
        let cursor = sealer.seal(place(77)).to_vec();
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

    #[test]
    fn what_is_as_long_as_a_cursor_may_be_or_longer_is_none_of_ours() {
        let sealer = presence("alice@d.example", 1);
        let cursor = sealer.seal(place(77)).to_vec();
        for length in [CURSOR_BYTES_MAX, CURSOR_BYTES_MAX + 1] {
            let mut long = cursor.clone();
            long.resize(length, 0);
            assert_eq!(sealer.open(&long), None);
        }
    }

    /// As an earlier version sealed alice's moment 0x1234 on the device of eight ones.
    const WITHOUT_EPOCH: &str = "0287df0651f368f9b59d1c9c44ad287bbe43a7f340c6e2b376";

    /// As a version between sealed that moment in the epoch 8 7 6 5 4 3 2 1.
    const WITHOUT_PASSED: &str =
        "037241422ee9d677b7f602c0d0ecc779c783db75b533469ded4ba02decd983c338";

    #[test]
    fn a_cursor_of_the_version_before_opens_to_a_place_before_which_nothing_was_passed_over() {
        let cursor = data_encoding::HEXLOWER.decode(WITHOUT_PASSED.as_bytes()).unwrap();
        let opened = presence("alice@d.example", 1).open(&cursor);
        assert_eq!(opened, Some(Place { passed: Mark::default(), ..place(0x1234) }));
    }

    #[test]
    fn a_cursor_of_the_first_version_opens_to_a_place_before_all_epochs() {
        let cursor = data_encoding::HEXLOWER.decode(WITHOUT_EPOCH.as_bytes()).unwrap();
        let opened = presence("alice@d.example", 1).open(&cursor);
        assert_eq!(opened, Some(Place { position: 0x1234, ..Place::default() }));
    }
}
