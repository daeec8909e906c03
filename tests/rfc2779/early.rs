//! Early data of TLS 1.3: what could be replayed, if a server took it.
//!
//! Must never hold: a request.

use std::net::SocketAddr;

use quinn::Endpoint;

use crate::support::peer::{Manner, client_config};
use crate::support::within;
use crate::world::pause;

/// Whether a client that was connected before may send early data when it connects again.
pub async fn is_accepted(server: SocketAddr) -> bool {
    let endpoint = Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    // One configuration for both, which keeps the tickets that the server gives.
    let config = client_config(Manner::default());
    let connecting = endpoint.connect_with(config.clone(), server, "adsum").unwrap();
    let first = within("the handshake ends", connecting).await.unwrap();
    // Tickets come behind the handshake.
    pause(std::time::Duration::from_millis(200)).await;
    first.close(0_u32.into(), b"done");
    let connecting = endpoint.connect_with(config, server, "adsum").unwrap();
    match connecting.into_0rtt() {
        Ok((connection, accepted)) => {
            let is_accepted = within("the server decides", accepted).await;
            connection.close(0_u32.into(), b"done");
            is_accepted
        }
        Err(_) => false,
    }
}
