//! What waits for the writer, by whose turn it is.
//!
//! Each asker has a share of its own: how much of it may wait, and what waits of it is taken in turn with the others. Who
//! has used its share up waits for room, and its streams are not read meanwhile.
//! Must never hold: a decision of the service, or a wait for the disk.

use std::collections::{HashMap, VecDeque};
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::commit::Commit;
use crate::service::{Asker, Askers, Input};

/// The writer is gone: the server is about to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WriterGone;

/// Everything that waits for the writer.
pub(super) struct Desk {
    state: Mutex<State>,
    filled: Condvar,
    shares: Mutex<Shares>,
    share_max: u32,
    /// Who reads the log: so many at once that the writer and the network are not left without a processor.
    readers: Semaphore,
}

/// The shares that somebody holds.
#[derive(Default)]
struct Shares(HashMap<Asker, Weak<Share>>);

/// Something that the writer does between two rounds, in a fraction of a millisecond. All that it sees is durable.
pub(super) type Errand = Box<dyn FnOnce(&mut Commit) + Send>;

#[derive(Default)]
struct State {
    askers: Askers<Waiting>,
    errands: VecDeque<Errand>,
    /// The writer is to look for what lies elsewhere than here.
    is_called: bool,
    /// Nothing more is taken on.
    is_closed: bool,
}

/// One input, the room that it takes up together with those that came with it, and the share whose room that is: it is not
/// forgotten while anything of it waits, also when whoever asked is gone.
struct Waiting {
    input: Input,
    /// Since when, of the first of those that came together.
    since: Option<Instant>,
    _room: Arc<OwnedSemaphorePermit>,
    _share: Arc<Share>,
}

/// What one asker may have waiting, shared by all its streams.
pub(super) struct Share {
    desk: Arc<Desk>,
    asker: Asker,
    room: Arc<Semaphore>,
    /// One read of the log at a time.
    reader: Semaphore,
}

/// The turn to read the log, while it is held.
pub(super) struct ReadTurn<'a> {
    _own: Option<SemaphorePermit<'a>>,
    _common: Option<SemaphorePermit<'a>>,
}

impl Desk {
    /// A desk at which of each asker so much may wait, in the cost of its inputs.
    pub(super) fn new(share_max: usize) -> Arc<Self> {
        let share_max = u32::try_from(share_max).unwrap_or(u32::MAX).max(1);
        let (state, filled, shares) = Default::default();
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let readers = Semaphore::new(processors.saturating_sub(1).max(1));
        Arc::new(Self { state, filled, shares, share_max, readers })
    }

    /// The share of `asker`.
    pub(super) fn share(self: &Arc<Self>, asker: Asker) -> Arc<Share> {
        let mut shares = lock(&self.shares);
        if let Some(share) = shares.0.get(&asker).and_then(Weak::upgrade) {
            return share;
        }
        let room = Arc::new(Semaphore::new(self.share_max as usize));
        let (desk, reader) = (Arc::clone(self), Semaphore::new(1));
        let share = Arc::new(Share { desk, asker: asker.clone(), room, reader });
        shares.0.insert(asker, Arc::downgrade(&share));
        share
    }

    /// Waits until something waits, the writer is called, the desk is closed, or `time` is over. Says whether it is closed.
    pub(super) fn wait(&self, time: Duration) -> bool {
        let is_idle = |state: &mut State| {
            let nothing = state.askers.is_empty() && state.errands.is_empty();
            nothing && !state.is_called && !state.is_closed
        };
        let waited = self.filled.wait_timeout_while(lock(&self.state), time, is_idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.is_called = false;
        state.is_closed
    }

    /// Ends the writer's wait, for what does not wait here.
    pub(super) fn call(&self) {
        lock(&self.state).is_called = true;
        self.filled.notify_one();
    }

    /// How many inputs wait.
    pub(super) fn len(&self) -> usize {
        lock(&self.state).askers.len()
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.state).askers.is_empty()
    }

    /// Begins a round of what waits.
    pub(super) fn begin_round(&self) {
        lock(&self.state).askers.begin_round();
    }

    /// Takes what is next in the running round, and says whose it is, and of the first of inputs that came together since
    /// when they wait.
    pub(super) fn next(&self) -> Option<(Asker, Input, Option<Instant>)> {
        let (asker, _, waiting) = lock(&self.state).askers.pop_in_round()?;
        Some((asker, waiting.input, waiting.since))
    }

    /// What was taken for `asker` cost so much more.
    pub(super) fn charge(&self, asker: &Asker, cost: u64) {
        lock(&self.state).askers.charge(asker, cost);
    }

    /// Has the writer do something of the server's own between two rounds.
    pub(super) fn send(&self, errand: Errand) -> Result<(), WriterGone> {
        let mut state = lock(&self.state);
        if state.is_closed {
            return Err(WriterGone);
        }
        state.errands.push_back(errand);
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Takes the next of what is to be done between two rounds.
    pub(super) fn errand(&self) -> Option<Errand> {
        lock(&self.state).errands.pop_front()
    }

    /// Takes nothing more on; what waits is still handed out.
    pub(super) fn close(&self) {
        lock(&self.state).is_closed = true;
        self.filled.notify_all();
    }

    /// Closes, and throws away what waits: nobody is left to take it.
    pub(super) fn abandon(&self) {
        self.close();
        let mut state = lock(&self.state);
        let waiting = (core::mem::take(&mut state.askers), core::mem::take(&mut state.errands));
        drop(state);
        drop(waiting);
    }
}

impl Share {
    /// Hands over inputs in order; waits while too much of the same asker waits.
    pub(super) async fn submit(self: &Arc<Self>, inputs: Vec<Input>) -> Result<(), WriterGone> {
        let cost = inputs.iter().map(Input::cost).sum::<u64>();
        let room = u32::try_from(cost).unwrap_or(u32::MAX).min(self.desk.share_max);
        let room = Arc::clone(&self.room).acquire_many_owned(room).await.map_err(|_| WriterGone)?;
        let room = Arc::new(room);
        let mut since = Some(Instant::now());
        let mut state = lock(&self.desk.state);
        if state.is_closed {
            return Err(WriterGone);
        }
        for input in inputs {
            let cost = input.cost();
            let waiting = Waiting {
                input,
                since: since.take(),
                _room: Arc::clone(&room),
                _share: Arc::clone(self),
            };
            state.askers.push(&self.asker, cost, waiting);
        }
        drop(state);
        self.desk.filled.notify_one();
        Ok(())
    }
}

impl Share {
    /// Waits for the turn to read the log: askers take turns, however many streams each has.
    pub(super) async fn read_turn(&self) -> ReadTurn<'_> {
        let own = self.reader.acquire().await.ok();
        let common = self.desk.readers.acquire().await.ok();
        ReadTurn { _own: own, _common: common }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut shares = lock(&self.desk.shares);
        // Another may have taken its place since the last one who held it let it go.
        if shares.0.get(&self.asker).is_some_and(|share| share.strong_count() == 0) {
            shares.0.remove(&self.asker);
        }
    }
}

/// A lock whose holder panicked guards data that is whole: every change here is a single step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asker(name: &str) -> Asker {
        Asker::Principal(name.into())
    }

    fn ticks(count: usize) -> Vec<Input> {
        (0..count).map(|_| Input::Tick).collect()
    }

    fn take_all(desk: &Desk) {
        while !desk.is_empty() {
            desk.begin_round();
            while desk.next().is_some() {}
        }
    }

    #[tokio::test]
    async fn who_has_used_its_share_up_waits_and_nobody_else_does() {
        let desk = Desk::new(4);
        let (greedy, other) = (desk.share(asker("greedy")), desk.share(asker("other")));
        greedy.submit(ticks(4)).await.unwrap();
        let mut more = tokio_test(greedy.submit(ticks(1)));
        assert!(more.is_pending());
        other.submit(ticks(4)).await.unwrap();
        take_all(&desk);
        assert!(!more.is_pending());
    }

    #[tokio::test]
    async fn more_than_a_share_at_once_is_taken_when_nothing_else_waits() {
        let desk = Desk::new(4);
        let share = desk.share(asker("a"));
        share.submit(ticks(100)).await.unwrap();
        assert!(tokio_test(share.submit(ticks(1))).is_pending());
    }

    #[tokio::test]
    async fn a_share_is_the_same_for_all_who_hold_it_and_forgotten_with_the_last() {
        let desk = Desk::new(4);
        let (one, two) = (desk.share(asker("a")), desk.share(asker("a")));
        assert!(Arc::ptr_eq(&one, &two));
        drop(one);
        assert_eq!(lock(&desk.shares).0.len(), 1);
        drop(two);
        assert!(lock(&desk.shares).0.is_empty());
    }

    #[tokio::test]
    async fn what_waits_of_somebody_who_is_gone_still_takes_up_its_room() {
        let desk = Desk::new(4);
        for _ in 0..2 {
            desk.share(asker("a")).submit(ticks(2)).await.unwrap();
        }
        let again = desk.share(asker("a"));
        let mut more = tokio_test(again.submit(ticks(1)));
        assert!(more.is_pending());
        assert_eq!(lock(&desk.state).askers.count(), 1, "and has one turn");
        take_all(&desk);
        assert!(!more.is_pending());
    }

    #[tokio::test]
    async fn who_leaves_and_comes_back_goes_on_where_its_turn_was() {
        let desk = Desk::new(64);
        let other = desk.share(asker("other"));
        other.submit(ticks(40)).await.unwrap();
        desk.share(asker("a")).submit(ticks(1)).await.unwrap();
        desk.begin_round();
        while desk.next().is_some_and(|(whose, ..)| whose != asker("a")) {}
        desk.charge(&asker("a"), 20);
        desk.share(asker("a")).submit(ticks(1)).await.unwrap();
        let first = core::iter::from_fn(|| desk.next()).position(|(whose, ..)| whose == asker("a"));
        assert!(first.is_some_and(|first| first >= 20), "{first:?}");
    }

    #[tokio::test]
    async fn a_desk_that_is_given_up_lets_nobody_wait() {
        let desk = Desk::new(4);
        let share = desk.share(asker("a"));
        share.submit(ticks(4)).await.unwrap();
        let mut waits = tokio_test(share.submit(ticks(1)));
        assert!(waits.is_pending());
        desk.abandon();
        assert_eq!(waits.outcome(), Some(Err(WriterGone)));
        assert!(desk.wait(Duration::from_mins(1)));
    }

    /// A future that is looked at now and then.
    struct Looked<F: Future>(std::pin::Pin<Box<F>>);

    fn tokio_test<F: Future>(future: F) -> Looked<F> {
        Looked(Box::pin(future))
    }

    impl<F: Future> Looked<F> {
        fn outcome(&mut self) -> Option<F::Output> {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            match self.0.as_mut().poll(&mut context) {
                std::task::Poll::Ready(outcome) => Some(outcome),
                std::task::Poll::Pending => None,
            }
        }

        fn is_pending(&mut self) -> bool {
            self.outcome().is_none()
        }
    }
}
