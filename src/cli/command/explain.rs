//! `adsum explain`: by which rules a watcher is or was answered.
//!
//! Must never hold: a decision made here. The server makes it again from the rules of that moment.

use std::fmt;

use crate::cli::print::{line::line, rule::ShownLine, text::visible_line, time::moment};
use crate::cli::run::{failure::Failure, invocation::Invocation, session};
use crate::client::Explanation;
use crate::model::{Decision, Presentity, Principal, Timestamp};

/// Arguments of `adsum explain`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Whose rules, such as pres:alice@localhost [default: one's own]
    presentity: Option<Presentity>,
    /// Who asks, such as bob@localhost
    #[arg(long, value_name = "PRINCIPAL")]
    watcher: Principal,
    /// As it was then: RFC 3339, or a span back from now such as 2h [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Timestamp>,
}

line! {
    /// `{"type":"explanation", …}`.
    #[serde(tag = "type", rename = "explanation")]
    struct ExplanationLine from (of, watcher, told): (&Presentity, &Principal, &Explanation) {
        presentity: String = of.to_string(),
        watcher: String = watcher.to_string(),
        /// Of the presentity's rules; 0 if there were none.
        version: u64 = told.version,
        fetch: GrantedLine = GrantedLine::from(&told.fetch),
        subscribe: GrantedLine = GrantedLine::from(&told.subscribe),
        /// Whether the domain's rules took away from what the presentity grants.
        by_domain: bool = told.by_domain,
    }
}

line! {
    struct GrantedLine from granted: &Decision {
        handling: &'static str = granted.handling.as_str(),
        /// `null` if the default decided.
        rule: Option<String> = granted.rule.as_ref().map(|rule| rule.as_str().to_owned()),
        view: ShownLine = ShownLine::from(&granted.shown),
    }
}

impl fmt::Display for ExplanationLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} for {}", self.presentity, self.watcher)?;
        match self.version {
            0 => to.write_str(", without rules:")?,
            version => write!(to, ", by version {version} of the rules:")?,
        }
        write!(to, "\n  fetch      {}\n  subscribe  {}", self.fetch, self.subscribe)?;
        to.write_str(if self.by_domain { "\n  the domain's rules allow no more" } else { "" })
    }
}

impl fmt::Display for GrantedLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        // "polite-block" is the longest word.
        write!(to, "{:12}  ", self.handling)?;
        match &self.rule {
            Some(rule) => write!(to, "by rule {}", visible_line(rule))?,
            None => to.write_str("by default")?,
        }
        let view = self.view.words();
        if view.is_empty() { Ok(()) } else { write!(to, ", {view}") }
    }
}

/// Runs `adsum explain`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let presentity = invocation.presentity(args.presentity)?;
    let explanation = session::once(invocation, async |client| {
        client.explain(&presentity, &args.watcher, args.at).await
    })?;
    invocation.output.line(&ExplanationLine::from((&presentity, &args.watcher, &explanation)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Handling, RuleName, Shown};

    #[test]
    fn an_explanation_has_the_promised_fields() {
        let granted = |handling, rule: Option<&str>| Decision {
            handling,
            rule: rule.map(|rule| RuleName::new(rule).unwrap()),
            shown: Shown { notes: false, ..Shown::ALL },
        };
        let explanation = Explanation {
            version: 3,
            fetch: granted(Handling::Allow, Some("bob@b")),
            subscribe: granted(Handling::Confirm, None),
            by_domain: true,
        };
        let (presentity, watcher) = ("pres:a@b".parse().unwrap(), "bob@b".parse().unwrap());
        let line = ExplanationLine::from((&presentity, &watcher, &explanation));
        let view = r#"{"tuples":null,"notes":false,"contact":true,"markup":true}"#;
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            format!(
                r#"{{"type":"explanation","presentity":"pres:a@b","watcher":"bob@b","version":3,"fetch":{{"handling":"allow","rule":"bob@b","view":{view}}},"subscribe":{{"handling":"confirm","rule":null,"view":{view}}},"by_domain":true}}"#
            )
        );
        assert_eq!(
            line.to_string(),
            "pres:a@b for bob@b, by version 3 of the rules:\n  fetch      allow         by rule bob@b, no-notes\n  subscribe  confirm       by default, no-notes\n  the domain's rules allow no more"
        );
    }
}
