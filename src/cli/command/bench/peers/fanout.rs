//! As `fanout`: one connection publishes, many are told every change, and each counts.
//!
//! Must never hold: bytes of one protocol.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::figures::Figures;
use super::kind::Sizes;
use super::sender::{Sender, Sending};
use crate::cli::command::bench::closed::{Closed, Work};
use crate::cli::command::bench::joined::joined;
use crate::cli::command::bench::link::wrong;
use crate::cli::command::bench::progress::Progress;
use crate::cli::command::bench::samples::Samples;
use crate::cli::run::failure::Failure;

/// Somebody who is told changes.
pub(super) trait Watcher: Send + 'static {
    /// The number of the next change; none of what is no change.
    fn next(&mut self) -> impl Future<Output = Result<Option<u64>, Failure>> + Send;
}

/// A server by which one tells many.
pub(super) trait Fan: Sender + Sized {
    type Watcher: Watcher;

    /// Somebody who publishes.
    fn publisher(address: SocketAddr) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// Watcher `number`, who is told from now on.
    fn watcher(
        address: SocketAddr,
        number: usize,
    ) -> impl Future<Output = Result<Self::Watcher, Failure>> + Send;
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
    let mut publisher = Sending::new(F::publisher(address).await?);
    let work = Work { count: sizes.changes, window: sizes.changes_window };
    let (quiet, progress) =
        (Sent::from([]), Progress::begin("measuring deliveries", sizes.changes));
    let listening = listen(watchers, work.warm_up().count as u64, &quiet);
    publisher.run(work.warm_up(), &progress).await?;
    let (watchers, _) = listening.await?;
    let (began, last) = (Instant::now(), publisher.next + work.count as u64 - 1);
    let listening = listen(watchers, last, &quiet);
    publisher.run(work, &progress).await?;
    let (watchers, _) = listening.await?;
    let time = began.elapsed();
    let deliveries = work.count * watchers.len();
    let samples = paced(&mut publisher, watchers, sizes).await?;
    Ok(Figures::answered(deliveries, time, samples))
}

/// Publishes one change after the other at a distance; returns how long after its sending each was told to each.
async fn paced<F: Fan>(
    publisher: &mut Sending<F>,
    watchers: Vec<F::Watcher>,
    sizes: &Sizes,
) -> Result<Samples, Failure> {
    let progress = Progress::begin("measuring latency", sizes.paced);
    let last = publisher.next + sizes.paced as u64 - 1;
    let sent: Sent = (0..=last).map(|_| OnceLock::new()).collect();
    let listening = listen(watchers, last, &sent);
    let mut clock = tokio::time::interval(Duration::from_millis(sizes.spacing_ms));
    while publisher.next <= last {
        clock.tick().await;
        let place = usize::try_from(publisher.next).ok().and_then(|number| sent.get(number));
        place.map(|place| place.get_or_init(Instant::now));
        publisher.run(Work { count: 1, window: 1 }, &progress).await?;
    }
    Ok(listening.await?.1)
}

/// Lets all `watchers` listen up to change `last`, each in a task of its own.
fn listen<W: Watcher>(
    watchers: Vec<W>,
    last: u64,
    sent: &Sent,
) -> impl Future<Output = Result<(Vec<W>, Samples), Failure>> + use<W> {
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

async fn hear(
    watcher: &mut impl Watcher,
    last: u64,
    sent: &[OnceLock<Instant>],
) -> Result<Samples, Failure> {
    let (mut samples, mut heard) = (Samples::default(), 0);
    while heard < last {
        let Some(number) = watcher.next().await? else { continue };
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
    Ok(samples)
}
