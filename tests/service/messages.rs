//! What sending and reading promise, and who may act at all.

use crate::world;
use crate::world::{World, actor, device, device_of, im, key, message, principal, seconds};
use adsum::event::{Event, MessageCause};
use adsum::model::{
    DeviceLabel, InboxSequence, InviteId, Lifetime, Payload, Refusal, Role, limits,
};
use adsum::protocol::{Answer, Command, Delete, Findings, InboxStatus, Invite, RevokeKey, Send};
use adsum::service::{Enroll, Hello, InboxOpened, Output, Query, Reply};

#[test]
fn a_message_to_an_absent_owner_waits_in_order() {
    let mut world = World::with(&["alice", "bob"]);
    for id in ["one", "two", "three"] {
        assert_eq!(
            world.send("bob", "alice", id),
            Ok(Reply::Done(Answer::Sent { duplicate: false }))
        );
    }
    assert_eq!(world.page("alice", 0), [1, 2, 3]);
    assert_eq!(world.page("alice", 2), [3]);
}

#[test]
fn a_message_sent_again_is_one_message_and_the_same_answer() {
    let mut world = World::with(&["alice", "bob"]);
    world.send("bob", "alice", "one").unwrap();
    let (events, answer) =
        world.events(&actor("bob"), Command::Send(message("alice", "one", "hello")));
    assert_eq!((events, answer), (vec![], Ok(Reply::Done(Answer::Sent { duplicate: true }))));
    let other = world.ask(&actor("bob"), Command::Send(message("alice", "one", "other")));
    assert!(matches!(other, Err(Refusal::DuplicateId { .. })));
    let elsewhere = world.ask(&actor("bob"), Command::Send(message("bob", "one", "hello")));
    assert!(matches!(elsewhere, Err(Refusal::DuplicateId { .. })));
    assert_eq!(
        world.send("alice", "alice", "one"),
        Ok(Reply::Done(Answer::Sent { duplicate: false })),
        "ids are the sender's own"
    );
}

#[test]
fn a_message_id_is_remembered_for_thirty_days_after_the_message_is_gone() {
    let mut world = World::with(&["alice", "bob"]);
    let brief = Send { lifetime: Some(seconds(10)), ..message("alice", "one", "hello") };
    world.ask(&actor("bob"), Command::Send(brief.clone())).unwrap();
    world.pass(seconds(11));
    assert_eq!(world.page("alice", 0), [] as [u64; 0]);
    world.pass(Lifetime::from_ms(limits::DEDUPLICATION_MS - 12_000));
    world.send("bob", "alice", "two").unwrap();
    assert_eq!(
        world.ask(&actor("bob"), Command::Send(brief.clone())),
        Ok(Reply::Done(Answer::Sent { duplicate: true }))
    );
    world.pass(seconds(10));
    world.send("bob", "alice", "three").unwrap();
    assert_eq!(
        world.ask(&actor("bob"), Command::Send(brief)),
        Ok(Reply::Done(Answer::Sent { duplicate: false }))
    );
}

#[test]
fn a_message_runs_out_by_an_event_and_leaves_the_others() {
    let mut world = World::with(&["alice", "bob"]);
    world
        .ask(
            &actor("bob"),
            Command::Send(Send { lifetime: Some(seconds(5)), ..message("alice", "brief", "x") }),
        )
        .unwrap();
    world.send("bob", "alice", "lasting").unwrap();
    let events = world.pass(seconds(5));
    assert!(
        matches!(&events[..], [Event::MessageEnded(ended)] if ended.cause == MessageCause::Expired)
    );
    assert_eq!(world.page("alice", 0), [2]);
}

#[test]
fn each_device_has_its_own_position_and_reading_is_repeatable() {
    let mut world = World::with(&["alice", "bob"]);
    let invite = InviteId([1; 32]);
    let command = Command::Invite(Invite {
        invite,
        principal: Some(principal("alice")),
        role: Role::User,
        lifetime: None,
        recovers: false,
    });
    world.ask(&actor("alice"), command).unwrap();
    let enroll = Some(Enroll { invite: Some(invite), label: DeviceLabel::new("phone").unwrap() });
    world.enter(Hello { principal: principal("alice"), key: key("phone"), enroll }).unwrap();
    world.send("bob", "alice", "one").unwrap();
    world.send("bob", "alice", "two").unwrap();
    world.takes(&actor("alice"), "alice", 1).1.unwrap();
    let status = |world: &mut World, who| match world
        .query(&who, Query::from(InboxStatus { inbox: im("alice") }))
    {
        Ok(Reply::Found(Findings::InboxStatus(state))) => {
            (state.acknowledged.get(), state.waiting, state.kept)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(status(&mut world, actor("alice")), (1, 1, 2));
    assert_eq!(status(&mut world, device_of("alice", "phone")), (0, 2, 2));
    assert_eq!(world.page("alice", 0), [1, 2], "what was acknowledged can be read again");
}

#[test]
fn an_acknowledgement_moves_forward_only_and_never_beyond_the_last_message() {
    let mut world = World::with(&["alice", "bob"]);
    world.send("bob", "alice", "one").unwrap();
    let through = |value| Ok(Reply::Acknowledged { through: InboxSequence::new(value) });
    assert_eq!(world.takes(&actor("alice"), "alice", 9).1, through(1));
    assert_eq!(world.takes(&actor("alice"), "alice", 0), (vec![], through(1)));
    assert!(matches!(world.takes(&actor("bob"), "alice", 1).1, Err(Refusal::Forbidden { .. })));
}

#[test]
fn deleting_is_for_all_devices_and_may_be_repeated() {
    let mut world = World::with(&["alice", "bob"]);
    world.send("bob", "alice", "one").unwrap();
    world.send("bob", "alice", "two").unwrap();
    let delete = || {
        Command::Delete(Delete {
            operation: adsum::model::OperationId::default(),
            inbox: im("alice"),
            sequences: vec![InboxSequence::new(1), InboxSequence::new(1)],
            sender: None,
        })
    };
    assert_eq!(world.ask(&actor("alice"), delete()), Ok(Reply::Done(Answer::Deleted { count: 1 })));
    assert_eq!(
        world.events(&actor("alice"), delete()),
        (vec![], Ok(Reply::Done(Answer::Deleted { count: 0 })))
    );
    assert_eq!(world.page("alice", 0), [2]);
    assert!(matches!(world.ask(&actor("bob"), delete()), Err(Refusal::Forbidden { .. })));
}

#[test]
fn a_full_inbox_refuses_while_unread_and_makes_room_for_what_was_read() {
    let mut world = World::with(&["alice", "bob"]);
    world.fill("alice", limits::MESSAGES_WAITING_MAX - 1);
    world.send("bob", "alice", "m0").unwrap();
    assert_eq!(world.send("bob", "alice", "more"), Err(Refusal::InboxFull { max: 10_000 }));
    assert_eq!(
        world.send("bob", "alice", "m0"),
        Ok(Reply::Done(Answer::Sent { duplicate: true })),
        "a repeat needs no room"
    );
    world.takes(&actor("alice"), "alice", 1).1.unwrap();
    let (events, answer) =
        world.events(&actor("bob"), Command::Send(message("alice", "more", "x")));
    assert_eq!(answer, Ok(Reply::Done(Answer::Sent { duplicate: false })));
    assert!(matches!(&events[..], [Event::MessageEnded(ended), Event::MessageAccepted(_)]
        if ended.cause == MessageCause::Retention && ended.sequence.get() == 1));
    assert_eq!(world.send("bob", "alice", "yet-more"), Err(Refusal::InboxFull { max: 10_000 }));
}

#[test]
fn a_message_that_cannot_be_is_refused_by_its_own_code_and_leaves_no_trace() {
    let mut world = World::with(&["alice", "bob"]);
    let before = world.log.len();
    let mut ask =
        |send: Send| world.ask(&actor("bob"), Command::Send(send)).unwrap_err().code().as_str();
    let plain = || message("alice", "one", "x");
    assert_eq!(ask(Send { body: Payload::text(""), ..plain() }), "bad-field");
    assert_eq!(ask(Send { body: Payload::text(&"x".repeat(65_537)), ..plain() }), "too-large");
    assert_eq!(ask(Send { lifetime: Some(Lifetime::ZERO), ..plain() }), "expired-message");
    let too_long = Some(Lifetime::from_ms(limits::MESSAGE_LIFETIME_MS_MAX + 1));
    assert_eq!(ask(Send { lifetime: too_long, ..plain() }), "too-large");
    assert_eq!(ask(Send { inbox: im("nobody"), ..plain() }), "unknown-inbox");
    assert_eq!(
        ask(Send { inbox: "im:alice@elsewhere.example".parse().unwrap(), ..plain() }),
        "foreign-domain"
    );
    assert_eq!(world.log.len(), before);
}

#[test]
fn an_inbox_feed_is_told_of_each_message_once_it_is_open() {
    let mut world = World::with(&["alice", "bob"]);
    world.send("bob", "alice", "before").unwrap();
    let opened = world.open_inbox(1, &actor("alice"), "alice", None).unwrap();
    assert!(matches!(opened, Reply::InboxOpened(InboxOpened { waiting: 1, .. })));
    world.told();
    world.send("bob", "alice", "after").unwrap();
    let told = world.told();
    assert!(matches!(&told[..], [Output::Inbox { row, .. }] if row.sequence.get() == 2));
    assert!(matches!(
        world.open_inbox(2, &actor("bob"), "alice", None),
        Err(Refusal::Forbidden { .. })
    ));
}

#[test]
fn enrolling_needs_an_invite_that_is_open_fits_and_was_not_used() {
    let mut world = World::with(&["admin"]);
    world.service = adsum::service::Service::new(
        adsum::service::ServiceConfig { open_enrollment: false, ..world::config() },
        adsum::view::Views::default(),
    );
    let hello = |name: &str, invite| {
        let label = DeviceLabel::new("x").unwrap();
        Hello { principal: principal(name), key: key(name), enroll: Some(Enroll { invite, label }) }
    };
    assert_eq!(world.enter(hello("root", None)), Err(Refusal::InviteNeeded));
    let first = adsum::event::InviteCreated {
        invite: InviteId([7; 32]),
        principal: None,
        domain: "d.example".into(),
        role: Role::Administrator,
        by: None,
        expires_at: world.now.after(seconds(100)),
    };
    world.service.record(world.now, vec![Event::InviteCreated(first)]);
    assert_eq!(world.enter(hello("root", Some(InviteId([8; 32])))), Err(Refusal::BadInvite));
    let entered = world.enter(hello("root", Some(InviteId([7; 32])))).unwrap();
    assert!(matches!(entered, Reply::Entered { role: Role::Administrator, enrolled: true, .. }));
    let again = world.enter(hello("root", Some(InviteId([7; 32])))).unwrap();
    assert!(
        matches!(again, Reply::Entered { enrolled: false, .. }),
        "a repeat after a lost answer gets in"
    );
    assert_eq!(world.enter(hello("late", Some(InviteId([7; 32])))), Err(Refusal::BadInvite));

    let invite = |number, name: Option<&str>| {
        Command::Invite(Invite {
            invite: InviteId([number; 32]),
            principal: name.map(principal),
            role: Role::User,
            lifetime: Some(seconds(50)),
            recovers: false,
        })
    };
    world.ask(&actor("root"), invite(1, Some("alice"))).unwrap();
    assert_eq!(
        world.enter(hello("bob", Some(InviteId([1; 32])))),
        Err(Refusal::BadInvite),
        "it is for alice"
    );
    world.enter(hello("alice", Some(InviteId([1; 32])))).unwrap();
    assert!(matches!(
        world.ask(&actor("alice"), invite(2, Some("bob"))),
        Err(Refusal::Forbidden { .. })
    ));
    world.ask(&actor("root"), invite(3, None)).unwrap();
    world.pass(seconds(50));
    assert_eq!(
        world.enter(hello("bob", Some(InviteId([3; 32])))),
        Err(Refusal::BadInvite),
        "it ran out"
    );
}

#[test]
fn under_open_enrollment_the_first_comer_takes_the_name_and_nobody_after() {
    let mut world = World::with(&["alice"]);
    assert!(matches!(world.enroll("alice", "other"), Err(Refusal::NameTaken { .. })));
    let hello = Hello { principal: principal("alice"), key: key("other"), enroll: None };
    assert!(matches!(world.enter(hello), Err(Refusal::UnknownKey { .. })));
    let stranger = Hello { principal: principal("nobody"), key: key("other"), enroll: None };
    assert!(
        matches!(world.enter(stranger), Err(Refusal::UnknownKey { .. })),
        "nobody learns who is enrolled"
    );
}

#[test]
fn a_revoked_key_acts_no_more_and_its_connections_are_closed() {
    let mut world = World::with(&["alice", "mallory"]);
    let revoke = |name: &str| {
        Command::RevokeKey(RevokeKey {
            operation: adsum::model::OperationId::default(),
            principal: Some(principal(name)),
            device: device(name),
        })
    };
    assert!(matches!(
        world.ask(&actor("mallory"), revoke("alice")),
        Err(Refusal::Forbidden { .. })
    ));
    world.told();
    world.ask(&actor("alice"), revoke("alice")).unwrap();
    assert!(
        matches!(&world.told()[..], [Output::Revoked { device: gone }] if *gone == device("alice"))
    );
    assert_eq!(world.send("alice", "mallory", "late"), Err(Refusal::KeyRevoked));
    let hello = Hello { principal: principal("alice"), key: key("alice"), enroll: None };
    assert_eq!(world.enter(hello), Err(Refusal::KeyRevoked));
}
