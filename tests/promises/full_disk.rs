//! A running server whose disk gets full refuses what is new, goes on with all else, and takes new things once there is room.
//! One that has no room set apart ends with a reason and a cure. Neither loses anything that it acknowledged.
//!
//! The server is the real program on a disk in memory that somebody else fills. Where a machine does not allow such a
//! disk, that is said, and what is left is a limit of the size of its files. Must never hold: a wait for a time.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::processes::{Ended, Staying, program};
use crate::support::DOMAIN;
use crate::support::child::{self, free_port};
use crate::support::http::{count, page};
use crate::support::peer::{
    Device, Manner, Peer, Session, answer_in, inbox_feed, message, note_of, presence_feed, publish,
};
use crate::support::stream::{Stream, known};
use adsum::model::limits::DISK_RESERVE_BYTES_DEFAULT;
use adsum::protocol::body::{
    Body, CaughtUp, FeedAck, FeedAcked, MessageEvent, PresenceEvent, Publish, Published, Send,
    Sent, Welcome,
};
use bytes::Bytes;

use super::small_disk::{self, Ballast};

/// The tests that are the stories, each in a process of its own.
const FULL_ROLE: &str = "full_disk::child_whose_disk_gets_full";
const REFUSING_ROLE: &str = "full_disk::child_that_refuses_while_its_disk_is_full";
const NEW_ROLE: &str = "full_disk::child_that_begins_on_a_full_disk";
const LIMITED_ROLE: &str = "full_disk::child_whose_files_may_not_grow";
const FOLDER: &str = "ADSUM_TEST_FULL_DISK_FOLDER";
/// An empty store and some megabytes more.
const DISK_BYTES: u64 = 24 * 1024 * 1024;
/// What is left on the disk in each round: the server fails in another place of its file each time.
const LEFT_BYTES: [u64; 4] = [0, 100_000, 700_000, 2_500_000];
/// What is left on the disk when a store is made: too little, in each round for another of its files.
const LEFT_AT_FIRST_BYTES: [u64; 4] = [0, 8_192, 16_384, 28_672];
/// As good as nothing.
const NO_RESERVE: u64 = 1;
/// How much the largest file may grow in each round, in blocks of 512 bytes.
const GROWTH_BLOCKS: [u64; 2] = [600, 3_000];
/// Messages under way at once.
const PIPELINE: u64 = 16;
/// The code of the refusal, `docs/PROTOCOL.md` A.4.
const STORAGE_FULL: u16 = 62;
/// A server that failed ends with it.
const EXIT_FAILED: i32 = 1;

/// Lives the story `role` on a small disk, or says that it cannot.
fn on_a_small_disk(role: &str) {
    let folder = tempfile::tempdir().unwrap();
    if small_disk::is_allowed(folder.path()) {
        let mut story = small_disk::role_on_a_small_disk(role, folder.path(), DISK_BYTES);
        return small_disk::live(story.env(FOLDER, folder.path()));
    }
    let words = format!(
        "NOT TESTED HERE: {role}: this machine allows no file system of our own (`unshare -rm` and `mount`), so that no \
         disk can be filled; instead the size of files is limited\n"
    );
    // Not by a macro: what those print is shown only if a test fails.
    std::io::stderr().write_all(words.as_bytes()).unwrap();
    small_disk::live(child::command(LIMITED_ROLE).env(FOLDER, folder.path()));
}

#[test]
fn a_server_whose_disk_is_full_keeps_what_it_acknowledged_and_goes_on_once_there_is_room() {
    on_a_small_disk(FULL_ROLE);
}

#[test]
fn a_server_refuses_what_is_new_while_its_disk_is_full_and_goes_on_by_itself() {
    on_a_small_disk(REFUSING_ROLE);
}

#[test]
fn a_store_that_finds_no_room_to_begin_begins_once_there_is_room() {
    on_a_small_disk(NEW_ROLE);
}

#[test]
fn a_server_whose_files_may_not_grow_keeps_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    small_disk::live(child::command(LIMITED_ROLE).env(FOLDER, folder.path()));
}

/// Does nothing in a test that was not started as a story.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_whose_disk_gets_full() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let ballast = Ballast::on(Path::new(&folder));
    let mut site = Site::new(Path::new(&folder));
    for left in LEFT_BYTES {
        let mut server = site.start(None).await;
        ballast.fill_but(left);
        if left == 0 {
            let ready = page(server.http, "/readyz").await;
            assert!(ready.starts_with("HTTP/1.1 503 "), "{ready}");
        }
        site.send_until_it_ends(&mut server.process).await;
        site.check_end(server, "make room there");
        ballast.fill_but(0);
        site.check_start_without_room().await;
        ballast.remove();
        site.check_goes_on().await;
    }
}

/// Does nothing in a test that was not started as a story.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_refuses_while_its_disk_is_full() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let ballast = Ballast::on(Path::new(&folder));
    // The disk is so much smaller than a real one.
    let reserve = DISK_RESERVE_BYTES_DEFAULT / 16;
    let mut site = Site { reserve, ..Site::new(Path::new(&folder)) };
    for is_killed in [false, true] {
        let mut server = site.start(None).await;
        let mut alice = Session::enter(site.address, "alice").await;
        alice.subscribe("bob", 1).await;
        let mut shown = alice.feed(&presence_feed(Bytes::new())).await;
        let mut bob = Session::enter(site.address, "bob").await;
        let brief = Publish { lifetime_ms: Some(2_000), ..publish("bob", bob.number(), "here") };
        bob.control.write(&brief).await;
        let _: Published = bob.answer().await.unwrap();
        until_shown(&mut shown, Some("here")).await;
        ballast.fill_but(0);
        assert_eq!(site.send_until_refused(&mut alice).await, STORAGE_FULL);
        let ready = page(server.http, "/readyz").await;
        assert!(ready.contains("503 ") && ready.contains("storage-full"), "{ready}");
        assert_eq!(count(server.http, "adsum_storage_full").await, 1);
        // What ends by itself ends, and is told; so is what is asked, and what was read is acknowledged.
        until_shown(&mut shown, None).await;
        assert_eq!(site.waiting().await, site.stored, "all that was acknowledged, and no more");
        assert_eq!(enrols(site.address, "carol").await, Err(STORAGE_FULL));
        if is_killed {
            server.process.kill();
            server = site.start(None).await;
            assert_eq!(site.waiting().await, site.stored);
            alice = Session::enter(site.address, "alice").await;
            assert_eq!(site.send_until_refused(&mut alice).await, STORAGE_FULL);
        }
        ballast.remove();
        site.send_until_accepted(&mut alice).await;
        assert!(page(server.http, "/readyz").await.contains("200 OK"));
        assert_eq!(count(server.http, "adsum_storage_full").await, 0);
        assert_eq!(server.process.stop("TERM"), Some(0), "{}", site.told());
        site.check_goes_on().await;
    }
}

/// Whether somebody new is let in, or the code of the refusal.
async fn enrols(server: SocketAddr, name: &str) -> Result<Welcome, u16> {
    let peer = Peer::connect(server).await;
    let mut control = peer.say_hello(&peer.hello(&Device::of(name))).await;
    answer_in(&control.next().await.unwrap())
}

/// Reads a presence feed until it shows bob with this note, or without any presence.
async fn until_shown(feed: &mut Stream, note: Option<&str>) {
    loop {
        let frame = feed.next_whenever().await.unwrap();
        if frame.kind == PresenceEvent::KIND {
            let event: PresenceEvent = known(&frame);
            if note_of(&event.presence.document).as_deref() == note {
                return;
            }
        }
    }
}

/// Does nothing in a test that was not started as a story.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_begins_on_a_full_disk() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let ballast = Ballast::on(Path::new(&folder));
    for (round, left) in LEFT_AT_FIRST_BYTES.into_iter().enumerate() {
        let mut site = Site::new(&Path::new(&folder).join(format!("new-{round}")));
        ballast.fill_but(left);
        site.check_start_without_room().await;
        ballast.remove();
        site.check_goes_on().await;
    }
}

/// Does nothing in a test that was not started as a story.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_whose_files_may_not_grow() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let mut site = Site::new(Path::new(&folder));
    for growth in GROWTH_BLOCKS {
        let blocks = site.file_bytes().div_ceil(512) + growth;
        let mut server = site.start(Some(blocks)).await;
        site.send_until_it_ends(&mut server.process).await;
        site.check_end(server, "check the path and the disk");
        site.check_goes_on().await;
    }
}

/// A store, what was sent to it, and where its server is.
struct Site {
    store: PathBuf,
    /// What a server told on stderr; beside the test and not on the disk that gets full.
    told: tempfile::NamedTempFile,
    address: SocketAddr,
    /// Messages are numbered from 1 on; those up to here are known to be stored.
    stored: u64,
    /// Those up to here were sent.
    asked: u64,
    /// How much room its servers set apart.
    reserve: u64,
}

/// A server that serves.
struct Serving {
    process: Staying,
    http: SocketAddr,
}

impl Site {
    /// A store in `folder` that nobody has made yet.
    fn new(folder: &Path) -> Self {
        let told = tempfile::NamedTempFile::new().unwrap();
        let store = folder.join("store");
        Self { store, told, address: free_port(), stored: 0, asked: 0, reserve: NO_RESERVE }
    }

    /// `adsum serve` on the store; none of its files may get larger than `blocks`.
    fn serve(&self, blocks: Option<u64>) -> Command {
        self.told.as_file().set_len(0).unwrap();
        let mut command = match blocks {
            None => program(),
            Some(blocks) => limited(blocks),
        };
        command
            .args(["serve", "--json", "--log", "off", "--open-enrollment", "--domain", DOMAIN])
            .args(["--default-access", "allow"])
            .args(["--listen", &self.address.to_string(), "--http", "127.0.0.1:0", "--data"])
            .arg(&self.store)
            .env("ADSUM_LIMITS_DISK_RESERVE_BYTES", self.reserve.to_string())
            .stderr(self.told.reopen().unwrap());
        command
    }

    async fn start(&self, blocks: Option<u64>) -> Serving {
        let mut process = Staying::start(&mut self.serve(blocks));
        let serving = process.next_line().unwrap_or_else(|| panic!("{}", self.told()));
        let serving: Value = serde_json::from_str(&serving).unwrap();
        let http = serving["http"].as_str().unwrap().parse().unwrap();
        // So that both are enrolled as long as there is room.
        for name in ["alice", "bob"] {
            Session::enter(self.address, name).await.close();
        }
        Serving { process, http }
    }

    /// The size of sled's file.
    fn file_bytes(&self) -> u64 {
        std::fs::metadata(self.store.join("log/db")).map_or(0, |file| file.len())
    }

    /// Sends from what is not known to be stored on, until the server has ended by itself.
    async fn send_until_it_ends(&mut self, server: &mut Staying) {
        tokio::select! {
            () = self.send_on() => {}
            () = ended(server) => return,
        }
        // The connection may be lost before the process is gone.
        ended(server).await;
    }

    /// Sends until the connection is lost.
    async fn send_on(&mut self) {
        let (device, manner) = (Device::of("alice"), Manner::default());
        let Ok(mut alice) = Session::try_enter(self.address, &device, manner).await else { return };
        let mut next = self.stored + 1;
        loop {
            while next <= self.stored + PIPELINE {
                self.asked = self.asked.max(next);
                alice.control.write(&numbered(next)).await;
                next += 1;
            }
            match alice.control.next_whenever().await {
                Ok(frame) => self.stored = known::<Sent>(&frame).request,
                Err(_) => return,
            }
        }
    }

    /// Sends until that is refused, and returns the code.
    async fn send_until_refused(&mut self, alice: &mut Session) -> u16 {
        loop {
            self.asked = self.stored + 1;
            alice.control.write(&numbered(self.asked)).await;
            match alice.answer::<Sent>().await {
                Ok(_) => self.stored = self.asked,
                Err(code) => return code,
            }
        }
    }

    /// Sends the next one again and again until it is accepted.
    async fn send_until_accepted(&mut self, alice: &mut Session) {
        loop {
            alice.control.write(&numbered(self.asked)).await;
            match alice.answer::<Sent>().await {
                Ok(_) => return self.stored = self.asked,
                Err(code) => assert_eq!(code, STORAGE_FULL),
            }
        }
    }

    /// It ended by itself, and said why and what helps.
    fn check_end(&self, server: Serving, cure: &str) {
        let told = self.told_after(server.process.ended());
        assert!(told.contains(cure), "{told}");
        assert!(told.contains("start the server again"), "{told}");
    }

    /// A start finds no room: it says where, and what helps; or it serves until it needs some, and then ends so.
    async fn check_start_without_room(&mut self) {
        let mut process = Staying::start(&mut self.serve(None));
        if process.next_line().is_some() {
            self.send_until_it_ends(&mut process).await;
        }
        let told = self.told_after(process.ended());
        assert!(told.contains("make room there"), "{told}");
    }

    fn told(&self) -> String {
        std::fs::read_to_string(self.told.path()).unwrap()
    }

    /// What a server told that ended with `exit`, which names the folder.
    fn told_after(&self, exit: Option<i32>) -> String {
        let told = self.told();
        assert_eq!(exit, Some(EXIT_FAILED), "{told}");
        assert!(told.contains(&self.store.display().to_string()), "{told}");
        told
    }

    /// There is room: everything acknowledged is there, what was not is sent again, and each message is there once.
    async fn check_goes_on(&mut self) {
        let server = self.start(None).await;
        let found = self.waiting().await;
        let (least, most) = (self.stored, self.asked);
        assert!((least..=most).contains(&found), "{found} of {least} acknowledged, {most} sent");
        let mut alice = Session::enter(self.address, "alice").await;
        for number in self.stored + 1..=self.asked + 1 {
            alice.control.write(&numbered(number)).await;
            let sent: Sent = alice.answer().await.unwrap();
            assert_eq!(sent.duplicate, number <= found, "{number} of {found}");
        }
        alice.close();
        (self.stored, self.asked) = (self.asked + 1, self.asked + 1);
        assert_eq!(self.waiting().await, self.stored);
        assert_eq!(server.process.stop("TERM"), Some(0));
        let verified = program().args(["log", "verify", "--data"]).arg(&self.store).output();
        let verified = Ended::of(verified.unwrap());
        assert_eq!(verified.exit, 0, "{}", verified.stderr);
    }

    /// How many messages lie in bob's inbox: all from the first on, in order, each once and whole.
    async fn waiting(&self) -> u64 {
        let bob = Session::enter(self.address, "bob").await;
        let mut feed = bob.feed(&inbox_feed("bob")).await;
        feed.next().await.unwrap();
        let mut found = 0;
        loop {
            let frame = feed.next().await.unwrap();
            match frame.kind {
                CaughtUp::KIND => break,
                FeedAcked::KIND => continue,
                _ => found += 1,
            }
            let MessageEvent { message, cursor, .. } = known(&frame);
            let sent = numbered(found);
            assert_eq!((message.id, message.body), (sent.id, Some(sent.body)));
            feed.write(&FeedAck { cursor }).await;
        }
        bob.close();
        found
    }
}

/// Waits for the end of `process`; the story's own end is the bound.
async fn ended(process: &mut Staying) {
    while !process.has_ended() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The message of this number: small ones, and some that take several pages.
fn numbered(number: u64) -> Send {
    let bytes = if number.is_multiple_of(5) { 40_000 } else { 3_000 };
    message(number, "bob", &format!("m{number}"), format!("{number:bytes$}").as_bytes())
}

/// The program, none of whose files may get larger than `blocks`. Without the trap it would be ended by a signal.
fn limited(blocks: u64) -> Command {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let inner = program();
    let mut command = Command::new("sh");
    command.args(["-c", &script]).arg(inner.get_program()).stdin(Stdio::null());
    for (name, value) in inner.get_envs() {
        assert!(value.is_none(), "the program is started with less, not with more");
        command.env_remove(name);
    }
    command
}
