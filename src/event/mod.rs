//! Facts in the past tense, and their bytes.
//!
//! Holds: every event that was ever recorded, and the log entry format with its version, checksum and chain.
//! Variants and fields only grow at the end; a number once used is never used again, and a golden file in
//! `tests/golden/` pins each. Must never hold: a rule, a view, a clock or I/O.

mod administration;
mod assemble;
mod clock;
mod domain;
mod entry;
#[cfg(test)]
mod entry_tests;
mod fact;
mod identity;
mod message;
mod pack;
mod publication;
mod receipt;
mod rules;
mod store;
mod subscription;
mod watcher;

pub use administration::{AdministratorActed, PrincipalSuspended, ServicesSwitched};
pub use assemble::{Assembler, chain_of};
pub use clock::{ClockCause, ClockMoved};
pub use domain::{DomainCreated, DomainRemoved, DomainRulesChanged, DomainSwitched};
pub use entry::{Chain, ENTRY_BYTES_MAX, ENTRY_VERSION, Entry, EntryFault, EntryKey};
pub use fact::{EntityKey, Event, Recorded};
pub use identity::{InviteCause, InviteCreated, InviteEnded, KeyEnrolled, KeyRevoked};
pub use message::{
    Acknowledged, MessageAccepted, MessageCause, MessageDigest, MessageDisplayed, MessageEnded,
    MessageQuarantined,
};
pub use pack::pack;
pub use publication::{
    PublicationCause, PublicationEnded, PublicationKey, PublicationRefreshed, Published,
};
pub use receipt::{ReceiptIssued, ReceiptsAsked};
pub use rules::{
    AccessRulesChanged, DeliveryRulesChanged, GrantChanged, RulesReviewed, VisibilityRulesChanged,
};
pub use store::EpochBegan;
pub use subscription::{
    Subscribed, SubscriptionCreated, SubscriptionEnded, SubscriptionMoved, SubscriptionRefreshed,
};
pub use watcher::{WatchObserved, WatchRequested};
