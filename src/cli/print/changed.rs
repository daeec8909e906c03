//! What a command prints that changed something.
//!
//! Must never hold: what was changed (a listing shows it).

use std::fmt;

use serde::Serialize;

use crate::cli::run::{failure::Failure, invocation::Invocation};

/// `{"type":"changed", …}`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "changed")]
struct ChangedLine<'a> {
    /// 0 for what has no versions.
    version: u64,
    #[serde(skip)]
    what: &'a str,
}

impl fmt::Display for ChangedLine<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            0 => to.write_str(self.what),
            version => write!(to, "{} (version {version})", self.what),
        }
    }
}

/// Tells that a change was made: `what` in words, and the version of what was changed.
pub(in crate::cli) fn print(
    what: &str,
    version: u64,
    invocation: &mut Invocation,
) -> Result<(), Failure> {
    invocation.output.line(&ChangedLine { version, what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_line_has_the_promised_fields() {
        let line = ChangedLine { version: 3, what: "rules of pres:a@b: changed" };
        assert_eq!(serde_json::to_string(&line).unwrap(), r#"{"type":"changed","version":3}"#);
        assert_eq!(line.to_string(), "rules of pres:a@b: changed (version 3)");
        let line = ChangedLine { version: 0, what: "done" };
        assert_eq!(line.to_string(), "done");
    }
}
