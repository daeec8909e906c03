//! `adsum history`: what a presentity published in the past.
//!
//! Must never hold: what others were shown of it (see `adsum explain`).

use std::fmt;

use crate::cli::print::{
    line::line,
    presence::DocumentLine,
    text::quoted,
    time::{moment, rfc3339},
};
use crate::cli::run::{failure::Failure, invocation::Invocation, session};
use crate::client::{Change, HistoryOptions};
use crate::model::{Presentity, Timestamp};

/// Arguments of `adsum history`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Whose, such as pres:alice@localhost [default: one's own]
    presentity: Option<Presentity>,
    /// Only what happened from then on: RFC 3339, or a span back from now such as 2h [default: all that is kept]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only what happened before then, in the same forms [default: until now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// At most so many, the newest, from 1 to 1000
    #[arg(long, value_name = "CHANGES", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
}

line! {
    /// `{"type":"change", …}`.
    #[serde(tag = "type", rename = "change")]
    struct ChangeLine from change: &Change {
        at: String = rfc3339(change.at),
        /// `null` if it happened by itself.
        by: Option<String> = change.by.as_ref().map(ToString::to_string),
        device: String = change.device.to_string(),
        /// The publication's.
        name: String = change.name.as_str().to_owned(),
        what: &'static str = change.kind.as_str(),
        #[serde(flatten)]
        document: Option<DocumentLine> = change.document.as_ref().map(DocumentLine::from),
    }
}

impl fmt::Display for ChangeLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        // "published" and "withdrawn" are the longest words.
        write!(to, "{}  {:9}", self.at, self.what)?;
        if let Some(by) = &self.by {
            write!(to, "  by {by}")?;
        }
        write!(to, "  device {}", self.device)?;
        if !self.name.is_empty() {
            write!(to, "  {}", quoted(&self.name))?;
        }
        self.document.as_ref().map_or(Ok(()), |document| write!(to, " {document}"))
    }
}

/// Runs `adsum history`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let presentity = invocation.presentity(args.presentity)?;
    let options = HistoryOptions { since: args.since, until: args.until, limit: Some(args.limit) };
    let changes =
        session::once(invocation, async |client| client.history(&presentity, options).await)?;
    if changes.is_empty() {
        return invocation.output.remark("nothing was published");
    }
    changes.iter().try_for_each(|change| invocation.output.line(&ChangeLine::from(change)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ChangeKind;
    use crate::model::{Basic, DeviceId, Document, PublicationName, Tuple, TupleId};

    fn change(kind: ChangeKind, document: Option<Document>) -> Change {
        let by = document.is_some().then(|| "alice@b".parse().unwrap());
        let (device, name) = (DeviceId([1; 8]), PublicationName::default());
        Change { at: Timestamp::from_ms(1_000), by, device, name, kind, document }
    }

    #[test]
    fn a_change_line_has_the_promised_fields() {
        let tuple = Tuple::plain(TupleId::new("desk").unwrap(), Basic::Open);
        let document = Document::new(vec![tuple], Vec::new(), Vec::new()).unwrap();
        let line = ChangeLine::from(&change(ChangeKind::Published, Some(document)));
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"type":"change","at":"1970-01-01T00:00:01.000Z","by":"alice@b","device":"0101010101010101","name":"","what":"published","tuples":[{"id":"desk","status":"open"}]}"#
        );
        assert_eq!(
            line.to_string(),
            "1970-01-01T00:00:01.000Z  published  by alice@b  device 0101010101010101 open [desk]"
        );
    }

    #[test]
    fn what_ended_by_itself_shows_nobody_and_nothing() {
        let line = ChangeLine::from(&change(ChangeKind::Expired, None));
        let json = serde_json::to_string(&line).unwrap();
        assert!(json.contains(r#""by":null"#) && !json.contains("tuples"), "{json}");
        assert!(line.to_string().ends_with("expired    device 0101010101010101"), "{line}");
    }
}
