//! What becomes of a message before it is in an inbox: delivery rules, closed inboxes, what lies aside.

use crate::world::governed::{delivery, delivery_rule, nobody};
use crate::world::{World, actor, im, message, operation, publish};
use adsum::event::Event;
use adsum::model::{
    Basic, Contact, ContentType, Delivery, DeliveryChange, DeliveryRule, Document, Handling,
    InboxSequence, Payload, Refusal, RuleName, Tuple, TupleId, WhenClosed,
};
use adsum::protocol::{
    Answer, ChangeDelivery, Command, Delete, Findings, InboxStatus, Publish, Send,
};
use adsum::service::{Query, Reply};

fn world() -> World {
    World::asking(&["alice", "bob", "carol"])
}

fn refuse(reason: &str) -> Delivery {
    Delivery::Refuse { reason: reason.to_owned() }
}

fn aside(world: &mut World) -> Vec<u64> {
    let query = Query::Quarantine { inbox: im("alice"), after: InboxSequence::ZERO };
    match world.query(&actor("alice"), query) {
        Ok(Reply::Page(rows)) => rows.iter().map(|row| row.sequence.get()).collect(),
        other => panic!("what lies aside was answered {other:?}"),
    }
}

fn code(answer: Result<Reply, Refusal>) -> &'static str {
    answer.map_or_else(|refusal| refusal.code().as_str(), |_| "yes")
}

#[test]
fn without_a_rule_who_has_a_name_is_accepted_and_who_has_none_is_told_no() {
    let mut world = world();
    assert_eq!(code(world.send("bob", "alice", "m1")), "yes");
    let hello = Command::Send(message("alice", "m2", "hello"));
    assert_eq!(code(world.ask(&nobody(1), hello)), "delivery-refused");
    assert_eq!(world.page("alice", 0), [1]);
}

#[test]
fn a_refused_sender_is_told_with_the_owners_reason_and_nothing_is_stored() {
    let mut world = world();
    world.deliver("alice", vec![delivery_rule("bob@d.example", refuse("not now"))]);
    let (events, answer) =
        world.events(&actor("bob"), Command::Send(message("alice", "m1", "hello")));
    let refusal = answer.unwrap_err();
    assert_eq!((events.len(), refusal.code().as_str()), (0, "delivery-refused"));
    assert!(refusal.to_string().contains("not now"), "{refusal}");
    assert_eq!(code(world.send("carol", "alice", "m1")), "yes");
}

#[test]
fn what_is_put_aside_looks_delivered_to_its_sender_and_is_in_no_feed() {
    let mut world = world();
    world.deliver("alice", vec![delivery_rule("bob@d.example", Delivery::Quarantine)]);
    world.open_inbox(1, &actor("alice"), "alice", None).unwrap();
    world.told();
    let put_aside = world.send("bob", "alice", "m1");
    assert_eq!(put_aside, world.send("carol", "alice", "m2"));
    assert_eq!(world.send("bob", "alice", "m1"), Ok(Reply::Done(Answer::Sent { duplicate: true })));
    let rows: Vec<_> = world
        .told()
        .iter()
        .filter_map(|output| match output {
            adsum::service::Output::Inbox { row, .. } => Some(row.sequence.get()),
            _ => None,
        })
        .collect();
    assert_eq!(rows, [2]);
    assert_eq!(world.page("alice", 0), [2]);
    assert_eq!(aside(&mut world), [1]);
    let status = world.query(&actor("alice"), Query::from(InboxStatus { inbox: im("alice") }));
    let Ok(Reply::Found(Findings::InboxStatus(state))) = status else { panic!("{status:?}") };
    assert_eq!((state.waiting, state.kept), (1, 1));
    // It can be deleted as any other.
    let sequences = vec![InboxSequence::new(1)];
    let gone = world.ask(
        &actor("alice"),
        Command::Delete(Delete {
            operation: adsum::model::OperationId::default(),
            inbox: im("alice"),
            sequences,
            sender: None,
        }),
    );
    assert_eq!(gone, Ok(Reply::Done(Answer::Deleted { count: 1 })));
    assert!(aside(&mut world).is_empty());
}

#[test]
fn only_those_without_a_name_are_discarded_and_they_do_not_notice() {
    let mut world = world();
    let change = DeliveryChange {
        put: vec![delivery_rule("bob@d.example", Delivery::Discard)],
        ..DeliveryChange::default()
    };
    assert_eq!(code(world.ask(&actor("alice"), delivery("alice", change))), "bad-field");
    world.deliver("alice", vec![delivery_rule("anonymous", Delivery::Discard)]);
    let hello = Command::Send(message("alice", "m1", "hello"));
    let sent = |duplicate| Ok(Reply::Done(Answer::Sent { duplicate }));
    let (events, answer) = world.events(&nobody(1), hello.clone());
    assert_eq!(answer, sent(false));
    let is_kept = |event: &Event| matches!(event, Event::MessageQuarantined(one) if one.message.body != Payload::Erased);
    assert!(
        events.len() == 2 && !events.iter().any(is_kept),
        "its name stays, and not what it said"
    );
    assert!(world.page("alice", 0).is_empty());
    // Repeats are answered as those of messages that were taken.
    assert_eq!(world.ask(&nobody(1), hello), sent(true));
    let other = Command::Send(message("alice", "m1", "another"));
    assert_eq!(code(world.ask(&nobody(1), other)), "duplicate-id");
}

/// Carol is a member of the group `friends`.
fn grouped(action: Delivery, who: &str) -> World {
    let mut world = World::with(&["alice", "carol", "friends"]);
    world.give("friends", "carol", adsum::model::Rights::MEMBER);
    world.deliver("alice", vec![delivery_rule(who, action)]);
    world
}

fn as_group(world: &mut World, id: &str) -> Result<Reply, Refusal> {
    let sender = Some(crate::world::principal("friends"));
    world.ask(&actor("carol"), Command::Send(Send { sender, ..message("alice", id, "hello") }))
}

#[test]
fn who_is_kept_out_is_kept_out_as_a_member_of_a_group_too() {
    let mut world = grouped(refuse("not you"), "carol@d.example");
    assert_eq!(code(as_group(&mut world, "m1")), "delivery-refused");
    let mut world = grouped(Delivery::Quarantine, "carol@d.example");
    assert_eq!(code(as_group(&mut world, "m1")), "yes");
    assert!(world.page("alice", 0).is_empty());
    // What is said of the group by name stands above what is said of everybody.
    let mut world = grouped(refuse("nobody"), "@d.example");
    world.deliver("alice", vec![delivery_rule("friends@d.example", Delivery::Accept)]);
    assert_eq!(code(as_group(&mut world, "m1")), "yes");
}

#[test]
fn who_is_blocked_reads_nothing_of_open_and_closed_from_the_answers() {
    use Handling::{Allow, Block, PoliteBlock};
    for (handling, expected) in [(Allow, "inbox-closed"), (Block, "yes"), (PoliteBlock, "yes")] {
        let mut world = grouped(Delivery::Accept, "carol@d.example");
        world.decide("alice", "carol@d.example", handling);
        statuses(&mut world, 1, &[(Basic::Closed, "im:alice@d.example")]);
        assert_eq!(code(world.send("carol", "alice", "m1")), expected, "{handling:?}");
        assert_eq!(code(as_group(&mut world, "m2")), expected, "{handling:?} as a group");
    }
}

#[test]
fn who_has_no_name_gets_one_answer_for_those_who_are_there_and_those_who_are_not() {
    let mut world = world();
    world.deliver("alice", vec![delivery_rule("anonymous", refuse("I am here"))]);
    let mut said = |name: &str, id: &str, body: &str| {
        let answer = world.ask(&nobody(1), Command::Send(message(name, id, body)));
        answer.unwrap_err().to_string().replace(name, "SOMEBODY")
    };
    for (id, body) in [("m1", "hello"), ("m2", "")] {
        let [there, silent, gone] = ["alice", "bob", "nosuch"].map(|name| said(name, id, body));
        assert_eq!((&there, &silent), (&gone, &gone));
    }
}

#[test]
fn rules_look_at_who_sends_what_and_how_much() {
    let mut world = world();
    let images = DeliveryRule {
        content_type: Some(adsum::model::MediaRange::new("image/*").unwrap()),
        larger_than: Some(4),
        ..delivery_rule("@d.example", refuse("no large images"))
    };
    let carol = delivery_rule("carol@d.example", Delivery::Accept);
    world.deliver("alice", vec![images, carol]);
    let mut number = 0;
    let mut send = |from: &str, kind: &str, body: &str| {
        number += 1;
        let content_type = ContentType::new(kind).unwrap();
        let send = message("alice", &format!("m{number}"), body);
        code(world.ask(&actor(from), Command::Send(Send { content_type, ..send })))
    };
    assert_eq!(send("bob", "image/png", "12345"), "delivery-refused");
    assert_eq!(send("bob", "Image/PNG; q=1", "12345"), "delivery-refused");
    assert_eq!(send("bob", "image/png", "1234"), "yes");
    assert_eq!(send("bob", "text/plain", "12345"), "yes");
    assert_eq!(send("carol", "image/png", "12345"), "yes");
}

fn statuses(world: &mut World, number: u8, statuses: &[(Basic, &str)]) {
    let tuples = statuses.iter().enumerate().map(|(at, (basic, uri))| {
        let contact = Some(Contact { uri: Payload::text(uri), priority: None });
        Tuple { contact, ..Tuple::plain(TupleId::new(&format!("t{at}")).unwrap(), *basic) }
    });
    let document = Some(Document::new(tuples.collect(), vec![], vec![]).unwrap());
    let publish = Publish { document, ..publish("alice", number, "") };
    world.ask(&actor("alice"), Command::Publish(publish)).unwrap();
}

#[test]
fn an_inbox_is_closed_when_all_that_names_it_says_so() {
    use Basic::{Closed, Open};
    const HERE: &str = "im:alice@d.example";
    const ELSEWHERE: &str = "im:alice@e.example";
    for (number, (said, expected)) in [
        (vec![], "yes"),
        (vec![(Closed, "tel:+1")], "yes"),
        (vec![(Closed, ELSEWHERE)], "yes"),
        (vec![(Closed, HERE)], "inbox-closed"),
        (vec![(Closed, "im:ALICE@D.example")], "inbox-closed"),
        (vec![(Closed, HERE), (Open, "tel:+1")], "inbox-closed"),
        (vec![(Closed, HERE), (Open, HERE)], "yes"),
        (vec![(Open, HERE)], "yes"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut world = world();
        statuses(&mut world, u8::try_from(number).unwrap() + 1, &said);
        assert_eq!(code(world.send("bob", "alice", "m1")), expected, "{said:?}");
        // Not even the owner writes to itself then, unless it stores what comes.
        let change =
            DeliveryChange { when_closed: Some(WhenClosed::Store), ..DeliveryChange::default() };
        world.ask(&actor("alice"), delivery("alice", change)).unwrap();
        assert_eq!(code(world.send("bob", "alice", "m2")), "yes", "{said:?}");
    }
}

#[test]
fn a_message_that_was_accepted_is_a_duplicate_also_when_the_rules_changed() {
    let mut world = world();
    world.send("bob", "alice", "m1").unwrap();
    world.deliver("alice", vec![delivery_rule("bob@d.example", refuse(""))]);
    assert_eq!(world.send("bob", "alice", "m1"), Ok(Reply::Done(Answer::Sent { duplicate: true })));
    assert_eq!(code(world.send("bob", "alice", "m2")), "delivery-refused");
}

#[test]
fn delivery_rules_changed_twice_by_one_operation_are_changed_once() {
    let mut world = world();
    let change = |number, action, if_version| {
        Command::ChangeDelivery(ChangeDelivery {
            inbox: im("alice"),
            operation: operation(number),
            if_version,
            change: DeliveryChange {
                put: vec![delivery_rule("bob@d.example", action)],
                ..DeliveryChange::default()
            },
        })
    };
    let first = world.ask(&actor("alice"), change(1, refuse(""), None));
    assert_eq!(first, Ok(Reply::Done(Answer::Changed { version: 1 })));
    world.ask(&actor("alice"), change(2, Delivery::Accept, Some(1))).unwrap();
    let (events, again) = world.events(&actor("alice"), change(1, refuse(""), None));
    assert_eq!((events.len(), again), (0, first));
    assert_eq!(code(world.send("bob", "alice", "m1")), "yes");
    assert_eq!(
        code(world.ask(&actor("alice"), change(3, Delivery::Accept, Some(1)))),
        "stale-version"
    );
    let remove = vec![RuleName::new("nosuch").unwrap()];
    let missing = DeliveryChange { remove, ..DeliveryChange::default() };
    assert_eq!(code(world.ask(&actor("alice"), delivery("alice", missing))), "no-rule");
    assert_eq!(code(world.ask(&actor("bob"), change(4, Delivery::Accept, None))), "forbidden");
}

#[test]
fn what_lies_aside_never_crowds_out_the_rest() {
    use adsum::model::limits::QUARANTINED_MAX;
    let mut world = world();
    world.deliver("alice", vec![delivery_rule("bob@d.example", Delivery::Quarantine)]);
    world.send("carol", "alice", "mine").unwrap();
    for number in 0..=QUARANTINED_MAX {
        world.send("bob", "alice", &format!("m{number}")).unwrap();
    }
    let view = world.service.views().inbox(&im("alice")).unwrap();
    assert_eq!(view.quarantined(), QUARANTINED_MAX as u64);
    assert_eq!(world.page("alice", 0), [1]);
    let ended = world.log.iter().filter(|it| matches!(it.event, Event::MessageEnded(_)));
    assert_eq!(ended.count(), 1);
}

#[test]
fn a_full_inbox_still_has_its_place_for_what_is_put_aside_and_the_other_way_round() {
    use adsum::model::limits::{MESSAGES_WAITING_MAX, QUARANTINED_MAX};
    for aside_first in [true, false] {
        let mut world = world();
        world.deliver("alice", vec![delivery_rule("bob@d.example", Delivery::Quarantine)]);
        let order = if aside_first { ["bob", "carol"] } else { ["carol", "bob"] };
        for name in order {
            if name == "carol" {
                world.fill("alice", MESSAGES_WAITING_MAX);
                continue;
            }
            for number in 0..QUARANTINED_MAX {
                assert_eq!(code(world.send(name, "alice", &format!("m{number}"))), "yes");
            }
        }
        let ended = |world: &World| {
            let ended = world.log.iter().filter(|it| matches!(it.event, Event::MessageEnded(_)));
            ended.count()
        };
        assert_eq!(ended(&world), 0, "both are at their limit, and nothing made room");
        assert_eq!(code(world.send("carol", "alice", "one-over")), "inbox-full");
        assert_eq!(code(world.send("bob", "alice", "one-over")), "yes");
        let view = world.service.views().inbox(&im("alice")).unwrap();
        let counts = (view.told(), view.quarantined(), ended(&world));
        assert_eq!(counts, (MESSAGES_WAITING_MAX as u64, QUARANTINED_MAX as u64, 1));
    }
}
