//! A connection to a server of another make: requests that may be unanswered up to a number, and their answers, as the bench's own
//! connections have them.
//!
//! Must never hold: bytes of one protocol.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::cli::command::bench::joined::joined;
use crate::cli::command::bench::link::wrong;
use crate::cli::command::bench::progress::Progress;
use crate::cli::command::bench::pump::{Work, shares};
use crate::cli::command::bench::samples::Samples;
use crate::cli::run::failure::Failure;

/// Bytes after which what was asked is written, and that are read at once.
const WRITE_BYTES: usize = 16 * 1024;
const READ_BYTES: usize = 64 * 1024;

/// What came from a server, taken from its front.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken<T> {
    /// So many bytes.
    pub(super) bytes: usize,
    /// What they say.
    pub(super) said: T,
}

/// How a protocol asks something, and how it answers.
pub(super) trait Speech: Send {
    /// Something said by the server.
    type Said: Send;

    /// Takes the first whole thing that was said; nothing if it is not whole yet.
    fn take(bytes: &[u8]) -> Result<Option<Taken<Self::Said>>, Failure>;

    /// Appends request `number`, counted from 1.
    fn ask(&mut self, number: u64, out: &mut Vec<u8>);

    /// Whether `said` answers a request.
    fn is_answer(said: &Self::Said) -> Result<bool, Failure>;
}

/// A connection.
pub(super) struct Talk<S: Speech> {
    stream: TcpStream,
    /// What is asked on it.
    pub(super) speech: S,
    out: Vec<u8>,
    read: Vec<u8>,
    begin: usize,
    next: u64,
}

impl<S: Speech> Talk<S> {
    /// Connects, and says nothing.
    pub(super) async fn connect(address: SocketAddr, speech: S) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await.map_err(wrong)?;
        stream.set_nodelay(true).map_err(wrong)?;
        Ok(Self { stream, speech, out: Vec::new(), read: Vec::new(), begin: 0, next: 1 })
    }

    /// Writes `bytes`.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stream.write_all(bytes).await.map_err(wrong)
    }

    /// What is said next; waits for it. Cancel-safe.
    pub(super) async fn said(&mut self) -> Result<S::Said, Failure> {
        loop {
            if let Some(said) = self.said_already()? {
                return Ok(said);
            }
            self.read.drain(..self.begin);
            self.begin = 0;
            self.read.reserve(READ_BYTES);
            if self.stream.read_buf(&mut self.read).await.map_err(wrong)? == 0 {
                return Err(wrong("the connection ended"));
            }
        }
    }

    /// What is said next, if it is here.
    pub(super) fn said_already(&mut self) -> Result<Option<S::Said>, Failure> {
        let taken = S::take(&self.read[self.begin..])?;
        Ok(taken.map(|taken| {
            self.begin += taken.bytes;
            taken.said
        }))
    }

    /// Asks and takes answers until `work` is done; returns how long each answer took.
    pub(super) async fn run(
        &mut self,
        work: Work,
        progress: &Progress,
    ) -> Result<Samples, Failure> {
        let mut samples = Samples::with_capacity(work.count);
        let mut flight: VecDeque<Instant> = VecDeque::with_capacity(work.window);
        let last = self.next + work.count as u64;
        while self.next < last || !flight.is_empty() {
            while flight.len() < work.window && self.next < last {
                self.speech.ask(self.next, &mut self.out);
                self.next += 1;
                flight.push_back(Instant::now());
                if self.out.len() >= WRITE_BYTES {
                    self.flush().await?;
                }
            }
            self.flush().await?;
            let mut said = Some(self.said().await?);
            let now = Instant::now();
            let before = samples.len();
            while let Some(answer) = said {
                if S::is_answer(&answer)? {
                    let asked = flight.pop_front().ok_or_else(|| wrong("an answer to nothing"))?;
                    samples.add(now.duration_since(asked));
                }
                said = self.said_already()?;
            }
            progress.add(samples.len() - before);
        }
        Ok(samples)
    }

    /// Asks once and does not wait.
    pub(super) async fn ask(&mut self) -> Result<(), Failure> {
        self.speech.ask(self.next, &mut self.out);
        self.next += 1;
        self.flush().await
    }

    /// Asks `count` times and does not wait.
    pub(super) async fn ask_all(&mut self, count: usize) -> Result<(), Failure> {
        for _ in 0..count {
            self.speech.ask(self.next, &mut self.out);
            self.next += 1;
            if self.out.len() >= WRITE_BYTES {
                self.flush().await?;
            }
        }
        self.flush().await
    }

    /// The number of the next request.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        if !self.out.is_empty() {
            self.stream.write_all(&self.out).await.map_err(wrong)?;
            self.out.clear();
        }
        Ok(())
    }
}

/// Runs all `talks` at once, sharing `work.count` requests among them, as the bench's own connections do. Returns them, how long it
/// took, and the times of all answers.
pub(super) async fn run_all<S: Speech + 'static>(
    talks: Vec<Talk<S>>,
    work: Work,
    what: &str,
) -> Result<(Vec<Talk<S>>, Duration, Samples), Failure> {
    let progress = Arc::new(Progress::begin(what, work.count));
    let shares = shares(work.count, talks.len());
    let (began, mut running) = (Instant::now(), JoinSet::new());
    for (mut talk, count) in talks.into_iter().zip(shares) {
        let progress = Arc::clone(&progress);
        running.spawn(async move {
            let samples = talk.run(Work { count, ..work }, &progress).await?;
            Ok::<_, Failure>((talk, samples))
        });
    }
    let (talks, all) = joined(running).await?;
    if all.len() == work.count {
        Ok((talks, began.elapsed(), all))
    } else {
        Err(wrong(format!("{} of {} were answered", all.len(), work.count)))
    }
}
