//! Requests and questions of every kind, made of chance: numbers, texts and lists as the frozen bodies have them, and names of
//! people who are there where a field asks for one.
//!
//! A new kind is made like the others, without a line more. Must never hold: a kind, or what it is answered.

use adsum::protocol::body::{Body, KINDS, KindVisitor, visit_kind};
use adsum::protocol::{Command, Question};
use adsum::wire::{Decoder, Frame, encode};

use crate::chance::{self, Chance, Values};

/// What can be asked.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    /// A request.
    Command(Box<Command>),
    /// A question.
    Question(Box<Question>),
}

/// The kinds of requests and questions.
pub(crate) fn kinds() -> Vec<(u16, &'static str)> {
    let is_request = |frame: &Frame| matches!(Command::decode(frame), Ok(Some(_)));
    let asks = |frame: &Frame| is_request(frame) || Question::decode(frame).is_ok();
    let kinds = KINDS.iter().copied();
    kinds
        .filter(|(kind, _)| asks(&visit_kind(*kind, Made { chance: &[], own: "" }).unwrap()))
        .collect()
}

/// Something of `kind`, decided by `chance`; `None` if it is not even valid. Where one names oneself, `own` is meant.
pub(crate) fn asked(kind: u16, own: &str, chance: &[u8]) -> Option<Asked> {
    let frame = visit_kind(kind, Made { chance, own }).unwrap();
    if let Ok((_, question)) = Question::decode(&frame) {
        return question.ok().map(|question| Asked::Question(Box::new(question)));
    }
    let requested = Command::decode(&frame).unwrap()?;
    requested.command.ok().map(|command| Asked::Command(Box::new(command)))
}

struct Made<'a> {
    chance: &'a [u8],
    own: &'a str,
}

impl KindVisitor for Made<'_> {
    type Output = Frame;

    fn visit<B: Body>(self) -> Frame {
        let body: B = chance::body(&Worded { own: self.own }, self.chance);
        let (mut bytes, mut decoder) = (Vec::new(), Decoder::default());
        encode(&body, &mut bytes);
        decoder.push(&bytes);
        decoder.next_frame().unwrap().unwrap()
    }
}

/// Values that name people who are there.
struct Worded<'a> {
    own: &'a str,
}

fn one<'b>(chance: &mut Chance<'_>, of: &[&'b str]) -> &'b str {
    of[usize::from(chance.byte()) % of.len()]
}

impl Values for Worded<'_> {
    const LIST_LENGTH_END: u8 = 3;

    fn number(&self, chance: &mut Chance<'_>, field: &str, max: u64) -> u64 {
        const SECOND: u64 = 1_000;
        let byte = u64::from(chance.byte());
        let number = match field {
            // Whole seconds: nothing that is asked for ends in the millisecond of something else.
            field if field.ends_with("_ms") => match byte % 5 {
                0 => 0,
                1 => 1_000_000 * SECOND + byte * SECOND,
                _ => byte * SECOND,
            },
            "rights" if byte % 2 == 0 => 31,
            _ => byte % 6,
        };
        number.min(max)
    }

    fn text(&self, chance: &mut Chance<'_>, field: &str) -> String {
        let own = self.own;
        let names = ["alice", own, "alice", own, "bob", "nosuch", "mallory", "circle"];
        let address = format!("{}@d.example", one(chance, &names));
        if chance.byte().is_multiple_of(8) {
            let odd = ["", "x", "@d.example", "text/plain", "im:alice@e.example", "everyone"];
            return one(chance, &odd).to_owned();
        }
        match field {
            "presentity" | "presentities" => format!("pres:{address}"),
            "inbox" => format!("im:{address}"),
            "watcher" | "grantee" | "principal" => address,
            "sender" if own == "mallory" => String::new(),
            "sender" => format!("{own}@d.example"),
            "owner" => one(chance, &["", "pres:"]).to_owned() + &address,
            "who" | "remove" => one(chance, &["everyone", "@d.example", &address]).to_owned(),
            "subject" => one(chance, &["d.example", &address]).to_owned(),
            "content_type" => {
                one(chance, &["text/plain", "application/im-iscomposing+xml"]).to_owned()
            }
            "language" => String::new(),
            "id" => one(chance, &["m1", "m2", "m3"]).to_owned(),
            _ => one(chance, &["", "r1", "r2"]).to_owned(),
        }
    }

    fn bytes(&self, chance: &mut Chance<'_>, field: &str) -> Vec<u8> {
        let text = one(chance, &["here", "there", "<x/>", ""]);
        let contact = if field == "uri" { "tel:+1" } else { text };
        contact.as_bytes().to_vec()
    }

    /// Names of operations and the like: bytes that are all the same, so that they come again.
    fn same(&self, chance: &mut Chance<'_>) -> Option<u8> {
        Some(chance.byte() % 4)
    }
}
