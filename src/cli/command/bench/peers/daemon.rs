//! A server of another make that the bench starts, if this machine has it: on loopback, in a folder of its own, and gone with it.
//!
//! Must never hold: how one speaks with it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::cli::run::failure::Failure;

/// Longest wait until it takes connections, and between two tries.
const START_TIME: Duration = Duration::from_secs(20);
const KNOCK: Duration = Duration::from_millis(20);
/// Where servers are installed that are not for everybody's use.
const FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/// A running server. Dropped, it is killed and its folder removed.
pub(super) struct Daemon {
    /// Where it listens.
    pub(super) address: SocketAddr,
    child: Child,
    // Removed behind the process that writes there.
    folder: TempDir,
}

impl Daemon {
    /// Starts `program` with what `arguments` makes of its port and folder, and waits until it takes connections.
    pub(super) async fn start(
        program: &Path,
        beside: &Path,
        arguments: impl FnOnce(u16, &Path) -> Result<Vec<String>, Failure>,
    ) -> Result<Self, Failure> {
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            Failure::failed("child-failed", format!("{}: {what}: {error}", program.display()))
        };
        let made = tempfile::Builder::new().prefix("peer-").tempdir_in(beside);
        let folder = made.map_err(|error| failed("its folder", &error))?;
        let address = free().await.map_err(|error| failed("a free port", &error))?;
        let mut command = Command::new(program);
        command.args(arguments(address.port(), folder.path())?).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| failed("its start", &error))?;
        let mut daemon = Self { address, child, folder };
        let began = Instant::now();
        while TcpStream::connect(address).await.is_err() {
            if let Ok(Some(status)) = daemon.child.try_wait() {
                return Err(failed("it ended at once", &status));
            }
            if began.elapsed() > START_TIME {
                return Err(failed("it takes no connections", &address));
            }
            sleep(KNOCK).await;
        }
        Ok(daemon)
    }

    /// Ends it as a power cut would, and removes its folder.
    pub(super) async fn kill(mut self) -> Result<(), Failure> {
        let ended = self.child.kill().await;
        ended.map_err(|error| Failure::failed("child-failed", error.to_string()))?;
        self.folder.close().map_err(|error| Failure::failed("io", error.to_string()))
    }
}

/// An address that nobody listens on now.
async fn free() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()
}

/// Where `program` is, if it is anywhere.
pub(super) fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(FOLDERS.map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_nobody_has_is_nowhere() {
        assert_eq!(found("adsum-no-such-program"), None);
    }

    #[tokio::test]
    async fn a_program_that_ends_at_once_is_a_failure_and_leaves_nothing() {
        let Some(program) = found("false") else { return };
        let beside = tempfile::tempdir().unwrap();
        let started = Daemon::start(&program, beside.path(), |_, _| Ok(Vec::new())).await;
        assert!(started.err().unwrap().message().contains("ended at once"));
        assert_eq!(std::fs::read_dir(beside.path()).unwrap().count(), 0);
    }
}
