//! Whatever the wall clock does, what lives ends when its time has passed, and is shown with the wall clock's time.
//!
//! The table of `docs/GUARANTEES.md` names these tests: a module for each thing that a clock can do, in it a test for each
//! thing that lives. Must never hold: an expectation that the wall clock's time has an influence on.

use adsum::event::{ClockCause, Event};
use adsum::model::{
    Ahead, DeliveryChange, Handling, InviteId, Lifetime, Mode, ReceiptKind, Receipts, Role,
    SubscriptionState, Timestamp,
};
use adsum::protocol::{Command, Invite, Publish, Send, Subscribe};
use adsum::service::{Service, resumed_at};
use adsum::view::Views;

use crate::world::governed::{delivery, rule};
use crate::world::{
    World, actor, config, im, message, operation, pres, principal, publish, seconds,
};

/// How long each thing is to live; what the clock does takes the first half.
const LIFETIME: Lifetime = Lifetime::from_ms(600_000);
const HALF: Lifetime = Lifetime::from_ms(300_000);
const DAY_MS: i64 = 86_400_000;

/// What happens to the clocks while half of a lifetime passes.
struct Act {
    begins_at: Timestamp,
    does: fn(&mut World),
    /// What the log says of it.
    told: &'static [ClockCause],
}

const fn act(does: fn(&mut World), told: &'static [ClockCause]) -> Act {
    Act { begins_at: Timestamp::from_ms(1_767_225_600_000), does, told }
}

/// The wall clock is set `ms` ahead, or back, and the server looks at it.
fn set(world: &mut World, ms: i64) {
    world.ahead = Ahead::from_ms(world.ahead.as_ms() + ms);
    world.pass(Lifetime::ZERO);
}

fn step_back(world: &mut World) {
    set(world, -120_000);
    world.pass(HALF);
}

fn step_ahead(world: &mut World) {
    set(world, DAY_MS);
    world.pass(HALF);
}

fn bad_second(world: &mut World) {
    set(world, DAY_MS);
    world.send("dave", "erin", "in-the-bad-second").unwrap();
    world.pass(seconds(1));
    set(world, -DAY_MS);
    world.pass(seconds(299));
}

fn smear(world: &mut World) {
    for _ in 0..300 {
        world.ahead = Ahead::from_ms(world.ahead.as_ms() - 1);
        world.pass(seconds(1));
    }
}

/// Nothing runs, and then the time that passed has passed.
fn suspend(world: &mut World) {
    world.pass(HALF);
}

/// The server ends, half a lifetime passes, and it folds its log again. `boot` if its machine went on meanwhile.
fn down(world: &mut World, set_ms: i64, boot: bool) {
    let mut views = Views::default();
    world.log.iter().for_each(|recorded| views.apply(recorded));
    let wall = Ahead::from_ms(world.ahead.as_ms() + set_ms).shown(world.now.after(HALF));
    let boot = boot.then(|| world.now.after(HALF));
    let now = resumed_at(views.time(), views.ahead(), wall, boot);
    (world.now, world.ahead) = (now, Ahead::between(now, wall));
    world.service = Service::new(config(), views);
    world.pass(Lifetime::ZERO);
}

/// The bound of what a restart knows on another boot: a wall clock that is right, as the log knew it.
fn another_boot(world: &mut World) {
    down(world, 0, false);
}

fn set_back_while_down(world: &mut World) {
    down(world, -120_000, true);
}

fn set_ahead_while_down(world: &mut World) {
    down(world, DAY_MS, true);
}

/// A world half a lifetime later, and when the thing began to live.
fn lived(act: &Act, begin: impl FnOnce(&mut World)) -> (World, Timestamp) {
    let mut world = World::with(&["alice", "bob", "carol", "dave", "erin"]);
    world.now = act.begins_at;
    begin(&mut world);
    let since = world.now;
    (act.does)(&mut world);
    assert_eq!(since.until(world.now), HALF, "the clock's act takes half of the lifetime");
    let causes = world.log.iter().filter_map(|recorded| match &recorded.event {
        Event::ClockMoved(moved) => Some(moved.cause),
        _ => None,
    });
    assert_eq!(causes.collect::<Vec<_>>(), act.told);
    (world, since)
}

/// What `begin` made lives until its lifetime has passed and no longer, and its end is shown with the wall clock's time.
#[track_caller]
fn check(act: &Act, begin: impl FnOnce(&mut World), lives: impl Fn(&mut World) -> bool) {
    let (mut world, since) = lived(act, begin);
    world.pass(seconds(299));
    assert!(lives(&mut world), "it ended early");
    let before = world.log.len();
    world.pass(seconds(1));
    assert!(!lives(&mut world), "it lives too long");
    let end = &world.log[before];
    assert_eq!(since.until(end.at.timestamp()), LIFETIME);
    assert_eq!(end.shown_at().until(world.ahead.shown(world.now)), Lifetime::ZERO);
    world.publish("carol", 9, "later");
    let (later, wall) = (world.log.last().unwrap().shown_at(), world.ahead.shown(world.now));
    let off = Ahead::between(wall, later).apart(Ahead::ZERO);
    assert!(off <= Lifetime::from_ms(100), "{later:?} is shown at {wall:?}");
}

fn publications(act: &Act) {
    let begin = |world: &mut World| {
        let command = Publish { lifetime: Some(LIFETIME), ..publish("alice", 1, "here") };
        world.ask(&actor("alice"), Command::Publish(command)).unwrap();
    };
    check(act, begin, |world| world.fetch_note("alice", "alice") == "here");
}

fn message_of(receipts: Receipts) -> Command {
    Command::Send(Send { lifetime: Some(LIFETIME), receipts, ..message("bob", "m", "hi") })
}

fn messages(act: &Act) {
    let begin = |world: &mut World| {
        world.ask(&actor("alice"), message_of(Receipts::NONE)).unwrap();
    };
    check(act, begin, |world| world.page("bob", 0) == [1]);
}

fn subscriptions(act: &Act) {
    let begin = |world: &mut World| {
        let (operation, mode, lifetime) = (operation(1), Mode::Latest, Some(LIFETIME));
        let request = Subscribe { operation, presentity: pres("alice"), mode, lifetime };
        world.ask(&actor("bob"), Command::Subscribe(request)).unwrap();
    };
    check(act, begin, |world| world.state("bob", "alice") == SubscriptionState::Active);
}

fn receipts(act: &Act) {
    let begin = |world: &mut World| {
        let change = DeliveryChange { receipts: Some(true), ..DeliveryChange::default() };
        world.ask(&actor("bob"), delivery("bob", change)).unwrap();
        let asked = message_of(Receipts::NONE.with(ReceiptKind::Expired));
        world.ask(&actor("alice"), asked).unwrap();
    };
    check(act, begin, |world| world.page("alice", 0).is_empty());
}

fn invites(act: &Act) {
    let invite = InviteId([1; 32]);
    let begin = |world: &mut World| {
        let (role, lifetime) = (Role::User, Some(LIFETIME));
        let new =
            Invite { invite, principal: Some(principal("alice")), role, lifetime, recovers: false };
        world.ask(&actor("alice"), Command::Invite(new)).unwrap();
    };
    check(act, begin, |world| world.service.views().invite(&invite).is_some());
}

/// A module for each act, a test in it for each thing that lives.
macro_rules! rows {
    ($($row:ident: $act:expr;)*) => {
        $(mod $row {
            use super::*;

            const ACT: Act = $act;

            #[test]
            fn publications() {
                super::publications(&ACT);
            }

            #[test]
            fn messages() {
                super::messages(&ACT);
            }

            #[test]
            fn subscriptions() {
                super::subscriptions(&ACT);
            }

            #[test]
            fn receipts() {
                super::receipts(&ACT);
            }

            #[test]
            fn invites() {
                super::invites(&ACT);
            }
        })*
    };
}

use ClockCause::{Set, SetWhileDown};

rows! {
    set_back: act(step_back, &[Set]);
    set_ahead: act(step_ahead, &[Set]);
    set_for_a_second: act(bad_second, &[Set, Set]);
    smeared: act(smear, &[]);
    suspended: act(suspend, &[]);
    year_2038: Act { begins_at: Timestamp::from_ms((1 << 31) * 1_000 - 150_000), ..act(suspend, &[]) };
    year_2106: Act { begins_at: Timestamp::from_ms((1 << 32) * 1_000 - 150_000), ..act(step_back, &[Set]) };
    down_and_back_on_another_boot: act(another_boot, &[]);
    down_and_set_back: act(set_back_while_down, &[SetWhileDown]);
    down_and_set_ahead: act(set_ahead_while_down, &[SetWhileDown]);
}

#[test]
fn without_a_boot_clock_a_wall_clock_behind_the_log_means_that_no_time_has_passed() {
    let mut world = World::with(&["alice"]);
    world.now = Timestamp::from_ms(1_767_225_600_000);
    let command = Publish { lifetime: Some(LIFETIME), ..publish("alice", 1, "here") };
    world.ask(&actor("alice"), Command::Publish(command)).unwrap();
    down(&mut world, -2 * 300_000, false);
    world.pass(seconds(599));
    assert_eq!(world.fetch_note("alice", "alice"), "here");
    world.pass(seconds(1));
    assert_eq!(world.fetch_note("alice", "alice"), "");
}

#[test]
fn a_move_of_the_wall_clock_is_recorded_once_with_how_far_it_was() {
    let mut world = World::with(&["alice"]);
    set(&mut world, 2_000);
    assert_eq!(world.service.views().clock().sets, 0, "what is within the bound is followed");
    world.ahead = Ahead::ZERO;
    for ms in [2_001, -90_000] {
        set(&mut world, ms);
        set(&mut world, 0);
    }
    let clock = world.service.views().clock();
    assert_eq!(clock.sets, 2);
    let (at, last) = clock.last.unwrap();
    assert_eq!((at, last.after.as_ms() - last.before.as_ms()), (world.now, -90_000));
}

#[test]
fn a_wall_clock_that_is_set_is_something_to_do() {
    let mut world = World::with(&["alice"]);
    let reading = |world: &World, ms: i64| adsum::model::Now {
        elapsed: world.now,
        wall: Ahead::from_ms(ms).shown(world.now),
    };
    assert!(!world.service.is_due(reading(&world, 2_000)));
    assert!(world.service.is_due(reading(&world, -2_001)));
    set(&mut world, -2_001);
    assert!(!world.service.is_due(reading(&world, -2_001)));
}

#[test]
fn rules_hold_by_the_wall_clock_also_when_it_is_set_back() {
    let mut world = World::asking(&["alice", "bob"]);
    let noon = world.now.after(seconds(3_600));
    let mut timed = rule("bob@d.example", Handling::Allow);
    timed.until = Some(noon);
    world.put("alice", vec![timed, rule("everyone", Handling::Block)]);
    assert_eq!(world.watch("bob", "alice").unwrap(), SubscriptionState::Active);
    set(&mut world, 3_600_000);
    assert_ne!(world.state("bob", "alice"), SubscriptionState::Active);
    assert!(world.fetch(&actor("bob"), "alice").is_err());
    set(&mut world, -3_600_000);
    assert!(world.fetch(&actor("bob"), "alice").is_ok());
    assert_eq!(world.watch("bob", "alice").unwrap(), SubscriptionState::Active);
    world.pass(seconds(3_599));
    assert_eq!(world.state("bob", "alice"), SubscriptionState::Active);
    world.pass(seconds(1));
    assert_ne!(world.state("bob", "alice"), SubscriptionState::Active);
}

#[test]
fn watchers_are_shown_by_the_wall_clock_and_forgotten_by_elapsed_time() {
    let mut world = World::with(&["alice", "bob"]);
    world.publish("alice", 1, "x");
    world.fetch_note("bob", "alice");
    set(&mut world, DAY_MS * 40);
    let row = world.row("alice", "alice", "bob").expect("it fetched a moment ago");
    assert_eq!(row.last_at, world.ahead.shown(world.now));
    world.pass(seconds(31 * 86_400));
    assert!(world.row("alice", "alice", "bob").is_none());
}

#[test]
fn a_message_id_is_remembered_for_thirty_days_whatever_the_wall_clock_says() {
    let mut world = World::with(&["alice", "bob"]);
    world.send("alice", "bob", "m1").unwrap();
    world.takes(&actor("bob"), "bob", 1).1.unwrap();
    set(&mut world, DAY_MS * 400);
    world.send("alice", "bob", "m1").unwrap();
    assert_eq!(world.service.views().inbox(&im("bob")).unwrap().head().get(), 1);
}
