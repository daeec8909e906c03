//! A process of this very program that the bench starts, and that never outlives it.
//!
//! Must never hold: what the process is for.

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::cli::run::failure::Failure;

/// Longest wait for the first line. A store of a million events opens in a second.
const START_TIME: Duration = Duration::from_mins(1);
/// Lines of standard error kept for the case that the process fails.
const LAST_LINES: usize = 20;

/// A running process. Dropped, it is killed.
pub(super) struct Process {
    name: &'static str,
    child: Child,
    /// Read on so that the process never waits for us, and shown if it fails.
    said: Arc<Mutex<VecDeque<String>>>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts this program with `arguments`, with no settings from the environment but those in `variables`.
    pub(super) fn start(
        name: &'static str,
        arguments: &[String],
        variables: &[(&str, String)],
    ) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(|error| failed(name, error))?;
        let mut command = Command::new(program);
        command.args(arguments).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (key, _) in std::env::vars_os() {
            if key.to_string_lossy().starts_with("ADSUM_") {
                command.env_remove(key);
            }
        }
        // All that a bench measures comes from this machine.
        command.env("ADSUM_LIMITS_PROXIES", "127.0.0.0/8");
        // Few principals are to do here what many do elsewhere.
        for quota in [
            "LOG_BYTES_A_DAY_MAX",
            "EVENTS_A_SECOND_MAX",
            "MESSAGE_IDS_MAX",
            "FEEDS_A_MINUTE_MAX",
            "MESSAGES_STORED_OF_SENDER_MAX",
        ] {
            command.env(format!("ADSUM_LIMITS_{quota}"), "1000000000000");
        }
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        let mut child = command.spawn().map_err(|error| failed(name, error))?;
        let output = child.stdout.take().expect("it was asked for");
        let said = Arc::default();
        let errors = child.stderr.take().expect("it was asked for");
        tokio::spawn(listen(errors, Arc::clone(&said)));
        Ok(Self { name, child, said, lines: BufReader::new(output).lines() })
    }

    /// The next line on standard output that is a JSON object of type `kind`.
    pub(super) async fn line(&mut self, kind: &str) -> Result<serde_json::Value, Failure> {
        match tokio::time::timeout(START_TIME, self.find(kind)).await {
            Ok(Ok(Some(line))) => Ok(line),
            Ok(Ok(None)) => Err(self.failed().await),
            Ok(Err(error)) => Err(failed(self.name, error)),
            Err(_) => Err(failed(self.name, "it said nothing for a minute")),
        }
    }

    async fn find(&mut self, kind: &str) -> std::io::Result<Option<serde_json::Value>> {
        while let Some(line) = self.lines.next_line().await? {
            let object = serde_json::from_str::<serde_json::Value>(&line).ok();
            if let Some(object) = object.filter(|object| object["type"] == kind) {
                return Ok(Some(object));
            }
        }
        Ok(None)
    }

    async fn failed(&mut self) -> Failure {
        let status = self.child.wait().await.map_or_else(|e| e.to_string(), |s| s.to_string());
        // Its last words arrive on another task.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let words: Vec<&str> = said.iter().map(String::as_str).collect();
        failed(self.name, format!("{status}\n{}", words.join("\n")))
    }

    /// The process id, while it runs.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends it as a power cut would, and waits until it is gone.
    pub(super) async fn kill(mut self) -> Result<(), Failure> {
        self.child.kill().await.map_err(|error| failed(self.name, error))
    }
}

async fn listen(errors: impl AsyncRead + Unpin, said: Arc<Mutex<VecDeque<String>>>) {
    let mut lines = BufReader::new(errors).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() == LAST_LINES {
            said.pop_front();
        }
        said.push_back(line);
    }
}

fn failed(name: &str, reason: impl std::fmt::Display) -> Failure {
    Failure::failed("child-failed", format!("the bench's own {name} failed: {reason}"))
}
