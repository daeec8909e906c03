//! What a stream needs of the world: the writer, the log, the clock, the way back, and somebody who counts.
//!
//! Must never hold: a decision about a frame.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{Span, debug, error, warn};

use super::messages::Messages;
use super::proof;
use super::{Session, next_departure};
use crate::commit::history;
use crate::log::{LogFault, LogReader};
use crate::model::{InboxAddress, PublicKey, Timestamp};
use crate::server::clock;
use crate::server::lanes::{Departure, Mailbox};
use crate::service::{InboxRow, Input};
use crate::session::{
    Claim, Found, Heard, Host, Look, Note, ServiceGone, Sleep, Transport, Unreadable,
};

/// The world of one stream.
pub(super) struct StreamHost<T> {
    session: Arc<Session>,
    mailbox: Mailbox,
    transport: T,
    departure: watch::Receiver<Option<Departure>>,
    /// How the session ends, once all letters before that were handed on.
    leaving: Option<Departure>,
    hears_departure: bool,
    messages: Option<Messages>,
}

impl<T: Transport> StreamHost<T> {
    pub(super) fn new(session: Arc<Session>, mailbox: Mailbox, transport: T) -> Self {
        let departure = session.seat.ending();
        Self {
            session,
            mailbox,
            transport,
            departure,
            leaving: None,
            hears_departure: true,
            messages: None,
        }
    }

    /// The session ends: what was written before is handed on first.
    fn leave(&mut self, departure: Departure) -> Heard {
        let letters = self.mailbox.letters_so_far();
        if letters.is_empty() {
            self.hears_departure = false;
            return Heard::Ending(departure.ending());
        }
        self.leaving = Some(departure);
        Heard::Letters(letters)
    }

    async fn item(&mut self, inbox: InboxAddress, row: InboxRow) -> Result<Found, LogFault> {
        let shared = &self.session.shared;
        let messages = self.messages.get_or_insert_with(|| {
            Messages::new(inbox, Arc::clone(&shared.reader), Arc::clone(&shared.recent))
        });
        let item = messages.read(row).await?.ok_or(LogFault::Missing { sequence: row.at })?;
        Ok(Found::Item(item))
    }

    /// Reads the log where waiting for the disk holds up nobody else.
    async fn read<V: Send + 'static>(
        &self,
        look: impl FnOnce(&dyn LogReader) -> Result<V, LogFault> + Send + 'static,
    ) -> Result<V, LogFault> {
        let reader = Arc::clone(&self.session.shared.reader);
        let read = tokio::task::spawn_blocking(move || look(reader.as_ref())).await;
        read.unwrap_or_else(|panic| {
            Err(LogFault::Engine { action: "read", reason: panic.to_string() })
        })
    }
}

impl<T: Transport> Host for StreamHost<T> {
    async fn ask(&mut self, inputs: Vec<Input>) -> Result<(), ServiceGone> {
        self.session.shared.writer.submit(inputs).await.map_err(|_| ServiceGone)
    }

    async fn hear(&mut self, awaits_identity: bool) -> Heard {
        if let Some(departure) = self.leaving.take() {
            return self.leave(departure);
        }
        tokio::select! {
            letters = self.mailbox.letters() => {
                if self.mailbox.overrun() { Heard::Overrun } else { Heard::Letters(letters) }
            }
            () = self.session.is_decided(), if awaits_identity => Heard::Identity,
            departure = next_departure(&mut self.departure), if self.hears_departure => {
                self.leave(departure)
            }
        }
    }

    async fn look(&mut self, look: Look) -> Result<Found, Unreadable> {
        let found = match look {
            Look::Item(inbox, row) => self.item(inbox, row).await,
            Look::Walks(histories) => {
                let walks = self.read(move |reader| {
                    histories.iter().map(|history| history::walk(reader, history)).collect()
                });
                walks.await.map(Found::Walks)
            }
            Look::State(presentity, at) => {
                let state = self.read(move |reader| history::state_at(reader, &presentity, at));
                state.await.map(Found::State)
            }
        };
        found.map_err(|fault| {
            error!(%fault, "a stream could not read the log; have all of it verified");
            Unreadable
        })
    }

    fn proves(&mut self, claim: &Claim) -> bool {
        let fresh = claim.fresh.or_else(|| self.transport.exporter());
        let hashes = self.session.shared.certificates.key_hashes();
        let holds = fresh.is_some_and(|fresh| proof::holds(claim, fresh, &hashes));
        if holds {
            // Bound before the service is asked, so that a revocation that is decided after its answer finds the
            // session.
            self.session.seat.bind(PublicKey(claim.key).device());
        }
        holds
    }

    fn entered(&mut self) {
        if let Some(actor) = self.session.connection.identity().flatten() {
            Span::current().record("principal", self.session.pseudonym(&actor));
        }
        self.session.decided.send_replace(true);
    }

    fn note(&mut self, note: Note) {
        let metrics = &self.session.shared.metrics;
        match note {
            Note::Answered(kind, count) => {
                debug!(kind, count, ok = true, "answered");
                metrics.answered(kind, count);
            }
            Note::Refused(kind, refusal) => {
                debug!(kind, ok = false, "answered");
                metrics.refused(kind, &refusal);
            }
            Note::LetIn(client) => debug!(client = %client, "the connection may act"),
            Note::TurnedAway(refusal) => {
                metrics.refused("hello", &refusal);
                warn!(code = refusal.code().as_str(), "a Hello was refused");
            }
            Note::FeedOpened(kind, outcome) => metrics.feed_opened(kind, outcome),
            Note::Notified(count) => {
                metrics.notifications_sent.inc_by(count);
            }
            Note::Conflated(count) => {
                metrics.notifications_conflated.inc_by(count);
            }
            Note::FeedEnded(over) => debug!(over, "the feed ends"),
            Note::Malformed(fault) => warn!(%fault, "the watcher broke the protocol"),
        }
    }

    fn now(&self) -> Timestamp {
        clock::now()
    }

    fn sleep(&self, time: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(time))
    }
}
