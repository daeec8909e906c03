//! What strangers that speak HTTP/3 cost a server of memory: no more than others.
//!
//! Must never hold: a page that has proven who it is.

use std::net::SocketAddr;

use adsum::wire::HTTP3;
use quinn::Endpoint;
use tokio::task::JoinSet;
use web_transport_quinn::Session;
use web_transport_quinn::generic::{SendStream as _, Session as _};
use web_transport_quinn::http::{HeaderName, HeaderValue};
use web_transport_quinn::proto::ConnectRequest;

use super::door::touch_buffers;
use crate::support::child::Process;
use crate::support::http::count;
use crate::support::peer::{Manner, client_config};
use crate::support::server::any_port;
use crate::support::socket::connect;
use crate::support::web::{card, page_of};
use crate::support::{until, within};

/// Connections that may have proven nothing at once, and what each may cost.
const PLACES: usize = 384;
const UNPROVEN_COST: u64 = 64 * 1024;

/// What a stranger does before it falls silent.
#[derive(Clone, Copy, Debug)]
enum Filling {
    /// Settings that claim to be long, and as much of them as is let through.
    Settings,
    /// A session with many headers, and half a `Hello`.
    Session,
    /// A session over a WebSocket, and streams byte by byte.
    Socket,
}

async fn over_tcp(socket: SocketAddr) {
    let Ok(session) = connect(socket).await else { return };
    let mut held = Vec::new();
    for _ in 0..64 {
        let Ok((mut send, receive)) = session.open_bi().await else { break };
        for _ in 0..64 {
            let _ = send.write(&[7]).await;
        }
        held.push((send, receive));
    }
    let _ = session.closed().await;
}

async fn over_udp(endpoint: Endpoint, server: SocketAddr, filling: Filling) {
    let manner = Manner { alpn: HTTP3.to_vec(), ..Manner::default() };
    let connecting = endpoint.connect_with(client_config(manner), server, "adsum").unwrap();
    let Ok(connection) = within("a stranger connects", connecting).await else { return };
    match filling {
        Filling::Settings => {
            let Ok(mut control) = connection.open_uni().await else { return };
            let claimed = [&[0x00, 0x04, 0x80, 0x00, 0xff, 0xff][..], &[7; 9_000]].concat();
            let _ = control.write_all(&claimed).await;
            // Held until the connection is over.
            let _ = connection.closed().await;
        }
        Filling::Session => {
            let url = format!("https://127.0.0.1:{}/adsum", server.port());
            let mut request =
                ConnectRequest::new(url.parse::<url::Url>().unwrap()).with_protocol("adsum/1");
            for number in 0..16 {
                let name = HeaderName::from_bytes(format!("x-{number}").as_bytes()).unwrap();
                request = request.with_header(name, HeaderValue::from_static(LONG));
            }
            let Ok(session) = Session::connect(connection, request).await else { return };
            let Ok((mut send, _receive)) = Session::open_bi(&session).await else { return };
            let _ = send.write_all(&[&[0, 0, 0, 16, 0][..], &[7; 3_000]].concat()).await;
            Session::closed(&session).await;
        }
        Filling::Socket => unreachable!("that is TCP"),
    }
}

/// 200 bytes.
const LONG: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
                    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_that_speak_as_pages_do_cost_no_more_than_others() {
    for filling in [Filling::Settings, Filling::Session, Filling::Socket] {
        let folder = tempfile::tempdir().unwrap();
        let server = Process::start(folder.path());
        let socket = card(server.http).await["websocket"]["port"].as_u64().unwrap();
        let socket = SocketAddr::from(([127, 0, 0, 1], socket.try_into().unwrap()));
        let endpoint = Endpoint::client(any_port()).unwrap();
        // What is allocated once, at the first connection, belongs to nobody.
        a_page_comes_and_goes(&server).await;
        touch_buffers(server.address);
        let before = server.memory();
        let mut strangers = JoinSet::new();
        for _ in 0..PLACES {
            match filling {
                Filling::Socket => strangers.spawn(over_tcp(socket)),
                _ => strangers.spawn(over_udp(endpoint.clone(), server.address, filling)),
            };
        }
        let mut most = 0;
        // Until those who came first were ended for saying nothing.
        until("they are gone", async || {
            most = most.max(server.memory().saturating_sub(before));
            while strangers.try_join_next().is_some() {}
            strangers.is_empty().then_some(())
        })
        .await;
        println!("{filling:?}: {} KiB, {} each", most / 1024, most / 1024 / PLACES as u64);
        assert!(most <= PLACES as u64 * UNPROVEN_COST, "{filling:?}: {most} bytes");
        assert!(count(server.http, "adsum_connections").await <= PLACES as u64);
    }
}

async fn a_page_comes_and_goes(server: &Process) {
    let told = card(server.http).await;
    let key = data_encoding::HEXLOWER.decode(told["server_key"].as_str().unwrap().as_bytes());
    let key: [u8; 32] = key.unwrap().try_into().unwrap();
    let (_http3, mut alice) = page_of(server.address, &key, "alice").await;
    alice.publish("first").await;
}
