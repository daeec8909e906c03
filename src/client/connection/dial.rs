//! From a server's name to a connection, over whichever of its addresses answers first.
//!
//! Addresses are tried in the resolver's order, the next one a little later each time, in the manner of RFC 8305.
//! Must never hold: a wait between attempts (see `resume`).

use core::time::Duration;
use std::borrow::Cow;
use std::iter::once;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
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
        Err(ClientError::no_answer(server, reason))
    })
}

async fn resolve(
    endpoint: &Endpoint,
    server: &ServerAddress,
) -> Result<Vec<SocketAddr>, ClientError> {
    let no_way = |(reason, cure): NoWay| ClientError::Unreachable {
        server: server.clone(),
        reason: reason.into_owned(),
        cure,
    };
    if let Some(address) = server.literal() {
        return usable(once(SocketAddr::new(address, server.port)), endpoint.ipv6).map_err(no_way);
    }
    let found = tokio::net::lookup_host((server.host.as_str(), server.port)).await;
    let found = found.map_err(|error| no_way(unknown(&server.host, &error)))?;
    // Who is trusted for being on this machine must be on it.
    let may_be = |it: &SocketAddr| !server.is_loopback() || it.ip().to_canonical().is_loopback();
    let found = found.filter(may_be);
    usable(found.take(ADDRESSES_MAX), endpoint.ipv6).map_err(no_way)
}

/// Why no way leads to an address, and what to do.
type NoWay = (Cow<'static, str>, &'static str);

fn unknown(host: &str, error: &std::io::Error) -> NoWay {
    let cure = if host.contains('%') {
        "check the address and its zone, the name of an interface behind the %"
    } else {
        "check the spelling, and that this machine can look names up"
    };
    (format!("it has no address ({error})").into(), cure)
}

/// Those of `addresses` that packets can be sent to, with IPv6 or without.
fn usable(
    addresses: impl Iterator<Item = SocketAddr>,
    ipv6: bool,
) -> Result<Vec<SocketAddr>, NoWay> {
    let (mut usable, mut why) = (Vec::new(), None);
    for address in addresses.map(without_idle_zone) {
        match refused(address, ipv6) {
            Some(reason) => why = Some(reason),
            None => usable.push(address),
        }
    }
    let nowhere = ("it has no address", "check the spelling");
    let (reason, cure) = why.unwrap_or(nowhere);
    if usable.is_empty() { Err((reason.into(), cure)) } else { Ok(usable) }
}

/// The system leaves the zone out where it says nothing, and an answer from there would seem to come from elsewhere.
fn without_idle_zone(mut address: SocketAddr) -> SocketAddr {
    if let SocketAddr::V6(given) = &mut address
        && !given.ip().is_unicast_link_local()
    {
        given.set_scope_id(0);
    }
    address
}

/// Why nothing can be sent to `address`.
fn refused(address: SocketAddr, ipv6: bool) -> Option<(&'static str, &'static str)> {
    match address {
        _ if address.ip().is_unspecified() => Some((
            "it stands for all addresses of a machine and is none to connect to",
            "name one, on the server's own machine 127.0.0.1",
        )),
        SocketAddr::V6(_) if !ipv6 => Some((
            "this machine has no IPv6",
            "use an IPv4 address of the server, or a name that has one",
        )),
        SocketAddr::V6(link) if link.ip().is_unicast_link_local() && link.scope_id() == 0 => {
            Some(("a link-local address needs its zone", "write it such as [fe80::1%eth0]:2778"))
        }
        _ => None,
    }
}

/// The name that TLS is told: the server's, or where that is none, as `127.1` and `fe80::1%eth0`, the address it stands
/// for. Who the server is says its pinned key, never its name.
fn name_for_tls(host: &str, address: SocketAddr) -> String {
    match ServerName::try_from(host) {
        Ok(_) => host.to_owned(),
        Err(_) => address.ip().to_string(),
    }
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
    let mut config = verifier.config(endpoint.alpn)?;
    config.transport_config(Arc::clone(&endpoint.transport));
    let connecting =
        endpoint.quic.connect_with(config, address, &name_for_tls(&server.host, address));
    let connecting =
        connecting.map_err(|error| ClientError::no_answer(server, error.to_string()))?;
    match connecting.await {
        Ok(quic) => key_of_peer(&quic).map(|key| (quic, key)),
        Err(error) => Err(match verifier.mismatch() {
            Some((expected, found)) => {
                ClientError::ServerKeyChanged { server: server.clone(), expected, found }
            }
            None => fault::not_made(server, endpoint.alpn, error),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_nothing_can_be_sent_to_is_told_with_the_cure() {
        for (address, ipv6, cure) in [
            ("0.0.0.0:1", true, "127.0.0.1"),
            ("[::]:1", true, "127.0.0.1"),
            ("[::1]:1", false, "an IPv4 address"),
            ("[fe80::1]:1", true, "such as [fe80::1%eth0]:2778"),
        ] {
            let (reason, told) = usable([address.parse().unwrap()].into_iter(), ipv6).unwrap_err();
            assert!(told.contains(cure) && !reason.is_empty(), "{address}: {reason}; {told}");
        }
        assert!(usable([].into_iter(), true).is_err());
        let both = ["[::1]:1", "127.0.0.1:1"].map(|text| text.parse().unwrap());
        assert_eq!(usable(both.into_iter(), false).unwrap(), [both[1]]);
        assert_eq!(usable(both.into_iter(), true).unwrap(), both);
        for (given, taken) in [("[fe80::1%3]:1", "[fe80::1%3]:1"), ("[::1%1]:1", "[::1]:1")] {
            let found = usable([given.parse().unwrap()].into_iter(), true).unwrap();
            assert_eq!(found, [taken.parse().unwrap()]);
        }
    }

    #[test]
    fn tls_is_told_a_name_for_every_address() {
        for (host, address, name) in [
            ("localhost", "127.0.0.1:1", "localhost"),
            ("xn--bcher-kva.example", "127.0.0.1:1", "xn--bcher-kva.example"),
            ("::1", "[::1]:1", "::1"),
            ("127.1", "127.0.0.1:1", "127.0.0.1"),
            ("fe80::1%lo", "[fe80::1%1]:1", "fe80::1"),
            ("-", "127.0.0.1:1", "127.0.0.1"),
        ] {
            let told = name_for_tls(host, address.parse().unwrap());
            assert_eq!(told, name);
            assert!(ServerName::try_from(told).is_ok(), "{host}");
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn addresses_are_read_as_the_system_reads_them() {
        let endpoint = Endpoint::new(Duration::from_secs(1)).unwrap();
        for (text, address) in [("127.1:5", "127.0.0.1:5"), ("0x7f000001", "127.0.0.1:2778")] {
            let found = resolve(&endpoint, &text.parse().unwrap()).await.unwrap();
            assert_eq!(found, [address.parse().unwrap()], "{text}");
        }
        // The loopback interface is the first of all, whatever it is called.
        let zone = resolve(&endpoint, &"[fe80::1%1]:5".parse().unwrap()).await.unwrap();
        assert_eq!(zone, ["[fe80::1%1]:5".parse().unwrap()]);
        let error = resolve(&endpoint, &"[fe80::1%nowhere]".parse().unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("zone"), "{error}");
    }
}
