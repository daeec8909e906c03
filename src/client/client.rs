//! The client: one identity, one connection that is kept up, and what can be asked over it.
//!
//! Must never hold: what a single operation does (each has a file of its own).

use core::time::Duration;
use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::connection::Endpoint;
use super::driver::{Driver, Ends, Submitted};
use super::error::ClientError;
use super::events::{ConnectionEvent, EVENTS_HELD_MAX, Events};
use super::link::{LinkState, Links, confirmed};
use super::outcome::{Asked, Fate, Within};
use super::profile::Profile;
use super::random;
use super::session::{Durability, Session};
use super::state::{Identity, StateError};
use crate::model::OperationId;
use crate::protocol::{Answer, Command};

/// How long [`Client::close`] waits for the server to hear of it.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);
/// Requests that wait to be looked at by the driver; those it has taken on are bounded by the protocol.
const COMMANDS_WAITING_MAX: usize = 64;

/// One identity's connection to its server.
///
/// Cheap to clone; all clones share the connection, which is kept up in the background until [`Client::close`] or
/// until the last clone, [`Watch`](super::Watch), [`Inbox`](super::Inbox) and [`Publication`](super::Publication) is
/// dropped. Requests that are not answered when a connection is lost are sent again on the next one under the ids they
/// had, so that each is done once. They are held in memory only.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
    /// The name of the next change; a random one if `None`.
    operation: Option<OperationId>,
    /// Whether the next change was asked for before.
    again: bool,
    answer_within: Option<Duration>,
}

#[derive(Debug)]
struct Inner {
    identity: Identity,
    endpoint: Endpoint,
    commands: mpsc::Sender<Submitted>,
    links: Links,
    events: broadcast::Sender<ConnectionEvent>,
    stop: watch::Sender<bool>,
    driver: JoinHandle<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Client {
    /// Starts to connect in the background and returns at once. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`ClientError::Machine`] if no UDP socket can be had.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn open(profile: Profile) -> Result<Self, ClientError> {
        let (identity, answer_within) = (profile.identity.clone(), profile.answer_within);
        let endpoint = Endpoint::new(profile.keep_alive)?;
        let (commands, commands_end) = mpsc::channel(COMMANDS_WAITING_MAX);
        let (links_end, links) = watch::channel(LinkState::Down);
        let (events, _) = broadcast::channel(EVENTS_HELD_MAX);
        let (stop, stop_end) = watch::channel(false);
        let ends = Ends {
            commands: commands_end,
            stop: stop_end,
            links: links_end,
            events: events.clone(),
        };
        let driver = tokio::spawn(Driver::new(profile, endpoint.clone(), ends).run());
        let inner = Inner { identity, endpoint, commands, links, events, stop, driver };
        Ok(Self { inner: Arc::new(inner), operation: None, again: false, answer_within })
    }

    /// This client, for one change of the operation `operation`: to make a change again whose outcome is not known. The
    /// server does the same operation once and answers it alike each time.
    #[must_use]
    pub fn under(&self, operation: OperationId) -> Self {
        Self { operation: Some(operation), ..self.clone() }
    }

    /// This client, for a change that was asked for before, has no id and no known outcome: that there is nothing left to
    /// do means that it was done.
    #[must_use]
    pub fn again(&self) -> Self {
        Self { again: true, ..self.clone() }
    }

    /// This client, for any number of changes, each another operation.
    pub(crate) fn afresh(&self) -> Self {
        Self { operation: None, again: false, ..self.clone() }
    }

    /// This client, for what goes on until it is stopped: each change is another operation and is repeated until it is
    /// answered.
    pub(crate) fn lasting(&self) -> Self {
        Self { answer_within: None, ..self.afresh() }
    }

    /// The name of the next change.
    pub(crate) fn operation(&self) -> OperationId {
        self.operation.unwrap_or_else(random::operation)
    }

    /// As whom this client acts.
    pub fn identity(&self) -> &Identity {
        &self.inner.identity
    }

    /// Waits until the server has let this device in.
    ///
    /// # Errors
    /// Why it will not, or [`ClientError::Unreachable`] when patience has run out.
    pub async fn connected(&self) -> Result<Session, ClientError> {
        confirmed(&mut self.links()).await
    }

    /// What happens to the connection from now on.
    pub fn events(&self) -> Events {
        Events::new(self.inner.events.subscribe())
    }

    /// Ends the connection, and with it every feed of this client, and waits up to a second for the server to hear of
    /// it. Call it before the process ends; otherwise the server finds out a minute later.
    pub async fn close(self) {
        self.inner.stop.send_replace(true);
        let mut links = self.links();
        // Over is the driver's last word on the connection; if the driver is gone, so is the connection.
        let over = links.wait_for(|state| matches!(state, LinkState::Over(_)));
        let _ = tokio::time::timeout(GOODBYE_TIMEOUT, over).await;
        self.inner.endpoint.wait_idle(GOODBYE_TIMEOUT).await;
    }

    pub(crate) fn links(&self) -> Links {
        self.inner.links.clone()
    }

    /// How long an answer is waited for.
    pub(crate) fn within(&self) -> Within {
        Within { bound: self.answer_within, server: self.identity().server.clone() }
    }

    /// Hands a request to the driver; the answer comes from what is returned.
    pub(crate) async fn submit(&self, request: impl Into<Command>) -> Result<Asked, ClientError> {
        let request = request.into();
        let fate = Fate::new(&request, self.identity().principal.is_anonymous());
        let within = self.within();
        let until = within.bound.and_then(|bound| Instant::now().checked_add(bound));
        let (answer, answered) = oneshot::channel();
        let submitted = Submitted { request, fate: Arc::clone(&fate), again: self.again, answer };
        let sending = self.inner.commands.send(submitted);
        let sent = match until {
            None => sending.await,
            Some(until) => match timeout_at(until, sending).await {
                Ok(sent) => sent,
                Err(_) => return Err(within.passed()),
            },
        };
        sent.map_err(|_| ClientError::Closed)?;
        Ok(Asked { answer: answered, fate, until, within })
    }

    pub(crate) async fn request(
        &self,
        request: impl Into<Command>,
    ) -> Result<(Answer, Durability), ClientError> {
        self.submit(request).await?.answered().await
    }

    /// Asks for a change and returns the version of what was changed.
    pub(crate) async fn changed(&self, request: impl Into<Command>) -> Result<u64, ClientError> {
        changed(self.request(request).await?)
    }
}

/// The version in an answer to a change.
pub(crate) fn changed((answer, _): (Answer, Durability)) -> Result<u64, ClientError> {
    match answer {
        Answer::Changed { version } => Ok(version),
        other => Err(mismatched(&other)),
    }
}

/// An answer that does not belong to its question.
pub(crate) fn mismatched(answer: &Answer) -> ClientError {
    ClientError::protocol(format!("the answer {answer:?} is to another kind of request"))
}

/// Does something with files where waiting for a disk does not hold up others.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StateError> + Send + 'static,
) -> Result<T, ClientError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(ClientError::State),
        Err(error) => {
            Err(ClientError::Machine { what: "a thread for files", reason: error.to_string() })
        }
    }
}
