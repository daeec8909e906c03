//! Every refusal and fault of the public enums, made by hand: most need a full disk, a hostile peer or a damaged file.
//!
//! Must never hold: what a command makes of it (see `commands`).

use std::io::{Error as IoError, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use adsum::backup::BackupFault;
use adsum::client::{ClientError, KeyHash, Refused, RequestId, ServerAddress, StateError, Unsafe};
use adsum::commit::history::HistoryFault;
use adsum::event::EntryFault;
use adsum::format::{FormatFault, Position};
use adsum::log::LogFault;
use adsum::model::{
    InboxSequence, Lifetime, MessageId, NameRule, OperationId, Quota, Refusal, Sequence, Timestamp,
};
use adsum::server::ServerError;

use super::Told;

/// Every kind of fault of the file system that is told apart, and one that is not.
const KINDS: [ErrorKind; 9] = [
    ErrorKind::NotFound,
    ErrorKind::PermissionDenied,
    ErrorKind::StorageFull,
    ErrorKind::ReadOnlyFilesystem,
    ErrorKind::IsADirectory,
    ErrorKind::NotADirectory,
    ErrorKind::InvalidFilename,
    ErrorKind::QuotaExceeded,
    ErrorKind::Other,
];

/// Tells of each.
pub(crate) fn tell(told: &mut Told) {
    requests(told);
    presence_and_messages(told);
    identities(told);
    of_clients(told);
    of_client_files(told);
    of_unsafe_files(told);
    of_servers(told);
    of_logs(told);
    of_backups(told);
    of_formats(told);
}

fn text(of: &str) -> String {
    of.to_owned()
}

fn over(quota: Quota, wait_ms: Option<u64>) -> Refusal {
    Refusal::OverQuota { quota, max: 7, retry_after: wait_ms.map(Lifetime::from_ms) }
}

fn alice() -> String {
    text("pres:alice@d.example")
}

fn all<T: std::fmt::Display>(told: &mut Told, rows: Vec<(T, &str)>) {
    for (value, thing) in rows {
        told.that(thing, &value);
    }
}

fn requests(told: &mut Told) {
    use Refusal as R;
    all(
        told,
        vec![
            (R::BadUtf8 { part: text("text of the request") }, "text of the request"),
            (R::Malformed, "request body"),
            (R::UnknownKind { kind: 7 }, "0x0007"),
            (R::TooLarge { part: text("list of domains"), found: 9, max: 8 }, "list of domains"),
            (R::TooLarge { part: text("list of messages"), found: 9, max: 8 }, "list of messages"),
            (R::TooLarge { part: text("list of presentities"), found: 9, max: 8 }, "presentities"),
            (R::TooLarge { part: text("time to live in ms"), found: 9, max: 8 }, "time to live"),
            (R::ForeignDomain { domain: text("x.example") }, "x.example"),
            (R::OlderThanKept { until: text("2026-01-02T03:04:05Z") }, "2026-01-02T03:04:05Z"),
            (R::StaleVersion { expected: 1, found: 2 }, "rules"),
            (R::NoRule { name: text("r") }, "\"r\""),
            (R::DomainExists { domain: text("x.example") }, "x.example"),
            (R::DomainConfigured { domain: text("x.example") }, "x.example"),
            (
                R::ServiceOff { service: text("presence"), place: text("on this server") },
                "presence",
            ),
            (R::Version { given: 2, served: 1 }, "version 2"),
            (R::Busy { retry_after: Lifetime::from_ms(2_000) }, "server"),
            (R::GoingAway, "server"),
            (R::Anonymous { action: text("do this") }, "do this"),
            (
                HistoryFault::TooFar.refusal(|at| at.as_ms().to_string()).unwrap(),
                "stretch of history",
            ),
        ],
    );
    told.that("changes", &HistoryFault::TooFar);
}

fn presence_and_messages(told: &mut Told) {
    use Refusal as R;
    all(
        told,
        vec![
            (R::UnknownPresentity { address: alice() }, "pres:alice"),
            (R::UnknownInbox { address: alice() }, "alice"),
            (R::StaleTag, "tag"),
            (R::NothingToPublish, "publish"),
            (R::TooBrief { minimum: Lifetime::from_ms(1_000) }, "1 s"),
            (R::PublicationsFull { max: 3 }, "3 publications"),
            (over(Quota::Subscriptions, Some(9)), "7 subscriptions"),
            (
                R::NoSubscription { watcher: "bob@localhost".into(), address: alice() },
                "bob@localhost to pres:alice",
            ),
            (R::NotYourSender { given: text("bob@d") }, "bob@d"),
            (R::Forbidden { action: text("read it"), cure: text("ask its owner") }, "read it"),
            (R::DuplicateId { id: text("m1") }, "m1"),
            (R::InboxFull { max: 9 }, "9 messages"),
            (over(Quota::Waiting, None), "7 messages that wait"),
            (over(Quota::Stored, None), "7 messages that wait unread in all inboxes"),
            (over(Quota::LogBytes, Some(90_000)), "7 bytes of the log within a day"),
            (over(Quota::Events, Some(500)), "7 events a second"),
            (over(Quota::MessageIds, Some(9)), "7 messages within 30 days"),
            (over(Quota::RulesBytes, None), "7 bytes of rules"),
            (over(Quota::Feeds, Some(9)), "7 feeds within a minute"),
            (R::StorageFull, "disk"),
            (R::ExpiredMessage, "time to live"),
            (R::Refused { address: alice() }, "pres:alice"),
            (R::DeliveryRefused { address: alice(), reason: text("no") }, "alice"),
            (R::InboxClosed { address: alice() }, "alice"),
            (R::UnknownTuple { tuple: text("t"), known: text("u") }, "\"t\""),
            (R::RequestsFull { max: 3 }, "3 of your wishes"),
            (R::NoMessage { address: alice(), sequence: 7 }, "7"),
        ],
    );
}

fn identities(told: &mut Told) {
    use Refusal as R;
    let bob = || text("bob@d");
    all(
        told,
        vec![
            (R::UnknownPrincipal { principal: bob() }, "bob@d"),
            (R::UnknownKey { principal: bob() }, "bob@d"),
            (R::KeyRevoked, "key"),
            (R::Erased { principal: bob() }, "bob@d"),
            (R::BadProof, "proof"),
            (R::BadInvite, "invite"),
            (R::InviteNeeded, "invite"),
            (R::NameTaken { principal: bob() }, "bob@d"),
            (R::DevicesFull { max: 3 }, "3 devices"),
            (R::NoDevice { device: text("abcd") }, "abcd"),
            (R::InvitesFull { max: 3 }, "3 open invites"),
            (over(Quota::Invites, Some(9)), "7 open invites"),
            (R::OverQuota { quota: Quota::Feeds, max: 0, retry_after: None }, "0 feeds"),
            (R::TooLarge { part: Quota::Stored.part(), found: 9, max: 8 }, "quota messages-stored"),
            ("feed".parse::<Quota>().unwrap_err(), "quota is none of log-bytes-a-day"),
            (R::NoPublication { device: text("abcd") }, "abcd"),
            (R::DomainInhabited { domain: text("x.example"), principals: 3 }, "x.example"),
            (R::NoInvite { invite: text("abcd") }, "abcd"),
            (R::RecoveryNeeded { principal: bob() }, "bob@d"),
            (R::NameRefused { principal: bob(), rule: NameRule::Characters }, "characters"),
            (R::NameRefused { principal: bob(), rule: NameRule::Scripts }, "scripts"),
            (R::NameRefused { principal: bob(), rule: NameRule::Digits }, "digits"),
            (R::NameRefused { principal: bob(), rule: NameRule::LookAlike }, "look-alike"),
            (
                R::RecoveryPending { principal: bob(), wait: Lifetime::from_ms(1_500) },
                "recovery of bob@d takes effect in 2 s",
            ),
            (R::RecoveryOpen { principal: bob() }, "recovery of bob@d"),
            (R::NoRecovery { invite: text("abcd") }, "recovery abcd"),
            (R::Suspended { principal: bob() }, "bob@d"),
        ],
    );
}

fn of_clients(told: &mut Told) {
    use ClientError as E;
    let server: ServerAddress = "h.example:9".parse().unwrap();
    let reason = || text("no route");
    let key = KeyHash([0; 32]);
    let refused =
        Refused { number: 999, code: None, message: text("no; ask again"), retry_after: None };
    let unknown = |id| E::OutcomeUnknown { request: "send", id, reason: reason() };
    let cure = "check the spelling";
    all(
        told,
        vec![
            (E::Refused(refused), "code 999"),
            (E::Invalid(Refusal::StaleTag), "tag"),
            (E::Unreachable { server: server.clone(), reason: reason(), cure }, "h.example:9"),
            (E::NotAuthenticated { server: server.clone(), reason: reason() }, "h.example:9"),
            (
                E::ServerKeyChanged { server: server.clone(), expected: key, found: key },
                "h.example:9",
            ),
            (E::Version { server, reason: reason() }, "h.example:9"),
            (E::Protocol { reason: reason() }, "server"),
            (E::Lost { reason: reason() }, "connection"),
            (unknown(RequestId::Message(MessageId::new("m1").unwrap())), "m1"),
            (unknown(RequestId::Operation(OperationId([7; 16]))), "0707"),
            (unknown(RequestId::Itself), "send"),
            (unknown(RequestId::Nothing), "send"),
            (E::Restored { had: InboxSequence::new(0) }, "store"),
            (E::Restored { had: InboxSequence::new(7) }, "#7"),
            (E::State(StateError::NoHome), "folder"),
            (E::Machine { what: "a thread for files", reason: reason() }, "a thread for files"),
            (E::Closed, "client"),
        ],
    );
}

fn of_client_files(told: &mut Told) {
    use StateError as E;
    let path = || PathBuf::from("/h/file");
    let bob = || text("bob@d");
    all(
        told,
        vec![
            (E::NoIdentity { principal: bob(), home: path() }, "bob@d"),
            (E::Nobody { home: path() }, "/h/file"),
            (E::SeveralIdentities { principals: vec![bob(), text("a@d")] }, "bob@d, a@d"),
            (E::AlreadyEnrolled { principal: bob(), server: text("h"), folder: path() }, "bob@d"),
            (E::NothingPublished { presentity: text("pres:bob@d"), name: text("n") }, "pres:bob@d"),
            (E::Locked { path: path() }, "/h/file"),
            (E::Damaged { path: path(), reason: text("cut"), cure: "remove it" }, "/h/file"),
        ],
    );
    for kind in KINDS {
        let cause = Arc::new(IoError::from(kind));
        told.that("/h/file", &E::Io { action: "read", path: path(), cause });
    }
}

fn of_unsafe_files(told: &mut Told) {
    let path = || PathBuf::from("/d/file");
    let faults = vec![
        Unsafe::Open { path: path(), mode: 0o644, to: 0o077 },
        Unsafe::Foreign { path: path(), owner: 7, us: 8 },
        Unsafe::Linked { path: path(), to: "/elsewhere".into() },
        Unsafe::OtherKind { path: path(), expected: "folder" },
        Unsafe::Replaceable { path: path(), above: "/d".into() },
        Unsafe::Shared { path: path(), mode: 0o775 },
        Unsafe::Stuck { path: path(), reason: text("it keeps the mode 777") },
        Unsafe::Hidden { path: path(), reason: text("no right") },
    ];
    for fault in faults {
        told.that("/d/file", &StateError::from(fault.clone()));
        told.that("/d/file", &LogFault::from(fault.clone()));
        told.that("/d/file", &ServerError::from(fault));
    }
}

fn of_servers(told: &mut Told) {
    use ServerError as E;
    let path = || PathBuf::from("/d/file");
    let listen = |address: &str, source| E::Listen {
        transport: "UDP",
        address: address.parse().unwrap(),
        source,
    };
    all(
        told,
        vec![
            (E::NoDomain, "domain"),
            (
                E::NobodyAdmitted { limit: "limits.unproven_max", counted: "connections" },
                "limits.unproven_max",
            ),
            (E::InTheClear { address: "192.0.2.1:2779".parse().unwrap() }, "192.0.2.1:2779"),
            (E::WhichDomain { domains: text("a, b") }, "a, b"),
            (
                E::File { action: "write", path: path(), source: ErrorKind::StorageFull.into() },
                "/d/file",
            ),
            (E::BadFile { path: path(), reason: text("is short"), cure: "restore it" }, "/d/file"),
            (listen("127.0.0.1:1", ErrorKind::AddrInUse.into()), "UDP 127.0.0.1:1"),
            (listen("127.0.0.1:1", ErrorKind::AddrNotAvailable.into()), "UDP 127.0.0.1:1"),
            (listen("127.0.0.1:1", ErrorKind::PermissionDenied.into()), "UDP 127.0.0.1:1"),
            (listen("127.0.0.1:1", ErrorKind::Other.into()), "UDP 127.0.0.1:1"),
            (listen("[::1]:1", IoError::from_raw_os_error(97)), "[::1]:1"),
            (listen("[fe80::1]:1", ErrorKind::InvalidInput.into()), "[fe80::1]:1"),
            (E::Log(LogFault::Poisoned), "append or sync"),
            (E::Tls { reason: text("odd") }, "TLS"),
            (E::Thread { name: "writer", source: ErrorKind::OutOfMemory.into() }, "writer"),
            (E::Writer { reason: text("full") }, "writer"),
        ],
    );
}

fn of_logs(told: &mut Told) {
    use {EntryFault as E, LogFault as F};
    let path = || text("/d");
    let at = Sequence::new(7);
    let source = || ErrorKind::StorageFull.into();
    all(
        told,
        vec![
            (F::Entry(E::Key { length: 3 }), "3 bytes"),
            (F::Entry(E::Short { sequence: at, found: 1, expected: 9 }), "entry 7"),
            (F::Entry(E::Version { sequence: at, found: 9 }), "entry 7"),
            (F::Entry(E::Checksum { sequence: at, found: 1, expected: 2 }), "entry 7"),
            (F::Entry(E::Gap { found: at, expected: at }), "entry 7"),
            (F::Entry(E::Parts { sequence: at }), "event 7"),
            (F::Entry(E::Event { sequence: at, reason: text("odd") }), "event 7"),
            (F::Missing { sequence: at }, "event 7"),
            (
                F::OlderThanKept { sequence: at, through: at, until: Timestamp::default() },
                "event 7",
            ),
            (F::Carried { key: text("k"), reason: text("cut") }, "k"),
            (F::CarriedVersion, "carried forward"),
            (F::CutDiffers { through: at, reason: "it is another" }, "event 7"),
            (F::Lost { path: path(), found: at, durable: at }, "/d"),
            (F::Shorter { path: path(), found: at, noted: text("9:ab") }, "/d"),
            (F::Differs { path: path(), found: text("7:cd"), noted: text("7:ab") }, "/d"),
            (F::Mark { path: path(), reason: text("cut") }, "/d"),
            (F::Keys { path: path(), reason: "holds a key with a wrong checksum" }, "/d"),
            (F::Poisoned, "append or sync"),
            (F::Changed { file: text("log/db"), from: 1, to: 2 }, "log/db"),
            (F::Checkpoint { key: text("k"), reason: text("cut") }, "k"),
            (F::Locked { path: path() }, "/d"),
            (F::Format { path: path(), found: text("9"), expected: 1 }, "/d"),
            (F::NoStore { path: path() }, "/d"),
            (F::HalfRestored { path: path() }, "/d"),
            (F::Io { action: "open", path: path(), source: source() }, "/d"),
        ],
    );
}

fn of_backups(told: &mut Told) {
    use BackupFault as F;
    let (dir, path) = (|| PathBuf::from("/b"), || PathBuf::from("/b/MANIFEST"));
    let (tip, reason) = (|| text("7:ab"), || text("it is gone"));
    all(
        told,
        vec![
            (F::None { dir: dir() }, "/b"),
            (F::Foreign { dir: dir() }, "/b"),
            (F::Taken { path: dir() }, "/b"),
            (F::Locked { dir: dir() }, "/b"),
            (F::Version { path: path(), found: text("adsum backup 2") }, "/b/MANIFEST"),
            (F::Damaged { path: path(), reason: reason() }, "/b/MANIFEST"),
            (F::OtherLog { dir: dir(), had: tip(), log: text("/d"), found: tip() }, "/b"),
            (
                F::OlderThanKept {
                    dir: dir(),
                    had: Sequence::new(7),
                    log: text("/d"),
                    through: Sequence::new(9),
                },
                "/b",
            ),
            (F::HoldsKeys { dir: dir() }, "/b"),
            (F::Server { data: dir(), reason: reason() }, "/b"),
            (F::Silent { data: dir(), socket: path(), reason: reason() }, "/b"),
            (F::Keys { reason: reason() }, "keys"),
            (F::Io { action: "read", path: dir(), source: ErrorKind::StorageFull.into() }, "/b"),
            (F::Log(LogFault::Poisoned), "append or sync"),
        ],
    );
}

fn of_formats(told: &mut Told) {
    use FormatFault as F;
    let at = Position { line: 3, column: 4 };
    all(
        told,
        vec![
            (F::TooLarge { thing: "document", found: 9, max: 8 }, "document"),
            (F::NotUtf8 { at }, "line 3, column 4"),
            (F::Model { at, refusal: Refusal::StaleTag }, "line 3, column 4"),
            (F::Repeated { at, thing: "basic", cure: "keep one" }, "basic"),
        ],
    );
}
