//! What the operator can measure, as Prometheus text with units in the names.
//!
//! Must never hold: a label whose values a peer chooses, or anything a person wrote.

mod expiry;
mod process;

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub(super) use self::expiry::{Expiries, ShownTo};
use self::process::Process;
use super::stages::Stages;
use crate::commit::Sizes;
use crate::model::{Ahead, Domain, Refusal, Sequence};

/// A label and its value, which is one of few words of this program.
type Label = (&'static str, &'static str);
/// The same of a domain that the operator named.
type OfDomain = (&'static str, String);

/// How an attempt to connect ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handshake {
    /// It is a connection.
    Completed,
    /// The peer gave up or was wrong.
    Failed,
    /// It was told to prove its address first.
    Retried,
    /// It was turned away for lack of room.
    Refused,
}

/// Everything that is counted.
pub(super) struct Metrics {
    registry: Registry,
    /// What every program tells, by names without ours before them.
    of_process: Registry,
    /// Connections that are open.
    pub(super) connections: Gauge,
    /// Changes told to watchers and messages told to readers.
    pub(super) notifications_sent: Counter,
    /// Changes not told because a later one took their place.
    pub(super) notifications_conflated: Counter,
    /// Bytes of the data folder.
    pub(super) disk_bytes: Gauge,
    /// 1 if the beginning of the log could not be cut when it was last tried, else 0.
    pub(super) cut_failed: Gauge,
    /// How old the oldest event is of those that are all kept, in seconds.
    pub(super) log_oldest: Gauge,
    /// 1 while what is new is refused for lack of room on the disk, else 0.
    pub(super) storage_full: Gauge,
    /// How long each stage takes between a request and its answer.
    pub(super) stages: Arc<Stages>,
    answers: Family<[Label; 2], Counter>,
    refusals: Family<[Label; 1], Counter>,
    sync_seconds: Histogram,
    events_per_commit: Histogram,
    inputs_per_round: Histogram,
    inputs_waiting: Gauge,
    log_head: Gauge,
    log_cut_through: Gauge,
    log_cuts: Counter,
    log_cut_bytes: Counter,
    /// Until when the certificates are good.
    pub(super) certificates: Expiries,
    domain_bytes: Family<[OfDomain; 1], Gauge>,
    domain_lives: Family<[OfDomain; 1], Gauge>,
    clock_sets: Gauge,
    clock_ahead: Gauge<f64, AtomicU64>,
    views: Family<[Label; 1], Gauge>,
    feed_opens: Family<[Label; 2], Counter>,
    handshakes: Family<[Label; 1], Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("adsum"),
            of_process: Registry::default(),
            connections: Gauge::default(),
            notifications_sent: Counter::default(),
            notifications_conflated: Counter::default(),
            disk_bytes: Gauge::default(),
            storage_full: Gauge::default(),
            cut_failed: Gauge::default(),
            log_oldest: Gauge::default(),
            stages: Arc::default(),
            answers: Family::default(),
            refusals: Family::default(),
            sync_seconds: Histogram::new(exponential_buckets(0.000_05, 2.0, 16)),
            events_per_commit: Histogram::new(exponential_buckets(1.0, 2.0, 14)),
            inputs_per_round: Histogram::new(exponential_buckets(1.0, 2.0, 14)),
            inputs_waiting: Gauge::default(),
            log_head: Gauge::default(),
            log_cut_through: Gauge::default(),
            log_cuts: Counter::default(),
            log_cut_bytes: Counter::default(),
            certificates: Expiries::default(),
            domain_bytes: Family::default(),
            domain_lives: Family::default(),
            clock_sets: Gauge::default(),
            clock_ahead: Gauge::default(),
            views: Family::default(),
            feed_opens: Family::default(),
            handshakes: Family::default(),
        };
        metrics.register_program();
        metrics.register_edge();
        metrics.register_core();
        metrics.register_keeper();
        metrics
    }
}

impl Metrics {
    fn register_program(&mut self) {
        let registry = &mut self.registry;
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program that runs", version);
        let help = "Until when a certificate is good, by who is shown it";
        registry.register(
            "certificate_expires_timestamp_seconds",
            help,
            self.certificates.family(),
        );
        self.of_process.register_collector(Box::new(Process));
    }

    fn register_edge(&mut self) {
        let registry = &mut self.registry;
        registry.register("connections", "Connections that are open", self.connections.clone());
        registry.register("answers", "Answers sent, by kind of request", self.answers.clone());
        registry.register("refusals", "Refusals sent", self.refusals.clone());
        registry.register("handshakes", "Attempts to connect, by outcome", self.handshakes.clone());
        let help = "Feeds opened: from the start, resumed at a cursor, or begun anew";
        registry.register("feed_opens", help, self.feed_opens.clone());
        let help = "Changes and messages told to feeds";
        registry.register("notifications_sent", help, self.notifications_sent.clone());
        let help = "Changes not told because a later one took their place";
        registry.register("notifications_conflated", help, self.notifications_conflated.clone());
    }

    fn register_core(&mut self) {
        let registry = &mut self.registry;
        let help = "Time to append and sync one commit";
        registry.register("sync_seconds", help, self.sync_seconds.clone());
        let help = "Time of each stage between a request and its answer";
        registry.register("stage_seconds", help, self.stages.family());
        registry.register("events_per_commit", "Events a commit", self.events_per_commit.clone());
        registry.register("inputs_per_round", "Requests a round", self.inputs_per_round.clone());
        let help = "Requests that had no room in the last round";
        registry.register("inputs_waiting", help, self.inputs_waiting.clone());
        registry.register("log_head_sequence", "The last event", self.log_head.clone());
        let help = "How often the wall clock was set since the log began";
        registry.register("clock_sets", help, self.clock_sets.clone());
        let help = "How far the wall clock is ahead of elapsed time";
        registry.register("clock_ahead_seconds", help, self.clock_ahead.clone());
        registry.register("view_entries", "Entries of each view", self.views.clone());
        registry.register("disk_bytes", "Bytes of the data folder", self.disk_bytes.clone());
        let help = "Whether what is new is refused for lack of room on the disk";
        registry.register("storage_full", help, self.storage_full.clone());
    }

    fn register_keeper(&mut self) {
        let registry = &mut self.registry;
        let help = "Age of the oldest event of those that are all kept";
        registry.register("log_oldest_seconds", help, self.log_oldest.clone());
        let help = "The last event that was cut away";
        registry.register("log_cut_through_sequence", help, self.log_cut_through.clone());
        registry.register("log_cuts", "Cuts of the log's beginning", self.log_cuts.clone());
        let help = "Bytes of entries that were cut away";
        registry.register("log_cut_bytes", help, self.log_cut_bytes.clone());
        let help = "Whether the log's beginning could not be cut when it was last tried";
        registry.register("log_cut_failed", help, self.cut_failed.clone());
        let help = "Bytes of the log that are of a domain which has a limit, without what is carried because it lives";
        registry.register("log_domain_bytes", help, self.domain_bytes.clone());
        let help = "Bytes that are carried of a domain which has a limit, because they live";
        registry.register("log_domain_lives_bytes", help, self.domain_lives.clone());
    }

    /// The log was cut: entries of so many bytes, through that event.
    pub(super) fn log_cut(&self, bytes: u64, through: Sequence) {
        self.log_cuts.inc();
        self.log_cut_bytes.inc_by(bytes);
        self.log_cut_through.set(signed(through.get()));
    }

    /// A domain that has a limit takes so many bytes: what is held to that, and what lives and is carried beside.
    pub(super) fn log_of_domain(&self, domain: &Domain, (bytes, lives): (u64, u64)) {
        let of = [("domain", domain.as_str().to_owned())];
        self.domain_bytes.get_or_create(&of).set(signed(bytes));
        self.domain_lives.get_or_create(&of).set(signed(lives));
    }

    /// `count` answers of one kind were sent.
    pub(super) fn answered(&self, kind: &'static str, count: u64) {
        self.answers.get_or_create(&[("kind", kind), ("code", "ok")]).inc_by(count);
    }

    /// A request was refused.
    pub(super) fn refused(&self, kind: &'static str, refusal: &Refusal) {
        let code = refusal.code().as_str();
        self.answers.get_or_create(&[("kind", kind), ("code", code)]).inc();
        self.refusals.get_or_create(&[("code", code)]).inc();
    }

    /// A feed was opened.
    pub(super) fn feed_opened(&self, kind: &'static str, outcome: &'static str) {
        self.feed_opens.get_or_create(&[("kind", kind), ("outcome", outcome)]).inc();
    }

    /// An attempt to connect ended.
    pub(super) fn handshake(&self, outcome: Handshake) {
        let outcome = match outcome {
            Handshake::Completed => "completed",
            Handshake::Failed => "failed",
            Handshake::Retried => "retried",
            Handshake::Refused => "refused",
        };
        self.handshakes.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// A round of `inputs` was decided, and left so many `waiting` for the next.
    #[expect(clippy::cast_precision_loss, reason = "a round holds thousands, not 2^52")]
    pub(super) fn round(&self, inputs: usize, waiting: usize) {
        self.inputs_per_round.observe(inputs as f64);
        self.inputs_waiting.set(signed(waiting as u64));
    }

    /// A commit of `events` took `time` to become durable and ends at `head`.
    #[expect(clippy::cast_precision_loss, reason = "a commit holds thousands, not 2^52")]
    pub(super) fn committed(&self, events: usize, time: Duration, head: Sequence) {
        self.events_per_commit.observe(events as f64);
        self.sync_seconds.observe(time.as_secs_f64());
        self.head(head);
    }

    /// The log ends at `head`.
    pub(super) fn head(&self, head: Sequence) {
        self.log_head.set(signed(head.get()));
    }

    /// The wall clock was set so often, and is this far ahead of elapsed time.
    #[expect(clippy::cast_precision_loss, reason = "whoever looks at it looks at seconds")]
    pub(super) fn clock(&self, sets: u64, ahead: Ahead) {
        self.clock_sets.set(signed(sets));
        self.clock_ahead.set(ahead.as_ms() as f64 / 1_000.0);
    }

    /// The views are as large as this.
    pub(super) fn sizes(&self, sizes: &Sizes) {
        let Sizes {
            principals,
            presentities,
            publications,
            subscriptions,
            inboxes,
            messages,
            feeds,
        } = *sizes;
        let entries = [
            ("principals", principals),
            ("presentities", presentities),
            ("publications", publications),
            ("subscriptions", subscriptions),
            ("inboxes", inboxes),
            ("messages", messages),
            ("feeds", feeds),
        ];
        for (view, count) in entries {
            self.views.get_or_create(&[("view", view)]).set(signed(count));
        }
    }

    /// All of it as Prometheus text.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        let written = text::encode_registry(&mut out, &self.registry)
            .and_then(|()| text::encode_registry(&mut out, &self.of_process))
            .and_then(|()| text::encode_eof(&mut out));
        if written.is_err() {
            // Writing to a string fails only if an encoder does; say so rather than half of it.
            out.clear();
            let _ = writeln!(out, "# the metrics cannot be written");
        }
        out
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::stages::Stage;

    /// With something in each family, so that the text names every metric.
    fn filled() -> Metrics {
        let metrics = Metrics::default();
        metrics.answered("send", 3);
        metrics.refused("publish", &Refusal::StaleTag);
        metrics.feed_opened("presence", "resumed");
        metrics.handshake(Handshake::Retried);
        metrics.committed(5, Duration::from_micros(200), Sequence::new(9));
        metrics.round(7, 2);
        metrics.certificates.set(ShownTo::Everybody, 1_700_000_000);
        metrics.stages.took(Stage::Route, Duration::from_micros(3));
        metrics.clock(3, Ahead::from_ms(-1_500));
        metrics.sizes(&Sizes { messages: 4, ..Sizes::default() });
        metrics.log_cut(700, Sequence::new(3));
        metrics.log_of_domain(&"d.example".parse().unwrap(), (80, 9));
        metrics
    }

    #[test]
    fn every_metric_is_named_with_its_unit() {
        let text = filled().text();
        for line in [
            "adsum_connections 0",
            "adsum_answers_total{kind=\"send\",code=\"ok\"} 3",
            "adsum_answers_total{kind=\"publish\",code=\"stale-tag\"} 1",
            "adsum_refusals_total{code=\"stale-tag\"} 1",
            "adsum_feed_opens_total{kind=\"presence\",outcome=\"resumed\"} 1",
            "adsum_handshakes_total{outcome=\"retried\"} 1",
            "adsum_log_head_sequence 9",
            "adsum_sync_seconds_count 1",
            "adsum_stage_seconds_count{stage=\"queue\"} 0",
            "adsum_stage_seconds_count{stage=\"route\"} 1",
            "adsum_events_per_commit_sum 5.0",
            "adsum_view_entries{view=\"messages\"} 4",
            "adsum_notifications_sent_total 0",
            "adsum_notifications_conflated_total 0",
            "adsum_disk_bytes 0",
            "adsum_storage_full 0",
            "adsum_log_oldest_seconds 0",
            "adsum_log_cut_through_sequence 3",
            "adsum_log_cuts_total 1",
            "adsum_log_cut_bytes_total 700",
            "adsum_log_cut_failed 0",
            "adsum_log_domain_bytes{domain=\"d.example\"} 80",
            "adsum_log_domain_lives_bytes{domain=\"d.example\"} 9",
            "adsum_clock_sets 3",
            "adsum_clock_ahead_seconds -1.5",
            "adsum_inputs_waiting 2",
            "adsum_certificate_expires_timestamp_seconds{shown_to=\"everybody\"} 1700000000",
            concat!("adsum_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
            "# TYPE process_start_time_seconds gauge",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    /// A metric as its lines describe it: what it is, and the names of its labels.
    fn row(text: &str, name: &str) -> String {
        let said = |what: &str| {
            let line = format!("# {what} {name} ");
            text.lines().find_map(|found| found.strip_prefix(&line)).unwrap_or_default()
        };
        let sample = text.lines().find(|line| line.starts_with(name) && line.contains('{'));
        let labels = sample
            .and_then(|line| line.split_once('{')?.1.split_once('}'))
            .map_or("", |found| found.0);
        let labels: Vec<_> = labels
            .split(',')
            .filter_map(|label| label.split_once('='))
            .filter(|(label, _)| *label != "le")
            .map(|(label, _)| format!("`{label}`"))
            .collect();
        let kind = said("TYPE");
        // A counter and what tells of the program are asked for by longer names than they have.
        let asked = match kind {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        };
        let help = said("HELP").trim_end_matches('.');
        format!("| `{asked}` | {kind} | {} | {help} |\n", labels.join(", "))
    }

    #[test]
    fn every_metric_stands_in_the_document() {
        let text = filled().text();
        let mut names: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
            .collect();
        names.sort_unstable();
        let rows: String = names.into_iter().map(|name| row(&text, name)).collect();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/METRICS.md");
        let document = std::fs::read_to_string(path).unwrap();
        let (begin, end) = ("| --- | --- | --- | --- |\n", "\n<!-- the table ends -->");
        let (before, rest) = document.split_once(begin).unwrap();
        let (table, after) = rest.split_once(end).unwrap();
        if std::env::var("ADSUM_GOLDEN").is_ok_and(|value| value == "write") {
            std::fs::write(path, [before, begin, &rows, end, after].concat()).unwrap();
        } else {
            assert_eq!(table, rows, "ADSUM_GOLDEN=write cargo test --lib metrics writes the table");
        }
    }
}
