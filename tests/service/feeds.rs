//! What feeds promise: nothing lost, nothing twice, bounded memory, latest state for the slow.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::world::{document, note_of, pres, principal};
use adsum::model::limits::{FEED_QUEUE_MAX, WINDOW_EVENTS_MAX};
use adsum::model::{Basic, InboxSequence, Mode, Moment, Sequence, SubscriptionState};
use adsum::service::feed::{InboxFeed, InboxStep, PresenceFeed, PresenceStep};
use adsum::service::{History, InboxRow, PresenceItem, PresenceOpened, Restored, Walk};
use proptest::prelude::*;

fn item(name: &str, version: u64) -> Arc<PresenceItem> {
    Arc::new(PresenceItem::new(
        pres(name),
        Moment::from_us(version),
        SubscriptionState::Active,
        None,
    ))
}

fn opened(head: u64, items: &[(&str, u64)]) -> PresenceOpened {
    let items = items.iter().map(|(name, version)| item(name, *version)).collect();
    PresenceOpened {
        head: Moment::from_us(head),
        items,
        complete: true,
        ..PresenceOpened::default()
    }
}

/// Does what the feed says until it waits; returns the versions sent and whether it said that it caught up.
fn drain(feed: &mut PresenceFeed) -> (Vec<u64>, bool) {
    let (mut sent, mut caught_up) = (Vec::new(), false);
    loop {
        match feed.next_step() {
            PresenceStep::Send { item, .. } => {
                sent.push(item.version.as_us());
                feed.sent(1);
            }
            PresenceStep::CaughtUp { .. } => caught_up = true,
            PresenceStep::Read { presentity, at } => {
                feed.loaded(PresenceItem::new(
                    presentity,
                    Moment::from_us(at.get()),
                    SubscriptionState::Active,
                    None,
                ));
            }
            PresenceStep::Reopen { after } => {
                panic!("the feed is to be opened again after {after:?}")
            }
            PresenceStep::Wait => return (sent, caught_up),
        }
    }
}

#[test]
fn a_feed_sends_what_was_missed_in_order_then_is_live() {
    let mut feed = PresenceFeed::new(Moment::ZERO, 0);
    assert_eq!(feed.next_step(), PresenceStep::Wait);
    feed.offer(Mode::Latest, item("alice", 12));
    feed.opened(&opened(10, &[("bob", 3), ("alice", 7)]), vec![]);
    assert_eq!(drain(&mut feed), (vec![3, 7, 12], true));
    feed.offer(Mode::Latest, item("bob", 15));
    assert_eq!(drain(&mut feed), (vec![15], false));
}

#[test]
fn what_was_offered_before_the_answer_and_stands_in_it_is_sent_once() {
    let mut feed = PresenceFeed::new(Moment::ZERO, 0);
    feed.offer(Mode::Latest, item("alice", 7));
    feed.offer(Mode::Every, item("bob", 8));
    feed.opened(&opened(8, &[("alice", 7), ("bob", 8)]), vec![]);
    assert_eq!(drain(&mut feed).0, [7, 8]);
}

#[test]
fn a_closed_window_sends_nothing_and_keeps_only_the_latest() {
    let mut feed = PresenceFeed::new(Moment::ZERO, 1);
    feed.opened(&opened(0, &[]), vec![]);
    feed.offer(Mode::Latest, item("alice", 1));
    assert_eq!(drain(&mut feed).0, [1]);
    for version in 2..10_000 {
        feed.offer(Mode::Latest, item("alice", version));
        assert_eq!(feed.next_step(), PresenceStep::Wait);
    }
    feed.acknowledged(Moment::from_us(1));
    assert_eq!(drain(&mut feed).0, [2]);
    feed.acknowledged(Moment::from_us(2));
    assert_eq!(drain(&mut feed).0, [9_999]);
    assert_eq!(feed.conflated(), 9_996);
}

fn noted(name: &str, version: u64, text: &str) -> Arc<PresenceItem> {
    let (version, state) = (Moment::from_us(version), SubscriptionState::Active);
    Arc::new(PresenceItem::new(pres(name), version, state, Some(document(Basic::Open, text))))
}

#[test]
fn nothing_that_waits_of_the_erased_is_told_and_no_change_is_left_out() {
    for mode in [Mode::Latest, Mode::Every] {
        let mut feed = PresenceFeed::new(Moment::ZERO, 1);
        feed.opened(&opened(0, &[]), vec![]);
        feed.offer(mode, noted("alice", 1, "one"));
        feed.offer(mode, noted("bob", 2, "two"));
        let (mut told, mut sent) = (Vec::new(), BTreeMap::new());
        let mut take = |feed: &mut PresenceFeed| {
            while let PresenceStep::Send { item, .. } = next_but_caught_up(feed) {
                let version = item.version.as_us();
                told.push(version);
                sent.insert(version, note_of(item.document.get()));
                feed.sent(1);
            }
        };
        take(&mut feed);
        // The window is used up: one waits in the round, and more behind it.
        feed.offer(mode, noted("alice", 3, "three"));
        feed.offer(mode, noted("bob", 4, "four"));
        feed.erase(&principal("bob"));
        for version in 1..=3 {
            feed.acknowledged(Moment::from_us(version));
            take(&mut feed);
        }
        assert_eq!(told, [1, 2, 3, 4], "{mode:?}");
        let notes: Vec<_> = sent.into_values().collect();
        assert_eq!(notes, ["one", "", "three", ""], "{mode:?}");
    }
}

/// What a feed does next beside saying that it caught up.
fn next_but_caught_up(feed: &mut PresenceFeed) -> PresenceStep {
    match feed.next_step() {
        PresenceStep::CaughtUp { .. } => feed.next_step(),
        step => step,
    }
}

#[test]
fn a_presentity_that_changes_all_the_time_does_not_starve_and_starves_nobody() {
    let mut feed = PresenceFeed::new(Moment::ZERO, 1);
    feed.opened(&opened(0, &[]), vec![]);
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut version = 0;
    for _ in 0..100 {
        for name in ["hot", "hot", "cold"] {
            version += 1;
            feed.offer(Mode::Latest, item(name, version));
        }
        if let PresenceStep::Send { item, position, .. } = feed.next_step() {
            *seen.entry(item.presentity.local().to_owned()).or_default() += 1;
            feed.sent(1);
            feed.acknowledged(position);
        }
    }
    assert!(seen["hot"] >= 40 && seen["cold"] >= 40, "{seen:?}");
}

#[test]
fn an_every_feed_that_falls_too_far_behind_reads_the_rest_from_the_log() {
    let mut feed = PresenceFeed::new(Moment::ZERO, 1);
    feed.opened(&opened(0, &[]), vec![]);
    feed.offer(Mode::Every, item("alice", 1));
    assert_eq!(drain(&mut feed).0, [1]);
    for version in 2..=(FEED_QUEUE_MAX as u64 + 10) {
        feed.offer(Mode::Every, item("alice", version));
    }
    let step = loop {
        match feed.next_step() {
            PresenceStep::Send { position, .. } => {
                feed.sent(1);
                feed.acknowledged(position);
            }
            PresenceStep::Wait => feed.acknowledged(feed.position()),
            step => break step,
        }
    };
    let PresenceStep::Reopen { after } = step else { panic!("{step:?}") };
    assert_eq!(after, Moment::from_us(1), "all that was forgotten is asked for again");
}

#[test]
fn a_history_is_sent_change_by_change_from_the_state_it_began_with() {
    let history = |began: Option<u64>| History {
        presentity: pres("alice"),
        after: Moment::from_us(10),
        last: Sequence::new(14),
        began: began.map(Moment::from_us),
    };
    let walk = |changes: &[u64]| Walk {
        changes: changes.iter().map(|at| (Sequence::new(*at), Moment::from_us(*at))).collect(),
        complete: true,
    };
    for (began, changes, expected) in [
        (None, &[12, 14][..], &[12, 14][..]),
        // The base is an older change that stands for the state when the subscription began.
        (Some(9), &[4, 12, 14], &[9, 12, 14]),
        // Nothing was published when the subscription began.
        (Some(9), &[12, 14], &[9, 12, 14]),
    ] {
        let mut feed = PresenceFeed::new(Moment::ZERO, 0);
        let opened = PresenceOpened {
            head: Moment::from_us(14),
            items: vec![],
            histories: vec![history(began)],
            complete: true,
            ..PresenceOpened::default()
        };
        feed.opened(&opened, vec![walk(changes)]);
        assert_eq!(drain(&mut feed).0, expected);
    }
}

#[test]
fn a_feed_says_what_it_will_send_and_stands_at_what_it_sent_however_far_the_log_went() {
    let us = Moment::from_us;
    let mut feed = PresenceFeed::new(us(2), 0);
    feed.opened(&opened(900, &[("bob", 3), ("alice", 7)]), vec![]);
    assert_eq!((feed.position(), feed.pending_through(), feed.pending()), (us(2), us(7), 2));
    assert_eq!(drain(&mut feed), (vec![3, 7], true));
    assert_eq!(feed.position(), us(7), "not where the log was");
    let mut again = PresenceFeed::new(feed.position(), 0);
    again.opened(&opened(1_000, &[]), vec![]);
    assert_eq!((again.pending_through(), again.pending()), (us(7), 0));
    assert_eq!(again.next_step(), PresenceStep::CaughtUp { position: us(7) });
    again.offer(Mode::Latest, item("alice", 950));
    assert_eq!(again.next_step(), PresenceStep::Wait, "the answer stood for that already");
    again.offer(Mode::Latest, item("alice", 1_001));
    assert_eq!(drain(&mut again).0, [1_001]);
}

#[test]
fn a_position_from_another_store_is_taken_as_none() {
    let mut feed = PresenceFeed::new(Moment::from_us(500), 0);
    let restored = Some(Restored { is_news: true });
    let opened = PresenceOpened { restored, ..opened(20, &[("alice", 3)]) };
    feed.opened(&opened, vec![]);
    assert_eq!(drain(&mut feed), (vec![3], true));
    assert_eq!(feed.position(), Moment::from_us(3));
}

#[test]
fn an_inbox_feed_pages_first_and_takes_what_is_offered_afterwards() {
    let row = |number: u64| InboxRow {
        sequence: InboxSequence::new(number),
        at: Sequence::new(number * 10),
        is_withheld: false,
        ended: Moment::ZERO,
    };
    let mut feed = InboxFeed::new(0);
    assert_eq!(feed.next_step(), InboxStep::Wait);
    feed.opened(InboxSequence::new(1));
    assert_eq!(feed.next_step(), InboxStep::Page { after: InboxSequence::new(1) });
    feed.offer(row(4));
    assert_eq!(feed.next_step(), InboxStep::Wait, "one page is asked for at a time");
    feed.page(vec![row(2), row(3)]);
    assert_eq!(feed.next_step(), InboxStep::Send { number: 1, row: row(2) });
    feed.sent(1);
    assert_eq!(feed.next_step(), InboxStep::Send { number: 2, row: row(3) });
    feed.sent(1);
    assert_eq!(feed.next_step(), InboxStep::Page { after: InboxSequence::new(3) });
    feed.page(vec![row(4)]);
    assert_eq!(feed.next_step(), InboxStep::Send { number: 3, row: row(4) });
    feed.sent(1);
    assert_eq!(feed.next_step(), InboxStep::Page { after: InboxSequence::new(4) });
    feed.page(vec![]);
    assert_eq!(feed.next_step(), InboxStep::CaughtUp { position: InboxSequence::new(4) });
    feed.offer(row(5));
    assert_eq!(feed.next_step(), InboxStep::Send { number: 4, row: row(5) });
}

#[test]
fn an_empty_page_asked_for_before_a_message_came_is_not_taken_as_the_end() {
    let row = InboxRow {
        sequence: InboxSequence::new(1),
        at: Sequence::new(1),
        is_withheld: false,
        ended: Moment::ZERO,
    };
    let mut feed = InboxFeed::new(0);
    feed.opened(InboxSequence::ZERO);
    assert!(matches!(feed.next_step(), InboxStep::Page { .. }));
    feed.offer(row);
    feed.page(vec![]);
    assert!(matches!(feed.next_step(), InboxStep::Page { .. }));
    feed.page(vec![row]);
    assert!(matches!(feed.next_step(), InboxStep::Send { .. }));
}

/// What may happen to an inbox feed in the property test.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Arrives,
    Answered,
    Acknowledged,
    Stepped,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => Just(Happening::Arrives),
        1 => Just(Happening::Answered),
        1 => Just(Happening::Acknowledged),
        4 => Just(Happening::Stepped),
    ]
}

proptest! {
    #[test]
    fn an_inbox_feed_sends_every_message_once_and_in_order(
        happenings in prop::collection::vec(happening(), 1..400),
        window in 1..8_u32,
    ) {
        let row = |number: u64| InboxRow { sequence: InboxSequence::new(number), at: Sequence::new(number), is_withheld: false, ended: Moment::ZERO };
        let mut feed = InboxFeed::new(window);
        feed.opened(InboxSequence::ZERO);
        let (mut head, mut asked, mut sent) = (0_u64, None, Vec::new());
        let rest = core::iter::repeat_n([Happening::Answered, Happening::Acknowledged, Happening::Stepped], 2_000);
        for happening in happenings.into_iter().chain(rest.flatten()) {
            match happening {
                Happening::Arrives => {
                    head += 1;
                    feed.offer(row(head));
                }
                // A page holds what was there when it was answered, three rows at most.
                Happening::Answered => if let Some(after) = asked.take() {
                    feed.page((after + 1..=head).take(3).map(row).collect());
                },
                Happening::Acknowledged => feed.acknowledged(feed.position()),
                Happening::Stepped => match feed.next_step() {
                    InboxStep::Send { number, row } => {
                        sent.push(row.sequence.get());
                        prop_assert_eq!(number, sent.len() as u64);
                        feed.sent(1);
                    }
                    InboxStep::Page { after } => prop_assert_eq!(asked.replace(after.get()), None),
                    InboxStep::CaughtUp { .. } | InboxStep::Wait => {}
                },
            }
        }
        prop_assert_eq!(sent, (1..=head).collect::<Vec<_>>());
    }

    #[test]
    fn a_presence_feed_ends_with_the_latest_of_each_and_never_goes_back(
        changes in prop::collection::vec((0..6_usize, any::<bool>()), 1..300),
        window in 1..5_u32,
    ) {
        let names = ["a", "b", "c", "d", "e", "f"];
        let mode = |name: usize| if name < 3 { Mode::Latest } else { Mode::Every };
        let mut feed = PresenceFeed::new(Moment::ZERO, window);
        feed.opened(&opened(0, &[]), vec![]);
        let (mut seen, mut latest) = (Vec::new(), BTreeMap::new());
        let mut take = |feed: &mut PresenceFeed| loop {
            match feed.next_step() {
                PresenceStep::Send { item, position, .. } => {
                    assert_eq!(position, item.version, "the position is the version sent last");
                    seen.push((item.presentity.local().to_owned(), item.version.as_us()));
                    feed.sent(1);
                }
                PresenceStep::CaughtUp { .. } => {}
                PresenceStep::Wait => break,
                step => panic!("{step:?}"),
            }
        };
        for (version, (name, step)) in (1_u64..).zip(&changes) {
            feed.offer(mode(*name), item(names[*name], version));
            latest.insert(names[*name], version);
            if *step {
                take(&mut feed);
                feed.acknowledged(feed.position());
            }
        }
        for _ in 0..changes.len() {
            feed.acknowledged(feed.position());
            take(&mut feed);
        }
        prop_assert!(seen.windows(2).all(|pair| pair[0].1 < pair[1].1), "versions rise: {:?}", seen);
        for (name, version) in latest {
            let last = seen.iter().rev().find(|(seen, _)| seen == name).map(|(_, version)| *version);
            prop_assert_eq!(last, Some(version));
        }
        for (version, (name, _)) in (1_u64..).zip(&changes) {
            if mode(*name) == Mode::Every {
                prop_assert!(seen.contains(&(names[*name].to_owned(), version)), "every change is sent");
            }
        }
    }
}

#[test]
fn the_default_window_is_the_documented_one() {
    let mut feed = PresenceFeed::new(Moment::ZERO, 0);
    feed.opened(&opened(0, &[]), vec![]);
    let names: Vec<String> = (0..300).map(|number| format!("p{number}")).collect();
    for (version, name) in (1..).zip(&names) {
        feed.offer(Mode::Latest, item(name, version));
    }
    assert_eq!(drain(&mut feed).0.len(), WINDOW_EVENTS_MAX as usize);
}
