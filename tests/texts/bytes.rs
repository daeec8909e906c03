//! Frames with a field that is not valid: every sample with its bytes and its additions changed.
//!
//! Must never hold: a value of its own.

use adsum::model::{AccessRule, DeliveryRule};
use adsum::protocol::body::{self, Body, KindVisitor, visit_kind};
use adsum::protocol::{
    ActRow, Administer, Change, Command, Delete, DeliveryState, DeviceKey, FeedOpen, FeedReady,
    Framed, Presence, Publish, Question, ReadFault, Send, ServerDescription, SubscriptionRow,
    VisibilityRow, read, samples,
};
use adsum::wire::{Ext, Frame, decode, encode_extended};

use super::Told;

/// Tells of each.
pub(crate) fn tell(told: &mut Told) {
    several_fields(told);
    for sample in samples() {
        let frame = frame_of(&sample.frame);
        for at in 0..frame.body.len() {
            for value in [0, 1, 7, 9, 100] {
                let mut body = frame.body.to_vec();
                body[at] = value;
                refusals(&Frame { kind: frame.kind, body: body.into() }, told);
            }
        }
        for tag in 1..5 {
            let ext = vec![Ext { tag, value: b"odd".to_vec().into() }];
            if let Some(Some(changed)) = visit_kind(frame.kind, Extended { frame: &frame, ext }) {
                refusals(&changed, told);
            }
        }
    }
}

/// The sample of `B` with a change that no single byte makes.
fn changed<B: Body>(change: impl FnOnce(&mut B)) -> B {
    let sample = samples().into_iter().find(|sample| sample.title == B::NAME).unwrap();
    let mut body = decode(&frame_of(&sample.frame)).unwrap();
    change(&mut body);
    body
}

fn several_fields(told: &mut Told) {
    let empty = changed::<body::Send>(|send| send.body = bytes::Bytes::new());
    told.of("body", Send::from_body(empty));
    let both = changed::<body::Publish>(|publish| {
        (publish.if_match, publish.lifetime_ms) = (Some([9; 16]), Some(0));
    });
    told.of("lifetime", Publish::from_body(both));
    let neither = changed::<body::Publish>(|publish| publish.document = None);
    told.of("publish", Publish::from_body(neither));
    let both_named = changed::<body::Delete>(|delete| {
        (delete.sequences, delete.sender) = (vec![1], Some("bob@b.example".into()));
    });
    told.of("list of messages", Delete::from_body(both_named));
    let action = changed::<body::Delivery>(|row| {
        (row.rule.action, row.rule.reason) = (9, String::new());
    });
    told.of("action", DeliveryRule::from_body(action));
    let act = |number| {
        changed::<body::Administer>(|act| {
            (act.act, act.presence, act.messaging) = (number, 0, 0);
        })
    };
    told.of("act", Administer::from_body(act(10)));
    told.of("keeping", Administer::from_body(act(9)));
}

fn frame_of(bytes: &[u8]) -> Frame {
    let kind = u16::from_be_bytes([bytes[4], bytes[5]]);
    Frame { kind, body: bytes[6..].to_vec().into() }
}

/// A frame whose additions are replaced by `ext`.
struct Extended<'a> {
    frame: &'a Frame,
    ext: Vec<Ext>,
}

impl KindVisitor for Extended<'_> {
    type Output = Option<Frame>;

    fn visit<B: Body>(self) -> Option<Frame> {
        let mut out = Vec::new();
        encode_extended(&decode::<B>(self.frame).ok()?, &self.ext, &mut out);
        Some(frame_of(&out))
    }
}

fn refusals(frame: &Frame, told: &mut Told) {
    let mut found = Vec::new();
    if let Ok(Some(asked)) = Command::decode(frame) {
        found.extend(asked.command.err());
    }
    if let Ok((_, Err(refusal))) = Question::decode(frame) {
        found.push(refusal);
    }
    let mut answer = |read: Option<ReadFault>| {
        if let Some(ReadFault::Field(refusal)) = read {
            found.push(refusal);
        }
    };
    answer(fault::<FeedOpen>(frame));
    answer(fault::<FeedReady>(frame));
    answer(fault::<DeliveryState>(frame));
    answer(fault::<DeliveryRule>(frame));
    answer(fault::<AccessRule>(frame));
    answer(fault::<ActRow>(frame));
    answer(fault::<Change>(frame));
    answer(fault::<DeviceKey>(frame));
    answer(fault::<Presence>(frame));
    answer(fault::<ServerDescription>(frame));
    answer(fault::<SubscriptionRow>(frame));
    answer(fault::<VisibilityRow>(frame));
    for refusal in found {
        let text = refusal.to_string();
        if !told.texts.contains(&text) {
            told.that("the ", &text);
        }
    }
}

fn fault<T: Framed>(frame: &Frame) -> Option<ReadFault> {
    read::<T>(frame).err()
}
