//! Who must be told of an event, and what.
//!
//! Must never hold: a rule, or what a feed was told before.

use std::sync::Arc;

use super::case::rights;
use super::core::Service;
use super::live::Sight;
use super::shown::{Presence, without_presence};
use super::{Actor, FeedId, InboxRow, Output, PresenceItem, Reply, decide};
use crate::event::{
    Event, GrantChanged, GrantGiven, PublicationEnded, Published, Recorded, Subscribed,
    SubscriptionCreated, SubscriptionEnded, SubscriptionMoved, SubscriptionRefreshed,
    WatchObserved, WatchRequested,
};
use crate::model::{
    InboxAddress, InboxSequence, Mode, Moment, Presentity, Principal, Refusal, Rights, Timestamp,
};
use crate::protocol::{Answer, Composing, Send};
use crate::view::InboxView;

impl Service {
    /// Tells those concerned of an event that has been applied.
    pub(super) fn tell(&mut self, recorded: &Recorded) {
        let at = recorded.at;
        match &recorded.event {
            Event::Published(Published { presentity, .. })
            | Event::PublicationEnded(PublicationEnded { presentity, .. }) => {
                self.tell_change(at, presentity);
            }
            Event::SubscriptionCreated(SubscriptionCreated { watcher, presentity, .. })
            | Event::SubscriptionRefreshed(SubscriptionRefreshed { watcher, presentity, .. })
            | Event::Subscribed(Subscribed { watcher, presentity, .. })
            | Event::SubscriptionMoved(SubscriptionMoved { watcher, presentity, .. })
            | Event::SubscriptionEnded(SubscriptionEnded { watcher, presentity, .. }) => {
                self.tell_subscription(at, watcher, presentity);
            }
            Event::WatchRequested(WatchRequested { watcher, presentity, .. })
            | Event::WatchObserved(WatchObserved { watcher, presentity, .. }) => {
                self.tell_audience(at, presentity, watcher);
            }
            Event::MessageAccepted(event) => {
                self.tell_inbox(recorded, &event.inbox, event.sequence);
            }
            Event::ReceiptIssued(event) => self.tell_inbox(recorded, &event.inbox, event.sequence),
            Event::RecoveryAnnounced(event) => {
                self.tell_inbox(recorded, &event.inbox, event.sequence);
            }
            _ => self.tell_of_rights(recorded),
        }
    }

    /// Tells of a change in who may see or do what.
    fn tell_of_rights(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::GrantChanged(GrantChanged { owner, .. })
            | Event::GrantGiven(GrantGiven { owner, .. }) => self.tell_grant(owner),
            Event::ServicesSwitched(event) if !event.messaging => {
                let address = event.principal.inbox();
                let refusal = Refusal::UnknownInbox { address: address.to_string() };
                let feeds = self.live.close_inbox_feeds(&address, |_| false);
                self.end_feeds(feeds, refusal);
            }
            Event::KeyRevoked(event) => self.outputs.push(Output::Revoked { device: event.device }),
            Event::PrincipalSuspended(event) if event.is_suspended => {
                self.revoke_all(|principal| *principal == event.principal);
            }
            Event::PrincipalErased(event) => {
                let (feeds, principal) = (self.live.feeds(), Arc::new(event.principal.clone()));
                self.outputs.push(Output::Erased { feeds, principal });
            }
            Event::DomainRemoved(event) => {
                self.revoke_all(|principal| principal.domain() == event.domain.as_str());
            }
            _ => {}
        }
    }

    /// Judges an indication like a message and passes it on, if its rate allows. The answer is the one for a message in
    /// every case that is no refusal, so that it tells nothing of who listens.
    pub(super) fn compose(
        &mut self,
        now: Timestamp,
        actor: &Actor,
        send: Send,
    ) -> Result<Reply, Refusal> {
        let sender = decide::composing(self.case(now), actor, &send)?;
        let feeds = self.live.inbox_feeds(&send.inbox);
        if let Some(sender) = sender.filter(|_| !feeds.is_empty())
            && self.composing.admits(now, &sender, &send.inbox)
        {
            let Send { inbox, content_type, body, .. } = send;
            let body = body.bytes().cloned().unwrap_or_default();
            let item = Arc::new(Composing { inbox, sender, content_type, body });
            self.outputs.push(Output::Composing { feeds, item });
        }
        Ok(Reply::Done(Answer::Sent { duplicate: false }))
    }

    /// A publication was made, changed or ended.
    fn tell_change(&mut self, at: Moment, presentity: &Presentity) {
        let presence = Presence::new(&self.views, presentity);
        for (lens, feeds) in self.feeds_by_lens(presentity) {
            // What changed may not be seen through this lens.
            if presence.version(&lens) == at {
                let item = Arc::new(presence.item(&lens, at));
                self.outputs.push(Output::Presence { feeds, item });
            }
        }
    }

    fn present(&mut self, feeds: Vec<(FeedId, Mode)>, item: PresenceItem) {
        if !feeds.is_empty() {
            self.outputs.push(Output::Presence { feeds, item: Arc::new(item) });
        }
    }

    /// A subscription began, was renewed, moved or ended.
    fn tell_subscription(&mut self, at: Moment, watcher: &Principal, presentity: &Presentity) {
        let view =
            self.views().watcher(watcher).and_then(|view| view.subscriptions.get(presentity));
        let Some(view) = view else { return };
        let is_news = view.changed == at && !view.by_fetch;
        let (state, mode) = (view.state, view.mode);
        let lens = view.is_active().then(|| self.case(at.timestamp()).lens(presentity, watcher));
        if let Some(lens) = lens.flatten() {
            let sight = Sight { mode, lens };
            let feeds = self.live.subscribed(watcher, presentity, &sight);
            if is_news {
                let presence = Presence::new(&self.views, presentity);
                let version = presence.version(&sight.lens).max(at);
                self.present(feeds, presence.item(&sight.lens, version));
            }
        } else {
            let feeds = self.live.unsubscribed(watcher, presentity);
            if is_news {
                self.present(feeds, without_presence(presentity, at, state));
            }
        }
        self.tell_audience(at, presentity, watcher);
    }

    /// Tells the feeds that follow the watchers of `presentity` what there is to tell of `watcher`.
    fn tell_audience(&mut self, at: Moment, presentity: &Presentity, watcher: &Principal) {
        for (feed, asker) in self.live.watcher_feeds(presentity) {
            let case = self.case(at.timestamp());
            let row = case.watcher_row(presentity, watcher);
            let shown = row.and_then(|(row, version)| {
                let mut row = case.shown_row(&asker, row)?;
                self.observations.add_to(&mut row, case.ahead);
                Some(PresenceItem::about(row, version))
            });
            if let Some(item) = shown {
                self.present(vec![(feed, Mode::Latest)], item);
            }
        }
    }

    fn tell_inbox(&mut self, recorded: &Recorded, inbox: &InboxAddress, sequence: InboxSequence) {
        let feeds = self.live.inbox_feeds(inbox);
        if !feeds.is_empty() {
            let ended = self.views.inbox(inbox).map_or(Moment::ZERO, InboxView::ended);
            let (at, is_withheld) = (recorded.sequence, false);
            let row = InboxRow { sequence, at, is_withheld, ended };
            self.outputs.push(Output::Inbox { feeds, row });
        }
    }

    fn tell_grant(&mut self, owner: &Principal) {
        let inbox = owner.inbox();
        let views = &self.views;
        let has = |reader: &Principal, right| rights(views, owner, reader).has(right);
        let feeds = self.live.close_inbox_feeds(&inbox, |reader| has(reader, Rights::READ));
        self.live
            .stop_telling_of_watchers(&owner.presentity(), |asker| has(asker, Rights::WATCHERS));
        let cure = format!("ask {owner} for the right that it took back");
        let action = format!("read {inbox} any more");
        self.end_feeds(feeds, Refusal::Forbidden { action, cure });
    }

    fn end_feeds(&mut self, feeds: Vec<FeedId>, refusal: Refusal) {
        if !feeds.is_empty() {
            self.outputs.push(Output::Ended { feeds, refusal });
        }
    }

    /// Has the connections of all devices of some principals closed.
    fn revoke_all(&mut self, concerned: impl Fn(&Principal) -> bool) {
        let principals = self.views.principals().filter(|(principal, _)| concerned(principal));
        let devices = principals.flat_map(|(_, view)| view.devices.keys());
        let revoked = devices.map(|device| Output::Revoked { device: *device });
        self.outputs.extend(revoked);
    }
}
