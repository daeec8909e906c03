//! The program as a service: what it tells a service manager, what one unit lets it do, and that it is a good first process.
//!
//! Must never hold: a service that is installed on this machine.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::processes::{Staying, program, send};

/// How long a word may take that must come.
const PATIENCE: Duration = Duration::from_mins(1);
/// The most that `systemd-analyze security` may find, in tenths.
const EXPOSURE_MAX: &str = "15";

/// A socket such as a service manager has, and what arrives there.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    fn in_folder(folder: &Path) -> Self {
        let path = folder.join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, path }
    }

    /// The next words of which one is `wanted`.
    #[track_caller]
    fn hear(&self, wanted: &str) -> String {
        loop {
            let mut bytes = [0; 4_096];
            let length = self.socket.recv(&mut bytes).expect(wanted);
            let words = String::from_utf8(bytes[..length].to_vec()).unwrap();
            if words.lines().any(|word| word == wanted) {
                return words;
            }
        }
    }
}

#[track_caller]
fn of(words: &str, name: &str) -> String {
    let word = words.lines().find_map(|word| word.strip_prefix(name));
    word.unwrap_or_else(|| panic!("no {name} in {words:?}")).to_owned()
}

#[test]
fn a_service_manager_is_told_of_each_step_and_hears_that_the_server_works() {
    let folder = tempfile::tempdir().unwrap();
    let manager = Manager::in_folder(folder.path());
    let mut command = program();
    command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--no-http", "--data"]);
    command.arg(folder.path().join("data")).stderr(Stdio::null());
    command.env("NOTIFY_SOCKET", &manager.path).env("WATCHDOG_USEC", "300000");
    let mut server = Staying::start(&mut command);
    let ready = manager.hear("READY=1");
    assert!(of(&ready, "STATUS=").starts_with("serves localhost at 127.0.0.1:"), "{ready:?}");
    assert_eq!(server.object()["type"], "serving");
    let alive = manager.hear("WATCHDOG=1");
    assert!(of(&alive, "STATUS=").ends_with(", 0 connections"), "{alive:?}");
    send(server.pid(), "HUP");
    let reloading = manager.hear("RELOADING=1");
    assert!(of(&reloading, "MONOTONIC_USEC=").parse::<u64>().unwrap() > 0);
    manager.hear("READY=1");
    send(server.pid(), "TERM");
    let stopping = manager.hear("STOPPING=1");
    // What clients are given, and what comes behind it.
    assert_eq!(of(&stopping, "EXTEND_TIMEOUT_USEC="), "65000000");
    assert_eq!(server.ended(), Some(0));
}

/// The unit as it is shipped, with the program that was built.
fn unit(folder: &Path) -> PathBuf {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd/adsum.service");
    let text = fs::read_to_string(shipped).unwrap();
    let unit = folder.join("adsum.service");
    fs::write(&unit, text.replace("/usr/bin/adsum", env!("CARGO_BIN_EXE_adsum"))).unwrap();
    unit
}

#[allow(clippy::print_stderr, reason = "whoever runs the tests is told what was not tried")]
#[test]
fn the_unit_is_right_and_lets_the_server_do_hardly_anything() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("systemd-analyze is not here: the unit was not looked at");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let unit = unit(folder.path());
    let analyze = |arguments: &[&str]| {
        let output = Command::new("systemd-analyze").args(arguments).arg(&unit).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    assert_eq!(analyze(&["verify", "--man=no"]), (true, String::new()));
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    let (is_low, told) = analyze(&["security", "--offline=true", "--no-pager", &threshold]);
    assert!(is_low, "{told}");
}

/// Whether this process may make a first process of a world of its own.
#[allow(clippy::print_stderr, reason = "whoever runs the tests is told what was not tried")]
fn can_unshare() -> bool {
    let tried = Command::new("unshare").args(UNSHARE).arg("true").output();
    let can = tried.is_ok_and(|tried| tried.status.success());
    if !can {
        eprintln!("no namespace can be made here: nothing was tried as the first process");
    }
    can
}

const UNSHARE: [&str; 5] = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];

/// The numbers of the processes that `pid` is the parent of.
fn children(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

#[track_caller]
fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let began = std::time::Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(found) = found() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what} did not happen")
}

#[test]
fn the_first_process_takes_note_of_orphans_that_end_and_ends_when_it_is_told() {
    if !can_unshare() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command.args(UNSHARE).arg(env!("CARGO_BIN_EXE_adsum")).stderr(Stdio::null());
    command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--no-http", "--data"]);
    let mut server = Staying::start(command.arg(folder.path().join("data")));
    let serving = server.object();
    assert_eq!(serving["pid"], 1, "{serving}");
    let first = children(server.pid())[0];
    // A process in there whose parent ends at once, so that the first one becomes its parent.
    let target = first.to_string();
    let entered = Command::new("nsenter")
        .args(["--user", "--preserve-credentials", "--pid", "--target", &target])
        .args(["sh", "-c", "sleep 600 <&- >&- 2>&- &"])
        .status();
    assert!(entered.unwrap().success());
    let orphan = until("an orphan", || children(first).first().copied());
    send(orphan, "KILL");
    until("the end of the orphan", || children(first).is_empty().then_some(()));
    send(first, "TERM");
    assert_eq!(server.ended(), Some(0));
}
