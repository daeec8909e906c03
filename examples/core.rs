//! The pure core without a network: a service on a log in memory, asked a few things, then folded again from its log.
//!
//! ```text
//! cargo run --example core
//! ```
//!
//! Must never hold: a way round the public API.

use adsum::commit::Commit;
use adsum::log::memory::MemoryDisk;
use adsum::model::{
    ContentType, DeviceLabel, Lifetime, MessageId, Payload, Principal, PublicKey, Receipts,
    Timestamp,
};
use adsum::protocol::{Command, Send};
use adsum::service::{Actor, Enroll, Hello, Input, Output, ServiceConfig, SessionId, Ticket};

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let domains = vec!["localhost".parse()?];
    let config = ServiceConfig { open_enrollment: true, ..ServiceConfig::new(domains, [0; 32]) };
    let disk = MemoryDisk::new();
    let mut commit = Commit::open(config.clone(), Box::new(disk.open()?), &mut |_, _| {})?;
    let mut now = Timestamp::from_ms(1_767_225_600_000);

    let alice: Principal = "alice@localhost".parse()?;
    let key = PublicKey([1; 32]);
    let enroll = Some(Enroll { invite: None, label: DeviceLabel::new("example")? });
    let hello = Hello { principal: alice.clone(), key, enroll };
    show("enter", ask(&mut commit, now, |ticket| Input::Enter { ticket, hello })?);

    let actor = Actor { principal: alice.clone(), device: key.device() };
    let note_to_self = Command::Send(Send {
        sender: None,
        inbox: alice.inbox(),
        receipts: Receipts::NONE,
        id: MessageId::new("note-1")?,
        content_type: ContentType::new("text/plain")?,
        body: Payload::text("buy milk"),
        lifetime: Some(Lifetime::from_ms(60_000)),
    });
    for what in ["send", "send the same again"] {
        let (actor, command) = (actor.clone(), note_to_self.clone());
        show(what, ask(&mut commit, now, |ticket| Input::Command { ticket, actor, command })?);
    }
    now = now.after(Lifetime::from_ms(60_000));
    ask(&mut commit, now, |_| Input::Tick)?;
    show("a minute later there are", commit.sizes());

    let before = commit.fingerprint();
    drop(commit);
    disk.crash(0);
    let mut folded = Commit::rebuild(config, Box::new(disk.open()?), &mut |_, _| {})?;
    assert_eq!(folded.fingerprint(), before);
    show("folded again from the log: equal, up to event", folded.head());
    Ok(())
}

/// One round: handle, persist, release.
fn ask(
    commit: &mut Commit,
    now: Timestamp,
    input: impl FnOnce(Ticket) -> Input,
) -> Result<Vec<Output>, adsum::log::LogFault> {
    let ticket = Ticket { session: SessionId(1), number: 1 };
    commit.handle(now, [input(ticket)]);
    commit.persist()?;
    Ok(commit.release())
}

fn show(what: &str, value: impl core::fmt::Debug) {
    #[expect(clippy::print_stdout, reason = "an example shows what it does")]
    {
        println!("{what}: {value:?}");
    }
}
