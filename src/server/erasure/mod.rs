//! Erasing a principal while no server runs, and proving that it was erased, however that was.
//!
//! Must never hold: a rule about who may erase whom, or a way to bring something back.

mod certificate;

use std::path::Path;
use std::sync::Arc;

use rcgen::{PublicKeyData as _, SigningKey as _};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

pub use self::certificate::Certificate;
use super::clock::{SystemClock, Timekeeper};
use super::{ServerError, certificate as own};
use crate::commit::Commit;
#[cfg(test)]
use crate::event::Chain;
use crate::event::{Ended, Event, PrincipalErased, Recorded};
use crate::log::{EventLog, LogFault, LogReader, SledLog, Tip, each_event};
use crate::model::{EpochId, Payload, Principal, Refusal, Sequence, Timestamp};
use crate::random;
use crate::service::ServiceConfig;

/// The first event of a log.
const FIRST: Sequence = Sequence::new(1);
/// Events that are counted at once.
const COUNT_EVENTS: u64 = 4_096;
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
    /// Whether its domain ever let recipients keep what was sent.
    pub keeps: bool,
    /// What it wrote or got up to there, if the log was gone through for that.
    pub written: Option<Written>,
}

#[cfg(test)]
impl Erasure {
    /// One as tests have it.
    pub(crate) fn sample() -> Self {
        Self {
            principal: "bob@localhost".parse().expect("it is an address"),
            by: None,
            erased_at: Timestamp::from_ms(7),
            name_free_at: Timestamp::from_ms(9),
            position: Sequence::new(3),
            tip: Tip { head: Sequence::new(4), chain: Chain([7; 32]) },
            ended: Ended::default(),
            keeps: false,
            written: Some(Written::default()),
        }
    }
}

/// How much of what a principal wrote or got lies in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Bodies, notes, contacts, markup and names of devices that nobody can read any more.
    pub unreadable: u64,
    /// Those that can still be read: they were stored before anything was sealed.
    pub readable: u64,
    /// Bodies that it sent and that can still be read: their recipients keep them, by what its domain wanted when they were sent.
    pub kept: u64,
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
    let keeps = commit.views().ever_kept(principal.domain());
    drop(commit);
    let log = SledLog::open_existing(data)?;
    let last = erasures(&log, principal)?.pop().ok_or_else(|| unknown(principal))?;
    let reader = log.reader();
    Ok(counted(reader.as_ref(), erasure_in(reader.as_ref(), last, keeps)?)?)
}

/// What the log of the store in `data` has of the erasure of `principal` at `position`, or at any place, that `is_it`; of
/// another one, if none is.
///
/// # Errors
/// [`ServerError::Log`], [`ServerError::Refused`] if nobody of that name was erased there.
pub fn erasure_of(
    data: &Path,
    principal: &Principal,
    position: Option<u64>,
    is_it: impl Fn(&Erasure) -> bool,
) -> Result<Erasure, ServerError> {
    let log = SledLog::open_existing(data)?;
    let mut found = match position {
        Some(position) => vec![log.reader().read_one(Sequence::new(position))?],
        None => erasures(&log, principal)?,
    };
    found.retain(|recorded| is_erasure(recorded, principal));
    let mut last = Err(unknown(principal));
    for recorded in found {
        let erasure = erasure_in(log.reader().as_ref(), recorded, false)?;
        let is_found = is_it(&erasure);
        last = Ok(erasure);
        if is_found {
            break;
        }
    }
    Ok(counted(log.reader().as_ref(), last?)?)
}

fn unknown(principal: &Principal) -> ServerError {
    Refusal::UnknownPrincipal { principal: principal.to_string() }.into()
}

fn is_erasure(recorded: &Recorded, principal: &Principal) -> bool {
    matches!(&recorded.event, Event::PrincipalErased(event) if event.principal == *principal)
}

fn erasures(log: &SledLog, principal: &Principal) -> Result<Vec<Recorded>, ServerError> {
    let mut found = Vec::new();
    each_event(log.reader().as_ref(), (FIRST, log.head()), |recorded| {
        if is_erasure(&recorded, principal) {
            found.push(recorded);
        }
        Ok::<_, LogFault>(())
    })?;
    Ok(found)
}

fn counted(reader: &dyn LogReader, mut erasure: Erasure) -> Result<Erasure, LogFault> {
    let mut count = Count::of(&erasure);
    while count.go_on(reader)? {}
    erasure.keeps |= count.written.kept > 0;
    erasure.written = Some(count.written);
    Ok(erasure)
}

/// What the log has of the erasure at `position`, without what was written.
///
/// # Errors
/// [`LogFault::Missing`] if nobody was erased there, [`LogFault`] if it cannot be read.
pub(super) fn find(
    reader: &dyn LogReader,
    position: Sequence,
    keeps: bool,
) -> Result<Erasure, LogFault> {
    erasure_in(reader, reader.read_one(position)?, keeps)
}

fn erasure_in(
    reader: &dyn LogReader,
    recorded: Recorded,
    keeps: bool,
) -> Result<Erasure, LogFault> {
    let (position, erased_at, ahead) = (recorded.sequence, recorded.shown_at(), recorded.ahead);
    let Event::PrincipalErased(event) = recorded.event else {
        return Err(LogFault::Missing { sequence: position });
    };
    let PrincipalErased { principal, by, name_free_at, ended } = event;
    let (name_free_at, tip) = (ahead.shown(name_free_at), reader.end_at(position)?);
    let written = None;
    Ok(Erasure { principal, by, erased_at, name_free_at, position, tip, ended, keeps, written })
}

/// A count of what a principal wrote, so much of the log at a time that others can read between.
pub(super) struct Count {
    principal: Principal,
    next: Sequence,
    last: Sequence,
    /// Whether recipients keep what is sent there.
    keeps: bool,
    pub(super) written: Written,
}

impl Count {
    /// Of whom was erased so, up to there; nothing is counted yet.
    pub(super) fn of(erasure: &Erasure) -> Self {
        let (principal, last) = (erasure.principal.clone(), erasure.position);
        Self { principal, next: FIRST, last, keeps: false, written: Written::default() }
    }

    /// Counts on, and says whether there is more.
    ///
    /// # Errors
    /// [`LogFault`].
    pub(super) fn go_on(&mut self, reader: &dyn LogReader) -> Result<bool, LogFault> {
        let last = self.last.min(self.next.plus(COUNT_EVENTS - 1));
        each_event(reader, (self.next, last), |recorded| {
            self.add(recorded.event);
            Ok::<_, LogFault>(())
        })?;
        self.next = last.next();
        Ok(self.next <= self.last)
    }

    fn add(&mut self, mut event: Event) {
        let (principal, written) = (&self.principal, &mut self.written);
        match &event {
            Event::ErasurePolicyChanged(event) if event.domain.as_str() == principal.domain() => {
                self.keeps = event.recipients_keep;
            }
            Event::DomainCreated(event) if event.domain.as_str() == principal.domain() => {
                self.keeps = false;
            }
            _ => {}
        }
        let Some(owners) = event.owners() else { return };
        let is_keeper = owners.keeper == *principal;
        if !is_keeper && owners.sender.as_ref() != Some(principal) {
            return;
        }
        for payload in event.payloads_mut() {
            match payload {
                Payload::Present(_) if self.keeps && !is_keeper => written.kept += 1,
                Payload::Present(_) => written.readable += 1,
                _ => written.unreadable += 1,
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
    let signed = own::signing_key(data)?.sign(bytes);
    signed.map_err(|error| ServerError::Tls { reason: error.to_string() })
}

/// The key by which the store in `data` signs, a `SubjectPublicKeyInfo`; it is made if there is none.
///
/// # Errors
/// As [`sign`].
pub fn signing_key(data: &Path) -> Result<Vec<u8>, ServerError> {
    Ok(own::signing_key(data)?.subject_public_key_info())
}

/// Whether `signature` is one of `bytes` by `key`, as [`sign`] and [`signing_key`] return them.
pub fn is_signed(key: &[u8], bytes: &[u8], signature: &[u8]) -> bool {
    let point = key.strip_prefix(&P256).filter(|point| point.len() == 65);
    point.is_some_and(|point| {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point);
        key.verify(bytes, signature).is_ok()
    })
}
