//! How payloads are sealed: ChaCha20-Poly1305 under the key of one principal, or under one that takes the keys of two.
//!
//! Those that belong together are sealed together, so that many small ones take hardly more room than they have: the first
//! holds what is sealed, the others nothing.
//!
//! ```text
//! sealed := 1:u8 key:[u8;8] nonce:[u8;12] box               the key called `key`
//!         | 2:u8 keeper:[u8;8] sender:[u8;8] nonce:[u8;12] box      both keys: BLAKE3 derives one from them
//! box    := the texts, encrypted, and a tag of 16 bytes; what stands before `nonce` is authenticated with it
//! texts  := a count and each payload's bytes behind their length, as postcard has a `Vec<Bytes>`
//! ```
//!
//! Must never hold: whose a key is.

use std::sync::LazyLock;

use blake3::Hasher;
use bytes::Bytes;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::model::Payload;

/// Names a key. Made at random, so that no key is taken for one that was destroyed.
pub(super) type KeyId = [u8; 8];
/// What no two things that are sealed with one key may share.
pub(super) type SealNonce = [u8; NONCE_LEN];
/// A key and what it is called.
pub(super) type Key = (KeyId, [u8; 32]);

const OF_ONE: u8 = 1;
const OF_TWO: u8 = 2;
/// The most bytes that a length is written in.
const LENGTH_BYTES_MAX: usize = 5;
const TAG_BYTES: usize = 16;
const CONTEXT_OF_TWO: &str = "adsum 2026 payload of sender and recipient";

/// Seals payloads that belong to the same owners.
pub(super) struct Sealer {
    /// The keys' names.
    header: Vec<u8>,
    key: LessSafeKey,
}

impl Sealer {
    /// A sealer with the key of the keeper and, if there is one, of the sender.
    pub(super) fn new((keeper, first): Key, sender: Option<Key>) -> Self {
        match sender {
            None => Self { header: [&[OF_ONE][..], &keeper].concat(), key: cipher(&first) },
            Some((sender, second)) => Self {
                header: [&[OF_TWO][..], &keeper, &sender].concat(),
                key: cipher(&derived(&first, &second)),
            },
        }
    }

    /// Seals those of `payloads` that are there, with a `nonce` that no key ever had before.
    pub(super) fn seal(&self, payloads: Vec<&mut Payload>, nonce: SealNonce) {
        let mut present: Vec<&mut Payload> =
            payloads.into_iter().filter(|payload| payload.bytes().is_some()).collect();
        let texts: Vec<&Bytes> = present.iter().filter_map(|payload| payload.bytes()).collect();
        if texts.is_empty() {
            return;
        }
        let written: usize = texts.iter().map(|text| LENGTH_BYTES_MAX + text.len()).sum();
        let header = self.header.len() + nonce.len();
        let mut sealed = Vec::with_capacity(header + LENGTH_BYTES_MAX + written + TAG_BYTES);
        sealed.extend_from_slice(&self.header);
        sealed.extend_from_slice(&nonce);
        sealed = postcard::to_extend(&texts, sealed).expect("texts are written");
        let (nonce, associated) = (Nonce::assume_unique_for_key(nonce), Aad::from(&self.header));
        let tag = self.key.seal_in_place_separate_tag(nonce, associated, &mut sealed[header..]);
        // 256 GiB under one nonce: the limits on what is written keep far below.
        let tag = tag.expect("what is written is shorter than the cipher allows");
        sealed.extend_from_slice(tag.as_ref());
        let mut sealed = Bytes::from(sealed);
        for payload in &mut present {
            **payload = Payload::Sealed(core::mem::take(&mut sealed));
        }
    }
}

/// The texts that were sealed; `None` if a key that they need is not among those that `key` finds.
pub(super) fn open(
    sealed: &[u8],
    key: impl Fn(KeyId) -> Option<[u8; 32]>,
) -> Result<Option<Vec<Bytes>>, &'static str> {
    let malformed = "is named by something sealed that is cut short";
    let (kind, rest) = sealed.split_first().ok_or(malformed)?;
    let (keeper, rest) = rest.split_first_chunk::<8>().ok_or(malformed)?;
    let (key, rest) = match *kind {
        OF_ONE => (key(*keeper), rest),
        OF_TWO => {
            let (sender, rest) = rest.split_first_chunk::<8>().ok_or(malformed)?;
            (key(*keeper).zip(key(*sender)).map(|(first, second)| derived(&first, &second)), rest)
        }
        _ => return Err("is named by something sealed in a way that this program does not know"),
    };
    let Some(key) = key else { return Ok(None) };
    let header = &sealed[..sealed.len() - rest.len()];
    let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>().ok_or(malformed)?;
    let (nonce, mut rest) = (Nonce::assume_unique_for_key(*nonce), rest.to_vec());
    let texts = cipher(&key)
        .open_in_place(nonce, Aad::from(header), &mut rest)
        .map_err(|_| "has a key that does not open what was sealed with it")?;
    postcard::from_bytes(texts).map(Some).map_err(|_| malformed)
}

fn cipher(key: &[u8; 32]) -> LessSafeKey {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key).expect("a key has 32 bytes");
    LessSafeKey::new(key)
}

/// As `blake3::derive_key` has it. The context is the same each time, and is half of the work.
fn derived(keeper: &[u8; 32], sender: &[u8; 32]) -> [u8; 32] {
    static OF_TWO: LazyLock<Hasher> = LazyLock::new(|| Hasher::new_derive_key(CONTEXT_OF_TWO));
    *OF_TWO.clone().update(keeper).update(sender).finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;

    const KEEPER: Key = ([1; 8], [2; 32]);
    const SENDER: Key = ([3; 8], [4; 32]);
    /// Sealed for both.
    const GOLDEN: &str = "0201010101010101010303030303030303000102030405060708090a0b30b34f995fca86f8f5ecd506af0ac4a183405e557d2d00d6973f14e42a26";

    fn sealed(sender: Option<Key>) -> Vec<u8> {
        let mut payload = Payload::text("zebra-quagga");
        Sealer::new(KEEPER, sender).seal(vec![&mut payload], random::bytes());
        let Payload::Sealed(sealed) = payload else { panic!("{payload:?}") };
        assert!(!sealed.windows(5).any(|window| window == b"zebra"));
        sealed.to_vec()
    }

    fn opened(sealed: &[u8], keys: &[Key]) -> Result<Option<Vec<Bytes>>, &'static str> {
        open(sealed, |id| keys.iter().find(|key| key.0 == id).map(|key| key.1))
    }

    fn text() -> Vec<Bytes> {
        vec![Bytes::from_static(b"zebra-quagga")]
    }

    #[test]
    fn payloads_that_belong_together_take_hardly_more_room_than_they_have() {
        let mut payloads: Vec<Payload> = (0..1_000).map(|_| Payload::text("x")).collect();
        payloads[7] = Payload::Erased;
        let of_two = Sealer::new(KEEPER, Some(SENDER));
        of_two.seal(payloads.iter_mut().collect(), random::bytes());
        let stored = postcard::to_stdvec(&payloads).unwrap().len();
        assert!(stored < 4 * 1_000 + 100, "{stored} bytes");
        assert_eq!(payloads[7], Payload::Erased);
        let Payload::Sealed(sealed) = &payloads[0] else { panic!("{:?}", payloads[0]) };
        let texts = opened(sealed, &[KEEPER, SENDER]).unwrap().unwrap();
        assert_eq!(texts, vec![Bytes::from_static(b"x"); 999]);
    }

    #[test]
    fn what_was_sealed_once_is_opened_for_ever() {
        let sealed = data_encoding::HEXLOWER.decode(GOLDEN.as_bytes()).unwrap();
        assert_eq!(opened(&sealed, &[KEEPER, SENDER]), Ok(Some(text())));
    }

    #[test]
    fn what_two_own_opens_with_both_keys_only() {
        let sealed = sealed(Some(SENDER));
        assert_eq!(opened(&sealed, &[KEEPER, SENDER]), Ok(Some(text())));
        assert_eq!(opened(&sealed, &[KEEPER]), Ok(None));
        assert_eq!(opened(&sealed, &[SENDER]), Ok(None));
    }

    #[test]
    fn what_one_owns_opens_with_that_key() {
        let sealed = sealed(None);
        assert_eq!(opened(&sealed, &[KEEPER]), Ok(Some(text())));
        assert_eq!(opened(&sealed, &[SENDER]), Ok(None));
    }

    #[test]
    fn no_two_sealings_of_the_same_are_alike() {
        assert_ne!(sealed(None), sealed(None));
    }

    #[test]
    fn what_was_changed_or_sealed_with_another_key_does_not_open_and_says_so() {
        let good = sealed(None);
        // A name that is not there is one of a key that was destroyed.
        for place in (0..1).chain(9..good.len()) {
            let mut bad = good.clone();
            bad[place] ^= 1;
            assert!(opened(&bad, &[KEEPER]).is_err(), "byte {place}");
        }
        for length in 0..good.len() {
            assert!(opened(&good[..length], &[KEEPER]).is_err(), "{length} bytes");
        }
        assert!(opened(&good, &[([1; 8], [9; 32])]).is_err());
    }
}
