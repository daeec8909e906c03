//! How much is remembered of what was asked, and for how long.
//!
//! Must never hold: what a repeat is answered.

use super::*;
use crate::world::{World, operation};

#[test]
fn what_is_remembered_is_bounded_by_number_and_of_the_silent_nothing_remains() {
    let mut server = Server::new(0);
    let alice = actor("alice");
    let publishes: Vec<_> = (0..=OPERATIONS_OF_DEVICE_MAX)
        .map(|number| Command::Publish(publication(number, None)))
        .collect();
    server.pipeline(&alice, &publishes);
    let head = server.commit.head();
    server.pipeline(&alice, &publishes[1..]);
    assert_eq!(server.commit.head(), head, "the last ones are known");
    server.ask(&alice, publishes[0].clone()).unwrap();
    assert_eq!(server.commit.head(), head.next(), "the one before is not");

    assert_eq!(server.remembering(), 1);
    server.pass(Lifetime::from_ms(OPERATION_MS - 1));
    server.ask(&actor("bob"), subscribe("alice", Mode::Latest)).unwrap();
    assert_eq!(server.remembering(), 1, "to the last moment");
    server.pass(seconds(1));
    server.ask(&actor("bob"), Command::Send(message("carol", "m", "any event"))).unwrap();
    assert_eq!(server.remembering(), 0, "nothing of who is silent");
    server.restart(false);
    assert_eq!(server.remembering(), 0, "nor after the log is folded again");
}

#[test]
fn what_is_over_is_forgotten_a_few_at_a_time_and_remembered_no_more_at_once() {
    let mut server = Server::new(0);
    let alice = actor("alice");
    let publishes: Vec<_> =
        (0..100).map(|number| Command::Publish(publication(number, None))).collect();
    server.pipeline(&alice, &publishes);
    server.pass(Lifetime::from_ms(OPERATION_MS + 1_000));
    let unforgotten = |server: &Server| {
        let alice = Operator::Device(actor("alice").device);
        server.commit.views().operations_held(&alice)
    };
    let mut before = unforgotten(&server);
    assert!(before > 50, "{before}");
    for number in 0..100 {
        let head = server.commit.head().get();
        let text = Command::Send(message("carol", &format!("m{number}"), "any event"));
        server.ask(&actor("bob"), text).unwrap();
        let events = usize::try_from(server.commit.head().get() - head).unwrap();
        let after = unforgotten(&server);
        assert!(before - after <= events * OPERATIONS_FORGOTTEN_MAX, "{before} to {after}");
        assert_eq!(server.remembering(), 0, "whatever is held");
        before = after;
    }
    assert_eq!(before, 0);
    let head = server.commit.head();
    server.ask(&alice, publishes[99].clone()).unwrap();
    assert!(server.commit.head() > head, "as if it were new");
}

#[test]
fn one_device_does_not_push_out_what_another_is_waiting_for() {
    let mut server = Server::new(2);
    let devices = ["alice-0", "alice-1"].map(|device| crate::world::device_of("alice", device));
    let of = |name: &str, number| Publish {
        name: PublicationName::new(name).unwrap(),
        ..publication(number, None)
    };
    let quiet: Vec<_> = (0..MANY).map(|it| Command::Publish(of("quiet", it))).collect();
    let loud: Vec<_> = (0..MANY).map(|it| Command::Publish(of("loud", it))).collect();
    let first = server.pipeline(&devices[0], &quiet);
    server.pipeline(&devices[1], &loud);
    assert_eq!(server.pipeline(&devices[0], &quiet), first);
    const { assert!(OPERATIONS_OF_PRINCIPAL_MAX >= 16 * REQUESTS_IN_FLIGHT_MAX) };
}

#[test]
fn two_devices_of_one_principal_may_give_what_they_do_the_same_name() {
    let mut world = World::with(&["alice", "bob"]);
    let phone = world.another_device("alice", "phone");
    for id in ["m1", "m2"] {
        world.send("bob", "alice", id).unwrap();
    }
    // What it is about is a part of the name: the first message.
    let delete = |sequences: &[u64]| {
        let sequences = sequences.iter().map(|it| InboxSequence::new(*it)).collect();
        let (operation, inbox) = (operation(1), im("alice"));
        Command::Delete(Delete { operation, inbox, sequences, sender: None })
    };
    let deleted = |count| Ok(Reply::Done(Answer::Deleted { count }));
    assert_eq!(world.ask(&actor("alice"), delete(&[1])), deleted(1));
    assert_eq!(world.ask(&phone, delete(&[1, 2])), deleted(1));
    assert!(world.page("alice", 0).is_empty());
    assert_eq!(world.ask(&phone, delete(&[1, 2])), deleted(1), "the first answer again");
}
