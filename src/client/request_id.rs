//! By what the server knows a request that is made again.
//!
//! Must never hold: how far a request got (see `outcome`).

use core::fmt;

use super::token::InviteToken;
use crate::model::{MessageId, OperationId};
use crate::protocol::{Command, NamedBy};

/// By what the server knows a request when it is made again, so that it is done once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestId {
    /// The message's name: give it as [`Outgoing::id`](super::Outgoing).
    Message(MessageId),
    /// The operation's name: make the request through [`Client::under`](super::Client::under).
    Operation(OperationId),
    /// The invite's secret: give it as [`InviteOptions::token`](super::InviteOptions).
    Invite(InviteToken),
    /// It needs no name: the same request made again, through [`Client::again`](super::Client::again), changes nothing more.
    Itself,
    /// Nothing: nobody in particular is somebody else on each connection.
    Nothing,
}

impl RequestId {
    pub(super) fn of(command: &Command, is_anonymous: bool) -> Self {
        match command {
            Command::Send(_) if is_anonymous => Self::Nothing,
            Command::Send(send) => Self::Message(send.id.clone()),
            Command::Publish(publish) => Self::Operation(publish.operation),
            _ => match command.operation() {
                Some((NamedBy::Principal, operation)) => Self::Operation(operation),
                _ => Self::Itself,
            },
        }
    }

    /// The id as text, if there is one.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Message(id) => Some(id.as_str().to_owned()),
            Self::Operation(id) => Some(id.to_string()),
            Self::Invite(token) => Some(token.to_string()),
            Self::Itself | Self::Nothing => None,
        }
    }

    /// What to do when it is not known whether the request was done.
    pub(super) const fn cure(&self) -> &'static str {
        match self {
            Self::Message(_) | Self::Operation(_) | Self::Invite(_) => {
                "ask again under the same id, and it is done once"
            }
            Self::Itself => "ask again, it does no harm",
            Self::Nothing => "look first whether it was, asked again it may be done twice",
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().map_or(Ok(()), |id| write!(to, ", id {id}"))
    }
}
