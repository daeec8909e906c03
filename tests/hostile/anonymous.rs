//! Anonymous sessions: let in only where they are wanted, few at once, and forgotten when they are over, however many come
//! and whatever they leave undone.
//!
//! Must never hold: what rules show to whoever has no name; `tests/server/rules.rs` and `tests/rfc2779/` do.

use std::time::Duration;

use adsum::commit::Commit;
use adsum::log::memory::MemoryDisk;
use adsum::model::limits::{
    ANONYMOUS_ADDRESS_EVENT_MS, ANONYMOUS_EVENT_MS, ANONYMOUS_RETRY_MS, ANONYMOUS_SAVED_MS,
    SUBSCRIPTIONS_ANONYMOUS_MAX, WATCHERS_ANONYMOUS_MAX, WATCHERS_WINDOW_MS,
};
use adsum::model::{
    DeviceLabel, Handling, Lifetime, Mode, OperationId, Principal, Refusal, RefusalCode, Timestamp,
};
use adsum::protocol::body::{ChangeRules, Changed, Enroll, Hello, ListWatchers, Refused, Watcher};
use adsum::protocol::{Command, Fetch, Field as _, Subscribe, Unsubscribe};
use adsum::service::{
    self, Actor, Input, Origin, Output, Query, Reply, ServiceConfig, SessionId, Ticket,
};
use adsum::wire::decode;
use bytes::Bytes;

use crate::support::peer::{Device, Manner, Peer, Session};
use crate::support::server::Running;
use crate::support::until;
use crate::world::governed::{change, rule};
use crate::world::{actor, config, key, pres, principal, seconds};

/// Where alice lets everybody watch, anonymous ones too.
struct Store {
    disk: MemoryDisk,
    commit: Commit,
    now: Timestamp,
    sessions: u64,
}

/// An anonymous session.
struct Guest {
    session: SessionId,
    actor: Actor,
}

fn ticket(session: SessionId) -> Ticket {
    Ticket { session, number: 0 }
}

fn open(disk: &MemoryDisk, now: Timestamp) -> Commit {
    let mut commit =
        Commit::open(config(), Box::new(disk.open().unwrap()), &mut |_, _| {}).unwrap();
    commit.review(now).unwrap();
    commit
}

impl Store {
    fn new(names: &[&str]) -> Self {
        let (disk, now) = (MemoryDisk::new(), Timestamp::from_ms(1_000_000));
        let commit = open(&disk, now);
        let mut store = Self { disk, commit, now, sessions: 1 };
        for name in names {
            let enroll = service::Enroll { invite: None, label: DeviceLabel::new("").unwrap() };
            let (principal, key) = (principal(name), key(name));
            let hello = service::Hello { principal, key, enroll: Some(enroll) };
            store.ask(Input::Enter { ticket: ticket(SessionId(0)), hello }).unwrap();
            let rules = vec![rule("anonymous", Handling::Allow)];
            let command = Command::ChangeRules(change(name, rules, &[]));
            store.ask(named(name, command)).unwrap();
        }
        store
    }

    /// A round of one input; its answer.
    fn ask(&mut self, input: Input) -> Result<Reply, Refusal> {
        let replies = self.round(input).into_iter().filter_map(|output| match output {
            Output::Reply { result, .. } => Some(result),
            _ => None,
        });
        replies.last().unwrap()
    }

    fn round(&mut self, input: Input) -> Vec<Output> {
        self.commit.handle(self.now, [input]);
        self.commit.persist().unwrap();
        self.commit.release()
    }

    fn enter(&mut self, origin: Option<u8>) -> Result<Guest, Refusal> {
        self.sessions += 1;
        let session = SessionId(self.sessions);
        let input = Input::EnterAnonymous {
            ticket: ticket(session),
            pseudonym: Principal::pseudonym(self.sessions.to_be_bytes()),
            key: key(&format!("guest {}", self.sessions)),
            origin: origin.map(|number| Origin([number; 16])),
        };
        match self.ask(input)? {
            Reply::Entered { actor, .. } => Ok(Guest { session, actor }),
            other => panic!("{other:?}"),
        }
    }

    fn leave(&mut self, guest: &Guest) {
        assert!(self.round(Input::Leave { session: guest.session }).is_empty());
    }

    fn asks(&mut self, guest: &Guest, command: Command) -> Result<Reply, Refusal> {
        let (ticket, actor) = (ticket(guest.session), guest.actor.clone());
        self.ask(Input::Command { ticket, actor, command })
    }

    fn fetches(&mut self, guest: &Guest, name: &str) -> Result<Reply, Refusal> {
        let query = Query::from(Fetch { presentity: pres(name) });
        let (ticket, actor) = (ticket(guest.session), guest.actor.clone());
        self.ask(Input::Query { ticket, actor, query })
    }

    /// All that the store knows but of whom alice's watchers were, and the head.
    fn known(&mut self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let mut records = self.commit.fingerprint();
        records.retain(|(key, _)| key[0] != b'A');
        records
    }

    /// How many of alice's watchers are remembered, with a name and without.
    fn watchers(&self) -> (usize, usize) {
        let view = self.commit.views().audience(&pres("alice")).unwrap();
        let nameless = view.seen.keys().filter(|watcher| watcher.is_anonymous()).count();
        (view.seen.len() - nameless, nameless)
    }

    fn events(&self) -> u64 {
        self.commit.head().get()
    }
}

fn named(name: &str, command: Command) -> Input {
    Input::Command { ticket: ticket(SessionId(0)), actor: actor(name), command }
}

fn subscribe(name: &str, operation: u8) -> Command {
    let (operation, presentity) = (OperationId([operation; 16]), pres(name));
    Command::Subscribe(Subscribe { operation, presentity, mode: Mode::Latest, lifetime: None })
}

#[test]
fn thousands_of_sessions_come_and_go_and_what_is_known_is_as_before() {
    let mut store = Store::new(&["alice", "bob"]);
    let bob = Query::from(Fetch { presentity: pres("alice") });
    let bob = Input::Query { ticket: ticket(SessionId(0)), actor: actor("bob"), query: bob };
    store.ask(bob).unwrap();
    let before = store.known();
    for number in 0..5_000_u32 {
        store.now = store.now.after(seconds(3));
        let guest = store.enter(Some(u8::try_from(number % 200).unwrap())).unwrap();
        store.asks(&guest, subscribe("alice", 1)).unwrap();
        store.fetches(&guest, "bob").unwrap();
        if number % 2 == 0 {
            let (operation, presentity) = (OperationId([2; 16]), pres("alice"));
            let end = Command::Unsubscribe(Unsubscribe { operation, presentity });
            store.asks(&guest, end).unwrap();
        }
        store.leave(&guest);
    }
    assert!(store.known() == before, "nothing is left but that alice and bob were watched");
    assert_eq!(store.commit.views().counts().subscriptions, 0);
    assert_eq!(store.watchers(), (1, WATCHERS_ANONYMOUS_MAX));
    store.commit.checkpoint_all().unwrap();
    let (all, head) = (store.commit.fingerprint(), store.events());
    store.disk.crash(0);
    let mut again = open(&store.disk, store.now);
    assert!(again.fingerprint() == all, "the checkpoint says the same");
    assert_eq!(again.head().get(), head, "nothing is left to be forgotten at the start");
    store.disk.crash(0);
    let log = Box::new(store.disk.open().unwrap());
    let mut folded = Commit::rebuild(config(), log, &mut |_, _| {}).unwrap();
    assert!(folded.fingerprint() == all, "and so does the log");
}

#[test]
fn what_sessions_left_when_the_server_was_killed_is_forgotten_at_the_next_start() {
    let mut store = Store::new(&["alice"]);
    let before = store.known();
    let guests: Vec<Guest> = (0..50).map(|_| store.enter(None).unwrap()).collect();
    for guest in &guests {
        store.asks(guest, subscribe("alice", 1)).unwrap();
    }
    assert_eq!(store.commit.views().counts().subscriptions, 50);
    store.commit.checkpoint_all().unwrap();
    store.disk.crash(0);
    store.commit = open(&store.disk, store.now);
    assert!(store.known() == before);
    assert_eq!(store.commit.views().counts().subscriptions, 0);
    // And nobody of them holds a place.
    (0..100).for_each(|_| drop(store.enter(None).unwrap()));
}

#[test]
fn anonymous_watchers_push_out_nobody_who_has_a_name_and_are_over_after_thirty_days() {
    let names: Vec<String> = (0..300).map(|number| format!("w{number}")).collect();
    let mut store = Store::new(&["alice"]);
    for name in &names {
        let enroll = service::Enroll { invite: None, label: DeviceLabel::new("").unwrap() };
        let hello =
            service::Hello { principal: principal(name), key: key(name), enroll: Some(enroll) };
        store.ask(Input::Enter { ticket: ticket(SessionId(0)), hello }).unwrap();
        let query = Query::from(Fetch { presentity: pres("alice") });
        let (ticket, actor) = (ticket(SessionId(0)), actor(name));
        store.ask(Input::Query { ticket, actor, query }).unwrap();
    }
    for _ in 0..1_000 {
        store.now = store.now.after(seconds(1));
        let guest = store.enter(None).unwrap();
        store.fetches(&guest, "alice").unwrap();
        store.leave(&guest);
        assert!(store.watchers().1 <= WATCHERS_ANONYMOUS_MAX);
    }
    assert_eq!(store.watchers(), (300, WATCHERS_ANONYMOUS_MAX));
    store.now = store.now.after(Lifetime::from_ms(WATCHERS_WINDOW_MS));
    let late = store.enter(None).unwrap();
    for _ in 0..WATCHERS_ANONYMOUS_MAX {
        store.now = store.now.after(seconds(61));
        store.fetches(&late, "alice").unwrap();
    }
    assert_eq!(store.watchers().1, 1, "of those that came before none is left");
}

/// Subscribes and ends that for as long as it is let.
fn churn(store: &mut Store, guest: &Guest) -> Lifetime {
    for number in 0..=u8::MAX {
        for command in [
            subscribe("alice", number),
            Command::Unsubscribe(Unsubscribe {
                operation: OperationId([number; 16]),
                presentity: pres("alice"),
            }),
        ] {
            match store.asks(guest, command) {
                Ok(_) => {}
                Err(Refusal::Busy { retry_after }) => return retry_after,
                Err(other) => panic!("{other}"),
            }
        }
    }
    panic!("nothing stopped it after {} events", store.events());
}

#[test]
fn what_anonymous_sessions_write_is_bounded_for_each_address_and_for_all() {
    let mut store = Store::new(&["alice", "bob"]);
    let greedy = store.enter(Some(1)).unwrap();
    let begin = store.events();
    let retry_after = churn(&mut store, &greedy);
    let own = ANONYMOUS_SAVED_MS / ANONYMOUS_ADDRESS_EVENT_MS;
    assert!((own..own + 4).contains(&(store.events() - begin)), "{}", store.events() - begin);
    // Another session of the same address is no way around it, one of another address is.
    let twin = store.enter(Some(1)).unwrap();
    assert_eq!(store.fetches(&twin, "bob").unwrap_err().code(), RefusalCode::Busy);
    let other = store.enter(Some(2)).unwrap();
    store.asks(&other, subscribe("alice", 1)).unwrap();
    // Nor is it to come back.
    store.leave(&greedy);
    let again = store.enter(Some(1)).unwrap();
    assert_eq!(store.asks(&again, subscribe("alice", 1)).unwrap_err().code(), RefusalCode::Busy);
    store.now = store.now.after(retry_after).after(seconds(4));
    store.asks(&again, subscribe("alice", 1)).unwrap();
    // All addresses together come no further than all may, and then nobody without a name does. Whoever has one goes on.
    store.now = store.now.after(Lifetime::from_ms(2 * ANONYMOUS_SAVED_MS));
    let (begin, all) = (store.events(), ANONYMOUS_SAVED_MS / ANONYMOUS_EVENT_MS);
    for number in 10..40 {
        let guest = store.enter(Some(number)).unwrap();
        churn(&mut store, &guest);
    }
    assert!((all..all + 4).contains(&(store.events() - begin)), "{}", store.events() - begin);
    store.ask(named("bob", subscribe("alice", 1))).unwrap();
}

#[test]
fn an_anonymous_session_subscribes_to_few() {
    let names: Vec<String> =
        (0..=SUBSCRIPTIONS_ANONYMOUS_MAX).map(|number| format!("p{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut store = Store::new(&names);
    let guest = store.enter(None).unwrap();
    let (last, few) = names.split_last().unwrap();
    for name in few {
        store.asks(&guest, subscribe(name, 1)).unwrap();
    }
    let refusal = store.asks(&guest, subscribe(last, 1)).unwrap_err();
    assert_eq!(refusal.code(), RefusalCode::SubscriptionsFull);
    store.leave(&guest);
    assert_eq!(store.commit.views().counts().subscriptions, 0);
}

#[test]
fn places_are_few_and_shared_between_addresses_and_each_that_leaves_makes_room() {
    let mut store = Store::new(&[]);
    let ServiceConfig { anonymous_max, anonymous_of_origin_max, .. } = config();
    let guests: Vec<Guest> =
        (0..anonymous_of_origin_max).map(|_| store.enter(Some(1)).unwrap()).collect();
    let refusal = store.enter(Some(1)).err().unwrap();
    assert_eq!(refusal, Refusal::Busy { retry_after: Lifetime::from_ms(ANONYMOUS_RETRY_MS) });
    store.leave(&guests[0]);
    // Who was not let in leaves no gap, and who is gone is not gone twice.
    store.leave(&guests[0]);
    store.enter(Some(1)).unwrap();
    assert!(store.enter(Some(1)).is_err());
    // Those from where addresses are not counted share the places that are left.
    for _ in anonymous_of_origin_max..anonymous_max {
        store.enter(None).unwrap();
    }
    assert_eq!(store.enter(None).err().unwrap().code(), RefusalCode::Busy);
    assert_eq!(store.enter(Some(2)).err().unwrap().code(), RefusalCode::Busy);
}

async fn refused(server: &Running, enroll: Option<Enroll>) -> Refused {
    let peer = Peer::connect(server.address()).await;
    let hello = Hello { enroll, ..peer.hello(&Device::anonymous("visitor")) };
    peer.say_hello(&hello).await.read::<Refused>().await
}

#[tokio::test]
async fn nobody_is_let_in_without_a_name_unless_the_operator_said_so() {
    let server = Running::start_with(|config| config.anonymous = false).await;
    let refusal = refused(&server, None).await;
    assert_eq!(refusal.code, RefusalCode::Anonymous.number());
    assert!(refusal.message.ends_with("; authenticate"), "{}", refusal.message);
    let enroll = Some(Enroll { token: Bytes::new(), label: String::new() });
    assert_eq!(refused(&server, enroll).await.code, RefusalCode::Anonymous.number());
    Session::enter(server.address(), "alice").await;
}

async fn visitor(server: &Running) -> Session {
    Session::enter_as(server.address(), &Device::anonymous("visitor"), Manner::default()).await
}

/// How many watch alice, and how many only did.
async fn watching(alice: &Session) -> (usize, usize) {
    let question = ListWatchers { presentity: "pres:alice@d.example".into() };
    let rows = alice.list(&question).await;
    let states = rows.iter().filter_map(|row| decode::<Watcher>(row).ok());
    let (over, live): (Vec<u8>, Vec<u8>) =
        states.map(|row| row.watcher.state).partition(|state| *state == 0);
    (live.len(), over.len())
}

#[tokio::test]
async fn whoever_goes_is_forgotten_with_a_word_or_without_and_makes_room() {
    let server = Running::start_with(|config| {
        config.limits.proxies.clear();
        config.limits.address_anonymous_max = 2;
        // Guests say that they are there only every five seconds.
        config.timeouts.idle = Duration::from_secs(4);
    })
    .await;
    let manner = Manner { idle: Duration::from_secs(12), ..Manner::default() };
    let alice = Device::of("alice");
    let mut alice = Session::enter_as(server.address(), &alice, manner).await;
    let allow = ChangeRules {
        request: alice.number(),
        operation: [1; 16],
        owner: "pres:alice@d.example".into(),
        if_version: None,
        put: vec![rule("anonymous", Handling::Allow).to_wire()],
        remove: Vec::new(),
    };
    let _: Changed = alice.request(&allow).await;
    let (mut closed, mut lost) = (visitor(&server).await, visitor(&server).await);
    closed.subscribe("alice", 0).await;
    lost.subscribe("alice", 0).await;
    assert_eq!(refused(&server, None).await.code, RefusalCode::Busy.number());
    closed.close();
    until("the one that closed is forgotten", async || {
        (watching(&alice).await.1 > 0).then_some(())
    })
    .await;
    visitor(&server).await;
    // Nothing more comes from the other one, as when a cable is pulled.
    until("the one that is lost is forgotten", async || {
        (watching(&alice).await == (0, 2)).then_some(())
    })
    .await;
}
