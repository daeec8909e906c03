//! Rules about the source that a program can check: import directions, headers, purity, sizes, pinned versions.
//!
//! A rule that makes one piece of code worse is left there with a line in `EXCEPTIONS` that says why.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

#[path = "tidy/circles.rs"]
mod circles;
#[path = "tidy/deployment.rs"]
mod deployment;
#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/fuzzing.rs"]
mod fuzzing;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/tokens.rs"]
mod tokens;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each layer may import from this crate. A layer may always import itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("disk", &[]),
    ("guard", &[]),
    ("random", &[]),
    ("uptime", &[]),
    ("event", &["model"]),
    ("format", &["model"]),
    ("view", &["event", "model"]),
    ("service", &["protocol", "view", "event", "model"]),
    ("log", &["event", "model", "disk", "guard", "random"]),
    ("backup", &["view", "log", "event", "model", "disk", "guard"]),
    ("wire", &["model"]),
    ("protocol", &["wire", "model"]),
    ("session", &["service", "protocol", "wire", "model"]),
    ("commit", &["service", "protocol", "view", "log", "event", "model"]),
    (
        "server",
        &[
            "format", "session", "commit", "service", "protocol", "backup", "view", "log", "wire",
            "event", "model", "disk", "guard", "random", "uptime",
        ],
    ),
    ("client", &["protocol", "wire", "model", "disk", "guard", "random", "uptime"]),
    (
        "cli",
        &[
            "format", "server", "client", "commit", "service", "protocol", "backup", "view", "log",
            "wire", "event", "model", "disk", "guard",
        ],
    ),
];

/// Layers and folders without clock, randomness, I/O, task or log line.
const PURE: &[&str] = &[
    "model",
    "event",
    "format",
    "view",
    "service",
    "wire",
    "protocol",
    "session",
    "client/exchange",
    "client/resume",
];

/// Words that betray an effect, and why each may not stand in a pure layer.
const EFFECTS: &[(&str, &str)] = &[
    ("SystemTime", "reads the clock"),
    ("Instant", "reads the clock"),
    ("std::time", "time arrives as a Timestamp"),
    ("std::thread", "starts threads"),
    ("std::net", "opens sockets"),
    ("std::fs", "touches the disk"),
    ("std::env", "reads the environment"),
    ("std::process", "touches processes"),
    ("tokio", "runs tasks"),
    ("quinn", "opens sockets"),
    ("tracing", "writes log lines"),
    ("fastrand", "is random"),
    ("SystemRandom", "is random"),
    ("sled", "touches the disk"),
    ("println!", "prints"),
    ("HashMap", "is iterated in random order; use BTreeMap"),
    ("HashSet", "is iterated in random order; use BTreeSet"),
];

/// Lowest versions without known advisories, and the crate they are of.
const MINIMA: &[(&str, [u64; 3])] = &[
    ("quinn", [0, 11, 12]),
    ("quinn-proto", [0, 11, 19]),
    ("quinn-udp", [0, 5, 16]),
    ("rustls", [0, 23, 46]),
    ("rustls-webpki", [0, 103, 12]),
];

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The path below `src/`.
    fn name(&self) -> String {
        let below = self.path.strip_prefix(root().join("src")).expect("sources lie in src");
        below.to_string_lossy().replace('\\', "/")
    }

    /// The code in front of the unit tests, without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().take_while(|line| !line.ends_with("mod tests {"));
        let bare = |line: &str| line.split("//").next().unwrap_or_default().trim_end().len();
        (1..).zip(lines).map(move |(number, line)| (number, &line[..bare(line)]))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    fn walk(folder: &Path, found: &mut Vec<Source>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source { path, text });
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join("src"), &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 50, "the sources were found");
    found
}

fn report(broken: &[String]) {
    assert!(broken.is_empty(), "{} rule(s) broken:\n{}", broken.len(), broken.join("\n"));
}

/// The layer a file belongs to: its folder or its own name.
fn layer_of(name: &str) -> &str {
    name.split(['/', '.']).next().expect("a split has a first part")
}

#[test]
fn imports_go_down_only() {
    let mut broken = Vec::new();
    for source in sources() {
        let name = source.name();
        let Some((layer, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == layer_of(&name))
        else {
            continue;
        };
        for (number, line) in source.code() {
            for part in line.split("crate::").skip(1) {
                let imported: String =
                    part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let known = LAYERS.iter().any(|(layer, _)| *layer == imported);
                if known && imported != *layer && !allowed.contains(&imported.as_str()) {
                    broken.push(format!("src/{name}:{number}: {layer} may not import {imported}"));
                }
            }
        }
    }
    report(&broken);
}

#[test]
fn pure_layers_have_no_effects() {
    let mut broken = Vec::new();
    for source in sources() {
        let name = source.name();
        if !PURE
            .iter()
            .any(|pure| name.starts_with(&format!("{pure}/")) || name == format!("{pure}.rs"))
        {
            continue;
        }
        for (number, line) in source.code() {
            let words = EFFECTS.iter().filter(|(word, _)| line.contains(word));
            broken.extend(words.map(|(word, why)| format!("src/{name}:{number}: `{word}` {why}")));
        }
    }
    report(&broken);
}

#[test]
fn every_file_says_what_it_holds_and_must_never_hold() {
    let mut broken = Vec::new();
    for source in sources() {
        let header: Vec<&str> =
            source.text.lines().take_while(|line| line.starts_with("//!")).collect();
        let header = header.join(" ");
        if header.is_empty() {
            broken.push(format!("src/{}: has no header", source.name()));
        } else if !header.to_lowercase().contains("must never hold") {
            broken.push(format!(
                "src/{}: its header does not say what it must never hold",
                source.name()
            ));
        }
    }
    report(&broken);
}

#[test]
fn files_and_functions_stay_short() {
    let mut broken = Vec::new();
    for source in sources() {
        let name = source.name();
        let count = source.text.lines().count();
        if count > FILE_LINES_MAX {
            broken.push(format!("src/{name}: has {count} lines, the most is {FILE_LINES_MAX}"));
        }
        for (begin, length) in functions(&source) {
            if length > FUNCTION_LINES_MAX {
                broken.push(format!("src/{name}:{begin}: a function of {length} lines"));
            }
        }
    }
    report(&broken);
}

/// Where each function begins and how many lines it has, by the indentation that rustfmt gives it.
fn functions(source: &Source) -> Vec<(usize, usize)> {
    let mut open: BTreeMap<usize, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for (number, line) in (1..).zip(source.text.lines()) {
        let indent = line.len() - line.trim_start().len();
        let words = line.trim_start();
        let begins =
            ["fn ", "pub fn ", "pub(", "async fn ", "pub async fn ", "const fn ", "pub const fn "];
        if begins.iter().any(|begin| words.starts_with(begin))
            && words.contains("fn ")
            && !words.ends_with(';')
        {
            open.insert(indent, number);
        }
        if words == "}"
            && let Some(begin) = open.remove(&indent)
        {
            found.push((begin, number - begin + 1));
        }
    }
    found
}

#[test]
fn nothing_is_left_to_do_in_the_source() {
    let marks = ["TODO", "FIXME", "XXX", "todo!", "unimplemented!"];
    let mut broken = Vec::new();
    for source in sources() {
        for (number, line) in (1..).zip(source.text.lines()) {
            if marks.iter().any(|mark| line.contains(mark)) {
                broken.push(format!("src/{}:{number}: {}", source.name(), line.trim()));
            }
        }
    }
    report(&broken);
}

#[test]
fn locked_versions_have_no_known_advisory() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let mut broken = Vec::new();
    for (name, minimum) in MINIMA {
        let found = lock
            .split("[[package]]")
            .filter(|package| package.contains(&format!("\nname = \"{name}\"\n")));
        let versions: Vec<&str> = found
            .filter_map(|package| package.split("\nversion = \"").nth(1)?.split('"').next())
            .collect();
        assert!(!versions.is_empty(), "{name} is in Cargo.lock");
        for version in versions {
            let numbers: Vec<u64> =
                version.split(['.', '-', '+']).take(3).map(|part| part.parse().unwrap()).collect();
            if numbers[..] < minimum[..] {
                broken.push(format!("{name} {version} is below {minimum:?}"));
            }
        }
    }
    report(&broken);
}
