//! The records of an inbox: its head, the rows that are held here, and what is known of those that lie elsewhere.
//!
//! An inbox that is carried forward has all its rows, with which chunks of them are over: those need not be read to go on with it.
//! Bytes: see `record.rs`.
//! Must never hold: where else rows lie.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::gone::{CHUNK_ROWS, Gone, chunk_of, chunks_of, group_of};
use super::inbox::InboxView;
use super::layout::{Carried, Checkpointed, Layout, RecordFault};
use super::packed::{packed, unpacked};
use super::row::{ReceiptRequest, Row};
use crate::model::{DeviceId, InboxSequence, Moment, Sequence};

/// Ends an inbox's name in the keys of its chunks; no address holds it.
pub(super) const CHUNK: u8 = 0;
/// The same in the keys of what tells of chunks that lie elsewhere.
pub(super) const GROUP: u8 = 1;

#[derive(Serialize, Deserialize)]
struct InboxHead {
    as_of: Sequence,
    head: InboxSequence,
    acknowledged: BTreeMap<DeviceId, InboxSequence>,
    ended: Moment,
    /// Inboxes that are carried forward have not said it from the beginning on.
    #[serde(default)]
    forgotten: Option<InboxSequence>,
}

/// All rows of a chunk.
#[derive(Serialize, Deserialize)]
pub(super) struct Chunk {
    first: InboxSequence,
    rows: Vec<Row>,
    receipt_requests: Vec<(InboxSequence, ReceiptRequest)>,
    /// The rows, if they are not above.
    #[serde(default, skip_serializing_if = "Bytes::is_empty")]
    packed: Bytes,
}

/// The rows of a chunk that are held here, or all of them with their places.
#[derive(Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) rows: Vec<(InboxSequence, Row)>,
    pub(super) receipt_requests: Vec<(InboxSequence, ReceiptRequest)>,
}

/// What one record says.
pub(super) enum InboxRecord {
    Head(Box<InboxView>),
    Rows(Part),
    Elsewhere(Vec<Gone>),
}

impl InboxRecord {
    /// What a record says, by the rest of its key, and whose inbox it is of.
    pub(super) fn read<'a, L: Layout>(
        name: &'a [u8],
        value: &[u8],
    ) -> Result<(&'a [u8], Self), RecordFault> {
        let Some(end) = name.iter().position(|byte| [CHUNK, GROUP].contains(byte)) else {
            return Ok((name, Self::Head(Box::new(L::read::<InboxHead>(value)?.view()))));
        };
        let record = match name[end] {
            // Their rows are read as well.
            GROUP if L::IS_WHOLE => Self::Elsewhere(Vec::new()),
            GROUP => Self::Elsewhere(L::read(value)?),
            _ if L::IS_WHOLE => Self::Rows(L::read::<Chunk>(value)?.part()?),
            _ => Self::Rows(L::read(value)?),
        };
        Ok((&name[..end], record))
    }
}

impl InboxHead {
    fn view(self) -> InboxView {
        let mut view = InboxView::loaded(self.as_of, self.head, self.acknowledged, self.ended);
        view.forgotten = self.forgotten.unwrap_or_default();
        view
    }
}

impl Chunk {
    fn part(self) -> Result<Part, RecordFault> {
        let Self { first, mut rows, receipt_requests, packed } = self;
        if !packed.is_empty() {
            rows = unpacked(&packed)?;
        }
        let places = (first.get()..=u64::MAX).map(InboxSequence::new);
        Ok(Part { rows: places.zip(rows).collect(), receipt_requests })
    }
}

impl InboxView {
    /// Takes one record behind the head.
    pub(super) fn load(&mut self, record: InboxRecord) {
        match record {
            InboxRecord::Head(_) => {}
            InboxRecord::Rows(part) => {
                self.rows.extend(part.rows);
                self.receipt_requests.extend(part.receipt_requests);
            }
            InboxRecord::Elsewhere(chunks) => {
                for gone in chunks {
                    self.gone.insert(gone);
                }
            }
        }
    }

    /// After all was loaded: whether no row is missing. Of an inbox that was carried forward the first row says which are forgotten.
    pub(super) fn is_whole(&mut self) -> bool {
        let last = self.rows.last_key_value().map(|(last, _)| *last);
        if last.is_some_and(|last| last > self.head) {
            return false;
        }
        if self.gone.iter().next().is_some() {
            return true;
        }
        if self.forgotten == InboxSequence::ZERO {
            let first = self.rows.first_key_value().map_or(self.head.next(), |(first, _)| *first);
            self.forgotten = InboxSequence::new(first.get().saturating_sub(1));
        }
        self.head.get().checked_sub(self.forgotten.get()) == Some(self.rows.len() as u64)
    }

    /// Takes what a record of one that is carried tells of chunks that are over, so that their rows need not be loaded.
    pub(super) fn load_over(&mut self, value: &[u8]) -> Result<(), RecordFault> {
        self.load(InboxRecord::Elsewhere(Carried::read(value)?));
        Ok(())
    }

    /// The chunks of one that is carried that are not over.
    pub(super) fn chunks_open(&self) -> impl Iterator<Item = u64> {
        let all = chunk_of(self.forgotten.next())..=chunk_of(self.head);
        all.filter(|chunk| self.gone.get(*chunk).is_none())
    }

    pub(super) fn numbered_rows(&self) -> impl Iterator<Item = (InboxSequence, &Row)> {
        self.rows.iter().map(|(sequence, row)| (*sequence, row))
    }

    pub(super) fn mark_all_changed(&mut self) {
        self.changed_chunks.extend(self.rows.keys().map(|sequence| chunk_of(*sequence)));
    }

    fn head_record(&self) -> InboxHead {
        InboxHead {
            as_of: self.as_of,
            head: self.head,
            acknowledged: self.acknowledged.clone(),
            ended: self.ended,
            forgotten: Some(self.forgotten),
        }
    }

    /// The records that changed since they were last asked for, as `L` has them.
    pub(super) fn records<L: Layout>(&mut self, key: &[u8]) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let mut records = vec![(key.to_vec(), Some(L::write(&self.head_record())))];
        let mut groups = core::mem::take(&mut self.changed_groups);
        for number in core::mem::take(&mut self.changed_chunks) {
            let value = if L::IS_WHOLE {
                self.chunk::<L>(number).as_ref().map(L::write)
            } else {
                self.part(number).as_ref().map(L::write)
            };
            records.push((numbered(key, CHUNK, number), value));
            if L::IS_PACKED {
                groups.insert(group_of(number));
            }
        }
        if !L::IS_WHOLE || L::IS_PACKED {
            let groups = groups.into_iter().map(|group| self.group_record::<L>(key, group));
            records.extend(groups);
        }
        records
    }

    /// What is known of chunks whose rows lie elsewhere, and if they are carried of those that are over as well.
    fn group_record<L: Layout>(&self, key: &[u8], group: u64) -> (Vec<u8>, Option<Vec<u8>>) {
        let over = |chunk| if L::IS_PACKED { self.over(chunk) } else { None };
        let known = |chunk| self.gone.get(chunk).copied().or_else(|| over(chunk));
        let chunks: Vec<Gone> = chunks_of(group).filter_map(known).collect();
        let value = (!chunks.is_empty()).then(|| L::write(&chunks));
        (numbered(key, GROUP, group), value)
    }

    /// What is known of a chunk of which all rows are held here, and nothing of what they are of is there: it will not change, until it is
    /// forgotten.
    fn over(&self, number: u64) -> Option<Gone> {
        let Part { rows, .. } = self.part(number)?;
        // There is no place 0.
        let whole = if number == 0 { CHUNK_ROWS - 1 } else { CHUNK_ROWS };
        let is_over = rows.len() as u64 == whole && rows.iter().all(|(_, row)| !row.kept);
        let rows = rows.iter().map(|(place, row)| (*place, row.accepted_at, false));
        if is_over { Gone::of(number, rows) } else { None }
    }

    /// Records of all that is held here, for comparing.
    pub(super) fn whole_records(&self, key: &[u8]) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let head = Checkpointed::write(&self.head_record());
        let mut records = vec![(key.to_vec(), Some(head))];
        let mut next = self.rows.keys().next().map(|first| chunk_of(*first));
        while let Some(number) = next {
            let part = self.part(number).as_ref().map(Checkpointed::write);
            records.push((numbered(key, CHUNK, number), part));
            let behind = InboxSequence::new((number + 1) * CHUNK_ROWS)..;
            next = self.rows.range(behind).next().map(|(place, _)| chunk_of(*place));
        }
        records
    }

    /// The rows of one chunk that are held here; `None` if there are none.
    pub(super) fn part(&self, number: u64) -> Option<Part> {
        let places =
            InboxSequence::new(number * CHUNK_ROWS)..InboxSequence::new((number + 1) * CHUNK_ROWS);
        let rows: Vec<_> =
            self.rows.range(places.clone()).map(|(place, row)| (*place, *row)).collect();
        let requests = self.receipt_requests.range(places);
        let receipt_requests =
            requests.map(|(sequence, request)| (*sequence, request.clone())).collect();
        (!rows.is_empty()).then_some(Part { rows, receipt_requests })
    }

    /// The same without their places, which follow each other where all are held here.
    fn chunk<L: Layout>(&self, number: u64) -> Option<Chunk> {
        let Part { rows, receipt_requests } = self.part(number)?;
        let first = rows.first()?.0;
        let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
        let (rows, packed) =
            if L::IS_PACKED { (Vec::new(), packed(&rows).into()) } else { (rows, Bytes::new()) };
        Some(Chunk { first, rows, receipt_requests, packed })
    }
}

pub(super) fn numbered(key: &[u8], letter: u8, number: u64) -> Vec<u8> {
    [key, &[letter], &number.to_be_bytes()].concat()
}
