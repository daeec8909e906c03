//! What a session reads of the log, for those that drive one without a server.
//!
//! Must never hold: what is done with it.

use std::sync::Arc;

use adsum::commit::history::{self, HistoryFault, Past};
use adsum::log::{LogFault, LogReader};
use adsum::session::{Found, Look};

/// Changes read at once.
const CHANGES_AT_ONCE: usize = 4;

/// Reads what `look` asks for; a walk over changes goes on in `past`.
pub(crate) fn read(
    reader: &dyn LogReader,
    past: &mut Option<Past>,
    look: Look,
) -> Result<Found, HistoryFault> {
    Ok(match look {
        Look::Walks(histories) => {
            let walks = histories.iter().map(|one| history::walk(reader, one));
            Found::Walks(walks.collect::<Result<_, _>>()?)
        }
        Look::State(presentity, at) => Found::State(history::state_at(reader, &presentity, at)?),
        Look::Item(_, row) => {
            let item = history::item_of(reader.read_one(row.at)?);
            Found::Item(Arc::new(item.ok_or(LogFault::Missing { sequence: row.at })?))
        }
        Look::Messages(rows) => {
            let messages = rows.into_iter().map(|row| history::message_at(reader, row));
            Found::Messages(messages.collect::<Result<_, _>>()?)
        }
        Look::At(presentity, last, time) => {
            Found::State(history::at_time(reader, &presentity, last, time)?)
        }
        Look::Erasure { position, .. } => {
            Found::Certificate(format!("of {}", reader.end_at(position)?))
        }
        Look::Explain(last, judged) => Found::Explained(history::explain(reader, last, &judged)?),
        Look::Changes { presentity, last, span, limit } => {
            let past = past.insert(Past::new(presentity, last, span, limit));
            Found::Changes(past.page(reader, CHANGES_AT_ONCE)?)
        }
        Look::MoreChanges => {
            let past = past.as_mut().expect("more is asked for after the first");
            Found::Changes(past.page(reader, CHANGES_AT_ONCE)?)
        }
    })
}
