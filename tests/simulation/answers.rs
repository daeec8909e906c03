//! Answers on CONTROL as a device reads them.
//!
//! Must never hold: what an answer means to anybody.

use adsum::client::{Answer, Refused};
use adsum::protocol::Framed;
use adsum::protocol::body::{self, Body};
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
        _ => Answer::decode(frame).expect("an answer that was encoded decodes"),
    };
    Word::Answer(number, Ok(answer))
}

/// The typed value of a body that is valid.
pub(crate) fn valid<T: Framed>(body: T::Body) -> T {
    T::from_body(body).expect("devices say what is valid")
}
