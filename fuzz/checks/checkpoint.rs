//! Checkpoint records: whatever they hold, loading ends with views or a fault, and views that load are saved as what
//! loads to the same.
//!
//! Input: records, each `key length:u8 key value length:u16le value`; what is too short is taken as far as it goes.
//! Must never hold: a panic of its own for any input, except when a promise is broken.

use adsum::view::{Checkpointed, Record, Views};

/// Loads the records in `data`, in order of key as a log gives them.
pub(crate) fn check(mut data: &[u8]) {
    let mut records = Vec::new();
    while let Some(record) = next_record(&mut data) {
        records.push(record);
    }
    records.sort();
    records.dedup_by(|later, first| later.0 == first.0);
    let Some(mut views) = loaded(&records) else { return };
    let saved = views.all_records();
    let mut again = loaded(&kept(&saved)).expect("what was saved loads");
    assert_eq!(again.all_records(), saved, "what was saved loads as something else");
}

fn loaded(records: &[(Vec<u8>, Vec<u8>)]) -> Option<Views> {
    let mut views = Views::default();
    for (key, value) in records {
        if !views.load::<Checkpointed>(key, value, |_| {}).ok()? {
            return None;
        }
    }
    views.finish_loading().ok()?;
    Some(views)
}

fn kept(records: &[Record]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let kept = records.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
    let mut kept: Vec<_> = kept.collect();
    kept.sort();
    kept
}

fn next_record(rest: &mut &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (&key_length, after) = rest.split_first()?;
    let (key, after) = after.split_at(after.len().min(key_length.into()));
    let (value_length, after) = after.split_first_chunk::<2>()?;
    let (value, after) = after.split_at(after.len().min(u16::from_le_bytes(*value_length).into()));
    *rest = after;
    Some((key.to_vec(), value.to_vec()))
}
