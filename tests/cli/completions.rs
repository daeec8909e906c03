//! What shells complete, in the shells themselves, and manual pages as `man` shows them. Shells that are not here are passed over.
//!
//! Must never hold: what a script says, or a page.

use std::fs;
use std::process::Command;

use crate::processes::{Ended, run};

#[allow(clippy::print_stderr, reason = "whoever runs the tests is told what was not tried")]
fn is_here(name: &str) -> bool {
    let found = Command::new(name).arg("--version").output();
    let is_here = found.is_ok_and(|found| found.status.success());
    if !is_here {
        eprintln!("{name} is not here: what it does was not tried");
    }
    is_here
}

/// What bash offers behind `line`, of which the last word is being written.
fn offered_by_bash(line: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("adsum");
    fs::write(&script, run(&["completions", "bash"]).stdout).unwrap();
    let asked = r#"source "$0"
read -ra words <<<"$1"; [[ $1 == *' ' ]] && words+=('')
how=$(complete -p adsum) || exit 9
COMP_WORDS=("${words[@]}") COMP_CWORD=$((${#words[@]} - 1)) COMP_LINE=$1 COMP_POINT=${#1}
how=${how##*-F }; "${how%% *}" adsum "${words[-1]}" "${words[-2]:-}"
printf '%s\n' "${COMPREPLY[@]}""#;
    let output = Command::new("bash").args(["--norc", "-c", asked]).arg(&script).arg(line).output();
    let ended = Ended::of(output.unwrap());
    assert_eq!((ended.exit, ended.stderr.as_str()), (0, ""), "{line}");
    ended.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_and_values() {
    if !is_here("bash") {
        return;
    }
    assert_eq!(offered_by_bash("adsum pub"), ["publish", "publications"]);
    assert_eq!(offered_by_bash("adsum log ver"), ["verify"]);
    assert_eq!(offered_by_bash("adsum serve --open"), ["--open-enrollment"]);
    assert_eq!(offered_by_bash("adsum serve --log-format "), ["text", "json"]);
    assert_eq!(offered_by_bash("adsum --color "), ["auto", "always", "never"]);
    assert!(offered_by_bash("adsum completions ").contains(&"fish".to_owned()));
}

#[test]
fn other_shells_read_what_they_are_given() {
    for (shell, check) in [("zsh", "-n"), ("fish", "--no-execute")] {
        if is_here(shell) {
            let folder = tempfile::tempdir().unwrap();
            let script = folder.path().join("script");
            fs::write(&script, run(&["completions", shell]).stdout).unwrap();
            let read = Command::new(shell).arg(check).arg(&script).output().unwrap();
            assert!(read.status.success(), "{shell}: {read:?}");
        }
    }
}

#[test]
fn every_page_of_the_manual_is_well_formed_and_has_text() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("man");
    let ended = run(&["man", place.to_str().unwrap()]);
    assert_eq!(ended.exit, 0, "{}", ended.stderr);
    let pages: Vec<&str> = ended.stdout.lines().collect();
    assert!(pages.iter().any(|page| page.ends_with("/adsum-log-verify.1")), "{pages:?}");
    if !is_here("groff") {
        return;
    }
    for page in pages {
        let shown =
            Command::new("groff").args(["-Kutf8", "-man", "-Tutf8", "-ww", page]).output().unwrap();
        let told = String::from_utf8(shown.stderr).unwrap();
        assert_eq!(told, "", "{page}");
        assert!(shown.stdout.len() > 500, "{page} has text");
    }
}

#[test]
fn colours_are_shown_where_they_are_asked_for_and_nowhere_else() {
    const ESCAPE: char = '\u{1b}';
    let told = |arguments: &[&str]| run(arguments).stderr;
    for plain in [&["fetch"][..], &["pubish"], &["--color", "never", "pubish"]] {
        assert!(!told(plain).contains(ESCAPE), "{plain:?}");
    }
    let home = tempfile::tempdir().unwrap();
    let fetch = ["--home", home.path().to_str().unwrap(), "fetch", "pres:a@localhost"];
    let coloured = told(&[&["--color=always"], &fetch[..]].concat());
    assert!(coloured.starts_with("\u{1b}[1m\u{1b}[31madsum:\u{1b}[0m "), "{coloured:?}");
    assert!(told(&["--color", "always", "pubish"]).contains(ESCAPE), "clap's words are coloured");
    let json = told(&[&["--color=always", "--json"], &fetch[..]].concat());
    assert!(!json.contains(ESCAPE), "programs read no colours: {json:?}");
}
