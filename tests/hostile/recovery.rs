//! An administrator that wants to become somebody of its domain: who is told, who can stop it, and what it is shown if
//! nobody does.
//!
//! Must never hold: how a recovery is meant to be used (see `tests/service/recoveries.rs`).

use adsum::event::{Event, MessageCause};
use adsum::model::limits::{ANNOUNCEMENTS_MAX, MESSAGES_WAITING_MAX, RECOVERY_DELAY_MS_DEFAULT};
use adsum::model::{
    Ahead, ContentType, Delivery, DeliveryChange, Lifetime, MessageId, OperationId, Payload,
    RECOVERY_TYPE, ReceiptKind, Receipts, Refusal, RefusalCode, Rights,
};
use adsum::protocol::{Administration, Command, Delete, Grant, RevokeKey, Send};
use adsum::service::{Actor, Reply};

use crate::processes::{Site, run};
use crate::world::governed::{delivery, delivery_rule};
use crate::world::recovering::{DELAY, administer, ended, invite, recovery, refuse, withdraw};
use crate::world::{World, actor, device_of, im, message, principal};

fn code(answer: Result<Reply, Refusal>) -> Option<RefusalCode> {
    answer.err().map(|refusal| refusal.code())
}

/// Alice, bob, and an administrator that wants to be alice.
fn world() -> (World, Actor) {
    let mut world = World::with(&["alice", "bob"]);
    let mallory = world.administrator("mallory@d.example");
    (world, mallory)
}

fn delete(name: &str, sequences: &[u64]) -> Command {
    let sequences = sequences.iter().map(|one| adsum::model::InboxSequence::new(*one)).collect();
    let (operation, inbox, sender) = (OperationId::default(), im(name), None);
    Command::Delete(Delete { operation, inbox, sequences, sender })
}

fn read_for(grantee: &str, rights: Rights) -> Command {
    let (operation, owner, grantee) = (OperationId::default(), None, principal(grantee));
    Command::Grant(Grant { operation, owner, grantee, rights })
}

fn announced(events: &[Event]) -> Option<(u64, String)> {
    events.iter().find_map(|event| match event {
        Event::RecoveryAnnounced(event) => {
            assert_eq!(event.content_type.as_str(), RECOVERY_TYPE);
            Some((event.sequence.get(), event.body.as_text()?.to_owned()))
        }
        _ => None,
    })
}

#[test]
fn it_is_announced_whatever_the_rules_say_and_however_full_the_inbox_is() {
    let (mut world, mallory) = world();
    let put = vec![delivery_rule("everyone", Delivery::Refuse { reason: "no".into() })];
    world.fill("alice", MESSAGES_WAITING_MAX);
    world
        .ask(
            &actor("alice"),
            delivery("alice", DeliveryChange { put, ..DeliveryChange::default() }),
        )
        .unwrap();
    let (events, answer) = world.events(&mallory, recovery(1, "alice"));
    assert_eq!(code(answer), None);
    let (place, words) = announced(&events).unwrap();
    assert_eq!(place, MESSAGES_WAITING_MAX as u64 + 1);
    for part in ["mallory@d.example", "alice@d.example", "24 h", "refuse"] {
        assert!(words.contains(part), "{words}");
    }
    let lies = |world: &mut World| world.page("alice", MESSAGES_WAITING_MAX as u64);
    assert_eq!(lies(&mut world), [place]);
    assert_eq!(lies(&mut world.restarted(true)), [place]);
}

#[test]
fn announcements_take_no_room_of_messages_and_are_few() {
    let (mut world, mallory) = world();
    for number in (1..).take(ANNOUNCEMENTS_MAX) {
        world.ask(&mallory, recovery(number, "alice")).unwrap();
        world.ask(&mallory, withdraw(number)).unwrap();
    }
    assert_eq!(world.page("alice", 0).len(), ANNOUNCEMENTS_MAX);
    let mut world = world.restarted(true);
    let (events, _) = world.events(&mallory, recovery(99, "alice"));
    let oldest = events.iter().find_map(|event| match event {
        Event::MessageEnded(event) => Some((event.sequence.get(), event.cause)),
        _ => None,
    });
    assert_eq!(oldest, Some((1, MessageCause::Retention)));
    assert_eq!(world.page("alice", 0).len(), ANNOUNCEMENTS_MAX);
    world.fill("alice", MESSAGES_WAITING_MAX);
    assert_eq!(code(world.send("bob", "alice", "over")), Some(RefusalCode::InboxFull));
    let sender = Some(principal("mallory"));
    let (operation, inbox, sequences) = (OperationId::default(), im("alice"), Vec::new());
    let drop = Command::Delete(Delete { operation, inbox, sequences, sender });
    world.ask(&actor("alice"), drop).unwrap();
    let left = world.service.views().inbox(&im("alice")).unwrap().told();
    assert_eq!(
        left,
        (MESSAGES_WAITING_MAX + ANNOUNCEMENTS_MAX) as u64,
        "they are not its messages"
    );
}

#[test]
fn nobody_forges_an_announcement() {
    let (mut world, mallory) = world();
    for kind in [RECOVERY_TYPE, "text/VND.adsum.recovery"] {
        let content_type = ContentType::new(kind).unwrap();
        let send = Send { content_type, ..message("alice", "m", "all is well") };
        assert_eq!(code(world.ask(&mallory, Command::Send(send))), Some(RefusalCode::BadField));
    }
    assert!(world.page("alice", 0).is_empty());
}

#[test]
fn setting_the_clock_shortens_no_delay() {
    for ahead in [86_400_000, -86_400_000, 30 * 86_400_000] {
        let (mut world, mallory) = world();
        world.ask(&mallory, recovery(1, "alice")).unwrap();
        world.ahead = Ahead::from_ms(ahead);
        world.pass(Lifetime::from_ms(RECOVERY_DELAY_MS_DEFAULT - 1));
        let refused = code(world.enters("alice", "new", 1));
        assert_eq!(refused, Some(RefusalCode::RecoveryPending), "{ahead}");
        world.pass(Lifetime::from_ms(1));
        assert_eq!(code(world.enters("alice", "new", 1)), None, "{ahead}");
    }
}

#[test]
fn it_cannot_keep_the_name_from_refusing_by_suspending_it() {
    let (mut world, mallory) = world();
    world.ask(&mallory, recovery(1, "alice")).unwrap();
    world.ask(&mallory, administer(Administration::Suspend(principal("alice")))).unwrap();
    world.pass(DELAY);
    world.ask(&mallory, administer(Administration::Resume(principal("alice")))).unwrap();
    assert_eq!(code(world.enters("alice", "new", 1)), Some(RefusalCode::BadInvite));
}

/// Alice's messages from before, one of them put aside, and a device of mallory's under her name.
fn taken() -> (World, Actor) {
    let (mut world, mallory) = world();
    let on = DeliveryChange { receipts: Some(true), ..DeliveryChange::default() };
    world.ask(&actor("alice"), delivery("alice", on)).unwrap();
    let receipts = Receipts::NONE.with(ReceiptKind::Delivered).with(ReceiptKind::Displayed);
    let send = Send { receipts, ..message("alice", "before", "secret") };
    world.ask(&actor("bob"), Command::Send(send)).unwrap();
    world.ask(&mallory, recovery(1, "alice")).unwrap();
    world.send("bob", "alice", "meanwhile").unwrap();
    world.pass(DELAY);
    world.enters("alice", "stolen", 1).unwrap();
    world.send("bob", "alice", "after").unwrap();
    (world, device_of("alice", "stolen"))
}

#[test]
fn what_was_stored_before_the_new_device_came_is_not_shown_to_it() {
    let (world, stolen) = taken();
    let expected = [(1, true), (2, true), (3, true), (4, false)];
    for is_loaded in [false, true] {
        let mut world = world.restarted(is_loaded);
        assert_eq!(world.shown(&stolen, "alice"), expected, "to it");
        let all: Vec<_> = world.shown(&actor("alice"), "alice");
        assert!(all.iter().all(|(_, is_withheld)| !is_withheld), "to the device that was there");
        world.ask(&stolen, invite(2, "alice")).unwrap();
        world.enters("alice", "further", 2).unwrap();
        assert_eq!(
            world.shown(&device_of("alice", "further"), "alice"),
            expected,
            "nor to its own"
        );
        world.ask(&actor("alice"), invite(3, "alice")).unwrap();
        world.enters("alice", "tablet", 3).unwrap();
        assert!(
            !world.shown(&device_of("alice", "tablet"), "alice")[0].1,
            "but to those of others"
        );
    }
}

#[test]
fn it_is_shown_nothing_by_way_of_somebody_whom_it_lets_read() {
    let (mut world, stolen) = taken();
    for rights in [Rights::READ, Rights::MEMBER] {
        let refused = code(world.ask(&stolen, read_for("mallory", rights)));
        assert_eq!(refused, Some(RefusalCode::Forbidden));
    }
    assert_eq!(code(world.ask(&actor("alice"), read_for("bob", Rights::READ))), None);
    assert_eq!(code(world.ask(&stolen, read_for("mallory", Rights::PUBLISH))), None);
    world.ask(&stolen, delete("alice", &[1, 2, 3])).unwrap();
    let after = code(world.ask(&stolen, read_for("mallory", Rights::READ)));
    assert_eq!(after, None, "once nothing is there that it is not shown");
}

#[test]
fn it_does_not_tell_senders_that_they_were_read() {
    let (mut world, stolen) = taken();
    let receipts = |events: &[Event]| {
        events.iter().filter(|event| matches!(event, Event::ReceiptIssued(_))).count()
    };
    let displayed = Command::Displayed(adsum::protocol::Displayed {
        operation: OperationId::default(),
        inbox: im("alice"),
        sequence: adsum::model::InboxSequence::new(1),
    });
    assert_eq!(receipts(&world.events(&stolen, displayed).0), 0);
    assert_eq!(receipts(&world.takes(&stolen, "alice", 4).0), 0);
}

#[test]
fn what_was_put_aside_before_is_not_shown_either() {
    let (mut world, mallory) = world();
    let put = vec![delivery_rule("bob@d.example", Delivery::Quarantine)];
    world
        .ask(
            &actor("alice"),
            delivery("alice", DeliveryChange { put, ..DeliveryChange::default() }),
        )
        .unwrap();
    world.send("bob", "alice", "aside").unwrap();
    world.ask(&mallory, recovery(1, "alice")).unwrap();
    world.pass(DELAY);
    world.enters("alice", "stolen", 1).unwrap();
    let aside = |world: &mut World, reader: &Actor| {
        let inbox = im("alice");
        match world.query(reader, adsum::protocol::ListQuarantine { inbox }.into()).unwrap() {
            Reply::Page(rows) => rows.iter().map(|row| row.is_withheld).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(aside(&mut world, &device_of("alice", "stolen")), [true]);
    assert_eq!(aside(&mut world, &actor("alice")), [false]);
}

#[test]
fn a_message_that_is_withheld_has_no_body_in_any_frame() {
    use adsum::model::{Message, Timestamp};
    use adsum::protocol::{Framed as _, body};
    let message = Message {
        inbox: im("alice"),
        sequence: adsum::model::InboxSequence::new(1),
        sender: principal("bob"),
        id: MessageId::new("m").unwrap(),
        content_type: ContentType::new("text/plain").unwrap(),
        body: Payload::text("secret"),
        accepted_at: Timestamp::from_ms(1),
        lifetime: None,
    };
    let withheld = message.withheld();
    let frame: body::Quarantined = withheld.to_body();
    assert_eq!((frame.message.body.as_ref(), frame.withheld.as_deref()), (None, Some(&[1][..])));
    assert_eq!(Message::from_body(frame), Ok(withheld));
}

#[test]
fn whoever_revokes_every_device_first_still_waits() {
    let (mut world, mallory) = world();
    let alice = actor("alice");
    let (operation, principal) = (OperationId::default(), Some(alice.principal.clone()));
    let revoke = RevokeKey { operation, principal, device: alice.device };
    world.ask(&mallory, Command::RevokeKey(revoke)).unwrap();
    let (events, _) = world.events(&mallory, recovery(1, "alice"));
    assert!(announced(&events).is_some() && ended(&events).is_empty());
    assert_eq!(code(world.enters("alice", "new", 1)), Some(RefusalCode::RecoveryPending));
    assert_eq!(code(world.ask(&alice, refuse(1))), Some(RefusalCode::KeyRevoked));
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// A server whose administrator is root, and alice.
fn site() -> Site {
    let site = Site::start(&[]);
    let first = text(&site.serving["invite"]).to_owned();
    enroll(&site, "root", "root@localhost", &first).line();
    let token = text(&site.run("root", &["invite", "alice@localhost"]).line()["token"]).to_owned();
    enroll(&site, "alice", "alice@localhost", &token).line();
    site
}

fn enroll(site: &Site, home: &str, name: &str, token: &str) -> crate::processes::Ended {
    site.run(home, &["enroll", name, "--server", &site.address, "--invite", token])
}

#[test]
fn the_name_is_told_by_every_command_that_stays_and_by_the_doctor_and_refuses() {
    let mut site = site();
    assert_eq!(site.run("root", &["invite", "alice@localhost"]).error(1), "recovery-needed");
    let started = site.run("root", &["invite", "alice@localhost", "--recover"]).line();
    assert!(text(&started["effective_at"]) < text(&started["expires_at"]));
    let token = text(&started["token"]).to_owned();
    assert_eq!(enroll(&site, "new", "alice@localhost", &token).error(4), "recovery-pending");
    site.kill_and_restart(&[]);
    let inbox = site.run("alice", &["inbox"]);
    assert!(
        inbox.stderr.contains("root@localhost started a recovery of alice@localhost"),
        "{}",
        inbox.stderr
    );
    let item = inbox.line();
    assert_eq!(
        (&item["content_type"], &item["from"]),
        (&RECOVERY_TYPE.into(), &"root@localhost".into())
    );
    let watch = site.run("alice", &["watch", "pres:alice@localhost", "--until-caught-up"]);
    assert!(watch.stderr.contains("adsum recovery refuse"), "{}", watch.stderr);
    let doctor = site.run("alice", &["doctor"]);
    assert!(doctor.stdout.contains("started a recovery of alice@localhost"), "{}", doctor.stdout);
    let running = site.run("alice", &["recovery"]).line();
    assert_eq!(running["effective_at"], started["effective_at"]);
    site.run("alice", &["recovery", "refuse"]).line();
    assert_eq!(site.run("alice", &["recovery", "refuse"]).error(1), "no-recovery");
    assert!(site.run("root", &["recovery", "list"]).lines().is_empty());
    assert_eq!(enroll(&site, "new", "alice@localhost", &token).error(4), "bad-invite");
    let acts = site.run("alice", &["domain", "acts"]).lines();
    assert_eq!(acts.last().unwrap()["act"], "started-recovery");
}

#[test]
fn a_device_that_the_operator_let_in_is_shown_that_there_were_messages_and_not_what_they_say() {
    let mut site = site();
    site.run("root", &["send", "im:alice@localhost", "secret words"]).line();
    site.stop();
    let data = site.data();
    let operate = |flag| run(&["invite", "alice@localhost", flag, "--json", "--data", &data]);
    assert_eq!(operate("--admin").error(1), "recovery-needed");
    let recovered = operate("--recover").line();
    let token = text(&recovered["token"]).to_owned();
    site.start_again(&[]);
    enroll(&site, "new", "alice@localhost", &token).line();
    site.run("root", &["send", "im:alice@localhost", "new words"]).line();
    let shown = site.run("new", &["inbox"]);
    assert!(!shown.stdout.contains("secret words"), "{}", shown.stdout);
    let lines = shown.lines();
    let told: Vec<_> = lines.iter().map(|line| line["withheld"] == true).collect();
    assert_eq!(told, [true, true, false]);
    assert_eq!(lines[2]["body"], "new words");
    assert!(site.run("alice", &["inbox"]).stdout.contains("secret words"));
}
