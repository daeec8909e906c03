//! Power that is cut at any moment takes nothing that was acknowledged, and brings nothing back that was erased.
//!
//! A child lives a story with the real server: messages, presence, backups while it serves, orderly ends with their
//! checkpoints, erasures, starts. A library that is loaded into it (`shim.c`) writes down what it asks of the disk. From that
//! journal a disk is made for each cut, which holds what a finished sync covered and any part of all else, and the store on it
//! is opened and read. `ADSUM_CUTS` and `ADSUM_SEED` search longer or elsewhere than a plain run.
//! Must never hold: a moment chosen because it is known to be good.

mod disk;
mod story;

use std::path::{Path, PathBuf};
use std::process::Command;

use self::disk::Journal;
use self::story::{BACKUP, DATA, Said, body, note};
use super::small_disk;
use crate::support::child;
use crate::world::note_of;
use adsum::backup::{Backup, BackupFault, prove};
use adsum::commit::Commit;
use adsum::event::Event;
use adsum::log::{SledLog, verify};
use adsum::model::{Payload, Sequence};
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
    assert_eq!((everything.erased.len(), everything.backups), (story::CYCLES, story::CYCLES));
    let (cuts, seed) = (number("ADSUM_CUTS", CUTS), number("ADSUM_SEED", 2_778));
    let mut saved = 0;
    for each in 0..cuts {
        let mut chance = fastrand::Rng::with_seed(seed + each);
        let cut = chance.usize(1..=journal.len());
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
        trial.check(&files);
        saved += u64::from(trial.said.sent > 0);
        std::fs::remove_dir_all(&trial.at).unwrap();
    }
    assert!(saved * 2 > cuts, "most cuts come after something was acknowledged");
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

/// A disk as a cut left it, and what had been said by then.
struct Trial {
    at: PathBuf,
    said: Said,
    name: String,
}

impl Trial {
    fn check(&self, files: &[Vec<u8>]) {
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
        self.check_backup();
        if self.said.is_nothing() && !self.at.join(DATA).exists() {
            return;
        }
        let data = self.at.join(DATA);
        let log = SledLog::open(&data).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        verify(&log, &mut |_| ()).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let config = ServiceConfig::new(Vec::new(), [0; 32]);
        let commit = Commit::open(config, Box::new(log), &mut |_, _| ());
        self.check_events(&commit.unwrap_or_else(|fault| panic!("{name}: {fault}")));
    }

    fn check_events(&self, commit: &Commit) {
        let Self { said, name, .. } = self;
        let (mut sent, mut published) = (0, 0);
        for recorded in commit.reader().read(Sequence::new(1), usize::MAX).unwrap() {
            match recorded.event {
                Event::MessageAccepted(event)
                    if said.erased.contains_key(&event.sender.to_string()) =>
                {
                    assert_eq!(event.body, Payload::Erased, "{name}: {}", event.sender);
                }
                Event::MessageAccepted(event) if event.id.as_str().starts_with('m') => {
                    sent += 1;
                    assert_eq!(event.id.as_str(), format!("m{sent}"), "{name}: none is missing");
                    assert_eq!(event.body.bytes().unwrap(), &body(sent)[..], "{name}");
                }
                Event::Published(event) => {
                    published = note(&note_of(Some(&event.document)))
                        .map_or(published, |it| it.max(published));
                }
                _ => {}
            }
        }
        assert!(sent >= said.sent, "{name}: {sent} messages, {} acknowledged", said.sent);
        assert!(published >= said.published, "{name}: {published}, {} said", said.published);
    }

    /// There is the backup that was made last, or a newer one, or where none was made perhaps none.
    fn check_backup(&self) {
        let Self { said, name, .. } = self;
        match Backup::open(&self.at.join(BACKUP)) {
            Err(BackupFault::None { .. }) => assert_eq!(said.backups, 0, "{name}"),
            Err(fault) => panic!("{name}: {fault}"),
            Ok(backup) => {
                let proven = prove(&backup, None, &mut |_| ());
                let head = proven.unwrap_or_else(|fault| panic!("{name}: {fault}")).verified.head;
                assert!(head.get() >= said.copied, "{name}: {head} of {}", said.copied);
            }
        }
    }
}
