//! A QUERY stream: one request that changes nothing, its rows, and the end.
//!
//! Must never hold: a second request.

use bytes::Bytes;
use tracing::debug;

use super::frames::write_frame;
use super::presence::shown_body;
use super::requests::own_or;
use super::{Session, StreamEnd, WRITE_BYTES, first_frame, refuse_stream};
use crate::model::Refusal;
use crate::server::stream::{Gone, ReceiveHalf, SendHalf};
use crate::service::{Actor, Input, Query, Reply};
use crate::wire::body::{
    Body, End, Fetch, InboxState, InboxStatus, Key, ListKeys, ListSubscriptions, Presence,
    Subscription,
};
use crate::wire::convert::refused;
use crate::wire::{Decoder, Frame, FrameFault, convert, decode, encode};

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
    let (kind, query) = (question.kind(), question.query(&actor));
    let result = match query {
        Ok(query) => ask(session, &actor, query).await?,
        Err(refusal) => Err(refusal),
    };
    debug!(kind, ok = result.is_ok(), "answered");
    match result {
        Ok(reply) => {
            write_reply(session, &actor, &mut send, &reply).await?;
            session.shared.metrics.answered(kind, 1);
        }
        Err(refusal) => {
            write_frame(&mut send, &refused(0, &refusal)).await?;
            session.shared.metrics.refused(kind, &refusal);
        }
    }
    send.finish();
    Ok(())
}

async fn ask(
    session: &Session,
    actor: &Actor,
    query: Query,
) -> Result<Result<Reply, Refusal>, StreamEnd> {
    let mut lane = session.seat.lane();
    let input = Input::Query { ticket: lane.ticket(), actor: actor.clone(), query };
    session.shared.writer.submit(vec![input]).await?;
    Ok(lane.answer().await)
}

/// A question that decodes.
enum Question {
    Fetch(Fetch),
    Subscriptions,
    Keys(ListKeys),
    Inbox(InboxStatus),
}

impl Question {
    fn read(frame: &Frame) -> Result<Self, FrameFault> {
        match frame.kind {
            ListSubscriptions::KIND => {
                decode::<ListSubscriptions>(frame).map(|_| Self::Subscriptions)
            }
            ListKeys::KIND => decode(frame).map(Self::Keys),
            InboxStatus::KIND => decode(frame).map(Self::Inbox),
            Fetch::KIND => decode(frame).map(Self::Fetch),
            found => Err(FrameFault::Unexpected { found, expected: "a question" }),
        }
    }

    /// The kind, for counting.
    fn kind(&self) -> &'static str {
        match self {
            Self::Fetch(_) => "fetch",
            Self::Subscriptions => "subscriptions",
            Self::Keys(_) => "keys",
            Self::Inbox(_) => "inbox",
        }
    }

    fn query(self, actor: &Actor) -> Result<Query, Refusal> {
        Ok(match self {
            Self::Fetch(body) => Query::Fetch { presentity: body.presentity.parse()? },
            Self::Subscriptions => Query::Subscriptions,
            Self::Keys(body) => Query::Keys { principal: own_or(&body.principal, actor)? },
            Self::Inbox(body) => Query::Inbox { inbox: body.inbox.parse()? },
        })
    }
}

/// Writes an answer in writes of about [`WRITE_BYTES`].
async fn write_reply(
    session: &Session,
    actor: &Actor,
    send: &mut impl SendHalf,
    reply: &Reply,
) -> Result<(), Gone> {
    let mut out = Vec::new();
    match reply {
        Reply::Presence(item) => {
            let presence = shown_body(&session.shared.store_secret, item, &actor.principal);
            encode(&Presence { presence, ext: Vec::new() }, &mut out);
        }
        Reply::Inbox { head, acknowledged, waiting, kept } => encode(
            &InboxState {
                head: head.get(),
                acknowledged: acknowledged.get(),
                waiting: *waiting,
                kept: *kept,
                ext: Vec::new(),
            },
            &mut out,
        ),
        Reply::Subscriptions(rows) => write_rows(send, &mut out, rows, subscription).await?,
        Reply::Keys(rows) => write_rows(send, &mut out, rows, key).await?,
        other => unreachable!("the service answered a query with {other:?}"),
    }
    send.write(Bytes::from(out)).await
}

/// Writes rows, leaving the last of them and the end in `out`.
async fn write_rows<T, B: Body>(
    send: &mut impl SendHalf,
    out: &mut Vec<u8>,
    rows: &[T],
    body: impl Fn(&T) -> B,
) -> Result<(), Gone> {
    for row in rows {
        encode(&body(row), out);
        if out.len() >= WRITE_BYTES {
            send.write(Bytes::from(std::mem::take(out))).await?;
        }
    }
    encode(&End { ext: Vec::new() }, out);
    Ok(())
}

fn subscription(row: &crate::service::SubscriptionRow) -> Subscription {
    let (state, reason) = convert::state_numbers(row.state);
    Subscription {
        presentity: row.presentity.to_string(),
        state,
        reason,
        mode: convert::mode_number(row.mode),
        remaining_ms: row.remaining.as_ms(),
        ext: Vec::new(),
    }
}

fn key(row: &crate::service::Key) -> Key {
    Key {
        device: row.device.0,
        label: row.label.as_str().to_owned(),
        enrolled_at_ms: row.enrolled_at.as_ms(),
        revoked_at_ms: row.revoked_at.map(crate::model::Timestamp::as_ms),
        ext: Vec::new(),
    }
}
