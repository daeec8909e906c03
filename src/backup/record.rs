//! Records: how entries stand in a segment, and how a server gives a copy of its log.
//!
//! ```text
//! segment := "adsum segment 1\n" record*                  records of kind 1
//! carried := "adsum carried 1\n" record*                  of the first part one of kind 131, then records of kind 2
//! copy    := record*                                      kind 131 and any of kind 2 if the log was cut; kind 128, then any of
//!                                                         kind 1, then kind 129; or kind 130. With another of kind 131 it begins again
//! record  := kind:u8 length:u32le bytes
//! bytes   := key_length:u8 key value        of kind 1: an entry of the log
//!          | key_length:u16le key value     of kind 2: what is carried forward of a log that was cut
//!          | position:u64le chain:[u8;32]   of kind 128: what stands where the copy begins; of kind 129: its end
//!          | text                           of kind 130: why there is none
//!          | position:u64le chain:[u8;32] until:u64le statement:u64le     of kind 131: where the log begins
//! ```
//!
//! Must never hold: what an entry means.

use core::ops::ControlFlow;

use crate::event::{Chain, EntryKey};
use crate::log::{
    Carried, CutMark, Entries, LogFault, Summing, Tip, check_stated, event_key, statement_in,
    stored_event, tip_at,
};
use crate::model::{Sequence, Timestamp};

/// What a segment begins with.
pub(super) const TITLE: &[u8] = b"adsum segment 1\n";
/// What a part of what is carried forward begins with.
pub(super) const TITLE_CARRIED: &[u8] = b"adsum carried 1\n";
/// Bytes of a record before its own.
const HEAD_BYTES: usize = 5;
/// Longer than any record: an entry has 7 KiB, and what is carried forward of one entity less than all that it may hold.
const RECORD_BYTES_MAX: usize = 64 * 1024 * 1024;

const ENTRY: u8 = 1;
const CARRIED: u8 = 2;
const STANDS: u8 = 128;
const ENDS: u8 = 129;
const FAULT: u8 = 130;
const BEGINS: u8 = 131;

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
    /// What is carried forward of a log that was cut.
    Carried {
        /// Its key.
        key: &'a [u8],
        /// Its bytes.
        value: &'a [u8],
    },
    /// Where the log begins, if it was cut; what is carried forward follows. What came before this is of no use: the log was cut
    /// while it was copied, and the copy begins again.
    Begins(CutMark),
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
            Self::Carried { key, value } => {
                let length = u16::try_from(key.len()).expect("a key is letters and a name");
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(key);
                out.extend_from_slice(value);
                CARRIED
            }
            Self::Begins(mark) => {
                put_tip(mark.base, BEGINS, out);
                out.extend_from_slice(&mark.until.as_ms().to_le_bytes());
                out.extend_from_slice(&mark.statement.get().to_le_bytes());
                BEGINS
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
            CARRIED => {
                let (length, rest) = own.split_first_chunk::<2>()?;
                let (key, value) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
                Some(Self::Carried { key, value })
            }
            BEGINS => Some(Self::Begins(mark(own)?)),
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

fn mark(own: &[u8]) -> Option<CutMark> {
    let (rest, statement) = own.split_last_chunk::<8>()?;
    let (base, until) = rest.split_last_chunk::<8>()?;
    let (until, statement) = (u64::from_le_bytes(*until), u64::from_le_bytes(*statement));
    let (until, statement) = (Timestamp::from_ms(until), Sequence::new(statement));
    Some(CutMark { base: tip(base)?, until, statement, ..CutMark::NONE })
}

/// Gives `each` a copy of what comes in `log` after the event `after`, as far as that is `durable` by now; of one that was cut
/// what is carried forward, and what comes after that if it is later. If it is cut meanwhile, what was given may lack what is
/// removed with that: then it begins again, with [`Record::Begins`].
///
/// # Errors
/// [`LogFault`] if the log cannot be read, and what `each` fails with.
pub(crate) fn stream<E: From<LogFault>>(
    log: &dyn Entries,
    after: Sequence,
    durable: &dyn Fn() -> Result<Tip, LogFault>,
    each: &mut dyn FnMut(Record<'_>) -> Result<(), E>,
) -> Result<(), E> {
    loop {
        let mut copy = Copy { log, mark: log.mark(), reached: Sequence::ZERO, each: &mut *each };
        // Asked for after the mark: what states the cut was durable before that.
        let durable = durable()?;
        match copy.all(after, durable) {
            Ok(()) => return Ok(()),
            Err(Stopped::Each(failed)) => return Err(failed),
            // Whatever else was found amiss is so because of the cut.
            Err(_) if log.mark() != copy.mark => {}
            Err(Stopped::Log(fault)) => return Err(fault.into()),
            Err(Stopped::Cut) => unreachable!("a copy stops for a cut that was made"),
        }
    }
}

/// One attempt at a copy.
struct Copy<'a, E> {
    log: &'a dyn Entries,
    /// Where the log began when the copy did.
    mark: CutMark,
    /// The event up to which all was given, or the first one of the entry.
    reached: Sequence,
    each: &'a mut dyn FnMut(Record<'_>) -> Result<(), E>,
}

/// Why an attempt at a copy ends early.
enum Stopped<E> {
    /// The log was cut where it was not copied yet.
    Cut,
    Log(LogFault),
    Each(E),
}

impl<E> From<LogFault> for Stopped<E> {
    fn from(fault: LogFault) -> Self {
        Self::Log(fault)
    }
}

impl<E> Copy<'_, E> {
    fn all(&mut self, after: Sequence, durable: Tip) -> Result<(), Stopped<E>> {
        let base = self.mark.base;
        if self.mark != CutMark::NONE {
            self.give(Record::Begins(self.mark))?;
            self.carried()?;
        }
        // What was cut away was durable before, also if an older mark of that was read.
        let durable = if durable.head < base.head { base } else { durable };
        let after = after.max(base.head);
        let stands = tip_at(self.log, after)?;
        self.give(Record::Stands(stands))?;
        self.reached = after;
        self.entries(durable.head)?;
        self.check()?;
        self.give(Record::Ends(durable))
    }

    fn give(&mut self, record: Record<'_>) -> Result<(), Stopped<E>> {
        (self.each)(record).map_err(Stopped::Each)
    }

    /// Stops if the log was cut since the copy began, but for one that reaches no further than what was given. Called after
    /// something is read and before it is given: nothing is removed before the log is known to be cut.
    fn check(&self) -> Result<(), Stopped<E>> {
        let now = self.log.mark();
        let is_whole = now == self.mark || self.reached > now.base.head;
        if is_whole { Ok(()) } else { Err(Stopped::Cut) }
    }

    /// What is carried forward. That nothing of it is missing is told by what was stated: from the first key on, and not from
    /// none, because the sum of all is another one while records are staged for a cut.
    fn carried(&mut self) -> Result<(), Stopped<E>> {
        let (log, mut sum, mut stopped) = (self.log, Summing::default(), None);
        log.walk_carried(Carried::Counting, &event_key(Sequence::ZERO), &mut |key, value| {
            sum.add(key, value);
            let given = self.check().and_then(|()| self.give(Record::Carried { key, value }));
            stopped = given.err();
            Ok(if stopped.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        stopped.map_or(Ok(()), Err)?;
        if self.mark.statement > Sequence::ZERO {
            let stated = stored_event(log, self.mark.statement)?;
            check_stated(self.mark, sum.finish(), statement_in(self.mark, &stated).as_ref())?;
        }
        self.check()
    }

    /// The entries from where the copy has reached, up to the one with the event `through`.
    fn entries(&mut self, through: Sequence) -> Result<(), Stopped<E>> {
        let (log, mut stopped) = (self.log, None);
        let from = EntryKey { sequence: self.reached.next(), part: 0 }.to_bytes();
        log.walk(&from, &mut |key, value| {
            let EntryKey { sequence, .. } = EntryKey::from_bytes(key)?;
            if sequence > through {
                return Ok(ControlFlow::Break(()));
            }
            let given = self.check().and_then(|()| self.give(Record::Entry { key, value }));
            self.reached = sequence;
            stopped = given.err();
            Ok(if stopped.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        stopped.map_or(Ok(()), Err)
    }
}
