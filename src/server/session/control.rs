//! The CONTROL stream: requests in, answers out in the order of the requests.
//!
//! One task does both, so a peer that takes no answers is not read either, and at most
//! [`REQUESTS_IN_FLIGHT_MAX`] requests are unanswered at once.
//! Must never hold: an answer that overtakes an older one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use tracing::debug;

use super::requests::{self, Request};
use super::{Session, StreamEnd, WRITE_BYTES, answers, finish, hello, next_ending};
use crate::model::Refusal;
use crate::model::limits::REQUESTS_IN_FLIGHT_MAX;
use crate::server::lanes::{Ending, Lane, Letter};
use crate::server::stream::{ReceiveHalf, SendHalf};
use crate::service::{Actor, Input, Reply};
use crate::wire::body::Goaway;
use crate::wire::{CloseCode, Decoder, FrameFault, encode};

/// Higher leaves first: answers before everything.
const PRIORITY: i32 = 20;

/// Lets the connection in and serves its requests until it ends.
pub(super) async fn serve<S: SendHalf, R: ReceiveHalf>(
    session: &Session,
    exporter: impl FnOnce() -> Option<[u8; 32]>,
    mut send: S,
    mut receive: R,
) -> Result<(), StreamEnd> {
    send.set_priority(PRIORITY);
    let mut decoder = hello::decoder();
    let actor = hello::enter(session, exporter, &mut send, &mut receive, &mut decoder).await?;
    session.proven(actor.clone());
    let control = Control {
        session,
        send,
        receive,
        ledger: Ledger::new(actor, session.seat.lane(), decoder),
    };
    match control.run().await {
        // Whoever resets or stops CONTROL has no way left to be told anything.
        Err(StreamEnd::Gone) => Err(without_control()),
        ended => ended,
    }
}

fn without_control() -> StreamEnd {
    let reason = "CONTROL must live as long as the connection".to_owned();
    StreamEnd::Close(CloseCode::ProtocolViolation, reason)
}

struct Control<'a, S, R> {
    session: &'a Session,
    send: S,
    receive: R,
    ledger: Ledger,
}

/// What woke the stream.
enum Woken {
    Read { more: bool },
    Letters(Vec<Letter>),
    Ending(Ending),
}

impl<S: SendHalf, R: ReceiveHalf> Control<'_, S, R> {
    async fn run(mut self) -> Result<(), StreamEnd> {
        let mut ending = self.session.seat.ending();
        loop {
            self.advance().await?;
            let has_room = self.ledger.has_room();
            let woken = tokio::select! {
                letters = self.ledger.lane.letters() => Woken::Letters(letters),
                read = self.receive.read(&mut self.ledger.decoder), if has_room => {
                    Woken::Read { more: read? }
                }
                ending = next_ending(&mut ending) => Woken::Ending(ending),
            };
            match woken {
                Woken::Read { more: true } => {}
                Woken::Read { more: false } => return self.ended_by_client().await,
                Woken::Letters(letters) => self.ledger.file(letters),
                Woken::Ending(Ending::Revoked) => {
                    // The answer to the request that revoked the key came with the revocation, or before it.
                    let letters = self.ledger.lane.letters_so_far();
                    self.ledger.file(letters);
                    break;
                }
                Woken::Ending(Ending::GoingAway { deadline, reconnect_after }) => {
                    return self.go_away(deadline, reconnect_after).await;
                }
            }
        }
        self.answer().await?;
        finish(&mut self.send).await;
        Ok(())
    }

    /// Writes the answers that are due and hands over what was read, each read's requests as one bundle, until
    /// neither makes room for the other: afterwards either there is no whole request left or no room for one.
    async fn advance(&mut self) -> Result<(), StreamEnd> {
        loop {
            self.answer().await?;
            let before = self.ledger.entries.len();
            let inputs = self.ledger.take_requests()?;
            if self.ledger.entries.len() == before {
                return Ok(());
            }
            if !inputs.is_empty() {
                self.session.shared.writer.submit(inputs).await?;
            }
        }
    }

    /// Writes the answers that are due.
    async fn answer(&mut self) -> Result<(), StreamEnd> {
        loop {
            let out = self.ledger.take_answers(self.session);
            if out.is_empty() {
                return Ok(());
            }
            self.send.write(Bytes::from(out)).await?;
        }
    }

    /// Waits for the answers to all that was handed over.
    async fn drain(&mut self) -> Result<(), StreamEnd> {
        while !self.ledger.is_empty() {
            let letters = self.ledger.lane.letters().await;
            self.ledger.file(letters);
            self.answer().await?;
        }
        Ok(())
    }

    /// The server stops: says so, answers what was handed over, and refuses what comes later until the client
    /// closes the connection or its time is up.
    async fn go_away(
        mut self,
        deadline: Instant,
        reconnect_after: Duration,
    ) -> Result<(), StreamEnd> {
        let goaway = Goaway {
            deadline_ms: milliseconds(deadline.saturating_duration_since(Instant::now())),
            reconnect_after_ms: milliseconds(reconnect_after),
        };
        let mut out = Vec::new();
        encode(&goaway, &mut out);
        self.send.write(Bytes::from(out)).await?;
        self.drain().await?;
        loop {
            self.ledger.refuse_requests()?;
            self.answer().await?;
            if !self.receive.read(&mut self.ledger.decoder).await? {
                return Ok(());
            }
        }
    }

    /// The client ended its half, which it must not do while the connection lives: it gets its answers, and that is
    /// the end.
    async fn ended_by_client(mut self) -> Result<(), StreamEnd> {
        self.ledger.decoder.finish()?;
        self.drain().await?;
        finish(&mut self.send).await;
        Err(without_control())
    }
}

/// Requests in the order they came, each with its answer once there is one.
struct Ledger {
    actor: Arc<Actor>,
    lane: Lane,
    decoder: Decoder,
    // The lane's number of the oldest entry; the others follow without gaps.
    oldest: u32,
    entries: VecDeque<Entry>,
}

struct Entry {
    request: u64,
    kind: &'static str,
    answer: Option<Result<Reply, Refusal>>,
}

impl Ledger {
    fn new(actor: Actor, lane: Lane, decoder: Decoder) -> Self {
        Self { actor: Arc::new(actor), lane, decoder, oldest: 0, entries: VecDeque::new() }
    }

    fn has_room(&self) -> bool {
        self.entries.len() < REQUESTS_IN_FLIGHT_MAX
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The requests that were read, as far as there is room. A request that cannot be asked has its answer at once,
    /// which still waits for its turn.
    fn take_requests(&mut self) -> Result<Vec<Input>, FrameFault> {
        let mut inputs = Vec::new();
        while self.has_room() {
            let Some(frame) = self.decoder.next_frame()? else { break };
            let Some(request) = requests::read(&frame, &self.actor)? else { continue };
            inputs.extend(self.enter(request));
        }
        Ok(inputs)
    }

    /// Refuses the requests that were read because the server stops.
    fn refuse_requests(&mut self) -> Result<(), FrameFault> {
        while let Some(frame) = self.decoder.next_frame()? {
            if let Some(request) = requests::read(&frame, &self.actor)? {
                self.enter(Request { command: Err(Refusal::GoingAway), ..request });
            }
        }
        Ok(())
    }

    fn enter(&mut self, request: Request) -> Option<Input> {
        let ticket = self.lane.ticket();
        let (answer, input) = match request.command {
            Ok(command) => {
                let actor = Actor::clone(&self.actor);
                (None, Some(Input::Command { ticket, actor, command }))
            }
            Err(refusal) => (Some(Err(refusal)), None),
        };
        self.entries.push_back(Entry { request: request.number, kind: request.kind, answer });
        input
    }

    fn file(&mut self, letters: Vec<Letter>) {
        for letter in letters {
            let Letter::Reply(number, answer) = letter else { continue };
            let index = number.wrapping_sub(self.oldest) as usize;
            let entry = self.entries.get_mut(index).expect("only what was asked is answered");
            debug_assert!(entry.answer.is_none(), "each question gets one answer");
            entry.answer = Some(answer);
        }
    }

    /// The frames of the oldest entries that are answered, as much as goes into one write.
    fn take_answers(&mut self, session: &Session) -> Vec<u8> {
        let mut out = Vec::new();
        let mut tally = Tally::default();
        while out.len() < WRITE_BYTES {
            let Some(entry) = self.entries.pop_front_if(|entry| entry.answer.is_some()) else {
                break;
            };
            self.oldest = self.oldest.wrapping_add(1);
            let Some(answer) = entry.answer else { break };
            answers::write(entry.request, &answer, &mut out);
            debug!(kind = entry.kind, request = entry.request, ok = answer.is_ok(), "answered");
            match answer {
                Ok(_) => tally.add(entry.kind, session),
                Err(refusal) => session.shared.metrics.refused(entry.kind, &refusal),
            }
        }
        tally.close(session);
        out
    }
}

/// Counts equal answers in one step instead of one by one.
#[derive(Default)]
struct Tally {
    kind: &'static str,
    count: u64,
}

impl Tally {
    fn add(&mut self, kind: &'static str, session: &Session) {
        if kind != self.kind {
            self.close(session);
            self.kind = kind;
        }
        self.count += 1;
    }

    fn close(&mut self, session: &Session) {
        if self.count > 0 {
            session.shared.metrics.answered(self.kind, self.count);
            self.count = 0;
        }
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
