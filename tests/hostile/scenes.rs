//! The states in which a request of each kind costs most, and the request.
//!
//! Names are as long as they may be; what there can be many of is there [`MANY`] times.
//! Must never hold: a bound, or a claim about what it costs.

mod governed;
mod ruled;

use adsum::model::limits::{
    ANNOUNCEMENTS_MAX, BODY_BYTES_MAX, DELIVERY_REASON_BYTES_MAX, DOCUMENT_BYTES_MAX,
    RULE_NAME_BYTES_MAX, RULES_MAX, TUPLE_ID_BYTES_MAX,
};
use adsum::model::{
    AccessRule, Basic, ContentType, Delivery, DeliveryChange, DeliveryRule, DeviceLabel, Document,
    EpochId, Handling, InboxAddress, InboxSequence, InviteId, Lifetime, Mark, MessageId, Mode,
    Moment, Note, OperationId, Payload, Presentity, Principal, PublicKey, PublicationName, Quota,
    QuotaOwner, Receipts, Rights, Role, RuleName, Shown, Tuple, TupleId, Who,
};
use adsum::protocol::*;
use adsum::service::{Actor, Enroll, Hello, Input, Query, ServiceConfig, SessionId, Ticket};

use crate::world::{World, config, feed_id, key};

use governed::{
    administered, as_administrator, erased, erasure_set, granted, invite_withdrawn, invited,
    key_revoked, quota_set, recovered, recovery_refused, services_off, subscription_ended,
    suspended,
};
use ruled::{
    delivery, delivery_put, delivery_removed, domain_rule_put, large_rule, put_delivery, rule_put,
    rule_removed, rules, rules_put, visibility_put, visibility_removed, visible,
};

/// How many subscriptions, publications, messages and so on there are for a request that concerns all of them.
pub(crate) const MANY: u64 = 12;
const TICKET: Ticket = Ticket { session: SessionId(1), number: 1_000_000 };
const ALL: Receipts = Receipts::from_bits(31);

/// A request in a state.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) input: Option<Input>,
    /// How many bytes its frame has.
    pub(crate) bytes: u64,
    /// How many other things it ends, moves or lists.
    pub(crate) concerned: u64,
}

/// The scenes of a kind of frame.
pub(crate) fn scenes(kind: &str) -> Vec<Scene> {
    match kind {
        "Hello" => vec![hello()],
        "ChallengeAnswer" => vec![Stage::with(&[]).input(Input::Tick, 0)],
        "FeedOpen" => vec![presence_feed(), inbox_feed()],
        "FeedAck" => vec![taken()],
        "Publish" => vec![published(1), published(DOCUMENT_BYTES_MAX - 200)],
        "RemovePublication" => vec![publication_removed()],
        "Subscribe" => vec![subscribed(false), subscribed(true)],
        "Unsubscribe" => vec![unsubscribed()],
        "Send" => vec![sent(1), sent(BODY_BYTES_MAX)],
        "Delete" => vec![deleted()],
        "Displayed" => vec![displayed()],
        "Invite" => vec![invited(), recovered()],
        "RefuseRecovery" => vec![recovery_refused()],
        "WithdrawInvite" => vec![invite_withdrawn()],
        "RevokeKey" => vec![key_revoked()],
        "Erase" => vec![erased()],
        "EndSubscription" => vec![subscription_ended()],
        "Grant" => vec![granted()],
        "Administer" => vec![suspended(), services_off(), quota_set(), erasure_set()],
        "ChangeRules" => vec![rule_put(), rule_removed(), rules_put(), domain_rule_put()],
        "ChangeDelivery" => vec![delivery_removed(), delivery_put()],
        "ChangeVisibility" => vec![visibility_removed(), visibility_put()],
        "Fetch" => vec![fetched(Handling::Allow), fetched(Handling::Confirm)],
        "ListWatchers" => vec![watchers_listed(), question("ListWatchers")],
        other => vec![question(other)],
    }
}

fn name(name: &str) -> String {
    let domain = ["d".repeat(63), "e".repeat(63), "f".repeat(63), "g".repeat(61)].join(".");
    format!("{name:y>64}@{domain}")
}

fn p(of: &str) -> Principal {
    name(of).parse().unwrap()
}

fn pres(of: &str) -> Presentity {
    p(of).presentity()
}

fn im(of: &str) -> InboxAddress {
    p(of).inbox()
}

fn by(of: &str) -> Actor {
    Actor { principal: p(of), device: key(of).device() }
}

fn op(number: u64) -> OperationId {
    OperationId(u128::from(number).to_be_bytes())
}

fn many() -> impl Iterator<Item = String> {
    (0..MANY).map(|number| format!("w{number}"))
}

/// A world of principals with long names.
struct Stage(World);

impl Stage {
    fn with(names: &[&str]) -> Self {
        Self::asking(names, Handling::Allow)
    }

    fn asking(names: &[&str], default_access: Handling) -> Self {
        let domains = vec![p("a").home()];
        let config = ServiceConfig { domains, default_access, ..config() };
        let mut stage = Self(World::on(config, &[]));
        for name in names {
            stage.enroll(name);
        }
        stage
    }

    fn enroll(&mut self, of: &str) {
        self.0.enter(hello_of(of, key(of))).unwrap();
    }

    fn ask(&mut self, of: &str, command: impl Into<Command>) {
        self.0.ask(&by(of), command.into()).unwrap();
    }

    /// What `command` asks of `of`, which concerns `concerned` other things.
    fn command(self, of: &str, command: impl Into<Command>, concerned: u64) -> Scene {
        let (command, mut frame) = (command.into(), Vec::new());
        command.encode(1, &mut frame);
        let input = Input::Command { ticket: TICKET, actor: by(of), command };
        Scene { bytes: frame.len() as u64, ..self.input(input, concerned) }
    }

    fn input(mut self, input: Input, concerned: u64) -> Scene {
        // What was asked before is carried to its end, so that only what is asked now is counted.
        while self.0.service.is_due(self.0.now) {
            self.0.pass(Lifetime::from_ms(0));
        }
        self.0.log = Vec::new();
        self.0.told();
        Scene { world: self.0, input: Some(input), bytes: 0, concerned }
    }

    /// Everybody of [`many`] watches `of`.
    fn watched(&mut self, of: &str) {
        for watcher in many() {
            self.enroll(&watcher);
            self.ask(&watcher, subscribe(of));
        }
    }

    /// [`MANY`] messages of bob's wait for alice, who is to send every receipt.
    fn waiting(&mut self) {
        let on = DeliveryChange { receipts: Some(true), ..DeliveryChange::default() };
        self.ask("alice", delivery(on));
        (0..MANY).for_each(|number| self.ask("bob", message(number, 1)));
    }

    /// The rules of alice are as many and as large as they may be.
    fn full_rules(&mut self) {
        self.ask("alice", publish("ids", many_tuples()));
        let put = (0..RULES_MAX).map(large_rule).collect();
        self.ask("alice", rules(put, vec![]));
    }
}

fn hello_of(of: &str, key: PublicKey) -> Hello {
    let label = DeviceLabel::new(&"l".repeat(64)).unwrap();
    Hello { principal: p(of), key, enroll: Some(Enroll { invite: None, label }) }
}

fn hello() -> Scene {
    let hello = hello_of("alice", key("another"));
    Stage::with(&[]).input(Input::Enter { ticket: TICKET, hello }, 0)
}

fn subscribe(to: &str) -> Subscribe {
    Subscribe { operation: op(1), presentity: pres(to), mode: Mode::Every, lifetime: None }
}

fn publish(of: &str, document: Document) -> Publish {
    Publish {
        presentity: pres("alice"),
        name: PublicationName::new(&format!("{of:n>32}")).unwrap(),
        operation: op(2),
        if_match: None,
        lifetime: None,
        document: Some(document),
    }
}

fn noted(bytes: usize) -> Document {
    let note = Note { language: String::new(), text: Payload::text(&"n".repeat(bytes)) };
    Document::new(vec![], vec![note], vec![]).unwrap()
}

fn tuple_id(number: usize) -> TupleId {
    TupleId::new(&format!("{number:t>TUPLE_ID_BYTES_MAX$}")).unwrap()
}

fn many_tuples() -> Document {
    let tuples = (0..32).map(|number| Tuple::plain(tuple_id(number), Basic::Open));
    Document::new(tuples.collect(), vec![], vec![]).unwrap()
}

fn published(bytes: usize) -> Scene {
    let mut stage = Stage::with(&["alice"]);
    many().for_each(|name| stage.ask("alice", publish(&name, noted(1))));
    stage.command("alice", publish("new", noted(bytes)), MANY)
}

fn publication_removed() -> Scene {
    let mut stage = Stage::with(&["alice"]);
    many().for_each(|name| stage.ask("alice", publish(&name, noted(1))));
    let name = PublicationName::new(&format!("{:n>32}", "w0")).unwrap();
    let (presentity, device) = (pres("alice"), by("alice").device);
    let request = RemovePublication { operation: op(3), presentity, device, name };
    stage.command("alice", request, MANY)
}

fn subscribed(is_seen: bool) -> Scene {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.ask("alice", publish("main", noted(if is_seen { DOCUMENT_BYTES_MAX - 200 } else { 1 })));
    if is_seen {
        stage.0.service.handle(stage.0.now, open_presence());
    }
    stage.command("bob", subscribe("alice"), u64::from(is_seen))
}

fn unsubscribed() -> Scene {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.ask("bob", subscribe("alice"));
    stage.command("bob", Unsubscribe { operation: op(2), presentity: pres("alice") }, 0)
}

fn message(number: u64, bytes: usize) -> Send {
    Send {
        sender: None,
        inbox: im("alice"),
        receipts: ALL,
        id: MessageId::new(&format!("{number:i>64}")).unwrap(),
        content_type: ContentType::new(&format!("text/{}", "x".repeat(100))).unwrap(),
        body: Payload::text(&"b".repeat(bytes)),
        lifetime: None,
    }
}

fn sent(bytes: usize) -> Scene {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.waiting();
    stage.command("bob", message(MANY, bytes), 0)
}

fn deleted() -> Scene {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.waiting();
    let (operation, inbox) = (op(4), im("alice"));
    let request = Delete { operation, inbox, sequences: vec![], sender: Some(p("bob")) };
    stage.command("alice", request, MANY)
}

fn displayed() -> Scene {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.waiting();
    let sequence = InboxSequence::new(1);
    stage.command("alice", Displayed { operation: op(5), inbox: im("alice"), sequence }, 0)
}

fn taken() -> Scene {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.waiting();
    let (actor, inbox, through) = (by("alice"), im("alice"), InboxSequence::new(MANY));
    stage.input(Input::Acknowledge { ticket: TICKET, actor, inbox, through }, MANY)
}

fn open_presence() -> Input {
    Input::OpenPresence {
        ticket: TICKET,
        feed: feed_id(1),
        actor: by("bob"),
        presentities: vec![],
        after: Moment::ZERO,
        epoch: EpochId::NONE,
        passed: Mark::default(),
        with_watchers: true,
    }
}

fn presence_feed() -> Scene {
    let mut stage = Stage::with(&["bob"]);
    for name in many() {
        stage.enroll(&name);
        let publish = Publish { presentity: pres(&name), ..publish(&name, noted(60_000)) };
        stage.ask(&name, publish);
        stage.ask("bob", subscribe(&name));
    }
    stage.input(open_presence(), MANY)
}

fn inbox_feed() -> Scene {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.waiting();
    let (actor, inbox) = (by("alice"), im("alice"));
    let (ticket, feed, after) = (TICKET, feed_id(1), None);
    let (epoch, passed) = (EpochId::NONE, Mark::default());
    stage.input(Input::OpenInbox { ticket, feed, actor, inbox, after, epoch, passed }, MANY)
}

fn fetched(default_access: Handling) -> Scene {
    let mut stage = Stage::asking(&["alice", "bob"], default_access);
    stage.ask("alice", publish("main", noted(DOCUMENT_BYTES_MAX - 200)));
    asked(stage, by("bob"), Fetch { presentity: pres("alice") }, 1)
}

fn watchers_listed() -> Scene {
    let (mut stage, actor) = administered();
    stage.watched("bob");
    asked(stage, actor, ListWatchers { presentity: pres("bob") }, MANY)
}

fn asked(stage: Stage, actor: Actor, question: impl Into<Question>, concerned: u64) -> Scene {
    let query = Query::from(question.into());
    stage.input(Input::Query { ticket: TICKET, actor, query }, concerned)
}

/// A question to a state in which there is something of everything.
fn question(kind: &str) -> Scene {
    let (presentity, inbox) = (pres("alice"), im("alice"));
    let (owner, at) = (RulesOwner::Presentity(pres("alice")), None);
    let question: Question = match kind {
        "ListSubscriptions" => ListSubscriptions.into(),
        "ListKeys" => ListKeys { principal: None }.into(),
        "ListInvites" => ListInvites.into(),
        "ListRecoveries" => ListRecoveries.into(),
        "InboxStatus" => InboxStatus { inbox }.into(),
        "ListQuarantine" => ListQuarantine { inbox }.into(),
        "ListRules" => ListRules { owner }.into(),
        "ListDelivery" => ListDelivery { inbox }.into(),
        "ListVisibility" => ListVisibility.into(),
        "ListGrants" => ListGrants { owner: None }.into(),
        "ListWatchers" => ListWatchers { presentity }.into(),
        "ListPublications" => ListPublications { presentity }.into(),
        "ListHistory" => ListHistory { presentity, since: None, until: None, limit: 0 }.into(),
        "FetchAt" => FetchAt { presentity, at: adsum::model::Timestamp::default() }.into(),
        "Explain" => Explain { presentity, watcher: p("bob"), at }.into(),
        "ListDomains" => ListDomains.into(),
        "ListActs" => ListActs { principal: None }.into(),
        "ListQuotas" => ListQuotas { owner: None }.into(),
        "ListPrincipals" => ListPrincipals { domain: None }.into(),
        "ServerInfo" => ServerInfo.into(),
        other => panic!("{other} has no scene here: make the state in which it costs most"),
    };
    let mut stage = Stage::with(&["alice", "bob"]);
    let actor = match kind {
        "ListDomains" | "ListPrincipals" => stage.0.administrator(&name("adm")),
        _ => by("alice"),
    };
    furnish(&mut stage, kind);
    asked(stage, actor, question, MANY)
}

fn furnish(stage: &mut Stage, kind: &str) {
    match kind {
        "ListRules" | "Explain" => stage.full_rules(),
        "ListDelivery" => stage.ask("alice", put_delivery(RULES_MAX)),
        "ListVisibility" => stage.ask("alice", visible(RULES_MAX)),
        "ListWatchers" => stage.watched("alice"),
        "InboxStatus" | "ListQuarantine" => stage.waiting(),
        "ListPrincipals" => many().for_each(|name| stage.enroll(&name)),
        "ListSubscriptions" | "ListGrants" => {
            for (number, name) in (0..).zip(many()) {
                stage.enroll(&name);
                stage.ask("alice", subscribe(&name));
                let (grantee, rights) = (p(&name), Rights::MEMBER);
                let grant = Grant { owner: None, grantee, rights, operation: op(20 + number) };
                stage.ask("alice", grant);
            }
        }
        _ => many().for_each(|name| stage.ask("alice", publish(&name, noted(1)))),
    }
}
