//! A server in a process of its own, which can be killed.
//!
//! The process is the test's own program again, running the one test that [`role`] stands in. It ends with its parent.
//! Must never hold: a way to leave a process behind.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use super::server::{any_port, config};

const FOLDER: &str = "ADSUM_TEST_SERVER_FOLDER";
const LISTEN: &str = "ADSUM_TEST_SERVER_LISTEN";
/// The test that [`role`] must stand in, at the root of its program.
const ROLE: &str = "child_that_serves";
const SERVING: &str = "serving ";

/// The child: serves until its standard input ends or says to stop. Does nothing in a test that was not started as one.
///
/// Put it into `#[test] fn child_that_serves()` of the program's `main.rs`.
pub fn role() {
    let (Some(folder), Ok(listen)) = (std::env::var_os(FOLDER), std::env::var(LISTEN)) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(serve(Path::new(&folder), listen.parse().unwrap()));
}

async fn serve(folder: &Path, listen: SocketAddr) {
    let mut config = config(folder);
    config.listen = listen;
    config.web.websocket = Some(any_port());
    let server = adsum::server::start(config).await.unwrap();
    // Behind a line break, because the test program's own words stand in front.
    println!("\n{SERVING}{}", server.http_addr().unwrap());
    let said = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    });
    tokio::select! {
        said = said => match said.unwrap().unwrap().as_str() {
            "stop\n" => server.shutdown().await.unwrap(),
            // The parent is gone.
            _ => std::process::exit(0),
        },
        fault = server.failed() => panic!("{fault}"),
    }
}

/// A server's process. Killed when dropped.
pub struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    folder: PathBuf,
    /// Where clients reach it; the same after every restart.
    pub address: SocketAddr,
    /// Where health and metrics are.
    pub http: SocketAddr,
}

impl Process {
    /// Starts a server on `folder` and waits until it serves.
    pub fn start(folder: &Path) -> Self {
        let address = free_port();
        let (child, stdin, http) = serving(folder, address);
        Self { child, stdin, folder: folder.to_owned(), address, http }
    }

    /// Kills it without a word.
    pub fn kill(&mut self) {
        self.stdin = None;
        // It may have ended by itself, which the next start shows.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same folder and port, after it was killed or stopped.
    pub fn start_again(&mut self) {
        let (child, stdin, http) = serving(&self.folder, self.address);
        (self.child, self.stdin, self.http) = (child, stdin, http);
    }

    /// Starts it again and kills it before or while it opens its store.
    pub fn start_and_kill(&mut self, after: std::time::Duration) {
        let (child, stdin) = spawn(&self.folder, self.address);
        (self.child, self.stdin) = (child, stdin);
        std::thread::sleep(after);
        self.kill();
    }

    /// Stops it in order.
    pub fn stop(&mut self) {
        self.stdin.take().unwrap().write_all(b"stop\n").unwrap();
        assert!(self.child.wait().unwrap().success(), "the server stops in order");
    }

    /// Bytes of memory it holds.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process of this test program that runs the test `role` alone, with its standard input and output in our hands.
pub fn command(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([role, "--exact", "--nocapture"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn spawn(folder: &Path, address: SocketAddr) -> (Child, Option<ChildStdin>) {
    let mut child = command(ROLE)
        .env(FOLDER, folder)
        .env(LISTEN, address.to_string())
        .spawn()
        .expect("the test program starts again");
    let stdin = child.stdin.take();
    (child, stdin)
}

fn serving(folder: &Path, address: SocketAddr) -> (Child, Option<ChildStdin>, SocketAddr) {
    let (mut child, stdin) = spawn(folder, address);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let Some(http) = lines.find_map(|line| Some(line.strip_prefix(SERVING)?.parse().unwrap()))
    else {
        let _ = child.kill();
        panic!("the server did not start on {}: {:?}", folder.display(), child.wait());
    };
    // Whatever else it prints must not block it.
    std::thread::spawn(move || lines.for_each(drop));
    (child, stdin, http)
}

/// A port below those that the system hands out by itself, so that it is still free after a kill.
pub fn free_port() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let spread = u16::try_from(std::process::id() % 500).unwrap() * 20;
    loop {
        let port = 20_000 + (spread + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
}

/// Starts a second server on `folder` in this process; for what must fail.
pub async fn second_on(folder: &Path) -> adsum::server::ServerError {
    match adsum::server::start(config(folder)).await {
        Ok(_) => panic!("two servers run on one folder"),
        Err(fault) => fault,
    }
}
