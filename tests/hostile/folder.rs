//! Files that others of the machine own, can read, or can put others in the place of: closed if that is enough, else refused.
//!
//! As root the tests give files to another user, and run as one; as anybody else they look at folders of root's instead.
//! Must never hold: what is in the files.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::processes::{Ended, Staying, program};

/// Somebody else: `nobody` on most systems.
const STRANGER: u32 = 65_534;
const CLOSED_NOW: &str = "others of this machine could get at the server's files";

/// A store, and what its server logs.
struct Store {
    folder: TempDir,
}

impl Store {
    /// One that was served before.
    fn served() -> Self {
        let store = Self { folder: tempfile::tempdir().unwrap() };
        assert_eq!(store.serve(&[]).stop("TERM"), Some(0));
        store
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn command(&self, data: &Path, flags: &[&str]) -> Command {
        let mut command = program();
        command.args(["serve", "--json", "--log", "warn", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(data).args(flags);
        if !flags.contains(&"--http") {
            command.arg("--no-http");
        }
        command.stderr(File::create(self.folder.path().join("stderr")).unwrap());
        command
    }

    fn serve(&self, flags: &[&str]) -> Staying {
        serving(&mut self.command(&self.data(), flags))
    }

    /// What the last server told on stderr.
    fn told(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap()
    }

    /// How often the last server told that something was closed.
    fn closed(&self) -> usize {
        self.told().matches(CLOSED_NOW).count()
    }

    /// Why no server starts on `data`.
    fn refused_on(&self, data: &Path, flags: &[&str]) -> String {
        refused(&mut self.command(data, flags));
        self.told()
    }

    fn refused(&self) -> String {
        self.refused_on(&self.data(), &[])
    }
}

fn serving(command: &mut Command) -> Staying {
    let mut server = Staying::start(command);
    assert_eq!(server.object()["type"], "serving");
    server
}

/// Runs what must end by itself, with 1, before it serves.
#[track_caller]
fn refused(command: &mut Command) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = [0; 1];
    let count = child.stdout.take().unwrap().read(&mut said).unwrap();
    if count > 0 {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    assert_eq!((count, status.code()), (0, Some(1)), "it serves all the same");
}

/// Everything at and below `path`, outermost first.
fn all_in(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![path.to_owned()];
    if fs::symlink_metadata(path).unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            found.extend(all_in(&entry.unwrap().path()));
        }
    }
    found
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn modes(path: &Path) -> BTreeMap<PathBuf, u32> {
    all_in(path).into_iter().map(|path| (path.clone(), mode(&path))).collect()
}

fn open_all(path: &Path) {
    for path in all_in(path) {
        set_mode(&path, if path.is_dir() { 0o777 } else { 0o666 });
    }
}

#[track_caller]
fn all_closed(path: &Path) {
    for (path, mode) in modes(path) {
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
}

fn is_root(folder: &Path) -> bool {
    fs::metadata(folder).unwrap().uid() == 0
}

fn umask_zero(command: &Command) -> Command {
    let mut open = Command::new("sh");
    open.args(["-c", "umask 0; exec \"$0\" \"$@\""]).arg(command.get_program());
    open.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => open.env(name, value),
            None => open.env_remove(name),
        };
    }
    open.stdin(Stdio::null());
    open
}

#[test]
fn what_of_a_store_is_open_to_others_is_closed_at_the_start_and_said_once() {
    let store = Store::served();
    all_closed(&store.data());
    open_all(&store.data());
    drop(store.serve(&[]));
    all_closed(&store.data());
    assert_eq!(store.closed(), 1, "{}", store.told());
    for name in ["keys", "keys/store.secret", "log", "log/db", "KEYS", "LOCK", "HEAD"] {
        let path = store.data().join(name);
        set_mode(&path, mode(&path) | 0o044);
        assert_eq!(store.serve(&[]).stop("TERM"), Some(0));
        assert_eq!(store.closed(), 1, "{name}");
        all_closed(&store.data());
    }
    drop(store.serve(&[]));
    assert_eq!(store.closed(), 0, "{}", store.told());
    let empty = store.folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    set_mode(&empty, 0o755);
    drop(serving(&mut store.command(&empty, &[])));
    all_closed(&empty);
    assert_eq!(store.closed(), 0, "there was nothing to read: {}", store.told());
}

#[test]
fn a_store_is_made_for_its_user_alone_whatever_the_process_allows() {
    let store = Store { folder: tempfile::tempdir().unwrap() };
    let data = store.folder.path().join("above/store");
    for end in ["KILL", "TERM"] {
        let server = umask_zero(&store.command(&data, &["--open-enrollment"]));
        let mut server = Staying::start(&mut { server });
        let serving = server.object();
        let home = store.folder.path().join("home");
        let mut enroll = program();
        enroll.args(["enroll", &format!("{}@localhost", end.to_lowercase()), "--server"]);
        enroll.arg(serving["address"].as_str().unwrap()).arg("--home").arg(&home);
        assert!(umask_zero(&enroll).output().unwrap().status.success());
        server.stop(end);
        all_closed(data.parent().unwrap());
        all_closed(&home);
    }
}

#[test]
fn what_else_lies_in_the_data_folder_is_left_alone() {
    let store = Store::served();
    let others = [store.data().join("notes.txt"), store.data().join("keys/of-the-gate")];
    for path in &others {
        fs::write(path, "").unwrap();
    }
    fs::create_dir(store.data().join("pictures")).unwrap();
    open_all(&store.data());
    set_mode(&store.data(), 0o755);
    drop(store.serve(&[]));
    assert_eq!(store.closed(), 1);
    for path in others.iter().chain([&store.data().join("pictures"), &store.data()]) {
        assert!(mode(path) & 0o044 == 0o044, "{} is somebody else's matter", path.display());
    }
    assert_eq!(mode(&store.data().join("keys")), 0o700);
    set_mode(&store.data(), 0o775);
    let told = store.refused();
    assert!(
        told.contains("store (mode 775), which holds other things, too; choose a folder"),
        "{told}"
    );
}

#[test]
fn what_belongs_to_another_user_is_refused_with_its_name_and_owner() {
    let store = Store::served();
    if !is_root(store.folder.path()) {
        let told = store.refused_on(Path::new("/usr"), &[]);
        assert!(told.contains("/usr belongs to user 0, and this runs as user"), "{told}");
        return;
    }
    for path in all_in(&store.data()) {
        chown(&path, Some(STRANGER), None).unwrap();
        let before = modes(&store.data());
        let told = store.refused();
        let cure = format!("run it as user {STRANGER}, or `chown 0 {}`", path.display());
        let thing =
            format!("{} belongs to user {STRANGER}, and this runs as user 0", path.display());
        assert!(told.contains(&thing) && told.contains(&cure), "{told}");
        assert_eq!(modes(&store.data()), before, "nothing was touched");
        chown(&path, Some(0), None).unwrap();
    }
    drop(store.serve(&[]));
}

#[test]
fn another_user_gets_no_server_on_a_store_that_is_not_its_own_and_one_on_its_own() {
    let store = Store::served();
    if !is_root(store.folder.path()) {
        return what_belongs_to_another_user_is_refused_with_its_name_and_owner();
    }
    // The program itself may lie where another user does not get.
    let adsum = store.folder.path().join("adsum");
    fs::copy(program().get_program(), &adsum).unwrap();
    set_mode(store.folder.path(), 0o755);
    let as_stranger = |data: &Path| {
        let command = store.command(data, &[]);
        let mut moved = Command::new(&adsum);
        moved
            .args(command.get_args())
            .stderr(File::create(store.folder.path().join("stderr")).unwrap());
        moved.uid(STRANGER).gid(STRANGER);
        moved
    };
    refused(&mut as_stranger(&store.data()));
    let told = store.told();
    assert!(
        told.contains(&format!("belongs to user 0, and this runs as user {STRANGER}")),
        "{told}"
    );
    let own = store.folder.path().join("own");
    fs::create_dir(&own).unwrap();
    chown(&own, Some(STRANGER), Some(STRANGER)).unwrap();
    drop(serving(&mut as_stranger(&own)));
    all_closed(&own);
    let told = store.refused_on(&own, &[]);
    assert!(
        told.contains(&format!("belongs to user {STRANGER}, and this runs as user 0")),
        "{told}"
    );
}

#[test]
fn a_link_in_a_store_is_refused_and_one_to_it_is_followed_if_it_is_its_users() {
    let store = Store::served();
    let elsewhere = store.folder.path().join("elsewhere");
    for name in ["keys", "keys/cursor.secret", "log", "log/db", "HEAD", "CLOCK"] {
        let path = store.data().join(name);
        fs::rename(&path, &elsewhere).unwrap();
        symlink(&elsewhere, &path).unwrap();
        let told = store.refused();
        assert!(told.contains(&format!("{} is a symbolic link to", path.display())), "{told}");
        fs::remove_file(&path).unwrap();
        fs::rename(&elsewhere, &path).unwrap();
    }
    let link = store.folder.path().join("link");
    symlink(store.data(), &link).unwrap();
    drop(serving(&mut store.command(&link, &[])));
    if is_root(store.folder.path()) {
        lchown(&link, Some(STRANGER), None).unwrap();
        let told = store.refused_on(&link, &[]);
        assert!(told.contains("link belongs to user 65534"), "{told}");
    }
}

#[test]
fn a_file_where_a_folder_must_be_is_refused_and_the_other_way_round() {
    let store = Store::served();
    for (name, expected) in
        [("keys", "folder"), ("log", "folder"), ("KEYS", "file"), ("LOCK", "file")]
    {
        let (path, aside) = (store.data().join(name), store.folder.path().join("aside"));
        fs::rename(&path, &aside).unwrap();
        let make =
            if expected == "file" { fs::create_dir } else { |path: &PathBuf| fs::write(path, "") };
        make(&path).unwrap();
        let told = store.refused();
        let text = format!("{} is not a {expected}; move it out of the way", path.display());
        assert!(told.contains(&text), "{told}");
        if expected == "file" { fs::remove_dir(&path) } else { fs::remove_file(&path) }.unwrap();
        fs::rename(&aside, &path).unwrap();
    }
    let file = store.folder.path().join("file");
    fs::write(&file, "").unwrap();
    let told = store.refused_on(&file, &[]);
    assert!(told.contains("name a folder, a file is in the way"), "{told}");
}

#[test]
fn a_place_that_anybody_can_move_is_refused() {
    let store = Store::served();
    let (open, inner) = (store.folder.path().join("open"), store.folder.path().join("open/inner"));
    fs::create_dir_all(&inner).unwrap();
    for data in [open.join("store"), inner.join("store")] {
        set_mode(&open, 0o777);
        let told = store.refused_on(&data, &[]);
        let text = format!("can be replaced by anybody, who may write to {}", open.display());
        assert!(told.contains(&text), "{told}");
        set_mode(&open, 0o1777);
        drop(serving(&mut store.command(&data, &[])));
    }
    let link = open.join("link");
    symlink(store.data(), &link).unwrap();
    set_mode(&open, 0o777);
    let told = store.refused_on(&link, &[]);
    assert!(told.contains("can be replaced by anybody"), "{told}");
}

#[test]
fn a_secret_of_the_operators_is_kept_from_everybody_but_its_group() {
    let store = Store::served();
    let given = |name: &str| store.folder.path().join(name);
    let (chain, key, token) = (given("chain.pem"), given("key.pem"), given("token"));
    fs::copy(store.data().join("keys/server.pem"), &chain).unwrap();
    fs::copy(store.data().join("keys/server-key.pem"), &key).unwrap();
    fs::write(&token, "s3cret\n").unwrap();
    let [chain_flag, key_flag] = [&chain, &key].map(|path| path.display().to_string());
    let flags = ["--certificate", &chain_flag, "--key", &key_flag, "--http", "127.0.0.1:0"];
    let command = || {
        let mut command = store.command(&store.data(), &flags);
        command.env("ADSUM_HTTP_TOKEN", &token);
        command
    };
    for (path, is_told) in [(&key, true), (&token, true), (&chain, false)] {
        for given in [&chain, &key, &token] {
            set_mode(given, 0o640);
        }
        set_mode(path, 0o644);
        drop(serving(&mut command()));
        let expected = (usize::from(is_told), if is_told { 0o640 } else { 0o644 });
        assert_eq!((store.closed(), mode(path)), expected, "{}", path.display());
    }
    if is_root(store.folder.path()) {
        for path in [&key, &token] {
            chown(path, Some(STRANGER), None).unwrap();
            refused(&mut command());
            let text = format!("{} belongs to user {STRANGER}", path.display());
            assert!(store.told().contains(&text), "{}", store.told());
            chown(path, Some(0), None).unwrap();
        }
    }
    drop(serving(&mut command()));
}

#[test]
fn a_command_that_reads_a_store_leaves_that_of_another_user_alone() {
    let store = Store::served();
    if !is_root(store.folder.path()) {
        return what_belongs_to_another_user_is_refused_with_its_name_and_owner();
    }
    chown(store.data(), Some(STRANGER), None).unwrap();
    for command in [&["log", "verify"][..], &["log", "cat"], &["invite", "--administrator"]] {
        let told = Ended::of(
            program().args(command).arg("--json").arg("--data").arg(store.data()).output().unwrap(),
        );
        assert_eq!(told.error(1), "unsafe-files", "{command:?}");
    }
}
