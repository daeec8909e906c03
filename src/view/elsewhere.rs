//! Rows of inboxes that are let go of and put back: which may go, what they come to as bytes, and which are wanted.
//!
//! A row may go if what it is of is over, or was taken by some device, is told to its owner's devices, and does not run out by itself: then nothing
//! that happens needs it, but what asks for it. Rows go and come back by the chunk.
//! Must never hold: where else they lie.

use super::gone::{CHUNK_ROWS, Gone, bit_of, chunk_of, group_of};
use super::inbox_record::Part;
use super::{Checkpointed, InboxView, Layout, RecordFault, Row, RowKind, SenderKey, Views};
use crate::model::{InboxAddress, InboxSequence, Timestamp};

impl InboxView {
    fn may_go(&self, sequence: InboxSequence, row: &Row) -> bool {
        let is_read = sequence <= self.read_through
            && matches!(row.kind, RowKind::Message | RowKind::Receipt)
            && row.expires_at.is_none();
        !row.kept || is_read
    }

    /// Up to `max` chunks with rows held here that may go, and do not lie elsewhere as they are.
    fn unsettled(&self, max: usize) -> Vec<u64> {
        let (mut found, mut next) = (Vec::new(), InboxSequence::ZERO);
        while found.len() < max
            && let Some((sequence, row)) = self.rows.range(next..).next()
        {
            let chunk = chunk_of(*sequence);
            let lies_there =
                self.clean.get(&chunk).is_some_and(|back| back & bit_of(*sequence) != 0);
            if !lies_there && self.may_go(*sequence, row) {
                found.push(chunk);
                next = InboxSequence::new((chunk + 1) * CHUNK_ROWS);
            } else {
                next = sequence.next();
            }
        }
        found
    }

    /// Lets go of the rows of `chunk` that may go, of those in `places`, a bit for each.
    fn let_go(&mut self, chunk: u64, places: u64) {
        let all = InboxSequence::new(chunk * CHUNK_ROWS)..=last_of(chunk);
        let rows = self.rows.range(all).map(|(sequence, row)| (*sequence, *row));
        let rows = rows.filter(|(sequence, _)| places & bit_of(*sequence) != 0);
        let going: Vec<_> = rows.filter(|(sequence, row)| self.may_go(*sequence, row)).collect();
        for (sequence, row) in &going {
            self.rows.remove(sequence);
            self.told.remove(sequence);
            self.of_senders.remove(&(row.sender, row.kind, *sequence));
            self.receipt_requests.remove(sequence);
        }
        let gone = going.iter().map(|(sequence, row)| (*sequence, row.accepted_at, row.kept));
        if let Some(gone) = Gone::of(chunk, gone) {
            self.gone.insert(gone);
        }
        self.clean.remove(&chunk);
        self.changed_chunks.insert(chunk);
        self.changed_groups.insert(group_of(chunk));
    }

    /// Puts rows back. What is held here, and what is known of those that are not, counts more than what the bytes say.
    fn recall(&mut self, chunk: u64, part: Part) {
        let Some(gone) = self.gone.remove(chunk) else { return };
        let (mut over, mut back) = (Vec::new(), 0);
        for (sequence, mut row) in part.rows {
            // What is forgotten is of no chunk that is known of.
            if sequence > self.head || self.rows.contains_key(&sequence) {
                over.push(sequence);
                continue;
            }
            // The bytes may be older, or after a crash newer.
            let was_kept = core::mem::replace(&mut row.kept, gone.is_kept(sequence));
            if was_kept && !row.kept {
                over.push(sequence);
            }
            if row.kept {
                self.told.insert(sequence);
                if row.kind.is_sent() {
                    self.of_senders.insert((row.sender, row.kind, sequence));
                }
            }
            self.rows.insert(sequence, row);
            back |= bit_of(sequence);
        }
        let requests = part.receipt_requests.into_iter();
        self.receipt_requests.extend(requests.filter(|(sequence, _)| !over.contains(sequence)));
        self.clean.insert(chunk, back);
    }

    fn lies_elsewhere(&self, sequence: InboxSequence) -> Option<u64> {
        let chunk = chunk_of(sequence);
        let is_known = sequence > self.forgotten && sequence <= self.head;
        let is_elsewhere = is_known && !self.rows.contains_key(&sequence);
        (is_elsewhere && self.gone.get(chunk).is_some()).then_some(chunk)
    }

    /// The chunk that must be put back before the row of `sequence` can be looked at.
    pub fn wanted_for(&self, sequence: InboxSequence) -> Option<u64> {
        self.lies_elsewhere(sequence)
    }

    /// The chunk that must be put back next, so that what is there behind `after` can be gone through: at least `count` of it that does not
    /// run out by itself.
    pub fn wanted_after(&self, after: InboxSequence, count: usize) -> Option<u64> {
        let first = self.gone.first_behind(after)?;
        let here = self.kept_after(after).filter(|(_, row)| row.expires_at.is_none());
        (here.take(count).count() < count).then(|| chunk_of(first))
    }

    /// The same, for `count` messages of `sender`.
    pub fn wanted_of(&self, sender: SenderKey, count: usize) -> Option<u64> {
        let first = self.gone.first_behind(InboxSequence::ZERO)?;
        let here = self.kept_of(sender).take_while(|sequence| *sequence < first);
        (here.take(count).count() < count).then(|| chunk_of(first))
    }

    /// The same, so that all can be found that some device has taken and that was accepted before `time`.
    pub fn wanted_before(&self, time: Timestamp) -> Option<u64> {
        let gone = self.gone.behind(InboxSequence::ZERO).find(|gone| gone.until >= time)?;
        (gone.since() < time).then_some(gone.chunk())
    }

    /// What is there that some device has taken and that was accepted before `time`, in order.
    pub fn read_before(&self, time: Timestamp) -> impl Iterator<Item = InboxSequence> {
        let elsewhere =
            self.gone.behind(InboxSequence::ZERO).take_while(move |gone| gone.until < time);
        let here = self.told.range(..=self.read_through).take_while(move |sequence| {
            self.row(**sequence).is_some_and(|row| row.accepted_at < time)
        });
        let mut all: Vec<InboxSequence> =
            elsewhere.flat_map(Gone::places).chain(here.copied()).collect();
        all.sort_unstable();
        all.into_iter()
    }
}

fn last_of(chunk: u64) -> InboxSequence {
    InboxSequence::new((chunk + 1) * CHUNK_ROWS - 1)
}

impl Views {
    /// Lets go again of all rows of `inbox` that were put back, and of which nothing changed but that what they are of ended.
    pub fn let_go_of_clean(&mut self, inbox: &InboxAddress) {
        let Some(view) = self.inboxes.get_mut(inbox) else { return };
        for (chunk, back) in core::mem::take(&mut view.clean) {
            view.let_go(chunk, back);
        }
    }

    /// Up to `max` chunks of rows of `inbox` that may go, each with whether rows of it lie elsewhere, which are to be put back before.
    pub fn chunks_to_go(&self, inbox: &InboxAddress, max: usize) -> Vec<(u64, bool)> {
        let Some(view) = self.inboxes.get(inbox) else { return Vec::new() };
        let chunks = view.unsettled(max).into_iter();
        chunks.map(|chunk| (chunk, view.gone.get(chunk).is_some())).collect()
    }

    /// The rows of a chunk as bytes, to be kept elsewhere until they are put back; all of them must be held here.
    pub fn chunk_bytes(&self, inbox: &InboxAddress, chunk: u64) -> Option<Vec<u8>> {
        self.inboxes.get(inbox)?.part(chunk).as_ref().map(Checkpointed::write)
    }

    /// Lets go of the rows of a chunk that may go, which lie elsewhere now.
    pub fn let_go(&mut self, inbox: &InboxAddress, chunk: u64) {
        if let Some(view) = self.inboxes.get_mut(inbox) {
            view.let_go(chunk, u64::MAX);
        }
    }

    /// Puts the rows of a chunk back that lie elsewhere.
    ///
    /// # Errors
    /// [`RecordFault`] if `bytes` are not rows.
    pub fn recall_rows(
        &mut self,
        inbox: &InboxAddress,
        chunk: u64,
        bytes: &[u8],
    ) -> Result<(), RecordFault> {
        let part = Checkpointed::read(bytes)?;
        if let Some(view) = self.inboxes.get_mut(inbox) {
            view.recall(chunk, part);
            self.recalled.insert(inbox.clone());
        }
        Ok(())
    }

    /// As [`Views::let_go_of_clean`], of all inboxes of which rows were put back. Their records count as changed, and are saved
    /// together whenever the inbox is.
    pub fn let_go_again(&mut self) {
        for inbox in core::mem::take(&mut self.recalled) {
            self.let_go_of_clean(&inbox);
        }
    }

    /// The chunks of rows of `inbox` that lie elsewhere.
    pub fn chunks_elsewhere(&self, inbox: &InboxAddress) -> Vec<u64> {
        let view = self.inboxes.get(inbox).into_iter();
        view.flat_map(|view| view.gone.iter().map(Gone::chunk)).collect()
    }

    /// While records are loaded: the chunks with rows that lie elsewhere and may be of events behind the one that the records together stand
    /// for.
    pub fn chunks_behind(&self) -> Vec<(InboxAddress, u64)> {
        let time = self.time();
        let later = self.inboxes.iter().filter(|(_, view)| view.as_of > self.head);
        let chunks = later.flat_map(|(inbox, view)| {
            let chunks = view.gone.iter().filter(|gone| gone.until >= time);
            chunks.map(|gone| (inbox.clone(), gone.chunk()))
        });
        chunks.collect()
    }

    /// The chunks that are forgotten and may be removed where rows lie elsewhere.
    pub fn take_dropped(&mut self, inbox: &InboxAddress) -> Vec<u64> {
        let view = self.inboxes.get_mut(inbox);
        view.map(|view| core::mem::take(&mut view.dropped))
            .unwrap_or_default()
            .into_iter()
            .collect()
    }
}
