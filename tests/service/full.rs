//! What is refused while there is no room to record anything new, and what goes on.

use crate::commit::Server;
use crate::world::{World, actor, message, publish, seconds, subscribe};
use adsum::event::Event;
use adsum::log::Room;
use adsum::model::{Mode, Moment, Refusal, RefusalCode};
use adsum::protocol::Command;
use adsum::service::{Input, Output, SessionId, Ticket};

const TICKET: Ticket = Ticket { session: SessionId(1), number: 1 };

/// Alice watches bob, who has published something that is about to end, and whose inbox has two messages.
fn world() -> World {
    let mut world = World::with(&["alice", "bob"]);
    world.publish("bob", 1, "here");
    world.watch("alice", "bob").unwrap();
    world.send("alice", "bob", "m1").unwrap();
    world.send("alice", "bob", "m2").unwrap();
    world.told();
    world
}

#[test]
fn what_would_record_something_is_refused_and_leaves_nothing() {
    let mut world = world();
    world.service.storage_full(true);
    let commands: [Command; 3] = [
        publish("bob", 2, "new").into(),
        message("bob", "m3", "hello").into(),
        subscribe("alice", Mode::Latest),
    ];
    for command in commands {
        let (events, answer) = world.events(&actor("bob"), command);
        assert_eq!(answer.unwrap_err().code(), RefusalCode::StorageFull);
        assert_eq!(events, []);
    }
    assert_eq!(world.enroll("carol", "carol").unwrap_err().code(), RefusalCode::StorageFull);
    assert!(world.send("alice", "bob", "m2").is_ok(), "a repeat is answered as before");
    world.service.storage_full(false);
    world.send("alice", "bob", "m3").unwrap();
    world.enroll("carol", "carol").unwrap();
}

#[test]
fn what_is_asked_is_answered_what_was_read_is_acknowledged_and_what_ends_ends() {
    let mut world = world();
    world.open_presence(1, "alice", &[], Moment::ZERO);
    world.service.storage_full(true);
    assert_eq!(world.fetch_note("alice", "bob"), "here");
    assert_eq!(world.page("bob", 0), [1, 2]);
    let (events, answer) = world.takes(&actor("bob"), "bob", 1);
    assert!(answer.is_ok() && matches!(events[..], [Event::Acknowledged(_)]), "{events:?}");
    let events = world.pass(seconds(86_400));
    assert!(events.iter().any(|event| matches!(event, Event::PublicationEnded(_))), "{events:?}");
    assert!(world.told().iter().any(|told| matches!(told, Output::Presence { .. })));
    assert_ne!(world.fetch_note("alice", "bob"), "here");
}

#[test]
fn a_commit_refuses_as_long_as_its_log_has_too_little_room() {
    let mut server = Server::new();
    let rooms =
        [(Room::Plenty, false), (Room::Short, true), (Room::None, true), (Room::Plenty, false)];
    for (number, (room, is_refused)) in (1..).zip(rooms) {
        server.disk.set_room(room);
        assert_eq!(server.commit.look_for_room(), room);
        let (ticket, command) = (TICKET, publish("alice", number, "new").into());
        let told = server.round(vec![Input::Command { ticket, actor: actor("alice"), command }]);
        let [Output::Reply { result, .. }] = &told[..] else { panic!("{told:?}") };
        let refused = result.as_ref().err().map(Refusal::code);
        assert_eq!(refused, is_refused.then_some(RefusalCode::StorageFull), "{room:?}");
    }
}
