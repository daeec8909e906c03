//! Messages to inboxes whose owners are away: who takes part in `store` and in what is measured on the same load.
//!
//! Must never hold: a figure.

use std::sync::Arc;

use crate::cli::command::bench::{
    link::Dialer,
    participants::Participant,
    pump::Pump,
    requests::Sends,
    setup::{Setup, pumps},
};
use crate::cli::run::failure::Failure;
use crate::client::Credentials;

/// Who writes to whom.
pub(super) struct Sending {
    /// The owners of the inboxes.
    pub(super) owners: Vec<Credentials>,
    /// Those who write. A message's id is its sender's own, so who has written writes no more over another connection.
    pub(super) senders: Vec<Credentials>,
    addresses: Arc<[String]>,
}

impl Sending {
    /// Of `senders` to `inboxes`.
    pub(super) fn new(setup: &Setup<'_>, inboxes: usize, senders: usize) -> Result<Self, Failure> {
        let owners = setup.principals("owner", inboxes)?;
        let senders = setup.principals("sender", senders)?;
        let addresses = owners.iter().map(|owner| owner.principal().inbox().to_string());
        Ok(Self { addresses: addresses.collect(), owners, senders })
    }

    /// All of them.
    pub(super) fn participants(&self) -> Vec<Participant> {
        self.owners.iter().chain(&self.senders).map(Participant::plain).collect()
    }

    /// A pump for each of `senders`. The connections begin at inboxes far from each other, as unrelated senders would.
    pub(super) async fn pumps(
        &self,
        dialer: &Dialer,
        senders: &[Credentials],
    ) -> Result<Vec<Pump<Sends>>, Failure> {
        let step = (self.addresses.len() / senders.len()).max(1);
        let sends = |index, _: &Credentials| Sends::new(Arc::clone(&self.addresses), index * step);
        pumps(dialer, senders, sends).await
    }
}
