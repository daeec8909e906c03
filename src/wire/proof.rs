//! The bytes a device signs to prove who it is.
//!
//! Must never hold: a key or a signature algorithm.

/// Label of the TLS exporter, RFC 8446 §7.5. 32 bytes are exported, with an empty context.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-adsum-1-hello";
/// Begins what is signed over an exporter.
pub const EXPORTER_CONTEXT: &[u8] = b"adsum/1 hello exporter\0";
/// Begins what is signed over a challenge.
pub const CHALLENGE_CONTEXT: &[u8] = b"adsum/1 hello challenge\0";

/// What is signed: `context || server_key_hash || fresh || key || principal`.
///
/// `server_key_hash` is SHA-256 over the server certificate's `SubjectPublicKeyInfo` in DER, so that a proof made
/// for one server is worth nothing at another. `fresh` is the exporter or the challenge, 32 bytes each. `principal`
/// is the text as it stands in `Hello`, before it is brought to its canonical spelling.
pub fn proof_bytes(
    context: &[u8],
    server_key_hash: &[u8; 32],
    fresh: &[u8; 32],
    key: &[u8; 32],
    principal: &str,
) -> Vec<u8> {
    [context, server_key_hash, fresh, key, principal.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_over_one_thing_is_never_a_proof_over_the_other() {
        assert!(!EXPORTER_CONTEXT.starts_with(CHALLENGE_CONTEXT));
        assert!(!CHALLENGE_CONTEXT.starts_with(EXPORTER_CONTEXT));
        let signed = |context| proof_bytes(context, &[1; 32], &[2; 32], &[3; 32], "a@b");
        assert_ne!(signed(EXPORTER_CONTEXT), signed(CHALLENGE_CONTEXT));
    }

    #[test]
    fn every_part_is_signed_in_its_place() {
        let whole = proof_bytes(b"context\0", &[1; 32], &[2; 32], &[3; 32], "a@b");
        assert_eq!(whole[..8], *b"context\0");
        assert_eq!(whole[8..104], [[1; 32], [2; 32], [3; 32]].concat()[..]);
        assert_eq!(whole[104..], *b"a@b");
    }
}
