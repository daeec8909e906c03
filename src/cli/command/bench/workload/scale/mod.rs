//! `scale`: few against many presentities in one domain. What somebody waits for a fetch, a publish and a subscription in both, by
//! turns, so that both are measured on the same machine; and what memory the server has for each. Likewise few messages against
//! many that wait. Beside it one presentity with very many watchers and as many rules as there may be, and many watchers of many.
//!
//! Must never hold: how somebody asks, see `place`.

mod audience;
mod place;
mod turns;

use std::time::Instant;

use serde_json::{Map, Value};

use self::place::{Kind, Place};
use self::turns::{Turns, row};
use super::Measure;
use crate::cli::command::bench::{
    number::{positive, watched_count},
    outcome::Outcome,
    samples::rounded,
    setup::Setup,
};
use crate::cli::run::failure::Failure;

/// Stores of different sizes.
#[derive(Debug, clap::Args)]
pub(in crate::cli::command::bench) struct Scale {
    /// Presentities in the small store, whatever the scale
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = positive)]
    small: usize,
    /// Presentities in the large one
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000, value_parser = positive)]
    large: usize,
    /// Requests of each kind in each of the two
    #[arg(long, value_name = "COUNT", default_value_t = 2_000, value_parser = positive)]
    requests: usize,
    /// Messages that wait in the inboxes
    #[arg(long, value_name = "COUNT", default_value_t = 10_000_000, value_parser = positive)]
    messages: usize,
    /// Inboxes in which they wait, so that each has room for more
    #[arg(long, value_name = "COUNT", default_value_t = 2_000, value_parser = positive)]
    inboxes: usize,
    /// Lists of the watchers of one presentity, and changes of the rule about all of them
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = positive)]
    lists: usize,
    /// Watchers of one presentity
    #[arg(long, value_name = "COUNT", default_value_t = 100_000, value_parser = positive)]
    watchers: usize,
    /// Watchers of many presentities
    #[arg(long, value_name = "COUNT", default_value_t = 2_000, value_parser = positive)]
    crowd: usize,
    /// Presentities that each of those watches
    #[arg(long, value_name = "COUNT", default_value_t = 300, value_parser = watched_count)]
    crowd_watches: usize,
}

impl Measure for Scale {
    const NAME: &str = "scale";
    const HAS_PROFILE: bool = false;

    async fn run(&self, setup: &Setup<'_>) -> Result<Outcome, Failure> {
        setup.must_be_own("scale looks at the memory of its servers")?;
        let began = Instant::now();
        let small = Place::with_presentities(&setup.beside("small")?, self.small).await?;
        let count = setup.scaled(self.large);
        let large = Place::with_presentities(&setup.beside("large")?, count).await?;
        let furnish_secs = rounded(began.elapsed().as_secs_f64());
        let memory_bytes_each = large.memory_more(&small, count.abs_diff(self.small).max(1))?;
        let memory = [small.memory_bytes()?, large.memory_bytes()?];
        let start_ms = [small.start_ms, large.start_ms];
        let mut turns = Turns::new([small, large], &[Kind::Fetch, Kind::Publish, Kind::Subscribe]);
        let time = turns.take(setup.scaled(self.requests)).await?;
        let durable = turns.places.iter().all(|place| place.durable);
        let mut rows = turns.rows();
        let (all, [small, large]) = turns.apart();
        large.end().await?;
        rows.extend(self.stored(setup).await?);
        let audience = self.audience(setup, &small).await?;
        let crowd = self.crowd(setup, &small).await?;
        small.end().await?;
        let mut outcome = Outcome::complete(all.len(), time, all)?.durable(durable);
        outcome.extras = rows;
        let outcome = outcome.with("small", self.small).with("large", count);
        let outcome = outcome.with("memory_bytes_small", memory[0]);
        let outcome = outcome.with("start_ms_small", start_ms[0]);
        Ok(outcome
            .with("start_ms_large", start_ms[1])
            .with("memory_bytes_large", memory[1])
            .with("memory_bytes_each", memory_bytes_each)
            .with("furnish_secs", furnish_secs)
            .with("audience", audience)
            .with("crowd", crowd))
    }
}

impl Scale {
    /// Inboxes in which very much waits, beside as many with one message each.
    async fn stored(&self, setup: &Setup<'_>) -> Result<Map<String, Value>, Failure> {
        let (inboxes, messages) = (setup.scaled(self.inboxes), setup.scaled(self.messages));
        let messages = messages.max(2 * inboxes);
        let began = Instant::now();
        let few = Place::with_messages(&setup.beside("few")?, inboxes, inboxes).await?;
        let many = Place::with_messages(&setup.beside("many")?, inboxes, messages).await?;
        let furnish_secs = rounded(began.elapsed().as_secs_f64());
        let memory_bytes_each = many.memory_more(&few, messages - inboxes)?;
        let mut row = row([
            ("start_ms_few", few.start_ms),
            ("start_ms_many", many.start_ms),
            ("memory_bytes_few", few.memory_bytes()?),
            ("memory_bytes_many", many.memory_bytes()?),
            ("memory_bytes_each", memory_bytes_each),
            ("furnish_secs", furnish_secs),
        ]);
        let mut turns = Turns::new([few, many], &[Kind::Send, Kind::Take]);
        turns.take(setup.scaled(self.requests)).await?;
        let mut rows = turns.rows();
        let (_, [few, many]) = turns.apart();
        few.end().await?;
        many.end().await?;
        row.extend(
            [("messages", messages), ("inboxes", inboxes)]
                .map(|(name, count)| (name.to_owned(), count.into())),
        );
        rows.insert("stored".to_owned(), row.into());
        Ok(rows)
    }
}
