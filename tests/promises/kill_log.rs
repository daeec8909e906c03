//! A process that is killed, or whose disk is full, loses nothing it said was durable.
//!
//! The child appends, syncs and prints each head it has; the parent kills it at moments taken from what it printed,
//! so that no run depends on how fast a machine is. Must never hold: a sleep.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::events::{message, messages, timed};
use adsum::event::Event;
use adsum::log::{EventLog, LogFault, SledLog, verify};
use adsum::model::{Sequence, Timestamp};

const FOLDER: &str = "ADSUM_TEST_KILL_FOLDER";
/// The test that is the child.
const ROLE: &str = "kill_log::child_that_appends_until_it_is_killed";
const KILLS: u64 = 10;
/// The child's exit code after a fault of its log.
const FAILED: i32 = 9;

/// The events after `head`: their sizes differ, one in seven commits has a long one.
fn commit_after(head: u64) -> Vec<Event> {
    let mut commit = messages(head + 1, head % 50 + 1);
    if head.is_multiple_of(7) {
        commit.push(message(head + commit.len() as u64 + 1, 40_000));
    }
    commit
}

/// The child: runs until it is killed or its log fails. Started by itself it does nothing.
#[test]
fn child_that_appends_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let mut log = SledLog::open(Path::new(&folder)).unwrap();
    let mut out = std::io::stdout().lock();
    loop {
        match append_one_commit(&mut log) {
            Ok(head) => writeln!(out, "durable {head}").unwrap(),
            Err(fault) => {
                writeln!(out, "failed: {fault}").unwrap();
                // As a server does: memory is ahead of the disk, so nothing is tidied up.
                std::process::exit(FAILED);
            }
        }
        out.flush().unwrap();
    }
}

fn append_one_commit(log: &mut SledLog) -> Result<Sequence, LogFault> {
    let head = log.head().get();
    log.append(&timed(Timestamp::from_ms(head), commit_after(head)))?;
    let record = (b"record".to_vec(), Some(vec![head as u8; 20_000]));
    log.save(&[record])?;
    log.sync()?;
    Ok(log.head())
}

/// Lets a child run until it has said `lines` times that something is durable, kills it, and returns the last head said.
fn run_and_kill(folder: &Path, lines: usize) -> Option<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([ROLE, "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut heads = output.map_while(Result::ok).filter_map(|line| {
        let (_, head) = line.rsplit_once("durable ")?;
        head.parse().ok()
    });
    let before = heads.by_ref().take(lines).last();
    child.kill().unwrap();
    // What it said between the last line read and its end counts as well.
    let last = heads.last().or(before);
    child.wait().unwrap();
    last
}

#[test]
fn a_killed_process_loses_nothing_it_said_was_durable() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = fastrand::Rng::with_seed(2_779);
    let mut durable = 0;
    for kill in 0..KILLS {
        let lines = random.usize(1..60);
        durable = run_and_kill(folder.path(), lines)
            .expect("it said at least once that something is durable");
        check_store(folder.path(), durable, &format!("kill {kill}"));
    }
    assert!(durable > KILLS);
}

/// The limit of file sizes stands for a full disk: a write beyond it fails. Without the trap it would be a signal.
#[test]
#[cfg(target_os = "linux")]
fn a_process_whose_disk_is_full_loses_nothing_it_said_was_durable() {
    let folder = tempfile::tempdir().unwrap();
    let script = "trap '' XFSZ; ulimit -f 4096; exec \"$0\" \"$1\" --exact --nocapture";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .arg(ROLE)
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(FAILED), "{text}");
    assert!(text.contains("failed: "), "{text}");
    let mut said = text.lines().filter_map(|line| line.rsplit_once("durable ")?.1.parse().ok());
    let durable = said.next_back().expect("there was room for some");
    check_store(folder.path(), durable, "disk full");
}

fn check_store(folder: &Path, durable: u64, when: &str) {
    let log = SledLog::open_existing(folder).unwrap();
    let verified = verify(&log, &mut |_| ()).unwrap();
    assert!(verified.head.get() >= durable, "{when}: {} of {durable}", verified.head);
    check_contents(&log);
}

/// Every commit is there whole, and says what was appended.
fn check_contents(log: &SledLog) {
    let recorded = log.reader().read(Sequence::new(1), usize::MAX).unwrap();
    let mut rest = recorded.as_slice();
    let mut head = 0;
    while !rest.is_empty() {
        let commit = commit_after(head);
        let (found, after) = rest.split_at_checked(commit.len()).expect("a commit is there whole");
        for (event, recorded) in commit.iter().zip(found) {
            head += 1;
            assert_eq!((recorded.sequence.get(), &recorded.event), (head, event));
        }
        rest = after;
    }
    log.load(&mut |_, value| {
        assert!(value.len() == 20_000 && value.iter().all(|byte| *byte == value[0]));
        Ok(())
    })
    .unwrap();
}
