//! What the tests over real sockets share: servers in this process and in one of their own, peers that speak the
//! protocol frame by frame, applications on the client library, and a bad network.
//!
//! Must never hold: a check of a promise, or a wait for time instead of for a condition.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "every test uses another part, and a test may end at the first surprise"
)]

pub mod app;
pub mod child;
pub mod http;
pub mod page;
pub mod peer;
pub mod proxy;
pub mod server;
pub mod socket;
pub mod stream;
pub mod web;

use std::future::Future;
use std::time::Duration;

/// How long anything may take that must happen: long enough for a machine that does ten other things.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The one domain of all tests.
pub const DOMAIN: &str = "d.example";

/// Waits for `what`, which must come to pass.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(value) = tokio::time::timeout(PATIENCE, future).await else {
        panic!("{what} did not happen within {PATIENCE:?}")
    };
    value
}

/// Asks again until `found` has something: for what tells nobody when it changes.
pub async fn until<T>(what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(value) = found().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within(what, asking).await
}

/// The seed of a test's randomness: the given one, or that of the environment variable `ADSUM_TEST_SEED`. It is
/// printed, so that a failed run can be had again.
pub fn seed(default: u64) -> u64 {
    let seed = std::env::var("ADSUM_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or(default);
    println!("seed: ADSUM_TEST_SEED={seed}");
    seed
}

/// `alice` as a presentity.
pub fn presentity(name: &str) -> String {
    format!("pres:{name}@{DOMAIN}")
}

/// `alice` as an inbox.
pub fn inbox(name: &str) -> String {
    format!("im:{name}@{DOMAIN}")
}

/// `alice` as a principal.
pub fn principal(name: &str) -> String {
    format!("{name}@{DOMAIN}")
}
