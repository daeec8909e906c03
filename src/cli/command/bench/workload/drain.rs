//! `drain`: an owner comes back to a full inbox, reads all of it and acknowledges it.
//!
//! Must never hold: a message that arrives while it is read.

use std::sync::Arc;
use std::time::Instant;

use super::Measure;
use crate::cli::command::bench::{
    closed::{Work, run_all},
    link::{Dialer, inbox, wrong},
    number::inbox_count,
    outcome::Outcome,
    participants::Participant,
    progress::Progress,
    requests::Sends,
    samples::Samples,
    setup::{Setup, pumps},
    sizes::DRAIN_COUNT,
};
use crate::cli::run::failure::Failure;
use crate::client::Credentials;
use crate::client::connection::FeedEvent;
use crate::model::limits::{MESSAGES_WAITING_MAX, MESSAGES_WAITING_OF_SENDER_MAX};

/// Connections that fill the inboxes, each with its part of them, and requests unanswered on each.
const SENDERS: usize = MESSAGES_WAITING_MAX / MESSAGES_WAITING_OF_SENDER_MAX;
const WINDOW: usize = 64;
/// The inbox read ahead of the one measured holds this part of it.
const WARM_UP_SHARE: usize = 10;

/// One inbox to be read.
#[derive(Debug, clap::Args)]
pub(in crate::cli::command::bench) struct Drain {
    /// Messages in the inbox
    #[arg(long, value_name = "COUNT", default_value_t = DRAIN_COUNT, value_parser = inbox_count)]
    count: usize,
}

impl Measure for Drain {
    const NAME: &str = "drain";

    async fn run(&self, setup: &Setup<'_>) -> Result<Outcome, Failure> {
        let count = setup.scaled(self.count);
        let owners = setup.principals("owner", 2)?;
        // Message ids are the senders' own, so each inbox has senders of its own.
        let senders = setup.principals("sender", 2 * SENDERS)?;
        let participants: Vec<_> = owners.iter().chain(&senders).map(Participant::plain).collect();
        let (site, dialer) = setup.set(&participants).await?;
        let small = count.div_ceil(WARM_UP_SHARE);
        fill(&dialer, &senders[SENDERS..], &owners[1], small).await?;
        read(&dialer, &owners[1], small).await?;
        fill(&dialer, &senders[..SENDERS], &owners[0], count).await?;
        let before = site.read().await;
        let began = Instant::now();
        let (samples, durable) = read(&dialer, &owners[0], count).await?;
        let time = began.elapsed();
        let usage = site.used_since(&before).await;
        site.kill().await?;
        Ok(Outcome::complete(count, time, samples)?.used(usage).durable(durable))
    }
}

/// Lets `senders` send `count` messages to `owner`, who is away.
async fn fill(
    dialer: &Dialer,
    senders: &[Credentials],
    owner: &Credentials,
    count: usize,
) -> Result<(), Failure> {
    let address: Arc<[String]> = [owner.principal().inbox().to_string()].into();
    let pumps = pumps(dialer, senders, |_, _| Sends::new(Arc::clone(&address), 0)).await?;
    run_all(pumps, Work { count, window: WINDOW }, "filling the inbox").await.map(drop)
}

/// Connects as `owner` and reads until `count` messages are acknowledged. Returns how long after the beginning each
/// of them was there, and whether the server answers only what is on stable storage.
async fn read(
    dialer: &Dialer,
    owner: &Credentials,
    count: usize,
) -> Result<(Samples, bool), Failure> {
    let began = Instant::now();
    let mut samples = Samples::with_capacity(count);
    let mut link = dialer.hello(owner, None).await?;
    // Sent behind the hello without waiting for its answer, as the protocol allows.
    let mut feed = link.feed(&inbox(&owner.principal().inbox())).await?;
    let progress = Progress::begin("reading the inbox", count);
    while samples.len() < count {
        if let FeedEvent::Message { event, .. } = feed.next().await? {
            samples.add(began.elapsed());
            if event.message.sequence != samples.len() as u64 {
                return Err(wrong(format!("message {} came out of turn", event.message.sequence)));
            }
            feed.taken(event.cursor).await?;
            progress.add(1);
        }
    }
    feed.acknowledge().await?;
    loop {
        if let FeedEvent::Acknowledged { cursor } = feed.next().await?
            && cursor == *feed.last()
        {
            break;
        }
    }
    let durable = link.welcome().await?;
    Ok((samples, durable))
}
