//! Examples about rules, grants, watchers, receipts, the past and administrators.
//!
//! Must never hold: a value that changes from run to run.

use adsum::protocol::body::{
    AccessRule, Act, Administer, Change, ChangeDelivery, ChangeRules, ChangeVisibility, Changed,
    Delivery, DeliveryRule, DeliveryState, Displayed, DomainState, EndSubscription, Explain,
    Explanation, FetchAt, Grant, Granted, ListActs, ListDelivery, ListDomains, ListGrants,
    ListHistory, ListQuarantine, ListRules, ListVisibility, ListWatchers, Quarantined, ReceiptBody,
    ReceiptEvent, Rule, Shown, Version, Visibility, VisibilityRule, Watcher, WatcherBody,
    WatcherEvent,
};
use bytes::Bytes;

use super::samples::{
    ALICE, BOB, DAY_MS, INBOX, OPERATION, Sample, TIME_MS, cursor, device, message_event,
    open_presence, plain_document, sample, send, subscribe,
};

const BOBS: &str = "pres:bob@example.com";

/// Every example of these kinds.
pub(crate) fn samples() -> Vec<Sample> {
    [additions(), requests(), administration(), questions(), rules(), past(), rows(), events()]
        .into_iter()
        .flatten()
        .collect()
}

fn added(value: &'static [u8]) -> Bytes {
    Bytes::from_static(value)
}

fn additions() -> Vec<Sample> {
    let named =
        adsum::protocol::body::Subscribe { operation: Some(added(&OPERATION)), ..subscribe() };
    let asking = adsum::protocol::body::Send { receipts: Some(added(&[6])), ..send() };
    let telling =
        adsum::protocol::body::FeedOpen { watchers: Some(added(&[1])), ..open_presence() };
    vec![
        sample("Subscribe that names its operation", &named),
        sample("Send that asks for receipts", &asking),
        sample("FeedOpen that asks for watchers", &telling),
    ]
}

fn access_rule() -> AccessRule {
    let tuples = Some(vec!["desk".into()]);
    AccessRule {
        name: "@example.com".into(),
        who: "@example.com".into(),
        fetch: 4,
        subscribe: 2,
        shown: Shown { tuples, notes: false, contact: true, markup: true },
        from_ms: Some(TIME_MS),
        until_ms: Some(TIME_MS + DAY_MS),
    }
}

fn delivery_rule() -> DeliveryRule {
    DeliveryRule {
        name: "no-pictures".into(),
        who: "authenticated".into(),
        content_type: "image/*".into(),
        larger_than: Some(10_000),
        action: 1,
        reason: "text only, please".into(),
    }
}

fn visibility_rule() -> VisibilityRule {
    VisibilityRule { who: "@example.com".into(), is_shown: true }
}

fn requests() -> Vec<Sample> {
    let rules = ChangeRules {
        request: 9,
        operation: OPERATION,
        owner: BOBS.into(),
        if_version: Some(3),
        put: vec![access_rule()],
        remove: vec!["everyone".into()],
    };
    let delivery = ChangeDelivery {
        request: 10,
        operation: [0x1f; 16],
        inbox: INBOX.into(),
        if_version: Some(0),
        put: vec![delivery_rule()],
        remove: vec!["old".into()],
        when_closed: 2,
        receipts: 0,
    };
    let visibility = ChangeVisibility {
        request: 11,
        operation: [0x2f; 16],
        put: vec![visibility_rule()],
        remove: vec!["everyone".into()],
    };
    vec![
        sample("ChangeRules", &rules),
        sample("ChangeDelivery", &delivery),
        sample("ChangeVisibility", &visibility),
        sample("Displayed", &Displayed { request: 12, inbox: INBOX.into(), sequence: 10 }),
        sample("Changed", &Changed { request: 9, version: 4 }),
    ]
}

fn administration() -> Vec<Sample> {
    let grant = Grant {
        request: 13,
        operation: [0x3f; 16],
        owner: String::new(),
        grantee: "carol@example.com".into(),
        rights: 3,
    };
    let end = EndSubscription {
        request: 14,
        watcher: "carol@example.com".into(),
        presentity: BOBS.into(),
    };
    let administer = Administer {
        request: 15,
        operation: [0x4f; 16],
        act: 3,
        subject: "example.com".into(),
        presence: 1,
        messaging: 0,
    };
    vec![
        sample("Grant", &grant),
        sample("EndSubscription", &end),
        sample("Administer", &administer),
    ]
}

fn questions() -> Vec<Sample> {
    let history = ListHistory {
        presentity: BOBS.into(),
        since_ms: Some(TIME_MS),
        until_ms: Some(TIME_MS + DAY_MS),
        limit: 100,
    };
    let explain = Explain {
        presentity: BOBS.into(),
        watcher: "carol@example.com".into(),
        at_ms: Some(TIME_MS),
    };
    vec![
        sample("ListRules", &ListRules { owner: BOBS.into() }),
        sample("ListDelivery", &ListDelivery { inbox: INBOX.into() }),
        sample("ListVisibility", &ListVisibility {}),
        sample("ListGrants", &ListGrants { owner: String::new() }),
        sample("ListWatchers", &ListWatchers { presentity: BOBS.into() }),
        sample("ListHistory", &history),
        sample("FetchAt", &FetchAt { presentity: BOBS.into(), at_ms: TIME_MS }),
        sample("Explain", &explain),
        sample("ListDomains", &ListDomains {}),
        sample("ListActs", &ListActs { principal: String::new() }),
        sample("ListQuarantine", &ListQuarantine { inbox: INBOX.into() }),
    ]
}

fn rules() -> Vec<Sample> {
    let state = DeliveryState { version: 1, when_closed: 2, receipts: true };
    vec![
        sample("Version", &Version { version: 4 }),
        sample("Rule", &Rule { rule: access_rule() }),
        sample("DeliveryState", &state),
        sample("Delivery", &Delivery { rule: delivery_rule() }),
        sample("Visibility", &Visibility { rule: visibility_rule() }),
    ]
}

fn past() -> Vec<Sample> {
    let change = Change {
        at_ms: TIME_MS,
        by: BOB.into(),
        device: device(),
        name: String::new(),
        what: 1,
        document: Some(plain_document()),
    };
    let all = Shown { tuples: None, notes: true, contact: true, markup: true };
    let explanation = Explanation {
        version: 4,
        fetch: 4,
        fetch_rule: "@example.com".into(),
        subscribe: 2,
        subscribe_rule: String::new(),
        fetch_shown: access_rule().shown,
        subscribe_shown: all,
        by_domain: false,
    };
    vec![sample("Change", &change), sample("Explanation", &explanation)]
}

fn watcher() -> WatcherBody {
    WatcherBody {
        presentity: BOBS.into(),
        watcher: "carol@example.com".into(),
        state: 3,
        reason: 0,
        handling: 2,
        first_at_ms: TIME_MS,
        last_at_ms: TIME_MS,
        fetches: 0,
        subscriptions: 1,
    }
}

fn rows() -> Vec<Sample> {
    let domain = DomainState {
        domain: "example.com".into(),
        is_configured: true,
        presence: true,
        messaging: true,
        principals: 3,
    };
    let act = Act { at_ms: TIME_MS, by: "root@example.com".into(), act: 2, about: ALICE.into() };
    let granted = Granted { grantee: "carol@example.com".into(), rights: 3 };
    let aside = Quarantined { message: message_event(cursor(0)).message };
    vec![
        sample("Granted", &granted),
        sample("Watcher", &Watcher { watcher: watcher() }),
        sample("DomainState", &domain),
        sample("Act", &act),
        sample("Quarantined", &aside),
    ]
}

fn events() -> Vec<Sample> {
    let receipt = ReceiptBody {
        inbox: INBOX.into(),
        sequence: 11,
        kind: 3,
        id: send().id,
        recipient: send().inbox,
        at_ms: TIME_MS,
        reason: String::new(),
    };
    let receipt = ReceiptEvent { number: 2, cursor: cursor(0x59), receipt };
    let watcher = WatcherEvent { number: 3, cursor: cursor(0x2f), watcher: watcher() };
    vec![sample("ReceiptEvent", &receipt), sample("WatcherEvent", &watcher)]
}
