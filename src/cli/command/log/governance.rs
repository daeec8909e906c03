//! How events about who decides what are printed: rules, grants, watchers, receipts, domains.
//!
//! Must never hold: what people wrote, unless it was asked for.

use serde_json::{Value, json};

use crate::cli::print::time::rfc3339;
use crate::event::{Event, ReceiptIssued, ReceiptsAsked, Subscribed, WatchObserved};
use crate::model::{
    AccessRule, AccessRules, Delivery, DeliveryRule, DeliveryRules, Handling, Mode, Timestamp,
    TupleId, WhenClosed,
};

/// The detail of `event`, or nothing if it is of another kind; with `bodies` it shows what people wrote.
pub(super) fn detail(event: &Event, bodies: bool) -> Value {
    match event {
        Event::AccessRulesChanged(event) => json!({
            "version": event.version,
            "rules": access(&event.rules),
            "by": event.by.to_string(),
            "device": event.device.to_string(),
            "previous": event.previous.get(),
        }),
        Event::RulesReviewed(event) => json!({ "through": rfc3339(event.through) }),
        Event::DeliveryRulesChanged(event) => json!({
            "version": event.version,
            "rules": delivery(&event.rules, bodies),
            "when_closed": when_closed(event.rules.when_closed),
            "receipts": event.rules.receipts,
            "by": event.by.to_string(),
        }),
        Event::VisibilityRulesChanged(event) => json!({
            "version": event.version,
            "rules": event.rules.0.iter().map(|(who, is_shown)| {
                json!({ "who": who.to_string(), "shown": is_shown })
            }).collect::<Value>(),
        }),
        Event::GrantChanged(event) => json!({
            "owner": event.owner.to_string(),
            "grantee": event.grantee.to_string(),
            "rights": event.rights.to_string(),
            "by": event.by.to_string(),
        }),
        other => {
            watching(other).or_else(|| messages(other, bodies)).unwrap_or_else(|| domains(other))
        }
    }
}

fn watching(event: &Event) -> Option<Value> {
    Some(match event {
        Event::Subscribed(event) => subscribed(event),
        Event::SubscriptionMoved(event) => json!({
            "presentity": event.presentity.to_string(),
            "watcher": event.watcher.to_string(),
            "state": event.state.as_str(),
            "expires_at": rfc3339(event.expires_at),
            "visible": event.is_visible,
        }),
        Event::WatchRequested(event) => json!({
            "presentity": event.presentity.to_string(),
            "watcher": event.watcher.to_string(),
            "expires_at": rfc3339(event.expires_at),
        }),
        Event::WatchObserved(event) => observed(event),
        _ => return None,
    })
}

fn subscribed(event: &Subscribed) -> Value {
    json!({
        "presentity": event.presentity.to_string(),
        "watcher": event.watcher.to_string(),
        "state": event.state.as_str(),
        "mode": mode(event.mode),
        "expires_at": rfc3339(event.expires_at),
    })
}

fn observed(event: &WatchObserved) -> Value {
    json!({
        "presentity": event.presentity.to_string(),
        "watcher": event.watcher.to_string(),
        "fetches": event.fetches,
        "subscriptions": event.subscriptions,
        "first_at": rfc3339(event.first_at),
        "last_at": rfc3339(event.last_at),
    })
}

fn messages(event: &Event, bodies: bool) -> Option<Value> {
    Some(match event {
        Event::ReceiptsAsked(event) => receipts_asked(event),
        Event::ReceiptIssued(event) => receipt_issued(event, bodies),
        Event::MessageDisplayed(event) => {
            json!({ "position": event.sequence.get(), "device": event.by.to_string() })
        }
        _ => return None,
    })
}

fn receipts_asked(event: &ReceiptsAsked) -> Value {
    json!({
        "position": event.sequence.get(),
        "from": event.sender.to_string(),
        "id": event.id.as_str(),
        "receipts": event.receipts.to_string(),
    })
}

fn receipt_issued(event: &ReceiptIssued, bodies: bool) -> Value {
    json!({
        "position": event.sequence.get(),
        "receipt": event.kind.as_str(),
        "id": event.id.as_str(),
        "recipient": event.recipient.to_string(),
        "reason": written(&event.reason, bodies),
    })
}

fn domains(event: &Event) -> Value {
    match event {
        Event::DomainCreated(event) => json!({ "by": event.by.to_string() }),
        Event::DomainRemoved(event) => json!({ "by": event.by.to_string() }),
        Event::DomainSwitched(event) => json!({
            "presence": event.presence,
            "messaging": event.messaging,
            "by": event.by.to_string(),
        }),
        Event::DomainRulesChanged(event) => json!({
            "version": event.version,
            "rules": access(&event.rules),
            "by": event.by.to_string(),
        }),
        Event::ServicesSwitched(event) => json!({
            "presence": event.presence,
            "messaging": event.messaging,
            "by": event.by.to_string(),
        }),
        Event::PrincipalSuspended(event) => {
            json!({ "suspended": event.is_suspended, "by": event.by.to_string() })
        }
        Event::AdministratorActed(event) => json!({
            "by": event.by.to_string(),
            "act": event.act.as_str(),
            "about": event.about,
        }),
        _ => json!({}),
    }
}

fn access(rules: &AccessRules) -> Value {
    rules.iter().map(access_rule).collect()
}

fn access_rule(rule: &AccessRule) -> Value {
    let tuples = rule.shown.tuples.as_ref();
    let moment = |at: Option<Timestamp>| at.map(rfc3339);
    json!({
        "name": rule.name.as_str(),
        "who": rule.who.to_string(),
        "fetch": rule.fetch.map(Handling::as_str),
        "subscribe": rule.subscribe.map(Handling::as_str),
        "view": {
            "tuples": tuples.map(|ids| ids.iter().map(TupleId::as_str).collect::<Vec<_>>()),
            "notes": rule.shown.notes,
            "contact": rule.shown.contact,
            "markup": rule.shown.markup,
        },
        "from": moment(rule.from),
        "until": moment(rule.until),
    })
}

fn delivery(rules: &DeliveryRules, bodies: bool) -> Value {
    rules.iter().map(|rule| delivery_rule(rule, bodies)).collect()
}

fn delivery_rule(rule: &DeliveryRule, bodies: bool) -> Value {
    let reason = match &rule.action {
        Delivery::Refuse { reason } => written(reason, bodies),
        _ => String::new(),
    };
    json!({
        "name": rule.name.as_str(),
        "who": rule.who.to_string(),
        "content_type": rule.content_type.as_ref().map(ToString::to_string),
        "larger_than": rule.larger_than,
        "action": rule.action.as_str(),
        "reason": reason,
    })
}

/// What somebody wrote, or how much of it there is.
fn written(text: &str, bodies: bool) -> String {
    if bodies || text.is_empty() { text.to_owned() } else { format!("({} bytes)", text.len()) }
}

fn when_closed(when: WhenClosed) -> &'static str {
    match when {
        WhenClosed::Refuse => "refuse",
        WhenClosed::Store => "store",
    }
}

/// The word of a mode.
pub(super) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Latest => "latest",
        Mode::Every => "every",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{DeliveryRulesChanged, GrantChanged};
    use crate::model::{DeliveryChange, OperationId, Rights, RuleName};

    #[test]
    fn a_grant_is_told_in_words() {
        let detail = detail(
            &Event::GrantChanged(GrantChanged {
                owner: "alice@b".parse().unwrap(),
                grantee: "bob@b".parse().unwrap(),
                rights: Rights::READ,
                by: "alice@b".parse().unwrap(),
                operation: OperationId([0; 16]),
            }),
            false,
        );
        assert_eq!(detail["rights"], "read");
        assert_eq!(detail["grantee"], "bob@b");
    }

    #[test]
    fn a_reason_that_somebody_wrote_is_shown_only_on_request() {
        let rule = DeliveryRule {
            name: RuleName::new("everyone").unwrap(),
            who: "everyone".parse().unwrap(),
            content_type: None,
            larger_than: None,
            action: Delivery::Refuse { reason: "secret".into() },
        };
        let change = DeliveryChange { put: vec![rule], ..DeliveryChange::default() };
        let event = Event::DeliveryRulesChanged(DeliveryRulesChanged {
            inbox: "im:alice@b".parse().unwrap(),
            version: 1,
            rules: DeliveryRules::default().changed(change).unwrap(),
            by: "alice@b".parse().unwrap(),
            operation: OperationId([0; 16]),
        });
        assert!(!detail(&event, false).to_string().contains("secret"));
        assert!(detail(&event, true).to_string().contains("secret"));
    }
}
