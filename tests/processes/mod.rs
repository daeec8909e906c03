//! The real program in processes of its own: a server that serves, and commands that run to their end or stay.
//!
//! Must never hold: a process or a file that outlives its test.

#![allow(dead_code, reason = "every test program uses another part of it")]
#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The program with nothing of the caller's settings.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adsum"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ADSUM_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// What a command that ended said.
pub(crate) struct Ended {
    /// Its exit code.
    pub(crate) exit: i32,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it told on stderr.
    pub(crate) stderr: String,
}

impl Ended {
    /// What `output` says.
    pub(crate) fn of(output: Output) -> Self {
        Self {
            exit: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The objects it printed, one a line; it must have succeeded.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        assert_eq!(self.exit, 0, "{}", self.stderr);
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The one object it printed; it must have succeeded.
    #[track_caller]
    pub(crate) fn line(&self) -> Value {
        let mut lines = self.lines();
        assert_eq!(lines.len(), 1, "{}", self.stdout);
        lines.remove(0)
    }

    /// The code of the one error it told on stderr; it must have ended with `exit`.
    #[track_caller]
    pub(crate) fn error(&self, exit: i32) -> String {
        assert_eq!(self.exit, exit, "{}{}", self.stdout, self.stderr);
        let last = self.stderr.lines().last().unwrap_or_default();
        let error: Value = serde_json::from_str(last).unwrap_or_else(|_| panic!("{}", self.stderr));
        assert_eq!(error["type"], "error");
        assert!(!error["message"].as_str().unwrap().is_empty());
        error["code"].as_str().unwrap().to_owned()
    }
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Ended {
    Ended::of(program().args(arguments).output().unwrap())
}

/// Sends `signal`, such as `TERM`, to the process `pid`.
pub(crate) fn send(pid: u32, signal: &str) {
    let pid = pid.to_string();
    let sent = Command::new("sh").args(["-c", "kill -\"$0\" \"$1\"", signal, &pid]).status();
    assert!(sent.unwrap().success());
}

/// A process that stays, read line by line. Killed when dropped.
pub(crate) struct Staying {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Staying {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line it prints, which it must live to print.
    pub(crate) fn line(&mut self) -> String {
        self.next_line().expect("the process ended")
    }

    /// The next line it prints; nothing if it ends without one.
    pub(crate) fn next_line(&mut self) -> Option<String> {
        self.lines.next().map(Result::unwrap)
    }

    /// The next object it prints.
    pub(crate) fn object(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"))
    }

    /// Ends it with SIGKILL and returns the lines that were left.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.lines.by_ref().map(Result::unwrap).collect()
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until it has ended by itself, and returns its exit code.
    pub(crate) fn ended(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Asks it to end with `signal`, such as `TERM`, and returns its exit code.
    pub(crate) fn stop(mut self, signal: &str) -> Option<i32> {
        send(self.child.id(), signal);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server on a store of its own, with people whose files lie beside it.
pub(crate) struct Site {
    folder: TempDir,
    server: Option<Staying>,
    /// Where clients reach it.
    pub(crate) address: String,
    /// What it told when it was ready for the first time.
    pub(crate) serving: Value,
}

impl Site {
    /// A server that lets the first comer take a free name.
    pub(crate) fn open() -> Self {
        Self::start(&["--open-enrollment"])
    }

    /// A server with `flags`.
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::on(tempfile::tempdir().unwrap(), flags)
    }

    /// A server with `flags` on the store in `folder`, if there is one.
    pub(crate) fn on(folder: TempDir, flags: &[&str]) -> Self {
        let mut server = serve(folder.path(), "127.0.0.1:0", flags);
        let serving = server.object();
        assert_eq!(serving["type"], "serving");
        let address = serving["address"].as_str().unwrap().to_owned();
        Self { folder, server: Some(server), address, serving }
    }

    /// A server where alice and bob are enrolled.
    pub(crate) fn with_alice_and_bob() -> Self {
        let site = Self::open();
        site.enroll("alice");
        site.enroll("bob");
        site
    }

    /// A server with admin, who administers it, and bob.
    pub(crate) fn administered() -> Self {
        let site = Self::start(&[]);
        let enroll = |who: &str, token: &str| {
            let principal = format!("{who}@localhost");
            let invite = ["--server", &site.address, "--invite", token];
            site.run(who, &[&["enroll", &principal], &invite[..]].concat()).line();
        };
        enroll("admin", site.serving["invite"].as_str().unwrap());
        let invited = site.run("admin", &["invite", "bob@localhost"]).line();
        enroll("bob", invited["token"].as_str().unwrap());
        site
    }

    /// Enrolls `who`.
    pub(crate) fn enroll(&self, who: &str) {
        let principal = format!("{who}@localhost");
        self.run(who, &["enroll", &principal, "--server", &self.address]).line();
    }

    /// The folder of the store.
    pub(crate) fn data(&self) -> String {
        self.folder.path().join("store").display().to_string()
    }

    /// The folder of `who`'s identities.
    pub(crate) fn home(&self, who: &str) -> PathBuf {
        self.folder.path().join(who)
    }

    /// A file beside the store.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program as `who` would call it, printing JSON.
    pub(crate) fn command(&self, who: &str, arguments: &[&str]) -> Command {
        let mut command = self.plain_command(who, arguments);
        command.arg("--json");
        command
    }

    /// The program as `who` would call it, printing words.
    pub(crate) fn plain_command(&self, who: &str, arguments: &[&str]) -> Command {
        let mut command = program();
        command.args(arguments).env("ADSUM_HOME", self.home(who));
        command
    }

    /// Runs a command of `who` to its end, printing JSON.
    pub(crate) fn run(&self, who: &str, arguments: &[&str]) -> Ended {
        Ended::of(self.command(who, arguments).output().unwrap())
    }

    /// Runs a command of `who` to its end, printing words.
    pub(crate) fn plain(&self, who: &str, arguments: &[&str]) -> Ended {
        Ended::of(self.plain_command(who, arguments).output().unwrap())
    }

    /// As [`Site::run`], with `input` on standard input.
    pub(crate) fn run_with(&self, who: &str, arguments: &[&str], input: &[u8]) -> Ended {
        let mut command = self.command(who, arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Ended::of(child.wait_with_output().unwrap())
    }

    /// Starts a command of `who` that stays, printing JSON; what it tells on stderr is not wanted.
    pub(crate) fn stay(&self, who: &str, arguments: &[&str]) -> Staying {
        Staying::start(self.command(who, arguments).stderr(Stdio::null()))
    }

    /// Ends the server with SIGKILL and starts it again on its store and address.
    pub(crate) fn kill_and_restart(&mut self, flags: &[&str]) -> Value {
        self.kill();
        self.start_again(flags)
    }

    /// Starts the server again on its store and address, after it was killed or stopped.
    pub(crate) fn start_again(&mut self, flags: &[&str]) -> Value {
        let mut server = serve(self.folder.path(), &self.address, flags);
        let serving = server.object();
        self.server = Some(server);
        serving
    }

    /// The server's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.server.as_ref().unwrap().pid()
    }

    /// Ends the server with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.server.take().unwrap().kill();
    }

    /// Ends the server with SIGTERM and returns its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.server.take().unwrap().stop("TERM")
    }
}

fn serve(folder: &Path, listen: &str, flags: &[&str]) -> Staying {
    let mut command = program();
    command.args(["serve", "--json", "--log", "warn", "--listen", listen]);
    // Most tests are not about who may watch whom; those that are say what holds where no rule does.
    if !flags.contains(&"--default-access") {
        command.args(["--default-access", "allow"]);
    }
    if !flags.contains(&"--http") {
        command.arg("--no-http");
    }
    Staying::start(command.arg("--data").arg(folder.join("store")).args(flags))
}
