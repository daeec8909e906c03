//! `adsum log cat`: events in order.
//!
//! Must never hold: a body, note or contact unless it was asked for.

use super::event_line::EventLine;
use super::store::Store;
use crate::cli::run::{failure::Failure, invocation::Invocation};
use crate::log::{EventLog, LogReader};
use crate::model::Sequence;

/// Arguments of `adsum log cat`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    store: Store,
    /// Begin with this event; the first is 1
    #[arg(long, value_name = "SEQUENCE", default_value_t = 1)]
    from: u64,
    /// End with this event [default: the last]
    #[arg(long, value_name = "SEQUENCE")]
    until: Option<u64>,
    /// Print at most this many events [default: all]
    #[arg(long, value_name = "EVENTS")]
    limit: Option<u64>,
    /// Print what people wrote: bodies, notes, contacts [default: only how many bytes it is]
    #[arg(long)]
    bodies: bool,
}

/// Events read at once.
const PAGE_EVENTS: usize = 512;

/// Runs `adsum log cat`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let log = args.store.open()?;
    let reader = log.reader();
    let mut next = Sequence::new(args.from.max(1));
    let last = last(args, log.head().get());
    while next.get() <= last {
        next = page(reader.as_ref(), next, last, args.bodies, invocation)?;
    }
    Ok(())
}

/// The last event to print.
fn last(args: &Args, head: u64) -> u64 {
    let until = args.until.unwrap_or(head).min(head);
    let limit = args.limit.map_or(u64::MAX, |limit| args.from.max(1) - 1 + limit);
    until.min(limit)
}

/// Prints the events from `from` on that are read at once, none after `last`; returns the one after them.
fn page(
    reader: &dyn LogReader,
    from: Sequence,
    last: u64,
    bodies: bool,
    invocation: &mut Invocation,
) -> Result<Sequence, Failure> {
    let mut next = Sequence::new(last).next();
    for recorded in reader.read(from, PAGE_EVENTS)? {
        if recorded.sequence.get() > last {
            break;
        }
        invocation.output.line(&EventLine::from((&recorded, bodies)))?;
        next = recorded.sequence.next();
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(from: u64, until: Option<u64>, limit: Option<u64>) -> Args {
        Args { store: Store { data: "d".into() }, from, until, limit, bodies: false }
    }

    #[test]
    fn the_first_bound_that_is_reached_ends_it() {
        assert_eq!(last(&args(1, None, None), 9), 9);
        assert_eq!(last(&args(1, Some(4), None), 9), 4);
        assert_eq!(last(&args(3, None, Some(2)), 9), 4);
        assert_eq!(last(&args(0, None, Some(2)), 9), 2);
        assert_eq!(last(&args(1, Some(99), Some(99)), 9), 9);
        assert_eq!(last(&args(1, None, Some(0)), 9), 0);
    }
}
