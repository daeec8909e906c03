//! What a stream needs of the world: the writer, the log, the clock, the way back, and somebody who counts.
//!
//! Must never hold: a decision about a frame.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{Span, debug, error, warn};

use super::messages::Messages;
use super::proof;
use super::shared::{Session, next_departure};
use crate::commit::history::{self, HistoryFault, Past};
use crate::format::rfc3339;
use crate::log::{LogFault, LogReader};
use crate::model::{InboxAddress, PastPlace, PublicKey, Sequence, Timestamp};
use crate::server::erasure::{self, Certificate, Count};
use crate::server::lanes::{Departure, Mailbox};
use crate::server::line::line;
use crate::service::{InboxRow, Input};
use crate::session::{
    Claim, Found, Heard, Host, Look, NotFound, Note, ServiceGone, Sleep, Transport,
};

/// Changes read at once; all of the largest size are 1 MiB.
const CHANGES_AT_ONCE: usize = 16;

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
    past: Option<Past>,
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
            past: None,
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

    async fn item(&mut self, inbox: InboxAddress, row: InboxRow) -> Result<Found, HistoryFault> {
        let shared = &self.session.shared;
        let messages = self.messages.get_or_insert_with(|| {
            Messages::new(inbox, Arc::clone(&shared.reader), Arc::clone(&shared.recent))
        });
        let item = messages.read(row).await?.ok_or(LogFault::Missing { sequence: row.at })?;
        Ok(Found::Item(item))
    }

    fn restored(&self, place: &PastPlace) {
        let actor = self.session.connection.identity().flatten();
        let device = actor.map(|actor| actor.device.to_string());
        let place = place.told(rfc3339);
        warn!(
            device,
            "this store was put back to an earlier state: a device had been told of {place}; it is told anew"
        );
    }

    /// The next changes of a walk back.
    async fn changes(&mut self, mut past: Past) -> Result<Found, HistoryFault> {
        let read = self.read(move |reader| {
            let rows = past.page(reader, CHANGES_AT_ONCE)?;
            Ok((past, rows))
        });
        let (past, rows) = read.await?;
        self.past = Some(past);
        Ok(Found::Changes(rows))
    }

    /// The certificate of the erasure at `position`; the log is gone through in parts, each in its turn.
    async fn certificate(
        &self,
        position: Sequence,
        (is_whole, keeps): (bool, bool),
    ) -> Result<Found, HistoryFault> {
        let find = move |reader: &dyn LogReader| Ok(erasure::find(reader, position, keeps)?);
        let mut erasure = self.read(find).await?;
        let mut count = is_whole.then(|| Count::of(&erasure));
        while let Some(mut counting) = count {
            let go_on = move |reader: &dyn LogReader| {
                let more = counting.go_on(reader)?;
                Ok((counting, more))
            };
            let (counted, more) = self.read(go_on).await?;
            erasure.written = Some(counted.written);
            count = more.then_some(counted);
        }
        let data = Arc::clone(&self.session.shared.data);
        let sign = move |_: &dyn LogReader| {
            let make = if is_whole { Certificate::of } else { Certificate::for_erased };
            let certificate = make(&erasure, &data).map_err(|error| LogFault::Engine {
                action: "sign a certificate",
                reason: error.to_string(),
            })?;
            Ok(Found::Certificate(certificate.to_string()))
        };
        self.read(sign).await
    }

    async fn find(&mut self, look: Look) -> Result<Found, HistoryFault> {
        match look {
            Look::Erasure { position, is_whole, keeps } => {
                self.certificate(position, (is_whole, keeps)).await
            }
            Look::Item(inbox, row) => self.item(inbox, row).await,
            Look::Changes { presentity, last, span, limit } => {
                self.changes(Past::new(presentity, last, span, limit)).await
            }
            Look::MoreChanges => {
                let past = self.past.take().expect("more is asked for after the first");
                self.changes(past).await
            }
            look => self.read(move |reader| find_at_once(reader, look)).await,
        }
    }

    /// Reads the log where waiting for the disk holds up nobody else.
    async fn read<V: Send + 'static>(
        &self,
        look: impl FnOnce(&dyn LogReader) -> Result<V, HistoryFault> + Send + 'static,
    ) -> Result<V, HistoryFault> {
        let share = self.session.share();
        let _turn = share.read_turn().await;
        let reader = Arc::clone(&self.session.shared.reader);
        let read = tokio::task::spawn_blocking(move || look(reader.as_ref())).await;
        read.unwrap_or_else(|panic| {
            Err(LogFault::Engine { action: "read", reason: panic.to_string() }.into())
        })
    }
}

impl<T: Transport> Host for StreamHost<T> {
    async fn ask(&mut self, inputs: Vec<Input>) -> Result<(), ServiceGone> {
        let share = self.session.share_for(&inputs);
        share.submit(inputs).await.map_err(|_| ServiceGone)
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

    async fn look(&mut self, look: Look) -> Result<Found, NotFound> {
        self.find(look).await.map_err(|fault| match fault.refusal(rfc3339) {
            Ok(refusal) => NotFound::Refused(refusal),
            Err(fault) => {
                error!(%fault, "a stream could not read the log; run `adsum log verify`");
                NotFound::Unreadable
            }
        })
    }

    fn proves(&mut self, claim: &Claim) -> bool {
        let fresh = claim.fresh.or_else(|| self.transport.exporter());
        let certificates = &self.session.shared.certificates;
        // A challenge can be passed on by whoever holds the key that was replaced; the exporter of a handshake cannot.
        let hashes = match claim.fresh {
            Some(_) => vec![certificates.key_hash()],
            None => certificates.key_hashes(),
        };
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
            if !actor.principal.is_anonymous() {
                self.session.shared.known.add(&actor.principal, actor.device);
            }
        }
        self.session.decided.send_replace(true);
        self.transport.widen();
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
            Note::LetIn(client) => {
                line!(debug, client = %client.escape_debug(), "the connection may act");
            }
            Note::TurnedAway(refusal) => {
                metrics.refused("hello", &refusal);
                line!(
                    warn,
                    code = refusal.code().as_str(),
                    "a Hello was refused; its connection ends"
                );
            }
            Note::FeedOpened(kind, outcome) => metrics.feed_opened(kind, outcome),
            Note::Restored(place) => self.restored(&place),
            Note::Notified(count) => {
                metrics.notifications_sent.inc_by(count);
            }
            Note::Conflated(count) => {
                metrics.notifications_conflated.inc_by(count);
            }
            Note::FeedEnded(over) => debug!(over, "the feed ends"),
            Note::Malformed(fault) => {
                line!(warn, %fault, "the watcher broke the protocol; its stream ends");
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.session.shared.time.now().wall
    }

    fn sleep(&self, time: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(time))
    }
}

/// Finds what one look into the log tells. Items and changes are found by the host, which reads them ahead or on.
fn find_at_once(reader: &dyn LogReader, look: Look) -> Result<Found, HistoryFault> {
    Ok(match look {
        Look::Walks(histories) => {
            let walks = histories.iter().map(|history| history::walk(reader, history));
            Found::Walks(walks.collect::<Result<_, _>>()?)
        }
        Look::State(presentity, at) => Found::State(history::state_at(reader, &presentity, at)?),
        Look::At(presentity, last, time) => {
            Found::State(history::at_time(reader, &presentity, last, time)?)
        }
        Look::Messages(rows) => {
            let messages = rows.into_iter().map(|row| history::message_at(reader, row));
            Found::Messages(messages.collect::<Result<_, _>>()?)
        }
        Look::Explain(last, judged) => Found::Explained(history::explain(reader, last, &judged)?),
        look => unreachable!("{look:?} is not found at once"),
    })
}
