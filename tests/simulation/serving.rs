//! One connection at the server: its streams, each driven by the real session, and how it ends.
//!
//! Stands for the tasks of the real server: takes streams on, lets each run until it waits, closes.
//! Must never hold: what a stream says.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use adsum::model::{Lifetime, Timestamp};
use adsum::service::SessionId;
use adsum::session::{
    Close, Connection, Ending, Fresh, LAST_WORDS, LaneId, Settings, Transport, serve,
};
use adsum::wire::CloseCode;

use super::host::{Desk, Seat, StreamHost};
use super::lots::Lots;
use super::pipe::{Pipe, Stream};

/// How long a peer has to say who it is.
const HELLO_MS: u64 = 10_000;

type Task = Pin<Box<dyn Future<Output = Option<Close>>>>;

/// A connection and the tasks of its streams.
pub(crate) struct Serving {
    pub(crate) seat: Arc<Seat>,
    tasks: BTreeMap<Stream, (LaneId, Task)>,
    lanes_ever: u32,
    hello_until: Timestamp,
    /// When a session that is to end is closed at the latest.
    closes_at: Option<Timestamp>,
    is_over: bool,
}

impl Serving {
    pub(crate) fn new(
        session: SessionId,
        pipe: Pipe,
        settings: &Arc<Settings>,
        (rng, now): (&mut Lots, Timestamp),
    ) -> Self {
        let fresh = Fresh { nonce: rng.unique(), pseudonym: rng.unique(), origin: None };
        let connection = Arc::new(Connection::new(Arc::clone(settings), fresh));
        Self {
            seat: Arc::new(Seat::new(session, connection, pipe)),
            tasks: BTreeMap::new(),
            lanes_ever: 0,
            hello_until: now.after(Lifetime::from_ms(HELLO_MS)),
            closes_at: None,
            is_over: false,
        }
    }

    /// The streams there are.
    pub(crate) fn streams(&self) -> Vec<Stream> {
        self.tasks.keys().copied().collect()
    }

    /// Whether nothing is left of it.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over && self.tasks.is_empty()
    }

    /// Takes on the streams that the peer opened.
    pub(crate) fn accept(&mut self, desk: &Desk) {
        let seat = Arc::clone(&self.seat);
        while let Poll::Ready(accepted) = poll(pin!(seat.pipe.accept())) {
            let Ok((send, receive)) = accepted else { return self.end() };
            if let Some((code, reason)) = seat.connection.handle_stream() {
                return self.close(code, &reason);
            }
            let (stream, number) = (send.stream(), self.lanes_ever);
            self.lanes_ever += 1;
            let (lane, host) = StreamHost::new(desk, &self.seat, number);
            let id = LaneId { session: self.seat.session, number };
            let connection = Arc::clone(&self.seat.connection);
            let halves = (send, receive);
            let task: Task = Box::pin(serve(connection, lane, halves, host));
            self.tasks.insert(stream, (id, task));
        }
    }

    /// Lets a stream run until it waits.
    pub(crate) fn run(&mut self, stream: Stream, desk: &Desk) {
        let Some((lane, task)) = self.tasks.get_mut(&stream) else { return };
        let Poll::Ready(close) = poll(task.as_mut()) else {
            if desk.is_told(*lane) {
                self.seat.pipe.settle(stream);
            }
            return;
        };
        self.tasks.remove(&stream);
        if let Some((code, reason)) = close {
            self.close(code, &reason);
        }
    }

    /// Closes the connection if its time is over.
    pub(crate) fn watch_time(&mut self, now: Timestamp) {
        if now >= self.hello_until
            && let Some((code, reason)) = self.seat.connection.handle_hello_timeout()
        {
            return self.close(code, &reason);
        }
        let Some(ending) = self.seat.ending() else { return };
        let (code, time_left) = match ending {
            Ending::Revoked => (CloseCode::AuthExpired, LAST_WORDS),
            Ending::GoingAway { time_left, .. } => {
                (CloseCode::GoingAway, core::time::Duration::from_millis(time_left.as_ms()))
            }
        };
        let ms = u64::try_from(time_left.as_millis()).expect("waits are short");
        let closes_at = *self.closes_at.get_or_insert(now.after(Lifetime::from_ms(ms)));
        if self.tasks.is_empty() || now >= closes_at {
            self.close(code, code.as_str());
        }
    }

    fn close(&mut self, code: CloseCode, reason: &str) {
        if !self.is_over {
            self.seat.pipe.close(code, reason);
            self.end();
        }
    }

    fn end(&mut self) {
        self.is_over = true;
        self.seat.connection.handle_end();
    }
}

/// Lets a future run until it waits. Whoever waits is asked again at the world's next moment.
fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
