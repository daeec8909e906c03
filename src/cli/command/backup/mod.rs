//! `adsum backup`: makes a backup of a store, or proves one.
//!
//! Must never hold: how a backup is made (see `backup`), or a key that is not sealed.

mod sealing;

use std::fmt;
use std::path::{Path, PathBuf};

pub(super) use self::sealing::Opening;
use self::sealing::{Sealing, Wish};
use crate::backup::{Backup, Copied, Proven, prove};
use crate::cli::print::line::line;
use crate::cli::run::{failure::Failure, invocation::Invocation, progress::Progress};
use crate::log::Tip;
use crate::server::{back_up, back_up_with_keys};

/// Arguments of `adsum backup`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The folder of the backup; what an earlier one in it holds already is not copied again
    dir: PathBuf,
    /// The folder of the store, as given to `adsum serve --data`, on the server's machine; a server may run on it
    #[arg(long, value_name = "STORE", conflicts_with_all = ["acting_as", "verify"])]
    data: Option<PathBuf>,
    /// Prove the backup instead: read all of it, and fold its events anew
    #[arg(long)]
    verify: bool,
    /// With --verify: also check that it goes on from what `adsum log head` printed once [default: only that it is whole]
    #[arg(long, value_name = "POSITION:CHAIN", requires = "verify", value_parser = super::log::noted)]
    expect: Option<Tip>,
    #[command(flatten)]
    sealing: Sealing,
}

line! {
    /// `{"type":"backed-up", …}`.
    #[serde(tag = "type", rename = "backed-up")]
    struct BackedUpLine from copied: &Copied {
        position: u64 = copied.tip.head.get(),
        chain: String = copied.tip.chain.to_string(),
        /// What was not in it before.
        events: u64 = copied.added.events,
        entries: u64 = copied.added.entries,
        bytes: u64 = copied.added.bytes,
        keys: bool = copied.keys,
    }
}

impl fmt::Display for BackedUpLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, chain, events, entries, bytes, keys } = self;
        writeln!(to, "{position}:{chain}")?;
        write!(
            to,
            "  added {events} events in {entries} entries ({bytes} bytes); {}",
            keys_in_words(*keys)
        )
    }
}

line! {
    /// `{"type":"backup-verified", …}`.
    #[serde(tag = "type", rename = "backup-verified")]
    struct VerifiedLine from (proven, noted): (&Proven, Option<Tip>) {
        position: u64 = proven.verified.head.get(),
        chain: String = proven.verified.chain.to_string(),
        events: u64 = proven.verified.events,
        entries: u64 = proven.verified.entries,
        bytes: u64 = proven.verified.bytes,
        principals: u64 = proven.views.principals_count() as u64,
        presentities: u64 = proven.views.presentities_count() as u64,
        publications: u64 = proven.views.counts().publications,
        subscriptions: u64 = proven.views.counts().subscriptions,
        inboxes: u64 = proven.views.inboxes_count() as u64,
        messages: u64 = proven.views.counts().messages,
        keys: bool = proven.keys,
        #[serde(skip_serializing_if = "Option::is_none")]
        expected: Option<String> = noted.map(|noted| noted.to_string()),
    }
}

impl fmt::Display for VerifiedLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, chain, events, entries, bytes, .. } = self;
        writeln!(to, "{position}:{chain}")?;
        writeln!(to, "  verified {events} events in {entries} entries ({bytes} bytes)")?;
        writeln!(
            to,
            "  folded anew to {} principals, {} presentities with {} publications, {} subscriptions, {} inboxes with {} messages",
            self.principals,
            self.presentities,
            self.publications,
            self.subscriptions,
            self.inboxes,
            self.messages
        )?;
        write!(to, "  {}", keys_in_words(self.keys))?;
        self.expected.iter().try_for_each(|noted| write!(to, "\n  goes on from {noted}"))
    }
}

/// Whether a backup holds keys.
fn keys_in_words(keys: bool) -> &'static str {
    if keys { "with the server's keys, sealed" } else { "without the server's keys" }
}

/// Runs `adsum backup`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    if args.verify {
        return verified(args, invocation);
    }
    let Some(data) = &args.data else {
        return Err(Failure::usage(
            "a backup holds what everybody wrote, so it is made on the server's machine only; name the store's folder with --data, also while a server runs on it",
        ));
    };
    let wish = args.sealing.wish()?;
    let copied = copied(data, &args.dir, &wish, invocation)?;
    invocation.output.line(&BackedUpLine::from(&copied))
}

fn copied(
    data: &Path,
    dir: &Path,
    wish: &Wish,
    invocation: &Invocation,
) -> Result<Copied, Failure> {
    let mut progress = Progress::new("copying", "events", invocation.is_json());
    let mut at = |done, total| progress.at(done, total);
    Ok(match wish {
        Wish::Seal(sealer) => back_up_with_keys(data, dir, &|keys| sealer.seal(keys), &mut at)?,
        Wish::Leave(keys) => back_up(data, dir, keys, &mut at)?,
    })
}

fn verified(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let backup = Backup::open(&args.dir)?;
    let total = backup.tip().head.get();
    let mut progress = Progress::new("proving", "events", invocation.is_json());
    let proven = prove(&backup, args.expect, &mut |done| progress.at(done, total));
    drop(progress);
    invocation.output.line(&VerifiedLine::from((&proven?, args.expect)))
}
