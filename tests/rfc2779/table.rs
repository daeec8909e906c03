//! `docs/CONFORMANCE.md` against the tests and the source: nothing is claimed that no test shows, and nothing left out.
//!
//! Must never hold: a requirement's test.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

const TABLE: &str = include_str!("../../docs/CONFORMANCE.md");

/// Requirements of each section by RFC 2779's own numbering: 93 in all.
const SECTIONS: &[(&str, usize)] = &[
    ("2.1", 5),
    ("2.2", 6),
    ("2.3", 7),
    ("2.4", 4),
    ("2.5", 4),
    ("3.1", 6),
    ("3.2", 5),
    ("3.3", 3),
    ("3.4", 1),
    ("4.1", 10),
    ("4.2", 1),
    ("4.3", 1),
    ("4.4", 3),
    ("5.1", 18),
    ("5.2", 6),
    ("5.3", 3),
    ("5.4", 10),
];

/// A row of the table of requirements.
struct Row {
    number: String,
    state: String,
    tests: Vec<String>,
    /// The reason of a row that is not shown.
    how: String,
}

/// The cells of the rows of a table that begin like `is_row` says.
fn cells(is_row: impl Fn(&str) -> bool) -> Vec<Vec<&'static str>> {
    let rows = TABLE.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows = rows.map(|line| line.split(" | ").map(str::trim).collect::<Vec<_>>());
    rows.filter(|cells| is_row(cells[0])).collect()
}

/// The rows of requirements: number, requirement, strength, state, test or reason.
fn rows() -> Vec<Row> {
    let is_number =
        |text: &str| text.contains('.') && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let rows = cells(is_number).into_iter().map(|cells| {
        let [number, _, _, state, how] = cells[..] else { panic!("{cells:?} has five cells") };
        let tests = how.split('`').skip(1).step_by(2).filter(|name| is_test(name));
        Row {
            number: number.to_owned(),
            state: state.to_owned(),
            tests: tests.map(str::to_owned).collect(),
            how: how.to_owned(),
        }
    });
    rows.collect()
}

fn is_test(name: &str) -> bool {
    name.strip_prefix('r').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The names of all tests of requirements in this program's source.
fn tests() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rfc2779");
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2) {
            let name = pair[1].split("fn ").nth(1).and_then(|rest| rest.split('(').next());
            let Some(name) = name.filter(|name| is_test(name)) else { continue };
            let is_run = pair[0] == "#[test]" || pair[0].starts_with("#[tokio::test");
            assert!(is_run, "{name} is named like a test and is none");
            assert!(names.insert(name.to_owned()), "{name} is there twice");
        }
    }
    names
}

/// The number in a test's name: `r2_3_1_who_observes` shows 2.3.1.
fn number_of(test: &str) -> String {
    let parts = test[1..].split('_').take_while(|part| part.chars().all(|c| c.is_ascii_digit()));
    parts.take(3).collect::<Vec<_>>().join(".")
}

/// Every requirement has a row, in order, and no row is of something else.
#[test]
fn the_table_has_all_93_requirements() {
    let expected: Vec<String> = SECTIONS
        .iter()
        .flat_map(|(section, count)| (1..=*count).map(move |last| format!("{section}.{last}")))
        .collect();
    assert_eq!(expected.len(), 93);
    let found: Vec<String> = rows().into_iter().map(|row| row.number).collect();
    assert_eq!(found[0], "2.0", "the opening demand of section 2 has no number of its own");
    assert_eq!(found[1..], expected);
}

/// A row is shown by the tests that bear its number, every test stands in its row, and a row that is not shown says why.
#[test]
fn the_table_and_the_tests_agree() {
    let mut claimed = BTreeMap::new();
    for row in rows() {
        let Row { number, state, tests, how } = &row;
        match state.as_str() {
            "shown" => assert!(!tests.is_empty(), "{number} is shown by no test"),
            "open" => assert!(tests.is_empty(), "{number} is open and yet has a test"),
            "working group" => {}
            other => panic!("{number}: {other:?} is no state"),
        }
        let reason = how.split('`').step_by(2).collect::<String>();
        assert!(state == "shown" || reason.len() > 40, "{number} does not say why it is {state}");
        for test in tests {
            assert_eq!(&number_of(test), number, "{test} stands in the row of another number");
            assert!(claimed.insert(test.clone(), number.clone()).is_none(), "{test} stands twice");
        }
    }
    let claimed: BTreeSet<String> = claimed.into_keys().collect();
    let found = tests();
    assert_eq!(
        found.difference(&claimed).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "not in the table"
    );
    assert_eq!(
        claimed.difference(&found).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "not in the tests"
    );
}

/// One line for each row that no test shows, since the others have the line of their test.
#[test]
fn rows_without_a_demonstration_are_told() {
    let mut told = std::io::stdout().lock();
    let (mut shown, mut open) = (0, 0);
    for row in rows().iter().filter(|row| row.number != "2.0") {
        if row.state == "shown" {
            shown += 1;
            continue;
        }
        open += 1;
        writeln!(told, "row {} {}: {}", row.number, row.state, row.how).unwrap();
    }
    writeln!(told, "{shown} of {} requirements are shown by a test", shown + open).unwrap();
    assert!(shown >= 85, "{shown} are shown");
}

/// RFC 2778 §3 defines 38 terms; each names where it is in the source, and the name is there.
#[test]
fn every_term_has_its_place_in_the_source() {
    let is_count = |text: &str| text.parse::<usize>().is_ok();
    let terms = cells(is_count);
    assert_eq!(terms.len(), 38);
    for (place, cells) in (1..).zip(&terms) {
        let [number, term, embodied, path] = cells[..] else { panic!("{cells:?} has four cells") };
        assert_eq!(number, place.to_string());
        let path = path.trim_matches('`');
        let text = source(path).unwrap_or_else(|| panic!("{term}: there is no {path}"));
        let names: Vec<_> = embodied.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{term} names nothing");
        for name in names {
            let last = name.rsplit("::").next().unwrap().trim_end_matches("()");
            assert!(text.contains(last), "{term}: {path} has no {last}");
        }
    }
}

/// The text of a source file, or of all files of a folder.
fn source(path: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let (mut text, mut left) = (String::new(), vec![path]);
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(std::fs::read_dir(path).ok()?.map(|entry| entry.unwrap().path()));
        } else {
            text.push_str(&std::fs::read_to_string(path).ok()?);
        }
    }
    Some(text)
}
