//! The service: do what is due, decide, apply, and say who must be told.
//!
//! Invariant: `views` holds exactly the events handed out in batches so far and those pending for the next.
//! Must never hold: a rule (see `decide`) or a fold (see `view`).

use std::sync::Arc;

use super::decide::{self, Case, Verdict};
use super::live::Live;
use super::query::{self, current};
use super::{Actor, Batch, FeedId, InboxRow, Input, Output, Reply, ServiceConfig, Ticket, open};
use crate::event::{Event, Recorded};
use crate::model::{Moment, Presentity, Principal, Refusal, Timestamp};
use crate::view::Views;

/// The sans-I/O core. Inputs go in with [`Service::handle`]; the events they cause come out of
/// [`Service::take_batch`], and what is to be said of [`Service::take_outputs`], in that order.
#[derive(Debug)]
pub struct Service {
    config: ServiceConfig,
    views: Views,
    live: Live,
    /// When the running round began.
    round: Option<Timestamp>,
    pending: Vec<(Moment, Event)>,
    outputs: Vec<Output>,
}

impl Service {
    /// A service over `views`.
    pub fn new(config: ServiceConfig, views: Views) -> Self {
        Self {
            config,
            views,
            live: Live::default(),
            round: None,
            pending: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Does what is due by `now`, then takes one input.
    ///
    /// A round lasts until [`Service::take_batch`] and has one time: the first `now` in it, and never one before the
    /// last event's. What it decides happens then, what it ends as due happened when it was due; each at least a
    /// microsecond after the event before.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        let now = self.begin(now);
        match input {
            Input::Enter { ticket, hello } => {
                let verdict = decide::enter(self.case(now), &hello);
                self.conclude(now, ticket, verdict);
            }
            Input::Command { ticket, actor, command } => {
                let verdict = self
                    .check_actor(&actor)
                    .and_then(|()| decide::decide(self.case(now), &actor, command));
                self.conclude(now, ticket, verdict);
            }
            Input::Query { ticket, actor, query } => {
                let result = self
                    .check_actor(&actor)
                    .and_then(|()| query::query(self.case(now), &actor, query));
                self.reply(ticket, result);
            }
            Input::OpenPresence { ticket, feed, actor, presentities, after } => {
                let presentities = presentities.into_iter().collect();
                let result = self.check_actor(&actor).map(|()| {
                    let opened = open::presence(&self.views, &actor, &presentities, after);
                    self.go_live(feed, &actor, presentities);
                    Reply::PresenceOpened(opened)
                });
                self.reply(ticket, result);
            }
            Input::OpenInbox { ticket, feed, actor, inbox, after } => {
                let result = self
                    .check_actor(&actor)
                    .and_then(|()| open::inbox(self.case(now), &actor, &inbox, after));
                if result.is_ok() {
                    self.live.open_inbox(feed, &inbox);
                }
                self.reply(ticket, result);
            }
            Input::CloseFeed { feed } => self.live.close(feed),
            Input::Tick => {}
        }
    }

    /// Records facts that were decided outside any session.
    pub fn record(&mut self, now: Timestamp, events: Vec<Event>) {
        let now = self.begin(now);
        for event in events {
            self.happen(decided_at(now), event);
        }
    }

    /// Begins a round or goes on with it, and ends what is due.
    fn begin(&mut self, now: Timestamp) -> Timestamp {
        let round = *self.round.get_or_insert(now);
        loop {
            let now = round.max(self.views.moment().next().timestamp());
            let Some((at, due)) = self.views.next_due().filter(|(at, _)| *at <= now) else {
                return now;
            };
            let event = decide::end_of(&self.views, due);
            self.happen(Moment::of(at), event);
        }
    }

    fn case(&self, now: Timestamp) -> Case<'_> {
        Case { views: &self.views, config: &self.config, now }
    }

    /// A key may have been revoked after its session began.
    fn check_actor(&self, actor: &Actor) -> Result<(), Refusal> {
        let view = self.views.principal(&actor.principal);
        match view.and_then(|view| view.devices.get(&actor.device)) {
            Some(device) if device.revoked_at.is_none() => Ok(()),
            _ => Err(Refusal::KeyRevoked),
        }
    }

    fn conclude(&mut self, now: Timestamp, ticket: Ticket, verdict: Result<Verdict, Refusal>) {
        let result = verdict.map(|verdict| {
            for event in verdict.events {
                self.happen(decided_at(now), event);
            }
            verdict.reply
        });
        self.reply(ticket, result);
    }

    fn reply(&mut self, ticket: Ticket, result: Result<Reply, Refusal>) {
        self.outputs.push(Output::Reply { ticket, result });
    }

    fn go_live(
        &mut self,
        feed: FeedId,
        actor: &Actor,
        presentities: std::collections::BTreeSet<Presentity>,
    ) {
        let view = self.views.watcher(&actor.principal);
        let subscriptions = view.into_iter().flat_map(|view| &view.subscriptions);
        let active = subscriptions.filter(|(_, subscription)| subscription.is_active());
        let active = active.map(|(presentity, subscription)| (presentity, subscription.mode));
        self.live.open_presence(feed, &actor.principal, presentities, active);
    }

    /// An event becomes part of the state and of the round's batch, and those concerned are told.
    ///
    /// It happens at `wanted`, or right after the event before if that is later. So what is hidden from somebody moves
    /// what is not only if both are decided, or fall due, in the same millisecond.
    fn happen(&mut self, wanted: Moment, event: Event) {
        let at = wanted.max(self.views.moment().next());
        let recorded = Recorded { sequence: self.views.head().next(), at, event };
        self.views.apply(&recorded);
        self.tell(&recorded);
        self.pending.push((at, recorded.event));
    }

    fn tell(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::Published(event) => self.tell_change(&event.presentity),
            Event::PublicationEnded(event) => self.tell_change(&event.presentity),
            Event::SubscriptionCreated(event) => {
                self.tell_begun(recorded, &event.watcher, &event.presentity);
            }
            Event::SubscriptionRefreshed(event) => {
                self.live.subscribed(&event.watcher, &event.presentity, event.mode);
            }
            Event::SubscriptionEnded(event) => {
                self.tell_ended(recorded, &event.watcher, &event.presentity);
            }
            Event::MessageAccepted(event) => {
                let feeds = self.live.reading(&event.inbox);
                if !feeds.is_empty() {
                    let row = InboxRow { sequence: event.sequence, at: recorded.sequence };
                    self.outputs.push(Output::Inbox { feeds, row });
                }
            }
            Event::KeyRevoked(event) => self.outputs.push(Output::Revoked { device: event.device }),
            Event::InviteCreated(_)
            | Event::InviteEnded(_)
            | Event::KeyEnrolled(_)
            | Event::PublicationRefreshed(_)
            | Event::MessageEnded(_)
            | Event::Acknowledged(_) => {}
            // Nothing decides these yet.
            _ => {}
        }
    }

    fn tell_change(&mut self, presentity: &Presentity) {
        let feeds = self.live.watching(presentity);
        if !feeds.is_empty() {
            let item = current(&self.views, presentity, Moment::ZERO);
            self.outputs.push(Output::Presence { feeds, item: Arc::new(item) });
        }
    }

    fn tell_begun(&mut self, recorded: &Recorded, watcher: &Principal, presentity: &Presentity) {
        let mode = self
            .views
            .watcher(watcher)
            .and_then(|view| view.active(presentity))
            .map(|active| active.mode);
        let feeds = self.live.subscribed(watcher, presentity, mode.unwrap_or_default());
        if !feeds.is_empty() {
            let item = current(&self.views, presentity, recorded.at);
            self.outputs.push(Output::Presence { feeds, item: Arc::new(item) });
        }
    }

    fn tell_ended(&mut self, recorded: &Recorded, watcher: &Principal, presentity: &Presentity) {
        let feeds = self.live.unsubscribed(watcher, presentity);
        let view = self.views.watcher(watcher).and_then(|view| view.subscriptions.get(presentity));
        if let Some(subscription) = view.filter(|_| !feeds.is_empty()) {
            let item = open::ended(presentity, recorded.at, subscription.state);
            self.outputs.push(Output::Presence { feeds, item: Arc::new(item) });
        }
    }

    /// The events of this round, to be appended and synced before any output is released. Ends the round.
    #[must_use]
    pub fn take_batch(&mut self) -> Option<Batch> {
        self.round = None;
        let events = core::mem::take(&mut self.pending);
        let first = crate::model::Sequence::new(self.views.head().get() + 1 - events.len() as u64);
        (!events.is_empty()).then_some(Batch { first, events })
    }

    /// What is to be said, to be released only after the batch before it is synced.
    #[must_use]
    pub fn take_outputs(&mut self) -> Vec<Output> {
        core::mem::take(&mut self.outputs)
    }

    /// When something falls due next.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Timestamp> {
        self.views.next_due().map(|(at, _)| at)
    }

    /// The state.
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// The state, for saving it.
    pub(crate) fn views_mut(&mut self) -> &mut Views {
        &mut self.views
    }

    /// How many feeds are open.
    pub fn feeds_count(&self) -> usize {
        self.live.count()
    }
}

/// What is decided in a millisecond happens in its second half: what falls due in it comes before, and finds room there.
fn decided_at(now: Timestamp) -> Moment {
    const HALF_US: u64 = 500;
    Moment::from_us(Moment::of(now).as_us().saturating_add(HALF_US))
}
