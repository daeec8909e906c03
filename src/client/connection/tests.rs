//! Which servers are trusted, and what is said of the others.
//!
//! Must never hold: a client with retries.

use crate::client::testing::{address_of, certificate, endpoint, other_certificate, resolver};
use crate::wire::ALPN;

use super::*;

const WITHIN: Duration = Duration::from_secs(10);

async fn dial(server: &quinn::Endpoint, pin: Pin) -> Result<Connection, ClientError> {
    let server = server.clone();
    let address = address_of(&server);
    let accepting = tokio::spawn(async move {
        while let Some(incoming) = server.accept().await {
            let Ok(connection) = incoming.await else { continue };
            connection.closed().await;
        }
    });
    let client = Endpoint::new(KEEP_ALIVE).unwrap();
    let dialled = Connection::connect(&client, &address, &pin, WITHIN).await;
    accepting.abort();
    dialled
}

#[tokio::test]
async fn a_pinned_key_is_accepted_and_any_other_is_refused_with_both_hashes() {
    let (certificate, key) = certificate();
    let known = key_of_certificate(&certificate);
    let server = endpoint(resolver(certificate, &key), ALPN);
    let connection = dial(&server, Pin::Known(known)).await.unwrap();
    assert_eq!(connection.server_key(), known);
    let other = KeyHash::of(b"other");
    let error = dial(&server, Pin::Known(other)).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ClientError::ServerKeyChanged { .. }), "{text}");
    assert!(text.contains(&known.to_string()) && text.contains(&other.to_string()), "{text}");
}

#[tokio::test]
async fn on_first_use_the_key_is_told() {
    let (certificate, key) = certificate();
    let known = key_of_certificate(&certificate);
    let server = endpoint(resolver(certificate, &key), ALPN);
    assert_eq!(dial(&server, Pin::FirstUse).await.unwrap().server_key(), known);
}

#[tokio::test]
async fn a_copied_certificate_without_its_key_is_worth_nothing() {
    let (stolen, _) = certificate();
    let (_, own_key) = other_certificate();
    let known = key_of_certificate(&stolen);
    let server = endpoint(resolver(stolen, &own_key), ALPN);
    for pin in [Pin::Known(known), Pin::FirstUse] {
        let error = dial(&server, pin).await.unwrap_err();
        assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_server_of_another_protocol_is_told_apart_from_one_that_is_not_there() {
    let (certificate, key) = certificate();
    let server = endpoint(resolver(certificate, &key), b"adsum/9");
    let error = dial(&server, Pin::FirstUse).await.unwrap_err();
    assert!(matches!(error, ClientError::Version { .. }), "{error}");
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap().to_string().parse().unwrap();
    let client = Endpoint::new(KEEP_ALIVE).unwrap();
    let soon = Duration::from_millis(50);
    let error = Connection::connect(&client, &address, &Pin::FirstUse, soon).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    assert_eq!(error.code(), "unreachable");
}

#[tokio::test]
async fn a_name_without_an_address_is_told() {
    let client = Endpoint::new(KEEP_ALIVE).unwrap();
    let address = "no-such-host.invalid".parse().unwrap();
    let error = Connection::connect(&client, &address, &Pin::FirstUse, WITHIN).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
}
