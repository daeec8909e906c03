//! `adsum log verify`: walks the whole log.
//!
//! Must never hold: a repair.

use std::fmt;

use data_encoding::HEXLOWER_PERMISSIVE;

use super::store::Store;
use crate::cli::print::line::line;
use crate::cli::run::{failure::Failure, invocation::Invocation, progress::Progress};
use crate::client::KeyHash;
use crate::event::Chain;
use crate::log::{
    Entries as _, EventLog, LogFault, SledLog, Tip, Verified, check_cut, check_noted, verify,
};
use crate::model::Sequence;
use crate::server::is_cut_signed;

/// Arguments of `adsum log verify`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    store: Store,
    /// Also check that the log goes on from what `adsum log head` printed once [default: only that it is whole by itself]
    #[arg(long, value_name = "POSITION:CHAIN", value_parser = noted)]
    expect: Option<Tip>,
}

/// Reads what `adsum log head` printed.
pub(in crate::cli::command) fn noted(text: &str) -> Result<Tip, String> {
    let read = || {
        let (position, chain) = text.split_once(':')?;
        let chain = HEXLOWER_PERMISSIVE.decode(chain.as_bytes()).ok()?;
        Some(Tip {
            head: Sequence::new(position.parse().ok()?),
            chain: Chain(chain.try_into().ok()?),
        })
    };
    let cure = "it is the line of `adsum log head`: a number, a colon, and 64 hexadecimal digits";
    read().ok_or_else(|| cure.to_owned())
}

line! {
    /// `{"type":"verified", …}`.
    #[serde(tag = "type", rename = "verified")]
    struct VerifiedLine from (verified, noted, cut): (&Verified, Option<Tip>, Option<Cut>) {
        events: u64 = verified.events,
        entries: u64 = verified.entries,
        bytes: u64 = verified.bytes,
        first: u64 = verified.first.get(),
        head: u64 = verified.head.get(),
        chain: String = verified.chain.to_string(),
        #[serde(skip_serializing_if = "Option::is_none")]
        expected: Option<String> = noted.map(|noted| noted.to_string()),
        #[serde(skip_serializing_if = "Option::is_none")]
        cut_through: Option<u64> = cut.as_ref().map(|cut| cut.through.get()),
        #[serde(skip_serializing_if = "Option::is_none")]
        cut_stated_by: Option<u64> = cut.as_ref().map(|cut| cut.statement.get()),
        #[serde(skip_serializing_if = "Option::is_none")]
        cut_signed_by: Option<String> = cut.map(|cut| cut.signer.to_string()),
    }
}

impl fmt::Display for VerifiedLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, entries, bytes, chain, .. } = self;
        write!(to, "verified {events} events in {entries} entries ({bytes} bytes), chain {chain}")?;
        self.expected.iter().try_for_each(|noted| write!(to, ", goes on from {noted}"))?;
        let cut = self.cut_through.zip(self.cut_stated_by);
        cut.iter().try_for_each(|(through, by)| {
            write!(to, "; cut through event {through}, as event {by} states")
        })?;
        self.cut_signed_by.iter().try_for_each(|key| write!(to, ", signed by {key}"))
    }
}

/// A cut of the log, if there ever was one.
#[derive(Clone, Debug)]
struct Cut {
    through: Sequence,
    statement: Sequence,
    signer: KeyHash,
}

/// Checks the last cut: what is carried forward is what was stated, and that is signed by the key that it names.
fn check_last_cut(log: &SledLog) -> Result<Option<Cut>, Failure> {
    let Some(stated) = check_cut(log)? else { return Ok(None) };
    let (through, statement) = (stated.cut.through, log.mark().statement);
    if !is_cut_signed(&stated) {
        let reason = "the statement of that has a wrong signature";
        return Err(LogFault::CutDiffers { through, reason }.into());
    }
    Ok(Some(Cut { through, statement, signer: KeyHash::of(&stated.key) }))
}

/// Runs `adsum log verify`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    args.store.check_seal()?;
    let log = args.store.open()?;
    let total = log.head().get();
    let mut progress = Progress::new("verifying", "events", invocation.is_json());
    let verified = verify(&log, &mut |done| progress.at(done, total));
    drop(progress);
    let verified = verified?;
    let cut = check_last_cut(&log)?;
    args.expect.map_or(Ok(()), |noted| check_noted(&log, noted))?;
    invocation.output.line(&VerifiedLine::from((&verified, args.expect, cut)))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn a_verified_line_tells_the_chain() {
        let verified = Verified {
            events: 3,
            entries: 2,
            bytes: 400,
            first: Sequence::new(1),
            head: Sequence::new(3),
            chain: Chain([0xab; 32]),
        };
        let line = VerifiedLine::from((&verified, None, None));
        assert!(
            line.to_string().starts_with("verified 3 events in 2 entries (400 bytes), chain abab")
        );
        let noted = Tip { head: Sequence::new(2), chain: Chain([1; 32]) };
        let line_with = VerifiedLine::from((&verified, Some(noted), None));
        assert!(line_with.to_string().contains(", goes on from 2:0101"), "{line_with}");
        assert!(serde_json::to_string(&line).unwrap().starts_with(
            r#"{"type":"verified","events":3,"entries":2,"bytes":400,"first":1,"head":3,"chain":"abab"#
        ));
    }

    #[test]
    fn what_was_noted_is_read_as_it_is_printed() {
        let tip = Tip { head: Sequence::new(612), chain: Chain([0xab; 32]) };
        assert_eq!(noted(&tip.to_string()), Ok(tip));
        assert_eq!(noted(&tip.to_string().to_uppercase()), Ok(tip));
        for wrong in ["", "612", "612:", "612:abab", ":abab", "-1:ab", &format!("{tip}00")] {
            assert!(noted(wrong).unwrap_err().contains("`adsum log head`"), "{wrong}");
        }
    }
}
