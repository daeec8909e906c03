//! Presentities that very many watch, and one whose watchers and rules are as many as they may be: how long it takes to change them,
//! to list the watchers, to change the rules, and to decide under them.
//!
//! Must never hold: a watcher that is connected. How many are told at once measures `fanout`.

use std::time::Instant;

use serde_json::{Map, Value};

use super::Scale;
use super::place::{Kind, Place};
use super::turns::{ROUNDS, row};
use crate::cli::command::bench::{
    closed::{Closed, Work},
    link::{Link, wrong},
    participants::Participant,
    progress::Progress,
    pump::Pump,
    requests::RuleChanges,
    samples::Samples,
    setup::Setup,
};
use crate::cli::run::failure::Failure;
use crate::client::Credentials;
use crate::model::limits::RULES_MAX;
use crate::model::{Mode, Who};
use crate::protocol::body;

impl Scale {
    /// One presentity with very many watchers.
    pub(super) async fn audience(
        &self,
        setup: &Setup<'_>,
        small: &Place,
    ) -> Result<Value, Failure> {
        let setup = setup.beside("audience")?;
        let watched = setup.principals("watched", 1)?;
        let watchers = setup.principals("watcher", setup.scaled(self.watchers))?;
        let fetcher = setup.principals("fetcher", 1)?.remove(0);
        let presentity = watched[0].principal().presentity();
        let mut all = vec![Participant::publishing(&watched[0]), Participant::plain(&fetcher)];
        all.extend(
            watchers
                .iter()
                .map(|who| Participant::watching(who, vec![presentity.clone()], Mode::Latest)),
        );
        let mut place = Place::with(&setup, &all, &watched).await?;
        let memory_bytes_each = place.memory_more(small, watchers.len())?;
        let requests = setup.scaled(self.requests);
        let mut told = watched_row(&mut place, requests, memory_bytes_each).await?;
        let lists = setup.scaled(self.lists);
        let owner = place.dialer.enter(&watched[0]).await?;
        let mut listed = list(&owner, presentity.to_string(), watchers.len(), lists).await?;
        told.extend(named("list", &mut listed));
        told.extend(under_rules(&mut place, &watched[0], &fetcher, requests, lists).await?);
        place.end().await?;
        Ok(with_counts(told, &[("watchers", watchers.len()), ("rules", RULES_MAX)]))
    }

    /// Many watchers of many.
    pub(super) async fn crowd(&self, setup: &Setup<'_>, small: &Place) -> Result<Value, Failure> {
        let setup = setup.beside("crowd")?;
        let watched = setup.principals("watched", setup.scaled(self.crowd_watches))?;
        let watchers = setup.principals("watcher", setup.scaled(self.crowd))?;
        let presentities: Vec<_> = watched.iter().map(|who| who.principal().presentity()).collect();
        let mut all: Vec<_> = watched.iter().map(Participant::publishing).collect();
        all.extend(
            watchers
                .iter()
                .map(|who| Participant::watching(who, presentities.clone(), Mode::Latest)),
        );
        let mut place = Place::with(&setup, &all, &watched).await?;
        let subscriptions = watched.len() * watchers.len();
        let memory_bytes_each = place.memory_more(small, subscriptions)?;
        let row = watched_row(&mut place, setup.scaled(self.requests), memory_bytes_each).await?;
        place.end().await?;
        let counts = [("watchers", watchers.len()), ("watched", watched.len())];
        Ok(with_counts(row, &counts))
    }
}

/// What is told of presentities that are watched: memory, and how long their changes take.
async fn watched_row(
    place: &mut Place,
    requests: usize,
    memory_bytes_each: f64,
) -> Result<Map<String, Value>, Failure> {
    place.ask(Kind::Publish, requests.div_ceil(ROUNDS)).await?;
    let mut published = place.ask(Kind::Publish, requests).await?;
    let mut told = row([("memory_bytes_each", memory_bytes_each)]);
    told.extend(named("publish", &mut published));
    Ok(told)
}

/// How long it takes until all who watch were listed.
async fn list(
    owner: &Link,
    presentity: String,
    watchers: usize,
    count: usize,
) -> Result<Samples, Failure> {
    let (question, mut samples) = (body::ListWatchers { presentity }, Samples::default());
    for _ in 0..count {
        let began = Instant::now();
        let rows = owner.question(&question).await?;
        samples.add(began.elapsed());
        if rows != Some(watchers) {
            return Err(wrong(format!("{rows:?} watchers are listed of {watchers}")));
        }
    }
    Ok(samples)
}

/// How long changes of rules take where there are as many as there may be, of those about one watcher and of that about all; and under
/// them a fetch by whom none of the others names, and a change that all are told.
async fn under_rules(
    place: &mut Place,
    owner: &Credentials,
    fetcher: &Credentials,
    requests: usize,
    broad: usize,
) -> Result<Map<String, Value>, Failure> {
    let progress = Progress::begin("measuring under rules", 2 * requests + broad);
    let link = place.dialer.enter(fetcher).await?;
    let presentity = owner.principal().presentity().to_string();
    let mut free = fetches(&link, &presentity, requests).await?;
    let mut told: Map<_, _> = named("fetch", &mut free).into_iter().collect();
    let domain = owner.principal().domain();
    let about = |number| format!("bench-rule-{number}@{domain}").parse().map_err(wrong);
    let about: Vec<Who> = (1..RULES_MAX).map(about).collect::<Result<_, Failure>>()?;
    let mut link_of_owner = place.dialer.enter(owner).await?;
    let (mut out, mut rules) = (Vec::new(), RuleChanges::new(owner, about, 1));
    rules.all(&mut out);
    link_of_owner.write(&out).await?;
    link_of_owner.answered().await?;
    let mut narrow = Pump::new(link_of_owner, rules);
    let work = |count| Work { count, window: 1 };
    told.extend(named("rule", &mut narrow.run(work(requests), &progress).await?));
    let all = RuleChanges::new(owner, vec![Who::Authenticated], 2);
    let mut broadly = Pump::new(place.dialer.enter(owner).await?, all);
    told.extend(named("broad_rule", &mut broadly.run(work(broad), &progress).await?));
    told.extend(named("ruled_fetch", &mut fetches(&link, &presentity, requests).await?));
    told.extend(named("ruled_publish", &mut place.ask(Kind::Publish, requests).await?));
    Ok(told)
}

async fn fetches(link: &Link, presentity: &str, count: usize) -> Result<Samples, Failure> {
    let mut samples = Samples::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        link.fetch(presentity).await?;
        samples.add(began.elapsed());
    }
    Ok(samples)
}

fn named(what: &str, samples: &mut Samples) -> [(String, Value); 2] {
    let (p50, p99) = samples.p50_p99_ms();
    [(format!("{what}_p50_ms"), p50.into()), (format!("{what}_p99_ms"), p99.into())]
}

fn with_counts(mut row: Map<String, Value>, counts: &[(&str, usize)]) -> Value {
    row.extend(counts.iter().map(|(name, count)| ((*name).to_owned(), (*count).into())));
    row.into()
}
