//! How many instructions the hot paths take: a count that is the same on a busy machine and on an idle one, held against
//! `benches/instructions/baseline.json`.
//!
//! `cargo bench --no-default-features --features server --bench instructions` counts with valgrind, prints a table and fails if
//! a path takes more than before; with `-- --take` behind it, what was counted becomes the baseline. Words behind `--` choose
//! the benchmarks that have one of them in their name. Run by `cargo test` each path is only walked once.
//! Must never hold: a time.

mod baseline;
mod callgrind;
mod control;
mod feeds;
mod folds;
mod log;
mod material;
mod peer;
mod requests;
mod world;

use std::io::Write as _;
use std::process::ExitCode;

use baseline::{Baseline, Counts, FILE};

/// One path.
#[derive(Clone, Copy)]
pub(crate) struct Benchmark {
    /// As it stands in the baseline.
    name: &'static str,
    /// How often the path is walked; what is told is the count of one walk.
    times: u64,
    /// Prepares what is needed, walks the path inside of [`callgrind::count`], and checks what came of it.
    run: fn(),
}

/// Every one of them.
fn benchmarks() -> Vec<Benchmark> {
    [requests::ALL, control::ALL, feeds::ALL, log::ALL, folds::ALL]
        .into_iter()
        .flatten()
        .copied()
        .collect()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let benchmarks = benchmarks();
    if let [one, name] = &arguments[..]
        && one == callgrind::ONE
    {
        benchmarks.iter().filter(|benchmark| benchmark.name == name).for_each(|one| (one.run)());
        return ExitCode::SUCCESS;
    }
    let (flags, words): (Vec<&String>, Vec<&String>) =
        arguments.iter().partition(|argument| argument.starts_with("--"));
    let is_chosen =
        |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let chosen: Vec<Benchmark> =
        benchmarks.into_iter().filter(|benchmark| is_chosen(benchmark.name)).collect();
    if !flags.iter().any(|flag| *flag == "--bench") {
        for benchmark in &chosen {
            (benchmark.run)();
        }
        return ExitCode::SUCCESS;
    }
    let said = callgrind::counts(&chosen).and_then(|counts| {
        if flags.iter().any(|flag| *flag == "--take") {
            Baseline::take(counts, words.is_empty()).map(|()| (format!("{FILE} is written"), true))
        } else {
            compare(&counts, words.is_empty())
        }
    });
    let (text, is_well) = said.unwrap_or_else(|reason| (reason, false));
    writeln!(std::io::stdout(), "{text}").expect("standard output takes a text");
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The table of `counts` beside the baseline, and whether they may stand.
fn compare(counts: &Counts, is_all: bool) -> Result<(String, bool), String> {
    let verdict = Baseline::read()?.compare(counts, is_all);
    Ok((verdict.to_string(), verdict.is_well()))
}
