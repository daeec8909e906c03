//! What is deployed beside the program names only what the program has.
//!
//! Must never hold: a list of metrics of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::root;

/// The metrics of `docs/METRICS.md`, which a test of the server compares with what it tells.
fn metrics() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("docs/METRICS.md")).expect("it is there");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let mut names = BTreeSet::new();
    for (name, rest) in rows {
        // Of a histogram three are asked for, by longer names.
        let parts: &[&str] =
            if rest.starts_with("histogram") { &["_bucket", "_sum", "_count"] } else { &[""] };
        names.extend(parts.iter().map(|part| format!("{name}{part}")));
    }
    assert!(names.len() > 40, "the table does not read: {names:?}");
    names
}

/// The names in `text` that look like a metric's.
fn named(text: &str) -> BTreeSet<String> {
    let is_part =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    text.split(|letter| !is_part(letter))
        .filter(|word| word.starts_with("adsum_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn rules_and_panels_ask_for_metrics_that_are_told() {
    let known = metrics();
    for path in [
        "deploy/prometheus/alerts.yml",
        "deploy/prometheus/alerts.test.yml",
        "deploy/grafana/adsum.json",
    ] {
        let unknown: Vec<_> = named(&read(path)).difference(&known).cloned().collect();
        assert!(unknown.is_empty(), "{path} asks for what no server tells: {unknown:?}");
    }
}

#[test]
fn every_metric_is_on_a_panel_and_in_the_words_for_operators() {
    let (panels, words) = (named(&read("deploy/grafana/adsum.json")), read("docs/OPERATING.md"));
    // A panel may show a histogram by any of its three.
    let base = |name: &str| {
        let short = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
        short.unwrap_or(name).to_owned()
    };
    let shown: BTreeSet<_> = panels.iter().map(|name| base(name)).collect();
    for name in metrics().iter().map(|name| base(name)) {
        assert!(shown.contains(&name), "{name} is on no panel of deploy/grafana/adsum.json");
        let told = name.starts_with("process_") || words.contains(&format!("`{name}`"));
        assert!(told, "docs/OPERATING.md says nothing of {name}");
    }
}

#[test]
fn every_alert_is_tried_quiet_and_firing() {
    let (rules, tests) =
        (read("deploy/prometheus/alerts.yml"), read("deploy/prometheus/alerts.test.yml"));
    let names: Vec<_> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() > 10, "the rules do not read");
    for name in names {
        assert!(tests.contains(&format!("alertname: {name}}}")), "{name} is never tried quiet");
        assert!(tests.contains(&format!("alertname=\"{name}\"")), "{name} is never tried firing");
    }
}

/// Where Prometheus is installed, its own checker tries them. Without it this test says nothing.
#[test]
fn the_alerts_do_what_their_tests_say() {
    let folder = root().join("deploy/prometheus");
    let run = |arguments: &[&str]| promtool(&folder, arguments);
    run(&["check", "rules", "alerts.yml"]);
    run(&["test", "rules", "alerts.test.yml"]);
}

fn promtool(folder: &Path, arguments: &[&str]) {
    // Where it is not, there is nothing to say.
    let Ok(ended) = Command::new("promtool").args(arguments).current_dir(folder).output() else {
        return;
    };
    let said = [ended.stderr, ended.stdout].concat();
    assert!(ended.status.success(), "promtool {arguments:?}: {}", String::from_utf8_lossy(&said));
}
