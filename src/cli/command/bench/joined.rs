//! Tasks of the load that run at once, and what each comes back with.
//!
//! Must never hold: what they do.

use tokio::task::JoinSet;

use super::link::wrong;
use super::samples::Samples;
use crate::cli::run::failure::Failure;

/// Waits for all `tasks`; returns what came back, as it came, and all times together.
pub(super) async fn joined<T: 'static>(
    mut tasks: JoinSet<Result<(T, Samples), Failure>>,
) -> Result<(Vec<T>, Samples), Failure> {
    let (mut back, mut all) = (Vec::with_capacity(tasks.len()), Samples::default());
    while let Some(ended) = tasks.join_next().await {
        let (one, samples) = ended.map_err(wrong)??;
        back.push(one);
        all.append(samples);
    }
    Ok((back, all))
}
