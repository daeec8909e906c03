//! Whether the log's times are right: held against the world's own time, which the server never sees.
//!
//! Elapsed time goes on as the world's does, whatever the wall clock shows; every event is shown with the wall clock's time
//! then; and a wall clock that was set leaves its event. With the chronicle, which holds lifetimes against elapsed time, this
//! is what `docs/GUARANTEES.md` says of clocks. Must never hold: what the server made of a reading.

use adsum::event::{ClockCause, ClockMoved, Event, PublicationCause, Recorded};
use adsum::model::limits::{CLOCK_DRIFT_PARTS, CLOCK_NOISE_MS_MAX, CLOCK_STEP_MS_MAX};
use adsum::model::{Ahead, EndReason, Moment, ReceiptKind, Timestamp};

use super::{Checked, promised};

const STEP: i64 = CLOCK_STEP_MS_MAX.cast_signed();
const NOISE: i64 = CLOCK_NOISE_MS_MAX.cast_signed();
/// Every event is a microsecond later than the one before, so many of them are a little ahead of their time.
const CROWD: i64 = 3;

/// The clocks at one moment, by the world.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    pub(crate) now: u64,
    pub(crate) wall: Timestamp,
}

impl Look {
    fn now(self) -> i64 {
        i64::try_from(self.now).expect("worlds are short")
    }

    /// How far the wall clock is ahead of the world's time.
    fn ahead(self) -> i64 {
        Ahead::between(Timestamp::from_ms(self.now), self.wall).as_ms()
    }
}

/// How the server's time goes on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timeline {
    /// By how much elapsed time is ahead of the world's, at least and at most.
    ahead: (i64, i64),
    /// When the server last looked at its clocks.
    look: Look,
    /// When it did so for the last event, and by how much elapsed time was ahead then.
    told: (Look, (i64, i64)),
    /// How far ahead of elapsed time the last event has the wall clock.
    recorded: i64,
    /// Whether this process looked before.
    has_looked: bool,
    /// How far the wall clock was set in all since the log was told.
    strayed: u64,
    /// How far it was set at most between two looks since then.
    largest: u64,
}

impl Timeline {
    /// A log begins: elapsed time is that of the wall clock.
    pub(crate) fn new(look: Look) -> Self {
        let ahead = (look.ahead(), look.ahead());
        Self { ahead, look, told: (look, ahead), ..Self::default() }
    }

    /// Elapsed time, to the millisecond or so.
    pub(crate) fn elapsed(&self, now: u64) -> Timestamp {
        Ahead::from_ms(self.ahead.0).shown(Timestamp::from_ms(now))
    }

    /// Somebody set the wall clock.
    pub(crate) fn set(&mut self, by_ms: i64) {
        self.strayed += by_ms.unsigned_abs();
    }

    /// How far the wall clock was set since the last event.
    pub(crate) fn set_since(&self, look: Look) -> i64 {
        look.ahead() - self.told.0.ahead()
    }

    /// A process starts. If the machine was booted meanwhile, it has to believe the wall clock, as the log knew it, and
    /// that no time has passed if that is behind the log's end.
    pub(crate) fn starts(&mut self, look: Look, is_booted: bool, end: Moment) {
        let (_, (least, most)) = self.told;
        let set = self.set_since(look);
        // While it was down nobody followed: what the clock drifted meanwhile is as if it was set.
        self.strayed = self.strayed.max(set.unsigned_abs());
        if is_booted {
            let floor = end.timestamp().as_ms();
            let floor = i64::try_from(floor).expect("years are few") - look.now();
            self.ahead = ((least + set - STEP).max(floor), (most + set + STEP).max(floor));
            self.strayed = u64::MAX / 2;
        }
        (self.has_looked, self.largest) = (false, 0);
        self.look = look;
    }

    /// The server looks at its clocks; what it decides, it decides now.
    pub(crate) fn looks(&mut self, look: Look) {
        let drifted = (look.now - self.look.now) / CLOCK_DRIFT_PARTS + 1;
        let moved = look.ahead().abs_diff(self.look.ahead());
        self.largest = self.largest.max(moved.saturating_sub(drifted));
        self.look = look;
    }

    /// It has done what it had to do, and the first that would be due is due at `due`.
    pub(crate) fn looked(&mut self, look: Look, due: Option<Timestamp>) -> Checked {
        self.looks(look);
        if !core::mem::replace(&mut self.has_looked, true) {
            self.strayed = self.strayed.min(CLOCK_STEP_MS_MAX);
        }
        let off = self.off(self.recorded);
        promised!(9, off <= STEP, "the wall clock is {off} ms from where the log has it, unsaid");
        let over = self.elapsed(look.now);
        promised!(9, due.is_none_or(|due| due > over), "at {over:?} lives what was due at {due:?}");
        Ok(())
    }

    /// Whether the log has the wall clock where it is.
    pub(crate) fn is_told(&self, look: Look) -> bool {
        Self { look, ..*self }.off(self.recorded) <= STEP
    }

    /// How far the wall clock is from being `ahead` of elapsed time, with all doubt in favour.
    fn off(&self, ahead: i64) -> i64 {
        let (least, most) = self.ahead;
        let right = self.look.ahead();
        (right - most - ahead).max(ahead - (right - least)).max(0) - CROWD
    }

    /// An event that was decided at the last look is durable.
    pub(crate) fn durable(&mut self, recorded: &Recorded) -> Checked {
        let (sequence, at) = (recorded.sequence, recorded.at.timestamp().as_ms());
        let at = i64::try_from(at).expect("years are few") - self.look.now();
        let (least, most) = self.ahead;
        promised!(9, at <= most + CROWD, "event {sequence} is {} ms ahead of its time", at - most);
        if is_of_now(&recorded.event) {
            promised!(9, at >= least, "event {sequence} is {} ms behind its time", least - at);
            self.ahead = (least.max(at - CROWD), most.min(at));
        }
        let off = self.off(recorded.ahead.as_ms());
        promised!(9, off <= NOISE, "event {sequence} is shown {off} ms from the wall clock's time");
        (self.told, self.recorded) = ((self.look, self.ahead), recorded.ahead.as_ms());
        if let Event::ClockMoved(moved) = &recorded.event { self.moved(moved) } else { Ok(()) }
    }

    /// The log says that the wall clock was moved.
    fn moved(&mut self, moved: &ClockMoved) -> Checked {
        let (by, strayed) = (moved.before.apart(moved.after).as_ms(), self.strayed);
        let is_far = by > CLOCK_STEP_MS_MAX;
        promised!(9, is_far, "the log tells a step of {by} ms");
        if moved.cause == ClockCause::Drifted {
            let largest = self.largest;
            let is_slow = self.has_looked && largest <= 2 * CLOCK_STEP_MS_MAX;
            promised!(9, is_slow, "a step of {largest} ms is told as drift");
            return Ok(());
        }
        let is_set = strayed + CLOCK_NOISE_MS_MAX > CLOCK_STEP_MS_MAX;
        promised!(9, is_set, "a step of {by} ms is told, the clock was set by {strayed}");
        let down = moved.cause == ClockCause::SetWhileDown;
        promised!(9, down != self.has_looked, "a step is told as {:?}", moved.cause);
        (self.strayed, self.largest) = (0, 0);
        Ok(())
    }
}

/// Whether an event can only be of the time when it was decided; the others may have fallen due before.
fn is_of_now(event: &Event) -> bool {
    matches!(
        event,
        Event::Published(_)
            | Event::PublicationRefreshed(_)
            | Event::Subscribed(_)
            | Event::MessageAccepted(_)
            | Event::Acknowledged(_)
            | Event::OperationDone(_)
            | Event::ClockMoved(_)
    )
}

/// Whether an event may tell of something that fell due, and so stand before another that was due at the same time.
pub(crate) fn may_have_been_due(event: &Event) -> bool {
    match event {
        Event::PublicationEnded(event) => event.cause == PublicationCause::Expired,
        Event::ReceiptIssued(event) => event.kind == ReceiptKind::Expired,
        Event::SubscriptionEnded(event) => {
            matches!(event.reason, EndReason::Timeout | EndReason::GiveUp)
        }
        // The first of a process is of the time of what it wanted to write.
        Event::MessageEnded(_)
        | Event::SubscriptionMoved(_)
        | Event::WatchObserved(_)
        | Event::EpochBegan(_) => true,
        _ => false,
    }
}
