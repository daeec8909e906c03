//! The ways between bodies and the model, under one roof.
//!
//! Must never hold: a conversion (each stands with its noun).

pub use super::delivery::{delivery_rule, delivery_rule_body, when_closed, when_closed_number};
pub use super::document::{document, document_body, presence_body};
pub use super::feed::{wants_watchers, watchers_addition as watchers_added};
pub use super::identity::{role, role_number};
pub use super::inbox::{receipt, receipt_body};
pub use super::refusal::refused;
pub use super::rules::{
    access_rule, access_rule_body, handling, handling_number, shown, shown_body,
};
pub use super::send::{message, message_body, receipts, receipts_addition as receipts_added};
pub use super::subscribe::{
    mode, mode_number, operation, operation_addition as operation_added, state, state_numbers,
};
pub use super::watchers::{watcher, watcher_body};
