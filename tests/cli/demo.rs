//! The demo ends well, within its time, and leaves nothing behind.
//!
//! Must never hold: what the demo itself checks.

use std::process::Stdio;

use crate::processes::{Ended, Staying, program};
use serde_json::Value;

fn temporary_folders(of: &std::path::Path) -> usize {
    std::fs::read_dir(of).unwrap().count()
}

#[test]
fn the_story_comes_out_as_promised_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let output = program().arg("demo").env("TMPDIR", temporary.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}\n{told}");
    for part in [
        "pending, its owner has not decided yet",
        "alice$ adsum requests approve bob@localhost",
        "kill -9",
        "bob$ adsum inbox",
        "lunch?",
        "verified ",
        "Nothing was lost",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(temporary_folders(temporary.path()), 0);
}

#[test]
fn programs_get_the_story_as_one_object_a_step() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = program();
    let output = command.args(["demo", "--json"]).env("TMPDIR", temporary.path()).output().unwrap();
    let steps: Vec<Value> = Ended::of(output).lines();
    assert!(steps.len() >= 9);
    assert!(
        steps
            .iter()
            .zip(1..)
            .all(|(step, number)| step["type"] == "story" && step["step"] == number)
    );
}

#[test]
fn an_interrupted_demo_leaves_no_process_and_no_file() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = program();
    command.arg("demo").env("TMPDIR", temporary.path()).stderr(Stdio::null());
    let mut demo = Staying::start(&mut command);
    while !demo.line().starts_with("2. ") {}
    assert_eq!(demo.stop("INT"), Some(1));
    assert_eq!(temporary_folders(temporary.path()), 0);
}
