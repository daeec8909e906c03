//! What a principal lets others do in its name, and what becomes of it when it takes that back.

use crate::world::governed::{ACTIVE, PENDING, ended, grant};
use crate::world::{World, actor, feed_id, im, message, note_of, operation, principal, publish};
use adsum::event::Event;
use adsum::model::{EndReason, Handling, InboxSequence, Rights};
use adsum::protocol::{Command, Delete, Displayed, Findings, Grant, ListGrants};
use adsum::service::{FeedId, Output, Query, Reply};

fn world() -> World {
    World::asking(&["alice", "bob", "carol"])
}

fn codes(world: &mut World, name: &str) -> Vec<&'static str> {
    let inbox = im("alice");
    let sequence = InboxSequence::new(1);
    let mut send = message("alice", "in-her-name", "hello");
    send.sender = Some(principal("alice"));
    let commands = [
        Command::Publish(publish("alice", 9, "for her")),
        Command::Delete(Delete {
            operation: adsum::model::OperationId::default(),
            inbox: inbox.clone(),
            sequences: vec![sequence],
            sender: None,
        }),
        Command::Displayed(Displayed {
            operation: adsum::model::OperationId::default(),
            inbox: inbox.clone(),
            sequence,
        }),
        Command::Send(send),
    ];
    let mut answers: Vec<_> =
        commands.map(|command| world.ask(&actor(name), command)).into_iter().collect();
    answers.push(world.query(&actor(name), Query::Page { inbox, after: InboxSequence::ZERO }));
    let code = |answer: Result<Reply, adsum::model::Refusal>| {
        answer.map_or_else(|refusal| refusal.code().as_str(), |_| "yes")
    };
    answers.into_iter().map(code).collect()
}

#[test]
fn each_right_lets_do_one_thing_and_no_other() {
    let no = "forbidden";
    for (rights, expected) in [
        (Rights::NONE, [no, no, no, "not-your-sender", no]),
        (Rights::PUBLISH, ["yes", no, no, "not-your-sender", no]),
        (Rights::READ, [no, no, no, "not-your-sender", "yes"]),
        (Rights::DELETE, [no, "yes", no, "not-your-sender", no]),
        (Rights::WATCHERS, [no, no, no, "not-your-sender", no]),
    ] {
        let mut world = world();
        world.send("carol", "alice", "m1").unwrap();
        world.give("alice", "bob", rights);
        assert_eq!(codes(&mut world, "bob"), expected, "{rights}");
    }
    let mut world = world();
    world.send("carol", "alice", "m1").unwrap();
    world.send("carol", "alice", "m2").unwrap();
    world.give("alice", "bob", Rights::MEMBER);
    // The first message is gone by the time it is said to be displayed.
    assert_eq!(codes(&mut world, "bob"), ["yes", "yes", "no-message", "yes", "yes"]);
}

#[test]
fn who_may_only_read_takes_no_message_away_from_the_owner() {
    let mut world = world();
    world.send("carol", "alice", "m1").unwrap();
    world.give("alice", "bob", Rights::READ);
    let (events, answer) = world.takes(&actor("bob"), "alice", 1);
    assert_eq!(
        (events.len(), answer),
        (0, Ok(Reply::Acknowledged { through: InboxSequence::ZERO }))
    );
    assert_eq!(world.service.views().inbox(&im("alice")).unwrap().unread(), 1);
}

#[test]
fn to_take_the_right_to_publish_back_ends_what_was_published() {
    let mut world = world();
    world.decide("alice", "carol@d.example", Handling::Allow);
    world.give("alice", "bob", Rights::PUBLISH);
    world.publish("alice", 1, "her own");
    world.ask(&actor("bob"), Command::Publish(publish("alice", 2, "by bob"))).unwrap();
    world.watch("carol", "alice").unwrap();
    world.feed(1, "carol", false);
    let events = world.give("alice", "bob", Rights::READ);
    assert!(matches!(events[..], [Event::PublicationEnded(_), Event::GrantGiven(_)]), "{events:?}");
    let items = world.items(1);
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].document.get().unwrap().tuples().len(), 1);
    assert_eq!(note_of(items[0].document.get()), "her own");
}

#[test]
fn a_grant_that_leaves_the_right_to_publish_leaves_what_was_published() {
    let mut world = world();
    world.give("alice", "bob", Rights::PUBLISH);
    world.ask(&actor("bob"), Command::Publish(publish("alice", 1, "by bob"))).unwrap();
    for rights in
        [Rights::from_bits(Rights::PUBLISH.bits() | Rights::READ.bits()).unwrap(), Rights::PUBLISH]
    {
        let events = world.give("alice", "bob", rights);
        assert!(!events.iter().any(|it| matches!(it, Event::PublicationEnded(_))), "{events:?}");
    }
    assert_eq!(world.fetch_note("alice", "alice"), "by bob");
}

#[test]
fn to_take_the_right_to_read_back_ends_the_feed_with_a_word() {
    let mut world = world();
    world.give("alice", "bob", Rights::READ);
    world.open_inbox(1, &actor("bob"), "alice", None).unwrap();
    world.open_inbox(2, &actor("alice"), "alice", None).unwrap();
    world.told();
    world.give("alice", "bob", Rights::NONE);
    let told = world.told();
    let is_ended = |feed: FeedId| {
        told.iter().any(|output| match output {
            Output::Ended { feeds, refusal } => {
                feeds.contains(&feed) && refusal.code().as_str() == "forbidden"
            }
            _ => false,
        })
    };
    assert!(is_ended(feed_id(1)) && !is_ended(feed_id(2)), "{told:?}");
    world.send("carol", "alice", "m1").unwrap();
    let told = world.told();
    let [Output::Inbox { feeds, .. }] = &told[..] else { panic!("{told:?}") };
    assert_eq!(*feeds, [feed_id(2)]);
}

/// A member sees all. Who is none any more sees what the rules say, at once.
#[test]
fn who_is_no_member_any_more_is_shown_no_more_than_the_rules_say() {
    for (handling, expected) in [
        (Handling::Confirm, PENDING),
        (Handling::Block, ended(EndReason::Rejected)),
        (Handling::PoliteBlock, ACTIVE),
    ] {
        let mut world = world();
        world.publish("alice", 1, "seen");
        world.give("alice", "bob", Rights::MEMBER);
        world.decide("alice", "bob@d.example", handling);
        assert_eq!(world.watch("bob", "alice"), Ok(ACTIVE));
        world.feed(1, "bob", false);
        world.publish("alice", 2, "seen too");
        assert_eq!(note_of(world.items(1)[0].document.get()), "seen too");
        world.give("alice", "bob", Rights::NONE);
        assert_eq!(world.state("bob", "alice"), expected, "{handling:?}");
        assert_eq!(world.states(1), [expected], "{handling:?}");
        world.publish("alice", 3, "secret");
        assert!(world.items(1).is_empty(), "{handling:?}");
    }
}

#[test]
fn who_becomes_a_member_is_let_in() {
    let mut world = world();
    world.publish("alice", 1, "here");
    assert_eq!(world.watch("bob", "alice"), Ok(PENDING));
    world.feed(1, "bob", false);
    world.give("alice", "bob", Rights::MEMBER);
    let items = world.items(1);
    assert_eq!((items.len(), items[0].state), (1, ACTIVE));
    assert_eq!(note_of(items[0].document.get()), "here");
}

#[test]
fn a_member_speaks_for_the_group_and_its_name_alone_stands_on_it() {
    let mut world = world();
    world.give("alice", "bob", Rights::MEMBER);
    let mut send = message("carol", "m1", "from the group");
    send.sender = Some(principal("alice"));
    world.ask(&actor("bob"), Command::Send(send)).unwrap();
    let accepted = world.log.iter().find_map(|recorded| match &recorded.event {
        Event::MessageAccepted(event) => Some(event.sender.clone()),
        _ => None,
    });
    assert_eq!(accepted, Some(principal("alice")));
}

#[test]
fn a_grant_made_twice_is_one_and_the_first_answer_stands() {
    let mut world = world();
    let give = |rights, number| {
        let (owner, grantee) = (principal("alice"), principal("bob"));
        Command::Grant(Grant { owner: Some(owner), grantee, rights, operation: operation(number) })
    };
    let first = world.ask(&actor("alice"), give(Rights::READ, 1)).unwrap();
    world.ask(&actor("alice"), give(Rights::NONE, 2)).unwrap();
    let (events, again) = world.events(&actor("alice"), give(Rights::READ, 1));
    assert_eq!((events.len(), again), (0, Ok(first)));
    let grants =
        world.query(&actor("alice"), Query::from(ListGrants { owner: Some(principal("alice")) }));
    assert_eq!(grants, Ok(Findings::ListGrants(vec![]).into()));
}

#[test]
fn only_who_controls_a_principal_grants_and_only_to_somebody() {
    let mut world = world();
    let root = world.administrator("root@d.example");
    for other in [actor("bob"), root] {
        let refusal = world.ask(&other, grant("alice", "carol", Rights::READ)).unwrap_err();
        assert_eq!(refusal.code().as_str(), "forbidden");
    }
    let code = |world: &mut World, grantee| {
        let answer = world.ask(&actor("alice"), grant("alice", grantee, Rights::READ));
        answer.unwrap_err().code().as_str()
    };
    assert_eq!(code(&mut world, "nosuch"), "unknown-principal");
    assert_eq!(code(&mut world, "alice"), "bad-field");
}
