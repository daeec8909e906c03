//! Answers on CONTROL as frames, both ways.
//!
//! Must never hold: an answer to a question; those have streams of their own.

use super::body;
use super::field::Field;
use super::framed::ReadFault;
use super::request::Answer;
use crate::wire::{Body as _, Frame, FrameFault, decode, encode};

macro_rules! answers {
    ($($name:ident { $($there:ident = $here:ident),* })*) => {
        impl Answer {
            /// Appends the frame that answers the request of this number.
            ///
            /// # Panics
            /// As [`encode`].
            pub fn encode(&self, request: u64, out: &mut Vec<u8>) {
                match self {
                    $(Self::$name { $($here),* } => {
                        encode(&body::$name { request, $($there: $here.to_wire()),* }, out);
                    })*
                }
            }

            /// Reads an answer and the number of its request.
            ///
            /// # Errors
            /// [`ReadFault`], also for a frame that is no answer.
            pub fn decode(frame: &Frame) -> Result<(u64, Self), ReadFault> {
                match frame.kind {
                    $(body::$name::KIND => {
                        let body: body::$name = decode(frame)?;
                        let answer = Self::$name { $($here: Field::from_wire(body.$there)?),* };
                        Ok((body.request, answer))
                    })*
                    found => Err(FrameFault::Unexpected { found, expected: "an answer" }.into()),
                }
            }
        }
    };
}

// What each field is called in the body, and what here.
answers! {
    Published { tag = tag, granted_ms = granted }
    Subscribed { state = state, granted_ms = granted }
    Unsubscribed {}
    Sent { duplicate = duplicate }
    Deleted { count = count }
    Invited { expires_at_ms = expires_at }
    KeyRevoked {}
    Changed { version = version }
    Erased { certificate = certificate }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Lifetime, SubscriptionState, Tag, Timestamp};
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
            Answer::Erased { certificate: "{}".to_owned() },
        ];
        let (mut out, mut decoder) = (Vec::new(), Decoder::default());
        for (number, answer) in (300..).zip(&answers) {
            answer.encode(number, &mut out);
        }
        decoder.push(&out);
        for (number, answer) in (300..).zip(answers) {
            let frame = decoder.next_frame().unwrap().unwrap();
            assert_eq!(Answer::decode(&frame), Ok((number, answer)));
        }
    }
}
