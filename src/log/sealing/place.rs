//! Where keys lie: the file of a store, or whatever stands for it.
//!
//! Bytes are put in the place of others under another name; the old ones keep a name of their own until they are overwritten. So
//! after a crash at any moment the old ones are there or the new ones, and once they are the new ones, no file holds the old.
//! Must never hold: what the bytes mean.

use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::LogFault;
use crate::disk::{self, Fault};
use crate::guard::Kept;
use crate::random;

pub(super) const FOLDER: &str = "keys";
pub(super) const NAME: &str = "principals.keys";
/// Beside it, under this name, the old file while a key is destroyed.
pub(super) const OLD: &str = "principals.keys.old";
/// What one write may hold, so that one that was cut short has left only its end out.
const PAGE_BYTES: usize = 4096;

/// Keeps bytes that are keys, and gives the random ones that they are made of. What it returned from is durable.
pub(in crate::log) trait KeyPlace: core::fmt::Debug + Send + Sync {
    /// Writes `bytes` behind the first `end` bytes. If that is cut short, their end is left out.
    fn append(&self, end: usize, bytes: &[u8]) -> Result<(), LogFault>;

    /// Puts `bytes` in the place of all, or of none: at once or not at all.
    fn write(&self, bytes: &[u8]) -> Result<(), LogFault>;

    /// As [`KeyPlace::write`]; what was there lies nowhere when this returns, or once it is opened the next time.
    fn replace(&self, bytes: &[u8]) -> Result<(), LogFault>;

    /// Fills `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);

    /// Its name in faults.
    fn name(&self) -> String;
}

/// The file in the folder of a store.
#[derive(Debug)]
pub(super) struct InFolder(PathBuf);

/// What of the store at `data` may hold keys beside the files in `keys/` that the server knows.
pub(super) fn kept(data: &Path) -> Kept {
    Kept::file(data.join(FOLDER).join(OLD))
}

impl InFolder {
    /// That of the store in `data`, and what lies there once what was cut short is finished.
    pub(super) fn open(data: &Path) -> Result<(Self, Option<Vec<u8>>), LogFault> {
        let folder = data.join(FOLDER);
        disk::make_folder(&folder)?;
        let path = folder.join(NAME);
        let found = disk::read(&path)?;
        finish(&folder, found.as_deref())?;
        Ok((Self(path), found))
    }

    /// As [`InFolder::open`], of what lies there as it is.
    pub(super) fn as_it_is(data: &Path) -> Result<(Self, Option<Vec<u8>>), LogFault> {
        let path = data.join(FOLDER).join(NAME);
        let found = disk::read(&path)?;
        Ok((Self(path), found))
    }

    fn pages(&self, mut end: usize, mut bytes: &[u8]) -> io::Result<()> {
        let mut file = File::options().write(true).open(&self.0)?;
        file.seek(SeekFrom::Start(end as u64))?;
        while !bytes.is_empty() {
            let (page, rest) = bytes.split_at(bytes.len().min(PAGE_BYTES - end % PAGE_BYTES));
            file.write_all(page)?;
            file.sync_all()?;
            (bytes, end) = (rest, end + page.len());
        }
        Ok(())
    }
}

impl KeyPlace for InFolder {
    fn append(&self, end: usize, bytes: &[u8]) -> Result<(), LogFault> {
        Ok(self.pages(end, bytes).map_err(Fault::of("write", &self.0))?)
    }

    fn write(&self, bytes: &[u8]) -> Result<(), LogFault> {
        Ok(disk::replace(&self.0, bytes)?)
    }

    fn replace(&self, bytes: &[u8]) -> Result<(), LogFault> {
        let old = self.0.with_file_name(OLD);
        fs::hard_link(&self.0, &old).map_err(Fault::of("name anew", &self.0))?;
        disk::replace(&self.0, bytes)?;
        shred(&old)
    }

    fn fill(&self, bytes: &mut [u8]) {
        random::fill(bytes);
    }

    fn name(&self) -> String {
        self.0.display().to_string()
    }
}

/// Finishes what a process left that ended while it replaced the file, which holds `current`: what is not in its place any more,
/// or not yet, may hold a key that is destroyed or will be.
fn finish(folder: &Path, current: Option<&[u8]>) -> Result<(), LogFault> {
    let old = folder.join(OLD);
    match disk::read(&old)? {
        // The new file had not taken the place yet: this is the same file under a second name.
        Some(bytes) if current == Some(&bytes) => disk::remove(&old)?,
        Some(_) if current.is_some() => shred(&old)?,
        _ => {}
    }
    for entry in fs::read_dir(folder).map_err(Fault::of("list", folder))?.flatten() {
        if disk::is_left_over(&entry.file_name(), NAME.as_ref()) {
            shred(&entry.path())?;
        }
    }
    Ok(())
}

/// Overwrites a file's bytes, durably, and removes it.
fn shred(path: &Path) -> Result<(), LogFault> {
    let overwrite = || {
        let mut file = File::options().write(true).open(path)?;
        let length = file.metadata()?.len();
        io::copy(&mut io::Read::take(io::repeat(0), length), &mut file)?;
        file.sync_all()
    };
    overwrite().map_err(Fault::of("overwrite", path))?;
    Ok(disk::remove(path)?)
}
