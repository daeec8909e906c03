//! What ends with a revoked device and a suspended principal: publications, grants, invites; and what stays.

use crate::world::governed::{change, rule};
use crate::world::{World, actor, config, device_of, key, pres, principal, publish};
use adsum::event::{Event, KeyEnrolled};
use adsum::model::{
    DeviceLabel, EpochId, Handling, InviteId, OperationId, PublicationName, Refusal, RefusalCode,
    Rights, Role,
};
use adsum::protocol::{
    Administer, Administration, Command, Findings, Grant, Invite, ListPublications, Publish,
    RemovePublication, RevokeKey,
};
use adsum::service::{Actor, Enroll, Hello, Output, Query, Reply, Service, ServiceConfig};
use adsum::view::Views;

fn code(answer: Result<Reply, Refusal>) -> Option<RefusalCode> {
    answer.err().map(|refusal| refusal.code())
}

fn administer(act: Administration) -> Command {
    Administer { operation: OperationId::default(), act }.into()
}

fn revoke(actor: &Actor) -> Command {
    let (principal, device) = (Some(actor.principal.clone()), actor.device);
    Command::RevokeKey(RevokeKey { operation: OperationId::default(), principal, device })
}

fn published(presentity: &str, number: u8, name: &str, note: &str) -> Command {
    let name = PublicationName::new(name).unwrap();
    Command::Publish(Publish { name, ..publish(presentity, number, note) })
}

/// A further device of `name`.
fn with_device(world: &mut World, name: &str, device: &str) -> Actor {
    let event = KeyEnrolled {
        principal: principal(name),
        key: key(device),
        label: DeviceLabel::new("").unwrap(),
        role: Role::User,
        invite: None,
    };
    world.service.record(world.now, vec![Event::KeyEnrolled(event)]);
    world.pass(crate::world::seconds(0));
    device_of(name, device)
}

fn listed(world: &mut World, asker: &Actor, of: &str) -> Vec<(adsum::model::DeviceId, String)> {
    match world.query(asker, Query::from(ListPublications { presentity: pres(of) })) {
        Ok(Reply::Found(Findings::ListPublications(rows))) => {
            rows.into_iter().map(|row| (row.device, row.name.as_str().to_owned())).collect()
        }
        answer => panic!("publications were answered {answer:?}"),
    }
}

/// Alice with a phone, bob, carol and an administrator; the phone published, granted and invited, and so did the other device.
fn world() -> (World, Actor, Actor) {
    let mut world = World::with(&["alice", "bob", "carol", "team"]);
    let root = world.administrator("root@d.example");
    let phone = with_device(&mut world, "alice", "phone");
    world.give("team", "alice", Rights::MEMBER);
    world.give("bob", "alice", Rights::PUBLISH);
    for (by, name) in [(phone.clone(), "stolen"), (actor("alice"), "kept")] {
        world.ask(&by, published("alice", 1, name, name)).unwrap();
        world.ask(&by, published("bob", 1, name, name)).unwrap();
    }
    let give = |owner: &str, grantee: &str| {
        let (owner, grantee) = (Some(principal(owner)), principal(grantee));
        let (rights, operation) = (Rights::MEMBER, OperationId::default());
        Command::Grant(Grant { owner, grantee, rights, operation })
    };
    world.ask(&phone, give("alice", "carol")).unwrap();
    world.ask(&phone, give("team", "carol")).unwrap();
    world.ask(&actor("alice"), give("team", "bob")).unwrap();
    world.ask(&actor("carol"), published("alice", 1, "carols", "carols")).unwrap();
    (world, root, phone)
}

fn rights(world: &World, owner: &str, grantee: &str) -> Rights {
    let view = world.service.views().rules(&principal(owner));
    view.map(|view| view.rights(&principal(grantee))).unwrap_or_default()
}

fn names(world: &World, of: &str) -> Vec<String> {
    let view = world.service.views().presentity(&pres(of));
    let keys = view.into_iter().flat_map(|view| view.publications.keys());
    let mut names: Vec<_> = keys.map(|key| key.name.as_str().to_owned()).collect();
    names.sort_unstable();
    names
}

#[test]
fn what_was_made_with_a_device_ends_when_it_is_revoked_and_nothing_else() {
    let (mut world, _, phone) = world();
    world.ask(&phone, rules_of_alice()).unwrap();
    world.open_inbox(1, &actor("carol"), "alice", None).unwrap();
    world.told();
    world.ask(&actor("alice"), revoke(&phone)).unwrap();
    assert_eq!(names(&world, "alice"), ["kept"], "carol published by a grant of the phone");
    assert_eq!(names(&world, "bob"), ["kept"]);
    assert_eq!(rights(&world, "alice", "carol"), Rights::NONE);
    assert_eq!(rights(&world, "team", "carol"), Rights::NONE);
    assert_eq!(rights(&world, "team", "bob"), Rights::MEMBER);
    let told = world.told();
    assert!(told.iter().any(|it| matches!(it, Output::Ended { .. })), "her feed ends at once");
    assert!(told.iter().any(|it| matches!(it, Output::Revoked { .. })));
    assert_eq!(world.access("alice").iter().count(), 1, "rules stay");
}

fn rules_of_alice() -> Command {
    Command::ChangeRules(change("alice", vec![rule("bob@d.example", Handling::Block)], &[]))
}

#[test]
fn what_a_suspended_principal_made_ends_and_it_enrols_nothing() {
    let (mut world, root, _) = world();
    let made = |number| {
        let (invite, role) = (InviteId([number; 32]), Role::User);
        let principal = Some(principal("alice"));
        Command::Invite(Invite { invite, principal, role, lifetime: None, recovers: false })
    };
    world.ask(&actor("alice"), made(1)).unwrap();
    let Command::Invite(recovery) = made(2) else { unreachable!() };
    world.ask(&root, Invite { recovers: true, ..recovery }.into()).unwrap();
    world.open_inbox(1, &actor("carol"), "alice", None).unwrap();
    world.told();
    world.ask(&root, administer(Administration::Suspend(principal("alice")))).unwrap();
    assert_eq!((names(&world, "alice"), names(&world, "bob")), (vec![], vec![]));
    for (owner, grantee) in [("alice", "carol"), ("team", "carol"), ("team", "bob")] {
        assert_eq!(rights(&world, owner, grantee), Rights::NONE, "{owner} {grantee}");
    }
    assert_eq!(rights(&world, "team", "alice"), Rights::MEMBER, "that is the team's");
    assert!(world.told().iter().any(|it| matches!(it, Output::Ended { .. })));
    let label = DeviceLabel::new("").unwrap();
    let hello = |number| Hello {
        principal: principal("alice"),
        key: key("third"),
        enroll: Some(Enroll { invite: Some(InviteId([number; 32])), label: label.clone() }),
    };
    assert_eq!(code(world.enter(hello(1))), Some(RefusalCode::BadInvite));
    assert_eq!(code(world.enter(hello(2))), Some(RefusalCode::BadInvite), "nor is it recovered");
    assert_eq!(code(world.ask(&root, made(2))), Some(RefusalCode::RecoveryNeeded));
    world.ask(&root, administer(Administration::Resume(principal("alice")))).unwrap();
    assert_eq!(
        code(world.enter(hello(2))),
        Some(RefusalCode::BadInvite),
        "that does not come back"
    );
}

#[test]
fn any_device_of_its_owner_removes_a_publication_and_strangers_do_not() {
    let (mut world, _, phone) = world();
    let remove = |of: &str, name: &str, device| {
        Command::RemovePublication(RemovePublication {
            operation: OperationId::default(),
            presentity: pres(of),
            device,
            name: PublicationName::new(name).unwrap(),
        })
    };
    assert_eq!(listed(&mut world, &actor("bob"), "bob").len(), 2);
    assert_eq!(listed(&mut world, &phone, "bob").len(), 2, "both of its principal's devices'");
    let forbidden = Some(RefusalCode::Forbidden);
    assert_eq!(code(world.ask(&actor("team"), remove("bob", "stolen", phone.device))), forbidden);
    let list = Query::from(ListPublications { presentity: pres("bob") });
    assert_eq!(code(world.query(&actor("team"), list)), forbidden);
    assert_eq!(
        code(world.ask(&actor("alice"), remove("bob", "other", phone.device))),
        Some(RefusalCode::NoPublication)
    );
    world.ask(&actor("alice"), remove("bob", "stolen", phone.device)).unwrap();
    world.ask(&actor("bob"), remove("bob", "kept", actor("alice").device)).unwrap();
    assert!(names(&world, "bob").is_empty());
    world.ask(&actor("alice"), remove("alice", "carols", actor("carol").device)).unwrap();
    assert_eq!(names(&world, "alice"), ["kept", "stolen"]);
}

#[test]
fn publications_that_end_together_name_the_one_before_also_as_the_first_of_a_process() {
    let (mut world, _, phone) = world();
    world.ask(&phone, published("alice", 2, "more", "more")).unwrap();
    let mut views = Views::default();
    for recorded in &world.log {
        views.apply(recorded);
    }
    world.service = Service::new(ServiceConfig { epoch: EpochId([7; 8]), ..config() }, views);
    let before = world.log.len();
    world.ask(&actor("alice"), revoke(&phone)).unwrap();
    let mut changes = std::collections::BTreeMap::new();
    for recorded in &world.log {
        let (presentity, previous) = match &recorded.event {
            Event::Published(event) => (&event.presentity, event.previous),
            Event::PublicationEnded(event) => (&event.presentity, event.previous),
            _ => continue,
        };
        let last = changes.insert(presentity, recorded.sequence).unwrap_or_default();
        assert_eq!(previous, last, "{recorded:?}");
    }
    assert!(matches!(world.log[before].event, Event::EpochBegan(_)));
    let ended = |it: &&adsum::event::Recorded| matches!(it.event, Event::PublicationEnded(_));
    assert_eq!(world.log[before..].iter().filter(ended).count(), 4);
}
