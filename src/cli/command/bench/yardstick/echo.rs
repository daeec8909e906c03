//! QUIC without a service: a process that sends back what it gets, over the transport of the real server.
//!
//! Must never hold: anything a service adds, such as frames, decisions or a disk.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{RecvStream, SendStream};
use rustls::pki_types::PrivateKeyDer;

use crate::cli::command::bench::{
    child::Process,
    link::{Dialer, wrong},
    samples::Samples,
    scale::scaled,
};
use crate::cli::run::failure::Failure;
use crate::server::transport;
use crate::wire::ALPN;

/// Bytes of a frame, as in the workloads.
const FRAME_BYTES: usize = 200;
/// Round trips one after the other.
const PINGS: usize = 2_000;
/// Round trips with many on their way.
const PIPELINED: usize = 200_000;
/// Frames on their way.
const WINDOW: usize = 64;
/// Bytes read at once.
const READ_BYTES: usize = 16 * 1024;
/// As the server has it.
const IDLE: Duration = Duration::from_mins(1);

pub(super) struct Echo {
    pub(super) ping_p50_ms: f64,
    pub(super) pipelined_per_s: f64,
}

/// Measures against an echo in another process.
pub(super) async fn measure(scale: f64) -> Result<Echo, Failure> {
    let (process, dialer) = start().await?;
    let connection = dialer.connect().await?;
    let mut line = Line::open(connection.quic()).await.map_err(wrong)?;
    // Warm-up: the congestion window opens.
    line.run(scaled(PIPELINED / 10, scale), WINDOW).await.map_err(wrong)?;
    let (_, mut samples) = line.run(scaled(PINGS, scale), 1).await.map_err(wrong)?;
    let count = scaled(PIPELINED, scale);
    let (time, _) = line.run(count, WINDOW).await.map_err(wrong)?;
    process.kill().await?;
    #[expect(clippy::cast_precision_loss, reason = "counts of frames are far below 2^52")]
    let pipelined_per_s = count as f64 / time.as_secs_f64();
    Ok(Echo { ping_p50_ms: samples.p50_p99_ms().0, pipelined_per_s })
}

/// Starts an echo in another process.
pub(super) async fn start() -> Result<(Process, Dialer), Failure> {
    let arguments = ["bench", "echo-server", "--json"].map(str::to_owned);
    let mut process = Process::start("echo server", &arguments, &[])?;
    let line = process.line("echo").await?;
    let listen = line["address"].as_str().unwrap_or_default();
    let server = listen.parse().map_err(|_| wrong(format!("the echo is at {line}")))?;
    Ok((process, Dialer::new(server)?))
}

/// A stream whose bytes come back.
struct Line {
    send: SendStream,
    receive: RecvStream,
    buffer: Vec<u8>,
}

impl Line {
    async fn open(quic: &quinn::Connection) -> Result<Self, quinn::ConnectionError> {
        let (send, receive) = quic.open_bi().await?;
        Ok(Self { send, receive, buffer: vec![0; READ_BYTES] })
    }

    /// Sends `count` frames, `window` of them on their way, and returns the whole time and that of each window of one.
    async fn run(
        &mut self,
        count: usize,
        window: usize,
    ) -> Result<(Duration, Samples), Box<dyn std::error::Error + Send + Sync>> {
        let frames = vec![b'x'; window * FRAME_BYTES];
        let (mut sent, mut returned_bytes) = (0, 0);
        let mut samples = Samples::default();
        let began = Instant::now();
        let mut asked = began;
        while returned_bytes < count * FRAME_BYTES {
            let room = (returned_bytes / FRAME_BYTES + window - sent).min(count - sent);
            if room > 0 {
                asked = Instant::now();
                self.send.write_all(&frames[..room * FRAME_BYTES]).await?;
                sent += room;
            }
            returned_bytes += self.receive.read(&mut self.buffer).await?.ok_or("the echo ended")?;
            if returned_bytes == sent * FRAME_BYTES {
                samples.add(asked.elapsed());
            }
        }
        Ok((began.elapsed(), samples))
    }
}

/// Runs the echo, tells where through `tell`, and ends when its standard input does: with whoever started it.
pub(in crate::cli::command::bench) async fn serve(
    tell: impl FnOnce(SocketAddr) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let config = config().map_err(refused)?;
    let endpoint = quinn::Endpoint::server(config, (Ipv4Addr::LOCALHOST, 0).into());
    let endpoint = endpoint.map_err(refused)?;
    tell(endpoint.local_addr().map_err(refused)?)?;
    let starter_gone = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]));
    tokio::select! {
        () = accept(&endpoint) => {}
        _ = starter_gone => {}
    }
    Ok(())
}

fn refused(error: impl std::fmt::Display) -> Failure {
    Failure::failed("machine", format!("cannot serve an echo: {error}"))
}

fn config() -> Result<quinn::ServerConfig, Box<dyn std::error::Error>> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.max_early_data_size = 0;
    let crypto = QuicServerConfig::try_from(tls)?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    config.transport_config(Arc::new(transport(IDLE)));
    Ok(config)
}

async fn accept(endpoint: &quinn::Endpoint) {
    while let Some(incoming) = endpoint.accept().await {
        tokio::spawn(async move {
            let Ok(connection) = incoming.await else { return };
            while let Ok((send, receive)) = connection.accept_bi().await {
                tokio::spawn(send_back(send, receive));
            }
        });
    }
}

async fn send_back(mut send: SendStream, mut receive: RecvStream) {
    let mut buffer = vec![0; READ_BYTES];
    while let Ok(Some(count)) = receive.read(&mut buffer).await {
        if send.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
