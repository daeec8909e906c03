//! adsum: a persistent, event-sourced presence and instant messaging store, the model of RFC 2778 over QUIC.
//!
//! Every publish, subscription and message is an [`event`] in an append-only [`log`]; current presence and inbox
//! contents are [`view`]s folded from it; the [`service`] decides, purely; [`commit`] is where it meets the log;
//! a [`session`] is what a connection is to the server; [`server`] and [`client`] speak the [`wire`] protocol. Imports
//! go down only:
//!
//! ```text
//! cli → server, client → session → service → view → event → model
//!                     ↘ wire → model   ↘ commit → log → event
//! ```
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
//! Must never hold: code. What there is lies in a layer.

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
#[cfg(feature = "server")]
pub mod log;
pub mod model;
#[cfg(feature = "server")]
pub mod server;
pub mod service;
#[cfg(feature = "server")]
pub mod session;
pub mod view;
pub mod wire;
