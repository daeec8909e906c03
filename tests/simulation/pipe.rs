//! The server's end of a connection in memory: ordered bytes each way, which the network moves.
//!
//! Must never hold: what the bytes mean, or a moment at which they arrive.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

use adsum::session::{Close, Gone, ReceiveHalf, SendHalf, Transport};
use adsum::wire::{CloseCode, Decoder, ResetCode};
use bytes::Bytes;

use super::forgetting::Unspeakable;

/// The streams of a connection: two feeds, and a query for each question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stream {
    Control,
    Presence,
    Inbox,
    Query(u32),
}

/// A stretch of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Bytes(Vec<u8>),
    /// Nothing follows.
    Finish,
    /// The stream was given up.
    Reset(ResetCode),
}

/// The server's end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Pipe(Arc<Mutex<Ends>>);

#[derive(Debug)]
struct Ends {
    exporter: [u8; 32],
    /// Streams that the peer opened and that were not accepted yet.
    opened: VecDeque<Stream>,
    streams: BTreeMap<Stream, Halves>,
    is_gone: bool,
    closed: Option<Close>,
    unspeakable: Unspeakable,
}

#[derive(Debug, Default)]
struct Halves {
    arrived: VecDeque<u8>,
    is_ended: bool,
    written: Vec<Piece>,
    /// Bytes that the server has read.
    read: usize,
    has_parted: bool,
    /// The peer takes nothing for a while.
    is_stalled: bool,
    /// How many erasures it had behind it when the server had nothing more to write that it looked up before.
    settled: u64,
    /// The same, of what follows the write that waits for the peer, if one does.
    settled_behind: Option<u64>,
}

impl Pipe {
    pub(crate) fn new(exporter: [u8; 32], unspeakable: Unspeakable) -> Self {
        Self(Arc::new(Mutex::new(Ends {
            exporter,
            opened: VecDeque::new(),
            streams: BTreeMap::new(),
            is_gone: false,
            closed: None,
            unspeakable,
        })))
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().expect("a world is lived in one thread")
    }

    /// Something arrived at the server.
    pub(crate) fn arrive(&self, stream: Stream, piece: Piece) {
        let mut ends = self.ends();
        if !ends.streams.contains_key(&stream) {
            ends.opened.push_back(stream);
        }
        let settled = ends.unspeakable.generation();
        let new = || Halves { settled, ..Halves::default() };
        let halves = ends.streams.entry(stream).or_insert_with(new);
        match piece {
            Piece::Bytes(bytes) => halves.arrived.extend(bytes),
            Piece::Finish | Piece::Reset(_) => halves.is_ended = true,
        }
    }

    /// What the server wrote since the last look.
    pub(crate) fn take_written(&self) -> Vec<(Stream, Piece)> {
        let mut ends = self.ends();
        let streams = ends.streams.iter_mut();
        let written = streams.flat_map(|(stream, halves)| {
            core::mem::take(&mut halves.written).into_iter().map(|piece| (*stream, piece))
        });
        written.collect()
    }

    /// From now on, or no longer, the peer takes nothing of `stream`.
    pub(crate) fn stall(&self, stream: Stream, is_stalled: bool) {
        if let Some(halves) = self.ends().streams.get_mut(&stream) {
            halves.is_stalled = is_stalled;
        }
    }

    /// The server has written all of `stream` that it had looked up, but for the write that waits if the peer takes nothing.
    /// Behind that one an answer may go on that was put into words before; a feed does not.
    pub(crate) fn settle(&self, stream: Stream) {
        let mut ends = self.ends();
        let generation = ends.unspeakable.generation();
        let is_feed = matches!(stream, Stream::Presence | Stream::Inbox);
        let is_known = |halves: &&mut Halves| is_feed || !halves.is_stalled;
        if let Some(halves) = ends.streams.get_mut(&stream).filter(is_known) {
            match &mut halves.settled_behind {
                Some(behind) => *behind = generation,
                None => halves.settled = generation,
            }
        }
    }

    /// The server finds the connection gone.
    pub(crate) fn lose(&self) {
        self.ends().is_gone = true;
    }

    /// How many bytes of `stream` the server has read.
    pub(crate) fn read_of(&self, stream: Stream) -> usize {
        self.ends().streams.get(&stream).map_or(0, |halves| halves.read)
    }

    /// How the server closed the connection, if it did.
    pub(crate) fn closed(&self) -> Option<Close> {
        self.ends().closed.clone()
    }
}

fn gone() -> Gone {
    Gone::because("the connection was cut")
}

impl Transport for Pipe {
    type Send = PipeSend;
    type Receive = PipeReceive;

    async fn accept(&self) -> Result<(PipeSend, PipeReceive), Gone> {
        poll_fn(|_| {
            let mut ends = self.ends();
            if ends.is_gone {
                return Poll::Ready(Err(gone()));
            }
            match ends.opened.pop_front() {
                Some(stream) => {
                    let pipe = self.clone();
                    Poll::Ready(Ok((PipeSend(pipe.clone(), stream), PipeReceive(pipe, stream))))
                }
                None => Poll::Pending,
            }
        })
        .await
    }

    fn exporter(&self) -> Option<[u8; 32]> {
        Some(self.ends().exporter)
    }

    // Whatever is on its way is held by the network.
    fn widen(&self) {}

    fn pieces(&self) -> u64 {
        0
    }

    fn close(&self, code: CloseCode, reason: &str) {
        let mut ends = self.ends();
        ends.closed = Some((code, reason.to_owned()));
        ends.is_gone = true;
    }
}

/// The half of a stream that the server writes.
#[derive(Debug)]
pub(crate) struct PipeSend(Pipe, Stream);

impl PipeSend {
    pub(crate) fn stream(&self) -> Stream {
        self.1
    }

    /// Ends the stream, once.
    fn part(&self, piece: Piece) {
        let mut ends = self.0.ends();
        let Some(halves) = ends.streams.get_mut(&self.1) else { return };
        if !halves.has_parted {
            halves.has_parted = true;
            halves.written.push(piece);
        }
    }
}

impl SendHalf for PipeSend {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Gone> {
        poll_fn(|_| {
            let mut ends = self.0.ends();
            let (is_gone, unspeakable) = (ends.is_gone, ends.unspeakable.clone());
            match ends.streams.get_mut(&self.1) {
                Some(halves) if !is_gone && halves.is_stalled => {
                    halves.settled_behind.get_or_insert(halves.settled);
                    Poll::Pending
                }
                Some(halves) if !is_gone => {
                    if halves.settled == unspeakable.generation() {
                        unspeakable.hear(&bytes);
                    }
                    halves.settled = halves.settled_behind.take().unwrap_or(halves.settled);
                    halves.written.push(Piece::Bytes(bytes.to_vec()));
                    Poll::Ready(Ok(()))
                }
                _ => Poll::Ready(Err(gone())),
            }
        })
        .await
    }

    fn finish(&mut self) {
        self.part(Piece::Finish);
    }

    async fn taken(&mut self) {
        let is_taken = |ends: &Ends| {
            ends.is_gone || ends.streams.get(&self.1).is_none_or(|halves| halves.written.is_empty())
        };
        poll_fn(|_| if is_taken(&self.0.ends()) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    fn reset(&mut self, code: ResetCode) {
        self.part(Piece::Reset(code));
    }

    fn set_priority(&mut self, _: i32) {}
}

impl Drop for PipeSend {
    fn drop(&mut self) {
        self.part(Piece::Finish);
    }
}

/// The half of a stream that the server reads.
#[derive(Debug)]
pub(crate) struct PipeReceive(Pipe, Stream);

impl PipeReceive {
    /// What there is of the first `most` bytes; `None` at the end of the stream.
    fn poll(&self, most: usize) -> Poll<Result<Option<Vec<u8>>, Gone>> {
        let mut ends = self.0.ends();
        let is_gone = ends.is_gone;
        let halves = ends.streams.entry(self.1).or_default();
        let most = most.min(halves.arrived.len());
        if most > 0 {
            halves.read += most;
            return Poll::Ready(Ok(Some(halves.arrived.drain(..most).collect())));
        }
        match (is_gone, halves.is_ended) {
            (true, _) => Poll::Ready(Err(gone())),
            (_, true) => Poll::Ready(Ok(None)),
            (false, false) => Poll::Pending,
        }
    }
}

impl ReceiveHalf for PipeReceive {
    async fn read(&mut self, decoder: &mut Decoder) -> Result<bool, Gone> {
        let bytes = poll_fn(|_| self.poll(decoder.room())).await?;
        if let Some(bytes) = &bytes {
            decoder.push(bytes);
        }
        Ok(bytes.is_some())
    }

    async fn read_byte(&mut self) -> Result<Option<u8>, Gone> {
        let bytes = poll_fn(|_| self.poll(1)).await?;
        Ok(bytes.and_then(|bytes| bytes.first().copied()))
    }

    fn stop(&mut self, _: ResetCode) {}
}
