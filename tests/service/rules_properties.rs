//! What rules promise of every document, every rule and every order of things: who is withheld something never gets it.
//!
//! All that Alice writes is a word of its own, so that each can be looked for. What may be seen is worked out here anew
//! from what she publishes and what her rule says. Must never hold: the way the service filters.

use std::collections::BTreeSet;

use crate::world::governed::{change, grant, rule};
use crate::world::papers::{Paper, Sheet, TUPLES, paper, something, written};
use crate::world::stage::{BEGIN, Stage, text_of};
use crate::world::{World, actor, device_of, im, operation, pres, principal, publish, seconds};
use adsum::event::PublicationKey;
use adsum::model::{
    AccessRule, Basic, Contact, DeviceId, Document, Handling, InboxAddress, Mode, Payload,
    PublicationName, Rights, Shown, SubscriptionState, Tuple, TupleId,
};
use adsum::protocol::{Answer, Command, Publish, Subscribe};
use adsum::service::{Lens, Reply};
use proptest::prelude::*;

fn shown() -> impl Strategy<Value = Shown> {
    let tuples = prop::option::of(prop::sample::subsequence(vec![0, 1, 2], 0..=3));
    (tuples, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(tuples, notes, contact, markup)| {
            let id = |id: usize| TupleId::new(TUPLES[id]).unwrap();
            let tuples = tuples.map(|tuples| tuples.into_iter().map(id).collect());
            Shown { tuples, notes, contact, markup }
        },
    )
}

fn handling() -> impl Strategy<Value = Handling> {
    prop_oneof![
        6 => Just(Handling::Allow),
        1 => Just(Handling::Confirm),
        1 => Just(Handling::PoliteBlock),
        1 => Just(Handling::Block),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Publish {
        device: bool,
        paper: Paper,
        secs: u64,
    },
    Rule {
        handling: Handling,
        shown: Shown,
    },
    /// For so long only.
    Brief {
        handling: Handling,
        shown: Shown,
        secs: u64,
    },
    Member {
        is_member: bool,
    },
    Subscribe {
        every: bool,
        secs: u64,
    },
    Open {
        position: usize,
    },
    Close,
    Wait {
        secs: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<bool>(), something(), 1..90_u64)
            .prop_map(|(device, paper, secs)| Step::Publish { device, paper, secs }),
        3 => (handling(), shown()).prop_map(|(handling, shown)| Step::Rule { handling, shown }),
        1 => (handling(), shown(), 1..60_u64)
            .prop_map(|(handling, shown, secs)| Step::Brief { handling, shown, secs }),
        1 => any::<bool>().prop_map(|is_member| Step::Member { is_member }),
        3 => (any::<bool>(), 1..600_u64).prop_map(|(every, secs)| Step::Subscribe { every, secs }),
        3 => (0..1_000_usize).prop_map(|position| Step::Open { position }),
        1 => Just(Step::Close),
        1 => (1..90_u64).prop_map(|secs| Step::Wait { secs }),
    ]
}

/// The words that `shown` leaves of what is live.
fn permitted(stage: &Stage, decision: &adsum::model::Decision) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    if decision.handling != Handling::Allow {
        return words;
    }
    let shown = &decision.shown;
    let view = stage.commit.views().presentity(&pres("alice"));
    let live = view.into_iter().flat_map(|view| view.publications.values());
    for document in live.map(|publication| &publication.document) {
        let mut add = |is_shown: bool, payloads: Vec<&Payload>| {
            let texts = payloads.into_iter().map(|payload| payload.as_text().unwrap().to_owned());
            words.extend(texts.filter(|_| is_shown));
        };
        add(shown.notes, document.notes().iter().map(|note| &note.text).collect());
        add(shown.markup, document.markup().iter().collect());
        for tuple in document.tuples() {
            let named = shown.tuples.as_ref().is_none_or(|named| named.contains(&tuple.id));
            let is_there = named && (tuple.basic.is_some() || shown.markup);
            add(is_there && shown.notes, tuple.notes.iter().map(|note| &note.text).collect());
            add(is_there && shown.contact, tuple.contact.iter().map(|it| &it.uri).collect());
            add(is_there && shown.markup, tuple.markup.iter().collect());
            add(is_there && shown.markup, tuple.status_markup.iter().collect());
        }
    }
    words
}

/// Every word of a document: ids of tuples are no words.
fn words_of(document: &Document) -> BTreeSet<String> {
    text_of(document).split(' ').filter(|word| word.ends_with('.')).map(str::to_owned).collect()
}

/// What Bob is granted now: all, where he is a member.
fn granted(stage: &Stage) -> adsum::model::Decision {
    let view = stage.commit.views().rules(&principal("alice"));
    if view.is_some_and(|view| view.rights(&principal("bob")).has(Rights::MEMBER)) {
        let (handling, shown) = (Handling::Allow, Shown::ALL);
        return adsum::model::Decision { handling, shown, rule: None };
    }
    stage.decided("alice")
}

struct Watch {
    stage: Stage,
    mark: u64,
    permitted: BTreeSet<String>,
    /// What Bob was shown last.
    last: Option<(SubscriptionState, Document)>,
    /// Whether he may be shown the same again: he was away, or comes back to before he saw it.
    is_gap: bool,
}

impl Watch {
    fn new() -> Self {
        let mut stage = Stage::new("bob", &["alice", "bob", "carol"]);
        stage.adds_device("alice", "alice-2");
        // Rules name tuples that were published once.
        let paper = Paper {
            tuples: (0..3)
                .map(|id| Sheet {
                    id,
                    basic: Some(true),
                    contact: None,
                    note: false,
                    markup: false,
                    time: None,
                })
                .collect(),
            note: false,
            markup: false,
        };
        let document = Some(written(&paper, 0));
        let lifetime = Some(seconds(1));
        let first = Publish { document, lifetime, ..publish("alice", 1, "") };
        stage.behind(&actor("alice"), Command::Publish(first));
        stage.until(BEGIN.after(seconds(2)));
        Self { stage, mark: 0, permitted: BTreeSet::new(), last: None, is_gap: true }
    }

    fn rules(&mut self, rules: Vec<AccessRule>) {
        let change = change("alice", rules, &[]);
        self.stage.behind(&actor("alice"), Command::ChangeRules(change));
    }

    fn play(&mut self, step: &Step) {
        let second = BEGIN.after(seconds(self.stage.now.as_ms().div_ceil(1_000) + 1 - 1_000_000));
        self.stage.until(second);
        self.check();
        let bob = || "bob@d.example";
        match step {
            Step::Publish { device, paper, secs } => {
                self.mark += 1;
                let document = Some(written(paper, self.mark));
                let lifetime = Some(seconds(*secs));
                let mut by = publish("alice", 1, "");
                by.operation = adsum::model::OperationId(u128::from(self.mark).to_be_bytes());
                let by = Publish { document, lifetime, ..by };
                let device = if *device { "alice-2" } else { "alice" };
                self.stage.behind(&device_of("alice", device), Command::Publish(by));
            }
            Step::Rule { handling, shown } => {
                let shown = shown.clone();
                self.rules(vec![AccessRule { shown, ..rule(bob(), *handling) }]);
            }
            Step::Brief { handling, shown, secs } => {
                let until = Some(self.stage.now.after(seconds(*secs)));
                let shown = shown.clone();
                let mut brief = AccessRule { shown, until, ..rule(bob(), *handling) };
                brief.name = adsum::model::RuleName::new("brief").unwrap();
                self.rules(vec![brief]);
            }
            Step::Member { is_member } => {
                let rights = if *is_member { Rights::MEMBER } else { Rights::NONE };
                self.stage.behind(&actor("alice"), grant("alice", "bob", rights));
            }
            Step::Subscribe { every, secs } => {
                let mode = if *every { Mode::Every } else { Mode::Latest };
                let (operation, lifetime) = (operation(0), Some(seconds(*secs)));
                let presentity = pres("alice");
                let view = self.stage.commit.views().watcher(&principal("bob"));
                if view.is_none_or(|view| view.live(&presentity).is_none()) {
                    // A subscription begins with what there is, seen before or not.
                    self.is_gap = true;
                }
                self.stage.does(Command::Subscribe(Subscribe {
                    operation,
                    presentity,
                    mode,
                    lifetime,
                }));
            }
            Step::Open { position } => {
                let count = self.stage.positions.len();
                // As often as not where it stands, as after a lost connection.
                let is_anywhere = position % 2 == 0;
                let after = self.stage.positions
                    [if is_anywhere { position / 2 % count } else { count - 1 }];
                self.is_gap |= after != self.stage.position() || !self.stage.is_open();
                self.stage.opens(after, false);
            }
            Step::Close => self.stage.closes(),
            Step::Wait { secs } => {
                for secs in 1..=*secs {
                    self.stage.until(second.after(seconds(secs)));
                    self.check();
                }
            }
        }
        assert!(
            self.stage.refused.is_empty(),
            "Alice is refused nothing: {:?}",
            self.stage.refused
        );
        self.check();
    }

    fn check(&mut self) {
        // What is live between two steps was live after the one before, or is less.
        self.permitted.extend(permitted(&self.stage, &granted(&self.stage)));
        for shown in std::mem::take(&mut self.stage.shown) {
            let withheld: Vec<_> =
                words_of(&shown.document).difference(&self.permitted).cloned().collect();
            assert!(withheld.is_empty(), "{withheld:?} was withheld");
            let now = (shown.state, shown.document);
            assert!(self.is_gap || self.last.as_ref() != Some(&now), "{now:?} was told twice");
            (self.last, self.is_gap) = (Some(now), false);
        }
        let view = self.stage.commit.views().watcher(&principal("bob"));
        let live = view.and_then(|view| view.live(&pres("alice")));
        let is_active = live.is_some_and(adsum::view::SubscriptionView::is_active);
        assert_eq!(is_active, is_active && granted(&self.stage).handling >= Handling::PoliteBlock);
        let fetched = self.stage.fetched("alice");
        if let Some(document) = &fetched {
            let expected = permitted(&self.stage, &granted(&self.stage));
            assert_eq!(words_of(document), expected, "all that is granted is shown");
        }
        if is_active && self.stage.is_open() && self.last.is_some() {
            let notified = self.last.as_ref().map(|(_, document)| document);
            assert_eq!(notified, fetched.as_ref(), "who watches sees what a fetch shows");
        }
    }
}

#[test]
fn a_story_of_withholding_is_told() {
    let mut watch = Watch::new();
    let all = Sheet {
        id: 0,
        basic: Some(true),
        contact: Some(1),
        note: true,
        markup: true,
        time: Some(1),
    };
    let bare = Sheet { id: 1, basic: None, ..all.clone() };
    let paper = Paper { tuples: vec![all, bare], note: true, markup: true };
    let less = Shown { tuples: None, notes: false, contact: true, markup: false };
    let publish = || Step::Publish { device: false, paper: paper.clone(), secs: 80 };
    let allow = |shown: Shown| Step::Rule { handling: Handling::Allow, shown };
    let steps = [
        allow(Shown::ALL),
        Step::Subscribe { every: true, secs: 500 },
        Step::Open { position: 0 },
        publish(),
        allow(less),
        publish(),
        Step::Rule { handling: Handling::Confirm, shown: Shown::ALL },
        publish(),
        allow(Shown::ALL),
        Step::Open { position: 0 },
    ];
    for step in &steps {
        watch.play(step);
    }
    let told = watch.stage.told.join("\n");
    for seen in ["note-desk-1.", "status-phone-1.", "contact-desk-2.", "markup-whole-3."] {
        assert!(told.contains(seen), "{seen} in {told}");
    }
    for withheld in ["note-desk-2.", "status-phone-2.", "contact-phone-2.", "markup-whole-2."] {
        assert!(!told.contains(withheld), "{withheld} in {told}");
    }
}

#[test]
fn what_a_publication_said_no_more_before_it_ended_is_told_to_a_watcher_that_was_away() {
    let paper = |note, markup| Paper { tuples: Vec::new(), note, markup };
    let publish = |paper, secs| Step::Publish { device: true, paper, secs };
    for withheld in [true, false] {
        let shown = Shown { notes: !withheld, markup: withheld, ..Shown::ALL };
        let mut watch = Watch::new();
        let steps = [
            Step::Rule { handling: Handling::Allow, shown },
            Step::Subscribe { every: false, secs: 60 },
            Step::Open { position: 1 },
            publish(paper(!withheld, withheld), 30),
            Step::Close,
            publish(paper(withheld, !withheld), 1),
            Step::Wait { secs: 3 },
            Step::Open { position: 1 },
        ];
        for step in &steps {
            watch.play(step);
        }
    }
}

/// Tuples: what they say, and whether they name the inbox.
type Tuples = Vec<(Option<bool>, bool)>;

/// Publishes of an inbox address in some tuples, from two devices.
fn addresses() -> impl Strategy<Value = Vec<(bool, Tuples)>> {
    let tuple = (prop::option::of(any::<bool>()), any::<bool>());
    prop::collection::vec((any::<bool>(), prop::collection::vec(tuple, 0..4)), 1..6)
}

fn addressed(tuples: &[(Option<bool>, bool)]) -> Document {
    let tuple = |(number, (basic, own)): (usize, &(Option<bool>, bool))| {
        let basic = basic.map(|open| if open { Basic::Open } else { Basic::Closed });
        let uri = if *own { "im:alice@d.example" } else { "im:bob@d.example" };
        let id = TupleId::new(&format!("t{number}")).unwrap();
        let status_markup = vec![Payload::text("<x/>")];
        let contact = Some(Contact { uri: Payload::text(uri), priority: None });
        Tuple { basic, status_markup, contact, ..Tuple::plain(id, Basic::Open) }
    };
    Document::new(tuples.iter().enumerate().map(tuple).collect(), vec![], vec![]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_withheld_never_arrives_and_who_watches_sees_what_a_fetch_shows(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let mut watch = Watch::new();
        for step in &steps {
            watch.play(step);
        }
    }

    #[test]
    fn filtering_twice_is_filtering_once(paper in paper(), shown in shown()) {
        let document = written(&paper, 7);
        let lens = Lens::Part(std::sync::Arc::new(shown));
        let key = PublicationKey { device: DeviceId([1; 8]), name: PublicationName::default() };
        let once = lens.shows(&key, &document);
        prop_assert_eq!(&lens.shows(&key, &once), &once);
    }

    #[test]
    fn an_inbox_shown_open_accepts_and_one_shown_closed_refuses(publishes in addresses()) {
        let mut world = World::with(&["alice", "bob"]);
        for (number, (name, tuples)) in (1..).zip(&publishes) {
            let name = PublicationName::new(if *name { "a" } else { "b" }).unwrap();
            let document = Some(addressed(tuples));
            let operation = operation(number);
            let publish = Publish { name, document, operation, ..publish("alice", 1, "") };
            world.ask(&actor("alice"), Command::Publish(publish)).unwrap();
            let item = world.fetch(&actor("bob"), "alice").unwrap();
            let tuples = item.document.get().into_iter().flat_map(Document::tuples);
            let uri = |tuple: &Tuple| tuple.contact.as_ref().unwrap().uri.as_text().map(str::parse);
            let naming = tuples.filter(|tuple| {
                let named: Option<InboxAddress> = uri(tuple).and_then(Result::ok);
                named == Some(im("alice"))
            });
            let shown: Vec<Option<Basic>> = naming.map(|tuple| tuple.basic).collect();
            let answer = world.send("bob", "alice", &format!("m{number}"));
            if shown.contains(&Some(Basic::Open)) {
                prop_assert_eq!(answer, Ok(Reply::Done(Answer::Sent { duplicate: false })));
            } else if shown.contains(&Some(Basic::Closed)) {
                prop_assert_eq!(answer.unwrap_err().code().as_str(), "inbox-closed");
            } else {
                prop_assert!(answer.is_ok(), "nothing is said of the inbox");
            }
        }
    }
}
