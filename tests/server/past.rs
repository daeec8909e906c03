//! Questions that are answered from the log.
//!
//! Must never hold: a test of how the log is walked; `commit::history` is tested for that.

use super::rules::{rule, set_rules};
use super::store::Store;
use crate::support::peer::{Session, message, publish};
use adsum::model::{Handling, RefusalCode};
use adsum::protocol::body::{
    Change, ChangeDelivery, Changed, DeliveryRule, Explain, Explanation, FetchAt, ListHistory,
    ListQuarantine, Presence, Published, Quarantined, Refused, Sent,
};
use adsum::wire::decode;

const ALICES: &str = "pres:alice@d.example";

fn history(limit: u32) -> ListHistory {
    let presentity = ALICES.to_owned();
    ListHistory { presentity, since_ms: None, until_ms: None, limit }
}

#[tokio::test]
async fn the_owner_is_told_what_was_published_and_nobody_else() {
    let store = Store::new();
    let server = store.serve().await;
    let (mut alice, bob) = (
        Session::enter(server.local_addr(), "alice").await,
        Session::enter(server.local_addr(), "bob").await,
    );
    assert!(alice.list(&history(0)).await.is_empty());
    for request in 1..=40 {
        let _: Published = alice.request(&publish("alice", request, &request.to_string())).await;
    }
    let rows = alice.list(&history(0)).await;
    let changes: Vec<Change> = rows.iter().map(|frame| decode(frame).unwrap()).collect();
    assert_eq!(changes.len(), 40);
    let note = changes[0].document.clone().unwrap().tuples[0].notes[0].text.clone();
    assert_eq!(note.as_deref(), Some(&b"40"[..]), "the newest comes first");
    assert!(changes.iter().all(|change| change.by == "alice@d.example" && change.what == 1));
    assert_eq!(alice.list(&history(3)).await.len(), 3);
    let refused: Refused = bob.query(&history(0)).await;
    assert!(RefusalCode::from_number(refused.code).is_some());
}

#[tokio::test]
async fn the_owner_is_shown_what_stood_at_a_moment() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let _: Published = alice.request(&publish("alice", 1, "first")).await;
    let at = |at_ms| FetchAt { presentity: ALICES.to_owned(), at_ms };
    let before: Presence = alice.query(&at(1)).await;
    assert!(before.presence.document.tuples.is_empty());
    let now: Presence = alice.query(&at(u64::MAX)).await;
    assert_eq!(now.presence.document.tuples.len(), 1);
}

#[tokio::test]
async fn an_explanation_names_the_rule_of_then_and_of_now() {
    let store = Store::new();
    let server = store.serve().await;
    let (mut alice, _bob) = (
        Session::enter(server.local_addr(), "alice").await,
        Session::enter(server.local_addr(), "bob").await,
    );
    let block = set_rules(1, ALICES, &[rule("bob@d.example", Handling::Block)]);
    let _: Changed = alice.request(&block).await;
    let explain = |at_ms| Explain {
        presentity: ALICES.to_owned(),
        watcher: "bob@d.example".to_owned(),
        at_ms,
    };
    let now: Explanation = alice.query(&explain(None)).await;
    assert_eq!((now.version, now.fetch, now.fetch_rule.as_str()), (1, 1, "bob@d.example"));
    let then: Explanation = alice.query(&explain(Some(1))).await;
    assert_eq!((then.version, then.subscribe, then.subscribe_rule.as_str()), (0, 4, ""));
}

#[tokio::test]
async fn what_was_stored_aside_is_listed_for_the_owner() {
    let store = Store::new();
    let server = store.serve().await;
    let (mut alice, mut bob) = (
        Session::enter(server.local_addr(), "alice").await,
        Session::enter(server.local_addr(), "bob").await,
    );
    let aside = DeliveryRule {
        name: "alice".into(),
        who: "alice@d.example".into(),
        content_type: String::new(),
        larger_than: None,
        action: 3,
        reason: String::new(),
    };
    let change = ChangeDelivery {
        request: 1,
        operation: [7; 16],
        inbox: "im:bob@d.example".into(),
        if_version: None,
        put: vec![aside],
        remove: Vec::new(),
        when_closed: 0,
        receipts: 0,
    };
    let _: Changed = bob.request(&change).await;
    for request in 1..=20 {
        let id = format!("m{request}");
        let _: Sent = alice.request(&message(request, "bob", &id, id.as_bytes())).await;
    }
    let question = ListQuarantine { inbox: "im:bob@d.example".into() };
    let listed = bob.list(&question).await;
    let ids: Vec<String> =
        listed.iter().map(|frame| decode::<Quarantined>(frame).unwrap().message.id).collect();
    let expected: Vec<String> = (1..=20).map(|number| format!("m{number}")).collect();
    assert_eq!(ids, expected);
    let _: Refused = alice.query(&question).await;
}
