//! `adsum export`: gives a person all that is kept about it, as files that a person can read.
//!
//! Must never hold: what concerns others alone.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::log::EventLine;
use crate::cli::print::line::line;
use crate::cli::run::{failure::Failure, folder::check_empty, invocation::Invocation};
use crate::commit::{Commit, history::item_of};
use crate::disk;
use crate::event::{EntityKey, Event, Recorded};
use crate::format::{cpim, pidf};
use crate::log::{SledLog, each_event};
use crate::model::{InboxItem, Principal, Sequence};
use crate::service::ServiceConfig;
use crate::view::Views;

/// Arguments of `adsum export`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// About whom
    principal: Principal,
    /// The folder of the store, while no server runs on it
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The folder to write to, which is made; one that is there must be empty
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
}

const README: &str = "README.txt";
/// The files of events: the topic, what is in it, and how the kinds of its events begin.
const TOPICS: [(&str, &str, &[&str]); 6] = [
    ("devices", "devices, invites and recoveries", &["key-", "device-", "invite-", "recovery-"]),
    ("presence", "what was published and when it ended", &["publi"]),
    ("messages", "messages and receipts, got and sent", &["message-", "receipt", "acknowledged"]),
    ("watching", "who was watched by whom", &["subscri", "watch"]),
    ("rules", "rules and grants", &["access-", "delivery-", "visibility-", "rules-", "grant-"]),
    ("other", "what administrators did, and the rest", &[""]),
];

/// What was written.
#[derive(Debug, Default)]
struct Count {
    events: u64,
    documents: u64,
    received: u64,
    sent: u64,
}

line! {
    /// `{"type":"person-exported", …}`.
    #[serde(tag = "type", rename = "person-exported")]
    struct ExportedLine from (principal, to, count): (&Principal, &Path, &Count) {
        principal: String = principal.to_string(),
        folder: String = to.display().to_string(),
        events: u64 = count.events,
        documents: u64 = count.documents,
        received: u64 = count.received,
        sent: u64 = count.sent,
    }
}

impl fmt::Display for ExportedLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principal, folder, events, documents, received, sent } = self;
        write!(
            to,
            "{folder} holds all that is kept about {principal}: events {events}, documents {documents}, messages got {received}, sent {sent}"
        )
    }
}

/// Runs `adsum export`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let log = Box::new(SledLog::open_existing(&args.data)?);
    let commit = Commit::open(ServiceConfig::new(Vec::new(), [0; 32]), log, &mut |_, _| ())?;
    let mut writer = Writer::new(&args.to, &args.principal)?;
    let whole = (Sequence::new(1), commit.head());
    each_event(commit.reader().as_ref(), whole, |recorded| {
        let concerns = concerns(&recorded.event, &args.principal, commit.views());
        if concerns { writer.write(recorded) } else { Ok(()) }
    })?;
    let count = writer.finish()?;
    invocation.output.line(&ExportedLine::from((&args.principal, args.to.as_path(), &count)))
}

/// Whether an event is among what `principal` may know: its own, and what others did to it or let it do. Others' rules, and
/// what became of it by them, are theirs; so is watching by those who do not show themselves to it.
fn concerns(event: &Event, principal: &Principal, views: &Views) -> bool {
    let is_own = match event.entity() {
        EntityKey::Principal(who) | EntityKey::Watcher(who) | EntityKey::Rules(who) => {
            who == *principal
        }
        EntityKey::Presentity(of) | EntityKey::Audience(of) => of.principal() == *principal,
        EntityKey::Inbox(of) => of.principal() == *principal,
        _ => false,
    };
    match event {
        Event::SubscriptionMoved(_) => false,
        Event::WatchObserved(event) => {
            is_own && views.rules(&event.watcher).is_none_or(|rules| rules.shows_to(principal))
        }
        Event::MessageAccepted(event) => is_own || event.sender == *principal,
        Event::Published(event) => is_own || event.by == *principal,
        Event::GrantGiven(event) => is_own || event.grantee == *principal,
        Event::GrantChanged(event) => is_own || event.grantee == *principal,
        Event::RecoveryStarted(event) => event.principal == *principal,
        Event::InviteIssued(event) => event.by.as_ref() == Some(principal),
        _ => is_own,
    }
}

struct Writer<'a> {
    to: &'a Path,
    principal: &'a Principal,
    topics: BTreeMap<&'static str, BufWriter<File>>,
    count: Count,
}

impl<'a> Writer<'a> {
    fn new(to: &'a Path, principal: &'a Principal) -> Result<Self, Failure> {
        check_empty(to)?;
        for folder in ["presence", "messages/got", "messages/sent"] {
            make_folder(&to.join(folder))?;
        }
        Ok(Self { to, principal, topics: BTreeMap::new(), count: Count::default() })
    }

    fn write(&mut self, recorded: Recorded) -> Result<(), Failure> {
        self.count.events += 1;
        let line = serde_json::to_string(&EventLine::from((&recorded, true)));
        let line = line.expect("a line has text keys only");
        let kind = recorded.event.kind();
        let begins =
            |(_, _, begins): &&(_, _, &[&str])| begins.iter().any(|it| kind.starts_with(it));
        let &(topic, ..) = TOPICS.iter().find(begins).expect("the last topic has all");
        let path = self.to.join(format!("{topic}.jsonl"));
        let file = match self.topics.entry(topic) {
            std::collections::btree_map::Entry::Occupied(open) => open.into_mut(),
            std::collections::btree_map::Entry::Vacant(empty) => {
                empty.insert(BufWriter::new(make(&path)?))
            }
        };
        writeln!(file, "{line}").map_err(|error| Failure::io("write", &path, &error))?;
        self.write_text(recorded)
    }

    /// Writes what was said in a file of its own.
    fn write_text(&mut self, mut recorded: Recorded) -> Result<(), Failure> {
        let number = recorded.sequence;
        if let Event::MessageQuarantined(event) = recorded.event {
            recorded.event = Event::MessageAccepted(event.message);
        }
        if let Event::Published(event) = &recorded.event {
            self.count.documents += 1;
            let text = pidf::write(&event.presentity, &event.document);
            return self.file(&format!("presence/{number}.pidf"), text.as_bytes());
        }
        let Some(InboxItem::Message(message)) = item_of(recorded) else { return Ok(()) };
        let Some(bytes) = cpim::stored(&message) else { return Ok(()) };
        if message.sender == *self.principal {
            self.count.sent += 1;
            self.file(&format!("messages/sent/{number}.cpim"), &bytes)?;
        }
        if message.inbox.principal() == *self.principal {
            self.count.received += 1;
            self.file(&format!("messages/got/{number}.cpim"), &bytes)?;
        }
        Ok(())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.to.join(name);
        let written = make(&path)?.write_all(bytes);
        written.map_err(|error| Failure::io("write", &path, &error))
    }

    fn finish(mut self) -> Result<Count, Failure> {
        for (topic, mut file) in core::mem::take(&mut self.topics) {
            let path = self.to.join(topic);
            file.flush().map_err(|error| Failure::io("write", &path, &error))?;
        }
        let mut readme = format!(
            "All that is kept about {}.\n\n\
             presence/*.pidf       what was published, as application/pidf+xml (RFC 3863)\n\
             messages/*/*.cpim     messages that were got and sent, as message/cpim (RFC 3862)\n\
             *.jsonl               what happened, a JSON object a line, as `adsum log cat --json --bodies` prints it:\n",
            self.principal
        );
        let topics = TOPICS.map(|(topic, about, _)| format!("  {topic}.jsonl: {about}\n"));
        readme.push_str(&topics.concat());
        readme.push_str(
            "\nThe number of a file is that of its event. What was erased is told as erased.\n",
        );
        self.file(README, readme.as_bytes())?;
        Ok(self.count)
    }
}

fn make(path: &Path) -> Result<File, Failure> {
    let made = disk::private().create_new(true).open(path);
    made.map_err(|error| Failure::io("make", path, &error))
}

fn make_folder(path: &Path) -> Result<(), Failure> {
    disk::make_folder(path).map_err(|fault| Failure::io(fault.action, &fault.path, &fault.source))
}
