//! Where the story plays: a temporary folder, a server's process, and people with a machine's worth of files each.
//!
//! Must never hold: what is expected of what a process prints.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::cli::run::failure::Failure;

/// How long anything the story waits for may take: a client that lost its server backs off for some seconds at most.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two looks at a file.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// The store, in the stage's folder.
pub(super) const STORE: &str = "store";
/// What the server logged, in the stage's folder.
const SERVER_LOG: &str = "server.log";
/// Lines of the server's log that are told with a failure.
const LOG_LINES: usize = 12;

/// A folder of its own, and the program that is running.
pub(super) struct Stage {
    folder: TempDir,
    program: PathBuf,
    server: Option<Following>,
    watch: Option<Following>,
}

/// What a command that ended had to say.
pub(super) struct Ended {
    /// Its exit code; `None` if it was killed.
    pub(super) exit: Option<i32>,
    /// The lines it printed.
    pub(super) lines: Vec<String>,
    /// What it told on stderr.
    pub(super) errors: String,
    /// How long it ran.
    pub(super) took: Duration,
}

impl Stage {
    /// Sets the stage.
    pub(super) fn set() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("adsum-demo-").tempdir();
        let folder = folder.map_err(|error| {
            Failure::failed(
                "io",
                format!("cannot make a temporary folder: {error}; let TMPDIR name one with room"),
            )
        })?;
        let program = std::env::current_exe().map_err(|error| {
            Failure::failed(
                "machine",
                format!("cannot find this program: {error}; call it by its whole path"),
            )
        })?;
        Ok(Self { folder, program, server: None, watch: None })
    }

    /// The folder, for people.
    pub(super) fn folder(&self) -> String {
        self.folder.path().display().to_string()
    }

    /// The program with `arguments`, in the stage's folder, on the machine of `who`; nothing of the caller's settings.
    fn command(&self, who: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ADSUM_") {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("ADSUM_HOME", self.folder.path().join(who))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs a command of `who` to its end.
    pub(super) async fn run(&self, who: &str, arguments: &[&str]) -> Result<Ended, Failure> {
        let began = Instant::now();
        let running = self.command(who, arguments).output();
        let ended = timeout(PATIENCE, running).await;
        let ended = ended.map_err(|_| slow(&format!("adsum {} to end", arguments.join(" "))))?;
        let ended = ended.map_err(|error| not_run(&error))?;
        Ok(Ended {
            exit: ended.status.code(),
            lines: String::from_utf8_lossy(&ended.stdout).lines().map(str::to_owned).collect(),
            errors: String::from_utf8_lossy(&ended.stderr).trim().to_owned(),
            took: began.elapsed(),
        })
    }

    /// Starts a server and returns what it tells when it is ready.
    pub(super) async fn start_server(&mut self, arguments: &[&str]) -> Result<Value, Failure> {
        let path = self.folder.path().join(SERVER_LOG);
        let log = std::fs::File::options().create(true).append(true).open(&path);
        let log = log.map_err(|error| Failure::io("write", &path, &error))?;
        let mut command = self.command("server", arguments);
        let server = self.server.insert(Following::start(command.stderr(log))?);
        let line = server.next_line("the server to be ready").await?;
        serde_json::from_str(&line).map_err(|error| {
            Failure::failed(
                "demo",
                format!("the server said {line:?}: {error}; please report this"),
            )
        })
    }

    /// The server's process.
    pub(super) fn server_pid(&self) -> Option<u32> {
        self.server.as_ref().and_then(|server| server.child.id())
    }

    /// Ends the server with SIGKILL.
    pub(super) async fn kill_server(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill().await;
        }
    }

    /// Ends the server with SIGTERM and returns its exit code.
    pub(super) async fn stop_server(&mut self) -> Result<Option<i32>, Failure> {
        let (Some(pid), Some(mut server)) = (self.server_pid(), self.server.take()) else {
            return Err(Failure::failed("demo", "there is no server to stop"));
        };
        terminate(pid).await?;
        let ended = timeout(PATIENCE, server.child.wait()).await;
        let ended = ended.map_err(|_| slow("the server to stop"))?;
        Ok(ended.map_err(|error| not_run(&error))?.code())
    }

    /// Starts a watch of `who` that stays.
    pub(super) fn start_watch(&mut self, who: &str, arguments: &[&str]) -> Result<(), Failure> {
        let mut command = self.command(who, arguments);
        self.watch = Some(Following::start(command.stderr(Stdio::null()))?);
        Ok(())
    }

    /// The next line of the watch.
    pub(super) async fn watched(&mut self) -> Result<String, Failure> {
        match &mut self.watch {
            Some(watch) => watch.next_line("the watch to tell something").await,
            None => Err(Failure::failed("demo", "there is no watch")),
        }
    }

    /// How far the feeds of `who` are taken, as its files have it.
    pub(super) fn position(&self, who: &str) -> Vec<u8> {
        let folder = self.folder.path().join(who).join(format!("{who}@localhost/cursors"));
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        // Locks, and files that are still being written, tell no position.
        files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
        files.sort_unstable();
        files.iter().flat_map(|file| std::fs::read(file).unwrap_or_default()).collect()
    }

    /// Waits until `who` has taken more than `position`.
    pub(super) async fn position_moved(&self, who: &str, position: &[u8]) -> Result<(), Failure> {
        let moved = async {
            while self.position(who) == position {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        timeout(PATIENCE, moved).await.map_err(|_| slow("the watch to keep its position"))
    }

    /// Ends the watch with SIGKILL and returns the lines it had printed but nobody had read.
    pub(super) async fn kill_watch(&mut self) -> Vec<String> {
        match self.watch.take() {
            Some(watch) => watch.kill().await,
            None => Vec::new(),
        }
    }

    /// The failure, with the end of the server's log.
    pub(super) fn explain(&self, failure: Failure) -> Failure {
        let Failure::Error { exit, code, message } = failure else { return failure };
        let log = std::fs::read_to_string(self.folder.path().join(SERVER_LOG)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n  ");
        let message = match last.as_str() {
            "" => message,
            last => format!("{message}\nthe server's log ends:\n  {last}"),
        };
        Failure::Error { exit, code, message }
    }

    /// Ends every process and removes every file.
    pub(super) async fn clear(mut self) {
        self.kill_watch().await;
        self.kill_server().await;
        // A folder that stays is in the way of nobody, and there is nobody left to tell.
        let _ = self.folder.close();
    }
}

/// A process that stays, and what it prints. Killed when dropped.
struct Following {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Following {
    fn start(command: &mut Command) -> Result<Self, Failure> {
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| not_run(&error))?;
        let stdout = child.stdout.take().expect("stdout was asked to be a pipe");
        Ok(Self { child, lines: BufReader::new(stdout).lines() })
    }

    async fn next_line(&mut self, what: &str) -> Result<String, Failure> {
        match timeout(PATIENCE, self.lines.next_line()).await {
            Ok(Ok(Some(line))) => Ok(line),
            Ok(_) => {
                Err(Failure::failed("demo", format!("a process ended while waiting for {what}")))
            }
            Err(_) => Err(slow(what)),
        }
    }

    /// Kills it and returns what is left of its lines.
    async fn kill(mut self) -> Vec<String> {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill().await;
        let mut rest = Vec::new();
        while let Ok(Some(line)) = self.lines.next_line().await {
            rest.push(line);
        }
        rest
    }
}

/// Sends SIGTERM. The standard library can only kill, so the shell does it; not every machine has a `kill` beside it.
async fn terminate(pid: u32) -> Result<(), Failure> {
    let sent = Command::new("sh").args(["-c", "kill \"$0\"", &pid.to_string()]).status().await;
    match sent {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Failure::failed("demo", format!("cannot send SIGTERM to process {pid}"))),
    }
}

fn slow(what: &str) -> Failure {
    Failure::failed("demo", format!("waited {} s for {what}", PATIENCE.as_secs()))
}

fn not_run(error: &std::io::Error) -> Failure {
    Failure::failed(
        "machine",
        format!("cannot run this program again: {error}; raise the limit on processes"),
    )
}
