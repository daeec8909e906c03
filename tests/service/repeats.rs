//! Whatever may be unanswered when a connection is lost is known when it comes again: the same answers, nothing done
//! twice, also when the server began anew in between.
//!
//! A table over every kind of request. Must never hold: a kind that is left out.

mod remembered;

use crate::world::governed::{change, delivery, rule};
use crate::world::{
    actor, config, document, im, key, message, pres, principal, publish, seconds, subscribe,
};
use adsum::commit::Commit;
use adsum::event::{Event, KeyEnrolled, Operator};
use adsum::log::memory::MemoryDisk;
use adsum::model::limits::{
    OPERATION_MS, OPERATIONS_FORGOTTEN_MAX, OPERATIONS_OF_DEVICE_MAX, OPERATIONS_OF_PRINCIPAL_MAX,
    REQUESTS_IN_FLIGHT_MAX,
};
use adsum::model::{
    Basic, Delivery, DeliveryChange, DeviceLabel, Handling, InboxSequence, InviteId, Lifetime,
    Mode, OperationId, PublicationName, Refusal, RefusalCode, Rights, Role, Tag, Timestamp,
};
use adsum::protocol::{
    Administer, Administration, Answer, ChangeDelivery, ChangeRules, ChangeVisibility, Command,
    Delete, Displayed, EndSubscription, Erase, Grant, Invite, Publish, RefuseRecovery,
    RemovePublication, RevokeKey, RulesOwner, Subscribe, Unsubscribe, VisibilityRow,
    WithdrawInvite,
};
use adsum::service::{Actor, Enroll, Hello, Input, Output, Reply, SessionId, Ticket};

/// As many requests as may be unanswered.
const MANY: usize = REQUESTS_IN_FLIGHT_MAX;
const NAMES: [&str; 3] = ["alice", "bob", "carol"];

struct Server {
    disk: MemoryDisk,
    commit: Commit,
    now: Timestamp,
}

impl Server {
    /// A server with three principals, an administrator called `root`, and a device for each of `devices` of alice's.
    fn new(devices: usize) -> Self {
        let disk = MemoryDisk::new();
        let commit = open(&disk);
        let mut server = Self { disk, commit, now: Timestamp::from_ms(1_000_000) };
        let extra = (0..devices).map(|number| ("alice", format!("alice-{number}")));
        for (name, device) in NAMES.map(|name| (name, name.to_owned())).into_iter().chain(extra) {
            let enroll = Enroll { invite: None, label: DeviceLabel::new("").unwrap() };
            let hello =
                Hello { principal: principal(name), key: key(&device), enroll: Some(enroll) };
            if name == "alice" && device != "alice" {
                server.invited(&device);
                continue;
            }
            server.round(vec![Input::Enter { ticket: ticket(0), hello }]);
        }
        let role = Role::Administrator;
        let root = KeyEnrolled {
            principal: principal("root"),
            key: key("root"),
            label: DeviceLabel::new("").unwrap(),
            role,
            invite: None,
        };
        server.commit.record(server.now, vec![Event::KeyEnrolled(root)]).unwrap();
        server
    }

    /// Enrolls a further device of alice's.
    fn invited(&mut self, device: &str) {
        let device = KeyEnrolled {
            principal: principal("alice"),
            key: key(device),
            label: DeviceLabel::new("").unwrap(),
            role: Role::User,
            invite: None,
        };
        self.commit.record(self.now, vec![Event::KeyEnrolled(device)]).unwrap();
    }

    fn round(&mut self, inputs: Vec<Input>) -> Vec<Output> {
        self.commit.handle(self.now, inputs);
        self.commit.persist().unwrap();
        self.commit.release()
    }

    /// Asks all of these without waiting, and returns the answers in their order.
    fn pipeline(
        &mut self,
        actor: &Actor,
        commands: &[Command],
    ) -> Vec<Result<Answer, RefusalCode>> {
        let inputs = commands.iter().zip(1..).map(|(command, number)| Input::Command {
            ticket: ticket(number),
            actor: actor.clone(),
            command: command.clone(),
        });
        let outputs = self.round(inputs.collect());
        let answers = outputs.into_iter().filter_map(|output| match output {
            Output::Reply { result, .. } => Some(match result {
                Ok(Reply::Done(answer)) => Ok(answer),
                // What a session makes the certificate of.
                Ok(Reply::Erased { position, .. }) => {
                    Ok(Answer::Erased { certificate: position.to_string() })
                }
                Ok(other) => panic!("a command was answered {other:?}"),
                Err(refusal) => Err(Refusal::code(&refusal)),
            }),
            _ => None,
        });
        let answers: Vec<_> = answers.collect();
        assert_eq!(answers.len(), commands.len(), "each request gets one answer");
        answers
    }

    fn ask(&mut self, actor: &Actor, command: Command) -> Result<Answer, RefusalCode> {
        self.pipeline(actor, &[command]).remove(0)
    }

    /// Kills the process and starts it again on the same disk, with a checkpoint or from the log alone.
    fn restart(&mut self, checkpoint: bool) {
        if checkpoint {
            self.commit.checkpoint_all().unwrap();
        }
        self.disk.crash(0);
        self.commit = open(&self.disk);
    }

    fn pass(&mut self, lifetime: Lifetime) {
        self.now = self.now.after(lifetime);
        self.round(vec![Input::Tick]);
    }

    /// How many devices and principals have operations that are remembered, as a checkpoint would have it.
    fn remembering(&mut self) -> usize {
        self.commit.fingerprint().iter().filter(|(key, _)| key.first() == Some(&b'O')).count()
    }
}

fn open(disk: &MemoryDisk) -> Commit {
    Commit::open(config(), Box::new(disk.open().unwrap()), &mut |_, _| {}).unwrap()
}

fn ticket(number: u64) -> Ticket {
    Ticket { session: SessionId(1), number }
}

/// The name of the operation `number`, never zero.
fn named(number: usize) -> OperationId {
    let mut bytes = [7; 16];
    bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
    OperationId(bytes)
}

fn publication(number: usize, lifetime: Option<Lifetime>) -> Publish {
    let note = format!("note {number}");
    Publish {
        operation: named(number),
        document: Some(document(Basic::Open, &note)),
        lifetime,
        ..publish("alice", 1, "")
    }
}

fn administer(number: usize, act: Administration) -> Command {
    Command::Administer(Administer { operation: named(number), act })
}

/// A row: who asks, and the requests that are under way when the connection is lost.
struct Row {
    who: &'static str,
    /// What others do before, each with who does it.
    before: Vec<(&'static str, Command)>,
    requests: Vec<Command>,
}

fn row(who: &'static str, requests: impl Iterator<Item = Command>) -> Row {
    Row { who, before: Vec::new(), requests: requests.collect() }
}

/// What each kind of request does, as many at once as may be. Those that undo each other take turns, so that a repeat of
/// one that is not known would be seen.
#[expect(clippy::too_many_lines, reason = "a table")]
fn rows() -> Vec<Row> {
    // To two inboxes, because one takes fewer of one sender than may be unanswered.
    let to = |number: usize| ["alice", "carol"][number % 2];
    let messages = (0..MANY).map(|number| message(to(number), &format!("m{number}"), "lunch?"));
    let written: Vec<_> = messages.map(|send| ("bob", Command::Send(send))).collect();
    let sequence = |number: usize| InboxSequence::new(number as u64 + 1);
    vec![
        row("alice", (0..MANY).map(|it| Command::Publish(publication(it, None)))),
        row(
            "bob",
            (0..MANY).map(|number| {
                let (operation, presentity) = (named(number), pres("alice"));
                if number % 2 == 1 {
                    return Command::Unsubscribe(Unsubscribe { operation, presentity });
                }
                let (mode, lifetime) = (Mode::Latest, None);
                Command::Subscribe(Subscribe { operation, presentity, mode, lifetime })
            }),
        ),
        row("bob", written.iter().map(|(_, send)| send.clone())),
        Row {
            who: "alice",
            before: written.clone(),
            requests: (0..MANY)
                .map(|number| {
                    let (operation, inbox) = (named(number), im("alice"));
                    let sequence = sequence(number / 2);
                    if number % 2 == 0 {
                        return Command::Displayed(Displayed { operation, inbox, sequence });
                    }
                    let sequences = vec![sequence];
                    Command::Delete(Delete { operation, inbox, sequences, sender: None })
                })
                .collect(),
        },
        row(
            "alice",
            (0..MANY).map(|number| {
                let handling = if number % 2 == 0 { Handling::Block } else { Handling::Allow };
                let put = vec![rule("bob@d.example", handling)];
                let change = ChangeRules { operation: named(number), ..change("alice", put, &[]) };
                Command::ChangeRules(change)
            }),
        ),
        row(
            "root",
            (0..MANY).map(|number| {
                let handling = if number % 2 == 0 { Handling::Block } else { Handling::Allow };
                let owner = RulesOwner::Domain("d.example".parse().unwrap());
                let put = vec![rule("bob@d.example", handling)];
                let operation = named(number);
                let change = ChangeRules { owner, operation, ..change("alice", put, &[]) };
                Command::ChangeRules(change)
            }),
        ),
        row(
            "alice",
            (0..MANY).map(|number| {
                let action = if number % 2 == 0 { Delivery::Quarantine } else { Delivery::Accept };
                let put = vec![crate::world::governed::delivery_rule("authenticated", action)];
                let change = DeliveryChange { put, ..DeliveryChange::default() };
                let Command::ChangeDelivery(change) = delivery("alice", change) else { panic!() };
                Command::ChangeDelivery(ChangeDelivery { operation: named(number), ..change })
            }),
        ),
        row(
            "bob",
            (0..MANY).map(|number| {
                let who = "carol@d.example".parse().unwrap();
                let put = vec![VisibilityRow { who, is_shown: number % 2 == 0 }];
                let (operation, remove) = (named(number), Vec::new());
                Command::ChangeVisibility(ChangeVisibility { operation, put, remove })
            }),
        ),
        row(
            "alice",
            (0..MANY).map(|number| {
                let rights = if number % 2 == 0 { Rights::READ } else { Rights::NONE };
                let (owner, grantee) = (None, principal("bob"));
                Command::Grant(Grant { operation: named(number), owner, grantee, rights })
            }),
        ),
        row(
            "root",
            (0..MANY).map(|number| {
                let mut invite = [9; 32];
                invite[..16].copy_from_slice(&named(number).0);
                let (principal, role, lifetime) = (None, Role::User, None);
                Command::Invite(Invite {
                    invite: InviteId(invite),
                    principal,
                    role,
                    lifetime,
                    recovers: false,
                })
            }),
        ),
        row(
            "root",
            (0..MANY).map(|number| {
                let domain = || "x.example".parse().unwrap();
                let switch = |is_on| Administration::SwitchDomain {
                    domain: "d.example".parse().unwrap(),
                    presence: Some(is_on),
                    messaging: None,
                };
                let services = |is_on| Administration::SwitchServices {
                    principal: principal("carol"),
                    presence: Some(is_on),
                    messaging: Some(is_on),
                };
                administer(
                    number,
                    match number % 8 {
                        0 => Administration::CreateDomain(domain()),
                        1 => Administration::RemoveDomain(domain()),
                        2 => switch(false),
                        3 => switch(true),
                        4 => Administration::Suspend(principal("carol")),
                        5 => Administration::Resume(principal("carol")),
                        6 => services(false),
                        _ => services(true),
                    },
                )
            }),
        ),
        Row {
            who: "alice",
            before: vec![("bob", subscribe("alice", Mode::Every))],
            requests: vec![Command::EndSubscription(EndSubscription {
                operation: named(1),
                watcher: principal("bob"),
                presentity: pres("alice"),
            })],
        },
        Row {
            who: "alice",
            before: vec![("alice", Command::Publish(publish("alice", 9, "here")))],
            requests: vec![Command::RemovePublication(RemovePublication {
                operation: named(1),
                presentity: pres("alice"),
                device: key("alice").device(),
                name: PublicationName::default(),
            })],
        },
        Row {
            who: "root",
            before: vec![("root", invite(9))],
            requests: vec![Command::WithdrawInvite(WithdrawInvite {
                operation: named(1),
                invite: InviteId([9; 32]),
            })],
        },
        Row {
            who: "carol",
            before: vec![("root", recovery(8, "carol"))],
            requests: vec![Command::RefuseRecovery(RefuseRecovery {
                operation: named(1),
                invite: InviteId([8; 32]),
            })],
        },
        row(
            "root",
            ["bob", "carol"]
                .into_iter()
                .map(|name| Command::Erase(Erase { principal: principal(name) })),
        ),
        row(
            "alice",
            (0..8).map(|number| {
                let device = key(&format!("alice-{number}")).device();
                Command::RevokeKey(RevokeKey { operation: named(number), principal: None, device })
            }),
        ),
    ]
}

fn recovery(number: u8, name: &str) -> Command {
    let (principal, role, lifetime) = (Some(principal(name)), Role::User, None);
    let invite = InviteId([number; 32]);
    Command::Invite(Invite { invite, principal, role, lifetime, recovers: true })
}

fn invite(number: u8) -> Command {
    let (principal, role, lifetime) = (None, Role::User, None);
    Command::Invite(Invite {
        invite: InviteId([number; 32]),
        principal,
        role,
        lifetime,
        recovers: false,
    })
}

#[test]
fn every_kind_of_request_stands_in_the_table() {
    let mut kinds: Vec<&str> =
        rows().iter().flat_map(|row| &row.requests).map(Command::kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut all = Command::KINDS.to_vec();
    all.sort_unstable();
    assert_eq!(kinds, all);
}

/// What is answered to a repeat: the same, but that a message says that it was there.
fn again(answer: &Result<Answer, RefusalCode>) -> Result<Answer, RefusalCode> {
    match answer {
        Ok(Answer::Sent { .. }) => Ok(Answer::Sent { duplicate: true }),
        other => other.clone(),
    }
}

#[test]
fn what_was_under_way_is_done_once_and_answered_the_same_also_after_a_restart() {
    for Row { who, before, requests } in rows() {
        let kind = requests[0].kind();
        let mut server = Server::new(8);
        for (name, command) in before {
            assert!(server.ask(&actor(name), command).is_ok(), "{kind}: what comes before");
        }
        let first = server.pipeline(&actor(who), &requests);
        let (state, head) = (server.commit.fingerprint(), server.commit.head());
        assert!(first.iter().all(Result::is_ok), "{kind}: {first:?}");
        let expected: Vec<_> = first.iter().map(again).collect();
        for restart in [None, Some(false), Some(true)] {
            if let Some(checkpoint) = restart {
                server.restart(checkpoint);
            }
            let repeated = server.pipeline(&actor(who), &requests);
            assert_eq!(repeated, expected, "{kind}: the answers, restarted {restart:?}");
            assert_eq!(server.commit.head(), head, "{kind}: nothing is done, {restart:?}");
            assert!(server.commit.fingerprint() == state, "{kind}: all is as it was, {restart:?}");
        }
    }
}

#[test]
fn a_publish_that_comes_again_after_its_publication_ended_does_not_bring_it_back() {
    let alice = actor("alice");
    for ends_by_itself in [true, false] {
        let mut server = Server::new(0);
        let publishes: Vec<_> =
            (0..100).map(|it| Command::Publish(publication(it, Some(seconds(5))))).collect();
        let first = server.pipeline(&alice, &publishes);
        let Some(Ok(Answer::Published { tag, .. })) = first.last() else { panic!("{first:?}") };
        if ends_by_itself {
            server.pass(seconds(6));
        } else {
            remove(&mut server, *tag);
        }
        for restart in [None, Some(false), Some(true)] {
            if let Some(checkpoint) = restart {
                server.restart(checkpoint);
            }
            assert_eq!(server.pipeline(&alice, &publishes), first);
            let view = server.commit.views().presentity(&pres("alice")).unwrap();
            assert!(view.publications.is_empty(), "presence is not brought back");
        }
    }
}

fn remove(server: &mut Server, tag: Tag) {
    let removal =
        Publish { if_match: Some(tag), document: None, ..publication(5_000, Some(Lifetime::ZERO)) };
    for _ in 0..2 {
        let removed = server.ask(&actor("alice"), Command::Publish(removal.clone()));
        assert!(matches!(removed, Ok(Answer::Published { granted: Lifetime::ZERO, .. })));
    }
}

#[test]
fn an_invite_that_was_used_is_not_open_again_when_it_is_asked_for_again() {
    let mut server = Server::new(0);
    let (root, invite) = (actor("root"), InviteId([3; 32]));
    let (principal, role, lifetime) = (None, Role::User, None);
    let ask = Command::Invite(Invite { invite, principal, role, lifetime, recovers: false });
    let first = server.ask(&root, ask.clone());
    let label = DeviceLabel::new("").unwrap();
    let enroll = Some(Enroll { invite: Some(invite), label });
    let hello = Hello { principal: crate::world::principal("dave"), key: key("dave"), enroll };
    server.round(vec![Input::Enter { ticket: ticket(1), hello }]);
    assert!(server.commit.views().invite(&invite).is_none(), "it was used");
    assert_eq!(server.ask(&root, ask), first);
    assert!(server.commit.views().invite(&invite).is_none(), "it stays so");
}
