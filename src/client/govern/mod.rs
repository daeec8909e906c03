//! Who decides what: rules, grants, watchers, the past, domains.
//!
//! Holds: one file for each thing to list and change. Every change carries an operation id of its own, so that a repeat
//! over a new connection is done once.
//! Must never hold: a rule of who may do what (the server decides).

mod administration;
mod delivery;
mod grant;
mod history;
mod rules;
mod visibility;
mod watchers;

pub use crate::protocol::VisibilityRow;
pub use administration::{ActRow, Administration};
pub use delivery::Delivery;
pub use grant::Grant;
pub use history::{Change, ChangeKind, Explanation, Granted, HistoryOptions};
pub use rules::{Rules, RulesChange, RulesOwner};
pub use watchers::Watchers;

use super::client::{Client, mismatched};
use super::error::ClientError;
use super::request::{Answer, Request};
use super::session::Durability;

impl Client {
    /// Asks for a change and returns the version of what was changed.
    async fn changed(&self, request: Request) -> Result<u64, ClientError> {
        changed(self.request(request).await?)
    }
}

/// The version in an answer to a change.
fn changed((answer, _): (Answer, Durability)) -> Result<u64, ClientError> {
    match answer {
        Answer::Changed { version } => Ok(version),
        other => Err(mismatched(other)),
    }
}
