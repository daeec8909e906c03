//! A store that goes on and on: what is over goes, what lives stays, and its disk and memory stay with what there is.
//!
//! The same as `adsum bench soak` does with a server and a million messages, with a clock that the test moves.
//! Must never hold: a wait, or a bound that a slow machine breaks.

use std::fs;
use std::path::Path;

use crate::world::{actor, config, im, key, message, principal, seconds};
use adsum::commit::{Asked, Commit, finish_cut, last_until, stage_cut_beside, sweep_cut};
use adsum::event::{Event, LogCut};
use adsum::log::{Entries, SledLog, check_cut, stat, verify};
use adsum::model::{DeviceLabel, InboxSequence, Sequence, Timestamp};
use adsum::protocol::Command;
use adsum::service::{Enroll, Hello, InboxPlace, Input, SessionId, Ticket};

/// Messages, those of a second, and how many seconds they are kept; of so many one is never read.
const MESSAGES: u64 = 80_000;
const SECOND: u64 = 500;
const KEPT: u64 = 40;
const LIVES: u64 = 100;
/// Bytes beside the log of a message whose id is remembered.
const BESIDE: u64 = 100;
/// The disk is looked at, and the log cut, so often in the time that is kept.
const PARTS: u64 = 4;

fn ticket() -> Ticket {
    Ticket { session: SessionId(1), number: 1 }
}

fn round(commit: &mut Commit, now: Timestamp, inputs: impl IntoIterator<Item = Input>) {
    commit.handle(now, inputs);
    commit.persist().unwrap();
    drop(commit.release());
    commit.checkpoint(128).unwrap();
}

fn folder_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let bytes = entries.map(|entry| match entry.metadata().unwrap() {
        found if found.is_dir() => folder_bytes(&entry.path()),
        found => found.len(),
    });
    bytes.sum()
}

/// Has what is over go, as the server's keeper does. Returns how many bytes of entries went.
fn tidy(commit: &mut Commit, now: Timestamp) -> u64 {
    let since = Timestamp::from_ms(now.as_ms().saturating_sub(KEPT * 1_000));
    let mut place = Some(InboxPlace::default());
    while let Some(from) = place {
        place = commit.end_read(now, &|_| since, &from).unwrap();
        drop(commit.release());
    }
    commit.checkpoint_all().unwrap();
    let (reader, mut cutter) = (commit.reader(), commit.cutter().unwrap());
    let base = Sequence::new(reader.kept_from().get() - 1);
    let at = last_until(reader.as_ref(), (base, commit.head()), since).unwrap();
    let (mut always, views) = (|| true, commit.views());
    let mut still_there = |inbox: &_, places| Some(views.kept_among(inbox, places));
    let mut asked = Asked { keeps: &|_| false, still_there: &mut still_there };
    let (reader, asked) = (reader.as_ref(), &mut asked);
    let staged = stage_cut_beside(reader, cutter.as_mut(), at, asked, &mut always).unwrap();
    let Some(staged) = staged else { return 0 };
    let (key, signature) = (vec![1; 91].into(), vec![0; 70].into());
    let event = Event::LogCut(LogCut { cut: staged.statement, key, signature });
    commit.record(now, vec![event]).unwrap();
    finish_cut(cutter.as_mut(), &staged, commit.head()).unwrap();
    assert!(sweep_cut(cutter.as_mut(), &mut always).unwrap());
    staged.statement.bytes
}

#[test]
fn a_store_that_goes_on_for_long_has_no_more_than_what_lives_and_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Box::new(SledLog::open(folder.path()).unwrap());
    let mut commit = Commit::open(config(), open(), &mut |_, _| ()).unwrap();
    let mut now = Timestamp::from_ms(1_000_000);
    for name in ["alice", "bob", "away"] {
        let label = DeviceLabel::new("").unwrap();
        let enroll = Some(Enroll { invite: None, label });
        let hello = Hello { principal: principal(name), key: key(name), enroll };
        round(&mut commit, now, [Input::Enter { ticket: ticket(), hello }]);
    }
    let (mut read, mut written, mut cuts, mut disk) = (0, 0, 0, 0);
    for second in 0..MESSAGES / SECOND {
        now = now.after(seconds(1));
        let sends = (0..SECOND).map(|number| {
            let number = second * SECOND + number;
            let to = if number.is_multiple_of(LIVES) { "away" } else { "alice" };
            read += u64::from(to == "alice");
            let send = message(to, &format!("m{number}"), &"x".repeat(200));
            Input::Command { ticket: ticket(), actor: actor("bob"), command: Command::Send(send) }
        });
        let sends: Vec<Input> = sends.collect();
        round(&mut commit, now, sends);
        let (actor, inbox) = (actor("alice"), im("alice"));
        let through = InboxSequence::new(read);
        round(&mut commit, now, [Input::Acknowledge { ticket: ticket(), actor, inbox, through }]);
        if second.is_multiple_of(KEPT / PARTS) {
            disk = disk.max(folder_bytes(folder.path()));
            let gone = tidy(&mut commit, now);
            (written, cuts) = (written + gone, cuts + u64::from(gone > 0));
        }
    }
    drop(commit);
    let log = SledLog::open(folder.path()).unwrap();
    verify(&log, &mut |_| ()).unwrap();
    check_cut(&log).unwrap();
    let (left, carried) =
        (stat(&log, folder.path()).unwrap().stored_bytes, log.mark().carried_bytes);
    drop(log);
    written += left;
    // What is kept of what is over, until a part of it more can go.
    let window = written * KEPT / (MESSAGES / SECOND) * (PARTS + 1) / PARTS;
    assert!(cuts > 5 && left < 2 * window, "{left} bytes are left after {cuts} cuts");
    // Beside what lives a row is carried of each message of the last 30 days, and all are younger here.
    assert!(carried < MESSAGES * 60, "{carried}");
    // Beside the log lie rows and ids. sled takes about twice what is in it, and how much it cleans up meanwhile is a matter of time.
    let bound = (window + carried + MESSAGES * BESIDE) * 3;
    assert!(disk < bound, "{disk} of {bound}: {written} were written, {carried} are carried");
    let commit = Commit::open(config(), open(), &mut |_, _| ()).unwrap();
    assert_eq!(commit.views().inbox(&im("away")).unwrap().kept(), MESSAGES / LIVES);
}
