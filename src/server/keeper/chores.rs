//! What the keeper has the writer do, one thing at a time, and what both know of each other.
//!
//! The keeper waits for each to be done; the writer does one a round, beside what clients ask for.
//! Must never hold: when something is to be done.

use core::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::kept::Kept;
use crate::event::LogCut;
use crate::log::{LogFault, Room};
use crate::model::{InboxAddress, InboxSequence, Sequence};
use crate::server::desk::Desk;
use crate::service::InboxPlace;

/// One thing for the writer to do.
#[derive(Debug)]
pub(in crate::server) enum Chore {
    /// End what is over and older than kept, from there on.
    End(InboxPlace, Arc<Kept>),
    /// Begin a checkpoint unless one stands through that event.
    Checkpoint(Sequence),
    /// Say which of these places of an inbox hold what is there.
    StillThere(InboxAddress, Vec<InboxSequence>),
    /// Record a cut.
    State(Box<LogCut>),
    /// End the server: the log failed under the keeper's hands.
    Fail(LogFault),
}

/// What became of a [`Chore`].
#[derive(Debug)]
pub(in crate::server) enum Done {
    /// Where to go on, if there is more.
    Ended(Option<InboxPlace>),
    /// Through which event the last checkpoint stands.
    Checkpointed(Sequence),
    /// These hold what is there.
    StillThere(Vec<InboxSequence>),
    /// By which event the cut is stated.
    Stated(Sequence),
}

/// The server stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stopped;

/// What each tells the other without waiting.
#[derive(Debug, Default)]
pub(super) struct Signs {
    stopped: Mutex<bool>,
    woken: Condvar,
    /// Whether there is no room for more than what happens by itself.
    is_full: AtomicBool,
    /// How many inputs the writer took in.
    inputs: AtomicU64,
}

impl Signs {
    /// Sleeps so long, or until the server stops. Says whether it goes on.
    pub(super) fn sleep(&self, time: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.woken.wait_timeout_while(stopped, time, |stopped| !*stopped);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(super) fn has_room(&self) -> bool {
        !self.is_full.load(Ordering::Relaxed)
    }

    fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.woken.notify_all();
    }
}

/// Paces long work: after each step it rests, for longer if clients asked for something meanwhile, but if it is late.
pub(super) struct Pacer<'a> {
    signs: &'a Signs,
    is_late: bool,
    began: Instant,
    inputs: u64,
}

/// Rest after a step, in quarters of the step: while nobody asks for anything, else, and late.
const REST_QUIET: u32 = 4;
const REST_BUSY: u32 = 8;
const REST_LATE: u32 = 1;
/// The longest rest.
const REST_MAX: Duration = Duration::from_millis(200);

impl<'a> Pacer<'a> {
    pub(super) fn new(signs: &'a Signs, is_late: bool) -> Self {
        Self { signs, is_late, began: Instant::now(), inputs: signs.inputs.load(Ordering::Relaxed) }
    }

    /// A step is done. Rests, and says whether to go on: not if the server stops or its disk is full.
    pub(super) fn rest(&mut self) -> bool {
        let inputs = self.signs.inputs.load(Ordering::Relaxed);
        let quarters = match inputs == self.inputs {
            _ if self.is_late => REST_LATE,
            true => REST_QUIET,
            false => REST_BUSY,
        };
        let goes_on = self.signs.sleep((self.began.elapsed() * quarters / 4).min(REST_MAX));
        (self.began, self.inputs) = (Instant::now(), inputs);
        goes_on && self.signs.has_room()
    }
}

/// The keeper's side.
pub(super) struct Asking {
    asked: SyncSender<Chore>,
    done: Receiver<Done>,
    pub(super) signs: Arc<Signs>,
    desk: Arc<Desk>,
    ending: RefCell<Ending>,
}

/// How far what is over was ended.
#[derive(Debug, Default)]
struct Ending {
    /// Where to go on; the first place if nothing more was over when that was looked for.
    place: InboxPlace,
    /// Whether a part is being ended.
    is_asked: bool,
}

impl Asking {
    /// Has the writer do `chore`, and waits until that is durable.
    pub(super) fn ask(&self, chore: Chore) -> Result<Done, Stopped> {
        self.settle()?;
        self.say(chore)?;
        self.done.recv().map_err(|_| Stopped)
    }

    /// Waits for the part that is being ended, if one is.
    fn settle(&self) -> Result<(), Stopped> {
        if self.ending.borrow().is_asked {
            self.ended(self.done.recv().map_err(|_| Stopped)?);
        }
        Ok(())
    }

    fn say(&self, chore: Chore) -> Result<(), Stopped> {
        self.asked.send(chore).map_err(|_| Stopped)?;
        self.desk.call();
        Ok(())
    }

    /// Has a part of what is over ended, and waits until that is durable. Returns whether there is more.
    pub(super) fn end_part(&self, kept: &Arc<Kept>) -> Result<bool, Stopped> {
        self.settle()?;
        let place = core::mem::take(&mut self.ending.borrow_mut().place);
        let done = self.ask(Chore::End(place, Arc::clone(kept)))?;
        self.ended(done);
        Ok(self.is_behind())
    }

    /// Has the next part of what is over ended once the one before is, and waits for neither.
    pub(super) fn end_beside(&self, kept: &Arc<Kept>) -> Result<(), Stopped> {
        if self.ending.borrow().is_asked {
            match self.done.try_recv() {
                Ok(done) => self.ended(done),
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => return Err(Stopped),
            }
        }
        let place = core::mem::take(&mut self.ending.borrow_mut().place);
        self.say(Chore::End(place, Arc::clone(kept)))?;
        self.ending.borrow_mut().is_asked = true;
        Ok(())
    }

    /// Whether there was more to end when that was last looked for.
    pub(super) fn is_behind(&self) -> bool {
        self.ending.borrow().place != InboxPlace::default()
    }

    fn ended(&self, done: Done) {
        let Done::Ended(next) = done else { return };
        self.ending.replace(Ending { place: next.unwrap_or_default(), is_asked: false });
    }
}

/// The writer's side, with the keeper's thread.
pub(in crate::server) struct Chores {
    ends: Option<(Receiver<Chore>, SyncSender<Done>)>,
    signs: Arc<Signs>,
    thread: Option<JoinHandle<()>>,
}

/// Both sides; [`Chores::of_thread`] completes the writer's.
pub(super) fn pair(desk: &Arc<Desk>) -> (Asking, Chores) {
    let (asked, asks) = sync_channel(1);
    let (does, done) = sync_channel(1);
    let signs = Arc::<Signs>::default();
    let asking = Asking {
        asked,
        done,
        signs: Arc::clone(&signs),
        desk: Arc::clone(desk),
        ending: RefCell::default(),
    };
    (asking, Chores { ends: Some((asks, does)), signs, thread: None })
}

impl Chores {
    /// With the thread that the other side runs in.
    pub(super) fn of_thread(mut self, thread: JoinHandle<()>) -> Self {
        self.thread = Some(thread);
        self
    }

    /// What the keeper wants done, if it wants anything.
    pub(in crate::server) fn next(&mut self) -> Option<Chore> {
        match self.ends.as_ref()?.0.try_recv() {
            Ok(chore) => Some(chore),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.ends = None;
                None
            }
        }
    }

    /// What it wanted is durable.
    pub(in crate::server) fn answer(&self, done: Done) {
        if let Some((_, does)) = &self.ends {
            // There is room for one, and it waits for one.
            let _ = does.try_send(done);
        }
    }

    /// So many inputs were taken in.
    pub(in crate::server) fn count(&self, inputs: usize) {
        self.signs.inputs.fetch_add(inputs as u64, Ordering::Relaxed);
    }

    /// There is so much room.
    pub(in crate::server) fn look(&self, room: Room) {
        self.signs.is_full.store(room != Room::Plenty, Ordering::Relaxed);
    }

    /// Ends the keeper, wherever it is; what it leaves it does at the next start. Nothing of the log is in use when this
    /// returns.
    pub(in crate::server) fn end(&mut self) {
        self.signs.stop();
        self.ends = None;
        if let Some(thread) = self.thread.take() {
            // One that panicked has told so, and has ended.
            let _ = thread.join();
        }
    }
}

impl Drop for Chores {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Keep, Retention};

    fn kept() -> Arc<Kept> {
        Arc::new(Kept::new(Retention::of_all(Keep::Always)))
    }

    #[test]
    fn a_rest_is_the_last_once_there_is_no_room_or_the_server_stops() {
        let desk = Desk::new(1);
        let (asking, mut chores) = pair(&desk);
        let mut pacer = Pacer::new(&asking.signs, false);
        for (room, goes_on) in [(Room::Short, false), (Room::None, false), (Room::Plenty, true)] {
            chores.look(room);
            assert_eq!(pacer.rest(), goes_on, "{room:?}");
        }
        chores.end();
        assert!(!pacer.rest());
        assert!(matches!(asking.ask(Chore::Checkpoint(Sequence::ZERO)), Err(Stopped)));
    }

    #[test]
    fn the_keeper_waits_until_what_it_wants_is_done() {
        let desk = Desk::new(1);
        let (asking, mut chores) = pair(&desk);
        let asks = std::thread::spawn(move || asking.ask(Chore::Checkpoint(Sequence::new(7))));
        assert!(!desk.wait(Duration::from_mins(1)), "it calls the writer");
        assert!(matches!(chores.next(), Some(Chore::Checkpoint(at)) if at.get() == 7));
        assert!(chores.next().is_none());
        chores.answer(Done::Checkpointed(Sequence::new(9)));
        let done = asks.join().unwrap();
        assert!(matches!(done, Ok(Done::Checkpointed(through)) if through.get() == 9));
    }

    #[test]
    fn a_part_that_is_ended_beside_is_waited_for_before_anything_else_is_asked() {
        let desk = Desk::new(1);
        let (asking, mut chores) = pair(&desk);
        asking.end_beside(&kept()).unwrap();
        asking.end_beside(&kept()).unwrap();
        assert!(matches!(chores.next(), Some(Chore::End(..))));
        assert!(chores.next().is_none(), "one at a time");
        chores.answer(Done::Ended(None));
        let asks = std::thread::spawn(move || asking.ask(Chore::Checkpoint(Sequence::new(7))));
        let next = core::iter::repeat_with(|| chores.next()).flatten().next();
        assert!(matches!(next, Some(Chore::Checkpoint(_))));
        chores.answer(Done::Checkpointed(Sequence::new(9)));
        assert!(matches!(asks.join().unwrap(), Ok(Done::Checkpointed(_))));
    }

    #[test]
    fn what_is_over_is_ended_part_by_part_and_from_the_beginning_again_when_all_was_looked_at() {
        let desk = Desk::new(1);
        let (asking, mut chores) = pair(&desk);
        let behind = InboxPlace::behind("im:alice@localhost".parse().unwrap());
        let asks = std::thread::spawn(move || {
            let first = asking.end_part(&kept());
            let was_behind = asking.is_behind();
            asking.end_beside(&kept()).unwrap();
            (first, was_behind, asking.end_part(&kept()), asking.is_behind())
        });
        let mut next = || core::iter::repeat_with(|| chores.next()).flatten().next();
        let is_from = |chore: Option<Chore>, place: &InboxPlace| matches!(chore, Some(Chore::End(from, _)) if from == *place);
        let first = InboxPlace::default();
        assert!(is_from(next(), &first));
        chores.answer(Done::Ended(Some(behind.clone())));
        let mut next = || core::iter::repeat_with(|| chores.next()).flatten().next();
        assert!(is_from(next(), &behind));
        chores.answer(Done::Ended(None));
        let mut next = || core::iter::repeat_with(|| chores.next()).flatten().next();
        assert!(is_from(next(), &first));
        chores.answer(Done::Ended(None));
        assert_eq!(asks.join().unwrap(), (Ok(true), true, Ok(false), false));
    }
}
