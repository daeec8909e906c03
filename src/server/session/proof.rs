//! Whether a device holds the key it names.
//!
//! Must never hold: a private key, or a look at who the key belongs to.

use ring::signature::{ED25519, UnparsedPublicKey};

use crate::wire::proof_bytes;

/// What a device claims and what it must have signed.
pub(super) struct Claim<'a> {
    /// [`EXPORTER_CONTEXT`](crate::wire::EXPORTER_CONTEXT) or [`CHALLENGE_CONTEXT`](crate::wire::CHALLENGE_CONTEXT).
    pub(super) context: &'a [u8],
    /// The exporter or the challenge: never the same on two connections.
    pub(super) fresh: [u8; 32],
    /// The key.
    pub(super) key: [u8; 32],
    /// The principal as it stands in `Hello`, byte for byte.
    pub(super) principal: &'a str,
}

/// Whether `signature` proves `claim` towards a server with one of these key hashes.
pub(super) fn holds(claim: &Claim<'_>, key_hashes: &[[u8; 32]], signature: &[u8]) -> bool {
    let key = UnparsedPublicKey::new(&ED25519, claim.key);
    key_hashes.iter().any(|hash| {
        let signed = proof_bytes(claim.context, hash, &claim.fresh, &claim.key, claim.principal);
        key.verify(&signed, signature).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::*;
    use crate::wire::{CHALLENGE_CONTEXT, EXPORTER_CONTEXT};

    const SERVER: [u8; 32] = [3; 32];
    const FRESH: [u8; 32] = [4; 32];

    fn device() -> (Ed25519KeyPair, [u8; 32]) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
        let key = pair.public_key().as_ref().try_into().unwrap();
        (pair, key)
    }

    fn claim(key: [u8; 32]) -> Claim<'static> {
        Claim { context: EXPORTER_CONTEXT, fresh: FRESH, key, principal: "alice@d.example" }
    }

    fn signature() -> Vec<u8> {
        let (pair, key) = device();
        let signed = proof_bytes(EXPORTER_CONTEXT, &SERVER, &FRESH, &key, "alice@d.example");
        pair.sign(&signed).as_ref().to_vec()
    }

    #[test]
    fn the_holder_of_the_key_proves_it() {
        let (_, key) = device();
        assert!(holds(&claim(key), &[SERVER], &signature()));
        assert!(holds(&claim(key), &[[0; 32], SERVER], &signature()));
    }

    #[test]
    fn a_proof_is_worth_nothing_elsewhere() {
        let (_, key) = device();
        let signature = signature();
        assert!(!holds(&claim(key), &[[0; 32]], &signature), "another server");
        assert!(!holds(&claim(key), &[], &signature), "no server");
        let other = Claim { fresh: [5; 32], ..claim(key) };
        assert!(!holds(&other, &[SERVER], &signature), "another connection");
        let other = Claim { context: CHALLENGE_CONTEXT, ..claim(key) };
        assert!(!holds(&other, &[SERVER], &signature), "another kind of proof");
        let other = Claim { principal: "bob@d.example", ..claim(key) };
        assert!(!holds(&other, &[SERVER], &signature), "another principal");
        assert!(!holds(&claim([1; 32]), &[SERVER], &signature), "another key");
    }

    #[test]
    fn a_changed_or_cut_signature_proves_nothing() {
        let (_, key) = device();
        let mut forged = signature();
        forged[10] ^= 1;
        assert!(!holds(&claim(key), &[SERVER], &forged));
        assert!(!holds(&claim(key), &[SERVER], &signature()[..63]));
        assert!(!holds(&claim(key), &[SERVER], &[]));
    }
}
