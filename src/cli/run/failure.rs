//! How a command ends when it does not end well: exit code, word and sentence.
//!
//! Must never hold: a message without thing, cause and cure.

use std::io;

use super::{cure, repeat};
use crate::backup::BackupFault;
use crate::client::{ClientError, RequestId, StateError};
use crate::disk;
use crate::log::LogFault;
use crate::model::Refusal;
use crate::server::ServerError;

/// Refused or failed.
pub(in crate::cli) const EXIT_FAILED: u8 = 1;
/// Wrong usage.
pub(in crate::cli) const EXIT_USAGE: u8 = 2;
/// Cannot reach the server.
const EXIT_UNREACHABLE: u8 = 3;
/// Not authenticated.
const EXIT_NOT_AUTHENTICATED: u8 = 4;

/// The word for programs when it is not known whether what was asked was done.
const UNKNOWN: &str = "outcome-unknown";
/// It is not known whether what was asked was done.
const EXIT_UNKNOWN: u8 = 5;

/// Why a command does not end with 0, or ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Failure {
    /// Something to tell on stderr.
    Error {
        /// 1 refused or failed, 2 wrong usage, 3 cannot reach the server, 4 not authenticated.
        exit: u8,
        /// The word for programs.
        code: String,
        /// The sentence for people.
        message: String,
    },
    /// A change was asked for and no answer came: exit code 5.
    Unknown(Box<repeat::Unknown>),
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
            Self::Error { exit, code, message } => {
                Self::Error { exit, code, message: format!("{name}: {message}") }
            }
            Self::Unknown(_) | Self::PipeClosed => self,
        }
    }

    /// Nobody answers, exit code 3.
    pub(in crate::cli) fn unreachable(message: impl Into<String>) -> Self {
        Self::new(EXIT_UNREACHABLE, "unreachable", message)
    }

    /// The server was asked for `request` and did not answer, because of `reason`; exit code 5.
    pub(in crate::cli) fn unknown(request: &str, id: &RequestId, reason: &str) -> Self {
        Self::Unknown(Box::new(repeat::unknown(request, id, reason)))
    }

    /// The file system said no to `action` on `path`.
    pub(in crate::cli) fn io(action: &str, path: &std::path::Path, error: &io::Error) -> Self {
        let (path, cure) = (path.display(), disk::cure(error));
        Self::failed("io", format!("cannot {action} {path}: {error}; {cure}"))
    }

    fn new(exit: u8, code: &str, message: impl Into<String>) -> Self {
        Self::Error { exit, code: code.to_owned(), message: message.into() }
    }

    /// The exit code.
    pub(in crate::cli) fn exit(&self) -> u8 {
        match self {
            Self::Error { exit, .. } => *exit,
            Self::Unknown(_) => EXIT_UNKNOWN,
            Self::PipeClosed => 0,
        }
    }

    /// The word for programs and the sentence for people; empty if there is nothing to tell.
    pub(in crate::cli) fn words(&self) -> (&str, &str) {
        match self {
            Self::Error { code, message, .. } => (code, message),
            Self::Unknown(unknown) => (UNKNOWN, &unknown.message),
            Self::PipeClosed => ("", ""),
        }
    }

    /// The sentence, empty if there is nothing to tell.
    pub(in crate::cli) fn message(&self) -> &str {
        self.words().1
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        if let ClientError::OutcomeUnknown { request, id, reason } = &error {
            return Self::unknown(request, id, reason);
        }
        Self::new(exit_of(&error), error.code(), cure::of_client(&error))
    }
}

fn exit_of(error: &ClientError) -> u8 {
    match error {
        ClientError::Refused(refused) if refused.is_authentication() => EXIT_NOT_AUTHENTICATED,
        ClientError::Unreachable { .. } | ClientError::Lost { .. } => EXIT_UNREACHABLE,
        ClientError::NotAuthenticated { .. }
        | ClientError::ServerKeyChanged { .. }
        | ClientError::State(StateError::NoIdentity { .. } | StateError::Nobody { .. }) => {
            EXIT_NOT_AUTHENTICATED
        }
        ClientError::Invalid(_) | ClientError::State(StateError::SeveralIdentities { .. }) => {
            EXIT_USAGE
        }
        _ => EXIT_FAILED,
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
        Self::new(EXIT_USAGE, refusal.code().as_str(), cure::of_refusal(&refusal))
    }
}

impl From<LogFault> for Failure {
    fn from(fault: LogFault) -> Self {
        Self::failed(word_of(&fault), cure::of_log(&fault))
    }
}

fn word_of(fault: &LogFault) -> &'static str {
    match fault {
        LogFault::Locked { .. } => "store-locked",
        LogFault::Unsafe(_) => "unsafe-files",
        LogFault::NoStore { .. } => "no-store",
        LogFault::HalfRestored { .. } => "half-restored",
        LogFault::Format { .. } | LogFault::CarriedVersion => "store-format",
        LogFault::Io { .. } => "io",
        LogFault::OlderThanKept { .. } => "older-than-kept",
        LogFault::Shorter { .. } => "log-shorter",
        LogFault::Differs { .. } => "log-differs",
        LogFault::Engine { .. } | LogFault::Poisoned => "log-engine",
        _ => "log-damaged",
    }
}

impl From<BackupFault> for Failure {
    fn from(fault: BackupFault) -> Self {
        if let BackupFault::Log(fault) = fault {
            return fault.into();
        }
        let word = match fault {
            BackupFault::None { .. } => "no-backup",
            BackupFault::Foreign { .. } | BackupFault::Taken { .. } => "not-empty",
            BackupFault::Locked { .. } => "backup-locked",
            BackupFault::Version { .. } => "backup-format",
            BackupFault::OtherLog { .. } => "log-differs",
            BackupFault::OlderThanKept { .. } => "older-than-kept",
            BackupFault::HoldsKeys { .. } => "backup-keys",
            BackupFault::Server { .. } => "server",
            BackupFault::Silent { .. } => "store-locked",
            BackupFault::Io { .. } => "io",
            _ => "backup-damaged",
        };
        Self::failed(word, cure::of_backup(&fault))
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::Log(fault) => fault.into(),
            ServerError::Refused(ref refusal) => {
                Self::failed(refusal.code().as_str(), cure::of_server(&error))
            }
            ServerError::NoDomain | ServerError::WhichDomain { .. } => {
                Self::usage(cure::of_server(&error))
            }
            ServerError::Unsafe(_) => Self::failed("unsafe-files", cure::of_server(&error)),
            _ => Self::failed("server", cure::of_server(&error)),
        }
    }
}

/// What stdout said when it was written to.
pub(in crate::cli) fn of_stdout(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::PipeClosed;
    }
    let cure = "check where it leads, and that there is room";
    Failure::failed("io", format!("cannot write to standard output: {error}; {cure}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{KeyHash, Refused, ServerAddress};
    use crate::model::RefusalCode;

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let error = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(of_stdout(&error), Failure::PipeClosed);
        assert_eq!(Failure::PipeClosed.exit(), 0);
        assert_eq!(of_stdout(&io::Error::from(io::ErrorKind::StorageFull)).exit(), EXIT_FAILED);
    }

    fn refused(code: RefusalCode) -> ClientError {
        ClientError::Refused(Refused {
            number: code.number(),
            code: Some(code),
            message: "no".into(),
            retry_after: None,
        })
    }

    #[test]
    fn exit_codes_tell_no_from_nobody_there_and_from_not_you() {
        let server: ServerAddress = "localhost".parse().unwrap();
        let key = KeyHash([0; 32]);
        let reason = || "no answer".to_owned();
        let nobody = StateError::Nobody { home: "/h".into() };
        let several = StateError::SeveralIdentities { principals: Vec::new() };
        for (error, exit, code) in [
            (refused(RefusalCode::StaleTag), 1, "stale-tag"),
            (refused(RefusalCode::UnknownKind), 1, "unknown-kind"),
            (refused(RefusalCode::UnknownKey), 4, "unknown-key"),
            (refused(RefusalCode::KeyRevoked), 4, "key-revoked"),
            (refused(RefusalCode::InviteNeeded), 4, "invite-needed"),
            (ClientError::Invalid(Refusal::StaleTag), 2, "stale-tag"),
            (
                ClientError::NotAuthenticated { server: server.clone(), reason: reason() },
                4,
                "not-authenticated",
            ),
            (
                ClientError::ServerKeyChanged { server: server.clone(), expected: key, found: key },
                4,
                "server-key-changed",
            ),
            (ClientError::no_answer(&server, reason()), 3, "unreachable"),
            (ClientError::Lost { reason: reason() }, 3, "connection-lost"),
            (ClientError::State(nobody), 4, "no-identity"),
            (ClientError::State(several), 2, "several-identities"),
            (ClientError::State(StateError::NoHome), 1, "no-home"),
            (ClientError::Closed, 1, "closed"),
        ] {
            let Failure::Error { exit: found, code: word, .. } = Failure::from(error) else {
                panic!()
            };
            assert_eq!((found, word.as_str()), (exit, code));
        }
    }

    #[test]
    fn a_locked_store_has_a_word_of_its_own() {
        let fault = LogFault::Locked { path: "/d".into() };
        let Failure::Error { exit, code, message } = Failure::from(fault) else { panic!() };
        assert_eq!((exit, code.as_str()), (1, "store-locked"));
        assert!(message.contains("/d"), "{message}");
    }
}
