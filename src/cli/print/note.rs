//! How a note is printed, and what somebody wrote that may be erased since.
//!
//! Must never hold: text that could steer a terminal.

use std::fmt;

use serde::Serialize;

use crate::cli::print::text::{quoted, visible_line};
use crate::model::{Note, Payload};

/// A note with its language, if that is told.
#[derive(Clone, Debug, Serialize)]
pub(super) struct NoteLine {
    pub(super) text: Written,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) lang: String,
}

/// What somebody wrote; `null` if it was erased.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Written {
    Text(String),
    Erased,
}

impl Written {
    pub(super) fn of(payload: &Payload) -> Self {
        match payload.bytes() {
            Some(bytes) => Self::Text(String::from_utf8_lossy(bytes).into_owned()),
            None => Self::Erased,
        }
    }

    /// The text made safe by `shown`, or a word for what is gone.
    pub(super) fn shown(&self, shown: impl Fn(&str) -> String) -> String {
        match self {
            Self::Text(text) => shown(text),
            Self::Erased => "(erased)".to_owned(),
        }
    }
}

impl NoteLine {
    pub(super) fn new(note: &Note) -> Self {
        Self { text: Written::of(&note.text), lang: note.language.clone() }
    }
}

impl fmt::Display for NoteLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.text.shown(quoted))?;
        match self.lang.as_str() {
            "" => Ok(()),
            lang => write!(to, " ({})", visible_line(lang)),
        }
    }
}
