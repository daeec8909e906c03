//! Ends what is due: a part of it in each round, and before an input all that this one is about. The same goes for
//! changes of rules that have yet to come to subscriptions.
//!
//! Thousands of things may end in the same moment. They end in order, so many in each round, and what others ask is
//! answered in between; whoever asks for something finds what is over ended, however much waits for its turn.
//! Must never hold: what ends how (see `decide`), or when (see `view`).

use std::ops::Bound;

use super::core::Service;
use super::live::Place;
use super::{Actor, FeedId, Input, Query, decide};
use crate::event::Event;
use crate::model::limits::FEED_PART_MAX;
use crate::model::{InboxAddress, InviteId, Moment, Now, Presentity, Principal, Timestamp};
use crate::protocol::{Command, Question};
use crate::view::{Due, PublicationView, SubscriptionView, Views};

impl Service {
    /// Ends what is due in a round, as much of it as one round may. Returns the time of what is decided next.
    pub(super) fn end_due(&mut self, round: Timestamp) -> Timestamp {
        loop {
            let now = round.max(self.views.moment().next().timestamp());
            let ending = self.views.next_due(self.clock.ahead).filter(|(at, _)| *at <= now);
            // What ends in the same millisecond goes first: nothing is recorded while something lives beyond its end.
            let before = |at: Timestamp| Timestamp::from_ms(at.as_ms().saturating_sub(1));
            let until = ending.as_ref().map_or(now, |(at, _)| before(*at));
            if self.part_left == 0 {
                return now;
            }
            if let Some((at, event)) = self.observations.take_due(until) {
                self.part_left -= 1;
                self.happen(Moment::of(at), Event::WatchObserved(event));
                continue;
            }
            let Some((at, due)) = ending else { return now };
            self.part_left -= 1;
            self.end(now, &due, at);
        }
    }

    fn end(&mut self, now: Timestamp, due: &Due, at: Timestamp) {
        for event in decide::end_of(self.case(now), due, at) {
            self.happen(Moment::of(at), event);
        }
    }

    /// Brings what `input` is about up to date, if rounds had to leave something over: ends what is due of it, and judges
    /// its subscriptions by the rules in force.
    pub(super) fn catch_up(&mut self, now: Timestamp, input: &Input) {
        if self.is_behind(now) {
            let about = About { views: &self.views, now, max: self.config.round_part };
            self.end_all(now, about.input(input));
        }
        if !self.reviews.is_empty() {
            for (watcher, presentity) in self.subscriptions_of(input) {
                self.judge_first(now, &watcher, &presentity);
            }
        }
    }

    /// The subscriptions that `input` is about.
    fn subscriptions_of(&self, input: &Input) -> Vec<(Principal, Presentity)> {
        let (watcher, presentity) = match input {
            Input::Command { actor, command, .. } => match command {
                Command::Subscribe(request) => (&actor.principal, &request.presentity),
                Command::Unsubscribe(request) => (&actor.principal, &request.presentity),
                Command::EndSubscription(request) => (&request.watcher, &request.presentity),
                _ => return Vec::new(),
            },
            Input::Query { actor, query: Query::Ask(question), .. } => match question {
                Question::Fetch(asked) => (&actor.principal, &asked.presentity),
                Question::ListSubscriptions(_) => {
                    return self.next_subscriptions(&actor.principal, Bound::Unbounded, usize::MAX);
                }
                _ => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        vec![(watcher.clone(), presentity.clone())]
    }

    fn next_subscriptions(
        &self,
        watcher: &Principal,
        after: Bound<&Presentity>,
        max: usize,
    ) -> Vec<(Principal, Presentity)> {
        let view = self.views.watcher(watcher).into_iter();
        let next = view
            .flat_map(|view| view.subscriptions.range::<Presentity, _>((after, Bound::Unbounded)));
        next.take(max).map(|(presentity, _)| (watcher.clone(), presentity.clone())).collect()
    }

    /// As [`Service::catch_up`], of what the next part of a feed's opening is about.
    pub(super) fn catch_up_part(&mut self, now: Timestamp, feed: FeedId) {
        if !self.is_behind(now) && self.reviews.is_empty() {
            return;
        }
        let Some((watcher, _, _, opening)) = self.live.opening(feed) else { return };
        let after = match &opening.last {
            None => Bound::Unbounded,
            Some(Place::Subscription(last)) => Bound::Excluded(last),
            Some(Place::Watcher(..)) => return,
        };
        let about = About { views: &self.views, now, max: self.config.round_part };
        let ending = about.subscriptions(watcher, after, FEED_PART_MAX);
        let settling = self.next_subscriptions(watcher, after, FEED_PART_MAX);
        self.end_all(now, ending);
        for (watcher, presentity) in settling {
            self.judge_first(now, &watcher, &presentity);
        }
    }

    /// Whether something is due that has not ended yet.
    fn is_behind(&self, now: Timestamp) -> bool {
        self.views.next_due(self.clock.ahead).is_some_and(|(at, _)| at <= now)
    }

    fn end_all(&mut self, now: Timestamp, mut ending: Vec<(Timestamp, Due)>) {
        ending.sort_unstable();
        ending.dedup();
        for (at, due) in ending {
            self.end(now, &due, at);
        }
    }

    /// Whether there is something to do without any input: something is due, or the wall clock was set.
    #[must_use]
    pub fn is_due(&mut self, now: impl Into<Now>) -> bool {
        let now = now.into();
        let recorded = self.recorded_ahead();
        let is_moved = recorded.is_some_and(|recorded| self.clock.is_moved(now, recorded));
        is_moved || self.next_timeout().is_some_and(|due| due <= now.elapsed)
    }

    /// When something falls due next, in elapsed time; at once while a change of rules has yet to come to somebody.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Timestamp> {
        if !self.reviews.is_empty() {
            return Some(self.views.time());
        }
        let due = self.views.next_due(self.clock.ahead).map(|(at, _)| at);
        due.into_iter().chain(self.observations.next_due()).min()
    }
}

/// What is due of one thing or another.
struct About<'a> {
    views: &'a Views,
    now: Timestamp,
    /// Messages that are looked for.
    max: usize,
}

type Ending = Vec<(Timestamp, Due)>;

impl About<'_> {
    fn input(&self, input: &Input) -> Ending {
        match input {
            Input::Enter { hello, .. } => {
                let invite = hello.enroll.as_ref().and_then(|enroll| enroll.invite);
                let invite = invite.into_iter().flat_map(|invite| self.invite(&invite));
                invite.chain(self.recovery(&hello.principal)).collect()
            }
            Input::Command { actor, command, .. } => self.command(actor, command),
            Input::Acknowledge { inbox, .. } => self.messages(inbox),
            Input::Query { actor, query: Query::Ask(question), .. } => {
                self.question(actor, question)
            }
            // Pages of messages are judged by the time, and an opening feed ends what it comes to.
            Input::Query { .. }
            | Input::EnterAnonymous { .. }
            | Input::Leave { .. }
            | Input::OpenPresence { .. }
            | Input::OpenMore { .. }
            | Input::OpenInbox { .. }
            | Input::CloseFeed { .. }
            | Input::Tick => Vec::new(),
        }
    }

    fn command(&self, actor: &Actor, command: &Command) -> Ending {
        match command {
            Command::Publish(publish) => self.publications(&publish.presentity),
            Command::RemovePublication(request) => self.publications(&request.presentity),
            Command::Subscribe(request) => self.watching(&actor.principal, &request.presentity),
            Command::Unsubscribe(request) => self.watching(&actor.principal, &request.presentity),
            Command::EndSubscription(request) => {
                self.watching(&request.watcher, &request.presentity)
            }
            Command::Send(send) => self.messages(&send.inbox),
            Command::Displayed(said) => self.messages(&said.inbox),
            Command::Delete(delete) => self.messages(&delete.inbox),
            Command::WithdrawInvite(request) => self.invite(&request.invite),
            Command::RefuseRecovery(request) => self.invite(&request.invite),
            Command::Invite(request) => {
                request.principal.iter().flat_map(|principal| self.recovery(principal)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn question(&self, actor: &Actor, question: &Question) -> Ending {
        match question {
            Question::Fetch(asked) => self.watching(&actor.principal, &asked.presentity),
            Question::ListPublications(asked) => self.publications(&asked.presentity),
            Question::ListHistory(asked) => self.publications(&asked.presentity),
            Question::FetchAt(asked) => self.publications(&asked.presentity),
            Question::ListSubscriptions(_) => {
                self.subscriptions(&actor.principal, Bound::Unbounded, usize::MAX)
            }
            _ => Vec::new(),
        }
    }

    /// The publications of `presentity`, and the subscription of `watcher` to it.
    fn watching(&self, watcher: &Principal, presentity: &Presentity) -> Ending {
        let subscription = self.views.watcher(watcher).and_then(|view| view.live(presentity));
        let due = subscription.and_then(|view| self.subscription(watcher, presentity, view));
        due.into_iter().chain(self.publications(presentity)).collect()
    }

    fn publications(&self, presentity: &Presentity) -> Ending {
        let live = self.views.presentity(presentity).into_iter();
        let live = live.flat_map(|view| &view.publications);
        let due = live.filter(|(_, view): &(_, &PublicationView)| view.deadline <= self.now);
        due.map(|(key, view)| (view.deadline, Due::Publication(presentity.clone(), key.clone())))
            .collect()
    }

    fn subscription(
        &self,
        watcher: &Principal,
        presentity: &Presentity,
        view: &SubscriptionView,
    ) -> Option<(Timestamp, Due)> {
        let is_due = view.is_live() && view.expires_at <= self.now;
        let due = || Due::Subscription(watcher.clone(), presentity.clone());
        is_due.then(|| (view.expires_at, due()))
    }

    /// The next subscriptions of `watcher`, and what is published by those that it watches.
    fn subscriptions(&self, watcher: &Principal, after: Bound<&Presentity>, max: usize) -> Ending {
        let view = self.views.watcher(watcher).into_iter();
        let next = view
            .flat_map(|view| view.subscriptions.range::<Presentity, _>((after, Bound::Unbounded)));
        let next = next.take(max).flat_map(|(presentity, view)| {
            let due = self.subscription(watcher, presentity, view);
            due.into_iter().chain(self.publications(presentity))
        });
        next.collect()
    }

    fn messages(&self, inbox: &InboxAddress) -> Ending {
        let kept = self.views.inbox(inbox).into_iter().flat_map(|view| view.due(self.now));
        let due = kept.take(self.max);
        due.map(|(at, sequence)| (at, Due::Message(inbox.clone(), sequence))).collect()
    }

    fn recovery(&self, principal: &Principal) -> Ending {
        let running = self.views.recovery(principal);
        running.into_iter().flat_map(|(invite, _)| self.invite(invite)).collect()
    }

    fn invite(&self, invite: &InviteId) -> Ending {
        let view = self.views.invite(invite).filter(|view| view.expires_at <= self.now);
        view.map(|view| (view.expires_at, Due::Invite(*invite))).into_iter().collect()
    }
}
