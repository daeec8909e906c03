//! The texts of the source: every string of three words and more that somebody may be told when something is not done.
//!
//! Must never hold: a text. What is none is told by where it stands, not word by word.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A text as it stands in the source, `{…}` where values come.
#[derive(Debug)]
pub(crate) struct Text {
    /// The file below the root.
    pub(crate) file: String,
    /// The text.
    pub(crate) words: String,
    /// Where it stands.
    pub(crate) place: Place,
}

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a call or an attribute that makes a refusal or a failure of it.
    Told,
    /// Elsewhere in the code: it is one if it says what to do.
    Code,
    /// In a line of the server's log.
    LogLine,
    /// In a unit test.
    Test,
}

impl Text {
    /// Whether it is a cause, told inside of another text.
    pub(crate) fn is_cause(&self) -> bool {
        CAUSES.iter().any(|cause| self.file.starts_with(cause))
    }

    /// Whether this test's text may be what `other` says: of the same folder, or of a test of the whole.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.file.starts_with("tests/")
            || Path::new(&other.file)
                .parent()
                .is_some_and(|folder| Path::new(&self.file).starts_with(folder))
    }
}

/// Files whose texts nobody is told as a refusal or failure, and why.
const OTHERS: [(&str, &str); 10] = [
    ("src/cli/print/", "answers, except the spans and moments of time.rs"),
    ("src/cli/command/bench/", "the bench tells its developers"),
    ("src/cli/command/demo/", "the demo tells its developers"),
    ("src/cli/command/serve/setting.rs", "what the settings are"),
    ("src/cli/command/log/", "what the log holds"),
    ("src/cli/command/man.rs", "the manual"),
    ("src/protocol/arbitrary.rs", "for tests"),
    ("src/format/cpim/mend.rs", "what was mended"),
    ("src/server/metrics.rs", "what is counted"),
    ("src/client/testing.rs", "for tests of applications"),
];

/// Folders and files whose texts are causes: they are told inside of another text, which says what to do.
const CAUSES: [&str; 10] = [
    "src/client/connection/",
    "src/client/exchange/",
    "src/client/resume/",
    "src/client/state/",
    "src/event/",
    "src/log/sled_log/",
    "src/protocol/framed.rs",
    "src/session/",
    "src/view/record.rs",
    "src/wire/",
];

/// Calls that make a refusal or a failure of a text.
const TELLS: &str = "bad bad_address bad_field failed fail unreachable usage warn wrong";

/// Calls and macros in which no such text stands: bugs, answers, lines of the log that tell of no trouble, samples, names
/// of what was tried or asked.
const NOT_IN: &str = "assert assert_eq assert_ne check_controls check_operates debug debug_assert derive_key expect \
    extended guarded info io new_derive_key note of ok panic print publish remark sample samples send through trace \
    unreachable write writeln";

/// All of them.
pub(crate) fn texts() -> Vec<Text> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    walk(&root.join("src"), &mut files);
    walk(&root.join("tests"), &mut files);
    files.sort();
    let mut found = Vec::new();
    for path in files {
        let file = path.strip_prefix(root).unwrap().display().to_string();
        if OTHERS.iter().any(|(start, _)| file.starts_with(start))
            && !file.ends_with("print/time.rs")
        {
            continue;
        }
        if file.starts_with("tests/texts/") {
            continue;
        }
        let is_test = file.starts_with("tests/") || file.ends_with("tests.rs");
        let place = if is_test { Place::Test } else { Place::Code };
        let tokens: TokenStream = fs::read_to_string(&path).unwrap().parse().unwrap();
        gather(&file, tokens, place, &mut found);
    }
    found
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// Gathers the texts of `tokens`; a group belongs to the last name in front of it.
fn gather(file: &str, tokens: TokenStream, place: Place, found: &mut Vec<Text>) {
    let (mut before, mut last) = (String::new(), String::new());
    let (mut is_macro, mut is_attribute, mut is_samples) = (false, false, false);
    for token in tokens {
        match token {
            TokenTree::Ident(name) => {
                before = std::mem::replace(&mut last, name.to_string());
                is_samples |= (&*before, &*last) == ("fn", "samples");
                (is_macro, is_attribute) = (false, false);
            }
            TokenTree::Punct(mark) => {
                is_macro = mark.as_char() == '!';
                is_attribute |= mark.as_char() == '#';
            }
            TokenTree::Group(group) => {
                let holds = |names: &str| names.split(' ').any(|name| name == last);
                let is_error = is_attribute && group.to_string().starts_with("[error");
                let place = match (&*before, &*last) {
                    _ if place == Place::Test => Place::Test,
                    ("mod", "tests") => Place::Test,
                    (_, "warn" | "error") if is_macro => Place::LogLine,
                    (_, "line") if is_macro && group.to_string().starts_with("(warn") => {
                        Place::LogLine
                    }
                    (_, "turn_away") => Place::LogLine,
                    _ if is_error || !is_macro && holds(TELLS) => Place::Told,
                    _ => place,
                };
                let is_other = is_attribute && !is_error || before == "action" || holds(NOT_IN);
                // `Failure::unreachable` tells, `unreachable!` does not.
                let is_told = place == Place::Told && (is_error || !is_attribute);
                // The body of `samples`, which are shown in a document.
                let is_sample = is_samples && group.delimiter() == Delimiter::Brace;
                is_samples &= !is_sample;
                if place == Place::Test || is_told || !is_other && !is_sample {
                    gather(file, group.stream(), place, found);
                }
                (is_macro, is_attribute) = (false, false);
            }
            TokenTree::Literal(literal) => {
                let text = string_of(&literal.to_string());
                let is_long = |text: &String| text.split(' ').count() > 2 && last != "action";
                if let Some(words) = text.filter(is_long) {
                    found.push(Text { file: file.to_owned(), words, place });
                }
            }
        }
    }
}

/// What the literal `quoted` says, if it is a string.
fn string_of(quoted: &str) -> Option<String> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let mut letters = inner.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letter == '\\') {
            (_, false) => text.push(letter),
            (_, true) => match letters.next()? {
                '\n' => while letters.next_if(|letter| letter.is_whitespace()).is_some() {},
                'n' => text.push('\n'),
                other => text.push(other),
            },
        }
    }
    Some(text)
}
