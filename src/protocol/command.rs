//! Every request that may change state, in one type; the frames of CONTROL, from the client.
//!
//! Must never hold: what a request holds (see its noun), or a judgement that needs the state of the store.

use super::body;
use super::framed::Framed as _;
use super::request::{Answer, NamedBy, Request as _};
use crate::model::{OperationId, Principal, Refusal, RefusalCode};
use crate::wire::{Body, Frame, FrameFault, decode, encode, request_number};

/// A request as far as it was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requested {
    /// The client's number for the answer.
    pub number: u64,
    /// The kind of request, for counting.
    pub kind: &'static str,
    /// What it asks, or why it cannot be asked so.
    pub command: Result<Command, Refusal>,
}

macro_rules! commands {
    ($($noun:ident { $($name:ident $word:literal;)* } asks { $($question:tt)* })*) => {
        /// A request that may change state.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Command {
            $($(#[doc = concat!("See [`", stringify!($name), "`](super::", stringify!($name), ").")] $name(super::$name),)*)*
        }

        impl Command {
            /// Appends the request's frame under `number`. Numbers belong to one connection, while a request outlives it.
            ///
            /// # Panics
            /// As [`encode`].
            pub fn encode(&self, number: u64, out: &mut Vec<u8>) {
                match self {
                    $($(Self::$name(value) => {
                        encode(&body::$name { request: number, ..value.to_body() }, out);
                    })*)*
                }
            }

            /// Reads a request; `None` for a frame that is to be passed over.
            ///
            /// # Errors
            /// [`FrameFault`] if not even the request's number can be read, or the frame belongs elsewhere: then the
            /// peer does not speak this protocol and the connection must end.
            pub fn decode(frame: &Frame) -> Result<Option<Requested>, FrameFault> {
                match frame.kind {
                    $($(body::$name::KIND => requested(
                        frame,
                        $word,
                        |body: &body::$name| body.request,
                        |body| super::$name::from_body(body).map(Self::$name),
                    ),)*)*
                    _ if frame.is_ignorable() => return Ok(None),
                    kind => unknown(frame, kind),
                }
                .map(Some)
            }

            /// The word of every kind of request.
            pub const KINDS: &[&str] = &[$($($word,)*)*];

            /// The kind of request, for counting.
            pub const fn kind(&self) -> &'static str {
                match self {
                    $($(Self::$name(_) => $word,)*)*
                }
            }

            /// The name of the operation, and whose name it is; `None` for what has a name of another kind.
            pub fn operation(&self) -> Option<(NamedBy, OperationId)> {
                match self {
                    $($(Self::$name(value) => value.operation(),)*)*
                }
            }

            /// What it is about when `asker` asks it, in words that never change.
            pub fn subject(&self, asker: &Principal) -> String {
                match self {
                    $($(Self::$name(value) => value.subject(asker),)*)*
                }
            }

            /// How much it brings to be taken in beside itself: KiB of a body or document, entries of a list.
            pub fn weight(&self) -> usize {
                match self {
                    $($(Self::$name(value) => value.weight(),)*)*
                }
            }

            /// What a repeat that is refused with `code` means, if the first one was done after all.
            pub fn done_before(&self, code: RefusalCode) -> Option<Answer> {
                match self {
                    $($(Self::$name(value) => value.done_before(code),)*)*
                }
            }
        }

        $($(impl From<super::$name> for Command {
            fn from(value: super::$name) -> Self {
                Self::$name(value)
            }
        })*)*
    };
}

nouns! { commands }

/// Reads the request in a frame of the kind of `B`.
fn requested<B: Body>(
    frame: &Frame,
    kind: &'static str,
    number: impl FnOnce(&B) -> u64,
    read: impl FnOnce(B) -> Result<Command, Refusal>,
) -> Result<Requested, FrameFault> {
    match decode::<B>(frame) {
        Ok(body) => Ok(Requested { number: number(&body), kind, command: read(body) }),
        Err(fault) => match (request_number(frame), fault.refusal()) {
            (Some(number), Some(refusal)) => Ok(Requested { number, kind, command: Err(refusal) }),
            _ => Err(fault),
        },
    }
}

fn unknown(frame: &Frame, kind: u16) -> Result<Requested, FrameFault> {
    let belongs_elsewhere = body::KINDS.iter().any(|(known, _)| *known == kind);
    match request_number(frame) {
        Some(number) if !belongs_elsewhere => {
            Ok(Requested { number, kind: "unknown", command: Err(Refusal::UnknownKind { kind }) })
        }
        _ => Err(FrameFault::Unexpected { found: kind, expected: "a request" }),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::model::limits::BODY_BYTES_MAX;
    use crate::wire::Decoder;

    fn message() -> body::Send {
        body::Send {
            request: 7,
            inbox: "im:bob@d.example".to_owned(),
            sender: String::new(),
            id: "m1".to_owned(),
            content_type: "text/plain".to_owned(),
            body: Bytes::from_static(b"lunch?"),
            lifetime_ms: None,
            receipts: None,
        }
    }

    fn frames(bytes: &[u8]) -> Frame {
        let mut decoder = Decoder::default();
        decoder.push(bytes);
        decoder.next_frame().unwrap().unwrap()
    }

    fn frame<B: Body>(body: &B) -> Frame {
        let mut bytes = Vec::new();
        encode(body, &mut bytes);
        frames(&bytes)
    }

    fn refusal(frame: &Frame) -> (u64, RefusalCode) {
        let request = Command::decode(frame).unwrap().unwrap();
        (request.number, request.command.unwrap_err().code())
    }

    #[test]
    fn a_good_request_becomes_its_command_and_is_written_as_it_was() {
        let request = Command::decode(&frame(&message())).unwrap().unwrap();
        assert_eq!((request.number, request.kind), (7, "send"));
        let command = request.command.unwrap();
        assert!(matches!(&command, Command::Send(sent) if sent.inbox.account() == "bob@d.example"));
        let mut bytes = Vec::new();
        command.encode(300, &mut bytes);
        assert_eq!(frames(&bytes), frame(&body::Send { request: 300, ..message() }));
    }

    #[test]
    fn a_sender_that_is_not_named_is_the_one_who_sends() {
        let sender = |sender: &str| frame(&body::Send { sender: sender.to_owned(), ..message() });
        let sent_by = |name: &str| match Command::decode(&sender(name)).unwrap().unwrap().command {
            Ok(Command::Send(sent)) => sent.sender.map(|sender| sender.to_string()),
            other => panic!("{other:?}"),
        };
        assert_eq!(sent_by(""), None);
        assert_eq!(sent_by("Alice@D.example").as_deref(), Some("alice@d.example"));
        assert_eq!(sent_by("group@d.example").as_deref(), Some("group@d.example"));
        assert_eq!(refusal(&sender("nobody")), (7, RefusalCode::BadAddress));
    }

    #[test]
    fn each_wrong_field_has_its_own_code() {
        let too_long = vec![0; BODY_BYTES_MAX + 1].into();
        let wrong = [
            (body::Send { inbox: "im:".to_owned(), ..message() }, RefusalCode::BadAddress),
            (body::Send { id: String::new(), ..message() }, RefusalCode::BadField),
            (body::Send { body: Bytes::new(), ..message() }, RefusalCode::BadField),
            (body::Send { body: too_long, ..message() }, RefusalCode::TooLarge),
        ];
        for (body, code) in wrong {
            assert_eq!(refusal(&frame(&body)), (7, code));
        }
    }

    #[test]
    fn a_body_that_does_not_decode_is_refused_by_its_number() {
        let mut broken = frame(&message());
        broken.body = broken.body.slice(..3);
        assert_eq!(refusal(&broken), (7, RefusalCode::Malformed));
        let mut bytes = frame(&message()).body.to_vec();
        bytes[3] = 0xff;
        let not_text = Frame { kind: body::Send::KIND, body: bytes.into() };
        assert_eq!(refusal(&not_text), (7, RefusalCode::BadUtf8));
    }

    #[test]
    fn an_unknown_kind_is_refused_or_passed_over_by_its_range() {
        let unknown = Frame { kind: 0x7f00, body: Bytes::from_static(&[9, 1, 2]) };
        assert_eq!(refusal(&unknown), (9, RefusalCode::UnknownKind));
        let ignorable = Frame { kind: 0x8f00, body: Bytes::new() };
        assert!(Command::decode(&ignorable).unwrap().is_none());
    }

    #[test]
    fn a_frame_that_belongs_elsewhere_or_has_no_number_ends_the_connection() {
        let elsewhere = Frame { kind: 0x0001, body: Bytes::from_static(&[1, 2, 3]) };
        assert!(Command::decode(&elsewhere).is_err());
        let numberless = Frame { kind: body::Send::KIND, body: Bytes::new() };
        assert!(Command::decode(&numberless).is_err());
    }
}
