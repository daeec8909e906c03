//! How it is printed that somebody is composing a message.
//!
//! Must never hold: how long it holds on a screen.

use std::fmt;

use serde::Serialize;

use crate::format::composing;
use crate::protocol::Composing;

/// `{"type":"composing", …}`: somebody writes a message for the inbox, or has stopped to.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "composing")]
pub(in crate::cli) struct ComposingLine {
    inbox: String,
    from: String,
    state: &'static str,
    /// For how long it holds unless it is said again.
    refresh_s: u32,
    /// Of what is being written.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
}

impl ComposingLine {
    /// The line for what was passed on; `None` if it cannot be read.
    pub(in crate::cli) fn of(told: &Composing) -> Option<Self> {
        let read = composing::read(&told.content_type, &told.body)?;
        Some(Self {
            inbox: told.inbox.to_string(),
            from: told.sender.to_string(),
            state: if read.is_active { "active" } else { "idle" },
            refresh_s: read.refresh_s,
            content_type: read.content_type,
        })
    }
}

impl fmt::Display for ComposingLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state {
            "active" => write!(to, "{} is composing…", self.from),
            _ => write!(to, "{} has stopped composing", self.from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{COMPOSING_TYPE, ContentType, composing_document};

    fn told(body: String) -> Composing {
        Composing {
            inbox: "im:bob@localhost".parse().unwrap(),
            sender: "alice@localhost".parse().unwrap(),
            content_type: ContentType::new(COMPOSING_TYPE).unwrap(),
            body: body.into(),
        }
    }

    #[test]
    fn a_composing_line_has_the_promised_fields() {
        let line = ComposingLine::of(&told(composing_document(true, Some(60)))).unwrap();
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"type":"composing","inbox":"im:bob@localhost","from":"alice@localhost","state":"active","refresh_s":60}"#
        );
        assert_eq!(line.to_string(), "alice@localhost is composing…");
        let line = ComposingLine::of(&told(composing_document(false, None))).unwrap();
        assert_eq!(line.to_string(), "alice@localhost has stopped composing");
        assert!(ComposingLine::of(&told("\u{1b}[2J".into())).is_none());
    }
}
