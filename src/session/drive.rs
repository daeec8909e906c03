//! Drives a stream over a transport: carries out what it says and tells it what comes.
//!
//! The same code serves QUIC on the server's tasks and pipes in a simulated world; what differs between the two is in
//! [`Transport`](super::Transport) and [`Host`]. Must never hold: a decision about a frame.

use core::future::{Future, pending, poll_fn};
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;

use super::connection::{Close, Connection};
use super::lane::Lane;
use super::step::{Claim, End, Found, Heard, Look, NotFound, Note, Parting, Step};
use super::stream::Stream;
use super::transport::{Gone, ReceiveHalf, SendHalf};
use crate::model::Timestamp;
use crate::service::Input;
use crate::wire::CloseCode;

/// How long a peer gets to take the last words of a stream or connection.
pub const LAST_WORDS: Duration = Duration::from_secs(1);

/// A wait for some time.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The service is gone: the process is about to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceGone;

/// What one stream needs of the process it runs in.
pub trait Host: Send {
    /// Hands questions to the service, in order; waits while it has too many.
    fn ask(&mut self, inputs: Vec<Input>) -> impl Future<Output = Result<(), ServiceGone>> + Send;

    /// Waits for what the stream is told: letters in the order they were written, all of them before an ending.
    /// [`Heard::Identity`] only if `awaits_identity`. May be given up while waiting without losing anything.
    fn hear(&mut self, awaits_identity: bool) -> impl Future<Output = Heard> + Send;

    /// Reads the log.
    fn look(&mut self, look: Look) -> impl Future<Output = Result<Found, NotFound>> + Send;

    /// Whether the claim holds. If it does, the session is bound to the device of that key from now on.
    fn proves(&mut self, claim: &Claim) -> bool;

    /// The connection has proven who it is: its other streams are to hear of it.
    fn entered(&mut self);

    /// Something worth counting.
    fn note(&mut self, note: Note);

    /// The time of day.
    fn now(&self) -> Timestamp;

    /// A wait for some time.
    fn sleep(&self, time: Duration) -> Sleep;
}

/// Serves one stream of `connection` from its first byte to its end; says how the connection must be closed because of
/// it, if it must.
pub fn serve<S: SendHalf, R: ReceiveHalf, H: Host>(
    connection: Arc<Connection>,
    lane: Lane,
    halves: (S, R),
    host: H,
) -> impl Future<Output = Option<Close>> {
    // What a part of its life takes is given back behind it: a stream is idle most of the time, and there are many.
    let beginning = Box::pin(begin(connection, lane, halves, host));
    async move {
        let (driver, send) = beginning.await?;
        Box::pin(driver.run(send)).await
    }
}

/// Waits for a stream's first byte, and until it is known whose it is; `None` if it is gone.
async fn begin<S: SendHalf, R: ReceiveHalf, H: Host>(
    connection: Arc<Connection>,
    lane: Lane,
    (send, mut receive): (S, R),
    mut host: H,
) -> Option<(Driver<R, H>, S)> {
    let silence_max = connection.settings.silence_max;
    let byte = match within(host.sleep(silence_max), receive.read_byte()).await {
        Some(Ok(byte)) => byte,
        Some(Err(_)) => return None,
        None => None,
    };
    let mut stream = Stream::new(&connection, lane, byte);
    // Nothing more is read of a peer that has proven nothing, and as little as possible is held for it.
    while stream.awaits_identity() {
        let heard = host.hear(true).await;
        stream.handle(heard, host.now());
    }
    let driver =
        Driver { stream, receive, host, silence: None, silence_max, hears_peer_first: false };
    Some((driver, send))
}

struct Driver<R, H> {
    stream: Stream,
    receive: R,
    host: H,
    /// Until when the first frame must have come.
    silence: Option<Sleep>,
    silence_max: Duration,
    /// Whose turn it is when both have something to say, so that neither waits for ever.
    hears_peer_first: bool,
}

/// Something that happened while the driver waited.
enum Event {
    Heard(Heard),
    Read(Result<bool, Gone>),
    Silence,
    Written(Result<(), Gone>),
}

impl<R: ReceiveHalf, H: Host> Driver<R, H> {
    async fn run(mut self, mut send: impl SendHalf) -> Option<Close> {
        loop {
            let step = self.stream.poll_step();
            while let Some(note) = self.stream.poll_note() {
                self.host.note(note);
            }
            match step {
                Step::Wait => {
                    let event = self.listen().await;
                    self.tell(event);
                }
                Step::Write(bytes) => self.write(&mut send, bytes).await,
                Step::Ask(inputs) => {
                    if self.host.ask(inputs).await.is_err() {
                        return Some((CloseCode::Internal, "the server has failed".to_owned()));
                    }
                }
                Step::Look(look) => {
                    let found = Box::pin(self.host.look(look)).await;
                    self.stream.handle_found(found);
                }
                Step::Prove(claim) => {
                    let holds = self.host.proves(&claim);
                    self.stream.handle_proof(holds);
                }
                Step::Entered(_) => self.host.entered(),
                Step::Priority(priority) => send.set_priority(priority),
                Step::End(end) => return Box::pin(self.part(send, end)).await,
            }
        }
    }

    /// Writes all of `bytes` and hears what comes meanwhile.
    async fn write(&mut self, send: &mut impl SendHalf, bytes: Bytes) {
        let mut write = pin!(send.write(bytes));
        loop {
            let event = {
                let mut listen = pin!(self.listen());
                poll_fn(|cx| match write.as_mut().poll(cx) {
                    Poll::Ready(written) => Poll::Ready(Event::Written(written)),
                    Poll::Pending => listen.as_mut().poll(cx),
                })
                .await
            };
            // A peer that is gone takes nothing any more.
            let is_over = matches!(event, Event::Written(_) | Event::Read(Err(_)));
            self.tell(event);
            if is_over {
                return;
            }
        }
    }

    fn tell(&mut self, event: Event) {
        match event {
            Event::Heard(heard) => {
                let now = self.host.now();
                self.stream.handle(heard, now);
            }
            Event::Read(Ok(more)) => self.stream.handle_bytes(more),
            Event::Written(Ok(())) => self.stream.handle_written(),
            Event::Read(Err(_)) | Event::Written(Err(_)) => self.stream.handle_gone(),
            Event::Silence => self.stream.handle_silence(),
        }
    }

    /// Waits for whatever comes next. May be given up while waiting without losing anything.
    async fn listen(&mut self) -> Event {
        let Self { stream, receive, host, silence, silence_max, hears_peer_first } = self;
        match silence {
            Some(_) if !stream.awaits_first_frame() => *silence = None,
            None if stream.awaits_first_frame() => *silence = Some(host.sleep(*silence_max)),
            _ => {}
        }
        let mut heard = pin!(host.hear(false));
        let wants_bytes = stream.wants_bytes();
        let mut read = pin!(async {
            if wants_bytes { receive.read(stream.decoder()).await } else { pending().await }
        });
        *hears_peer_first = !*hears_peer_first;
        let peer_first = *hears_peer_first;
        poll_fn(|cx| {
            let mut peer = |cx: &mut Context<'_>| read.as_mut().poll(cx).map(Event::Read);
            let mut own = |cx: &mut Context<'_>| heard.as_mut().poll(cx).map(Event::Heard);
            let event = if peer_first {
                either(peer(cx), || own(cx))
            } else {
                either(own(cx), || peer(cx))
            };
            either(event, || match silence {
                Some(silence) => silence.as_mut().poll(cx).map(|()| Event::Silence),
                None => Poll::Pending,
            })
        })
        .await
    }

    /// Ends the stream so.
    async fn part(mut self, mut send: impl SendHalf, end: End) -> Option<Close> {
        match end.how {
            Parting::Silent => {}
            Parting::Finish => send.finish(),
            Parting::Linger => {
                send.finish();
                // Whether it was taken or not, there is nothing more to do.
                within(self.host.sleep(LAST_WORDS), send.taken()).await;
            }
            Parting::Reset(code) => {
                self.receive.stop(code);
                send.reset(code);
            }
        }
        end.close
    }
}

fn either<T>(first: Poll<T>, second: impl FnOnce() -> Poll<T>) -> Poll<T> {
    if first.is_ready() { first } else { second() }
}

/// What `future` comes to, unless `time` is over before.
async fn within<T>(mut time: Sleep, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => time.as_mut().poll(cx).map(|()| None),
    })
    .await
}
