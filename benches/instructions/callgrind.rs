//! Counts instructions with valgrind's tool callgrind, each benchmark in a process of its own.
//!
//! The processor that valgrind plays is the same on every machine that has AVX2, so libraries that look what the processor has
//! choose the same code. Must never hold: what is counted.

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::thread;

use super::Benchmark;
use super::baseline::Counts;

/// Says that one benchmark is to be run here, its name behind it.
pub(crate) const ONE: &str = "--one";
/// Names the function inside of which is counted: [`walk`], in whichever way its name is written.
const COUNTED: &str = "*callgrind*walk*";

/// Does `work`, and has what it takes counted. What it leaves is dropped outside.
pub(crate) fn count<T>(work: impl FnOnce() -> T) -> T {
    let (mut work, mut done) = (Some(work), None);
    walk(&mut || done = work.take().map(|work| work()));
    done.expect("it was done")
}

/// Counting begins when this is entered and pauses when it is left.
#[inline(never)]
fn walk(work: &mut dyn FnMut()) {
    work();
    // So that this is not left before the work is done.
    black_box(&work);
}

/// What one walk of each path takes, as many at once as there are processors.
pub(crate) fn counts(benchmarks: &[Benchmark]) -> Result<Counts, String> {
    let (waiting, counted) = (Mutex::new(benchmarks.iter()), Mutex::new(Counts::new()));
    let next = || waiting.lock().expect("nobody panics with it").next();
    let work = || {
        while let Some(benchmark) = next() {
            let count = counted_in_all(benchmark.name)? / benchmark.times;
            let mut counted = counted.lock().expect("nobody panics with it");
            counted.insert(benchmark.name.to_owned(), count);
        }
        Ok::<(), String>(())
    };
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("it does not panic"))
    })?;
    Ok(counted.into_inner().expect("nobody panicked with it"))
}

/// The instructions of all walks of the benchmark `name`.
fn counted_in_all(name: &str) -> Result<u64, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let out = folder.path().join("counts");
    let ended = valgrind(name, &out)?;
    if !ended.status.success() {
        let said = String::from_utf8_lossy(&ended.stderr);
        return Err(format!("the benchmark {name} failed: {said}"));
    }
    let text = std::fs::read_to_string(&out).map_err(|error| format!("{name}: {error}"))?;
    let sum = text.lines().find_map(|line| line.strip_prefix("summary: ")?.trim().parse().ok());
    sum.filter(|count| *count > 0).ok_or_else(|| format!("nothing of {name} was counted"))
}

fn valgrind(name: &str, out: &Path) -> Result<Output, String> {
    let program =
        std::env::current_exe().map_err(|error| format!("no name of its own: {error}"))?;
    Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args([ONE, name])
        // Its size would move the stack.
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .map_err(|error| format!("valgrind does not run: {error}"))
}
