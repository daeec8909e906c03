//! Erasing a principal while no server runs, and proving later that it was erased.
//!
//! Must never hold: anything that a client may ask for, or a way to bring something back.

use std::path::Path;
use std::sync::Arc;

use rcgen::{PublicKeyData as _, SigningKey as _};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

use super::clock::{SystemClock, Timekeeper};
use super::{ServerError, certificate};
use crate::commit::Commit;
use crate::event::{Ended, Event, PrincipalErased, Recorded};
use crate::log::{EventLog, LogFault, SledLog, Tip, each_event, tip_at};
use crate::model::{EpochId, Payload, Principal, Refusal, Sequence, Timestamp};
use crate::random;
use crate::service::ServiceConfig;

/// The first event of a log.
const FIRST: Sequence = Sequence::new(1);
/// What stands in front of the 65 bytes of a P-256 key in its `SubjectPublicKeyInfo`, RFC 5480.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// An erasure as the log has it.
#[derive(Clone, Debug)]
pub struct Erasure {
    /// Who was erased.
    pub principal: Principal,
    /// By whom; `None` is the operator.
    pub by: Option<Principal>,
    /// When, as the wall clock showed it.
    pub erased_at: Timestamp,
    /// From when on somebody else may be called so.
    pub name_free_at: Timestamp,
    /// The event that says so.
    pub position: Sequence,
    /// The end of the entry that holds it.
    pub tip: Tip,
    /// What ended with it.
    pub ended: Ended,
    /// What it wrote or got up to there.
    pub written: Written,
}

/// How much of what a principal wrote or got lies in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Bodies, notes, contacts, markup and names of devices that nobody can read any more.
    pub unreadable: u64,
    /// Those that can still be read: they were stored before anything was sealed.
    pub readable: u64,
}

/// Erases `principal` in the store in `data`, unless that was done before, and says what the log has of it.
///
/// # Errors
/// [`ServerError::Log`] if there is no store or a process has it, [`ServerError::Refused`] if there was never such a name.
pub fn erase_as_operator(data: &Path, principal: &Principal) -> Result<Erasure, ServerError> {
    let log = SledLog::open_existing(data)?;
    let epoch = EpochId(random::bytes());
    let config = ServiceConfig { epoch, ..ServiceConfig::new(Vec::new(), [0; 32]) };
    let mut commit = Commit::open(config, Box::new(log), &mut |_, _| ())?;
    if commit.views().name_free_at(principal).is_none() {
        let now = Timekeeper::open(Arc::new(SystemClock), data, commit.views())?.now();
        commit.erase(now, principal)??;
        // What a checkpoint of before holds is replaced.
        commit.checkpoint_all()?;
    }
    drop(commit);
    let log = SledLog::open_existing(data)?;
    let found = last_erasure(&log, principal)?;
    look(&log, found.ok_or_else(|| unknown(principal))?)
}

/// What the log of the store in `data` has of the erasure of `principal` at `position`.
///
/// # Errors
/// [`ServerError::Log`], [`ServerError::Refused`] if nobody of that name was erased there.
pub fn erasure_at(
    data: &Path,
    principal: &Principal,
    position: Sequence,
) -> Result<Erasure, ServerError> {
    let log = SledLog::open_existing(data)?;
    let recorded = log.reader().read_one(position)?;
    if is_erasure(&recorded, principal) { look(&log, recorded) } else { Err(unknown(principal)) }
}

fn unknown(principal: &Principal) -> ServerError {
    Refusal::UnknownPrincipal { principal: principal.to_string() }.into()
}

fn is_erasure(recorded: &Recorded, principal: &Principal) -> bool {
    matches!(&recorded.event, Event::PrincipalErased(event) if event.principal == *principal)
}

fn last_erasure(log: &SledLog, principal: &Principal) -> Result<Option<Recorded>, ServerError> {
    let mut last = None;
    each_event(log.reader().as_ref(), (FIRST, log.head()), |recorded| {
        if is_erasure(&recorded, principal) {
            last = Some(recorded);
        }
        Ok::<_, LogFault>(())
    })?;
    Ok(last)
}

fn look(log: &SledLog, recorded: Recorded) -> Result<Erasure, ServerError> {
    let (position, erased_at, ahead) = (recorded.sequence, recorded.shown_at(), recorded.ahead);
    let Event::PrincipalErased(event) = recorded.event else {
        unreachable!("it was looked at before")
    };
    let PrincipalErased { principal, by, name_free_at, ended } = event;
    let mut written = Written::default();
    each_event(log.reader().as_ref(), (FIRST, position), |recorded| {
        written.add(recorded, &principal);
        Ok::<_, LogFault>(())
    })?;
    let (name_free_at, tip) = (ahead.shown(name_free_at), tip_at(log, position)?);
    Ok(Erasure { principal, by, erased_at, name_free_at, position, tip, ended, written })
}

impl Written {
    fn add(&mut self, recorded: Recorded, principal: &Principal) {
        let mut event = recorded.event;
        let owners = event.owners();
        let is_owner = owners.is_some_and(|owners| {
            owners.keeper == *principal || owners.sender.as_ref() == Some(principal)
        });
        if is_owner {
            for payload in event.payloads_mut() {
                match payload {
                    Payload::Present(_) => self.readable += 1,
                    _ => self.unreadable += 1,
                }
            }
        }
    }
}

/// Signs `bytes` with the key of the store in `data`, which clients pin unless the operator gave another; it is made if there
/// is none. The signature is ECDSA with P-256 and SHA-256, as in X.509.
///
/// # Errors
/// [`ServerError`] if the key cannot be read or written.
pub fn sign(data: &Path, bytes: &[u8]) -> Result<Vec<u8>, ServerError> {
    let signed = certificate::signing_key(data)?.sign(bytes);
    signed.map_err(|error| ServerError::Tls { reason: error.to_string() })
}

/// The key by which the store in `data` signs, a `SubjectPublicKeyInfo`; it is made if there is none.
///
/// # Errors
/// As [`sign`].
pub fn signing_key(data: &Path) -> Result<Vec<u8>, ServerError> {
    Ok(certificate::signing_key(data)?.subject_public_key_info())
}

/// Whether `signature` is one of `bytes` by `key`, as [`sign`] and [`signing_key`] return them.
pub fn is_signed(key: &[u8], bytes: &[u8], signature: &[u8]) -> bool {
    let point = key.strip_prefix(&P256).filter(|point| point.len() == 65);
    point.is_some_and(|point| {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point);
        key.verify(bytes, signature).is_ok()
    })
}
