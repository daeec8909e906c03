//! Limits whose reach is a store with much in it: what is at the limit is kept or granted, and of one more it is seen what
//! `docs/LIMITS.md` says of it: it is refused, or the oldest goes.
//!
//! Much of it is put into the log as events, as if it had been done before. Must never hold: a number.

use crate::world::governed::{grant, nobody};
use crate::world::{World, actor, key, operation, pres, principal, publish, subscribe};
use adsum::event::{
    AdministratorActed, DomainCreated, Event, InviteIssued, RestoreNoticed, WatchObserved,
};
use adsum::model::limits::*;
use adsum::model::{
    AdministratorAct, DeviceId, DeviceLabel, Document, Domain, Handling, InviteId, Lifetime, Mode,
    Moment, OperationId, PastPlace, Refusal, Rights, Role, Tuple, TupleId,
};
use adsum::protocol::{
    Administer, Administration, Answer, Command, Findings, Invite, ListActs, ListSubscriptions,
    Publish, RevokeKey, Subscribe, Unsubscribe,
};
use adsum::service::{Actor, Enroll, Hello, Query, Reply};

/// Makes `events` part of the past.
fn past(world: &mut World, events: Vec<Event>) {
    world.service.record(world.now, events);
    world.pass(Lifetime::from_ms(0));
}

/// `command` is refused with `code`, and nothing is recorded of it.
#[track_caller]
fn refused(world: &mut World, actor: &Actor, command: Command, code: &str) {
    let (events, answer) = world.events(actor, command);
    assert_eq!(answer.unwrap_err().code().as_str(), code);
    assert!(events.is_empty(), "{events:?}");
}

fn subscriptions(world: &mut World, watcher: &str) -> Vec<String> {
    match world.query(&actor(watcher), Query::from(ListSubscriptions)) {
        Ok(Reply::Found(Findings::ListSubscriptions(rows))) => {
            rows.iter().map(|row| row.presentity.to_string()).collect()
        }
        other => panic!("a list was answered {other:?}"),
    }
}

#[test]
fn of_subscriptions_that_ended_the_oldest_is_forgotten() {
    let mut world = World::with(&["bob"]);
    let end = |world: &mut World, number: usize| {
        let name = format!("p{number}");
        world.enroll(&name, &name).unwrap();
        world.watch("bob", &name).unwrap();
        let (operation, presentity) = (OperationId::default(), pres(&name));
        world.ask(&actor("bob"), Unsubscribe { operation, presentity }.into()).unwrap();
    };
    (0..SUBSCRIPTIONS_ENDED_MAX).for_each(|number| end(&mut world, number));
    let first = pres("p0");
    let kept = |world: &World| {
        let view = world.service.views().watcher(&principal("bob")).unwrap();
        (view.subscriptions.len(), view.subscriptions.contains_key(&first))
    };
    assert_eq!(kept(&world), (SUBSCRIPTIONS_ENDED_MAX, true));
    end(&mut world, SUBSCRIPTIONS_ENDED_MAX);
    assert_eq!(kept(&world), (SUBSCRIPTIONS_ENDED_MAX, false));
    let listed = subscriptions(&mut world, "bob");
    assert!(!listed.contains(&first.to_string()) && listed.contains(&pres("p1").to_string()));
}

/// What an anonymous session is granted that asks for `lifetime_ms`.
fn granted_to_nobody(lifetime_ms: Option<u64>) -> u64 {
    let mut world = World::with(&["alice"]);
    world.decide("alice", "anonymous", Handling::Allow);
    let Command::Subscribe(plain) = subscribe("alice", Mode::Latest) else { unreachable!() };
    let lifetime = lifetime_ms.map(Lifetime::from_ms);
    match world.ask(&nobody(1), Command::Subscribe(Subscribe { lifetime, ..plain })) {
        Ok(Reply::Done(Answer::Subscribed { granted, .. })) => granted.as_ms(),
        other => panic!("a subscription was answered {other:?}"),
    }
}

#[test]
fn an_anonymous_session_is_granted_no_longer_than_the_most() {
    let most = SUBSCRIPTION_ANONYMOUS_MS_MAX;
    assert_eq!(granted_to_nobody(Some(most - 1)), most - 1);
    for asked in [Some(most), Some(most + 1), None] {
        assert_eq!(granted_to_nobody(asked), most);
    }
}

#[test]
fn who_names_no_lifetime_is_granted_the_default() {
    let mut world = World::with(&["alice", "bob"]);
    match world.ask(&actor("alice"), Command::Publish(publish("alice", 1, ""))) {
        Ok(Reply::Done(Answer::Published { granted, .. })) => {
            assert_eq!(granted.as_ms(), PUBLICATION_MS_DEFAULT);
        }
        other => panic!("a publish was answered {other:?}"),
    }
    match world.ask(&actor("bob"), subscribe("alice", Mode::Latest)) {
        Ok(Reply::Done(Answer::Subscribed { granted, .. })) => {
            assert_eq!(granted.as_ms(), SUBSCRIPTION_MS_DEFAULT);
        }
        other => panic!("a subscription was answered {other:?}"),
    }
}

#[test]
fn of_tuple_ids_the_one_that_went_first_is_forgotten() {
    let mut world = World::with(&["alice"]);
    // As many as one document has, again and again, until as many went as are remembered.
    let tuples = |from: usize, count: usize| {
        let id = |number: usize| TupleId::new(&format!("t{number}")).unwrap();
        let tuple = |number| Tuple::plain(id(number), adsum::model::Basic::Open);
        Document::new((from..from + count).map(tuple).collect(), vec![], vec![]).unwrap()
    };
    let mut say = |number: u8, document: Document| {
        let document = Some(document);
        let plain = publish("alice", number, "");
        world.ask(&actor("alice"), Command::Publish(Publish { document, ..plain })).unwrap();
        let view = world.service.views().presentity(&pres("alice")).unwrap();
        let first = TupleId::new("t0").unwrap();
        (view.past.tuple_ids().count(), view.past.tuple_ids().any(|id| *id == first))
    };
    for round in 0..TUPLE_IDS_REMEMBERED_MAX / TUPLES_MAX {
        say(round.to_le_bytes()[0], tuples(round * TUPLES_MAX, TUPLES_MAX));
    }
    let all = (TUPLE_IDS_REMEMBERED_MAX, true);
    assert_eq!(say(100, tuples(0, 1)), all);
    assert_eq!(say(101, tuples(1, 1)), all, "the first went, and is the last that did");
    assert_eq!(say(102, tuples(TUPLE_IDS_REMEMBERED_MAX, 1)).0, TUPLE_IDS_REMEMBERED_MAX);
}

#[test]
fn one_more_grant_than_the_most_is_refused_and_another_for_the_same_is_none() {
    let mut world = World::with(&["alice"]);
    let some = Rights::from_bits(1).unwrap();
    world.enroll("over", "over").unwrap();
    for number in 0..GRANTS_MAX {
        let name = format!("g{number}");
        world.enroll(&name, &name).unwrap();
        world.ask(&actor("alice"), grant("alice", &name, some)).unwrap();
    }
    refused(&mut world, &actor("alice"), grant("alice", "over", some), "too-large");
    let more = Rights::from_bits(3).unwrap();
    world.ask(&actor("alice"), grant("alice", "g0", more)).unwrap();
    world.ask(&actor("alice"), grant("alice", "g1", Rights::NONE)).unwrap();
    world.ask(&actor("alice"), grant("alice", "over", some)).unwrap();
}

fn seen(world: &World, watcher: usize) -> Event {
    Event::WatchObserved(WatchObserved {
        presentity: pres("alice"),
        watcher: principal(&format!("w{watcher}")),
        fetches: 1,
        subscriptions: 0,
        first_at: world.now,
        last_at: world.now.after(Lifetime::from_ms(watcher as u64)),
    })
}

#[test]
fn of_watchers_the_one_seen_last_the_longest_ago_is_forgotten() {
    let mut world = World::with(&["alice"]);
    let events = (0..WATCHERS_MAX).map(|number| seen(&world, number)).collect();
    past(&mut world, events);
    let remembered = |world: &World| {
        let seen = &world.service.views().audience(&pres("alice")).unwrap().seen;
        let has = |number: usize| seen.contains_key(&principal(&format!("w{number}")));
        (seen.len(), [0, 1, WATCHERS_MAX].map(has))
    };
    assert_eq!(remembered(&world), (WATCHERS_MAX, [true, true, false]));
    let over = vec![seen(&world, WATCHERS_MAX)];
    past(&mut world, over);
    assert_eq!(remembered(&world), (WATCHERS_MAX, [false, true, true]));
}

fn create(name: &str) -> Command {
    let act = Administration::CreateDomain(name.parse().unwrap());
    Administer { operation: operation(1), act }.into()
}

#[test]
fn one_more_domain_than_the_most_is_refused() {
    let mut world = World::with(&["alice"]);
    let root = world.administrator("root@d.example");
    let before = world.service.views().domains().len();
    let made = (before..DOMAINS_MAX - 1).map(|number| {
        let domain: Domain = format!("d{number}.example").parse().unwrap();
        let (by, operation) = (root.principal.clone(), OperationId::default());
        Event::DomainCreated(DomainCreated { domain, by, operation })
    });
    let made = made.collect();
    past(&mut world, made);
    world.ask(&root, create("last.example")).unwrap();
    assert_eq!(world.service.views().domains().len(), DOMAINS_MAX);
    refused(&mut world, &root, create("over.example"), "too-large");
}

#[test]
fn of_acts_the_oldest_is_forgotten() {
    let mut world = World::with(&["alice"]);
    let root = world.administrator("root@d.example");
    let act = |number: usize| {
        let (by, about) = (root.principal.clone(), number.to_string());
        let (principal, act) = (principal("alice"), AdministratorAct::Suspended);
        Event::AdministratorActed(AdministratorActed { principal, by, act, about })
    };
    let listed = |world: &mut World| {
        let query = Query::from(ListActs { principal: None });
        match world.query(&actor("alice"), query) {
            Ok(Reply::Found(Findings::ListActs(acts))) => (acts.len(), acts[0].about.clone()),
            other => panic!("acts were answered {other:?}"),
        }
    };
    past(&mut world, (0..ACTS_MAX).map(act).collect());
    assert_eq!(listed(&mut world), (ACTS_MAX, "0".to_owned()));
    past(&mut world, vec![act(ACTS_MAX)]);
    assert_eq!(listed(&mut world), (ACTS_MAX, "1".to_owned()));
}

fn phone(number: usize) -> String {
    format!("phone-{number}")
}

/// One more device of alice, by an invite that her first one makes.
fn one_more_device(world: &mut World, number: usize) -> Result<Reply, Refusal> {
    let invite = Invite { principal: Some(principal("alice")), ..invite(number, None) };
    let id = invite.invite;
    world.ask(&actor("alice"), invite.into()).unwrap();
    let enroll = Some(Enroll { invite: Some(id), label: DeviceLabel::new("").unwrap() });
    world.enter(Hello { principal: principal("alice"), key: key(&phone(number)), enroll })
}

#[test]
fn one_more_device_than_the_most_is_refused_until_one_is_revoked() {
    let mut world = World::with(&["alice"]);
    for number in 1..DEVICES_MAX {
        one_more_device(&mut world, number).unwrap();
    }
    let before = world.log.len();
    let full = Refusal::DevicesFull { max: DEVICES_MAX as u64 };
    assert_eq!(one_more_device(&mut world, DEVICES_MAX), Err(full));
    assert_eq!(world.log.len(), before + 1, "the invite alone");
    revoke(&mut world, 1);
    one_more_device(&mut world, DEVICES_MAX).unwrap();
}

/// Alice revokes one of her devices with her first one.
fn revoke(world: &mut World, device: usize) {
    let (operation, device) = (OperationId::default(), key(&phone(device)).device());
    let revoke = RevokeKey { operation, principal: None, device };
    world.ask(&actor("alice"), revoke.into()).unwrap();
}

#[test]
fn of_revoked_devices_the_oldest_is_forgotten() {
    let mut world = World::with(&["alice"]);
    let mut revoked = |number: usize| {
        world.now = world.now.after(Lifetime::from_ms(1));
        one_more_device(&mut world, number).unwrap();
        revoke(&mut world, number);
        let view = world.service.views().principal(&principal("alice")).unwrap();
        (view.devices.len() - 1, view.devices.contains_key(&key(&phone(1)).device()))
    };
    for number in 1..DEVICES_REVOKED_MAX {
        revoked(number);
    }
    assert_eq!(revoked(DEVICES_REVOKED_MAX), (DEVICES_REVOKED_MAX, true));
    assert_eq!(revoked(DEVICES_REVOKED_MAX + 1), (DEVICES_REVOKED_MAX, false));
}

fn invite(number: usize, lifetime_ms: Option<u64>) -> Invite {
    let mut id = [7; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    let lifetime = lifetime_ms.map(Lifetime::from_ms);
    Invite { invite: InviteId(id), principal: None, role: Role::User, lifetime, recovers: false }
}

#[test]
fn one_more_invite_than_the_store_holds_is_refused() {
    let mut world = World::with(&["alice"]);
    let root = world.administrator("root@d.example");
    let expires_at = world.now.after(Lifetime::from_ms(DAY_MS));
    let issued = (0..INVITES_MAX - 1).map(|number| {
        Event::InviteIssued(InviteIssued {
            invite: invite(number, None).invite,
            principal: None,
            domain: "d.example".into(),
            role: Role::User,
            by: None,
            device: None,
            is_first: false,
            expires_at,
        })
    });
    past(&mut world, issued.collect());
    world.ask(&root, invite(INVITES_MAX, None).into()).unwrap();
    assert_eq!(world.service.views().invites().len(), INVITES_MAX);
    refused(&mut world, &root, invite(INVITES_MAX + 1, None).into(), "invites-full");
}

#[test]
fn an_invite_is_good_for_no_longer_than_the_most() {
    let mut world = World::with(&[]);
    let root = world.administrator("root@d.example");
    let asked = [
        (None, INVITE_MS_DEFAULT),
        (Some(INVITE_MS_MAX - 1), INVITE_MS_MAX - 1),
        (Some(INVITE_MS_MAX), INVITE_MS_MAX),
        (Some(INVITE_MS_MAX + 1), INVITE_MS_MAX),
    ];
    for (number, (asked, granted)) in asked.into_iter().enumerate() {
        let invite = invite(number, asked);
        world.ask(&root, invite.clone().into()).unwrap();
        let (_, view) =
            world.service.views().invites().find(|(id, _)| **id == invite.invite).unwrap();
        assert_eq!(view.expires_at, world.now.after(Lifetime::from_ms(granted)), "{asked:?}");
    }
}

#[test]
fn of_devices_that_noticed_a_restored_store_the_oldest_is_forgotten() {
    let mut world = World::with(&["alice"]);
    let device = |number: usize| DeviceId([number.to_le_bytes()[0]; 8]);
    let noticed = |number: usize| {
        let by = PastPlace::Presence { had: Moment::ZERO, stands: Moment::ZERO };
        let (principal, device) = (principal("alice"), device(number));
        Event::RestoreNoticed(RestoreNoticed { principal, device, by })
    };
    past(&mut world, (0..NOTICES_KEPT_MAX).map(noticed).collect());
    let has =
        |world: &World, number| world.service.views().store().notice(device(number)).is_some();
    assert!(has(&world, 0));
    past(&mut world, vec![noticed(NOTICES_KEPT_MAX)]);
    assert_eq!([0, 1, NOTICES_KEPT_MAX].map(|number| has(&world, number)), [false, true, true]);
}
