//! `docs/resume.json`, the cases of resuming, tried at this crate's client; the clients in other languages run the same file.
//!
//! Must never hold: a case.

use std::fs;
use std::path::Path;
use std::time::Duration;

use adsum::client::Refused;
use adsum::client::resume::{
    Arrived, BackOff, FeedKind, FeedResume, Handed, Position, Requests, Submission, Unsaved,
};
use adsum::model::{
    ContentType, DeviceId, InboxSequence, MessageId, OperationId, Payload, Receipts, RefusalCode,
};
use adsum::protocol::{Answer, Command, Outcome, RevokeKey, Send, Unsubscribe};
use bytes::Bytes;
use serde_json::{Value, json};

fn cases(machine: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/resume.json");
    let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    file[machine].as_array().unwrap().clone()
}

fn word<'a>(step: &'a Value, name: &str) -> &'a str {
    step[name].as_str().unwrap_or_else(|| panic!("{step} has no {name}"))
}

fn number(step: &Value, name: &str) -> u64 {
    step[name].as_u64().unwrap_or_else(|| panic!("{step} has no {name}"))
}

fn steps(case: &Value) -> &[Value] {
    case["steps"].as_array().unwrap()
}

fn cursor(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn shown(cursor: &Bytes) -> Value {
    Value::from(String::from_utf8(cursor.to_vec()).unwrap())
}

struct Feed {
    resume: FeedResume<u64>,
    is_presence: bool,
    handed: Vec<Handed<u64>>,
    saved: Position,
}

impl Feed {
    fn of(case: &Value) -> Self {
        let kind = match word(case, "kind") {
            "presence" => FeedKind::Presence,
            "inbox" => FeedKind::Inbox,
            _ => FeedKind::InboxKept,
        };
        let position = case.get("position").map_or_else(Position::default, |position| Position {
            cursor: cursor(word(position, "cursor")),
            sequence: InboxSequence::new(number(position, "sequence")),
        });
        let resume = if case["from_start"] == true {
            FeedResume::from_start(kind, position.clone())
        } else {
            FeedResume::new(kind, position.clone())
        };
        Self { resume, is_presence: kind == FeedKind::Presence, handed: vec![], saved: position }
    }

    /// Takes a step; whether the client must not go on.
    fn take(&mut self, step: &Value) -> bool {
        match word(step, "do") {
            "open" => assert_eq!(shown(&self.resume.open()), step["cursor"], "{step}"),
            "ready" => return self.ready(step),
            "arrived" => return self.arrive(step),
            "caught-up" => return self.resume.caught_up(cursor(word(step, "cursor"))).is_err(),
            "lost" => self.resume.lost(),
            "next" => self.next(step),
            "drain" => self.drain(step),
            "taken" => {
                let at = usize::try_from(number(step, "handed")).unwrap() - 1;
                self.resume.taken(self.handed[at].number);
            }
            "save" => self.save(),
            "acknowledged" => self.resume.acknowledged(&cursor(word(step, "cursor"))),
            _ => self.look(step),
        }
        false
    }

    fn ready(&mut self, step: &Value) -> bool {
        let outcome = match word(step, "outcome") {
            "fresh" => Outcome::Fresh,
            "resumed" => Outcome::Resumed,
            _ => Outcome::Anew,
        };
        self.resume.ready(outcome, cursor(word(step, "cursor"))).is_err()
    }

    fn arrive(&mut self, step: &Value) -> bool {
        let (first, position, key) =
            (number(step, "number"), number(step, "position"), number(step, "key"));
        let last = step["through"].as_u64().unwrap_or(first);
        let one = |number: u64| {
            let item = position + number - first;
            let sequence = InboxSequence::new(if self.is_presence { 0 } else { item });
            let cursor = cursor(&format!("{key}:{item}"));
            Arrived { number, cursor, sequence, bytes: 10, item }
        };
        let arrived: Vec<Arrived<u64>> = (first..=last).map(one).collect();
        arrived.into_iter().any(|one| self.resume.arrived(one).is_err())
    }

    fn next(&mut self, step: &Value) {
        let next = self.resume.next_item();
        assert_eq!(json!(next.as_ref().map(|one| one.item)), step["item"], "{step}");
        if let Some(one) = next {
            assert_eq!(one.anew, step["anew"], "{step}");
            self.handed.push(one);
        }
    }

    fn drain(&mut self, step: &Value) {
        let before = self.handed.len();
        self.handed.extend(core::iter::from_fn(|| self.resume.next_item()));
        assert_eq!((self.handed.len() - before) as u64, number(step, "count"), "{step}");
    }

    fn save(&mut self) {
        if let Some(unsaved) = self.resume.unsaved() {
            self.saved = unsaved.position.clone();
            self.resume.saved(unsaved);
        }
    }

    fn look(&mut self, step: &Value) {
        let is = match word(step, "do") {
            "unsaved" => {
                let unsaved = self.resume.unsaved().map(|Unsaved { position, .. }| position);
                return is_position(unsaved.as_ref(), step);
            }
            "saved" => return is_position(Some(&self.saved), step),
            "acknowledgement" => {
                let due = self.resume.next_acknowledgement().map(|cursor| shown(&cursor));
                return assert_eq!(due.unwrap_or_default(), step["cursor"], "{step}");
            }
            "settled" => self.resume.is_settled(),
            "room" => self.resume.has_room(),
            "caught-up-now" => self.resume.is_caught_up(),
            "must-reopen" => self.resume.must_reopen(),
            other => panic!("{other} is no step"),
        };
        assert_eq!(is, step["is"], "{step}");
    }
}

fn is_position(position: Option<&Position>, step: &Value) {
    let found = position.map(|position| shown(&position.cursor)).unwrap_or_default();
    assert_eq!(found, step["cursor"], "{step}");
    if let (Some(position), Some(sequence)) = (position, step["sequence"].as_u64()) {
        assert_eq!(position.sequence.get(), sequence, "{step}");
    }
}

#[test]
fn feeds_resume_as_the_cases_say() {
    let cases = cases("feeds");
    assert!(cases.len() > 15);
    for case in cases {
        let mut feed = Feed::of(&case);
        for step in steps(&case) {
            assert_eq!(feed.take(step), step["fault"] == true, "{}: {step}", case["name"]);
        }
    }
}

fn request(kind: &str) -> Command {
    match kind {
        "Unsubscribe" => {
            let presentity = "pres:b@localhost".parse().unwrap();
            Unsubscribe { operation: OperationId::default(), presentity }.into()
        }
        "RevokeKey" => {
            let device = DeviceId([7; 8]);
            RevokeKey { operation: OperationId::default(), principal: None, device }.into()
        }
        _ => message(),
    }
}

fn message() -> Command {
    let send = Send {
        sender: None,
        inbox: "im:b@localhost".parse().unwrap(),
        receipts: Receipts::NONE,
        id: MessageId::new("m").unwrap(),
        content_type: ContentType::new("text/plain").unwrap(),
        body: Payload::text("x"),
        lifetime: None,
    };
    send.into()
}

fn answer(with: &str) -> Result<Answer, Refused> {
    if with == "done" {
        return Ok(Answer::Sent { duplicate: false });
    }
    let code = RefusalCode::ALL.iter().find(|code| code.as_str() == with).unwrap();
    let (number, message) = (code.number(), String::new());
    Err(Refused { number, code: Some(*code), message, retry_after: None })
}

#[derive(Default)]
struct Asked {
    requests: Requests,
    names: Vec<(Submission, String)>,
}

impl Asked {
    fn take(&mut self, step: &Value) -> bool {
        match word(step, "do") {
            "submit" => {
                let request = request(word(step, "kind"));
                let submission = if step["again"] == true {
                    self.requests.submit_again(request)
                } else {
                    self.requests.submit(request)
                };
                self.names.push((submission, word(step, "name").to_owned()));
            }
            "write" => {
                let mut out = Vec::new();
                let written = core::iter::from_fn(|| self.requests.write_next(&mut out));
                assert_eq!(json!(written.collect::<Vec<u64>>()), step["numbers"], "{step}");
            }
            "connected" => self.requests.connected(),
            "abandon" => {
                let gone = self.requests.abandon_written();
                let gone: Vec<&str> = gone.iter().map(|one| self.name(*one)).collect();
                assert_eq!(json!(gone), step["names"], "{step}");
            }
            _ => return self.answered(step),
        }
        false
    }

    fn name(&self, submission: Submission) -> &str {
        &self.names.iter().find(|(one, _)| *one == submission).unwrap().1
    }

    fn answered(&mut self, step: &Value) -> bool {
        let answer = answer(word(step, "with"));
        let Ok(resolved) = self.requests.answered(number(step, "number"), answer) else {
            return true;
        };
        let resolved = resolved.map(|one| {
            let outcome =
                one.result.map_or_else(|refused| refused.code.unwrap().as_str(), |_| "done");
            json!([self.name(one.submission), outcome])
        });
        assert_eq!(resolved.unwrap_or_default(), step["resolved"], "{step}");
        false
    }
}

#[test]
fn requests_are_repeated_as_the_cases_say() {
    for case in cases("requests") {
        let mut asked = Asked::default();
        for step in steps(&case) {
            assert_eq!(asked.take(step), step["fault"] == true, "{}: {step}", case["name"]);
        }
    }
}

#[test]
fn clients_come_back_as_the_cases_say() {
    for case in cases("back_off") {
        let mut back_off = BackOff::new();
        for step in steps(&case) {
            match word(step, "do") {
                "stay-away" => back_off.stay_away(Duration::from_millis(number(step, "ms"))),
                "lost-after" => back_off.lost_after(Duration::from_millis(number(step, "ms"))),
                _ => {
                    let random = if step["random"] == "most" { u64::MAX } else { 0 };
                    let wait = back_off.next_wait(random);
                    assert_eq!(wait.as_millis(), u128::from(number(step, "ms")), "{step}");
                }
            }
        }
    }
}
