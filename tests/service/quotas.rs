//! What one principal may take of what all share: as much as its quota, then a refusal that says when to come back.
//!
//! Must never hold: a default (those are in `model::limits`), or what one sender may take of an inbox (see `hostile`).

use adsum::event::Event;
use adsum::model::{
    Delivery, Handling, Lifetime, Moment, OperationId, Quota, Quotas, Refusal, limits,
};
use adsum::protocol::{Command, RevokeKey};
use adsum::service::{Reply, Service, ServiceConfig};
use adsum::view::Views;

use crate::world::governed::{change, delivery_rule, rule};
use crate::world::{World, actor, config, device, principal, publish};

fn limited(quota: Quota, max: u64) -> ServiceConfig {
    ServiceConfig { quotas: Quotas::default().with(quota, max), ..config() }
}

fn world(quota: Quota, max: u64) -> World {
    World::on(limited(quota, max), &["alice", "bob"])
}

/// When to come back, by a refusal for this quota.
fn retry(quota: Quota, max: u64, result: Result<Reply, Refusal>) -> Lifetime {
    let refusal = result.unwrap_err();
    let retry_after = refusal.retry_after().unwrap();
    assert_eq!(refusal, Refusal::OverQuota { quota, max, retry_after: Some(retry_after) });
    assert_eq!(refusal.code(), quota.code());
    assert!(refusal.to_string().contains(quota.of()));
    retry_after
}

fn put(world: &mut World, name: &str, number: u8) -> Result<Reply, Refusal> {
    world.ask(&actor(name), Command::Publish(publish(name, number, "here")))
}

/// Who waits as long as told is let in again, and not a millisecond before.
fn lets_in_again(world: &mut World, wait: Lifetime) {
    world.pass(Lifetime::from_ms(wait.as_ms() - 1));
    put(world, "alice", 200).unwrap_err();
    world.pass(Lifetime::from_ms(1));
    put(world, "alice", 200).unwrap();
}

#[test]
fn events_are_as_many_as_a_minute_allows_and_not_one_more() {
    assert_eq!(Quotas::default().max(Quota::Events), limits::EVENTS_A_SECOND_MAX);
    let mut world = world(Quota::Events, 1);
    for number in 1..=60 {
        put(&mut world, "alice", number).unwrap();
    }
    let before = world.log.len();
    let refused = put(&mut world, "alice", 61);
    let wait = retry(Quota::Events, 1, refused);
    assert!(put(&mut world, "alice", 60).is_ok(), "a repeat brings nothing about");
    assert_eq!(world.log.len(), before);
    put(&mut world, "bob", 1).unwrap();
    lets_in_again(&mut world, wait);
}

#[test]
fn bytes_of_the_log_are_counted_over_a_day() {
    assert_eq!(Quotas::default().max(Quota::LogBytes), limits::LOG_BYTES_A_DAY_MAX);
    let mut world = world(Quota::LogBytes, 2_000);
    let mut sent = 0;
    let refused = loop {
        match world.send("alice", "bob", &format!("m{sent}")) {
            Ok(_) => sent += 1,
            Err(refusal) => break Err(refusal),
        }
    };
    assert_eq!(sent, 2, "each counts for 1 KiB and what it says, the second began below 2,000");
    let wait = retry(Quota::LogBytes, 2_000, refused);
    assert!(wait > Lifetime::from_ms(3_600_000));
    assert!(world.send("alice", "bob", "m0").is_ok(), "a repeat brings nothing about");
    lets_in_again(&mut world, wait);
}

#[test]
fn a_sender_is_remembered_by_as_many_ids_as_its_quota() {
    assert_eq!(Quotas::default().max(Quota::MessageIds), limits::MESSAGE_IDS_REMEMBERED_MAX);
    let mut world = world(Quota::MessageIds, 5);
    for number in 0..5 {
        world.send("alice", "bob", &format!("m{number}")).unwrap();
    }
    let refused = world.send("alice", "bob", "m5");
    let wait = retry(Quota::MessageIds, 5, refused);
    assert!(world.send("alice", "bob", "m4").is_ok(), "a repeat needs no room");
    assert!(put(&mut world, "alice", 1).is_ok(), "other requests are not refused for it");
    world.pass(Lifetime::from_ms(wait.as_ms() - 1));
    assert!(world.send("alice", "bob", "m5").is_err());
    world.pass(Lifetime::from_ms(1));
    world.send("alice", "bob", "m5").unwrap();
}

#[test]
fn rules_have_as_many_bytes_as_their_owners_quota() {
    assert_eq!(Quotas::default().max(Quota::RulesBytes), limits::RULES_BYTES_MAX as u64);
    let mut world = world(Quota::RulesBytes, 1_000);
    let ask = |world: &mut World, number: usize| {
        let who = format!("someone{number:03}@d.example");
        world.ask(&actor("alice"), change("alice", vec![rule(&who, Handling::Block)], &[]).into())
    };
    let held = (0..100).take_while(|number| ask(&mut world, *number).is_ok()).count();
    let bytes = world.service.views().rules(&principal("alice")).unwrap().bytes();
    let one = bytes / held as u64;
    assert!(bytes <= 1_000 && bytes + one + 8 > 1_000, "{held} rules have {bytes} bytes");
    let refused = ask(&mut world, held).unwrap_err();
    let (quota, max) = (Quota::RulesBytes, 1_000);
    assert_eq!(refused, Refusal::OverQuota { quota, max, retry_after: None });
    world.service = Service::new(limited(quota, 10), folded(&world));
    let gone = change("alice", vec![], &["someone000@d.example"]);
    world.ask(&actor("alice"), gone.into()).unwrap();
}

#[test]
fn feeds_are_opened_as_often_as_a_minute_allows() {
    assert_eq!(Quotas::default().max(Quota::Feeds), limits::FEEDS_A_MINUTE_MAX);
    let mut world = world(Quota::Feeds, 3);
    let open = |world: &mut World, feed| world.open_inbox(feed, &actor("alice"), "alice", None);
    for feed in 1..=3 {
        open(&mut world, feed).unwrap();
    }
    let refused = open(&mut world, 4);
    let wait = retry(Quota::Feeds, 3, refused);
    world.open_presence(5, "bob", &[], Moment::ZERO);
    world.pass(Lifetime::from_ms(wait.as_ms() - 1));
    assert!(open(&mut world, 6).is_err());
    world.pass(Lifetime::from_ms(1));
    open(&mut world, 7).unwrap();
}

#[test]
fn whoever_has_taken_too_much_can_still_revoke_a_key() {
    let mut world = world(Quota::LogBytes, 1);
    put(&mut world, "alice", 1).unwrap();
    put(&mut world, "alice", 2).unwrap_err();
    let (operation, principal) = (OperationId::default(), None);
    let revoke = RevokeKey { operation, principal, device: device("alice") };
    world.ask(&actor("alice"), Command::RevokeKey(revoke)).unwrap();
}

/// The log folded from its beginning.
fn folded(world: &World) -> Views {
    let mut views = Views::default();
    world.log.iter().for_each(|recorded| views.apply(recorded));
    views
}

#[test]
fn what_was_taken_is_the_same_after_a_restart() {
    let mut world = world(Quota::MessageIds, 5);
    for number in 0..5 {
        world.send("alice", "bob", &format!("m{number}")).unwrap();
    }
    let mut loaded = Views::default();
    for (key, value) in folded(&world).all_records() {
        assert!(loaded.load::<adsum::view::Checkpointed>(&key, &value.unwrap(), |_| ()).unwrap());
    }
    loaded.finish_loading().unwrap();
    let known = world.service.views().budget(&principal("alice")).cloned();
    for views in [folded(&world), loaded] {
        assert_eq!(views.budget(&principal("alice")).cloned(), known);
        world.service = Service::new(limited(Quota::MessageIds, 5), views);
        let refused = world.send("alice", "bob", "m5");
        retry(Quota::MessageIds, 5, refused);
    }
}

#[test]
fn what_becomes_of_a_message_does_not_show_in_what_it_counts() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.deliver("bob", vec![delivery_rule("alice@d.example", Delivery::Quarantine)]);
    let mut counted = |to: &str| {
        let before = world.service.views().budget(&principal("alice")).cloned().unwrap_or_default();
        world.send("alice", to, to).unwrap();
        let after = world.service.views().budget(&principal("alice")).unwrap();
        let now = world.now;
        let day = adsum::model::LOG_BYTES_WINDOW_MS;
        after.log_bytes.count(now, day) - before.log_bytes.count(now, day)
    };
    let kept = counted("carol");
    assert_eq!(counted("bob") + 2, kept, "its id is shorter by two");
    assert!(world.log.iter().any(|it| matches!(it.event, Event::MessageQuarantined(_))));
}
