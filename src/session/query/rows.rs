//! The service's answers to questions as frames of QUERY.
//!
//! Must never hold: an answer that must be read from the log.

use crate::model::Principal;
use crate::protocol::body::{End, Presence};
use crate::protocol::{DeliveryState, Framed, Version, VisibilityRow, write as frame};
use crate::service::Reply;
use crate::session::shown::shown_body;
use crate::wire::encode;

/// Appends the frames of `reply` as `watcher` may see them.
///
/// # Panics
/// If the service answers a question with the reply to one of another kind.
pub(super) fn write(reply: &Reply, (secret, watcher): (&[u8; 32], &Principal), out: &mut Vec<u8>) {
    match reply {
        Reply::Presence(item) => {
            encode(&Presence { presence: shown_body(secret, item, watcher) }, out);
        }
        Reply::Inbox(state) => frame(state, out),
        Reply::Subscriptions(found) => rows(found, out),
        Reply::Keys(found) => rows(found, out),
        Reply::Rules { version, rules: found } => headed(&Version(*version), found.iter(), out),
        Reply::Delivery { version, rules } => {
            let (when_closed, receipts) = (rules.when_closed, rules.receipts);
            let state = DeliveryState { version: *version, when_closed, receipts };
            headed(&state, rules.iter(), out);
        }
        Reply::Visibility { version, rules } => {
            let found = rules.0.iter();
            let found: Vec<VisibilityRow> = found
                .map(|(who, is_shown)| VisibilityRow { who: who.clone(), is_shown: *is_shown })
                .collect();
            headed(&Version(*version), &found, out);
        }
        Reply::Grants(found) => rows(found, out),
        Reply::Watchers(found) => rows(found, out),
        Reply::Domains(found) => rows(found, out),
        Reply::Acts(found) => rows(found, out),
        Reply::Server(description) => frame(description, out),
        other => unreachable!("the service answered a question with {other:?}"),
    }
}

/// Appends rows and the end.
fn rows<'a, T: Framed + 'a>(rows: impl IntoIterator<Item = &'a T>, out: &mut Vec<u8>) {
    for row in rows {
        frame(row, out);
    }
    encode(&End {}, out);
}

/// Appends a head, rows and the end.
fn headed<'a, T: Framed + 'a>(
    head: &impl Framed,
    found: impl IntoIterator<Item = &'a T>,
    out: &mut Vec<u8>,
) {
    frame(head, out);
    rows(found, out);
}
