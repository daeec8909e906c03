//! Documents in which every word is one of its own, so that each can be looked for where it must not be.
//!
//! Must never hold: a claim about who sees what.

use adsum::model::{Basic, Contact, Document, Note, Payload, Priority, Timestamp, Tuple, TupleId};
use proptest::prelude::*;

pub const TUPLES: [&str; 3] = ["desk", "phone", "pager"];
/// What a published document has in it.
#[derive(Clone, Debug)]
pub struct Paper {
    pub tuples: Vec<Sheet>,
    pub note: bool,
    pub markup: bool,
}

#[derive(Clone, Debug)]
pub struct Sheet {
    pub id: usize,
    pub basic: Option<bool>,
    pub contact: Option<u16>,
    pub note: bool,
    pub markup: bool,
    pub time: Option<u64>,
}

pub fn sheet(id: usize) -> impl Strategy<Value = Sheet> {
    let contact = prop::option::of(0..1_000_u16);
    let basic = prop::option::weighted(0.8, any::<bool>());
    let time = prop::option::of(0..5_u64);
    (basic, contact, any::<bool>(), any::<bool>(), time).prop_map(
        move |(basic, contact, note, markup, time)| Sheet {
            id,
            basic,
            contact,
            note,
            markup,
            time,
        },
    )
}

pub fn paper() -> impl Strategy<Value = Paper> {
    let tuples = prop::sample::subsequence(vec![0, 1, 2], 0..=3)
        .prop_flat_map(|ids| ids.into_iter().map(sheet).collect::<Vec<_>>());
    (tuples, any::<bool>(), any::<bool>()).prop_map(|(tuples, note, markup)| Paper {
        tuples,
        note,
        markup,
    })
}

/// One that says something: one that says nothing shows the same as none.
pub fn something() -> impl Strategy<Value = Paper> {
    paper()
        .prop_filter("says nothing", |paper| paper.note || paper.markup || !paper.tuples.is_empty())
}

/// A document of `paper` in which every word holds `mark`, which nothing else does.
pub fn written(paper: &Paper, mark: u64) -> Document {
    let word = |part: &str| Payload::text(&format!("{part}-{mark}."));
    let note = |part: &str| vec![Note { language: String::new(), text: word(part) }];
    let tuple = |sheet: &Sheet| {
        let name = TUPLES[sheet.id];
        let basic = sheet.basic.map(|open| if open { Basic::Open } else { Basic::Closed });
        let markup =
            |part: &str| if sheet.markup { vec![word(&format!("{part}-{name}"))] } else { vec![] };
        Tuple {
            id: TupleId::new(name).unwrap(),
            basic,
            status_markup: if basic.is_none() {
                vec![word(&format!("status-{name}"))]
            } else {
                markup("status")
            },
            contact: sheet.contact.map(|thousandths| Contact {
                uri: Payload::text(&format!("tel:contact-{name}-{mark}.")),
                priority: Some(Priority::from_thousandths(thousandths).unwrap()),
            }),
            notes: if sheet.note { note(&format!("note-{name}")) } else { vec![] },
            timestamp: sheet.time.map(Timestamp::from_ms),
            markup: markup("markup"),
        }
    };
    let notes = if paper.note { note("note-whole") } else { vec![] };
    let markup = if paper.markup { vec![word("markup-whole")] } else { vec![] };
    Document::new(paper.tuples.iter().map(tuple).collect(), notes, markup).unwrap()
}
