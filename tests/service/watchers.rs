//! Who learns that somebody watches: watcher information and visibility rules. RFC 2778 §2.4, RFC 2779 §5.1.11.

use crate::world;
use crate::world::governed::{ACTIVE, PENDING, ended, nobody, who};
use crate::world::{World, actor, operation, pres, seconds, subscribe};
use adsum::event::Event;
use adsum::model::limits::{WATCHERS_EVERY_MS, WATCHERS_WINDOW_MS};
use adsum::model::{EndReason, Handling, Lifetime, Mode, Rights};
use adsum::protocol::{
    Answer, ChangeVisibility, Command, Findings, ListActs, ListWatchers, Subscribe, Unsubscribe,
    VisibilityRow,
};
use adsum::service::{Input, Query, Reply, SessionId, Ticket};

fn world() -> World {
    let mut world = World::asking(&["alice", "bob", "carol", "dave"]);
    world.decide("alice", "@d.example", Handling::Allow);
    world
}

fn observed(world: &World) -> usize {
    world.log.iter().filter(|it| matches!(it.event, Event::WatchObserved(_))).count()
}

#[test]
fn the_owner_learns_of_subscribers_and_fetchers_and_of_those_who_left() {
    let mut world = world();
    world.watch("bob", "alice").unwrap();
    world.fetch_note("carol", "alice");
    world.pass(seconds(10));
    world
        .ask(
            &actor("bob"),
            Command::Unsubscribe(Unsubscribe {
                operation: adsum::model::OperationId::default(),
                presentity: pres("alice"),
            }),
        )
        .unwrap();
    let bob = world.row("alice", "alice", "bob").unwrap();
    assert_eq!(bob.state, Some(ended(EndReason::Timeout)));
    assert_eq!((bob.subscriptions, bob.fetches), (1, 0));
    assert_eq!(bob.last_at, world.now);
    let carol = world.row("alice", "alice", "carol").unwrap();
    assert_eq!((carol.state, carol.subscriptions, carol.fetches), (None, 0, 1));
    assert_eq!(carol.first_at, carol.last_at);
    assert!(world.row("alice", "alice", "dave").is_none());
}

#[test]
fn a_refused_watcher_is_none_and_one_blocked_politely_is_shown_as_such_to_the_owner_alone() {
    let mut world = world();
    world.decide("alice", "bob@d.example", Handling::Block);
    world.decide("alice", "carol@d.example", Handling::PoliteBlock);
    world.fetch(&actor("bob"), "alice").unwrap_err();
    world.watch("carol", "alice").unwrap();
    assert!(world.row("alice", "alice", "bob").is_none());
    assert_eq!(world.row("alice", "alice", "carol").unwrap().handling, Handling::PoliteBlock);
    assert_eq!(world.row("carol", "alice", "carol").unwrap().handling, Handling::Allow);
}

#[test]
fn ten_thousand_polls_leave_few_events_and_the_right_count() {
    const POLLS: u64 = 10_000;
    let mut world = world();
    for _ in 0..POLLS {
        world.now = world.now.after(Lifetime::from_ms(90));
        world.fetch_note("bob", "alice");
    }
    let minutes = usize::try_from(POLLS * 90 / WATCHERS_EVERY_MS).unwrap();
    assert!(observed(&world) <= minutes + 1, "{} events", observed(&world));
    world.service.settle(world.now);
    let row = world.row("alice", "alice", "bob").unwrap();
    assert_eq!((row.fetches, row.last_at), (POLLS, world.now));
    // Once settled, there is nothing more to write.
    world.service.settle(world.now);
    assert!(world.service.take_batch().is_none());
}

#[test]
fn who_did_not_watch_for_thirty_days_is_forgotten() {
    let mut world = world();
    world.fetch_note("bob", "alice");
    world.pass(Lifetime::from_ms(WATCHERS_WINDOW_MS - 1));
    assert!(world.row("alice", "alice", "bob").is_some());
    world.pass(Lifetime::from_ms(1));
    assert!(world.row("alice", "alice", "bob").is_none());
    // And counted from the beginning when it comes again.
    world.fetch_note("bob", "alice");
    assert_eq!(world.row("alice", "alice", "bob").unwrap().fetches, 1);
}

#[test]
fn who_still_watches_is_not_forgotten_and_first_seen_no_earlier_than_the_window() {
    let mut world = world();
    let month = Lifetime::from_ms(WATCHERS_WINDOW_MS);
    let (operation, presentity) = (operation(0), pres("alice"));
    let long = Command::Subscribe(Subscribe {
        operation,
        presentity,
        mode: Mode::Latest,
        lifetime: Some(month),
    });
    world.ask(&actor("bob"), long.clone()).unwrap();
    world.pass(Lifetime::from_ms(WATCHERS_WINDOW_MS / 2));
    world.ask(&actor("bob"), long).unwrap();
    world.pass(Lifetime::from_ms(WATCHERS_WINDOW_MS - 1));
    let row = world.row("alice", "alice", "bob").unwrap();
    assert_eq!(row.state, Some(ACTIVE));
    assert_eq!(row.first_at.after(month), world.now);
}

/// The matrix of who learns that Bob watches Alice: by whom Alice trusts with it, and to whom Bob shows himself.
#[test]
fn others_learn_of_a_watcher_only_if_the_owner_and_the_watcher_let_them() {
    for granted in [false, true] {
        for shown in [
            None,
            Some(("carol@d.example", true)),
            Some(("@d.example", true)),
            Some(("carol@d.example", false)),
        ] {
            let mut world = world();
            world.watch("bob", "alice").unwrap();
            if granted {
                world.give("alice", "carol", Rights::WATCHERS);
            }
            if let Some((other, is_shown)) = shown {
                let put = vec![VisibilityRow { who: who(other), is_shown }];
                let change = Command::ChangeVisibility(ChangeVisibility {
                    operation: operation(1),
                    put,
                    remove: vec![],
                });
                world.ask(&actor("bob"), change).unwrap();
            }
            let is_shown = shown.is_some_and(|(_, is_shown)| is_shown);
            let found = world.row("carol", "alice", "bob").is_some();
            assert_eq!(found, granted && is_shown, "{granted} {shown:?}");
            assert!(world.row("alice", "alice", "bob").is_some(), "the owner always does");
            assert!(world.row("bob", "alice", "bob").is_some(), "and the watcher itself");
            assert!(world.row("dave", "alice", "bob").is_none());
        }
    }
}

#[test]
fn a_watcher_cannot_hide_from_whom_it_watches() {
    let mut world = world();
    world.watch("bob", "alice").unwrap();
    let put = ["alice@d.example", "everyone"];
    let put = put.map(|text| VisibilityRow { who: who(text), is_shown: false }).into();
    let hide = Command::ChangeVisibility(ChangeVisibility {
        operation: operation(1),
        put,
        remove: vec![],
    });
    world.ask(&actor("bob"), hide).unwrap();
    assert!(world.row("alice", "alice", "bob").is_some());
}

#[test]
fn one_who_has_no_name_is_seen_under_its_pseudonym() {
    let mut world = world();
    world.decide("alice", "anonymous", Handling::Allow);
    world.ask(&nobody(1), subscribe("alice", Mode::Latest)).unwrap();
    world.fetch(&nobody(2), "alice").unwrap();
    let rows = world.rows("alice", "alice");
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.watcher.is_anonymous()));
}

#[test]
fn visibility_changed_twice_by_one_operation_is_changed_once() {
    let mut world = world();
    let show = |number, is_shown| {
        Command::ChangeVisibility(ChangeVisibility {
            operation: operation(number),
            put: vec![VisibilityRow { who: who("carol@d.example"), is_shown }],
            remove: vec![],
        })
    };
    let first = world.ask(&actor("bob"), show(1, true));
    assert_eq!(first, Ok(Reply::Done(Answer::Changed { version: 1 })));
    world.ask(&actor("bob"), show(2, false)).unwrap();
    let (events, again) = world.events(&actor("bob"), show(1, true));
    assert_eq!((events.len(), again), (0, first));
    let remove = vec![who("dave@d.example")];
    let missing = Command::ChangeVisibility(ChangeVisibility {
        operation: operation(3),
        put: vec![],
        remove,
    });
    assert_eq!(world.ask(&actor("bob"), missing).unwrap_err().code().as_str(), "no-rule");
}

#[test]
fn a_feed_with_watchers_tells_the_owner_who_comes_and_goes() {
    let mut world = World::asking(&["alice", "bob", "carol", "dave"]);
    world.feed(1, "alice", true);
    world.feed(2, "carol", true);
    world.watch("bob", "alice").unwrap();
    let rows: Vec<_> = world.items(1).iter().filter_map(|item| item.watcher.clone()).collect();
    assert!(rows.iter().all(|row| row.state == Some(PENDING)), "{rows:?}");
    assert!(!rows.is_empty());
    world.decide("alice", "bob@d.example", Handling::PoliteBlock);
    let items = world.items(1);
    let rows: Vec<_> = items.iter().filter_map(|item| item.watcher.clone()).collect();
    let last = rows.last().unwrap();
    assert_eq!((last.state, last.handling), (Some(ACTIVE), Handling::PoliteBlock));
    world.watch("dave", "alice").unwrap();
    assert!(world.items(2).is_empty(), "Carol is told of nobody");
    let again = world.feed(3, "alice", true);
    assert_eq!(again.items.len(), 2, "who comes back is told of Bob and Dave, as they are now");
}

#[test]
fn a_feed_with_watchers_tells_the_owner_that_one_without_a_name_is_gone() {
    let mut world = world();
    world.decide("alice", "anonymous", Handling::Allow);
    world.feed(1, "alice", true);
    let (session, guest) = (SessionId(7), nobody(1));
    let (ticket, pseudonym) = (Ticket { session, number: 0 }, guest.principal.clone());
    let enter = Input::EnterAnonymous { ticket, pseudonym, key: world::key("guest"), origin: None };
    world.service.handle(world.now, enter);
    world.ask(&guest, subscribe("alice", Mode::Latest)).unwrap();
    let row = |world: &mut World| world.items(1).last().and_then(|item| item.watcher.clone());
    assert_eq!(row(&mut world).unwrap().state, Some(ACTIVE));
    let before = world.service.views().moment();
    world.pass(seconds(10));
    world.service.handle(world.now, Input::Leave { session });
    let gone = row(&mut world).unwrap();
    assert_eq!((gone.state, gone.subscriptions, gone.last_at), (None, 1, world.now));
    // Also if she was away when that happened.
    let away = world.feed_after(2, "alice", true, before);
    assert!(away.items.iter().any(|item| item.watcher.as_ref() == Some(&gone)));
}

/// The time of a decision that a watcher is not to notice is not in its own row either.
#[test]
fn a_watchers_own_row_does_not_tell_when_it_was_blocked_politely() {
    let mut world = world();
    world.watch("bob", "alice").unwrap();
    let before = world.row("bob", "alice", "bob").unwrap();
    world.pass(seconds(100));
    world.decide("alice", "bob@d.example", Handling::PoliteBlock);
    assert_eq!(world.row("bob", "alice", "bob").unwrap(), before);
    assert_ne!(world.row("alice", "alice", "bob").unwrap().last_at, before.last_at);
}

#[test]
fn an_administrator_learns_who_watches_and_that_it_asked_is_on_record() {
    let mut world = world();
    world.watch("bob", "alice").unwrap();
    let root = world.administrator("root@d.example");
    let query = Query::from(ListWatchers { presentity: pres("alice") });
    let Ok(Reply::Found(Findings::ListWatchers(rows))) = world.query(&root, query) else {
        panic!()
    };
    assert_eq!(rows.len(), 1);
    let acts = Query::from(ListActs { principal: Some(world::principal("alice")) });
    let Ok(Reply::Found(Findings::ListActs(acts))) = world.query(&actor("alice"), acts) else {
        panic!()
    };
    assert_eq!(acts.len(), 1);
    assert_eq!((acts[0].by.local(), acts[0].act.unwrap().as_str()), ("root", "listed-watchers"));
}
