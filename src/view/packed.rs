//! Rows in few bytes, as they are carried forward of a log that was cut: `docs/LOG_FORMAT.md` has each field.
//!
//! They are read for ever, so nothing here changes; another way to write rows gets a name of its own.
//! Must never hold: which rows are written together.

use serde::{Deserialize, Serialize};

use super::key::{MessageKey, SenderKey};
use super::layout::RecordFault;
use super::row::{Row, RowKind};
use crate::event::MessageDigest;
use crate::model::{Sequence, Timestamp};

/// A row, its numbers as they differ from those of the row before.
#[derive(Serialize, Deserialize)]
struct PackedRow {
    at: u64,
    kind: RowKind,
    sent: Option<Sent>,
    accepted_ms: i64,
    /// Behind when it was accepted.
    expires_ms: Option<i64>,
    kept: bool,
}

/// What only a row of a message has.
#[derive(Serialize, Deserialize)]
struct Sent {
    key: [u8; 16],
    sender: [u8; 16],
    digest: [u8; 16],
}

fn between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_ms().wrapping_sub(from.as_ms()).cast_signed()
}

fn behind(from: Timestamp, ms: i64) -> Timestamp {
    Timestamp::from_ms(from.as_ms().wrapping_add(ms.cast_unsigned()))
}

/// The bytes of `rows`.
pub(super) fn packed<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Vec<u8> {
    let (mut at, mut accepted) = (Sequence::ZERO, Timestamp::default());
    let rows = rows.into_iter().map(|row| {
        let packed = PackedRow {
            at: row.at.get().wrapping_sub(at.get()),
            kind: row.kind,
            sent: sent(row),
            accepted_ms: between(accepted, row.accepted_at),
            expires_ms: row.expires_at.map(|expires_at| between(row.accepted_at, expires_at)),
            kept: row.kept,
        };
        (at, accepted) = (row.at, row.accepted_at);
        packed
    });
    postcard::to_stdvec(&rows.collect::<Vec<_>>()).expect("rows are numbers and bytes")
}

fn sent(row: &Row) -> Option<Sent> {
    let Row {
        key: MessageKey(key), sender: SenderKey(sender), digest: MessageDigest(digest), ..
    } = *row;
    let is_sent = [key, sender, digest] != [[0; 16]; 3];
    is_sent.then_some(Sent { key, sender, digest })
}

/// The rows that are written in `bytes`.
///
/// # Errors
/// [`RecordFault`] if they do not read.
pub(super) fn unpacked(bytes: &[u8]) -> Result<Vec<Row>, RecordFault> {
    let rows: Vec<PackedRow> = match postcard::take_from_bytes(bytes) {
        Ok((rows, [])) => rows,
        Ok(_) => return Err(RecordFault { reason: "bytes are left over behind rows".to_owned() }),
        Err(error) => return Err(RecordFault { reason: error.to_string() }),
    };
    let (mut at, mut accepted) = (0_u64, Timestamp::default());
    let rows = rows.into_iter().map(|packed| {
        at = at.wrapping_add(packed.at);
        accepted = behind(accepted, packed.accepted_ms);
        packed.row(Sequence::new(at), accepted)
    });
    Ok(rows.collect())
}

impl PackedRow {
    fn row(self, at: Sequence, accepted_at: Timestamp) -> Row {
        let expires_at = self.expires_ms.map(|ms| behind(accepted_at, ms));
        let row = Row::of_nobody(at, self.kind, accepted_at);
        let row = Row { expires_at, kept: self.kept, ..row };
        let Some(Sent { key, sender, digest }) = self.sent else { return row };
        let (key, sender) = (MessageKey(key), SenderKey(sender));
        Row { key, sender, digest: MessageDigest(digest), ..row }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row() -> impl Strategy<Value = Row> {
        const KINDS: &[RowKind] =
            &[RowKind::Message, RowKind::Quarantined, RowKind::Receipt, RowKind::Announcement];
        let who = (any::<[u8; 16]>(), any::<[u8; 16]>(), any::<[u8; 16]>());
        let sent = prop::option::of(who);
        let times = (any::<u64>(), any::<u64>(), prop::option::of(any::<u64>()));
        (times, prop::sample::select(KINDS), sent, any::<bool>()).prop_map(
            |((at, accepted, expires), kind, sent, kept)| {
                let (key, sender, digest) = sent.unwrap_or_default();
                Row {
                    at: Sequence::new(at),
                    kind,
                    key: MessageKey(key),
                    sender: SenderKey(sender),
                    digest: MessageDigest(digest),
                    accepted_at: Timestamp::from_ms(accepted),
                    expires_at: expires.map(Timestamp::from_ms),
                    kept,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn rows_are_read_as_they_were_written(rows in prop::collection::vec(row(), 0..9)) {
            prop_assert_eq!(unpacked(&packed(&rows)).unwrap(), rows);
        }

        #[test]
        fn whatever_is_read_ends_with_rows_or_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..99)) {
            let _ = unpacked(&bytes);
        }
    }

    #[test]
    fn a_row_of_a_message_that_came_soon_after_another_takes_less_than_sixty_bytes() {
        let row = |at: u64| Row {
            key: MessageKey([0xaa; 16]),
            sender: SenderKey([0xbb; 16]),
            digest: MessageDigest([0xcc; 16]),
            kept: false,
            ..Row::of_nobody(Sequence::new(at), RowKind::Message, Timestamp::from_ms(at << 10))
        };
        let rows: Vec<Row> = (1_000_000..1_000_064).map(row).collect();
        assert!(packed(&rows).len() < 64 * 60, "{}", packed(&rows).len());
    }
}
