//! The commands, run as people run them: the real program in processes of its own.
//!
//! Must never hold: a call into the library that a command should make, but for `corpus`: a process for each of a thousand
//! files would take minutes.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]
#![allow(clippy::cast_possible_truncation, reason = "test data wraps round")]

#[path = "../corpora/mod.rs"]
mod corpora;
#[path = "../events/mod.rs"]
mod events;
#[path = "../processes/mod.rs"]
mod processes;
#[path = "../support/proxy.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use other parts of it")]
mod proxy;

#[cfg(unix)]
mod backup;
mod bench;
mod commands;
mod completions;
mod corpus;
mod cut;
mod demo;
mod deployed;
mod erase;
mod exported;
mod formats;
mod log_cat;
mod operator;
mod principals;
mod quotas;
mod reading;
mod refusals;
mod reload;
mod replay;
mod rules;
mod salvage;
#[cfg(target_os = "linux")]
mod service;
mod settings;
mod shown;
mod store;
mod surroundings;
mod unanswered;
