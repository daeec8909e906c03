//! As `fanout`: one connection publishes, many are told every change, and each counts.
//!
//! Must never hold: bytes of one protocol.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::figures::Figures;
use super::kind::Sizes;
use super::talk::{Speech, Talk};
use crate::cli::command::bench::joined::joined;
use crate::cli::command::bench::link::wrong;
use crate::cli::command::bench::progress::Progress;
use crate::cli::command::bench::pump::Work;
use crate::cli::command::bench::samples::Samples;
use crate::cli::run::failure::Failure;

/// A protocol in which one tells many.
pub(super) trait Fan: Speech + Sized + 'static {
    /// Whether it answers who publishes. If not, all is published without waiting.
    const IS_ANSWERED: bool;

    /// Somebody who publishes.
    fn publisher(address: SocketAddr) -> impl Future<Output = Result<Talk<Self>, Failure>> + Send;

    /// Watcher `number`, who is told from now on.
    fn watcher(
        address: SocketAddr,
        number: usize,
    ) -> impl Future<Output = Result<Talk<Self>, Failure>> + Send;

    /// The number of the change that `said` tells.
    fn delivered(said: &Self::Said) -> Option<u64>;

    /// Appends the watcher's answer to what it was told, if it must give one.
    fn thank(_said: &Self::Said, _out: &mut Vec<u8>) {}
}

/// When each change was sent, by its number.
type Sent = Arc<[OnceLock<Instant>]>;

/// Measures it.
pub(super) async fn measure<F: Fan>(
    address: SocketAddr,
    sizes: &Sizes,
) -> Result<Figures, Failure> {
    let mut watchers = Vec::with_capacity(sizes.watchers);
    for number in 0..sizes.watchers {
        watchers.push(F::watcher(address, number).await?);
    }
    let mut publisher = F::publisher(address).await?;
    let work = Work { count: sizes.changes, window: sizes.changes_window };
    let quiet = Sent::from([]);
    let listening = listen(watchers, work.warm_up().count as u64, &quiet);
    tell(&mut publisher, work.warm_up()).await?;
    let (watchers, _) = listening.await?;
    let (began, last) = (Instant::now(), publisher.next() + work.count as u64 - 1);
    let listening = listen(watchers, last, &quiet);
    tell(&mut publisher, work).await?;
    let (watchers, _) = listening.await?;
    let time = began.elapsed();
    let deliveries = work.count * watchers.len();
    let samples = paced(&mut publisher, watchers, sizes).await?;
    Ok(Figures::answered(deliveries, time, samples))
}

/// Publishes as fast as it is answered, or all at once.
async fn tell<F: Fan>(publisher: &mut Talk<F>, work: Work) -> Result<(), Failure> {
    let progress = Progress::begin("measuring deliveries", work.count);
    if F::IS_ANSWERED {
        return publisher.run(work, &progress).await.map(drop);
    }
    publisher.ask_all(work.count).await
}

/// Publishes one change after the other at a distance; returns how long after its sending each was told to each.
async fn paced<F: Fan>(
    publisher: &mut Talk<F>,
    watchers: Vec<Talk<F>>,
    sizes: &Sizes,
) -> Result<Samples, Failure> {
    let progress = Progress::begin("measuring latency", sizes.paced);
    let last = publisher.next() + sizes.paced as u64 - 1;
    let sent: Sent = (0..=last).map(|_| OnceLock::new()).collect();
    let listening = listen(watchers, last, &sent);
    let mut clock = tokio::time::interval(Duration::from_millis(sizes.spacing_ms));
    while publisher.next() <= last {
        clock.tick().await;
        let place = usize::try_from(publisher.next()).ok().and_then(|number| sent.get(number));
        place.map(|place| place.get_or_init(Instant::now));
        publisher.ask().await?;
        while publisher.said_already()?.is_some() {}
        progress.add(1);
    }
    Ok(listening.await?.1)
}

/// Lets all `watchers` listen up to change `last`, each in a task of its own.
fn listen<F: Fan>(
    watchers: Vec<Talk<F>>,
    last: u64,
    sent: &Sent,
) -> impl Future<Output = Result<(Vec<Talk<F>>, Samples), Failure>> + use<F> {
    let mut tasks = JoinSet::new();
    for mut watcher in watchers {
        let sent = Arc::clone(sent);
        tasks.spawn(async move {
            let samples = hear(&mut watcher, last, &sent).await?;
            Ok::<_, Failure>((watcher, samples))
        });
    }
    joined(tasks)
}

async fn hear<F: Fan>(
    watcher: &mut Talk<F>,
    last: u64,
    sent: &[OnceLock<Instant>],
) -> Result<Samples, Failure> {
    let (mut samples, mut thanks, mut heard) = (Samples::default(), Vec::new(), 0);
    while heard < last {
        let mut said = Some(watcher.said().await?);
        while let Some(one) = said {
            F::thank(&one, &mut thanks);
            if let Some(number) = F::delivered(&one) {
                // The first that is heard may be any: what came before was heard in another phase.
                if heard != 0 && number != heard + 1 {
                    return Err(wrong(format!("change {number} came instead of {}", heard + 1)));
                }
                heard = number;
                let place = usize::try_from(number).ok().and_then(|number| sent.get(number));
                if let Some(sent) = place.and_then(OnceLock::get) {
                    samples.add(sent.elapsed());
                }
            }
            said = if heard < last { watcher.said_already()? } else { None };
        }
        if !thanks.is_empty() {
            watcher.write(&thanks).await?;
            thanks.clear();
        }
    }
    Ok(samples)
}
