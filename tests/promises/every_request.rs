//! Whatever an outsider asks, and in whatever form it acts, it is told the same in two worlds that it must not tell apart.
//!
//! Requests and questions of every kind are made of chance ([`worded`]), by whoever is outside: as itself, as a group that it
//! is a member of, through what somebody granted it, and without a name. Meanwhile Alice lives in one world, and in the other
//! there is nothing to see. Answers, refusals, feeds, resumes and what is said after a restart are compared step by step.
//! Must never hold: a kind of request by its name.

use std::collections::BTreeSet;

use crate::worded::{Asked, asked, kinds};
use crate::world::governed::{change, delivery, delivery_rule, grant, nobody, rule};
use crate::world::stage::{BEGIN, Stage};
use crate::world::{actor, im, message, pres, principal, publish, seconds};
use adsum::model::{
    Basic, Contact, Delivery, DeliveryChange, Document, Handling, InboxSequence, Lifetime, Moment,
    OperationId, Payload, Rights, Tuple, TupleId, WhenClosed,
};
use adsum::protocol::{Command, Delete, Displayed, Fetch, Publish, Send};
use adsum::service::{Actor, Query};
use proptest::prelude::*;

/// How the outsider acts.
const FORMS: [&str; 4] = ["mallory", "circle", "dave", "nobody"];

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    /// The outsider asks something of the `kind`th kind in the `form`th form.
    Asks { form: usize, kind: usize, chance: Vec<u8> },
    /// It sends Alice a message, which a kind alone seldom makes.
    Sends { form: usize, id: u8, receipts: u8 },
    /// It opens its feed behind a position that it was given.
    Opens(usize),
    /// It reads its inbox and the group's.
    Reads,
    /// The server is killed and started again.
    Restarts,
    /// Alice does something, in the world in which she lives.
    Lives(Life),
    /// Time passes.
    Waits(u64),
}

/// What Alice does, and those to whom she shows herself.
#[derive(Clone, Debug)]
enum Life {
    Publishes { number: u8, secs: u64, basic: Basic, is_inbox: bool },
    Removes,
    Rules(bool),
    Takes(u64),
    Displays(u64),
    Deletes(u64),
    Sends(u8),
    Watched,
    Delivers(bool),
}

/// Two worlds that the outsider must not tell apart.
#[derive(Clone, Copy, Debug)]
struct Pair {
    /// Who is outside, of [`FORMS`].
    forms: &'static [usize],
    /// In which of them Alice lives, and what her rules are about the outsider.
    worlds: [World; 2],
}

#[derive(Clone, Copy, Debug)]
struct World {
    handling: Option<Handling>,
    /// What becomes of messages of those without a name, if she says that.
    anonymous: Option<Letters>,
    is_there: bool,
    lives: bool,
}

#[derive(Clone, Copy, Debug)]
enum Letters {
    Taken,
    Discarded,
}

const SILENT: World = World { handling: None, anonymous: None, is_there: true, lives: false };
const ALIVE: World = World { lives: true, ..SILENT };

/// Blocked politely, beside let in where nothing is published.
const POLITE: Pair = Pair {
    forms: &[0, 1, 2, 3],
    worlds: [
        World { handling: Some(Handling::PoliteBlock), ..ALIVE },
        World { handling: Some(Handling::Allow), ..SILENT },
    ],
};
/// Blocked plainly, whatever she does.
const PLAIN: Pair = Pair {
    forms: &[0, 1, 2, 3],
    worlds: [
        World { handling: Some(Handling::Block), ..ALIVE },
        World { handling: Some(Handling::Block), ..SILENT },
    ],
};
/// Without a name, where Alice is not there at all.
const UNKNOWN: Pair = Pair { forms: &[3], worlds: [ALIVE, World { is_there: false, ..SILENT }] };
/// Without a name, where messages are taken, or dropped.
const DISCARDED: Pair = Pair {
    forms: &[3],
    worlds: [
        World { anonymous: Some(Letters::Discarded), ..ALIVE },
        World { anonymous: Some(Letters::Taken), ..ALIVE },
    ],
};

fn life() -> impl Strategy<Value = Life> {
    let basic = prop_oneof![Just(Basic::Open), Just(Basic::Closed)];
    prop_oneof![
        4 => (any::<u8>(), 1..300_u64, basic, any::<bool>())
            .prop_map(|(number, secs, basic, is_inbox)| Life::Publishes { number, secs, basic, is_inbox }),
        1 => Just(Life::Removes),
        1 => any::<bool>().prop_map(Life::Rules),
        1 => (1..6_u64).prop_map(Life::Takes),
        1 => (1..6_u64).prop_map(Life::Displays),
        1 => (1..6_u64).prop_map(Life::Deletes),
        1 => any::<u8>().prop_map(Life::Sends),
        1 => Just(Life::Watched),
        1 => any::<bool>().prop_map(Life::Delivers),
    ]
}

fn step(forms: &'static [usize]) -> impl Strategy<Value = Step> {
    let form = || prop::sample::select(forms);
    prop_oneof![
        8 => (form(), any::<usize>(), prop::collection::vec(any::<u8>(), 0..60))
            .prop_map(|(form, kind, chance)| Step::Asks { form, kind, chance }),
        3 => (form(), 0..3_u8, 0..32_u8).prop_map(|(form, id, receipts)| Step::Sends { form, id, receipts }),
        2 => any::<usize>().prop_map(Step::Opens),
        1 => Just(Step::Reads),
        1 => Just(Step::Restarts),
        6 => life().prop_map(Step::Lives),
        2 => (0..120_u64).prop_map(Step::Waits),
    ]
}

fn steps(pair: Pair) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(pair.forms), 1..60)
}

/// Who acts in the `form`th form: a member and a grantee act as themselves.
fn outsider(form: usize) -> Actor {
    if FORMS[form] == "nobody" { nobody(1) } else { actor("mallory") }
}

/// Whom one names as oneself in the `form`th form.
fn own(form: usize) -> &'static str {
    if FORMS[form] == "nobody" { "mallory" } else { FORMS[form] }
}

fn begun(world: World) -> Stage {
    let mut stage = Stage::new("mallory", &["bob", "carol", "mallory", "circle", "dave"]);
    stage.behind(&actor("circle"), grant("circle", "mallory", Rights::MEMBER));
    let some = Rights::from_bits(15).unwrap();
    stage.behind(&actor("dave"), grant("dave", "mallory", some));
    if world.is_there {
        stage.enroll("alice", "alice");
    }
    stage.until(BEGIN.after(seconds(1)));
    if let Some(handling) = world.handling {
        let rules = ["mallory@d.example", "anonymous"].map(|who| rule(who, handling));
        stage.behind(&actor("alice"), Command::ChangeRules(change("alice", rules.into(), &[])));
    }
    if let Some(letters) = world.anonymous {
        let action = match letters {
            Letters::Taken => Delivery::Accept,
            Letters::Discarded => Delivery::Discard,
        };
        let put = vec![delivery_rule("anonymous", action)];
        let change = DeliveryChange { put, ..DeliveryChange::default() };
        stage.behind(&actor("alice"), delivery("alice", change));
    }
    stage.told.clear();
    stage
}

fn asks(stage: &mut Stage, actor: &Actor, asked: Asked) {
    match asked {
        Asked::Command(command) => stage.acts(actor, *command),
        Asked::Question(question) => stage.asks_as(actor, Query::Ask(*question)),
    }
}

fn lived(stage: &mut Stage, world: World, life: &Life) {
    let alice = actor("alice");
    let none = OperationId::default();
    match life {
        Life::Publishes { number, secs, basic, is_inbox } => {
            let mut tuple = Tuple::plain(TupleId::new("t").unwrap(), *basic);
            let uri = if *is_inbox { "im:alice@d.example" } else { "tel:+1" };
            tuple.contact = Some(Contact { uri: Payload::text(uri), priority: None });
            let document = Some(Document::new(vec![tuple], vec![], vec![]).unwrap());
            let lifetime = Some(seconds(*secs));
            let publish = publish("alice", *number, "");
            stage.behind(&alice, Command::Publish(Publish { document, lifetime, ..publish }));
        }
        Life::Removes => {
            let view = stage.commit.views().presentity(&pres("alice"));
            let if_match =
                view.and_then(|view| view.publications.values().next()).map(|one| one.tag);
            let (document, lifetime) = (None, Some(Lifetime::ZERO));
            let publish = publish("alice", 250, "");
            stage.behind(
                &alice,
                Command::Publish(Publish { document, if_match, lifetime, ..publish }),
            );
        }
        Life::Rules(is_fetch) => {
            let of = |who| {
                world.handling.map(|handling| {
                    let mut one = rule(who, handling);
                    one.shown.notes = !*is_fetch;
                    one
                })
            };
            let mut rules: Vec<_> =
                ["mallory@d.example", "anonymous"].into_iter().filter_map(of).collect();
            rules.push(rule("bob@d.example", Handling::Allow));
            stage.behind(&alice, Command::ChangeRules(change("alice", rules, &[])));
        }
        Life::Takes(through) => stage.takes("alice", *through),
        Life::Displays(sequence) => {
            let (inbox, sequence) = (im("alice"), InboxSequence::new(*sequence));
            let said = Displayed { operation: none, inbox, sequence };
            stage.behind(&alice, Command::Displayed(said));
        }
        Life::Deletes(sequence) => {
            let (inbox, sequences) = (im("alice"), vec![InboxSequence::new(*sequence)]);
            stage.behind(
                &alice,
                Command::Delete(Delete { operation: none, inbox, sequences, sender: None }),
            );
        }
        Life::Sends(id) => {
            let send = message("carol", &format!("a{id}"), "not for mallory");
            stage.behind(&alice, Command::Send(send));
        }
        Life::Watched => {
            let subscribe = crate::world::subscribe("alice", adsum::model::Mode::Every);
            stage.behind(&actor("bob"), subscribe);
            stage.behind_asks(&actor("bob"), Query::from(Fetch { presentity: pres("alice") }));
        }
        Life::Delivers(is_stored) => {
            let when_closed = if *is_stored { WhenClosed::Store } else { WhenClosed::Refuse };
            let put = match world.anonymous {
                Some(_) => Vec::new(),
                None => vec![delivery_rule(
                    "anonymous",
                    Delivery::Refuse { reason: "I am here".into() },
                )],
            };
            let when_closed = Some(when_closed);
            let change = DeliveryChange { put, when_closed, ..DeliveryChange::default() };
            stage.behind(&alice, delivery("alice", change));
        }
    }
}

fn took(stage: &mut Stage, world: World, step: &Step) {
    let kinds = kinds();
    match step {
        Step::Asks { form, kind, chance } => {
            if let Some(asked) = asked(kinds[kind % kinds.len()].0, own(*form), chance) {
                asks(stage, &outsider(*form), asked);
            }
        }
        Step::Sends { form, id, receipts } => {
            let sender = (own(*form) == "circle").then(|| principal("circle"));
            let receipts = adsum::model::Receipts::from_bits(*receipts);
            let send =
                message("alice", &format!("m{id}"), ["hi", "ho"][usize::from(receipts.bits() % 2)]);
            stage.acts(&outsider(*form), Command::Send(Send { sender, receipts, ..send }));
        }
        Step::Opens(position) => {
            let after: Moment = stage.positions[position % stage.positions.len()];
            stage.opens(after, true);
        }
        Step::Reads => {
            for inbox in ["mallory", "circle", "dave"] {
                let after = InboxSequence::ZERO;
                stage.asks_as(&actor("mallory"), Query::Page { inbox: im(inbox), after });
            }
        }
        Step::Restarts => stage.restarts(),
        Step::Lives(life) if world.lives => lived(stage, world, life),
        Step::Lives(_) | Step::Waits(_) => {}
    }
}

/// What the outsider is told at each step.
fn played(steps: &[Step], world: World) -> Vec<Vec<String>> {
    let mut stage = begun(world);
    let mut told = Vec::new();
    for step in steps {
        let second = BEGIN.after(seconds(stage.now.as_ms().div_ceil(1_000) + 1 - 1_000_000));
        stage.until(match step {
            // What she does, and what ends of it, falls into no millisecond in which the outsider is told something.
            Step::Lives(_) => second.after(Lifetime::from_ms(333)),
            Step::Waits(secs) => second.after(seconds(*secs)),
            _ => second,
        });
        took(&mut stage, world, step);
        told.push(std::mem::take(&mut stage.told));
    }
    stage.until(BEGIN.after(seconds(2_000_000)));
    for step in [Step::Restarts, Step::Reads, Step::Opens(0)] {
        took(&mut stage, world, &step);
    }
    told.push(stage.told);
    told
}

fn same(pair: Pair, steps: &[Step]) -> Result<(), TestCaseError> {
    let [one, other] = pair.worlds.map(|world| played(steps, world));
    let differs = one.iter().zip(&other).position(|(one, other)| one != other);
    if let Some(at) = differs {
        let step = steps.get(at);
        return Err(TestCaseError::fail(format!("{step:?}\n{:#?}\n{:#?}", one[at], other[at])));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn blocked_politely_is_as_nothing_published(steps in steps(POLITE)) {
        same(POLITE, &steps)?;
    }

    #[test]
    fn blocked_plainly_learns_nothing_of_open_and_closed(steps in steps(PLAIN)) {
        same(PLAIN, &steps)?;
    }

    #[test]
    fn without_a_name_nobody_learns_who_is_there(steps in steps(UNKNOWN)) {
        same(UNKNOWN, &steps)?;
    }

    #[test]
    fn without_a_name_nobody_learns_that_messages_are_discarded(steps in steps(DISCARDED)) {
        same(DISCARDED, &steps)?;
    }
}

/// Bytes of chance that are the same in every run.
fn chance(seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; 80];
    blake3::Hasher::new().update(&seed.to_be_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

#[test]
fn every_kind_is_asked_in_every_form_and_most_are_granted() {
    let mut granted = BTreeSet::new();
    for (kind, name) in kinds() {
        for (form, word) in FORMS.iter().enumerate() {
            let mut stage = begun(POLITE.worlds[0]);
            stage.behind(
                &actor("alice"),
                crate::world::subscribe("mallory", adsum::model::Mode::Latest),
            );
            let valid = (0..300).filter_map(|seed| asked(kind, own(form), &chance(seed)));
            let valid: Vec<Asked> = valid.take(60).collect();
            assert!(!valid.is_empty(), "{name} as {word}");
            for asked in valid {
                let at = stage.told.len();
                asks(&mut stage, &outsider(form), asked);
                let said = &stage.told[at..];
                assert!(!said.is_empty(), "{name} is answered");
                if !said[0].starts_with("refused") {
                    granted.insert(name);
                }
            }
        }
    }
    assert!(granted.len() * 4 >= kinds().len() * 3, "of {} only {granted:?}", kinds().len());
}
