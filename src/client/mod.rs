//! The client: an identity, one connection that is kept up, and everything that can be asked over it.
//!
//! ```no_run
//! use adsum::client::{Client, Home, InboxOptions, Outgoing, Profile};
//!
//! # async fn example() -> Result<(), adsum::client::ClientError> {
//! let identity = Home::from_env()?.only_identity()?;
//! let client = Client::open(Profile::new(identity))?;
//! client.send(Outgoing::text("im:bob@localhost".parse()?, "lunch?")).await?;
//! let mut inbox = client.inbox(InboxOptions { follow: true, ..Default::default() }).await?;
//! while let Some(received) = inbox.next().await {
//!     let received = received?;
//!     // Do with `received.item` what is to be done for good, and only then:
//!     received.taken().await?;
//! }
//! # client.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! What it takes care of: connecting again with back-off and jitter; sending unanswered requests again under the same
//! ids, or telling by which id to ask again, once [`Profile::answer_within`] has passed; going on with each feed where the application stopped taking, over lost connections, restarts of either side
//! and a crash at any moment; renewing subscriptions; pinning the server's key.
//! Holds: `connection` (one connection, no retry), `exchange` (what is written and read on each stream, sans-I/O), `resume`
//! (what to repeat and where to go on, sans-I/O), `state` (files), the driver task, and one file for each thing to ask.
//! Must never hold: the service, the log, or a rule that the server decides.

mod address;
mod anonymous;
mod awake;
#[expect(
    clippy::module_inception,
    reason = "the module is named after the layer, the file after the type"
)]
mod client;
pub mod connection;
mod delivery;
mod domain;
mod driver;
mod enroll;
mod erasure;
mod error;
mod events;
pub mod exchange;
mod feed;
mod grant;
mod history;
mod inbox;
mod link;
mod manage;
mod outcome;
mod profile;
mod publish;
mod query;
mod quota;
mod random;
mod recovery;
mod request_id;
pub mod resume;
mod rules;
mod send;
mod session;
mod silence;
mod state;
mod token;
mod visibility;
mod watch;
mod watchers;

pub use crate::guard::Unsafe;
pub use crate::model::InboxItem;
pub use crate::protocol::{
    ActRow, Administration, Change, ChangeKind, DeviceKey, Explanation, GrantRow, InboxState,
    LivePublication, OpenInvite, OpenRecovery, Outcome, Presence, RulesOwner, ServerDescription,
    SubscriptionRow, VisibilityRow,
};
pub use crate::protocol::{Answer, Command};
pub use address::{KeyHash, ServerAddress};
pub use anonymous::{anonymous, shown_key};
pub use client::Client;
pub use delivery::Delivery;
pub use enroll::{Enrolled, Enrollment, enroll};
pub use error::{ClientError, Refused};
pub use events::{ConnectionEvent, Events};
pub use exchange::ControlEvent;
pub use history::HistoryOptions;
pub use inbox::{Inbox, InboxEvent, InboxOptions, Received};
pub use manage::{InviteOptions, Invited};
pub use profile::{ANSWER_WITHIN, CONNECT_TIMEOUT, Patience, Profile};
pub use publish::{Publication, PublishOptions, Published};
pub use request_id::RequestId;
pub use resume::Opening;
pub use rules::{Rules, RulesChange};
pub use send::{Outgoing, Sent};
pub use session::{Durability, Session};
pub use state::{Credentials, Home, Identity, StateError};
pub use token::InviteToken;
pub use watch::{Subscribed, Update, Watch, WatchOptions};
pub use watchers::Watchers;

#[cfg(test)]
#[path = "../../tests/support/proxy.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "the tests of the whole use the same relay, and more of it"
)]
mod proxy;
#[cfg(test)]
mod sleeping;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
