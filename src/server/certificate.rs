//! The server's certificate: from the operator's files, or one of its own making.
//!
//! Its own has a key that is made once and kept, because clients pin the key; the certificate around it is made anew
//! from time to time. It is good for ten years: clients that pin do not look at dates, those that are handed the file
//! do, and nobody else is served by a shorter time.
//! Must never hold: a decision to replace the operator's certificate by one of our own.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use ring::digest::{SHA256, digest};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;

use super::config::CertificateFiles;
use super::{ServerError, clock, files, guarded, keys};
use crate::disk;

const KEY: &str = "server-key.pem";
const YEAR: Duration = Duration::from_hours(365 * 24);
/// How long a certificate of our own is good, and how old it may get before it is made anew.
const VALIDITY: Duration = YEAR.saturating_mul(10);
const AGE_MAX: Duration = YEAR.saturating_mul(9);
/// Begins the line in our own certificate's file that says when it was made.
const MADE_AT: &str = "made by adsum at ";
/// Clocks of clients may be behind ours.
const SKEW: Duration = Duration::from_hours(24);

/// A certificate ready for use, with the hash clients pin.
#[derive(Clone)]
pub(super) struct ServerCertificate {
    /// Chain and key.
    pub(super) certified: Arc<CertifiedKey>,
    /// SHA-256 over the `SubjectPublicKeyInfo`, see [`proof_bytes`](crate::wire::proof_bytes).
    pub(super) key_hash: [u8; 32],
}

/// Reads the operator's certificate.
pub(super) fn load(paths: &CertificateFiles) -> Result<ServerCertificate, ServerError> {
    guarded::close_given(&paths.key)?;
    read_pair(paths)
}

/// As [`load`], and leaves the files as they are.
pub(super) fn read_pair(paths: &CertificateFiles) -> Result<ServerCertificate, ServerError> {
    let chain = read(&paths.chain)?;
    let key = read(&paths.key)?;
    let chain = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| bad(&paths.chain, &format!("is not a PEM certificate chain: {error}")))?;
    let key = PrivateKeyDer::from_pem_slice(&key)
        .map_err(|error| bad(&paths.key, &format!("is not a PEM private key: {error}")))?;
    certified(&paths.chain, chain, &key)
}

/// Our own certificate in `data`, made if it is not there or too old; its key is made once and kept.
pub(super) fn own(data: &Path, names: &[String]) -> Result<ServerCertificate, ServerError> {
    let folder = data.join(keys::FOLDER);
    disk::make_folder(&folder)?;
    let paths = CertificateFiles { chain: folder.join(keys::CERTIFICATE), key: folder.join(KEY) };
    let key = own_key(&paths.key)?;
    if !is_fresh(&paths.chain) {
        files::write_private(&paths.chain, issue(&key, names)?.as_bytes())?;
    }
    load(&paths)
}

/// The key of our own certificate in `data`, made if there is none.
pub(super) fn signing_key(data: &Path) -> Result<KeyPair, ServerError> {
    let folder = data.join(keys::FOLDER);
    disk::make_folder(&folder)?;
    own_key(&folder.join(KEY))
}

fn own_key(path: &Path) -> Result<KeyPair, ServerError> {
    if let Some(pem) = disk::read(path)? {
        let key = core::str::from_utf8(&pem).ok().and_then(|pem| KeyPair::from_pem(pem).ok());
        let cure =
            "restore it from a backup, or delete it and have each client confirm the new one";
        let reason = "is not a private key of ours".to_owned();
        return key.ok_or_else(|| ServerError::BadFile { path: path.to_owned(), reason, cure });
    }
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(tls)?;
    files::write_private(path, key.serialize_pem().as_bytes())?;
    Ok(key)
}

/// A certificate in PEM, behind a line that says when it was made.
fn issue(key: &KeyPair, names: &[String]) -> Result<String, ServerError> {
    let made_at = Duration::from_millis(clock::wall().as_ms());
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let mut parameters = CertificateParams::new(names).map_err(tls)?;
    parameters.not_before = epoch + made_at.saturating_sub(SKEW);
    parameters.not_after = epoch + made_at + VALIDITY;
    parameters.distinguished_name.push(DnType::CommonName, "adsum");
    let certificate = parameters.self_signed(key).map_err(tls)?;
    Ok(format!("{MADE_AT}{}\n{}", made_at.as_secs(), certificate.pem()))
}

/// Whether `path` holds a certificate made by [`issue`] that is not too old.
fn is_fresh(path: &Path) -> bool {
    let Ok(text) = fs::read_to_string(path) else { return false };
    let made_at = text.lines().next().and_then(|line| line.strip_prefix(MADE_AT)?.parse().ok());
    let now = Duration::from_millis(clock::wall().as_ms());
    made_at.is_some_and(|made_at| now.saturating_sub(Duration::from_secs(made_at)) < AGE_MAX)
}

fn certified(
    path: &Path,
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKeyDer<'static>,
) -> Result<ServerCertificate, ServerError> {
    let leaf = chain.first().ok_or_else(|| bad(path, "holds no certificate"))?;
    let parsed = ParsedCertificate::try_from(leaf).map_err(|error| {
        bad(path, &format!("begins with a certificate that does not parse: {error}"))
    })?;
    let hash = digest(&SHA256, &parsed.subject_public_key_info());
    let key = any_supported_type(key).map_err(tls)?;
    let certified = CertifiedKey::new(chain, key);
    certified
        .keys_match()
        .map_err(|error| bad(path, &format!("does not belong to the private key: {error}")))?;
    Ok(ServerCertificate {
        certified: Arc::new(certified),
        key_hash: hash.as_ref().try_into().expect("SHA-256 has 32 bytes"),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, ServerError> {
    fs::read(path).map_err(|source| ServerError::file("read", path, source))
}

fn bad(path: &Path, reason: &str) -> ServerError {
    let cure = "put a PEM certificate chain and its key there, or leave the certificate out";
    ServerError::BadFile { path: path.to_owned(), reason: reason.to_owned(), cure }
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn tls(error: impl ToString) -> ServerError {
    ServerError::Tls { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        vec!["localhost".to_owned()]
    }

    #[test]
    fn our_own_certificate_is_the_same_at_every_start() {
        let data = tempfile::tempdir().unwrap();
        let first = own(data.path(), &names()).unwrap();
        let second = own(data.path(), &names()).unwrap();
        assert_eq!(first.key_hash, second.key_hash);
        assert_eq!(first.certified.cert, second.certified.cert);
    }

    #[test]
    fn an_old_certificate_is_made_anew_around_the_same_key() {
        let data = tempfile::tempdir().unwrap();
        let first = own(data.path(), &names()).unwrap();
        let path = data.path().join(keys::FOLDER).join(keys::CERTIFICATE);
        let text = fs::read_to_string(&path).unwrap();
        let (_, rest) = text.split_once('\n').unwrap();
        fs::write(&path, format!("{MADE_AT}1000\n{rest}")).unwrap();
        let second = own(data.path(), &names()).unwrap();
        assert_eq!(first.key_hash, second.key_hash);
        assert_ne!(first.certified.cert, second.certified.cert);
    }

    #[test]
    fn the_hash_is_over_the_public_key_in_the_certificate() {
        let data = tempfile::tempdir().unwrap();
        let certificate = own(data.path(), &names()).unwrap();
        let key = own_key(&data.path().join(keys::FOLDER).join(KEY)).unwrap();
        let spki = rcgen::PublicKeyData::subject_public_key_info(&key);
        assert_eq!(digest(&SHA256, &spki).as_ref(), certificate.key_hash);
    }

    #[test]
    fn a_certificate_with_another_key_is_refused_by_name() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        own(one.path(), &names()).unwrap();
        own(other.path(), &names()).unwrap();
        let mixed = CertificateFiles {
            chain: one.path().join(keys::FOLDER).join(keys::CERTIFICATE),
            key: other.path().join(keys::FOLDER).join(KEY),
        };
        let fault = load(&mixed).err().unwrap().to_string();
        assert!(fault.contains("does not belong to the private key"), "{fault}");
    }

    #[test]
    fn a_file_that_is_no_certificate_is_refused_by_name() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("chain.pem");
        fs::write(&path, "hello").unwrap();
        let paths = CertificateFiles { chain: path.clone(), key: path };
        let fault = load(&paths).err().unwrap().to_string();
        assert!(fault.contains("chain.pem"), "{fault}");
    }
}
