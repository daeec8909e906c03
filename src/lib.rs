//! adsum: a persistent, event-sourced presence and instant messaging store, the model of RFC 2778 over QUIC.
//!
//! Every publish, subscription and message is an [`event`] in an append-only log; current presence and inbox contents
//! are [`view`]s folded from it; the [`service`] decides, purely; `commit` is where it meets the log; a [`session`] is
//! what a connection is to the server; `server` and `client` speak the [`protocol`], in frames of [`wire`]. Imports go
//! down only:
//!
//! ```text
//! cli     → server, client
//! server  → session, commit → service → view → event → model
//! commit  → log → event
//! server  → backup → log, view
//! session, service, client  → protocol → wire → model
//! ```
//!
//! Must never hold: code. What there is lies in a layer.
//!
//! The features `client`, `server`, `cli` and `bench`, all on by default, bring the layers of those names; without any
//! there are the pure ones. A program that talks to a server needs this much:
//!
//! ```toml
//! adsum = { version = "0.1", default-features = false, features = ["client"] }
//! ```
//!
//! # The model
//!
//! ```
//! use adsum::model::{Basic, Document, Principal, Tuple, TupleId};
//!
//! let alice: Principal = "Alice@Example.com".parse()?;
//! assert_eq!(alice.presentity().to_string(), "pres:alice@example.com");
//!
//! let tuple = Tuple::plain(TupleId::new("desk")?, Basic::Open);
//! let document = Document::new(vec![tuple], vec![], vec![])?;
//! assert_eq!(document.tuples().len(), 1);
//! # Ok::<(), adsum::model::Refusal>(())
//! ```
//!
//! # A client: a bot
//!
#![cfg_attr(feature = "client", doc = "```no_run")]
#![cfg_attr(feature = "client", doc = include_str!("../examples/bot.rs"))]
#![cfg_attr(feature = "client", doc = "```")]
//!
//! # A server in another program
//!
#![cfg_attr(feature = "server", doc = "```no_run")]
#![cfg_attr(feature = "server", doc = include_str!("../examples/server.rs"))]
#![cfg_attr(feature = "server", doc = "```")]

#[cfg(feature = "server")]
pub mod backup;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod commit;
#[cfg(any(feature = "client", feature = "server"))]
mod disk;
pub mod event;
pub mod format;
#[cfg(any(feature = "client", feature = "server"))]
mod guard;
#[cfg(feature = "server")]
pub mod log;
pub mod model;
pub mod protocol;
#[cfg(any(feature = "client", feature = "server"))]
mod random;
#[cfg(feature = "server")]
pub mod server;
pub mod service;
#[cfg(feature = "server")]
pub mod session;
#[cfg(any(feature = "client", feature = "server"))]
mod uptime;
pub mod view;
pub mod wire;
