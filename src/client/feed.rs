//! What watches and inboxes share: a feed that survives its connections, and the two tasks behind it.
//!
//! One task reads the feed and acknowledges, one saves the position. Both, and the application, see the same
//! [`FeedResume`] behind a lock and wait for its changes.
//! Must never hold: what an item means, or a rule of resuming (see `resume`).

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::client::{Client, blocking};
use super::connection::{FeedReceiver, FeedSender};
use super::error::ClientError;
use super::exchange::{FeedEvent, FeedItem, Heard, hear};
use super::link::{Link, next_link};
use super::resume::{FeedKind, FeedResume, Handed, ItemNumber, Opening, Unsaved};
use super::state::CursorFile;
use crate::model::RefusalCode;
use crate::model::limits::COMPOSING_HELD_MAX;
use crate::protocol::{Composing, FeedOpen, FeedSubject, Outcome, body};
use crate::wire::{CloseCode, ResetCode};

/// How long to wait before a feed that the server ended by itself is opened again on the same connection.
const REOPEN_WAIT: Duration = Duration::from_secs(1);
/// Troubles that wait to be told; the oldest is forgotten beyond.
const TROUBLES_HELD_MAX: usize = 16;

/// What the tasks of a feed carry.
pub(crate) trait Item: FeedItem + Clone + Send + 'static {}

impl<T: FeedItem + Clone + Send + 'static> Item for T {}

/// What to open, again and again.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) open: FeedSubject,
    pub(crate) kind: FeedKind,
    /// Whether the feed goes on when it is caught up.
    pub(crate) follow: bool,
}

#[derive(Debug)]
struct State<T> {
    resume: FeedResume<T>,
    opening: Option<Opening>,
    was_caught_up: bool,
    troubles: VecDeque<ClientError>,
    /// Who is composing, the latest of each sender; the oldest is forgotten beyond a few.
    composing: VecDeque<Composing>,
    /// The server has another past: told before anything of it is handed out.
    restored: Option<ClientError>,
    /// No further items come; the reason unless all is well.
    over: Option<Result<(), ClientError>>,
    /// The position cannot be saved any more.
    unsavable: Option<ClientError>,
    /// Whether the application knows what ended the feed.
    told: bool,
}

/// The state of a feed, and the news that it changed.
#[derive(Debug)]
pub(crate) struct Shared<T> {
    state: Mutex<State<T>>,
    changes: watch::Sender<()>,
}

impl<T: Item> Shared<T> {
    fn new(resume: FeedResume<T>) -> Self {
        let state = State {
            resume,
            opening: None,
            was_caught_up: false,
            troubles: VecDeque::new(),
            composing: VecDeque::new(),
            restored: None,
            over: None,
            unsavable: None,
            told: false,
        };
        Self { state: Mutex::new(state), changes: watch::Sender::new(()) }
    }

    fn look<R>(&self, look: impl FnOnce(&mut State<T>) -> R) -> R {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<R>(&self, change: impl FnOnce(&mut State<T>) -> R) -> R {
        let result = self.look(change);
        self.changes.send_replace(());
        result
    }

    /// Waits until `look` finds something.
    async fn until<R>(&self, mut look: impl FnMut(&mut State<T>) -> Option<R>) -> R {
        let mut changes = self.changes.subscribe();
        loop {
            if let Some(found) = self.look(&mut look) {
                return found;
            }
            changes.changed().await.expect("the sender is part of what is borrowed");
        }
    }

    fn end(&self, result: Result<(), ClientError>) {
        self.change(|state| state.over.get_or_insert(result).is_ok());
    }

    /// Tells the application of something that went wrong beside the feed.
    pub(crate) fn trouble(&self, error: ClientError) {
        self.change(|state| {
            if state.troubles.len() == TROUBLES_HELD_MAX {
                state.troubles.pop_front();
            }
            state.troubles.push_back(error);
        });
    }
}

/// An item in the application's hands, by which it says that it has taken it.
#[derive(Debug)]
pub(crate) struct InHand<T> {
    number: ItemNumber,
    shared: Arc<Shared<T>>,
}

impl<T: Item> InHand<T> {
    pub(crate) fn mark_taken(&self) {
        self.shared.change(|state| state.resume.taken(self.number));
    }

    pub(crate) async fn taken(self) -> Result<(), ClientError> {
        self.mark_taken();
        let number = self.number;
        self.shared
            .until(|state| match &state.unsavable {
                Some(error) => Some(Err(error.clone())),
                None => state.resume.is_saved(number).then_some(Ok(())),
            })
            .await
    }
}

/// A feed and its tasks, which end with it.
#[derive(Debug)]
pub(crate) struct Feed<T> {
    shared: Arc<Shared<T>>,
    follow: bool,
    tasks: Vec<JoinHandle<()>>,
}

impl<T> Drop for Feed<T> {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl<T: Item> Feed<T> {
    /// Begins to read. `file` keeps the position; without one it is forgotten with this feed.
    pub(crate) fn new(
        client: &Client,
        subject: Subject,
        resume: FeedResume<T>,
        file: Option<CursorFile>,
    ) -> Self {
        let shared = Arc::new(Shared::new(resume));
        let (follow, saves) = (subject.follow, subject.kind != FeedKind::InboxKept);
        let reader = Reader { client: client.clone(), subject, shared: Arc::clone(&shared) };
        let mut tasks = vec![tokio::spawn(reader.run())];
        if saves {
            tasks.push(tokio::spawn(save(Arc::clone(&shared), file.map(Arc::new))));
        }
        Self { shared, follow, tasks }
    }

    pub(crate) fn shared(&self) -> Arc<Shared<T>> {
        Arc::clone(&self.shared)
    }

    /// Has `task` end with this feed.
    pub(crate) fn own(&mut self, task: JoinHandle<()>) {
        self.tasks.push(task);
    }

    pub(crate) async fn next(&mut self) -> Option<Result<(Handed<T>, InHand<T>), ClientError>> {
        loop {
            match self.next_event().await? {
                Ok(Event::Item(handed, held)) => return Some(Ok((handed, held))),
                Ok(Event::Composing(_)) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// As [`Feed::next`], with what is no item.
    pub(crate) async fn next_event(&mut self) -> Option<Result<Event<T>, ClientError>> {
        let follow = self.follow;
        match self.shared.until(|state| state.next(follow)).await {
            News::Item(handed) => {
                let (handed, held) = self.with_hold(handed);
                Some(Ok(Event::Item(handed, held)))
            }
            News::Composing(composing) => Some(Ok(Event::Composing(composing))),
            News::Trouble(error) => Some(Err(error)),
            News::End => None,
        }
    }

    pub(crate) fn next_ready(&mut self) -> Option<(Handed<T>, InHand<T>)> {
        let handed = self.shared.change(|state| state.resume.next_item())?;
        Some(self.with_hold(handed))
    }

    fn with_hold(&self, handed: Handed<T>) -> (Handed<T>, InHand<T>) {
        // Room was made for one more item: the reader may be waiting for it.
        self.shared.changes.send_replace(());
        let held = InHand { number: handed.number, shared: Arc::clone(&self.shared) };
        (handed, held)
    }

    pub(crate) fn is_caught_up(&self) -> bool {
        self.shared.look(|state| state.resume.is_caught_up())
    }

    pub(crate) fn opening(&self) -> Option<Opening> {
        self.shared.look(|state| state.opening)
    }

    pub(crate) async fn settled(&self) -> Result<(), ClientError> {
        self.shared
            .until(|state| {
                // What failed only matters to what is not settled.
                if state.resume.is_settled() { Some(Ok(())) } else { state.failure().map(Err) }
            })
            .await
    }
}

/// What a feed brings.
pub(crate) enum Event<T> {
    /// An item, and the hold by which it is taken.
    Item(Handed<T>, InHand<T>),
    /// Somebody is composing.
    Composing(Composing),
}

enum News<T> {
    Item(Handed<T>),
    Composing(Composing),
    Trouble(ClientError),
    End,
}

impl<T> State<T> {
    fn hear(&mut self, composing: &Composing) {
        self.composing.retain(|known| known.sender != composing.sender);
        if self.composing.len() == COMPOSING_HELD_MAX {
            self.composing.pop_front();
        }
        self.composing.push_back(composing.clone());
    }

    /// What to tell the application next, if there is anything yet.
    fn next(&mut self, follow: bool) -> Option<News<T>> {
        if let Some(restored) = self.restored.take() {
            return Some(News::Trouble(restored));
        }
        if let Some(handed) = self.resume.next_item() {
            return Some(News::Item(handed));
        }
        if let Some(composing) = self.composing.pop_front() {
            return Some(News::Composing(composing));
        }
        if let Some(trouble) = self.troubles.pop_front() {
            return Some(News::Trouble(trouble));
        }
        if self.was_caught_up && !follow {
            return Some(News::End);
        }
        match (self.failure(), &self.over) {
            (Some(error), _) if !self.told => {
                self.told = true;
                Some(News::Trouble(error))
            }
            (None, None) => None,
            _ => Some(News::End),
        }
    }

    /// What ended the feed, if it was not its own end.
    fn failure(&self) -> Option<ClientError> {
        let over = self.over.as_ref().and_then(|over| over.as_ref().err());
        self.unsavable.as_ref().or(over).cloned()
    }
}

/// Saves the position whenever it moved. What is taken while one is being saved is saved next, all at once.
/// Without a file the position is as good as saved at once, so that the server's window opens.
async fn save<T: Item>(shared: Arc<Shared<T>>, file: Option<Arc<CursorFile>>) {
    loop {
        let unsaved: Unsaved = shared.until(|state| state.resume.unsaved()).await;
        let stored = match file.clone() {
            Some(file) => {
                let position = unsaved.position.clone();
                blocking(move || file.store(&position)).await
            }
            None => Ok(()),
        };
        match stored {
            Ok(()) => shared.change(|state| state.resume.saved(unsaved)),
            Err(error) => {
                shared.change(|state| state.unsavable = Some(error));
                return;
            }
        }
    }
}

/// What to do after a feed ended.
enum Next {
    /// Open it again on the same connection, after a while.
    Reopen(Duration),
    /// Wait for the next connection.
    Reconnect,
    /// Stop.
    End(Result<(), ClientError>),
}

struct Reader<T> {
    client: Client,
    subject: Subject,
    shared: Arc<Shared<T>>,
}

impl<T: Item> Reader<T> {
    async fn run(self) {
        let (mut links, mut number) = (self.client.links(), 0);
        loop {
            let link = match next_link(&mut links, number).await {
                Ok(link) => link,
                Err(error) => return self.shared.end(Err(error)),
            };
            number = link.number;
            if let Some(result) = self.use_link(&link).await {
                return self.shared.end(result);
            }
        }
    }

    /// Reads over one connection until it ends; `Some` if the feed ends too.
    async fn use_link(&self, link: &Link) -> Option<Result<(), ClientError>> {
        loop {
            let next = match self.read(link).await {
                Ok(next) => next,
                Err(error) => after(error, link),
            };
            self.shared.change(|state| state.resume.lost());
            match next {
                Next::Reopen(wait) => sleep(wait).await,
                Next::Reconnect => return None,
                Next::End(result) => return Some(result),
            }
        }
    }

    async fn read(&self, link: &Link) -> Result<Next, ClientError> {
        let mut changes = self.shared.changes.subscribe();
        let cursor = self.shared.change(|state| state.resume.open());
        let mut subject = self.subject.open.clone();
        if let FeedSubject::Inbox { from_start, .. } = &mut subject {
            *from_start &= cursor.is_empty();
        }
        let open = FeedOpen { cursor, window: 0, subject };
        let (mut sender, mut receiver) = link.connection.feed(&open).await?;
        loop {
            changes.borrow_and_update();
            self.acknowledge(&mut sender).await?;
            let (has_room, must_reopen) =
                self.shared.look(|state| (state.resume.has_room(), state.resume.must_reopen()));
            if must_reopen {
                return Ok(Next::Reopen(Duration::ZERO));
            }
            tokio::select! {
                event = receiver.next(), if has_room => {
                    if let Some(next) = self.event(event?)? {
                        return self.rest(next, sender, receiver).await;
                    }
                }
                _ = changes.changed() => {}
            }
        }
    }

    async fn acknowledge(&self, sender: &mut FeedSender) -> Result<(), ClientError> {
        let due = self.shared.look(|state| state.resume.next_acknowledgement());
        match due {
            Some(cursor) => sender.acknowledge(cursor).await,
            None => Ok(()),
        }
    }

    /// A feed that ends because it is caught up lives on for the acknowledgements of what it brought.
    async fn rest(
        &self,
        next: Next,
        mut sender: FeedSender,
        mut receiver: FeedReceiver,
    ) -> Result<Next, ClientError> {
        if !matches!(next, Next::End(Ok(()))) || self.subject.kind != FeedKind::Inbox {
            return Ok(next);
        }
        let mut changes = self.shared.changes.subscribe();
        loop {
            changes.borrow_and_update();
            self.acknowledge(&mut sender).await?;
            tokio::select! {
                event = receiver.next() => {
                    if let FeedEvent::Acknowledged { cursor } = event? {
                        self.shared.change(|state| state.resume.acknowledged(&cursor));
                    }
                }
                _ = changes.changed() => {}
            }
        }
    }

    fn event(&self, event: FeedEvent) -> Result<Option<Next>, ClientError> {
        let heard = self.shared.change(|state| {
            let heard = hear(&mut state.resume, event)?;
            match &heard {
                Heard::Opened(opening) => {
                    state.opening = Some(*opening);
                    let had = opening.had;
                    // It stays until it is told, also if the feed is opened again before.
                    if opening.outcome == Outcome::Restored {
                        state.restored = Some(ClientError::Restored { had });
                    }
                }
                Heard::CaughtUp => state.was_caught_up = true,
                Heard::Composing(composing) => state.hear(composing),
                _ => {}
            }
            Ok::<_, ClientError>(heard)
        })?;
        Ok(match heard {
            Heard::CaughtUp if !self.subject.follow => Some(Next::End(Ok(()))),
            Heard::Ended(end) => Some(ended(&end)),
            _ => None,
        })
    }
}

fn ended(end: &body::FeedEnd) -> Next {
    match ResetCode::from_number(u64::from(end.code)) {
        Some(ResetCode::TooFarBehind) => Next::Reopen(Duration::ZERO),
        Some(ResetCode::GoingAway) => Next::Reconnect,
        _ => Next::Reopen(REOPEN_WAIT),
    }
}

/// What to do after `error` on a feed of `link`.
fn after(error: ClientError, link: &Link) -> Next {
    match error {
        _ if link.connection.is_closed() => Next::Reconnect,
        ClientError::Refused(refused) if refused.is(RefusalCode::GoingAway) => Next::Reconnect,
        ClientError::Refused(refused) if refused.is(RefusalCode::Busy) => {
            let asked = refused.retry_after.map(|wait| Duration::from_millis(wait.as_ms()));
            Next::Reopen(asked.unwrap_or(REOPEN_WAIT).max(REOPEN_WAIT))
        }
        ClientError::Refused(refused) => Next::End(Err(ClientError::Refused(refused))),
        ClientError::Protocol { .. } => {
            link.connection.close(CloseCode::ProtocolViolation);
            Next::Reconnect
        }
        _ => Next::Reopen(REOPEN_WAIT),
    }
}
