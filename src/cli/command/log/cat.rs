//! `adsum log cat`: events in order.
//!
//! Must never hold: a body, note or contact unless it was asked for.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::event_line::{EventLine, entity_text};
use super::store::Store;
use crate::cli::run::{failure::Failure, invocation::Invocation};
use crate::event::{Event, Recorded};
use crate::log::{EventLog, LogReader};
use crate::model::{Principal, Sequence};

/// Arguments of `adsum log cat`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    store: Store,
    /// Begin with this event; the first is 1
    #[arg(long, value_name = "SEQUENCE", default_value_t = 1)]
    from: u64,
    /// End with this event [default: the last]
    #[arg(long, value_name = "SEQUENCE", visible_alias = "to")]
    until: Option<u64>,
    #[command(flatten)]
    chosen: Chosen,
    /// Print at most this many events [default: all]
    #[arg(long, value_name = "EVENTS")]
    limit: Option<u64>,
    /// Print what people wrote: bodies, notes, contacts [default: only how many bytes it is]
    #[arg(long)]
    bodies: bool,
}

/// Which events are printed.
#[derive(Debug, Default, clap::Args)]
struct Chosen {
    /// Only events of this entity, as they name it, such as im:bob@localhost or store [default: of all]
    #[arg(long)]
    entity: Option<String>,
    /// Only events that name this principal, such as bob@localhost, as their entity or otherwise [default: all]
    #[arg(long)]
    principal: Option<Principal>,
}

/// Events read at once.
const PAGE_EVENTS: usize = 512;

/// Runs `adsum log cat`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let log = args.store.open()?;
    let reader = log.reader();
    let last = args.until.unwrap_or(u64::MAX).min(log.head().get());
    let (mut next, mut left) = (args.from.max(1), args.limit.unwrap_or(u64::MAX));
    while next <= last && left > 0 {
        next = page(reader.as_ref(), next..=last, args, &mut left, invocation)?;
    }
    Ok(())
}

/// Prints the chosen of the events in `range` that are read at once, `left` at most; returns where to go on.
fn page(
    reader: &dyn LogReader,
    range: RangeInclusive<u64>,
    args: &Args,
    left: &mut u64,
    invocation: &mut Invocation,
) -> Result<u64, Failure> {
    let mut next = range.end().saturating_add(1);
    for recorded in reader.read(Sequence::new(*range.start()), PAGE_EVENTS)? {
        if !range.contains(&recorded.sequence.get()) || *left == 0 {
            break;
        }
        next = recorded.sequence.next().get();
        if args.chosen.takes(&recorded) {
            *left -= 1;
            invocation.output.line(&EventLine::from((&recorded, args.bodies)))?;
        }
    }
    Ok(next)
}

impl Chosen {
    fn takes(&self, recorded: &Recorded) -> bool {
        let entity = self.entity.as_ref();
        entity.is_none_or(|entity| *entity == entity_text(&recorded.event.entity()))
            && self.principal.as_ref().is_none_or(|principal| names(&recorded.event, principal))
    }
}

/// Whether an event names `principal`, also by its presentity or its inbox.
fn names(event: &Event, principal: &Principal) -> bool {
    let fields =
        serde_json::to_value(event).expect("all that events are made of has a form in JSON");
    holds(&fields, principal.account())
}

/// Whether `value` holds `account`, but for what people wrote.
fn holds(value: &Value, account: &str) -> bool {
    match value {
        Value::String(text) => text == account,
        Value::Array(items) => items.iter().any(|item| holds(item, account)),
        Value::Object(fields) => {
            let mut told = fields.iter().filter(|(name, _)| *name != "Present");
            told.any(|(_, value)| holds(value, account))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::WatchRequested;
    use crate::model::{Ahead, Moment, Payload, Timestamp};

    #[test]
    fn an_event_is_chosen_by_its_entity_and_by_whom_it_names() {
        let event = Event::WatchRequested(WatchRequested {
            watcher: "bob@b".parse().unwrap(),
            presentity: "pres:alice@b".parse().unwrap(),
            expires_at: Timestamp::from_ms(1),
        });
        let (sequence, at, ahead) = (Sequence::new(1), Moment::ZERO, Ahead::ZERO);
        let recorded = Recorded { sequence, at, ahead, event };
        for (entity, principal, is_taken) in [
            (None, None, true),
            (Some("bob@b"), None, true),
            (Some("pres:alice@b"), None, false),
            (None, Some("alice@b"), true),
            (None, Some("bob@b"), true),
            (None, Some("carol@b"), false),
            (Some("bob@b"), Some("carol@b"), false),
        ] {
            let principal = principal.map(|text: &str| text.parse().unwrap());
            let chosen = Chosen { entity: entity.map(str::to_owned), principal };
            assert_eq!(chosen.takes(&recorded), is_taken, "{chosen:?}");
        }
    }

    #[test]
    fn what_people_wrote_chooses_nothing() {
        let written = serde_json::to_value(Payload::text("bob@b")).unwrap();
        assert!(!holds(&written, "bob@b"));
    }
}
