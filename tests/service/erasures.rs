//! What ends with a principal that is erased, and who may be called as it was.

use crate::world::governed::{change, rule};
use crate::world::{World, actor, pres, principal, publish, seconds};
use adsum::event::{Ended, Event, PrincipalErased};
use adsum::model::limits::NAME_FREED_MS;
use adsum::model::{Handling, Lifetime, RefusalCode, Rights};
use adsum::protocol::Command;
use adsum::service::Output;

/// Bob, who publishes, watches, is watched, grants, is granted to, has rules, got a message and sent one that waits.
fn world() -> World {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.publish("bob", 1, "secret");
    world.watch("bob", "alice").unwrap();
    world.watch("alice", "bob").unwrap();
    world.give("bob", "carol", Rights::READ);
    world.give("alice", "bob", Rights::PUBLISH);
    world.ask(&actor("bob"), publish("alice", 1, "of alice").into()).unwrap();
    let rules = change("bob", vec![rule("carol@d.example", Handling::Block)], &[]);
    world.ask(&actor("bob"), Command::ChangeRules(rules)).unwrap();
    world.send("alice", "bob", "m1").unwrap();
    world.send("bob", "alice", "m2").unwrap();
    world.told();
    world
}

fn erase(world: &mut World) -> Vec<Event> {
    world.service.erase(world.now, &principal("bob")).unwrap();
    world.pass(seconds(0))
}

#[test]
fn all_that_a_principal_has_and_made_ends_when_it_is_erased() {
    let mut world = world();
    let events = erase(&mut world);
    let Some(Event::PrincipalErased(PrincipalErased { by: None, ended, name_free_at, .. })) =
        events.last()
    else {
        panic!("{events:?}")
    };
    let expected = Ended {
        devices: 1,
        publications: 2,
        subscriptions: 1,
        watchers: 1,
        grants: 2,
        invites: 0,
        rules: 1,
        received: 1,
        sent: 1,
    };
    assert_eq!(*ended, expected);
    assert_eq!(*name_free_at, world.now.after(Lifetime::from_ms(NAME_FREED_MS)));
    let views = world.service.views();
    assert!(views.principal(&principal("bob")).is_none());
    assert!(views.presentity(&pres("bob")).unwrap().publications.is_empty());
    assert!(views.presentity(&pres("alice")).unwrap().publications.is_empty());
    assert_eq!(views.inbox(&principal("alice").inbox()).unwrap().kept(), 0);
    assert_eq!(views.inbox(&principal("bob").inbox()).unwrap().kept(), 0);
    assert_eq!(views.rules(&principal("alice")).unwrap().grants.len(), 0);
    assert!(views.watcher(&principal("bob")).is_none(), "whom it watched is forgotten");
    assert!(world.told().iter().any(|told| matches!(told, Output::Revoked { .. })));
    for is_loaded in [false, true] {
        let mut again = world.restarted(is_loaded);
        assert_eq!(again.service.views().erased().count(), 1);
        let refusal = again.send("alice", "bob", "m3").unwrap_err();
        assert_eq!(refusal.code(), RefusalCode::UnknownInbox);
    }
}

#[test]
fn a_name_that_was_erased_is_free_after_a_delay_and_its_next_owner_has_nothing_of_it() {
    let mut world = world();
    erase(&mut world);
    world.now = world.now.after(Lifetime::from_ms(NAME_FREED_MS - 1_000));
    let refusal = world.enroll("bob", "other").unwrap_err();
    assert_eq!(refusal.code(), RefusalCode::NameTaken);
    world.now = world.now.after(seconds(1));
    world.enroll("bob", "other").unwrap();
    let views = world.service.views();
    assert_eq!(views.principal(&principal("bob")).unwrap().devices.len(), 1);
    assert_eq!(
        (views.erased().count(), views.rules(&principal("bob")).unwrap().grants.len()),
        (0, 0)
    );
    world.send("alice", "bob", "m4").unwrap();
    assert!(world.service.erase(world.now, &principal("nobody")).is_err());
}
