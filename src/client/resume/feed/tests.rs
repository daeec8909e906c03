//! Promises of [`FeedResume`], one by one and against a model of a server.
//!
//! Must never hold: a real server.

use proptest::prelude::*;

use super::*;

fn cursor(key: u8, position: u64) -> Bytes {
    Bytes::copy_from_slice(&[&[key], position.to_be_bytes().as_slice()].concat())
}

fn arrived(number: u64, position: u64) -> Arrived<u64> {
    arrived_under(0, number, position)
}

fn arrived_under(key: u8, number: u64, position: u64) -> Arrived<u64> {
    let sequence = InboxSequence::new(position);
    Arrived { number, cursor: cursor(key, position), sequence, bytes: 10, item: position }
}

fn opened(kind: FeedKind) -> FeedResume<u64> {
    let mut feed = FeedResume::new(kind, Position::default());
    assert!(feed.open().is_empty());
    feed.ready(Outcome::Fresh, cursor(0, 0)).unwrap();
    feed
}

fn drain(feed: &mut FeedResume<u64>) -> Vec<u64> {
    core::iter::from_fn(|| feed.next_item()).map(|handed| handed.item).collect()
}

fn save(feed: &mut FeedResume<u64>) {
    if let Some(unsaved) = feed.unsaved() {
        feed.saved(unsaved);
    }
}

fn take_all(feed: &mut FeedResume<u64>) -> Vec<u64> {
    let handed: Vec<Handed<u64>> = core::iter::from_fn(|| feed.next_item()).collect();
    if let Some(last) = handed.last() {
        feed.taken(last.number);
    }
    save(feed);
    handed.into_iter().map(|one| one.item).collect()
}

#[test]
fn numbers_that_are_not_one_two_three_are_a_fault() {
    let mut feed = opened(FeedKind::Inbox);
    feed.arrived(arrived(1, 4)).unwrap();
    let gap = FeedFault::Gap { found: 3, expected: 2 };
    assert_eq!(feed.arrived(arrived(3, 6)), Err(gap));
    assert_eq!(feed.arrived(arrived(1, 5)), Err(FeedFault::Gap { found: 1, expected: 2 }));
}

#[test]
fn an_event_before_the_feed_is_open_is_a_fault() {
    let mut feed = FeedResume::new(FeedKind::Presence, Position::default());
    assert_eq!(feed.arrived(arrived(1, 1)), Err(FeedFault::NotOpen));
    feed.open();
    assert_eq!(feed.arrived(arrived(1, 1)), Err(FeedFault::NotOpen));
    assert_eq!(feed.caught_up(cursor(0, 1)), Err(FeedFault::NotOpen));
    feed.ready(Outcome::Fresh, cursor(0, 0)).unwrap();
    assert_eq!(feed.ready(Outcome::Fresh, cursor(0, 0)), Err(FeedFault::NotOpen));
}

#[test]
fn the_position_moves_only_when_the_application_has_taken() {
    let mut feed = opened(FeedKind::Inbox);
    feed.arrived(arrived(1, 1)).unwrap();
    feed.arrived(arrived(2, 2)).unwrap();
    let first = feed.next_item().unwrap();
    feed.next_item().unwrap();
    assert_eq!(feed.unsaved(), None);
    assert_eq!(feed.next_acknowledgement(), None);
    feed.taken(first.number);
    assert_eq!(feed.unsaved().unwrap().position.cursor, cursor(0, 1));
}

#[test]
fn an_item_is_acknowledged_only_after_its_position_is_saved() {
    let mut feed = opened(FeedKind::Inbox);
    feed.arrived(arrived(1, 1)).unwrap();
    let first = feed.next_item().unwrap();
    feed.taken(first.number);
    assert_eq!(feed.next_acknowledgement(), None);
    assert!(!feed.is_saved(first.number));
    save(&mut feed);
    assert!(feed.is_saved(first.number));
    assert_eq!(feed.next_acknowledgement(), Some(cursor(0, 1)));
    assert!(!feed.is_settled());
    feed.acknowledged(&cursor(0, 1));
    assert!(feed.is_settled());
}

#[test]
fn taking_an_item_takes_all_before_it_and_none_behind() {
    let mut feed = opened(FeedKind::Presence);
    for number in 1..=3 {
        feed.arrived(arrived(number, number)).unwrap();
    }
    feed.next_item().unwrap();
    let second = feed.next_item().unwrap();
    feed.taken(second.number);
    assert_eq!(feed.unsaved().unwrap().position.cursor, cursor(0, 2));
    assert_eq!(drain(&mut feed), [3]);
    feed.taken(second.number);
    assert_eq!(feed.unsaved().unwrap().position.cursor, cursor(0, 2));
}

#[test]
fn a_new_connection_begins_behind_what_was_received_and_repeats_the_acknowledgement() {
    let mut feed = opened(FeedKind::Inbox);
    feed.arrived(arrived(1, 1)).unwrap();
    feed.arrived(arrived(2, 2)).unwrap();
    let first = feed.next_item().unwrap();
    feed.lost();
    feed.taken(first.number);
    save(&mut feed);
    assert_eq!(feed.next_acknowledgement(), None, "there is no connection");
    assert_eq!(feed.open(), cursor(0, 2));
    feed.ready(Outcome::Resumed, cursor(0, 0)).unwrap();
    assert_eq!(feed.next_acknowledgement(), Some(cursor(0, 1)));
    feed.arrived(arrived(1, 3)).unwrap();
    assert_eq!(drain(&mut feed), [2, 3]);
}

#[test]
fn in_another_past_what_bears_an_old_number_is_new_and_the_position_is_where_the_server_begins() {
    for outcome in [Outcome::Anew, Outcome::Restored] {
        let mut feed = opened(FeedKind::Inbox);
        for number in 1..=3 {
            feed.arrived(arrived(number, number)).unwrap();
        }
        let first = feed.next_item().unwrap();
        let second = feed.next_item().unwrap();
        feed.taken(first.number);
        save(&mut feed);
        feed.lost();
        feed.open();
        feed.ready(outcome, cursor(9, 1)).unwrap();
        assert_eq!(feed.next_acknowledgement(), None, "the old cursor would be a forgery");
        assert_eq!(feed.unsaved().unwrap().position.cursor, cursor(9, 1));
        feed.arrived(arrived_under(9, 1, 2)).unwrap();
        feed.taken(second.number);
        assert_eq!(feed.unsaved().unwrap().position.cursor, cursor(9, 1), "it has no place there");
        assert_eq!(
            drain(&mut feed),
            [3, 2],
            "what had come is handed out, then what the server has"
        );
        feed.taken(ItemNumber(4));
        assert_eq!(feed.unsaved().unwrap().position.cursor, cursor(9, 2));
        save(&mut feed);
        assert_eq!(feed.next_acknowledgement(), Some(cursor(9, 2)));
    }
}

#[test]
fn presence_sent_anew_over_two_connections_is_marked_to_its_end() {
    let mut feed = opened(FeedKind::Presence);
    feed.arrived(arrived(1, 7)).unwrap();
    feed.caught_up(cursor(0, 7)).unwrap();
    drain(&mut feed);
    feed.lost();
    feed.open();
    feed.ready(Outcome::Anew, cursor(9, 0)).unwrap();
    feed.arrived(arrived_under(9, 1, 3)).unwrap();
    feed.lost();
    assert_eq!(feed.open(), cursor(9, 3));
    feed.ready(Outcome::Resumed, cursor(0, 0)).unwrap();
    feed.arrived(arrived_under(9, 1, 7)).unwrap();
    feed.caught_up(cursor(9, 7)).unwrap();
    feed.arrived(arrived_under(9, 2, 8)).unwrap();
    let handed: Vec<(u64, bool)> =
        core::iter::from_fn(|| feed.next_item()).map(|one| (one.item, one.anew)).collect();
    assert_eq!(handed, [(3, true), (7, true), (8, false)]);
}

#[test]
fn presence_sent_anew_is_handed_out_and_marked() {
    let mut feed = opened(FeedKind::Presence);
    feed.arrived(arrived(1, 5)).unwrap();
    feed.caught_up(cursor(0, 6)).unwrap();
    assert_eq!(take_all(&mut feed), [5]);
    feed.lost();
    assert_eq!(feed.open(), cursor(0, 6));
    feed.ready(Outcome::Anew, cursor(9, 0)).unwrap();
    feed.arrived(arrived_under(9, 1, 5)).unwrap();
    feed.caught_up(cursor(9, 6)).unwrap();
    feed.arrived(arrived_under(9, 2, 7)).unwrap();
    let marks: Vec<(u64, bool)> =
        core::iter::from_fn(|| feed.next_item()).map(|one| (one.item, one.anew)).collect();
    assert_eq!(marks, [(5, true), (7, false)]);
}

#[test]
fn being_caught_up_is_a_position_too_once_everything_before_is_taken() {
    let mut feed = opened(FeedKind::Presence);
    feed.caught_up(cursor(0, 8)).unwrap();
    assert_eq!(feed.unsaved().unwrap().position.cursor, cursor(0, 8));
    let mut feed = opened(FeedKind::Presence);
    feed.arrived(arrived(1, 5)).unwrap();
    feed.caught_up(cursor(0, 8)).unwrap();
    assert_eq!(feed.unsaved(), None);
    take_all(&mut feed);
    assert_eq!(feed.saved.cursor, cursor(0, 8));
}

#[test]
fn reading_from_the_start_never_moves_the_position_back_but_opens_the_window() {
    let position = Position { cursor: cursor(0, 2), sequence: InboxSequence::new(2) };
    let mut feed = FeedResume::from_start(FeedKind::Inbox, position);
    assert!(feed.open().is_empty());
    feed.ready(Outcome::Fresh, cursor(0, 0)).unwrap();
    assert_eq!(feed.next_acknowledgement(), Some(cursor(0, 2)));
    feed.arrived(arrived(1, 1)).unwrap();
    assert_eq!(take_all(&mut feed), [1]);
    assert_eq!(feed.saved.sequence.get(), 2);
    assert_eq!(feed.next_acknowledgement(), Some(cursor(0, 1)));
    feed.arrived(arrived(2, 2)).unwrap();
    feed.arrived(arrived(3, 3)).unwrap();
    assert_eq!(take_all(&mut feed), [2, 3]);
    assert_eq!(feed.saved.sequence.get(), 3);
}

#[test]
fn looking_without_taking_saves_and_acknowledges_nothing_and_reopens_before_the_window_closes() {
    let mut feed = opened(FeedKind::InboxKept);
    let half = u64::from(WINDOW_EVENTS_MAX / 2);
    for number in 1..=half {
        assert!(!feed.must_reopen());
        feed.arrived(arrived(number, number)).unwrap();
    }
    assert!(feed.must_reopen());
    assert_eq!(drain(&mut feed).len() as u64, half);
    assert_eq!((feed.unsaved(), feed.next_acknowledgement()), (None, None));
    assert_eq!(feed.open(), cursor(0, half));
    assert!(!feed.must_reopen());
}

#[test]
fn an_application_that_takes_nothing_makes_the_reader_stop() {
    let mut feed = opened(FeedKind::Inbox);
    let mut number = 0;
    while feed.has_room() {
        number += 1;
        feed.arrived(arrived(number, number)).unwrap();
    }
    assert_eq!(feed.entries.len(), ITEMS_HELD_MAX);
    take_all(&mut feed);
    assert!(feed.has_room());
}

#[test]
fn one_confirmation_for_several_acknowledgements_settles_them_all() {
    let mut feed = opened(FeedKind::Inbox);
    for number in 1..=2 {
        feed.arrived(arrived(number, number)).unwrap();
        take_all(&mut feed);
        assert!(feed.next_acknowledgement().is_some());
    }
    feed.acknowledged(&cursor(0, 2));
    assert!(feed.is_settled());
}

/// A server with one inbox: messages 1 to `head`, its record of what was acknowledged, and the key of its cursors.
struct Server {
    head: u64,
    acknowledged: u64,
    key: u8,
    sent: Option<(u64, u64)>,
}

impl Server {
    fn open(&mut self, given: &Bytes) -> (Outcome, Bytes) {
        let (outcome, after) = match given.first() {
            None => (Outcome::Fresh, self.acknowledged),
            Some(key) if *key == self.key => (Outcome::Resumed, position_of(given)),
            Some(_) => (Outcome::Anew, self.acknowledged),
        };
        self.sent = Some((0, after));
        (outcome, cursor(self.key, after))
    }

    fn send(&mut self, feed: &mut FeedResume<u64>) {
        let Some((number, position)) = &mut self.sent else { return };
        if *position < self.head && feed.has_room() {
            (*number, *position) = (*number + 1, *position + 1);
            feed.arrived(arrived_under(self.key, *number, *position)).unwrap();
        }
    }

    fn acknowledge(&mut self, cursor: &Bytes) {
        assert_eq!(cursor[0], self.key, "a cursor of another key was sent back");
        self.acknowledged = self.acknowledged.max(position_of(cursor));
    }
}

fn position_of(cursor: &Bytes) -> u64 {
    u64::from_be_bytes(cursor[1..].try_into().unwrap())
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Accept,
    Send,
    Hand,
    Take,
    Save,
    Acknowledge,
    Cut,
    ForgetKey,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Accept),
        6 => Just(Step::Send),
        6 => Just(Step::Hand),
        4 => Just(Step::Take),
        3 => Just(Step::Save),
        3 => Just(Step::Acknowledge),
        1 => Just(Step::Cut),
        1 => Just(Step::ForgetKey),
        1 => Just(Step::Crash),
    ]
}

struct World {
    server: Server,
    feed: FeedResume<u64>,
    saved: Position,
    saving: Option<Unsaved>,
    handed: Vec<(ItemNumber, u64)>,
    expected: u64,
    /// What may come again, each once.
    again: Vec<u64>,
}

impl World {
    fn new() -> Self {
        let server = Server { head: 0, acknowledged: 0, key: 0, sent: None };
        let feed = FeedResume::new(FeedKind::Inbox, Position::default());
        let saved = Position::default();
        let (saving, handed, again) = (None, vec![], vec![]);
        let mut world = Self { server, feed, saved, saving, handed, expected: 1, again };
        world.connect();
        world
    }

    fn connect(&mut self) {
        self.feed.lost();
        let (outcome, from) = self.server.open(&self.feed.open());
        self.feed.ready(outcome, from).unwrap();
    }

    /// Saving takes time: the file is written first, and the feed is told later.
    fn save(&mut self) {
        if let Some(unsaved) = self.saving.take() {
            self.feed.saved(unsaved);
        }
        if let Some(unsaved) = self.feed.unsaved() {
            let (next, last) = (&unsaved.position, &self.saved);
            let is_same_past = next.cursor.first() == last.cursor.first();
            assert!(!is_same_past || next.sequence >= last.sequence, "the position moved back");
            self.saved = unsaved.position.clone();
            self.saving = Some(unsaved);
        }
    }

    /// The one thing that matters: each message in order, and once but for those that were not acknowledged when the
    /// server forgot its key.
    fn hand(&mut self) {
        if let Some(handed) = self.feed.next_item() {
            if handed.item != self.expected {
                let again = self.again.iter().position(|again| *again == handed.item);
                self.again.drain(..=again.expect("only what was not acknowledged comes again"));
            }
            self.expected = handed.item + 1;
            self.handed.push((handed.number, handed.item));
        }
    }

    fn act(&mut self, step: Step) {
        match step {
            Step::Accept => self.server.head += 1,
            Step::Send => self.server.send(&mut self.feed),
            Step::Hand => self.hand(),
            Step::Take => {
                if let Some((number, _)) = self.handed.get(self.handed.len() / 2) {
                    self.feed.taken(*number);
                    self.handed.drain(..=self.handed.len() / 2);
                }
            }
            Step::Save => self.save(),
            Step::Acknowledge => {
                if let Some(cursor) = self.feed.next_acknowledgement() {
                    self.server.acknowledge(&cursor);
                    self.feed.acknowledged(&cursor);
                    assert!(self.server.acknowledged <= position_of(&self.saved.cursor));
                }
            }
            Step::Cut => self.connect(),
            Step::ForgetKey => {
                self.server.key = self.server.key.wrapping_add(1);
                self.again.push(self.server.acknowledged + 1);
                self.connect();
            }
            Step::Crash => {
                self.feed = FeedResume::new(FeedKind::Inbox, self.saved.clone());
                self.handed.clear();
                self.saving = None;
                let is_known = self.saved.cursor.first() == Some(&self.server.key);
                let taken = if is_known {
                    position_of(&self.saved.cursor)
                } else {
                    self.server.acknowledged
                };
                self.expected = taken + 1;
                self.again.clear();
                self.connect();
            }
        }
    }

    fn finish(&mut self) {
        // Whatever is held, and after it once everything again.
        for _ in 0..=self.server.head + ITEMS_HELD_MAX as u64 {
            self.act(Step::Send);
            self.act(Step::Hand);
        }
        if let Some((last, _)) = self.handed.last().copied() {
            self.feed.taken(last);
        }
        for _ in 0..4 {
            self.save();
            self.act(Step::Acknowledge);
        }
    }
}

proptest! {
    #[test]
    fn cuts_and_crashes_neither_lose_nor_repeat_a_message_and_lost_keys_lose_none(
        steps in proptest::collection::vec(step(), 1..300),
    ) {
        let mut world = World::new();
        for step in steps {
            world.act(step);
        }
        world.finish();
        prop_assert_eq!(world.expected, world.server.head + 1);
        prop_assert!(world.saved.cursor.is_empty() || position_of(&world.saved.cursor) == world.server.head);
        prop_assert!(world.feed.is_settled());
    }
}
