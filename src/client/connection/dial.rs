//! From a server's name to a connection, over whichever of its addresses answers first.
//!
//! Addresses are tried in the resolver's order, the next one a little later each time, in the manner of RFC 8305.
//! Must never hold: a wait between attempts (see `resume`).

use core::time::Duration;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::endpoint::Endpoint;
use super::fault;
use super::tls::{Pin, PinVerifier, key_of_peer};
use crate::client::address::{KeyHash, ServerAddress};
use crate::client::error::ClientError;

/// RFC 8305 §8 advises 250 ms between attempts.
const STAGGER: Duration = Duration::from_millis(250);
/// Addresses tried at most: a name with more is a mistake or an attack.
const ADDRESSES_MAX: usize = 8;

/// A connection, and the key that the server has proven to hold.
type Dialled = (quinn::Connection, KeyHash);

pub(super) async fn connect(
    endpoint: &Endpoint,
    server: &ServerAddress,
    pin: Pin,
    within: Duration,
) -> Result<Dialled, ClientError> {
    let attempt = async {
        let addresses = resolve(endpoint, server).await?;
        race(endpoint, server, pin, addresses).await
    };
    tokio::time::timeout(within, attempt).await.unwrap_or_else(|_| {
        let reason = format!("no answer within {:.1} s", within.as_secs_f64());
        Err(ClientError::Unreachable { server: server.clone(), reason })
    })
}

async fn resolve(
    endpoint: &Endpoint,
    server: &ServerAddress,
) -> Result<Vec<SocketAddr>, ClientError> {
    let unknown = |reason: String| ClientError::Unreachable { server: server.clone(), reason };
    let found = tokio::net::lookup_host((server.host.as_str(), server.port)).await;
    let found = found.map_err(|error| unknown(format!("its name has no address ({error})")))?;
    let usable = |address: &SocketAddr| endpoint.ipv6 || address.is_ipv4();
    let addresses: Vec<SocketAddr> = found.filter(usable).take(ADDRESSES_MAX).collect();
    if addresses.is_empty() {
        return Err(unknown("its name has no address that this machine can use".into()));
    }
    Ok(addresses)
}

async fn race(
    endpoint: &Endpoint,
    server: &ServerAddress,
    pin: Pin,
    addresses: Vec<SocketAddr>,
) -> Result<Dialled, ClientError> {
    let mut attempts = JoinSet::new();
    for (position, address) in (0_u32..).zip(addresses) {
        let (endpoint, server) = (endpoint.clone(), server.clone());
        attempts.spawn(async move {
            tokio::time::sleep(STAGGER * position).await;
            try_one(&endpoint, &server, pin, address).await
        });
    }
    let mut worst = None;
    while let Some(ended) = attempts.join_next().await {
        match ended.unwrap_or_else(|error| Err(stopped(&error))) {
            Ok(connection) => return Ok(connection),
            Err(error) if error.is_final() => return Err(error),
            Err(error) => worst = Some(error),
        }
    }
    Err(worst.expect("there was at least one address"))
}

fn stopped(error: &tokio::task::JoinError) -> ClientError {
    ClientError::Machine { what: "a task to go on", reason: error.to_string() }
}

async fn try_one(
    endpoint: &Endpoint,
    server: &ServerAddress,
    pin: Pin,
    address: SocketAddr,
) -> Result<Dialled, ClientError> {
    let verifier = PinVerifier::new(pin);
    let mut config = verifier.config()?;
    config.transport_config(Arc::clone(&endpoint.transport));
    let unreachable = |error: quinn::ConnectError| ClientError::Unreachable {
        server: server.clone(),
        reason: error.to_string(),
    };
    let connecting =
        endpoint.quic.connect_with(config, address, &server.host).map_err(unreachable)?;
    match connecting.await {
        Ok(quic) => key_of_peer(&quic).map(|key| (quic, key)),
        Err(error) => Err(match verifier.mismatch() {
            Some((expected, found)) => {
                ClientError::ServerKeyChanged { server: server.clone(), expected, found }
            }
            None => fault::not_made(server, error),
        }),
    }
}
