//! How much is read of a peer: little in all until it has proven who it is, and nothing while it does not read.
//!
//! TCP has no window that could be widened, so bytes that are not to be read yet are left to the system. And what is
//! answered to a peer that reads nothing would pile up: no more is read of it until it does.
//! Must never hold: what the bytes mean.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much may still be read of a connection. Cheap to share.
#[derive(Clone)]
pub(super) struct Room(Arc<Mutex<State>>);

struct State {
    /// Bytes; `None` for as many as come.
    left: Option<usize>,
    /// The peer takes nothing.
    is_stuck: bool,
    reader: Option<Waker>,
}

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Mutex::new(State { left: Some(bytes), is_stuck: false, reader: None })))
    }

    /// So many bytes may be read from now on, or as many as come.
    pub(super) fn set(&self, left: Option<usize>) {
        let mut state = self.state();
        state.left = left;
        state.wake();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// A connection that is read within its room.
pub(super) struct Bounded<S> {
    inner: S,
    room: Room,
}

impl<S> Bounded<S> {
    pub(super) fn new(inner: S, room: Room) -> Self {
        Self { inner, room }
    }

    fn wrote<T>(&self, outcome: Poll<T>) -> Poll<T> {
        let mut state = self.room.state();
        state.is_stuck = outcome.is_pending();
        if !state.is_stuck {
            state.wake();
        }
        outcome
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = {
            let mut state = self.room.state();
            let left = state.left.unwrap_or(usize::MAX);
            if state.is_stuck || left == 0 {
                state.reader = Some(context.waker().clone());
                return Poll::Pending;
            }
            left.min(buffer.remaining())
        };
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
        let read = Pin::new(&mut self.inner).poll_read(context, &mut part);
        let filled = part.filled().len();
        buffer.advance(filled);
        let mut state = self.room.state();
        state.left = state.left.map(|left| left.saturating_sub(filled));
        drop(state);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.wrote(outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_flush(context);
        self.wrote(outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    fn is_pending<T>(future: impl Future<Output = T>) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        std::pin::pin!(future).as_mut().poll(&mut context).is_pending()
    }

    #[tokio::test]
    async fn no_more_is_read_than_there_is_room_for_until_there_is_more() {
        let (mut peer, ours) = duplex(1_000);
        let room = Room::new(5);
        let mut ours = Bounded::new(ours, room.clone());
        peer.write_all(b"hello world").await.unwrap();
        let mut bytes = [0; 100];
        assert_eq!(ours.read(&mut bytes).await.unwrap(), 5);
        assert!(is_pending(ours.read(&mut bytes)));
        room.set(None);
        assert_eq!(ours.read(&mut bytes).await.unwrap(), 6);
    }

    #[tokio::test]
    async fn whoever_reads_nothing_is_not_read_until_it_does() {
        let (mut peer, ours) = duplex(10);
        let mut ours = Bounded::new(ours, Room::new(1_000));
        peer.write_all(b"ask").await.unwrap();
        ours.write_all(&[7; 10]).await.unwrap();
        assert!(is_pending(ours.write_all(&[7; 10])));
        let mut bytes = [0; 10];
        assert!(is_pending(ours.read(&mut bytes)), "it reads nothing");
        peer.read_exact(&mut bytes).await.unwrap();
        ours.write_all(&[7; 10]).await.unwrap();
        assert_eq!(ours.read(&mut bytes).await.unwrap(), 3);
    }
}
