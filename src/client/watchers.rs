//! Watcher information: who watches a presentity one controls, once or as it changes. RFC 2778 §3, RFC 3858.
//!
//! Must never hold: a position on disk. What is told is the present state, so it begins anew each time.

use super::client::Client;
use super::error::ClientError;
use super::exchange::{FeedEvent, FeedItem};
use super::feed::{Feed, Subject};
use super::resume::{Arrived, FeedKind, FeedResume, Position};
use super::watch::check_list;
use crate::model::{InboxSequence, Presentity, Principal, WatcherRow};
use crate::protocol::{EndSubscription, FeedSubject, Field as _, ListWatchers};

/// What comes on a feed with watcher information.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// A watcher.
    Watcher(Box<WatcherRow>),
    /// Presence that somebody is subscribed to: of no interest here.
    Presence,
}

impl FeedItem for News {
    fn arrived(event: FeedEvent) -> Result<Option<Arrived<Self>>, ClientError> {
        let (number, cursor, bytes, item) = match event {
            FeedEvent::Watcher { event, bytes } => {
                let row = WatcherRow::from_wire(event.watcher).map_err(ClientError::protocol)?;
                (event.number, event.cursor, bytes, Self::Watcher(Box::new(row)))
            }
            FeedEvent::Presence { event, bytes } => {
                (event.number, event.cursor, bytes, Self::Presence)
            }
            _ => return Ok(None),
        };
        Ok(Some(Arrived { number, cursor, sequence: InboxSequence::ZERO, bytes, item }))
    }
}

/// A stream of watchers that survives lost connections: first everyone there is, then each as it changes.
#[derive(Debug)]
pub struct Watchers {
    feed: Feed<News>,
}

impl Watchers {
    /// The next watcher, or `None` at the end of a stream that does not follow, or after the error that ended it.
    /// Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<WatcherRow, ClientError>> {
        loop {
            let (handed, held) = match self.feed.next().await? {
                Ok(next) => next,
                Err(error) => return Some(Err(error)),
            };
            held.mark_taken();
            if let News::Watcher(row) = handed.item {
                return Some(Ok(*row));
            }
        }
    }
}

impl Client {
    /// Who watches `presentity`, or did of late.
    ///
    /// # Errors
    /// [`ClientError::Refused`], and those of a connection that will not come back.
    pub async fn watchers(&self, presentity: &Presentity) -> Result<Vec<WatcherRow>, ClientError> {
        self.ask(&ListWatchers { presentity: presentity.clone() }).await
    }

    /// Tells who watches `presentities`, all that one controls if empty, and goes on as that changes.
    ///
    /// # Errors
    /// [`ClientError::Invalid`] for too long a list. Refusals and lost connections come from [`Watchers::next`].
    pub fn follow_watchers(&self, presentities: &[Presentity]) -> Result<Watchers, ClientError> {
        check_list(presentities)?;
        let presentities = presentities.to_vec();
        let open = FeedSubject::Presence { presentities, with_watchers: true };
        let subject = Subject { open, kind: FeedKind::Presence, follow: true };
        let resume = FeedResume::new(FeedKind::Presence, Position::default());
        Ok(Watchers { feed: Feed::new(self, subject, resume, None) })
    }

    /// Ends the subscription of `watcher` to `presentity`.
    ///
    /// # Errors
    /// As [`Client::watchers`].
    pub async fn end_subscription(
        &self,
        watcher: &Principal,
        presentity: &Presentity,
    ) -> Result<(), ClientError> {
        let (watcher, presentity) = (watcher.clone(), presentity.clone());
        self.changed(EndSubscription { operation: self.operation(), watcher, presentity })
            .await
            .map(drop)
    }
}
