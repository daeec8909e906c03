//! `adsum check-config`: whether a file of settings is right, before a server is started or reloaded with it.
//!
//! Must never hold: what is right; the settings of `serve` say so.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::serve;
use crate::cli::run::{failure::Failure, input, invocation::Invocation};

/// Arguments of `adsum check-config`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// TOML file with settings of a server; - for stdin
    file: PathBuf,
}

/// `{"type":"config", …}`: the file is right.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "config")]
struct ConfigLine {
    file: String,
    /// What it sets to something else than the default.
    sets: Vec<String>,
}

impl fmt::Display for ConfigLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sets = self.sets.join(", ");
        let sets = if sets.is_empty() { "nothing but defaults" } else { &sets };
        write!(to, "{} is right; it sets {sets}", self.file)
    }
}

/// Runs `adsum check-config`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let sets = serve::check_file(&args.file)?;
    invocation.output.line(&ConfigLine { file: input::name(&args.file), sets })
}
