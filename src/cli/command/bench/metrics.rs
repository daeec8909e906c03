//! What the server counts itself, read from its `/metrics`.
//!
//! Must never hold: a second client of HTTP's many ways. This asks once and reads to the end.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The stages of the way from a request to its answer, as the server calls them.
pub(super) const STAGES: [&str; 7] =
    ["queue", "decide", "seal", "append", "sync", "route", "write"];
/// Most bytes taken of an answer.
const TEXT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What one of its histograms has: how many values were at most how large, cumulative, in order of the bound.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Histogram {
    buckets: Vec<(f64, f64)>,
    count: f64,
    sum: f64,
}

/// What the server had counted at some moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counted {
    /// Events of each commit.
    pub(super) commits: Histogram,
    /// Seconds of each stage between a request and its answer, in order of the way.
    pub(super) stages: [Histogram; STAGES.len()],
}

impl Counted {
    /// Asks the server whose HTTP side is at `address`. Nothing if it does not answer.
    pub(super) async fn of(address: SocketAddr) -> Option<Self> {
        text(address).await.map(|text| Self::read(&text))
    }

    fn read(text: &str) -> Self {
        let commits = Histogram::read(text, "adsum_events_per_commit", None);
        let stages = STAGES.map(|stage| Histogram::read(text, "adsum_stage_seconds", Some(stage)));
        Self { commits, stages }
    }

    /// What came to it since `earlier`.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let commits = self.commits.since(&earlier.commits);
        let stages = core::array::from_fn(|at| self.stages[at].since(&earlier.stages[at]));
        Self { commits, stages }
    }
}

impl Histogram {
    /// The one called `name`, of that `stage` if it has one for each.
    fn read(text: &str, name: &str, stage: Option<&str>) -> Self {
        let mut histogram = Self::default();
        for line in text.lines() {
            let Some(rest) = line.strip_prefix(name).and_then(|rest| rest.strip_prefix('_')) else {
                continue;
            };
            let Some((rest, value)) = rest.rsplit_once(' ') else { continue };
            let Ok(value) = value.parse::<f64>() else { continue };
            let (part, labels) = rest.split_once('{').unwrap_or((rest, ""));
            if stage.is_some_and(|stage| label(labels, "stage") != Some(stage)) {
                continue;
            }
            match part {
                "count" => histogram.count = value,
                "sum" => histogram.sum = value,
                _ => histogram.buckets.extend(bound(labels).map(|bound| (bound, value))),
            }
        }
        histogram
    }

    /// What came to it since `earlier`.
    fn since(&self, earlier: &Self) -> Self {
        let before = |bound: f64| {
            let same = |(other, _): &&(f64, f64)| other.total_cmp(&bound).is_eq();
            earlier.buckets.iter().find(same).map_or(0.0, |(_, count)| *count)
        };
        let buckets = self.buckets.iter();
        Self {
            buckets: buckets.map(|(bound, count)| (*bound, count - before(*bound))).collect(),
            count: self.count - earlier.count,
            sum: self.sum - earlier.sum,
        }
    }

    /// How many values there are.
    pub(super) fn count(&self) -> f64 {
        self.count
    }

    /// All values together.
    pub(super) fn sum(&self) -> f64 {
        self.sum
    }

    /// What `share` of the values stayed under, as near as the buckets tell; `None` if there are none.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        let wanted = self.count * share;
        let (mut floor, mut below) = (0.0, 0.0);
        for (bound, count) in &self.buckets {
            if self.count > 0.0 && *count >= wanted && bound.is_finite() {
                let part = (wanted - below) / (count - below).max(1.0);
                return Some(floor + part * (bound - floor));
            }
            (floor, below) = (*bound, *count);
        }
        self.mean()
    }

    /// The average value; `None` if there are none.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }
}

/// The text at `address`. Nothing if it does not answer.
async fn text(address: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut text = String::new();
    stream.take(TEXT_BYTES_MAX).read_to_string(&mut text).await.ok()?;
    Some(text)
}

/// The metric `name`, which has no labels, at `address`.
pub(super) async fn number(address: SocketAddr, name: &str) -> Option<f64> {
    let text = text(address).await?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.trim().parse().ok()
}

/// The bound of a bucket, by its labels.
fn bound(labels: &str) -> Option<f64> {
    let text = label(labels, "le")?;
    if text == "+Inf" { Some(f64::INFINITY) } else { text.parse().ok() }
}

/// The value of a label, none of which has a comma or a quotation mark in it here.
fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = labels.trim_end_matches('}').split(',');
    pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "HTTP/1.1 200 OK\r\n\r\n# TYPE adsum_events_per_commit histogram\n\
        adsum_events_per_commit_sum 600.0\nadsum_events_per_commit_count 6\n\
        adsum_events_per_commit_bucket{le=\"1.0\"} 0\nadsum_events_per_commit_bucket{le=\"2.0\"} 2\n\
        adsum_events_per_commit_bucket{le=\"4.0\"} 4\nadsum_events_per_commit_bucket{le=\"+Inf\"} 6\n";

    fn commits(text: &str) -> Histogram {
        Counted::read(text).commits
    }

    #[test]
    fn the_median_commit_is_read_from_the_servers_own_buckets() {
        let commits = commits(TEXT);
        assert_eq!((commits.quantile(0.5), commits.mean()), (Some(3.0), Some(100.0)));
    }

    #[test]
    fn only_what_came_since_counts() {
        let earlier = Counted::read(TEXT);
        assert_eq!(earlier.since(&earlier).commits.quantile(0.5), None);
        let later = TEXT.replace("count 6", "count 8").replace("+Inf\"} 6", "+Inf\"} 8");
        let later = Counted::read(&later);
        assert_eq!(later.since(&earlier).commits.mean(), Some(0.0));
        assert_eq!(later.since(&Counted::default()), later);
    }

    #[test]
    fn each_stage_has_a_histogram_of_its_own() {
        let text = "adsum_stage_seconds_sum{stage=\"sync\"} 0.5\n\
            adsum_stage_seconds_count{stage=\"sync\"} 4\n\
            adsum_stage_seconds_bucket{le=\"0.25\",stage=\"sync\"} 4\n\
            adsum_stage_seconds_count{stage=\"route\"} 9\n";
        let counted = Counted::read(text);
        let counts = counted.stages.each_ref().map(Histogram::count);
        assert_eq!(counts.map(|count| count.to_string()), ["0", "0", "0", "0", "4", "9", "0"]);
        let sync = &counted.stages[4];
        assert_eq!((sync.sum(), sync.quantile(0.99)), (0.5, Some(0.2475)));
    }
}
