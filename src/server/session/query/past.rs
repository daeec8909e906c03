//! Answers that are read from the log: what was published, shown, decided or stored aside.
//!
//! The service has said that the one who asks may know, and where to begin.
//! Must never hold: a look at who asks.

use super::{Answer, NoAnswer};
use crate::commit::history::{self, ChangeKind, ChangeRow, Explained, Judged, Past, Span};
use crate::log::LogReader;
use crate::model::{
    Decision, InboxAddress, Message, Presentity, Principal, RuleName, Sequence, SubscriptionState,
    Timestamp,
};
use crate::server::clock;
use crate::service::{InboxRow, Query, Reply};
use crate::session::SendHalf;
use crate::wire::body::{Change, Explanation, Presence, Quarantined};
use crate::wire::convert;

/// Changes or messages read at once; all of the largest size are 1 MiB.
const ROWS_AT_ONCE: usize = 16;

impl<S: SendHalf> Answer<'_, S> {
    /// Adds the changes within `span`, newest first, and the end.
    pub(super) async fn write_changes(
        &mut self,
        presentity: Presentity,
        reply: &Reply,
        span: Span,
        limit: usize,
    ) -> Result<(), NoAnswer> {
        let last = last_of(reply);
        let mut past = Past::new(presentity, last, span, limit);
        loop {
            let read = self.read(move |reader| {
                let rows = past.page(reader, ROWS_AT_ONCE)?;
                Ok((past, rows))
            });
            let rows;
            (past, rows) = read.await?;
            if rows.is_empty() {
                return Ok(self.end().await?);
            }
            for row in rows {
                self.add(&change(row)).await?;
            }
        }
    }

    /// Adds the presence at `time`.
    pub(super) async fn write_moment(
        &mut self,
        presentity: Presentity,
        reply: &Reply,
        time: Timestamp,
    ) -> Result<(), NoAnswer> {
        let last = last_of(reply);
        let asked = presentity.clone();
        let look = move |reader: &dyn LogReader| history::at_time(reader, &presentity, last, time);
        let item = self.read(look).await?;
        let state = SubscriptionState::Active;
        let presence = convert::presence_body(&asked, state, item.document.as_ref());
        Ok(self.add(&Presence { presence }).await?)
    }

    /// Adds what the rules say of `watcher`, or said at `time`.
    pub(super) async fn write_explanation(
        &mut self,
        presentity: Presentity,
        watcher: Principal,
        time: Option<Timestamp>,
        reply: Reply,
    ) -> Result<(), NoAnswer> {
        let Reply::Explain { last, default, domain, controls } = reply else {
            unreachable!("the service answered an Explain with {reply:?}")
        };
        let at = time.unwrap_or_else(clock::now);
        let judged = Judged { presentity, watcher, at, default, domain, controls };
        let explained = self.read(move |reader| history::explain(reader, last, &judged)).await?;
        Ok(self.add(&explanation(explained)).await?)
    }

    /// Adds the messages of `inbox` that were stored aside, `reply` being the first page of them, and the end.
    pub(super) async fn write_quarantine(
        &mut self,
        inbox: &InboxAddress,
        mut reply: Reply,
    ) -> Result<(), NoAnswer> {
        loop {
            let Reply::Page(rows) = reply else {
                unreachable!("the service answered a ListQuarantine with {reply:?}")
            };
            let Some(last) = rows.last().copied() else { return Ok(self.end().await?) };
            for stretch in rows.chunks(ROWS_AT_ONCE) {
                for message in self.messages(stretch.to_vec()).await? {
                    let message = convert::message_body(&message);
                    self.add(&Quarantined { message }).await?;
                }
            }
            let (inbox, after) = (inbox.clone(), last.sequence);
            reply = self.ask(Query::Quarantine { inbox, after }).await?;
        }
    }

    async fn messages(&mut self, rows: Vec<InboxRow>) -> Result<Vec<Message>, NoAnswer> {
        let look = move |reader: &dyn LogReader| {
            let read = rows.into_iter().map(|row| history::message_at(reader, row));
            Ok(read.collect::<Result<_, _>>()?)
        };
        Ok(self.read(look).await?)
    }
}

fn last_of(reply: &Reply) -> Sequence {
    match reply {
        Reply::History { last } => *last,
        other => unreachable!("the service answered a question about the past with {other:?}"),
    }
}

fn change(row: ChangeRow) -> Change {
    Change {
        at_ms: row.at.as_ms(),
        by: row.by.map(|by| by.to_string()).unwrap_or_default(),
        device: row.device.0,
        name: row.name.as_str().to_owned(),
        what: match row.kind {
            ChangeKind::Published => 1,
            ChangeKind::Removed => 2,
            ChangeKind::Expired => 3,
            ChangeKind::Withdrawn => 4,
        },
        document: row.document.as_ref().map(convert::document_body),
    }
}

fn explanation(explained: Explained) -> Explanation {
    let Explained { version, fetch, subscribe, by_domain } = explained;
    Explanation {
        version,
        fetch: convert::handling_number(Some(fetch.handling)),
        fetch_shown: convert::shown_body(&fetch.shown),
        fetch_rule: rule_of(&fetch),
        subscribe: convert::handling_number(Some(subscribe.handling)),
        subscribe_shown: convert::shown_body(&subscribe.shown),
        subscribe_rule: rule_of(&subscribe),
        by_domain,
    }
}

fn rule_of(decision: &Decision) -> String {
    decision.rule.as_ref().map_or("", RuleName::as_str).to_owned()
}
