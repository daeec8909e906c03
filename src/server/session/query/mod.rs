//! A QUERY stream: one request that changes nothing, its rows, and the end.
//!
//! Must never hold: a second request.

mod past;
mod question;
mod rows;

use std::sync::Arc;

use bytes::Bytes;
use tracing::{debug, error};

use self::question::{Question, Rest};
use super::{Session, StreamEnd, WRITE_BYTES, first_frame, refuse_stream};
use crate::commit::history::HistoryFault;
use crate::log::{LogFault, LogReader};
use crate::model::Refusal;
use crate::service::{Actor, Input, Query, Reply};
use crate::session::{Gone, ReceiveHalf, SendHalf};
use crate::wire::body::{Body, End};
use crate::wire::convert::refused;
use crate::wire::{Decoder, ResetCode, encode};

/// Higher leaves first: below the feeds that are live.
const PRIORITY: i32 = 0;

/// Serves one query.
pub(super) async fn serve<S: SendHalf, R: ReceiveHalf>(
    session: &Session,
    mut send: S,
    mut receive: R,
) -> Result<(), StreamEnd> {
    send.set_priority(PRIORITY);
    let mut decoder = Decoder::default();
    let first = first_frame(session, &mut receive, &mut decoder).await?;
    let wanted = first.and_then(|frame| Question::read(&frame).map_err(|fault| fault.reset_code()));
    let question = match wanted {
        Ok(question) => question,
        Err(code) => {
            refuse_stream(&mut send, &mut receive, code);
            return Ok(());
        }
    };
    let actor = session.actor().await?;
    let mut answer = Answer { session, actor, send, out: Vec::new() };
    match answer.serve(question).await? {
        Ok(()) => answer.send.finish(),
        Err(code) => refuse_stream(&mut answer.send, &mut receive, code),
    }
    Ok(())
}

/// Why a question has no answer, or none to its end.
enum NoAnswer {
    /// The service says no.
    Refused(Refusal),
    /// The log could not be read.
    Broken(LogFault),
    /// The stream or the server is gone.
    Ended(StreamEnd),
}

impl From<Refusal> for NoAnswer {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<HistoryFault> for NoAnswer {
    fn from(fault: HistoryFault) -> Self {
        fault.refusal().map_or_else(Self::Broken, Self::Refused)
    }
}

impl<T: Into<StreamEnd>> From<T> for NoAnswer {
    fn from(end: T) -> Self {
        Self::Ended(end.into())
    }
}

/// An answer being given.
struct Answer<'a, S> {
    session: &'a Session,
    actor: Arc<Actor>,
    send: S,
    // What goes into the next write.
    out: Vec<u8>,
}

impl<S: SendHalf> Answer<'_, S> {
    /// Answers or refuses; the code to give the stream up with if it can do neither.
    async fn serve(&mut self, question: Question) -> Result<Result<(), ResetCode>, StreamEnd> {
        let kind = question.kind();
        let given = match question.query(&self.actor) {
            Ok((query, rest)) => self.give(query, rest).await,
            Err(refusal) => Err(refusal.into()),
        };
        debug!(kind, ok = given.is_ok(), "answered");
        match given {
            Ok(()) => self.session.shared.metrics.answered(kind, 1),
            Err(NoAnswer::Refused(refusal)) => {
                self.session.shared.metrics.refused(kind, &refusal);
                encode(&refused(0, &refusal), &mut self.out);
                self.flush().await?;
            }
            Err(NoAnswer::Broken(fault)) => {
                error!(%fault, kind, "a question could not read the log; have all of it verified");
                return Ok(Err(ResetCode::Internal));
            }
            Err(NoAnswer::Ended(end)) => return Err(end),
        }
        Ok(Ok(()))
    }

    async fn give(&mut self, query: Query, rest: Rest) -> Result<(), NoAnswer> {
        let reply = self.ask(query).await?;
        match rest {
            Rest::Nothing => self.write_reply(&reply).await?,
            Rest::Changes { presentity, span, limit } => {
                self.write_changes(presentity, &reply, span, limit).await?;
            }
            Rest::At { presentity, time } => self.write_moment(presentity, &reply, time).await?,
            Rest::Explain { presentity, watcher, time } => {
                self.write_explanation(presentity, watcher, time, reply).await?;
            }
            Rest::Quarantine { inbox } => self.write_quarantine(&inbox, reply).await?,
        }
        Ok(self.flush().await?)
    }

    async fn ask(&mut self, query: Query) -> Result<Reply, NoAnswer> {
        let (mut lane, mailbox) = self.session.seat.lane();
        let actor = Actor::clone(&self.actor);
        let input = Input::Query { ticket: lane.ticket().1, actor, query };
        self.session.shared.writer.submit(vec![input]).await?;
        Ok(mailbox.answer().await?)
    }

    /// Adds a frame; what is enough for a write leaves.
    async fn add<B: Body>(&mut self, body: &B) -> Result<(), Gone> {
        encode(body, &mut self.out);
        if self.out.len() >= WRITE_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Adds the last frame of an answer that has rows.
    async fn end(&mut self) -> Result<(), Gone> {
        self.add(&End {}).await
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        match std::mem::take(&mut self.out) {
            out if out.is_empty() => Ok(()),
            out => self.send.write(Bytes::from(out)).await,
        }
    }

    /// Reads the log where waiting for the disk holds up nobody else.
    async fn read<T: Send + 'static>(
        &mut self,
        look: impl FnOnce(&dyn LogReader) -> Result<T, HistoryFault> + Send + 'static,
    ) -> Result<T, HistoryFault> {
        let reader = Arc::clone(&self.session.shared.reader);
        let read = tokio::task::spawn_blocking(move || look(reader.as_ref())).await;
        read.unwrap_or_else(|panic| {
            Err(LogFault::Engine { action: "read", reason: panic.to_string() }.into())
        })
    }
}
