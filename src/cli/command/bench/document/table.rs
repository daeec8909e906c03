//! The figures of all workloads as tables of Markdown.
//!
//! Must never hold: a figure that is in no line.

use std::fmt::Write as _;

use serde_json::Value;

/// Fields of a line that have columns of their own, or tell what the columns tell.
const IN_COLUMNS: [&str; 12] = [
    "workload",
    "n",
    "secs",
    "rate_per_s",
    "p50_ms",
    "p99_ms",
    "durable",
    "yardsticks",
    "ratios",
    "runs_per_s",
    "spread",
    "data",
];

/// A table with a row for each of `lines`, one with the yardsticks of each, and what else each tells.
pub(super) fn of(lines: &[Value]) -> String {
    let mut text = String::new();
    let write = "writing to a string cannot fail";
    writeln!(text, "| workload | n | a second | p50 ms | p99 ms | × QUIC echo | × raw file | p50 × (sync + ping) | durable |")
        .expect(write);
    writeln!(text, "|---|---|---|---|---|---|---|---|---|").expect(write);
    for line in lines {
        let ratio = |name: &str| figure(&line["ratios"][name]);
        writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} | {} | {} | {} |",
            name(line),
            figure(&line["n"]),
            ranged(line, "rate_per_s"),
            ranged(line, "p50_ms"),
            ranged(line, "p99_ms"),
            ratio("rate_to_quic"),
            ratio("rate_to_append"),
            ratio("p50_to_sync_and_ping"),
            if line["durable"] == true { "yes" } else { "no" },
        )
        .expect(write);
    }
    writeln!(text, "\n| yardsticks behind | fdatasync p50 ms | raw file, synced, a second | in groups of | QUIC ping p50 ms | QUIC echo a second |")
        .expect(write);
    writeln!(text, "|---|---|---|---|---|---|").expect(write);
    for line in lines {
        let (sticks, spread) = (&line["yardsticks"], &line["spread"]["yardsticks"]);
        let stick = |name: &str| with_range(&sticks[name], &spread[name]);
        writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} |",
            name(line),
            stick("fdatasync_p50_ms"),
            stick("append_per_s"),
            figure(&sticks["append_group"]),
            stick("quic_ping_p50_ms"),
            stick("quic_pipelined_per_s"),
        )
        .expect(write);
    }
    for line in lines {
        beside(line, &mut text);
    }
    text
}

/// What `line` tells beside the columns: single figures in one row, each group of them in one of its own.
fn beside(line: &Value, text: &mut String) {
    let Some(fields) = line.as_object() else { return };
    let others = || fields.iter().filter(|(name, _)| !IN_COLUMNS.contains(&name.as_str()));
    let single: Vec<String> = others()
        .filter(|(_, value)| !value.is_object() && !value.is_null())
        .map(|(name, value)| format!("{name} {}", figure(value)))
        .collect();
    let write = "writing to a string cannot fail";
    writeln!(text, "\n`{}`: {}.", name(line), single.join(", ")).expect(write);
    let mut before: Vec<&str> = Vec::new();
    for (row, group) in others().filter_map(|(name, group)| Some((name, group.as_object()?))) {
        let columns: Vec<&str> = group.keys().map(String::as_str).collect();
        // Groups that tell the same stand in one table.
        if columns != before {
            let lines = "---|".repeat(columns.len());
            writeln!(text, "\n| | {} |\n|---|{lines}", columns.join(" | ")).expect(write);
            before = columns;
        }
        let cells: Vec<String> = group.values().map(figure).collect();
        writeln!(text, "| {row} | {} |", cells.join(" | ")).expect(write);
    }
}

fn name(line: &Value) -> &str {
    line["workload"].as_str().unwrap_or_default()
}

/// The figure `field`, and between which ends its runs lay.
fn ranged(line: &Value, field: &str) -> String {
    with_range(&line[field], &line["spread"][field])
}

fn with_range(value: &Value, range: &Value) -> String {
    let told = figure(value);
    let [min, max] = ["min", "max"].map(|end| figure(&range[end]));
    if min == max { told } else { format!("{told} ({min} to {max})") }
}

/// As many digits as tell something.
fn figure(value: &Value) -> String {
    match value.as_f64() {
        None if value.is_null() => String::new(),
        None => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        Some(number) if value.is_f64() => digits(number),
        Some(number) => grouped(&format!("{number:.0}")),
    }
}

fn digits(number: f64) -> String {
    match number.abs() {
        large if large >= 1_000.0 => grouped(&format!("{number:.0}")),
        middle if middle >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.3}"),
    }
}

/// `text`, digits of a number, with a comma before each three.
fn grouped(text: &str) -> String {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let mut grouped = String::from(sign);
    for (place, digit) in text.chars().enumerate() {
        if place > 0 && (text.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_are_told_with_as_many_digits_as_tell_something() {
        let told = |value: Value| figure(&value);
        assert_eq!(told(json!(200_000)), "200,000");
        assert_eq!(told(json!(1_234.56)), "1,235");
        assert_eq!(told(json!(0.1234)), "0.123");
        assert_eq!(told(json!(-1_234.5)), "-1,234");
        assert_eq!(told(json!(12)), "12");
        assert_eq!(told(Value::Null), "");
    }

    #[test]
    fn each_line_has_a_row_its_yardsticks_and_what_else_it_tells() {
        let line = json!({
            "workload": "load", "n": 5, "rate_per_s": 2_000.0, "p50_ms": 1.0, "p99_ms": 2.0, "durable": true,
            "yardsticks": {"fdatasync_p50_ms": 0.25, "append_group": 8},
            "ratios": {"rate_to_quic": 0.5},
            "spread": {"rate_per_s": {"min": 1_000.0, "max": 3_000.0}, "p50_ms": {"min": 1.0, "max": 1.0}},
            "most_per_s": 9_000.0, "nothing": null,
            "at_10_percent": {"p50_ms": 0.5}, "at_20_percent": {"p50_ms": 0.75}, "crowd": {"watchers": 7},
        });
        let text = of(&[line]);
        assert!(
            text.contains("| `load` | 5 | 2,000 (1,000 to 3,000) | 1.000 | 2.000 | 0.500 |"),
            "{text}"
        );
        assert!(text.contains("| `load` | 0.250 |"), "{text}");
        assert!(text.contains("`load`: most_per_s 9,000.\n"), "{text}");
        assert!(text.contains("| at_10_percent | 0.500 |\n| at_20_percent | 0.750 |\n"), "{text}");
        assert!(text.contains("| | watchers |\n|---|---|\n| crowd | 7 |\n"), "{text}");
    }
}
