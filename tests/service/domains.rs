//! Domains made and removed, services switched, principals suspended, and the bounds of what an administrator may do.

use crate::world;
use crate::world::governed::{ACTIVE, NONE, ended, grant, nobody, rule};
use crate::world::{
    World, actor, im, key, message, note_of, operation, pres, principal, publish, seconds,
};
use adsum::event::Event;
use adsum::model::{
    Domain, DomainRow, EndReason, Handling, InboxSequence, InviteId, OperationId, Principal,
    Refusal, Role,
};
use adsum::protocol::{
    Administer, Administration, Answer, ChangeRules, Command, Delete, Displayed, EndSubscription,
    Findings, InboxStatus, Invite, ListActs, ListDomains, ListGrants, ListHistory, ListRules,
    ListSubscriptions, ListWatchers, RevokeKey, RulesOwner, ServerInfo, Subscribe, Version,
};
use adsum::service::{Actor, Enroll, Hello, Output, Query, Reply};

fn other() -> Domain {
    "e.example".parse().unwrap()
}

fn world() -> (World, Actor) {
    let mut world = World::asking(&["alice", "bob"]);
    let root = world.administrator("root@d.example");
    (world, root)
}

fn create(number: u8) -> Command {
    made(other(), number)
}

fn made(domain: Domain, number: u8) -> Command {
    let act = Administration::CreateDomain(domain);
    Administer { operation: operation(number), act }.into()
}

/// An act that needs no name of its own: a repeat finds things as they are to be.
fn administer(act: Administration) -> Command {
    Administer { operation: OperationId::default(), act }.into()
}

fn code(answer: Result<Reply, Refusal>) -> &'static str {
    answer.map_or_else(|refusal| refusal.code().as_str(), |_| "yes")
}

fn enter(world: &mut World, name: &str, domain: &str) -> Result<Reply, Refusal> {
    let principal: Principal = format!("{name}@{domain}").parse().unwrap();
    let label = adsum::model::DeviceLabel::new("").unwrap();
    let enroll = Some(Enroll { invite: None, label });
    world.enter(Hello { principal, key: key(&format!("{name}@{domain}")), enroll })
}

fn domains(world: &mut World, root: &Actor) -> Vec<DomainRow> {
    match world.query(root, Query::from(ListDomains)) {
        Ok(Reply::Found(Findings::ListDomains(rows))) => rows,
        answer => panic!("domains were answered {answer:?}"),
    }
}

#[test]
fn a_domain_made_while_the_server_runs_takes_principals_and_is_gone_when_it_is_removed() {
    let (mut world, root) = world();
    assert_eq!(code(enter(&mut world, "zoe", "e.example")), "foreign-domain");
    assert_eq!(code(world.ask(&root, create(1))), "yes");
    assert_eq!(code(enter(&mut world, "zoe", "e.example")), "yes");
    let rows = domains(&mut world, &root);
    let found: Vec<_> = rows.iter().map(|row| (row.domain.as_str(), row.is_configured)).collect();
    assert_eq!(found, [("d.example", true), ("e.example", false)]);
    assert_eq!(rows[1].principals, 1);

    let zoe = Actor {
        principal: "zoe@e.example".parse().unwrap(),
        device: key("zoe@e.example").device(),
    };
    world.decide("alice", "@e.example", Handling::Allow);
    let wish = world::subscribe("alice", adsum::model::Mode::Latest);
    assert_eq!(code(world.ask(&zoe, wish.clone())), "yes");
    let to_zoe = Command::Subscribe(Subscribe {
        operation: NONE,
        presentity: zoe.principal.presentity(),
        mode: adsum::model::Mode::Latest,
        lifetime: None,
    });
    world.ask(&actor("bob"), to_zoe).unwrap();
    world.feed(1, "bob", false);
    world.told();
    let remove = administer(Administration::RemoveDomain(other()));
    assert_eq!(code(world.ask(&root, remove.clone())), "domain-inhabited");
    let (operation, device) = (OperationId::default(), zoe.device);
    world.ask(&zoe, Command::RevokeKey(RevokeKey { operation, principal: None, device })).unwrap();
    assert_eq!(code(world.ask(&root, remove)), "yes");
    let told = world.told();
    let revoked =
        told.iter().any(|it| matches!(it, Output::Revoked { device } if *device == zoe.device));
    let is_ended = |output: &Output| matches!(output, Output::Presence { item, .. } if item.state == ended(EndReason::NoResource));
    assert!(revoked && told.iter().any(is_ended), "{told:?}");
    assert_eq!(code(world.ask(&zoe, wish)), "foreign-domain");
    assert_eq!(domains(&mut world, &root).len(), 1);
}

#[test]
fn a_domain_is_made_once_and_one_of_the_configuration_stays() {
    let (mut world, root) = world();
    let first = world.ask(&root, create(1)).unwrap();
    let (events, again) = world.events(&root, create(1));
    assert_eq!((events.len(), again), (0, Ok(first)));
    assert_eq!(code(world.ask(&root, create(2))), "domain-exists");
    let home: Domain = "d.example".parse().unwrap();
    let remove = administer(Administration::RemoveDomain(home.clone()));
    assert_eq!(code(world.ask(&root, remove)), "domain-configured");
    let make_home = made(home, 3);
    assert_eq!(code(world.ask(&root, make_home)), "domain-exists");
    let unknown = administer(Administration::RemoveDomain("f.example".parse().unwrap()));
    assert_eq!(code(world.ask(&root, unknown)), "foreign-domain");
}

#[test]
fn only_administrators_of_the_first_domain_make_domains_and_name_their_first_administrators() {
    let (mut world, root) = world();
    assert_eq!(code(world.ask(&actor("alice"), create(1))), "forbidden");
    world.ask(&root, create(1)).unwrap();
    let there = world.administrator("boss@e.example");
    let third = made("f.example".parse().unwrap(), 2);
    assert_eq!(code(world.ask(&there, third)), "forbidden");
    let invite = |number, role| {
        Command::Invite(Invite {
            invite: InviteId([number; 32]),
            principal: Some("chief@e.example".parse().unwrap()),
            role,
            lifetime: None,
            recovers: false,
        })
    };
    assert_eq!(code(world.ask(&root, invite(1, Role::Administrator))), "yes");
    assert_eq!(code(world.ask(&root, invite(2, Role::User))), "forbidden");
    assert_eq!(code(world.ask(&there, invite(3, Role::User))), "yes");
}

#[test]
fn a_service_that_is_off_in_a_domain_is_off_for_it_alone_and_the_other_goes_on() {
    let (mut world, root) = world();
    world.decide("alice", "bob@d.example", Handling::Allow);
    let switch = |presence, messaging| {
        administer(Administration::SwitchDomain {
            domain: "d.example".parse().unwrap(),
            presence,
            messaging,
        })
    };
    assert_eq!(code(world.ask(&actor("alice"), switch(Some(false), None))), "forbidden");
    world.ask(&root, switch(Some(false), None)).unwrap();
    let (events, _) = world.events(&root, switch(Some(false), None));
    assert!(events.is_empty(), "it is off already");
    assert_eq!(
        code(world.watch("bob", "alice").map(|_| Reply::Done(Answer::Unsubscribed))),
        "service-off"
    );
    assert_eq!(
        code(world.ask(&actor("alice"), Command::Publish(publish("alice", 1, "")))),
        "service-off"
    );
    assert_eq!(code(world.send("bob", "alice", "m1")), "yes");
    world.ask(&root, switch(Some(true), Some(false))).unwrap();
    assert_eq!(world.watch("bob", "alice"), Ok(ACTIVE));
    assert_eq!(code(world.send("bob", "alice", "m2")), "service-off");
    assert_eq!(code(world.open_inbox(1, &actor("alice"), "alice", None)), "service-off");
}

#[test]
fn a_principal_may_be_without_a_presentity_or_an_inbox() {
    let (mut world, _) = world();
    world.decide("alice", "bob@d.example", Handling::Allow);
    world.publish("alice", 1, "here");
    world.send("bob", "alice", "m1").unwrap();
    world.watch("bob", "alice").unwrap();
    world.feed(1, "bob", false);
    world.open_inbox(2, &actor("alice"), "alice", None).unwrap();
    world.told();
    let switch = |presence, messaging| {
        administer(Administration::SwitchServices {
            principal: principal("alice"),
            presence,
            messaging,
        })
    };
    assert_eq!(code(world.ask(&actor("bob"), switch(Some(false), None))), "forbidden");
    world.ask(&actor("alice"), switch(Some(false), None)).unwrap();
    assert_eq!(world.states(1), [ACTIVE, ended(EndReason::NoResource)]);
    assert_eq!(
        code(world.watch("bob", "alice").map(|_| Reply::Done(Answer::Unsubscribed))),
        "refused"
    );
    assert_eq!(
        code(world.ask(&actor("alice"), Command::Publish(publish("alice", 2, "")))),
        "unknown-presentity"
    );
    assert_eq!(code(world.send("bob", "alice", "m2")), "yes");
    world.told();
    world.ask(&actor("alice"), switch(None, Some(false))).unwrap();
    let told = world.told();
    assert!(told.iter().any(|it| matches!(it, Output::Ended { .. })), "{told:?}");
    assert_eq!(code(world.send("bob", "alice", "m3")), "unknown-inbox");
    world.ask(&actor("alice"), switch(Some(true), Some(true))).unwrap();
    assert!(world.page("alice", 0).is_empty(), "what lay there is gone");
    assert_eq!(world.fetch_note("bob", "alice"), "");
}

#[test]
fn a_service_that_is_switched_for_a_principal_leaves_the_other_as_it_is() {
    let (mut world, _) = world();
    world.publish("alice", 1, "here");
    world.send("bob", "alice", "m1").unwrap();
    let switch = |presence, messaging| {
        let principal = principal("alice");
        administer(Administration::SwitchServices { principal, presence, messaging })
    };
    for (presence, messaging) in [(None, Some(false)), (None, Some(true)), (Some(true), Some(true))]
    {
        world.ask(&actor("alice"), switch(presence, messaging)).unwrap();
        assert_eq!(world.fetch_note("alice", "alice"), "here", "{messaging:?}");
    }
    world.send("bob", "alice", "m2").unwrap();
    for presence in [Some(false), Some(true)] {
        world.ask(&actor("alice"), switch(presence, None)).unwrap();
        assert_eq!(world.page("alice", 0).len(), 1, "{presence:?}");
    }
}

#[test]
fn who_is_suspended_does_nothing_until_it_is_resumed_and_publishes_nothing() {
    let (mut world, root) = world();
    world.decide("alice", "bob@d.example", Handling::Allow);
    world.publish("alice", 1, "here");
    let suspend = |is_suspended| {
        let act = if is_suspended { Administration::Suspend } else { Administration::Resume };
        administer(act(principal("alice")))
    };
    assert_eq!(code(world.ask(&actor("bob"), suspend(true))), "forbidden");
    world.ask(&root, suspend(true)).unwrap();
    let told = world.told();
    assert!(matches!(told[..], [Output::Revoked { .. }]), "{told:?}");
    assert_eq!(
        code(world.ask(&actor("alice"), Command::Publish(publish("alice", 2, "")))),
        "suspended"
    );
    assert_eq!(code(world.query(&actor("alice"), Query::from(ListSubscriptions))), "suspended");
    assert_eq!(code(world.open_inbox(1, &actor("alice"), "alice", None)), "suspended");
    let hello = Hello { principal: principal("alice"), key: key("alice"), enroll: None };
    assert_eq!(code(world.enter(hello.clone())), "suspended");
    assert_eq!(world.fetch_note("bob", "alice"), "");
    world.ask(&root, suspend(false)).unwrap();
    assert_eq!(code(world.enter(hello)), "yes");
    let acts = Query::from(ListActs { principal: Some(principal("alice")) });
    let Ok(Reply::Found(Findings::ListActs(acts))) = world.query(&actor("alice"), acts) else {
        panic!()
    };
    let words: Vec<_> = acts.iter().map(|act| act.act.unwrap().as_str()).collect();
    assert_eq!(words, ["suspended", "resumed"]);
    let oneself = administer(Administration::Suspend(root.principal.clone()));
    assert_eq!(code(world.ask(&root, oneself)), "bad-field");
}

#[test]
fn what_an_administrator_does_to_somebody_stands_on_its_record_for_it_to_see() {
    let (mut world, root) = world();
    world.decide("alice", "bob@d.example", Handling::Allow);
    world.watch("bob", "alice").unwrap();
    let end = Command::EndSubscription(EndSubscription {
        operation: OperationId::default(),
        watcher: principal("bob"),
        presentity: pres("alice"),
    });
    world.ask(&root, end).unwrap();
    world.query(&root, Query::from(ListWatchers { presentity: pres("alice") })).unwrap();
    let off = administer(Administration::SwitchServices {
        principal: principal("alice"),
        presence: None,
        messaging: Some(false),
    });
    world.ask(&root, off).unwrap();
    let device = actor("alice").device;
    let acts = |world: &mut World, name: &str| {
        let query = Query::from(ListActs { principal: Some(principal(name)) });
        let Ok(Reply::Found(Findings::ListActs(acts))) = world.query(&actor(name), query) else {
            panic!()
        };
        acts.iter().map(|act| act.act.unwrap().as_str()).collect::<Vec<_>>()
    };
    assert_eq!(
        acts(&mut world, "alice"),
        ["ended-subscription", "listed-watchers", "switched-services"]
    );
    assert_eq!(acts(&mut world, "bob"), ["ended-subscription"]);
    let query = Query::from(ListActs { principal: Some(principal("alice")) });
    assert_eq!(code(world.query(&actor("bob"), query.clone())), "forbidden");
    world
        .ask(
            &root,
            Command::RevokeKey(RevokeKey {
                operation: OperationId::default(),
                principal: Some(principal("alice")),
                device,
            }),
        )
        .unwrap();
    let Ok(Reply::Found(Findings::ListActs(all))) = world.query(&root, query) else { panic!() };
    assert_eq!(all.last().unwrap().act.unwrap().as_str(), "revoked-key");
}

#[test]
fn an_administrator_neither_reads_nor_speaks_for_another() {
    let (mut world, root) = world();
    world.send("bob", "alice", "m1").unwrap();
    world.publish("alice", 1, "secret");
    let sequence = InboxSequence::new(1);
    let inbox = im("alice");
    let mut send = message("bob", "m2", "in her name");
    send.sender = Some(principal("alice"));
    for command in [
        Command::Publish(publish("alice", 1, "for her")),
        Command::Delete(Delete {
            operation: OperationId::default(),
            inbox: inbox.clone(),
            sequences: vec![sequence],
            sender: None,
        }),
        Command::Displayed(Displayed {
            operation: OperationId::default(),
            inbox: inbox.clone(),
            sequence,
        }),
        Command::Send(send),
        grant("alice", "bob", adsum::model::Rights::READ),
    ] {
        let answer = code(world.ask(&root, command.clone()));
        assert!(["forbidden", "not-your-sender"].contains(&answer), "{command:?}: {answer}");
    }
    assert_eq!(code(world.takes(&root, "alice", 1).1), "forbidden");
    for query in [
        Query::Page { inbox: inbox.clone(), after: InboxSequence::ZERO },
        Query::Quarantine { inbox: inbox.clone(), after: InboxSequence::ZERO },
        Query::from(InboxStatus { inbox }),
        Query::from(ListHistory { presentity: pres("alice"), since: None, until: None, limit: 0 }),
        Query::from(ListGrants { owner: Some(principal("alice")) }),
    ] {
        assert_eq!(code(world.query(&root, query.clone())), "forbidden", "{query:?}");
    }
    assert_eq!(code(world.open_inbox(1, &root, "alice", None)), "forbidden");
    let item = world.fetch(&root, "alice").unwrap();
    assert!(item.document.get().is_none(), "it is asked about as anybody");
}

fn domain_rule(name: &str, handling: Handling) -> ChangeRules {
    let owner = RulesOwner::Domain("d.example".parse().unwrap());
    let put = vec![rule(name, handling)];
    ChangeRules { owner, operation: NONE, if_version: None, put, remove: vec![] }
}

#[test]
fn a_domains_rules_take_away_and_never_add_and_reach_those_who_watch() {
    let (mut world, root) = world();
    world.publish("alice", 1, "here");
    world.decide("alice", "bob@d.example", Handling::Allow);
    world.watch("bob", "alice").unwrap();
    world.feed(1, "bob", false);
    let mut shown = domain_rule("@d.example", Handling::Allow);
    shown.put[0].shown.notes = false;
    world.ask(&root, Command::ChangeRules(shown)).unwrap();
    let items = world.items(1);
    assert_eq!(items.len(), 1);
    assert_eq!(note_of(items[0].document.get()), "");
    let block = Command::ChangeRules(domain_rule("bob@d.example", Handling::Block));
    assert_eq!(code(world.ask(&actor("alice"), block.clone())), "forbidden");
    world.ask(&root, block).unwrap();
    assert_eq!(world.states(1), [ended(EndReason::Rejected)]);
    assert_eq!(world.fetch(&actor("bob"), "alice").unwrap_err().code().as_str(), "refused");
    // Where the presentity says no, the domain cannot say yes.
    world.decide("alice", "bob@d.example", Handling::Block);
    world.ask(&root, Command::ChangeRules(domain_rule("bob@d.example", Handling::Allow))).unwrap();
    assert_eq!(world.fetch(&actor("bob"), "alice").unwrap_err().code().as_str(), "refused");
    // And who owns it sees its own.
    world.ask(&root, Command::ChangeRules(domain_rule("everyone", Handling::Block))).unwrap();
    assert_eq!(world.fetch_note("alice", "alice"), "here");
}

#[test]
fn a_change_of_a_domains_rules_is_made_once_and_holds_without_a_time() {
    let (mut world, root) = world();
    let mut change = domain_rule("@d.example", Handling::PoliteBlock);
    change.operation = OperationId([7; 16]);
    let first = world.ask(&root, Command::ChangeRules(change.clone()));
    assert_eq!(first, Ok(Reply::Done(Answer::Changed { version: 1 })));
    let (events, again) = world.events(&root, Command::ChangeRules(change.clone()));
    assert_eq!((events.len(), again), (0, first));
    (change.operation, change.if_version) = (NONE, Some(0));
    assert_eq!(code(world.ask(&root, Command::ChangeRules(change.clone()))), "stale-version");
    change.if_version = None;
    change.put[0].until = Some(world.now.after(seconds(10)));
    assert_eq!(code(world.ask(&root, Command::ChangeRules(change))), "bad-field");
}

#[test]
fn a_removed_domain_made_again_begins_without_its_rules() {
    let (mut world, root) = world();
    world.ask(&root, create(1)).unwrap();
    let there = world.administrator("boss@e.example");
    let owner = RulesOwner::Domain(other());
    let put = vec![rule("everyone", Handling::Block)];
    let (operation, if_version, remove) = (NONE, None, vec![]);
    let block = ChangeRules { owner: owner.clone(), operation, if_version, put, remove };
    world.ask(&there, Command::ChangeRules(block)).unwrap();
    let (operation, principal, device) = (NONE, None, there.device);
    world.ask(&there, Command::RevokeKey(RevokeKey { operation, principal, device })).unwrap();
    world.ask(&root, administer(Administration::RemoveDomain(other()))).unwrap();
    let (events, _) = world.events(&root, create(2));
    assert!(matches!(events[..], [Event::DomainCreated(_)]), "{events:?}");
    let there = world.administrator("chief@e.example");
    let rules = world.query(&there, Query::from(ListRules { owner }));
    assert_eq!(rules, Ok(Findings::ListRules((Version(0), vec![])).into()));
}

#[test]
fn a_server_tells_an_administrator_all_its_domains_and_others_their_own() {
    let (mut world, root) = world();
    world.ask(&root, create(1)).unwrap();
    let mut told = |who: &Actor| match world.query(who, Query::from(ServerInfo)) {
        Ok(Reply::Found(Findings::ServerInfo(said))) => {
            assert!(said.limits.contains(&("devices".to_owned(), 16)), "{:?}", said.limits);
            said.domains.iter().map(Domain::to_string).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(told(&root), ["d.example", "e.example"]);
    assert_eq!(told(&actor("alice")), ["d.example"]);
    assert_eq!(told(&nobody(1)), Vec::<String>::new());
}
