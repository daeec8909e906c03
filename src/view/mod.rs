//! State as a fold of events: invites, principals, presentities, watchers, inboxes, and what is due when.
//!
//! Each event belongs to one entity, and leaves whose operation it was with the operations of whoever did it, and each entity remembers the last event it took, so folding an event twice
//! changes nothing and a checkpoint may hold entities of different ages. Everything else here (what is due, which
//! message ids are known, how much there is) follows from the entities.
//! Must never hold: a refusal, a clock, or anything that cannot be folded again from the log.

mod audience;
mod budget;
mod carried;
mod changed;
mod charge;
mod clock;
mod compare;
mod counts;
mod domain;
mod elsewhere;
mod expiry;
mod few;
mod forgetting;
mod gone;
mod ids;
mod inbox;
mod inbox_record;
mod inboxes;
mod invite;
mod key;
mod known;
mod layout;
mod made;
mod operations;
mod packed;
mod parts;
mod place;
mod presentity;
mod principal;
mod record;
mod row;
mod rules;
mod senders;
mod settled;
mod store;
mod views;
mod waiting;
mod walk;
mod watcher;

pub use audience::{AudienceView, Seen};
pub use budget::BudgetView;
pub use clock::ClockView;
pub use compare::KindDigest;
pub use counts::Counts;
pub use domain::DomainView;
pub use expiry::Due;
pub use few::Few;
pub use ids::{KnownMessage, first_remembered_day};
pub use inbox::InboxView;
pub use invite::{InviteView, RecoveryTerms};
pub use key::{MessageKey, SenderKey};
pub use layout::{Carried, Checkpointed, Layout, RecordFault};
pub use operations::OperationsView;
pub use parts::PastParts;
pub use presentity::{PresentityView, PublicationView};
pub use principal::{ActView, DeviceView, PrincipalView};
pub use record::Record;
pub use row::{ReceiptRequest, Row, RowKind};
pub use rules::{GrantView, RulesView, stored_bytes};
pub use store::StoreView;
pub use views::Views;
pub use walk::EntityDigest;
pub use watcher::{SubscriptionView, WatcherView};
