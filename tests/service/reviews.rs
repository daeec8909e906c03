//! Changes of rules that are about many: they come to subscriptions in parts, nobody is told meanwhile what they forbid,
//! and all end where the rules in force have them, also if rules change again, or the process ends, in between.
//!
//! Must never hold: what rules grant (see `rules.rs`).

use std::collections::BTreeMap;

use adsum::event::Event;
use adsum::model::{AccessRule, EndReason, Handling, Mode, Moment, Shown, SubscriptionState};
use adsum::protocol::{ChangeRules, Command, RulesOwner};
use adsum::service::{Output, Service, ServiceConfig};
use adsum::view::Views;

use crate::world::governed::{ACTIVE, change, ended, rule};
use crate::world::{World, actor, config, feed_id, note_of, pres, principal, subscribe};

/// Watchers of alice, each with a feed.
const WATCHERS: usize = 40;
/// To how many of them a change comes in one round.
const PART: usize = 8;

fn parts() -> ServiceConfig {
    ServiceConfig { review_part: PART, ..config() }
}

fn watcher(number: usize) -> String {
    format!("w{number:02}")
}

fn world() -> World {
    let mut world = World::with(&[]);
    world.service = Service::new(parts(), Views::default());
    world.enroll("alice", "alice").unwrap();
    for number in 0..WATCHERS {
        let name = watcher(number);
        world.enroll(&name, &name).unwrap();
        world.ask(&actor(&name), subscribe("alice", Mode::Latest)).unwrap();
        world.open_presence(u32::try_from(number).unwrap(), &name, &[], Moment::ZERO);
    }
    world.publish("alice", 1, "before");
    world.told();
    world
}

/// Without notes: seen otherwise than all of it.
fn narrow() -> AccessRule {
    let shown = Shown { notes: false, ..Shown::ALL };
    AccessRule { shown, ..rule("authenticated", Handling::Allow) }
}

fn changes(world: &mut World, put: Vec<AccessRule>) -> Vec<Event> {
    let (events, answer) =
        world.events(&actor("alice"), Command::ChangeRules(change("alice", put, &[])));
    answer.unwrap();
    events
}

/// Rounds until nothing is left to do: what happened in each.
fn rest(world: &mut World) -> Vec<Vec<Event>> {
    let mut rounds = Vec::new();
    while world.service.is_due(world.now) {
        rounds.push(world.pass(adsum::model::Lifetime::ZERO));
    }
    rounds
}

/// How many subscriptions each round moved or ended.
fn moves(events: &[Event]) -> usize {
    let moved =
        |event: &&Event| matches!(event, Event::SubscriptionMoved(_) | Event::SubscriptionEnded(_));
    events.iter().filter(moved).count()
}

fn states(world: &World) -> BTreeMap<String, usize> {
    let mut states = BTreeMap::new();
    for number in 0..WATCHERS {
        let view = world.service.views().watcher(&principal(&watcher(number))).unwrap();
        let state = view.subscriptions[&pres("alice")].state;
        *states.entry(format!("{state:?}")).or_default() += 1;
    }
    states
}

fn all(state: SubscriptionState) -> BTreeMap<String, usize> {
    BTreeMap::from([(format!("{state:?}"), WATCHERS)])
}

/// What each feed was told last, by its note; a subscription that is over has none.
fn told(world: &mut World) -> BTreeMap<u32, String> {
    let mut told = BTreeMap::new();
    for output in world.told() {
        let Output::Presence { feeds, item } = output else { continue };
        for (feed, _) in feeds {
            assert_eq!(feed, feed_id(feed.number));
            told.insert(feed.number, note_of(item.document.get()));
        }
    }
    told
}

#[test]
fn a_rule_about_everybody_comes_to_all_in_parts_and_nobody_is_told_what_it_forbids() {
    let mut world = world();
    let first = changes(&mut world, vec![rule("authenticated", Handling::Block)]);
    assert_eq!(moves(&first), PART);
    assert!(
        matches!(first.last(), Some(Event::ReviewBegan(_))),
        "the log says that more is to come"
    );
    assert_eq!(told(&mut world).len(), PART);
    world.publish("alice", 2, "secret");
    let after = told(&mut world);
    assert!(after.values().all(|note| note != "secret"), "{after:?}");
    let rounds = rest(&mut world);
    assert!(rounds.iter().all(|events| events.len() <= PART + 1), "{rounds:?}");
    assert!(matches!(rounds.last().unwrap().last(), Some(Event::ReviewEnded(_))));
    assert_eq!(states(&world), all(ended(EndReason::Rejected)));
    assert!(world.service.views().store().reviews.is_empty());
}

#[test]
fn what_a_rule_about_few_means_happens_at_once() {
    let mut world = world();
    let put = (0..3).map(|number| rule(&format!("{}@d.example", watcher(number)), Handling::Block));
    let events = changes(&mut world, put.collect());
    assert_eq!((moves(&events), events.len()), (3, 4));
    assert!(!world.service.is_due(world.now));
}

#[test]
fn whoever_asks_for_its_subscription_finds_it_where_the_rules_have_it() {
    let mut world = world();
    changes(&mut world, vec![rule("authenticated", Handling::Block)]);
    let last = watcher(WATCHERS - 1);
    let opened = world.open_presence(99, &last, &[], Moment::ZERO);
    assert_eq!(opened.items[0].state, ended(EndReason::Rejected));
    assert!(world.ask(&actor(&watcher(WATCHERS - 2)), subscribe("alice", Mode::Latest)).is_err());
    rest(&mut world);
    let ends = world.log.iter().filter(|it| matches!(it.event, Event::SubscriptionEnded(_)));
    assert_eq!(ends.count(), WATCHERS, "each once");
}

#[test]
fn rules_that_change_again_meanwhile_leave_no_trace_where_the_first_change_had_not_come() {
    let mut world = world();
    let first = changes(&mut world, vec![narrow()]);
    let second = changes(&mut world, vec![rule("authenticated", Handling::Allow)]);
    let moved =
        moves(&first) + moves(&second) + rest(&mut world).iter().map(|it| moves(it)).sum::<usize>();
    assert!((2 * PART..=4 * PART).contains(&moved), "{moved}: some twice, the others never");
    assert_eq!(moved % 2, 0);
    assert_eq!(states(&world), all(ACTIVE));
    world.publish("alice", 2, "for all");
    assert_eq!(told(&mut world).values().filter(|note| *note == "for all").count(), WATCHERS);
}

#[test]
fn a_rule_of_the_domain_comes_to_all_in_parts_too() {
    let mut world = world();
    let root = world.administrator("root@d.example");
    let owner = RulesOwner::Domain("d.example".parse().unwrap());
    let put = vec![rule("everyone", Handling::Block)];
    let request = ChangeRules { owner, put, ..change("alice", Vec::new(), &[]) };
    let (events, answer) = world.events(&root, Command::ChangeRules(request));
    answer.unwrap();
    assert_eq!(moves(&events), PART);
    assert!(rest(&mut world).iter().all(|events| events.len() <= PART + 1));
    assert_eq!(states(&world), all(ended(EndReason::Rejected)));
}

#[test]
fn a_change_that_did_not_come_to_all_before_the_process_ended_is_taken_up_by_the_next() {
    let mut world = world();
    changes(&mut world, vec![narrow()]);
    let mut views = Views::default();
    world.log.iter().for_each(|recorded| views.apply(recorded));
    world.service = Service::new(parts(), views);
    world.service.review(world.now);
    let _ = world.service.take_batch();
    let moved: usize = rest(&mut world).iter().map(|events| moves(events)).sum();
    // Which of them were judged before is not known any more: those are told once more.
    assert_eq!(moved, WATCHERS);
    assert!(world.service.views().store().reviews.is_empty());
}
