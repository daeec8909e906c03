//! All entities together, and what follows from them: what is due when, which message ids are known, how much there is.
//!
//! Must never hold: what one event does to one entity; that is the entity's own.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::expiry::{Due, Ends, Expiry};
use super::ids::Ids;
use super::made::Made;
use super::{
    AudienceView, BudgetView, ClockView, Counts, DomainView, InboxView, InviteView, OperationsView,
    PresentityView, PrincipalView, RulesView, SenderKey, StoreView, WatcherView,
};
use crate::event::{
    EntityKey, Event, GrantChanged, GrantGiven, Operation, Operator, Outcome, PublicationKey,
    Recorded,
};
use crate::model::limits::OPERATIONS_FORGOTTEN_MAX;
use crate::model::{
    Ahead, DeviceId, Domain, InboxAddress, InviteId, Moment, NameLook, Presentity, Principal,
    Sequence, Timestamp,
};

/// All state of the service.
#[derive(Debug, Default)]
pub struct Views {
    pub(super) head: Sequence,
    pub(super) moment: Moment,
    pub(super) ahead: Ahead,
    pub(super) invites: BTreeMap<InviteId, InviteView>,
    pub(super) principals: BTreeMap<Principal, PrincipalView>,
    pub(super) presentities: BTreeMap<Presentity, PresentityView>,
    pub(super) watchers: BTreeMap<Principal, WatcherView>,
    pub(super) inboxes: BTreeMap<InboxAddress, InboxView>,
    pub(super) rules: BTreeMap<Principal, RulesView>,
    pub(super) audiences: BTreeMap<Presentity, AudienceView>,
    pub(super) domains: BTreeMap<Domain, DomainView>,
    pub(super) store: StoreView,
    pub(super) clock: ClockView,
    pub(super) operations: BTreeMap<Operator, OperationsView>,
    pub(super) budgets: BTreeMap<Principal, BudgetView>,
    /// Who has a live subscription to whom.
    pub(super) subscribers: BTreeMap<Presentity, BTreeSet<Principal>>,
    /// Who made what.
    pub(super) made: Made,
    /// How the names look that are taken, for nobody is to be taken for somebody else.
    pub(super) looks: BTreeSet<NameLook>,
    /// How many principals there are in each domain.
    pub(super) populations: BTreeMap<Domain, u64>,
    pub(super) ids: Ids,
    /// How many messages of whom wait in all inboxes that no device has taken; of others none do.
    pub(super) waiting: BTreeMap<SenderKey, u64>,
    pub(super) expiry: Expiry,
    /// Whose oldest operation may be forgotten when.
    pub(super) forgetting: BTreeSet<(Timestamp, Operator)>,
    pub(super) counts: Counts,
    pub(super) changed: BTreeSet<EntityKey>,
    /// Whatever took an event behind this one is among the changed: most events are about what is there already.
    pub(super) taken: Sequence,
    /// Inboxes of which rows were put back.
    pub(super) recalled: BTreeSet<InboxAddress>,
}

impl Views {
    /// Folds one event in. Never refuses: whatever was recorded happened.
    pub fn apply(&mut self, recorded: &Recorded) {
        if recorded.sequence > self.head {
            (self.head, self.ahead) = (recorded.sequence, recorded.ahead);
        }
        let moment = self.moment;
        self.moment = moment.max(recorded.at);
        let entity = recorded.event.entity();
        let before = match &entity {
            EntityKey::Invite(_) => self.apply_invite(recorded),
            EntityKey::Principal(principal) => self.apply_principal(principal, recorded),
            EntityKey::Presentity(presentity) => self.apply_presentity(presentity, recorded),
            EntityKey::Watcher(watcher) => self.apply_watcher(watcher, recorded),
            EntityKey::Inbox(inbox) => self.apply_inbox(inbox, recorded),
            EntityKey::Rules(principal) => self.apply_rules(principal, recorded),
            EntityKey::Audience(presentity) => {
                let view = self.audiences.entry(presentity.clone()).or_default();
                apply_once(view.as_of, recorded, || view.apply(recorded))
            }
            EntityKey::Domain(domain) => {
                let view = self.domains.entry(domain.clone()).or_default();
                apply_once(view.as_of, recorded, || view.apply(recorded))
            }
            EntityKey::Store => {
                apply_once(self.store.as_of, recorded, || self.store.apply(recorded, moment))
            }
            EntityKey::Clock => {
                apply_once(self.clock.as_of, recorded, || self.clock.apply(recorded))
            }
            // What is there to know stands with the operations, as for every event that names one.
            EntityKey::Operations(_) | EntityKey::Budget(_) => None,
        };
        if let Some(before) = before {
            self.note_changed(before, || entity);
        }
        self.remember(recorded);
        self.charge(recorded);
        if let Event::WatcherForgotten(event) = &recorded.event {
            let by = Operator::Principal(event.watcher.clone());
            self.forget_operator(by, recorded.sequence);
        }
        self.forget_operations(OPERATIONS_FORGOTTEN_MAX);
    }

    fn apply_invite(&mut self, recorded: &Recorded) -> Option<Sequence> {
        let as_of = recorded.sequence;
        let (invite, view) = match recorded.event.clone() {
            Event::InviteCreated(event) => (event.invite, InviteView::created(as_of, event)),
            Event::InviteIssued(event) => (event.invite, InviteView::issued(as_of, event)),
            Event::RecoveryStarted(event) => {
                let at = recorded.at.timestamp();
                (event.invite, InviteView::recovering(as_of, at, event))
            }
            Event::InviteEnded(event) => {
                return self.close_invite(event.invite).map(|view| view.as_of);
            }
            _ => unreachable!("only events of invites come here"),
        };
        if self.invites.get(&invite).is_some_and(|view| view.as_of >= as_of) {
            return None;
        }
        let before = self.close_invite(invite).map_or(Sequence::ZERO, |view| view.as_of);
        self.expiry.insert(view.expires_at, Due::Invite(invite));
        self.made.invite(&view, invite, true);
        self.invites.insert(invite, view);
        Some(before)
    }

    fn close_invite(&mut self, invite: InviteId) -> Option<InviteView> {
        let view = self.invites.remove(&invite)?;
        self.expiry.remove(view.expires_at, Due::Invite(invite));
        self.made.invite(&view, invite, false);
        Some(view)
    }

    fn apply_principal(&mut self, principal: &Principal, recorded: &Recorded) -> Option<Sequence> {
        if !self.principals.contains_key(principal) {
            self.settle(principal);
        }
        let view = self.principals.entry(principal.clone()).or_default();
        apply_once(view.as_of, recorded, || view.apply(recorded))
    }

    fn apply_presentity(
        &mut self,
        presentity: &Presentity,
        recorded: &Recorded,
    ) -> Option<Sequence> {
        let view = self.presentities.entry(presentity.clone()).or_default();
        let last = view.as_of;
        if last >= recorded.sequence {
            return None;
        }
        let before = view.publications.len() as u64;
        let (publication, ends) = view.apply(recorded);
        self.made.publication(presentity, &publication, ends.after.is_some());
        self.expiry.reschedule(Due::Publication(presentity.clone(), publication), ends);
        self.counts.publications =
            self.counts.publications + view.publications.len() as u64 - before;
        Some(last)
    }

    fn apply_watcher(&mut self, watcher: &Principal, recorded: &Recorded) -> Option<Sequence> {
        if matches!(recorded.event, Event::WatcherForgotten(_)) {
            return self.forget_watcher(watcher, recorded.sequence);
        }
        let view = self.watchers.entry(watcher.clone()).or_default();
        let last = view.as_of;
        if last >= recorded.sequence {
            return None;
        }
        let before = view.live_count as u64;
        let (presentity, ends) = view.apply(recorded);
        self.counts.subscriptions = self.counts.subscriptions + view.live_count as u64 - before;
        self.index_subscriber(watcher, &presentity, ends.after.is_some());
        self.expiry.reschedule(Due::Subscription(watcher.clone(), presentity), ends);
        Some(last)
    }

    fn forget_watcher(&mut self, watcher: &Principal, sequence: Sequence) -> Option<Sequence> {
        if self.watchers.get(watcher).is_some_and(|view| view.as_of >= sequence) {
            return None;
        }
        let view = self.watchers.remove(watcher).unwrap_or_default();
        let last = view.as_of;
        self.counts.subscriptions -= view.live_count as u64;
        for (presentity, subscription) in view.subscriptions {
            if subscription.is_live() {
                self.index_subscriber(watcher, &presentity, false);
                let due = Due::Subscription(watcher.clone(), presentity);
                self.expiry.remove(subscription.expires_at, due);
            }
        }
        Some(last)
    }

    fn index_subscriber(&mut self, watcher: &Principal, presentity: &Presentity, is_live: bool) {
        if is_live {
            self.subscribers.entry(presentity.clone()).or_default().insert(watcher.clone());
        } else if let Some(subscribers) = self.subscribers.get_mut(presentity) {
            subscribers.remove(watcher);
            if subscribers.is_empty() {
                self.subscribers.remove(presentity);
            }
        }
    }

    fn apply_inbox(&mut self, inbox: &InboxAddress, recorded: &Recorded) -> Option<Sequence> {
        let view = self.inboxes.entry(inbox.clone()).or_default();
        let last = view.as_of;
        if last >= recorded.sequence {
            return None;
        }
        let before = view.kept();
        let change = view.apply(recorded);
        if let Some((key, known)) = change.accepted {
            self.ids.forget(known.accepted_at);
            self.ids.insert(key, known);
        }
        if let Some((sequence, ends)) = change.rescheduled {
            self.expiry.reschedule(Due::Message(inbox.clone(), sequence), ends);
        }
        self.counts.messages = self.counts.messages + view.kept() - before;
        self.count_waiting(change.waiting, change.taken);
        Some(last)
    }

    fn apply_rules(&mut self, principal: &Principal, recorded: &Recorded) -> Option<Sequence> {
        let view = self.rules.entry(principal.clone()).or_default();
        let last = view.as_of;
        if last >= recorded.sequence {
            return None;
        }
        let before = view.boundary();
        if let Event::GrantChanged(GrantChanged { grantee, .. })
        | Event::GrantGiven(GrantGiven { grantee, .. }) = &recorded.event
        {
            self.made.grant(principal, grantee, view, false);
            view.apply(recorded);
            self.made.grant(principal, grantee, view, true);
        } else {
            view.apply(recorded);
        }
        let ends = Ends { before, after: view.boundary() };
        self.expiry.reschedule_rules(principal, ends);
        Some(last)
    }

    /// The last event folded in.
    pub fn head(&self) -> Sequence {
        self.head
    }

    /// The moment of the last event folded in.
    pub fn moment(&self) -> Moment {
        self.moment
    }

    /// How far the wall clock was ahead at the last event folded in.
    pub fn ahead(&self) -> Ahead {
        self.ahead
    }

    /// The settings of the wall clock.
    pub fn clock(&self) -> &ClockView {
        &self.clock
    }

    /// The time of the last event folded in.
    pub fn time(&self) -> Timestamp {
        self.moment.timestamp()
    }

    /// The store itself.
    pub fn store(&self) -> &StoreView {
        &self.store
    }

    /// How much there is.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// An open invite.
    pub fn invite(&self, invite: &InviteId) -> Option<&InviteView> {
        self.invites.get(invite)
    }

    /// All open invites.
    pub fn invites(&self) -> impl ExactSizeIterator<Item = (&InviteId, &InviteView)> {
        self.invites.iter()
    }

    /// The open invites that `maker` made.
    pub fn invites_of(&self, maker: &Principal) -> impl Iterator<Item = (&InviteId, &InviteView)> {
        self.made.invites(maker).filter_map(|invite| self.invites.get_key_value(invite))
    }

    /// The recovery of `principal` that runs.
    pub fn recovery(&self, principal: &Principal) -> Option<(&InviteId, &InviteView)> {
        let mut running = self.made.recoveries(principal);
        running.find_map(|invite| self.invites.get_key_value(invite))
    }

    /// What is published with `device`, and where.
    pub fn published_with(
        &self,
        device: &DeviceId,
    ) -> impl Iterator<Item = &(Presentity, PublicationKey)> {
        self.made.publications(device)
    }

    /// Those who grant `grantee` anything.
    pub fn granting<'a>(&'a self, grantee: &'a Principal) -> impl Iterator<Item = &'a Principal> {
        let granting = self.rules.iter().filter(|(_, view)| view.grants.contains_key(grantee));
        granting.map(|(owner, _)| owner)
    }

    /// The grants that `giver` gave, in whosever name: who grants, and to whom.
    pub fn given_by(&self, giver: &Principal) -> impl Iterator<Item = &(Principal, Principal)> {
        self.made.grants(giver)
    }

    /// A presentity that ever published.
    pub fn presentity(&self, presentity: &Presentity) -> Option<&PresentityView> {
        self.presentities.get(presentity)
    }

    /// How many presentities ever published.
    pub fn presentities_count(&self) -> usize {
        self.presentities.len()
    }

    /// A watcher that ever subscribed, unless it was forgotten since.
    pub fn watcher(&self, watcher: &Principal) -> Option<&WatcherView> {
        self.watchers.get(watcher)
    }

    /// Those that subscribed without a name and are not forgotten.
    pub fn anonymous_watchers(&self) -> impl Iterator<Item = &Principal> {
        self.watchers.keys().filter(|watcher| watcher.is_anonymous())
    }

    /// An inbox that ever got a message.
    pub fn inbox(&self, inbox: &InboxAddress) -> Option<&InboxView> {
        self.inboxes.get(inbox)
    }

    /// All inboxes that ever got a message.
    pub fn inboxes(&self) -> impl Iterator<Item = (&InboxAddress, &InboxView)> {
        self.inboxes.iter()
    }

    /// How many inboxes ever got a message.
    pub fn inboxes_count(&self) -> usize {
        self.inboxes.len()
    }

    /// The rules and grants of a principal that ever changed them.
    pub fn rules(&self, principal: &Principal) -> Option<&RulesView> {
        self.rules.get(principal)
    }

    /// Who watched a presentity of late.
    pub fn audience(&self, presentity: &Presentity) -> Option<&AudienceView> {
        self.audiences.get(presentity)
    }

    /// Whether recipients ever kept what somebody of `domain` sent when that was erased.
    pub fn ever_kept(&self, domain: &str) -> bool {
        self.domain(domain).is_some_and(|view| view.erasure_at > Sequence::ZERO)
    }

    /// A domain that was created at run time or ever changed.
    pub fn domain(&self, domain: &str) -> Option<&DomainView> {
        self.domains.get(domain)
    }

    /// All domains that were created at run time or ever changed.
    pub fn domains(&self) -> impl ExactSizeIterator<Item = (&Domain, &DomainView)> {
        self.domains.iter()
    }

    /// How many principals were ever enrolled in a domain.
    pub fn population(&self, domain: &Domain) -> u64 {
        self.populations.get(domain).copied().unwrap_or_default()
    }

    /// Who has a live subscription to `presentity`: active, pending or waiting.
    pub fn subscribers(&self, presentity: &Presentity) -> impl Iterator<Item = &Principal> {
        self.subscribers.get(presentity).into_iter().flatten()
    }

    /// As [`Views::subscribers`], those in `range`, in order.
    pub fn subscribers_in(
        &self,
        presentity: &Presentity,
        range: (Bound<&Principal>, Bound<&Principal>),
    ) -> impl Iterator<Item = &Principal> {
        let subscribers = self.subscribers.get(presentity).into_iter();
        subscribers.flat_map(move |subscribers| subscribers.range::<Principal, _>(range))
    }

    /// The presentities that anybody has a live subscription to.
    pub fn subscribed(&self) -> impl Iterator<Item = &Presentity> {
        self.subscribers.keys()
    }

    /// How many operations of `by` are held, those among them whose time is over.
    pub fn operations_held(&self, by: &Operator) -> usize {
        self.operations.get(by).map_or(0, OperationsView::count)
    }

    /// What an operation came to, if it was done of late.
    pub fn outcome(&self, operation: &Operation) -> Option<Outcome> {
        self.operations.get(&operation.by)?.outcome(operation.key, self.time())
    }

    /// What falls due first, and when; the wall clock, by which rules hold, is `ahead`.
    pub fn next_due(&self, ahead: Ahead) -> Option<(Timestamp, Due)> {
        self.expiry.first(ahead)
    }

    /// Whose rules have been looked at up to a time that is yet to come when the wall clock shows `wall`.
    pub fn reviewed_beyond(&self, wall: Timestamp) -> impl Iterator<Item = &Principal> {
        let beyond = move |view: &RulesView| {
            view.reviewed > wall && view.access.next_boundary(Timestamp::default()).is_some()
        };
        self.rules.iter().filter(move |(_, view)| beyond(view)).map(|(principal, _)| principal)
    }
}

/// Applies an event unless the view has taken it, and says which one it took last before.
fn apply_once(as_of: Sequence, recorded: &Recorded, apply: impl FnOnce()) -> Option<Sequence> {
    let is_new = as_of < recorded.sequence;
    is_new.then(|| {
        apply();
        as_of
    })
}
