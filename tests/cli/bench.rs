//! `adsum bench` against real processes: every workload runs, counts what it asked for, and cleans up.
//!
//! Must never hold: a demand on a speed. A slow machine is no fault.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn adsum(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adsum"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn succeed(arguments: &[&str]) -> Output {
    let output = adsum(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Runs a small `workload` and returns its line.
fn bench(workload: &str, more: &[&str]) -> Value {
    let mut arguments = vec!["bench", workload, "--json", "--scale", "0.005", "--runs", "1"];
    arguments.extend(more);
    let output = succeed(&arguments);
    let line = serde_json::from_slice(&output.stdout).unwrap();
    check(workload, &line);
    line
}

/// What holds for the line of every workload.
fn check(workload: &str, line: &Value) {
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{value} in {line}"));
    assert_eq!(line["workload"], workload);
    for field in ["n", "secs", "rate_per_s", "p50_ms", "p99_ms"] {
        assert!(number(&line[field]) > 0.0, "{field} in {line}");
    }
    assert!(number(&line["p50_ms"]) <= number(&line["p99_ms"]), "{line}");
    assert_eq!(line["durable"], true, "{line}");
    let runs = &line["spread"]["rate_per_s"];
    assert!(number(&runs["min"]) <= number(&line["rate_per_s"]), "{line}");
    assert!(number(&runs["max"]) >= number(&line["rate_per_s"]), "{line}");
    let yardsticks = &line["yardsticks"];
    for field in ["fdatasync_p50_ms", "append_per_s", "quic_ping_p50_ms", "quic_pipelined_per_s"] {
        assert!(number(&yardsticks[field]) > 0.0, "{field} in {line}");
    }
}

#[test]
fn store_counts_every_answer() {
    let line = bench("store", &[]);
    assert_eq!(
        (&line["n"], &line["connections"], &line["inboxes"]),
        (&1_000.into(), &32.into(), &5.into())
    );
    assert!(line["events_per_commit_mean"].as_f64().unwrap() >= 1.0, "{line}");
}

#[test]
fn what_is_carried_by_webtransport_is_set_beside_the_same_over_adsum_1() {
    for workload in ["publish", "fanout", "drain", "connect"] {
        let line = bench(workload, &["--over", "webtransport"]);
        assert_eq!(line["over"], "webtransport");
        let beside = &line["beside_adsum_1"];
        let number = |name: &str| beside[name].as_f64().unwrap_or_else(|| panic!("{line}"));
        for figure in ["rate_per_s", "p50_ms", "p99_ms", "p50_ratio", "p99_ratio"] {
            assert!(number(figure) > 0.0, "{figure} in {line}");
        }
        let ratio = line["rate_per_s"].as_f64().unwrap() / number("rate_per_s");
        assert!((number("rate_ratio") / ratio - 1.0).abs() < 0.01, "{line}");
    }
    assert_eq!(bench("ack", &[])["over"], "adsum/1");
}

#[test]
fn ack_waits_for_each_answer() {
    let line = bench("ack", &[]);
    assert_eq!(
        (&line["n"], &line["connections"], &line["window"]),
        (&25.into(), &1.into(), &1.into())
    );
}

#[test]
fn publish_says_how_many_presentities_change() {
    let line = bench("publish", &[]);
    assert_eq!(line["n"], 1_000);
    assert_eq!(
        (&line["presentities_loaded"], &line["presentities_changed"]),
        (&50.into(), &32.into())
    );
}

#[test]
fn fanout_counts_every_delivery() {
    let line = bench("fanout", &["--watchers", "600", "--changes", "4000"]);
    assert_eq!(
        (&line["watchers"], &line["changes"], &line["n"]),
        (&3.into(), &20.into(), &60.into())
    );
}

#[test]
fn drain_takes_the_whole_inbox() {
    assert_eq!(bench("drain", &[])["n"], 50);
}

#[test]
fn resume_is_told_what_it_missed_with_and_without_a_restart() {
    for (flag, told) in [(None, 2), (Some("--every"), 5)] {
        let line = bench("resume", flag.as_slice());
        assert_eq!((&line["changes_missed"], &line["events_told"]), (&5.into(), &told.into()));
        assert!(line["restarted_p50_ms"].as_f64().unwrap() > 0.0, "{line}");
    }
}

#[test]
fn fairness_has_a_row_for_each_kind_of_greed() {
    let line = bench("fairness", &["--rounds", "1"]);
    for kind in [
        "large_sends",
        "small_sends",
        "rule_changes",
        "broad_rules",
        "feed_churn",
        "watcher_lists",
        "past_fetches",
        "history",
        "subscriptions",
        "expiry_storms",
    ] {
        for figure in ["quiet_p50_ms", "quiet_p99_ms", "p50_ms", "p99_ms", "p50_ratio", "p99_ratio"]
        {
            assert!(line[kind][figure].as_f64().unwrap() > 0.0, "{kind} {figure} in {line}");
        }
        // How much was answered in so short a time is a matter of speed.
        assert!(line[kind]["answered"].is_u64(), "{kind} in {line}");
        assert!(line[kind]["refused"].is_u64(), "{kind} in {line}");
    }
}

#[test]
fn idle_tells_what_is_the_transports_apart() {
    let line = bench("idle", &["--quiet", "500", "--at-once", "4"]);
    assert_eq!((&line["n"], &line["connections"]), (&10.into(), &10.into()));
    for figure in ["memory_bytes_before", "memory_bytes_after"] {
        assert!(line[figure].as_f64().unwrap() > 0.0, "{figure} in {line}");
    }
    // So few may take less than the allocator has at hand.
    for figure in ["memory_bytes_each", "quic_memory_bytes_each", "cpu_percent_at_rest"] {
        assert!(line[figure].is_f64(), "{figure} in {line}");
    }
}

#[test]
fn all_come_back_to_a_server_that_was_killed() {
    let line = bench("connect", &["--at-once", "4"]);
    assert_eq!((&line["n"], &line["at_once"]), (&10.into(), &4.into()));
    for figure in ["first_time_per_s", "handshakes_per_s", "handshake_p50_ms", "serving_ms"] {
        assert!(line[figure].as_f64().unwrap() > 0.0, "{figure} in {line}");
    }
}

#[test]
fn disk_sets_what_is_written_beside_what_is_stored() {
    let line = bench("disk", &["--lone", "2000"]);
    let number = |name: &str| line[name].as_f64().unwrap_or_else(|| panic!("{name} in {line}"));
    assert_eq!(line["n"], 1_000);
    // A body of 200 bytes is in each, and nothing is written that is not stored first.
    assert!(number("lone_stored_bytes_each") > 200.0, "{line}");
    assert!(number("lone_written_bytes_each") >= number("lone_stored_bytes_each"), "{line}");
    assert!(
        number("stored_bytes") > 1_000.0 * 200.0 && number("written_to_stored") > 1.0,
        "{line}"
    );
    assert!(number("events") > 1_100.0 && number("disk_bytes") > number("stored_bytes"), "{line}");
    // Half of what was sent is over.
    assert!(number("cut_events") < number("events") && number("cut_carried_bytes") > 0.0, "{line}");
    assert!(number("again_disk_bytes") > 0.0, "{line}");
}

#[test]
fn scale_compares_few_with_many() {
    let small = ["--small", "50", "--watchers", "20000", "--crowd", "4000"];
    let stored = ["--messages", "20000", "--lists", "400", "--requests", "4000"];
    let line = bench("scale", &[&small[..], &["--large", "80000"], &stored[..]].concat());
    assert_eq!((&line["small"], &line["large"]), (&50.into(), &400.into()));
    for kind in ["fetch", "publish", "subscribe", "send", "take"] {
        for figure in ["small_p50_ms", "small_p99_ms", "large_p50_ms", "large_p99_ms", "p99_ratio"]
        {
            assert!(line[kind][figure].as_f64().unwrap() > 0.0, "{kind} {figure} in {line}");
        }
    }
    assert_eq!(
        (&line["stored"]["messages"], &line["stored"]["inboxes"]),
        (&100.into(), &10.into())
    );
    for figure in ["start_ms_few", "start_ms_many", "memory_bytes_few", "memory_bytes_many"] {
        assert!(line["stored"][figure].as_f64().unwrap() > 0.0, "{figure} in {line}");
    }
    assert!(line["start_ms_small"].is_f64() && line["start_ms_large"].is_f64(), "{line}");
    assert_eq!(
        (&line["audience"]["watchers"], &line["audience"]["rules"]),
        (&100.into(), &128.into())
    );
    for what in ["list", "fetch", "rule", "broad_rule", "ruled_fetch", "ruled_publish"] {
        let figure = &line["audience"][format!("{what}_p99_ms")];
        assert!(figure.as_f64().unwrap() > 0.0, "{what} in {line}");
    }
    assert_eq!((&line["crowd"]["watchers"], &line["crowd"]["watched"]), (&20.into(), &2.into()));
    for row in ["audience", "crowd"] {
        assert!(line[row]["publish_p99_ms"].as_f64().unwrap() > 0.0, "{row} in {line}");
        assert!(line[row]["memory_bytes_each"].is_f64(), "{row} in {line}");
    }
}

#[test]
fn load_times_each_message_from_when_it_fell_due() {
    let line = bench("load", &["--steps", "20,60", "--time", "500"]);
    assert!(line["most_per_s"].as_f64().unwrap() > 0.0, "{line}");
    for step in ["at_20_percent", "at_60_percent"] {
        let number = |name: &str| line[step][name].as_f64().unwrap_or_else(|| panic!("{line}"));
        assert!(number("p50_ms") > 0.0 && number("p50_ms") <= number("p99_ms"), "{line}");
        assert!(number("p99_ms") <= number("p999_ms"), "{line}");
        assert!(number("answered_per_s") > 0.0 && number("wanted_per_s") > 0.0, "{line}");
    }
    let [low, high] = [&line["at_20_percent"], &line["at_60_percent"]];
    let [low, high] = [low, high].map(|step| step["wanted_per_s"].as_f64().unwrap());
    assert!((high / low - 3.0).abs() < 0.01, "{line}");
}

#[cfg(not(feature = "peers"))]
#[test]
fn a_program_without_clients_of_peers_says_how_to_build_one() {
    let output = adsum(&["bench", "peers"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--features peers"));
}

#[cfg(feature = "peers")]
#[test]
fn peers_are_measured_where_they_are_and_named_where_not() {
    let output = succeed(&["bench", "peers", "--json", "--scale", "0.005", "--runs", "1"]);
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (rows, missing) = (line["rows"].as_array().unwrap(), line["missing"].as_array().unwrap());
    for (program, servers) in [("redis-server", 2), ("nats-server", 1), ("mosquitto", 1)] {
        let name = program.trim_end_matches("-server");
        let is_of = |row: &&Value| row["server"].as_str().unwrap().starts_with(name);
        let stored = rows.iter().filter(is_of).filter(|row| row["kind"] == "store").count();
        let expected = if missing.iter().any(|one| one == program) { 0 } else { servers };
        assert_eq!(stored, expected, "{program} in {line}");
    }
    for kind in ["store", "ack", "fanout", "drain"] {
        let own = rows.iter().find(|row| row["kind"] == kind && row["server"] == "adsum");
        assert_eq!(own.unwrap()["rate_ratio"], 1.0, "{kind} in {line}");
    }
    for row in rows {
        assert!(row["rate_per_s"].as_f64().unwrap() > 0.0, "{row}");
        assert!(row["rate_ratio"].as_f64().unwrap() > 0.0, "{row}");
    }
    assert!(line["yardsticks"]["quic_pipelined_per_s"].as_f64().unwrap() > 0.0, "{line}");
}

#[test]
fn all_writes_a_table_beside_what_was_written_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let flags = ["--scale", "0.005", "--runs", "1", "--only", "drain,ack"];
    let output = succeed(&[&["bench", "all", "--json", "--out", out][..], &flags].concat());
    let told = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&Value> = lines.iter().map(|line| &line["workload"]).collect();
    assert_eq!(names, ["ack", "drain"]);
    let table = std::fs::read_to_string(folder.path().join("BENCHMARKS.md")).unwrap();
    assert!(table.contains("| cores | ") && table.contains("| `ack` | 25 | "), "{table}");
    let kept = std::fs::read_to_string(folder.path().join("benchmarks/figures.jsonl")).unwrap();
    assert_eq!(kept, told);
}

#[test]
fn restart_finds_the_log_again() {
    let line = bench("restart", &["--restarts", "2"]);
    assert!(line["n"].as_u64().unwrap() >= 5_000, "{line}");
    assert_eq!(line["restarts"], 2);
}

/// The stages of the way from a request to its answer.
const STAGES: [&str; 7] = ["queue", "decide", "seal", "append", "sync", "route", "write"];

#[test]
fn a_profile_has_each_stage_of_the_way_and_its_counts_fit_together() {
    let line = bench("ack", &["--profile"]);
    let count = |stage: &str| line["profile"][stage]["count"].as_f64().unwrap();
    for stage in STAGES {
        for figure in ["share", "us_each", "count", "us_mean", "us_p50", "us_p99"] {
            let found = line["profile"][stage][figure].as_f64();
            assert!(found.is_some_and(|found| found > 0.0), "{stage} {figure} in {line}");
        }
    }
    // One message after the other: each is handed over and committed by itself.
    for stage in ["queue", "seal", "append", "sync"] {
        let missed = count(stage) - line["n"].as_f64().unwrap();
        assert!(missed.abs() < 0.5, "{stage} in {line}");
    }
    // What is counted behind an answer may be read before or after it. A round may also find nothing but what is due.
    assert!((count("write") - count("queue")).abs() <= 1.0, "{line}");
    assert!(count("decide") >= count("sync"), "{line}");
    assert!((count("decide") - count("route")).abs() <= 1.0, "{line}");
    assert!(bench("ack", &[])["profile"].is_null());
}

#[test]
fn people_are_told_where_the_time_goes() {
    let arguments = ["bench", "store", "--profile", "--scale", "0.005", "--runs", "1"];
    let text = String::from_utf8(succeed(&arguments).stdout).unwrap();
    let stages: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.trim_start().starts_with("stage"))
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(stages, STAGES, "{text}");
}

#[test]
fn people_get_words_and_ratios() {
    let output = succeed(&["bench", "ack", "--scale", "0.005", "--runs", "3"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("of 3 runs: "), "{text}");
    assert!(text.starts_with("ack ") && text.contains("durable"), "{text}");
    assert!(text.contains("fdatasync + QUIC ping, p50"), "{text}");
}

#[test]
fn a_kept_store_verifies_and_others_are_removed() {
    let outer = tempfile::tempdir().unwrap();
    let (kept, gone) = (outer.path().join("kept"), outer.path().join("gone"));
    bench("store", &["--data", gone.to_str().unwrap()]);
    assert!(!gone.exists());
    let line = bench("store", &["--keep-data", "--data", kept.to_str().unwrap()]);
    assert_eq!(line["data"], kept.to_str().unwrap());
    succeed(&["log", "verify", "--data", kept.to_str().unwrap()]);
}

#[test]
fn a_running_server_is_measured_by_open_enrollment_or_by_invite() {
    for open in [true, false] {
        let data = tempfile::tempdir().unwrap();
        let server = Server::start(data.path(), open);
        let mut flags = vec!["--server", server.text("address"), "--http", server.text("http")];
        if !open {
            flags.extend(["--invite", server.text("invite")]);
        }
        let line = bench("publish", &flags);
        assert_eq!(line["n"], 1_000);
        assert!(line["events_per_commit_mean"].as_f64().unwrap() >= 1.0, "{line}");
    }
}

#[test]
fn a_running_server_where_watchers_wait_is_measured_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), true);
    // Its default is to ask the presentity; the load's own presentities let everybody watch.
    let line = bench("fanout", &["--server", server.text("address")]);
    assert!(line["n"].as_u64().unwrap() > 0, "{line}");
}

#[test]
fn what_cannot_be_measured_is_said_by_its_own_exit_code() {
    let full = tempfile::tempdir().unwrap();
    std::fs::write(full.path().join("mine"), "x").unwrap();
    let data = full.path().to_str().unwrap();
    let cases: [(&[&str], i32); 6] = [
        (&["bench", "store", "--data", data], 2),
        (&["bench", "restart", "--server", "127.0.0.1:9"], 2),
        (&["bench", "idle", "--server", "127.0.0.1:9"], 2),
        (&["bench", "ack", "--server", "127.0.0.1:9"], 3),
        (&["bench", "ack", "--server", "127.0.0.1:9", "--profile"], 2),
        (&["bench", "restart", "--profile"], 2),
    ];
    for (arguments, code) in cases {
        let output = adsum(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
    assert!(full.path().join("mine").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_bench_leaves_nothing_behind() {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("store");
    let path = data.to_str().unwrap();
    let mut bench = adsum(&["bench", "store", "--count", "100000000", "--data", path])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the server runs", || servers_on(path) > 0);
    let id = bench.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(bench.wait().unwrap().code(), Some(1));
    wait_until("the server is gone", || servers_on(path) == 0);
    assert!(!data.exists());
}

/// Servers whose arguments name the store in `path`.
fn servers_on(path: &str) -> usize {
    let arguments = |entry: std::fs::DirEntry| std::fs::read(entry.path().join("cmdline")).ok();
    let processes = std::fs::read_dir("/proc").unwrap().flatten().filter_map(arguments);
    let serves = |line: &Vec<u8>| {
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        words.contains(&b"serve".as_slice()) && words.contains(&path.as_bytes())
    };
    processes.filter(serves).count()
}

/// Waits for something that must come; a minute is for machines that do much else.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_mins(1), "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A server of the test's own.
struct Server {
    process: Child,
    line: Value,
}

impl Server {
    fn start(data: &Path, open_enrollment: bool) -> Self {
        let data = data.to_str().unwrap();
        let mut arguments = vec!["serve", "--json", "--data", data];
        arguments.extend(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
        arguments.extend(open_enrollment.then_some("--open-enrollment"));
        let mut command = adsum(&arguments);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, line: serde_json::from_str(&line).unwrap() }
    }

    fn text(&self, field: &str) -> &str {
        self.line[field].as_str().unwrap_or_else(|| panic!("no {field} in {}", self.line))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn soak_removes_what_is_over_while_it_serves() {
    let line = bench("soak", &["--count", "4000000", "--keep", "1000"]);
    let number = |name: &str| line[name].as_f64().unwrap_or_else(|| panic!("{name} in {line}"));
    assert_eq!(line["n"], 20_000);
    assert!(number("cuts") >= 1.0 && number("cuts_failed") < 1.0, "{line}");
    assert!(number("cut_bytes") > 0.0 && number("carried_bytes") > 0.0, "{line}");
    assert!(number("longest_ms") > 0.0 && number("memory_bytes_max") > 0.0, "{line}");
    assert!(number("disk_longest_ms") > 0.0, "{line}");
}
