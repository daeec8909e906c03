//! What publishing, fetching and subscribing promise, as given, when, then.

use crate::world;
use crate::world::governed::{change, rule};
use crate::world::stage::{BEGIN, Stage};
use crate::world::{World, actor, document, note_of, operation, pres, publish, seconds, subscribe};
use adsum::event::{Event, PublicationCause};
use adsum::model::{
    Basic, EndReason, Handling, Lifetime, Mode, Moment, OperationId, Refusal, SubscriptionState,
    limits,
};
use adsum::protocol::{Answer, Command, Fetch, Publish, Subscribe, Unsubscribe};
use adsum::service::{Output, PresenceItem, Query, Reply};

fn refused(result: Result<Reply, Refusal>) -> Refusal {
    result.expect_err("it is refused")
}

/// What the feeds were told: whose, the note, the state.
fn notes(told: &[Output]) -> Vec<(String, String, SubscriptionState)> {
    let items = told.iter().filter_map(|output| match output {
        Output::Presence { item, .. } => Some(item),
        _ => None,
    });
    items.map(|item| described(item)).collect()
}

fn described(item: &PresenceItem) -> (String, String, SubscriptionState) {
    (item.presentity.local().to_owned(), note_of(item.document.get()), item.state)
}

#[test]
fn a_publication_is_what_a_fetch_shows_until_it_runs_out() {
    let mut world = World::with(&["alice", "bob"]);
    world
        .ask(
            &actor("alice"),
            Command::Publish(Publish {
                lifetime: Some(seconds(60)),
                ..publish("alice", 1, "here")
            }),
        )
        .unwrap();
    world.pass(seconds(59));
    assert_eq!(world.fetch_note("bob", "alice"), "here");
    let events = world.pass(seconds(1));
    assert!(
        matches!(&events[..], [Event::PublicationEnded(ended)] if ended.cause == PublicationCause::Expired)
    );
    assert_eq!(world.fetch_note("bob", "alice"), "");
}

#[test]
fn expiry_is_done_before_the_request_that_comes_with_it() {
    let mut world = World::with(&["alice", "bob"]);
    world
        .ask(
            &actor("alice"),
            Command::Publish(Publish {
                lifetime: Some(seconds(60)),
                ..publish("alice", 1, "here")
            }),
        )
        .unwrap();
    world.now = world.now.after(seconds(61));
    let (events, _) = world.events(&actor("bob"), subscribe("alice", Mode::Latest));
    let [Event::PublicationEnded(_), Event::Subscribed(_), Event::WatchObserved(_)] = &events[..]
    else {
        panic!("{events:?}")
    };
}

#[test]
fn a_lifetime_is_granted_as_asked_or_shorter_and_never_below_the_minimum() {
    let mut world = World::with(&["alice"]);
    for (asked, granted) in [
        (None, limits::PUBLICATION_MS_DEFAULT),
        (Some(limits::LIFETIME_MS_MIN), limits::LIFETIME_MS_MIN),
        (Some(5_000), 5_000),
        (Some(limits::PUBLICATION_MS_MAX), limits::PUBLICATION_MS_MAX),
        (Some(limits::PUBLICATION_MS_MAX + 1), limits::PUBLICATION_MS_MAX),
        (Some(u64::MAX), limits::PUBLICATION_MS_MAX),
    ] {
        let lifetime = asked.map(Lifetime::from_ms);
        let number = granted.to_le_bytes()[0];
        let reply = world.ask(
            &actor("alice"),
            Command::Publish(Publish { lifetime, ..publish("alice", number, "x") }),
        );
        assert!(
            matches!(reply, Ok(Reply::Done(Answer::Published { granted: given, .. })) if given.as_ms() == granted),
            "{reply:?}"
        );
    }
    let brief = Publish {
        lifetime: Some(Lifetime::from_ms(limits::LIFETIME_MS_MIN - 1)),
        ..publish("alice", 77, "x")
    };
    assert!(matches!(
        refused(world.ask(&actor("alice"), Command::Publish(brief))),
        Refusal::TooBrief { .. }
    ));
}

#[test]
fn every_success_gives_a_new_tag_and_the_old_one_dies() {
    let mut world = World::with(&["alice"]);
    let first = world.publish("alice", 1, "one");
    let refresh = |number, tag| {
        Command::Publish(Publish {
            if_match: Some(tag),
            document: None,
            ..publish("alice", number, "")
        })
    };
    let Ok(Reply::Done(Answer::Published { tag: second, .. })) =
        world.ask(&actor("alice"), refresh(2, first))
    else {
        panic!()
    };
    assert_ne!(first, second);
    assert_eq!(refused(world.ask(&actor("alice"), refresh(3, first))), Refusal::StaleTag);
    assert_eq!(world.fetch_note("alice", "alice"), "one");
}

#[test]
fn the_same_document_again_refreshes_and_nobody_is_told() {
    let mut stage = Stage::new("bob", &["alice", "bob"]);
    let allow = change("alice", vec![rule("bob@d.example", Handling::Allow)], &[]);
    stage.behind(&actor("alice"), Command::ChangeRules(allow));
    stage.does(subscribe("alice", Mode::Every));
    stage.opens(Moment::ZERO, false);
    let publish = |stage: &mut Stage, number, note, secs| {
        let lifetime = Some(seconds(secs));
        let publish = Publish { lifetime, ..publish("alice", number, note) };
        stage.behind(&actor("alice"), Command::Publish(publish));
        core::mem::take(&mut stage.shown).len()
    };
    stage.shown.clear();
    assert_eq!(publish(&mut stage, 1, "here", 10), 1);
    assert_eq!(publish(&mut stage, 2, "here", 60), 0, "nothing changed");
    stage.until(BEGIN.after(seconds(30)));
    assert_eq!(note_of(stage.fetched("alice").as_ref()), "here", "it lives on");
    assert_eq!(publish(&mut stage, 3, "there", 60), 1);
    assert_eq!(publish(&mut stage, 4, "here", 60), 1, "what it said before is news");
}

#[test]
fn the_same_document_again_gives_a_new_tag_and_is_answered_the_same_when_repeated() {
    let mut world = World::with(&["alice"]);
    let first = world.publish("alice", 1, "here");
    let again = Command::Publish(publish("alice", 2, "here"));
    let (events, answer) = world.events(&actor("alice"), again.clone());
    assert!(matches!(events[..], [Event::PublicationRefreshed(_)]), "{events:?}");
    let Ok(Reply::Done(Answer::Published { tag, .. })) = answer else { panic!("{answer:?}") };
    assert_ne!(tag, first);
    assert_eq!(world.events(&actor("alice"), again), (vec![], answer));
}

#[test]
fn a_removal_takes_effect_at_once_and_needs_the_current_tag() {
    let mut world = World::with(&["alice", "bob"]);
    let tag = world.publish("alice", 1, "here");
    let remove =
        Publish { lifetime: Some(Lifetime::ZERO), document: None, ..publish("alice", 2, "") };
    assert_eq!(
        refused(world.ask(&actor("alice"), Command::Publish(remove.clone()))),
        Refusal::NothingToPublish
    );
    let remove = Publish { if_match: Some(tag), ..remove };
    let first = world.ask(&actor("alice"), Command::Publish(remove.clone())).unwrap();
    assert_eq!(world.fetch_note("bob", "alice"), "");
    let (events, again) = world.events(&actor("alice"), Command::Publish(remove));
    assert_eq!((events, again), (vec![], Ok(first)), "a repeated removal gets its first answer");
}

#[test]
fn publishes_under_way_together_and_repeated_together_get_their_first_answers() {
    let mut world = World::with(&["alice"]);
    let ask = |world: &mut World, number, note| {
        world.events(&actor("alice"), Command::Publish(publish("alice", number, note)))
    };
    let (_, first) = ask(&mut world, 1, "here");
    let (_, second) = ask(&mut world, 2, "there");
    assert_eq!(ask(&mut world, 1, "here"), (vec![], first));
    assert_eq!(ask(&mut world, 2, "there"), (vec![], second));
    assert_eq!(world.fetch_note("alice", "alice"), "there");
}

#[test]
fn a_publish_repeated_after_a_lost_answer_gets_the_first_answer_and_no_second_event() {
    let mut world = World::with(&["alice"]);
    let command = Command::Publish(publish("alice", 1, "here"));
    let first = world.ask(&actor("alice"), command.clone()).unwrap();
    world.pass(seconds(5));
    assert_eq!(world.events(&actor("alice"), command), (vec![], Ok(first)));
}

#[test]
fn a_device_that_lost_its_tag_replaces_its_own_publication_and_leaves_no_ghost() {
    let mut world = World::with(&["alice"]);
    world.publish("alice", 1, "before");
    world.publish("alice", 2, "after");
    let Ok(Reply::Presence(item)) =
        world.query(&actor("alice"), Query::from(Fetch { presentity: pres("alice") }))
    else {
        panic!()
    };
    assert_eq!(item.document.get().unwrap().tuples().len(), 1);
    assert_eq!(note_of(item.document.get()), "after");
}

#[test]
fn two_devices_publish_beside_each_other_and_one_running_out_leaves_the_other() {
    let mut world = World::with(&["alice", "admin"]);
    let phone = world.another_device("alice", "phone");
    world.publish("alice", 1, "desk");
    world
        .ask(
            &phone,
            Command::Publish(Publish {
                lifetime: Some(seconds(10)),
                ..publish("alice", 2, "phone")
            }),
        )
        .unwrap();
    let count = |world: &mut World| match world
        .query(&actor("alice"), Query::from(Fetch { presentity: pres("alice") }))
    {
        Ok(Reply::Presence(item)) => item.document.get().unwrap().tuples().len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(count(&mut world), 2);
    world.pass(seconds(10));
    assert_eq!(count(&mut world), 1);
    assert_eq!(world.fetch_note("alice", "alice"), "desk");
}

#[test]
fn nobody_publishes_for_somebody_else_or_for_a_domain_not_served() {
    let mut world = World::with(&["alice", "mallory"]);
    let before = world.log.len();
    assert!(matches!(
        refused(world.ask(&actor("mallory"), Command::Publish(publish("alice", 1, "x")))),
        Refusal::Forbidden { .. }
    ));
    let foreign = Publish {
        presentity: "pres:alice@elsewhere.example".parse().unwrap(),
        ..publish("alice", 2, "x")
    };
    assert!(matches!(
        refused(world.ask(&actor("alice"), Command::Publish(foreign))),
        Refusal::ForeignDomain { .. }
    ));
    assert!(matches!(
        refused(world.ask(&actor("alice"), subscribe("nobody", Mode::Latest))),
        Refusal::Refused { .. }
    ));
    assert_eq!(world.log.len(), before, "a refusal leaves no trace in the log");
}

#[test]
fn a_closed_presentity_still_notifies_its_watchers() {
    let mut world = World::with(&["alice", "bob"]);
    world.ask(&actor("bob"), subscribe("alice", Mode::Latest)).unwrap();
    world.open_presence(1, "bob", &[], Moment::ZERO);
    world.told();
    let closed =
        Publish { document: Some(document(Basic::Closed, "gone")), ..publish("alice", 1, "") };
    world.ask(&actor("alice"), Command::Publish(closed)).unwrap();
    assert_eq!(notes(&world.told()), [("alice".into(), "gone".into(), SubscriptionState::Active)]);
}

#[test]
fn a_feed_is_told_only_of_what_it_watches_and_only_while_it_is_open() {
    let mut world = World::with(&["alice", "carol", "bob"]);
    for name in ["alice", "carol"] {
        world.ask(&actor("bob"), subscribe(name, Mode::Latest)).unwrap();
    }
    world.open_presence(1, "bob", &["alice"], Moment::ZERO);
    world.told();
    world.publish("carol", 1, "not for this feed");
    world.publish("bob", 2, "nobody watches bob");
    assert_eq!(notes(&world.told()), []);
    world.publish("alice", 3, "yes");
    assert_eq!(notes(&world.told()).len(), 1);
    world.service.handle(world.now, adsum::service::Input::CloseFeed { feed: world::feed_id(1) });
    world.publish("alice", 4, "after closing");
    assert_eq!(notes(&world.told()), []);
}

#[test]
fn a_subscription_made_while_the_feed_is_open_begins_with_the_current_state() {
    let mut world = World::with(&["alice", "bob"]);
    world.publish("alice", 1, "here");
    world.open_presence(1, "bob", &[], Moment::ZERO);
    world.ask(&actor("bob"), subscribe("alice", Mode::Latest)).unwrap();
    assert_eq!(notes(&world.told()), [("alice".into(), "here".into(), SubscriptionState::Active)]);
    world.ask(&actor("bob"), subscribe("alice", Mode::Latest)).unwrap();
    assert_eq!(notes(&world.told()), [], "renewing repeats nothing");
}

#[test]
fn a_feed_opened_at_its_position_misses_nothing_and_repeats_nothing() {
    let mut world = World::with(&["alice", "carol", "bob"]);
    for name in ["alice", "carol"] {
        world.ask(&actor("bob"), subscribe(name, Mode::Latest)).unwrap();
        world.publish(name, 1, "first");
    }
    let opened = world.open_presence(1, "bob", &[], Moment::ZERO);
    assert_eq!(opened.items.len(), 2);
    let again = world.open_presence(1, "bob", &[], opened.head);
    assert_eq!(again.items.len(), 0);
    world.publish("carol", 2, "second");
    let missed = world.open_presence(1, "bob", &[], opened.head);
    assert_eq!(missed.items.iter().map(|item| described(item).1).collect::<Vec<_>>(), ["second"]);
    let foreign = world.open_presence(1, "bob", &[], Moment::from_us(u64::MAX));
    assert_eq!(foreign.items.len(), 2, "a position from another store means everything anew");
}

#[test]
fn the_end_of_a_subscription_waits_for_its_watcher() {
    let mut world = World::with(&["alice", "bob"]);
    let brief = Command::Subscribe(Subscribe {
        operation: OperationId::default(),
        presentity: pres("alice"),
        mode: Mode::Latest,
        lifetime: Some(seconds(30)),
    });
    world.ask(&actor("bob"), brief).unwrap();
    let seen = world.open_presence(1, "bob", &[], Moment::ZERO).head;
    world.service.handle(world.now, adsum::service::Input::CloseFeed { feed: world::feed_id(1) });
    world.pass(seconds(30));
    world.publish("alice", 1, "not for bob any more");
    let opened = world.open_presence(2, "bob", &[], seen);
    let ended = SubscriptionState::Terminated(EndReason::Timeout);
    assert_eq!(
        opened.items.iter().map(|item| described(item)).collect::<Vec<_>>(),
        [("alice".into(), String::new(), ended)]
    );
}

#[test]
fn after_unsubscribing_a_watcher_is_told_the_end_and_nothing_more() {
    let mut world = World::with(&["alice", "bob"]);
    world.ask(&actor("bob"), subscribe("alice", Mode::Every)).unwrap();
    world.open_presence(1, "bob", &[], Moment::ZERO);
    world.told();
    let unsubscribe = Command::Unsubscribe(Unsubscribe {
        operation: OperationId::default(),
        presentity: pres("alice"),
    });
    world.ask(&actor("bob"), unsubscribe.clone()).unwrap();
    let told = notes(&world.told());
    assert_eq!(told.len(), 1);
    assert!(matches!(told[0].2, SubscriptionState::Terminated(_)));
    world.publish("alice", 1, "later");
    assert_eq!(notes(&world.told()), []);
    assert_eq!(
        world.events(&actor("bob"), unsubscribe),
        (vec![], Ok(Reply::Done(Answer::Unsubscribed)))
    );
    let never = Command::Unsubscribe(Unsubscribe {
        operation: OperationId::default(),
        presentity: pres("bob"),
    });
    assert!(matches!(refused(world.ask(&actor("bob"), never)), Refusal::NoSubscription { .. }));
}

#[test]
fn two_devices_of_one_watcher_may_call_what_they_ask_for_alike() {
    let mut world = World::with(&["alice", "bob"]);
    let bob = actor("bob");
    let device = world.another_device("bob", "phone");
    let wish = |number| {
        let (operation, presentity) = (operation(number), pres("alice"));
        Command::Subscribe(Subscribe { operation, presentity, mode: Mode::Every, lifetime: None })
    };
    let leave = Unsubscribe { operation: operation(7), presentity: pres("alice") };
    world.ask(&bob, wish(1)).unwrap();
    world.ask(&bob, leave.clone().into()).unwrap();
    world.ask(&bob, wish(2)).unwrap();
    world.ask(&bob, leave.clone().into()).unwrap();
    assert_eq!(world.state("bob", "alice"), SubscriptionState::Active, "a repeat");
    world.ask(&device, leave.into()).unwrap();
    let is_over = matches!(world.state("bob", "alice"), SubscriptionState::Terminated(_));
    assert!(is_over, "it is the other device's own");
}

#[test]
fn a_watcher_reaches_its_limit_of_subscriptions_with_a_refusal() {
    let names: Vec<String> = (0..=limits::SUBSCRIPTIONS_MAX).map(|n| format!("p{n}")).collect();
    let mut world = World::with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for name in &names[..limits::SUBSCRIPTIONS_MAX] {
        world.ask(&actor("p0"), subscribe(name, Mode::Latest)).unwrap();
    }
    let one_more =
        world.ask(&actor("p0"), subscribe(&names[limits::SUBSCRIPTIONS_MAX], Mode::Latest));
    let refusal = refused(one_more);
    assert_eq!(refusal.code().as_str(), "subscriptions-full");
    // A thousand events in one moment take some milliseconds.
    let most = limits::SUBSCRIPTION_MS_DEFAULT;
    let wait = refusal.retry_after().unwrap().as_ms();
    assert!((most - 10..=most).contains(&wait), "{wait}");
}

#[test]
fn tags_never_repeat_for_a_presentity() {
    let mut world = World::with(&["alice"]);
    let mut tags: Vec<_> = (0..200).map(|number| world.publish("alice", number, "x")).collect();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), 200);
    assert_ne!(operation(1), operation(2));
}

#[test]
fn a_clock_that_goes_back_is_taken_as_standing_still() {
    let mut world = World::with(&["alice"]);
    world.publish("alice", 1, "x");
    let before = world.log.last().unwrap().at;
    world.now = adsum::model::Timestamp::from_ms(5);
    world.publish("alice", 2, "y");
    assert_eq!(world.log.last().unwrap().at, before.next());
}

#[test]
fn an_end_happens_when_it_was_due_and_does_not_move_what_is_decided_in_its_round() {
    let moments = |brief: bool| {
        let mut world = World::with(&["alice", "carol"]);
        let lifetime = Some(seconds(if brief { 60 } else { 3_600 }));
        let hers = Command::Publish(Publish { lifetime, ..publish("carol", 1, "here") });
        world.ask(&actor("carol"), hers).unwrap();
        // The end falls due in the very millisecond of the next decision, and once more long before it.
        for late in [60, 500] {
            world.now = world.now.after(seconds(late));
            world.publish("alice", u8::try_from(late / 60).unwrap(), "x");
        }
        world.log
    };
    let (kept, ended) = (moments(false), moments(true));
    assert_eq!((kept.len(), ended.len()), (5, 6), "one world has an end more");
    let due = adsum::model::Timestamp::from_ms(1_060_000);
    assert_eq!(ended[3].at, Moment::of(due));
    assert_eq!(kept[3], adsum::event::Recorded { sequence: kept[3].sequence, ..ended[4].clone() });
    assert_eq!(kept[4].at, ended[5].at);
}

#[test]
fn more_events_than_a_millisecond_has_room_for_get_rising_moments_and_whole_lifetimes() {
    let mut world = World::with(&["alice"]);
    let mut asked = 0;
    for round in 0..30_u8 {
        for operation in 0..100_u8 {
            let mut command = publish("alice", operation, "x");
            command.operation.0[1] = round;
            command.lifetime = Some(seconds(60));
            let reply = world.ask(&actor("alice"), Command::Publish(command.clone()));
            assert!(
                matches!(reply, Ok(Reply::Done(Answer::Published { granted, .. })) if granted == seconds(60))
            );
            asked += 1;
            let view = world.service.views().presentity(&pres("alice")).unwrap();
            assert_eq!(view.issued, asked);
            let again = world.ask(&actor("alice"), Command::Publish(command));
            assert_eq!(again, reply, "what is remembered is what was granted");
        }
    }
    assert!(world.log.windows(2).all(|pair| pair[0].at < pair[1].at));
    let last = world.log.last().unwrap().at.timestamp();
    assert!(last > world.now && last < world.now.after(seconds(1)), "time went ahead a little");
}
