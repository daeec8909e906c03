//! What a machine in trouble makes the program tell: too few open files, a disk that takes nothing, a server that is
//! stopped, a store that was put back, more published than is shown.
//!
//! Must never hold: a text that a machine in order makes it tell.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::Told;
use super::commands::checks;
use crate::processes::{Ended, Site, program};
use crate::world::{World, operation};
use adsum::model::{InviteId, Role};
use adsum::protocol::{Command as Request, Invite};

/// More open files than the program needs to begin.
const OPEN_FILES_ENOUGH: u32 = 40;

/// Tells of each.
pub(crate) fn tell(told: &mut Told) {
    let silent = silent();
    let site = Site::with_alice_and_bob();
    open_files(told, &site);
    disk(told, &site);
    too_much(told, &site);
    put_back(told, site);
    token_again(told);
    silent.tell(told);
}

/// `command` after `limits` of a shell. Without the trap a file that may not grow would end it by a signal.
fn limited(limits: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    let script = format!("trap '' XFSZ; {limits}; exec \"$0\" \"$@\"");
    shell.args(["-c", &script]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// Some number of open files is too small for threads, and enough to begin; which one, the machine decides.
fn open_files(told: &mut Told, site: &Site) {
    let mut serve = program();
    serve.args(["serve", "--no-http", "--listen", "127.0.0.1:0", "--data"]).arg(site.file("none"));
    for command in [serve, site.plain_command("alice", &["fetch", "pres:bob@localhost"])] {
        let tried = (3..OPEN_FILES_ENOUGH).map(|files| {
            // What cannot even begin is told by the shell, and a server that begins would stay.
            let limits = format!("ulimit -n {files}");
            Ended::of(limited(&limits, &command).output().unwrap()).stderr
        });
        let found = tried.into_iter().find(|said| said.contains("threads"));
        told.that("threads", &found.unwrap_or_default().trim_end());
    }
}

/// A disk that takes nothing: no file may have a byte.
fn disk(told: &mut Told, site: &Site) {
    let data = site.data();
    checks(told, &mut limited("ulimit -f 0", &site.command("alice", &["doctor", "--data", &data])));
}

/// Two publications that are more together than one document holds.
fn too_much(told: &mut Told, site: &Site) {
    for name in ["one", "two"] {
        let path = site.file(name);
        let note = "x".repeat(40_000);
        std::fs::write(
            &path,
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
                 entity=\"pres:bob@localhost\"><tuple id=\"{name}\"><status><basic>open</basic></status>\
                 <note>{note}</note></tuple></presence>"
            ),
        )
        .unwrap();
        let publish = ["publish", "--pidf", path.to_str().unwrap(), "--name", name];
        assert_eq!(site.run("bob", &publish).exit, 0);
    }
    checks(told, &mut site.command("bob", &["doctor"]));
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-R").arg(from).arg(to).status().unwrap().success());
}

/// A store that was put back to an earlier state, which a device notices.
fn put_back(told: &mut Told, mut site: Site) {
    let (data, earlier) = (site.data(), site.file("earlier"));
    let send = |site: &Site| site.run("alice", &["send", "im:bob@localhost", "hello"]).line();
    let read = |site: &Site| assert_eq!(site.run("bob", &["inbox"]).exit, 0);
    send(&site);
    site.stop();
    copy(data.as_ref(), &earlier);
    site.start_again(&["--open-enrollment"]);
    send(&site);
    read(&site);
    site.stop();
    std::fs::remove_dir_all(&data).unwrap();
    copy(&earlier, data.as_ref());
    site.start_again(&["--open-enrollment"]);
    read(&site);
    checks(told, &mut site.command("bob", &["doctor"]));
    site.stop();
    checks(told, &mut site.command("bob", &["doctor", "--data", &data]));
}

/// A server that is stopped in the middle, and a command that waits for it.
struct Silent(Site, Child);

fn silent() -> Silent {
    let site = Site::with_alice_and_bob();
    let pid = site.serving["pid"].to_string();
    assert!(Command::new("kill").args(["-STOP", &pid]).status().unwrap().success());
    let mut watch = site.plain_command("alice", &["watch", "pres:bob@localhost"]);
    watch.env("ADSUM_ANSWER_WITHIN", "1s").stdout(Stdio::null()).stderr(Stdio::piped());
    let waiting = watch.spawn().unwrap();
    Silent(site, waiting)
}

impl Silent {
    /// Tells what the command says that gave up.
    fn tell(self, told: &mut Told) {
        let Self(site, waiting) = self;
        let ended = Ended::of(waiting.wait_with_output().unwrap());
        told.that(&site.address, &ended.stderr.trim_end());
    }
}

/// An invite for somebody under a token that was an invite for somebody else.
fn token_again(told: &mut Told) {
    let mut world = World::with(&["alice"]);
    let root = world.administrator("root@d.example");
    let mut invites = |name: &str| {
        let principal = Some(name.parse().unwrap());
        let invite = InviteId([operation(1).0, operation(2).0].concat().try_into().unwrap());
        world.ask(
            &root,
            Request::Invite(Invite {
                invite,
                principal,
                role: Role::User,
                lifetime: None,
                recovers: false,
            }),
        )
    };
    invites("carol@d.example").unwrap();
    told.of("invite", invites("dave@d.example"));
}
