//! A politely blocked watcher cannot tell it from watching somebody who never publishes. RFC 2779 §5.1.15.
//!
//! In one world Alice blocks Mallory politely and lives her life; in the other she lets Mallory see everything and there
//! is nothing to see. Mallory does the same in both and is told the same: answers, refusals, events, their positions and
//! their bytes. What Alice publishes of her inbox is not part of it: whether it takes messages is judged by what she
//! publishes and not by what the sender is shown, so that no sender is told what is not so.
//! Must never hold: a comparison of what stays inside, which differs.

use crate::world;
use crate::world::governed::{change, delivery, delivery_rule, grant, nobody, rule};
use crate::world::stage::{BEGIN, Stage};
use crate::world::{actor, device_of, message, operation, pres, publish, seconds, subscribe};
use adsum::model::{
    AccessRule, Basic, Contact, Delivery, DeliveryChange, Document, Handling, Lifetime, Mode,
    Moment, Payload, Receipts, Rights, Shown, Timestamp, Tuple, TupleId,
};
use adsum::protocol::{
    Command, Fetch, ListSubscriptions, ListWatchers, Publish, Send, Subscribe, Unsubscribe,
};
use adsum::service::Query;
use proptest::prelude::*;

/// Alice, Bob and Carol act in the middle of a second, and what they begin ends there: nothing of theirs falls into a
/// millisecond in which Mallory is told something.
const ASIDE_MS: u64 = 333;

/// What Mallory does, in both worlds.
#[derive(Clone, Debug)]
enum Probe {
    Subscribe {
        operation: u8,
        every: bool,
        secs: u64,
    },
    Unsubscribe,
    Fetch,
    Open {
        position: usize,
        with_watchers: bool,
    },
    OpenAhead,
    Close,
    List,
    Watchers,
    Send {
        id: u8,
        receipts: u8,
    },
    Read,
    Unknown,
    Publish {
        number: u8,
    },
    /// Alice's device takes her messages: the one thing of hers that happens in both worlds.
    Taken {
        through: u64,
    },
}

/// What Alice and those she lets see her do, in the world in which Mallory is blocked.
#[derive(Clone, Debug)]
enum Life {
    Publish { device: bool, number: u8, secs: u64, basic: Basic },
    Remove { device: bool },
    Rule { which: u8, hold: u64 },
    Watched { by: bool, secs: u64 },
    Fetched,
    Send { id: u8 },
    Grant { rights: u8 },
    Delivery,
    Anonymous,
}

#[derive(Clone, Debug)]
enum Step {
    Mallory(Probe),
    Alice(Life),
    Wait(u64),
}

fn probe() -> impl Strategy<Value = Probe> {
    prop_oneof![
        4 => (0..4_u8, any::<bool>(), 1..200_u64)
            .prop_map(|(operation, every, secs)| Probe::Subscribe { operation, every, secs }),
        1 => Just(Probe::Unsubscribe),
        3 => Just(Probe::Fetch),
        3 => (0..100_usize, any::<bool>())
            .prop_map(|(position, with_watchers)| Probe::Open { position, with_watchers }),
        1 => Just(Probe::OpenAhead),
        1 => Just(Probe::Close),
        2 => Just(Probe::List),
        2 => Just(Probe::Watchers),
        2 => (0..6_u8, 0..32_u8).prop_map(|(id, receipts)| Probe::Send { id, receipts }),
        1 => Just(Probe::Read),
        1 => Just(Probe::Unknown),
        1 => any::<u8>().prop_map(|number| Probe::Publish { number }),
        1 => (1..8_u64).prop_map(|through| Probe::Taken { through }),
    ]
}

fn life() -> impl Strategy<Value = Life> {
    let basic = prop_oneof![Just(Basic::Open), Just(Basic::Closed)];
    prop_oneof![
        6 => (any::<bool>(), any::<u8>(), 1..300_u64, basic)
            .prop_map(|(device, number, secs, basic)| Life::Publish { device, number, secs, basic }),
        1 => any::<bool>().prop_map(|device| Life::Remove { device }),
        4 => (0..6_u8, 1..100_u64).prop_map(|(which, hold)| Life::Rule { which, hold }),
        2 => (any::<bool>(), 1..100_u64).prop_map(|(by, secs)| Life::Watched { by, secs }),
        1 => Just(Life::Fetched),
        1 => any::<u8>().prop_map(|id| Life::Send { id }),
        1 => (0..16_u8).prop_map(|rights| Life::Grant { rights }),
        1 => Just(Life::Delivery),
        1 => Just(Life::Anonymous),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => probe().prop_map(Step::Mallory),
        4 => life().prop_map(Step::Alice),
        2 => (0..120_u64).prop_map(Step::Wait),
    ]
}

fn begun(handling: Handling) -> Stage {
    let mut stage = Stage::new("mallory", &["alice", "bob", "carol", "mallory"]);
    stage.adds_device("alice", "alice-2");
    stage.until(BEGIN.after(seconds(1)));
    let rules = vec![rule("mallory@d.example", handling)];
    stage.behind(&actor("alice"), Command::ChangeRules(change("alice", rules, &[])));
    let change = DeliveryChange { receipts: Some(true), ..DeliveryChange::default() };
    stage.behind(&actor("alice"), delivery("alice", change));
    stage
}

fn probed(stage: &mut Stage, probe: &Probe) {
    match probe {
        Probe::Subscribe { operation: number, every, secs } => {
            let mode = if *every { Mode::Every } else { Mode::Latest };
            let (presentity, lifetime) = (pres("alice"), Some(seconds(*secs)));
            let operation = operation(*number);
            stage.does(Command::Subscribe(Subscribe { operation, presentity, mode, lifetime }));
        }
        Probe::Unsubscribe => {
            stage.does(Command::Unsubscribe(Unsubscribe {
                operation: adsum::model::OperationId::default(),
                presentity: pres("alice"),
            }));
        }
        Probe::Fetch => stage.asks(Query::from(Fetch { presentity: pres("alice") })),
        Probe::Open { position, with_watchers } => {
            let after = stage.positions[position % stage.positions.len()];
            stage.opens(after, *with_watchers);
        }
        Probe::OpenAhead => stage.opens(Moment::of(stage.now.after(seconds(9_999))), false),
        Probe::Close => stage.closes(),
        Probe::List => stage.asks(Query::from(ListSubscriptions)),
        Probe::Watchers => stage.asks(Query::from(ListWatchers { presentity: pres("alice") })),
        Probe::Send { id, receipts } => {
            let receipts = Receipts::from_bits(*receipts);
            let send = message("alice", &format!("m{id}"), "are you there?");
            stage.does(Command::Send(Send { receipts, ..send }));
        }
        Probe::Read => stage.reads(),
        Probe::Unknown => stage.asks(Query::from(Fetch { presentity: pres("nosuch") })),
        Probe::Publish { number } => {
            stage.does(Command::Publish(publish("mallory", *number, "here")));
        }
        Probe::Taken { through } => stage.takes("alice", *through),
    }
}

fn paper(number: u8, basic: Basic) -> Document {
    let mut tuple = Tuple::plain(TupleId::new(&format!("t{}", number % 3)).unwrap(), basic);
    let uri = Payload::text(&format!("tel:+{number}"));
    tuple.contact = Some(Contact { uri, priority: None });
    Document::new(vec![tuple], vec![], vec![Payload::text("<x/>")]).unwrap()
}

/// Rules that differ, and all of them block Mallory politely.
fn rules(which: u8, from: Timestamp, hold: u64) -> (Vec<AccessRule>, Vec<&'static str>) {
    let polite = rule("mallory@d.example", Handling::PoliteBlock);
    let shown = Shown { notes: false, ..Shown::ALL };
    match which {
        0 => (vec![AccessRule { shown, ..polite }], vec![]),
        1 => (vec![polite, rule("@d.example", Handling::Allow)], vec![]),
        2 => {
            let until = Some(from.after(seconds(hold)));
            (vec![polite, AccessRule { until, ..rule("bob@d.example", Handling::Block) }], vec![])
        }
        // Under a less specific rule, and a fetch by another than a subscription.
        3 => (vec![rule("@d.example", Handling::PoliteBlock)], vec!["mallory@d.example"]),
        4 => {
            let fetch = AccessRule { subscribe: None, ..polite };
            (vec![fetch, rule("@d.example", Handling::PoliteBlock)], vec![])
        }
        _ => {
            let until = Some(from.after(seconds(hold)));
            let soon = AccessRule { until, ..polite };
            (vec![soon, rule("@d.example", Handling::PoliteBlock)], vec![])
        }
    }
}

fn lived(stage: &mut Stage, life: &Life) {
    let alice = |device: bool| device_of("alice", if device { "alice-2" } else { "alice" });
    match life {
        Life::Publish { device, number, secs, basic } => {
            let document = Some(paper(*number, *basic));
            let lifetime = Some(seconds(*secs));
            let publish = publish("alice", *number, "");
            stage.behind(
                &alice(*device),
                Command::Publish(Publish { document, lifetime, ..publish }),
            );
        }
        Life::Remove { device } => {
            let by = alice(*device);
            let view = stage.commit.views().presentity(&pres("alice"));
            let mut all = view.into_iter().flat_map(|view| &view.publications);
            let own = all.find(|(key, _)| key.device == by.device);
            let if_match = own.map(|(_, publication)| publication.tag);
            let lifetime = Some(Lifetime::ZERO);
            let publish = publish("alice", 250, "");
            let gone = Publish { document: None, if_match, lifetime, ..publish };
            stage.behind(&by, Command::Publish(gone));
        }
        Life::Rule { which, hold } => {
            let (put, remove) = rules(*which, stage.now, *hold);
            let known = stage.commit.views().rules(&world::principal("alice")).unwrap();
            let known: Vec<_> = known.access.iter().map(|rule| rule.name.clone()).collect();
            let is_known = |name: &&str| known.iter().any(|known| known.as_str() == *name);
            let remove: Vec<&str> = remove.into_iter().filter(|name| is_known(name)).collect();
            stage.behind(&actor("alice"), Command::ChangeRules(change("alice", put, &remove)));
        }
        Life::Watched { by, secs } => {
            let (presentity, lifetime) = (pres("alice"), Some(seconds(*secs)));
            let (operation, mode) = (operation(0), Mode::Every);
            let by = if *by { "bob" } else { "carol" };
            stage.behind(
                &actor(by),
                Command::Subscribe(Subscribe { operation, presentity, mode, lifetime }),
            );
        }
        Life::Fetched => {
            stage.behind_asks(&actor("bob"), Query::from(Fetch { presentity: pres("alice") }));
        }
        Life::Send { id } => {
            let send = message("carol", &format!("a{id}"), "not for mallory");
            stage.behind(&actor("alice"), Command::Send(send));
        }
        Life::Grant { rights } => {
            let rights = Rights::from_bits(*rights).unwrap();
            stage.behind(&actor("alice"), grant("alice", "carol", rights));
        }
        Life::Delivery => {
            let put = vec![delivery_rule("bob@d.example", Delivery::Quarantine)];
            let change = DeliveryChange { put, ..DeliveryChange::default() };
            stage.behind(&actor("alice"), delivery("alice", change));
        }
        Life::Anonymous => {
            stage.behind(&nobody(1), subscribe("alice", Mode::Latest));
            stage.behind_asks(&nobody(1), Query::from(Fetch { presentity: pres("alice") }));
        }
    }
}

/// Plays the steps. Alice's life goes on only where `alive`.
fn played(steps: &[Step], handling: Handling, alive: bool) -> (Vec<String>, u64) {
    let mut stage = begun(handling);
    for step in steps {
        let second = BEGIN.after(seconds(stage.now.as_ms().div_ceil(1_000) + 1 - 1_000_000));
        match step {
            Step::Mallory(probe) => {
                stage.until(second);
                probed(&mut stage, probe);
            }
            Step::Alice(life) => {
                stage.until(second.after(Lifetime::from_ms(ASIDE_MS)));
                if alive {
                    lived(&mut stage, life);
                    // Nothing she does gives it away that she blocks.
                    assert_eq!(stage.decided("alice").handling, Handling::PoliteBlock);
                }
            }
            Step::Wait(secs) => stage.until(second.after(seconds(*secs))),
        }
    }
    // What Mallory can still find out in the end.
    stage.until(BEGIN.after(seconds(1_000_000)));
    for probe in [Probe::Fetch, Probe::List, Probe::Watchers, Probe::Read] {
        probed(&mut stage, &probe);
    }
    stage.opens(Moment::ZERO, true);
    (stage.told, stage.commit.head().get())
}

/// A story in which Mallory tries everything while Alice lives.
fn story() -> Vec<Step> {
    let mallory = |probe| Step::Mallory(probe);
    let publish = |device, number, secs| {
        Step::Alice(Life::Publish { device, number, secs, basic: Basic::Open })
    };
    vec![
        publish(false, 1, 100),
        mallory(Probe::Subscribe { operation: 1, every: true, secs: 100 }),
        mallory(Probe::Open { position: 0, with_watchers: true }),
        publish(true, 2, 50),
        mallory(Probe::Fetch),
        Step::Alice(Life::Rule { which: 3, hold: 1 }),
        mallory(Probe::Send { id: 1, receipts: 31 }),
        mallory(Probe::Read),
        mallory(Probe::Watchers),
        Step::Wait(70),
        mallory(Probe::Subscribe { operation: 1, every: true, secs: 100 }),
        mallory(Probe::List),
        Step::Wait(70),
        mallory(Probe::Unknown),
    ]
}

#[test]
fn the_story_is_told_and_the_worlds_differ_inside() {
    let (told, events) = played(&story(), Handling::PoliteBlock, true);
    let (_, fewer) = played(&story(), Handling::Allow, false);
    assert!(events >= fewer + 5, "Alice's life is in the log: {events} and {fewer} events");
    let count = |part: &str| told.iter().filter(|line| line.contains(part)).count();
    assert_eq!(count("fetched"), 2);
    assert!(count("Stored") > 0 && count("WatcherRow") > 0 && count("Refused") > 0, "{told:#?}");
    assert!(count("Terminated(Timeout)") > 0, "{told:#?}");
}

#[test]
fn to_see_everything_is_told_from_being_blocked_politely_when_there_is_something() {
    let (blocked, _) = played(&story(), Handling::PoliteBlock, true);
    let mut allowed = begun(Handling::Allow);
    let mut lived_and_seen = Vec::new();
    for (step, second) in story().iter().zip(2..) {
        allowed.until(BEGIN.after(seconds(second)));
        match step {
            Step::Mallory(probe) => probed(&mut allowed, probe),
            Step::Alice(life @ Life::Publish { .. }) => lived(&mut allowed, life),
            _ => {}
        }
    }
    lived_and_seen.append(&mut allowed.told);
    assert!(lived_and_seen.iter().any(|line| line.contains("tel:+1")));
    assert!(!blocked.iter().any(|line| line.contains("tel:")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn who_is_blocked_politely_is_told_what_one_is_told_of_somebody_who_never_publishes(
        steps in prop::collection::vec(step(), 1..80)
    ) {
        let (blocked, _) = played(&steps, Handling::PoliteBlock, true);
        let (allowed, _) = played(&steps, Handling::Allow, false);
        prop_assert_eq!(blocked, allowed);
    }
}
