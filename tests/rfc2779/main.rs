//! RFC 2779, requirement by requirement, against a server in a process of its own.
//!
//! A test is named by the number of the requirement it shows, and `docs/CONFORMANCE.md` names each of them once; see
//! `table.rs`. A is alice where she asks, B is bob where he is asked, C is carol or mallory, who should not.
//! Must never hold: a requirement that is called shown by a test that does not show it.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "what tests share is used by some of them, and a test may end at the first surprise"
)]

#[path = "../processes/mod.rs"]
mod processes;
#[path = "../support/mod.rs"]
mod support;

mod early;
mod feed;
mod old_log;
mod past;
mod person;
mod requests;
mod seal;
mod table;
mod tap;
mod world;

mod access;
mod caching;
mod format;
mod lookup;
mod message_format;
mod messaging;
mod namespace;
mod notifying;
mod protection;
mod scale;
mod sending;
mod subscribed;
mod subscribing;
mod topology;
