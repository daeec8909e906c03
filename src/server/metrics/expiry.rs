//! Until when the certificates that are shown are good, for whoever watches over the server.
//!
//! Must never hold: a decision to renew one.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Who is shown a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum ShownTo {
    /// Clients of every kind, unless pages have one of their own.
    Everybody,
    /// Pages, which pin it.
    Pages,
}

/// Until when each certificate is good. Cheap to share.
#[derive(Clone, Default)]
pub(in crate::server) struct Expiries(Family<[(&'static str, &'static str); 1], Gauge>);

impl Expiries {
    /// This certificate is shown now.
    pub(in crate::server) fn shows(&self, to: ShownTo, certified: &CertifiedKey) {
        // One that a TLS library takes and this parser does not has no figure, rather than a wrong one.
        if let Some(expires_at) = certified.cert.first().and_then(expires_at) {
            self.set(to, expires_at);
        }
    }

    /// What is counted, to be registered.
    pub(in crate::server) fn family(&self) -> Family<[(&'static str, &'static str); 1], Gauge> {
        self.0.clone()
    }

    pub(in crate::server) fn set(&self, to: ShownTo, expires_at: i64) {
        let to = match to {
            ShownTo::Everybody => "everybody",
            ShownTo::Pages => "pages",
        };
        self.0.get_or_create(&[("shown_to", to)]).set(expires_at);
    }
}

/// The end of its validity, in seconds since 1970.
fn expires_at(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(parsed.validity().not_after.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    #[test]
    fn the_end_of_a_certificate_is_read_and_of_something_else_there_is_none() {
        let mut parameters = CertificateParams::new(["d.example".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2031, 2, 3);
        let certificate = parameters.self_signed(&KeyPair::generate().unwrap()).unwrap();
        assert_eq!(expires_at(certificate.der()), Some(1_927_843_200));
        assert_eq!(expires_at(&CertificateDer::from(b"no certificate".to_vec())), None);
    }
}
