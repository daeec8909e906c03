//! `adsum send`: one instant message.
//!
//! Must never hold: a changed body. Bytes leave as they were given.

mod letter;

use std::fmt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use self::letter::{Envelope, Letter};
use crate::cli::print::{line::line, output, time::lifetime};
use crate::cli::run::{
    as_whom::AnonymousArgs, failure::Failure, input, invocation::Invocation, session,
};
use crate::client::{Outgoing, Sent};
use crate::format::cpim::CONTENT_TYPE;
use crate::model::limits::BODY_BYTES_MAX;
use crate::model::{ContentType, InboxAddress, Lifetime, MessageId, Principal, Receipts};

/// Arguments of `adsum send`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The inbox, such as im:bob@localhost; with --cpim it may be left to the message
    #[arg(required_unless_present = "cpim")]
    inbox: Option<InboxAddress>,
    /// The text, at most 64 KiB; `-` reads it from standard input
    #[arg(
        required_unless_present_any = ["file", "cpim"], conflicts_with_all = ["file", "cpim"])]
    text: Option<String>,
    /// Send the bytes of this file, at most 64 KiB; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Send the message of this file, message/cpim (RFC 3862) of at most 64 KiB from oneself, byte for byte; `-` reads
    /// standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "content_type"])]
    cpim: Option<PathBuf>,
    /// Mend what deployed programs get wrong in the headers of a message/cpim before it is sent, and say what was mended
    #[arg(long, requires = "cpim")]
    lenient: bool,
    /// The MIME type of the body [default: text/plain, or application/octet-stream if it is not UTF-8]
    #[arg(long = "type", value_name = "TYPE", value_parser = ContentType::new)]
    content_type: Option<ContentType>,
    /// The message's id, 1 to 64 visible ASCII characters; sent again it is the same message [default: the message's
    /// own Message-ID with --cpim, otherwise a random one]
    #[arg(long, value_name = "ID", value_parser = MessageId::new)]
    id: Option<MessageId>,
    /// How long it may wait unread, such as 90s, 12h or 1d, at most 365d [default: for ever]
    #[arg(long, value_name = "SPAN", value_parser = lifetime)]
    ttl: Option<Lifetime>,
    /// What to be told later, in one's inbox: stored, delivered, displayed, failed, expired, joined by commas [default:
    /// nothing, or with --cpim what the message asks for]
    #[arg(long, value_name = "KINDS")]
    receipt: Option<Receipts>,
    /// In whose name, such as that of a group one is a member of [default: one's own]
    #[arg(long, value_name = "PRINCIPAL", conflicts_with = "anonymous")]
    from: Option<Principal>,
    #[command(flatten)]
    acting: AnonymousArgs,
}

line! {
    /// `{"type":"sent", …}`.
    #[serde(tag = "type", rename = "sent")]
    struct SentLine from sent: &Sent {
        id: String = sent.id.as_str().to_owned(),
        inbox: String = sent.inbox.to_string(),
        result: &'static str = "stored",
        durability: &'static str = sent.durability.as_str(),
        duplicate: bool = sent.duplicate,
    }
}

/// What becomes of a composing indication: whoever has the inbox open is told, and it is kept nowhere.
const PASSED_ON: &str = "passed-on";

impl fmt::Display for SentLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.result == PASSED_ON {
            return write!(to, "{}: passed on, not stored", self.inbox);
        }
        let before = if self.duplicate { ", as it was before" } else { "" };
        write!(to, "{}: stored {} ({}{before})", self.inbox, self.id, self.durability)
    }
}

/// Runs `adsum send`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let acting = args.acting.clone();
    let outgoing = match args.cpim.clone() {
        Some(path) => of_cpim(&path, args, invocation)?,
        None => of_text(args)?,
    };
    let is_composing = outgoing.is_composing();
    let sent = session::once_as(invocation, &acting, async |client| client.send(outgoing).await)?;
    let mut line = SentLine::from(&sent);
    if is_composing {
        line.result = PASSED_ON;
    }
    invocation.output.line(&line)
}

fn of_text(args: Args) -> Result<Outgoing, Failure> {
    let body = match (&args.file, args.text.as_deref()) {
        (Some(path), _) => checked(input::read(path, BODY_BYTES_MAX)?, path)?,
        (None, Some("-")) => {
            let path = Path::new("-");
            checked(input::read(path, BODY_BYTES_MAX)?, path)?
        }
        (None, text) => Bytes::from(text.unwrap_or_default().to_owned()),
    };
    let content_type = match args.content_type {
        Some(content_type) => content_type,
        None => ContentType::new(usual_type(&body))?,
    };
    let inbox = args.inbox.expect("only --cpim lets it be left out");
    let receipts = args.receipt.unwrap_or_default();
    let (id, lifetime, sender) = (args.id, args.ttl, args.from);
    Ok(Outgoing { inbox, id, content_type, body, lifetime, sender, receipts })
}

fn of_cpim(path: &Path, args: Args, invocation: &Invocation) -> Result<Outgoing, Failure> {
    if args.acting.is_anonymous() {
        return Err(Failure::usage(
            "a message/cpim names its sender; leave --anonymous out, it sends text and files only",
        ));
    }
    let sender = match &args.from {
        Some(principal) => principal.clone(),
        None => invocation.identity()?.principal.clone(),
    };
    let is_lenient = args.lenient;
    let envelope = Envelope { sender: &sender, is_lenient, inbox: args.inbox, id: args.id };
    let letter = letter::read(path, envelope)?;
    for (word, note) in &letter.notes {
        output::note(invocation.is_json(), word, note);
    }
    let content_type = ContentType::new(CONTENT_TYPE)?;
    let Letter { inbox, id, body, receipts, .. } = letter;
    let receipts = args.receipt.unwrap_or(receipts);
    let (lifetime, sender) = (args.ttl, args.from);
    Ok(Outgoing { inbox, id, content_type, body, lifetime, sender, receipts })
}

fn usual_type(body: &[u8]) -> &'static str {
    if core::str::from_utf8(body).is_ok() { "text/plain" } else { "application/octet-stream" }
}

/// Refuses a body that is longer than a message may have.
fn checked(body: Vec<u8>, path: &Path) -> Result<Bytes, Failure> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Failure::usage(format!(
            "{} has more than the {BODY_BYTES_MAX} bytes a message may have; send it in pieces",
            input::name(path)
        )));
    }
    Ok(body.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sent_line_has_the_promised_fields() {
        let mut line = SentLine {
            id: "m1".into(),
            inbox: "im:bob@localhost".into(),
            result: "stored",
            durability: "synced",
            duplicate: false,
        };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"type":"sent","id":"m1","inbox":"im:bob@localhost","result":"stored","durability":"synced","duplicate":false}"#
        );
        assert_eq!(line.to_string(), "im:bob@localhost: stored m1 (synced)");
        line.duplicate = true;
        assert_eq!(line.to_string(), "im:bob@localhost: stored m1 (synced, as it was before)");
        line.result = PASSED_ON;
        assert_eq!(line.to_string(), "im:bob@localhost: passed on, not stored");
    }

    #[test]
    fn a_body_over_the_limit_is_refused() {
        let failure = checked(vec![b'x'; BODY_BYTES_MAX + 1], Path::new("-")).unwrap_err();
        assert_eq!(failure.exit(), 2);
        assert!(failure.message().contains("65536"), "{failure:?}");
    }

    #[test]
    fn the_largest_body_is_taken_whole() {
        let body = vec![b'x'; BODY_BYTES_MAX];
        assert_eq!(checked(body.clone(), Path::new("f")).unwrap(), body);
    }

    #[test]
    fn a_body_that_is_no_text_is_not_called_text() {
        assert_eq!(usual_type(b"caf\xc3\xa9"), "text/plain");
        assert_eq!(usual_type(b"\xff"), "application/octet-stream");
    }
}
