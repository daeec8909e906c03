//! The service: what is decided and folded, what feeds tell, and how it stands on its log.
//!
//! No socket and no process: inputs go in at times that the test chooses.
//! Must never hold: a test that waits, or one whose outcome depends on a disk.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

#[path = "../world/mod.rs"]
mod world;

mod addresses;
mod another_default;
mod bounds;
mod clocks;
mod commit;
mod composed;
mod composing;
mod cuts;
mod delivery;
mod domains;
mod endings;
mod erasures;
mod feeds;
mod full;
mod grants;
mod histories;
mod invites;
mod limits;
mod messages;
mod past;
mod presence;
mod principals;
mod quotas;
mod quotas_set;
mod recalls;
mod receipts;
mod recoveries;
mod repeats;
mod reviews;
mod rows;
mod rules;
mod rules_properties;
mod spellings;
mod watchers;
