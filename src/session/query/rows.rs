//! The service's answers to questions as frames of QUERY.
//!
//! Must never hold: an answer that must be read from the log.

use crate::model::{AccessRules, DeliveryRules, Principal, Rights, Timestamp, VisibilityRules};
use crate::protocol::body::{
    Act, Body, Delivery, DeliveryState, DomainState, End, Granted, InboxState, Key, Presence, Rule,
    Subscription, Version, Watcher,
};
use crate::protocol::convert;
use crate::protocol::{Framed as _, VisibilityRow};
use crate::service::{self, Reply};
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
        Reply::Inbox { head, acknowledged, waiting, kept } => {
            let (head, acknowledged) = (head.get(), acknowledged.get());
            encode(&InboxState { head, acknowledged, waiting: *waiting, kept: *kept }, out);
        }
        Reply::Subscriptions(found) => rows(found.iter().map(subscription), out),
        Reply::Keys(found) => rows(found.iter().map(key), out),
        Reply::Rules { version, rules: found } => rules(*version, found, out),
        Reply::Delivery { version, rules } => delivery(*version, rules, out),
        Reply::Visibility { version, rules } => visibility(*version, rules, out),
        Reply::Grants(found) => rows(found.iter().map(granted), out),
        Reply::Watchers(found) => rows(found.iter().map(watcher_row), out),
        Reply::Domains(found) => rows(found.iter().map(domain), out),
        Reply::Acts(found) => rows(found.iter().map(act), out),
        other => unreachable!("the service answered a question with {other:?}"),
    }
}

/// Appends rows and the end.
fn rows<B: Body>(rows: impl Iterator<Item = B>, out: &mut Vec<u8>) {
    for row in rows {
        encode(&row, out);
    }
    encode(&End {}, out);
}

fn rules(version: u64, found: &AccessRules, out: &mut Vec<u8>) {
    encode(&Version { version }, out);
    rows(found.iter().map(|rule| Rule { rule: convert::access_rule_body(rule) }), out);
}

fn delivery(version: u64, rules: &DeliveryRules, out: &mut Vec<u8>) {
    let when_closed = convert::when_closed_number(Some(rules.when_closed));
    encode(&DeliveryState { version, when_closed, receipts: rules.receipts }, out);
    rows(rules.iter().map(|rule| Delivery { rule: convert::delivery_rule_body(rule) }), out);
}

fn visibility(version: u64, rules: &VisibilityRules, out: &mut Vec<u8>) {
    encode(&Version { version }, out);
    let found = rules
        .0
        .iter()
        .map(|(who, is_shown)| VisibilityRow { who: who.clone(), is_shown: *is_shown }.to_body());
    rows(found, out);
}

fn subscription(row: &service::SubscriptionRow) -> Subscription {
    let (state, reason) = convert::state_numbers(row.state);
    Subscription {
        presentity: row.presentity.to_string(),
        state,
        reason,
        mode: convert::mode_number(row.mode),
        remaining_ms: row.remaining.as_ms(),
    }
}

fn key(row: &service::Key) -> Key {
    Key {
        device: row.device.0,
        label: row.label.as_str().to_owned(),
        enrolled_at_ms: row.enrolled_at.as_ms(),
        revoked_at_ms: row.revoked_at.map(Timestamp::as_ms),
    }
}

fn granted((grantee, rights): &(Principal, Rights)) -> Granted {
    Granted { grantee: grantee.to_string(), rights: rights.bits() }
}

fn watcher_row(row: &crate::model::WatcherRow) -> Watcher {
    Watcher { watcher: convert::watcher_body(row) }
}

fn domain(row: &crate::model::DomainRow) -> DomainState {
    DomainState {
        domain: row.domain.as_str().to_owned(),
        is_configured: row.is_configured,
        presence: row.presence,
        messaging: row.messaging,
        principals: row.principals,
    }
}

fn act(row: &service::ActRow) -> Act {
    Act {
        at_ms: row.at.as_ms(),
        by: row.by.to_string(),
        act: row.act.number(),
        about: row.about.clone(),
    }
}
