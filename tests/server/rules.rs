//! Rules, grants, watchers, receipts and administrators over the wire.
//!
//! Must never hold: a test of what a rule decides; `model` and `service` are tested for that.

use bytes::Bytes;

use super::connections::inbox_of;
use super::feeds::{open, presence};
use super::store::Store;
use crate::support::peer::{Device, Manner, Peer, Session, message, publish, subscribe};
use adsum::model::{
    AccessRule, Handling, Receipt, ReceiptKind, Receipts, RefusalCode, Rights, WatcherRow,
};
use adsum::protocol::body::{
    Administer, CaughtUp, ChangeDelivery, ChangeRules, ChangeVisibility, Changed, Delivery,
    DeliveryState, DomainState, Enroll, FeedAck, FeedOpen, Fetch, Grant, Granted, Hello,
    ListDelivery, ListDomains, ListGrants, ListRules, ListVisibility, ListWatchers, MessageEvent,
    Presence, PresenceEvent, Published, ReceiptEvent, Refused, Rule, Send, Sent, Subscribed,
    Version, Visibility, VisibilityRule, Watcher, WatcherEvent,
};
use adsum::protocol::{self, Field};
use adsum::server::Server;
use adsum::wire::decode;

/// Says who it is no more than by a key.
pub(super) async fn visitor(server: &Server) -> Session {
    let anonymous = Device::anonymous("visitor");
    Session::enter_as(server.local_addr(), &anonymous, Manner::default()).await
}

/// Enters with the invite of a server where nobody is enrolled, which makes an administrator.
pub(super) async fn first(server: &Server, name: &str) -> Session {
    let token = Bytes::copy_from_slice(&server.first_invite().unwrap());
    let peer = Peer::connect(server.local_addr()).await;
    let enroll = Some(Enroll { token, label: "test".to_owned() });
    let hello = Hello { enroll, ..peer.hello(&Device::of(name)) };
    Session::begin(peer, name, &hello).await.unwrap()
}

pub(super) fn rule(who: &str, handling: Handling) -> AccessRule {
    AccessRule::plain(who.parse().unwrap(), handling)
}

pub(super) fn set_rules(request: u64, owner: &str, rules: &[AccessRule]) -> ChangeRules {
    ChangeRules {
        request,
        operation: operation(request),
        owner: owner.to_owned(),
        if_version: None,
        put: rules.iter().map(Field::to_wire).collect(),
        remove: Vec::new(),
    }
}

fn operation(request: u64) -> [u8; 16] {
    let mut operation = [1; 16];
    operation[..8].copy_from_slice(&request.to_be_bytes());
    operation
}

fn code(refused: &Refused) -> RefusalCode {
    RefusalCode::from_number(refused.code).unwrap()
}

fn fetch_alice() -> Fetch {
    Fetch { presentity: "pres:alice@d.example".to_owned() }
}

#[tokio::test]
async fn rules_that_were_set_are_listed_with_their_version() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let given = [rule("@d.example", Handling::Confirm), rule("everyone", Handling::Block)];
    let set = set_rules(1, "pres:alice@d.example", &given);
    let changed: Changed = alice.request(&set).await;
    assert_eq!((changed.request, changed.version), (1, 1));
    let listed = alice.list(&ListRules { owner: "pres:alice@d.example".into() }).await;
    assert_eq!(decode::<Version>(&listed[0]).unwrap().version, 1);
    let rules: Vec<AccessRule> = listed[1..]
        .iter()
        .map(|frame| AccessRule::from_wire(decode::<Rule>(frame).unwrap().rule).unwrap())
        .collect();
    assert_eq!(rules, given);
    let stale = ChangeRules { if_version: Some(9), operation: operation(2), ..set };
    assert_eq!(code(&alice.request(&stale).await), RefusalCode::StaleVersion);
}

#[tokio::test]
async fn a_pending_watcher_sees_nothing_until_it_is_allowed() {
    let store = Store::new();
    let mut config = store.config();
    config.default_access = Handling::Confirm;
    let server = adsum::server::start(config).await.unwrap();
    let (mut alice, mut bob) = (
        Session::enter(server.local_addr(), "alice").await,
        Session::enter(server.local_addr(), "bob").await,
    );
    let _: Published = alice.request(&publish("alice", 1, "hello")).await;
    let subscribed: Subscribed = bob.request(&subscribe(1, "alice", 0)).await;
    assert_eq!(subscribed.state, 3);
    let (mut feed, _) = open(&bob, &presence(&Bytes::new(), 0)).await;
    let pending: PresenceEvent = feed.read().await;
    assert_eq!((pending.presence.state, pending.presence.document.tuples.len()), (3, 0));
    let _: CaughtUp = feed.read().await;
    let allow = set_rules(2, "pres:alice@d.example", &[rule("bob@d.example", Handling::Allow)]);
    let _: Changed = alice.request(&allow).await;
    let active: PresenceEvent = feed.read().await;
    assert_eq!((active.presence.state, active.presence.document.tuples.len()), (1, 1));
}

#[tokio::test]
async fn a_feed_that_asks_for_watchers_is_told_who_watches() {
    let store = Store::new();
    let server = store.serve().await;
    let (mut alice, mut bob) = (
        Session::enter(server.local_addr(), "alice").await,
        Session::enter(server.local_addr(), "bob").await,
    );
    let _: Published = alice.request(&publish("alice", 1, "hello")).await;
    let wish = FeedOpen {
        watchers: protocol::feed::watchers_addition(true),
        ..presence(&Bytes::new(), 0)
    };
    let (mut feed, _) = open(&alice, &wish).await;
    let _: CaughtUp = feed.read().await;
    let _: Subscribed = bob.request(&subscribe(1, "alice", 0)).await;
    let event: WatcherEvent = feed.read().await;
    let row = WatcherRow::from_wire(event.watcher).unwrap();
    assert_eq!((event.number, row.watcher.to_string().as_str()), (1, "bob@d.example"));
    let question = ListWatchers { presentity: "pres:alice@d.example".into() };
    let listed: Vec<WatcherRow> = alice
        .list(&question)
        .await
        .iter()
        .map(|frame| WatcherRow::from_wire(decode::<Watcher>(frame).unwrap().watcher).unwrap())
        .collect();
    assert_eq!(listed, [row]);
}

#[tokio::test]
async fn an_anonymous_session_has_a_name_of_its_own_and_sees_what_rules_allow() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let _: Published = alice.request(&publish("alice", 1, "hello")).await;
    let guest = visitor(&server).await;
    assert!(guest.welcome.principal.ends_with("@anonymous.invalid"));
    assert!(!guest.welcome.enrolled);
    let other = visitor(&server).await;
    assert_ne!(guest.welcome.principal, other.welcome.principal);
    let refused: Refused = guest.query(&fetch_alice()).await;
    assert_eq!(code(&refused), RefusalCode::Refused);
    let allow = set_rules(2, "pres:alice@d.example", &[rule("anonymous", Handling::Allow)]);
    let _: Changed = alice.request(&allow).await;
    let shown: Presence = guest.query(&fetch_alice()).await;
    assert_eq!(shown.presence.document.tuples.len(), 1);
}

#[tokio::test]
async fn a_sender_that_asks_for_receipts_finds_them_in_its_inbox() {
    let store = Store::new();
    let server = store.serve().await;
    let (mut alice, mut bob) = (
        Session::enter(server.local_addr(), "alice").await,
        Session::enter(server.local_addr(), "bob").await,
    );
    let delivery = ChangeDelivery {
        request: 1,
        operation: operation(1),
        inbox: "im:bob@d.example".into(),
        if_version: None,
        put: Vec::new(),
        remove: Vec::new(),
        when_closed: 2,
        receipts: 2,
    };
    let _: Changed = bob.request(&delivery).await;
    let question = ListDelivery { inbox: "im:bob@d.example".into() };
    let listed = bob.list(&question).await;
    let state: DeliveryState = decode(&listed[0]).unwrap();
    assert_eq!((state.version, state.when_closed, state.receipts), (1, 2, true));
    assert!(listed[1..].iter().all(|frame| decode::<Delivery>(frame).is_ok()));
    let (mut feed, _) = open(&alice, &inbox_of("alice")).await;
    let _: CaughtUp = feed.read().await;
    let wanted = Receipts::NONE.with(ReceiptKind::Delivered);
    let asking = message(1, "bob", "m1", b"hi");
    let asking = Send { receipts: wanted.to_wire(), ..asking };
    let _: Sent = alice.request(&asking).await;
    let (mut read, _) = open(&bob, &inbox_of("bob")).await;
    let told: MessageEvent = read.read().await;
    read.write(&FeedAck { cursor: told.cursor }).await;
    let event: ReceiptEvent = feed.read().await;
    let receipt = Receipt::from_wire(event.receipt).unwrap();
    assert_eq!((receipt.kind, receipt.id.as_str()), (ReceiptKind::Delivered, "m1"));
    assert_eq!(receipt.recipient.to_string(), "im:bob@d.example");
    // From the log as well as from what is kept in memory.
    let (mut again, _) = open(&alice, &FeedOpen { from_start: true, ..inbox_of("alice") }).await;
    let event: ReceiptEvent = again.read().await;
    assert_eq!(Receipt::from_wire(event.receipt).unwrap(), receipt);
}

fn grant(request: u64, rights: Rights) -> Grant {
    Grant {
        request,
        operation: operation(request),
        owner: String::new(),
        grantee: "bob@d.example".into(),
        rights: rights.bits(),
    }
}

#[tokio::test]
async fn a_right_that_is_taken_back_ends_the_feed_it_gave() {
    let store = Store::new();
    let server = store.serve().await;
    let (mut alice, bob) = (
        Session::enter(server.local_addr(), "alice").await,
        Session::enter(server.local_addr(), "bob").await,
    );
    let _: Changed = alice.request(&grant(1, Rights::READ)).await;
    let granted = alice.list(&ListGrants { owner: String::new() }).await;
    let granted: Granted = decode(&granted[0]).unwrap();
    assert_eq!((granted.grantee.as_str(), granted.rights), ("bob@d.example", 2));
    let (mut feed, _) = open(&bob, &inbox_of("alice")).await;
    let _: CaughtUp = feed.read().await;
    let _: Changed = alice.request(&grant(2, Rights::NONE)).await;
    let refused: Refused = feed.read().await;
    assert_eq!(code(&refused), RefusalCode::Forbidden);
    assert!(feed.next().await.is_err());
}

#[tokio::test]
async fn a_watcher_says_to_whom_it_is_shown() {
    let store = Store::new();
    let server = store.serve().await;
    let mut bob = Session::enter(server.local_addr(), "bob").await;
    let put = vec![VisibilityRule { who: "@d.example".into(), is_shown: true }];
    let (request, operation) = (1, operation(1));
    let change = ChangeVisibility { request, operation, put: put.clone(), remove: vec![] };
    let _: Changed = bob.request(&change).await;
    let listed = bob.list(&ListVisibility {}).await;
    assert_eq!(decode::<Visibility>(&listed[1]).unwrap().rule, put[0]);
}

#[tokio::test]
async fn an_administrator_creates_a_domain_and_others_may_not() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = first(&server, "alice").await;
    let mut bob = Session::enter(server.local_addr(), "bob").await;
    assert_eq!((alice.welcome.role, bob.welcome.role), (1, 0));
    let create = Administer {
        request: 1,
        operation: operation(1),
        act: 1,
        subject: "new.example".into(),
        presence: 0,
        messaging: 0,
        recovery_delay: None,
        recovery_shows: None,
        quota: None,
        quota_max: None,
        recipients_keep: None,
    };
    assert_eq!(code(&bob.request(&create).await), RefusalCode::Forbidden);
    let _: Changed = alice.request(&create).await;
    let listed = alice.list(&ListDomains {}).await;
    let names: Vec<String> =
        listed.iter().map(|frame| decode::<DomainState>(frame).unwrap().domain).collect();
    assert_eq!(names, ["d.example", "new.example"]);
}
