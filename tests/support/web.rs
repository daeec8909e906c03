//! Sessions of WebTransport with a server, by the native client of web-transport-quinn.
//!
//! Must never hold: what is said in a session (see `page`).

use std::net::SocketAddr;

use adsum::wire::HTTP3;
use quinn::{Connection, ConnectionError, Endpoint};
use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use serde_json::Value;
use web_transport_quinn::http::{HeaderValue, header};
use web_transport_quinn::proto::ConnectRequest;
use web_transport_quinn::{ClientError, Session, SessionError, WebTransportError};

use super::http::page;
use super::page::Page;
use super::peer::{Manner, client_config};
use super::within;

/// What a browser would ask of the server.
pub struct Asking<'a> {
    pub host: &'a str,
    pub path: &'a str,
    pub origin: Option<&'a str>,
    pub protocols: &'a [&'a str],
}

/// What is answered with a session.
pub const RIGHT: Asking<'_> = Asking {
    host: "127.0.0.1",
    path: "/adsum",
    origin: Some("http://localhost:8080"),
    protocols: &["adsum/1"],
};

/// A connection of HTTP/3 on which nothing was said yet.
pub struct Http3 {
    pub connection: Connection,
    _endpoint: Endpoint,
}

impl Http3 {
    pub async fn connect(server: SocketAddr) -> Self {
        Self::try_connect(server).await.unwrap()
    }

    pub async fn try_connect(server: SocketAddr) -> Result<Self, ConnectionError> {
        let endpoint = Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
        let manner = Manner { alpn: HTTP3.to_vec(), ..Manner::default() };
        let connecting = endpoint.connect_with(client_config(manner), server, "adsum").unwrap();
        let connection = within("the handshake ends", connecting).await?;
        Ok(Self { connection, _endpoint: endpoint })
    }

    /// SHA-256 over the certificate that was shown, in hexadecimal digits.
    pub fn certificate_hash(&self) -> String {
        let identity = self.connection.peer_identity().expect("the server showed a certificate");
        let chain = identity.downcast::<Vec<CertificateDer<'static>>>().unwrap();
        data_encoding::HEXLOWER.encode(digest(&SHA256, &chain[0]).as_ref())
    }

    /// Asks for a session.
    pub async fn ask(&self, asking: &Asking<'_>) -> Result<Session, ClientError> {
        let port = self.connection.remote_address().port();
        let url = format!("https://{}:{port}{}", asking.host, asking.path);
        let mut request = ConnectRequest::new(url.parse::<url::Url>().unwrap());
        for protocol in asking.protocols {
            request = request.with_protocol(*protocol);
        }
        if let Some(origin) = asking.origin {
            request = request.with_header(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        within("it is answered", Session::connect(self.connection.clone(), request)).await
    }
}

/// A page in a session of its own, as the first device of `name`, with what holds the connection.
pub async fn page_of(
    server: SocketAddr,
    server_key: &[u8; 32],
    name: &str,
) -> (Http3, Page<Session>) {
    let http3 = Http3::connect(server).await;
    let session = http3.ask(&RIGHT).await.unwrap();
    (http3, Page::enter(session, server_key, name).await)
}

/// What the server tells pages.
pub async fn card(http: SocketAddr) -> Value {
    let text = page(http, "/web.json").await;
    serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// The hashes of certificates among that: the one that is shown, and the next.
pub fn hashes(card: &Value) -> [String; 2] {
    let hashes = card["certificate_hashes"].as_array().unwrap();
    [0, 1].map(|index| hashes[index].as_str().unwrap().to_owned())
}

/// The code and the words with which a session was ended.
pub async fn over(session: &Session) -> (u32, String) {
    match within("the session ends", session.closed()).await {
        SessionError::WebTransportError(WebTransportError::Closed(code, reason)) => (code, reason),
        other => panic!("{other}"),
    }
}
