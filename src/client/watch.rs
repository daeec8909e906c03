//! Watching presentities, fetching one, and the subscriptions behind it.
//!
//! Must never hold: what was shown before. The application keeps what it needs.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use tokio::sync::Notify;
use tokio::time::{Duration, sleep};

use super::awake::Lease;
use super::client::{Client, blocking, mismatched};
use super::error::ClientError;
use super::exchange::{FeedEvent, FeedItem};
use super::feed::{Feed, InHand, Shared, Subject};
use super::link::{Links, current, next_link};
use super::resume::{Arrived, FeedKind, FeedResume, Handed, Opening};
use super::state::{CursorFile, CursorName};
use crate::model::limits::{FEED_PRESENTITIES_MAX, FRAME_BYTES_MAX, FRAME_OVERHEAD_BYTES};
use crate::model::{
    EndReason, InboxSequence, Lifetime, Mode, Presentity, Refusal, SubscriptionState,
};
use crate::protocol::{
    Answer, FeedSubject, Fetch, Field as _, Presence, Subscribe, Unsubscribe, body,
};

impl FeedItem for Presence {
    fn arrived(event: FeedEvent) -> Result<Option<Arrived<Self>>, ClientError> {
        let FeedEvent::Presence { event, bytes } = event else { return Ok(None) };
        let (number, cursor, sequence) = (event.number, event.cursor, InboxSequence::ZERO);
        let shown = body::Presence { presence: event.presence, left_out: event.left_out };
        let item = Self::from_wire(shown).map_err(ClientError::protocol)?;
        Ok(Some(Arrived { number, cursor, sequence, bytes, item }))
    }
}

/// A subscription was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribed {
    /// Where it stands.
    pub state: SubscriptionState,
    /// How long it is good.
    pub granted: Lifetime,
}

/// Whom to watch, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchOptions {
    /// Whom; all of one's subscriptions if empty, and then none is made or renewed.
    pub presentities: Vec<Presentity>,
    /// How much to be told.
    pub mode: Mode,
    /// How long each subscription is to be good when nobody renews it; the server's default if `None`.
    pub lifetime: Option<Lifetime>,
    /// Begins with the current state, whatever was taken before.
    pub anew: bool,
    /// Goes on with changes as they happen; otherwise the watch ends when it is caught up.
    pub follow: bool,
}

impl WatchOptions {
    /// Watches `presentities` from where the last watch of the same ones stopped, the latest state of each, for as
    /// long as the watch is held.
    pub fn of(presentities: Vec<Presentity>) -> Self {
        let (mode, lifetime) = (Mode::Latest, None);
        Self { presentities, mode, lifetime, anew: false, follow: true }
    }
}

/// One state of one presentity, in the application's hands.
#[derive(Debug)]
pub struct Update {
    /// What is shown.
    pub presence: Presence,
    /// Where the watch stands after it; opaque.
    pub cursor: Bytes,
    /// Whether it is sent anew because the server did not know the position any more: it replaces what was known.
    pub anew: bool,
    held: InHand<Presence>,
}

impl Update {
    fn new((handed, held): (Handed<Presence>, InHand<Presence>)) -> Self {
        Self { presence: handed.item, cursor: handed.cursor, anew: handed.anew, held }
    }

    /// Takes this update, and all before it, for good: resolves when the position is on stable storage, so that no later
    /// process is shown them again.
    ///
    /// # Errors
    /// [`ClientError::State`] if the position cannot be saved.
    pub async fn taken(self) -> Result<(), ClientError> {
        self.held.taken().await
    }

    /// Takes this update, and all before it, without waiting: the position is saved soon, see [`Watch::settled`].
    pub fn mark_taken(self) {
        self.held.mark_taken();
    }

    /// The cursor in base64url, for people and JSON.
    pub fn cursor_text(&self) -> String {
        BASE64URL_NOPAD.encode(&self.cursor)
    }
}

/// A stream of presence that survives lost connections and goes on where the last one stopped.
///
/// Holds the lock of its position for as long as it lives: a second watch of the same presentities by the same identity
/// is refused. Its subscriptions are renewed at half of their lifetime.
#[derive(Debug)]
pub struct Watch {
    feed: Feed<Presence>,
    renewal: Arc<Renewal>,
}

impl Watch {
    /// The next update, or `None` at the end of a watch that does not follow, or after the error that ended it. An
    /// error that is not the last, such as a renewal that was refused, leaves the watch going. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Update, ClientError>> {
        loop {
            match self.feed.next().await? {
                Ok(next) => {
                    if let Some(update) = self.shown(Update::new(next)) {
                        return Some(Ok(update));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// The next update, if one is here already: to take a burst with one save.
    pub fn next_ready(&mut self) -> Option<Update> {
        loop {
            let next = Update::new(self.feed.next_ready()?);
            if let Some(update) = self.shown(next) {
                return Some(update);
            }
        }
    }

    /// Passes over the end of a subscription that ran out and is begun again.
    fn shown(&self, update: Update) -> Option<Update> {
        if update.presence.state != SubscriptionState::Terminated(EndReason::Timeout)
            || !self.renewal.begins_again(&update.presence.presentity)
        {
            return Some(update);
        }
        update.mark_taken();
        None
    }

    /// Whether everything missed has arrived and the watch is live.
    pub fn caught_up(&self) -> bool {
        self.feed.is_caught_up()
    }

    /// What the server said when the feed was opened last.
    pub fn opening(&self) -> Option<Opening> {
        self.feed.opening()
    }

    /// Waits until everything taken is on stable storage.
    ///
    /// # Errors
    /// [`ClientError::State`] if it cannot be saved.
    pub async fn settled(&self) -> Result<(), ClientError> {
        self.feed.settled().await
    }
}

impl Client {
    /// The current presence of `presentity`, without a subscription.
    ///
    /// # Errors
    /// [`ClientError::Refused`], and those of a connection that will not come back.
    pub async fn fetch(&self, presentity: &Presentity) -> Result<Presence, ClientError> {
        self.ask(&Fetch { presentity: presentity.clone() }).await
    }

    /// Begins or renews a subscription. A [`Watch`] does it by itself.
    ///
    /// # Errors
    /// As [`Client::fetch`].
    pub async fn subscribe(
        &self,
        presentity: &Presentity,
        mode: Mode,
        lifetime: Option<Lifetime>,
    ) -> Result<Subscribed, ClientError> {
        let answer = self.request(self.subscription(presentity, mode, lifetime)).await?;
        subscribed(answer.0)
    }

    /// Ends a subscription.
    ///
    /// # Errors
    /// As [`Client::fetch`].
    pub async fn unwatch(&self, presentity: &Presentity) -> Result<(), ClientError> {
        let (operation, presentity) = (self.operation(), presentity.clone());
        match self.request(Unsubscribe { operation, presentity }).await? {
            (Answer::Unsubscribed, _) => Ok(()),
            (other, _) => Err(mismatched(&other)),
        }
    }

    /// Subscribes, and shows the presence of `options.presentities` from where the last watch of the same ones stopped.
    ///
    /// # Errors
    /// [`StateError::Locked`](super::StateError::Locked) if they are being watched already, [`ClientError::Refused`] for
    /// the first subscription that is, and as [`Client::fetch`].
    pub async fn watch(&self, options: WatchOptions) -> Result<Watch, ClientError> {
        check_list(&options.presentities)?;
        let (identity, name) =
            (self.identity().clone(), CursorName::presence(&options.presentities));
        let anew = options.anew;
        let (file, position) = blocking(move || {
            let file = CursorFile::open(&identity, name)?;
            let known = file.as_ref().filter(|_| !anew).map(CursorFile::load).transpose()?;
            let position = known.unwrap_or_default();
            Ok((file, position))
        })
        .await?;
        let granted = self.subscribe_all(&options).await?;
        let presentities = options.presentities.clone();
        let open = FeedSubject::Presence { presentities, with_watchers: false };
        let subject = Subject { open, kind: FeedKind::Presence, follow: options.follow };
        let resume = FeedResume::new(FeedKind::Presence, position);
        let mut feed = Feed::new(self, subject, resume, file);
        let renewal = Arc::new(Renewal::new(options, granted));
        if granted.is_some() {
            let renewing = renew(self.lasting(), Arc::clone(&renewal), feed.shared());
            feed.own(tokio::spawn(renewing));
        }
        Ok(Watch { feed, renewal })
    }

    fn subscription(
        &self,
        presentity: &Presentity,
        mode: Mode,
        lifetime: Option<Lifetime>,
    ) -> Subscribe {
        let (operation, presentity) = (self.operation(), presentity.clone());
        Subscribe { operation, presentity, mode, lifetime }
    }

    /// Subscribes to all of them in one flight; returns the shortest lifetime granted.
    async fn subscribe_all(&self, options: &WatchOptions) -> Result<Option<Lifetime>, ClientError> {
        let mut answers = Vec::with_capacity(options.presentities.len());
        for presentity in &options.presentities {
            let request = self.subscription(presentity, options.mode, options.lifetime);
            answers.push(self.submit(request).await?);
        }
        let mut shortest: Option<Lifetime> = None;
        for answer in answers {
            let granted = subscribed(answer.answered().await?.0)?.granted;
            shortest = Some(shortest.map_or(granted, |shortest| shortest.min(granted)));
        }
        Ok(shortest)
    }
}

/// A feed names its presentities in one frame, so both their number and their length are bounded.
pub(super) fn check_list(presentities: &[Presentity]) -> Result<(), Refusal> {
    let bytes = presentities.iter().map(|one| one.to_string().len() + 2).sum();
    let list = "list of presentities to watch";
    Refusal::check_max(list, presentities.len(), FEED_PRESENTITIES_MAX)?;
    Refusal::check_max(&format!("{list}, in bytes,"), bytes, LIST_BYTES_MAX)
}

fn subscribed(answer: Answer) -> Result<Subscribed, ClientError> {
    match answer {
        Answer::Subscribed { state, granted } => Ok(Subscribed { state, granted }),
        other => Err(mismatched(&other)),
    }
}

/// What a watch is subscribed to, and how long that is good.
#[derive(Debug)]
struct Renewal {
    stands: Mutex<Standing>,
    /// Something ran out and is to be begun again.
    lapsed: Notify,
}

#[derive(Debug)]
struct Standing {
    options: WatchOptions,
    lease: Lease,
    /// Whether the subscriptions ran out before they were renewed last.
    had_lapsed: bool,
}

impl Renewal {
    fn new(options: WatchOptions, granted: Option<Lifetime>) -> Self {
        let standing = Standing { options, lease: lease(granted), had_lapsed: false };
        Self { stands: Mutex::new(standing), lapsed: Notify::new() }
    }

    fn look<R>(&self, look: impl FnOnce(&mut Standing) -> R) -> R {
        look(&mut self.stands.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn renewed(&self, granted: Option<Lifetime>) {
        self.look(|standing| {
            standing.had_lapsed = standing.lease.has_lapsed();
            standing.lease = lease(granted);
        });
    }

    /// Whether a subscription that ended was not ended by anybody, so that it is begun again at once. One that its
    /// watcher ended elsewhere is not renewed any more.
    fn begins_again(&self, presentity: &Presentity) -> bool {
        let (begins, lapses) = self.look(|standing| {
            let is_renewed = standing.options.presentities.contains(presentity);
            let lapses = standing.lease.has_lapsed();
            let begins = is_renewed && (lapses || standing.had_lapsed && standing.lease.is_new());
            if !begins {
                standing.options.presentities.retain(|one| one != presentity);
            }
            (begins, lapses)
        });
        if begins && lapses {
            self.lapsed.notify_one();
        }
        begins
    }
}

fn lease(granted: Option<Lifetime>) -> Lease {
    Lease::new(Duration::from_millis(granted.unwrap_or_default().as_ms()))
}

/// Renews the subscriptions of a watch for as long as it lives.
async fn renew(client: Client, renewal: Arc<Renewal>, shared: Arc<Shared<Presence>>) {
    let mut links = client.links();
    let mut link = current(&links);
    let mut other = (client.links(), link);
    loop {
        let lease = renewal.look(|standing| standing.lease);
        tokio::select! {
            () = lease.due(&mut links, &mut link) => {}
            () = renewal.lapsed.notified() => {}
            next = forgotten(&client, &mut other.0, other.1) => other.1 = next,
        }
        let options = renewal.look(|standing| standing.options.clone());
        if options.presentities.is_empty() {
            return;
        }
        match client.subscribe_all(&options).await {
            Ok(granted) => renewal.renewed(granted),
            Err(error) => {
                // The feed itself ends with the same error; a refusal is news.
                let refused = matches!(error, ClientError::Refused(_));
                shared.trouble(error);
                if !refused {
                    return;
                }
                sleep(REFUSED_WAIT).await;
            }
        }
    }
}

/// Resolves when there is a connection after `link` that knows nothing of the subscriptions: each connection of an
/// anonymous client is of another pseudonym.
async fn forgotten(client: &Client, links: &mut Links, link: u64) -> u64 {
    if !client.identity().principal.is_anonymous() {
        return core::future::pending().await;
    }
    match next_link(links, link).await {
        Ok(next) => next.number,
        // The feed tells why there will be none.
        Err(_) => core::future::pending().await,
    }
}

/// Bytes of addresses in one `FeedOpen`: what is left of a frame beside a cursor.
const LIST_BYTES_MAX: usize = FRAME_BYTES_MAX - FRAME_OVERHEAD_BYTES;
/// How long to wait after a renewal was refused.
const REFUSED_WAIT: Duration = Duration::from_mins(1);
