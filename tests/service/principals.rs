//! Who has a name in a domain, as its administrators list them: all of them, in parts, and nobody of another domain.

use crate::world::governed::nobody;
use crate::world::{World, actor, operation};
use adsum::model::limits::FEED_PART_MAX;
use adsum::model::{Domain, OperationId, PrincipalRow, Refusal, RefusalCode, Role};
use adsum::protocol::{
    Administer, Administration, Command, Erase, Findings, ListPrincipals, RevokeKey,
};
use adsum::service::{Actor, Query, Reply};

/// The whole list, and how many parts it came in.
fn list(
    world: &mut World,
    asker: &Actor,
    of: Option<&str>,
) -> Result<(Vec<PrincipalRow>, usize), Refusal> {
    let domain = of.map(|name| name.parse::<Domain>().unwrap());
    let (mut found, mut parts) = (Vec::new(), 0);
    let mut next = Query::from(ListPrincipals { domain: domain.clone() });
    loop {
        parts += 1;
        let (rows, last) = match world.query(asker, next)? {
            Reply::Principals { rows, last } => (rows, Some(last)),
            Reply::Found(Findings::ListPrincipals(rows)) => (rows, None),
            other => panic!("principals were answered {other:?}"),
        };
        found.extend(rows);
        let Some(after) = last else { return Ok((found, parts)) };
        next = Query::MorePrincipals { domain: domain.clone(), after };
    }
}

/// A world with these in `d.example`, an administrator of that, and one of another domain that there is.
fn world(names: &[&str]) -> (World, Actor, Actor) {
    let mut world = World::asking(names);
    let root = world.administrator("root@d.example");
    let act = Administration::CreateDomain("e.example".parse().unwrap());
    world.ask(&root, Administer { operation: operation(9), act }.into()).unwrap();
    let there = world.administrator("chief@e.example");
    (world, root, there)
}

fn names(rows: &[PrincipalRow]) -> Vec<String> {
    rows.iter().map(|row| row.principal.to_string()).collect()
}

#[test]
fn an_administrator_lists_who_is_in_its_domain_and_nobody_else_does() {
    let (mut world, root, there) = world(&["bob", "alice"]);
    let suspend = Administration::Suspend("bob@d.example".parse().unwrap());
    let act = Administer { operation: OperationId::default(), act: suspend };
    world.ask(&root, act.into()).unwrap();
    let (rows, _) = list(&mut world, &root, None).unwrap();
    assert_eq!(names(&rows), ["alice@d.example", "bob@d.example", "root@d.example"]);
    let told: Vec<_> = rows.iter().map(|row| (row.role, row.is_suspended, row.devices)).collect();
    let user = |is_suspended| (Role::User, is_suspended, 1);
    assert_eq!(told, [user(false), user(true), (Role::Administrator, false, 1)]);
    assert!(rows.iter().all(|row| row.presence && row.messaging));
    assert_eq!(list(&mut world, &root, Some("d.example")).unwrap().0, rows);
    for (asker, of) in [
        (&actor("alice"), None),
        (&actor("alice"), Some("d.example")),
        (&root, Some("e.example")),
        (&there, Some("d.example")),
        (&root, Some("nowhere.example")),
    ] {
        let refusal = list(&mut world, asker, of).unwrap_err();
        assert_eq!(refusal.code(), RefusalCode::Forbidden, "{asker:?} of {of:?}");
    }
    assert_eq!(list(&mut world, &nobody(1), None).unwrap_err().code(), RefusalCode::Anonymous);
    assert_eq!(names(&list(&mut world, &there, None).unwrap().0), ["chief@e.example"]);
}

#[test]
fn a_long_list_comes_in_parts_with_nobody_left_out_or_told_twice() {
    let crowd: Vec<String> = (0..2 * FEED_PART_MAX).map(|number| format!("p{number:04}")).collect();
    let (mut world, root, _) = world(&crowd.iter().map(String::as_str).collect::<Vec<_>>());
    for number in 0..FEED_PART_MAX {
        world.administrator(&format!("a{number:04}@e.example"));
    }
    let (rows, parts) = list(&mut world, &root, None).unwrap();
    let all: Vec<String> = crowd.iter().map(|name| format!("{name}@d.example")).collect();
    let mut found = names(&rows);
    assert_eq!(found.pop().as_deref(), Some("root@d.example"));
    assert_eq!(found, all);
    assert_eq!(parts, 4, "those of another domain are looked at in parts, too");
}

#[test]
fn a_device_that_was_revoked_does_not_count_any_more() {
    let (mut world, root, _) = world(&["alice"]);
    let alice = actor("alice");
    let (device, operation) = (alice.device, operation(1));
    let revocation = RevokeKey { operation, principal: None, device };
    world.ask(&alice, Command::RevokeKey(revocation)).unwrap();
    let (rows, _) = list(&mut world, &root, None).unwrap();
    assert_eq!((rows[0].principal.to_string().as_str(), rows[0].devices), ("alice@d.example", 0));
}

#[test]
fn who_was_erased_is_in_no_list() {
    let (mut world, root, _) = world(&["alice", "bob"]);
    let principal = "alice@d.example".parse().unwrap();
    world.ask(&root, Command::Erase(Erase { principal })).unwrap();
    let (rows, _) = list(&mut world, &root, None).unwrap();
    assert_eq!(names(&rows), ["bob@d.example", "root@d.example"]);
}
