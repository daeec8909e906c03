//! What a sender learns of a message after it was accepted, and that it is never more than the recipient lets.

use crate::world::governed::{delivery, delivery_rule, nobody};
use crate::world::{World, actor, im, message, seconds};
use adsum::event::Event;
use adsum::model::{Delivery, DeliveryChange, InboxSequence, ReceiptKind, Receipts};
use adsum::protocol::{Answer, Command, Delete, Send};
use adsum::service::Reply;

use ReceiptKind::{Delivered, Displayed, Expired, Failed, Stored};

const ALL: Receipts = Receipts::from_bits(31);

/// Bob, who says what became of his messages, or does not.
fn world(is_allowed: bool) -> World {
    let mut world = World::with(&["alice", "bob", "carol"]);
    let change = DeliveryChange { receipts: Some(is_allowed), ..DeliveryChange::default() };
    world.ask(&actor("bob"), delivery("bob", change)).unwrap();
    world
}

fn send(world: &mut World, id: &str, receipts: Receipts) -> Result<Reply, adsum::model::Refusal> {
    let send = Send { receipts, lifetime: Some(seconds(100)), ..message("bob", id, "hello") };
    world.ask(&actor("alice"), Command::Send(send))
}

fn take(world: &mut World, through: u64) {
    world.takes(&actor("bob"), "bob", through).1.unwrap();
}

fn display(world: &mut World, sequence: u64) -> Result<Reply, adsum::model::Refusal> {
    let (inbox, sequence) = (im("bob"), InboxSequence::new(sequence));
    world.ask(
        &actor("bob"),
        Command::Displayed(adsum::protocol::Displayed {
            operation: adsum::model::OperationId::default(),
            inbox,
            sequence,
        }),
    )
}

fn delete(world: &mut World, sequence: u64) {
    let (inbox, sequences) = (im("bob"), vec![InboxSequence::new(sequence)]);
    world
        .ask(
            &actor("bob"),
            Command::Delete(Delete {
                operation: adsum::model::OperationId::default(),
                inbox,
                sequences,
                sender: None,
            }),
        )
        .unwrap();
}

/// The receipts in Alice's inbox: of which message, and what.
fn receipts(world: &World) -> Vec<(String, ReceiptKind)> {
    let issued = world.log.iter().filter_map(|recorded| match &recorded.event {
        Event::ReceiptIssued(event) => {
            assert_eq!((&event.inbox, &event.recipient), (&im("alice"), &im("bob")));
            Some((event.id.as_str().to_owned(), event.kind))
        }
        _ => None,
    });
    issued.collect()
}

fn kinds(world: &World) -> Vec<ReceiptKind> {
    receipts(world).into_iter().map(|(_, kind)| kind).collect()
}

#[test]
fn each_kind_comes_once_and_in_its_time() {
    let mut world = world(true);
    send(&mut world, "m1", ALL).unwrap();
    assert_eq!(kinds(&world), [Stored]);
    assert_eq!(send(&mut world, "m1", ALL), Ok(Reply::Done(Answer::Sent { duplicate: true })));
    take(&mut world, 1);
    take(&mut world, 1);
    assert_eq!(kinds(&world), [Stored, Delivered]);
    display(&mut world, 1).unwrap();
    display(&mut world, 1).unwrap();
    assert_eq!(kinds(&world), [Stored, Delivered, Displayed]);
    delete(&mut world, 1);
    world.pass(seconds(1_000));
    assert_eq!(kinds(&world), [Stored, Delivered, Displayed]);
    assert_eq!(world.page("alice", 0), [1, 2, 3]);
}

#[test]
fn only_what_was_asked_for_comes() {
    for &kind in ReceiptKind::ALL {
        let mut world = world(true);
        send(&mut world, "m1", Receipts::NONE.with(kind)).unwrap();
        send(&mut world, "m2", Receipts::NONE).unwrap();
        take(&mut world, 1);
        display(&mut world, 1).unwrap();
        let expected = if matches!(kind, Failed | Expired) { vec![] } else { vec![kind] };
        assert_eq!(kinds(&world), expected, "{kind:?}");
    }
}

#[test]
fn what_the_recipient_does_is_told_only_if_it_lets() {
    let mut world = world(false);
    send(&mut world, "m1", ALL).unwrap();
    take(&mut world, 1);
    assert_eq!(display(&mut world, 1), Ok(Reply::Done(Answer::Changed { version: 0 })));
    assert!(kinds(&world).is_empty());
}

#[test]
fn a_message_that_is_deleted_or_runs_out_unread_has_failed() {
    for is_allowed in [true, false] {
        let mut world = world(is_allowed);
        send(&mut world, "m1", ALL).unwrap();
        send(&mut world, "m2", ALL).unwrap();
        delete(&mut world, 1);
        world.pass(seconds(100));
        if !is_allowed {
            assert!(kinds(&world).is_empty(), "no receipt of any kind");
            continue;
        }
        let expected = [("m1", Stored), ("m2", Stored), ("m1", Failed), ("m2", Expired)];
        assert_eq!(receipts(&world), expected.map(|(id, kind)| (id.to_owned(), kind)));
    }
}

#[test]
fn a_message_that_was_displayed_did_not_fail() {
    let mut world = world(true);
    send(&mut world, "m1", ALL).unwrap();
    display(&mut world, 1).unwrap();
    delete(&mut world, 1);
    assert_eq!(kinds(&world), [Stored, Displayed]);
}

#[test]
fn of_what_was_taken_and_then_deleted_it_is_not_said_that_it_failed() {
    let mut world = world(true);
    send(&mut world, "m1", ALL).unwrap();
    send(&mut world, "m2", ALL).unwrap();
    take(&mut world, 1);
    delete(&mut world, 1);
    assert_eq!(kinds(&world), [Stored, Stored, Delivered]);
    delete(&mut world, 2);
    assert_eq!(kinds(&world), [Stored, Stored, Delivered, Failed]);
}

#[test]
fn what_the_sender_was_told_at_once_is_not_told_again() {
    let mut world = world(true);
    let refuse = Delivery::Refuse { reason: String::new() };
    world.deliver("bob", vec![delivery_rule("alice@d.example", refuse)]);
    send(&mut world, "m1", ALL).unwrap_err();
    assert!(kinds(&world).is_empty());
}

#[test]
fn who_sends_without_a_name_asks_in_vain_and_a_receipt_has_none_of_its_own() {
    let mut world = world(true);
    world.deliver("bob", vec![delivery_rule("anonymous", Delivery::Accept)]);
    let hello = Send { receipts: ALL, ..message("bob", "m1", "hello") };
    world.ask(&nobody(1), Command::Send(hello)).unwrap();
    take(&mut world, 1);
    assert!(kinds(&world).is_empty());
    send(&mut world, "m2", ALL).unwrap();
    world.takes(&actor("alice"), "alice", 1).1.unwrap();
    assert_eq!(kinds(&world), [Stored]);
}

#[test]
fn a_receipt_is_there_for_all_devices_until_it_is_deleted() {
    let mut world = world(true);
    send(&mut world, "m1", ALL).unwrap();
    world.open_inbox(1, &actor("alice"), "alice", None).unwrap();
    world.told();
    take(&mut world, 1);
    let told = world.told();
    assert!(
        matches!(&told[..], [adsum::service::Output::Inbox { row, .. }] if row.sequence.get() == 2),
        "{told:?}"
    );
    let (inbox, sequences) = (im("alice"), vec![InboxSequence::new(1)]);
    let gone = world.ask(
        &actor("alice"),
        Command::Delete(Delete {
            operation: adsum::model::OperationId::default(),
            inbox,
            sequences,
            sender: None,
        }),
    );
    assert_eq!(gone, Ok(Reply::Done(Answer::Deleted { count: 1 })));
    assert_eq!(world.page("alice", 0), [2]);
}

#[test]
fn what_is_not_there_was_not_displayed() {
    let mut world = world(true);
    send(&mut world, "m1", ALL).unwrap();
    let code = |answer: Result<Reply, adsum::model::Refusal>| answer.unwrap_err().code().as_str();
    assert_eq!(code(display(&mut world, 7)), "no-message");
    delete(&mut world, 1);
    assert_eq!(code(display(&mut world, 1)), "no-message");
    let (inbox, sequence) = (im("bob"), InboxSequence::new(1));
    let foreign = world.ask(
        &actor("carol"),
        Command::Displayed(adsum::protocol::Displayed {
            operation: adsum::model::OperationId::default(),
            inbox,
            sequence,
        }),
    );
    assert_eq!(code(foreign), "forbidden");
}

#[test]
fn a_receipt_is_let_into_an_inbox_with_one_place_left_and_not_into_a_full_one() {
    use adsum::model::limits::MESSAGES_WAITING_MAX;
    let mut world = world(true);
    world.fill("alice", MESSAGES_WAITING_MAX - 1);
    let stored = Receipts::NONE.with(Stored);
    send(&mut world, "last", stored).unwrap();
    assert_eq!(kinds(&world), [Stored]);
    let sent = send(&mut world, "none", stored);
    assert_eq!(sent, Ok(Reply::Done(Answer::Sent { duplicate: false })), "the message is stored");
    assert_eq!(kinds(&world), [Stored], "and nothing is told of it");
    let told = |world: &World| world.service.views().inbox(&im("alice")).unwrap().told();
    assert_eq!(told(&world), MESSAGES_WAITING_MAX as u64);
    // What was read makes room, for one.
    world.takes(&actor("alice"), "alice", 1).1.unwrap();
    send(&mut world, "made", stored).unwrap();
    send(&mut world, "over", stored).unwrap();
    assert_eq!(kinds(&world), [Stored, Stored]);
    assert_eq!(told(&world), MESSAGES_WAITING_MAX as u64);
}

#[test]
fn the_receipts_of_messages_taken_at_once_are_let_in_as_far_as_there_is_room() {
    use adsum::model::limits::MESSAGES_WAITING_MAX;
    let mut world = world(true);
    world.fill("alice", MESSAGES_WAITING_MAX - 2);
    for id in ["m1", "m2", "m3"] {
        send(&mut world, id, Receipts::NONE.with(Delivered)).unwrap();
    }
    take(&mut world, 3);
    assert_eq!(kinds(&world), [Delivered, Delivered]);
    let told = world.service.views().inbox(&im("alice")).unwrap().told();
    assert_eq!(told, MESSAGES_WAITING_MAX as u64);
}
