//! TLS 1.3 as this client does it: one pinned key instead of a chain of certificates, no resumption, no early data.
//!
//! Must never hold: a way to skip the check of the handshake's signature. A certificate without it proves nothing.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use crate::client::address::KeyHash;
use crate::client::error::ClientError;

/// Which key a server must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// This one and no other.
    Known(KeyHash),
    /// Any: to be remembered from now on. Only for enrolling.
    FirstUse,
}

/// Accepts the certificate whose key has the pinned hash, and remembers what it saw.
#[derive(Debug)]
pub(super) struct PinVerifier {
    pin: Pin,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<KeyHash>>,
}

impl PinVerifier {
    pub(super) fn new(pin: Pin) -> Arc<Self> {
        let provider = Arc::new(ring::default_provider());
        Arc::new(Self { pin, provider, seen: Mutex::new(None) })
    }

    /// The key that was shown where another was expected: `(expected, found)`.
    pub(super) fn mismatch(&self) -> Option<(KeyHash, KeyHash)> {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match (self.pin, seen) {
            (Pin::Known(expected), Some(found)) if expected != found => Some((expected, found)),
            _ => None,
        }
    }

    /// The configuration of one connection that speaks `alpn`.
    pub(super) fn config(
        self: &Arc<Self>,
        alpn: &[u8],
    ) -> Result<quinn::ClientConfig, ClientError> {
        let bug = |what: &dyn core::fmt::Display| ClientError::Machine {
            what: "TLS 1.3 with ring",
            reason: what.to_string(),
        };
        let mut tls = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| bug(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::<Self>::clone(self))
            .with_no_client_auth();
        tls.alpn_protocols = vec![alpn.to_vec()];
        tls.enable_early_data = false;
        // A resumed session would not show its key again.
        tls.resumption = Resumption::disabled();
        let quic = quinn::crypto::rustls::QuicClientConfig::try_from(tls);
        Ok(quinn::ClientConfig::new(Arc::new(quic.map_err(|error| bug(&error))?)))
    }
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found = key_of(end_entity)?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        match self.pin {
            Pin::Known(expected) if expected != found => {
                Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let schemes = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The hash of a certificate's public key.
pub(super) fn key_of(certificate: &CertificateDer<'_>) -> Result<KeyHash, Error> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    Ok(KeyHash::of(parsed.subject_public_key_info().as_ref()))
}

/// The hash of the key that the other end of `quic` has proven to hold.
pub(super) fn key_of_peer(quic: &quinn::Connection) -> Result<KeyHash, ClientError> {
    let none = || ClientError::protocol("TLS told no certificate of the server");
    let chain = quic.peer_identity().ok_or_else(none)?;
    let chain = chain.downcast::<Vec<CertificateDer<'static>>>().map_err(|_| none())?;
    let leaf = chain.first().ok_or_else(none)?;
    key_of(leaf).map_err(ClientError::protocol)
}
