//! What the streams of one connection have in common: who it is, how many feeds it has, how it must end.
//!
//! Shared by the tasks of its streams without a lock: each part is one value that is set in one step.
//! Must never hold: anything that must outlive the connection.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::{Arc, OnceLock};

use crate::model::limits::{FEEDS_MAX, UNPROVEN_PIECES_MAX, UNPROVEN_STREAMS_MAX};
use crate::service::{Actor, Origin};
use crate::wire::CloseCode;

/// What holds for all connections of a server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long the first byte of a stream may take, and then its first frame.
    pub silence_max: Duration,
    /// Keys what a watcher is shown of who publishes nothing.
    pub store_secret: [u8; 32],
    /// Seals cursors.
    pub cursor_secret: [u8; 32],
}

/// What is new with each connection: random bytes, used once each, and from where it comes.
#[derive(Clone, Copy, Debug)]
pub struct Fresh {
    /// What a peer without an exporter signs.
    pub nonce: [u8; 32],
    /// What a peer is called that says no more of itself.
    pub pseudonym: [u8; 8],
    /// From where it comes; `None` if that is not counted.
    pub origin: Option<Origin>,
}

/// How a connection is to be closed: the code, and the reason in words.
pub type Close = (CloseCode, String);

/// A connection.
#[derive(Debug)]
pub struct Connection {
    pub(super) settings: Arc<Settings>,
    pub(super) fresh: Fresh,
    has_control: AtomicBool,
    /// It asked to be let in without a name.
    is_anonymous: AtomicBool,
    feeds: AtomicUsize,
    /// Streams opened while nothing was proven.
    early: AtomicUsize,
    /// Set once: who it has proven to be, or that it never will.
    identity: OnceLock<Option<Arc<Actor>>>,
}

impl Connection {
    /// A connection that has proven nothing.
    pub fn new(settings: Arc<Settings>, fresh: Fresh) -> Self {
        let (has_control, is_anonymous) = (AtomicBool::new(false), AtomicBool::new(false));
        let (feeds, early) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let identity = OnceLock::new();
        Self { settings, fresh, has_control, is_anonymous, feeds, early, identity }
    }

    /// The peer opened a stream: how the connection must be closed, if it may not open so many before it has proven
    /// who it is, ended ones counted.
    pub fn handle_stream(&self) -> Option<Close> {
        if self.identity.get().is_some() {
            return None;
        }
        let reason = "too many streams before Welcome".to_owned();
        let early = self.early.fetch_add(1, Ordering::AcqRel);
        (early >= UNPROVEN_STREAMS_MAX).then_some((CloseCode::LimitExceeded, reason))
    }

    /// The time for `Hello` is over: how the connection must be closed, if it has not said who it is.
    pub fn handle_hello_timeout(&self) -> Option<Close> {
        let reason = "no Hello came in time".to_owned();
        self.identity.get().is_none().then_some((CloseCode::HelloTimeout, reason))
    }

    /// So many pieces of streams came, however small: how the connection must be closed, if it has not proven who it is
    /// and makes the server hold so many. To be asked now and then; a `Hello` and what comes with it is few.
    pub fn handle_pieces(&self, count: u64) -> Option<Close> {
        let is_flood = self.identity.get().is_none() && count > UNPROVEN_PIECES_MAX;
        let reason = "too many small pieces before Welcome".to_owned();
        is_flood.then_some((CloseCode::LimitExceeded, reason))
    }

    /// The connection is over: who has not proven who it is never will.
    pub fn handle_end(&self) {
        // What was proven stays so; nothing is left that it could allow.
        let _ = self.identity.set(None);
    }

    /// It asks to be let in without a name.
    pub(super) fn ask_anonymously(&self) {
        self.is_anonymous.store(true, Ordering::Release);
    }

    /// Whether the service is to be told that it is over, with [`Input::Leave`](crate::service::Input::Leave): to be
    /// asked when all its streams have ended.
    pub fn must_leave(&self) -> bool {
        self.is_anonymous.load(Ordering::Acquire)
    }

    /// The connection has proven to be `actor`; false if it is over already.
    pub fn enter(&self, actor: Arc<Actor>) -> bool {
        self.identity.set(Some(actor)).is_ok()
    }

    /// Who it has proven to be, once that is decided; then `None` means nobody.
    pub fn identity(&self) -> Option<Option<Arc<Actor>>> {
        self.identity.get().cloned()
    }

    /// Whether it has proven who it is.
    pub(super) fn is_proven(&self) -> bool {
        matches!(self.identity.get(), Some(Some(_)))
    }

    /// Takes the one place for a CONTROL stream; false if it is taken.
    pub(super) fn take_control(&self) -> bool {
        !self.has_control.swap(true, Ordering::AcqRel)
    }

    /// Takes a place for a feed, unless there are as many as there may be.
    pub(super) fn take_feed(self: &Arc<Self>) -> Option<FeedPlace> {
        let place = FeedPlace(Arc::clone(self));
        (self.feeds.fetch_add(1, Ordering::AcqRel) < FEEDS_MAX).then_some(place)
    }
}

/// Counts one feed while it lives.
#[derive(Debug)]
pub(super) struct FeedPlace(Arc<Connection>);

impl Drop for FeedPlace {
    fn drop(&mut self) {
        self.0.feeds.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeviceId;

    fn connection() -> Arc<Connection> {
        let silence_max = Duration::from_secs(1);
        let settings = Settings { silence_max, store_secret: [1; 32], cursor_secret: [2; 32] };
        let fresh = Fresh { nonce: [3; 32], pseudonym: [4; 8], origin: None };
        Arc::new(Connection::new(Arc::new(settings), fresh))
    }

    fn alice() -> Arc<Actor> {
        let principal = "alice@d.example".parse().unwrap();
        Arc::new(Actor { principal, device: DeviceId([1; 8]) })
    }

    #[test]
    fn whoever_says_nothing_in_time_is_closed_and_whoever_does_is_not() {
        let silent = connection();
        assert_eq!(silent.handle_hello_timeout().unwrap().0, CloseCode::HelloTimeout);
        let entered = connection();
        assert!(entered.enter(alice()));
        assert_eq!(entered.handle_hello_timeout(), None);
    }

    #[test]
    fn nobody_enters_a_connection_that_is_over() {
        let connection = connection();
        connection.handle_end();
        assert!(!connection.enter(alice()));
        assert_eq!(connection.identity(), Some(None));
    }

    #[test]
    fn whoever_has_proven_nothing_opens_few_streams_and_others_as_many_as_they_want() {
        let (stranger, entered) = (connection(), connection());
        assert!(entered.enter(alice()));
        for _ in 0..UNPROVEN_STREAMS_MAX {
            assert_eq!((stranger.handle_stream(), entered.handle_stream()), (None, None));
        }
        assert_eq!(stranger.handle_stream().unwrap().0, CloseCode::LimitExceeded);
        assert_eq!(entered.handle_stream(), None);
        assert_eq!(stranger.handle_pieces(UNPROVEN_PIECES_MAX), None);
        let close = stranger.handle_pieces(UNPROVEN_PIECES_MAX + 1).unwrap();
        assert_eq!(close.0, CloseCode::LimitExceeded);
        assert_eq!(entered.handle_pieces(u64::MAX), None);
    }

    #[test]
    fn a_feed_that_ends_makes_room_for_another() {
        let connection = connection();
        let mut places: Vec<FeedPlace> =
            (0..FEEDS_MAX).map(|_| connection.take_feed().unwrap()).collect();
        assert!(connection.take_feed().is_none());
        places.pop();
        assert!(connection.take_feed().is_some());
    }
}
