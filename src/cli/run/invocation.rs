//! What every command is run with: the flags that all take, where lines go, and as whom to act.
//!
//! Must never hold: a flag that only some commands take.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::print::colour::When;
use crate::cli::print::output::{self, Output};
use crate::cli::print::time::lifetime;
use crate::cli::run::failure::Failure;
use crate::client::{ANSWER_WITHIN, Client, Home, Identity};
use crate::model::{Lifetime, OperationId, Presentity, Principal};

/// The variable that says how long an answer may take where no flag does.
pub(in crate::cli) const ANSWER_WITHIN_VARIABLE: &str = "ADSUM_ANSWER_WITHIN";

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
    /// How long an answer may take before the command gives up
    #[arg(
        long,
        global = true,
        value_name = "SPAN",
        value_parser = lifetime,
        help = "How long an answer may take before the command gives up, with exit code 5 if a change may have been made [default: $ADSUM_ANSWER_WITHIN or 10s]"
    )]
    pub(in crate::cli) answer_within: Option<Lifetime>,
    /// When words for people are coloured
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true,
        help = "When words for people are coloured: auto, always or never [default: auto, on a terminal unless NO_COLOR is set]"
    )]
    pub(in crate::cli) color: When,
}

/// What a command is run with.
pub(in crate::cli) struct Invocation {
    pub(in crate::cli) globals: Globals,
    pub(in crate::cli) output: Output,
    /// How the arguments of the whole program are defined.
    pub(in crate::cli) program: fn() -> clap::Command,
    /// The name under which the command makes its change; a random one if `None`.
    pub(in crate::cli) operation: Option<OperationId>,
    /// Whether the change was asked for before.
    pub(in crate::cli) again: bool,
}

impl Invocation {
    pub(in crate::cli) fn is_json(&self) -> bool {
        self.globals.json
    }

    /// How long an answer may take.
    pub(in crate::cli) fn answer_within(&self) -> Result<Duration, Failure> {
        let given = match self.globals.answer_within {
            Some(given) => Some(given),
            None => of_variable(std::env::var_os(ANSWER_WITHIN_VARIABLE))?,
        };
        Ok(given.map_or(ANSWER_WITHIN, |given| Duration::from_millis(given.as_ms())))
    }

    /// `client`, for the change that the command line names or repeats.
    pub(in crate::cli) fn named(&self, client: Client) -> Client {
        let client = if self.again { client.again() } else { client };
        self.operation.map_or(client.clone(), |operation| client.under(operation))
    }

    /// The folder of identities.
    pub(in crate::cli) fn home(&self) -> Result<Home, Failure> {
        match &self.globals.home {
            Some(path) => Ok(Home::at(path)),
            None => Ok(Home::from_env()?),
        }
    }

    /// The same, and nobody else of this machine can get at it; tells if somebody could.
    pub(in crate::cli) fn closed_home(&self) -> Result<Home, Failure> {
        let home = self.home()?;
        if let Some(first) = home.close()?.first() {
            let text = format!("{first}; it is closed now, but what was read before is known");
            output::note(self.is_json(), "files-closed", &text);
        }
        Ok(home)
    }

    /// The identity to act as.
    pub(in crate::cli) fn identity(&self) -> Result<Identity, Failure> {
        let home = self.closed_home()?;
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
        self.or_own(named, Principal::presentity)
    }

    /// What is named, or one's own.
    pub(in crate::cli) fn or_own<T>(
        &self,
        named: Option<T>,
        own: impl Fn(&Principal) -> T,
    ) -> Result<T, Failure> {
        named.map_or_else(|| Ok(own(&self.identity()?.principal)), Ok)
    }
}

fn of_variable(value: Option<OsString>) -> Result<Option<Lifetime>, Failure> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
    let text = value.to_string_lossy();
    let wrong = |reason| Failure::usage(format!("{ANSWER_WITHIN_VARIABLE} is {text:?}: {reason}"));
    lifetime(&text).map(Some).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_read_like_the_flag() {
        assert_eq!(of_variable(None), Ok(None));
        assert_eq!(of_variable(Some("".into())), Ok(None));
        assert_eq!(of_variable(Some("3s".into())), Ok(Some(Lifetime::from_ms(3_000))));
        let failure = of_variable(Some("3".into())).unwrap_err();
        assert_eq!(failure.exit(), 2);
        assert!(
            failure.message().contains("ADSUM_ANSWER_WITHIN") && failure.message().contains("3s")
        );
    }
}
