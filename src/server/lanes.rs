//! The way from the writer to whoever waits: one lane for each stream.
//!
//! A lane has a bounded letter box that the writer fills in one go per round and its one owner empties. The writer
//! never waits for a lane. Must never hold: a frame, or a decision about what a letter means.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::stages::HandedAt;
use crate::model::{DeviceId, Lifetime};
use crate::service::{Output, SessionId};
use crate::session::{Ending, Lane, LaneId, Letter, Post, post};

/// Letters that may wait in one lane, about 1 MiB of them. Owners empty their lanes even while their peer takes
/// nothing, so only a starved machine gets here.
const LETTERS_MAX: usize = 16_384;

/// Why a session must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Departure {
    /// Its device's key was revoked.
    Revoked,
    /// The server stops.
    GoingAway {
        /// When its connection is closed at the latest.
        deadline: Instant,
        /// How long its client is to stay away.
        reconnect_after: Duration,
    },
}

impl Departure {
    /// What the session's streams are told.
    pub(super) fn ending(self) -> Ending {
        match self {
            Self::Revoked => Ending::Revoked,
            Self::GoingAway { deadline, reconnect_after } => Ending::GoingAway {
                time_left: lifetime(deadline.saturating_duration_since(Instant::now())),
                reconnect_after: lifetime(reconnect_after),
            },
        }
    }
}

fn lifetime(span: Duration) -> Lifetime {
    Lifetime::from_ms(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

/// All sessions and their lanes.
#[derive(Default)]
pub(super) struct Lanes {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    sessions_ever: u64,
    sessions: HashMap<SessionId, Member>,
    boxes: HashMap<LaneId, Arc<LetterBox>>,
}

struct Member {
    device: Option<DeviceId>,
    ending: watch::Sender<Option<Departure>>,
}

#[derive(Default)]
struct LetterBox {
    letters: Mutex<Letters>,
    overrun: AtomicBool,
    filled: Notify,
}

/// Letters that wait, and since when the first of them does.
#[derive(Default)]
struct Letters {
    waiting: Vec<Letter>,
    since: Option<Instant>,
}

impl LetterBox {
    fn put(&self, mut fresh: Vec<Letter>, now: Instant) {
        let mut held = lock(&self.letters);
        held.since.get_or_insert(now);
        let letters = &mut held.waiting;
        if letters.len() + fresh.len() > LETTERS_MAX {
            self.overrun.store(true, Ordering::Release);
            fresh.retain(|letter| matches!(letter, Letter::Reply(..) | Letter::Ended(_)));
        }
        if letters.is_empty() {
            *letters = fresh;
        } else {
            letters.append(&mut fresh);
        }
        drop(held);
        self.filled.notify_one();
    }
}

impl Lanes {
    /// A new session.
    pub(super) fn enter(self: &Arc<Self>) -> Seat {
        let mut table = lock(&self.table);
        table.sessions_ever += 1;
        let session = SessionId(table.sessions_ever);
        let (sender, ending) = watch::channel(None);
        table.sessions.insert(session, Member { device: None, ending: sender });
        Seat { lanes: Arc::clone(self), session, ending, lanes_ever: AtomicU32::new(0) }
    }

    /// Sessions there are.
    pub(super) fn count(&self) -> usize {
        lock(&self.table).sessions.len()
    }

    /// Tells every session that the server stops; `choose` says how long its client is to stay away.
    pub(super) fn end_all(&self, deadline: Instant, mut choose: impl FnMut() -> Duration) {
        for member in lock(&self.table).sessions.values() {
            let reconnect_after = choose();
            member.ending.send_replace(Some(Departure::GoingAway { deadline, reconnect_after }));
        }
    }

    /// Hands one round's outputs to their lanes, one delivery a lane. Whose lane is gone gets nothing.
    pub(super) fn deliver(&self, outputs: Vec<Output>) {
        let mut sorted = Sorted::default();
        for output in outputs {
            post(output, &mut sorted);
        }
        let now = Instant::now();
        let table = lock(&self.table);
        for (lane, letters) in sorted.letters {
            if let Some(letter_box) = table.boxes.get(&lane) {
                letter_box.put(letters, now);
            }
        }
        for device in sorted.revoked {
            for member in table.sessions.values().filter(|member| member.device == Some(device)) {
                member.ending.send_replace(Some(Departure::Revoked));
            }
        }
    }
}

#[derive(Default)]
struct Sorted {
    letters: HashMap<LaneId, Vec<Letter>>,
    revoked: Vec<DeviceId>,
}

impl Post for Sorted {
    fn letter(&mut self, lane: LaneId, letter: Letter) {
        self.letters.entry(lane).or_default().push(letter);
    }

    fn revoked(&mut self, device: DeviceId) {
        self.revoked.push(device);
    }
}

/// A session's place among the lanes; left when dropped.
pub(super) struct Seat {
    lanes: Arc<Lanes>,
    session: SessionId,
    ending: watch::Receiver<Option<Departure>>,
    lanes_ever: AtomicU32,
}

impl Seat {
    /// The session.
    pub(super) fn session(&self) -> SessionId {
        self.session
    }

    /// Binds the session to the device it has proven to be, so that it ends when that device's key is revoked.
    pub(super) fn bind(&self, device: DeviceId) {
        if let Some(member) = lock(&self.lanes.table).sessions.get_mut(&self.session) {
            member.device = Some(device);
        }
    }

    /// Tells when the session must end.
    pub(super) fn ending(&self) -> watch::Receiver<Option<Departure>> {
        self.ending.clone()
    }

    /// A new lane of this session and its letter box. Their numbers wrap after 2^32, long after the lane of that
    /// number was left.
    pub(super) fn lane(&self) -> (Lane, Mailbox) {
        let number = self.lanes_ever.fetch_add(1, Ordering::Relaxed);
        let letter_box = Arc::new(LetterBox::default());
        let lane = LaneId { session: self.session, number };
        lock(&self.lanes.table).boxes.insert(lane, Arc::clone(&letter_box));
        let (lanes, handed_at) = (Arc::clone(&self.lanes), HandedAt::default());
        (Lane::new(lane), Mailbox { lanes, lane, letter_box, handed_at })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.lanes.table).sessions.remove(&self.session);
    }
}

/// The owner's end of a letter box; the lane is left when dropped.
pub(super) struct Mailbox {
    lanes: Arc<Lanes>,
    lane: LaneId,
    letter_box: Arc<LetterBox>,
    handed_at: HandedAt,
}

impl Mailbox {
    /// Waits for letters and takes them all, in the order they were written. May be given up while waiting.
    pub(super) async fn letters(&self) -> Vec<Letter> {
        loop {
            let letters = self.letters_so_far();
            if !letters.is_empty() {
                return letters;
            }
            self.letter_box.filled.notified().await;
        }
    }

    /// Takes the letters that are there.
    pub(super) fn letters_so_far(&self) -> Vec<Letter> {
        let Letters { waiting, since } = std::mem::take(&mut *lock(&self.letter_box.letters));
        if let Some(since) = since {
            self.handed_at.set(since);
        }
        waiting
    }

    /// Since when the oldest letter waited of those that were taken last.
    pub(super) fn handed_at(&self) -> HandedAt {
        self.handed_at.clone()
    }

    /// Whether letters other than answers were thrown away because too many waited.
    pub(super) fn overrun(&self) -> bool {
        self.letter_box.overrun.load(Ordering::Acquire)
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        lock(&self.lanes.table).boxes.remove(&self.lane);
    }
}

/// A lock whose holder panicked guards data that is whole: every change here is a single step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{InboxSequence, Moment, Refusal, Sequence};
    use crate::protocol::Answer;
    use crate::service::{InboxRow, Reply};

    fn row(sequence: u64) -> InboxRow {
        let (is_withheld, ended) = (false, Moment::ZERO);
        InboxRow {
            sequence: InboxSequence::new(sequence),
            at: Sequence::new(sequence),
            is_withheld,
            ended,
        }
    }

    #[tokio::test]
    async fn each_lane_gets_its_own_letters_in_order() {
        let lanes = Arc::new(Lanes::default());
        let seat = lanes.enter();
        let ((mut control, control_box), (feed, feed_box)) = (seat.lane(), seat.lane());
        let tickets = [control.ticket().1, control.ticket().1];
        let outputs = tickets
            .into_iter()
            .map(|ticket| Output::Reply { ticket, result: Ok(Reply::Done(Answer::Unsubscribed)) })
            .chain([Output::Inbox { feeds: vec![feed.feed()], row: row(7) }])
            .collect();
        lanes.deliver(outputs);
        let numbers: Vec<u32> = control_box
            .letters()
            .await
            .into_iter()
            .map(|letter| if let Letter::Reply(number, _) = letter { number } else { panic!() })
            .collect();
        assert_eq!(numbers, [0, 1]);
        assert!(matches!(feed_box.letters().await[..], [Letter::Inbox(found)] if found == row(7)));
    }

    #[tokio::test]
    async fn a_full_lane_keeps_answers_and_says_that_it_ran_over() {
        let lanes = Arc::new(Lanes::default());
        let seat = lanes.enter();
        let (mut lane, letter_box) = seat.lane();
        let told = || Output::Inbox { feeds: vec![lane.feed()], row: row(1) };
        lanes.deliver((0..LETTERS_MAX).map(|_| told()).collect());
        assert!(!letter_box.overrun());
        lanes.deliver(vec![told()]);
        assert!(letter_box.overrun());
        let (_, ticket) = lane.ticket();
        lanes.deliver(vec![Output::Reply { ticket, result: Err(Refusal::GoingAway) }]);
        let letters = letter_box.letters().await;
        assert_eq!(letters.len(), LETTERS_MAX + 1);
        assert!(matches!(letters.last(), Some(Letter::Reply(0, Err(Refusal::GoingAway)))));
    }

    #[tokio::test]
    async fn a_feed_that_is_over_is_told_so_even_when_its_lane_is_full() {
        let lanes = Arc::new(Lanes::default());
        let seat = lanes.enter();
        let ((ended, ended_box), (_, other_box)) = (seat.lane(), seat.lane());
        let told = || Output::Inbox { feeds: vec![ended.feed()], row: row(1) };
        let over = Output::Ended { feeds: vec![ended.feed()], refusal: Refusal::GoingAway };
        lanes.deliver((0..LETTERS_MAX).map(|_| told()).chain([over]).collect());
        let letters = ended_box.letters().await;
        assert!(matches!(letters[..], [Letter::Ended(Refusal::GoingAway)]));
        assert!(other_box.letters_so_far().is_empty());
    }

    #[test]
    fn a_revoked_device_ends_its_sessions_and_no_other() {
        let lanes = Arc::new(Lanes::default());
        let (one, other) = (lanes.enter(), lanes.enter());
        one.bind(DeviceId([1; 8]));
        other.bind(DeviceId([2; 8]));
        lanes.deliver(vec![Output::Revoked { device: DeviceId([1; 8]) }]);
        assert_eq!(*one.ending().borrow(), Some(Departure::Revoked));
        assert_eq!(*other.ending().borrow(), None);
    }

    #[test]
    fn a_session_and_a_lane_leave_nothing_behind() {
        let lanes = Arc::new(Lanes::default());
        let seat = lanes.enter();
        let lane = seat.lane();
        assert_eq!(lanes.count(), 1);
        drop((lane, seat));
        assert_eq!(lanes.count(), 0);
        assert!(lock(&lanes.table).boxes.is_empty());
    }
}
