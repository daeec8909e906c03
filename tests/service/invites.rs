//! Invites: whose they are, how many there may be, and all that ends them before their time.

use crate::world;
use crate::world::{World, actor, device_of, key, operation, principal, seconds};
use adsum::event::{Event, InviteCause, InviteCreated, InviteEnded, InviteIssued};
use adsum::model::limits::{
    INVITE_MS_DEFAULT, INVITES_OF_ADMINISTRATOR_MAX, INVITES_OF_USER_MAX, OPERATION_MS,
};
use adsum::model::{DeviceLabel, InviteId, OperationId, Quota, Refusal, RefusalCode, Role};
use adsum::protocol::{
    Administer, Administration, Command, Findings, Invite, ListInvites, OpenInvite, RevokeKey,
    WithdrawInvite,
};
use adsum::service::{Actor, Enroll, Hello, Query, Reply, Service};
use adsum::view::Views;

fn id(number: u8) -> InviteId {
    InviteId([number; 32])
}

fn invite(id: InviteId, name: Option<&str>) -> Command {
    let principal = name.map(principal);
    Command::Invite(Invite {
        invite: id,
        principal,
        role: Role::User,
        lifetime: None,
        recovers: false,
    })
}

fn withdraw(number: u8) -> Command {
    let operation = OperationId::default();
    Command::WithdrawInvite(WithdrawInvite { operation, invite: id(number) })
}

fn administer(act: Administration) -> Command {
    Administer { operation: OperationId::default(), act }.into()
}

fn revoke(actor: &Actor) -> Command {
    let (principal, device) = (Some(actor.principal.clone()), actor.device);
    Command::RevokeKey(RevokeKey { operation: OperationId::default(), principal, device })
}

fn enters(world: &mut World, name: &str, device: &str, number: u8) -> Result<Reply, Refusal> {
    let label = DeviceLabel::new("").unwrap();
    let enroll = Some(Enroll { invite: Some(id(number)), label });
    world.enter(Hello { principal: principal(name), key: key(device), enroll })
}

fn code(answer: Result<Reply, Refusal>) -> Option<RefusalCode> {
    answer.err().map(|refusal| refusal.code())
}

fn listed(world: &mut World, asker: &Actor) -> Vec<OpenInvite> {
    match world.query(asker, Query::from(ListInvites)) {
        Ok(Reply::Found(Findings::ListInvites(rows))) => rows,
        answer => panic!("invites were answered {answer:?}"),
    }
}

fn ids(world: &mut World, asker: &Actor) -> Vec<u8> {
    listed(world, asker).iter().map(|row| row.invite.0[0]).collect()
}

fn ended(events: &[Event]) -> Vec<(u8, InviteCause)> {
    let ended = events.iter().filter_map(|event| match event {
        Event::InviteEnded(InviteEnded { invite, cause }) => Some((invite.0[0], cause.clone())),
        _ => None,
    });
    ended.collect()
}

/// Alice with two devices, bob, and an administrator.
fn world() -> (World, Actor, Actor) {
    let mut world = World::with(&["alice", "bob"]);
    let root = world.administrator("root@d.example");
    world.ask(&actor("alice"), invite(id(9), Some("alice"))).unwrap();
    enters(&mut world, "alice", "phone", 9).unwrap();
    (world, root, device_of("alice", "phone"))
}

#[test]
fn its_maker_and_the_administrators_see_an_invite_and_nobody_else() {
    let (mut world, root, phone) = world();
    world.ask(&phone, invite(id(1), Some("alice"))).unwrap();
    world.ask(&root, invite(id(2), None)).unwrap();
    assert_eq!(ids(&mut world, &root), [1, 2]);
    assert_eq!(ids(&mut world, &actor("alice")), [1]);
    assert_eq!(ids(&mut world, &actor("bob")), [] as [u8; 0]);
    let row = &listed(&mut world, &phone)[0];
    assert_eq!((row.by.as_ref(), row.device), (Some(&phone.principal), Some(phone.device)));
    let there = world.administrator("boss@e.example");
    world.ask(&root, create()).unwrap();
    assert_eq!(ids(&mut world, &there), [] as [u8; 0], "it is of another domain");
}

fn create() -> Command {
    let act = Administration::CreateDomain("e.example".parse().unwrap());
    Administer { operation: operation(1), act }.into()
}

#[test]
fn an_invite_that_was_withdrawn_lets_nobody_in() {
    let (mut world, root, phone) = world();
    world.ask(&phone, invite(id(1), Some("alice"))).unwrap();
    world.ask(&root, invite(id(2), Some("carol"))).unwrap();
    assert_eq!(code(world.ask(&actor("bob"), withdraw(1))), Some(RefusalCode::NoInvite));
    assert_eq!(code(world.ask(&actor("alice"), withdraw(2))), Some(RefusalCode::NoInvite));
    let by = actor("alice").principal;
    let (events, answer) = world.events(&actor("alice"), withdraw(1));
    assert_eq!(code(answer), None, "by another device of its maker");
    assert_eq!(ended(&events), [(1, InviteCause::Withdrawn { by })]);
    let (events, _) = world.events(&root, withdraw(2));
    assert_eq!(ended(&events), [(2, InviteCause::Withdrawn { by: root.principal.clone() })]);
    assert_eq!(enters(&mut world, "alice", "third", 1), Err(Refusal::BadInvite));
    assert_eq!(enters(&mut world, "carol", "carol", 2), Err(Refusal::BadInvite));
    assert_eq!(code(world.ask(&root, withdraw(2))), Some(RefusalCode::NoInvite));
}

#[test]
fn a_repeat_of_what_is_withdrawn_gets_the_first_answer() {
    let (mut world, root, _) = world();
    world.ask(&root, invite(id(2), None)).unwrap();
    let named = WithdrawInvite { operation: operation(7), invite: id(2) };
    let first = world.ask(&root, named.clone().into()).unwrap();
    let (events, again) = world.events(&root, named.into());
    assert_eq!((events.len(), again), (0, Ok(first)));
}

#[test]
fn what_a_device_made_ends_when_it_is_revoked_and_not_what_others_made() {
    let (mut world, root, phone) = world();
    world.ask(&phone, invite(id(1), Some("alice"))).unwrap();
    world.ask(&actor("alice"), invite(id(2), Some("alice"))).unwrap();
    let (events, _) = world.events(&actor("alice"), revoke(&phone));
    assert_eq!(ended(&events), [(1, InviteCause::Revoked)]);
    assert_eq!(enters(&mut world, "alice", "stolen", 1), Err(Refusal::BadInvite));
    assert_eq!(code(enters(&mut world, "alice", "third", 2)), None);
    assert_eq!(ids(&mut world, &root), [] as [u8; 0]);
}

#[test]
fn what_a_suspended_principal_made_ends_and_does_not_come_back() {
    let (mut world, root, _) = world();
    let boss = world.administrator("boss@d.example");
    world.ask(&boss, invite(id(1), Some("carol"))).unwrap();
    let (events, _) = world.events(&root, administer(Administration::Suspend(principal("boss"))));
    assert_eq!(ended(&events), [(1, InviteCause::Revoked)]);
    world.ask(&root, administer(Administration::Resume(principal("boss")))).unwrap();
    assert_eq!(enters(&mut world, "carol", "carol", 1), Err(Refusal::BadInvite));
}

#[test]
fn an_invite_into_a_domain_that_is_gone_lets_nobody_into_the_next_of_its_name() {
    let (mut world, root, _) = world();
    world.ask(&root, create()).unwrap();
    let boss = Some("boss@e.example".parse().unwrap());
    let (invite, role) = (id(1), Role::Administrator);
    world
        .ask(
            &root,
            Invite { invite, principal: boss, role, lifetime: None, recovers: false }.into(),
        )
        .unwrap();
    let gone = administer(Administration::RemoveDomain("e.example".parse().unwrap()));
    let (events, _) = world.events(&root, gone);
    assert_eq!(ended(&events), [(1, InviteCause::Homeless)]);
}

#[test]
fn an_invite_whose_maker_could_not_make_it_any_more_is_not_taken() {
    let (world, root, _) = world();
    let mut log = world.log.clone();
    // An old log does not say with which device, and ended nothing when somebody was suspended.
    let made = InviteCreated {
        invite: id(1),
        principal: Some(principal("carol")),
        domain: "d.example".into(),
        role: Role::User,
        by: Some(principal("bob")),
        expires_at: world.now.after(seconds(1_000)),
    };
    let last = log.last().unwrap().clone();
    let at = adsum::model::Moment::from_us(last.at.as_us() + 1);
    let event = Event::InviteCreated(made);
    log.push(adsum::event::Recorded { sequence: last.sequence.next(), at, event, ..last });
    let mut views = Views::default();
    for recorded in &log {
        views.apply(recorded);
    }
    let mut later = World::with(&[]);
    later.now = world.now;
    later.service = Service::new(world::config(), views);
    assert_eq!(enters(&mut later, "carol", "carol", 1), Err(Refusal::BadInvite), "bob is a user");
    let (events, _) = later.events(&root, revoke(&actor("bob")));
    assert_eq!(ended(&events), [(1, InviteCause::Revoked)], "it may have been that device");
}

#[test]
fn no_maker_can_use_up_what_all_share() {
    let (mut world, root, phone) = world();
    let numbered = |number: usize| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        bytes[31] = 1;
        InviteId(bytes)
    };
    for number in 0..INVITES_OF_ADMINISTRATOR_MAX {
        world.ask(&root, invite(numbered(number), None)).unwrap();
    }
    let most = INVITES_OF_ADMINISTRATOR_MAX as u64;
    let full = world.ask(&root, invite(id(1), None)).unwrap_err();
    // Thousands of events in one moment take some milliseconds.
    let wait = full.retry_after().unwrap().as_ms();
    assert!((INVITE_MS_DEFAULT - 10..=INVITE_MS_DEFAULT).contains(&wait), "{wait}");
    assert!(matches!(full, Refusal::OverQuota { quota: Quota::Invites, max, .. } if max == most));
    assert_eq!(code(world.ask(&root, invite(numbered(0), None))), None, "a repeat is no new one");
    for number in 0..INVITES_OF_USER_MAX {
        let id = numbered(INVITES_OF_ADMINISTRATOR_MAX + number);
        world.ask(&phone, invite(id, Some("alice"))).unwrap();
    }
    let max = INVITES_OF_USER_MAX as u64;
    let full = world.ask(&actor("alice"), invite(id(2), Some("alice"))).unwrap_err();
    assert!(matches!(full, Refusal::OverQuota { quota: Quota::Invites, max: of, .. } if of == max));
    let first = WithdrawInvite { operation: OperationId::default(), invite: numbered(0) };
    world.ask(&root, first.into()).unwrap();
    assert_eq!(code(world.ask(&root, invite(id(1), None))), None);
}

#[test]
fn the_servers_own_invite_is_renewed_and_ends_with_the_first_enrolment_of_anybody() {
    let mut world = World::with(&[]);
    let first = |number: u8, is_first, now: adsum::model::Timestamp| {
        Event::InviteIssued(InviteIssued {
            invite: id(number),
            principal: None,
            domain: "d.example".into(),
            role: Role::Administrator,
            by: None,
            device: None,
            is_first,
            expires_at: now.after(seconds(100)),
        })
    };
    let now = world.now;
    world.service.record(now, vec![first(1, true, now), first(2, false, now)]);
    world.pass(seconds(0));
    world.pass(seconds(60));
    let now = world.now;
    world.service.record(now, vec![first(1, true, now), first(3, false, now)]);
    world.pass(seconds(0));
    let events = world.pass(seconds(60));
    assert_eq!(
        ended(&events),
        [(2, InviteCause::Expired)],
        "the other one was made good for longer"
    );
    world.enroll("alice", "alice").unwrap();
    let recorded: Vec<_> = world.log.iter().map(|recorded| recorded.event.clone()).collect();
    assert_eq!(ended(&recorded)[1..], [(1, InviteCause::Superseded)]);
    assert_eq!(enters(&mut world, "root", "root", 1), Err(Refusal::BadInvite));
    enters(&mut world, "root", "root", 3)
        .expect("an invite of the operator is not the server's own");
}

#[test]
fn an_invite_for_somebody_else_under_the_same_token_is_not_a_repeat() {
    let (mut world, root, _) = world();
    let of = |name, role| {
        let (invite, principal) = (id(1), Some(principal(name)));
        Command::Invite(Invite { invite, principal, role, lifetime: None, recovers: false })
    };
    world.ask(&root, of("carol", Role::User)).unwrap();
    assert_eq!(code(world.ask(&root, of("carol", Role::User))), None);
    for other in [of("dave", Role::User), of("carol", Role::Administrator)] {
        assert_eq!(code(world.ask(&root, other)), Some(RefusalCode::BadField));
    }
}

#[test]
fn an_invite_that_is_open_is_made_again_as_itself_and_never_as_a_recovery() {
    let (mut world, root, _) = world();
    let of = |recovers| {
        let (invite, principal) = (id(1), Some(principal("carol")));
        Command::Invite(Invite { invite, principal, role: Role::User, lifetime: None, recovers })
    };
    let first = world.ask(&root, of(false)).unwrap();
    // What was asked for is remembered no more; the invite is still open.
    world.pass(seconds(2 * OPERATION_MS / 1_000));
    assert_eq!(world.ask(&root, of(false)), Ok(first));
    assert_eq!(code(world.ask(&root, of(true))), Some(RefusalCode::BadField));
}
