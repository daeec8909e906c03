//! What lies in an inbox, where in the log, and how far each device has taken it.
//!
//! A row outlives its message until the message's id may be forgotten, so that a repeat is recognised.
//! Must never hold: a body.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::expiry::Ends;
use super::ids::KnownMessage;
use super::key::{MessageKey, SenderKey};
use crate::event::{Event, MessageAccepted, MessageDigest, Recorded};
use crate::model::limits::DEDUPLICATION_MS;
use crate::model::{
    DeviceId, InboxSequence, Lifetime, MessageId, Moment, Principal, Receipts, Sequence, Timestamp,
};

/// What lies in a place of an inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RowKind {
    /// A message that its owner's devices are told of.
    Message,
    /// A message that a delivery rule put aside: its owner's devices are not told of it.
    Quarantined,
    /// A receipt for a message of the owner.
    Receipt,
    /// A recovery of the owner's name is announced. It fills no room.
    Announcement,
}

impl RowKind {
    /// Whether it is a message that somebody sent, and so has a sender's name and id.
    pub(super) fn is_sent(self) -> bool {
        matches!(self, Self::Message | Self::Quarantined)
    }
}

/// What the sender of a message wants to learn of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRequest {
    /// Who sent it.
    pub sender: Principal,
    /// The sender's name for it.
    pub id: MessageId,
    /// What it wants to learn.
    pub receipts: Receipts,
    /// Whether the message was displayed.
    pub is_displayed: bool,
}

/// One message that was accepted and whose id is still remembered, or a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The event that holds it.
    pub at: Sequence,
    /// What lies there.
    pub kind: RowKind,
    /// Sender and id of the message; zero for what nobody sent.
    pub key: MessageKey,
    /// Who sent the message; zero for what nobody sent.
    pub sender: SenderKey,
    /// What it says.
    pub digest: MessageDigest,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it runs out, if ever.
    pub expires_at: Option<Timestamp>,
    /// Whether the message is still there.
    pub kept: bool,
}

impl Row {
    /// Whether its time is over at `now`, also if that is not recorded yet.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

/// An inbox that ever got a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxView {
    pub(super) as_of: Sequence,
    pub(super) head: InboxSequence,
    pub(super) acknowledged: BTreeMap<DeviceId, InboxSequence>,
    /// When something ended last that its owner's devices are told of.
    pub(super) ended: Moment,
    /// Rows of consecutive messages, the last one being `head`.
    pub(super) rows: VecDeque<Row>,
    /// What is there that its owner's devices are told of, so that nothing is looked for among the rows of what is gone.
    told: BTreeSet<InboxSequence>,
    /// What is there and quarantined.
    aside: BTreeSet<InboxSequence>,
    /// What of the told is an announcement.
    announced: BTreeSet<InboxSequence>,
    /// The messages that are there, by who sent them.
    of_senders: BTreeSet<(SenderKey, RowKind, InboxSequence)>,
    unread: u64,
    read_through: InboxSequence,
    pub(super) receipt_requests: BTreeMap<InboxSequence, ReceiptRequest>,
    pub(super) changed_chunks: BTreeSet<u64>,
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

/// Rows forgotten at one event at most.
const FORGOTTEN_AT_ONCE: usize = 16;

/// Rows in one checkpoint record: a few kilobytes, so that a new message costs little to save.
pub(super) const CHUNK_ROWS: u64 = 64;

/// The chunk a message's row is saved in.
pub(super) fn chunk_of(sequence: InboxSequence) -> u64 {
    sequence.get() / CHUNK_ROWS
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
        self.told.len() as u64
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

    /// The messages of `sender` that no device has taken, in order.
    pub fn unread_of(&self, sender: SenderKey) -> impl Iterator<Item = InboxSequence> {
        self.of_sender(sender, RowKind::Message, self.read_through)
    }

    /// The quarantined messages of `sender`, in order.
    pub fn quarantined_of(&self, sender: SenderKey) -> impl Iterator<Item = InboxSequence> {
        self.of_sender(sender, RowKind::Quarantined, InboxSequence::ZERO)
    }

    /// All messages of `sender` that are there, the quarantined ones last.
    pub fn kept_of(&self, sender: SenderKey) -> impl Iterator<Item = InboxSequence> {
        let told = self.of_sender(sender, RowKind::Message, InboxSequence::ZERO);
        told.chain(self.quarantined_of(sender))
    }

    fn of_sender(
        &self,
        sender: SenderKey,
        kind: RowKind,
        after: InboxSequence,
    ) -> impl Iterator<Item = InboxSequence> {
        let last = (sender, kind, InboxSequence::new(u64::MAX));
        let places = self.of_senders.range((sender, kind, after.next())..=last);
        places.map(|(_, _, sequence)| *sequence)
    }

    /// Everything that is there, quarantined or not.
    pub fn all_kept(&self) -> impl Iterator<Item = InboxSequence> {
        self.told.iter().chain(&self.aside).copied()
    }

    /// The oldest of what is there: of what its owner's devices are told of, and of what is quarantined.
    pub fn oldest_kept(&self) -> impl Iterator<Item = &Row> {
        let oldest = [self.told.first(), self.aside.first()];
        oldest.into_iter().flatten().filter_map(|sequence| self.row(*sequence))
    }

    /// The row of a message, if it is remembered.
    pub fn row(&self, sequence: InboxSequence) -> Option<&Row> {
        self.rows.get(self.index(sequence)?)
    }

    /// The messages and receipts that are there behind `after`, in order, without the quarantined ones.
    pub fn kept_after(&self, after: InboxSequence) -> impl Iterator<Item = (InboxSequence, &Row)> {
        self.rows_of(&self.told, after)
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

    fn numbered_after(&self, after: InboxSequence) -> impl Iterator<Item = (InboxSequence, &Row)> {
        let skipped = after.get().saturating_sub(self.first().get() - 1);
        let start = usize::try_from(skipped).unwrap_or(usize::MAX).min(self.rows.len());
        let numbered = (self.first().get() + start as u64..).zip(self.rows.range(start..));
        numbered.map(|(sequence, row)| (InboxSequence::new(sequence), row))
    }

    /// The oldest message that some device has taken, if it is there.
    pub fn oldest_read(&self) -> Option<InboxSequence> {
        self.told.first().copied().filter(|sequence| *sequence <= self.read_through)
    }

    /// The message the first row is of; one more than `head` if there are no rows.
    pub(super) fn first(&self) -> InboxSequence {
        InboxSequence::new(self.head.get() + 1 - self.rows.len() as u64)
    }

    fn index(&self, sequence: InboxSequence) -> Option<usize> {
        usize::try_from(sequence.get().checked_sub(self.first().get())?).ok()
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
            Event::ReceiptsAsked(event) => {
                let request = ReceiptRequest {
                    sender: event.sender.clone(),
                    id: event.id.clone(),
                    receipts: event.receipts,
                    is_displayed: false,
                };
                self.receipt_requests.insert(event.sequence, request);
                self.changed_chunks.insert(chunk_of(event.sequence));
                InboxChange::default()
            }
            Event::MessageDisplayed(event) => {
                if let Some(request) = self.receipt_requests.get_mut(&event.sequence) {
                    request.is_displayed = true;
                    self.changed_chunks.insert(chunk_of(event.sequence));
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
        self.push(
            event.sequence,
            Row {
                at,
                kind,
                key,
                sender: SenderKey::of(&event.sender),
                digest,
                accepted_at,
                expires_at,
                kept: true,
            },
        );
        let ends = Ends { before: None, after: expires_at };
        InboxChange {
            accepted: Some((key, KnownMessage { digest, accepted_at })),
            rescheduled: Some((event.sequence, ends)),
            waiting: (kind == RowKind::Message).then(|| SenderKey::of(&event.sender)),
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
        let row = Row {
            at: recorded.sequence,
            kind,
            key: MessageKey([0; 16]),
            sender: SenderKey([0; 16]),
            digest: MessageDigest([0; 16]),
            accepted_at,
            expires_at: None,
            kept: true,
        };
        self.push(sequence, row);
        InboxChange::default()
    }

    fn push(&mut self, sequence: InboxSequence, row: Row) {
        assert_eq!(sequence, self.head.next(), "what an inbox takes is numbered without gaps");
        self.head = sequence;
        self.rows.push_back(row);
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
        let Some(index) = self.index(sequence) else { return InboxChange::default() };
        let Some(row) = self.rows.get_mut(index).filter(|row| row.kept) else {
            return InboxChange::default();
        };
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
        self.changed_chunks.insert(chunk_of(sequence));
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

    /// Drops some of the oldest rows whose message is gone and whose id may be used again by `now`, an event's time. A few
    /// at each event: more go than come, and no event takes long.
    fn forget(&mut self, now: Timestamp) {
        let kept_for = Lifetime::from_ms(DEDUPLICATION_MS);
        let over = |row: &mut Row| !row.kept && row.accepted_at.after(kept_for) <= now;
        for _ in 0..FORGOTTEN_AT_ONCE {
            if self.rows.pop_front_if(over).is_none() {
                break;
            }
            let sequence = InboxSequence::new(self.first().get() - 1);
            self.changed_chunks.insert(chunk_of(sequence));
        }
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
        let rows = self.numbered_after(InboxSequence::ZERO);
        let sent = rows.filter(|(_, row)| row.kept && row.kind.is_sent());
        self.of_senders = sent.map(|(sequence, row)| (row.sender, row.kind, sequence)).collect();
        let rows = self.numbered_after(InboxSequence::ZERO);
        let kept = rows.filter(|(_, row)| row.kept).map(|(sequence, row)| (sequence, row.kind));
        let kept: Vec<(InboxSequence, RowKind)> = kept.collect();
        let announced = kept.iter().filter(|(_, kind)| *kind == RowKind::Announcement);
        self.announced = announced.map(|(sequence, _)| *sequence).collect();
        let (aside, told): (Vec<_>, Vec<_>) =
            kept.into_iter().partition(|(_, kind)| *kind == RowKind::Quarantined);
        self.aside = aside.into_iter().map(|(sequence, _)| sequence).collect();
        self.told = told.into_iter().map(|(sequence, _)| sequence).collect();
        self.read_through =
            self.acknowledged.values().copied().max().unwrap_or_default().min(self.head);
        self.unread = self.told.range(self.read_through.next()..).count() as u64;
    }
}
