//! What tests of rules, grants, watchers, receipts and domains ask of a world.
//!
//! Must never hold: a claim about what the answer should be.

use std::sync::Arc;

use adsum::event::{Event, KeyEnrolled};
use adsum::model::{
    AccessRule, AccessRules, Delivery, DeliveryChange, DeliveryRule, DeviceLabel, EndReason,
    EpochId, Handling, Mark, Mode, Moment, OperationId, Principal, Refusal, Rights, Role, RuleName,
    SubscriptionState, WatcherRow, Who,
};
use adsum::protocol::{
    Answer, ChangeDelivery, ChangeRules, Command, Fetch, Findings, Grant, ListSubscriptions,
    ListWatchers, RulesOwner,
};
use adsum::service::{
    Actor, FeedId, Input, Output, PresenceItem, PresenceOpened, Query, Reply, Service,
    ServiceConfig,
};
use adsum::view::Views;

use super::{World, actor, config, feed_id, im, key, pres, principal, subscribe};

pub const NONE: OperationId = OperationId([0; 16]);
pub const ACTIVE: SubscriptionState = SubscriptionState::Active;
pub const PENDING: SubscriptionState = SubscriptionState::Pending;
pub const WAITING: SubscriptionState = SubscriptionState::Waiting;

pub fn ended(reason: EndReason) -> SubscriptionState {
    SubscriptionState::Terminated(reason)
}

pub fn who(text: &str) -> Who {
    text.parse().unwrap()
}

pub fn rule(name: &str, handling: Handling) -> AccessRule {
    AccessRule::plain(who(name), handling)
}

pub fn change(owner: &str, put: Vec<AccessRule>, remove: &[&str]) -> ChangeRules {
    let remove = remove.iter().map(|name| RuleName::new(name).unwrap()).collect();
    let owner = RulesOwner::Presentity(pres(owner));
    ChangeRules { owner, operation: NONE, if_version: None, put, remove }
}

pub fn delivery_rule(name: &str, action: Delivery) -> DeliveryRule {
    let (content_type, larger_than) = (None, None);
    DeliveryRule {
        name: RuleName::new(name).unwrap(),
        who: who(name),
        content_type,
        larger_than,
        action,
    }
}

pub fn delivery(owner: &str, change: DeliveryChange) -> Command {
    Command::ChangeDelivery(ChangeDelivery {
        inbox: im(owner),
        operation: NONE,
        if_version: None,
        change,
    })
}

pub fn grant(owner: &str, grantee: &str, rights: Rights) -> Command {
    let (owner, grantee) = (principal(owner), principal(grantee));
    Command::Grant(Grant { owner: Some(owner), grantee, rights, operation: NONE })
}

/// A principal of a session without a name.
pub fn nobody(number: u8) -> Actor {
    let principal = Principal::pseudonym([number; 8]);
    Actor { principal, device: key(&format!("nobody-{number}")).device() }
}

impl World {
    /// As [`World::with`], with a server that asks the owner when there is no rule.
    pub fn asking(names: &[&str]) -> Self {
        Self::on(ServiceConfig { default_access: Handling::Confirm, ..config() }, names)
    }

    /// A server with this configuration, and these principals.
    pub fn on(config: ServiceConfig, names: &[&str]) -> Self {
        let mut world = Self::with(&[]);
        world.service = Service::new(config, Views::default());
        for name in names {
            world.enroll(name, name).unwrap();
        }
        world
    }

    /// Makes `name` an administrator of its domain, whichever that is.
    pub fn administrator(&mut self, principal: &str) -> Actor {
        let principal: Principal = principal.parse().unwrap();
        let key = key(principal.account());
        let label = DeviceLabel::new("").unwrap();
        let role = Role::Administrator;
        let actor = Actor { principal: principal.clone(), device: key.device() };
        let event = KeyEnrolled { principal, key, label, role, invite: None };
        self.service.record(self.now, vec![Event::KeyEnrolled(event)]);
        self.round(Input::Tick);
        actor
    }

    /// Sets rules of `owner` and returns what happened.
    pub fn put(&mut self, owner: &str, rules: Vec<AccessRule>) -> Vec<Event> {
        let change = Command::ChangeRules(change(owner, rules, &[]));
        let (events, answer) = self.events(&actor(owner), change);
        answer.unwrap();
        events
    }

    pub fn decide(&mut self, owner: &str, who: &str, handling: Handling) -> Vec<Event> {
        self.put(owner, vec![rule(who, handling)])
    }

    pub fn deliver(&mut self, owner: &str, put: Vec<DeliveryRule>) {
        let change = DeliveryChange { put, ..DeliveryChange::default() };
        self.ask(&actor(owner), delivery(owner, change)).unwrap();
    }

    pub fn give(&mut self, owner: &str, grantee: &str, rights: Rights) -> Vec<Event> {
        let (events, answer) = self.events(&actor(owner), grant(owner, grantee, rights));
        answer.unwrap();
        events
    }

    /// Subscribes and returns where that stands.
    pub fn watch(&mut self, watcher: &str, name: &str) -> Result<SubscriptionState, Refusal> {
        self.watch_in(Mode::Latest, watcher, name)
    }

    pub fn watch_in(
        &mut self,
        mode: Mode,
        watcher: &str,
        name: &str,
    ) -> Result<SubscriptionState, Refusal> {
        self.ask(&actor(watcher), subscribe(name, mode)).map(|reply| match reply {
            Reply::Done(Answer::Subscribed { state, .. }) => state,
            other => panic!("a subscription was answered {other:?}"),
        })
    }

    /// Where a subscription stands inside.
    pub fn state(&self, watcher: &str, name: &str) -> SubscriptionState {
        let view = self.service.views().watcher(&principal(watcher)).unwrap();
        view.subscriptions[&pres(name)].state
    }

    /// Where the watcher's own list says it stands.
    pub fn listed(&mut self, watcher: &str, name: &str) -> Option<SubscriptionState> {
        match self.query(&actor(watcher), Query::from(ListSubscriptions)) {
            Ok(Reply::Found(Findings::ListSubscriptions(rows))) => {
                rows.iter().find(|row| row.presentity == pres(name)).map(|row| row.state)
            }
            other => panic!("a list was answered {other:?}"),
        }
    }

    pub fn fetch(&mut self, by: &Actor, name: &str) -> Result<Arc<PresenceItem>, Refusal> {
        self.query(by, Query::from(Fetch { presentity: pres(name) })).map(|reply| match reply {
            Reply::Presence(item) => item,
            other => panic!("a fetch was answered {other:?}"),
        })
    }

    /// What the asker is told of the watchers of `name`.
    pub fn rows(&mut self, asker: &str, name: &str) -> Vec<WatcherRow> {
        match self.query(&actor(asker), Query::from(ListWatchers { presentity: pres(name) })) {
            Ok(Reply::Found(Findings::ListWatchers(rows))) => rows,
            other => panic!("watchers were answered {other:?}"),
        }
    }

    pub fn row(&mut self, asker: &str, name: &str, watcher: &str) -> Option<WatcherRow> {
        self.rows(asker, name).into_iter().find(|row| row.watcher == principal(watcher))
    }

    /// Opens a feed of all subscriptions from the beginning, with watchers or without.
    pub fn feed(&mut self, number: u32, watcher: &str, with_watchers: bool) -> PresenceOpened {
        self.feed_after(number, watcher, with_watchers, Moment::ZERO)
    }

    /// As [`World::feed`], from `after` on.
    pub fn feed_after(
        &mut self,
        number: u32,
        watcher: &str,
        with_watchers: bool,
        after: Moment,
    ) -> PresenceOpened {
        let ticket = self.ticket();
        self.round(Input::OpenPresence {
            ticket,
            feed: feed_id(number),
            actor: actor(watcher),
            presentities: vec![],
            after,
            epoch: EpochId::NONE,
            passed: Mark::default(),
            with_watchers,
        });
        match self.answer(ticket) {
            Ok(Reply::PresenceOpened(opened)) => opened,
            other => panic!("opening a feed was answered {other:?}"),
        }
    }

    /// What feed `number` was told since this was last asked.
    pub fn items(&mut self, number: u32) -> Vec<Arc<PresenceItem>> {
        let mine =
            |feeds: &[(FeedId, Mode)]| feeds.iter().any(|(feed, _)| *feed == feed_id(number));
        let told = self.told().into_iter();
        let items = told.filter_map(|output| match output {
            Output::Presence { feeds, item } if mine(&feeds) => Some(item),
            _ => None,
        });
        items.collect()
    }

    /// The states that feed `number` was told since this was last asked.
    pub fn states(&mut self, number: u32) -> Vec<SubscriptionState> {
        self.items(number).iter().map(|item| item.state).collect()
    }

    pub fn access(&self, owner: &str) -> AccessRules {
        let view = self.service.views().rules(&principal(owner));
        view.map(|view| AccessRules::clone(&view.access)).unwrap_or_default()
    }
}
