//! What several devices publish together may be more than one document holds: nothing is refused for it, whole parts are
//! left out by one rule, and watchers are told how many.
//!
//! Must never hold: a limit of what one device says by itself.

use crate::world::governed::{change, rule};
use crate::world::stage::{BEGIN, Stage};
use crate::world::{World, actor, pres, publish, seconds, subscribe};
use adsum::model::limits::{
    COMPOSED_BYTES_MAX, DOCUMENT_BYTES_MAX, MARKUP_MAX, NOTES_MAX, PUBLICATIONS_MAX, TUPLES_MAX,
};
use adsum::model::{
    AccessRule, Basic, Document, Handling, LeftOut, Lifetime, Mode, Moment, Note, OperationId,
    Payload, Presentity, PublicationName, Sequence, Shown, Tuple, TupleId,
};
use adsum::protocol::{Command, Fetch, Publish};
use adsum::service::{Query, Reply};

fn tuple(id: &str) -> Tuple {
    Tuple::plain(TupleId::new(id).unwrap(), Basic::Open)
}

fn note(text: &str) -> Note {
    Note { language: String::new(), text: Payload::text(text) }
}

/// So many of each part; ids and words begin with `name`.
fn parts(name: &str, tuples: usize, notes: usize, markup: usize) -> Document {
    let word = |kind: &str, number: usize| format!("{name}-{kind}{number:03}");
    let tuples = (0..tuples).map(|number| tuple(&word("t", number))).collect();
    let notes = (0..notes).map(|number| note(&word("n", number))).collect();
    let markup = (0..markup).map(|number| Payload::text(&word("m", number))).collect();
    Document::new(tuples, notes, markup).unwrap()
}

/// One tuple that counts so many bytes.
fn large(id: &str, bytes: usize) -> Document {
    let with = |length: usize| Tuple { notes: vec![note(&"x".repeat(length))], ..tuple(id) };
    let least = with(0).payload_bytes();
    Document::new(vec![with(bytes - least)], vec![], vec![]).unwrap()
}

fn publication(number: u8, name: &str, document: Document) -> Command {
    let name = PublicationName::new(name).unwrap();
    Command::Publish(Publish { name, document: Some(document), ..publish("alice", number, "") })
}

/// What alice's publications, named `a`, `b` and so on, are shown as together.
fn together(documents: Vec<Document>) -> Document {
    let mut world = World::with(&["alice", "bob"]);
    for (number, document) in (b'a'..).zip(documents) {
        let name = char::from(number).to_string();
        world.ask(&actor("alice"), publication(number, &name, document)).unwrap();
    }
    let fetch = Query::from(Fetch { presentity: pres("alice") });
    let Ok(Reply::Presence(item)) = world.query(&actor("bob"), fetch) else { panic!() };
    item.document.get().cloned().unwrap()
}

fn ids(document: &Document) -> Vec<&str> {
    document.tuples().iter().map(|tuple| tuple.id.own()).collect()
}

fn left_out(tuples: u32, notes: u32, markup: u32) -> LeftOut {
    LeftOut { tuples, notes, markup }
}

#[test]
fn each_bound_of_the_sum_is_kept_at_it_and_one_over_is_left_out_and_told() {
    let half = DOCUMENT_BYTES_MAX / 2;
    let cases = [
        ("tuples", parts("a", TUPLES_MAX, 0, 0), parts("b", 0, 1, 0), left_out(0, 0, 0)),
        ("tuples", parts("a", TUPLES_MAX, 0, 0), parts("b", 1, 0, 0), left_out(1, 0, 0)),
        ("notes", parts("a", 1, NOTES_MAX - 1, 0), parts("b", 1, 1, 0), left_out(0, 0, 0)),
        ("notes", parts("a", 1, NOTES_MAX, 0), parts("b", 1, 1, 0), left_out(0, 1, 0)),
        ("markup", parts("a", 1, 0, MARKUP_MAX - 1), parts("b", 1, 0, 1), left_out(0, 0, 0)),
        ("markup", parts("a", 1, 0, MARKUP_MAX), parts("b", 1, 0, 1), left_out(0, 0, 1)),
        ("bytes", large("a", half), large("b", half), left_out(0, 0, 0)),
        ("bytes", large("a", half), large("b", half + 1), left_out(1, 0, 0)),
    ];
    for (what, one, other, expected) in cases {
        let count = |document: &Document| {
            document.tuples().len() + document.notes().len() + document.markup().len()
        };
        let (all, shown) = (count(&one) + count(&other), together(vec![one, other]));
        assert_eq!(shown.left_out(), expected, "{what}");
        let LeftOut { tuples, notes, markup } = expected;
        assert_eq!(count(&shown) + (tuples + notes + markup) as usize, all, "{what}");
    }
}

#[test]
fn what_one_device_may_publish_is_shown_whole_if_it_is_alone() {
    let ids = (0..TUPLES_MAX).map(|number| format!("{number:064}"));
    let mut tuples: Vec<Tuple> = ids.map(|id| tuple(&id)).collect();
    for (number, tuple) in tuples.iter_mut().enumerate() {
        // An id that is not cut gains most.
        tuple.id = TupleId::new(&format!("{number:048}")).unwrap();
    }
    let notes = vec![note(""); NOTES_MAX];
    let mut markup = vec![Payload::text(""); MARKUP_MAX];
    let bytes = |markup: &[Payload]| {
        let document = Document::new(tuples.clone(), notes.clone(), markup.to_vec());
        document.map(|document| document.payload_bytes())
    };
    let room = DOCUMENT_BYTES_MAX - bytes(&markup).unwrap();
    markup[0] = Payload::text(&"x".repeat(room + 1));
    assert_eq!(bytes(&markup).unwrap_err().code().as_str(), "too-large");
    markup[0] = Payload::text(&"x".repeat(room));
    let document = Document::new(tuples.clone(), notes.clone(), markup.clone()).unwrap();
    let shown = together(vec![document]);
    assert!(shown.left_out().is_none());
    assert_eq!(shown.payload_bytes(), COMPOSED_BYTES_MAX);
    assert_eq!((shown.tuples().len(), shown.notes()), (TUPLES_MAX, &notes[..]));
}

#[test]
fn as_many_publications_as_may_be_each_as_full_as_may_be_are_accepted() {
    let mut world = World::with(&["alice", "bob"]);
    for number in 0..PUBLICATIONS_MAX {
        let full = if number % 2 == 0 {
            large(&format!("t{number}"), DOCUMENT_BYTES_MAX)
        } else {
            parts(&format!("p{number}"), TUPLES_MAX, NOTES_MAX, MARKUP_MAX)
        };
        let command = publication(number.to_le_bytes()[0], &number.to_string(), full);
        world.ask(&actor("alice"), command).unwrap();
    }
    let more = publication(99, "more", parts("x", 1, 0, 0));
    let refusal = world.ask(&actor("alice"), more).unwrap_err();
    assert_eq!(refusal.code().as_str(), "publications-full");
}

#[test]
fn every_publication_has_its_turn_before_another_has_a_second_one() {
    let many = parts("a", TUPLES_MAX, NOTES_MAX, MARKUP_MAX);
    let shown = together(vec![many, parts("z", 2, 2, 2)]);
    assert_eq!(shown.left_out(), left_out(2, 2, 2));
    for own in ["z-t000", "z-t001", "a-t000", "a-t097"] {
        assert!(ids(&shown).contains(&own), "{own}");
    }
    assert!(!ids(&shown).contains(&"a-t098"));
    let notes = |text: &str| shown.notes().contains(&note(text));
    assert!(notes("z-n000") && notes("z-n001") && notes("a-n013") && !notes("a-n014"));
}

#[test]
fn a_part_that_does_not_fit_leaves_room_for_smaller_ones_behind_it() {
    let half = DOCUMENT_BYTES_MAX / 2;
    let shown =
        together(vec![large("a", half), large("b", half + 1), parts("c", 1, 0, 0), large("d", 99)]);
    assert_eq!((ids(&shown), shown.left_out()), (vec!["a", "c-t000", "d"], left_out(1, 0, 0)));
}

#[test]
fn two_ids_that_become_one_are_two_tuples_of_which_one_is_shown() {
    // Both are cut to the same 48 characters, and were searched for with the same hash.
    let (one, other) = alike();
    let document = Document::new(vec![tuple(&one), tuple(&other)], vec![], vec![]).unwrap();
    let shown = together(vec![document]);
    assert_eq!((shown.tuples().len(), shown.left_out()), (1, left_out(1, 0, 0)));
}

/// Two ids that are composed to the same.
fn alike() -> (String, String) {
    use std::collections::HashMap;
    let key = adsum::event::PublicationKey {
        device: crate::world::device("alice"),
        name: PublicationName::new("a").unwrap(),
    };
    let mut seen: HashMap<TupleId, String> = HashMap::new();
    (0..)
        .find_map(|number: u64| {
            let own = format!("{:048}{number:016x}", 0);
            let composed = key.composed_id(&TupleId::new(&own).unwrap());
            seen.insert(composed, own.clone()).map(|before| (before, own))
        })
        .unwrap()
}

/// Bob watches alice, and is shown all she publishes or the tuples without notes.
fn stage(notes: bool, mode: Mode) -> Stage {
    let mut stage = Stage::new("bob", &["alice", "bob"]);
    let shown = Shown { notes, ..Shown::ALL };
    let rule = AccessRule { shown, ..rule("bob@d.example", Handling::Allow) };
    stage.behind(&actor("alice"), Command::ChangeRules(change("alice", vec![rule], &[])));
    stage.does(subscribe("alice", mode));
    stage.opens(Moment::ZERO, false);
    stage.until(BEGIN.after(seconds(1)));
    stage.shown.clear();
    stage
}

fn publishes(stage: &mut Stage, number: u8, name: &str, document: Document, secs: u64) {
    let Command::Publish(one) = publication(number, name, document) else { unreachable!() };
    let lifetime = Some(seconds(secs));
    stage.behind(&actor("alice"), Command::Publish(Publish { lifetime, ..one }));
    stage.until(stage.now.after(Lifetime::from_ms(100)));
}

/// What is shown of alice now: to one that fetches, one that was away, and by the log.
fn shown_now(stage: &mut Stage) -> Document {
    let fetched = stage.fetched("alice").unwrap();
    let before = stage.position();
    stage.shown.clear();
    stage.opens(Moment::ZERO, false);
    assert_eq!(stage.shown.last().unwrap().document, fetched, "resumed");
    assert_eq!(stage.position(), before, "at the same version");
    fetched
}

fn in_the_log(stage: &Stage) -> Option<Document> {
    let alice: Presentity = pres("alice");
    let last: Sequence = stage.commit.views().presentity(&alice).unwrap().changed_at;
    let reader = stage.commit.reader();
    let time = stage.now;
    let item = adsum::commit::history::at_time(reader.as_ref(), &alice, last, time).unwrap();
    item.document.get().cloned()
}

#[test]
fn a_live_watcher_one_that_resumes_one_that_fetches_and_the_log_show_the_same() {
    for mode in [Mode::Latest, Mode::Every] {
        let mut stage = stage(true, mode);
        publishes(&mut stage, 1, "a", parts("a", 60, 10, 20), 1_000);
        publishes(&mut stage, 2, "b", parts("b", 60, 10, 20), 500);
        let live = stage.shown.last().unwrap().document.clone();
        assert_eq!(live.left_out(), left_out(20, 4, 8));
        assert_eq!((in_the_log(&stage), shown_now(&mut stage)), (Some(live.clone()), live));
        let away = stage.position();
        // What was left out is there when the other publication ends, also for one who was away.
        stage.shown.clear();
        stage.until(BEGIN.after(seconds(600)));
        let again = stage.shown.last().unwrap().document.clone();
        assert_eq!((again.tuples().len(), again.left_out()), (60, left_out(0, 0, 0)));
        assert_eq!(
            (in_the_log(&stage), shown_now(&mut stage)),
            (Some(again.clone()), again.clone())
        );
        stage.shown.clear();
        stage.opens(away, false);
        assert_eq!(stage.shown.last().unwrap().document, again);
    }
}

#[test]
fn what_is_hidden_from_a_watcher_takes_no_place_from_what_it_sees() {
    let mut stage = stage(false, Mode::Latest);
    let heavy = |number: u8| {
        let tuples = vec![Tuple { notes: vec![note(&"x".repeat(60_000))], ..tuple("heavy") }];
        let notes = vec![note(&number.to_string()); NOTES_MAX];
        Document::new(tuples, notes, vec![]).unwrap()
    };
    publishes(&mut stage, 1, "b", parts("b", TUPLES_MAX, 0, 0), 1_000);
    publishes(&mut stage, 2, "a", heavy(2), 1_000);
    let shown = shown_now(&mut stage);
    assert_eq!((shown.tuples().len(), shown.left_out()), (TUPLES_MAX, left_out(1, 0, 0)));
    // Other notes, for which it is not newer either.
    stage.shown.clear();
    publishes(&mut stage, 3, "a", heavy(3), 1_000);
    assert_eq!(stage.shown, []);
    assert_eq!(shown_now(&mut stage), shown);
}

#[test]
fn a_removal_and_a_repeat_are_judged_as_ever_while_parts_are_left_out() {
    let mut world = World::with(&["alice"]);
    world.ask(&actor("alice"), publication(1, "a", parts("a", TUPLES_MAX, 0, 0))).unwrap();
    let second = publication(2, "b", parts("b", TUPLES_MAX, 0, 0));
    let first_answer = world.ask(&actor("alice"), second.clone()).unwrap();
    assert_eq!(world.ask(&actor("alice"), second).unwrap(), first_answer);
    let Reply::Done(adsum::protocol::Answer::Published { tag, .. }) = first_answer else {
        panic!()
    };
    let Command::Publish(remove) = publication(3, "b", Document::default()) else { unreachable!() };
    let (if_match, lifetime) = (Some(tag), Some(Lifetime::ZERO));
    let operation = OperationId([3; 16]);
    let remove = Publish { if_match, lifetime, document: None, operation, ..remove };
    world.ask(&actor("alice"), Command::Publish(remove)).unwrap();
}
