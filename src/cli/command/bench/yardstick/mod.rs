//! What this machine can do at best, measured in the same run: its disk without a log, its QUIC without a service.
//!
//! Must never hold: a figure of another run or another machine.

mod bare;
mod disk;
mod echo;

use std::path::Path;

use serde::Serialize;

pub(super) use bare::Bare;
pub(super) use echo::serve;

use super::samples::{median, rounded};
use crate::cli::run::failure::Failure;

/// Events of a group where the bench's own commits could not be counted.
const GROUP_UNKNOWN: usize = 256;

/// The four yardsticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Yardsticks {
    /// Appending 200 bytes to a file and syncing it.
    pub(super) fdatasync_p50_ms: f64,
    /// 200-byte events appended to a file in groups, each group synced.
    pub(super) append_per_s: f64,
    /// Events of such a group: as many as the bench's own median commit.
    pub(super) append_group: usize,
    /// Round trip of 200 bytes over QUIC.
    pub(super) quic_ping_p50_ms: f64,
    /// Round trips of 200 bytes with 64 on their way.
    pub(super) quic_pipelined_per_s: f64,
}

/// Measures the disk that `folder` is on and the QUIC of this machine. Takes about two seconds.
pub(super) async fn take(
    folder: &Path,
    commit_median: Option<f64>,
    scale: f64,
) -> Result<Yardsticks, Failure> {
    let append_group = commit_median.map_or(GROUP_UNKNOWN, group_of);
    let disk = disk::measure(folder, append_group, scale)?;
    let echo = echo::measure(scale).await?;
    Ok(Yardsticks {
        fdatasync_p50_ms: rounded(disk.fdatasync_p50_ms),
        append_per_s: rounded(disk.append_per_s),
        append_group,
        quic_ping_p50_ms: rounded(echo.ping_p50_ms),
        quic_pipelined_per_s: rounded(echo.pipelined_per_s),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a commit holds a positive number of events, far below 2^52"
)]
fn group_of(commit_median: f64) -> usize {
    commit_median.round().max(1.0) as usize
}

impl Yardsticks {
    /// The median of each.
    pub(super) fn median(all: &[Self]) -> Self {
        let of = |each: fn(&Self) -> f64| median(all.iter().map(each));
        let mut groups: Vec<usize> = all.iter().map(|one| one.append_group).collect();
        groups.sort_unstable();
        Self {
            fdatasync_p50_ms: of(|one| one.fdatasync_p50_ms),
            append_per_s: of(|one| one.append_per_s),
            append_group: groups.get(groups.len() / 2).copied().unwrap_or_default(),
            quic_ping_p50_ms: of(|one| one.quic_ping_p50_ms),
            quic_pipelined_per_s: of(|one| one.quic_pipelined_per_s),
        }
    }
}
