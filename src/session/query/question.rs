//! From the first frame of a QUERY to a question that is valid.
//!
//! Must never hold: a judgement that needs the state of the store.

use crate::model::{InboxAddress, InboxSequence, Presentity, Principal, Refusal, Timestamp};
use crate::protocol::body::{self, Body};
use crate::service::{Actor, Query, Span};
use crate::session::governance::{own_or, rules_owner};
use crate::wire::{Frame, FrameFault, decode};

macro_rules! questions {
    ($($body:ident $word:literal;)*) => {
        /// A question that decodes.
        pub(super) enum Question {
            $($body(body::$body),)*
        }

        impl Question {
            /// Decodes a question.
            ///
            /// # Errors
            /// [`FrameFault`] if the frame is none, or does not decode.
            pub(super) fn read(frame: &Frame) -> Result<Self, FrameFault> {
                match frame.kind {
                    $(body::$body::KIND => decode(frame).map(Self::$body),)*
                    found => Err(FrameFault::Unexpected { found, expected: "a question" }),
                }
            }

            /// The kind, for counting.
            pub(super) fn kind(&self) -> &'static str {
                match self {
                    $(Self::$body(_) => $word,)*
                }
            }
        }
    };
}

questions! {
    Fetch "fetch";
    ListSubscriptions "subscriptions";
    ListKeys "keys";
    InboxStatus "inbox";
    ListRules "rules";
    ListDelivery "delivery";
    ListVisibility "visibility";
    ListGrants "grants";
    ListWatchers "watchers";
    ListHistory "history";
    FetchAt "fetch-at";
    Explain "explain";
    ListDomains "domains";
    ListActs "acts";
    ListQuarantine "quarantine";
}

/// What the log is to be asked behind the service's answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LogQuestion {
    /// Nothing: the answer says it all.
    Nothing,
    /// The changes of a presentity.
    Changes { presentity: Presentity, span: Span, limit: usize },
    /// Its presence then.
    At { presentity: Presentity, time: Timestamp },
    /// What its rules say of a watcher, or said then.
    Explain { presentity: Presentity, watcher: Principal, time: Option<Timestamp> },
    /// The messages themselves.
    Quarantine { inbox: InboxAddress },
}

impl Question {
    /// What to ask the service for `actor`, and what is left to find out then.
    ///
    /// # Errors
    /// The refusal of the first field that is not valid.
    pub(super) fn query(self, actor: &Actor) -> Result<(Query, LogQuestion), Refusal> {
        let query = match self {
            Self::ListHistory(body) => return changes(&body),
            Self::FetchAt(body) => return at(&body),
            Self::Explain(body) => return explain(&body),
            Self::ListQuarantine(body) => return quarantine(&body),
            Self::Fetch(body) => Query::Fetch { presentity: body.presentity.parse()? },
            Self::ListSubscriptions(_) => Query::Subscriptions,
            Self::ListKeys(body) => Query::Keys { principal: own_or(&body.principal, actor)? },
            Self::InboxStatus(body) => Query::Inbox { inbox: body.inbox.parse()? },
            Self::ListRules(body) => Query::Rules { owner: rules_owner(&body.owner)? },
            Self::ListDelivery(body) => Query::Delivery { inbox: body.inbox.parse()? },
            Self::ListVisibility(_) => Query::Visibility,
            Self::ListGrants(body) => Query::Grants { owner: own_or(&body.owner, actor)? },
            Self::ListWatchers(body) => Query::Watchers { presentity: body.presentity.parse()? },
            Self::ListDomains(_) => Query::Domains,
            Self::ListActs(body) => Query::Acts { principal: own_or(&body.principal, actor)? },
        };
        Ok((query, LogQuestion::Nothing))
    }
}

fn changes(body: &body::ListHistory) -> Result<(Query, LogQuestion), Refusal> {
    let presentity: Presentity = body.presentity.parse()?;
    let span = Span {
        since: body.since_ms.map(Timestamp::from_ms),
        until: body.until_ms.map(Timestamp::from_ms),
    };
    let limit = usize::try_from(body.limit).unwrap_or(usize::MAX);
    let query = Query::History { presentity: presentity.clone() };
    Ok((query, LogQuestion::Changes { presentity, span, limit }))
}

fn at(body: &body::FetchAt) -> Result<(Query, LogQuestion), Refusal> {
    let presentity: Presentity = body.presentity.parse()?;
    let query = Query::History { presentity: presentity.clone() };
    Ok((query, LogQuestion::At { presentity, time: Timestamp::from_ms(body.at_ms) }))
}

fn explain(body: &body::Explain) -> Result<(Query, LogQuestion), Refusal> {
    let presentity: Presentity = body.presentity.parse()?;
    let watcher: Principal = body.watcher.parse()?;
    let query = Query::Explain { presentity: presentity.clone(), watcher: watcher.clone() };
    Ok((
        query,
        LogQuestion::Explain { presentity, watcher, time: body.at_ms.map(Timestamp::from_ms) },
    ))
}

fn quarantine(body: &body::ListQuarantine) -> Result<(Query, LogQuestion), Refusal> {
    let inbox: InboxAddress = body.inbox.parse()?;
    let query = Query::Quarantine { inbox: inbox.clone(), after: InboxSequence::ZERO };
    Ok((query, LogQuestion::Quarantine { inbox }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DeviceId, RefusalCode};
    use crate::service::RulesOwner;
    use crate::wire::{Decoder, encode};

    fn asked<B: Body>(body: &B) -> Result<(Query, LogQuestion), Refusal> {
        let (mut bytes, mut decoder) = (Vec::new(), Decoder::default());
        encode(body, &mut bytes);
        decoder.push(&bytes);
        let frame = decoder.next_frame().unwrap().unwrap();
        let device = DeviceId([1; 8]);
        let actor = Actor { principal: "alice@d.example".parse().unwrap(), device };
        Question::read(&frame).unwrap().query(&actor)
    }

    #[test]
    fn a_question_about_nobody_is_about_oneself() {
        let alice: Principal = "alice@d.example".parse().unwrap();
        let grants = body::ListGrants { owner: String::new() };
        let expected = Query::Grants { owner: alice.clone() };
        assert_eq!(asked(&grants), Ok((expected, LogQuestion::Nothing)));
        let acts = body::ListActs { principal: String::new() };
        assert_eq!(asked(&acts), Ok((Query::Acts { principal: alice }, LogQuestion::Nothing)));
    }

    #[test]
    fn rules_are_asked_for_by_presentity_or_domain() {
        let rules = |owner: &str| body::ListRules { owner: owner.to_owned() };
        let owner = RulesOwner::Domain("d.example".parse().unwrap());
        assert_eq!(asked(&rules("@d.example")), Ok((Query::Rules { owner }, LogQuestion::Nothing)));
        let refusal = asked(&rules("alice")).unwrap_err();
        assert_eq!(refusal.code(), RefusalCode::BadAddress);
    }

    #[test]
    fn the_past_is_asked_for_where_it_lies_and_read_afterwards() {
        let presentity: Presentity = "pres:alice@d.example".parse().unwrap();
        let body = body::ListHistory {
            presentity: presentity.to_string(),
            since_ms: Some(5),
            until_ms: None,
            limit: 7,
        };
        let (query, rest) = asked(&body).unwrap();
        assert_eq!(query, Query::History { presentity: presentity.clone() });
        let span = Span { since: Some(Timestamp::from_ms(5)), until: None };
        assert_eq!(rest, LogQuestion::Changes { presentity, span, limit: 7 });
    }

    #[test]
    fn a_request_is_no_question() {
        let frame = Frame { kind: body::Publish::KIND, body: bytes::Bytes::new() };
        assert!(matches!(Question::read(&frame), Err(FrameFault::Unexpected { .. })));
    }
}
