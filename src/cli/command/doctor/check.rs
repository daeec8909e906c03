//! One check: what was looked at, how it is, and what to do about it.
//!
//! Must never hold: how anything is checked.

use std::fmt;

use serde::Serialize;

use crate::cli::print::colour;
use crate::client::Unsafe;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// As it must be.
    Ok,
    /// It works, but somebody should look at it.
    Warn,
    /// It does not work.
    Fail,
}

/// `{"type":"check", …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "check")]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) result: Verdict,
    pub(super) detail: String,
    /// What to do, unless all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cure: Option<String>,
    /// Whether the word for how it came out is coloured.
    #[serde(skip)]
    pub(super) is_coloured: bool,
}

impl Check {
    fn new(
        name: impl Into<String>,
        result: Verdict,
        detail: impl Into<String>,
        cure: Option<String>,
    ) -> Self {
        Self { name: name.into(), result, detail: detail.into(), cure, is_coloured: false }
    }

    /// All is well.
    pub(super) fn ok(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(name, Verdict::Ok, detail, None)
    }

    /// It works for now.
    pub(super) fn warn(
        name: impl Into<String>,
        detail: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self::new(name, Verdict::Warn, detail, Some(cure.into()))
    }

    /// It does not work. The words of most errors end with the cure themselves, behind a semicolon.
    pub(super) fn fail(name: impl Into<String>, error: impl fmt::Display) -> Self {
        let text = error.to_string();
        let (detail, cure) = match text.rsplit_once("; ") {
            Some((detail, cure)) => (detail.to_owned(), Some(cure.to_owned())),
            None => (text, None),
        };
        Self::new(name, Verdict::Fail, detail, cure)
    }
}

impl Check {
    /// What was found `unsafe_files` of those in `place`, a check for each; one for all if there is nothing.
    pub(super) fn of_files(place: &str, unsafe_files: &[Unsafe]) -> Vec<Self> {
        if unsafe_files.is_empty() {
            return vec![Self::ok("files", format!("those in {place} are for their user alone"))];
        }
        let told = unsafe_files.iter().map(|found| match Self::fail("files", found) {
            Self { name, detail, cure, .. } if found.can_be_mended() => {
                Self::new(name, Verdict::Warn, detail, cure)
            }
            hopeless => hopeless,
        });
        told.collect()
    }
}

impl fmt::Display for Check {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, style) = match self.result {
            Verdict::Ok => ("ok   ", colour::GOOD),
            Verdict::Warn => ("warn ", colour::WARNING),
            Verdict::Fail => ("FAIL ", colour::BAD),
        };
        let word = colour::painted(word, style, self.is_coloured);
        write!(to, "{word} {}: {}", self.name, crate::cli::print::text::visible(&self.detail))?;
        match &self.cure {
            Some(cure) => write!(to, "\n      cure: {}", crate::cli::print::text::visible(cure)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_one_line_with_a_cure_below_if_there_is_need() {
        assert_eq!(Check::ok("home", "/h").to_string(), "ok    home: /h");
        let fail = Check::fail("store", "the store d is in use; stop it");
        assert_eq!(fail.to_string(), "FAIL  store: the store d is in use\n      cure: stop it");
        let coloured = Check { is_coloured: true, ..Check::ok("home", "/h") };
        assert_eq!(coloured.to_string(), "\u{1b}[32mok   \u{1b}[0m home: /h");
        assert_eq!(
            serde_json::to_string(&fail).unwrap(),
            r#"{"type":"check","name":"store","result":"fail","detail":"the store d is in use","cure":"stop it"}"#
        );
    }
}
