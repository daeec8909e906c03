//! What ends with a principal that is erased, and who may be called as it was.

use crate::world::governed::{change, rule};
use crate::world::{
    World, actor, config, feed_id, key, note_of, pres, principal, publish, seconds,
};
use adsum::event::{Ended, Event, PrincipalErased};
use adsum::model::limits::NAME_FREED_MS;
use adsum::model::{
    AdministratorAct, DeviceLabel, Handling, Lifetime, Mode, Moment, OperationId, Presentity,
    Refusal, RefusalCode, Rights, SubscriptionState,
};
use adsum::protocol::{
    Administer, Administration, Command, Erase, Findings, ListActs, ListDomains, Subscribe,
    Unsubscribe,
};
use adsum::service::feed::{PresenceFeed, PresenceStep};
use adsum::service::{Actor, Enroll, Hello, Output, PresenceOpened, Query, Reply, ServiceConfig};

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
fn what_somebody_watched_of_itself_ends_once() {
    let mut world = world();
    world.watch("bob", "bob").unwrap();
    let events = erase(&mut world);
    let is_own = |event: &&Event| {
        matches!(event, Event::SubscriptionEnded(event)
            if event.watcher == principal("bob") && event.presentity == pres("bob"))
    };
    assert_eq!(events.iter().filter(is_own).count(), 1);
    let Some(Event::PrincipalErased(event)) = events.last() else { panic!("{events:?}") };
    assert_eq!((event.ended.subscriptions, event.ended.watchers), (2, 1));
}

/// How alice comes not to be told of bob any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    ByErasure,
    ByItself,
    RunOut,
    Blocked,
}

impl Left {
    fn happens(self, world: &mut World) {
        match self {
            Self::ByErasure => {}
            Self::ByItself => {
                let (operation, presentity) = (OperationId::default(), pres("bob"));
                let leaves = Unsubscribe { operation, presentity };
                world.ask(&actor("alice"), Command::Unsubscribe(leaves)).unwrap();
            }
            Self::RunOut => drop(world.pass(seconds(60))),
            Self::Blocked => {
                let rules = change("bob", vec![rule("alice@d.example", Handling::Block)], &[]);
                world.ask(&actor("bob"), Command::ChangeRules(rules)).unwrap();
            }
        }
        let is_left = matches!(world.state("alice", "bob"), SubscriptionState::Terminated(_));
        assert_eq!(is_left, self != Self::ByErasure, "{self:?}");
    }
}

/// A feed of alice's that she is slow to take from, so that changes wait in it.
struct Slow {
    feed: PresenceFeed,
    /// Who is told about, and in which words.
    told: Vec<(Presentity, String)>,
}

impl Slow {
    /// Opened, with all told that it began with and a window of one event, which is used up.
    fn of(world: &mut World) -> Self {
        let opened = world.open_presence(1, "alice", &[], Moment::ZERO);
        let mut slow = Self { feed: PresenceFeed::new(Moment::ZERO, 1), told: Vec::new() };
        assert_eq!(opened.histories, [], "nothing is to be read");
        slow.feed.opened(&opened, Vec::new());
        slow.takes();
        slow.feed.acknowledged(slow.feed.position());
        slow.takes();
        slow
    }

    /// Hears what it was told since.
    fn hears(&mut self, world: &mut World) {
        for output in world.told() {
            match output {
                Output::Presence { feeds, item } if feeds.len() == 1 => {
                    self.feed.offer(feeds[0].1, item);
                }
                Output::Erased { feeds, principal } => {
                    assert_eq!(feeds, [feed_id(1)]);
                    self.feed.erase(&principal);
                }
                _ => {}
            }
        }
    }

    /// Takes what there is room for; says whether that was anything.
    fn takes(&mut self) -> bool {
        let before = self.told.len();
        loop {
            match self.feed.next_step() {
                PresenceStep::Send { item, .. } => {
                    let note = note_of(item.document.get());
                    self.told.push((item.presentity.clone(), note));
                    self.feed.sent(1);
                }
                PresenceStep::CaughtUp { .. } => {}
                PresenceStep::Wait => return self.told.len() > before,
                step => panic!("{step:?}: nothing is left out"),
            }
        }
    }

    /// Takes all, and returns what it was told of somebody.
    fn takes_all(&mut self, of: &str) -> Vec<String> {
        loop {
            self.feed.acknowledged(self.feed.position());
            if !self.takes() {
                break;
            }
        }
        let told = self.told.iter().filter(|(presentity, _)| *presentity == pres(of));
        told.map(|(_, note)| note.clone()).collect()
    }
}

#[test]
fn what_waits_for_a_slow_watcher_of_the_erased_is_not_told_however_it_left() {
    for mode in [Mode::Latest, Mode::Every] {
        for left in [Left::ByErasure, Left::ByItself, Left::RunOut, Left::Blocked] {
            let mut world = World::with(&["alice", "bob", "carol"]);
            world.watch_in(mode, "alice", "carol").unwrap();
            let (presentity, lifetime) = (pres("bob"), Some(seconds(60)));
            let operation = OperationId::default();
            let watches = Subscribe { operation, presentity, mode, lifetime };
            world.ask(&actor("alice"), Command::Subscribe(watches)).unwrap();
            world.told();
            let mut slow = Slow::of(&mut world);
            world.publish("bob", 1, "secret one");
            world.publish("carol", 1, "of carol");
            slow.hears(&mut world);
            // What was told so far is a round; what is told from now on waits behind it.
            assert!(!slow.takes());
            world.publish("bob", 2, "secret two");
            slow.hears(&mut world);
            left.happens(&mut world);
            slow.hears(&mut world);
            world.publish("carol", 2, "more of carol");
            erase(&mut world);
            slow.hears(&mut world);
            let of_bob = slow.takes_all("bob");
            assert!(of_bob.iter().all(String::is_empty), "{mode:?} {left:?}: {of_bob:?}");
            assert!(of_bob.len() > 1, "{mode:?} {left:?}: that it is over is told");
            assert_eq!(slow.takes_all("carol")[1..], ["of carol", "more of carol"]);
        }
    }
}

#[test]
fn a_feed_that_begins_when_somebody_is_erased_tells_nothing_of_what_it_begins_with() {
    let mut world = world();
    let mut opened = world.open_presence(1, "alice", &[], Moment::ZERO);
    let notes = |opened: &PresenceOpened| {
        let notes = opened.items.iter().map(|item| note_of(item.document.get()));
        notes.collect::<Vec<_>>()
    };
    assert_eq!(notes(&opened), ["secret"]);
    erase(&mut world);
    let told = world.told();
    let Some(Output::Erased { principal, .. }) =
        told.iter().find(|told| matches!(told, Output::Erased { .. }))
    else {
        panic!("{told:?}")
    };
    opened.erase(principal);
    assert_eq!(notes(&opened), [""], "and nothing is left out");
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

fn erasing(name: &str) -> Command {
    Command::Erase(Erase { principal: name.parse().unwrap() })
}

fn acts(world: &mut World, asker: &Actor, of: &str) -> Result<Vec<AdministratorAct>, Refusal> {
    let request = ListActs { principal: Some(of.parse().unwrap()) };
    match world.query(asker, Query::from(request))? {
        Reply::Found(Findings::ListActs(rows)) => {
            Ok(rows.iter().filter_map(|row| row.act).collect())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_administrator_of_the_very_domain_erases_and_nobody_else_does() {
    let mut world = world();
    let root = world.administrator("root@d.example");
    let domains = ["d.example", "e.example"].map(|domain| domain.parse().unwrap()).to_vec();
    let mut both = World::on(ServiceConfig { domains, ..config() }, &["bob"]);
    let elsewhere = both.administrator("root@e.example");
    for name in ["bob@d.example", "nosuch@d.example"] {
        for (world, asker) in [(&mut world, actor("alice")), (&mut both, elsewhere.clone())] {
            let (events, answer) = world.events(&asker, erasing(name));
            assert_eq!((events.len(), answer.unwrap_err().code()), (0, RefusalCode::Forbidden));
        }
    }
    let unknown = world.ask(&root, erasing("nosuch@d.example")).unwrap_err();
    assert_eq!(unknown.code(), RefusalCode::UnknownPrincipal);
    let foreign = world.ask(&root, erasing("bob@x.example")).unwrap_err();
    assert_eq!(foreign.code(), RefusalCode::ForeignDomain);

    let (events, answer) = world.events(&root, erasing("bob@d.example"));
    let Some(Event::PrincipalErased(event)) = events.last() else { panic!("{events:?}") };
    assert_eq!(event.by, Some(root.principal.clone()));
    assert_eq!((event.ended.devices, event.ended.sent), (1, 1));
    let position = world.service.views().head();
    let erased = Reply::Erased { position, by_itself: false, keeps: false };
    assert_eq!(answer, Ok(erased.clone()));
    world.publish("alice", 2, "goes on");
    for is_loaded in [false, true] {
        let mut again = world.restarted(is_loaded);
        let (events, answer) = again.events(&root, erasing("bob@d.example"));
        assert_eq!((events.len(), answer), (0, Ok(erased.clone())), "a repeat");
        assert_eq!(acts(&mut again, &root, "bob@d.example"), Ok(vec![AdministratorAct::Erased]));
    }
    let refusal = acts(&mut world, &actor("alice"), "bob@d.example").unwrap_err();
    assert_eq!(refusal.code(), RefusalCode::Forbidden);
}

#[test]
fn what_somebody_sent_stays_with_its_recipients_where_its_domain_chose_that() {
    let mut world = world();
    let root = world.administrator("root@d.example");
    let domain = || "d.example".parse().unwrap();
    let set = |recipients_keep| {
        let act = Administration::SetErasure { domain: domain(), recipients_keep };
        Command::Administer(Administer { operation: OperationId::default(), act })
    };
    let told = |world: &mut World, asker: &Actor| match world.query(asker, Query::from(ListDomains))
    {
        Ok(Reply::Found(Findings::ListDomains(rows))) => rows[0].recipients_keep,
        other => panic!("{other:?}"),
    };
    assert_eq!(told(&mut world, &root), Some(false));
    let refused = world.ask(&actor("alice"), set(true)).unwrap_err();
    assert_eq!(refused.code(), RefusalCode::Forbidden);
    for (wanted, events) in [(false, 0), (true, 1), (true, 0)] {
        let (happened, answer) = world.events(&root, set(wanted));
        assert_eq!((happened.len(), answer.is_ok()), (events, true), "{wanted}");
        assert_eq!(told(&mut world, &root), Some(wanted));
    }
    for is_loaded in [false, true] {
        let mut again = world.restarted(is_loaded);
        let (events, answer) = again.events(&actor("bob"), erasing("bob@d.example"));
        let Some(Event::PrincipalErased(event)) = events.last() else { panic!("{events:?}") };
        assert_eq!((event.ended.sent, event.ended.received), (0, 1));
        assert!(matches!(answer, Ok(Reply::Erased { keeps: true, .. })), "{answer:?}");
        let inbox = again.service.views().inbox(&principal("alice").inbox()).unwrap();
        assert_eq!((inbox.kept(), inbox.unread()), (1, 1), "what waits is read all the same");
    }
}

#[test]
fn who_erases_itself_is_told_so_and_its_devices_are_nobodys() {
    let mut world = world();
    let root = world.administrator("root@d.example");
    let (events, answer) = world.events(&actor("bob"), erasing("bob@d.example"));
    assert!(matches!(events.last(), Some(Event::PrincipalErased(_))), "{events:?}");
    let position = world.service.views().head();
    assert_eq!(answer, Ok(Reply::Erased { position, by_itself: true, keeps: false }));
    assert_eq!(acts(&mut world, &root, "bob@d.example"), Ok(vec![]), "what one does to oneself");
    let again = world.ask(&actor("bob"), erasing("bob@d.example"));
    assert_eq!(again, Err(Refusal::KeyRevoked));
    let hello =
        |device: &str| Hello { principal: principal("bob"), key: key(device), enroll: None };
    for is_loaded in [false, true] {
        let mut again = world.restarted(is_loaded);
        let told = again.enter(hello("bob")).unwrap_err();
        assert_eq!(told.code(), RefusalCode::Erased);
        let stranger = again.enter(hello("stranger")).unwrap_err();
        assert_eq!(stranger.code(), RefusalCode::UnknownKey);
    }
    world.now = world.now.after(Lifetime::from_ms(NAME_FREED_MS));
    let enroll = Some(Enroll { invite: None, label: DeviceLabel::new("").unwrap() });
    world.enter(Hello { enroll, ..hello("other") }).unwrap();
    let told = world.enter(hello("bob")).unwrap_err();
    assert_eq!(told.code(), RefusalCode::UnknownKey, "somebody else is called so now");
    assert_eq!(acts(&mut world, &root, "bob@d.example"), Ok(vec![]));
}

#[test]
fn the_last_administrator_erases_itself() {
    let mut world = world();
    let root = world.administrator("root@d.example");
    let answer = world.ask(&root, erasing("root@d.example"));
    assert!(matches!(answer, Ok(Reply::Erased { by_itself: true, .. })), "{answer:?}");
    assert!(world.service.views().erased_principal(&root.principal).is_some());
}
