//! A disk that is small and can be filled: a file system in memory, seen by one process and those it starts alone.
//!
//! That process is this test program again, running one test. When it ends, however it ends, the file system is gone
//! with it: nothing has to be unmounted. Must never hold: what is done on the disk.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a story may take before it is ended from outside, with all that it started.
const STORY_MAX: Duration = Duration::from_mins(5);

/// Mounts the disk that is told as its first argument, and becomes the rest of them.
const MOUNT: &str = r#"mount -t tmpfs -o size="$2",mode=700 small "$1" && shift 2 && exec "$@""#;

/// A process in a mount namespace of its own that begins with a small disk on `folder`.
fn on_a_small_disk(folder: &Path, bytes: u64) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-r", "-m", "sh", "-c", MOUNT, "sh"]).arg(folder).arg(bytes.to_string());
    command
}

/// Whether this machine lets us have a small disk.
pub(super) fn is_allowed(folder: &Path) -> bool {
    let tried = on_a_small_disk(folder, 1 << 20).arg("true").stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
}

/// The test `role` of this program, with a small disk on `folder`.
pub(super) fn role_on_a_small_disk(role: &str, folder: &Path, bytes: u64) -> Command {
    let mut command = on_a_small_disk(folder, bytes);
    command.arg(std::env::current_exe().unwrap()).args([role, "--exact", "--nocapture"]);
    command
}

/// Runs `story` to its end, which must be a good one. What it started ends with it.
pub(super) fn live(story: &mut Command) {
    let mut group = Group(story.stdin(Stdio::null()).process_group(0).spawn().unwrap());
    let until = Instant::now() + STORY_MAX;
    loop {
        if let Some(status) = group.0.try_wait().unwrap() {
            return assert!(status.success(), "{status}");
        }
        assert!(Instant::now() < until, "the story did not end within {STORY_MAX:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A process and all that it started; killed when dropped.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // All of them may have ended by themselves.
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

/// What somebody else keeps on the same disk.
pub(super) struct Ballast(PathBuf);

impl Ballast {
    /// Nothing yet, on the disk at `folder`.
    pub(super) fn on(folder: &Path) -> Self {
        Self(folder.join("ballast"))
    }

    /// Grows until `left` bytes are left on the disk.
    pub(super) fn fill_but(&self, left: u64) {
        let mut file = fs::File::options().create(true).append(true).open(&self.0).unwrap();
        while file.write_all(&[1; 4096]).is_ok() {}
        let full = file.metadata().unwrap().len();
        file.set_len(full.saturating_sub(left)).unwrap();
    }

    /// Is removed: there is room again.
    pub(super) fn remove(&self) {
        fs::remove_file(&self.0).unwrap();
    }
}
