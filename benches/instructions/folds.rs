//! State made of events, and of the records of a checkpoint.
//!
//! Must never hold: a decision.

use core::convert::Infallible;

use adsum::event::Recorded;
use adsum::model::{InboxSequence, Principal, Sequence};
use adsum::service::{Input, SessionId, Ticket};
use adsum::view::{Checkpointed, Views};

use super::Benchmark;
use super::callgrind::count;
use super::material::{message, people, publish, subscribe};
use super::world::{World, actor, command};

/// Events that are folded.
const EVENTS: usize = 10_000;
/// Entities whose records are written and read.
const ENTITIES: usize = 1_000;
/// Who does all that.
const PEOPLE: usize = 250;
const TICKET: Ticket = Ticket { session: SessionId(0), number: 0 };

pub(crate) const ALL: &[Benchmark] = &[
    Benchmark { name: "fold.10000_events", times: 1, run: fold },
    Benchmark { name: "checkpoint.write_1000", times: 1, run: write },
    Benchmark { name: "checkpoint.read_1000", times: 1, run: read },
];

/// A little of everything that happens often, in a log of at least `events`.
fn events(events: usize) -> Vec<Recorded> {
    let people = people("person", PEOPLE);
    let mut world = World::of(&people);
    let mut turn = 0;
    while world.commit.head().get() < events as u64 {
        let inputs = (0..).zip(&people).flat_map(|(at, who)| deeds(&people, (at, who), turn));
        world.prepare(inputs.collect::<Vec<_>>());
        turn += 1;
    }
    let mut all = Vec::new();
    while all.len() < events {
        let next = Sequence::new(all.len() as u64 + 1);
        all.extend(world.reader.read(next, events).expect("the log reads"));
    }
    all.truncate(events);
    all
}

/// What `who` does in each turn: it subscribes, publishes, sends, and takes what it was sent.
fn deeds(people: &[Principal], (at, who): (usize, &Principal), turn: usize) -> Vec<Input> {
    let next = |step: usize| &people[(at + step) % people.len()];
    let mut deeds = vec![command(who, subscribe(next(turn + 1).presentity(), 2 * turn))];
    if turn == 0 {
        deeds.push(command(who, publish(who.presentity(), 1, None)));
    }
    for step in 1..=4 {
        deeds.push(command(who, message(next(step).inbox(), 4 * turn + step)));
    }
    let (inbox, through) = (who.inbox(), InboxSequence::new(2 * turn as u64));
    deeds.push(Input::Acknowledge { ticket: TICKET, actor: actor(who), inbox, through });
    deeds
}

fn folded(events: &[Recorded]) -> Views {
    let mut views = Views::default();
    for event in events {
        views.apply(event);
    }
    views
}

fn fold() {
    let events = events(EVENTS);
    let views = count(|| folded(&events));
    assert_eq!(views.head(), Sequence::new(EVENTS as u64), "each event is folded");
}

/// The records of so many entities.
fn records(views: &mut Views, wanted: &[adsum::event::EntityKey]) -> Vec<adsum::view::Record> {
    let mut all = Vec::new();
    for entity in wanted {
        let records = views.records_of::<Checkpointed, Infallible>(entity, |_, _| Ok(()));
        let Ok(records) = records;
        all.extend(records);
    }
    all
}

fn write() {
    let mut views = folded(&events(EVENTS));
    let entities = views.entities();
    let records = count(|| records(&mut views, &entities[..ENTITIES]));
    assert!(records.len() >= ENTITIES, "each has a record");
}

fn read() {
    let mut views = folded(&events(EVENTS));
    let entities = views.entities();
    let mut records = records(&mut views, &entities[..ENTITIES]);
    records.sort();
    let loaded = count(|| {
        let mut loaded = Views::default();
        for (key, value) in &records {
            let value = value.as_deref().expect("nothing was removed");
            loaded.load::<Checkpointed>(key, value, |_| {}).expect("a record reads");
        }
        loaded.finish_loading().expect("what was written fits together");
        loaded
    });
    assert_eq!(loaded.entities().len(), ENTITIES, "each entity is back");
}
