//! Somebody who is there: connected, with a presence feed and an inbox feed open, and quiet.
//!
//! Must never hold: a request that changes anything.

use bytes::Bytes;

use super::link::{Dialer, Feed, Link, inbox, presence_from, wrong};
use crate::cli::run::failure::Failure;
use crate::client::Credentials;
use crate::client::connection::FeedEvent;

/// `FeedReady.outcome` of a feed that goes on at its cursor.
pub(super) const RESUMED: u8 = 1;

/// Somebody who is there. Dropped, it says good-bye.
pub(super) struct Present {
    /// Who.
    pub(super) who: Credentials,
    /// Where its presence feed stands.
    pub(super) cursor: Bytes,
    /// Whether the server said that its answers mean: it is on stable storage.
    pub(super) durable: bool,
    // They end when they are dropped.
    _feeds: [Feed; 2],
    _link: Link,
}

impl Present {
    /// Connects as `who` and opens both feeds, the one of presence at `cursor` if that is not empty; ends when both have told
    /// what there is. All is sent without waiting for an answer, as the protocol allows.
    pub(super) async fn enter(
        dialer: Dialer,
        who: Credentials,
        cursor: Bytes,
    ) -> Result<Self, Failure> {
        let resumes = !cursor.is_empty();
        let mut link = dialer.hello(&who, None).await?;
        let mut presence = link.feed(&presence_from(cursor)).await?;
        let mut messages = link.feed(&inbox(&who.principal().inbox())).await?;
        let cursor = caught_up(&mut presence, resumes).await?;
        caught_up(&mut messages, false).await?;
        let durable = link.welcome().await?;
        Ok(Self { who, cursor, durable, _feeds: [presence, messages], _link: link })
    }
}

/// Reads until all was told that there is, and returns the position. A feed that `resumes` must go on where it was.
async fn caught_up(feed: &mut Feed, resumes: bool) -> Result<Bytes, Failure> {
    loop {
        match feed.next().await? {
            FeedEvent::Ready(ready) if resumes && ready.outcome != RESUMED => {
                return Err(wrong("the server did not take the cursor"));
            }
            FeedEvent::Presence { event, .. } => feed.taken(event.cursor).await?,
            FeedEvent::CaughtUp { cursor } => {
                feed.acknowledge().await?;
                return Ok(cursor);
            }
            _ => {}
        }
    }
}
