//! What is granted where no rule says is the operator's to say at each start: subscriptions that live go where they
//! belong by what holds now, and their watchers are told.

use crate::world::{World, actor, config, pres, principal, subscribe};
use adsum::event::Event;
use adsum::model::{EndReason, Handling, Mode, SubscriptionState};
use adsum::service::{Service, ServiceConfig};
use adsum::view::Views;

/// A service over the log of `world` where another default holds, after it looked at what lives.
fn started_anew(world: &World, default_access: Handling) -> (Service, Vec<Event>) {
    let mut views = Views::default();
    for recorded in &world.log {
        views.apply(recorded);
    }
    let mut service = Service::new(ServiceConfig { default_access, ..config() }, views);
    service.review(world.now);
    let events = service.take_batch().map(|batch| batch.events).unwrap_or_default();
    (service, events.into_iter().map(|(_, event)| event).collect())
}

fn state(service: &Service) -> SubscriptionState {
    let view = service.views().watcher(&principal("bob")).unwrap();
    view.subscriptions[&pres("alice")].state
}

/// Bob watches alice, who has no rule about him.
fn world() -> World {
    let mut world = World::with(&["alice", "bob"]);
    world.ask(&actor("bob"), subscribe("alice", Mode::Latest)).unwrap();
    world
}

#[test]
fn who_was_let_in_by_default_waits_where_owners_are_asked() {
    let (mut service, events) = started_anew(&world(), Handling::Confirm);
    assert!(matches!(&events[..], [Event::SubscriptionMoved(moved)] if moved.is_visible));
    assert_eq!(state(&service), SubscriptionState::Pending);
    service.review(world().now);
    assert_eq!(service.take_batch(), None, "it is where it belongs");
}

#[test]
fn who_was_let_in_by_default_is_refused_where_nobody_is_let_in() {
    let (service, events) = started_anew(&world(), Handling::Block);
    assert!(matches!(&events[..], [Event::SubscriptionEnded(_)]));
    assert_eq!(state(&service), SubscriptionState::Terminated(EndReason::Rejected));
}

#[test]
fn where_the_same_holds_nothing_happens() {
    let (service, events) = started_anew(&world(), Handling::Allow);
    assert_eq!(events, []);
    assert_eq!(state(&service), SubscriptionState::Active);
}
