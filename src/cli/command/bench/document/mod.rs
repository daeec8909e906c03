//! What a bench of everything leaves behind: a table of figures in Markdown, plots, and on which machine they were taken.
//!
//! It is made of the lines that programs read, so that no figure in it is another than the one that was told.
//! Must never hold: a measurement.

mod machine;
mod plot;
mod plots;
mod region;
mod table;

use std::fs;
use std::path::Path;

use serde_json::Value;

pub(super) use machine::Machine;

use super::link::wrong;
use crate::cli::run::failure::Failure;

/// The document, in the folder that is named.
const DOCUMENT: &str = "BENCHMARKS.md";
/// Plots and lines, in a folder beside it.
const BESIDE: &str = "benchmarks";
/// The lines, one a workload.
const LINES: &str = "figures.jsonl";

/// Writes into `folder` what `lines` tell: the table into the region of `BENCHMARKS.md` that is marked for it, or into a new file,
/// and plots and lines into `benchmarks/` beside it.
pub(super) fn write(folder: &Path, machine: &Machine, lines: &[String]) -> Result<(), Failure> {
    let values: Result<Vec<Value>, _> =
        lines.iter().map(|line| serde_json::from_str(line)).collect();
    let values = values.map_err(wrong)?;
    let beside = folder.join(BESIDE);
    fs::create_dir_all(&beside).map_err(|error| Failure::io("make", &beside, &error))?;
    let plots = plots::of(&values);
    for plot in &plots {
        put(&beside.join(plot.file), &plot.svg)?;
    }
    let told: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
    put(&beside.join(LINES), &told.concat())?;
    let path = folder.join(DOCUMENT);
    let before = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => region::EMPTY.to_owned(),
        Err(error) => return Err(Failure::io("read", &path, &error)),
    };
    let shown = plots.iter().map(|plot| format!("![{}]({BESIDE}/{})\n", plot.title, plot.file));
    let shown: Vec<String> = shown.collect();
    let figures = format!("{machine}\n{}\n{}", table::of(&values), shown.join("\n"));
    let after = region::replaced(&before, &figures).ok_or_else(|| {
        let path = path.display();
        Failure::usage(format!("{path} has no lines {:?} and {:?}", region::BEGIN, region::END))
    })?;
    put(&path, &after)
}

fn put(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| Failure::io("write", path, &error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_again_replaces_only_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine::of(folder.path());
        let lines = [json!({"workload": "ack", "n": 1, "p50_ms": 0.5}).to_string()];
        write(folder.path(), &machine, &lines).unwrap();
        let path = folder.path().join(DOCUMENT);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("# By hand\n\n{text}\nBehind.\n")).unwrap();
        let lines = [json!({"workload": "ack", "n": 2, "p50_ms": 0.25}).to_string()];
        write(folder.path(), &machine, &lines).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# By hand\n") && text.ends_with("\nBehind.\n"), "{text}");
        assert!(text.contains("0.25") && !text.contains("0.500"), "{text}");
        fs::write(&path, "nothing is marked").unwrap();
        assert_eq!(write(folder.path(), &machine, &lines).unwrap_err().exit(), 2);
        assert_eq!(fs::read_to_string(&path).unwrap(), "nothing is marked");
    }
}
