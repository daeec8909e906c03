//! What the server says on CONTROL: first whether the device may act, then answers.
//!
//! Must never hold: the order of answers (see `resume`).

use super::frames::{Frames, decode};
use crate::client::error::{ClientError, Refused};
use crate::model::{Lifetime, RefusalCode};
use crate::protocol::Answer;
use crate::protocol::body::{self, Body as _};
use crate::wire::Frame;

/// What comes before anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The session may act.
    Welcome(body::Welcome),
    /// What a device is to sign that brought no proof along.
    Challenge([u8; 32]),
}

/// One frame from the server on CONTROL after `Welcome`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlEvent {
    /// An answer.
    Answer {
        /// The number of the request on this connection.
        number: u64,
        /// Yes or no.
        result: Result<Answer, Refused>,
    },
    /// The server is about to go.
    Goaway(body::Goaway),
}

/// A server that goes away before it lets anybody in refuses in its own way.
fn going_away(goaway: &body::Goaway) -> Refused {
    let code = RefusalCode::GoingAway;
    Refused {
        number: code.number(),
        code: Some(code),
        message: "the server is going away; connect again in a moment".into(),
        retry_after: Some(Lifetime::from_ms(goaway.reconnect_after_ms)),
    }
}

impl Admission {
    /// Whether the device may act, from what came on CONTROL, if it did.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the server does not let this device in, [`ClientError::Protocol`] for anything else.
    pub fn next(frames: &mut Frames) -> Result<Option<Self>, ClientError> {
        while let Some(frame) = frames.next_frame()? {
            if let Some(admission) = Self::of(&frame)? {
                return Ok(Some(admission));
            }
        }
        Ok(None)
    }

    /// Reads a frame; `None` for a kind that may be passed over.
    fn of(frame: &Frame) -> Result<Option<Self>, ClientError> {
        Ok(Some(match frame.kind {
            body::Refused::KIND => {
                let refused: body::Refused = decode(frame)?;
                return Err(ClientError::Refused(refused.into()));
            }
            body::Goaway::KIND => return Err(ClientError::Refused(going_away(&decode(frame)?))),
            body::Challenge::KIND => Self::Challenge(decode::<body::Challenge>(frame)?.nonce),
            _ if frame.is_ignorable() => return Ok(None),
            _ => Self::Welcome(decode(frame)?),
        }))
    }
}

impl ControlEvent {
    /// The next answer or announcement behind the admission, if it came. Kinds that may be passed over are.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] for what may not come on CONTROL.
    pub fn next(frames: &mut Frames) -> Result<Option<Self>, ClientError> {
        while let Some(frame) = frames.next_frame()? {
            if let Some(event) = Self::of(&frame)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// Reads a frame; `None` for a kind that may be passed over.
    fn of(frame: &Frame) -> Result<Option<Self>, ClientError> {
        let (number, result) = match frame.kind {
            body::Refused::KIND => {
                let refused: body::Refused = decode(frame)?;
                (refused.request, Err(refused.into()))
            }
            body::Goaway::KIND => return decode(frame).map(|goaway| Some(Self::Goaway(goaway))),
            _ if frame.is_ignorable() => return Ok(None),
            _ => {
                let (number, answer) = Answer::decode(frame).map_err(ClientError::protocol)?;
                (number, Ok(answer))
            }
        };
        Ok(Some(Self::Answer { number, result }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Body, encode};

    fn frames(write: impl FnOnce(&mut Vec<u8>)) -> Frames {
        let (mut out, mut frames) = (Vec::new(), Frames::default());
        write(&mut out);
        frames.push(&out);
        frames
    }

    fn saying<B: Body>(body: &B) -> Frames {
        frames(|out| encode(body, out))
    }

    fn unknown(kind: u16) -> Frames {
        frames(|out| {
            out.extend(2_u32.to_be_bytes());
            out.extend(kind.to_be_bytes());
        })
    }

    #[test]
    fn an_unknown_kind_is_passed_over_or_is_a_breach_by_its_number() {
        assert_eq!(ControlEvent::next(&mut unknown(0x9000)).unwrap(), None);
        assert_eq!(Admission::next(&mut unknown(0x9000)).unwrap(), None);
        let breach = ControlEvent::next(&mut unknown(0x0199));
        assert!(matches!(breach, Err(ClientError::Protocol { .. })));
        let breach = Admission::next(&mut unknown(0x0199));
        assert!(matches!(breach, Err(ClientError::Protocol { .. })));
    }

    #[test]
    fn an_answer_tells_its_request() {
        let event = ControlEvent::next(&mut saying(&body::Sent { request: 9, duplicate: true }));
        let result = Ok(Answer::Sent { duplicate: true });
        assert_eq!(event.unwrap(), Some(ControlEvent::Answer { number: 9, result }));
        let event = ControlEvent::next(&mut saying(&body::Changed { request: 4, version: 7 }));
        let result = Ok(Answer::Changed { version: 7 });
        assert_eq!(event.unwrap(), Some(ControlEvent::Answer { number: 4, result }));
    }

    #[test]
    fn a_server_that_goes_away_lets_nobody_in_and_says_when_to_come_back() {
        let goaway = body::Goaway { deadline_ms: 1_000, reconnect_after_ms: 70 };
        let Err(ClientError::Refused(refused)) = Admission::next(&mut saying(&goaway)) else {
            panic!("it was let in")
        };
        assert!(refused.is(RefusalCode::GoingAway));
        assert_eq!(refused.message, "the server is going away; connect again in a moment");
        assert_eq!(refused.retry_after, Some(Lifetime::from_ms(70)));
        assert_eq!(
            ControlEvent::next(&mut saying(&goaway)).unwrap(),
            Some(ControlEvent::Goaway(goaway))
        );
    }
}
