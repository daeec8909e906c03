//! Facts in the past tense, and their bytes.
//!
//! Holds: every event that was ever recorded, and the log entry format with its version, checksum and chain.
//! Variants and fields only grow at the end; a number once used is never used again, and a golden file in
//! `tests/golden/` pins each. Must never hold: a rule, a view, a clock or I/O.

mod assemble;
mod entry;
#[cfg(test)]
mod entry_tests;
mod fact;
mod governance;
mod pack;

pub use assemble::{Assembler, chain_of};
pub use entry::{Chain, ENTRY_BYTES_MAX, ENTRY_VERSION, Entry, EntryFault, EntryKey};
pub use fact::{
    Acknowledged, EntityKey, Event, InviteCause, InviteCreated, InviteEnded, KeyEnrolled,
    KeyRevoked, MessageAccepted, MessageCause, MessageDigest, MessageEnded, PublicationCause,
    PublicationEnded, PublicationKey, PublicationRefreshed, Published, Recorded,
    SubscriptionCreated, SubscriptionEnded, SubscriptionRefreshed,
};
pub use governance::{
    AccessRulesChanged, AdministratorActed, DeliveryRulesChanged, DomainCreated, DomainRemoved,
    DomainRulesChanged, DomainSwitched, GrantChanged, MessageDisplayed, MessageQuarantined,
    PrincipalSuspended, ReceiptIssued, ReceiptsAsked, RulesReviewed, ServicesSwitched, Subscribed,
    SubscriptionMoved, VisibilityRulesChanged, WatchObserved, WatchRequested,
};
pub use pack::pack;
