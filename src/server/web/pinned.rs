//! Certificates of a short life, for pages that pin them by `serverCertificateHashes`: one that is shown, and the one that
//! is shown after it.
//!
//! A browser takes a certificate by its hash only if it is good for at most 14 days. So that a page which learnt both
//! hashes can connect for at least ten days, the next one is made when the one before it comes into use. Both are kept, with
//! their keys, in one file. Must never hold: the key that native clients pin.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use ring::digest::{SHA256, digest};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::disk;
use crate::model::Timestamp;
use crate::server::metrics::{Expiries, ShownTo};
use crate::server::{ServerError, files, keys};

const DAY: Duration = Duration::from_hours(24);
/// How long one is shown before the next takes its place.
const SHOWN: Duration = DAY.saturating_mul(10);
/// How long it is good before it is shown, for clocks that are behind ours, and after that, for those that are ahead and for
/// a server that was down when it was to show the next.
const SKEW: Duration = DAY;
const SPARE: Duration = DAY.saturating_mul(2);
/// Begins the line in front of each one that says since when it is shown.
const SHOWN_FROM: &str = "made by adsum to be shown from ";

/// The certificates that pages pin. Cheap to share.
pub(in crate::server) struct Pinned {
    path: PathBuf,
    names: Vec<String>,
    pair: RwLock<Pair>,
    expiries: Expiries,
}

#[derive(Clone)]
struct Pair {
    current: Short,
    next: Short,
}

#[derive(Clone)]
struct Short {
    certified: Arc<CertifiedKey>,
    /// SHA-256 over the certificate.
    hash: [u8; 32],
    /// Since 1970.
    shown_from: Duration,
    text: String,
}

impl Pinned {
    /// Those of the store in `data`, made if they are not there or over at `now`.
    pub(in crate::server) fn open(
        data: &Path,
        names: Vec<String>,
        now: Timestamp,
        expiries: Expiries,
    ) -> Result<Self, ServerError> {
        let folder = data.join(keys::FOLDER);
        disk::make_folder(&folder)?;
        let path = folder.join(keys::PAGE_CERTIFICATES);
        let kept = disk::read(&path)?.and_then(|bytes| Pair::read(&String::from_utf8(bytes).ok()?));
        let pair = Pair::at(kept, &names, since_1970(now))?;
        files::write_private(&path, pair.text().as_bytes())?;
        expiries.shows(ShownTo::Pages, &pair.current.certified);
        Ok(Self { path, names, pair: RwLock::new(pair), expiries })
    }

    /// Shows the next one if it is time for it at `now`; says whether anything changed.
    pub(in crate::server) fn renew(&self, now: Timestamp) -> Result<bool, ServerError> {
        let pair = self.pair();
        let before = pair.hashes();
        let fresh = Pair::at(Some(pair), &self.names, since_1970(now))?;
        if fresh.hashes() == before {
            return Ok(false);
        }
        files::write_private(&self.path, fresh.text().as_bytes())?;
        self.expiries.shows(ShownTo::Pages, &fresh.current.certified);
        *self.pair.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(true)
    }

    /// What is shown.
    pub(in crate::server) fn certified(&self) -> Arc<CertifiedKey> {
        self.pair().current.certified
    }

    /// SHA-256 over the certificate that is shown, and over the next one.
    pub(in crate::server) fn hashes(&self) -> [[u8; 32]; 2] {
        self.pair().hashes()
    }

    fn pair(&self) -> Pair {
        self.pair.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Pair {
    /// What there is at `now`, of which `kept` is kept as long as it is good.
    fn at(kept: Option<Self>, names: &[String], now: Duration) -> Result<Self, ServerError> {
        if let Some(kept) = kept {
            if kept.current.is_shown_at(now) {
                return Ok(kept);
            }
            if kept.next.is_shown_at(now) {
                return Self::from(kept.next, names);
            }
        }
        Self::from(Short::issue(names, now)?, names)
    }

    fn from(current: Short, names: &[String]) -> Result<Self, ServerError> {
        let next = Short::issue(names, current.shown_from + SHOWN)?;
        Ok(Self { current, next })
    }

    /// What [`Pair::text`] wrote.
    fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(SHOWN_FROM).collect();
        let [_, current, next] = parts[..] else { return None };
        Some(Self { current: Short::read(current)?, next: Short::read(next)? })
    }

    fn text(&self) -> String {
        [SHOWN_FROM, &self.current.text, SHOWN_FROM, &self.next.text].concat()
    }

    fn hashes(&self) -> [[u8; 32]; 2] {
        [self.current.hash, self.next.hash]
    }
}

impl Short {
    /// A fresh one, to be shown from `from` on.
    fn issue(names: &[String], from: Duration) -> Result<Self, ServerError> {
        let from = Duration::from_secs(from.as_secs());
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(tls)?;
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        let mut parameters = CertificateParams::new(names).map_err(tls)?;
        parameters.not_before = epoch + from.saturating_sub(SKEW);
        parameters.not_after = epoch + from + SHOWN + SPARE;
        parameters.distinguished_name.push(DnType::CommonName, "adsum for pages");
        let certificate = parameters.self_signed(&key).map_err(tls)?;
        let text = format!("{}\n{}{}", from.as_secs(), certificate.pem(), key.serialize_pem());
        Ok(Self::read(&text).expect("what was just written reads"))
    }

    /// Time, certificate and key, as [`Short::issue`] writes them.
    fn read(text: &str) -> Option<Self> {
        let shown_from = Duration::from_secs(text.lines().next()?.parse().ok()?);
        let certificate = CertificateDer::from_pem_slice(text.as_bytes()).ok()?;
        let key = any_supported_type(&PrivateKeyDer::from_pem_slice(text.as_bytes()).ok()?).ok()?;
        let hash = digest(&SHA256, &certificate);
        let certified = CertifiedKey::new(vec![certificate], key);
        certified.keys_match().ok()?;
        Some(Self {
            certified: Arc::new(certified),
            hash: hash.as_ref().try_into().expect("SHA-256 has 32 bytes"),
            shown_from,
            text: text.to_owned(),
        })
    }

    /// A clock that was set back a little finds it good already.
    fn is_shown_at(&self, now: Duration) -> bool {
        (self.shown_from.saturating_sub(SKEW)..self.shown_from + SHOWN).contains(&now)
    }
}

fn since_1970(now: Timestamp) -> Duration {
    Duration::from_millis(now.as_ms())
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn tls(error: impl ToString) -> ServerError {
    ServerError::Tls { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u64) -> Timestamp {
        Timestamp::from_ms(1_700_000_000_123 + day * 86_400_000)
    }

    fn open(data: &Path, now: Timestamp) -> Pinned {
        let names = vec!["localhost".to_owned()];
        Pinned::open(data, names, now, Expiries::default()).unwrap()
    }

    #[test]
    fn both_are_the_same_at_every_start_and_shown_is_the_first() {
        let data = tempfile::tempdir().unwrap();
        let first = open(data.path(), day(0));
        let second = open(data.path(), day(9));
        assert_eq!(first.hashes(), second.hashes());
        let shown = second.certified();
        assert_eq!(digest(&SHA256, &shown.cert[0]).as_ref(), second.hashes()[0]);
        assert_ne!(first.hashes()[0], first.hashes()[1]);
    }

    #[test]
    fn the_next_one_takes_its_place_after_ten_days_also_over_a_restart() {
        let data = tempfile::tempdir().unwrap();
        let pinned = open(data.path(), day(0));
        let [_, next] = pinned.hashes();
        assert!(!pinned.renew(day(9)).unwrap());
        assert!(pinned.renew(day(10)).unwrap() && !pinned.renew(day(10)).unwrap());
        let [current, after] = pinned.hashes();
        assert_eq!(current, next, "whoever knew the next one still connects");
        assert_eq!(open(data.path(), day(20)).hashes()[0], after);
    }

    #[test]
    fn what_is_over_is_made_anew_and_so_is_what_does_not_read() {
        let data = tempfile::tempdir().unwrap();
        let old = open(data.path(), day(0)).hashes();
        let fresh = open(data.path(), day(30)).hashes();
        assert!(fresh.iter().all(|hash| !old.contains(hash)));
        assert_ne!(open(data.path(), day(0)).hashes(), fresh, "a clock that was set back a month");
        let path = data.path().join(keys::FOLDER).join(keys::PAGE_CERTIFICATES);
        std::fs::write(&path, "made by adsum to be shown from yesterday").unwrap();
        let pinned = open(data.path(), day(30));
        assert_eq!(open(data.path(), day(30)).hashes(), pinned.hashes());
    }

    /// Both dates in a certificate, as seconds since 1970.
    fn dates(certificate: &[u8]) -> [i64; 2] {
        let at = certificate.windows(2).position(|two| two == [0x17, 13]).unwrap();
        let one = |at: usize| {
            let digits = core::str::from_utf8(&certificate[at + 2..at + 14]).unwrap();
            let parts: Vec<String> =
                (0..6).map(|part| digits[2 * part..2 * part + 2].to_owned()).collect();
            let [year, month, date, hour, minute, second] = &parts[..] else { unreachable!() };
            format!("20{year}-{month}-{date}T{hour}:{minute}:{second}Z")
                .parse::<jiff::Timestamp>()
                .unwrap()
                .as_second()
        };
        [one(at), one(at + 15)]
    }

    #[test]
    fn each_is_good_for_thirteen_days_and_for_as_long_as_it_may_be_shown() {
        let data = tempfile::tempdir().unwrap();
        let pinned = open(data.path(), day(0));
        for from in [0, 10] {
            pinned.renew(day(from)).unwrap();
            let [begins, ends] = dates(&pinned.certified().cert[0]);
            let shown = i64::try_from(day(from).as_ms() / 1_000).unwrap();
            assert_eq!(ends - begins, 13 * 86_400);
            assert_eq!((shown - begins, ends - shown), (86_400, 12 * 86_400));
        }
    }
}
