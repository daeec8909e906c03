//! Every limit, walked: what is at it is accepted, one more is refused with its code and leaves nothing behind; and
//! `docs/LIMITS.md` says of each what it bounds, how much, and which test holds it.
//!
//! Must never hold: a number (those are in `model::limits`), or what several publications are together (see `composed`).

use std::path::Path;

use crate::world::governed::{delivery_rule, rule};
use crate::world::{World, actor, im, message, operation, pres, publish, subscribe};
use adsum::model::limits as l;
use adsum::model::{
    AccessRules, Basic, Contact, ContentType, Delivery, DeliveryChange, DeliveryRules, DeviceLabel,
    Document, Handling, InboxSequence, Lifetime, MessageId, Mode, Note, Payload, Principal,
    PublicationName, Refusal, RuleName, Shown, Tuple, TupleId,
};
use adsum::protocol::{
    Answer, Command, Delete, FeedOpen, FeedSubject, Framed as _, Publish, Send, Subscribe,
};
use adsum::service::Reply;

/// The source, from which the list of limits is taken.
const SOURCE: &str = include_str!("../../src/model/limits.rs");
const TABLE: &str = include_str!("../../docs/LIMITS.md");

macro_rules! values {
    ($($name:ident)*) => {
        [$((stringify!($name), u64::try_from(l::$name).expect("a limit is a number"))),*]
    };
}

/// Every limit that is a number.
fn values() -> Vec<(&'static str, u64)> {
    values! {
    LOCAL_PART_BYTES_MAX DOMAIN_BYTES_MAX BODY_BYTES_MAX MESSAGE_ID_BYTES_MAX
    CONTENT_TYPE_BYTES_MAX MESSAGES_WAITING_MAX MESSAGES_WAITING_OF_SENDER_MAX DEDUPLICATION_MS MESSAGE_LIFETIME_MS_MAX
    DELETE_COUNT_MAX DOCUMENT_BYTES_MAX TUPLE_COST_BYTES TEXT_COST_BYTES TUPLES_MAX NOTES_MAX
    MARKUP_MAX TUPLE_ID_BYTES_MAX TUPLE_ID_KEPT_BYTES_MAX COMPOSED_ID_BYTES COMPOSED_BYTES_MAX
    CONTACT_BYTES_MAX LANGUAGE_BYTES_MAX XML_DEPTH_MAX XML_ATTRIBUTES_MAX CPIM_HEADERS_MAX
    CPIM_HEADER_BYTES_MAX PUBLICATIONS_MAX PUBLICATION_NAME_BYTES_MAX LIFETIME_MS_MIN
    PUBLICATION_MS_DEFAULT PUBLICATION_MS_MAX SUBSCRIPTION_MS_DEFAULT SUBSCRIPTION_MS_MAX
    SUBSCRIPTIONS_MAX SUBSCRIPTIONS_ENDED_MAX REQUESTS_MAX REQUEST_MS_DEFAULT
    SUBSCRIPTION_ANONYMOUS_MS_MAX SUBSCRIPTIONS_ANONYMOUS_MAX ANONYMOUS_EVENT_MS
    ANONYMOUS_ADDRESS_EVENT_MS ANONYMOUS_SAVED_MS ANONYMOUS_RETRY_MS RULES_MAX RULE_NAME_BYTES_MAX RULE_TUPLES_MAX
    TUPLE_IDS_REMEMBERED_MAX DELIVERY_REASON_BYTES_MAX GRANTS_MAX WATCHERS_WINDOW_MS
    CLOCK_STEP_MS_MAX CLOCK_DRIFT_PARTS CLOCK_NOISE_MS_MAX WATCHERS_MAX WATCHERS_ANONYMOUS_MAX WATCHERS_EVERY_MS
    QUARANTINED_MAX QUARANTINED_OF_SENDER_MAX WATCHERS_PENDING_MAX DOMAINS_MAX ACTS_MAX HISTORY_ROWS_MAX DEVICES_MAX
    DEVICES_REVOKED_MAX DEVICE_LABEL_BYTES_MAX INVITES_MAX
    INVITES_OF_ADMINISTRATOR_MAX INVITES_OF_USER_MAX INVITE_MS_DEFAULT INVITE_MS_MAX
    RECOVERY_DELAY_MS_DEFAULT RECOVERY_DELAY_MS_MIN RECOVERY_DELAY_MS_MAX ANNOUNCEMENTS_MAX
    FRAME_OVERHEAD_BYTES FRAME_BYTES_MAX HELLO_BYTES_MAX UNPROVEN_BYTES_MAX UNPROVEN_STREAMS_OPEN_MAX
    UNPROVEN_STREAMS_MAX UNPROVEN_PIECES_MAX UNPROVEN_REQUEST_BYTES_MAX STREAMS_OPEN_MAX REFUSAL_TEXT_BYTES_MAX
    FEED_PRESENTITIES_MAX EPOCHS_KEPT_MAX NOTICES_KEPT_MAX CURSOR_BYTES_MAX WINDOW_EVENTS_MAX
    WINDOW_BYTES_MAX FEED_QUEUE_MAX HISTORY_WALK_MAX FEEDS_MAX REQUESTS_IN_FLIGHT_MAX
    OPERATION_MS OPERATIONS_OF_DEVICE_MAX OPERATIONS_OF_PRINCIPAL_MAX
    OPERATIONS_FORGOTTEN_MAX FEED_PART_MAX FEEDS_OF_STEP ROUND_COST_MIN ROUND_COST_MAX ROUND_PART_MAX
    INBOX_PAGE_MAX HELLO_MS_MAX
    FIRST_FRAME_MS_MAX IDLE_MS_MAX KEEP_ALIVE_MS DRAIN_MS_DEFAULT FEEDS_RETRY_MS
    COMPOSING_BYTES_MAX COMPOSING_A_MINUTE_MAX COMPOSING_PAIRS_MAX COMPOSING_HELD_MAX LOG_BYTES_A_DAY_MAX
    EVENTS_A_SECOND_MAX MESSAGE_IDS_REMEMBERED_MAX MESSAGES_STORED_OF_SENDER_MAX RULES_BYTES_MAX FEEDS_A_MINUTE_MAX FEEDS_COUNTED_MAX MINUTE_MS
    HOUR_MS DAY_MS
    }
    .to_vec()
}

/// A limit, the code of what is over it, and what tries so many.
type Case = (&'static str, &'static str, fn(usize) -> Result<(), Refusal>);

fn x(count: usize) -> String {
    "x".repeat(count)
}

fn plain() -> Tuple {
    Tuple::plain(TupleId::new("t").unwrap(), Basic::Open)
}

fn document(tuple: Tuple) -> Result<(), Refusal> {
    Document::new(vec![tuple], vec![], vec![]).map(drop)
}

/// A domain of so many bytes: labels of 63, and the rest.
fn domain(bytes: usize) -> String {
    let label = x(63);
    format!("{label}.{label}.{label}.{}", x(bytes - 3 * 64))
}

/// What a fresh service does about `command` of alice. What it refuses is not recorded.
fn asked(world: &mut World, command: Command) -> Result<(), Refusal> {
    let (events, answer) = world.events(&actor("alice"), command);
    assert_eq!(events.is_empty(), answer.is_err(), "{answer:?} {events:?}");
    answer.map(drop)
}

fn sends(send: Send) -> Result<(), Refusal> {
    asked(&mut World::with(&["alice", "bob"]), Command::Send(send))
}

fn publications(count: usize) -> Result<(), Refusal> {
    let mut world = World::with(&["alice"]);
    (0..count).try_for_each(|number| {
        let name = PublicationName::new(&number.to_string()).unwrap();
        let operation = operation(number.to_le_bytes()[0]);
        asked(&mut world, Command::Publish(Publish { name, operation, ..publish("alice", 1, "") }))
    })
}

fn of_text() -> Vec<Case> {
    vec![
        ("LOCAL_PART_BYTES_MAX", "bad-address", |count| {
            format!("{}@d.example", x(count)).parse::<Principal>().map(drop)
        }),
        ("DOMAIN_BYTES_MAX", "bad-address", |count| {
            format!("a@{}", domain(count)).parse::<Principal>().map(drop)
        }),
        ("MESSAGE_ID_BYTES_MAX", "bad-field", |count| MessageId::new(&x(count)).map(drop)),
        ("CONTENT_TYPE_BYTES_MAX", "bad-field", |count| {
            ContentType::new(&format!("text/plain; a={}", x(count - 14))).map(drop)
        }),
        ("TUPLE_ID_BYTES_MAX", "bad-field", |count| TupleId::new(&x(count)).map(drop)),
        ("PUBLICATION_NAME_BYTES_MAX", "bad-field", |count| {
            PublicationName::new(&x(count)).map(drop)
        }),
        ("RULE_NAME_BYTES_MAX", "bad-field", |count| RuleName::new(&x(count)).map(drop)),
        ("DEVICE_LABEL_BYTES_MAX", "bad-field", |count| DeviceLabel::new(&x(count)).map(drop)),
        ("DELIVERY_REASON_BYTES_MAX", "bad-field", |count| {
            let put = vec![delivery_rule("bob@d.example", Delivery::Refuse { reason: x(count) })];
            let change = DeliveryChange { put, ..DeliveryChange::default() };
            DeliveryRules::default().changed(change).map(drop)
        }),
    ]
}

fn of_documents() -> Vec<Case> {
    vec![
        ("DOCUMENT_BYTES_MAX", "too-large", |count| {
            let note = Note { language: String::new(), text: Payload::text("") };
            let least = Tuple { notes: vec![note.clone()], ..plain() }.payload_bytes();
            let note = Note { text: Payload::text(&x(count - least)), ..note };
            document(Tuple { notes: vec![note], ..plain() })
        }),
        ("TUPLES_MAX", "too-large", |count| {
            let tuple =
                |number| Tuple { id: TupleId::new(&format!("t{number}")).unwrap(), ..plain() };
            Document::new((0..count).map(tuple).collect(), vec![], vec![]).map(drop)
        }),
        ("NOTES_MAX", "bad-field", |count| {
            let notes = vec![Note { language: String::new(), text: Payload::text("x") }; count];
            document(Tuple { notes: notes.clone(), ..plain() })?;
            Document::new(vec![], notes, vec![]).map(drop)
        }),
        ("MARKUP_MAX", "bad-field", |count| {
            let markup = vec![Payload::text("<x/>"); count];
            document(Tuple { markup: markup.clone(), ..plain() })?;
            document(Tuple { status_markup: markup.clone(), ..plain() })?;
            Document::new(vec![], vec![], markup).map(drop)
        }),
        ("CONTACT_BYTES_MAX", "bad-field", |count| {
            let uri = Payload::text(&format!("im:{}", x(count - 3)));
            document(Tuple { contact: Some(Contact { uri, priority: None }), ..plain() })
        }),
        ("LANGUAGE_BYTES_MAX", "bad-field", |count| {
            let note = Note { language: x(count), text: Payload::text("x") };
            document(Tuple { notes: vec![note], ..plain() })
        }),
        ("PUBLICATIONS_MAX", "publications-full", publications),
        ("RULES_MAX", "too-large", |count| {
            let rule = |number| rule(&format!("u{number}@d.example"), Handling::Allow);
            AccessRules::NONE.changed((0..count).map(rule).collect(), &[]).map(drop)
        }),
        ("RULE_TUPLES_MAX", "bad-field", |count| {
            let tuples = Some(vec![TupleId::new("t").unwrap(); count]);
            let mut rule = rule("bob@d.example", Handling::Allow);
            rule.shown = Shown { tuples, ..Shown::ALL };
            AccessRules::NONE.changed(vec![rule], &[]).map(drop)
        }),
    ]
}

fn of_requests() -> Vec<Case> {
    vec![
        ("BODY_BYTES_MAX", "too-large", |count| {
            sends(Send { body: Payload::text(&x(count)), ..message("bob", "m1", "") })
        }),
        ("MESSAGE_LIFETIME_MS_MAX", "too-large", |count| {
            let lifetime = Some(Lifetime::from_ms(count as u64));
            sends(Send { lifetime, ..message("bob", "m1", "x") })
        }),
        ("DELETE_COUNT_MAX", "too-large", |count| {
            let sequences = vec![InboxSequence::new(1); count];
            let (operation, inbox) = (operation(1), im("alice"));
            let delete = Delete { operation, inbox, sequences, sender: None };
            Delete::from_body(delete.to_body()).map(drop)
        }),
        ("FEED_PRESENTITIES_MAX", "too-large", |count| {
            let presentities = vec![pres("alice"); count];
            let subject = FeedSubject::Presence { presentities, with_watchers: false };
            let open = FeedOpen { cursor: Vec::new().into(), window: 0, subject };
            FeedOpen::from_body(open.to_body()).map(drop)
        }),
    ]
}

fn walked() -> Vec<Case> {
    [of_text(), of_documents(), of_requests()].into_iter().flatten().collect()
}

#[test]
fn what_is_at_a_limit_is_accepted_and_one_more_is_refused_and_changes_nothing() {
    let values = values();
    for (name, code, tries) in walked() {
        let (_, limit) = values.iter().find(|(known, _)| *known == name).unwrap();
        let limit = usize::try_from(*limit).unwrap();
        assert_eq!(tries(limit), Ok(()), "{name}");
        let refusal = tries(limit + 1).expect_err(name);
        assert_eq!(refusal.code().as_str(), code, "{name}: {refusal}");
    }
}

#[test]
fn a_subscription_is_granted_no_longer_than_the_most() {
    for asked in [l::SUBSCRIPTION_MS_MAX, l::SUBSCRIPTION_MS_MAX + 1] {
        let mut world = World::with(&["alice", "bob"]);
        let Command::Subscribe(plain) = subscribe("bob", Mode::Latest) else { unreachable!() };
        let lifetime = Some(Lifetime::from_ms(asked));
        let answer =
            world.ask(&actor("alice"), Command::Subscribe(Subscribe { lifetime, ..plain }));
        let Ok(Reply::Done(Answer::Subscribed { granted, .. })) = answer else { panic!() };
        assert_eq!(granted.as_ms(), l::SUBSCRIPTION_MS_MAX);
    }
}

/// The cells of the rows of the table.
fn rows() -> Vec<Vec<&'static str>> {
    let lines = TABLE.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn every_limit_of_the_source_has_a_row_with_its_value_and_what_holds_it() {
    let constants = SOURCE.lines().filter_map(|line| line.strip_prefix("pub const "));
    let constants: Vec<&str> = constants.filter_map(|line| line.split(':').next()).collect();
    let rows = rows();
    let named: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(named, constants, "docs/LIMITS.md has a row for each constant, in order");
    let values = values();
    for row in rows {
        let name = row[0].trim_matches('`');
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            assert_eq!(row[1].replace(',', ""), value.to_string(), "{name}");
        }
        let case = walked().into_iter().find(|(walked, ..)| *walked == name);
        assert_eq!(row[4] == "here", case.is_some(), "{name}");
        match (case, row[4].split_once(" in ")) {
            (Some((_, code, _)), _) => assert!(row[3].contains(code), "{name}: {}", row[3]),
            (None, Some((test, file))) => {
                let known = Known { name, value: &row[1].replace(',', "") };
                held(&known, test.trim_matches('`'), file.trim_matches('`'));
            }
            (None, None) => {
                assert_eq!(row[4], "–", "{name}");
                assert!(row[3].starts_with("no limit: "), "{name} needs a test: {}", row[3]);
            }
        }
    }
}

/// A limit as a test may speak of it.
struct Known<'a> {
    name: &'a str,
    value: &'a str,
}

/// The test is there, and it speaks of the limit: by its name, by the name that its file gives it, or by its value.
fn held(limit: &Known<'_>, test: &str, file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let source = std::fs::read_to_string(&path).unwrap();
    let body = body_of(&source, test).unwrap_or_else(|| panic!("{test} is not in {file}"));
    let alias = source.split_once(&format!("{} as ", limit.name));
    let alias = alias.and_then(|(_, rest)| words(rest).next());
    let plain = body.replace('_', "");
    let speaks = words(body).any(|word| word == limit.name || Some(word) == alias)
        || words(&plain).any(|word| word == limit.value);
    assert!(speaks, "{test} in {file} does not speak of {}", limit.name);
}

/// The words and numbers of `source`, in order.
fn words(source: &str) -> impl Iterator<Item = &str> {
    source.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}

/// The source of the function `name`, up to the brace that stands below its beginning.
fn body_of<'a>(source: &'a str, name: &str) -> Option<&'a str> {
    let at = source.find(&format!("fn {name}("))?;
    let line = source[..at].rfind('\n').map_or(0, |end| end + 1);
    let indent: String = source[line..at].chars().take_while(|letter| *letter == ' ').collect();
    let end = source[at..].find(&format!("\n{indent}}}"))?;
    Some(&source[at..at + end])
}
