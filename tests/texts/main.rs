//! Every text that tells why something is not done, produced once: it names the thing and the cause, and a cure follows.
//!
//! The texts are gathered from the source, so that a new one fails here until something in this folder produces it.
//! Must never hold: a text copied from the source.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

#[path = "../processes/mod.rs"]
mod processes;
#[path = "../world/mod.rs"]
mod world;

mod bytes;
mod commands;
mod errors;
mod formats;
mod machine;
mod source;
mod values;

use std::fmt::Display;
use std::fs;
use std::path::Path;

use source::{Place, Text};

/// What begins a cure.
const CURES: &str = "add ask authenticate begin bring change check choose close compare connect copy declare did end enroll give have invite keep leave let list look make move name open percent-encode please publish put raise read refuse remove repeat restore retry revoke run save say see send set share shorten sign start stop take tell to try use wait watch withdraw write";

/// Why nothing here produces some texts, and which: each has a cure all the same.
const NOT_PRODUCED: [(&str, &[&str]); 6] = [
    (
        "a machine that has no room for a thread, or takes no signal, does not get as far as to say so by itself",
        &[
            "cannot listen for signals: {error}; run the command again",
            "cannot start a thread: {error}; raise the limit on threads",
            "the data folder could not be tried: {panic}; start the server again",
        ],
    ),
    (
        "it needs a network, an address or a terminal that not every machine has",
        &[
            "cannot read a passphrase: {error}; name a file that holds it with --passphrase-file",
            "the passphrase is empty; run the command again",
            "the two passphrases differ; run the command again",
            "look for loss on the way, or for a server under load",
            "use an IPv4 address of the server, or a name that has one",
            "{told}; compare it with what its operator tells, and give it with --server-key, or trust it with --trust-on-first-use",
            "the server's key is not approved; ask its operator for the right one, and give it with --server-key",
        ],
    ),
    (
        "the peer must stop at one moment, between a connection and an answer",
        &["the server said nothing within {secs:.1} s; run the same command again"],
    ),
    (
        "sled says it of some damages and not of others, and its error cannot be made by hand",
        &["its file log/db is damaged at {at:?}; restore a backup"],
    ),
    (
        "the parser of XML tells it first, in its own words",
        &["close it with ]]>", "close its quotes"],
    ),
    (
        "a peer that breaks the protocol; the codes are tried in `tests/server/bad_hello.rs` and `tests/hostile/door.rs`",
        &[
            "means nothing without a proof; leave it empty",
            "is neither 0 (challenge) nor 1 (exporter); send one of them",
            "too many connections have proven nothing; connect again later",
        ],
    ),
];

/// The texts that nothing here produces.
fn not_produced() -> impl Iterator<Item = &'static str> {
    NOT_PRODUCED.iter().flat_map(|(_, texts)| texts.iter().copied())
}

/// What was told, text by text, and what is wrong with some of it.
#[derive(Default)]
struct Told {
    texts: Vec<String>,
    wrong: Vec<String>,
}

impl Told {
    /// Takes down `text`, which must name `thing` and say what to do.
    fn that(&mut self, thing: &str, text: &impl Display) {
        let text = text.to_string();
        if !text.contains(thing) {
            self.wrong.push(format!("{text:?} does not name {thing:?}"));
        }
        if !has_cure(&text) || text.contains("enroll nobody") {
            self.wrong.push(format!("{text:?} does not say what to do"));
        }
        self.texts.push(text);
    }

    /// As [`Told::that`], of something that must fail.
    fn of<T, E: Display>(&mut self, thing: &str, outcome: Result<T, E>) {
        match outcome {
            Ok(_) => self.wrong.push(format!("what is wrong with {thing:?} was taken")),
            Err(error) => self.that(thing, &error),
        }
    }
}

/// Whether something in `text` behind its thing begins as a cure does.
fn has_cure(text: &str) -> bool {
    let parts = ["; ", ": ", ". ", "\n"].iter().flat_map(|end| text.split(end).skip(1));
    let mut firsts = parts.filter_map(|part| part.trim_start().split([' ', ',']).next());
    firsts.any(is_cure) || text.contains("must be ")
}

fn is_cure(first: &str) -> bool {
    CURES.split(' ').any(|cure| first.eq_ignore_ascii_case(cure))
}

/// Whether a text of the source is, or holds, a cure.
fn says_what_to_do(text: &str) -> bool {
    let first = text.split([' ', ',']).next().unwrap_or_default();
    has_cure(text) && text.contains("; ") || is_cure(first) && !text.starts_with("list of ")
}

/// Whether `text` holds the words of `template`, in order, whatever stands for its values.
fn holds(text: &str, template: &str) -> bool {
    let mut rest = text;
    let words = template.replace("{{", "\u{1}").replace("}}", "\u{2}");
    for (at, piece) in words.split('{').enumerate() {
        let fixed =
            if at == 0 { piece } else { piece.split_once('}').map_or(piece, |(_, fixed)| fixed) };
        let fixed = fixed.replace('\u{1}', "{").replace('\u{2}', "}");
        let Some(found) = rest.find(&fixed) else { return false };
        rest = &rest[found + fixed.len()..];
    }
    true
}

#[test]
fn every_text_is_produced_and_says_what_to_do() {
    let mut told = Told::default();
    values::tell(&mut told);
    formats::tell(&mut told);
    bytes::tell(&mut told);
    errors::tell(&mut told);
    commands::tell(&mut told);
    machine::tell(&mut told);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/settings/refused.txt");
    let settings = fs::read_to_string(golden).unwrap();
    settings.lines().filter(|line| line.starts_with("adsum: ")).for_each(|line| {
        // `toml` shows its own faults with the place.
        if !line.contains("TOML parse error") {
            told.that("", &line);
        }
    });
    told.texts.push(settings);
    let texts = source::texts();
    let of = |place| texts.iter().filter(move |text| text.place == place);
    let tells = |text: &&Text| text.place == Place::Told && !text.is_cause();
    let cures = |text: &&Text| {
        [Place::Told, Place::Code].contains(&text.place) && says_what_to_do(&text.words)
    };
    let wanted: Vec<&Text> = texts.iter().filter(|text| tells(text) || cures(text)).collect();
    assert!(wanted.len() > 300, "few texts were found: they are told in another way now");
    for line in not_produced() {
        if !texts.iter().any(|text| text.words == line) {
            told.wrong.push(format!("{line:?} stands nowhere any more"));
        }
        if told.texts.iter().any(|told| holds(told, line)) {
            told.wrong.push(format!("{line:?} is produced after all"));
        }
        if !has_cure(line) && !says_what_to_do(line) && !is_cure(line.split(' ').next().unwrap()) {
            told.wrong.push(format!("{line:?} does not say what to do"));
        }
    }
    let is_produced = |text: &Text| {
        told.texts.iter().any(|told| holds(told, &text.words))
            || of(Place::Test).any(|test| test.is_beside(text) && holds(&test.words, &text.words))
            || not_produced().any(|line| line == text.words)
    };
    let missing = wanted.iter().filter(|text| !is_produced(text));
    let missing: Vec<String> =
        missing.map(|text| format!("{}: nothing produces {:?}", text.file, text.words)).collect();
    told.wrong.extend(missing);
    assert!(told.wrong.is_empty(), "{} texts:\n{}", told.wrong.len(), told.wrong.join("\n"));
}

#[test]
fn a_line_of_the_log_that_warns_says_what_to_do_or_what_goes_on() {
    let texts = source::texts();
    let lines = texts.iter().filter(|text| text.place == Place::LogLine);
    let plain: Vec<String> = lines
        .filter(|text| !text.words.contains("; "))
        .map(|text| format!("{}: {:?}", text.file, text.words))
        .collect();
    assert!(plain.is_empty(), "lines without a word of what follows:\n{}", plain.join("\n"));
}

#[test]
fn a_text_without_a_cure_is_known() {
    for text in
        ["the thing broke", "the thing: broke", "the address \"x\" is wrong: it names nobody"]
    {
        assert!(!has_cure(text), "{text}");
    }
    for text in ["the thing broke; mend it, or write it anew", "the span is wrong; write 1h"] {
        assert!(has_cure(text) || text.contains("mend"), "{text}");
    }
    assert!(holds("cannot read /d: gone; check the path", "cannot {action} {path}: {source}; {}"));
    assert!(!holds("cannot read /d", "cannot {action} {path}: {source}; {}"));
}
