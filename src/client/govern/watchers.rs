//! Watcher information: who watches a presentity one controls, once or as it changes. RFC 2778 §3, RFC 3858.
//!
//! Must never hold: a position on disk. What is told is the present state, so it begins anew each time.

use crate::client::client::Client;
use crate::client::connection::{FEED_PRESENCE, FeedEvent};
use crate::client::error::ClientError;
use crate::client::feed::{Feed, Item, Subject, open_frame};
use crate::client::request::Request;
use crate::client::resume::{Arrived, FeedKind, FeedResume, Position};
use crate::client::watch::check_list;
use crate::model::{InboxSequence, Presentity, Principal, WatcherRow};
use crate::protocol::{body, convert};

/// What comes on a feed with watcher information.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// A watcher.
    Watcher(Box<WatcherRow>),
    /// Presence that somebody is subscribed to: of no interest here.
    Presence,
}

impl Item for News {
    fn arrived(event: FeedEvent) -> Result<Option<Arrived<Self>>, ClientError> {
        let (number, cursor, bytes, item) = match event {
            FeedEvent::Watcher { event, bytes } => {
                let row = convert::watcher(&event.watcher).map_err(ClientError::protocol)?;
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
        let question = body::ListWatchers { presentity: presentity.to_string() };
        let rows = self.rows::<_, body::Watcher>(&question).await?;
        let rows = rows.into_iter().map(|row| convert::watcher(&row.watcher));
        rows.collect::<Result<_, _>>().map_err(ClientError::protocol)
    }

    /// Tells who watches `presentities`, all that one controls if empty, and goes on as that changes.
    ///
    /// # Errors
    /// [`ClientError::Invalid`] for too long a list. Refusals and lost connections come from [`Watchers::next`].
    pub fn follow_watchers(&self, presentities: &[Presentity]) -> Result<Watchers, ClientError> {
        check_list(presentities)?;
        let open = body::FeedOpen {
            presentities: presentities.iter().map(Presentity::to_string).collect(),
            watchers: convert::watchers_added(true),
            ..open_frame(FEED_PRESENCE)
        };
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
        let request = body::EndSubscription {
            request: 0,
            watcher: watcher.to_string(),
            presentity: presentity.to_string(),
        };
        self.changed(Request::EndSubscription(request)).await.map(drop)
    }
}
