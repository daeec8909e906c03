//! Requests in the order they came, each with its answer once there is one.
//!
//! Must never hold: more than [`REQUESTS_IN_FLIGHT_MAX`] requests, or an answer that overtakes an older one.

use std::collections::VecDeque;
use std::sync::Arc;

use super::lane::{Lane, Letter};
use super::step::{Look, Note, WRITE_BYTES};
use crate::model::Refusal;
use crate::model::limits::REQUESTS_IN_FLIGHT_MAX;
use crate::protocol::refusal::refused;
use crate::protocol::{Answer, Command, Requested};
use crate::service::{Actor, Input, Reply};
use crate::wire::{Decoder, FrameFault, encode};

/// The requests of one connection.
pub(super) struct Ledger {
    actor: Arc<Actor>,
    /// The lane's number for the oldest entry; the others follow without gaps.
    oldest: u32,
    entries: VecDeque<Entry>,
}

struct Entry {
    request: u64,
    kind: &'static str,
    answer: Option<Result<Reply, Refusal>>,
}

impl Entry {
    fn is_ready(&self) -> bool {
        !matches!(self.answer, None | Some(Ok(Reply::Erased { .. })))
    }
}

impl Ledger {
    /// The requests of `actor`, of which the first has the number `first` on the lane.
    pub(super) fn new(actor: Arc<Actor>, first: u32) -> Self {
        Self { actor, oldest: first, entries: VecDeque::new() }
    }

    pub(super) fn has_room(&self) -> bool {
        self.entries.len() < REQUESTS_IN_FLIGHT_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The requests that were read, as far as there is room. A request that cannot be asked has its answer at once,
    /// which still waits for its turn.
    pub(super) fn take_requests(
        &mut self,
        decoder: &mut Decoder,
        lane: &mut Lane,
    ) -> Result<Vec<Input>, FrameFault> {
        let mut inputs = Vec::new();
        while self.has_room() {
            let Some(frame) = decoder.next_frame()? else { break };
            let Some(request) = Command::decode(&frame)? else { continue };
            inputs.extend(self.enter(request, lane));
        }
        Ok(inputs)
    }

    /// Refuses the requests that were read because the server stops.
    pub(super) fn refuse_requests(
        &mut self,
        decoder: &mut Decoder,
        lane: &mut Lane,
    ) -> Result<(), FrameFault> {
        while let Some(frame) = decoder.next_frame()? {
            if let Some(request) = Command::decode(&frame)? {
                self.enter(Requested { command: Err(Refusal::GoingAway), ..request }, lane);
            }
        }
        Ok(())
    }

    fn enter(&mut self, request: Requested, lane: &mut Lane) -> Option<Input> {
        let (_, ticket) = lane.ticket();
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

    /// Writes answers down with their requests.
    pub(super) fn file(&mut self, letters: Vec<Letter>) {
        for letter in letters {
            let Letter::Reply(number, answer) = letter else { continue };
            let index = number.wrapping_sub(self.oldest) as usize;
            let entry = self.entries.get_mut(index).expect("only what was asked is answered");
            debug_assert!(entry.answer.is_none(), "each question gets one answer");
            entry.answer = Some(answer);
        }
    }

    /// What the log must be asked for before the oldest entry can be answered.
    pub(super) fn looks_for(&self) -> Option<Look> {
        match self.entries.front()?.answer {
            Some(Ok(Reply::Erased { position, by_itself, keeps })) => {
                Some(Look::Erasure { position, is_whole: !by_itself, keeps })
            }
            _ => None,
        }
    }

    /// The log was asked for it.
    pub(super) fn certify(&mut self, certificate: String) {
        let Some(entry) = self.entries.front_mut() else { return };
        if let Some(Ok(Reply::Erased { .. })) = entry.answer {
            entry.answer = Some(Ok(Reply::Done(Answer::Erased { certificate })));
        }
    }

    /// The frames of the oldest entries that are answered, as much as goes into one write.
    pub(super) fn take_answers(&mut self, notes: &mut Vec<Note>) -> Vec<u8> {
        let mut out = Vec::new();
        while out.len() < WRITE_BYTES {
            let Some(entry) = self.entries.pop_front_if(|entry| entry.is_ready()) else { break };
            self.oldest = self.oldest.wrapping_add(1);
            let Some(answer) = entry.answer else { break };
            write(entry.request, &answer, &mut out);
            match answer {
                Ok(_) => count(entry.kind, notes),
                Err(refusal) => notes.push(Note::Refused(entry.kind, refusal)),
            }
        }
        out
    }
}

/// Appends the frame that answers `request`.
fn write(request: u64, answer: &Result<Reply, Refusal>, out: &mut Vec<u8>) {
    match answer {
        Ok(Reply::Done(answer)) => answer.encode(request, out),
        Ok(other) => unreachable!("the service answered a request of CONTROL with {other:?}"),
        Err(refusal) => encode(&refused(request, refusal), out),
    }
}

/// Counts equal answers in one note instead of one by one.
fn count(kind: &'static str, notes: &mut Vec<Note>) {
    match notes.last_mut() {
        Some(Note::Answered(last, count)) if *last == kind => *count += 1,
        _ => notes.push(Note::Answered(kind, 1)),
    }
}
