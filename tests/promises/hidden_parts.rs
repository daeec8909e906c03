//! What somebody is not shown changes nothing that it is told: two worlds that differ in that only give it the same.
//!
//! Bob is shown one tuple of Alice's without notes and markup. Must never hold: a comparison of what stays inside.

use crate::world::governed::{change, rule};
use crate::world::papers::{Paper, Sheet, paper, written};
use crate::world::stage::{BEGIN, Stage};
use crate::world::{actor, device_of, message, operation, pres, publish, seconds, subscribe};
use adsum::model::limits::{MARKUP_MAX, NOTES_MAX, TUPLES_MAX};
use adsum::model::{
    AccessRule, Basic, Contact, Document, Handling, Lifetime, Mode, Note, OperationId, Payload,
    Priority, Shown, Tuple, TupleId,
};
use adsum::protocol::{Command, Fetch, ListSubscriptions, ListWatchers, Publish, Subscribe};
use adsum::service::Query;
use proptest::prelude::*;

/// What is hidden happens apart from what is seen, in no millisecond in which something seen does.
const ASIDE_MS: u64 = 333;

fn handling() -> impl Strategy<Value = Handling> {
    prop::sample::select(Handling::ALL.to_vec())
}

/// What happens behind the back of one who is shown `desk` without notes and markup.
#[derive(Clone, Debug)]
enum Hidden {
    /// The desk as it is, with other notes and markup.
    Desk {
        note: bool,
        markup: bool,
    },
    /// Other tuples, from the other device.
    Others {
        paper: Paper,
        secs: u64,
    },
    /// As much from the other device as it may publish.
    Crowd {
        secs: u64,
    },
    Rule {
        handling: Handling,
        secs: u64,
    },
    Watched {
        secs: u64,
    },
    Send,
}

fn hidden() -> impl Strategy<Value = Hidden> {
    prop_oneof![
        2 => (any::<bool>(), any::<bool>())
            .prop_map(|(note, markup)| Hidden::Desk { note, markup }),
        4 => (paper(), 1..60_u64).prop_map(|(paper, secs)| Hidden::Others { paper, secs }),
        2 => (1..60_u64).prop_map(|secs| Hidden::Crowd { secs }),
        2 => (handling(), 1..60_u64).prop_map(|(handling, secs)| Hidden::Rule { handling, secs }),
        1 => (1..60_u64).prop_map(|secs| Hidden::Watched { secs }),
        1 => Just(Hidden::Send),
    ]
}

/// What the watcher does, and what changes for it to see: the desk opens and closes.
#[derive(Clone, Debug)]
enum Seen {
    Desk { open: bool, contact: Option<u16> },
    Bare,
    Subscribe { every: bool },
    Open { position: usize },
    Close,
    Fetch,
    Watchers,
    List,
}

fn seen() -> impl Strategy<Value = Seen> {
    prop_oneof![
        3 => (any::<bool>(), prop::option::of(0..1_000_u16))
            .prop_map(|(open, contact)| Seen::Desk { open, contact }),
        1 => Just(Seen::Bare),
        2 => any::<bool>().prop_map(|every| Seen::Subscribe { every }),
        3 => (0..100_usize).prop_map(|position| Seen::Open { position }),
        1 => Just(Seen::Close),
        1 => Just(Seen::Fetch),
        1 => Just(Seen::Watchers),
        1 => Just(Seen::List),
    ]
}

/// Tuples, notes and markup up to every limit.
fn crowd() -> Document {
    let contact = Priority::from_thousandths(1_000).map(Some).unwrap();
    let tuple = |number: usize| Tuple {
        contact: Some(Contact { uri: Payload::text("im:alice@d.example"), priority: contact }),
        ..Tuple::plain(TupleId::new(&format!("crowd-{number}")).unwrap(), Basic::Open)
    };
    let note = Note { language: String::new(), text: Payload::text(&"note-".repeat(100)) };
    let markup = vec![Payload::text(&"markup-".repeat(200)); MARKUP_MAX];
    Document::new((0..TUPLES_MAX).map(tuple).collect(), vec![note; NOTES_MAX], markup).unwrap()
}

struct Desk {
    stage: Stage,
    sheet: Sheet,
    mark: u64,
    operation: u128,
}

impl Desk {
    fn new() -> Self {
        let mut stage = Stage::new("bob", &["alice", "bob", "carol"]);
        stage.adds_device("alice", "alice-2");
        let desk =
            Sheet { id: 0, basic: None, contact: None, note: false, markup: false, time: None };
        let paper = Paper { tuples: vec![desk], note: false, markup: false };
        let once = Publish { document: Some(written(&paper, 0)), ..publish("alice", 1, "") };
        stage.behind(&actor("alice"), Command::Publish(once));
        stage.until(BEGIN.after(seconds(2)));
        let shown = Shown {
            tuples: Some(vec![TupleId::new("desk").unwrap()]),
            notes: false,
            contact: true,
            markup: false,
        };
        let desk = AccessRule { shown, ..rule("bob@d.example", Handling::Allow) };
        stage.behind(&actor("alice"), Command::ChangeRules(change("alice", vec![desk], &[])));
        let sheet =
            Sheet { id: 0, basic: None, contact: None, note: false, markup: false, time: None };
        let mut desk = Self { stage, sheet, mark: 0, operation: 0 };
        desk.put("alice", None, vec![desk.sheet.clone()], false);
        desk
    }

    /// Publishes; words of the desk that are seen hold the number of the last change for all to see.
    fn put(&mut self, device: &str, secs: Option<u64>, tuples: Vec<Sheet>, whole: bool) {
        self.operation += 1;
        let document = written(&Paper { tuples, note: whole, markup: whole }, self.mark);
        let lifetime = secs.map_or_else(|| Some(seconds(500_000)), |secs| Some(seconds(secs)));
        let mut publish = publish("alice", 1, "");
        publish.operation = OperationId(self.operation.to_be_bytes());
        let publish = Publish { document: Some(document), lifetime, ..publish };
        self.stage.behind(&device_of("alice", device), Command::Publish(publish));
    }

    fn see(&mut self, seen: &Seen) {
        match seen {
            Seen::Desk { open, contact } => {
                self.mark += 1;
                (self.sheet.basic, self.sheet.contact) = (Some(*open), *contact);
                self.put("alice", None, vec![self.sheet.clone()], false);
            }
            Seen::Bare => {
                self.mark += 1;
                self.sheet.basic = None;
                self.put("alice", None, vec![self.sheet.clone()], false);
            }
            Seen::Subscribe { every } => {
                let mode = if *every { Mode::Every } else { Mode::Latest };
                self.stage.does(subscribe("alice", mode));
            }
            Seen::Open { position } => {
                let after = self.stage.positions[position % self.stage.positions.len()];
                self.stage.opens(after, true);
            }
            Seen::Close => self.stage.closes(),
            Seen::Fetch => self.stage.asks(Query::from(Fetch { presentity: pres("alice") })),
            Seen::Watchers => {
                self.stage.asks(Query::from(ListWatchers { presentity: pres("alice") }));
            }
            Seen::List => self.stage.asks(Query::from(ListSubscriptions)),
        }
    }

    fn hide(&mut self, hidden: &Hidden) {
        match hidden {
            Hidden::Desk { note, markup } => {
                let mut sheet = Sheet { note: *note, markup: *markup, ..self.sheet.clone() };
                let is_bare = sheet.basic.is_none();
                if is_bare {
                    // To who is shown no markup it is not there: it may change in all its parts, and go.
                    sheet.contact = Some(u16::from(*note));
                }
                let is_gone = is_bare && !note && !markup;
                let tuples = if is_gone { vec![] } else { vec![sheet] };
                self.put("alice", None, tuples, true);
            }
            Hidden::Others { paper, secs } => {
                let tuples = paper.tuples.iter().filter(|sheet| sheet.id != 0).cloned().collect();
                self.put("alice-2", Some(*secs), tuples, paper.note);
            }
            Hidden::Crowd { secs } => {
                let document = Some(crowd());
                let lifetime = Some(seconds(*secs));
                self.operation += 1;
                let operation = OperationId(self.operation.to_be_bytes());
                let publish = Publish { document, lifetime, operation, ..publish("alice", 1, "") };
                self.stage.behind(&device_of("alice", "alice-2"), Command::Publish(publish));
            }
            Hidden::Rule { handling, secs } => {
                let until = Some(self.stage.now.after(seconds(*secs)));
                let others = AccessRule { until, ..rule("@d.example", *handling) };
                let change = change("alice", vec![others], &[]);
                self.stage.behind(&actor("alice"), Command::ChangeRules(change));
            }
            Hidden::Watched { secs } => {
                let (operation, presentity) = (operation(0), pres("alice"));
                let (mode, lifetime) = (Mode::Every, Some(seconds(*secs)));
                self.stage.behind(
                    &actor("carol"),
                    Command::Subscribe(Subscribe { operation, presentity, mode, lifetime }),
                );
                self.stage
                    .behind_asks(&actor("carol"), Query::from(Fetch { presentity: pres("alice") }));
            }
            Hidden::Send => {
                let send = message("alice", &self.operation.to_string(), "not for bob");
                self.operation += 1;
                self.stage.behind(&actor("carol"), Command::Send(send));
            }
        }
    }
}

/// Plays what is seen, with what is hidden in between or without it.
fn behind_his_back(steps: &[(Seen, Vec<Hidden>)], is_hidden: bool) -> Vec<String> {
    let mut desk = Desk::new();
    for (number, (seen, hidden)) in steps.iter().enumerate() {
        let second = BEGIN.after(seconds(10 + 10 * number as u64));
        desk.stage.until(second);
        desk.see(seen);
        for (hidden, offset) in hidden.iter().zip(1..) {
            desk.stage.until(second.after(seconds(offset)).after(Lifetime::from_ms(ASIDE_MS)));
            if is_hidden {
                desk.hide(hidden);
            }
        }
    }
    desk.stage.until(BEGIN.after(seconds(100_000)));
    desk.see(&Seen::Fetch);
    desk.see(&Seen::Watchers);
    desk.see(&Seen::Open { position: 0 });
    desk.stage.told
}

#[test]
fn what_is_seen_is_told_and_the_rest_is_not() {
    let sheet =
        Sheet { id: 1, basic: Some(true), contact: Some(1), note: true, markup: true, time: None };
    let paper = Paper { tuples: vec![sheet], note: true, markup: true };
    let hidden =
        vec![Hidden::Others { paper, secs: 20 }, Hidden::Desk { note: true, markup: true }];
    let steps = [
        (Seen::Subscribe { every: false }, hidden.clone()),
        (Seen::Open { position: 0 }, hidden.clone()),
        (Seen::Desk { open: true, contact: Some(7) }, hidden),
        (Seen::Desk { open: false, contact: Some(7) }, vec![]),
    ];
    let told = behind_his_back(&steps, true).join("\n");
    assert!(told.contains("contact-desk-1.") && told.contains("contact-desk-2."), "{told}");
    for withheld in ["phone", "note-", "markup-", "status-"] {
        assert!(!told.contains(withheld), "{withheld} in {told}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_one_is_not_shown_changes_nothing_it_is_told(
        steps in prop::collection::vec((seen(), prop::collection::vec(hidden(), 0..4)), 1..25)
    ) {
        prop_assert_eq!(behind_his_back(&steps, false), behind_his_back(&steps, true));
    }
}
