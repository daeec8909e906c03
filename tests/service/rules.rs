//! What access rules do to subscriptions, old and new: the state machine of RFC 3857 §4.7.1 with the step back to
//! pending of RFC 5025 §3.2.1, as tables of given, when and then.

use crate::world;
use crate::world::governed::{
    ACTIVE, PENDING, WAITING, change, delivery, delivery_rule, ended, nobody, rule,
};
use crate::world::{
    World, actor, document, note_of, operation, pres, principal, publish, seconds, subscribe,
};
use adsum::event::Event;
use adsum::model::limits::{REQUEST_MS_DEFAULT, REQUESTS_MAX};
use adsum::model::{
    AccessRule, Basic, Delivery, DeliveryChange, EndReason, Handling, Lifetime, Mode, RefusalCode,
    Rights, RuleName, Shown, TupleId,
};
use adsum::protocol::{
    Answer, ChangeVisibility, Command, EndSubscription, ListRules, Publish, RulesOwner, Subscribe,
    Unsubscribe, VisibilityRow,
};
use adsum::service::{Query, Reply};

const BOB: &str = "bob@d.example";
use EndReason::{Deactivated, GiveUp, Rejected, Timeout};
use Handling::{Allow, Block, Confirm, PoliteBlock};

/// Alice with something published, and Bob, who is asked about.
fn world() -> World {
    let mut world = World::asking(&["alice", "bob", "carol"]);
    world.publish("alice", 1, "here");
    world
}

/// Alice has decided about Bob, who subscribes and has a feed open.
fn watched(handling: Handling) -> World {
    let mut world = world();
    world.decide("alice", BOB, handling);
    world.watch("bob", "alice").unwrap();
    world.feed(1, "bob", false);
    world.items(1);
    world
}

#[test]
fn a_new_subscription_goes_where_the_rule_puts_it() {
    for (handling, expected) in
        [(Allow, Ok(ACTIVE)), (PoliteBlock, Ok(ACTIVE)), (Confirm, Ok(PENDING)), (Block, Err(()))]
    {
        let mut world = world();
        world.decide("alice", BOB, handling);
        let answer = world.watch("bob", "alice");
        let code = answer.as_ref().err().map(|refusal| refusal.code().as_str());
        assert_eq!(code, expected.is_err().then_some("refused"), "{handling:?}");
        assert_eq!(answer.map_err(|_| ()), expected, "{handling:?}");
    }
}

#[test]
fn without_a_rule_the_owner_is_asked_and_who_has_no_name_is_refused() {
    let mut world = world();
    assert_eq!(world.watch("bob", "alice"), Ok(PENDING));
    let refusal = world.ask(&nobody(1), subscribe("alice", Mode::Latest)).unwrap_err();
    assert_eq!(refusal.code().as_str(), "refused");
    assert_eq!(world.fetch(&nobody(1), "alice").unwrap_err().code().as_str(), "refused");
}

#[test]
fn a_blocked_watcher_is_answered_as_for_an_address_nobody_has() {
    let mut world = world();
    world.decide("alice", BOB, Block);
    let about = |refusal: adsum::model::Refusal, name: &str| {
        refusal.to_string().replace(pres(name).account(), "somebody")
    };
    let blocked = world.watch("bob", "alice").unwrap_err();
    let unknown = world.watch("bob", "nosuch").unwrap_err();
    assert_eq!(about(blocked, "alice"), about(unknown, "nosuch"));
    let blocked = world.fetch(&actor("bob"), "alice").unwrap_err();
    let unknown = world.fetch(&actor("bob"), "nosuch").unwrap_err();
    assert_eq!(about(blocked, "alice"), about(unknown, "nosuch"));
}

#[test]
fn a_live_subscription_follows_a_change_of_rules_and_its_feed_is_told_once() {
    let (act, out) = (ACTIVE, ended(Rejected));
    for (before, after, expected, told) in [
        (Confirm, Allow, act, true),
        (Confirm, PoliteBlock, act, true),
        (Confirm, Block, out, true),
        (Confirm, Confirm, PENDING, false),
        (Allow, Confirm, PENDING, true),
        (Allow, Block, out, true),
        (Allow, PoliteBlock, act, true),
        (Allow, Allow, act, false),
        (PoliteBlock, Allow, act, true),
        (PoliteBlock, Confirm, PENDING, true),
        (PoliteBlock, Block, out, true),
        (PoliteBlock, PoliteBlock, act, false),
    ] {
        let mut world = watched(before);
        world.decide("alice", BOB, after);
        assert_eq!(world.state("bob", "alice"), expected, "{before:?} to {after:?}");
        let items = world.items(1);
        assert_eq!(items.len(), usize::from(told), "{before:?} to {after:?}");
        let sees = after == Allow && told;
        for item in items {
            assert_eq!(item.state, expected);
            let note = note_of(item.document.get());
            assert_eq!(note, if sees { "here" } else { "" }, "{before:?} to {after:?}");
        }
    }
}

#[test]
fn a_change_of_rules_that_shows_the_same_tells_nobody() {
    let mut world = World::asking(&["alice", "bob"]);
    let shown = Shown { contact: false, ..Shown::ALL };
    world.publish("alice", 1, "no contact in it");
    world.decide("alice", BOB, Allow);
    world.watch("bob", "alice").unwrap();
    world.feed(1, "bob", false);
    world.put("alice", vec![AccessRule { shown, ..rule(BOB, Allow) }]);
    assert!(world.items(1).is_empty());
    // Nor when it comes back.
    let position = world.service.views().moment();
    assert!(world.open_presence(1, "bob", &[], position).items.is_empty());
}

#[test]
fn while_pending_no_change_of_presence_is_told() {
    let mut world = watched(Confirm);
    world.publish("alice", 2, "secret");
    assert!(world.items(1).is_empty());
    let item = world.fetch(&actor("bob"), "alice").unwrap();
    assert_eq!((item.state, item.document.get().is_none()), (PENDING, true));
    world.decide("alice", BOB, Allow);
    assert_eq!(note_of(world.items(1)[0].document.get()), "secret");
}

#[test]
fn a_pending_subscription_that_runs_out_waits_and_its_watcher_hears_that_it_ran_out() {
    let mut world = World::asking(&["alice", "bob"]);
    let lifetime = Some(seconds(100));
    let wish = Command::Subscribe(Subscribe {
        operation: operation(1),
        presentity: pres("alice"),
        mode: Mode::Latest,
        lifetime,
    });
    world.ask(&actor("bob"), wish).unwrap();
    world.feed(1, "bob", false);
    let events = world.pass(seconds(100));
    assert!(matches!(events[..], [Event::SubscriptionMoved(_)]), "{events:?}");
    assert_eq!(world.state("bob", "alice"), WAITING);
    assert_eq!(world.states(1), [WAITING]);
}

/// Bob's wish waits, nobody being there.
fn waiting() -> World {
    let mut world = world();
    let lifetime = Some(seconds(1));
    let (operation, presentity) = (operation(1), pres("alice"));
    let wish =
        Command::Subscribe(Subscribe { operation, presentity, mode: Mode::Latest, lifetime });
    world.ask(&actor("bob"), wish).unwrap();
    world.pass(seconds(1));
    assert_eq!(world.state("bob", "alice"), WAITING);
    world.feed(1, "bob", false);
    world.items(1);
    world
}

#[test]
fn a_waiting_wish_is_ended_by_what_the_owner_decides_and_its_watcher_hears_of_it() {
    for (handling, expected) in [
        (Allow, ended(Deactivated)),
        (PoliteBlock, ended(Deactivated)),
        (Block, ended(Rejected)),
        (Confirm, WAITING),
    ] {
        let mut world = waiting();
        world.decide("alice", BOB, handling);
        assert_eq!(world.state("bob", "alice"), expected, "{handling:?}");
        let told = if handling == Confirm { vec![] } else { vec![expected] };
        assert_eq!(world.states(1), told, "{handling:?}");
    }
}

#[test]
fn a_wish_nobody_decides_is_given_up_in_the_end_and_nothing_more_is_said() {
    let mut world = waiting();
    world.pass(Lifetime::from_ms(REQUEST_MS_DEFAULT - 1_001));
    assert_eq!(world.state("bob", "alice"), WAITING);
    world.pass(Lifetime::from_ms(1));
    assert_eq!(world.state("bob", "alice"), ended(GiveUp));
    assert!(world.items(1).is_empty());
}

#[test]
fn a_wish_that_waits_may_be_made_anew() {
    let mut world = waiting();
    assert_eq!(world.watch("bob", "alice"), Ok(PENDING));
    assert_eq!(world.states(1), [PENDING]);
    // What is counted and not recorded yet is told all the same.
    assert_eq!(world.row("alice", "alice", "bob").unwrap().subscriptions, 2);
    world.pass(seconds(60));
    assert_eq!(world.row("alice", "alice", "bob").unwrap().subscriptions, 2);
}

#[test]
fn renewing_a_pending_wish_does_not_let_it_live_longer() {
    let mut world = world();
    world.watch("bob", "alice").unwrap();
    let day = seconds(24 * 3_600);
    for _ in 0..29 {
        world.pass(day);
        world.watch("bob", "alice").unwrap();
    }
    world.pass(day);
    assert_eq!(world.state("bob", "alice"), ended(GiveUp));
}

#[test]
fn a_fetch_that_is_not_decided_leaves_a_wish_that_the_fetcher_does_not_see() {
    let mut world = world();
    for _ in 0..3 {
        let item = world.fetch(&actor("bob"), "alice").unwrap();
        assert_eq!((item.state, item.document.get().is_none()), (PENDING, true));
    }
    let wishes = world.log.iter().filter(|it| matches!(it.event, Event::WatchRequested(_)));
    assert_eq!(wishes.count(), 1);
    assert_eq!(world.listed("bob", "alice"), None);
    let row = world.row("alice", "alice", "bob").unwrap();
    assert_eq!((row.state, row.handling), (Some(WAITING), Confirm));
    world.feed(1, "bob", false);
    world.decide("alice", BOB, Allow);
    assert!(world.items(1).is_empty());
    assert_eq!(world.fetch_note("bob", "alice"), "here");
}

#[test]
fn one_watcher_has_so_many_wishes_open_and_no_more() {
    let names: Vec<String> = (0..=REQUESTS_MAX).map(|number| format!("p{number}")).collect();
    let mut world = World::asking(&names.iter().map(String::as_str).collect::<Vec<_>>());
    world.enroll("bob", "bob").unwrap();
    for name in &names[..REQUESTS_MAX] {
        world.watch("bob", name).unwrap();
    }
    let last = &names[REQUESTS_MAX];
    assert_eq!(world.watch("bob", last).unwrap_err().code().as_str(), "requests-full");
    let refusal = world.fetch(&actor("bob"), last).unwrap_err();
    assert_eq!(refusal.code().as_str(), "requests-full");
    // One decided makes room.
    world.decide("p0", BOB, Allow);
    assert_eq!(world.watch("bob", last), Ok(PENDING));
}

#[test]
fn a_subscription_ends_with_the_reason_there_is() {
    let mut world = watched(Allow);
    world
        .ask(
            &actor("bob"),
            Command::Unsubscribe(Unsubscribe {
                operation: adsum::model::OperationId::default(),
                presentity: pres("alice"),
            }),
        )
        .unwrap();
    assert_eq!(world.states(1), [ended(Timeout)]);

    let mut world = watched(Allow);
    let end = Command::EndSubscription(EndSubscription {
        operation: adsum::model::OperationId::default(),
        watcher: principal("bob"),
        presentity: pres("alice"),
    });
    world.ask(&actor("alice"), end.clone()).unwrap();
    assert_eq!(world.states(1), [ended(Rejected)]);
    assert_eq!(world.ask(&actor("alice"), end).unwrap_err().code().as_str(), "no-subscription");

    let mut world = watched(Allow);
    let end = Command::EndSubscription(EndSubscription {
        operation: adsum::model::OperationId::default(),
        watcher: principal("bob"),
        presentity: pres("alice"),
    });
    assert_eq!(world.ask(&actor("carol"), end.clone()).unwrap_err().code().as_str(), "forbidden");
    let root = world.administrator("root@d.example");
    world.ask(&root, end).unwrap();
    assert_eq!(world.states(1), [ended(Deactivated)]);
}

#[test]
fn a_rule_begins_and_ceases_to_hold_by_time() {
    let mut world = watched(Confirm);
    let now = world.now;
    let (from, until) = (Some(now.after(seconds(10))), Some(now.after(seconds(20))));
    let brief = AccessRule { from, until, ..rule("@d.example", Allow) };
    let confirm = AccessRule { until: from, ..rule(BOB, Confirm) };
    world.put("alice", vec![brief, confirm]);
    assert!(world.items(1).is_empty());
    world.pass(seconds(9));
    assert_eq!(world.state("bob", "alice"), PENDING);
    world.pass(seconds(1));
    assert_eq!(world.states(1), [ACTIVE]);
    world.pass(seconds(9));
    assert!(world.items(1).is_empty());
    let events = world.pass(seconds(1));
    assert!(events.iter().any(|event| matches!(event, Event::RulesReviewed(_))));
    assert_eq!(world.states(1), [PENDING]);
    world.publish("alice", 2, "secret");
    assert!(world.items(1).is_empty());
}

#[test]
fn the_most_specific_rule_decides_for_each_act_by_itself() {
    let mut world = world();
    let fetch_only = AccessRule { subscribe: None, ..rule(BOB, Allow) };
    world.put("alice", vec![fetch_only, rule("everyone", Block), rule("@d.example", Confirm)]);
    assert_eq!(world.fetch_note("bob", "alice"), "here");
    assert_eq!(world.watch("bob", "alice"), Ok(PENDING));
    let refusal = world.ask(&nobody(1), subscribe("alice", Mode::Latest)).unwrap_err();
    assert_eq!(refusal.code().as_str(), "refused");
    world.decide("alice", "anonymous", Allow);
    assert!(world.ask(&nobody(1), subscribe("alice", Mode::Latest)).is_ok());
}

#[test]
fn what_a_rule_does_not_show_makes_no_event() {
    let mut world = World::asking(&["alice", "bob"]);
    world.publish("alice", 1, "first");
    let shown = Shown { notes: false, ..Shown::ALL };
    world.put("alice", vec![AccessRule { shown, ..rule(BOB, Allow) }]);
    world.watch("bob", "alice").unwrap();
    world.feed(1, "bob", false);
    world.publish("alice", 2, "second");
    assert!(world.items(1).is_empty());
    let closed =
        Publish { document: Some(document(Basic::Closed, "third")), ..publish("alice", 3, "") };
    world.ask(&actor("alice"), Command::Publish(closed)).unwrap();
    let items = world.items(1);
    assert_eq!(items.len(), 1);
    assert_eq!(note_of(items[0].document.get()), "");
}

#[test]
fn a_repeated_subscription_gets_its_first_answer_and_leaves_no_event() {
    let mut world = world();
    let wish = |number| {
        Command::Subscribe(Subscribe {
            operation: operation(number),
            presentity: pres("alice"),
            mode: Mode::Latest,
            lifetime: None,
        })
    };
    let first = world.ask(&actor("bob"), wish(1)).unwrap();
    world.decide("alice", BOB, Block);
    world.pass(seconds(1));
    let (events, again) = world.events(&actor("bob"), wish(1));
    assert_eq!((events.len(), again), (0, Ok(first)));
    assert_eq!(world.ask(&actor("bob"), wish(2)).unwrap_err().code().as_str(), "refused");
}

#[test]
fn a_repeated_change_of_rules_gets_its_first_answer_and_leaves_no_event() {
    let mut world = world();
    let allow = |number, if_version| {
        let mut change = change("alice", vec![rule(BOB, Allow)], &[]);
        (change.operation, change.if_version) = (operation(number), if_version);
        Command::ChangeRules(change)
    };
    let first = world.ask(&actor("alice"), allow(1, Some(0)));
    assert_eq!(first, Ok(Reply::Done(Answer::Changed { version: 1 })));
    world.ask(&actor("alice"), allow(2, None)).unwrap();
    let (events, again) = world.events(&actor("alice"), allow(1, Some(0)));
    assert_eq!((events.len(), again), (0, first));
    let stale = world.ask(&actor("alice"), allow(3, Some(1))).unwrap_err();
    assert_eq!(stale.code().as_str(), "stale-version");
    let missing = Command::ChangeRules(change("alice", vec![], &["nosuch"]));
    assert_eq!(world.ask(&actor("alice"), missing).unwrap_err().code().as_str(), "no-rule");
}

#[test]
fn a_rule_names_only_tuples_that_were_published_once() {
    let mut world = world();
    let named = |id: &str| {
        let tuples = Some(vec![TupleId::new(id).unwrap()]);
        let shown = Shown { tuples, ..Shown::ALL };
        Command::ChangeRules(change("alice", vec![AccessRule { shown, ..rule(BOB, Allow) }], &[]))
    };
    let refusal = world.ask(&actor("alice"), named("mian")).unwrap_err();
    assert_eq!(refusal.code().as_str(), "unknown-tuple");
    assert!(refusal.to_string().contains("main"), "{refusal}");
    assert!(world.ask(&actor("alice"), named("main")).is_ok());
}

#[test]
fn a_rule_is_about_somebody_who_can_act_here() {
    let mut world = world();
    for who in ["@elsewhere.example", "bob@elsewhere.example"] {
        let refuse = Delivery::Refuse { reason: String::new() };
        let put = vec![delivery_rule(who, refuse)];
        let visibility = VisibilityRow { who: who.parse().unwrap(), is_shown: false };
        for command in [
            Command::ChangeRules(change("alice", vec![rule(who, Allow)], &[])),
            delivery("alice", DeliveryChange { put, ..DeliveryChange::default() }),
            ChangeVisibility { operation: operation(1), put: vec![visibility], remove: vec![] }
                .into(),
        ] {
            let refusal = world.ask(&actor("alice"), command).unwrap_err();
            assert_eq!(refusal.code(), RefusalCode::ForeignDomain, "{who}");
        }
    }
}

#[test]
fn only_who_controls_a_presentity_changes_and_sees_its_rules() {
    let mut world = world();
    let allow = Command::ChangeRules(change("alice", vec![rule(BOB, Allow)], &[]));
    let root = world.administrator("root@d.example");
    for other in [actor("bob"), root] {
        assert_eq!(world.ask(&other, allow.clone()).unwrap_err().code().as_str(), "forbidden");
        let owner = RulesOwner::Presentity(pres("alice"));
        let asked = world.query(&other, Query::from(ListRules { owner }));
        assert_eq!(asked.unwrap_err().code().as_str(), "forbidden");
    }
    world.give("alice", "carol", Rights::MEMBER);
    assert!(world.ask(&actor("carol"), allow).is_ok());
    assert_eq!(world.access("alice").iter().len(), 1);
}

#[test]
fn the_owner_sees_all_of_its_own_whatever_its_rules_say() {
    let mut world = world();
    world.decide("alice", "everyone", Block);
    assert_eq!(world.watch("alice", "alice"), Ok(ACTIVE));
    assert_eq!(world.fetch_note("alice", "alice"), "here");
}

#[test]
fn a_watcher_that_was_away_hears_of_the_end_when_it_comes_back() {
    let mut world = watched(Allow);
    let position = world.service.views().moment();
    world.service.handle(world.now, adsum::service::Input::CloseFeed { feed: world::feed_id(1) });
    world.decide("alice", BOB, Block);
    let opened = world.open_presence(1, "bob", &[], position);
    assert_eq!(opened.items.len(), 1);
    assert_eq!(opened.items[0].state, ended(Rejected));
    assert!(opened.items[0].document.get().is_none());
}

/// What was hidden when it happened stays so, also when the rule that hid it is gone.
#[test]
fn who_is_let_in_again_learns_nothing_of_the_time_between() {
    let mut world = watched(Allow);
    world.decide("alice", BOB, PoliteBlock);
    let position = world.items(1).last().unwrap().version;
    world.pass(seconds(10));
    // She is there and goes, and lets him in again after that: what he sees is what he saw.
    let brief = Publish { lifetime: Some(seconds(1)), ..publish("alice", 2, "secret") };
    world.ask(&actor("alice"), Command::Publish(brief)).unwrap();
    world.pass(seconds(10));
    let events = world.decide("alice", BOB, Allow);
    assert_eq!(events.len(), 2, "the rules and the subscription: {events:?}");
    assert!(world.items(1).is_empty());
    let opened = world.open_presence(1, "bob", &[], position);
    assert!(opened.items.is_empty(), "{:?}", opened.items);
}

#[test]
fn a_change_that_is_missed_is_told_though_the_rules_changed_after_it() {
    let mut world = World::asking(&["alice", "bob"]);
    world.decide("alice", BOB, Allow);
    world.publish("alice", 1, "first");
    world.watch("bob", "alice").unwrap();
    let opened = world.feed(1, "bob", false);
    let position = opened.items[0].version;
    world.service.handle(world.now, adsum::service::Input::CloseFeed { feed: world::feed_id(1) });
    world.pass(seconds(1));
    // The note goes, and then the rule shows no notes: seen through it, nothing changed.
    let mut document = document(Basic::Open, "");
    let mut tuple = document.tuples()[0].clone();
    tuple.notes.clear();
    document = adsum::model::Document::new(vec![tuple], vec![], vec![]).unwrap();
    let silent = Publish { document: Some(document), ..publish("alice", 2, "") };
    world.ask(&actor("alice"), Command::Publish(silent)).unwrap();
    world.pass(seconds(1));
    let shown = Shown { notes: false, ..Shown::ALL };
    let name = RuleName::new(BOB).unwrap();
    world.put("alice", vec![AccessRule { shown, name, ..rule(BOB, Allow) }]);
    let opened = world.open_presence(1, "bob", &[], position);
    assert_eq!(opened.items.len(), 1, "the note is gone, and he is told");
    assert_eq!(note_of(opened.items[0].document.get()), "");
}
