//! Answers on CONTROL as frames, both ways.
//!
//! Must never hold: an answer to a question; those have streams of their own.

use super::body;
use super::framed::ReadFault;
use super::request::Answer;
use super::subscribe::{state, state_numbers};
use crate::model::{Lifetime, Tag, Timestamp};
use crate::wire::{Body as _, Frame, FrameFault, decode, encode};

impl Answer {
    /// Appends the frame that answers the request of this number.
    ///
    /// # Panics
    /// As [`encode`].
    pub fn encode(&self, request: u64, out: &mut Vec<u8>) {
        match *self {
            Self::Published { tag, granted } => {
                encode(&body::Published { request, tag: tag.0, granted_ms: granted.as_ms() }, out);
            }
            Self::Subscribed { state, granted } => {
                let ((state, _), granted_ms) = (state_numbers(state), granted.as_ms());
                encode(&body::Subscribed { request, state, granted_ms }, out);
            }
            Self::Unsubscribed => encode(&body::Unsubscribed { request }, out),
            Self::Sent { duplicate } => encode(&body::Sent { request, duplicate }, out),
            Self::Deleted { count } => encode(&body::Deleted { request, count }, out),
            Self::Invited { expires_at } => {
                encode(&body::Invited { request, expires_at_ms: expires_at.as_ms() }, out);
            }
            Self::KeyRevoked => encode(&body::KeyRevoked { request }, out),
            Self::Changed { version } => encode(&body::Changed { request, version }, out),
        }
    }

    /// Reads an answer and the number of its request.
    ///
    /// # Errors
    /// [`ReadFault`], also for a frame that is no answer.
    pub fn decode(frame: &Frame) -> Result<(u64, Self), ReadFault> {
        Ok(match frame.kind {
            body::Published::KIND => {
                let body: body::Published = decode(frame)?;
                let (tag, granted) = (Tag(body.tag), Lifetime::from_ms(body.granted_ms));
                (body.request, Self::Published { tag, granted })
            }
            body::Subscribed::KIND => {
                let body: body::Subscribed = decode(frame)?;
                let (state, granted) = (state(body.state, 0)?, Lifetime::from_ms(body.granted_ms));
                (body.request, Self::Subscribed { state, granted })
            }
            body::Unsubscribed::KIND => {
                (decode::<body::Unsubscribed>(frame)?.request, Self::Unsubscribed)
            }
            body::Sent::KIND => {
                let body: body::Sent = decode(frame)?;
                (body.request, Self::Sent { duplicate: body.duplicate })
            }
            body::Deleted::KIND => {
                let body: body::Deleted = decode(frame)?;
                (body.request, Self::Deleted { count: body.count })
            }
            body::Invited::KIND => {
                let body: body::Invited = decode(frame)?;
                let expires_at = Timestamp::from_ms(body.expires_at_ms);
                (body.request, Self::Invited { expires_at })
            }
            body::KeyRevoked::KIND => {
                (decode::<body::KeyRevoked>(frame)?.request, Self::KeyRevoked)
            }
            body::Changed::KIND => {
                let body: body::Changed = decode(frame)?;
                (body.request, Self::Changed { version: body.version })
            }
            found => return Err(FrameFault::Unexpected { found, expected: "an answer" }.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SubscriptionState;
    use crate::wire::Decoder;

    #[test]
    fn every_answer_reads_back_with_the_number_of_its_request() {
        let (tag, granted) = (Tag([7; 16]), Lifetime::from_ms(5));
        let answers = [
            Answer::Published { tag, granted },
            Answer::Subscribed { state: SubscriptionState::Pending, granted },
            Answer::Unsubscribed,
            Answer::Sent { duplicate: true },
            Answer::Deleted { count: 3 },
            Answer::Invited { expires_at: Timestamp::from_ms(9) },
            Answer::KeyRevoked,
            Answer::Changed { version: 4 },
        ];
        let (mut out, mut decoder) = (Vec::new(), Decoder::default());
        for (number, answer) in (300..).zip(answers) {
            answer.encode(number, &mut out);
        }
        decoder.push(&out);
        for (number, answer) in (300..).zip(answers) {
            let frame = decoder.next_frame().unwrap().unwrap();
            assert_eq!(Answer::decode(&frame), Ok((number, answer)));
        }
    }
}
