//! Hostile and greedy peers, a module a subject: what they try holds up nobody but themselves.
//!
//! Bounded in time and memory, on loopback or without any socket.
//! Must never hold: a test that passes because an attack was slow.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

#[path = "../processes/mod.rs"]
mod processes;
#[path = "../support/mod.rs"]
mod support;
#[path = "../world/mod.rs"]
mod world;

mod anonymous;
mod costs;
mod credentials;
mod door;
mod fairness;
mod folder;
mod home;
mod http;
mod names;
mod quotas;
mod recovery;
mod scenes;
mod values;
mod web;
mod web_cost;
mod web_socket;

/// Not a test by itself: the process that [`support::child`] starts.
#[test]
fn child_that_serves() {
    support::child::role();
}
