//! The service's answers to questions as frames of QUERY.
//!
//! Must never hold: an answer that must be read from the log.

use super::Answer;
use crate::model::{AccessRules, DeliveryRules, Principal, Rights, Timestamp, VisibilityRules};
use crate::service::{self, Reply};
use crate::session::shown_body;
use crate::session::{Gone, SendHalf};
use crate::wire::body::{
    Act, Body, Delivery, DeliveryState, DomainState, Granted, InboxState, Key, Presence, Rule,
    Subscription, Version, Visibility, Watcher,
};
use crate::wire::convert;

impl<S: SendHalf> Answer<'_, S> {
    /// Adds the frames of `reply`.
    ///
    /// # Panics
    /// If the service answers a question with the reply to one of another kind.
    pub(super) async fn write_reply(&mut self, reply: &Reply) -> Result<(), Gone> {
        match reply {
            Reply::Presence(item) => {
                let secret = &self.session.shared.settings.store_secret;
                let presence = shown_body(secret, item, &self.actor.principal);
                self.add(&Presence { presence }).await
            }
            Reply::Inbox { head, acknowledged, waiting, kept } => {
                let (head, acknowledged) = (head.get(), acknowledged.get());
                let (waiting, kept) = (*waiting, *kept);
                self.add(&InboxState { head, acknowledged, waiting, kept }).await
            }
            Reply::Subscriptions(rows) => self.rows(rows.iter().map(subscription)).await,
            Reply::Keys(rows) => self.rows(rows.iter().map(key)).await,
            Reply::Rules { version, rules } => self.rules(*version, rules).await,
            Reply::Delivery { version, rules } => self.delivery(*version, rules).await,
            Reply::Visibility { version, rules } => self.visibility(*version, rules).await,
            Reply::Grants(rows) => self.rows(rows.iter().map(granted)).await,
            Reply::Watchers(rows) => self.rows(rows.iter().map(watcher)).await,
            Reply::Domains(rows) => self.rows(rows.iter().map(domain)).await,
            Reply::Acts(rows) => self.rows(rows.iter().map(act)).await,
            other => unreachable!("the service answered a question with {other:?}"),
        }
    }

    /// Adds rows and the end.
    async fn rows<B: Body>(&mut self, rows: impl Iterator<Item = B>) -> Result<(), Gone> {
        for row in rows {
            self.add(&row).await?;
        }
        self.end().await
    }

    async fn rules(&mut self, version: u64, rules: &AccessRules) -> Result<(), Gone> {
        self.add(&Version { version }).await?;
        let body = |rule| Rule { rule: convert::access_rule_body(rule) };
        self.rows(rules.iter().map(body)).await
    }

    async fn delivery(&mut self, version: u64, rules: &DeliveryRules) -> Result<(), Gone> {
        let when_closed = convert::when_closed_number(Some(rules.when_closed));
        let receipts = rules.receipts;
        self.add(&DeliveryState { version, when_closed, receipts }).await?;
        let body = |rule| Delivery { rule: convert::delivery_rule_body(rule) };
        self.rows(rules.iter().map(body)).await
    }

    async fn visibility(&mut self, version: u64, rules: &VisibilityRules) -> Result<(), Gone> {
        self.add(&Version { version }).await?;
        let rows = rules.0.iter().map(|(who, is_shown)| {
            let rule = convert::visibility_rule_body(who, *is_shown);
            Visibility { rule }
        });
        self.rows(rows).await
    }
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

fn watcher(row: &crate::model::WatcherRow) -> Watcher {
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
