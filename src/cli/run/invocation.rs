//! What every command is run with: the flags that all take, where lines go, and as whom to act.
//!
//! Must never hold: a flag that only some commands take.

use std::path::PathBuf;

use crate::cli::print::output::Output;
use crate::cli::run::failure::Failure;
use crate::client::{Home, Identity};
use crate::model::{Presentity, Principal};

/// Flags every command takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct Globals {
    /// Print one JSON object a line, and errors as one JSON object on stderr [default: words for people]
    #[arg(long, global = true)]
    pub(in crate::cli) json: bool,
    /// Act as this principal, such as alice@localhost [default: the only identity enrolled]
    // The field's name is the argument's for the whole program, so it must not be one that a command uses.
    #[arg(long = "as", global = true, value_name = "PRINCIPAL")]
    pub(in crate::cli) acting_as: Option<Principal>,
    /// Folder of this machine's identities
    // The default is text for a terminal, where the marks that documentation wants would be in the way.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help = "Folder of this machine's identities [default: $ADSUM_HOME, $XDG_DATA_HOME/adsum or ~/.local/share/adsum]"
    )]
    pub(in crate::cli) home: Option<PathBuf>,
}

/// What a command is run with.
pub(in crate::cli) struct Invocation {
    pub(in crate::cli) globals: Globals,
    pub(in crate::cli) output: Output,
}

impl Invocation {
    pub(in crate::cli) fn is_json(&self) -> bool {
        self.globals.json
    }

    /// The folder of identities.
    pub(in crate::cli) fn home(&self) -> Result<Home, Failure> {
        match &self.globals.home {
            Some(path) => Ok(Home::at(path)),
            None => Ok(Home::from_env()?),
        }
    }

    /// The identity to act as.
    pub(in crate::cli) fn identity(&self) -> Result<Identity, Failure> {
        let home = self.home()?;
        match &self.globals.acting_as {
            Some(principal) => Ok(home.identity(principal)?),
            None => Ok(home.only_identity()?),
        }
    }

    /// The presentity named, or one's own.
    pub(in crate::cli) fn presentity(
        &self,
        named: Option<Presentity>,
    ) -> Result<Presentity, Failure> {
        match named {
            Some(presentity) => Ok(presentity),
            None => Ok(self.identity()?.principal.presentity()),
        }
    }
}
