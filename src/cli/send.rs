//! `adsum send`: one instant message.
//!
//! Must never hold: a changed body. Bytes leave as they were given.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::Serialize;

use super::failure::Failure;
use super::time::lifetime;
use super::{Invocation, session};
use crate::client::{Outgoing, Sent};
use crate::model::limits::BODY_BYTES_MAX;
use crate::model::{ContentType, InboxAddress, Lifetime, MessageId};

/// Arguments of `adsum send`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The inbox, such as im:bob@localhost
    inbox: InboxAddress,
    /// The text, at most 64 KiB; `-` reads it from standard input
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    text: Option<String>,
    /// Send the bytes of this file, at most 64 KiB
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The MIME type of the body [default: text/plain, or application/octet-stream if it is not UTF-8]
    #[arg(long = "type", value_name = "TYPE", value_parser = ContentType::new)]
    content_type: Option<ContentType>,
    /// The message's id, 1 to 64 visible ASCII characters; sent again it is the same message [default: a random one]
    #[arg(long, value_name = "ID", value_parser = MessageId::new)]
    id: Option<MessageId>,
    /// How long it may wait unread, such as 90s, 12h or 1d, at most 365d [default: for ever]
    #[arg(long, value_name = "SPAN", value_parser = lifetime)]
    ttl: Option<Lifetime>,
}

/// `{"type":"sent", …}`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "sent")]
struct SentLine {
    id: String,
    inbox: String,
    result: &'static str,
    durability: &'static str,
    duplicate: bool,
}

impl From<&Sent> for SentLine {
    fn from(sent: &Sent) -> Self {
        Self {
            id: sent.id.as_str().to_owned(),
            inbox: sent.inbox.to_string(),
            result: "stored",
            durability: sent.durability.as_str(),
            duplicate: sent.duplicate,
        }
    }
}

impl fmt::Display for SentLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = if self.duplicate { ", as it was before" } else { "" };
        write!(to, "{}: stored {} ({}{before})", self.inbox, self.id, self.durability)
    }
}

/// Runs `adsum send`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let body = match (&args.file, args.text.as_deref()) {
        (Some(path), _) => read_file(path)?,
        (None, Some("-")) => read_all(io::stdin().lock(), Path::new("standard input"))?,
        (None, text) => Bytes::from(text.unwrap_or_default().to_owned()),
    };
    let content_type = match args.content_type {
        Some(content_type) => content_type,
        None => ContentType::new(usual_type(&body))?,
    };
    let outgoing =
        Outgoing { inbox: args.inbox, id: args.id, content_type, body, lifetime: args.ttl };
    let sent = session::once(invocation, async |client| Ok(client.send(outgoing).await?))?;
    invocation.output.line(&SentLine::from(&sent))
}

fn usual_type(body: &[u8]) -> &'static str {
    if core::str::from_utf8(body).is_ok() { "text/plain" } else { "application/octet-stream" }
}

fn read_file(path: &Path) -> Result<Bytes, Failure> {
    let file = std::fs::File::open(path).map_err(|error| Failure::io("open", path, &error))?;
    read_all(file, path)
}

/// Reads a body, and one byte more than it may have, so that a stream without end is not read to its end.
fn read_all(from: impl Read, path: &Path) -> Result<Bytes, Failure> {
    let mut body = Vec::new();
    from.take(BODY_BYTES_MAX as u64 + 1)
        .read_to_end(&mut body)
        .map_err(|error| Failure::io("read", path, &error))?;
    if body.len() > BODY_BYTES_MAX {
        return Err(Failure::usage(format!(
            "{} has more than the {BODY_BYTES_MAX} bytes a message may have; send it in pieces",
            path.display()
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
    }

    #[test]
    fn a_stream_without_end_is_refused_at_the_limit() {
        let failure = read_all(io::repeat(b'x'), Path::new("standard input")).unwrap_err();
        assert_eq!(failure.exit(), 2);
        assert!(failure.message().contains("65536"), "{failure:?}");
    }

    #[test]
    fn the_largest_body_is_read_whole() {
        let body = vec![b'x'; BODY_BYTES_MAX];
        assert_eq!(read_all(body.as_slice(), Path::new("f")).unwrap(), body);
    }

    #[test]
    fn a_body_that_is_no_text_is_not_called_text() {
        assert_eq!(usual_type(b"caf\xc3\xa9"), "text/plain");
        assert_eq!(usual_type(b"\xff"), "application/octet-stream");
    }
}
