//! Records: how entries stand in a segment, and how a server gives a copy of its log.
//!
//! ```text
//! segment := "adsum segment 1\n" record*                  records of kind 1
//! copy    := record*                                      kind 128, then any of kind 1, then kind 129; or kind 130
//! record  := kind:u8 length:u32le bytes
//! bytes   := key_length:u8 key value        of kind 1: an entry of the log
//!          | position:u64le chain:[u8;32]   of kind 128: what stands where the copy begins; of kind 129: its end
//!          | text                           of kind 130: why there is none
//! ```
//!
//! Must never hold: what an entry means.

use core::ops::ControlFlow;

use crate::event::{Chain, EntryKey};
use crate::log::{Entries, LogFault, Tip, tip_at};
use crate::model::Sequence;

/// What a segment begins with.
pub(super) const TITLE: &[u8] = b"adsum segment 1\n";
/// Bytes of a record before its own.
const HEAD_BYTES: usize = 5;
/// Longer than any record: an entry has 7 KiB.
const RECORD_BYTES_MAX: usize = 64 * 1024;

const ENTRY: u8 = 1;
const STANDS: u8 = 128;
const ENDS: u8 = 129;
const FAULT: u8 = 130;

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record<'a> {
    /// An entry of the log.
    Entry {
        /// Its key.
        key: &'a [u8],
        /// Its value.
        value: &'a [u8],
    },
    /// What the log has where the copy begins.
    Stands(Tip),
    /// The copy ends here, and everything up to it is durable.
    Ends(Tip),
    /// There is no more of it, and why.
    Fault(&'a str),
}

impl<'a> Record<'a> {
    /// Appends its bytes.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; HEAD_BYTES]);
        out[start] = match self {
            Self::Entry { key, value } => {
                out.push(u8::try_from(key.len()).expect("a key has 8 or 10 bytes"));
                out.extend_from_slice(key);
                out.extend_from_slice(value);
                ENTRY
            }
            Self::Stands(tip) => put_tip(*tip, STANDS, out),
            Self::Ends(tip) => put_tip(*tip, ENDS, out),
            Self::Fault(text) => {
                out.extend_from_slice(text.as_bytes());
                FAULT
            }
        };
        let length = u32::try_from(out.len() - start - HEAD_BYTES);
        let length = length.expect("a record is short").to_le_bytes();
        out[start + 1..start + HEAD_BYTES].copy_from_slice(&length);
    }

    /// Reads the first record of `bytes`, and says what follows it; `None` if they do not begin with one.
    pub(crate) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let (own, rest) = rest.split_at_checked(length(*head)?)?;
        Some((Self::of(head[0], own)?, rest))
    }

    fn of(kind: u8, own: &'a [u8]) -> Option<Self> {
        match kind {
            ENTRY => {
                let (length, rest) = own.split_first()?;
                let (key, value) = rest.split_at_checked(usize::from(*length))?;
                Some(Self::Entry { key, value })
            }
            STANDS => Some(Self::Stands(tip(own)?)),
            ENDS => Some(Self::Ends(tip(own)?)),
            FAULT => Some(Self::Fault(core::str::from_utf8(own).ok()?)),
            _ => None,
        }
    }
}

/// How long the record is whose first bytes are `head`, without these; `None` if none is so long.
pub(crate) fn length(head: [u8; HEAD_BYTES]) -> Option<usize> {
    let [_, length @ ..] = head;
    let length = usize::try_from(u32::from_le_bytes(length)).ok()?;
    (length <= RECORD_BYTES_MAX).then_some(length)
}

fn put_tip(tip: Tip, kind: u8, out: &mut Vec<u8>) -> u8 {
    out.extend_from_slice(&tip.head.get().to_le_bytes());
    out.extend_from_slice(&tip.chain.0);
    kind
}

fn tip(own: &[u8]) -> Option<Tip> {
    let (head, chain) = own.split_first_chunk::<8>()?;
    let head = Sequence::new(u64::from_le_bytes(*head));
    Some(Tip { head, chain: Chain(chain.try_into().ok()?) })
}

/// Gives `each` a copy of what comes in `log` after the event `after`, up to `durable`.
///
/// # Errors
/// [`LogFault`] if the log cannot be read, and what `each` fails with.
pub(crate) fn stream<E: From<LogFault>>(
    log: &dyn Entries,
    (after, durable): (Sequence, Tip),
    each: &mut dyn FnMut(Record<'_>) -> Result<(), E>,
) -> Result<(), E> {
    each(Record::Stands(tip_at(log, after)?))?;
    let from = EntryKey { sequence: after.next(), part: 0 }.to_bytes();
    let mut failed = None;
    log.walk(&from, &mut |key, value| {
        if EntryKey::from_bytes(key)?.sequence > durable.head {
            return Ok(ControlFlow::Break(()));
        }
        failed = each(Record::Entry { key, value }).err();
        Ok(if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    failed.map_or(Ok(()), Err)?;
    each(Record::Ends(durable))
}
