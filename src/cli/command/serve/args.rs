//! The arguments of `adsum serve`, and the settings that they, the environment and a file come to.
//!
//! Must never hold: how one setting is read.

use std::ffi::OsString;
use std::path::PathBuf;

use super::layers::{self, Flags};
use super::settings::Settings;
use crate::cli::run::failure::Failure;

/// Arguments of `adsum serve`: the flags of its settings, and what is no setting.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    flags: Flags,
    /// TOML file with settings; the environment and flags win over it [default: none]
    #[arg(long, value_name = "FILE", display_order = 3)]
    config: Option<PathBuf>,
    /// Throw the checkpoint of the views away and fold the whole log anew
    #[arg(long, display_order = 13)]
    pub(super) rebuild_views: bool,
    /// Print the settings in force as a TOML file, and end
    #[arg(long, display_order = 16)]
    pub(super) print_config: bool,
}

impl Args {
    /// The settings in force: defaults, then the file, then `variables`, then flags.
    pub(super) fn settings(
        &self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Settings, Failure> {
        let mut settings = Settings::default();
        if let Some(path) = &self.config {
            layers::read_file(&mut settings, path)?;
        }
        layers::read_environment(&mut settings, variables)?;
        self.flags.put_over(&mut settings)?;
        Ok(settings)
    }
}

/// The folder in which a service manager puts what only the service may read.
pub(super) fn credentials() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}
