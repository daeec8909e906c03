//! The same thing done by many, so many of them at once.
//!
//! Must never hold: what it is that they do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::link::wrong;
use super::progress::Progress;
use super::samples::Samples;
use crate::cli::run::failure::Failure;

/// What came of it.
pub(super) struct Many<T> {
    /// Of each, in the order in which they ended.
    pub(super) done: Vec<T>,
    /// From the first beginning to the last end.
    pub(super) time: Duration,
    /// How long each took.
    pub(super) samples: Samples,
}

/// Does all of `ones`, at most `at_once` at a time. The first that fails ends it.
pub(super) async fn many<T, F>(
    what: &str,
    at_once: usize,
    ones: impl ExactSizeIterator<Item = F>,
) -> Result<Many<T>, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let progress = Arc::new(Progress::begin(what, ones.len()));
    let room = Arc::new(Semaphore::new(at_once));
    let mut all = Many {
        done: Vec::with_capacity(ones.len()),
        time: Duration::ZERO,
        samples: Samples::with_capacity(ones.len()),
    };
    let (began, mut tasks) = (Instant::now(), JoinSet::new());
    for one in ones {
        let place = Arc::clone(&room).acquire_owned().await.map_err(wrong)?;
        while let Some(ended) = tasks.try_join_next() {
            all.take(ended.map_err(wrong)??);
        }
        let progress = Arc::clone(&progress);
        tasks.spawn(async move {
            let began = Instant::now();
            let done = one.await?;
            let time = began.elapsed();
            progress.add(1);
            drop(place);
            Ok::<_, Failure>((done, time))
        });
    }
    while let Some(ended) = tasks.join_next().await {
        all.take(ended.map_err(wrong)??);
    }
    all.time = began.elapsed();
    Ok(all)
}

impl<T> Many<T> {
    fn take(&mut self, (done, time): (T, Duration)) {
        self.done.push(done);
        self.samples.add(time);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn no_more_than_so_many_are_at_it_at_once() {
        let (now, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let ones = (0..20).map(|number| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(number)
            }
        });
        let mut all = many("testing", 3, ones).await.unwrap();
        all.done.sort_unstable();
        assert_eq!(all.done, (0..20).collect::<Vec<_>>());
        assert_eq!((all.samples.len(), most.load(Ordering::SeqCst)), (20, 3));
    }

    #[tokio::test]
    async fn the_first_that_fails_ends_it() {
        let ones = (0..3)
            .map(|number| async move { if number == 1 { Err(wrong("a test")) } else { Ok(()) } });
        assert!(many("testing", 1, ones).await.is_err());
    }
}
