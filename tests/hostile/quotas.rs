//! What one sender may take of another's inbox: others are not refused for it, and its owner is rid of it at once.
//!
//! Must never hold: a limit as a number (those are in `model::limits`).

use adsum::model::limits::{
    DELETE_COUNT_MAX, MESSAGES_WAITING_MAX, MESSAGES_WAITING_OF_SENDER_MAX as SHARE,
    QUARANTINED_MAX, QUARANTINED_OF_SENDER_MAX,
};
use adsum::model::{Delivery, OperationId, Quota, Refusal};
use adsum::protocol::{Answer, Command, Delete, Framed as _, body};
use adsum::service::Reply;
use adsum::view::{SenderKey, Views};

use crate::world::governed::delivery_rule;
use crate::world::{World, actor, im, principal};

fn delete_from(sender: &str) -> Command {
    let (operation, sequences) = (OperationId::default(), Vec::new());
    let sender = Some(principal(sender));
    Command::Delete(Delete { operation, inbox: im("alice"), sequences, sender })
}

fn bomb(world: &mut World, count: usize) {
    for number in 0..count {
        world.send("mallory", "alice", &format!("bomb{number}")).unwrap();
    }
}

fn over(world: &mut World) -> Refusal {
    world.send("mallory", "alice", "one-over").unwrap_err()
}

#[test]
fn a_mailbox_bomb_fills_its_senders_part_and_nobody_elses() {
    let mut world = World::with(&["alice", "bob", "mallory"]);
    bomb(&mut world, SHARE);
    let before = world.log.len();
    for _ in 0..MESSAGES_WAITING_MAX {
        let (quota, max) = (Quota::Waiting, SHARE as u64);
        assert_eq!(over(&mut world), Refusal::OverQuota { quota, max, retry_after: None });
    }
    assert_eq!(world.log.len(), before, "what is refused is recorded nowhere");
    assert_eq!(over(&mut world).code().as_str(), "sender-full");
    assert!(world.send("bob", "alice", "lunch").is_ok());
    assert!(world.send("mallory", "bob", "another-inbox").is_ok());
    world.takes(&actor("alice"), "alice", 1).1.unwrap();
    assert!(world.send("mallory", "alice", "one-was-read").is_ok());
    assert!(world.send("mallory", "alice", "bomb0").is_ok(), "a repeat needs no room");
    over(&mut world);
}

#[test]
fn the_part_of_a_sender_is_the_same_after_a_restart() {
    let mut world = World::with(&["alice", "mallory"]);
    bomb(&mut world, SHARE);
    let mut folded = Views::default();
    world.log.iter().for_each(|recorded| folded.apply(recorded));
    let mut loaded = Views::default();
    for (key, value) in folded.all_records() {
        assert!(loaded.load::<adsum::view::Checkpointed>(&key, &value.unwrap(), |_| ()).unwrap());
    }
    loaded.finish_loading().unwrap();
    for views in [folded, loaded] {
        let inbox = views.inbox(&im("alice")).unwrap();
        assert_eq!(inbox.unread_of(SenderKey::of(&principal("mallory"))).count(), SHARE);
    }
}

#[test]
fn the_owner_drops_all_of_one_sender_with_one_request() {
    let mut world = World::with(&["alice", "bob", "mallory"]);
    world.send("bob", "alice", "before").unwrap();
    bomb(&mut world, SHARE - 1);
    world.deliver("alice", vec![delivery_rule("mallory@d.example", Delivery::Quarantine)]);
    world.send("mallory", "alice", "aside").unwrap();
    world.send("bob", "alice", "behind").unwrap();
    for stranger in ["bob", "mallory"] {
        let refused = world.ask(&actor(stranger), delete_from("mallory"));
        assert!(matches!(refused, Err(Refusal::Forbidden { .. })), "{stranger}");
    }
    let (events, answer) = world.events(&actor("alice"), delete_from("mallory"));
    assert_eq!(answer, Ok(Reply::Done(Answer::Deleted { count: 1_000 })));
    assert_eq!(events.len(), DELETE_COUNT_MAX);
    let view = world.service.views().inbox(&im("alice")).unwrap();
    assert_eq!((view.told(), view.quarantined(), view.unread()), (2, 0, 2));
    let again = world.ask(&actor("alice"), delete_from("mallory"));
    assert_eq!(again, Ok(Reply::Done(Answer::Deleted { count: 0 })));
    world.deliver("alice", vec![delivery_rule("mallory@d.example", Delivery::Accept)]);
    assert!(world.send("mallory", "alice", "again").is_ok());
}

#[test]
fn dropping_takes_no_more_in_one_request_than_its_bound() {
    let mut world = World::with(&["alice", "mallory"]);
    bomb(&mut world, SHARE);
    world.takes(&actor("alice"), "alice", 500).1.unwrap();
    for number in 0..500 {
        world.send("mallory", "alice", &format!("later{number}")).unwrap();
    }
    for count in [1_000, 500, 0] {
        let (events, answer) = world.events(&actor("alice"), delete_from("mallory"));
        assert_eq!(answer, Ok(Reply::Done(Answer::Deleted { count })));
        assert!(events.len() <= DELETE_COUNT_MAX);
    }
}

#[test]
fn what_one_sender_sends_aside_ends_its_own_and_not_that_of_others() {
    let mut world = World::with(&["alice", "bob", "mallory"]);
    world.deliver("alice", vec![delivery_rule("authenticated", Delivery::Quarantine)]);
    for number in 0..QUARANTINED_OF_SENDER_MAX {
        world.send("bob", "alice", &format!("m{number}")).unwrap();
    }
    bomb(&mut world, 2 * QUARANTINED_MAX);
    let view = world.service.views().inbox(&im("alice")).unwrap();
    let of = |name: &str| view.quarantined_of(SenderKey::of(&principal(name))).count();
    assert_eq!(of("bob"), QUARANTINED_OF_SENDER_MAX);
    assert_eq!(of("mallory"), QUARANTINED_MAX - QUARANTINED_OF_SENDER_MAX);
}

#[test]
fn those_without_a_name_are_one_sender() {
    let key = |name: &str| SenderKey::of(&format!("{name}@anonymous.invalid").parse().unwrap());
    let keys = [key("one"), key("two")];
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], SenderKey::of(&principal("bob")));
}

#[test]
fn a_deletion_names_messages_or_a_sender_and_not_both() {
    let read = |sequences: Vec<u64>, sender: &'static [u8]| {
        let (inbox, sender) = (im("alice").to_string(), Some(sender.into()));
        let body = body::Delete { request: 1, inbox, sequences, operation: None, sender };
        Delete::from_body(body).map_err(|refusal| refusal.code().as_str())
    };
    let Command::Delete(wanted) = delete_from("mallory") else { unreachable!() };
    assert_eq!(read(vec![], b"mallory@d.example"), Ok(wanted));
    assert_eq!(read(vec![1], b"mallory@d.example"), Err("bad-field"));
    assert_eq!(read(vec![], b"mallory"), Err("bad-address"));
    assert_eq!(read(vec![], b"\xff@d.example"), Err("bad-utf8"));
}
