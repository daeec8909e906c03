//! What the server counts itself, read from its `/metrics`.
//!
//! Must never hold: a second client of HTTP's many ways. This asks once and reads to the end.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Most bytes taken of an answer.
const TEXT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// How many commits had at most how many events: cumulative, in order of the bound.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Commits {
    buckets: Vec<(f64, f64)>,
    count: f64,
    sum: f64,
}

impl Commits {
    /// Asks the server whose HTTP side is at `address`. Nothing if it does not answer.
    pub(super) async fn of(address: SocketAddr) -> Option<Self> {
        text(address).await.map(|text| Self::read(&text))
    }

    fn read(text: &str) -> Self {
        let mut commits = Self::default();
        for line in text.lines() {
            let Some(rest) = line.strip_prefix("adsum_events_per_commit_") else { continue };
            let Some((name, value)) = rest.rsplit_once(' ') else { continue };
            let Ok(value) = value.parse::<f64>() else { continue };
            match name {
                "count" => commits.count = value,
                "sum" => commits.sum = value,
                name => commits.buckets.extend(bound(name).map(|bound| (bound, value))),
            }
        }
        commits
    }

    /// What came to it since `earlier`.
    pub(super) fn since(&self, earlier: &Self) -> Self {
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

    /// Events of the median commit, as near as the buckets tell; `None` if there was no commit.
    pub(super) fn median(&self) -> Option<f64> {
        let half = self.count / 2.0;
        let (mut floor, mut below) = (0.0, 0.0);
        for (bound, count) in &self.buckets {
            if self.count > 0.0 && *count >= half && bound.is_finite() {
                let share = (half - below) / (count - below).max(1.0);
                return Some((floor + share * (bound - floor)).max(1.0));
            }
            (floor, below) = (*bound, *count);
        }
        (self.count > 0.0).then(|| self.sum / self.count)
    }

    /// Events of the average commit; `None` if there was no commit.
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

/// The bound of a bucket's line, such as `bucket{le="2.0"}`.
fn bound(name: &str) -> Option<f64> {
    let text = name.strip_prefix("bucket{le=\"")?.strip_suffix("\"}")?;
    if text == "+Inf" { Some(f64::INFINITY) } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "HTTP/1.1 200 OK\r\n\r\n# TYPE adsum_events_per_commit histogram\n\
        adsum_events_per_commit_sum 600.0\nadsum_events_per_commit_count 6\n\
        adsum_events_per_commit_bucket{le=\"1.0\"} 0\nadsum_events_per_commit_bucket{le=\"2.0\"} 2\n\
        adsum_events_per_commit_bucket{le=\"4.0\"} 4\nadsum_events_per_commit_bucket{le=\"+Inf\"} 6\n";

    #[test]
    fn the_median_commit_is_read_from_the_servers_own_buckets() {
        let commits = Commits::read(TEXT);
        assert_eq!((commits.median(), commits.mean()), (Some(3.0), Some(100.0)));
    }

    #[test]
    fn only_what_came_since_counts() {
        let earlier = Commits::read(TEXT);
        assert_eq!(earlier.since(&earlier).median(), None);
        let later = TEXT.replace("count 6", "count 8").replace("+Inf\"} 6", "+Inf\"} 8");
        assert_eq!(Commits::read(&later).since(&earlier).mean(), Some(0.0));
        assert_eq!(Commits::read(&later).since(&Commits::default()), Commits::read(&later));
    }
}
