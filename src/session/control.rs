//! The CONTROL stream: the introduction, then requests in and answers out in the order of the requests.
//!
//! A peer that takes no answers is not read either, and at most
//! [`REQUESTS_IN_FLIGHT_MAX`](crate::model::limits::REQUESTS_IN_FLIGHT_MAX) requests are unanswered at once.
//! Must never hold: an answer that overtakes an older one.

use std::sync::Arc;

use bytes::Bytes;

use super::connection::{Close, Connection};
use super::hello::{self, HelloStep, Introduction};
use super::lane::{Lane, Letter};
use super::ledger::Ledger;
use super::step::{End, Ending, Found, NotFound, Note, Parting, Step};
use crate::model::limits::FRAME_BYTES_MAX;
use crate::model::{Lifetime, Refusal, Timestamp};
use crate::protocol::body::Goaway;
use crate::protocol::refusal::refused;
use crate::service::Actor;
use crate::wire::{CloseCode, Decoder, FrameFault, encode};

/// Higher leaves first: answers before everything.
const PRIORITY: i32 = 20;

/// A CONTROL stream.
pub(super) struct Control {
    connection: Arc<Connection>,
    lane: Lane,
    pub(super) decoder: Decoder,
    phase: Phase,
    ending: Option<Ending>,
    /// What has been decided to happen next, last one first.
    next: Vec<Step>,
}

enum Phase {
    /// Who it is is not known yet.
    Entering(Box<Introduction>),
    /// Requests are served.
    Serving(Ledger),
    /// What was handed over is answered, nothing is read any more.
    Draining(Ledger, End),
    /// The server stops: later requests are refused, until the client goes.
    Leaving(Ledger),
    /// It is over.
    Over(End),
}

impl Control {
    pub(super) fn new(connection: Arc<Connection>, lane: Lane) -> Self {
        let phase = Phase::Entering(Box::new(Introduction::new(Arc::clone(&connection))));
        let (decoder, next) = (hello::decoder(), vec![Step::Priority(PRIORITY)]);
        Self { connection, lane, decoder, phase, ending: None, next }
    }

    /// Whether bytes of the peer are to be read now.
    pub(super) fn wants_bytes(&self) -> bool {
        match &self.phase {
            Phase::Entering(introduction) => introduction.wants_frame(),
            Phase::Serving(ledger) => ledger.has_room(),
            Phase::Leaving(ledger) => ledger.is_empty(),
            Phase::Draining(..) | Phase::Over(_) => false,
        }
    }

    /// The peer ended its half.
    pub(super) fn handle_finish(&mut self) {
        let phase = core::mem::replace(&mut self.phase, over(End::of(Parting::Silent)));
        self.phase = match phase {
            Phase::Entering(mut introduction) => {
                introduction.ended();
                Phase::Entering(introduction)
            }
            // It must not do that while the connection lives: it gets its answers, and that is the end.
            Phase::Serving(ledger) => match self.decoder.finish() {
                Ok(()) => {
                    let end = End::closing(Parting::Linger, without_control());
                    Phase::Draining(ledger, end)
                }
                Err(fault) => over(fault),
            },
            Phase::Leaving(_) => over(End::of(Parting::Silent)),
            phase @ (Phase::Draining(..) | Phase::Over(_)) => phase,
        };
    }

    /// The stream is gone.
    pub(super) fn handle_gone(&mut self) {
        self.next.clear();
        self.phase = over(match self.phase {
            Phase::Entering(_) => End::of(Parting::Silent),
            // Whoever resets or stops CONTROL has no way left to be told anything.
            _ => End::closing(Parting::Silent, without_control()),
        });
    }

    pub(super) fn handle_proof(&mut self, holds: bool) {
        if let Phase::Entering(introduction) = &mut self.phase {
            introduction.proven(holds);
        }
    }

    pub(super) fn handle_letters(&mut self, letters: Vec<Letter>, now: Timestamp) {
        match &mut self.phase {
            Phase::Entering(introduction) => {
                for letter in letters {
                    if let Letter::Reply(_, answer) = letter {
                        introduction.answered(answer, now);
                    }
                }
            }
            Phase::Serving(ledger) | Phase::Draining(ledger, _) | Phase::Leaving(ledger) => {
                ledger.file(letters);
            }
            Phase::Over(_) => {}
        }
    }

    /// What the log told of the erasure that is answered next.
    pub(super) fn handle_found(&mut self, found: Result<Found, NotFound>) {
        let (Phase::Serving(ledger) | Phase::Draining(ledger, _) | Phase::Leaving(ledger)) =
            &mut self.phase
        else {
            return;
        };
        // Without one it is erased all the same.
        let certificate = match found {
            Ok(Found::Certificate(certificate)) => certificate,
            _ => String::new(),
        };
        ledger.certify(certificate);
    }

    pub(super) fn handle_ending(&mut self, ending: Ending) {
        self.ending = Some(ending);
    }

    /// What to do next.
    pub(super) fn poll_step(&mut self, notes: &mut Vec<Note>) -> Step {
        loop {
            if let Some(step) = self.next.pop() {
                if let Step::Entered(actor) = &step {
                    self.connection.enter(Arc::clone(actor));
                }
                return step;
            }
            let advanced = match &self.phase {
                Phase::Over(end) => return Step::End(end.clone()),
                Phase::Entering(_) => Ok(self.enter(notes)),
                _ => self.serve(notes),
            };
            match advanced {
                Ok(true) => {}
                Ok(false) => return Step::Wait,
                Err(fault) => self.phase = over(fault),
            }
        }
    }

    /// Goes on with the introduction; false if it waits.
    fn enter(&mut self, notes: &mut Vec<Note>) -> bool {
        let Phase::Entering(introduction) = &mut self.phase else { return false };
        let step = match introduction.next_step(&mut self.decoder, &mut self.lane, notes) {
            HelloStep::Wait => return false,
            HelloStep::Write(frame) => Step::Write(frame.into()),
            HelloStep::Prove(claim) => Step::Prove(claim),
            HelloStep::Ask(input) => Step::Ask(vec![input]),
            HelloStep::LetIn(actor, welcome) => return self.let_in(actor, welcome),
            HelloStep::TurnAway(refusal) => return self.turn_away(refusal, notes),
            HelloStep::Close(close) => {
                self.phase = over(End::closing(Parting::Silent, close));
                return true;
            }
        };
        self.next.push(step);
        true
    }

    fn let_in(&mut self, actor: Arc<Actor>, welcome: Vec<u8>) -> bool {
        self.decoder.set_bytes_max(FRAME_BYTES_MAX);
        let ledger = Ledger::new(Arc::clone(&actor), self.lane.next_number());
        self.phase = Phase::Serving(ledger);
        self.next = vec![Step::Entered(actor), Step::Write(welcome.into())];
        true
    }

    fn turn_away(&mut self, refusal: Refusal, notes: &mut Vec<Note>) -> bool {
        let mut out = Vec::new();
        encode(&refused(0, &refusal), &mut out);
        let close = (CloseCode::AuthFailed, refusal.code().as_str().to_owned());
        notes.push(Note::TurnedAway(refusal));
        self.phase = over(End::closing(Parting::Linger, close));
        self.next.push(Step::Write(out.into()));
        true
    }

    /// Writes the answers that are due, then hands over the requests that were read; false if there are neither.
    fn serve(&mut self, notes: &mut Vec<Note>) -> Result<bool, FrameFault> {
        if let Some(Ending::GoingAway { time_left, reconnect_after }) = self.ending
            && let Phase::Serving(_) = &self.phase
        {
            self.leave(time_left, reconnect_after);
            return Ok(true);
        }
        let (Phase::Serving(ledger) | Phase::Draining(ledger, _) | Phase::Leaving(ledger)) =
            &mut self.phase
        else {
            return Ok(false);
        };
        let answers = ledger.take_answers(notes);
        if !answers.is_empty() {
            self.next.push(Step::Write(Bytes::from(answers)));
            return Ok(true);
        }
        if let Some(look) = ledger.looks_for() {
            self.next.push(Step::Look(look));
            return Ok(true);
        }
        match &mut self.phase {
            Phase::Serving(_) if self.ending == Some(Ending::Revoked) => {
                self.phase = over(End::of(Parting::Linger));
                Ok(true)
            }
            Phase::Draining(ledger, end) if ledger.is_empty() => {
                self.phase = over(end.clone());
                Ok(true)
            }
            Phase::Leaving(ledger) if ledger.is_empty() => {
                ledger.refuse_requests(&mut self.decoder, &mut self.lane)?;
                Ok(!ledger.is_empty())
            }
            Phase::Serving(_) => self.take_requests(),
            _ => Ok(false),
        }
    }

    fn take_requests(&mut self) -> Result<bool, FrameFault> {
        let Phase::Serving(ledger) = &mut self.phase else { return Ok(false) };
        let before = ledger.len();
        let inputs = ledger.take_requests(&mut self.decoder, &mut self.lane)?;
        let advanced = ledger.len() > before;
        if !inputs.is_empty() {
            self.next.push(Step::Ask(inputs));
        }
        Ok(advanced)
    }

    /// The server stops: says so, answers what was handed over, and refuses what comes later until the client closes
    /// the connection or its time is up.
    fn leave(&mut self, time_left: Lifetime, reconnect_after: Lifetime) {
        let phase = core::mem::replace(&mut self.phase, over(End::of(Parting::Silent)));
        if let Phase::Serving(ledger) = phase {
            self.phase = Phase::Leaving(ledger);
        }
        let goaway =
            Goaway { deadline_ms: time_left.as_ms(), reconnect_after_ms: reconnect_after.as_ms() };
        let mut out = Vec::new();
        encode(&goaway, &mut out);
        self.next.push(Step::Write(out.into()));
    }
}

fn over(end: impl Into<End>) -> Phase {
    Phase::Over(end.into())
}

fn without_control() -> Close {
    let reason = "CONTROL must live as long as the connection".to_owned();
    (CloseCode::ProtocolViolation, reason)
}
