//! Who this device is, and which server it trusts.
//!
//! `identity.toml` has no checksum, so that an operator who moved a server can correct it by hand.
//! Must never hold: the private key in a form that can be printed.

use core::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::signature::Ed25519KeyPair;
use serde::{Deserialize, Serialize};

use super::{StateError, key};
use crate::client::address::{KeyHash, ServerAddress};
use crate::disk;
use crate::model::{DeviceId, Principal, PublicKey};
use crate::wire::{CHALLENGE_CONTEXT, EXPORTER_CONTEXT, proof_bytes};

pub(super) const IDENTITY_FILE: &str = "identity.toml";
pub(super) const KEY_FILE: &str = "device.key";
const CURE: &str = "correct it by hand, or enroll this device anew with an invite and `replace`";

/// One principal on this machine: who, at which server, with which key.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Whom this device acts for. For an anonymous identity a stand-in: the server chooses the pseudonym.
    pub principal: Principal,
    /// The server, as it was given.
    pub server: ServerAddress,
    /// The key the server must show.
    pub server_key: KeyHash,
    /// This device's name.
    pub device: DeviceId,
    folder: Option<PathBuf>,
    key: Arc<Ed25519KeyPair>,
}

/// `identity.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentityFile {
    pub(super) principal: String,
    pub(super) server: ServerAddress,
    pub(super) server_key: KeyHash,
    pub(super) device: String,
}

impl IdentityFile {
    pub(super) fn load(folder: &Path) -> Result<Option<Self>, StateError> {
        let path = folder.join(IDENTITY_FILE);
        let Some(bytes) = disk::read(&path)? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes);
        toml::from_str(&text).map(Some).map_err(|error| damaged(&path, error.message()))
    }

    pub(super) fn store(&self, folder: &Path) -> Result<(), StateError> {
        let text = toml::to_string(self).expect("an identity holds only text");
        Ok(disk::replace(&folder.join(IDENTITY_FILE), text.as_bytes())?)
    }
}

fn damaged(path: &Path, reason: &str) -> StateError {
    StateError::Damaged { path: path.to_owned(), reason: reason.to_owned(), cure: CURE }
}

impl Identity {
    /// The identity in `folder`, if one is complete there.
    pub(super) fn load(folder: &Path) -> Result<Option<Self>, StateError> {
        let Some(file) = IdentityFile::load(folder)? else { return Ok(None) };
        let path = folder.join(IDENTITY_FILE);
        let principal: Principal =
            file.principal.parse().map_err(|refusal| damaged(&path, &format!("{refusal}")))?;
        let key_path = folder.join(KEY_FILE);
        let key = key::load(&key_path)?.ok_or_else(|| damaged(&key_path, "it is not there"))?;
        let device = key::public(&key).device();
        if device.to_string() != file.device {
            return Err(damaged(&key_path, "it is the key of another device"));
        }
        let (server, server_key) = (file.server, file.server_key);
        let folder = Some(folder.to_owned());
        Ok(Some(Self { principal, server, server_key, device, folder, key: Arc::new(key) }))
    }

    /// An identity without a name, with a fresh key, that is kept nowhere.
    pub(crate) fn anonymous(server: ServerAddress, server_key: KeyHash) -> Self {
        let principal = Principal::pseudonym(crate::client::random::bytes());
        let Credentials { principal, key } = Credentials::generate(principal);
        let device = key::public(&key).device();
        Self { principal, server, server_key, device, folder: None, key }
    }

    /// Where this identity is kept; nowhere if it is anonymous.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// What proves this identity to a server.
    pub fn credentials(&self) -> Credentials {
        Credentials { principal: self.principal.clone(), key: Arc::clone(&self.key) }
    }
}

/// A principal and the private key of one of its devices.
#[derive(Clone)]
pub struct Credentials {
    principal: Principal,
    key: Arc<Ed25519KeyPair>,
}

impl Credentials {
    /// Credentials that are kept in memory only, for load generators and tests.
    ///
    /// # Panics
    /// If the operating system has no randomness.
    pub fn generate(principal: Principal) -> Self {
        let seed = crate::client::random::bytes::<32>();
        let key = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed has 32 bytes");
        Self { principal, key: Arc::new(key) }
    }

    pub(super) fn new(principal: Principal, key: Ed25519KeyPair) -> Self {
        Self { principal, key: Arc::new(key) }
    }

    /// Whom they speak for.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Who they say they are in `Hello`: `local@domain`, or nothing for an anonymous session.
    pub(crate) fn account(&self) -> &str {
        if self.principal.is_anonymous() { "" } else { self.principal.account() }
    }

    /// The device's public key.
    pub fn public_key(&self) -> PublicKey {
        key::public(&self.key)
    }

    /// Signs that this device is at the other end of the connection whose TLS exporter is `exporter`.
    ///
    /// # Panics
    /// Never: Ed25519 signatures have 64 bytes.
    pub fn prove(&self, server_key: KeyHash, exporter: &[u8; 32]) -> [u8; 64] {
        self.sign(EXPORTER_CONTEXT, server_key, exporter)
    }

    /// Signs the `challenge` of a server that was brought no proof.
    pub fn answer(&self, server_key: KeyHash, challenge: &[u8; 32]) -> [u8; 64] {
        self.sign(CHALLENGE_CONTEXT, server_key, challenge)
    }

    fn sign(&self, context: &[u8], server_key: KeyHash, fresh: &[u8; 32]) -> [u8; 64] {
        let key = self.public_key().0;
        let signed = proof_bytes(context, &server_key.0, fresh, &key, self.account());
        let signature = self.key.sign(&signed);
        signature.as_ref().try_into().expect("Ed25519 signatures have 64 bytes")
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Credentials({}, {})", self.principal, self.public_key().device())
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    #[test]
    fn an_anonymous_identity_says_no_name_and_never_twice_the_same_key() {
        let one = Identity::anonymous("localhost".parse().unwrap(), KeyHash([0; 32]));
        let other = Identity::anonymous("localhost".parse().unwrap(), KeyHash([0; 32]));
        assert_eq!(one.credentials().account(), "");
        assert_ne!(one.device, other.device);
        assert_eq!(one.folder(), None);
    }

    #[test]
    fn a_proof_verifies_for_its_server_and_no_other() {
        let credentials = Credentials::generate("alice@localhost".parse().unwrap());
        let (here, elsewhere) = (KeyHash::of(b"here"), KeyHash::of(b"elsewhere"));
        let proof = credentials.prove(here, &[7; 32]);
        let key = credentials.public_key().0;
        let verify = |server: KeyHash| {
            let signed =
                proof_bytes(EXPORTER_CONTEXT, &server.0, &[7; 32], &key, "alice@localhost");
            UnparsedPublicKey::new(&ED25519, key).verify(&signed, &proof).is_ok()
        };
        assert!(verify(here));
        assert!(!verify(elsewhere));
    }
}
