//! `adsum visibility`: to whom, beside those one watches, one is shown as a watcher.
//!
//! Must never hold: what rules decide together (the service does).

use clap::Subcommand;

use crate::cli::print::{
    changed,
    line::line,
    table::{self, Row},
};
use crate::cli::run::{failure::Failure, invocation::Invocation, repeat::Operation, session};
use crate::client::VisibilityRow;
use crate::model::Who;

/// Arguments of `adsum visibility`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    repeat: Operation,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the rules
    List,
    /// Be shown to somebody
    Show(About),
    /// Be hidden from somebody
    Hide(About),
    /// Remove the rule about somebody
    Remove(About),
}

#[derive(Debug, clap::Args)]
struct About {
    /// Whom it is about: everyone, anonymous, authenticated, @example.com or bob@example.com
    who: Who,
}

line! {
    /// `{"type":"visibility", …}`.
    #[serde(tag = "type", rename = "visibility")]
    struct VisibilityLine from (row, version): (&VisibilityRow, u64) {
        who: String = row.who.to_string(),
        shown: bool = row.is_shown,
        /// Of all the rules together.
        version: u64 = version,
    }
}

impl Row for VisibilityLine {
    fn cells(&self) -> Vec<String> {
        vec![self.who.clone(), if self.shown { "show" } else { "hide" }.to_owned()]
    }
}

/// Runs `adsum visibility`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    invocation.operation = args.repeat.operation;
    match args.action {
        Action::List => list(invocation),
        Action::Show(About { who }) => set(who, true, invocation),
        Action::Hide(About { who }) => set(who, false, invocation),
        Action::Remove(About { who }) => apply(&[], &[who], invocation),
    }
}

fn list(invocation: &mut Invocation) -> Result<(), Failure> {
    let (version, rules) = session::once(invocation, async |client| client.visibility().await)?;
    let lines = rules.iter().map(|row| VisibilityLine::from((row, version)));
    table::print(lines, "no rules: only those one watches are told", &mut invocation.output)
}

fn set(who: Who, is_shown: bool, invocation: &mut Invocation) -> Result<(), Failure> {
    apply(&[VisibilityRow { who, is_shown }], &[], invocation)
}

fn apply(
    put: &[VisibilityRow],
    remove: &[Who],
    invocation: &mut Invocation,
) -> Result<(), Failure> {
    let version =
        session::once(invocation, async |client| client.change_visibility(put, remove).await)?;
    changed::print("the visibility rules are changed", version, invocation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visibility_line_has_the_promised_fields() {
        let line = VisibilityLine { who: "@d.example".into(), shown: false, version: 2 };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"type":"visibility","who":"@d.example","shown":false,"version":2}"#
        );
        assert_eq!(line.cells(), ["@d.example", "hide"]);
    }
}
