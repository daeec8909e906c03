//! What is told of the past, over a small log in memory.
//!
//! Must never hold: a way to write a log.

use std::sync::Arc;

use adsum::commit::history::*;
use adsum::event::{
    AccessRulesAmended, AccessRulesChanged, Event, MessageAccepted, MessageDigest,
    MessageQuarantined, PublicationCause, PublicationEnded, PublicationKey, Published,
    ReceiptIssued, Recorded,
};
use adsum::log::{LogFault, LogReader};
use adsum::model::limits::{HISTORY_ROWS_MAX, HISTORY_WALK_MAX};
use adsum::model::{
    AccessRule, AccessRules, Ahead, ContentType, DeviceId, Document, Handling, InboxItem,
    InboxSequence, MessageId, Moment, OperationId, Payload, Presentity, PublicationName,
    ReceiptKind, Refusal, RuleName, Sequence, Tag, Timestamp, Who,
};
use adsum::protocol::{self, ChangeKind};
use adsum::service::{History, InboxRow, Judged, Span};
use proptest::prelude::*;

const ALICE: DeviceId = DeviceId([1; 8]);
const OTHER: DeviceId = DeviceId([2; 8]);

/// Events in order, the first at position 1; the one at position n happened at n seconds.
struct Told(Vec<Event>);

impl LogReader for Told {
    fn read(&self, from: Sequence, events_max: usize) -> Result<Vec<Recorded>, LogFault> {
        let from = usize::try_from(from.get()).unwrap();
        let found = (from..=self.0.len()).take(events_max).map(|place| Recorded {
            sequence: Sequence::new(place as u64),
            at: Moment::of(second(place as u64)),
            ahead: Ahead::ZERO,
            event: self.0[place - 1].clone(),
        });
        Ok(found.collect())
    }
}

fn second(number: u64) -> Timestamp {
    Timestamp::from_ms(number * 1_000)
}

fn presentity() -> Presentity {
    "pres:alice@d.example".parse().unwrap()
}

fn key(device: DeviceId) -> PublicationKey {
    PublicationKey { device, name: PublicationName::new("").unwrap() }
}

fn noted(text: &str) -> Document {
    let note = adsum::model::Note { language: String::new(), text: Payload::text(text) };
    Document::new(vec![], vec![note], vec![]).unwrap()
}

fn published(device: DeviceId, text: &str, previous: u64, others: &[u64]) -> Event {
    Event::Published(Published {
        presentity: presentity(),
        publication: key(device),
        by: format!("device-{}@d.example", device.0[0]).parse().unwrap(),
        operation: OperationId([0; 16]),
        tag: Tag([0; 16]),
        document: noted(text),
        deadline: second(1_000),
        previous: Sequence::new(previous),
        others: others.iter().map(|other| Sequence::new(*other)).collect(),
    })
}

fn ended(device: DeviceId, cause: PublicationCause, previous: u64, others: &[u64]) -> Event {
    Event::PublicationEnded(PublicationEnded {
        presentity: presentity(),
        publication: key(device),
        cause,
        previous: Sequence::new(previous),
        others: others.iter().map(|other| Sequence::new(*other)).collect(),
    })
}

fn removed() -> PublicationCause {
    PublicationCause::Removed { operation: OperationId([1; 16]), tag: Tag([1; 16]) }
}

/// Two devices publish, one removes, the other runs out.
fn story() -> Told {
    Told(vec![
        published(ALICE, "one", 0, &[]),
        published(OTHER, "two", 1, &[1]),
        ended(ALICE, removed(), 2, &[2]),
        ended(OTHER, PublicationCause::Expired, 3, &[]),
    ])
}

fn told(span: Span, rows: usize) -> Vec<protocol::Change> {
    let mut past = Past::new(presentity(), Sequence::new(4), span, rows);
    let mut all = Vec::new();
    loop {
        // One at a time, so that going on from page to page is tried too.
        let page = past.page(&story(), 1).unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn kinds(rows: &[protocol::Change]) -> Vec<(u64, ChangeKind)> {
    rows.iter().map(|row| (row.at.as_ms() / 1_000, row.kind)).collect()
}

/// One device that publishes so often.
fn long(changes: usize) -> Told {
    Told((0..changes as u64).map(|before| published(ALICE, "", before, &[])).collect())
}

#[test]
fn of_more_rows_than_the_most_the_older_ones_are_left_out() {
    let log = long(HISTORY_ROWS_MAX + 1);
    let last = Sequence::new(log.0.len() as u64);
    for asked in [0, HISTORY_ROWS_MAX, HISTORY_ROWS_MAX + 1, usize::MAX] {
        let mut past = Past::new(presentity(), last, Span::default(), asked);
        let rows = past.page(&log, usize::MAX).unwrap();
        assert_eq!((rows.len(), rows[0].at), (HISTORY_ROWS_MAX, second(last.get())), "{asked}");
        assert!(past.page(&log, usize::MAX).unwrap().is_empty());
    }
}

#[test]
fn what_lies_farther_back_than_the_longest_walk_is_a_gap_or_refused() {
    let log = long(HISTORY_WALK_MAX + 1);
    let from = |last: usize| History {
        presentity: presentity(),
        last: Sequence::new(last as u64),
        after: Moment::ZERO,
        began: None,
    };
    let whole = walk(&log, &from(HISTORY_WALK_MAX)).unwrap();
    assert_eq!((whole.complete, whole.changes.len()), (true, HISTORY_WALK_MAX));
    let gap = walk(&log, &from(HISTORY_WALK_MAX + 1)).unwrap();
    assert_eq!((gap.complete, gap.changes.len()), (false, HISTORY_WALK_MAX));
    assert_eq!(gap.changes[0].0, Sequence::new(2), "the older ones are left out");
    let last = Sequence::new(log.0.len() as u64);
    assert!(at_time(&log, &presentity(), last, second(2)).is_ok());
    let fault = at_time(&log, &presentity(), last, second(1)).unwrap_err();
    let Ok(Refusal::TooLarge { max, .. }) = fault.refusal(|_| unreachable!()) else { panic!() };
    assert_eq!(max, HISTORY_WALK_MAX as u64);
}

#[test]
fn history_is_told_newest_first_with_who_did_it() {
    use ChangeKind::{Expired, Published, Removed};
    let rows = told(Span::default(), 0);
    assert_eq!(kinds(&rows), [(4, Expired), (3, Removed), (2, Published), (1, Published)]);
    let by: Vec<Option<String>> =
        rows.iter().map(|row| row.by.as_ref().map(ToString::to_string)).collect();
    let device = |number: u8| Some(format!("device-{number}@d.example"));
    assert_eq!(by, [None, device(1), device(2), device(1)]);
    assert_eq!(rows[2].document, Some(noted("two")));
    assert_eq!(rows[1].document, None);
}

#[test]
fn history_begins_and_ends_where_it_is_asked_to() {
    let span =
        |since: u64, until: u64| Span { since: Some(second(since)), until: Some(second(until)) };
    let seconds =
        |rows: Vec<protocol::Change>| kinds(&rows).iter().map(|row| row.0).collect::<Vec<_>>();
    assert_eq!(seconds(told(span(2, 4), 0)), [3, 2]);
    assert_eq!(seconds(told(span(0, 9), 1)), [4]);
    assert!(told(span(5, 9), 0).is_empty());
}

#[test]
fn presence_at_a_moment_is_what_stood_then() {
    let at = |ms: u64| {
        let time = Timestamp::from_ms(ms);
        let item = at_time(&story(), &presentity(), Sequence::new(4), time).unwrap();
        item.document.get().map_or(0, |document| document.notes().len())
    };
    let notes: Vec<usize> = [999, 1_000, 2_500, 3_000, 3_999, 4_000].map(at).to_vec();
    assert_eq!(notes, [0, 1, 2, 1, 1, 0]);
}

fn rules_changed(version: u64, handling: Handling, previous: u64) -> Event {
    let mut rule = AccessRule::plain(Who::Everyone, handling);
    rule.name = RuleName::new(&format!("rule-{version}")).unwrap();
    let rules = AccessRules::default().changed(vec![rule], &[]).unwrap();
    Event::AccessRulesChanged(AccessRulesChanged {
        presentity: presentity(),
        version,
        rules,
        by: "alice@d.example".parse().unwrap(),
        device: ALICE,
        operation: OperationId([0; 16]),
        previous: Sequence::new(previous),
    })
}

/// What one request puts and removes, by the number of a watcher; whether it is logged whole, as old logs have it.
type Asked = (Vec<(u8, Handling)>, Vec<u8>, bool);

fn watcher(number: u8) -> String {
    format!("w{number}@d.example")
}

/// The log of these changes, and the rules after each of them, none before the first.
fn ruled(asked: Vec<Asked>) -> (Told, Vec<Arc<AccessRules>>) {
    let (mut log, mut sets) = (Vec::new(), vec![Arc::new(AccessRules::NONE)]);
    for (put, remove, whole) in asked {
        let before = sets.last().unwrap();
        let rule =
            |(number, handling)| AccessRule::plain(watcher(number).parse().unwrap(), handling);
        let put = put.into_iter().map(rule).collect();
        let names = remove.into_iter().map(|number| RuleName::new(&watcher(number)).unwrap());
        let names: std::collections::BTreeSet<_> = names.collect();
        let remove: Vec<_> = names.into_iter().filter(|it| before.find(it).is_some()).collect();
        let rules = before.change(put, &remove).unwrap();
        let mut after = AccessRules::clone(before);
        after.apply(&rules);
        let version = sets.len() as u64;
        let (presentity, by) = (presentity(), "alice@d.example".parse().unwrap());
        let (device, operation) = (ALICE, OperationId([0; 16]));
        let previous = Sequence::new(version - 1);
        log.push(if whole {
            let rules = after.clone();
            Event::AccessRulesChanged(AccessRulesChanged {
                presentity,
                version,
                rules,
                by,
                device,
                operation,
                previous,
            })
        } else {
            Event::AccessRulesAmended(AccessRulesAmended {
                presentity,
                version,
                rules,
                by,
                device,
                operation,
                previous,
            })
        });
        sets.push(Arc::new(after));
    }
    (Told(log), sets)
}

proptest! {
    /// Each watcher has a rule of its own or none, so that what is explained to all of them is the whole set.
    #[test]
    fn the_rules_of_every_moment_past_are_found_from_what_changed(
        asked in prop::collection::vec(
            (
                prop::collection::vec((0..5_u8, prop::sample::select(Handling::ALL.to_vec())), 0..3),
                prop::collection::vec(0..5_u8, 0..3),
                prop::bool::weighted(0.2),
            ),
            0..12,
        )
    ) {
        let (log, sets) = ruled(asked);
        let last = Sequence::new(sets.len() as u64 - 1);
        for (version, set) in sets.iter().enumerate() {
            for number in 0..5 {
                let name = RuleName::new(&watcher(number)).unwrap();
                let rules = Arc::clone(sets.last().unwrap());
                let judged = judged(&watcher(number), version as u64, AccessRules::NONE);
                let found = explain(&log, last, &Judged { rules, ..judged }).unwrap();
                let wanted = set.find(&name).map(|rule| rule.subscribe.unwrap());
                prop_assert_eq!(found.version, version as u64);
                prop_assert_eq!(found.subscribe.rule.is_some(), wanted.is_some());
                prop_assert_eq!(found.subscribe.handling, wanted.unwrap_or(Handling::Confirm));
            }
        }
    }
}

#[test]
fn a_moment_past_is_found_without_reading_back_to_the_first_change() {
    let one = |number, handling| (vec![(number, handling)], vec![], false);
    let changes = [
        one(0, Handling::Allow),
        one(1, Handling::Allow),
        one(2, Handling::Allow),
        one(1, Handling::Block),
        one(3, Handling::Block),
    ];
    let (mut log, sets) = ruled(changes.to_vec());
    // What is not needed is not there any more: reading it would be damage.
    log.0[0] = Event::MessageAccepted(message());
    let rules = Arc::clone(sets.last().unwrap());
    let judged = judged(&watcher(1), 3, AccessRules::NONE);
    let found = explain(&log, Sequence::new(5), &Judged { rules, ..judged }).unwrap();
    assert_eq!((found.version, found.subscribe.handling), (3, Handling::Allow));
}

fn judged(watcher: &str, at: u64, domain: AccessRules) -> Judged {
    let (presentity, watcher) = (presentity(), watcher.parse::<adsum::model::Principal>().unwrap());
    let controls = watcher.presentity() == presentity;
    let (at, passed_at) = (second(at), second(at));
    let (rules, domain, default) = (Arc::default(), Arc::new(domain), Handling::Confirm);
    Judged { presentity, watcher, at, passed_at, default, rules, domain, controls }
}

/// Version, what is granted to a subscriber, and by which rule.
fn explained(given: &Judged) -> (u64, Handling, Option<String>, bool) {
    let log =
        Told(vec![rules_changed(1, Handling::Allow, 0), rules_changed(2, Handling::Block, 1)]);
    let Event::AccessRulesChanged(last) = &log.0[1] else { unreachable!() };
    let given = Judged { rules: Arc::new(last.rules.clone()), ..given.clone() };
    let found = explain(&log, Sequence::new(2), &given).unwrap();
    assert_eq!(found.fetch, found.subscribe, "these rules treat both alike");
    let rule = found.subscribe.rule.map(|rule| rule.as_str().to_owned());
    (found.version, found.subscribe.handling, rule, found.by_domain)
}

#[test]
fn the_rules_of_the_moment_asked_for_decide() {
    let at = |at| explained(&judged("bob@d.example", at, AccessRules::default()));
    assert_eq!(at(0), (0, Handling::Confirm, None, false));
    assert_eq!(at(1), (1, Handling::Allow, Some("rule-1".into()), false));
    assert_eq!(at(9), (2, Handling::Block, Some("rule-2".into()), false));
}

#[test]
fn without_a_rule_an_anonymous_watcher_is_blocked_and_the_owner_sees_all() {
    let of = |watcher| explained(&judged(watcher, 0, AccessRules::default())).1;
    assert_eq!(of("anonymous-0000000000000001@anonymous.invalid"), Handling::Block);
    assert_eq!(of("alice@d.example"), Handling::Allow);
}

#[test]
fn a_domain_takes_away_and_never_gives() {
    let domain = |handling| {
        let put = vec![AccessRule::plain(Who::Everyone, handling)];
        AccessRules::default().changed(put, &[]).unwrap()
    };
    let at = |at, handling| explained(&judged("bob@d.example", at, domain(handling)));
    let (_, handling, rule, by_domain) = at(1, Handling::PoliteBlock);
    assert_eq!((handling, by_domain), (Handling::PoliteBlock, true));
    assert_eq!(rule.as_deref(), Some("rule-1"));
    let (_, handling, _, by_domain) = at(2, Handling::Allow);
    assert_eq!((handling, by_domain), (Handling::Block, false));
}

fn message() -> MessageAccepted {
    MessageAccepted {
        inbox: "im:alice@d.example".parse().unwrap(),
        sequence: InboxSequence::new(1),
        sender: "bob@d.example".parse().unwrap(),
        device: OTHER,
        id: MessageId::new("m").unwrap(),
        content_type: ContentType::new("text/plain").unwrap(),
        body: Payload::text("hi"),
        lifetime: None,
        digest: MessageDigest([0; 16]),
    }
}

#[test]
fn a_message_stored_aside_is_no_part_of_the_inbox_but_can_be_read() {
    let rule = RuleName::new("strangers").unwrap();
    let aside = Event::MessageQuarantined(MessageQuarantined { message: message(), rule });
    let log = Told(vec![aside, Event::MessageAccepted(message())]);
    let row = |at| InboxRow {
        sequence: InboxSequence::new(1),
        at: Sequence::new(at),
        is_withheld: false,
        ended: Moment::ZERO,
    };
    assert_eq!(message_at(&log, row(1)).unwrap().body, Payload::text("hi"));
    assert!(item_of(log.read_one(Sequence::new(1)).unwrap()).is_none());
    let item = item_of(log.read_one(Sequence::new(2)).unwrap()).unwrap();
    assert!(matches!(item, InboxItem::Message(message) if message.accepted_at == second(2)));
}

#[test]
fn a_receipt_is_dated_by_when_it_became_part_of_the_inbox() {
    let receipt = ReceiptIssued {
        inbox: "im:bob@d.example".parse().unwrap(),
        sequence: InboxSequence::new(4),
        kind: ReceiptKind::Displayed,
        id: MessageId::new("m").unwrap(),
        recipient: "im:alice@d.example".parse().unwrap(),
        reason: String::new(),
    };
    let log = Told(vec![Event::ReceiptIssued(receipt)]);
    let item = item_of(log.read_one(Sequence::new(1)).unwrap()).unwrap();
    assert_eq!(item.sequence(), InboxSequence::new(4));
    let InboxItem::Receipt(receipt) = item else { panic!() };
    assert_eq!((receipt.kind, receipt.at), (ReceiptKind::Displayed, second(1)));
    let row = InboxRow {
        sequence: InboxSequence::new(4),
        at: Sequence::new(1),
        is_withheld: false,
        ended: Moment::ZERO,
    };
    assert!(message_at(&log, row).is_err());
}

#[test]
fn what_is_not_a_change_of_the_presentity_is_damage() {
    let log = Told(vec![Event::MessageAccepted(message())]);
    let mut past = Past::new(presentity(), Sequence::new(1), Span::default(), 0);
    assert!(matches!(past.page(&log, 9), Err(HistoryFault::Log(LogFault::Missing { .. }))));
    let judged = judged("bob@d.example", 1, AccessRules::default());
    assert!(explain(&log, Sequence::new(1), &judged).is_err());
}
