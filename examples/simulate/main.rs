//! Lives as many worlds of the simulation as asked, with a bug planted in them if one is named; makes a world that breaks
//! a promise as small as it can, and prints the command that lives it again.
//!
//! ```text
//! cargo run --release --example simulate -- --seeds 10000
//! cargo run --release --example simulate -- --seed 4711 --save /tmp/world && adsum log cat --data /tmp/world
//! ```
//!
//! Must never hold: a part of a world; those stand in `tests/simulation/`.

#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]

#[allow(dead_code, reason = "the tests use all of it, this program a part")]
#[path = "../../tests/simulation/main.rs"]
mod simulation;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use simulation::{Bug, Outcome, Part, Reduced, live, run, save, shrink};

/// Lives worlds of the simulation.
#[derive(Debug, Parser)]
#[command(name = "simulate")]
struct Arguments {
    /// How many worlds to live.
    #[arg(long, default_value_t = 1_000, conflicts_with = "seed")]
    seeds: u64,
    /// The seed of the first of them.
    #[arg(long, default_value_t = 1, conflicts_with = "seed")]
    first: u64,
    /// The one world to live.
    #[arg(long)]
    seed: Option<u64>,
    /// After how many moments nothing goes wrong any more in that world.
    #[arg(long, requires = "seed")]
    moments: Option<u32>,
    /// What there is not in that world.
    #[arg(long, requires = "seed", value_delimiter = ',', value_parser = part)]
    without: Vec<Part>,
    /// The bug to plant in every world, as `tests/simulation/bug.rs` calls it.
    #[arg(long, value_parser = bug)]
    bug: Option<Bug>,
    /// A new folder for the log of the world that breaks a promise, for `adsum log`; of the one world in any case.
    #[arg(long)]
    save: Option<PathBuf>,
    /// A new file for all that happened in the world that breaks a promise; in the one world in any case.
    #[arg(long)]
    trace: Option<PathBuf>,
    /// Worlds to live side by side.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

impl Arguments {
    fn reduced(&self) -> Reduced {
        Reduced { moments: self.moments, without: self.without.clone() }
    }
}

fn bug(name: &str) -> Result<Bug, String> {
    let found = Bug::ALL.into_iter().find(|bug| format!("{bug:?}") == name);
    found.ok_or_else(|| format!("there is no such bug; name one of {:?}", Bug::ALL))
}

fn part(name: &str) -> Result<Part, String> {
    let found = Part::ALL.into_iter().find(|part| part.name() == name);
    found.ok_or_else(|| format!("is none of {}", Part::ALL.map(Part::name).join(", ")))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // What panics in a world is its outcome.
    std::panic::set_hook(Box::new(|_| {}));
    let broken = match arguments.seed {
        Some(seed) => Some((seed, arguments.reduced(), lived(seed, &arguments))),
        None => search(&arguments).map(|seed| {
            let (reduced, outcome) = shrink(seed, arguments.bug);
            (seed, reduced, outcome)
        }),
    };
    let Some((seed, reduced, outcome)) = broken else { return ExitCode::SUCCESS };
    report(seed, &reduced, arguments.bug, &outcome);
    if let Some(path) = &arguments.trace {
        match std::fs::write(path, outcome.happenings.join("\n")) {
            Ok(()) => println!("\nall happenings stand in {}", path.display()),
            Err(fault) => println!("\nwhat happened is not written: {fault}"),
        }
    }
    if let (Some(path), Some(disk)) = (&arguments.save, &outcome.disk) {
        match save(disk, path) {
            Ok(count) => {
                let path = path.display();
                println!("\n{count} events stand in {path}: adsum log cat --data {path}");
            }
            Err(fault) => println!("\nthe log is not saved: {fault}"),
        }
    }
    if outcome.violation.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn lived(seed: u64, arguments: &Arguments) -> Outcome {
    run(seed, arguments.bug, &arguments.reduced())
}

/// Lives all of them. Returns the lowest seed whose world breaks a promise.
fn search(arguments: &Arguments) -> Option<u64> {
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} worlds, {per_sec}, {eta}");
    let bar = ProgressBar::new(arguments.seeds).with_style(style.expect("it is a template"));
    let broken: Mutex<Option<u64>> = Mutex::new(None);
    live((arguments.first, arguments.seeds), arguments.threads, arguments.bug, |seed, outcome| {
        bar.inc(1);
        if outcome.violation.is_some() {
            let mut broken = broken.lock().expect("nobody panics with it");
            *broken = Some(broken.map_or(seed, |known| known.min(seed)));
        }
        outcome.violation.is_none()
    });
    bar.abandon();
    broken.into_inner().expect("nobody panics with it")
}

fn report(seed: u64, reduced: &Reduced, bug: Option<Bug>, outcome: &Outcome) {
    let Some(violation) = &outcome.violation else {
        println!("seed {seed} keeps its promises in {} moments", outcome.moments);
        return;
    };
    println!("seed {seed} breaks promise {}: {}", violation.promise, violation.what);
    println!("\nlast happenings:\n{}\n\nrepeat it with:", outcome.last());
    print!("cargo run --release --example simulate -- --seed {seed}");
    if let Some(moments) = reduced.moments {
        print!(" --moments {moments}");
    }
    if !reduced.without.is_empty() {
        let names: Vec<_> = reduced.without.iter().map(|part| part.name()).collect();
        print!(" --without {}", names.join(","));
    }
    if let Some(bug) = bug {
        print!(" --bug {bug:?}");
    }
    println!();
}
