//! What lies in an inbox, where in the log, and how far each device has taken it.
//!
//! A row outlives its message until the message's id may be forgotten. Rows of what is over or read may lie elsewhere; here is
//! then only what `gone.rs` knows of them, and what asks for such a row finds it put back before.
//! Must never hold: a body.

use std::collections::{BTreeMap, BTreeSet};

use super::expiry::Ends;
use super::gone::{CHUNK_ROWS, GoneChunks, chunk_of, group_of};
use super::ids::KnownMessage;
use super::key::{MessageKey, SenderKey};
use super::row::{ReceiptRequest, Row, RowKind};
use crate::event::{Event, MessageAccepted, Recorded};
use crate::model::limits::DEDUPLICATION_MS;
use crate::model::{DeviceId, InboxSequence, Lifetime, Moment, Sequence, Timestamp};

/// An inbox that ever got a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxView {
    pub(super) as_of: Sequence,
    pub(super) head: InboxSequence,
    pub(super) acknowledged: BTreeMap<DeviceId, InboxSequence>,
    /// When something ended last that its owner's devices are told of.
    pub(super) ended: Moment,
    /// The last place whose row is forgotten.
    pub(super) forgotten: InboxSequence,
    /// The rows that are held here. Behind `forgotten` every place up to `head` has one, here or elsewhere.
    pub(super) rows: BTreeMap<InboxSequence, Row>,
    pub(super) gone: GoneChunks,
    /// What is there that its owner's devices are told of, so that nothing is looked for among the rows of what is gone.
    pub(super) told: BTreeSet<InboxSequence>,
    /// What is there and quarantined.
    aside: BTreeSet<InboxSequence>,
    /// What of the told is an announcement.
    announced: BTreeSet<InboxSequence>,
    /// The messages that are there, by who sent them.
    pub(super) of_senders: BTreeSet<(SenderKey, RowKind, InboxSequence)>,
    unread: u64,
    pub(super) read_through: InboxSequence,
    pub(super) receipt_requests: BTreeMap<InboxSequence, ReceiptRequest>,
    pub(super) changed_chunks: BTreeSet<u64>,
    pub(super) changed_groups: BTreeSet<u64>,
    /// Chunks that were put back, each with the rows that came back, a bit for each place: none of them changed since but by its end.
    pub(super) clean: BTreeMap<u64, u64>,
    /// Chunks that are forgotten and of which rows lie elsewhere yet.
    pub(super) dropped: BTreeSet<u64>,
}

/// What an event did to one inbox, as far as the indexes over all inboxes need it.
#[derive(Default)]
pub(super) struct InboxChange {
    /// The message that came, if one did.
    pub(super) accepted: Option<(MessageKey, KnownMessage)>,
    /// The message that ends at another time than before, if one does.
    pub(super) rescheduled: Option<(InboxSequence, Ends)>,
    /// Whose message waits from now on.
    pub(super) waiting: Option<SenderKey>,
    /// Whose messages wait no more, because a device has taken them or they ended: once for each.
    pub(super) taken: Vec<SenderKey>,
}

impl InboxView {
    /// The last message ever accepted.
    pub fn head(&self) -> InboxSequence {
        self.head
    }

    /// How far `device` has taken it.
    pub fn acknowledged(&self, device: DeviceId) -> InboxSequence {
        self.acknowledged.get(&device).copied().unwrap_or_default()
    }

    /// When something ended last that its owner's devices are told of.
    pub fn ended(&self) -> Moment {
        self.ended
    }

    /// How many messages are there.
    pub fn kept(&self) -> u64 {
        self.told() + self.quarantined()
    }

    /// How many messages no device has taken.
    pub fn unread(&self) -> u64 {
        self.unread
    }

    /// How much is there that its owner's devices are told of.
    pub fn told(&self) -> u64 {
        self.told.len() as u64 + self.gone.kept()
    }

    /// How many messages and receipts are there that its owner's devices are told of: what a full inbox is full of.
    pub fn filling(&self) -> u64 {
        self.told() - self.announced.len() as u64
    }

    /// The oldest announcement that is there, if there are at least `count`.
    pub fn oldest_announced_of(&self, count: usize) -> Option<InboxSequence> {
        self.announced.first().copied().filter(|_| self.announced.len() >= count)
    }

    /// How many messages are quarantined.
    pub fn quarantined(&self) -> u64 {
        self.aside.len() as u64
    }

    /// The last place that some device has taken.
    pub fn read_through(&self) -> InboxSequence {
        self.read_through
    }

    /// What the sender of a message wants to learn, while the message is there.
    pub fn receipt_request(&self, sequence: InboxSequence) -> Option<&ReceiptRequest> {
        self.receipt_requests.get(&sequence)
    }

    /// What the senders of the messages behind `after` up to `through` want to learn, in order.
    pub fn receipt_requests_between(
        &self,
        after: InboxSequence,
        through: InboxSequence,
    ) -> impl Iterator<Item = (InboxSequence, &ReceiptRequest)> {
        let requests = self.receipt_requests.range(after.next()..);
        let requests = requests.take_while(move |(sequence, _)| **sequence <= through);
        requests.map(|(sequence, request)| (*sequence, request))
    }

    /// The quarantined messages behind `after`, in order.
    pub fn quarantined_after(
        &self,
        after: InboxSequence,
    ) -> impl Iterator<Item = (InboxSequence, &Row)> {
        self.rows_of(&self.aside, after)
    }

    /// Everything that is there, quarantined or not.
    pub fn all_kept(&self) -> impl Iterator<Item = InboxSequence> {
        let elsewhere = self.gone.iter().flat_map(|gone| gone.places());
        let mut told: Vec<InboxSequence> = elsewhere.chain(self.told.iter().copied()).collect();
        told.sort_unstable();
        told.into_iter().chain(self.aside.iter().copied())
    }

    /// Whether what was accepted at `sequence` is there.
    pub fn is_kept(&self, sequence: InboxSequence) -> bool {
        match self.rows.get(&sequence) {
            Some(row) => row.kept,
            None => self.gone.get(chunk_of(sequence)).is_some_and(|gone| gone.is_kept(sequence)),
        }
    }

    /// How much is there behind `after` that its owner's devices are told of and whose time is not over at `now`.
    pub fn alive_after(&self, after: InboxSequence, now: Timestamp) -> u64 {
        let elsewhere = self.gone.behind(after).map(|gone| u64::from(gone.kept.count_ones()));
        let here = self.rows_of(&self.told, after).filter(|(_, row)| !row.is_over(now));
        elsewhere.sum::<u64>() + here.count() as u64
    }

    /// The oldest of what is there: of what its owner's devices are told of, and of what is quarantined.
    pub fn oldest_kept(&self) -> impl Iterator<Item = &Row> {
        let oldest = [self.told.first(), self.aside.first()];
        oldest.into_iter().flatten().filter_map(|sequence| self.row(*sequence))
    }

    /// The row of a message, if it is remembered, and held here.
    pub fn row(&self, sequence: InboxSequence) -> Option<&Row> {
        self.rows.get(&sequence)
    }

    /// The messages and receipts that are there behind `after`, in order, without the quarantined ones: up to the first whose
    /// row lies elsewhere.
    pub fn kept_after(&self, after: InboxSequence) -> impl Iterator<Item = (InboxSequence, &Row)> {
        let end = self.gone.first_behind(after);
        let rows = self.rows_of(&self.told, after);
        rows.take_while(move |(sequence, _)| end.is_none_or(|end| *sequence < end))
    }

    /// What is there and is over at `now`, and since when.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, InboxSequence)> {
        let all = self.told.iter().chain(&self.aside);
        all.filter_map(move |sequence| {
            let row = self.row(*sequence).filter(|row| row.is_over(now))?;
            Some((row.expires_at?, *sequence))
        })
    }

    /// The rows of `places` behind `after`.
    fn rows_of<'a>(
        &'a self,
        places: &'a BTreeSet<InboxSequence>,
        after: InboxSequence,
    ) -> impl Iterator<Item = (InboxSequence, &'a Row)> {
        let places = places.range(after.next()..);
        places.filter_map(|sequence| Some((*sequence, self.row(*sequence)?)))
    }

    /// The oldest message that some device has taken, if it is there.
    pub fn oldest_read(&self) -> Option<InboxSequence> {
        let elsewhere = self.gone.first_behind(InboxSequence::ZERO);
        let oldest = self.told.first().copied().into_iter().chain(elsewhere).min();
        oldest.filter(|sequence| *sequence <= self.read_through)
    }

    /// The message the first row is of; one more than `head` if there are no rows.
    pub(super) fn first(&self) -> InboxSequence {
        self.forgotten.next()
    }

    /// A row of `chunk` is not as it lies elsewhere.
    fn touch(&mut self, chunk: u64) {
        self.clean.remove(&chunk);
        self.changed_chunks.insert(chunk);
    }

    pub(super) fn apply(&mut self, recorded: &Recorded) -> InboxChange {
        self.as_of = recorded.sequence;
        match &recorded.event {
            Event::MessageAccepted(event) => self.accept(recorded, event, RowKind::Message),
            Event::MessageQuarantined(event) => {
                self.accept(recorded, &event.message, RowKind::Quarantined)
            }
            Event::ReceiptIssued(event) => self.issue(recorded, event.sequence, RowKind::Receipt),
            Event::RecoveryAnnounced(event) => {
                self.issue(recorded, event.sequence, RowKind::Announcement)
            }
            // Of what is not there nothing is remembered: only the rows say which records there are.
            Event::ReceiptsAsked(event) if self.row(event.sequence).is_some_and(|row| row.kept) => {
                let request = ReceiptRequest {
                    sender: event.sender.clone(),
                    id: event.id.clone(),
                    receipts: event.receipts,
                    is_displayed: false,
                };
                self.receipt_requests.insert(event.sequence, request);
                self.touch(chunk_of(event.sequence));
                InboxChange::default()
            }
            Event::ReceiptsAsked(_) => InboxChange::default(),
            Event::MessageDisplayed(event) => {
                if let Some(request) = self.receipt_requests.get_mut(&event.sequence) {
                    request.is_displayed = true;
                    self.touch(chunk_of(event.sequence));
                }
                InboxChange::default()
            }
            Event::MessageEnded(event) => self.end(event.sequence, recorded.at),
            Event::Acknowledged(event) => {
                self.acknowledged.insert(event.device, event.through);
                InboxChange { taken: self.read(event.through), ..InboxChange::default() }
            }
            _ => unreachable!("only events of inboxes come here"),
        }
    }

    fn accept(
        &mut self,
        recorded: &Recorded,
        event: &MessageAccepted,
        kind: RowKind,
    ) -> InboxChange {
        let accepted_at = recorded.at.timestamp();
        self.forget(accepted_at);
        let key = MessageKey::of(&event.sender, &event.id);
        let expires_at = event.lifetime.map(|lifetime| accepted_at.after(lifetime));
        let digest = event.digest;
        let at = recorded.sequence;
        let sender = SenderKey::of(&event.sender);
        self.push(
            event.sequence,
            Row { at, kind, key, sender, digest, accepted_at, expires_at, kept: true },
        );
        let ends = Ends { before: None, after: expires_at };
        InboxChange {
            accepted: Some((key, KnownMessage { digest, accepted_at })),
            rescheduled: Some((event.sequence, ends)),
            waiting: (kind == RowKind::Message).then_some(sender),
            taken: Vec::new(),
        }
    }

    /// Takes what nobody sent.
    fn issue(
        &mut self,
        recorded: &Recorded,
        sequence: InboxSequence,
        kind: RowKind,
    ) -> InboxChange {
        let accepted_at = recorded.at.timestamp();
        self.forget(accepted_at);
        self.push(sequence, Row::of_nobody(recorded.sequence, kind, accepted_at));
        InboxChange::default()
    }

    fn push(&mut self, sequence: InboxSequence, row: Row) {
        assert!(sequence > self.head, "each place is taken once");
        // What lay between was lost with its events, and is over as far as anybody can tell.
        let lost = Row::of_nobody(row.at, RowKind::Receipt, row.accepted_at);
        for place in (self.head.get() + 1..sequence.get()).map(InboxSequence::new) {
            self.rows.insert(place, Row { kept: false, ..lost });
            self.changed_chunks.insert(chunk_of(place));
        }
        self.head = sequence;
        self.rows.insert(sequence, row);
        if row.kind == RowKind::Quarantined {
            self.aside.insert(sequence);
        } else {
            self.told.insert(sequence);
            self.unread += 1;
        }
        if row.kind == RowKind::Announcement {
            self.announced.insert(sequence);
        }
        if row.kind.is_sent() {
            self.of_senders.insert((row.sender, row.kind, sequence));
        }
        self.changed_chunks.insert(chunk_of(sequence));
    }

    fn end(&mut self, sequence: InboxSequence, at: Moment) -> InboxChange {
        let chunk = chunk_of(sequence);
        let Some(row) = self.rows.get_mut(&sequence) else {
            if self.gone.end(sequence) {
                self.ended = at;
                self.changed_groups.insert(group_of(chunk));
            }
            return InboxChange::default();
        };
        if !row.kept {
            return InboxChange::default();
        }
        let waited = row.kind == RowKind::Message && sequence > self.read_through;
        let taken = waited.then_some(row.sender).into_iter().collect();
        row.kept = false;
        let ends = Ends { before: row.expires_at, after: None };
        if row.kind == RowKind::Quarantined {
            self.aside.remove(&sequence);
        } else {
            self.ended = at;
            self.told.remove(&sequence);
            self.unread -= u64::from(sequence > self.read_through);
        }
        self.announced.remove(&sequence);
        self.of_senders.remove(&(row.sender, row.kind, sequence));
        self.receipt_requests.remove(&sequence);
        self.changed_chunks.insert(chunk);
        InboxChange { rescheduled: Some((sequence, ends)), taken, ..InboxChange::default() }
    }

    /// Returns whose messages waited until now, once for each.
    fn read(&mut self, through: InboxSequence) -> Vec<SenderKey> {
        let through = through.min(self.head);
        if through <= self.read_through {
            return Vec::new();
        }
        let taken = self.waiting().take_while(|(sequence, _)| *sequence <= through);
        let taken = taken.map(|(_, sender)| sender).collect();
        let newly = self.told.range(self.read_through.next()..=through).count();
        self.unread -= newly as u64;
        self.read_through = through;
        taken
    }

    /// Drops the oldest chunk, if all that was accepted in it is gone and its ids may be used again by `now`, an event's time. One
    /// at each event: more go than come, and no event takes long.
    fn forget(&mut self, now: Timestamp) {
        let kept_for = Lifetime::from_ms(DEDUPLICATION_MS);
        let chunk = chunk_of(self.first());
        let last = InboxSequence::new((chunk + 1) * CHUNK_ROWS - 1);
        if last >= self.head {
            return;
        }
        let gone = self.gone.get(chunk);
        // Mostly the first of them is too young already, and it is found at once.
        let first = self.rows.first_key_value().filter(|(place, _)| **place <= last);
        if first.is_some_and(|(_, row)| row.accepted_at.after(kept_for) > now) {
            return;
        }
        let here = self.rows.range(..=last).map(|(_, row)| row);
        if gone.is_some_and(|gone| gone.kept != 0) || here.clone().any(|row| row.kept) {
            return;
        }
        let until = here.map(|row| row.accepted_at).max().max(gone.map(|gone| gone.until));
        if until.is_some_and(|until| until.after(kept_for) > now) {
            return;
        }
        let rest = self.rows.split_off(&last.next());
        for sequence in core::mem::replace(&mut self.rows, rest).keys() {
            self.receipt_requests.remove(sequence);
        }
        self.clean.remove(&chunk);
        self.gone.remove(chunk);
        self.dropped.insert(chunk);
        self.changed_groups.insert(group_of(chunk));
        self.changed_chunks.insert(chunk);
        self.forgotten = last;
    }

    /// An inbox whose rows are still to be loaded.
    pub(super) fn loaded(
        as_of: Sequence,
        head: InboxSequence,
        acknowledged: BTreeMap<DeviceId, InboxSequence>,
        ended: Moment,
    ) -> Self {
        Self { as_of, head, acknowledged, ended, ..Self::default() }
    }

    /// Recomputes what follows from rows and acknowledgements, after both were loaded.
    pub(super) fn recount(&mut self) {
        let kept = self.rows.iter().filter(|(_, row)| row.kept);
        let kept: Vec<(InboxSequence, Row)> = kept.map(|(place, row)| (*place, *row)).collect();
        let sent = kept.iter().filter(|(_, row)| row.kind.is_sent());
        self.of_senders = sent.map(|(place, row)| (row.sender, row.kind, *place)).collect();
        let of = |is_kind: fn(RowKind) -> bool| {
            kept.iter().filter(move |(_, row)| is_kind(row.kind)).map(|(place, _)| *place).collect()
        };
        self.announced = of(|kind| kind == RowKind::Announcement);
        self.aside = of(|kind| kind == RowKind::Quarantined);
        self.told = of(|kind| kind != RowKind::Quarantined);
        self.read_through =
            self.acknowledged.values().copied().max().unwrap_or_default().min(self.head);
        self.unread = self.told.range(self.read_through.next()..).count() as u64;
    }
}
