//! What the child does whose power is cut, and what it says of it.
//!
//! Must never hold: anything that is said before it was answered.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use crate::support::DOMAIN;
use crate::support::peer::Session;
use crate::support::server::{any_port, start_at};
use adsum::backup::NewKeys;
use adsum::server::{back_up, erase_as_operator};

/// Where the store is, and its backup.
pub(super) const DATA: &str = "data";
pub(super) const BACKUP: &str = "backup";
/// Servers one after the other.
pub(super) const CYCLES: usize = 3;
/// Rounds of messages with each.
const ROUNDS: u64 = 24;
/// When a backup is begun.
const BACKUP_ROUND: u64 = 12;
const PUBLISHED: &str = "note ";

/// What was said by some moment.
#[derive(Default)]
pub(super) struct Said {
    /// Messages up to this one were accepted.
    pub(super) sent: u64,
    /// Notes up to this one were published.
    pub(super) published: u64,
    /// Backups that were made, and through which event the last one goes.
    pub(super) backups: usize,
    pub(super) copied: u64,
    /// Who was erased, with the key that is destroyed.
    pub(super) erased: BTreeMap<String, Vec<u8>>,
}

impl Said {
    pub(super) fn is_nothing(&self) -> bool {
        self.sent + self.published + self.backups as u64 == 0
    }
}

impl<'a> FromIterator<&'a str> for Said {
    fn from_iter<Lines: IntoIterator<Item = &'a str>>(lines: Lines) -> Self {
        let mut said = Self::default();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["sent", number] => said.sent = number.parse().unwrap(),
                ["published", number] => said.published = number.parse().unwrap(),
                ["copied", head] => {
                    said.backups += 1;
                    said.copied = head.parse().unwrap();
                }
                ["erased", who, key] => {
                    let key = data_encoding::HEXLOWER.decode(key.as_bytes()).unwrap();
                    said.erased.insert(who.to_owned(), key);
                }
                _ => panic!("{line}"),
            }
        }
        said
    }
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

/// Lives the story below `root`, and says in the file `said` what was answered.
pub(super) async fn live(root: &Path, said: &Path) {
    let (data, backup) = (root.join(DATA), root.join(BACKUP));
    let said = File::options().create(true).append(true).open(said).unwrap();
    let say = |line: String| (&said).write_all(format!("{line}\n").as_bytes()).unwrap();
    let mut sent = 0;
    for cycle in 0..CYCLES {
        let victim = format!("victim{cycle}");
        let server = start_at(&data, any_port()).await.unwrap();
        let address = server.local_addr();
        let mut alice = Session::enter(address, "alice").await;
        Session::enter(address, "bob").await.close();
        let mut erased = Session::enter(address, &victim).await;
        let mut copying = None;
        for round in 0..ROUNDS {
            for _ in 0..=round % 3 {
                sent += 1;
                alice.send("bob", &format!("m{sent}"), &body(sent)).await;
                say(format!("sent {sent}"));
            }
            if round % 4 == 0 {
                alice.publish(&format!("{PUBLISHED}{sent}")).await;
                erased.publish("secret").await;
                erased.send("bob", &format!("v{sent}"), b"secret").await;
                say(format!("published {sent}"));
            }
            if round == BACKUP_ROUND {
                let (data, backup) = (data.clone(), backup.clone());
                copying = Some(tokio::task::spawn_blocking(move || {
                    back_up(&data, &backup, &NewKeys::None, &mut |_, _| ()).unwrap().tip.head
                }));
            }
        }
        let head = copying.unwrap().await.unwrap();
        say(format!("copied {head}"));
        alice.close();
        erased.close();
        server.shutdown().await.unwrap();
        let before = keys(&data);
        let principal = format!("{victim}@{DOMAIN}");
        erase_as_operator(&data, &principal.parse().unwrap()).unwrap();
        let after = keys(&data);
        let gone: Vec<&Vec<u8>> = before.iter().filter(|key| !after.contains(key)).collect();
        let [key] = gone[..] else { panic!("one key is destroyed, and not {}", gone.len()) };
        say(format!("erased {principal} {}", data_encoding::HEXLOWER.encode(key)));
    }
}

/// The keys in the file of keys, see `docs/LOG_FORMAT.md`.
fn keys(data: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(data.join("keys/principals.keys")).unwrap();
    bytes.chunks(64).skip(1).map(|slot| slot[28..60].to_vec()).collect()
}
