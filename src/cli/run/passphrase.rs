//! Asking somebody at a terminal for a passphrase, which is not shown.
//!
//! Must never hold: a passphrase that came another way.

use std::io::{self, BufRead, IsTerminal, Write};

use age::secrecy::{ExposeSecret, SecretString};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::failure::Failure;

/// Asks for a passphrase that is to be remembered, twice.
pub(in crate::cli) fn new() -> Result<SecretString, Failure> {
    let first = asked("passphrase for the keys: ")?;
    let second = asked("the same once more: ")?;
    if first.expose_secret() != second.expose_secret() {
        return Err(Failure::usage("the two passphrases differ; run the command again"));
    }
    Ok(first)
}

/// Asks for a passphrase that was given before.
pub(in crate::cli) fn known() -> Result<SecretString, Failure> {
    asked("passphrase of the keys: ")
}

fn asked(question: &str) -> Result<SecretString, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "the keys need a passphrase, and nobody is at a terminal to be asked; name a file that holds it with --passphrase-file",
        ));
    }
    let failed = |error: io::Error| {
        let text = format!(
            "cannot read a passphrase: {error}; name a file that holds it with --passphrase-file"
        );
        Failure::failed("io", text)
    };
    let _hidden = Hidden::begin().map_err(failed)?;
    eprint(question).map_err(failed)?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(failed)?;
    eprint("\n").map_err(failed)?;
    let line = line.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        return Err(Failure::usage("the passphrase is empty; run the command again"));
    }
    Ok(SecretString::from(line.to_owned()))
}

fn eprint(text: &str) -> io::Result<()> {
    let mut to = io::stderr();
    to.write_all(text.as_bytes())?;
    to.flush()
}

/// A terminal that shows nothing of what is typed, for as long as this lives.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> io::Result<Self> {
        let shown = tcgetattr(io::stdin())?;
        let mut hidden = shown.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(shown))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // What cannot be set back stays for whoever sits there to reset.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
