//! Sessions over a WebSocket with a server, by the native client of qmux.
//!
//! Must never hold: what is said in a session (see `page`).

use std::net::SocketAddr;
use std::sync::Arc;

use qmux::ws::tokio_tungstenite::client_async;
use qmux::ws::tungstenite::client::IntoClientRequest;
use qmux::{Error, Session, Version};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use web_transport_quinn::http::{HeaderValue, header};

use super::page::Page;
use super::peer::tls_config;
use super::within;

/// Opens a session; its client has room for what a test reads late.
pub async fn connect(server: SocketAddr) -> Result<Session, Error> {
    let client =
        qmux::ws::Client::new().with_protocol("adsum-1", &[Version::QMux02]).require_protocol();
    let url = format!("ws://{server}/adsum");
    within("it is answered", Box::pin(client.connect(&url))).await
}

/// Opens a session over TLS, with whatever certificate the server shows.
pub async fn connect_encrypted(server: SocketAddr) -> Session {
    let tls = TlsConnector::from(Arc::new(tls_config(vec![b"http/1.1".to_vec()])));
    let stream = TcpStream::connect(server).await.unwrap();
    let name = ServerName::try_from("d.example").unwrap();
    let stream = within("TLS is agreed on", tls.connect(name, stream)).await.unwrap();
    let mut request = format!("wss://{server}/adsum").into_client_request().unwrap();
    let token = HeaderValue::from_static("qmux-02.adsum-1");
    request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, token);
    let opening = within("it is answered", Box::pin(client_async(request, stream))).await;
    qmux::ws::Upgraded::new(opening.unwrap().0).with_alpn("qmux-02.adsum-1").connect()
}

/// A page in a session of its own, as the first device of `name`.
pub async fn page_of(server: SocketAddr, server_key: &[u8; 32], name: &str) -> Page<Session> {
    Page::enter(connect(server).await.unwrap(), server_key, name).await
}

/// What a browser would ask of the server.
#[derive(Clone, Copy)]
pub struct Upgrade<'a> {
    pub path: &'a str,
    pub host: &'a str,
    pub origin: Option<&'a str>,
    pub token: Option<&'a str>,
}

/// What is answered with a WebSocket.
pub const RIGHT: Upgrade<'_> = Upgrade {
    path: "/adsum",
    host: "127.0.0.1:2779",
    origin: Some("http://localhost:8080"),
    token: Some("qmux-02.adsum-1"),
};

/// The request for an upgrade, as text.
pub fn request(upgrade: Upgrade<'_>) -> String {
    let Upgrade { path, host, origin, token } = upgrade;
    let origin = origin.map_or_else(String::new, |origin| format!("Origin: {origin}\r\n"));
    let token =
        token.map_or_else(String::new, |token| format!("Sec-WebSocket-Protocol: {token}\r\n"));
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{origin}{token}\r\n"
    )
}

/// The head of what is answered to an upgrade.
pub async fn answer(server: SocketAddr, upgrade: Upgrade<'_>) -> String {
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(request(upgrade).as_bytes()).await.unwrap();
    let read = async {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        String::from_utf8(head).unwrap()
    };
    within("it is answered", read).await
}
