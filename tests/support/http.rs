//! Questions to the HTTP side.
//!
//! Must never hold: more of HTTP than a GET.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::within;

/// Status line, headers and body of the page at `path`.
pub async fn page(address: SocketAddr, path: &str) -> String {
    let ask = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    within(path, ask).await
}

/// What a line of the metrics says; nothing if it is not there, as for what was never counted.
async fn metric(address: SocketAddr, name: &str) -> Option<String> {
    let text = page(address, "/metrics").await;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(|value| value.trim().to_owned())
}

/// The value of a metric that counts.
pub async fn count(address: SocketAddr, name: &str) -> u64 {
    metric(address, name).await.map_or(0, |value| value.parse().unwrap())
}

/// The value of a metric that measures.
pub async fn measure(address: SocketAddr, name: &str) -> f64 {
    metric(address, name).await.map_or(0.0, |value| value.parse().unwrap())
}

/// The last event of the log.
pub async fn head(address: SocketAddr) -> u64 {
    let head = metric(address, "adsum_log_head_sequence").await;
    head.expect("the metrics tell the head").parse().unwrap()
}
