//! The service: do what is due, decide, apply, and say who must be told.
//!
//! Invariant: `views` holds the events of all batches handed out so far and those pending for the next, and no others.
//! Must never hold: a rule (see `decide`) or a fold (see `view`).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::anonymous::Anonymous;
use super::budget::FeedsOpened;
use super::case::{Case, Verdict};
use super::clock::WallClock;
use super::composing::ComposingRates;
use super::decide;
use super::live::Live;
use super::observe::Observations;
use super::reviews::Reviews;
use super::{
    Actor, Batch, FeedId, Input, Output, PresenceOpened, Query, Reply, Restored, ServiceConfig,
    Ticket, open, query,
};
use crate::event::{ClockMoved, EpochBegan, Event, Recorded, RestoreNoticed};
use crate::model::limits::FEEDS_OF_STEP;
use crate::model::{
    Ahead, DeviceId, EpochId, Epochs, InboxAddress, Mark, Moment, Now, PastPlace, Presentity,
    Principal, Quotas, Refusal, Sequence, SubscriptionState, Timestamp, WatcherKind,
};
use crate::protocol::{Command, Findings, Question};
use crate::view::{MessageKey, Views};

/// The sans-I/O core. Inputs go in with [`Service::handle`]. Then [`Service::take_batch`] gives the events they caused,
/// and [`Service::take_outputs`] the answers and notifications.
#[derive(Debug)]
pub struct Service {
    pub(super) config: ServiceConfig,
    pub(super) views: Views,
    /// In which epoch each place of the log lies, also those that this process is going to write.
    epochs: Arc<Epochs>,
    /// Whether this process has written its first event, which says in which epoch it and all others are.
    has_begun: bool,
    /// Devices that are known to have noticed that the store was put back.
    noticed: BTreeSet<DeviceId>,
    pub(super) live: Live,
    pub(super) observations: Observations,
    pub(super) composing: ComposingRates,
    pub(super) anonymous: Anonymous,
    pub(super) reviews: Reviews,
    pub(super) feeds_opened: FeedsOpened,
    pub(super) clock: WallClock,
    /// Whether there is no room to record anything new.
    pub(super) is_full: bool,
    /// When the running round began.
    round: Option<Timestamp>,
    /// How much of what is due the running round may still end.
    pub(super) part_left: usize,
    pending: Vec<(Moment, Event)>,
    pub(super) outputs: Vec<Output>,
    /// What the last input took so far: events, and what was looked at one by one.
    pub(super) steps: u64,
    /// The message that the last input asked to send.
    message: Option<MessageKey>,
}

/// A presence feed that is asked for, see [`Input::OpenPresence`].
struct OpenPresence {
    feed: FeedId,
    actor: Actor,
    presentities: Vec<Presentity>,
    after: Moment,
    epoch: EpochId,
    passed: Mark,
    with_watchers: bool,
}

impl Service {
    /// A service over `views`.
    pub fn new(config: ServiceConfig, views: Views) -> Self {
        let (mut epochs, begins) = (views.store().epochs.clone(), config.epoch != EpochId::NONE);
        if begins {
            epochs.begin(config.epoch, views.head().next(), views.moment().next());
        }
        Self {
            clock: WallClock::new(views.ahead()),
            config,
            views,
            epochs: Arc::new(epochs),
            has_begun: !begins,
            noticed: BTreeSet::new(),
            live: Live::default(),
            observations: Observations::default(),
            composing: ComposingRates::default(),
            anonymous: Anonymous::default(),
            reviews: Reviews::default(),
            feeds_opened: FeedsOpened::default(),
            is_full: false,
            round: None,
            part_left: 0,
            pending: Vec::new(),
            outputs: Vec::new(),
            steps: 0,
            message: None,
        }
    }

    /// What the operator lets one principal have from now on, where its administrators set nothing else.
    pub fn limit_principals(&mut self, quotas: Quotas) {
        self.config.quotas = quotas;
    }

    /// Does what is due by `now`, as much as one round may, and all that is due of what `input` is about. Then takes it.
    ///
    /// A round lasts until [`Service::take_batch`]. All its inputs are decided at one time: the first `now` of the
    /// round, or the time of the last event if that is later. What falls due is recorded at the moment when it was due.
    /// Every event is at least a microsecond later than the one before it. A wall clock that was set is recorded before
    /// anything is decided.
    pub fn handle(&mut self, now: impl Into<Now>, input: Input) {
        let message = input.message_key();
        self.handle_named(now, input, message);
    }

    /// As [`Service::handle`], of an input of which [`Input::message_key`] is known already.
    pub fn handle_named(&mut self, now: impl Into<Now>, input: Input, message: Option<MessageKey>) {
        self.message = message;
        let now = self.begin(now);
        self.steps = 0;
        let outputs = self.outputs.len();
        self.catch_up(now, &input);
        match input.of_nobody() {
            Some(ticket) => self.take_in_of_nobody(now, ticket, input),
            None => self.take_in(now, input),
        }
        let told: u64 = self.outputs[outputs..].iter().map(Output::told).sum();
        self.steps += told.div_ceil(FEEDS_OF_STEP);
    }

    /// What the last input took beside itself: one for each event, each row or subscription that was looked at, and each
    /// [`FEEDS_OF_STEP`] feeds that are told of something.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    pub(super) fn take_in(&mut self, now: Timestamp, input: Input) {
        match input {
            Input::Enter { ticket, hello } => {
                let verdict = decide::enter(self.case(now), &hello);
                self.conclude(now, ticket, verdict.and_then(|it| self.check_room(it)));
            }
            Input::Command { ticket, actor, command: Command::Send(send) }
                if send.is_composing() =>
            {
                let result =
                    self.check_actor(&actor).and_then(|()| self.compose(now, &actor, send));
                self.reply(ticket, result);
            }
            Input::Command { ticket, actor, command } => {
                let verdict = self
                    .check_actor(&actor)
                    .and_then(|()| decide::decide(self.case(now), &actor, command))
                    .and_then(|verdict| self.check_room(verdict));
                self.conclude(now, ticket, verdict);
            }
            Input::EnterAnonymous { ticket, pseudonym, key, origin } => {
                let result = self.enter_anonymously(now, ticket.session, (pseudonym, key), origin);
                self.reply(ticket, result);
            }
            Input::Leave { session } => self.leave(now, session),
            Input::Acknowledge { ticket, actor, inbox, through } => {
                let verdict = self
                    .check_actor(&actor)
                    .and_then(|()| decide::acknowledge(self.case(now), &actor, inbox, through));
                self.conclude(now, ticket, verdict);
            }
            Input::Query { ticket, actor, query: Query::Ask(Question::Fetch(fetch)) } => {
                let result = self.fetch(now, &actor, &fetch.presentity);
                self.reply(ticket, result);
            }
            Input::Query { ticket, actor, query } => {
                let verdict = self.query(now, &actor, query);
                self.steps += verdict.as_ref().map_or(0, |verdict| verdict.reply.rows());
                self.conclude(now, ticket, verdict);
            }
            Input::OpenPresence {
                ticket,
                feed,
                actor,
                presentities,
                after,
                epoch,
                passed,
                with_watchers,
            } => {
                let request =
                    OpenPresence { feed, actor, presentities, after, epoch, passed, with_watchers };
                let result = self.open_presence(now, request);
                self.reply(ticket, result);
            }
            Input::OpenMore { ticket, feed, actor } => {
                let result = self.check_actor(&actor);
                let result = result.map(|()| Reply::PresenceOpened(self.open_part(now, feed)));
                self.reply(ticket, result);
            }
            Input::OpenInbox { ticket, feed, actor, inbox, after, epoch, passed } => {
                let after = after.map(|after| (after, epoch, passed));
                let result = self.open_inbox(now, feed, &actor, inbox, after);
                self.reply(ticket, result);
            }
            Input::CloseFeed { feed } => self.steps += self.live.close(feed) as u64,
            Input::Tick => {}
        }
    }

    /// Records facts that no session asked for, such as the first invite of an empty store.
    pub fn record(&mut self, now: impl Into<Now>, events: Vec<Event>) {
        let now = self.begin(now);
        for event in events {
            self.happen(decided_at(now), event);
        }
    }

    /// Begins a round, or goes on with the running one, and ends what is due. Returns the time of the round.
    pub(super) fn begin(&mut self, now: impl Into<Now>) -> Timestamp {
        if let Some(round) = self.round {
            return self.end_due(round);
        }
        let now = now.into();
        self.round = Some(now.elapsed);
        self.part_left = self.config.round_part;
        let moved = self.clock.read(now, self.recorded_ahead());
        let now = self.end_due(now.elapsed);
        if let Some(moved) = moved {
            self.clock_moved(now, moved);
        }
        self.carry_on(now);
        now
    }

    /// How far the wall clock was ahead at the last event, if there is one.
    pub(super) fn recorded_ahead(&self) -> Option<Ahead> {
        (self.views.head() > Sequence::ZERO).then(|| self.views.ahead())
    }

    /// Records that the wall clock moved, and looks again at rules that hold by it and are to begin or cease once more.
    fn clock_moved(&mut self, now: Timestamp, moved: ClockMoved) {
        self.happen(decided_at(now), Event::ClockMoved(moved));
        let wall = self.case(now).wall();
        for principal in self.views.reviewed_beyond(wall).cloned().collect::<Vec<_>>() {
            self.happen(decided_at(now), decide::reviewed(&principal, wall));
        }
    }

    pub(super) fn case(&self, now: Timestamp) -> Case<'_> {
        // The first event of a process is its own: it says in which epoch all others are.
        let next = self.views.head().plus(if self.has_begun { 1 } else { 2 });
        let Self { views, config, message, .. } = self;
        Case { views, config, now, ahead: self.clock.ahead, next, message: *message }
    }

    /// A key may have been revoked after its session began.
    pub(super) fn check_actor(&self, actor: &Actor) -> Result<(), Refusal> {
        if actor.principal.is_anonymous() {
            return Ok(());
        }
        let view = self.views.principal(&actor.principal);
        if view.is_some_and(|view| view.is_suspended) {
            return Err(Refusal::Suspended { principal: actor.principal.to_string() });
        }
        self.case(self.views.time()).check_domain(actor.principal.domain())?;
        let is_active = view.is_some_and(|view| view.is_active(&actor.device));
        is_active.then_some(()).ok_or(Refusal::KeyRevoked)
    }

    fn conclude(&mut self, now: Timestamp, ticket: Ticket, verdict: Result<Verdict, Refusal>) {
        let result = verdict.map(|verdict| self.accept(now, verdict));
        self.reply(ticket, result);
    }

    /// Lets the events of a verdict happen, and returns its answer.
    fn accept(&mut self, now: Timestamp, verdict: Verdict) -> Reply {
        let Verdict { events, mut reply } = verdict;
        for event in events {
            self.happen(decided_at(now), event);
        }
        // Where the last of its events came to lie is known only now.
        if let Reply::Erased { position: position @ Sequence::ZERO, .. } = &mut reply {
            *position = self.views.head();
        }
        reply
    }

    pub(super) fn reply(&mut self, ticket: Ticket, result: Result<Reply, Refusal>) {
        self.outputs.push(Output::Reply { ticket, result });
    }

    fn open_presence(&mut self, now: Timestamp, request: OpenPresence) -> Result<Reply, Refusal> {
        let OpenPresence { feed, actor, presentities, after, epoch, passed, with_watchers } =
            request;
        self.check_opens(now, &actor)?;
        let stands = self.views.moment();
        let marks = [Mark { at: after, epoch }, passed];
        let is_of_this_past =
            marks.into_iter().all(|mark| mark.at <= stands && self.epochs.has(mark));
        let case = self.case(now);
        case.check_watches(&actor.principal)?;
        let restored = (!is_of_this_past)
            .then(|| self.restored(now, &actor, PastPlace::Presence { had: after, stands }));
        let after = if is_of_this_past { after } else { Moment::ZERO };
        let case = self.case(now);
        let presentities = presentities.into_iter().collect();
        let watcher = &actor.principal;
        let audiences = if with_watchers {
            open::audiences(case, watcher, &presentities)
        } else {
            BTreeSet::new()
        };
        self.live.open_presence(feed, watcher, presentities, audiences, after);
        let mut opened = self.open_part(now, feed);
        opened.restored = restored;
        Ok(Reply::PresenceOpened(opened))
    }

    /// The next part of what a presence feed begins with. One that was closed meanwhile begins with nothing.
    fn open_part(&mut self, now: Timestamp, feed: FeedId) -> PresenceOpened {
        self.catch_up_part(now, feed);
        let Some((watcher, presentities, audiences, opening)) = self.live.opening(feed) else {
            return PresenceOpened { complete: true, ..PresenceOpened::default() };
        };
        let scope = open::Scope { watcher, presentities, audiences, after: opening.after };
        let part = open::presence(self.case(now), &scope, opening.last.clone());
        let open::Part { mut opened, sights, last, steps } = part;
        self.live.add_part(feed, sights, last);
        self.steps += steps as u64;
        opened.epochs = Arc::clone(&self.epochs);
        self.count_all(&mut opened.items);
        opened
    }

    fn open_inbox(
        &mut self,
        now: Timestamp,
        feed: FeedId,
        actor: &Actor,
        inbox: InboxAddress,
        after: Option<open::InboxPlace>,
    ) -> Result<Reply, Refusal> {
        self.check_opens(now, actor)?;
        let mut opened = open::inbox(self.case(now), &self.epochs, actor, &inbox, after)?;
        self.live.open_inbox(feed, &inbox, &actor.principal);
        if let (Some((had, ..)), Some(_)) = (after, opened.restored) {
            let by = PastPlace::Inbox { inbox, had, stands: opened.head };
            opened.restored = Some(self.restored(now, actor, by));
        }
        Ok(Reply::InboxOpened(opened))
    }

    /// `actor` has seen what this log does not have: recorded once a device for as long as this process lives.
    fn restored(&mut self, now: Timestamp, actor: &Actor, by: PastPlace) -> Restored {
        let Actor { principal, device } = actor.clone();
        let is_news = !principal.is_anonymous() && self.noticed.insert(device);
        if is_news {
            let notice = RestoreNoticed { principal, device, by };
            self.happen(decided_at(now), Event::RestoreNoticed(notice));
        }
        Restored { is_news }
    }

    fn query(&self, now: Timestamp, actor: &Actor, query: Query) -> Result<Verdict, Refusal> {
        self.check_actor(actor)?;
        let feeds_of = query.quotas_of(actor);
        let mut verdict = query::query(self.case(now), actor, query)?;
        if let (Some(who), Reply::Found(Findings::ListQuotas(rows))) =
            (feeds_of, &mut verdict.reply)
        {
            self.feeds_opened.add_to(now, &who, rows);
        }
        if let Reply::Found(Findings::ListWatchers(rows)) | Reply::Watchers { rows, .. } =
            &mut verdict.reply
        {
            for row in rows {
                self.observations.add_to(row, self.clock.ahead);
            }
        }
        Ok(verdict)
    }

    /// Answers a fetch. It is counted as watching whether it is shown presence or not.
    fn fetch(
        &mut self,
        now: Timestamp,
        actor: &Actor,
        presentity: &Presentity,
    ) -> Result<Reply, Refusal> {
        self.check_actor(actor)?;
        let verdict = self.check_room(decide::fetch(self.case(now), actor, presentity)?)?;
        let reply = self.accept(now, verdict);
        self.observe(now, presentity, &actor.principal, WatcherKind::Fetcher);
        Ok(reply)
    }

    /// Forgets the anonymous watchers of the process before, and moves every live subscription to the state that it has
    /// by what is granted now. Called at the start: the operator may have changed what is granted where no rule says.
    pub fn review(&mut self, now: impl Into<Now>) {
        let now = self.begin(now);
        self.forget_watchers(now);
        for event in decide::review(self.case(now)) {
            self.happen(decided_at(now), event);
        }
        self.reopen_reviews(now);
    }

    /// Folds an event into the state, adds it to the round's batch, and tells those concerned.
    ///
    /// Its moment is `wanted`, or the one right after the event before if that is later. A watcher sees the moments of
    /// what it is shown. So they tell of an event hidden from it only if both happen in the same millisecond.
    pub(super) fn happen(&mut self, wanted: Moment, event: Event) {
        if !core::mem::replace(&mut self.has_begun, true) {
            self.happen(wanted, Event::EpochBegan(EpochBegan { epoch: self.config.epoch }));
        }
        let at = wanted.max(self.views.moment().next());
        let (sequence, ahead) = (self.views.head().next(), self.clock.ahead);
        let recorded = Recorded { sequence, at, ahead, event };
        let (begun, rules) = (self.begun(&recorded.event), self.rules_before(&recorded.event));
        self.steps += 1;
        self.views.apply(&recorded);
        self.tell(&recorded);
        self.pending.push((at, recorded.event));
        if let Some((presentity, watcher)) = begun {
            self.observe(at.timestamp(), &presentity, &watcher, WatcherKind::Subscriber);
        }
        if let Some(before) = rules {
            self.carry(wanted, before);
        }
    }

    /// If the event begins a subscription and does not only renew one: whom is watched, and by whom.
    fn begun(&self, event: &Event) -> Option<(Presentity, Principal)> {
        let Event::Subscribed(event) = event else { return None };
        let view = self.views.watcher(&event.watcher);
        let known = view.and_then(|view| view.live(&event.presentity));
        // One that waits has ended as far as its watcher knows, so this is a new one.
        let is_new = known.is_none_or(|known| known.state == SubscriptionState::Waiting);
        is_new.then(|| (event.presentity.clone(), event.watcher.clone()))
    }

    /// The events of this round, to be appended and synced before any output is released. Ends the round.
    #[must_use]
    pub fn take_batch(&mut self) -> Option<Batch> {
        self.round = None;
        let events = core::mem::take(&mut self.pending);
        let first = Sequence::new(self.views.head().get() + 1 - events.len() as u64);
        (!events.is_empty()).then_some(Batch { first, ahead: self.clock.ahead, events })
    }

    /// What is to be said, to be released only after the batch before it is synced.
    #[must_use]
    pub fn take_outputs(&mut self) -> Vec<Output> {
        core::mem::take(&mut self.outputs)
    }

    /// The state.
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// The state, for saving it.
    #[cfg(feature = "server")]
    pub(crate) fn views_mut(&mut self) -> &mut Views {
        &mut self.views
    }

    /// How many feeds are open.
    pub fn feeds_count(&self) -> usize {
        self.live.count()
    }
}

/// What is decided in a millisecond happens in its second half, so that what falls due in the same millisecond finds
/// room before it.
pub(super) fn decided_at(now: Timestamp) -> Moment {
    const HALF_US: u64 = 500;
    Moment::from_us(Moment::of(now).as_us().saturating_add(HALF_US))
}
