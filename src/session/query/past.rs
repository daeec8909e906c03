//! What the log tells of the past as frames of QUERY.
//!
//! Must never hold: a look at who asks.

use crate::model::{Decision, RuleName};
use crate::protocol::body::{Change, Explanation};
use crate::protocol::convert;
use crate::service::{ChangeKind, ChangeRow, Explained};

pub(super) fn change(row: ChangeRow) -> Change {
    Change {
        at_ms: row.at.as_ms(),
        by: row.by.map(|by| by.to_string()).unwrap_or_default(),
        device: row.device.0,
        name: row.name.as_str().to_owned(),
        what: match row.kind {
            ChangeKind::Published => 1,
            ChangeKind::Removed => 2,
            ChangeKind::Expired => 3,
            ChangeKind::Withdrawn => 4,
        },
        document: row.document.as_ref().map(convert::document_body),
    }
}

pub(super) fn explanation(explained: Explained) -> Explanation {
    let Explained { version, fetch, subscribe, by_domain } = explained;
    Explanation {
        version,
        fetch: convert::handling_number(Some(fetch.handling)),
        fetch_shown: convert::shown_body(&fetch.shown),
        fetch_rule: rule_of(&fetch),
        subscribe: convert::handling_number(Some(subscribe.handling)),
        subscribe_shown: convert::shown_body(&subscribe.shown),
        subscribe_rule: rule_of(&subscribe),
        by_domain,
    }
}

fn rule_of(decision: &Decision) -> String {
    decision.rule.as_ref().map_or("", RuleName::as_str).to_owned()
}
