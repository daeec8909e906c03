//! Power that is cut at any moment takes nothing that was acknowledged, and brings nothing back that was erased.
//!
//! A child lives a story with the real server: messages, presence, backups while it serves, cuts of the log one after the
//! other, orderly ends with their checkpoints, erasures, starts. A library that is loaded into it (`shim.c`) writes down what it asks of the disk. From that
//! journal a disk is made for each cut, which holds what a finished sync covered and any part of all else, and the store on it
//! is opened and read. Every other power cut falls anywhere, the rest while something is under way that takes the disk more
//! than one change. `ADSUM_CUTS` and `ADSUM_SEED` search longer or elsewhere than a plain run.
//! Must never hold: a moment chosen because it is known to be good.

mod disk;
mod steps;
mod story;

use core::ops::{ControlFlow, Range};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use self::disk::Journal;
use self::steps::Step;
use self::story::{CYCLES, DATA, Said, TAKEN_BYTES, backup, body, note};
use super::small_disk;
use crate::support::{DOMAIN, child};
use crate::world::note_of;
use adsum::backup::{Backup, BackupFault, prove};
use adsum::commit::Commit;
use adsum::event::{EntryKey, Event, MessageAccepted};
use adsum::log::{Carried, Entries as _, EventLog as _, SledLog, carried_sum, check_cut, verify};
use adsum::model::{InboxAddress, Lifetime, Payload, Sequence};
use adsum::server::cut_as_operator;
use adsum::service::ServiceConfig;

/// The test that is the child.
const ROLE: &str = "power_cut::child_whose_power_is_cut";
const CUTS: u64 = 200;
/// Keys lie in files that are smaller than this; sled's file is searched for none.
const KEYS_BYTES_MAX: usize = 64 * 1024;

/// Does nothing in a test that was not started as the story.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_whose_power_is_cut() {
    let Some(root) = std::env::var_os("ADSUM_CUT_ROOT") else { return };
    story::live(Path::new(&root), Path::new(&std::env::var_os("ADSUM_CUT_SAID").unwrap())).await;
}

#[test]
fn a_power_cut_takes_nothing_that_was_acknowledged_and_brings_nothing_back_that_was_erased() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    let journal = recorded(&place);
    let everything: Said = journal.said(journal.len()).collect();
    assert_eq!((everything.erased.len(), everything.copied.len()), (CYCLES, CYCLES));
    let steps = steps::of(journal.lines(journal.len()), journal.len());
    let (cuts, seed) = (number("ADSUM_CUTS", CUTS), number("ADSUM_SEED", 2_778));
    let mut met = Met::default();
    for each in 0..cuts {
        let mut chance = fastrand::Rng::with_seed(seed + each);
        let cut = moment(seed + each, &journal, &steps, &mut chance);
        let trial = Trial {
            at: place.join("cut"),
            said: journal.said(cut).collect(),
            name: format!(
                "cut {cut} of {}, ADSUM_SEED={} ADSUM_CUTS=1",
                journal.len(),
                seed + each
            ),
        };
        let files = journal.cut(cut, &mut chance, &trial.at);
        met.add(&trial.check(&files));
        met.saved += u64::from(trial.said.sent > 0);
        let under_way = steps.iter().filter(|(_, when)| when.contains(&cut));
        met.steps.extend(under_way.map(|(step, _)| *step));
        std::fs::remove_dir_all(&trial.at).unwrap();
    }
    met.check(cuts);
}

/// When power is cut: at any moment, or at any of one step.
fn moment(
    number: u64,
    journal: &Journal,
    steps: &[(Step, Range<usize>)],
    chance: &mut fastrand::Rng,
) -> usize {
    if number.is_multiple_of(2) {
        return chance.usize(1..=journal.len());
    }
    let step = Step::ALL[(number / 2) as usize % Step::ALL.len()];
    let when = steps.iter().filter(|(other, _)| *other == step);
    let moments: Vec<usize> = when.flat_map(|(_, when)| when.clone()).collect();
    chance.choice(moments).expect("each of them was under way")
}

/// The journal of a child that lived its story below `place`.
fn recorded(place: &Path) -> Journal {
    let (shim, root) = (place.join("shim.so"), place.join("root"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promises/power_cut/shim.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-O1", "-fPIC", "-shared", "-o"]).arg(&shim).arg(source).arg("-ldl");
    assert!(compiler.status().expect("a C compiler is there, as to link this test").success());
    std::fs::create_dir(&root).unwrap();
    let journal = place.join("journal");
    small_disk::live(
        child::command(ROLE)
            .env("LD_PRELOAD", &shim)
            .env("ADSUM_CUT_ROOT", &root)
            .env("ADSUM_CUT_JOURNAL", &journal)
            .env("ADSUM_CUT_SAID", place.join("said")),
    );
    let journal = Journal::read(&journal, &root);
    std::fs::remove_dir_all(root).unwrap();
    journal
}

/// `NAME` from the environment as a number.
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("it is a number"))
}

/// What power cuts met.
#[derive(Default)]
struct Met {
    /// How many came after something was acknowledged.
    saved: u64,
    /// What was under way, once for each cut of power.
    steps: Vec<Step>,
    /// What disks held.
    left: Left,
}

/// On how many disks there was what a cut of the log leaves half done.
#[derive(Default)]
struct Left {
    /// Records that were staged for a cut that does not count.
    staged: u64,
    /// An event that states such a cut.
    stated: u64,
    /// Entries that were cut away.
    unswept: u64,
    /// Nothing of a message that was taken.
    gone: u64,
}

impl Met {
    fn add(&mut self, left: &Left) {
        self.left.staged += left.staged;
        self.left.stated += left.stated;
        self.left.unswept += left.unswept;
        self.left.gone += left.gone;
    }

    /// A plain run meets all that is to be met.
    fn check(&self, cuts: u64) {
        let of = |step| self.steps.iter().filter(|other| **other == step).count() as u64;
        let Left { staged, stated, unswept, gone } = self.left;
        let told = format!(
            "of {cuts}: {} after an answer, under way {:?}, {staged} with records staged, {stated} with a cut stated, {unswept} with entries cut away, {gone} without what was read",
            self.saved,
            Step::ALL.map(|step| (step, of(step))),
        );
        if cuts < CUTS {
            return;
        }
        assert!(self.saved * 2 > cuts, "{told}");
        assert!(Step::ALL.into_iter().all(|step| of(step) > 0), "{told}");
        assert!([staged, stated, unswept, gone].into_iter().all(|count| count > 0), "{told}");
    }
}

/// A disk as a cut left it, and what had been said by then.
struct Trial {
    at: PathBuf,
    said: Said,
    name: String,
}

impl Trial {
    fn check(&self, files: &[Vec<u8>]) -> Left {
        let name = &self.name;
        for key in self.said.erased.values() {
            let small = files.iter().filter(|bytes| bytes.len() < KEYS_BYTES_MAX);
            let holds = |bytes: &&Vec<u8>| bytes.windows(key.len()).any(|at| at == key);
            assert_eq!(
                small.filter(holds).count(),
                0,
                "{name}: a file holds a key that is destroyed"
            );
        }
        (0..CYCLES).for_each(|cycle| self.check_backup(cycle));
        if self.said.is_nothing() && !self.at.join(DATA).exists() {
            return Left::default();
        }
        let mut left = Left::default();
        self.check_store(&mut left);
        if left.staged + left.stated + left.unswept > 0 {
            // The next cut begins with what the one before left.
            let data = self.at.join(DATA);
            let keep = Lifetime::from_ms(0);
            cut_as_operator(&data, keep, false, &mut |_, _| ())
                .unwrap_or_else(|fault| panic!("{name}: {fault}"));
            self.check_store(&mut Left::default());
        }
        left
    }

    /// The log is as before a cut or as after it, folds to what its checkpoint says, and has what was acknowledged.
    fn check_store(&self, left: &mut Left) {
        let name = &self.name;
        let open =
            || SledLog::open(&self.at.join(DATA)).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let log = open();
        verify(&log, &mut |_| ()).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        check_cut(&log).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        left.look(&log);
        let config = || ServiceConfig::new(Vec::new(), [0; 32]);
        let commit = Commit::open(config(), Box::new(log), &mut |_, _| ());
        let mut commit = commit.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        left.gone += u64::from(self.check_events(&commit));
        let loaded = compared(&mut commit);
        drop(commit);
        let rebuilt = Commit::rebuild(config(), Box::new(open()), &mut |_, _| ());
        let mut rebuilt = rebuilt.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let rebuilt = compared(&mut rebuilt);
        assert!(loaded == rebuilt, "{name}: without the checkpoint it folds to something else");
    }

    /// Whether nothing is left of something that was taken.
    fn check_events(&self, commit: &Commit) -> bool {
        let Self { said, name, .. } = self;
        let (mut waiting, mut taken) = (BTreeSet::new(), BTreeSet::new());
        let mut published = 0;
        for recorded in commit.reader().read(Sequence::new(1), usize::MAX).unwrap() {
            match recorded.event {
                Event::MessageAccepted(event)
                    if said.erased.contains_key(&event.sender.to_string()) =>
                {
                    assert_eq!(event.body, Payload::Erased, "{name}: {}", event.sender);
                }
                Event::MessageAccepted(event) => {
                    let of_inbox =
                        if event.inbox == inbox("bob") { &mut waiting } else { &mut taken };
                    of_inbox.extend(self.number_of(&event));
                }
                Event::Published(event) => {
                    published = note(&note_of(Some(&event.document)))
                        .map_or(published, |it| it.max(published));
                }
                _ => {}
            }
        }
        let sent = waiting.len() as u64;
        assert!(waiting.into_iter().eq(1..=sent), "{name}: none is missing");
        assert!(sent >= said.sent, "{name}: {sent} messages, {} acknowledged", said.sent);
        assert!(published >= said.published, "{name}: {published}, {} said", said.published);
        let read =
            commit.views().inbox(&inbox("carol")).map_or(0, |view| view.read_through().get());
        assert!(read >= said.taken, "{name}: {read} are read, {} were", said.taken);
        let unread = (read + 1..=said.sent).find(|number| !taken.contains(number));
        assert_eq!(unread, None, "{name}: what was not taken is there");
        (1..=said.taken).any(|number| !taken.contains(&number))
    }

    /// The number of a message of the story, which says what it said.
    fn number_of(&self, event: &MessageAccepted) -> Option<u64> {
        let number = event.id.as_str().strip_prefix(['m', 'r'])?.parse().unwrap();
        let (whole, is_taken) = (body(number), event.inbox == inbox("carol"));
        let said = if is_taken { &whole[..TAKEN_BYTES] } else { &whole };
        assert_eq!(event.body.bytes().unwrap(), said, "{}", self.name);
        Some(number)
    }

    /// There is the backup that was made with that server; where none was made perhaps none.
    fn check_backup(&self, cycle: usize) {
        let Self { said, name, .. } = self;
        match Backup::open(&self.at.join(backup(cycle))) {
            Err(BackupFault::None { .. }) => assert!(said.copied.len() <= cycle, "{name}"),
            Err(fault) => panic!("{name}: {fault}"),
            Ok(backup) => {
                let proven = prove(&backup, None, &mut |_| ());
                let head = proven.unwrap_or_else(|fault| panic!("{name}: {fault}")).verified.head;
                let copied = said.copied.get(cycle).copied().unwrap_or_default();
                assert!(head.get() >= copied, "{name}: {head} of {copied}");
            }
        }
    }
}

impl Left {
    /// Looks at what lies beside what counts.
    fn look(&mut self, log: &SledLog) {
        let mark = log.mark();
        let sum = |of| carried_sum(log, of).unwrap();
        self.staged += u64::from(sum(Carried::Counting) != sum(Carried::Staged));
        let behind =
            log.reader().read(mark.base.head.max(mark.statement).next(), usize::MAX).unwrap();
        let states = behind.iter().any(|recorded| matches!(recorded.event, Event::LogCut(_)));
        self.stated += u64::from(states);
        let mut first = None;
        let mut take = |key: &[u8], _: &[u8]| {
            first = Some(EntryKey::from_bytes(key).unwrap());
            Ok(ControlFlow::Break(()))
        };
        log.walk(&[], &mut take).unwrap();
        self.unswept += u64::from(first.is_some_and(|first| first.sequence <= mark.base.head));
    }
}

/// The state without how much the erased had written of late: nobody can count that any more.
fn compared(commit: &mut Commit) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let mut records = commit.fingerprint();
    records.retain(|(key, _)| !key.starts_with(b"Bvictim"));
    records
}

fn inbox(name: &str) -> InboxAddress {
    format!("im:{name}@{DOMAIN}").parse().unwrap()
}
