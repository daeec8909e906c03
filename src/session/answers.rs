//! The service's answers as frames of CONTROL.
//!
//! Must never hold: an answer to a query; those have streams of their own.

use crate::model::Refusal;
use crate::protocol::body::{
    Changed, Deleted, Invited, KeyRevoked, Published, Sent, Subscribed, Unsubscribed,
};
use crate::protocol::convert::{self, refused};
use crate::service::Reply;
use crate::wire::encode;

/// Appends the frame that answers `request`.
///
/// # Panics
/// If the service answers a request with the reply to a question of another kind.
pub(super) fn write(request: u64, result: &Result<Reply, Refusal>, out: &mut Vec<u8>) {
    match result {
        Ok(reply) => accepted(request, reply, out),
        Err(refusal) => encode(&refused(request, refusal), out),
    }
}

fn accepted(request: u64, reply: &Reply, out: &mut Vec<u8>) {
    match reply {
        Reply::Published { tag, granted } => {
            encode(&Published { request, tag: tag.0, granted_ms: granted.as_ms() }, out);
        }
        Reply::Subscribed { state, granted } => {
            let (state, _) = convert::state_numbers(*state);
            encode(&Subscribed { request, state, granted_ms: granted.as_ms() }, out);
        }
        Reply::Unsubscribed => encode(&Unsubscribed { request }, out),
        Reply::Sent { duplicate } => encode(&Sent { request, duplicate: *duplicate }, out),
        Reply::Deleted { count } => encode(&Deleted { request, count: *count }, out),
        Reply::Invited { expires_at } => {
            encode(&Invited { request, expires_at_ms: expires_at.as_ms() }, out);
        }
        Reply::Changed { version } => encode(&Changed { request, version: *version }, out),
        Reply::KeyRevoked => encode(&KeyRevoked { request }, out),
        other => unreachable!("the service answered a request of CONTROL with {other:?}"),
    }
}
