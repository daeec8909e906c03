//! What a greedy session asks for, each kind as fast as it is let.
//!
//! Must never hold: a figure of the bystander's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::cli::command::bench::link::{Dialer, Link, presence_from};
use crate::cli::run::failure::Failure;
use crate::client::connection::FeedEvent;
use crate::client::{ControlEvent, Credentials};
use crate::model::limits::{BODY_BYTES_MAX, FEEDS_MAX, LIFETIME_MS_MIN, REQUESTS_IN_FLIGHT_MAX};
use crate::model::{AccessRule, Handling, Who};
use crate::protocol::{Field as _, body};
use crate::wire;

/// Questions at once on streams of their own: below what a connection may have open.
const QUESTIONS: usize = 32;
/// Large requests that are unanswered at once: more than of one principal may wait.
const LARGE_SENDS: usize = 16;
/// Between two ends of what the expiry storm sends.
const STORM_MS: u64 = 500;
/// How long a greedy session is at it before somebody is measured beside it.
const SETTLING: Duration = Duration::from_millis(200);

/// Who the greedy session is, and whom it can bother.
pub(super) struct Cast {
    pub(super) greedy: Credentials,
    /// Inboxes of people who are away.
    pub(super) inboxes: Arc<[String]>,
    /// Presentities that it does not watch.
    pub(super) others: Arc<[String]>,
}

/// What it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greed {
    LargeSends,
    SmallSends,
    RuleChanges,
    BroadRules,
    FeedChurn,
    WatcherLists,
    PastFetches,
    History,
    Subscriptions,
    ExpiryStorms,
}

/// A greedy session that is at it, until it is dropped.
pub(super) struct Greedy {
    tasks: JoinSet<Result<(), Failure>>,
}

/// How much was answered with yes, and how much with no.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) answered: AtomicU64,
    pub(super) refused: AtomicU64,
}

impl Tally {
    fn count(&self, is_yes: bool) {
        let count = if is_yes { &self.answered } else { &self.refused };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Greedy {
    /// Stops, and waits until the server has rested from it.
    pub(super) async fn end(mut self) {
        self.tasks.shutdown().await;
        tokio::time::sleep(SETTLING).await;
    }
}

impl Greed {
    /// Every kind.
    pub(super) const ALL: [Self; 10] = [
        Self::LargeSends,
        Self::SmallSends,
        Self::RuleChanges,
        Self::BroadRules,
        Self::FeedChurn,
        Self::WatcherLists,
        Self::PastFetches,
        Self::History,
        Self::Subscriptions,
        Self::ExpiryStorms,
    ];

    /// Its name in the figures.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::LargeSends => "large_sends",
            Self::SmallSends => "small_sends",
            Self::RuleChanges => "rule_changes",
            Self::BroadRules => "broad_rules",
            Self::FeedChurn => "feed_churn",
            Self::WatcherLists => "watcher_lists",
            Self::PastFetches => "past_fetches",
            Self::History => "history",
            Self::Subscriptions => "subscriptions",
            Self::ExpiryStorms => "expiry_storms",
        }
    }

    /// How long it takes until all of what it does is going on: a storm sends before anything ends.
    fn settling(self) -> Duration {
        match self {
            Self::ExpiryStorms => Duration::from_millis(LIFETIME_MS_MIN + STORM_MS),
            _ => SETTLING,
        }
    }

    /// A session of its own that asks for it, for the time number `round`, and counts into `count`. It is well at it when
    /// this returns.
    pub(super) async fn begin(
        self,
        dialer: &Dialer,
        cast: &Cast,
        round: usize,
        count: &Arc<Tally>,
    ) -> Result<Greedy, Failure> {
        let link = dialer.enter(&cast.greedy).await?;
        let mut tasks = JoinSet::new();
        let presentity = cast.greedy.principal().presentity().to_string();
        match self {
            Self::FeedChurn => churn(link, &mut tasks, count),
            Self::WatcherLists => {
                let question = body::ListWatchers { presentity };
                ask(link, &question, &mut tasks, count);
            }
            // The time before there was anything: the whole of it is walked.
            Self::PastFetches => {
                let question = body::FetchAt { presentity, at_ms: 1 };
                ask(link, &question, &mut tasks, count);
            }
            Self::History => {
                let (since_ms, until_ms, limit) = (None, None, 0);
                let question = body::ListHistory { presentity, since_ms, until_ms, limit };
                ask(link, &question, &mut tasks, count);
            }
            _ => {
                let requests = Frames::new(self, cast, round);
                tasks.spawn(pump(link, requests, Arc::clone(count)));
            }
        }
        tokio::time::sleep(self.settling()).await;
        Ok(Greedy { tasks })
    }
}

/// Keeps as many requests unanswered as a session may. What is refused is an answer like any other, and counted apart.
async fn pump(mut link: Link, frames: Frames, tally: Arc<Tally>) -> Result<(), Failure> {
    let (mut number, mut waiting, mut out) = (0, 0, Vec::new());
    loop {
        while waiting < frames.window {
            number += 1;
            waiting += 1;
            frames.write(number, &mut out);
        }
        link.write(&out).await?;
        out.clear();
        if let ControlEvent::Answer { result, .. } = link.next().await? {
            waiting -= 1;
            tally.count(result.is_ok());
        }
    }
}

/// Asks the same question again and again, on many streams.
fn ask<B: body::Body + Clone + Send + Sync + 'static>(
    link: Link,
    question: &B,
    tasks: &mut JoinSet<Result<(), Failure>>,
    tally: &Arc<Tally>,
) {
    let link = Arc::new(link);
    for _ in 0..QUESTIONS {
        let (link, question) = (Arc::clone(&link), question.clone());
        let tally = Arc::clone(tally);
        tasks.spawn(async move {
            loop {
                tally.count(link.question(&question).await?.is_some());
            }
        });
    }
}

/// Opens feeds over all its subscriptions and gives them up: half as many at once as there may be, for the last of each may not
/// be gone yet.
fn churn(link: Link, tasks: &mut JoinSet<Result<(), Failure>>, tally: &Arc<Tally>) {
    let link = Arc::new(link);
    for _ in 0..FEEDS_MAX / 2 {
        let (link, tally) = (Arc::clone(&link), Arc::clone(tally));
        tasks.spawn(async move {
            loop {
                let mut feed = link.feed(&presence_from(Bytes::new())).await?;
                // One that finds no place because the last is not gone yet is refused.
                tally.count(matches!(feed.next().await, Ok(FeedEvent::Ready { .. })));
            }
        });
    }
}

/// Writes the requests of one kind.
struct Frames {
    kind: Greed,
    round: usize,
    window: usize,
    began: Instant,
    presentity: String,
    inboxes: Arc<[String]>,
    others: Arc<[String]>,
    body: Bytes,
}

impl Frames {
    fn new(kind: Greed, cast: &Cast, round: usize) -> Self {
        let bytes = if kind == Greed::LargeSends { BODY_BYTES_MAX } else { 1 };
        Self {
            kind,
            round,
            window: if kind == Greed::LargeSends { LARGE_SENDS } else { REQUESTS_IN_FLIGHT_MAX },
            began: Instant::now(),
            presentity: cast.greedy.principal().presentity().to_string(),
            inboxes: Arc::clone(&cast.inboxes),
            others: Arc::clone(&cast.others),
            body: vec![b'x'; bytes].into(),
        }
    }

    /// Appends request `number`.
    fn write(&self, number: u64, out: &mut Vec<u8>) {
        // What was done under a name is done once, and there are several kinds and rounds.
        let session = (self.round as u128) << 8 | u128::from(self.kind as u8);
        let operation = (session << 64 | u128::from(number)).to_be_bytes();
        match self.kind {
            Greed::RuleChanges | Greed::BroadRules => {
                wire::encode(&self.rules(number, operation), out);
            }
            Greed::Subscriptions if number.is_multiple_of(2) => {
                let presentity = of(&self.others, number / 2).clone();
                let operation = Some(Bytes::copy_from_slice(&operation));
                let unsubscribe = body::Unsubscribe { request: number, presentity, operation };
                wire::encode(&unsubscribe, out);
            }
            Greed::Subscriptions => {
                let subscribe = body::Subscribe {
                    request: number,
                    presentity: of(&self.others, number.div_ceil(2)).clone(),
                    mode: 0,
                    lifetime_ms: None,
                    operation: Some(Bytes::copy_from_slice(&operation)),
                };
                wire::encode(&subscribe, out);
            }
            _ => wire::encode(&self.message(number), out),
        }
    }

    fn message(&self, number: u64) -> body::Send {
        let passed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        // All that is sent in such a span ends at once, and no sooner than a server lets it.
        let left = LIFETIME_MS_MIN + STORM_MS - passed % STORM_MS;
        body::Send {
            request: number,
            inbox: of(&self.inboxes, number).clone(),
            sender: String::new(),
            id: format!("{}-{}-{number}", self.kind.name(), self.round),
            content_type: "text/plain".to_owned(),
            body: self.body.clone(),
            lifetime_ms: (self.kind == Greed::ExpiryStorms).then_some(left),
            receipts: None,
        }
    }

    /// A large set of rules, one of which is changed each time; or the one that is about all watchers, to and fro.
    fn rules(&self, number: u64, operation: [u8; 16]) -> body::ChangeRules {
        let named = || format!("bench-{}@localhost", number % 100).parse();
        let is_broad = self.kind == Greed::BroadRules;
        let who: Who = if is_broad { Who::Authenticated } else { named().unwrap_or(Who::Everyone) };
        let span = if is_broad { 1 } else { 100 };
        let handling =
            if (number / span).is_multiple_of(2) { Handling::Allow } else { Handling::PoliteBlock };
        body::ChangeRules {
            request: number,
            operation,
            owner: self.presentity.clone(),
            if_version: None,
            put: vec![AccessRule::plain(who, handling).to_wire()],
            remove: Vec::new(),
        }
    }
}

fn of(all: &[String], number: u64) -> &String {
    let count = all.len() as u64;
    &all[usize::try_from(number % count).expect("it is below a length")]
}
