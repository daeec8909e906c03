//! What client and server say to each other: one description of each request, question, answer and event.
//!
//! A file is a noun. For each frame of that noun it holds the typed value (made of model types, valid by construction), the
//! frozen body as it lies on the wire, both ways between the two, what a repeat does, and the sample that
//! `docs/PROTOCOL_EXAMPLES.md` shows. Server, client, simulation and tests use these; the service takes and gives the typed
//! values. Bodies stay structures of their own, because frozen bytes must not follow a change of the types that the code
//! works with.
//! Must never hold: a socket, a clock, or what the service does with a request.

/// Every noun, with its requests and questions and the words by which these are counted. What goes over all nouns is made
/// from this table: the file that needs it gives it to a macro of its own.
macro_rules! nouns {
    ($with:ident) => {
        $with! {
            identity { Invite "invite"; RevokeKey "revoke-key"; } asks { ListKeys "keys"; }
            invite { WithdrawInvite "withdraw-invite"; } asks { ListInvites "invites"; }
            publish {
                Publish "publish"; RemovePublication "remove-publication";
            } asks { Fetch "fetch"; ListPublications "publications"; }
            document {} asks {}
            subscribe { Subscribe "subscribe"; Unsubscribe "unsubscribe"; } asks { ListSubscriptions "subscriptions"; }
            send { Send "send"; } asks {}
            inbox {
                Delete "delete"; Displayed "displayed";
            } asks { InboxStatus "inbox"; ListQuarantine "quarantine"; }
            rules { ChangeRules "change-rules"; } asks { ListRules "rules"; }
            delivery { ChangeDelivery "change-delivery"; } asks { ListDelivery "delivery"; }
            visibility { ChangeVisibility "change-visibility"; } asks { ListVisibility "visibility"; }
            watchers { EndSubscription "end-subscription"; } asks { ListWatchers "watchers"; }
            grant { Grant "grant"; } asks { ListGrants "grants"; }
            history {} asks { ListHistory "history"; FetchAt "fetch-at"; Explain "explain"; }
            domain { Administer "administer"; } asks { ListDomains "domains"; ListActs "acts"; }
            recovery { RefuseRecovery "refuse-recovery"; } asks { ListRecoveries "recoveries"; }
            quota {} asks { ListQuotas "quotas"; }
            principal {} asks { ListPrincipals "principals"; }
            erasure { Erase "erase"; } asks {}
            server {} asks { ServerInfo "server"; }
            feed {} asks {}
            refusal {} asks {}
        }
    };
}

mod answer;
mod asked;
pub mod body;
mod command;
pub mod delivery;
pub mod document;
pub mod domain;
pub mod erasure;
pub mod feed;
mod field;
mod framed;
pub mod grant;
pub mod history;
pub mod identity;
pub mod inbox;
pub mod invite;
mod kind;
pub mod principal;
pub mod publish;
mod question;
pub mod quota;
pub mod recovery;
pub mod refusal;
mod request;
pub mod rules;
mod sample;
mod samples;
pub mod send;
pub mod server;
pub mod subscribe;
pub mod visibility;
pub mod watchers;

pub use asked::{Asked, Finding, Shape};
pub use command::{Command, Requested};
pub use delivery::{ChangeDelivery, DeliveryState, ListDelivery};
pub use document::Presence;
pub use domain::{ActRow, Administer, Administration, ListActs, ListDomains};
pub use erasure::Erase;
pub use feed::{FeedOpen, FeedReady, FeedSubject, Outcome};
pub use field::Field;
pub use framed::{Framed, ReadFault, read, write};
pub use grant::{Grant, GrantRow, ListGrants};
pub use history::{Change, ChangeKind, Explain, Explanation, FetchAt, ListHistory};
pub use identity::{DeviceKey, Invite, ListKeys, RevokeKey};
pub use inbox::{Delete, Displayed, InboxState, InboxStatus, ListQuarantine};
pub use invite::{ListInvites, OpenInvite, WithdrawInvite};
pub use principal::ListPrincipals;
pub use publish::{Fetch, ListPublications, LivePublication, Publish, RemovePublication};
pub use question::{Findings, Question};
pub use quota::ListQuotas;
pub use recovery::{ListRecoveries, OpenRecovery, RefuseRecovery};
pub use request::{Answer, NamedBy, Request};
pub use rules::{ChangeRules, ListRules, RulesOwner, Version};
pub use sample::Sample;
pub use samples::samples;
pub use send::{Composing, Send};
pub use server::{ClockSet, ServerDescription, ServerInfo};
pub use subscribe::{ListSubscriptions, Subscribe, SubscriptionRow, Unsubscribe};
pub use visibility::{ChangeVisibility, ListVisibility, VisibilityRow};
pub use watchers::{EndSubscription, ListWatchers};
