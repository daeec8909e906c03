//! What the real sessions of a world find around them: the writer's queue, the letter boxes, the log, the clock.
//!
//! Must never hold: a decision about a frame. What a session says and hears is the session's.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use adsum::commit::history::Past;
use adsum::log::LogReader;
use adsum::model::{DeviceId, Moment, PublicKey, Sequence, Timestamp};
use adsum::service::{Actor, Asker, Askers, Input, SessionId};
use adsum::session::{
    Claim, Connection, Ending, Found, Heard, Host, Lane, LaneId, Letter, Look, NotFound, Note,
    Post, ServiceGone, Sleep, Transport,
};

use super::fairness::Fairness;
use super::looks;
use super::pipe::Pipe;
use super::plan::signature;
use super::{Bug, Checked};

/// Questions of one asker that may wait for the writer.
const QUEUE_MAX: usize = 40;

/// What all sessions of a process share.
#[derive(Clone)]
pub(crate) struct Desk {
    state: Arc<Mutex<State>>,
    pub(crate) reader: Arc<dyn LogReader>,
    pub(crate) bug: Option<Bug>,
}

#[derive(Default)]
struct State {
    now: Timestamp,
    wall: Timestamp,
    waiting: Askers<(Asker, Input)>,
    turns: Fairness,
    boxes: BTreeMap<LaneId, Vec<Letter>>,
    revoked: Vec<DeviceId>,
}

impl Desk {
    pub(crate) fn new(reader: Arc<dyn LogReader>, bug: Option<Bug>) -> Self {
        Self { state: Arc::default(), reader, bug }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a world is lived in one thread")
    }

    /// It is `now`, and the wall clock shows `wall`.
    pub(crate) fn pass_time(&self, now: Timestamp, wall: Timestamp) {
        let mut state = self.state();
        (state.now, state.wall) = (now, wall);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.state().now
    }

    /// What the server's wall clock shows.
    fn wall(&self) -> Timestamp {
        self.state().wall
    }

    /// Questions that wait for the writer.
    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// The next of them, and whose turn it is.
    pub(crate) fn take(&self) -> Checked<Option<(Asker, Input)>> {
        let mut state = self.state();
        let Some((_, cost, (asker, input))) = state.waiting.pop() else { return Ok(None) };
        state.turns.taken(&asker, cost)?;
        Ok(Some((asker, input)))
    }

    /// What was taken for `asker` took so many steps.
    pub(crate) fn charge(&self, asker: &Asker, steps: u64) {
        let mut state = self.state();
        state.waiting.charge(&Bug::change_asker(self.bug, asker), steps);
        state.turns.charged(asker, steps);
    }

    /// Puts `input` where it waits for its turn.
    fn put(&self, state: &mut State, asker: &Asker, input: Input) {
        let cost = input.cost();
        state.turns.waits(asker);
        state.waiting.push(&Bug::change_asker(self.bug, asker), cost, (asker.clone(), input));
    }

    /// Somebody asks for something, by a way that is not played.
    pub(crate) fn ask(&self, actor: &Actor, input: Input) {
        self.put(&mut self.state(), &Asker::of(Some(actor), None), input);
    }

    /// Whether no letter waits for that lane.
    pub(crate) fn is_told(&self, lane: LaneId) -> bool {
        self.state().boxes.get(&lane).is_none_or(Vec::is_empty)
    }

    /// The service is to forget a session without a name.
    pub(crate) fn leave(&self, session: SessionId) {
        self.put(&mut self.state(), &Asker::Anonymous, Input::Leave { session });
    }

    /// Devices whose keys were revoked since the last look.
    pub(crate) fn take_revoked(&self) -> Vec<DeviceId> {
        core::mem::take(&mut self.state().revoked)
    }

    /// Whether no letter waits to be read.
    pub(crate) fn is_read(&self) -> bool {
        self.state().boxes.values().all(Vec::is_empty)
    }
}

impl Post for Desk {
    fn letter(&mut self, lane: LaneId, letter: Letter) {
        if self.bug == Some(Bug::FeedsToldNoErasure) && matches!(letter, Letter::Erased(_)) {
            return;
        }
        // Whose lane is gone gets nothing.
        if let Some(letters) = self.state().boxes.get_mut(&lane) {
            letters.push(letter);
        }
    }

    fn revoked(&mut self, device: DeviceId) {
        self.state().revoked.push(device);
    }
}

/// What the streams of one session share beside the connection.
pub(crate) struct Seat {
    pub(crate) session: SessionId,
    pub(crate) connection: Arc<Connection>,
    pub(crate) pipe: Pipe,
    bound: Mutex<Option<DeviceId>>,
    ending: Mutex<Option<Ending>>,
}

impl Seat {
    pub(crate) fn new(session: SessionId, connection: Arc<Connection>, pipe: Pipe) -> Self {
        let (bound, ending) = (Mutex::new(None), Mutex::new(None));
        Self { session, connection, pipe, bound, ending }
    }

    /// The device that the session has proven to be.
    pub(crate) fn bound(&self) -> Option<DeviceId> {
        *self.bound.lock().expect("a world is lived in one thread")
    }

    /// The session is to end.
    pub(crate) fn end(&self, ending: Ending) {
        self.ending.lock().expect("a world is lived in one thread").get_or_insert(ending);
    }

    pub(crate) fn ending(&self) -> Option<Ending> {
        *self.ending.lock().expect("a world is lived in one thread")
    }
}

/// What one stream finds around it.
pub(crate) struct StreamHost {
    desk: Desk,
    seat: Arc<Seat>,
    lane: LaneId,
    hears_ending: bool,
    past: Option<Past>,
}

impl StreamHost {
    /// The surroundings of the stream with this number, and its lane.
    pub(crate) fn new(desk: &Desk, seat: &Arc<Seat>, number: u32) -> (Lane, Self) {
        let lane = LaneId { session: seat.session, number };
        desk.state().boxes.insert(lane, Vec::new());
        let (desk, seat) = (desk.clone(), Arc::clone(seat));
        (Lane::new(lane), Self { desk, seat, lane, hears_ending: true, past: None })
    }

    /// Whose turn what is asked here waits for.
    fn asker(&self) -> Asker {
        Asker::of(self.seat.connection.identity().flatten().as_deref(), None)
    }

    /// When the first event happened that was not cut away, if anybody is to make a mistake with it.
    fn cut_at(&self) -> Moment {
        let first = self.desk.reader.kept_from();
        let first = self.desk.bug.filter(|_| first > Sequence::new(1)).map(|_| first);
        let first = first.and_then(|first| self.desk.reader.read_one(first).ok());
        first.map_or(Moment::ZERO, |first| first.at)
    }

    fn poll(&mut self, awaits_identity: bool) -> Poll<Heard> {
        let letters = self.desk.state().boxes.get_mut(&self.lane).map(core::mem::take);
        if let Some(letters) = letters.filter(|letters| !letters.is_empty()) {
            return Poll::Ready(Heard::Letters(letters));
        }
        if awaits_identity && self.seat.connection.identity().is_some() {
            return Poll::Ready(Heard::Identity);
        }
        match self.seat.ending().filter(|_| self.hears_ending) {
            Some(ending) => {
                self.hears_ending = false;
                Poll::Ready(Heard::Ending(ending))
            }
            None => Poll::Pending,
        }
    }
}

impl Drop for StreamHost {
    fn drop(&mut self) {
        self.desk.state().boxes.remove(&self.lane);
    }
}

impl Host for StreamHost {
    async fn ask(&mut self, mut inputs: Vec<Input>) -> Result<(), ServiceGone> {
        for input in &mut inputs {
            Bug::change_question(self.desk.bug, self.cut_at(), input);
            Bug::change_actor(self.desk.bug, input);
        }
        let mut inputs = Some(inputs);
        let asker = self.asker();
        poll_fn(|_| {
            let mut state = self.desk.state();
            if state.turns.waiting(&asker) >= QUEUE_MAX {
                return Poll::Pending;
            }
            for input in inputs.take().into_iter().flatten() {
                self.desk.put(&mut state, &asker, input);
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    async fn hear(&mut self, awaits_identity: bool) -> Heard {
        poll_fn(|_| self.poll(awaits_identity)).await
    }

    async fn look(&mut self, look: Look) -> Result<Found, NotFound> {
        if let Some(input) = Bug::told_is_taken(self.desk.bug, &self.seat.connection, &look) {
            self.desk.put(&mut self.desk.state(), &self.asker(), input);
        }
        let read = looks::read(self.desk.reader.as_ref(), &mut self.past, look);
        read.map_err(|fault| match fault.refusal(|at| at.as_ms().to_string()) {
            Ok(refusal) => NotFound::Refused(refusal),
            Err(fault) => panic!("the log does not read: {fault}"),
        })
    }

    fn proves(&mut self, claim: &Claim) -> bool {
        Bug::enter_unproven(self.desk.bug, &self.seat.connection, claim);
        let fresh = claim.fresh.or_else(|| self.seat.pipe.exporter()).expect("pipes have one");
        let due = signature(claim.context, &fresh, &claim.key, &claim.principal);
        let holds = claim.signature == due;
        if holds {
            let device = PublicKey(claim.key).device();
            *self.seat.bound.lock().expect("a world is lived in one thread") = Some(device);
        }
        holds
    }

    // Streams that wait for it look it up whenever they run.
    fn entered(&mut self) {}

    fn note(&mut self, _: Note) {}

    fn now(&self) -> Timestamp {
        self.desk.wall()
    }

    fn sleep(&self, time: Duration) -> Sleep {
        let desk = self.desk.clone();
        let ms = u64::try_from(time.as_millis()).expect("waits are short");
        let until = desk.now().after(adsum::model::Lifetime::from_ms(ms));
        Box::pin(poll_fn(
            move |_| {
                if desk.now() >= until { Poll::Ready(()) } else { Poll::Pending }
            },
        ))
    }
}
