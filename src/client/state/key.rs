//! The device's private key on disk: Ed25519, PKCS#8 (RFC 8410) in PEM.
//!
//! Must never hold: a `Debug` that prints the key.

use std::path::Path;

use data_encoding::BASE64;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::StateError;
use crate::disk;
use crate::model::PublicKey;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----\n";
const END: &str = "-----END PRIVATE KEY-----\n";
const CURE: &str =
    "restore it from a backup, or enroll this device anew with an invite and `replace`";

/// The key at `path`, made and stored first if there is none.
pub(super) fn load_or_make(path: &Path) -> Result<Ed25519KeyPair, StateError> {
    if let Some(key) = load(path)? {
        return Ok(key);
    }
    let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
        .expect("the operating system gives random bytes");
    let text = format!("{BEGIN}{}\n{END}", BASE64.encode(made.as_ref()));
    disk::replace(path, text.as_bytes())?;
    Ok(Ed25519KeyPair::from_pkcs8(made.as_ref()).expect("it was just made"))
}

/// The key at `path`, if there is one.
pub(super) fn load(path: &Path) -> Result<Option<Ed25519KeyPair>, StateError> {
    let Some(bytes) = disk::read(path)? else { return Ok(None) };
    let damaged = |reason: &str| StateError::Damaged {
        path: path.to_owned(),
        reason: reason.into(),
        cure: CURE,
    };
    let text = core::str::from_utf8(&bytes).map_err(|_| damaged("it is not PEM"))?;
    let inner = text.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
    let letters: String =
        inner.ok_or_else(|| damaged("it is not PEM"))?.split_whitespace().collect();
    let document = BASE64.decode(letters.as_bytes()).map_err(|_| damaged("it is not base64"))?;
    // The document carries the public key too, and ring checks that the two belong together.
    Ed25519KeyPair::from_pkcs8(&document)
        .map(Some)
        .map_err(|_| damaged("it does not hold an Ed25519 key"))
}

/// The public half of `key`.
pub(super) fn public(key: &Ed25519KeyPair) -> PublicKey {
    PublicKey(key.public_key().as_ref().try_into().expect("Ed25519 public keys have 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("device.key");
        assert!(load(&path).unwrap().is_none());
        let first = public(&load_or_make(&path).unwrap());
        assert_eq!(public(&load_or_make(&path).unwrap()), first);
    }

    #[test]
    fn a_damaged_key_is_told_with_the_cure_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("device.key");
        load_or_make(&path).unwrap();
        let good = std::fs::read_to_string(&path).unwrap();
        for wrong in ["", "key", &good[..good.len() - 3], &good.replacen("MF", "MG", 1)] {
            std::fs::write(&path, wrong).unwrap();
            let error = load_or_make(&path).unwrap_err().to_string();
            assert!(error.contains("device.key is damaged"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), wrong);
        }
    }
}
