//! A QUERY stream: one question that changes nothing, its rows, and the end.
//!
//! Must never hold: a second question.

use std::sync::Arc;

use bytes::Bytes;

use super::connection::Connection;
use super::lane::{Lane, Letter};
use super::shown::shown_body;
use super::step::{End, Found, Look, NotFound, Note, Parting, Step, WRITE_BYTES};
use crate::model::{
    Ahead, InboxAddress, Presentity, Refusal, Sequence, SubscriptionState, Timestamp,
};
use crate::protocol::body;
use crate::protocol::document::presence_body;
use crate::protocol::refusal::refused;
use crate::protocol::{Explain, FetchAt, ListHistory, ListQuarantine, Question, write};
use crate::service::{Actor, InboxRow, Input, Judged, Query, Reply, Span};
use crate::wire::{Frame, FrameFault, ResetCode, encode};

/// Higher leaves first: below the feeds that are live.
const PRIORITY: i32 = 0;
/// Messages read at once; all of the largest size are 1 MiB.
const MESSAGES_AT_ONCE: usize = 16;

/// A QUERY stream whose first frame has come.
pub(super) struct Questioning {
    connection: Arc<Connection>,
    lane: Lane,
    kind: &'static str,
    actor: Arc<Actor>,
    phase: Phase,
    /// What goes into the next writes.
    out: Vec<u8>,
    /// What has been decided to happen next, last one first.
    next: Vec<Step>,
}

enum Phase {
    /// The service is to answer.
    Asked(Question),
    /// The log is to answer.
    Looking(Looking),
    /// All is said; what is left is written, and the stream ends.
    Over(Parting),
}

/// What the log is asked for.
enum Looking {
    Changes,
    At(Presentity),
    Explain,
    /// Messages stored aside in this inbox, and the rows that were not read yet.
    Quarantine(InboxAddress, Vec<InboxRow>, InboxRow),
}

impl Questioning {
    /// The question of `actor` in the first frame of a stream: the service is asked, or the question refused.
    ///
    /// # Errors
    /// [`FrameFault`] if it is none, or does not decode.
    pub(super) fn new(
        connection: Arc<Connection>,
        lane: Lane,
        actor: Arc<Actor>,
        frame: &Frame,
        notes: &mut Vec<Note>,
    ) -> Result<Self, FrameFault> {
        let (kind, question) = Question::decode(frame)?;
        let (phase, out, next) = (Phase::Over(Parting::Finish), Vec::new(), Vec::new());
        let mut questioning = Self { connection, lane, kind, actor, phase, out, next };
        match question {
            Ok(question) => questioning.ask(question.clone().into(), question),
            Err(refusal) => questioning.refuse(refusal, notes),
        }
        questioning.next.push(Step::Priority(PRIORITY));
        Ok(questioning)
    }

    /// The stream is gone.
    pub(super) fn handle_gone(&mut self) {
        self.next.clear();
        self.out.clear();
        self.phase = Phase::Over(Parting::Silent);
    }

    pub(super) fn handle_letters(
        &mut self,
        letters: Vec<Letter>,
        now: Timestamp,
        notes: &mut Vec<Note>,
    ) {
        for letter in letters {
            let Letter::Reply(_, result) = letter else { continue };
            let phase = core::mem::replace(&mut self.phase, Phase::Over(Parting::Finish));
            match (phase, result) {
                (Phase::Asked(asked), Ok(reply)) => self.answered(asked, reply, now, notes),
                (Phase::Asked(_), Err(refusal)) => self.refuse(refusal, notes),
                (phase, _) => self.phase = phase,
            }
        }
    }

    /// The service answered; what it cannot know, the log is asked for.
    fn answered(&mut self, asked: Question, reply: Reply, now: Timestamp, notes: &mut Vec<Note>) {
        let (look, looking) = match (asked, reply) {
            (Question::ListQuarantine(asked), Reply::Page(rows)) => {
                return self.read_page(asked.inbox, rows, notes);
            }
            (Question::ListHistory(asked), Reply::History { last, ahead }) => {
                (changes(asked, last, ahead), Looking::Changes)
            }
            (Question::FetchAt(FetchAt { presentity, at }), Reply::History { last, ahead }) => {
                (Look::At(presentity.clone(), last, ahead.passed(at)), Looking::At(presentity))
            }
            (Question::Explain(asked), reply) => {
                let (last, judged) = judged(asked, now, reply);
                (Look::Explain(last, Box::new(judged)), Looking::Explain)
            }
            (_, Reply::Presence(item)) => {
                let secret = &self.connection.settings.store_secret;
                encode(&shown_body(secret, &item, &self.actor.principal), &mut self.out);
                return self.done(notes);
            }
            (Question::ListWatchers(asked), Reply::Watchers { rows, last }) => {
                for row in &rows {
                    write(row, &mut self.out);
                }
                let presentity = asked.presentity.clone();
                let query = Query::MoreWatchers { presentity, after: last };
                return self.ask(query, asked.into());
            }
            (Question::ListPrincipals(asked), Reply::Principals { rows, last }) => {
                for row in &rows {
                    write(row, &mut self.out);
                }
                let query = Query::MorePrincipals { domain: asked.domain.clone(), after: last };
                return self.ask(query, asked.into());
            }
            (_, Reply::Found(found)) => {
                found.write(&mut self.out);
                return self.done(notes);
            }
            (asked, reply) => unreachable!("the service answered {asked:?} with {reply:?}"),
        };
        self.look(look, looking);
    }

    fn look(&mut self, look: Look, looking: Looking) {
        self.phase = Phase::Looking(looking);
        self.next.push(Step::Look(look));
    }

    /// Reads the next messages of a page; asks for the next page behind it.
    fn read_page(&mut self, inbox: InboxAddress, rows: Vec<InboxRow>, notes: &mut Vec<Note>) {
        let Some(last) = rows.last().copied() else {
            encode(&body::End {}, &mut self.out);
            return self.done(notes);
        };
        self.read_rows(inbox, rows, last);
    }

    fn read_rows(&mut self, inbox: InboxAddress, mut rows: Vec<InboxRow>, last: InboxRow) {
        if rows.is_empty() {
            let query = Query::Quarantine { inbox: inbox.clone(), after: last.sequence };
            return self.ask(query, ListQuarantine { inbox }.into());
        }
        let later = rows.split_off(rows.len().min(MESSAGES_AT_ONCE));
        self.look(Look::Messages(rows), Looking::Quarantine(inbox, later, last));
    }

    pub(super) fn handle_found(&mut self, found: Result<Found, NotFound>, notes: &mut Vec<Note>) {
        let phase = core::mem::replace(&mut self.phase, Phase::Over(Parting::Finish));
        let Phase::Looking(looking) = phase else {
            self.phase = phase;
            return;
        };
        match found {
            Ok(found) => self.found(looking, found, notes),
            Err(NotFound::Refused(refusal)) => self.refuse(refusal, notes),
            Err(NotFound::Unreadable) => {
                self.out.clear();
                self.phase = Phase::Over(Parting::Reset(ResetCode::Internal));
            }
        }
    }

    fn found(&mut self, looking: Looking, found: Found, notes: &mut Vec<Note>) {
        match (looking, found) {
            (Looking::Changes, Found::Changes(rows)) if rows.is_empty() => {
                encode(&body::End {}, &mut self.out);
                self.done(notes);
            }
            (Looking::Changes, Found::Changes(rows)) => {
                for row in &rows {
                    write(row, &mut self.out);
                }
                self.look(Look::MoreChanges, Looking::Changes);
            }
            (Looking::At(presentity), Found::State(item)) => {
                let (state, document) = (SubscriptionState::Active, item.document.get());
                encode(&presence_body(&presentity, state, document), &mut self.out);
                self.done(notes);
            }
            (Looking::Explain, Found::Explained(explained)) => {
                write(&explained, &mut self.out);
                self.done(notes);
            }
            (Looking::Quarantine(inbox, later, last), Found::Messages(messages)) => {
                for message in &messages {
                    write(message, &mut self.out);
                }
                self.read_rows(inbox, later, last);
            }
            (_, found) => unreachable!("the log told {found:?}, which was not asked for"),
        }
    }

    fn done(&mut self, notes: &mut Vec<Note>) {
        notes.push(Note::Answered(self.kind, 1));
        self.phase = Phase::Over(Parting::Finish);
    }

    fn refuse(&mut self, refusal: Refusal, notes: &mut Vec<Note>) {
        encode(&refused(0, &refusal), &mut self.out);
        notes.push(Note::Refused(self.kind, refusal));
        self.phase = Phase::Over(Parting::Finish);
    }

    /// What to do next.
    pub(super) fn poll_step(&mut self) -> Step {
        let is_over = matches!(self.phase, Phase::Over(_));
        if self.out.len() >= WRITE_BYTES || is_over && !self.out.is_empty() {
            return Step::Write(self.next_write());
        }
        if let Some(step) = self.next.pop() {
            return step;
        }
        match &self.phase {
            Phase::Over(parting) => Step::End(End::of(*parting)),
            Phase::Asked(_) | Phase::Looking(_) => Step::Wait,
        }
    }

    /// As much as goes into one write.
    fn next_write(&mut self) -> Bytes {
        let rest = self.out.split_off(self.out.len().min(WRITE_BYTES));
        Bytes::from(core::mem::replace(&mut self.out, rest))
    }

    fn ask(&mut self, query: Query, asked: Question) {
        let (actor, (_, ticket)) = (Actor::clone(&self.actor), self.lane.ticket());
        self.phase = Phase::Asked(asked);
        self.next.push(Step::Ask(vec![Input::Query { ticket, actor, query }]));
    }
}

/// What the log is asked for a history, and where its walk begins.
fn changes(asked: ListHistory, last: Sequence, ahead: Ahead) -> Look {
    let passed = |wall: Option<Timestamp>| wall.map(|wall| ahead.passed(wall));
    let span = Span { since: passed(asked.since), until: passed(asked.until) };
    let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    Look::Changes { presentity: asked.presentity, last, span, limit }
}

/// What the log is asked for an explanation, and where its walk begins.
fn judged(asked: Explain, now: Timestamp, reply: Reply) -> (Sequence, Judged) {
    let Reply::Explain { last, ahead, default, rules, domain, controls } = reply else {
        unreachable!("the service answered an Explain with {reply:?}")
    };
    let Explain { presentity, watcher, at } = asked;
    let at = at.unwrap_or(now);
    let passed_at = ahead.passed(at);
    (last, Judged { presentity, watcher, at, passed_at, default, rules, domain, controls })
}
