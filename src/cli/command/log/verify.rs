//! `adsum log verify`: walks the whole log.
//!
//! Must never hold: a repair.

use std::fmt;

use super::store::Store;
use crate::cli::print::line::line;
use crate::cli::run::{failure::Failure, invocation::Invocation, progress::Progress};
use crate::log::{EventLog, Verified, verify};

line! {
    /// `{"type":"verified", …}`.
    #[serde(tag = "type", rename = "verified")]
    struct VerifiedLine from verified: &Verified {
        events: u64 = verified.events,
        entries: u64 = verified.entries,
        bytes: u64 = verified.bytes,
        first: u64 = verified.first.get(),
        head: u64 = verified.head.get(),
        chain: String = verified.chain.to_string(),
    }
}

impl fmt::Display for VerifiedLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, entries, bytes, chain, .. } = self;
        write!(to, "verified {events} events in {entries} entries ({bytes} bytes), chain {chain}")
    }
}

/// Runs `adsum log verify`.
pub(super) fn run(store: &Store, invocation: &mut Invocation) -> Result<(), Failure> {
    store.check_seal()?;
    let log = store.open()?;
    let total = log.head().get();
    let mut progress = Progress::new("verifying", "events", invocation.is_json());
    let verified = verify(&log, &mut |done| progress.at(done, total));
    drop(progress);
    invocation.output.line(&VerifiedLine::from(&verified?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Chain;
    use crate::model::Sequence;

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
        let line = VerifiedLine::from(&verified);
        assert!(
            line.to_string().starts_with("verified 3 events in 2 entries (400 bytes), chain abab")
        );
        assert!(serde_json::to_string(&line).unwrap().starts_with(
            r#"{"type":"verified","events":3,"entries":2,"bytes":400,"first":1,"head":3,"chain":"abab"#
        ));
    }
}
