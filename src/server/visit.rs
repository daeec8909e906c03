//! Connections to the HTTP side: few at once, each for one small question and a short time.
//!
//! Must never hold: what is asked or answered.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::config::ServerConfig;
use super::unproven::Unproven;

/// Bytes of one question with its headers.
const QUESTION_BYTES_MAX: usize = 16 * 1024;

/// Takes connections on.
pub(super) struct Doorkeeper {
    listener: TcpListener,
    places: Arc<Unproven>,
    /// From the first byte of a question to the last of its answer.
    most: Duration,
}

impl Doorkeeper {
    /// As many at once, and as long, as `config` says.
    pub(super) fn new(listener: TcpListener, config: &ServerConfig) -> Self {
        let places = Arc::new(Unproven::new(config.limits.http_connections_max));
        Self { listener, places, most: config.timeouts.http }
    }
}

impl Listener for Doorkeeper {
    type Io = Visit;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Visit, SocketAddr) {
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        let (place, most) = (self.places.enter(peer.into()), self.most);
        let end = Box::pin(async move {
            tokio::select! {
                () = place.lost() => {}
                () = sleep(most) => {}
            }
        });
        (Visit { stream, end, is_over: false, left: QUESTION_BYTES_MAX }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends by itself: when its time is over, its place is taken, or more was asked than may be.
pub(super) struct Visit {
    stream: TcpStream,
    end: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_over: bool,
    /// Bytes that may still come.
    left: usize,
}

impl Visit {
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        self.is_over = self.is_over || self.end.as_mut().poll(context).is_ready();
        if self.is_over { Err(ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Visit {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let Some(left) = self.left.checked_sub(buffer.filled().len() - before) else {
            return Poll::Ready(Err(ErrorKind::InvalidData.into()));
        };
        self.left = left;
        read
    }
}

impl AsyncWrite for Visit {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
