//! `adsum log head`: how far the log is on the disk, for somebody to keep elsewhere.
//!
//! Must never hold: a judgement about the log, or anything that opens it; a server may run on it.

use std::fmt;

use super::store::Store;
use crate::cli::print::line::line;
use crate::cli::run::{failure::Failure, invocation::Invocation};
use crate::log::{SledLog, Tip};

line! {
    /// `{"type":"log-head", …}`.
    #[serde(tag = "type", rename = "log-head")]
    struct HeadLine from tip: Tip {
        position: u64 = tip.head.get(),
        chain: String = tip.chain.to_string(),
    }
}

/// As `adsum log verify --expect` takes it.
impl fmt::Display for HeadLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}:{}", self.position, self.chain)
    }
}

/// Runs `adsum log head`.
pub(super) fn run(store: &Store, invocation: &mut Invocation) -> Result<(), Failure> {
    invocation.output.line(&HeadLine::from(SledLog::durable_tip(&store.data)?))
}
