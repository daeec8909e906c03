//! How fast the core commits messages on a real log, without a network: the figure to look at when rules, views,
//! packing or sled change.
//!
//! `cargo bench --bench commit` prints two lines. Run by `cargo test` it does a few rounds only.
//! Must never hold: a comparison with other software; `adsum bench` has those.

use std::io::Write;
use std::time::{Duration, Instant};

use adsum::commit::Commit;
use adsum::event::Owners;
use adsum::log::{EventLog as _, SledLog};
use adsum::model::{
    ContentType, DeviceLabel, Domain, MessageId, Payload, Principal, PublicKey, Quotas, Receipts,
    Timestamp,
};
use adsum::protocol::{Command, Send};
use adsum::service::{Actor, Enroll, Hello, Input, Output, ServiceConfig, SessionId, Ticket};

/// Messages decided and synced at once.
const ROUND: usize = 512;
/// Owners of inboxes, which the messages go round.
const OWNERS: usize = 1_000;
/// Rounds ahead of those that are measured.
const WARM_UP_ROUNDS: usize = 40;
/// Rounds measured: 204,800 messages.
const ROUNDS: usize = 400;
/// Bytes of a message body.
const BODY_BYTES: usize = 200;
/// Checkpoint records written between two rounds, as the server does it.
const CHECKPOINT_RECORDS: usize = 128;
const NOW: Timestamp = Timestamp::from_ms(1_790_000_000_000);
const TICKET: Ticket = Ticket { session: SessionId(1), number: 0 };

fn main() {
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (warm_up, rounds) = if measured { (WARM_UP_ROUNDS, ROUNDS) } else { (1, 3) };
    let folder = tempfile::tempdir().expect("the system gives a temporary folder");
    let mut core = Core::open(folder.path());
    core.run(warm_up);
    let spent = core.run(rounds);
    let mut out = std::io::stdout();
    let line = spent.line(rounds * ROUND);
    writeln!(out, "{line}").expect("standard output takes a line");
    let line = sealing(&core, rounds * ROUND, spent.all());
    writeln!(out, "{line}").expect("standard output takes a line");
}

/// How long it takes to seal as many bodies for the same people, and which part of `all` that is.
fn sealing(core: &Core, messages: usize, all: Duration) -> String {
    let folder = tempfile::tempdir().expect("the system gives a temporary folder");
    let log = SledLog::open(folder.path()).expect("a new store opens");
    let vault = log.vault().expect("sled seals");
    let sender = &core.sender.principal;
    let seal = |keeper: &Principal| {
        let owners = Owners { keeper: keeper.clone(), sender: Some(sender.clone()) };
        let mut body = body();
        vault.seal(&owners, vec![&mut body]).expect("the disk takes keys");
        assert!(!matches!(body, Payload::Present(_)), "it is sealed");
    };
    // Keys are made once.
    core.owners.iter().for_each(seal);
    let began = Instant::now();
    core.owners.iter().cycle().take(messages).for_each(seal);
    let spent = began.elapsed();
    let part = spent.as_secs_f64() / all.as_secs_f64();
    format!("sealing: {:.2} µs each, {part:.3} of the above", each(spent, messages))
}

fn body() -> Payload {
    Payload::Present(vec![b'x'; BODY_BYTES].into())
}

#[expect(clippy::cast_precision_loss, reason = "a bench has far less than 2^52 messages")]
fn each(time: Duration, messages: usize) -> f64 {
    time.as_secs_f64() * 1e6 / messages as f64
}

/// A core with its people.
struct Core {
    commit: Commit,
    sender: Actor,
    owners: Vec<Principal>,
    sent: usize,
}

/// Where the time went.
#[derive(Default)]
struct Spent {
    handle: Duration,
    persist: Duration,
    checkpoint: Duration,
}

impl Core {
    fn open(path: &std::path::Path) -> Self {
        let log = SledLog::open(path).expect("a new store opens");
        let domains = vec!["localhost".parse::<Domain>().expect("it is a domain")];
        let config = ServiceConfig {
            open_enrollment: true,
            quotas: Quotas::UNBOUNDED,
            ..ServiceConfig::new(domains, [7; 32])
        };
        let commit =
            Commit::open(config, Box::new(log), &mut |_, _| {}).expect("an empty log folds");
        let sender = Actor { principal: person("sender"), device: key(0).device() };
        let owners = (0..OWNERS).map(|index| person(&format!("owner-{index}"))).collect();
        let mut core = Self { commit, sender, owners, sent: 0 };
        core.enroll();
        core
    }

    fn enroll(&mut self) {
        let people = std::iter::once(&self.sender.principal).chain(&self.owners);
        let label = DeviceLabel::new("bench").expect("it is short");
        let enter = |(index, who): (usize, &Principal)| Input::Enter {
            ticket: TICKET,
            hello: Hello {
                principal: who.clone(),
                key: key(index),
                enroll: Some(Enroll { invite: None, label: label.clone() }),
            },
        };
        let inputs: Vec<Input> = people.enumerate().map(enter).collect();
        self.round(inputs);
    }

    fn run(&mut self, rounds: usize) -> Spent {
        let mut all = Spent::default();
        for _ in 0..rounds {
            let inputs = (0..ROUND).map(|_| self.send()).collect();
            let spent = self.round(inputs);
            all.handle += spent.handle;
            all.persist += spent.persist;
            all.checkpoint += spent.checkpoint;
        }
        all
    }

    fn send(&mut self) -> Input {
        self.sent += 1;
        let command = Command::Send(Send {
            sender: None,
            receipts: Receipts::NONE,
            inbox: self.owners[self.sent % OWNERS].inbox(),
            id: MessageId::new(&format!("{:032x}", self.sent)).expect("it is hexadecimal"),
            content_type: ContentType::new("text/plain").expect("it has two tokens"),
            body: body(),
            lifetime: None,
        });
        Input::Command { ticket: TICKET, actor: self.sender.clone(), command }
    }

    /// One round as the server's writer does it.
    fn round(&mut self, inputs: Vec<Input>) -> Spent {
        let asked = inputs.len();
        let began = Instant::now();
        self.commit.handle(NOW, inputs);
        let handled = Instant::now();
        self.commit.persist().expect("the disk takes a commit");
        let persisted = Instant::now();
        let outputs = self.commit.release();
        let yes = |output: &&Output| matches!(output, Output::Reply { result: Ok(_), .. });
        assert_eq!(outputs.iter().filter(yes).count(), asked, "every request is answered with yes");
        let released = Instant::now();
        self.commit.checkpoint(CHECKPOINT_RECORDS).expect("the disk takes a checkpoint");
        Spent {
            handle: (handled - began) + (released - persisted),
            persist: persisted - handled,
            checkpoint: released.elapsed(),
        }
    }
}

impl Spent {
    fn all(&self) -> Duration {
        self.handle + self.persist + self.checkpoint
    }

    fn line(&self, messages: usize) -> String {
        format!(
            "commit: {messages} messages of {BODY_BYTES} bytes, {ROUND} a round, synced: {:.0}/s \
             (each: handle {:.2} µs, persist {:.2} µs, checkpoint {:.2} µs)",
            1e6 / each(self.all(), messages),
            each(self.handle, messages),
            each(self.persist, messages),
            each(self.checkpoint, messages)
        )
    }
}

fn person(name: &str) -> Principal {
    format!("{name}@localhost").parse().expect("it is an address")
}

/// A key nobody holds: the core takes it as proven.
fn key(index: usize) -> PublicKey {
    PublicKey(*blake3::hash(&index.to_be_bytes()).as_bytes())
}
