//! The first frames of a connection: who it says it is, the proof, and the service's yes or no.
//!
//! Must never hold: an answer that leaves before the proof was checked, except the challenge itself.

use bytes::Bytes;
use tracing::{debug, warn};

use super::frames::{next_frame, write_frame};
use super::proof::{self, Claim};
use super::{Session, StreamEnd, finish};
use crate::model::limits::{FRAME_BYTES_MAX, HELLO_BYTES_MAX};
use crate::model::{DeviceLabel, InviteId, Principal, PublicKey, Refusal};
use crate::server::stream::{ReceiveHalf, SendHalf};
use crate::server::{clock, keys};
use crate::service::{self, Actor, Input, Reply, Ticket};
use crate::wire::body::{Challenge, ChallengeAnswer, Hello, Welcome};
use crate::wire::convert::{refused, role_number};
use crate::wire::{
    CHALLENGE_CONTEXT, CloseCode, Decoder, EXPORTER_CONTEXT, FrameFault, VERSION, decode,
};

const PROOF_CHALLENGE: u8 = 0;
const PROOF_EXPORTER: u8 = 1;
/// Answers mean that the state is on stable storage.
const DURABILITY_SYNCED: u8 = 1;
/// What the server calls itself.
const SOFTWARE: &str = concat!("adsum/", env!("CARGO_PKG_VERSION"));

/// A decoder for the frames of a peer that has proven nothing.
pub(super) fn decoder() -> Decoder {
    Decoder::new(HELLO_BYTES_MAX)
}

/// Lets the connection in, or tells it why not and closes it.
pub(super) async fn enter(
    session: &Session,
    exporter: impl FnOnce() -> Option<[u8; 32]>,
    send: &mut impl SendHalf,
    receive: &mut impl ReceiveHalf,
    decoder: &mut Decoder,
) -> Result<Actor, StreamEnd> {
    let mut halves = Halves { send, receive, decoder };
    let hello: Hello = halves.expect("Hello").await?;
    match admit(session, exporter, &mut halves, &hello).await? {
        Ok((actor, welcome)) => {
            write_frame(halves.send, &welcome).await?;
            halves.decoder.set_bytes_max(FRAME_BYTES_MAX);
            debug!(client = %printable(&hello.client), "the connection may act");
            Ok(actor)
        }
        Err(refusal) => Err(turn_away(session, halves.send, &refusal).await),
    }
}

struct Halves<'a, S, R> {
    send: &'a mut S,
    receive: &'a mut R,
    decoder: &'a mut Decoder,
}

impl<S: SendHalf, R: ReceiveHalf> Halves<'_, S, R> {
    /// The next frame, which must be of this kind.
    async fn expect<B: crate::wire::body::Body>(&mut self, name: &str) -> Result<B, StreamEnd> {
        let frame = next_frame(self.receive, self.decoder).await?.ok_or_else(|| {
            StreamEnd::Close(CloseCode::ProtocolViolation, format!("no {name} came"))
        })?;
        let body: Result<B, FrameFault> = decode(&frame);
        Ok(body?)
    }
}

type Admitted = Result<(Actor, Welcome), Refusal>;

async fn admit<S: SendHalf, R: ReceiveHalf>(
    session: &Session,
    exporter: impl FnOnce() -> Option<[u8; 32]>,
    halves: &mut Halves<'_, S, R>,
    hello: &Hello,
) -> Result<Admitted, StreamEnd> {
    if hello.version != VERSION {
        return Ok(Err(Refusal::Version { given: hello.version, served: VERSION }));
    }
    let introduction = match introduction(hello) {
        Ok(introduction) => introduction,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let proven = match hello.proof {
        PROOF_EXPORTER => exporter().is_some_and(|fresh| {
            is_proven(session, hello, EXPORTER_CONTEXT, fresh, &hello.signature)
        }),
        PROOF_CHALLENGE => challenge(session, halves, hello).await?,
        _ => {
            let refusal = Refusal::bad_field("proof", "is neither 0 (challenge) nor 1 (exporter)");
            return Ok(Err(refusal));
        }
    };
    if !proven {
        return Ok(Err(Refusal::BadProof));
    }
    ask(session, introduction).await
}

/// Has a challenge signed that was never used before.
async fn challenge<S: SendHalf, R: ReceiveHalf>(
    session: &Session,
    halves: &mut Halves<'_, S, R>,
    hello: &Hello,
) -> Result<bool, StreamEnd> {
    let nonce = keys::random::<32>();
    write_frame(halves.send, &Challenge { nonce }).await?;
    let answer: ChallengeAnswer = halves.expect("ChallengeAnswer").await?;
    Ok(is_proven(session, hello, CHALLENGE_CONTEXT, nonce, &answer.signature))
}

fn is_proven(
    session: &Session,
    hello: &Hello,
    context: &[u8],
    fresh: [u8; 32],
    signature: &Bytes,
) -> bool {
    let claim = Claim { context, fresh, key: hello.key, principal: &hello.principal };
    proof::holds(&claim, &session.shared.certificates.key_hashes(), signature)
}

/// Who a connection wants to be.
enum Introduction {
    /// One of its principal's devices.
    Device(service::Hello),
    /// Nobody in particular.
    Anonymous(PublicKey),
}

impl Introduction {
    fn key(&self) -> PublicKey {
        match self {
            Self::Device(hello) => hello.key,
            Self::Anonymous(key) => *key,
        }
    }

    fn input(self, ticket: Ticket) -> Input {
        match self {
            Self::Device(hello) => Input::Enter { ticket, hello },
            Self::Anonymous(key) => {
                // Made here and for this connection alone, so that no two of them can be told to be the same.
                let pseudonym = Principal::pseudonym(keys::random::<8>());
                Input::EnterAnonymous { ticket, pseudonym, key }
            }
        }
    }
}

/// What `hello` says, once it parses.
fn introduction(hello: &Hello) -> Result<Introduction, Refusal> {
    if !hello.principal.is_empty() {
        return device(hello).map(Introduction::Device);
    }
    match hello.enroll {
        None => Ok(Introduction::Anonymous(PublicKey(hello.key))),
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

/// Asks the service, in whose answer everything known of the principal counts.
async fn ask(session: &Session, introduction: Introduction) -> Result<Admitted, StreamEnd> {
    // Bound before the question, so that a revocation that is decided after the answer finds this session.
    session.seat.bind(introduction.key().device());
    let mut lane = session.seat.lane();
    let input = introduction.input(lane.ticket());
    session.shared.writer.submit(vec![input]).await?;
    Ok(match lane.answer().await {
        Ok(Reply::Entered { actor, role, enrolled }) => {
            session.shared.metrics.answered("hello", 1);
            let welcome = Welcome {
                version: VERSION,
                features: 0,
                principal: actor.principal.to_string(),
                device: actor.device.0,
                role: role_number(role),
                enrolled,
                durability: DURABILITY_SYNCED,
                time_ms: clock::now().as_ms(),
                server: SOFTWARE.to_owned(),
            };
            Ok((actor, welcome))
        }
        Ok(reply) => unreachable!("the service answered Enter with {reply:?}"),
        Err(refusal) => Err(refusal),
    })
}

/// Tells the peer why it may not come in.
async fn turn_away(session: &Session, send: &mut impl SendHalf, refusal: &Refusal) -> StreamEnd {
    session.shared.metrics.refused("hello", refusal);
    warn!(code = refusal.code().as_str(), "a Hello was refused");
    if let Err(gone) = write_frame(send, &refused(0, refusal)).await {
        return gone.into();
    }
    finish(send).await;
    StreamEnd::Close(CloseCode::AuthFailed, refusal.code().as_str().to_owned())
}

/// What a peer calls itself, fit for a log line.
fn printable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RefusalCode;
    use crate::service::SessionId;
    use crate::wire::body::Enroll;

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

    fn pseudonym() -> Principal {
        let ticket = Ticket { session: SessionId(1), number: 0 };
        match introduction(&hello("", None)).unwrap().input(ticket) {
            Input::EnterAnonymous { pseudonym, key: PublicKey(key), .. } if key == [7; 32] => {
                pseudonym
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn whoever_names_no_principal_is_called_anew_each_time() {
        assert!(pseudonym().is_anonymous());
        assert_ne!(pseudonym(), pseudonym());
    }

    #[test]
    fn nobody_in_particular_enrolls_no_key() {
        let enroll = Some(Enroll { token: Bytes::new(), label: String::new() });
        let refusal = introduction(&hello("", enroll)).err().unwrap();
        assert_eq!(refusal.code(), RefusalCode::Anonymous);
    }
}
