//! What the proofs of the examples are made of, and the signatures over them.
//!
//! Must never hold: a value that changes from run to run.

use adsum::protocol::body::{Challenge, Hello};
use adsum::wire::{CHALLENGE_CONTEXT, EXPORTER_CONTEXT, proof_bytes};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::annotate::Line;
use super::document::layout;
use super::samples::body;

/// The seed of bob's device key.
const SEED: [u8; 32] = [0x42; 32];
/// SHA-256 of the server's `SubjectPublicKeyInfo`.
const SERVER_KEY_HASH: [u8; 32] = [0x5e; 32];
/// What the TLS exporter gives.
const EXPORTER: [u8; 32] = [0xe4; 32];

fn device_key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&SEED).expect("any 32 bytes are a seed")
}

/// The public key of [`SEED`].
pub(crate) fn public_key() -> [u8; 32] {
    device_key().public_key().as_ref().try_into().expect("a key has 32 bytes")
}

/// The signature over the exporter, or over the challenge.
pub(crate) fn signature(over_exporter: bool) -> Vec<u8> {
    device_key().sign(&signed_bytes(over_exporter)).as_ref().to_vec()
}

/// What makes the proof good for one connection, and what the document calls it.
fn fresh(over_exporter: bool) -> ([u8; 32], &'static str) {
    if over_exporter {
        return (EXPORTER, "exporter");
    }
    (body::<Challenge>("Challenge").nonce, "challenge nonce")
}

/// Seed, server key hash, fresh bytes and principal of the proof.
pub(crate) fn parts(over_exporter: bool) -> ([u8; 32], [u8; 32], [u8; 32], String) {
    (SEED, SERVER_KEY_HASH, fresh(over_exporter).0, body::<Hello>("Hello").principal)
}

fn signed_bytes(over_exporter: bool) -> Vec<u8> {
    let context = if over_exporter { EXPORTER_CONTEXT } else { CHALLENGE_CONTEXT };
    let fresh = fresh(over_exporter).0;
    let principal = body::<Hello>("Hello").principal;
    proof_bytes(context, &SERVER_KEY_HASH, &fresh, &public_key(), &principal)
}

/// The block that shows the proof.
pub(crate) fn block(over_exporter: bool) -> String {
    let context = if over_exporter { EXPORTER_CONTEXT } else { CHALLENGE_CONTEXT };
    let (fresh, name) = fresh(over_exporter);
    let word = String::from_utf8_lossy(context).trim_end_matches('\0').to_owned();
    let part = |bytes: &[u8], text: String| Line { bytes: bytes.to_vec(), text };
    let lines = [
        part(context, format!("{word:?} and a zero byte")),
        part(&SERVER_KEY_HASH, "SHA-256 of the server's SubjectPublicKeyInfo".into()),
        part(&fresh, name.into()),
        part(&public_key(), "public key".into()),
        part(body::<Hello>("Hello").principal.as_bytes(), "principal".into()),
    ];
    let whole: Vec<u8> = lines.iter().flat_map(|line| line.bytes.clone()).collect();
    assert_eq!(whole, signed_bytes(over_exporter), "the example shows what is signed");
    let seed = layout(&[part(&SEED, "private key (RFC 8032 seed)".into())]);
    let signature = layout(&[part(&signature(over_exporter), "Ed25519 signature".into())]);
    format!("```text\n{seed}\nsigned:\n{}\n{signature}```\n", layout(&lines))
}
