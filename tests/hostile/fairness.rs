//! One greedy session holds up itself: what others wait for is counted in turns and steps, and never in time.
//!
//! Must never hold: a wait, or a bound that a slow machine could break.

use std::collections::BTreeMap;

use adsum::event::Event;
use adsum::model::limits::{
    FEED_PART_MAX, FEEDS_OF_STEP, PUBLICATION_MS_DEFAULT, ROUND_COST_MAX, ROUND_COST_MIN,
    ROUND_PART_MAX,
};
use adsum::model::{Handling, InboxSequence, Lifetime, Mode, Moment, Presentity};
use adsum::protocol::{Command, Fetch, Findings, InboxStatus, ListWatchers, Send};
use adsum::service::feed::{PresenceFeed, PresenceStep};
use adsum::service::{
    Actor, Asker, Askers, Hello, Input, Origin, Output, PresenceItem, PresenceOpened, Query, Reply,
    SessionId, Ticket,
};

use crate::world::governed::{change, rule};
use crate::world::{
    World, actor, feed_id, im, key, message, pres, principal, publish, seconds, subscribe,
};

const TICKET: Ticket = Ticket { session: SessionId(1), number: 0 };

/// Lets `input` in and returns its answer and what it took.
fn ask(world: &mut World, input: Input) -> (Reply, u64) {
    world.service.handle(world.now, input);
    let steps = world.service.steps();
    let _ = world.service.take_batch();
    let replies = world.service.take_outputs().into_iter();
    let mut replies = replies.filter_map(|output| match output {
        Output::Reply { ticket: TICKET, result } => Some(result.unwrap()),
        _ => None,
    });
    (replies.next().unwrap(), steps)
}

fn query(who: &str, query: Query) -> Input {
    Input::Query { ticket: TICKET, actor: actor(who), query }
}

/// Lists the watchers of `presentity` to the end; returns who they are and the most that one input took.
fn watchers(world: &mut World, asker: &str, presentity: &Presentity) -> (Vec<String>, u64) {
    let question = ListWatchers { presentity: presentity.clone() };
    let (mut next, mut found, mut most) = (Query::from(question), Vec::new(), 0);
    loop {
        let (reply, steps) = ask(world, query(asker, next));
        most = most.max(steps);
        let (rows, last) = match reply {
            Reply::Watchers { rows, last } => (rows, Some(last)),
            Reply::Found(Findings::ListWatchers(rows)) => (rows, None),
            other => panic!("{other:?}"),
        };
        found.extend(rows.into_iter().map(|row| row.watcher.to_string()));
        let Some(after) = last else { return (found, most) };
        next = Query::MoreWatchers { presentity: presentity.clone(), after };
    }
}

fn crowd(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("w{number:04}")).collect()
}

#[test]
fn a_bystander_is_next_however_much_of_a_greedy_one_waits() {
    let (greedy, other) = (known("mallory"), known("alice"));
    let mut turns = Askers::default();
    for number in 0..10_000 {
        let command = Command::Send(message("bob", &format!("m{number}"), "x"));
        let input = Input::Command { ticket: TICKET, actor: actor("mallory"), command };
        turns.push(&greedy, input.cost(), input);
    }
    for number in 0..100 {
        turns.pop().unwrap();
        let command = Command::Publish(publish("alice", number, "here"));
        let input = Input::Command { ticket: TICKET, actor: actor("alice"), command };
        turns.push(&other, input.cost(), input);
        let (whose, ..) = turns.pop().unwrap();
        assert_eq!(whose, other, "publish {number}");
    }
}

#[test]
fn a_large_request_counts_for_more_than_a_small_one() {
    let send = |text: &str| {
        let command = Command::Send(message("bob", "m", text));
        Input::Command { ticket: TICKET, actor: actor("mallory"), command }.cost()
    };
    assert_eq!((send("x"), send(&"x".repeat(64 * 1024))), (1, 129));
}

fn known(name: &str) -> Asker {
    Asker::of(Some(&actor(name)), None)
}

/// What the device `name` of the principal `name` asks first.
fn enter(name: &str) -> Input {
    let hello = Hello { principal: principal(name), key: key(name), enroll: None };
    Input::Enter { ticket: TICKET, hello }
}

#[test]
fn newcomers_and_the_nameless_share_one_turn_each() {
    let anonymous = |device: &str| {
        let principal = "x1@anonymous.invalid".parse().unwrap();
        Asker::of(Some(&Actor { principal, ..actor(device) }), None)
    };
    assert_eq!((anonymous("a"), anonymous("b")), (Asker::Anonymous, Asker::Anonymous));
    let mut turns = Askers::default();
    for number in 0..1_000_u32 {
        let name = format!("n{number}");
        let origin = Some(Origin([(number % 100) as u8; 16]));
        let input = enter(&name);
        let asker = Asker::entering(&input, origin, |_| false);
        turns.push(&asker, 1, input);
    }
    (0..10).for_each(|_| turns.push(&known("alice"), 1, Input::Tick));
    assert_eq!(turns.count(), 2, "a swarm has one turn, whatever it calls itself");
    let mut taken = (0..20).map(|_| turns.pop().unwrap().0);
    assert_eq!(taken.by_ref().filter(|asker| *asker == known("alice")).count(), 10);
}

#[test]
fn a_swarm_at_one_address_holds_up_that_address() {
    let [swarm, other] = [1, 2].map(|number| Asker::Newcomer(Some(Origin([number; 16]))));
    let mut turns = Askers::default();
    (0..1_000).for_each(|number| turns.push(&swarm, 1, number));
    turns.pop();
    turns.push(&other, 1, 7);
    assert_eq!(turns.pop(), Some((other.clone(), 1, 7)));
    // What turned out dear is paid for by the address, too.
    turns.charge(&swarm, 100);
    (0..50).for_each(|number| turns.push(&other, 1, number));
    let next = (0..50).filter(|_| turns.pop().unwrap().0 == other).count();
    assert!(next >= 49, "{next} of 50");
}

#[test]
fn who_comes_back_takes_its_principals_turn_and_pays_for_what_it_took_before() {
    let is_known = |actor: &Actor| actor.principal == principal("alice");
    let returning = Asker::entering(&enter("alice"), None, is_known);
    assert_eq!(returning, known("alice"));
    assert_eq!(Asker::entering(&enter("mallory"), None, is_known), Asker::Newcomer(None));
    let mut turns = Askers::default();
    (0..1_000).for_each(|_| turns.push(&Asker::Newcomer(None), 1, "swarm"));
    turns.pop();
    turns.push(&returning, 1, "enter");
    assert_eq!(turns.pop().map(|(.., what)| what), Some("enter"), "no swarm is in its way");
    turns.charge(&returning, 100);
    // Its connection ends, and another begins: the turn goes on where it was.
    turns.push(&returning, 1, "enter again");
    let before = core::iter::from_fn(|| turns.pop()).take_while(|(.., what)| *what == "swarm");
    assert!((99..=101).contains(&before.count()));
}

#[test]
fn the_watchers_of_a_popular_presentity_are_listed_in_parts() {
    let mut world = World::with(&["alice", "mallory"]);
    let names = crowd(300);
    for name in &names {
        world.enroll(name, name).unwrap();
        world.ask(&actor(name), subscribe("alice", Mode::Latest)).unwrap();
    }
    let (found, most) = watchers(&mut world, "alice", &pres("alice"));
    let expected: Vec<String> = names.iter().map(|name| principal(name).to_string()).collect();
    assert_eq!(found, expected);
    assert!(most <= FEED_PART_MAX as u64, "{most} in one step");
    let (found, most) = watchers(&mut world, "mallory", &pres("alice"));
    assert!(found.is_empty() && most <= 1, "who may see none makes nobody look: {most}");
}

#[test]
fn a_feed_over_many_subscriptions_opens_in_parts_and_misses_nothing_between_them() {
    let names = crowd(200);
    let mut world = World::with(&["mallory"]);
    for name in &names {
        world.enroll(name, name).unwrap();
        world.ask(&actor(name), Command::Publish(publish(name, 1, "before"))).unwrap();
        world.ask(&actor("mallory"), subscribe(name, Mode::Latest)).unwrap();
    }
    world.told();
    let open = Input::OpenPresence {
        ticket: TICKET,
        feed: feed_id(1),
        actor: actor("mallory"),
        presentities: Vec::new(),
        after: Moment::ZERO,
        epoch: adsum::model::EpochId::NONE,
        passed: adsum::model::Mark::default(),
        with_watchers: false,
    };
    let mut feed = PresenceFeed::new(Moment::ZERO, 0);
    let (mut input, mut opened, mut parts) = (open, None::<PresenceOpened>, 0);
    loop {
        let (reply, steps) = ask(&mut world, input);
        assert!(steps <= FEED_PART_MAX as u64, "{steps} in one step");
        let Reply::PresenceOpened(part) = reply else { panic!("{reply:?}") };
        parts += 1;
        let whole = match opened.take() {
            Some(before) => PresenceOpened::and(before, part),
            None => part,
        };
        if !whole.more {
            feed.opened(&whole, Vec::new());
            break;
        }
        opened = Some(whole);
        // Of the first the feed is live by now; the last it has yet to come to.
        for name in [&names[0], &names[199]] {
            world.ask(&actor(name), Command::Publish(publish(name, parts + 1, "between"))).unwrap();
        }
        for output in world.told() {
            if let Output::Presence { feeds, item } = output {
                for (_, mode) in feeds {
                    feed.offer(mode, item.clone());
                }
            }
        }
        input = Input::OpenMore { ticket: TICKET, feed: feed_id(1), actor: actor("mallory") };
    }
    assert_eq!(parts, 4);
    assert_eq!(told(&mut feed), names.len(), "each once");
}

/// Takes all that the feed says; each later than the one before, and no presentity twice. Returns how much it was.
fn told(feed: &mut PresenceFeed) -> usize {
    let (mut seen, mut last) = (std::collections::BTreeSet::new(), Moment::ZERO);
    loop {
        match feed.next_step() {
            PresenceStep::Send { item, position, .. } => {
                assert!(item.version > last, "in order of version");
                last = item.version;
                assert!(seen.insert(item.presentity.clone()), "{} twice", item.presentity);
                feed.sent(1);
                feed.acknowledged(position);
            }
            PresenceStep::CaughtUp { .. } => {}
            PresenceStep::Wait => return seen.len(),
            step => panic!("{step:?}"),
        }
    }
}

#[test]
fn closing_a_feed_is_charged_by_what_it_was_told_of() {
    let mut world = World::with(&["mallory"]);
    for name in crowd(50) {
        world.enroll(&name, &name).unwrap();
        world.ask(&actor("mallory"), subscribe(&name, Mode::Latest)).unwrap();
    }
    world.open_presence(1, "mallory", &[], Moment::ZERO);
    world.service.handle(world.now, Input::CloseFeed { feed: feed_id(1) });
    assert!((50..=52).contains(&world.service.steps()), "{}", world.service.steps());
}

#[test]
fn what_many_are_told_of_costs_little_of_a_round() {
    let mut world = World::with(&["mallory"]);
    let watchers = 3 * FEEDS_OF_STEP + 1;
    let all = crowd(usize::try_from(watchers).unwrap());
    for (number, name) in (1..).zip(all) {
        world.enroll(&name, &name).unwrap();
        world.ask(&actor(&name), subscribe("mallory", Mode::Latest)).unwrap();
        world.open_presence(number, &name, &[], Moment::ZERO);
    }
    let publish = Input::Command {
        ticket: TICKET,
        actor: actor("mallory"),
        command: Command::Publish(publish("mallory", 1, "at my desk")),
    };
    assert_eq!(ask(&mut world, publish).1, 1 + 4, "the event, and all {watchers} who are told");
}

/// The items that are told or answered, oldest first.
fn items(world: &mut World) -> Vec<std::sync::Arc<PresenceItem>> {
    let items = world.told().into_iter().filter_map(|output| match output {
        Output::Presence { item, .. } | Output::Reply { result: Ok(Reply::Presence(item)), .. } => {
            Some(item)
        }
        _ => None,
    });
    items.collect()
}

#[test]
fn documents_are_put_together_once_and_by_whoever_looks_first() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    for (number, name) in ["bob", "carol"].into_iter().enumerate() {
        world.ask(&actor(name), subscribe("alice", Mode::Latest)).unwrap();
        world.open_presence(u32::try_from(number).unwrap(), name, &[], Moment::ZERO);
    }
    world.told();
    world.ask(&actor("alice"), Command::Publish(publish("alice", 1, "here"))).unwrap();
    world.service.handle(world.now, query("bob", Fetch { presentity: pres("alice") }.into()));
    let items = items(&mut world);
    let [told, fetched] = &items[..] else { panic!("{items:?}") };
    assert!(!told.document.is_made() && !fetched.document.is_made(), "not by the service");
    let first = told.document.get().unwrap();
    assert!(told.document.is_made() && std::ptr::eq(first, told.document.get().unwrap()));
    assert_eq!(told.document, fetched.document);
}

#[test]
fn thousands_that_end_at_once_end_in_parts_and_others_are_served_in_between() {
    let mut world = World::with(&["bob"]);
    let names = crowd(1_000);
    for name in &names {
        world.enroll(name, name).unwrap();
        world.ask(&actor(name), Command::Publish(publish(name, 1, "here"))).unwrap();
    }
    world.now = world.now.after(Lifetime::from_ms(PUBLICATION_MS_DEFAULT)).after(seconds(1));
    let (mut rounds, mut ended) = (0, Vec::new());
    while world.service.is_due(world.now) {
        // Bob is answered in each round, and the last whose time is over is shown as over in the first.
        let fetch = Fetch { presentity: pres(&names[999]) };
        world.service.handle(world.now, query("bob", fetch.into()));
        assert!(world.service.steps() <= 3, "bob pays for what he asks about");
        let batch = world.service.take_batch().unwrap();
        assert!(batch.events.len() <= ROUND_PART_MAX + 3, "{}", batch.events.len());
        ended.extend(batch.events.into_iter().filter_map(|(_, event)| match event {
            Event::PublicationEnded(event) => Some(event.presentity.local().to_owned()),
            _ => None,
        }));
        let items = items(&mut world);
        assert_eq!(items[0].document.get(), None, "round {rounds}");
        rounds += 1;
    }
    assert_eq!(rounds, names.len().div_ceil(ROUND_PART_MAX));
    let asked_for = ended.remove(ROUND_PART_MAX);
    ended.push(asked_for);
    assert_eq!(ended, names, "in order, but for the one that was asked for");
}

#[test]
fn what_has_yet_to_end_is_not_shown_to_whoever_asks() {
    let mut world = World::with(&["alice", "bob"]);
    let count = 2 * ROUND_PART_MAX;
    for number in 0..count {
        let send = Send {
            lifetime: Some(seconds(60)),
            ..message("bob", &format!("m{number}"), "soon over")
        };
        world.ask(&actor("alice"), Command::Send(send)).unwrap();
    }
    world.ask(&actor("bob"), subscribe("alice", Mode::Latest)).unwrap();
    world.now = world.now.after(seconds(61));
    let page = Query::Page { inbox: im("bob"), after: InboxSequence::ZERO };
    let (reply, steps) = ask(&mut world, query("bob", page));
    assert_eq!((reply, steps), (Reply::Page(Vec::new()), 0));
    let status = InboxStatus { inbox: im("bob") };
    let (reply, _) = ask(&mut world, query("bob", status.into()));
    let Reply::Found(Findings::InboxStatus(state)) = reply else { panic!("{reply:?}") };
    assert_eq!((state.waiting, state.kept, state.head.get()), (0, 0, count as u64));
}

/// Takes a round as the writer does. Returns what each was given, and how much happened.
fn round(world: &mut World, turns: &mut Askers<Input>) -> (BTreeMap<Asker, u64>, usize) {
    let mut given = BTreeMap::new();
    turns.begin_round();
    while let Some((asker, cost, input)) = turns.pop_in_round() {
        world.service.handle(world.now, input);
        let more = world.service.steps().saturating_sub(1);
        turns.charge(&asker, more);
        *given.entry(asker).or_default() += cost + more;
    }
    let events = world.service.take_batch().map_or(0, |batch| batch.events.len());
    world.told();
    (given, events)
}

/// What somebody may ask for who is greedy, and the most that one of it takes.
type Greed = (&'static str, u64, fn(u32) -> Input);

fn command(command: Command) -> Input {
    Input::Command { ticket: TICKET, actor: actor("mallory"), command }
}

fn rule_about(who: &str, number: u32) -> Input {
    let handling = if number.is_multiple_of(2) { Handling::Allow } else { Handling::PoliteBlock };
    command(Command::ChangeRules(change("mallory", vec![rule(who, handling)], &[])))
}

const GREEDS: [Greed; 6] = [
    ("small sends", 2, |number| {
        command(Command::Send(message("bob", &format!("small{number}"), "x")))
    }),
    ("large sends", 130, |number| {
        command(Command::Send(message("bob", &format!("large{number}"), &"x".repeat(64 * 1024))))
    }),
    ("rules about one", 6, |number| rule_about("w0001@d.example", number)),
    ("rules about all", 2 * ROUND_PART_MAX as u64 + 6, |number| {
        rule_about("authenticated", number)
    }),
    ("subscriptions", 4, |number| {
        command(if number.is_multiple_of(2) {
            subscribe("alice", Mode::Latest)
        } else {
            let operation = adsum::model::OperationId::default();
            let unsubscribe = adsum::protocol::Unsubscribe { operation, presentity: pres("alice") };
            Command::Unsubscribe(unsubscribe)
        })
    }),
    ("lists of watchers", FEED_PART_MAX as u64, |_| {
        query("mallory", ListWatchers { presentity: pres("mallory") }.into())
    }),
];

#[test]
fn a_round_holds_little_of_a_greedy_one_whatever_it_asks_for_and_whoever_comes_is_in_the_next() {
    let mut world = World::with(&["alice", "bob", "mallory"]);
    for name in crowd(300) {
        world.enroll(&name, &name).unwrap();
        world.ask(&actor(&name), subscribe("mallory", Mode::Latest)).unwrap();
    }
    let (mut turns, mut published) = (Askers::default(), 0);
    for (name, most, greed) in GREEDS {
        let (mut asked, mut taken) = (0, 0);
        for number in 0..24 {
            while turns.len() < 200 {
                let input = greed(asked);
                turns.push(&known("mallory"), input.cost(), input);
                asked += 1;
            }
            let alone = number % 2 == 0;
            if !alone {
                published += 1;
                let command = Command::Publish(publish("alice", published, "here"));
                let input = Input::Command { ticket: TICKET, actor: actor("alice"), command };
                turns.push(&known("alice"), input.cost(), input);
            }
            let (given, events) = round(&mut world, &mut turns);
            assert_eq!(given.contains_key(&known("alice")), !alone, "{name}, {number}");
            let greedy = given.get(&known("mallory")).copied().unwrap_or(0);
            assert!(!alone || greedy > 0, "{name}, {number}: nobody else waits");
            // One more than fits is begun, and no second.
            assert!(greedy < ROUND_COST_MIN + most, "{name}, {number}: {greedy}");
            let (events, carried) = (events as u64, 2 * ROUND_PART_MAX as u64);
            assert!(events < ROUND_COST_MIN + carried, "{name}, {number}: {events}");
            taken += greedy;
        }
        assert!(taken >= 12 * ROUND_COST_MIN.min(most), "{name}: {taken}");
        while turns.pop().is_some() {}
    }
}

#[test]
fn a_change_of_rules_counts_for_more_the_more_rules_there_are() {
    let mut world = World::with(&["mallory"]);
    let mut steps = Vec::new();
    for number in 0..100 {
        let input = rule_about(&format!("w{number:04}@d.example"), number);
        steps.push(ask(&mut world, input).1);
    }
    let views = world.service.views();
    let bytes = views.rules(&principal("mallory")).unwrap().bytes();
    assert!(steps[99] >= steps[0] + bytes / 1_024 - 1, "{steps:?}");
}

#[test]
fn many_who_ask_share_a_round_and_each_has_a_part_of_it() {
    for (askers, whole) in [
        (1, ROUND_COST_MIN),
        (2, ROUND_COST_MIN),
        (32, 31 * ROUND_COST_MIN),
        (1_000, ROUND_COST_MAX),
    ] {
        let mut turns = Askers::default();
        for name in crowd(askers) {
            (0..300).for_each(|_| turns.push(&known(&name), 1, ()));
        }
        for _ in 0..4 {
            turns.begin_round();
            let taken: Vec<Asker> =
                core::iter::from_fn(|| turns.pop_in_round()).map(|(asker, ..)| asker).collect();
            assert!(
                taken.len() as u64 <= whole && 2 * taken.len() as u64 > whole,
                "{askers}: {}",
                taken.len()
            );
        }
    }
}

#[test]
fn who_asked_for_something_dear_pays_within_a_few_rounds_and_does_not_wait_for_ever() {
    let mut turns = Askers::default();
    (0..100).for_each(|number| turns.push(&known("mallory"), 129, number));
    let mut waited = 0;
    for number in 0..50 {
        turns.push(&known("alice"), 1, number);
        turns.begin_round();
        let taken: Vec<Asker> =
            core::iter::from_fn(|| turns.pop_in_round()).map(|(asker, ..)| asker).collect();
        assert!(taken.contains(&known("alice")));
        waited = if taken.contains(&known("mallory")) { 0 } else { waited + 1 };
        assert!(waited <= 5, "round {number}");
    }
}
