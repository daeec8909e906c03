//! How many bytes of the log each event takes: its own, and its part of what the entry that it lies in has beside events.
//!
//! Must never hold: whose an event is.

use core::ops::ControlFlow;

use super::{Entries, LogFault};
use crate::event::{Assembler, EntryKey, Recorded};
use crate::model::Sequence;

/// Calls `each` with the events behind `after` up to `through`, as they are stored, and with how many bytes each takes, until
/// these are `bytes_max` or more, whole entries. Together they are as many as [`measure`](super::measure) says.
///
/// # Errors
/// [`LogFault`]; nothing is told of the entry that cannot be read, and of those behind it.
pub fn portions(
    source: &dyn Entries,
    (after, through): (Sequence, Sequence),
    bytes_max: u64,
    each: &mut dyn FnMut(&Recorded, u64),
) -> Result<(), LogFault> {
    let (mut assembler, mut events) = (Assembler::reading(), Vec::new());
    // Of all, and of an event whose parts are not all read.
    let (mut bytes, mut open) = (0, 0);
    let first = EntryKey { sequence: after.next(), part: 0 };
    source.walk(&first.to_bytes(), &mut |key, value| {
        let is_enough = open == 0 && bytes >= bytes_max;
        if is_enough || EntryKey::from_bytes(key)?.sequence > through {
            return Ok(ControlFlow::Break(()));
        }
        assembler.push(key, value, &mut events)?;
        let more = (key.len() + value.len()) as u64;
        (bytes, open) = (bytes + more, open + more);
        if !events.is_empty() {
            divide(&mut events, core::mem::take(&mut open), each);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    assembler.finish()?;
    if bytes == 0 && after < through {
        return Err(LogFault::Missing { sequence: after.next() });
    }
    Ok(())
}

/// Divides `bytes` of an entry among its `events`, which are taken.
fn divide(events: &mut Vec<Recorded>, bytes: u64, each: &mut dyn FnMut(&Recorded, u64)) {
    let lengths: Vec<u64> = match events.len() {
        1 => vec![0],
        _ => events.iter().map(length).collect(),
    };
    let (count, beside) = (events.len() as u64, bytes.saturating_sub(lengths.iter().sum()));
    for (place, (recorded, length)) in (0..).zip(events.drain(..).zip(lengths)) {
        let part = beside / count + u64::from(place < beside % count);
        each(&recorded, length + part);
    }
}

fn length(recorded: &Recorded) -> u64 {
    let bytes = postcard::to_stdvec(&recorded.event).expect("what was read can be written");
    bytes.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EpochBegan, Event, MessageAccepted, MessageDigest};
    use crate::log::memory::MemoryLog;
    use crate::log::{EventLog as _, measure};
    use crate::model::{ContentType, DeviceId, EpochId, InboxSequence, MessageId, Moment, Payload};

    fn short() -> Event {
        Event::EpochBegan(EpochBegan { epoch: EpochId([1; 8]) })
    }

    fn message(bytes: usize) -> Event {
        Event::MessageAccepted(MessageAccepted {
            inbox: "im:bob@d.example".parse().unwrap(),
            sequence: InboxSequence::new(1),
            sender: "alice@d.example".parse().unwrap(),
            device: DeviceId([1; 8]),
            id: MessageId::new("m").unwrap(),
            content_type: ContentType::new("text/plain").unwrap(),
            body: Payload::Present(vec![7; bytes].into()),
            lifetime: None,
            digest: MessageDigest([1; 16]),
        })
    }

    /// A log of these commits.
    fn log(commits: &[&[Event]]) -> MemoryLog {
        let mut log = MemoryLog::new();
        for commit in commits {
            let events: Vec<_> =
                commit.iter().map(|event| (Moment::from_us(1), event.clone())).collect();
            log.append(&events).unwrap();
        }
        log.sync().unwrap();
        log
    }

    /// Each event that is told, and its bytes.
    fn told(log: &MemoryLog, (after, through): (u64, u64), bytes_max: u64) -> Vec<(u64, u64)> {
        let (mut told, between) = (Vec::new(), (Sequence::new(after), Sequence::new(through)));
        let mut each = |recorded: &Recorded, bytes| told.push((recorded.sequence.get(), bytes));
        portions(log, between, bytes_max, &mut each).unwrap();
        told
    }

    #[test]
    fn events_share_what_their_entry_takes_and_all_together_are_what_the_entries_take() {
        let log = log(&[&[short()], &[short(), message(500), short()], &[message(20_000)]]);
        let told = told(&log, (0, 5), u64::MAX);
        assert_eq!(told.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        let entries = |after, through| {
            measure(&log, (Sequence::new(after), Sequence::new(through)), u64::MAX).unwrap().1
        };
        let bytes: Vec<u64> = told.iter().map(|(_, bytes)| *bytes).collect();
        assert_eq!(bytes[0], entries(0, 1));
        assert_eq!(bytes[1..4].iter().sum::<u64>(), entries(1, 4));
        assert_eq!(bytes[4], entries(4, 5), "in parts");
        assert!(bytes[1] < bytes[0], "it does not pay for an entry alone");
        assert!(bytes[1].abs_diff(bytes[3]) <= 1, "what is left over is the first one's");
        assert!(bytes[2] - bytes[1] >= 500 && bytes[4] > 20_000);
    }

    #[test]
    fn whole_entries_are_told_until_that_is_enough_and_from_there_on_the_rest() {
        let log = log(&[&[short()], &[message(20_000)], &[short(), short()]]);
        let places = |between, bytes_max| {
            told(&log, between, bytes_max).into_iter().map(|(place, _)| place).collect::<Vec<_>>()
        };
        let first = told(&log, (0, 1), 1)[0].1;
        assert_eq!(places((0, 4), first), [1], "enough is enough");
        assert_eq!(places((0, 4), first + 1), [1, 2], "not in the middle of an event");
        assert_eq!(places((2, 4), 1), [3, 4], "not in the middle of an entry");
        assert_eq!(places((1, 2), u64::MAX), [2]);
        assert_eq!(places((4, 4), u64::MAX), [0; 0]);
    }

    #[test]
    fn where_events_are_missing_that_is_told() {
        let log = log(&[&[short()]]);
        let behind = portions(&log, (Sequence::new(1), Sequence::new(2)), 1, &mut |_, _| ());
        let Err(LogFault::Missing { sequence }) = behind else { panic!("{behind:?}") };
        assert_eq!(sequence, Sequence::new(2));
    }
}
