//! Reading ahead: a thread reads in portions while what it has read is used.
//!
//! Must never hold: what is read, or a thread that outlives its reading.

use core::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::thread;

use super::LogFault;

/// Portions that may wait to be used: one more than is used, so that neither side waits for long.
const PORTIONS: usize = 2;

/// Calls `take` with each portion that `read` hands out, in order, while a thread of its own runs `read`. What `read` fails with
/// comes behind the portions before it; when `take` fails, `read` is told to break off.
///
/// # Errors
/// The first of either.
pub(super) fn read_ahead<T: Send, E: From<LogFault>>(
    read: impl FnOnce(&mut dyn FnMut(T) -> ControlFlow<()>) -> Result<(), LogFault> + Send,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let (sender, portions) = sync_channel(PORTIONS);
    thread::scope(|scope| {
        let reader = scope.spawn(move || {
            read(&mut |portion| match sender.send(portion) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            })
        });
        let taken = portions.iter().try_for_each(&mut take);
        // Nobody is to wait for room any more.
        drop(portions);
        let read = reader.join().unwrap_or_else(|panic| resume_unwind(panic));
        taken?;
        Ok(read?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Sequence;

    fn missing(sequence: u64) -> LogFault {
        LogFault::Missing { sequence: Sequence::new(sequence) }
    }

    fn place(outcome: &Result<(), LogFault>) -> Option<u64> {
        match outcome {
            Err(LogFault::Missing { sequence }) => Some(sequence.get()),
            _ => None,
        }
    }

    #[test]
    fn all_is_taken_in_order_before_what_is_wrong_behind_it() {
        let mut taken = Vec::new();
        let outcome: Result<(), LogFault> = read_ahead(
            |hand_out| {
                (0..100).try_for_each(&mut *hand_out).continue_value().unwrap();
                Err(missing(100))
            },
            |portion: u32| {
                taken.push(portion);
                Ok(())
            },
        );
        assert_eq!((place(&outcome), taken), (Some(100), (0..100).collect()));
    }

    #[test]
    fn whoever_uses_it_can_break_it_off() {
        let outcome = read_ahead(
            |hand_out| {
                while hand_out(1).is_continue() {}
                Ok(())
            },
            |_: u32| Err(missing(7)),
        );
        assert_eq!(place(&outcome), Some(7));
    }
}
