//! What the system says of this process, by the names that Prometheus has for it in every program.
//!
//! Must never hold: a figure that is guessed where the system does not tell.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Looks when it is asked.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(figures) = figures() else { return Ok(()) };
        let mut tell = |name, help, metric: &dyn EncodeMetric| {
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        let Figures { cpu_seconds, started_at, resident, virtual_memory, files, threads } = figures;
        let help = "Processor time that the program used";
        tell("process_cpu_seconds", help, &ConstCounter::new(cpu_seconds))?;
        let help = "When the program was started";
        tell("process_start_time_seconds", help, &ConstGauge::new(started_at))?;
        let help = "Memory that the program has";
        tell("process_resident_memory_bytes", help, &ConstGauge::new(resident))?;
        let help = "Addresses that the program has set apart";
        tell("process_virtual_memory_bytes", help, &ConstGauge::new(virtual_memory))?;
        tell("process_threads", "Threads of the program", &ConstGauge::new(threads))?;
        let Some((open, max)) = files else { return Ok(()) };
        tell("process_open_fds", "Files and sockets that are open", &ConstGauge::new(open))?;
        tell("process_max_fds", "Files and sockets that may be open", &ConstGauge::new(max))
    }
}

/// One look at the process.
struct Figures {
    cpu_seconds: f64,
    /// In seconds since 1970.
    started_at: f64,
    resident: i64,
    virtual_memory: i64,
    /// Open, and how many may be.
    files: Option<(i64, i64)>,
    threads: i64,
}

#[cfg(target_os = "linux")]
#[expect(
    clippy::cast_precision_loss,
    reason = "whoever looks at it looks at hundredths of seconds"
)]
fn figures() -> Option<Figures> {
    use procfs::process::{LimitValue, Process};

    let process = Process::myself().ok()?;
    let stat = process.stat().ok()?;
    let seconds = |ticks: u64| ticks as f64 / procfs::ticks_per_second() as f64;
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let files = || {
        let open = i64::try_from(process.fd_count().ok()?).ok()?;
        let max = match process.limits().ok()?.max_open_files.soft_limit {
            LimitValue::Value(max) => signed(max),
            LimitValue::Unlimited => i64::MAX,
        };
        Some((open, max))
    };
    Some(Figures {
        cpu_seconds: seconds(stat.utime + stat.stime),
        started_at: procfs::boot_time_secs().ok()? as f64 + seconds(stat.starttime),
        resident: signed(stat.rss.saturating_mul(procfs::page_size())),
        virtual_memory: signed(stat.vsize),
        files: files(),
        threads: stat.num_threads,
    })
}

/// No `/proc` is known elsewhere.
#[cfg(not(target_os = "linux"))]
fn figures() -> Option<Figures> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use prometheus_client::encoding::text;
    use prometheus_client::registry::Registry;

    #[test]
    fn every_figure_of_this_process_is_told_and_none_is_nothing() {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Process));
        let mut text = String::new();
        text::encode(&mut text, &registry).unwrap();
        let figure = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).parse().unwrap()
        };
        assert!(figure("process_cpu_seconds_total") >= 0.0);
        let of_2023 = 1_700_000_000.0;
        assert!(figure("process_start_time_seconds") > of_2023);
        for name in ["resident_memory_bytes", "virtual_memory_bytes", "threads", "open_fds"] {
            assert!(figure(&format!("process_{name}")) >= 1.0, "{name}");
        }
        assert!(figure("process_open_fds") <= figure("process_max_fds"));
    }
}
