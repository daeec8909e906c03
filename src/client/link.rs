//! The current connection, as the parts of a client that use it see it.
//!
//! Must never hold: a decision to connect (see `driver`).

use tokio::sync::watch;

use super::connection::Connection;
use super::error::ClientError;
use super::session::Session;

/// A connection that can be used. Streams may be opened before the session is confirmed.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// Counts connections from 1.
    pub(crate) number: u64,
    pub(crate) connection: Connection,
    /// Set once the server has let the device in.
    pub(crate) session: Option<Session>,
}

/// Where the connection stands.
#[derive(Clone, Debug)]
pub(crate) enum LinkState {
    /// There is none; one is being made.
    Down,
    /// There is one.
    Up(Link),
    /// There will be none any more.
    Over(ClientError),
}

/// Waits for a state of the connection.
pub(crate) type Links = watch::Receiver<LinkState>;

/// The first connection after the one numbered `after`.
pub(crate) async fn next_link(links: &mut Links, after: u64) -> Result<Link, ClientError> {
    wait(links, |link| link.number > after).await
}

/// The first connection on which the server has let the device in.
pub(crate) async fn confirmed(links: &mut Links) -> Result<Session, ClientError> {
    let link = wait(links, |link| link.session.is_some()).await?;
    link.session.ok_or(ClientError::Closed)
}

/// The number of the connection there is; 0 if there is none.
pub(crate) fn current(links: &Links) -> u64 {
    match &*links.borrow() {
        LinkState::Up(link) => link.number,
        LinkState::Down | LinkState::Over(_) => 0,
    }
}

async fn wait(links: &mut Links, fits: impl Fn(&Link) -> bool) -> Result<Link, ClientError> {
    let reached = links
        .wait_for(|state| match state {
            LinkState::Down => false,
            LinkState::Up(link) => fits(link),
            LinkState::Over(_) => true,
        })
        .await;
    match reached.map_err(|_| ClientError::Closed)?.clone() {
        LinkState::Up(link) => Ok(link),
        LinkState::Over(error) => Err(error),
        LinkState::Down => Err(ClientError::Closed),
    }
}
