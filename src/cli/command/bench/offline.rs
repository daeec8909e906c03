//! Furnishing a store before its server starts: by the rules of the service, on the real log, without a network.
//!
//! Must never hold: an event made by hand. Everything in the store was decided as if a client had asked for it.

use std::path::Path;

use bytes::Bytes;

use super::participants::Participant;
use super::progress::Progress;
use super::requests;
use crate::cli::print::time::now;
use crate::cli::run::failure::Failure;
use crate::client::Credentials;
use crate::commit::Commit;
use crate::log::SledLog;
use crate::model::{
    ContentType, DeviceLabel, Domain, Handling, InboxSequence, Lifetime, MessageId, OperationId,
    Payload, Presentity, PublicationName, Quotas, Receipts,
};
use crate::protocol::{Command, Publish, Send, Subscribe};
use crate::service::{Actor, Enroll, Hello, Input, Output, ServiceConfig, SessionId, Ticket};

/// Inputs decided and synced at once.
const ROUND_INPUTS: usize = 512;
/// Checkpoint records written between two rounds, as the server does it.
const CHECKPOINT_RECORDS: usize = 128;
const TICKET: Ticket = Ticket { session: SessionId(0), number: 0 };

/// A store that is being furnished.
pub(super) struct Offline {
    commit: Commit,
    waiting: Vec<Input>,
}

impl Offline {
    /// The store in `path`, made if there is none, serving `domain`.
    pub(super) fn open(path: &Path, domain: Domain) -> Result<Self, Failure> {
        let log = SledLog::open(path)?;
        // The secret keys tags and tuple ids only; the server that takes over has one of its own.
        let config = ServiceConfig {
            open_enrollment: true,
            default_access: Handling::Allow,
            quotas: Quotas::UNBOUNDED,
            ..ServiceConfig::new(vec![domain], [0; 32])
        };
        let commit = Commit::open(config, Box::new(log), &mut |_, _| {})?;
        Ok(Self { commit, waiting: Vec::with_capacity(ROUND_INPUTS) })
    }

    /// Enrolls `participants`, then lets them publish and subscribe.
    pub(super) async fn furnish(&mut self, participants: &[Participant]) -> Result<(), Failure> {
        let progress = Progress::begin("preparing the store", participants.len());
        for participant in participants {
            self.add(enter(&participant.who)).await?;
        }
        for participant in participants {
            let who = &participant.who;
            if participant.publishes {
                self.command(who, publish(who, 0)).await?;
            }
            for presentity in &participant.watches {
                self.command(who, subscribe(presentity, participant)).await?;
            }
            progress.add(1);
        }
        self.round()
    }

    /// Lets `who` do `command`.
    pub(super) async fn command(
        &mut self,
        who: &Credentials,
        command: Command,
    ) -> Result<(), Failure> {
        self.add(Input::Command { ticket: TICKET, actor: actor(who), command }).await
    }

    /// Lets `who` take all that waits in its inbox.
    pub(super) async fn acknowledge(&mut self, who: &Credentials) -> Result<(), Failure> {
        let inbox = who.principal().inbox();
        // Through whatever is there.
        let through = InboxSequence::new(u64::MAX);
        self.add(Input::Acknowledge { ticket: TICKET, actor: actor(who), inbox, through }).await
    }

    /// How many events are stored.
    pub(super) fn events(&self) -> u64 {
        self.commit.head().get()
    }

    async fn add(&mut self, input: Input) -> Result<(), Failure> {
        self.waiting.push(input);
        if self.waiting.len() < ROUND_INPUTS {
            return Ok(());
        }
        // A round blocks for some milliseconds; in between, an interruption must get through.
        tokio::task::yield_now().await;
        self.round()
    }

    /// Commits what waits.
    pub(super) fn round(&mut self) -> Result<(), Failure> {
        self.commit.handle(now(), self.waiting.drain(..));
        self.commit.persist()?;
        for output in self.commit.release() {
            if let Output::Reply { result, .. } = output {
                result?;
            }
        }
        while self.commit.checkpoint(CHECKPOINT_RECORDS)? {}
        Ok(())
    }
}

fn enter(who: &Credentials) -> Input {
    let label = DeviceLabel::new("bench").expect("it is short and printable");
    let hello = Hello {
        principal: who.principal().clone(),
        key: who.public_key(),
        enroll: Some(Enroll { invite: None, label }),
    };
    Input::Enter { ticket: TICKET, hello }
}

/// Change `number` of the person's own presentity, to live for a day.
pub(super) fn publish(who: &Credentials, number: u64) -> Command {
    Command::Publish(Publish {
        presentity: who.principal().presentity(),
        name: PublicationName::default(),
        operation: requests::operation(number),
        if_match: None,
        lifetime: Some(Lifetime::from_ms(requests::PUBLICATION_MS)),
        document: Some(requests::document(number)),
    })
}

/// Message `number` of a sender to the inbox of `owner`.
pub(super) fn send(owner: &Credentials, number: u64) -> Command {
    let id = format!("{number:032x}");
    Command::Send(Send {
        sender: None,
        inbox: owner.principal().inbox(),
        receipts: Receipts::NONE,
        id: MessageId::new(&id).expect("it is 32 hexadecimal digits"),
        content_type: ContentType::new("text/plain").expect("it has two tokens"),
        body: Payload::Present(Bytes::from_static(&[b'x'; requests::BODY_BYTES])),
        lifetime: None,
    })
}

fn actor(who: &Credentials) -> Actor {
    Actor { principal: who.principal().clone(), device: who.public_key().device() }
}

/// The subscription of a participant to one of those it watches.
pub(super) fn subscribe(presentity: &Presentity, participant: &Participant) -> Command {
    let (operation, presentity) = (OperationId::default(), presentity.clone());
    Subscribe { operation, presentity, mode: participant.mode, lifetime: None }.into()
}
