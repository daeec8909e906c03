//! What the child does whose power is cut, and what it says of it.
//!
//! Must never hold: anything that is said before it was answered.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Result, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::steps::{self, BACKING_UP, CUT_MADE, ENDED, ENDING, ERASING};
use crate::support::peer::{Session, inbox_feed};
use crate::support::server::{any_port, config};
use crate::support::stream::{Stream, known};
use crate::support::{DOMAIN, within};
use adsum::backup::NewKeys;
use adsum::model::{Keep, Lifetime, Retention};
use adsum::protocol::body::{Body, FeedAck, FeedAcked, FeedOpen, MessageEvent};
use adsum::server::{RetentionConfig, Server, back_up, erase_as_operator};
use tracing_subscriber::EnvFilter;

/// Where the store is.
pub(super) const DATA: &str = "data";
/// Servers one after the other.
pub(super) const CYCLES: usize = 3;
/// Cuts of the log by each of them, or more.
const CUTS_OF_CYCLE: u64 = 3;
/// Rounds of messages with each.
const ROUNDS: u64 = 12;
/// When a backup is begun.
const BACKUP_ROUND: u64 = 6;
const PUBLISHED: &str = "note ";
/// Bytes of a message that is taken: as many of its body.
pub(super) const TAKEN_BYTES: usize = 100;
/// How long what is over is kept, so that the log is cut again and again.
const KEPT: Lifetime = Lifetime::from_ms(80);
const CHECK: Duration = Duration::from_millis(20);

/// What was said by some moment.
#[derive(Default)]
pub(super) struct Said {
    /// Messages up to this one were accepted.
    pub(super) sent: u64,
    /// Messages up to this one were taken by whom they are for.
    pub(super) taken: u64,
    /// Notes up to this one were published.
    pub(super) published: u64,
    /// Through which event each backup goes that was made.
    pub(super) copied: Vec<u64>,
    /// Who was erased, with the key that is destroyed.
    pub(super) erased: BTreeMap<String, Vec<u8>>,
}

impl Said {
    pub(super) fn is_nothing(&self) -> bool {
        self.sent + self.published == 0
    }
}

impl<'a> FromIterator<&'a str> for Said {
    fn from_iter<Lines: IntoIterator<Item = &'a str>>(lines: Lines) -> Self {
        let mut said = Self::default();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["sent", number] => said.sent = number.parse().unwrap(),
                ["taken", number] => said.taken = number.parse().unwrap(),
                ["published", number] => said.published = number.parse().unwrap(),
                ["copied", head] => said.copied.push(head.parse().unwrap()),
                ["erased", who, key] => {
                    let key = data_encoding::HEXLOWER.decode(key.as_bytes()).unwrap();
                    said.erased.insert(who.to_owned(), key);
                }
                _ => assert!(steps::tells(line), "{line}"),
            }
        }
        said
    }
}

/// Where the backup of a server is: the log is cut further than that of the one before goes.
pub(super) fn backup(cycle: usize) -> String {
    format!("backup{cycle}")
}

/// What message `number` says: most are short, and some take several pages.
pub(super) fn body(number: u64) -> Vec<u8> {
    let bytes = if number.is_multiple_of(11) { 30_000 } else { 700 };
    format!("{number:bytes$}").into_bytes()
}

/// The number of a note that [`live`] published.
pub(super) fn note(text: &str) -> Option<u64> {
    text.strip_prefix(PUBLISHED)?.parse().ok()
}

/// Writes what is said, line by line, and counts the cuts of the log.
struct Saying {
    said: File,
    cuts: AtomicU64,
}

impl Saying {
    fn say(&self, line: &str) {
        (&self.said).write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Waits until so many cuts of the log were made.
    async fn cuts(&self, count: u64) {
        let cut = async {
            while self.cuts.load(Ordering::Relaxed) < count {
                tokio::time::sleep(CHECK).await;
            }
        };
        within("the log is cut", cut).await;
    }
}

impl Write for &Saying {
    fn write(&mut self, line: &[u8]) -> Result<usize> {
        let is_cut = line.starts_with(CUT_MADE.as_bytes());
        self.cuts.fetch_add(is_cut.into(), Ordering::Relaxed);
        (&self.said).write(line)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The file `said`, into which the keeper's lines go as well.
fn saying(said: &Path) -> &'static Saying {
    let said = File::options().create(true).append(true).open(said).unwrap();
    let saying: &Saying = Box::leak(Box::new(Saying { said, cuts: AtomicU64::new(0) }));
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("adsum::server::keeper=debug"))
        .with_ansi(false)
        .without_time()
        .with_level(false)
        .with_target(false)
        .with_writer(move || saying)
        .init();
    saying
}

async fn start(data: &Path) -> Server {
    let mut config = config(data);
    config.listen = any_port();
    config.retention = RetentionConfig {
        kept: Retention::of_all(Keep::For(KEPT)),
        check: CHECK,
        ..RetentionConfig::default()
    };
    adsum::server::start(config).await.unwrap()
}

/// Takes the next message for good, which is that one.
async fn take(feed: &mut Stream, id: &str) {
    let event: MessageEvent = next(feed).await;
    assert_eq!(event.message.id, id, "what was taken does not come again");
    feed.write(&FeedAck { cursor: event.cursor }).await;
    let _: FeedAcked = next(feed).await;
}

/// The next frame of that kind.
async fn next<B: Body>(feed: &mut Stream) -> B {
    loop {
        let frame = feed.next().await.unwrap();
        if frame.kind == B::KIND {
            return known(&frame);
        }
    }
}

/// Lives the story below `root`, and says in the file `said` what was answered.
pub(super) async fn live(root: &Path, said: &Path) {
    let data = root.join(DATA);
    let saying = saying(said);
    let mut sent = 0;
    for cycle in 0..CYCLES {
        let victim = format!("victim{cycle}");
        let server = start(&data).await;
        let cuts = saying.cuts.load(Ordering::Relaxed);
        let address = server.local_addr();
        let mut alice = Session::enter(address, "alice").await;
        Session::enter(address, "bob").await.close();
        let carol = Session::enter(address, "carol").await;
        let new = FeedOpen { from_start: false, ..inbox_feed("carol") };
        let mut taken = carol.feed(&new).await;
        let mut erased = Session::enter(address, &victim).await;
        let mut copying = None;
        for round in 0..ROUNDS {
            for _ in 0..=round % 3 {
                sent += 1;
                alice.send("bob", &format!("m{sent}"), &body(sent)).await;
                let id = format!("r{sent}");
                alice.send("carol", &id, &body(sent)[..TAKEN_BYTES]).await;
                saying.say(&format!("sent {sent}"));
                take(&mut taken, &id).await;
                saying.say(&format!("taken {sent}"));
            }
            if round % 4 == 0 {
                alice.publish(&format!("{PUBLISHED}{sent}")).await;
                erased.publish("secret").await;
                erased.send("bob", &format!("v{sent}"), b"secret").await;
                saying.say(&format!("published {sent}"));
            }
            if round == BACKUP_ROUND {
                saying.say(BACKING_UP);
                let (data, backup) = (data.clone(), root.join(backup(cycle)));
                copying = Some(tokio::task::spawn_blocking(move || {
                    back_up(&data, &backup, &NewKeys::None, &mut |_, _| ()).unwrap().tip.head
                }));
            }
        }
        let head = copying.unwrap().await.unwrap();
        saying.say(&format!("copied {head}"));
        saying.cuts(cuts + CUTS_OF_CYCLE).await;
        for session in [&alice, &carol, &erased] {
            session.close();
        }
        saying.say(ENDING);
        server.shutdown().await.unwrap();
        saying.say(ENDED);
        let before = keys(&data);
        let principal = format!("{victim}@{DOMAIN}");
        saying.say(ERASING);
        erase_as_operator(&data, &principal.parse().unwrap()).unwrap();
        let after = keys(&data);
        let gone: Vec<&Vec<u8>> = before.iter().filter(|key| !after.contains(key)).collect();
        let [key] = gone[..] else { panic!("one key is destroyed, and not {}", gone.len()) };
        let key = data_encoding::HEXLOWER.encode(key);
        saying.say(&format!("erased {principal} {key}"));
    }
}

/// The keys in the file of keys, see `docs/LOG_FORMAT.md`.
fn keys(data: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(data.join("keys/principals.keys")).unwrap();
    bytes.chunks(64).skip(1).map(|slot| slot[28..60].to_vec()).collect()
}
