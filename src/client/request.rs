//! What a client asks on CONTROL and what it is answered.
//!
//! Must never hold: a number of a connection for longer than the connection (see `resume`).

use super::error::{ClientError, Refused};
use crate::model::{Lifetime, RefusalCode, SubscriptionState, Tag, Timestamp};
use crate::protocol::{body, convert};
use crate::wire::{self, Frame};

/// A request that may change state. Its `request` field is filled in when it is written, because numbers belong to
/// one connection while a request outlives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// See [`body::Publish`]; the operation id makes a repeat harmless.
    Publish(body::Publish),
    /// See [`body::Subscribe`]; the operation id in it makes a repeat harmless.
    Subscribe(body::Subscribe),
    /// See [`body::Unsubscribe`]; a repeat finds nothing left to end.
    Unsubscribe(body::Unsubscribe),
    /// See [`body::Send`]; the message id makes a repeat harmless.
    Send(body::Send),
    /// See [`body::Delete`]; a repeat finds nothing left to delete.
    Delete(body::Delete),
    /// See [`body::Invite`]; the invite's id makes a repeat harmless.
    Invite(body::Invite),
    /// See [`body::RevokeKey`]; a repeat finds the key revoked.
    RevokeKey(body::RevokeKey),
    /// See [`body::Displayed`]; a repeat says it again.
    Displayed(body::Displayed),
    /// See [`body::ChangeRules`]; the operation id makes a repeat harmless.
    ChangeRules(body::ChangeRules),
    /// See [`body::ChangeDelivery`]; the operation id makes a repeat harmless.
    ChangeDelivery(body::ChangeDelivery),
    /// See [`body::ChangeVisibility`]; the operation id makes a repeat harmless.
    ChangeVisibility(body::ChangeVisibility),
    /// See [`body::Grant`]; the operation id makes a repeat harmless.
    Grant(body::Grant),
    /// See [`body::EndSubscription`]; a repeat finds nothing left to end.
    EndSubscription(body::EndSubscription),
    /// See [`body::Administer`]; a repeat finds things as they are to be.
    Administer(body::Administer),
}

/// `Administer.act` that removes a domain.
pub(crate) const ACT_REMOVE_DOMAIN: u8 = 2;

macro_rules! each {
    ($request:expr, $body:ident => $result:expr) => {
        match $request {
            Request::Publish($body) => $result,
            Request::Subscribe($body) => $result,
            Request::Unsubscribe($body) => $result,
            Request::Send($body) => $result,
            Request::Delete($body) => $result,
            Request::Invite($body) => $result,
            Request::RevokeKey($body) => $result,
            Request::Displayed($body) => $result,
            Request::ChangeRules($body) => $result,
            Request::ChangeDelivery($body) => $result,
            Request::ChangeVisibility($body) => $result,
            Request::Grant($body) => $result,
            Request::EndSubscription($body) => $result,
            Request::Administer($body) => $result,
        }
    };
}

impl Request {
    /// Appends the request's frame with the number `number` to `out`.
    pub fn encode(&mut self, number: u64, out: &mut Vec<u8>) {
        each!(self, body => {
            body.request = number;
            wire::encode(body, out);
        });
    }

    /// What a repeat that was refused with `code` means, if the first one was done after all.
    pub(crate) fn done_before(&self, code: RefusalCode) -> Option<Answer> {
        match (self, code) {
            (Self::Unsubscribe(_), RefusalCode::NoSubscription) => Some(Answer::Unsubscribed),
            (Self::RevokeKey(_), RefusalCode::NoDevice) => Some(Answer::KeyRevoked),
            (Self::EndSubscription(_), RefusalCode::NoSubscription) => {
                Some(Answer::Changed { version: 0 })
            }
            (Self::Administer(wire), RefusalCode::ForeignDomain)
                if wire.act == ACT_REMOVE_DOMAIN =>
            {
                Some(Answer::Changed { version: 0 })
            }
            _ => None,
        }
    }
}

/// The server's yes to a [`Request`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Request::Publish`].
    Published {
        /// The publication's tag from now on.
        tag: Tag,
        /// The lifetime granted; zero after a removal.
        granted: Lifetime,
    },
    /// To [`Request::Subscribe`].
    Subscribed {
        /// Where the subscription stands.
        state: SubscriptionState,
        /// The lifetime granted.
        granted: Lifetime,
    },
    /// To [`Request::Unsubscribe`].
    Unsubscribed,
    /// To [`Request::Send`].
    Sent {
        /// Whether the message was there already.
        duplicate: bool,
    },
    /// To [`Request::Delete`].
    Deleted {
        /// How many messages were there.
        count: u32,
    },
    /// To [`Request::Invite`].
    Invited {
        /// When the invite runs out.
        expires_at: Timestamp,
    },
    /// To [`Request::RevokeKey`].
    KeyRevoked,
    /// To each of the other requests.
    Changed {
        /// The version of what was changed from now on; zero if it has none.
        version: u64,
    },
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

/// Reads a frame of CONTROL; `None` for a kind that may be passed over.
pub(crate) fn control_event(frame: &Frame) -> Result<Option<ControlEvent>, ClientError> {
    let (number, result) = match frame.kind {
        <body::Refused as body::Body>::KIND => {
            let refused: body::Refused = decode(frame)?;
            (refused.request, Err(refused.into()))
        }
        <body::Goaway as body::Body>::KIND => {
            return decode(frame).map(|goaway| Some(ControlEvent::Goaway(goaway)));
        }
        kind if kind >= SKIPPED_FROM => return Ok(None),
        _ => answer(frame).map(|(number, answer)| (number, Ok(answer)))?,
    };
    Ok(Some(ControlEvent::Answer { number, result }))
}

/// Kinds from here on may be passed over by a receiver that does not know them.
pub(crate) const SKIPPED_FROM: u16 = 0x8000;

fn answer(frame: &Frame) -> Result<(u64, Answer), ClientError> {
    use body::Body as _;
    Ok(match frame.kind {
        body::Published::KIND => {
            let wire: body::Published = decode(frame)?;
            let granted = Lifetime::from_ms(wire.granted_ms);
            (wire.request, Answer::Published { tag: Tag(wire.tag), granted })
        }
        body::Subscribed::KIND => {
            let wire: body::Subscribed = decode(frame)?;
            let state = convert::state(wire.state, 0).map_err(ClientError::protocol)?;
            let granted = Lifetime::from_ms(wire.granted_ms);
            (wire.request, Answer::Subscribed { state, granted })
        }
        body::Unsubscribed::KIND => {
            (decode::<body::Unsubscribed>(frame)?.request, Answer::Unsubscribed)
        }
        body::Sent::KIND => {
            let wire: body::Sent = decode(frame)?;
            (wire.request, Answer::Sent { duplicate: wire.duplicate })
        }
        body::Deleted::KIND => {
            let wire: body::Deleted = decode(frame)?;
            (wire.request, Answer::Deleted { count: wire.count })
        }
        body::Invited::KIND => {
            let wire: body::Invited = decode(frame)?;
            let expires_at = Timestamp::from_ms(wire.expires_at_ms);
            (wire.request, Answer::Invited { expires_at })
        }
        body::KeyRevoked::KIND => (decode::<body::KeyRevoked>(frame)?.request, Answer::KeyRevoked),
        body::Changed::KIND => {
            let wire: body::Changed = decode(frame)?;
            (wire.request, Answer::Changed { version: wire.version })
        }
        kind => return Err(ClientError::protocol(format!("kind {kind:#06x} came on CONTROL"))),
    })
}

/// Decodes a frame of the server.
pub(crate) fn decode<B: body::Body>(frame: &Frame) -> Result<B, ClientError> {
    wire::decode(frame).map_err(ClientError::protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame<B: body::Body>(body: &B) -> Frame {
        let mut out = Vec::new();
        wire::encode(body, &mut out);
        let mut decoder = wire::Decoder::default();
        decoder.push(&out);
        decoder.next_frame().unwrap().unwrap()
    }

    #[test]
    fn a_request_gets_its_number_when_it_is_written() {
        let wire = body::Unsubscribe { request: 0, presentity: "pres:a@b".into() };
        let mut out = Vec::new();
        Request::Unsubscribe(wire.clone()).encode(300, &mut out);
        let mut expected = Vec::new();
        wire::encode(&body::Unsubscribe { request: 300, ..wire }, &mut expected);
        assert_eq!(out, expected);
    }

    #[test]
    fn an_unknown_kind_is_passed_over_or_is_a_breach_by_its_number() {
        let unknown = |kind| Frame { kind, body: bytes::Bytes::new() };
        assert_eq!(control_event(&unknown(0x9000)).unwrap(), None);
        assert!(matches!(control_event(&unknown(0x0199)), Err(ClientError::Protocol { .. })));
    }

    #[test]
    fn a_change_tells_its_request_and_version() {
        let event = control_event(&frame(&body::Changed { request: 4, version: 7 }));
        let result = Ok(Answer::Changed { version: 7 });
        assert_eq!(event.unwrap(), Some(ControlEvent::Answer { number: 4, result }));
    }

    #[test]
    fn a_repeat_that_ends_what_has_ended_is_done_and_one_that_is_forbidden_is_not() {
        let end = Request::EndSubscription(body::EndSubscription {
            request: 0,
            watcher: "bob@localhost".into(),
            presentity: "pres:alice@localhost".into(),
        });
        let done = end.done_before(RefusalCode::NoSubscription);
        assert_eq!(done, Some(Answer::Changed { version: 0 }));
        assert_eq!(end.done_before(RefusalCode::Forbidden), None);
    }

    #[test]
    fn an_answer_tells_its_request() {
        let event = control_event(&frame(&body::Sent { request: 9, duplicate: true }));
        let result = Ok(Answer::Sent { duplicate: true });
        assert_eq!(event.unwrap(), Some(ControlEvent::Answer { number: 9, result }));
    }
}
