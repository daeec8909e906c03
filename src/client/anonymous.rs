//! Being somebody for the length of a process: a key that is made here, kept in memory and told to nobody.
//!
//! Must never hold: a file. What an anonymous client has taken is forgotten with it.

use super::address::{KeyHash, ServerAddress};
use super::connection::{Connection, Endpoint, KEEP_ALIVE, Pin};
use super::error::ClientError;
use super::profile::CONNECT_TIMEOUT;
use super::state::Identity;
use crate::wire::CloseCode;

/// An identity without a name and without a folder, good for this process. Its pseudonym is the server's to choose and
/// stands in [`Session::principal`](super::Session::principal).
///
/// Without `server_key` the key that the server shows now is trusted for as long as the identity lives; to learn it, a
/// connection is made and closed.
///
/// # Errors
/// [`ClientError::Unreachable`], [`ClientError::Version`], [`ClientError::Machine`].
pub async fn anonymous(
    server: ServerAddress,
    server_key: Option<KeyHash>,
) -> Result<Identity, ClientError> {
    let server_key = match server_key {
        Some(known) => known,
        None => shown_key(&server).await?,
    };
    Ok(Identity::anonymous(server, server_key))
}

/// The key that the server shows now, which may be that of somebody in between.
///
/// # Errors
/// As [`anonymous`].
pub async fn shown_key(server: &ServerAddress) -> Result<KeyHash, ClientError> {
    let endpoint = Endpoint::new(KEEP_ALIVE)?;
    let connection =
        Connection::connect(&endpoint, server, &Pin::FirstUse, CONNECT_TIMEOUT).await?;
    connection.close(CloseCode::NoError);
    Ok(connection.server_key())
}
