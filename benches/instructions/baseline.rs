//! What each path took when that was last accepted, and what is said of a difference.
//!
//! Must never hold: how it is counted.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Map, Value, json};

/// By the name of a benchmark, the instructions of one walk.
pub(crate) type Counts = BTreeMap<String, u64>;

/// Where the baseline lies.
pub(crate) const FILE: &str = "benches/instructions/baseline.json";
/// By how many of a hundred a path may grow.
const GROWTH_MAX: f64 = 5.0;
/// What makes the baseline anew.
const TAKE: &str =
    "cargo bench --no-default-features --features server --bench instructions -- --take";

/// The counts that were accepted, and what compiled them.
pub(crate) struct Baseline {
    compiler: String,
    counts: Counts,
}

impl Baseline {
    pub(crate) fn read() -> Result<Self, String> {
        let fault = |reason: &dyn fmt::Display| format!("{FILE} does not read: {reason}");
        let text = std::fs::read_to_string(path()).map_err(|error| fault(&error))?;
        let value: Value = serde_json::from_str(&text).map_err(|error| fault(&error))?;
        let compiler = value["compiler"].as_str().ok_or_else(|| fault(&"it names no compiler"))?;
        let counts = value["instructions"].as_object().ok_or_else(|| fault(&"it has no counts"))?;
        let number = |(name, count): (&String, &Value)| {
            let count = count.as_u64().ok_or_else(|| fault(&format!("{name} is no count")))?;
            Ok((name.clone(), count))
        };
        let counts = counts.iter().map(number).collect::<Result<_, String>>()?;
        Ok(Self { compiler: compiler.to_owned(), counts })
    }

    /// Makes `counts` the baseline; unless they are of all benchmarks, beside what it has of the others.
    pub(crate) fn take(counts: Counts, is_all: bool) -> Result<(), String> {
        let compiler = compiler()?;
        let before = if is_all { Counts::new() } else { Self::kept(&compiler)? };
        let all = before.into_iter().chain(counts);
        let all: Map<String, Value> = all.map(|(name, count)| (name, count.into())).collect();
        let text = format!("{:#}\n", json!({ "compiler": compiler, "instructions": all }));
        std::fs::write(path(), text).map_err(|error| format!("{FILE} is not written: {error}"))
    }

    /// The counts that stay when others are taken.
    fn kept(compiler: &str) -> Result<Counts, String> {
        let before = Self::read()?;
        if before.compiler == compiler {
            return Ok(before.counts);
        }
        Err(format!("the baseline is of {}, this is {compiler}: take all", before.compiler))
    }

    /// Says how `counts` stand to it.
    pub(crate) fn compare(self, counts: &Counts, is_all: bool) -> Verdict {
        let gone = |(name, _): &(&String, &u64)| is_all && !counts.contains_key(*name);
        let names: BTreeSet<&String> =
            counts.keys().chain(self.counts.iter().filter(gone).map(|(name, _)| name)).collect();
        let row = |name: &&String| Row {
            name: (*name).clone(),
            before: self.counts.get(*name).copied(),
            now: counts.get(*name).copied(),
        };
        let rows = names.iter().map(row).collect();
        Verdict { rows, compilers: (self.compiler, compiler().unwrap_or_default()) }
    }
}

/// How what was counted stands to the baseline.
pub(crate) struct Verdict {
    rows: Vec<Row>,
    /// The baseline's, and the one that compiled this.
    compilers: (String, String),
}

struct Row {
    name: String,
    before: Option<u64>,
    now: Option<u64>,
}

impl Row {
    /// By how many of a hundred it grew.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn growth(&self) -> Option<f64> {
        let (before, now) = (self.before? as f64, self.now? as f64);
        Some((now - before) / before * 100.0)
    }

    fn is_well(&self) -> bool {
        self.growth().is_some_and(|growth| growth <= GROWTH_MAX)
    }

    fn word(&self) -> &'static str {
        match (self.growth(), self.now) {
            (Some(growth), _) if growth > GROWTH_MAX => "GREW",
            (Some(growth), _) if growth < -GROWTH_MAX => "shrank",
            (Some(_), _) => "",
            (None, Some(_)) => "NEW",
            (None, None) => "GONE",
        }
    }
}

impl Verdict {
    /// Whether the counts are those of another compiler, which says nothing of the source.
    fn is_of_another(&self) -> bool {
        self.compilers.0 != self.compilers.1
    }

    /// Whether no path grew by more than it may, and each has a baseline.
    pub(crate) fn is_well(&self) -> bool {
        self.is_of_another() || self.rows.iter().all(Row::is_well)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |count: Option<u64>| count.map_or("-".to_owned(), |count| count.to_string());
        writeln!(out, "{:32} {:>12} {:>12} {:>8}", "instructions of", "baseline", "now", "change")?;
        for row in &self.rows {
            let change = row.growth().map_or("-".to_owned(), |growth| format!("{growth:+.1} %"));
            let (before, now, word) = (number(row.before), number(row.now), row.word());
            let line = format!("{:32} {before:>12} {now:>12} {change:>8} {word}", row.name);
            writeln!(out, "{}", line.trim_end())?;
        }
        if self.is_of_another() {
            let (before, now) = &self.compilers;
            writeln!(out, "The baseline is of {before}, this is {now}: nothing is judged.")?;
        } else if !self.is_well() {
            let grew = format!("A path that is GREW takes over {GROWTH_MAX} % more than");
            writeln!(out, "{grew} {FILE} says: make it cheaper, or say in the commit why not.")?;
        }
        write!(out, "What it says is made anew by: {TAKE}")
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(FILE)
}

/// The compiler that is here, and what it compiles for.
fn compiler() -> Result<String, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let ended = Command::new(rustc).arg("-vV").output();
    let said = ended.map_err(|error| format!("rustc does not run: {error}"))?.stdout;
    let said = String::from_utf8_lossy(&said).into_owned();
    let line = |name| said.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let named = line("release:").zip(line("host:"));
    let (release, host) = named.ok_or("rustc does not say which it is")?;
    Ok(format!("rustc {release} for {host}"))
}
