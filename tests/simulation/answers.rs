//! Answers on CONTROL as a device reads them.
//!
//! Must never hold: what an answer means to anybody.

use adsum::client::{Answer, Refused};
use adsum::model::{Lifetime, Tag, Timestamp};
use adsum::protocol::body::{self, Body};
use adsum::protocol::convert;
use adsum::wire::{Frame, decode};

/// What a device reads on CONTROL.
#[derive(Debug)]
pub(crate) enum Word {
    Welcome,
    Answer(u64, Result<Answer, Refused>),
    Goaway(body::Goaway),
    Challenge([u8; 32]),
}

/// Reads a frame of CONTROL.
pub(crate) fn read(frame: &Frame) -> Word {
    fn body<B: Body>(frame: &Frame) -> B {
        decode(frame).expect("an answer that was encoded decodes")
    }
    let (number, answer) = match frame.kind {
        body::Welcome::KIND => return Word::Welcome,
        body::Goaway::KIND => return Word::Goaway(body(frame)),
        body::Challenge::KIND => return Word::Challenge(body::<body::Challenge>(frame).nonce),
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
        body::Invited::KIND => {
            let body: body::Invited = body(frame);
            let expires_at = Timestamp::from_ms(body.expires_at_ms);
            (body.request, Answer::Invited { expires_at })
        }
        body::KeyRevoked::KIND => (body::<body::KeyRevoked>(frame).request, Answer::KeyRevoked),
        body::Changed::KIND => {
            let body: body::Changed = body(frame);
            (body.request, Answer::Changed { version: body.version })
        }
        kind => panic!("kind {kind:#06x} came on CONTROL"),
    };
    Word::Answer(number, Ok(answer))
}
