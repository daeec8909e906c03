//! Answers on CONTROL: as the server writes them and as a device reads them.
//!
//! Must never hold: what an answer means to anybody.

use adsum::client::{Answer, Refused};
use adsum::model::{Lifetime, Refusal, Role, Tag};
use adsum::service::{Actor, Reply};
use adsum::wire::body::{self, Body};
use adsum::wire::{Frame, VERSION, convert, decode, encode};

/// Writes the answer to the request `number`.
pub(crate) fn write(number: u64, result: &Result<Reply, Refusal>) -> Vec<u8> {
    let (mut out, request) = (Vec::new(), number);
    match result {
        Err(refusal) => encode(&convert::refused(number, refusal), &mut out),
        Ok(Reply::Published { tag, granted }) => {
            let granted_ms = granted.as_ms();
            encode(&body::Published { request, tag: tag.0, granted_ms }, &mut out);
        }
        Ok(Reply::Subscribed { state, granted }) => {
            let (state, granted_ms) = (convert::state_numbers(*state).0, granted.as_ms());
            encode(&body::Subscribed { request, state, granted_ms }, &mut out);
        }
        Ok(Reply::Unsubscribed) => encode(&body::Unsubscribed { request }, &mut out),
        Ok(Reply::Sent { duplicate }) => {
            encode(&body::Sent { request, duplicate: *duplicate }, &mut out);
        }
        Ok(Reply::Deleted { count }) => {
            encode(&body::Deleted { request, count: *count }, &mut out);
        }
        Ok(reply) => panic!("{reply:?} answers no request"),
    }
    out
}

/// Writes the word that the session may act.
pub(crate) fn welcome(actor: &Actor, role: Role, now: u64) -> Vec<u8> {
    let welcome = body::Welcome {
        version: VERSION,
        features: 0,
        principal: actor.principal.to_string(),
        device: actor.device.0,
        role: convert::role_number(role),
        enrolled: false,
        durability: 1,
        time_ms: now,
        server: "simulated".to_owned(),
    };
    let mut out = Vec::new();
    encode(&welcome, &mut out);
    out
}

/// What a device reads on CONTROL.
#[derive(Debug)]
pub(crate) enum Word {
    Welcome,
    Answer(u64, Result<Answer, Refused>),
    Goaway(body::Goaway),
}

/// Reads a frame of CONTROL.
pub(crate) fn read(frame: &Frame) -> Word {
    fn body<B: Body>(frame: &Frame) -> B {
        decode(frame).expect("an answer that was encoded decodes")
    }
    let (number, answer) = match frame.kind {
        body::Welcome::KIND => return Word::Welcome,
        body::Goaway::KIND => return Word::Goaway(body(frame)),
        body::Refused::KIND => {
            let refused: body::Refused = body(frame);
            return Word::Answer(refused.request, Err(refused.into()));
        }
        body::Published::KIND => {
            let body: body::Published = body(frame);
            let granted = Lifetime::from_ms(body.granted_ms);
            (body.request, Answer::Published { tag: Tag(body.tag), granted })
        }
        body::Subscribed::KIND => {
            let body: body::Subscribed = body(frame);
            let state = convert::state(body.state, 0).expect("the state is known");
            let granted = Lifetime::from_ms(body.granted_ms);
            (body.request, Answer::Subscribed { state, granted })
        }
        body::Unsubscribed::KIND => {
            (body::<body::Unsubscribed>(frame).request, Answer::Unsubscribed)
        }
        body::Sent::KIND => {
            let body: body::Sent = body(frame);
            (body.request, Answer::Sent { duplicate: body.duplicate })
        }
        body::Deleted::KIND => {
            let body: body::Deleted = body(frame);
            (body.request, Answer::Deleted { count: body.count })
        }
        kind => panic!("kind {kind:#06x} came on CONTROL"),
    };
    Word::Answer(number, Ok(answer))
}
