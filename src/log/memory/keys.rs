//! The keys of a disk in memory, on which what people write is sealed as on a real one.
//!
//! Whatever is written of them is durable at once, as of a file that is synced; a write that is to fail is cut short, and the
//! process that wanted it must end. Random bytes are those of a row that is always the same and never begins anew, also not on
//! a copy of the disk. Must never hold: what a key opens.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::faults::injected;
use crate::log::LogFault;
use crate::log::sealing::{KeyPlace, Vault};

/// Where the keys of a disk lie. Clones are the same place.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys(Arc<Mutex<Lying>>);

#[derive(Debug, Default)]
struct Lying {
    bytes: Option<Vec<u8>>,
    /// How much of the next write is written before it fails.
    fails: Option<usize>,
    drawn: Arc<AtomicU64>,
    /// Those that are read, until the process ends.
    vault: Option<Arc<Vault>>,
}

impl Keys {
    fn lying(&self) -> MutexGuard<'_, Lying> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What lies there.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        self.lying().bytes.clone()
    }

    /// Another place with `bytes`, and with random bytes that were never drawn here.
    pub(super) fn beside(&self, bytes: Option<Vec<u8>>) -> Self {
        let drawn = Arc::clone(&self.lying().drawn);
        Self(Arc::new(Mutex::new(Lying { bytes, drawn, ..Lying::default() })))
    }

    /// The keys, read if they are not yet.
    pub(super) fn vault(&self) -> Result<Arc<Vault>, LogFault> {
        let known = self.lying().vault.clone();
        if let Some(vault) = known {
            return Ok(vault);
        }
        let found = self.bytes();
        let vault = Arc::new(Vault::at(Box::new(self.clone()), found.as_deref())?);
        self.lying().vault = Some(Arc::clone(&vault));
        Ok(vault)
    }

    /// The process that read them has ended, and what it was about to write is not written.
    pub(super) fn close(&self) {
        let mut lying = self.lying();
        (lying.vault, lying.fails) = (None, None);
    }

    /// Lets the next write fail when `kept` bytes of it are written.
    pub(super) fn fail(&self, kept: usize) {
        self.lying().fails = Some(kept);
    }

    fn put(&self, bytes: &[u8]) -> Result<(), LogFault> {
        let mut lying = self.lying();
        let fails = lying.fails.take();
        // At once or not at all.
        if fails.is_none_or(|kept| kept > 0) {
            lying.bytes = Some(bytes.to_vec());
        }
        fails.map_or(Ok(()), |_| Err(injected("write keys")))
    }
}

impl KeyPlace for Keys {
    fn append(&self, end: usize, bytes: &[u8]) -> Result<(), LogFault> {
        let mut lying = self.lying();
        let fails = lying.fails.take();
        let kept = fails.unwrap_or(bytes.len()).min(bytes.len());
        let all = lying.bytes.get_or_insert_default();
        all.truncate(end);
        all.extend_from_slice(&bytes[..kept]);
        fails.map_or(Ok(()), |_| Err(injected("write keys")))
    }

    fn write(&self, bytes: &[u8]) -> Result<(), LogFault> {
        self.put(bytes)
    }

    fn replace(&self, bytes: &[u8]) -> Result<(), LogFault> {
        self.put(bytes)
    }

    fn fill(&self, bytes: &mut [u8]) {
        let number = self.lying().drawn.fetch_add(1, Ordering::Relaxed);
        let mut row = blake3::Hasher::new();
        row.update(&number.to_le_bytes());
        row.finalize_xof().fill(bytes);
    }

    fn name(&self) -> String {
        "memory".into()
    }
}
