//! The records of an inbox: its head, the rows that are held here, and what is known of those that lie elsewhere.
//!
//! An inbox that is carried forward has all its rows, and is written as it always was. Bytes: see `record.rs`.
//! Must never hold: where else rows lie.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::gone::{CHUNK_ROWS, Gone, chunk_of};
use super::inbox::InboxView;
use super::layout::{Checkpointed, Layout, RecordFault};
use super::row::{ReceiptRequest, Row};
use crate::model::{DeviceId, InboxSequence, Moment, Sequence};

/// Ends an inbox's name in the keys of its chunks; no address holds it.
pub(super) const CHUNK: u8 = 0;
/// The same in the keys of what tells of chunks that lie elsewhere.
const GROUP: u8 = 1;

#[derive(Serialize, Deserialize)]
struct InboxHead {
    as_of: Sequence,
    head: InboxSequence,
    acknowledged: BTreeMap<DeviceId, InboxSequence>,
    ended: Moment,
}

/// All rows of a chunk.
#[derive(Serialize, Deserialize)]
pub(super) struct Chunk {
    first: InboxSequence,
    rows: Vec<Row>,
    receipt_requests: Vec<(InboxSequence, ReceiptRequest)>,
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
            let (head, forgotten): (InboxHead, _) =
                if L::IS_WHOLE { (L::read(value)?, InboxSequence::ZERO) } else { L::read(value)? };
            let mut view = InboxView::loaded(head.as_of, head.head, head.acknowledged, head.ended);
            view.forgotten = forgotten;
            return Ok((name, Self::Head(Box::new(view))));
        };
        let record = match name[end] {
            GROUP => Self::Elsewhere(L::read(value)?),
            _ if L::IS_WHOLE => {
                let Chunk { first, rows, receipt_requests } = L::read(value)?;
                let places = (first.get()..=u64::MAX).map(InboxSequence::new);
                Self::Rows(Part { rows: places.zip(rows).collect(), receipt_requests })
            }
            _ => Self::Rows(L::read(value)?),
        };
        Ok((&name[..end], record))
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
        if self.gone.iter().next().is_some() || self.forgotten > InboxSequence::ZERO {
            return true;
        }
        let first = self.rows.first_key_value().map_or(self.head.next(), |(first, _)| *first);
        self.forgotten = InboxSequence::new(first.get().saturating_sub(1));
        self.head.get() - self.forgotten.get() == self.rows.len() as u64
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
        }
    }

    /// The records that changed since they were last asked for, as `L` has them.
    pub(super) fn records<L: Layout>(&mut self, key: &[u8]) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let head = self.head_record();
        let head = if L::IS_WHOLE { L::write(&head) } else { L::write(&(head, self.forgotten)) };
        let mut records = vec![(key.to_vec(), Some(head))];
        for number in core::mem::take(&mut self.changed_chunks) {
            let value = if L::IS_WHOLE {
                self.chunk(number).as_ref().map(L::write)
            } else {
                self.part(number).as_ref().map(L::write)
            };
            records.push((numbered(key, CHUNK, number), value));
        }
        for group in core::mem::take(&mut self.changed_groups) {
            if !L::IS_WHOLE {
                let chunks: Vec<&Gone> = self.gone.of_group(group).collect();
                let value = (!chunks.is_empty()).then(|| L::write(&chunks));
                records.push((numbered(key, GROUP, group), value));
            }
        }
        records
    }

    /// Records of all that is held here, for comparing.
    pub(super) fn whole_records(&self, key: &[u8]) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let head = Checkpointed::write(&(self.head_record(), self.forgotten));
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
    fn chunk(&self, number: u64) -> Option<Chunk> {
        let Part { rows, receipt_requests } = self.part(number)?;
        let first = rows.first()?.0;
        let rows = rows.into_iter().map(|(_, row)| row).collect();
        Some(Chunk { first, rows, receipt_requests })
    }
}

fn numbered(key: &[u8], letter: u8, number: u64) -> Vec<u8> {
    [key, &[letter], &number.to_be_bytes()].concat()
}
