//! Sealing: what people wrote is stored under keys of their own, which lie outside the log.
//!
//! Holds: the keys by owner, where they are kept, and the cipher. Where a key is destroyed, what it sealed reads as
//! erased from then on, in the log, in checkpoints and in copies of both; the chain runs over what is stored and stays whole.
//! `docs/LOG_FORMAT.md` has the bytes. Must never hold: a rule about who may be erased, or a key that outlives its file.

mod cipher;
mod file;
mod place;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use self::cipher::{SealNonce, Sealer};
use self::file::{KeyFile, Owner};
pub(super) use self::place::KeyPlace;
use super::{LogFault, Sealing};
use crate::event::{Event, Owners, Recorded};
use crate::guard::Kept;
use crate::model::{Domain, Moment, Payload, Principal};

/// The keys of a store, for the one that writes and all that read.
#[derive(Debug)]
pub(super) struct Vault {
    keys: RwLock<KeyFile>,
    /// The domains whose messages are sealed for their recipients alone.
    keeping: RwLock<BTreeSet<Domain>>,
}

impl Vault {
    /// Reads the keys of the store in the folder `data`, which is locked, and finishes a destruction that was cut short.
    pub(super) fn of_store(data: &Path) -> Result<Self, LogFault> {
        KeyFile::open(data).map(Self::of)
    }

    /// The keys that are `found` in `place`, which are put there if there are none yet.
    pub(super) fn at(place: Box<dyn KeyPlace>, found: Option<&[u8]>) -> Result<Self, LogFault> {
        KeyFile::at(place, found).map(Self::of)
    }

    fn of(keys: KeyFile) -> Self {
        Self { keys: RwLock::new(keys), keeping: RwLock::default() }
    }

    /// The keys of the store in the folder `data` that are whole, and how many are not. Changes nothing there.
    pub(super) fn as_it_is(data: &Path) -> Result<(Self, usize), LogFault> {
        let (keys, damaged) = KeyFile::as_it_is(data)?;
        Ok((Self::of(keys), damaged))
    }

    /// What of a store at `data` may hold keys beside the files in `keys/` that the server knows.
    pub(super) fn kept(data: &Path) -> Kept {
        file::kept(data)
    }

    fn keys(&self) -> RwLockReadGuard<'_, KeyFile> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys_mut(&self) -> RwLockWriteGuard<'_, KeyFile> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The events as they are stored. A key that was not there is made, and durable when this returns.
    pub(super) fn seal_all<'a>(
        &self,
        events: &'a [(Moment, Event)],
    ) -> Result<Vec<(Moment, Cow<'a, Event>)>, LogFault> {
        self.enroll(events);
        let owners = self.owners(events);
        self.make_keys(owners.iter().flatten().flatten().flatten())?;
        let keys = self.keys();
        let mut nonces = keys.nonces(owners.iter().flatten().count()).into_iter();
        let sealed = events.iter().zip(owners).map(|((at, event), owners)| {
            let Some(owners) = owners else { return Ok((*at, Cow::Borrowed(event))) };
            let mut event = event.clone();
            let nonce = nonces.next().expect("one was drawn for each that has owners");
            seal_with(&keys, owners, event.payloads_mut(), nonce)?;
            Ok((*at, Cow::Owned(event)))
        });
        sealed.collect()
    }

    /// For whom each of `events` is sealed, by what its sender's domain wants where it stands among them.
    fn owners(&self, events: &[(Moment, Event)]) -> Vec<Option<[Option<Owner>; 2]>> {
        let mut keeping = self.keeping.write().unwrap_or_else(PoisonError::into_inner);
        let owners = events.iter().map(|(_, event)| {
            follow(&mut keeping, event);
            let mut owners = event.owners()?;
            owners.sender = owners.sender.filter(|sender| !keeping.contains(sender.domain()));
            Some(of_both(&owners))
        });
        owners.collect()
    }

    /// Who is enrolled under a name whose key was destroyed is somebody else.
    fn enroll(&self, events: &[(Moment, Event)]) {
        for (_, event) in events {
            let Event::DeviceEnrolled(event) = event else { continue };
            let owner = Owner::of(&event.principal);
            if self.keys().is_destroyed(&owner) {
                self.keys_mut().begin_anew(&owner);
            }
        }
    }

    fn make_keys<'a>(&self, owners: impl IntoIterator<Item = &'a Owner>) -> Result<(), LogFault> {
        let missing: BTreeSet<Owner> = {
            let keys = self.keys();
            let is_missing = |owner: &&Owner| keys.of(owner).is_none() && !keys.is_destroyed(owner);
            owners.into_iter().filter(is_missing).copied().collect()
        };
        if missing.is_empty() { Ok(()) } else { self.keys_mut().add(missing) }
    }

    /// Opens all that is written in `events`.
    pub(super) fn open_all(&self, events: &mut [Recorded]) -> Result<(), LogFault> {
        events.iter_mut().try_for_each(|recorded| self.open(recorded.event.payloads_mut()))
    }
}

/// The keys of a store as they were when they were read, also while another process has it: they only open.
#[derive(Debug)]
pub struct StoredKeys(Vault);

impl StoredKeys {
    /// Reads the keys of the store in the folder `data`. Nothing is changed there.
    ///
    /// # Errors
    /// [`LogFault::Keys`] if there is no file of keys, [`LogFault::Io`] if it cannot be read.
    pub fn read(data: &Path) -> Result<Self, LogFault> {
        Ok(Self(Vault::as_it_is(data)?.0))
    }

    /// As [`Sealing::open`].
    ///
    /// # Errors
    /// As [`Sealing::open`].
    pub fn open(&self, payloads: Vec<&mut Payload>) -> Result<(), LogFault> {
        self.0.open(payloads)
    }
}

impl Sealing for Vault {
    fn seal(&self, owners: &Owners, payloads: Vec<&mut Payload>) -> Result<(), LogFault> {
        if payloads.iter().all(|payload| payload.bytes().is_none()) {
            // A key that seals nothing is none that anybody needs.
            return Ok(());
        }
        let owners = of_both(owners);
        self.make_keys(owners.iter().flatten())?;
        let keys = self.keys();
        seal_with(&keys, owners, payloads, keys.random())
    }

    fn open(&self, payloads: Vec<&mut Payload>) -> Result<(), LogFault> {
        let mut texts = Vec::new().into_iter();
        for payload in payloads {
            let Payload::Sealed(sealed) = &*payload else { continue };
            if !sealed.is_empty() {
                let keys = self.keys();
                let opened = cipher::open(sealed, |id| keys.get(id));
                let opened = opened.map_err(|reason| keys.fault(reason))?;
                texts = opened.unwrap_or_default().into_iter();
            }
            *payload = texts.next().map_or(Payload::Erased, Payload::Present);
        }
        Ok(())
    }

    fn keep_for_recipients(&self, domains: BTreeSet<Domain>) {
        *self.keeping.write().unwrap_or_else(PoisonError::into_inner) = domains;
    }

    fn destroy(&self, principal: &Principal) -> Result<bool, LogFault> {
        Ok(self.keys_mut().destroy(&Owner::of(principal))?.is_some())
    }
}

/// What a domain wants from `event` on, if that says it.
fn follow(keeping: &mut BTreeSet<Domain>, event: &Event) {
    match event {
        Event::ErasurePolicyChanged(event) if event.recipients_keep => {
            keeping.insert(event.domain.clone());
        }
        Event::ErasurePolicyChanged(event) => {
            keeping.remove(&event.domain);
        }
        Event::DomainCreated(event) => {
            keeping.remove(&event.domain);
        }
        _ => {}
    }
}

/// Seals `payloads`. They are erased if the key of an owner was destroyed: what was read before that is not to be readable
/// after it.
fn seal_with(
    keys: &KeyFile,
    [keeper, sender]: [Option<Owner>; 2],
    payloads: Vec<&mut Payload>,
    nonce: SealNonce,
) -> Result<(), LogFault> {
    if [&keeper, &sender].into_iter().flatten().any(|owner| keys.is_destroyed(owner)) {
        for payload in payloads {
            *payload = Payload::Erased;
        }
        return Ok(());
    }
    let key = |owner| keys.of(&owner).ok_or_else(|| keys.fault("lacks a key that was made"));
    let keeper = key(keeper.expect("everything has a keeper"))?;
    let sealer = Sealer::new(keeper, sender.map(key).transpose()?);
    sealer.seal(payloads, nonce);
    Ok(())
}

/// With whose keys something is sealed, the keeper's first.
fn of_both(owners: &Owners) -> [Option<Owner>; 2] {
    // A name that was made for one session is nobody's, and would need a key each time.
    let sender = owners.sender.as_ref();
    let sender = sender.filter(|sender| !sender.is_anonymous() && **sender != owners.keeper);
    [Some(Owner::of(&owners.keeper)), sender.map(Owner::of)]
}
