//! What QUIC says about a connection that ended, in the words of the client.
//!
//! Must never hold: a decision to retry.

use quinn::{ConnectionError, ReadError, VarInt, WriteError};

use crate::client::address::ServerAddress;
use crate::client::error::{ClientError, printable};
use crate::wire::{CloseCode, ResetCode};

/// TLS alert 120, `no_application_protocol`, as QUIC carries it.
const NO_APPLICATION_PROTOCOL: u64 = 0x178;

/// Why nothing more can be read from `server`.
pub(super) fn unread(server: &ServerAddress, error: ReadError) -> ClientError {
    match error {
        ReadError::ConnectionLost(error) => ended(server, error),
        ReadError::Reset(code) => reset(code),
        other => ClientError::Lost { reason: other.to_string() },
    }
}

/// Why nothing more can be written to `server`.
pub(super) fn unwritten(server: &ServerAddress, error: WriteError) -> ClientError {
    match error {
        WriteError::ConnectionLost(error) => ended(server, error),
        WriteError::Stopped(code) => reset(code),
        other => ClientError::Lost { reason: other.to_string() },
    }
}

fn reset(code: VarInt) -> ClientError {
    let word = ResetCode::from_number(code.into_inner()).map(ResetCode::as_str);
    let word = word.map_or_else(|| code.to_string(), str::to_owned);
    ClientError::Lost { reason: format!("the server ended the stream ({word})") }
}

/// Why an established connection ended.
pub(super) fn ended(server: &ServerAddress, error: ConnectionError) -> ClientError {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            let said = printable(&String::from_utf8_lossy(&close.reason));
            closed(server, close.error_code.into_inner(), said)
        }
        ConnectionError::TimedOut => {
            ClientError::Lost { reason: "nothing was heard from the server any more".into() }
        }
        ConnectionError::Reset => ClientError::Lost { reason: "the server was restarted".into() },
        ConnectionError::LocallyClosed => {
            ClientError::Lost { reason: "this client closed the connection".into() }
        }
        other => ClientError::Lost { reason: printable(&other.to_string()) },
    }
}

fn closed(server: &ServerAddress, number: u64, said: String) -> ClientError {
    let Some(code) = CloseCode::from_number(number) else {
        return ClientError::Lost { reason: format!("closed by the server: {said} ({number:#x})") };
    };
    let server = server.clone();
    let reason = if said.is_empty() { code.as_str().to_owned() } else { said };
    match code {
        CloseCode::AuthFailed | CloseCode::AuthExpired => {
            ClientError::NotAuthenticated { server, reason }
        }
        CloseCode::ProtocolViolation | CloseCode::FrameTooLarge | CloseCode::UnsupportedFeature => {
            let reason = format!("it says that this client did: {reason} ({})", code.as_str());
            ClientError::Protocol { reason }
        }
        _ => ClientError::Lost { reason: format!("closed by the server: {reason}") },
    }
}

/// Why a connection was not made.
pub(super) fn not_made(server: &ServerAddress, alpn: &[u8], error: ConnectionError) -> ClientError {
    let alert = match &error {
        ConnectionError::TransportError(error) => u64::from(error.code),
        ConnectionError::ConnectionClosed(close) => u64::from(close.error_code),
        _ => 0,
    };
    match error {
        _ if alert == NO_APPLICATION_PROTOCOL => ClientError::Version {
            server: server.clone(),
            reason: format!("it does not offer {}", String::from_utf8_lossy(alpn)),
        },
        ConnectionError::VersionMismatch => ClientError::Version {
            server: server.clone(),
            reason: "it speaks no version of QUIC known here".into(),
        },
        ConnectionError::ApplicationClosed(_) => ended(server, error),
        ConnectionError::TimedOut => ClientError::no_answer(server, "no answer"),
        other => ClientError::no_answer(server, printable(&other.to_string())),
    }
}
