//! `adsum log rewrite`: writes a store anew, so that what an older version stored as it came is sealed.
//!
//! Must never hold: a change of the store that is read.

use std::fmt;
use std::path::Path;

use super::anew::{Anew, copy_beside};
use crate::cli::print::line::line;
use crate::cli::run::{
    failure::Failure, folder::check_empty, invocation::Invocation, progress::Progress,
};
use crate::commit::rewrite;
use crate::log::{EventLog, SledLog};
use crate::model::Sequence;
use crate::server::state_carried;

line! {
    /// `{"type":"rewritten", …}`.
    #[serde(tag = "type", rename = "rewritten")]
    struct RewrittenLine from (events, to): (Sequence, &Path) {
        events: u64 = events.get(),
        folder: String = to.display().to_string(),
    }
}

impl fmt::Display for RewrittenLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, folder } = self;
        write!(
            to,
            "{folder} holds the same {events} events, sealed; once it serves, delete the old store"
        )
    }
}

/// Runs `adsum log rewrite`.
pub(super) fn run(args: &Anew, invocation: &mut Invocation) -> Result<(), Failure> {
    let (from, to) = (args.store.open()?, args.to.as_path());
    check_empty(to)?;
    let (mut new, head) = (SledLog::open(to)?, from.head());
    let mut progress = Progress::new("rewriting", "events", invocation.is_json());
    rewrite(&from, &mut new, &mut |done| progress.at(done, head.get()))?;
    drop((progress, new));
    copy_beside(&args.store.data, to)?;
    state_carried(to)?;
    invocation.output.line(&RewrittenLine::from((head, to)))
}
