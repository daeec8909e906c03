//! Lines of an exported log: what reads as an event is written so that it reads as the same, and whatever order events
//! come in, they fold to views that are saved as what loads to the same.
//!
//! Input: lines of JSON. The event of each that has one is taken in the order of the lines, but for those that do not take the
//! next place of their inbox: an import refuses these.
//! Must never hold: a panic of its own for any input, except when a promise is broken.

use std::collections::BTreeMap;

use adsum::event::{Event, Recorded};
use adsum::model::{Ahead, Moment};
use adsum::view::Views;

/// Folds the events of the lines in `data`.
pub(crate) fn check(data: &[u8]) {
    let mut views = Views::default();
    for line in data.split(|byte| *byte == b'\n') {
        let Some(event) = event_of(line) else { continue };
        check_written(&event);
        let sequence = views.head().next();
        let (at, ahead) = (Moment::from_us(1_000_000 * sequence.get()), Ahead::ZERO);
        let _ = views.take(&Recorded { sequence, at, ahead, event });
    }
    check_saved(&mut views);
}

fn event_of(line: &[u8]) -> Option<Event> {
    let mut line: serde_json::Value = serde_json::from_slice(line).ok()?;
    serde_json::from_value(line.get_mut("event")?.take()).ok()
}

fn check_written(event: &Event) {
    let written = serde_json::to_vec(event).expect("an event is written");
    let again: Event = serde_json::from_slice(&written).expect("what was written reads");
    assert_eq!(again, *event, "an event is read as another");
}

fn check_saved(views: &mut Views) {
    let saved = kept(views);
    let mut again = Views::default();
    for (key, value) in &saved {
        assert!(
            again
                .load::<adsum::view::Checkpointed>(key, value, |_| {})
                .expect("what was saved loads")
        );
    }
    again.finish_loading().expect("what was saved is whole");
    assert_eq!(kept(&mut again), saved, "what was saved loads as something else");
}

/// The records of `views` that have a value, by key.
fn kept(views: &mut Views) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let records = views.all_records().into_iter();
    records.filter_map(|(key, value)| Some((key, value?))).collect()
}
