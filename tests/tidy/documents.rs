//! The documents name what is there, and the tables of tests in `docs/ARCHITECTURE.md` leave nothing out.
//!
//! Must never hold: a check of what a document says about behaviour.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::{LAYERS, report, root};

const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";
const GUARANTEES: &str = "docs/GUARANTEES.md";
const THREATS: &str = "docs/THREATS.md";
/// Folders whose files a path in a document may name.
const OURS: &[&str] =
    &["src/", "tests/", "docs/", "fuzz/", "benches/", "examples/", "deploy/", ".ci/", ".github/"];

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Files below `folder` whose names end in `.extension`, by their paths from the root.
fn files(folder: &str, extension: &str) -> BTreeSet<String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    let names = found
        .iter()
        .map(|path| path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/"));
    names.filter(|name| name.ends_with(&format!(".{extension}"))).collect()
}

/// Every document: those at the root, and all of `docs/`.
fn documents() -> BTreeSet<String> {
    let at_root = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let at_root =
        at_root.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let names = at_root.map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
    names.chain(files("docs", "md")).collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The paths of files of ours that `text` names.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let paths =
        quoted(text).map(|quoted| quoted.split(['#', ' ', '*', '{']).next().unwrap_or_default());
    paths.filter(|path| OURS.iter().any(|folder| path.starts_with(folder)))
}

#[test]
fn every_path_in_a_document_leads_somewhere() {
    let mut broken = Vec::new();
    for document in documents() {
        for path in named(&text(&document)).filter(|path| !root().join(path).exists()) {
            broken.push(format!("{document} names {path}, which is not there"));
        }
    }
    report(&broken);
}

#[test]
fn every_path_in_a_comment_leads_somewhere() {
    let mut broken = Vec::new();
    for folder in ["src", "tests", "benches", "examples", "fuzz/checks", "fuzz/fuzz_targets"] {
        for file in files(folder, "rs") {
            for (number, line) in (1..).zip(text(&file).lines()) {
                let Some((_, comment)) = line.split_once("//") else { continue };
                let is_missing =
                    |path: &&str| !path.contains("NAME") && !root().join(path).exists();
                for path in named(comment).filter(is_missing) {
                    broken.push(format!("{file}:{number} names {path}, which is not there"));
                }
            }
        }
    }
    report(&broken);
}

#[test]
fn every_command_that_runs_tests_names_a_program_that_is_there() {
    let mut broken = Vec::new();
    for file in documents().into_iter().chain(files("src", "rs")).chain(files("tests", "rs")) {
        for behind in text(&file).split("--test ").skip(1) {
            let name: String = behind
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || "_0123456789".contains(*c))
                .collect();
            let places = [format!("tests/{name}.rs"), format!("tests/{name}/main.rs")];
            if !name.is_empty() && !places.iter().any(|place| root().join(place).exists()) {
                broken.push(format!("{file} runs {name}, which is no program"));
            }
        }
    }
    report(&broken);
}

/// The rows of the table under a heading, each as its cells.
fn table(document: &str, heading: &str) -> Vec<Vec<String>> {
    let text = text(document);
    let behind = text.split_once(&format!("\n{heading}\n"));
    let (_, behind) = behind.unwrap_or_else(|| panic!("{document} has no heading {heading:?}"));
    let rows = behind
        .lines()
        .skip_while(|line| !line.starts_with("| "))
        .take_while(|line| line.starts_with('|'));
    let rows = rows
        .skip(2)
        .map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect());
    let rows: Vec<Vec<String>> = rows.collect();
    assert!(!rows.is_empty(), "{document} has a table under {heading:?}");
    rows
}

/// The paths in a cell.
fn paths(cell: &str) -> BTreeSet<String> {
    named(cell).map(str::to_owned).collect()
}

/// Programs and folders of tests, each once.
#[test]
fn the_table_of_programs_has_each_of_them() {
    let programs: Vec<String> =
        table(ARCHITECTURE, "### Programs").iter().flat_map(|row| paths(&row[0])).collect();
    let listed: BTreeSet<String> = programs.iter().cloned().collect();
    assert_eq!(listed.len(), programs.len(), "each stands there once");
    let there = fs::read_dir(root().join("tests")).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let end = if path.is_dir() { "/" } else { "" };
        format!("tests/{}{end}", path.file_name().unwrap().to_string_lossy())
    });
    let missing: Vec<_> = there.filter(|path| !listed.contains(path)).collect();
    report(
        &missing
            .iter()
            .map(|path| format!("{path} is not in the table of programs"))
            .collect::<Vec<_>>(),
    );
}

/// A file that no program declares is not compiled, and its tests are not run.
#[test]
fn every_file_of_tests_has_a_header_and_is_part_of_a_program() {
    let mut broken = Vec::new();
    for file in files("tests", "rs") {
        let (folder, name) = file.rsplit_once('/').expect("it lies in a folder");
        let name = name.trim_end_matches(".rs");
        if !text(&file).starts_with("//! ") {
            broken.push(format!("{file} has no header"));
        }
        let is_root = folder == "tests" || name == "main";
        if !is_root && !is_declared(folder, name) {
            broken.push(format!("{file} is part of no program"));
        }
    }
    report(&broken);
}

/// Whether a file declares the module `name` in `folder`; that of a folder itself is declared beside it, or by its path.
fn is_declared(folder: &str, name: &str) -> bool {
    if name == "mod" {
        let (parent, itself) = folder.rsplit_once('/').expect("it lies in a folder");
        let by_path = format!("#[path = \"../{itself}/mod.rs\"]");
        let programs = files("tests", "rs").into_iter().filter(|file| file.ends_with("/main.rs"));
        return is_declared(parent, itself)
            || programs.into_iter().any(|program| text(&program).contains(&by_path));
    }
    let places = [format!("{folder}/main.rs"), format!("{folder}/mod.rs"), format!("{folder}.rs")];
    let wanted = format!("mod {name};");
    let declares = |line: &str| !line.starts_with("//") && line.ends_with(&wanted);
    let mut roots = places.iter().filter(|place| root().join(place).exists());
    roots.any(|place| text(place).lines().any(declares))
}

/// Whether `paths` names a file, or a folder that it lies in.
fn covers(paths: &BTreeSet<String>, file: &str) -> bool {
    paths.iter().any(|path| path == file || path.ends_with('/') && file.starts_with(path.as_str()))
}

#[test]
fn every_file_with_tests_stands_in_the_table_of_layers_or_of_promises() {
    let rows =
        [table(ARCHITECTURE, "### By layer"), table(ARCHITECTURE, "### By promise")].concat();
    let listed: BTreeSet<String> = rows.iter().flat_map(|row| paths(&row[1])).collect();
    let is_test = |line: &str| {
        ["#[test]", "#[tokio::test"].iter().any(|mark| line.trim_start().starts_with(mark))
    };
    let with_tests =
        files("tests", "rs").into_iter().filter(|file| text(file).lines().any(is_test));
    // The root of a program has none but the children that other tests start.
    let missing = with_tests.filter(|file| !file.ends_with("/main.rs") && !covers(&listed, file));
    let missing = missing.map(|file| format!("{file} is in no table of tests of {ARCHITECTURE}"));
    report(&missing.collect::<Vec<_>>());
}

#[test]
fn every_layer_has_a_row_of_tests() {
    let rows = table(ARCHITECTURE, "### By layer");
    let rows: BTreeSet<String> = rows.iter().flat_map(|row| paths(&row[0])).collect();
    let there = |layer: &str| [format!("src/{layer}/"), format!("src/{layer}.rs")];
    let missing =
        LAYERS.iter().filter(|(layer, _)| !there(layer).iter().any(|path| rows.contains(path)));
    report(
        &missing
            .map(|(layer, _)| format!("{layer} has no row in the table of {ARCHITECTURE}"))
            .collect::<Vec<_>>(),
    );
}

/// The sections of the guarantees, each with the tests that it names.
fn guarantees() -> BTreeMap<String, BTreeSet<String>> {
    let text = text(GUARANTEES);
    let sections = text.split("\n## ").skip(1).map(|section| {
        let heading = section.lines().next().unwrap().to_owned();
        let tests = named(section).filter(|path| path.starts_with("tests/")).map(str::to_owned);
        (heading, tests.collect())
    });
    sections.collect()
}

#[test]
fn every_promise_has_a_row_with_the_tests_that_it_names() {
    let rows = table(ARCHITECTURE, "### By promise");
    let rows: BTreeMap<String, BTreeSet<String>> =
        rows.into_iter().map(|row| (row[0].clone(), paths(&row[1]))).collect();
    let guarantees = guarantees();
    assert_eq!(
        rows.keys().collect::<Vec<_>>(),
        guarantees.keys().collect::<Vec<_>>(),
        "the headings are the promises"
    );
    let mut broken = Vec::new();
    for (promise, tests) in &guarantees {
        assert!(!tests.is_empty(), "{promise} names no test");
        let missing = tests.iter().filter(|test| !covers(&rows[promise], test));
        broken.extend(missing.map(|test| format!("the row of {promise:?} has no {test}")));
    }
    report(&broken);
}

/// The words of a constant list.
fn listed<'a>(source: &'a str, name: &str) -> BTreeSet<&'a str> {
    let (_, list) = source.split_once(&format!("const {name}: ")).unwrap();
    list.split(';').nth(1).unwrap().split('"').skip(1).step_by(2).collect()
}

/// Each thing that a clock can do, and each thing that lives: the cell names a test that is there, and no test is without a cell.
#[test]
fn every_cell_of_the_table_of_clocks_names_its_test() {
    let source = text("tests/service/clocks.rs");
    let (_, acts) = source.split_once("\nrows! {\n").unwrap();
    let acts = acts.split("\n}").next().unwrap().lines();
    // An act begins a line; what does not fit goes on further in.
    let acts = acts.filter(|line| line.len() - line.trim_start().len() == 4);
    let acts: BTreeSet<&str> =
        acts.filter_map(|line| Some(line.trim().split_once(": ")?.0)).collect();
    let things = ["publications", "messages", "subscriptions", "receipts", "invites"];
    for thing in things {
        assert!(source.contains(&format!("            fn {thing}() {{")), "{thing} has a test");
    }
    let due: Vec<String> =
        acts.iter().flat_map(|act| things.map(|thing| format!("{act}::{thing}"))).collect();
    let rows = table(GUARANTEES, "## Clocks");
    assert!(rows.iter().all(|row| row.len() == things.len() + 1), "every row has all cells");
    let cells = rows.iter().flat_map(|row| row[1..].iter().zip(things));
    let mut named: Vec<&str> = Vec::new();
    for (cell, thing) in cells {
        let test = quoted(cell).next().unwrap_or_default();
        assert!(test.ends_with(&format!("::{thing}")), "{cell:?} stands under {thing}");
        named.push(test);
    }
    named.sort_unstable();
    let mut due: Vec<&str> = due.iter().map(String::as_str).collect();
    due.sort_unstable();
    assert_eq!(named, due, "the cells are the tests");
    let (acts_file, chronicle) =
        (text("tests/simulation/acts.rs"), text("tests/simulation/chronicle.rs"));
    assert_eq!(listed(&acts_file, "ROWS"), acts, "each row is lived in the simulation");
    assert_eq!(listed(&chronicle, "THINGS"), BTreeSet::from(things), "with each column");
}

/// Each row of the threats names tests that are there, or says in words why there is none.
#[test]
fn every_threat_names_its_tests_or_says_why_there_is_none() {
    let sources: String = ["src", "tests"]
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .map(|path| text(&path))
        .collect();
    let whose = ["Stranger", "Watcher", "Sender", "Stolen device", "Administrator", "Host"];
    let rows = whose.iter().flat_map(|who| table(THREATS, &format!("## {who}")));
    let mut broken = Vec::new();
    for row in rows {
        let [threat, _, _, shown] = row.as_slice() else { panic!("{row:?} has four cells") };
        if shown.starts_with("not ") {
            continue;
        }
        let tests: Vec<&str> = quoted(shown).collect();
        assert!(!tests.is_empty(), "{threat:?} names no test");
        let missing = tests.iter().filter(|test| !sources.contains(&format!("fn {test}(")));
        broken.extend(missing.map(|test| format!("{threat:?} names {test}, which is no test")));
    }
    report(&broken);
}
