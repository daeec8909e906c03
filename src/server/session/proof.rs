//! Whether a device holds the key it names.
//!
//! Must never hold: a private key, or a look at who the key belongs to.

use ring::signature::{ED25519, UnparsedPublicKey};

use crate::session::Claim;
use crate::wire::proof_bytes;

/// Whether `claim` is proven towards a server with one of these key hashes, `fresh` being what was to be signed.
pub(super) fn holds(claim: &Claim, fresh: [u8; 32], key_hashes: &[[u8; 32]]) -> bool {
    let key = UnparsedPublicKey::new(&ED25519, claim.key);
    key_hashes.iter().any(|hash| {
        let signed = proof_bytes(claim.context, hash, &fresh, &claim.key, &claim.principal);
        key.verify(&signed, &claim.signature).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
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

    fn claim(key: [u8; 32], signature: &[u8]) -> Claim {
        let signature = Bytes::copy_from_slice(signature);
        let principal = "alice@d.example".to_owned();
        Claim { context: EXPORTER_CONTEXT, fresh: None, key, principal, signature }
    }

    fn signature() -> Vec<u8> {
        let (pair, key) = device();
        let signed = proof_bytes(EXPORTER_CONTEXT, &SERVER, &FRESH, &key, "alice@d.example");
        pair.sign(&signed).as_ref().to_vec()
    }

    #[test]
    fn the_holder_of_the_key_proves_it() {
        let (_, key) = device();
        let claim = claim(key, &signature());
        assert!(holds(&claim, FRESH, &[SERVER]));
        assert!(holds(&claim, FRESH, &[[0; 32], SERVER]));
    }

    #[test]
    fn a_proof_is_worth_nothing_elsewhere() {
        let (_, key) = device();
        let good = || claim(key, &signature());
        assert!(!holds(&good(), FRESH, &[[0; 32]]), "another server");
        assert!(!holds(&good(), FRESH, &[]), "no server");
        assert!(!holds(&good(), [5; 32], &[SERVER]), "another connection");
        let other = Claim { context: CHALLENGE_CONTEXT, ..good() };
        assert!(!holds(&other, FRESH, &[SERVER]), "another kind of proof");
        let other = Claim { principal: "bob@d.example".to_owned(), ..good() };
        assert!(!holds(&other, FRESH, &[SERVER]), "another principal");
        assert!(!holds(&claim([1; 32], &signature()), FRESH, &[SERVER]), "another key");
    }

    #[test]
    fn a_changed_or_cut_signature_proves_nothing() {
        let (_, key) = device();
        let mut forged = signature();
        forged[10] ^= 1;
        assert!(!holds(&claim(key, &forged), FRESH, &[SERVER]));
        assert!(!holds(&claim(key, &signature()[..63]), FRESH, &[SERVER]));
        assert!(!holds(&claim(key, &[]), FRESH, &[SERVER]));
    }
}
