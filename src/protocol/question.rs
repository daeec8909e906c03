//! Every question that changes nothing, in one type; the first frame of a QUERY.
//!
//! Must never hold: what a question holds (see its noun), or a judgement that needs the state of the store.

use super::asked::{Asked, Finding as _};
use super::body;
use super::framed::Framed as _;
use crate::model::Refusal;
use crate::wire::{Body as _, Frame, FrameFault, decode};

macro_rules! questions {
    ($($noun:ident { $($request:tt)* } asks { $($name:ident $word:literal;)* })*) => {
        /// A question, which changes nothing.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Question {
            $($(#[doc = concat!("See [`", stringify!($name), "`](super::", stringify!($name), ").")] $name(super::$name),)*)*
        }

        impl Question {
            /// Reads a question: its kind, for counting, and what it asks, or why it cannot be asked so.
            ///
            /// # Errors
            /// [`FrameFault`] if the frame is none, or does not decode.
            pub fn decode(
                frame: &Frame,
            ) -> Result<(&'static str, Result<Self, Refusal>), FrameFault> {
                match frame.kind {
                    $($(body::$name::KIND => {
                        let body: body::$name = decode(frame)?;
                        Ok(($word, super::$name::from_body(body).map(Self::$name)))
                    })*)*
                    found => Err(FrameFault::Unexpected { found, expected: "a question" }),
                }
            }
        }

        /// What the service finds for a question: a variant for each.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Findings {
            $($(
                #[doc = concat!("See [`", stringify!($name), "`](super::", stringify!($name), ").")]
                $name(<super::$name as Asked>::Answer),
            )*)*
        }

        impl Findings {
            /// Appends the frames of the answer.
            ///
            /// # Panics
            /// As [`encode`](crate::wire::encode).
            pub fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $($(Self::$name(found) => found.write(out),)*)*
                }
            }
        }

        $($(impl From<super::$name> for Question {
            fn from(value: super::$name) -> Self {
                Self::$name(value)
            }
        })*)*
    };
}

nouns! { questions }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RefusalCode, Timestamp};
    use crate::protocol::{ListActs, ListGrants, ListHistory, ListRules, RulesOwner};
    use crate::wire::{Body, Decoder, encode};

    fn asked<B: Body>(body: &B) -> Result<Question, Refusal> {
        let (mut bytes, mut decoder) = (Vec::new(), Decoder::default());
        encode(body, &mut bytes);
        decoder.push(&bytes);
        Question::decode(&decoder.next_frame().unwrap().unwrap()).unwrap().1
    }

    #[test]
    fn a_question_about_nobody_is_about_oneself() {
        let grants = body::ListGrants { owner: String::new() };
        assert_eq!(asked(&grants), Ok(ListGrants { owner: None }.into()));
        let acts = body::ListActs { principal: String::new() };
        assert_eq!(asked(&acts), Ok(ListActs { principal: None }.into()));
    }

    #[test]
    fn rules_are_asked_for_by_presentity_or_domain() {
        let rules = |owner: &str| body::ListRules { owner: owner.to_owned() };
        let owner = RulesOwner::Domain("d.example".parse().unwrap());
        assert_eq!(asked(&rules("@d.example")), Ok(ListRules { owner }.into()));
        let refusal = asked(&rules("alice")).unwrap_err();
        assert_eq!(refusal.code(), RefusalCode::BadAddress);
    }

    #[test]
    fn the_past_is_asked_for_by_its_bounds() {
        let body = body::ListHistory {
            presentity: "pres:alice@d.example".to_owned(),
            since_ms: Some(5),
            until_ms: None,
            limit: 7,
        };
        let presentity = "pres:alice@d.example".parse().unwrap();
        let since = Some(Timestamp::from_ms(5));
        let question = ListHistory { presentity, since, until: None, limit: 7 };
        assert_eq!(asked(&body), Ok(question.into()));
    }

    #[test]
    fn a_request_is_no_question() {
        let frame = Frame { kind: body::Publish::KIND, body: bytes::Bytes::new() };
        assert!(matches!(Question::decode(&frame), Err(FrameFault::Unexpected { .. })));
    }
}
