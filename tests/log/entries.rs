//! What packing and assembling promise to each other.
//!
//! Must never hold: a look inside either; only bytes and events are compared.

use adsum::event::{
    Assembler, Chain, ENTRY_BYTES_MAX, Entry, EntryFault, EntryKey, Event, MessageAccepted,
    MessageDigest, Recorded, pack,
};
use adsum::model::{
    Ahead, ContentType, DeviceId, InboxSequence, MessageId, Moment, Payload, Principal, Sequence,
};
use proptest::prelude::*;

const NOW: Moment = Moment::from_us(1_767_225_600_000_000);
const FIRST: Sequence = Sequence::new(1);

fn message(body_bytes: usize) -> Event {
    let bob: Principal = "bob@example.com".parse().unwrap();
    Event::MessageAccepted(MessageAccepted {
        inbox: bob.inbox(),
        sequence: InboxSequence::new(1),
        sender: bob,
        device: DeviceId([0; 8]),
        id: MessageId::new("m").unwrap(),
        content_type: ContentType::new("text/plain").unwrap(),
        body: Payload::Present(vec![b'x'; body_bytes].into()),
        lifetime: None,
        digest: MessageDigest([0; 16]),
    })
}

fn now(sizes: &[usize]) -> Vec<(Moment, Event)> {
    sizes.iter().map(|&size| (NOW, message(size))).collect()
}

fn assemble(mut assembler: Assembler, entries: &[Entry]) -> Result<Vec<Recorded>, EntryFault> {
    let mut events = Vec::new();
    for entry in entries {
        assembler.push(&entry.key.to_bytes(), &entry.value, &mut events)?;
    }
    assembler.finish()?;
    Ok(events)
}

fn verify(entries: &[Entry]) -> Result<Vec<Recorded>, EntryFault> {
    assemble(Assembler::verifying(Chain::START, FIRST), entries)
}

/// Packs each commit and returns the entries and what they must assemble to.
fn packed(commits: &[Vec<usize>]) -> (Vec<Entry>, Vec<Recorded>) {
    let (mut chain, mut entries, mut expected) = (Chain::START, Vec::new(), Vec::<Recorded>::new());
    for sizes in commits {
        let first = FIRST.plus(expected.len() as u64);
        // Moments are kept whatever they are, also those that do not follow each other.
        let moment = |place: usize| Moment::from_us(NOW.as_us() + (place * 7_919) as u64 % 1_000);
        let events: Vec<(Moment, Event)> =
            sizes.iter().enumerate().map(|(place, &size)| (moment(place), message(size))).collect();
        // Every second commit, the wall clock shows something else.
        let ahead = Ahead::from_ms(if first.get().is_multiple_of(2) { -86_400_001 } else { 0 });
        entries.extend(pack(&mut chain, first, ahead, &events));
        for (sequence, (at, event)) in (first.get()..).zip(events) {
            expected.push(Recorded { sequence: Sequence::new(sequence), at, ahead, event });
        }
    }
    (entries, expected)
}

/// Six entries: whole ones, three parts of a long event, one more.
fn some_entries() -> Vec<Entry> {
    let (entries, _) = packed(&[vec![10, 20], vec![30], vec![20_000], vec![40]]);
    assert_eq!(entries.len(), 6);
    entries
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_packed_is_assembled_again(
        commits in prop::collection::vec(prop::collection::vec(
            prop_oneof![4 => 0_usize..400, 1 => 6_800_usize..7_300, 1 => 7_000_usize..70_000], 0..12), 0..5)
    ) {
        let (entries, expected) = packed(&commits);
        prop_assert!(entries.iter().all(|entry| entry.value.len() <= ENTRY_BYTES_MAX));
        prop_assert!(entries.is_sorted_by_key(|entry| entry.key.to_bytes()));
        prop_assert_eq!(&verify(&entries).unwrap(), &expected);
        prop_assert_eq!(&assemble(Assembler::reading(), &entries).unwrap(), &expected);
    }

    #[test]
    fn what_nobody_asked_for_is_left_out_and_counted(
        commits in prop::collection::vec(prop::collection::vec(
            prop_oneof![4 => 0_usize..400, 1 => 7_000_usize..20_000], 1..6), 1..5),
        asked in (1_u64..25, 1_u64..25),
    ) {
        let (entries, all) = packed(&commits);
        let asked = (Sequence::new(asked.0.min(asked.1)), Sequence::new(asked.0.max(asked.1)));
        let mut assembler = Assembler::reading_between(asked.0, asked.1);
        let mut events = Vec::new();
        for (entry, after) in entries.iter().zip(1..) {
            assembler.push(&entry.key.to_bytes(), &entry.value, &mut events).unwrap();
            let ends = entries.get(after).map_or(FIRST.plus(all.len() as u64), |next| next.key.sequence);
            prop_assert_eq!(assembler.next(), ends);
        }
        let is_asked = |recorded: &&Recorded| (asked.0..=asked.1).contains(&recorded.sequence);
        prop_assert_eq!(events, all.iter().filter(is_asked).cloned().collect::<Vec<_>>());
    }

    #[test]
    fn arbitrary_bytes_are_refused_without_a_crash(
        key in prop::collection::vec(any::<u8>(), 0..12),
        value in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut events = Vec::new();
        prop_assert!(Assembler::reading().push(&key, &value, &mut events).is_err());
        prop_assert_eq!(events, []);
    }

    #[test]
    fn a_flipped_bit_is_found(entry in 0_usize..6, place in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let mut entries = some_entries();
        let value = &mut entries[entry].value;
        let place = place.index(value.len());
        value[place] ^= 1_u8 << bit;
        prop_assert!(verify(&entries).is_err());
        prop_assert!(assemble(Assembler::reading(), &entries).is_err());
    }
}

#[test]
fn entries_that_are_swapped_removed_or_put_in_break_the_chain() {
    let entries = some_entries();
    verify(&entries).unwrap();
    for place in 0..entries.len() - 1 {
        let mut removed = entries.clone();
        removed.remove(place);
        assert!(verify(&removed).is_err(), "entry {place} is gone");
        let mut swapped = entries.clone();
        swapped.swap(place, place + 1);
        assert!(verify(&swapped).is_err(), "entry {place} stands behind the next");
        let mut doubled = entries.clone();
        doubled.insert(place, entries[place].clone());
        assert!(verify(&doubled).is_err(), "entry {place} stands there twice");
    }
}

#[test]
fn an_entry_that_was_replaced_by_a_good_one_is_found_at_the_next() {
    let mut entries = some_entries();
    let mut chain = Chain::START;
    entries[0] = pack(&mut chain, FIRST, Ahead::ZERO, &now(&[10, 21])).remove(0);
    let fault = verify(&entries).unwrap_err();
    assert!(matches!(fault, EntryFault::Chain { sequence, .. } if sequence.get() == 3), "{fault}");
}

#[test]
fn the_key_is_part_of_the_chain() {
    let mut chain = Chain::START;
    let mut entries = pack(&mut chain, Sequence::new(2), Ahead::ZERO, &now(&[10]));
    entries[0].key.sequence = FIRST;
    assert!(matches!(verify(&entries), Err(EntryFault::Chain { .. })));
}

#[test]
fn a_long_event_that_lacks_its_last_part_is_not_complete() {
    let (mut entries, _) = packed(&[vec![20_000]]);
    entries.pop();
    assert!(matches!(verify(&entries), Err(EntryFault::Parts { sequence }) if sequence == FIRST));
}

#[test]
fn an_entry_of_another_version_is_named_as_such() {
    let mut entries = some_entries();
    entries[2].value[0] = 2;
    let fault = verify(&entries).unwrap_err();
    assert!(matches!(fault, EntryFault::Version { found: 2, .. }), "{fault}");
}

#[test]
fn positions_that_run_out_are_a_fault_and_not_a_crash() {
    let mut chain = Chain::START;
    let mut entries = pack(&mut chain, FIRST, Ahead::ZERO, &now(&[1, 1]));
    entries[0].key.sequence = Sequence::new(u64::MAX);
    let fault = assemble(Assembler::reading(), &entries).unwrap_err();
    assert!(matches!(fault, EntryFault::Event { .. }), "{fault}");
    let mut entries = pack(&mut chain, FIRST, Ahead::ZERO, &now(&[10_000]));
    for entry in &mut entries {
        entry.key.sequence = Sequence::new(u64::MAX);
    }
    assert!(assemble(Assembler::reading(), &entries).is_err());
}

#[test]
fn keys_sort_as_their_places_do_and_read_back() {
    let key = |sequence, part| EntryKey { sequence: Sequence::new(sequence), part };
    let keys =
        [key(1, 0), key(1, 1), key(1, 256), key(2, 0), key(255, 9), key(256, 0), key(u64::MAX, 0)];
    assert!(keys.is_sorted() && keys.is_sorted_by_key(|key| key.to_bytes()));
    for key in keys {
        assert_eq!(EntryKey::from_bytes(&key.to_bytes()).unwrap(), key);
    }
    for wrong in [&[0; 7][..], &[0; 9], &[0; 10], &[0; 11], &[]] {
        assert!(EntryKey::from_bytes(wrong).is_err(), "{wrong:?}");
    }
}
