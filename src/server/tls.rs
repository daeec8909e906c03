//! TLS 1.3 with ring, set up by hand: the short cuts would switch early data on and leave the ALPN out.
//!
//! The certificate can be swapped while connections live. One that does not load leaves the old one in place.
//! Must never hold: a verification of client certificates; principals prove themselves in `Hello`.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use quinn::crypto::rustls::HandshakeData;
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;
use tracing::{error, info};

use super::ServerError;
use super::certificate::{self, ServerCertificate};
use super::config::CertificateFiles;
use super::metrics::{Expiries, ShownTo};
use super::web::Pinned;
use crate::wire::{ALPN, HTTP3};

/// Tickets a connection is handed, and sessions that are remembered for them. Resuming saves hardly anything here,
/// and each ticket costs 1.7 KiB of memory.
const TICKETS: usize = 1;
const SESSIONS_REMEMBERED: usize = 4_096;

/// The certificate in use. Cheap to share.
pub(super) struct Certificates {
    inner: RwLock<InUse>,
    expiries: Expiries,
}

struct InUse {
    current: ServerCertificate,
    // A connection whose handshake ended before a reload may prove itself after it.
    previous: Option<[u8; 32]>,
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Certificates")
    }
}

impl Certificates {
    /// Serves `current` until it is swapped.
    pub(super) fn new(current: ServerCertificate, expiries: Expiries) -> Self {
        expiries.shows(ShownTo::Everybody, &current.certified);
        Self { inner: RwLock::new(InUse { current, previous: None }), expiries }
    }

    /// The hash that clients pin.
    pub(super) fn key_hash(&self) -> [u8; 32] {
        self.read(|in_use| in_use.current.key_hash)
    }

    /// The hashes a proof may be bound to: the current, and the one before it.
    pub(super) fn key_hashes(&self) -> Vec<[u8; 32]> {
        self.read(|in_use| {
            let current = in_use.current.key_hash;
            let previous = in_use.previous.filter(|previous| *previous != current);
            [Some(current), previous].into_iter().flatten().collect()
        })
    }

    /// Serves `fresh` from now on.
    fn swap(&self, fresh: ServerCertificate) {
        self.expiries.shows(ShownTo::Everybody, &fresh.certified);
        let mut in_use = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        in_use.previous = Some(in_use.current.key_hash);
        in_use.current = fresh;
    }

    fn read<T>(&self, look: impl FnOnce(&InUse) -> T) -> T {
        look(&self.inner.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether HTTP/3 was agreed on for `connection`.
pub(super) fn speaks_http3(connection: &quinn::Connection) -> bool {
    let agreed = connection.handshake_data().and_then(|data| data.downcast::<HandshakeData>().ok());
    agreed.and_then(|agreed| agreed.protocol).is_some_and(|protocol| protocol == HTTP3)
}

/// What browsers are shown.
#[derive(Clone)]
pub(super) enum ForPages {
    /// Nothing: none is served.
    Nothing,
    /// What all others are shown.
    TheSame,
    /// A certificate that a page can pin.
    Pinned(Arc<Pinned>),
}

/// Which certificate is shown, by the protocol that is asked for.
struct ByProtocol {
    native: Arc<Certificates>,
    pages: ForPages,
}

impl std::fmt::Debug for ByProtocol {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ByProtocol")
    }
}

impl ResolvesServerCert for ByProtocol {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Whoever offers both speaks ours.
        let is_native =
            hello.alpn().is_none_or(|mut offered| offered.any(|protocol| protocol == ALPN));
        match &self.pages {
            ForPages::Pinned(pinned) if !is_native => Some(pinned.certified()),
            _ => Some(self.native.read(|in_use| Arc::clone(&in_use.current.certified))),
        }
    }
}

/// The TLS side of the endpoint.
pub(super) fn config(
    certificates: Arc<Certificates>,
    pages: ForPages,
) -> Result<rustls::ServerConfig, ServerError> {
    let mut protocols = vec![ALPN.to_vec()];
    if !matches!(pages, ForPages::Nothing) {
        protocols.push(HTTP3.to_vec());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| ServerError::Tls { reason: error.to_string() })?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByProtocol { native: certificates, pages }));
    config.alpn_protocols = protocols;
    // Early data could be replayed, and a replayed request is a request.
    config.max_early_data_size = 0;
    config.send_tls13_tickets = TICKETS;
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS_REMEMBERED);
    Ok(config)
}

/// The TLS side of a TCP address that speaks HTTP/1.1.
pub(super) fn tcp_config(
    certificates: Arc<Certificates>,
) -> Result<rustls::ServerConfig, ServerError> {
    let mut config = config(certificates, ForPages::TheSame)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Reads the operator's certificate again when its files change. Ends with the task it runs in.
pub(super) async fn keep_fresh(
    certificates: Arc<Certificates>,
    files: CertificateFiles,
    every: Duration,
) {
    let mut seen = changed_at(&files).await;
    loop {
        tokio::time::sleep(every).await;
        let now = changed_at(&files).await;
        if now != seen {
            seen = now;
            if let Err(fault) = read_again(&certificates, files.clone()).await {
                error!(%fault, "the new certificate cannot be used; the old one stays");
            }
        }
    }
}

/// Reads the operator's certificate again and serves it from now on.
///
/// # Errors
/// [`ServerError`] if it cannot be used: then the old one stays.
pub(super) async fn read_again(
    certificates: &Certificates,
    files: CertificateFiles,
) -> Result<(), ServerError> {
    let path = files.chain.display().to_string();
    let loading = tokio::task::spawn_blocking(move || certificate::load(&files));
    let fresh = loading.await.unwrap_or_else(|panic| {
        Err(ServerError::Tls { reason: format!("reading the certificate: {panic}") })
    })?;
    certificates.swap(fresh);
    info!(path, "the certificate was read again");
    Ok(())
}

/// When each file was last changed, as far as the system tells.
async fn changed_at(files: &CertificateFiles) -> [Option<SystemTime>; 2] {
    let changed = |path: PathBuf| async move {
        tokio::fs::metadata(path).await.and_then(|found| found.modified()).ok()
    };
    [changed(files.chain.clone()).await, changed(files.key.clone()).await]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(data: &std::path::Path) -> ServerCertificate {
        certificate::own(data, &["localhost".to_owned()]).unwrap()
    }

    #[test]
    fn early_data_is_off_and_http3_is_spoken_only_where_pages_are_served() {
        let data = tempfile::tempdir().unwrap();
        let of = |pages| {
            config(Arc::new(Certificates::new(own(data.path()), Expiries::default())), pages)
                .unwrap()
        };
        let (ours, pages) = (of(ForPages::Nothing), of(ForPages::TheSame));
        assert_eq!((ours.max_early_data_size, pages.max_early_data_size), (0, 0));
        assert_eq!(ours.alpn_protocols, [ALPN.to_vec()]);
        assert_eq!(pages.alpn_protocols, [ALPN.to_vec(), HTTP3.to_vec()], "ours is preferred");
    }

    #[test]
    fn a_swapped_certificate_leaves_proofs_for_the_old_one_good() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (old, new) = (own(one.path()), own(other.path()));
        let certificates = Certificates::new(old.clone(), Expiries::default());
        assert_eq!(certificates.key_hashes(), [old.key_hash]);
        certificates.swap(new.clone());
        assert_eq!(certificates.key_hash(), new.key_hash);
        assert_eq!(certificates.key_hashes(), [new.key_hash, old.key_hash]);
    }

    #[tokio::test]
    async fn a_certificate_that_does_not_load_leaves_the_old_one() {
        let data = tempfile::tempdir().unwrap();
        let certificates = Certificates::new(own(data.path()), Expiries::default());
        let before = certificates.key_hash();
        let nowhere = data.path().join("nowhere.pem");
        let files = CertificateFiles { chain: nowhere.clone(), key: nowhere };
        let told = read_again(&certificates, files).await.unwrap_err();
        assert!(told.to_string().contains("nowhere.pem"), "{told}");
        assert_eq!(certificates.key_hash(), before);
    }
}
