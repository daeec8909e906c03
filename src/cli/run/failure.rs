//! How a command ends when it does not end well: exit code, word and sentence.
//!
//! Must never hold: a message without thing, cause and cure.

use std::io;

use crate::client::{ClientError, StateError};
use crate::log::LogFault;
use crate::model::Refusal;
use crate::server::ServerError;

/// Refused or failed.
pub(in crate::cli) const EXIT_FAILED: u8 = 1;
/// Wrong usage.
pub(in crate::cli) const EXIT_USAGE: u8 = 2;
/// Cannot reach the server.
pub(in crate::cli) const EXIT_UNREACHABLE: u8 = 3;

/// Why a command does not end with 0, or ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Failure {
    /// Something to tell on stderr.
    Told {
        /// 1 refused or failed, 2 wrong usage, 3 cannot reach the server, 4 not authenticated.
        exit: u8,
        /// The word for programs.
        code: String,
        /// The sentence for people.
        message: String,
    },
    /// Whoever read stdout has seen enough (`| head`). Nothing is wrong and nothing is told.
    PipeClosed,
}

impl Failure {
    /// A failure with exit code 1.
    pub(in crate::cli) fn failed(code: &str, message: impl Into<String>) -> Self {
        Self::new(EXIT_FAILED, code, message)
    }

    /// Wrong usage, exit code 2.
    pub(in crate::cli) fn usage(message: impl Into<String>) -> Self {
        Self::new(EXIT_USAGE, "usage", message)
    }

    /// A value that is wrong before anything was sent, exit code 2.
    pub(in crate::cli) fn wrong(code: &str, message: impl Into<String>) -> Self {
        Self::new(EXIT_USAGE, code, message)
    }

    /// The same, with the name of what it is about in front.
    pub(in crate::cli) fn about(self, name: &str) -> Self {
        match self {
            Self::Told { exit, code, message } => {
                Self::Told { exit, code, message: format!("{name}: {message}") }
            }
            Self::PipeClosed => self,
        }
    }

    /// Nobody answers, exit code 3.
    pub(in crate::cli) fn unreachable(message: impl Into<String>) -> Self {
        Self::new(EXIT_UNREACHABLE, "unreachable", message)
    }

    /// The file system said no to `action` on `path`.
    pub(in crate::cli) fn io(action: &str, path: &std::path::Path, error: &io::Error) -> Self {
        Self::failed("io", format!("cannot {action} {}: {error}", path.display()))
    }

    fn new(exit: u8, code: &str, message: impl Into<String>) -> Self {
        Self::Told { exit, code: code.to_owned(), message: message.into() }
    }

    /// The exit code.
    pub(in crate::cli) fn exit(&self) -> u8 {
        match self {
            Self::Told { exit, .. } => *exit,
            Self::PipeClosed => 0,
        }
    }

    /// The sentence, empty if there is nothing to tell.
    #[cfg(test)]
    pub(in crate::cli) fn message(&self) -> &str {
        match self {
            Self::Told { message, .. } => message,
            Self::PipeClosed => "",
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::new(error.exit_code(), error.code(), error.to_string())
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        ClientError::from(error).into()
    }
}

/// A value that is wrong before anything was sent is wrong usage.
impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(EXIT_USAGE, refusal.code().as_str(), refusal.to_string())
    }
}

impl From<LogFault> for Failure {
    fn from(fault: LogFault) -> Self {
        Self::failed(word_of(&fault), fault.to_string())
    }
}

fn word_of(fault: &LogFault) -> &'static str {
    match fault {
        LogFault::Locked { .. } => "store-locked",
        LogFault::NoStore { .. } => "no-store",
        LogFault::Format { .. } => "store-format",
        LogFault::Io { .. } => "io",
        LogFault::Engine { .. } | LogFault::Poisoned => "log-engine",
        _ => "log-damaged",
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::Log(fault) => fault.into(),
            ServerError::NoDomain => Self::usage(error.to_string()),
            _ => Self::failed("server", error.to_string()),
        }
    }
}

/// What stdout said when it was written to.
pub(in crate::cli) fn of_stdout(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::PipeClosed;
    }
    Failure::failed("io", format!("cannot write to standard output: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let error = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(of_stdout(&error), Failure::PipeClosed);
        assert_eq!(Failure::PipeClosed.exit(), 0);
        assert_eq!(of_stdout(&io::Error::from(io::ErrorKind::StorageFull)).exit(), EXIT_FAILED);
    }

    #[test]
    fn a_locked_store_has_a_word_of_its_own() {
        let fault = LogFault::Locked { path: "/d".into() };
        let Failure::Told { exit, code, message } = Failure::from(fault) else { panic!() };
        assert_eq!((exit, code.as_str()), (1, "store-locked"));
        assert!(message.contains("/d"), "{message}");
    }
}
