//! `adsum log cat`: events in order, also of a store on which a server runs.
//!
//! Must never hold: a body, note or contact unless it was asked for.

use core::ops::ControlFlow;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use super::event_line::{EventLine, entity_text};
use super::store::Store;
use crate::backup::BackupFault;
use crate::cli::run::{failure::Failure, invocation::Invocation};
use crate::event::{Event, Recorded};
use crate::log::{EventLog, SledLog};
use crate::model::{Principal, Sequence};
use crate::server::each_running;

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
    /// Go on with what comes, until interrupted or at the end that is named; also over a restart of the server
    #[arg(long, short)]
    follow: bool,
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
/// Between two looks for more.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);

/// Looks for a server that does not answer, until the store is read as one that has none.
const LOOKS_MAX: u32 = 10;

/// Runs `adsum log cat`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let (next, left) = (args.from.max(1), args.limit.unwrap_or(u64::MAX));
    let mut cat = Cat { args, next, left, failed: Ok(()) };
    match args.store.open_free()? {
        Some(log) => cat.at_rest(&log, invocation)?,
        None => cat.running(invocation)??,
    }
    while args.follow && !cat.is_done() {
        invocation.output.flush()?;
        while SledLog::durable_tip(&args.store.data)?.head.get() < cat.next {
            sleep(FOLLOW_EVERY);
        }
        cat.more(invocation)?;
    }
    Ok(())
}

/// How far the printing is.
struct Cat<'a> {
    args: &'a Args,
    /// The event that is looked at next.
    next: u64,
    /// How many may still be printed.
    left: u64,
    /// Why printing ended.
    failed: Result<(), Failure>,
}

impl Cat<'_> {
    fn is_done(&self) -> bool {
        self.left == 0 || self.args.until.is_some_and(|until| self.next > until)
    }

    /// Prints what is in `log`.
    fn at_rest(&mut self, log: &SledLog, invocation: &mut Invocation) -> Result<(), Failure> {
        let reader = log.reader();
        while !self.is_done() {
            let events = reader.read(Sequence::new(self.next), PAGE_EVENTS)?;
            if events.is_empty() {
                break;
            }
            // A `Break` is told by what is done or failed.
            let _ = events.into_iter().try_for_each(|recorded| self.print(&recorded, invocation));
            core::mem::replace(&mut self.failed, Ok(()))?;
        }
        Ok(())
    }

    /// Prints what came since. The server is waited for before the store is opened, so that one that starts finds it free.
    fn more(&mut self, invocation: &mut Invocation) -> Result<(), Failure> {
        for _ in 0..LOOKS_MAX {
            match self.running(invocation)? {
                Err(BackupFault::Silent { .. } | BackupFault::Server { .. }) => sleep(FOLLOW_EVERY),
                asked => return Ok(asked?),
            }
        }
        match self.args.store.open_free()? {
            Some(log) => self.at_rest(&log, invocation),
            None => Ok(()),
        }
    }

    /// Prints what the server on the store has on the disk.
    fn running(&mut self, invocation: &mut Invocation) -> Result<Result<(), BackupFault>, Failure> {
        let (data, after) = (&self.args.store.data, Sequence::new(self.next - 1));
        let asked = each_running(data, after, &mut |recorded| self.print(&recorded, invocation));
        core::mem::replace(&mut self.failed, Ok(()))?;
        Ok(asked)
    }

    /// Prints `recorded` if it is one of the chosen. Says whether there may be more to print.
    fn print(&mut self, recorded: &Recorded, invocation: &mut Invocation) -> ControlFlow<()> {
        let place = recorded.sequence.get();
        if self.left == 0 || self.args.until.is_some_and(|until| place > until) {
            self.next = self.next.max(place);
            return ControlFlow::Break(());
        }
        self.next = place + 1;
        if self.args.chosen.takes(recorded) {
            self.left -= 1;
            self.failed = invocation.output.line(&EventLine::from((recorded, self.args.bodies)));
        }
        if self.failed.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
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
