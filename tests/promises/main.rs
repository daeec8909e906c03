//! Promises that need the whole, under kills, bad networks, slow readers and watchers from whom something is hidden.
//!
//! `docs/ARCHITECTURE.md` says for each promise of `docs/GUARANTEES.md` where its tests are. A server or an application
//! that can be killed is this program again, running one test alone.
//! Must never hold: a test of one layer by itself.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]
#![allow(clippy::cast_possible_truncation, reason = "test data wraps round")]

#[path = "../chance/mod.rs"]
mod chance;
#[path = "../events/mod.rs"]
mod events;
#[cfg(unix)]
#[path = "../processes/mod.rs"]
mod processes;
#[path = "../support/mod.rs"]
mod support;
#[path = "../world/mod.rs"]
mod world;

mod every_request;
#[cfg(unix)]
mod full_disk;
mod hidden_events;
mod hidden_parts;
mod kill_client;
mod kill_log;
mod kill_server;
mod network;
mod page_restart;
mod polite_block;
#[cfg(target_os = "linux")]
mod power_cut;
#[cfg(unix)]
mod previous_release;
mod reconnect;
mod restored_store;
mod slow_watcher;
#[cfg(unix)]
mod small_disk;
mod soak;
mod two_servers;
mod watch_restart;
mod worded;

#[test]
fn child_that_serves() {
    support::child::role();
}
