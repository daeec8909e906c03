//! What one accepted request of each kind may cost: bytes of the log, and bytes of memory until it is answered.
//!
//! `docs/COSTS.md` has the bounds, a row for each kind of frame that a client sends. Each is put to the test in the state in
//! which it costs most: names as long as they may be, sets of rules that are full.
//! Must never hold: a bound (those are in the document), or how a state is made (see `scenes`).

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command as Process, Stdio};

use adsum::event::{Chain, pack};
use adsum::protocol::body::KINDS;
use adsum::service::{Batch, Output, Reply};

use super::scenes::{Scene, scenes};

/// Kinds from here on are said by servers.
const SERVER_KINDS: u16 = 0x0100;
/// Worlds in each of which the request is asked once, so that its memory stands out.
const WORLDS: u64 = 40;
/// What the process takes beside: its allocator's reserve.
const SLACK_BYTES: u64 = 512 * 1024;
const KIND: &str = "ADSUM_TEST_COST_OF";
const GREW: &str = "grew by ";

/// A row of the document.
struct Bound {
    log_times: u64,
    log_bytes: u64,
    log_each: u64,
    memory_times: u64,
    memory_bytes: u64,
    memory_each: u64,
}

fn bounds() -> BTreeMap<String, Bound> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/COSTS.md");
    let document = std::fs::read_to_string(path).unwrap();
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    let read = |row: &str| {
        let mut cells = row.split('|').map(|cell| cell.trim().replace(['`', ','], ""));
        let name = cells.next().unwrap();
        let mut number = || cells.next().unwrap().parse().unwrap_or_else(|_| panic!("{row}"));
        let (log_times, log_bytes, log_each) = (number(), number(), number());
        let (memory_times, memory_bytes, memory_each) = (number(), number(), number());
        let bound =
            Bound { log_times, log_bytes, log_each, memory_times, memory_bytes, memory_each };
        (name, bound)
    };
    rows.map(read).collect()
}

fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().filter(|(number, _)| *number < SERVER_KINDS).map(|(_, name)| *name)
}

fn entries(batch: &Batch) -> Vec<Vec<u8>> {
    let mut chain = Chain::START;
    let entries = pack(&mut chain, batch.first, batch.ahead, &batch.events);
    entries.into_iter().map(|entry| entry.value).collect()
}

/// What `batch` takes in the log, if it is a commit by itself.
fn log_bytes(batch: &Batch) -> u64 {
    entries(batch).iter().map(|entry| entry.len() as u64).sum()
}

/// Asks, and gives what happened and what was said.
fn ask(scene: &mut Scene) -> (Option<Batch>, Vec<Output>) {
    let input = scene.input.take().unwrap();
    scene.world.service.handle(scene.world.now, input);
    (scene.world.service.take_batch(), scene.world.service.take_outputs())
}

fn refused(outputs: &[Output]) -> Option<String> {
    let refusals = outputs.iter().filter_map(|output| match output {
        Output::Reply { result: Err(refusal), .. } => Some(refusal.to_string()),
        _ => None,
    });
    refusals.reduce(|all, one| format!("{all}; {one}"))
}

#[test]
fn what_one_request_adds_to_the_log_is_bounded_for_every_kind() {
    let bounds = bounds();
    let rows: BTreeSet<&str> = bounds.keys().map(String::as_str).collect();
    assert_eq!(rows, kinds().collect::<BTreeSet<_>>(), "a row for each kind, and for nothing else");
    for kind in kinds() {
        let bound = &bounds[kind];
        for (number, mut scene) in scenes(kind).into_iter().enumerate() {
            let (batch, outputs) = ask(&mut scene);
            assert_eq!(refused(&outputs), None, "{kind} {number}");
            let found = batch.as_ref().map_or(0, log_bytes);
            let (asked, concerned) = (scene.bytes, scene.concerned);
            let max = bound.log_times * asked + bound.log_bytes + bound.log_each * concerned;
            let kinds: Vec<_> = batch
                .iter()
                .flat_map(|batch| &batch.events)
                .map(|(_, event)| event.kind())
                .collect();
            println!(
                "{kind} {number}: {asked} bytes concern {concerned}: {found} of {max}, {} events",
                kinds.len()
            );
            assert!(
                found <= max,
                "{kind} {number}: {found} bytes of log, at most {max}: {kinds:?}"
            );
        }
    }
}

#[test]
fn what_one_request_takes_of_memory_is_bounded_for_every_kind() {
    for (kind, bound) in bounds() {
        for (number, scene) in scenes(&kind).into_iter().enumerate() {
            let max = bound.memory_times * scene.bytes
                + bound.memory_bytes
                + bound.memory_each * scene.concerned;
            let found = grown(&kind, number);
            println!("{kind} {number}: {} bytes: {} of {max}", scene.bytes, found / WORLDS);
            let most = WORLDS * max + SLACK_BYTES;
            assert!(found <= most, "{kind} {number}: {} bytes, at most {max}", found / WORLDS);
        }
    }
}

/// How much a process of its own grew by a request in each of its worlds.
fn grown(kind: &str, number: usize) -> u64 {
    let mut process = Process::new(std::env::current_exe().unwrap());
    process.args(["costs::child_that_asks", "--exact", "--nocapture"]);
    process.env(KIND, format!("{kind} {number}")).stdin(Stdio::null());
    // One arena: what other threads of the test program hold in reserve would be told as growth.
    let output = process.env("MALLOC_ARENA_MAX", "1").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let told = text.lines().find_map(|line| line.strip_prefix(GREW));
    told.unwrap_or_else(|| panic!("{kind} {number}: {text}")).parse().unwrap()
}

/// Not a test by itself: the process of [`grown`].
#[test]
fn child_that_asks() {
    let Ok(asked) = std::env::var(KIND) else { return };
    let (kind, number) = asked.split_once(' ').unwrap();
    let make = || scenes(kind).swap_remove(number.parse().unwrap());
    let mut worlds: Vec<Scene> = (0..WORLDS).map(|_| make()).collect();
    // What is made once in a process is no cost of a request.
    let first = (held(&mut make()), used_up());
    let before = memory();
    let held: Vec<_> = worlds.iter_mut().map(held).collect();
    let grown = memory().saturating_sub(before);
    println!("\n{GREW}{grown}");
    drop((first, held, worlds));
}

/// Takes what the allocator has in reserve, which what is measured next would otherwise be put into.
fn used_up() -> Vec<Vec<u8>> {
    const PIECE_BYTES: usize = 256 * 1024;
    let mut held = Vec::new();
    for size in [64 * 1024, 8 * 1024, 2 * 1024, 512, 128, 32] {
        loop {
            let before = memory();
            held.extend((0..PIECE_BYTES / size).map(|_| vec![1; size]));
            if memory().saturating_sub(before) > PIECE_BYTES as u64 * 7 / 8 {
                break;
            }
        }
    }
    held
}

/// All that there is of a request until it is answered: its events, their bytes, what is said, and the bytes of that.
fn held(scene: &mut Scene) -> (Option<Batch>, Vec<Vec<u8>>, Vec<Output>, Vec<u8>) {
    let (batch, outputs) = ask(scene);
    let entries = batch.iter().flat_map(entries).collect();
    let mut answer = Vec::new();
    for output in &outputs {
        if let Output::Reply { result: Ok(Reply::Found(found)), .. } = output {
            found.write(&mut answer);
        }
    }
    (batch, entries, outputs, answer)
}

/// Bytes of memory that this process holds.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
}
