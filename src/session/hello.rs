//! The first frames of a connection: who it says it is, the proof, and the service's yes or no.
//!
//! Must never hold: an answer that leaves before the proof was checked, except the challenge itself.

use std::sync::Arc;

use super::connection::{Close, Connection, Fresh};
use super::lane::Lane;
use super::step::{Claim, Note};
use crate::model::limits::HELLO_BYTES_MAX;
use crate::model::{DeviceLabel, InviteId, Principal, PublicKey, Refusal, Timestamp};
use crate::protocol::Field as _;
use crate::protocol::body::{Body, Challenge, ChallengeAnswer, Hello, Welcome};
use crate::protocol::identity::{DURABILITY_SYNCED, PROOF_CHALLENGE, PROOF_EXPORTER};
use crate::protocol::server::SOFTWARE;
use crate::service::{self, Actor, Input, Reply, Ticket};
use crate::wire::{
    CHALLENGE_CONTEXT, CloseCode, Decoder, EXPORTER_CONTEXT, FrameFault, VERSION, decode, encode,
};

/// What a frame has beside its body: length and kind.
const FRAME_HEAD_BYTES: usize = 6;

/// A decoder for the frames of a peer that has proven nothing.
pub(super) fn decoder() -> Decoder {
    Decoder::new(HELLO_BYTES_MAX)
}

/// What the introduction of a peer wants next.
pub(super) enum HelloStep {
    /// Write this frame.
    Write(Vec<u8>),
    /// Check this proof, then call [`Introduction::proven`].
    Prove(Claim),
    /// Ask the service.
    Ask(Input),
    /// The peer is let in; write the welcome.
    LetIn(Arc<Actor>, Vec<u8>),
    /// The peer is turned away.
    TurnAway(Refusal),
    /// The peer does not speak the protocol.
    Close(Close),
    /// Nothing, until something is heard.
    Wait,
}

/// How far the introduction has come.
enum Stage {
    Hello,
    Proof,
    ChallengeAnswer,
    Proven(bool),
    /// The service has the word.
    Asked,
    Answered(Result<Reply, Refusal>, Timestamp),
}

/// A peer that introduces itself.
pub(super) struct Introduction {
    connection: Arc<Connection>,
    hello: Option<Hello>,
    who: Option<Who>,
    stage: Stage,
    /// The peer ended its half.
    is_ended: bool,
    /// Bytes of frames that were passed over.
    passed_over: usize,
}

impl Introduction {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            hello: None,
            who: None,
            stage: Stage::Hello,
            is_ended: false,
            passed_over: 0,
        }
    }

    /// Whether a frame of the peer is due.
    pub(super) fn wants_frame(&self) -> bool {
        !self.is_ended && matches!(self.stage, Stage::Hello | Stage::ChallengeAnswer)
    }

    /// The peer ended its half.
    pub(super) fn ended(&mut self) {
        self.is_ended = true;
    }

    /// Whether the proof asked for holds.
    pub(super) fn proven(&mut self, holds: bool) {
        self.stage = Stage::Proven(holds);
    }

    /// The service answered, at `now`.
    pub(super) fn answered(&mut self, answer: Result<Reply, Refusal>, now: Timestamp) {
        self.stage = Stage::Answered(answer, now);
    }

    /// What to do next.
    pub(super) fn next_step(
        &mut self,
        decoder: &mut Decoder,
        lane: &mut Lane,
        notes: &mut Vec<Note>,
    ) -> HelloStep {
        match core::mem::replace(&mut self.stage, Stage::Asked) {
            Stage::Hello => self.hear_hello(decoder),
            Stage::ChallengeAnswer => self.hear_answer(decoder),
            Stage::Proven(false) => HelloStep::TurnAway(Refusal::BadProof),
            Stage::Proven(true) => {
                let who = self.who.take().expect("a proof is checked after the Hello was read");
                if matches!(who, Who::Anonymous(_)) {
                    self.connection.ask_anonymously();
                }
                HelloStep::Ask(who.input(lane.ticket().1, &self.connection.fresh))
            }
            Stage::Answered(Ok(reply), now) => self.let_in(reply, now, notes),
            Stage::Answered(Err(refusal), _) => HelloStep::TurnAway(refusal),
            waiting @ (Stage::Proof | Stage::Asked) => {
                self.stage = waiting;
                HelloStep::Wait
            }
        }
    }

    fn hear_hello(&mut self, decoder: &mut Decoder) -> HelloStep {
        let hello: Hello = match self.expect(decoder, "Hello") {
            Ok(Some(hello)) => hello,
            Ok(None) => {
                self.stage = Stage::Hello;
                return HelloStep::Wait;
            }
            Err(close) => return HelloStep::Close(close),
        };
        match who(&hello) {
            Ok(who) => self.ask_proof(hello, who),
            Err(refusal) => HelloStep::TurnAway(refusal),
        }
    }

    fn ask_proof(&mut self, hello: Hello, who: Who) -> HelloStep {
        self.who = Some(who);
        let (proof, signature) = (hello.proof, hello.signature.clone());
        let hello = self.hello.insert(hello);
        match proof {
            PROOF_EXPORTER => {
                self.stage = Stage::Proof;
                HelloStep::Prove(claim(hello, EXPORTER_CONTEXT, None, signature))
            }
            PROOF_CHALLENGE if !signature.is_empty() => HelloStep::TurnAway(Refusal::bad_field(
                "signature",
                "means nothing without a proof; leave it empty",
            )),
            PROOF_CHALLENGE => {
                self.stage = Stage::ChallengeAnswer;
                let nonce = self.connection.fresh.nonce;
                HelloStep::Write(frame(&Challenge { nonce }))
            }
            _ => HelloStep::TurnAway(Refusal::bad_field(
                "proof",
                "is neither 0 (challenge) nor 1 (exporter); send one of them",
            )),
        }
    }

    fn hear_answer(&mut self, decoder: &mut Decoder) -> HelloStep {
        let answer: ChallengeAnswer = match self.expect(decoder, "ChallengeAnswer") {
            Ok(Some(answer)) => answer,
            Ok(None) => {
                self.stage = Stage::ChallengeAnswer;
                return HelloStep::Wait;
            }
            Err(close) => return HelloStep::Close(close),
        };
        self.stage = Stage::Proof;
        let hello = self.hello.as_ref().expect("a challenge follows a Hello");
        let fresh = Some(self.connection.fresh.nonce);
        HelloStep::Prove(claim(hello, CHALLENGE_CONTEXT, fresh, answer.signature))
    }

    /// The next frame, which must be of this kind; `None` until it is there.
    fn expect<B: Body>(&mut self, decoder: &mut Decoder, name: &str) -> Result<Option<B>, Close> {
        let close = |fault: FrameFault| (fault.close_code(), fault.to_string());
        while let Some(frame) = decoder.next_frame().map_err(close)? {
            if !frame.is_ignorable() {
                return decode(&frame).map(Some).map_err(close);
            }
            self.passed_over += frame.body.len() + FRAME_HEAD_BYTES;
            if self.passed_over > HELLO_BYTES_MAX {
                let reason = format!("more than {HELLO_BYTES_MAX} bytes came in front of {name}");
                return Err((CloseCode::FrameTooLarge, reason));
            }
        }
        if self.is_ended {
            decoder.finish().map_err(close)?;
            return Err((CloseCode::ProtocolViolation, format!("no {name} came")));
        }
        Ok(None)
    }

    fn let_in(&self, reply: Reply, now: Timestamp, notes: &mut Vec<Note>) -> HelloStep {
        let Reply::Entered { actor, role, enrolled, recovery } = reply else {
            unreachable!("the service answered Enter with {reply:?}")
        };
        let client = self.hello.as_ref().map_or("", |hello| &hello.client);
        notes.extend([Note::Answered("hello", 1), Note::LetIn(printable(client))]);
        let welcome = Welcome {
            version: VERSION,
            features: 0,
            principal: actor.principal.to_string(),
            device: actor.device.0,
            role: role.to_wire(),
            enrolled,
            durability: DURABILITY_SYNCED,
            time_ms: now.as_ms(),
            server: SOFTWARE.to_owned(),
            recovery: recovery.map(|recovery| recovery.in_welcome()),
        };
        HelloStep::LetIn(Arc::new(actor), frame(&welcome))
    }
}

fn claim(
    hello: &Hello,
    context: &'static [u8],
    fresh: Option<[u8; 32]>,
    signature: bytes::Bytes,
) -> Claim {
    Claim { context, fresh, key: hello.key, principal: hello.principal.clone(), signature }
}

fn frame<B: Body>(body: &B) -> Vec<u8> {
    let mut out = Vec::new();
    encode(body, &mut out);
    out
}

/// Who a connection wants to be.
enum Who {
    /// One of its principal's devices.
    Device(service::Hello),
    /// Nobody in particular.
    Anonymous(PublicKey),
}

impl Who {
    /// The question whether it may come in. Whoever names no principal is called by the pseudonym in `fresh`, which is
    /// made for this connection alone, so that no two of them can be told to be the same.
    fn input(self, ticket: Ticket, fresh: &Fresh) -> Input {
        match self {
            Self::Device(hello) => Input::Enter { ticket, hello },
            Self::Anonymous(key) => {
                let (pseudonym, origin) = (Principal::pseudonym(fresh.pseudonym), fresh.origin);
                Input::EnterAnonymous { ticket, pseudonym, key, origin }
            }
        }
    }
}

/// What `hello` says, once it parses.
fn who(hello: &Hello) -> Result<Who, Refusal> {
    if hello.version != VERSION {
        return Err(Refusal::Version { given: hello.version, served: VERSION });
    }
    if !hello.principal.is_empty() {
        return device(hello).map(Who::Device);
    }
    match hello.enroll {
        None => Ok(Who::Anonymous(PublicKey(hello.key))),
        Some(_) => Err(Refusal::Anonymous { action: "enroll a key".to_owned() }),
    }
}

fn device(hello: &Hello) -> Result<service::Hello, Refusal> {
    let enroll = hello.enroll.as_ref().map(|wish| {
        let invite = (!wish.token.is_empty()).then(|| InviteId::of(&wish.token));
        Ok(service::Enroll { invite, label: DeviceLabel::new(&wish.label)? })
    });
    Ok(service::Hello {
        principal: hello.principal.parse()?,
        key: PublicKey(hello.key),
        enroll: enroll.transpose()?,
    })
}

/// What a peer calls itself, fit for a log line.
fn printable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::model::RefusalCode;
    use crate::protocol::body::Enroll;
    use crate::service::SessionId;

    fn hello(principal: &str, enroll: Option<Enroll>) -> Hello {
        Hello {
            version: VERSION,
            features: 0,
            principal: principal.to_owned(),
            key: [7; 32],
            proof: PROOF_EXPORTER,
            signature: Bytes::new(),
            enroll,
            client: String::new(),
        }
    }

    fn pseudonym(fresh: [u8; 8]) -> Principal {
        let ticket = Ticket { session: SessionId(1), number: 0 };
        let fresh = Fresh { nonce: [0; 32], pseudonym: fresh, origin: None };
        match who(&hello("", None)).unwrap().input(ticket, &fresh) {
            Input::EnterAnonymous { pseudonym, key: PublicKey(key), .. } if key == [7; 32] => {
                pseudonym
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn whoever_names_no_principal_is_called_anew_each_time() {
        assert!(pseudonym([1; 8]).is_anonymous());
        assert_ne!(pseudonym([1; 8]), pseudonym([2; 8]));
    }

    #[test]
    fn nobody_in_particular_enrolls_no_key() {
        let enroll = Some(Enroll { token: Bytes::new(), label: String::new() });
        let refusal = who(&hello("", enroll)).err().unwrap();
        assert_eq!(refusal.code(), RefusalCode::Anonymous);
    }
}
