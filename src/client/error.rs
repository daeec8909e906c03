//! What can go wrong for an application that uses the client, with the word of each.
//!
//! Must never hold: what to do about it beyond the words of the cure (the caller decides).

use core::fmt;

use thiserror::Error;

use super::address::{KeyHash, ServerAddress};
use super::request_id::RequestId;
use super::state::StateError;
use crate::model::{InboxSequence, Lifetime, Refusal, RefusalCode};
use crate::protocol::body;

/// Why an operation of the client did not succeed.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server said no; nothing was changed.
    #[error("{0}")]
    Refused(Refused),
    /// A value was wrong before it was sent.
    #[error("{0}")]
    Invalid(#[from] Refusal),
    /// No connection could be made.
    #[error("cannot reach the server at {server}: {reason}; {cure}")]
    Unreachable {
        /// Where the server was looked for.
        server: ServerAddress,
        /// What happened.
        reason: String,
        /// What to do.
        cure: &'static str,
    },
    /// The server closed the connection because the identity is not, or no longer, proven.
    #[error("{server} does not accept this device: {reason}; enroll it again with an invite")]
    NotAuthenticated {
        /// The server.
        server: ServerAddress,
        /// What it said.
        reason: String,
    },
    /// The server showed another key than the one it had when this device was enrolled.
    #[error(
        "THE KEY OF {server} HAS CHANGED. Somebody may be in between, or its operator made a new key.\n  \
         known:  {expected}\n  found:  {found}\nNothing was sent. Ask the operator for the key's hash; only if it \
         is the one found, write it as server_key into identity.toml"
    )]
    ServerKeyChanged {
        /// The server.
        server: ServerAddress,
        /// The key pinned at enrollment.
        expected: KeyHash,
        /// The key it shows now.
        found: KeyHash,
    },
    /// Client and server speak no common version of the protocol.
    #[error("{server} speaks another version of the protocol: {reason}; use a matching client")]
    Version {
        /// The server.
        server: ServerAddress,
        /// What it said.
        reason: String,
    },
    /// The server broke the protocol.
    #[error("the server broke the protocol: {reason}; please report this with both versions")]
    Protocol {
        /// What it did.
        reason: String,
    },
    /// The connection ended before the answer came.
    #[error("the connection was lost: {reason}; ask again")]
    Lost {
        /// Why, as far as is known.
        reason: String,
    },
    /// A change was asked for and no answer came, or not in time: it may have been made.
    #[error("it is not known whether the request was done ({request}{id}): {reason}; {}", .id.cure())]
    OutcomeUnknown {
        /// The kind of request, such as `send`.
        request: &'static str,
        /// By what the server knows it when it is made again.
        id: RequestId,
        /// Why there is no answer.
        reason: String,
    },
    /// The server has another past than the one that this device has seen. The feed goes on with everything anew.
    #[error("{}", restored(*.had))]
    Restored {
        /// The last message or receipt this device had received of that inbox; zero for presence.
        had: InboxSequence,
    },
    /// Something is wrong with the files of the client.
    #[error("{0}")]
    State(#[from] StateError),
    /// The machine gives no socket, randomness or thread.
    #[error("this machine refused {what}: {reason}; raise its limits, or end what uses them up")]
    Machine {
        /// What was asked of it.
        what: &'static str,
        /// What it said.
        reason: String,
    },
    /// The client was closed.
    #[error("the client was closed; open a new one")]
    Closed,
}

impl ClientError {
    /// The word of this error in JSON: the refusal's own word, or one of the client's.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refused) => refused.word(),
            Self::Invalid(refusal) => refusal.code().as_str(),
            Self::Unreachable { .. } => "unreachable",
            Self::NotAuthenticated { .. } => "not-authenticated",
            Self::ServerKeyChanged { .. } => "server-key-changed",
            Self::Version { .. } => "version",
            Self::Protocol { .. } => "protocol",
            Self::Lost { .. } => "connection-lost",
            Self::OutcomeUnknown { .. } => "outcome-unknown",
            Self::Restored { .. } => "restored",
            Self::State(error) => error.code(),
            Self::Machine { .. } => "machine",
            Self::Closed => "closed",
        }
    }

    /// Whether connecting again cannot help until somebody acts.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Refused(refused) => {
                let is_final =
                    matches!(refused.code, Some(RefusalCode::Version | RefusalCode::Anonymous));
                refused.is_authentication() || is_final
            }
            Self::Unreachable { .. }
            | Self::Protocol { .. }
            | Self::Lost { .. }
            | Self::OutcomeUnknown { .. }
            | Self::Restored { .. }
            | Self::Machine { .. } => false,
            _ => true,
        }
    }

    /// Nobody answers at `server`.
    pub(crate) fn no_answer(server: &ServerAddress, reason: impl Into<String>) -> Self {
        let cure = "check that it runs and that UDP gets through";
        Self::Unreachable { server: server.clone(), reason: reason.into(), cure }
    }

    /// A breach of the protocol by the server.
    pub(crate) fn protocol(reason: impl fmt::Display) -> Self {
        Self::Protocol { reason: reason.to_string() }
    }
}

fn restored(had: InboxSequence) -> String {
    let lost = match had.get() {
        0 => "take what it tells now in place of what this watch has told before".to_owned(),
        had => format!(
            "this device had read up to #{had} of a past that is gone; what the server has now comes anew, and what came in \
             between must be sent again"
        ),
    };
    format!("the server's store was put back to an earlier state; {lost}")
}

/// A refusal as it came over the wire, also one whose code this version does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The code's number.
    pub number: u16,
    /// The code, if this version knows it.
    pub code: Option<RefusalCode>,
    /// Thing, cause and cure, in the server's words.
    pub message: String,
    /// When to try again, if the server said so.
    pub retry_after: Option<Lifetime>,
}

impl Refused {
    /// The code's word, `refused` for a code this version does not know.
    pub fn word(&self) -> &'static str {
        self.code.map_or("refused", RefusalCode::as_str)
    }

    /// Whether the peer is not who it must be, rather than the request being wrong.
    pub fn is_authentication(&self) -> bool {
        self.code.is_some_and(RefusalCode::is_authentication)
    }

    /// Whether this is the refusal `code`.
    pub fn is(&self, code: RefusalCode) -> bool {
        self.code == Some(code)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(_) => formatter.write_str(&self.message),
            None => write!(formatter, "{} (code {})", self.message, self.number),
        }
    }
}

impl From<body::Refused> for Refused {
    fn from(wire: body::Refused) -> Self {
        Self {
            number: wire.code,
            code: RefusalCode::from_number(wire.code),
            message: printable(&wire.message),
            retry_after: wire.retry_after_ms.map(Lifetime::from_ms),
        }
    }
}

/// What a peer wrote, safe for a terminal: control characters replaced, at most 1000 characters.
pub(crate) fn printable(text: &str) -> String {
    let safe = |character: char| if character.is_control() { '\u{fffd}' } else { character };
    text.chars().take(1_000).map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(number: u16) -> ClientError {
        ClientError::Refused(Refused {
            number,
            code: RefusalCode::from_number(number),
            message: "no".into(),
            retry_after: None,
        })
    }

    #[test]
    fn a_code_of_a_later_version_is_shown_by_its_number() {
        assert_eq!(refused(999).to_string(), "no (code 999)");
        assert_eq!(refused(999).code(), "refused");
    }

    #[test]
    fn a_servers_words_cannot_steer_a_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
    }

    #[test]
    fn a_refused_proof_ends_the_trying_and_a_busy_server_does_not() {
        assert!(refused(RefusalCode::KeyRevoked.number()).is_final());
        assert!(!refused(RefusalCode::Busy.number()).is_final());
    }
}
