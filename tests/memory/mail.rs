//! People who send each other messages and read them, on a service with its log.
//!
//! Must never hold: how much of that is measured, or what it may take.

use adsum::commit::Commit;
use adsum::log::EventLog;
use adsum::model::{
    ContentType, DeviceLabel, InboxSequence, Lifetime, MessageId, Payload, Principal, PublicKey,
    Receipts, Timestamp,
};
use adsum::protocol::{Command, Send};
use adsum::service::{Actor, Enroll, Hello, Input, Output, ServiceConfig, SessionId, Ticket};

/// Inputs in one round.
const ROUND: usize = 512;
/// Messages that lie in an inbox when its owner reads them.
const READ_AT_ONCE: u64 = 8;
/// Records of a checkpoint that are written behind a round.
const RECORDS: usize = 4_096;

pub(crate) struct Mail {
    pub(crate) commit: Commit,
    now: Timestamp,
    people: Vec<Actor>,
    sent: u64,
    inputs: Vec<Input>,
}

impl Mail {
    /// Opens the service on `log`, and lets those in of `people` who are not there.
    pub(crate) fn open(log: Box<dyn EventLog>, people: u32) -> Self {
        let domains = vec!["example.com".parse().unwrap()];
        let config =
            ServiceConfig { open_enrollment: true, ..ServiceConfig::new(domains, [0; 32]) };
        let commit = Commit::open(config, log, &mut |_, _| {}).unwrap();
        let now = commit.views().time().max(Timestamp::from_ms(1_767_225_600_000));
        let sent = commit.sizes().messages;
        let mut mail = Self { commit, now, people: Vec::new(), sent, inputs: Vec::new() };
        for number in 0..people {
            let principal: Principal = format!("u{number}@example.com").parse().unwrap();
            let mut key = [7; 32];
            key[..4].copy_from_slice(&number.to_le_bytes());
            let key = PublicKey(key);
            if mail.commit.views().principal(&principal).is_none() {
                let enroll =
                    Some(Enroll { invite: None, label: DeviceLabel::new("laptop").unwrap() });
                let hello = Hello { principal: principal.clone(), key, enroll };
                mail.put(Input::Enter { ticket: ticket(), hello });
            }
            mail.people.push(Actor { principal, device: key.device() });
        }
        mail.round();
        mail
    }

    fn put(&mut self, input: Input) {
        self.inputs.push(input);
        if self.inputs.len() == ROUND {
            self.round();
        }
    }

    fn round(&mut self) {
        self.commit.handle(self.now, core::mem::take(&mut self.inputs));
        self.commit.persist().unwrap();
        for output in self.commit.release() {
            let Output::Reply { result, .. } = output else { continue };
            drop(result.unwrap());
        }
        self.commit.checkpoint(RECORDS).unwrap();
    }

    /// Sends so many messages; each is read soon.
    pub(crate) fn send(&mut self, count: u64) {
        let people = self.people.len() as u64;
        let at = |number: u64| usize::try_from(number % people).unwrap();
        for _ in 0..count {
            let owner = self.people[at(self.sent / READ_AT_ONCE)].clone();
            let sender = self.people[at(self.sent / READ_AT_ONCE + 1 + self.sent % 7)].clone();
            let inbox = owner.principal.inbox();
            let command = Command::Send(Send {
                sender: None,
                inbox: inbox.clone(),
                receipts: Receipts::NONE,
                id: MessageId::new(&format!("m{}", self.sent)).unwrap(),
                content_type: ContentType::new("text/plain").unwrap(),
                body: Payload::text("lunch at noon, as ever?"),
                lifetime: None,
            });
            self.put(Input::Command { ticket: ticket(), actor: sender, command });
            self.sent += 1;
            self.now = self.now.after(Lifetime::from_ms(1));
            if self.sent.is_multiple_of(READ_AT_ONCE) {
                let through = InboxSequence::new(u64::MAX);
                self.put(Input::Acknowledge { ticket: ticket(), actor: owner, inbox, through });
            }
        }
        self.round();
    }

    /// Saves all, and merges what can be merged.
    pub(crate) fn save(&mut self) {
        self.commit.checkpoint_all().unwrap();
        while self.commit.checkpoint(RECORDS).unwrap() {}
    }
}

fn ticket() -> Ticket {
    Ticket { session: SessionId(1), number: 1 }
}
