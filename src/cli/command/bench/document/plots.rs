//! Which plots are made of the figures: latency against load, and memory against connections.
//!
//! Must never hold: a figure that is in no line.

use serde_json::Value;

use super::plot::{Axis, Plot, Series};

/// A plot to be saved.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    /// The name of its file.
    pub(super) file: &'static str,
    /// What it shows.
    pub(super) title: &'static str,
    /// The picture.
    pub(super) svg: String,
}

/// Those that `lines` have figures for.
pub(super) fn of(lines: &[Value]) -> Vec<Drawn> {
    let idle: Vec<&Value> = named(lines, "idle").collect();
    let load = named(lines, "load").next_back().map(load);
    let plots = [("load.svg", load), ("idle.svg", Some(memory(&idle)))];
    let drawn = plots.into_iter().filter_map(|(file, plot)| {
        let plot = plot?;
        Some(Drawn { file, title: plot.title, svg: plot.svg()? })
    });
    drawn.collect()
}

/// The lines of one workload.
fn named<'a>(lines: &'a [Value], name: &'a str) -> impl DoubleEndedIterator<Item = &'a Value> {
    lines.iter().filter(move |line| line["workload"] == name)
}

/// Latency against load, a line for each part of the answers.
fn load(line: &Value) -> Plot {
    let steps = line.as_object().into_iter().flatten();
    let steps: Vec<&Value> =
        steps.filter(|(name, _)| name.starts_with("at_")).map(|(_, step)| step).collect();
    let series = [("p50", "p50_ms"), ("p99", "p99_ms"), ("p99.9", "p999_ms")];
    let series = series.map(|(name, field)| Series {
        name,
        points: points(&steps, "answered_per_s", |step| step[field].as_f64()),
    });
    Plot {
        title: "Time to a durable answer, from when the message fell due",
        across: Axis { name: "messages a second", is_logarithmic: false },
        up: Axis { name: "milliseconds", is_logarithmic: true },
        series: series.into(),
    }
}

/// Memory of the server against connections, and what of it bare QUIC takes.
fn memory(lines: &[&Value]) -> Plot {
    let each = |field: &'static str| {
        points(lines, "connections", move |line| {
            let all = line[field].as_f64()? * line["connections"].as_f64()?;
            Some(all / 1_048_576.0)
        })
    };
    Plot {
        title: "Memory for idle connections, each with a presence feed and an inbox feed",
        across: Axis { name: "connections", is_logarithmic: false },
        up: Axis { name: "MiB", is_logarithmic: false },
        series: vec![
            Series { name: "adsum", points: each("memory_bytes_each") },
            Series { name: "QUIC alone", points: each("quic_memory_bytes_each") },
        ],
    }
}

/// What each of `rows` says, in order of how far along it lies.
fn points(rows: &[&Value], across: &str, up: impl Fn(&Value) -> Option<f64>) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> =
        rows.iter().filter_map(|row| Some((row[across].as_f64()?, up(row)?))).collect();
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    points
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn there_are_plots_of_what_was_measured() {
        let step = |rate: f64| json!({"answered_per_s": rate, "p50_ms": 1.0, "p99_ms": 2.0, "p999_ms": 3.0});
        let load =
            json!({"workload": "load", "at_90_percent": step(9.0), "at_10_percent": step(1.0)});
        let idle = |count: u32| json!({"workload": "idle", "connections": count, "memory_bytes_each": 9_000.0, "quic_memory_bytes_each": 4_000.0});
        let drawn = of(&[idle(2_000), load, idle(500)]);
        let files: Vec<&str> = drawn.iter().map(|one| one.file).collect();
        assert_eq!(files, ["load.svg", "idle.svg"]);
        assert!(drawn.iter().all(|one| one.svg.matches("<circle").count() >= 4));
        assert!(of(&[json!({"workload": "ack"})]).is_empty());
    }
}
