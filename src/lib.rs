//! adsum: a persistent, event-sourced presence and instant messaging store, the model of RFC 2778 over QUIC.
//!
//! Must never hold: code. What there is lies in a layer.

pub mod client;
pub mod commit;
pub mod event;
pub mod format;
pub mod log;
pub mod model;
pub mod server;
pub mod service;
pub mod view;
pub mod wire;
