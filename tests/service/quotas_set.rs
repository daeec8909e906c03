//! Quotas that administrators set, for a principal or for a domain: who may, which one wins, how long they stand; and the quotas
//! of what there is rather than of what passes.
//!
//! Must never hold: a default (those are in `model::limits`).

use adsum::event::Event;
use adsum::model::{
    AdministratorAct, Domain, InboxSequence, InviteId, Lifetime, Mode, OperationId, Quota,
    QuotaOwner, QuotaRow, QuotaSource, Quotas, Refusal, Role, limits,
};
use adsum::protocol::{
    Administer, Administration, Answer, Command, Findings, Invite, ListActs, ListQuotas,
    ServerInfo, Subscribe,
};
use adsum::service::{Actor, Query, Reply, Service, ServiceConfig};

use crate::world::governed::{delivery_rule, nobody};
use crate::world::{World, actor, config, im, principal, publish, subscribe};

const DONE: Result<Reply, Refusal> = Ok(Reply::Done(Answer::Changed { version: 0 }));

fn owner(name: &str) -> QuotaOwner {
    name.parse().unwrap()
}

fn set(owner_name: &str, quota: Quota, max: impl Into<Option<u64>>) -> Command {
    let (owner, max) = (owner(owner_name), max.into());
    let act = Administration::SetQuota { owner, quota, max };
    Administer { operation: OperationId::default(), act }.into()
}

/// Two domains with an administrator each, and people in the first.
fn world(names: &[&str]) -> (World, Actor, Actor) {
    let domains = ["d.example", "e.example"].map(|name| name.parse::<Domain>().unwrap());
    let config = ServiceConfig { domains: domains.to_vec(), ..config() };
    let mut world = World::on(config, names);
    let root = world.administrator("root@d.example");
    let other = world.administrator("root@e.example");
    (world, root, other)
}

fn code(answer: Result<Reply, Refusal>) -> &'static str {
    answer.map_or_else(|refusal| refusal.code().as_str(), |_| "yes")
}

fn quotas(world: &mut World, asker: &Actor, of: Option<&str>) -> Result<Vec<QuotaRow>, Refusal> {
    match world.query(asker, Query::from(ListQuotas { owner: of.map(owner) }))? {
        Reply::Found(Findings::ListQuotas(rows)) => Ok(rows),
        other => panic!("quotas were answered {other:?}"),
    }
}

/// Most, taken, and who says so.
fn quota(world: &mut World, asker: &Actor, quota: Quota) -> (u64, Option<u64>, QuotaSource) {
    let rows = quotas(world, asker, None).unwrap();
    let row = rows.iter().find(|row| row.quota == quota.as_str()).unwrap();
    (row.max, row.used, row.source)
}

fn invite(number: u8, name: &str) -> Command {
    let (principal, role, lifetime) = (Some(principal(name)), Role::User, None);
    let invite = InviteId([number; 32]);
    Command::Invite(Invite { invite, principal, role, lifetime, recovers: false })
}

/// One thing of each quota that bob does, the number of the time told: a quota of two lets two of them be.
fn take(world: &mut World, quota: Quota, number: u8) -> Result<(), Refusal> {
    let bob = actor("bob");
    match quota {
        Quota::LogBytes | Quota::Events => {
            world.ask(&bob, Command::Publish(publish("bob", number, "here"))).map(drop)
        }
        Quota::MessageIds | Quota::Waiting => {
            world.send("bob", "alice", &format!("{}{number}", quota.as_str())).map(drop)
        }
        Quota::Stored => {
            let to = ["alice", "carol"][usize::from(number % 2)];
            world.send("bob", to, &format!("s{number}")).map(drop)
        }
        Quota::RulesBytes => world.events(&bob, rules(number)).1.map(drop),
        Quota::Feeds => world.open_inbox(u32::from(number), &bob, "bob", None).map(drop),
        Quota::Subscriptions => {
            let to = format!("w{number}");
            world.enroll(&to, &to).unwrap();
            world.ask(&bob, subscribe(&to, Mode::Latest)).map(drop)
        }
        Quota::Invites => world.ask(&bob, invite(number, "bob")).map(drop),
    }
}

fn rules(number: u8) -> Command {
    use adsum::model::Handling;

    use crate::world::governed::{change, rule};
    let who = format!("someone{number:03}@d.example");
    change("bob", vec![rule(&who, Handling::Block)], &[]).into()
}

/// How often bob may take some of a quota.
fn taken(world: &mut World, quota: Quota, begin: u8) -> u8 {
    let mut count = 0;
    while take(world, quota, begin + count).is_ok() {
        count += 1;
        assert!(count < 90, "there is no end of {quota:?}");
    }
    count
}

/// A number of a quota that lets few be done, and how many that are; rules and the log are counted in bytes.
fn few(quota: Quota) -> (u64, u8) {
    match quota {
        Quota::LogBytes => (1, 1),
        Quota::Events => (1, 60),
        Quota::RulesBytes => (100, 1),
        _ => (3, 3),
    }
}

#[test]
fn every_quota_is_set_for_a_principal_or_a_domain_and_one_over_it_is_refused_by_its_code() {
    for quota in Quota::ALL.iter().copied() {
        for name in ["bob@d.example", "@d.example"] {
            let (mut world, root, _) = world(&["alice", "bob", "carol"]);
            let (max, count) = few(quota);
            assert_eq!(world.ask(&root, set(name, quota, max)), DONE);
            assert_eq!(taken(&mut world, quota, 1), count, "{quota:?}");
            let before = world.log.len();
            let refusal = take(&mut world, quota, 100).unwrap_err();
            assert_eq!(refusal.code(), quota.code(), "{quota:?}");
            assert!(
                matches!(&refusal, Refusal::OverQuota { quota: of, max: told, .. } if (*of, *told) == (quota, max)),
                "{refusal:?}"
            );
            let enrolled = usize::from(quota == Quota::Subscriptions);
            assert_eq!(world.log.len(), before + enrolled, "what is refused is recorded nowhere");
            assert_eq!(world.ask(&root, set(name, quota, None)), DONE);
            assert!(take(&mut world, quota, 101).is_ok(), "{quota:?} is the operator's again");
        }
    }
}

#[test]
fn whoever_may_have_nothing_of_a_quota_is_told_whom_to_ask() {
    for quota in Quota::ALL.iter().copied() {
        let (mut world, root, _) = world(&["alice", "bob", "carol"]);
        world.ask(&root, set("bob@d.example", quota, 0)).unwrap();
        let refusal = take(&mut world, quota, 1).unwrap_err();
        assert_eq!(refusal, Refusal::OverQuota { quota, max: 0, retry_after: None });
        assert!(refusal.to_string().ends_with(Quota::ASK), "{refusal}");
    }
}

#[test]
fn what_is_set_for_a_principal_wins_over_its_domain_and_that_over_the_operator() {
    let (mut world, root, _) = world(&["alice", "bob"]);
    let (bob, of) = (actor("bob"), Quota::Feeds);
    let default = Quotas::default().max(of);
    assert_eq!(quota(&mut world, &bob, of), (default, Some(0), QuotaSource::Operator));
    world.ask(&root, set("@d.example", of, 5)).unwrap();
    assert_eq!(quota(&mut world, &bob, of), (5, Some(0), QuotaSource::Domain));
    world.ask(&root, set("bob@d.example", of, 2 * default)).unwrap();
    assert_eq!(quota(&mut world, &bob, of), (2 * default, Some(0), QuotaSource::Principal));
    assert_eq!(quota(&mut world, &actor("alice"), of).0, 5);
    world.ask(&root, set("@d.example", of, None)).unwrap();
    assert_eq!(quota(&mut world, &bob, of).0, 2 * default);
    world.ask(&root, set("bob@d.example", of, None)).unwrap();
    assert_eq!(quota(&mut world, &bob, of), (default, Some(0), QuotaSource::Operator));
}

#[test]
fn of_what_stays_in_memory_nobody_is_given_more_than_the_operator_says() {
    let (mut world, root, _) = world(&["bob"]);
    for quota in Quota::ALL.iter().copied() {
        let most = Quotas::default().max(quota);
        for name in ["bob@d.example", "@d.example"] {
            assert_eq!(world.ask(&root, set(name, quota, most)), DONE);
            let more = world.ask(&root, set(name, quota, most + 1));
            let (part, found) = (quota.part(), most + 1);
            let refused = Err(Refusal::TooLarge { part, found, max: most });
            assert_eq!(more, if quota.stays() { refused } else { DONE }, "{quota:?}");
        }
    }
    // What the operator says may become less later.
    let mut views = adsum::view::Views::default();
    world.log.iter().for_each(|recorded| views.apply(recorded));
    let less = Quotas::default().with(Quota::Subscriptions, 4).with(Quota::Feeds, 4);
    world.service = Service::new(ServiceConfig { quotas: less, ..config() }, views);
    assert_eq!(quota(&mut world, &actor("bob"), Quota::Subscriptions).0, 4);
    assert!(quota(&mut world, &actor("bob"), Quota::Feeds).0 > 4);
}

#[test]
fn only_administrators_of_the_very_domain_set_and_see_quotas_and_others_learn_no_name() {
    let (mut world, root, other) = world(&["alice", "bob"]);
    let (alice, of) = (actor("alice"), Quota::Events);
    for asker in [&alice, &other] {
        let mut told = Vec::new();
        for name in ["bob@d.example", "nobody@d.example", "@d.example"] {
            let before = world.log.len();
            let refused = world.ask(asker, set(name, of, 1)).unwrap_err();
            assert_eq!(world.log.len(), before);
            told.push(refused.to_string());
            let seen = quotas(&mut world, asker, Some(name)).unwrap_err();
            assert_eq!(seen.code().as_str(), "forbidden");
            assert!(seen.to_string().contains(name.trim_start_matches('@')));
        }
        assert!(told.iter().all(|text| text.starts_with("you may not administer d.example")));
        assert_eq!(told[0], told[1], "whether a name is there is not told");
    }
    let foreign = set("@elsewhere.example", of, 1);
    assert_eq!(code(world.ask(&root, foreign)), "forbidden");
    assert_eq!(code(world.ask(&root, set("nobody@d.example", of, 1))), "unknown-principal");
    let seen = quotas(&mut world, &root, Some("nobody@d.example"));
    assert_eq!(seen.unwrap_err().code().as_str(), "unknown-principal");
    assert_eq!(quotas(&mut world, &root, Some("bob@d.example")).unwrap().len(), Quota::ALL.len());
    assert_eq!(
        quotas(&mut world, &actor("bob"), Some("bob@d.example")),
        quotas(&mut world, &root, Some("bob@d.example"))
    );
    let nameless = world.query(&nobody(1), Query::from(ListQuotas { owner: None }));
    assert_eq!(code(nameless), "anonymous");
}

#[test]
fn a_quota_that_is_set_stands_among_the_acts_and_once() {
    let (mut world, root, _) = world(&["bob"]);
    let (events, answer) = world.events(&root, set("bob@d.example", Quota::Events, 7));
    assert_eq!(answer, DONE);
    assert!(matches!(&events[..], [Event::AdministratorActed(_), Event::QuotaSet(_)]));
    let (events, answer) = world.events(&root, set("bob@d.example", Quota::Events, 7));
    assert_eq!((events.len(), answer), (0, DONE), "a repeat");
    world.ask(&root, set("bob@d.example", Quota::Events, None)).unwrap();
    let (events, _) = world.events(&root, set("@d.example", Quota::Events, 7));
    assert!(matches!(&events[..], [Event::DomainQuotaSet(_)]), "{events:?}");
    let (events, _) = world.events(&root, set("@d.example", Quota::Events, 7));
    assert!(events.is_empty(), "a repeat");
    let acts = world.query(&actor("bob"), Query::from(ListActs { principal: None }));
    let Ok(Reply::Found(Findings::ListActs(acts))) = acts else { panic!("{acts:?}") };
    let told: Vec<_> = acts.iter().map(|row| (row.act, row.about.as_str())).collect();
    let act = Some(AdministratorAct::SetQuota);
    assert_eq!(told, [(act, "events-a-second 7"), (act, "events-a-second as its domain")]);
}

#[test]
fn quotas_and_what_waits_are_the_same_after_a_restart() {
    let (mut world, root, _) = world(&["alice", "bob", "carol"]);
    world.ask(&root, set("bob@d.example", Quota::Stored, 3)).unwrap();
    world.ask(&root, set("@d.example", Quota::Events, 50)).unwrap();
    assert_eq!(taken(&mut world, Quota::Stored, 1), 3);
    world.takes(&actor("alice"), "alice", 1).1.unwrap();
    for is_loaded in [false, true] {
        let mut later = world.restarted(is_loaded);
        assert_eq!(quota(&mut later, &actor("bob"), Quota::Events).0, 50);
        assert_eq!(taken(&mut later, Quota::Stored, 10), 1, "one was read");
        assert_eq!(code(later.send("bob", "carol", "more")), "quota-messages-stored");
        assert_eq!(code(later.send("carol", "bob", "hers")), "yes");
    }
}

#[test]
fn messages_stored_are_counted_over_all_inboxes_until_somebody_takes_or_ends_them() {
    assert_eq!(Quotas::default().max(Quota::Stored), limits::MESSAGES_STORED_OF_SENDER_MAX);
    let (mut world, root, _) = world(&["alice", "bob", "carol", "dave"]);
    world.deliver("dave", vec![delivery_rule("bob@d.example", adsum::model::Delivery::Quarantine)]);
    world.ask(&root, set("bob@d.example", Quota::Stored, 2)).unwrap();
    let stored = Quota::Stored.code().as_str();
    assert_eq!(code(world.send("bob", "alice", "a")), "yes");
    assert_eq!(
        code(world.send("bob", "dave", "gone")),
        "yes",
        "it is discarded, and waits nowhere"
    );
    let short = adsum::protocol::Send {
        lifetime: Some(Lifetime::from_ms(5_000)),
        ..crate::world::message("carol", "short", "x")
    };
    assert_eq!(code(world.ask(&actor("bob"), Command::Send(short))), "yes");
    for to in ["alice", "carol", "dave", "bob"] {
        assert_eq!(code(world.send("bob", to, "over")), stored, "whatever would become of it");
    }
    world.pass(Lifetime::from_ms(5_000));
    assert_eq!(code(world.send("bob", "carol", "again")), "yes", "the time of one was over");
    assert_eq!(code(world.send("bob", "carol", "over")), stored);
    world.takes(&actor("alice"), "alice", 1).1.unwrap();
    assert_eq!(code(world.send("bob", "carol", "read")), "yes", "one was read");
    let (inbox, sequences) = (im("carol"), vec![InboxSequence::new(2)]);
    let (operation, sender) = (OperationId::default(), None);
    let delete = adsum::protocol::Delete { operation, inbox, sequences, sender };
    world.ask(&actor("carol"), delete.into()).unwrap();
    assert_eq!(code(world.send("bob", "carol", "deleted")), "yes", "one was deleted");
    assert_eq!(code(world.send("bob", "carol", "over")), stored);
}

#[test]
fn of_what_is_there_the_refusal_says_when_the_first_ends() {
    let (mut world, root, _) = world(&["alice", "bob", "carol"]);
    world.ask(&root, set("bob@d.example", Quota::Subscriptions, 1)).unwrap();
    world.ask(&root, set("bob@d.example", Quota::Invites, 1)).unwrap();
    let (operation, mode, lifetime) =
        (OperationId::default(), Mode::Latest, Some(Lifetime::from_ms(60_000)));
    let presentity = crate::world::pres("alice");
    let first = Subscribe { operation, presentity, mode, lifetime };
    world.ask(&actor("bob"), first.into()).unwrap();
    world.ask(&actor("bob"), invite(1, "bob")).unwrap();
    world.pass(Lifetime::from_ms(1_000));
    let refused = world.ask(&actor("bob"), subscribe("carol", Mode::Latest)).unwrap_err();
    assert_eq!(refused.retry_after(), Some(Lifetime::from_ms(59_000)));
    let refused = world.ask(&actor("bob"), invite(2, "bob")).unwrap_err();
    let wait = limits::INVITE_MS_DEFAULT - 1_000;
    assert_eq!(refused.retry_after(), Some(Lifetime::from_ms(wait)));
    world.pass(Lifetime::from_ms(59_000));
    world.ask(&actor("bob"), subscribe("carol", Mode::Latest)).unwrap();
}

#[test]
fn a_principal_sees_what_it_took_and_not_what_others_do_with_its_messages() {
    let (mut world, root, _) = world(&["alice", "bob", "carol"]);
    for quota in Quota::ALL.iter().copied() {
        take(&mut world, quota, 1).unwrap();
    }
    let bob = actor("bob");
    let rows = quotas(&mut world, &bob, None).unwrap();
    let words: Vec<_> = rows.iter().map(|row| row.quota.as_str()).collect();
    assert_eq!(words, Quota::ALL.iter().map(|quota| quota.as_str()).collect::<Vec<_>>());
    for (row, quota) in rows.iter().zip(Quota::ALL) {
        let is_told = !matches!(quota, Quota::Waiting | Quota::Stored);
        assert_eq!(row.used.is_some_and(|used| used > 0), is_told, "{row:?}");
        assert!(row.used.is_some() == is_told, "{row:?}");
    }
    let domain = quotas(&mut world, &root, Some("@d.example")).unwrap();
    assert!(domain.iter().all(|row| row.used.is_none()), "a domain takes nothing itself");
    assert_eq!(quota(&mut world, &bob, Quota::Invites).0, limits::INVITES_OF_USER_MAX as u64);
    let own = quota(&mut world, &root, Quota::Invites).0;
    assert_eq!(own, limits::INVITES_OF_ADMINISTRATOR_MAX as u64);
    world.pass(Lifetime::from_ms(2 * limits::MINUTE_MS));
    assert_eq!(quota(&mut world, &bob, Quota::Feeds).1, Some(0));
}

#[test]
fn what_a_server_says_of_its_limits_is_what_holds_for_who_asks() {
    let (mut world, root, _) = world(&["bob"]);
    world.ask(&root, set("bob@d.example", Quota::Subscriptions, 7)).unwrap();
    let mut told = |asker: &Actor| match world.query(asker, Query::from(ServerInfo)) {
        Ok(Reply::Found(Findings::ServerInfo(said))) => {
            said.limits.iter().find(|(name, _)| name == "subscriptions").unwrap().1
        }
        other => panic!("a server says {other:?}"),
    };
    assert_eq!(told(&actor("bob")), 7);
    assert_eq!(told(&root), limits::SUBSCRIPTIONS_MAX as u64);
    assert_eq!(told(&nobody(1)), limits::SUBSCRIPTIONS_ANONYMOUS_MAX as u64);
}
