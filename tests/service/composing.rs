//! Composing indications: who is told, who is not, and that nothing of them stays.
//!
//! Must never hold: what an indication says (see `format`).

use adsum::model::limits::{COMPOSING_A_MINUTE_MAX, COMPOSING_BYTES_MAX};
use adsum::model::{
    COMPOSING_TYPE, ContentType, Delivery, Handling, Payload, Refusal, composing_document,
};
use adsum::protocol::{Answer, Command, Composing, Send};
use adsum::service::{Output, Reply};

use crate::world::governed::{delivery_rule, nobody};
use crate::world::{World, actor, feed_id, message, seconds};

fn world() -> World {
    let mut world = World::asking(&["alice", "bob", "carol"]);
    world.open_inbox(1, &actor("alice"), "alice", None).unwrap();
    world.open_inbox(2, &actor("carol"), "carol", None).unwrap();
    world.told();
    world
}

fn indication(id: &str) -> Send {
    let content_type = ContentType::new(COMPOSING_TYPE).unwrap();
    let body = Payload::text(&composing_document(true, None));
    Send { content_type, body, ..message("alice", id, "x") }
}

/// Sends to alice as bob does: how many events that made, and the answer.
fn sends(world: &mut World, send: Send) -> (usize, Result<Reply, Refusal>) {
    let (events, answer) = world.events(&actor("bob"), Command::Send(send));
    (events.len(), answer)
}

fn told(world: &mut World) -> Vec<Composing> {
    let told = world.told();
    assert!(!told.iter().any(|output| matches!(output, Output::Inbox { .. })));
    let composing = told.into_iter().filter_map(|output| match output {
        Output::Composing { feeds, item } => {
            assert_eq!(feeds, [feed_id(1)], "nobody else is told");
            Some(Composing::clone(&item))
        }
        _ => None,
    });
    composing.collect()
}

const SENT: Reply = Reply::Done(Answer::Sent { duplicate: false });

#[test]
fn who_has_the_inbox_open_is_told_and_nothing_is_recorded() {
    let mut world = world();
    assert_eq!(sends(&mut world, indication("c1")), (0, Ok(SENT)));
    let [composing] = &told(&mut world)[..] else { panic!("it is told once") };
    assert_eq!(composing.sender.to_string(), "bob@d.example");
    assert_eq!(composing.content_type.as_str(), COMPOSING_TYPE);
    assert_eq!(world.page("alice", 0), [0; 0]);
    // The same id again is no repeat: there is nothing to recognise, and the name is free.
    assert_eq!(sends(&mut world, indication("c1")), (0, Ok(SENT)));
    assert_eq!(told(&mut world).len(), 1);
    assert_eq!(sends(&mut world, message("alice", "c1", "hello")).1, Ok(SENT));
}

#[test]
fn an_indication_inside_of_a_message_cpim_is_one_too() {
    let mut world = world();
    let text = format!(
        "From: <im:bob@d.example>\r\nTo: <im:alice@d.example>\r\n\r\nContent-Type: {COMPOSING_TYPE}\r\n\r\n{}",
        composing_document(true, None)
    );
    let content_type = ContentType::new("message/cpim").unwrap();
    let send = Send { content_type, body: Payload::text(&text), ..message("alice", "c1", "x") };
    assert_eq!(sends(&mut world, send), (0, Ok(SENT)));
    assert_eq!(told(&mut world)[0].body, text.as_bytes());
}

#[test]
fn the_answer_is_the_same_whether_somebody_listens_or_the_rules_let_nobody_hear() {
    for action in [Delivery::Accept, Delivery::Quarantine] {
        let mut world = world();
        world.deliver("alice", vec![delivery_rule("bob@d.example", action.clone())]);
        world.told();
        assert_eq!(sends(&mut world, indication("c1")), (0, Ok(SENT)));
        assert_eq!(told(&mut world).len(), usize::from(action == Delivery::Accept));
    }
    let mut world = world();
    world.decide("alice", "bob@d.example", Handling::PoliteBlock);
    world.told();
    assert_eq!(sends(&mut world, indication("c1")), (0, Ok(SENT)));
    let mut offline = World::asking(&["alice", "bob"]);
    assert_eq!(sends(&mut offline, indication("c1")), (0, Ok(SENT)));
}

#[test]
fn who_may_not_send_a_message_may_not_say_that_it_is_composing_one() {
    let mut world = world();
    let code = |answer: Result<Reply, Refusal>| answer.unwrap_err().code().as_str();
    let reason = "not now".to_owned();
    world.deliver("alice", vec![delivery_rule("bob@d.example", Delivery::Refuse { reason })]);
    assert_eq!(code(sends(&mut world, indication("c1")).1), "delivery-refused");
    assert_eq!(code(world.ask(&nobody(1), Command::Send(indication("c1")))), "delivery-refused");
    let elsewhere = Send { inbox: "im:x@d.example".parse().unwrap(), ..indication("c1") };
    let plain = Send { inbox: elsewhere.inbox.clone(), ..message("alice", "m1", "x") };
    assert_eq!(sends(&mut world, elsewhere).1, sends(&mut world, plain).1);
    let foreign = Send { sender: Some("carol@d.example".parse().unwrap()), ..indication("c1") };
    assert_eq!(code(sends(&mut world, foreign).1), "not-your-sender");
    let large = Payload::text(&"x".repeat(COMPOSING_BYTES_MAX + 1));
    let mut open = self::world();
    assert_eq!(code(sends(&mut open, Send { body: large, ..indication("c1") }).1), "too-large");
    let most = Payload::text(&"x".repeat(COMPOSING_BYTES_MAX));
    assert_eq!(sends(&mut open, Send { body: most, ..indication("c1") }).1, Ok(SENT));
}

#[test]
fn more_than_a_few_a_minute_are_dropped_and_the_sender_does_not_notice() {
    let mut world = world();
    for _ in 0..COMPOSING_A_MINUTE_MAX + 5 {
        assert_eq!(sends(&mut world, indication("c1")), (0, Ok(SENT)));
    }
    assert_eq!(told(&mut world).len(), COMPOSING_A_MINUTE_MAX as usize);
    world.ask(&actor("carol"), Command::Send(indication("c1"))).unwrap();
    assert_eq!(told(&mut world).len(), 1, "another sender has a rate of its own");
    world.pass(seconds(60));
    assert_eq!(sends(&mut world, indication("c1")), (0, Ok(SENT)));
    assert_eq!(told(&mut world).len(), 1, "a minute later it goes on");
}
