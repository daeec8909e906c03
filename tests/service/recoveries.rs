//! Recoveries: who starts one, how long it waits, who ends it, and what its device is shown.

use crate::world::recovering::{
    DELAY, administer, ended, id, invite, recovery, refuse, terms, withdraw,
};
use crate::world::{World, actor, device_of, principal, seconds};
use adsum::event::{Event, InviteCause};
use adsum::model::limits::{
    INVITE_MS_DEFAULT, RECOVERY_DELAY_MS_DEFAULT, RECOVERY_DELAY_MS_MAX, RECOVERY_DELAY_MS_MIN,
};
use adsum::model::{
    AdministratorAct, Lifetime, OperationId, Refusal, RefusalCode, Role, Timestamp,
};
use adsum::protocol::{
    Administration, Command, Findings, Invite, ListActs, ListDomains, RevokeKey,
};
use adsum::service::{Actor, OperatorRecovery, Query, Reply};

fn code(answer: Result<Reply, Refusal>) -> Option<RefusalCode> {
    answer.err().map(|refusal| refusal.code())
}

fn hours(count: u64) -> Lifetime {
    seconds(count * 3_600)
}

/// Alice with two devices, bob, and an administrator.
fn world() -> (World, Actor, Actor) {
    let mut world = World::with(&["alice", "bob"]);
    let root = world.administrator("root@d.example");
    world.ask(&actor("alice"), invite(9, "alice")).unwrap();
    world.enters("alice", "phone", 9).unwrap();
    (world, root, device_of("alice", "phone"))
}

fn pending(name: &str, wait: Lifetime) -> Refusal {
    Refusal::RecoveryPending { principal: principal(name).to_string(), wait }
}

#[test]
fn an_invite_for_somebody_else_who_exists_must_be_called_a_recovery() {
    let (mut world, root, phone) = world();
    let needed = Refusal::RecoveryNeeded { principal: "alice@d.example".to_owned() };
    let before = world.log.len();
    assert_eq!(world.ask(&root, invite(1, "alice")), Err(needed));
    assert_eq!(world.log.len(), before, "nothing is left behind");
    assert_eq!(code(world.ask(&phone, invite(1, "alice"))), None, "a further device of one's own");
    assert_eq!(code(world.ask(&root, recovery(2, "carol"))), Some(RefusalCode::UnknownPrincipal));
    assert_eq!(code(world.ask(&root, recovery(2, "root"))), Some(RefusalCode::BadField));
    let Command::Invite(unnamed) = recovery(2, "alice") else { unreachable!() };
    let unnamed = Invite { principal: None, ..unnamed };
    assert_eq!(code(world.ask(&root, unnamed.into())), Some(RefusalCode::BadField));
    assert_eq!(code(world.ask(&root, recovery(2, "alice"))), None);
}

#[test]
fn only_an_administrator_of_the_very_domain_starts_a_recovery() {
    let (mut world, root, _) = world();
    let there = world.administrator("boss@e.example");
    let create = Administration::CreateDomain("e.example".parse().unwrap());
    world.ask(&root, administer(create)).unwrap();
    for stranger in [actor("bob"), actor("alice"), there.clone()] {
        let answer = code(world.ask(&stranger, recovery(1, "alice")));
        assert_eq!(answer, Some(RefusalCode::Forbidden), "{stranger:?}");
    }
    // Root runs the server, and makes the first administrators of other domains; it does not become one of them.
    let Command::Invite(of_boss) = recovery(1, "alice") else { unreachable!() };
    for role in [Role::User, Role::Administrator] {
        let boss = Some("boss@e.example".parse().unwrap());
        let of_boss = Invite { principal: boss, role, ..of_boss.clone() };
        assert_eq!(code(world.ask(&root, of_boss.into())), Some(RefusalCode::Forbidden));
    }
    let refounding = Invite {
        principal: Some("boss@e.example".parse().unwrap()),
        role: Role::Administrator,
        recovers: false,
        ..of_boss
    };
    assert_eq!(code(world.ask(&root, refounding.into())), Some(RefusalCode::RecoveryNeeded));
}

#[test]
fn an_invite_from_before_a_name_was_taken_adds_no_device_to_it() {
    let (mut world, root, _) = world();
    world.ask(&root, invite(1, "carol")).unwrap();
    world.ask(&root, invite(2, "carol")).unwrap();
    world.enters("carol", "carol", 2).unwrap();
    assert_eq!(code(world.enters("carol", "another", 1)), Some(RefusalCode::NameTaken));
}

#[test]
fn a_recovery_lets_nobody_in_before_its_delay_is_over_and_says_how_long_that_is() {
    let (mut world, root, _) = world();
    world.ask(&root, recovery(1, "alice")).unwrap();
    let brief = Lifetime::from_ms(1);
    assert_eq!(world.enters("alice", "new", 1), Err(pending("alice", DELAY)));
    world.pass(Lifetime::from_ms(RECOVERY_DELAY_MS_DEFAULT - 1));
    for is_loaded in [false, true] {
        let mut again = world.restarted(is_loaded);
        assert_eq!(again.enters("alice", "new", 1), Err(pending("alice", brief)));
        again.pass(brief);
        assert_eq!(code(again.enters("alice", "new", 1)), None);
        assert_eq!(code(again.enters("alice", "newer", 1)), Some(RefusalCode::BadInvite));
    }
    let refusal = world.enters("alice", "new", 1).unwrap_err();
    assert_eq!(refusal.retry_after(), Some(brief));
    assert!(refusal.code().is_authentication(), "a client is not to try again by itself");
}

#[test]
fn a_name_without_any_device_waits_all_the_same() {
    let (mut world, root, phone) = world();
    for device in [actor("alice"), phone] {
        let (operation, principal) = (OperationId::default(), Some(device.principal));
        let revoke = RevokeKey { operation, principal, device: device.device };
        world.ask(&root, Command::RevokeKey(revoke)).unwrap();
    }
    world.ask(&root, recovery(1, "alice")).unwrap();
    assert_eq!(world.enters("alice", "new", 1), Err(pending("alice", DELAY)));
    world.pass(DELAY);
    assert_eq!(code(world.enters("alice", "new", 1)), None);
}

#[test]
fn any_device_of_the_name_refuses_a_recovery_until_it_is_used_and_nobody_else_does() {
    let (mut world, root, phone) = world();
    world.ask(&root, recovery(1, "alice")).unwrap();
    for other in [actor("bob"), root.clone()] {
        assert_eq!(code(world.ask(&other, refuse(1))), Some(RefusalCode::NoRecovery));
    }
    assert_eq!(code(world.ask(&phone, refuse(2))), Some(RefusalCode::NoRecovery));
    world.pass(Lifetime::from_ms(RECOVERY_DELAY_MS_DEFAULT - 1));
    for is_loaded in [false, true] {
        for late in [0, 1, 1_000] {
            let mut again = world.restarted(is_loaded);
            again.pass(Lifetime::from_ms(late));
            let (events, answer) = again.events(&phone, refuse(1));
            assert_eq!(code(answer), None);
            let (by, device) = (phone.principal.clone(), phone.device);
            assert_eq!(ended(&events), [(1, InviteCause::Refused { by, device })]);
            again.pass(DELAY);
            assert_eq!(again.enters("alice", "new", 1), Err(Refusal::BadInvite));
            assert_eq!(code(again.ask(&phone, refuse(1))), Some(RefusalCode::NoRecovery));
        }
    }
}

#[test]
fn every_administrator_of_the_domain_takes_a_recovery_back_and_it_ends_with_its_makers_device() {
    let (mut world, root, _) = world();
    let boss = world.administrator("boss@d.example");
    world.ask(&root, recovery(1, "alice")).unwrap();
    let open = Some(RefusalCode::RecoveryOpen);
    assert_eq!(code(world.ask(&boss, recovery(2, "alice"))), open, "one at a time");
    let (events, _) = world.events(&boss, withdraw(1));
    assert_eq!(ended(&events), [(1, InviteCause::Withdrawn { by: boss.principal.clone() })]);
    world.ask(&root, recovery(2, "alice")).unwrap();
    let own = Some(root.principal.clone());
    let (operation, device) = (OperationId::default(), root.device);
    let revoke = RevokeKey { operation, principal: own, device };
    let (events, _) = world.events(&boss, Command::RevokeKey(revoke));
    assert_eq!(ended(&events), [(2, InviteCause::Revoked)]);
    world.ask(&boss, recovery(3, "alice")).unwrap();
    world.pass(DELAY);
    let events = world.pass(Lifetime::from_ms(INVITE_MS_DEFAULT));
    assert_eq!(
        ended(&events),
        [(3, InviteCause::Expired)],
        "its lifetime counts from the delay on"
    );
}

#[test]
fn a_suspended_name_is_not_recovered_because_it_cannot_refuse() {
    let (mut world, root, _) = world();
    world.ask(&root, recovery(1, "alice")).unwrap();
    let suspend = administer(Administration::Suspend(principal("alice")));
    let (events, _) = world.events(&root, suspend);
    assert_eq!(ended(&events), [(1, InviteCause::Withdrawn { by: root.principal.clone() })]);
    assert_eq!(code(world.ask(&root, recovery(2, "alice"))), Some(RefusalCode::Suspended));
    world.ask(&root, administer(Administration::Resume(principal("alice")))).unwrap();
    assert_eq!(world.enters("alice", "new", 1), Err(Refusal::BadInvite));
}

#[test]
fn a_recovery_stands_among_the_acts_in_the_list_and_in_each_welcome() {
    let (mut world, root, phone) = world();
    world.ahead = adsum::model::Ahead::from_ms(77_000);
    world.ask(&root, recovery(1, "alice")).unwrap();
    let shown = |elapsed: Timestamp| Timestamp::from_ms(elapsed.as_ms() + 77_000);
    let effective_at = shown(world.now.after(DELAY));
    let told = world.welcomed("alice", "phone").unwrap();
    assert_eq!((told.invite, told.by.as_ref()), (id(1), Some(&root.principal)));
    assert_eq!((told.started_at, told.effective_at), (shown(world.now), effective_at));
    assert!(!told.shows_earlier);
    assert_eq!(world.welcomed("alice", "alice").as_ref(), Some(&told));
    assert_eq!(world.welcomed("bob", "bob"), None);
    for asker in [&phone, &root] {
        assert_eq!(world.recoveries(asker), std::slice::from_ref(&told));
    }
    assert_eq!(world.recoveries(&actor("bob")), []);
    match world.query(&phone, Query::from(ListActs { principal: None })).unwrap() {
        Reply::Found(Findings::ListActs(rows)) => {
            let last = rows.last().unwrap();
            assert_eq!(last.act, Some(AdministratorAct::StartedRecovery));
            assert_eq!((&last.by, &last.about), (&root.principal, &id(1).to_string()));
        }
        other => panic!("{other:?}"),
    }
    let told_when_enrolled = |answer| match answer {
        Ok(Reply::Entered { recovery, .. }) => recovery.map(|recovery| *recovery),
        other => panic!("a new device was answered {other:?}"),
    };
    world.ask(&phone, invite(2, "alice")).unwrap();
    assert_eq!(told_when_enrolled(world.enters("alice", "tablet", 2)), Some(told));
    world.pass(DELAY);
    assert_eq!(told_when_enrolled(world.enters("alice", "new", 1)), None, "it is over with this");
    assert_eq!(world.welcomed("alice", "phone"), None);
}

fn policy(world: &mut World, root: &Actor) -> (u64, bool) {
    match world.query(root, Query::from(ListDomains)).unwrap() {
        Reply::Found(Findings::ListDomains(rows)) => {
            let policy = rows[0].recovery.unwrap();
            (policy.delay.as_ms() / 3_600_000, policy.shows_earlier)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_domain_sets_the_delay_within_bounds() {
    let (mut world, root, _) = world();
    assert_eq!(code(world.ask(&actor("bob"), terms(Some(48), None))), Some(RefusalCode::Forbidden));
    let exact = |ms| {
        let (domain, delay) = ("d.example".parse().unwrap(), Some(Lifetime::from_ms(ms)));
        administer(Administration::SetRecovery { domain, delay, shows_earlier: None })
    };
    let brief = code(world.ask(&root, exact(RECOVERY_DELAY_MS_MIN - 1)));
    assert_eq!(brief, Some(RefusalCode::TooBrief));
    let long = code(world.ask(&root, exact(RECOVERY_DELAY_MS_MAX + 1)));
    assert_eq!(long, Some(RefusalCode::TooLarge));
    for ms in [RECOVERY_DELAY_MS_MIN, RECOVERY_DELAY_MS_MAX] {
        assert_eq!(code(world.ask(&root, exact(ms))), None);
    }
    assert_eq!(policy(&mut world, &root), (30 * 24, false));
    world.ask(&root, recovery(1, "alice")).unwrap();
    assert_eq!(world.enters("alice", "new", 1), Err(pending("alice", hours(30 * 24))));
}

#[test]
fn what_held_before_holds_on_for_its_own_delay() {
    let (mut world, root, _) = world();
    world.ask(&root, terms(Some(1), Some(true))).unwrap();
    assert_eq!(policy(&mut world, &root), (24, false), "nobody weakens it and uses that at once");
    world.ask(&root, recovery(1, "alice")).unwrap();
    assert_eq!(world.enters("alice", "new", 1), Err(pending("alice", DELAY)));
    world.pass(hours(23));
    world.ask(&root, terms(Some(2), None)).unwrap();
    world.pass(hours(23));
    for is_loaded in [false, true] {
        let mut again = world.restarted(is_loaded);
        assert_eq!(policy(&mut again, &root), (24, false), "nor by changing it again and again");
        again.pass(hours(1));
        assert_eq!(policy(&mut again, &root), (2, true));
    }
    world.ask(&root, terms(Some(72), Some(false))).unwrap();
    assert_eq!(policy(&mut world, &root), (72, false), "stricter holds at once");
}

#[test]
fn a_recovery_that_runs_keeps_the_terms_it_was_started_on() {
    let (mut world, root, _) = world();
    world.ask(&root, recovery(1, "alice")).unwrap();
    world.ask(&root, terms(Some(1), Some(true))).unwrap();
    world.pass(hours(2));
    assert_eq!(world.enters("alice", "new", 1), Err(pending("alice", hours(22))));
}

#[test]
fn the_operators_recovery_takes_effect_at_once_in_place_of_another_and_is_on_record() {
    let (mut world, root, phone) = world();
    world.ask(&root, recovery(1, "alice")).unwrap();
    let wanted = |name: &str| OperatorRecovery {
        invite: id(2),
        principal: principal(name),
        role: Role::User,
        lifetime: seconds(60),
    };
    let now = world.now;
    assert!(world.service.recover(now, &wanted("carol")).is_err());
    world.service.recover(now, &wanted("alice")).unwrap();
    let events = world.pass(seconds(1));
    assert_eq!(ended(&events), [(1, InviteCause::Superseded)]);
    assert!(events.iter().any(|event| matches!(event, Event::RecoveryAnnounced(_))));
    let told = world.welcomed("alice", "phone").unwrap();
    assert_eq!((told.by, told.effective_at), (None, now));
    let acts =
        world.service.views().principal(&phone.principal).unwrap().acts().next_back().unwrap();
    assert_eq!(
        (acts.act, acts.about.as_str()),
        (AdministratorAct::StartedRecovery, "the operator")
    );
    let mut used = world.restarted(true);
    assert_eq!(code(used.enters("alice", "new", 2)), None);
    assert_eq!(code(world.ask(&phone, refuse(2))), None, "it can be refused until it is used");
    assert_eq!(world.enters("alice", "new", 2), Err(Refusal::BadInvite));
}
