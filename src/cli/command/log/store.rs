//! The store whose log is looked into.
//!
//! Must never hold: a way to make a store.

use std::path::PathBuf;

use crate::cli::run::failure::Failure;
use crate::log::{LogFault, SledLog};

/// Which store.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Store {
    /// The folder of the store, as given to `adsum serve --data`
    #[arg(long, value_name = "DIR")]
    pub(super) data: PathBuf,
}

impl Store {
    /// Its log, if no server runs on it.
    pub(super) fn open(&self) -> Result<SledLog, Failure> {
        Ok(SledLog::open_existing(&self.data)?)
    }

    /// Its log; `None` while another process has it.
    pub(super) fn open_free(&self) -> Result<Option<SledLog>, Failure> {
        match SledLog::open_existing(&self.data) {
            Err(LogFault::Locked { .. }) => Ok(None),
            opened => Ok(Some(opened?)),
        }
    }

    /// Compares the files with what the server noted when it ended in order. Nothing is compared if it was killed.
    pub(super) fn check_seal(&self) -> Result<(), Failure> {
        SledLog::check_seal(&self.data)?;
        Ok(())
    }
}
