//! What is asked for, and in short what was answered.
//!
//! Must never hold: a connection.

use adsum::protocol::body::{
    AccessRule, Administer, DeliveryRule, Document, FeedOpen, PresenceBody, Send, Shown, Tuple,
};
use bytes::Bytes;

use crate::world::{full, im};

/// Handling of an access rule: the request is refused.
pub const BLOCK: u8 = 1;
/// Handling of an access rule: the request looks granted.
pub const POLITE_BLOCK: u8 = 3;
/// Handling of an access rule: the request is granted.
pub const ALLOW: u8 = 4;

/// A rule that handles fetching and subscribing alike and shows all. Its name is whom it is about.
pub fn rule(who: &str, handling: u8) -> AccessRule {
    let known = ["everyone", "anonymous", "authenticated"];
    let who = if known.contains(&who) || who.starts_with('@') { who.to_owned() } else { full(who) };
    AccessRule {
        name: who.clone(),
        who,
        fetch: handling,
        subscribe: handling,
        shown: Shown { tuples: None, notes: true, contact: true, markup: true },
        from_ms: None,
        until_ms: None,
    }
}

/// A delivery rule: the sender is told that the message was not taken.
pub const REFUSE: u8 = 1;

/// A delivery rule for all messages of a sender.
pub fn delivery_rule(who: &str, action: u8) -> DeliveryRule {
    let who = rule(who, ALLOW).who;
    let (content_type, reason) = (String::new(), String::new());
    DeliveryRule { name: who.clone(), who, content_type, larger_than: None, action, reason }
}

/// An act of an administrator.
pub enum Act {
    CreateDomain(String),
    RemoveDomain(String),
    /// Presence and messaging: 0 stays, 1 off, 2 on.
    SwitchDomain(String, u8, u8),
    /// Presence and messaging: 0 stays, 1 off, 2 on.
    SwitchServices(String, u8, u8),
    Suspend(String),
    Resume(String),
}

impl Act {
    pub fn body(self, request: u64, operation: [u8; 16]) -> Administer {
        let (act, subject, presence, messaging) = match self {
            Self::CreateDomain(domain) => (1, domain, 0, 0),
            Self::RemoveDomain(domain) => (2, domain, 0, 0),
            Self::SwitchDomain(domain, presence, messaging) => (3, domain, presence, messaging),
            Self::SwitchServices(who, presence, messaging) => (4, full(&who), presence, messaging),
            Self::Suspend(who) => (5, full(&who), 0, 0),
            Self::Resume(who) => (6, full(&who), 0, 0),
        };
        let (recovery_delay, recovery_shows) = (None, None);
        Administer {
            request,
            operation,
            act,
            subject,
            presence,
            messaging,
            recovery_delay,
            recovery_shows,
            quota: None,
            quota_max: None,
            recipients_keep: None,
        }
    }
}

/// A message of one letter.
pub fn send_of(request: u64, to: &str, id: &str) -> Send {
    Send {
        request,
        inbox: im(to),
        sender: String::new(),
        id: id.to_owned(),
        content_type: "text/plain".to_owned(),
        body: Bytes::from_static(b"x"),
        lifetime_ms: None,
        receipts: None,
    }
}

/// Opens the feed of all subscriptions.
pub fn feed_of_presence(cursor: Bytes) -> FeedOpen {
    let (inbox, presentities) = (String::new(), Vec::new());
    FeedOpen { kind: 1, cursor, window: 0, presentities, inbox, from_start: false, watchers: None }
}

/// Opens the feed of an inbox from its oldest message on.
pub fn feed_of_inbox(of: &str) -> FeedOpen {
    let inbox = im(of);
    FeedOpen { kind: 2, inbox, from_start: true, ..feed_of_presence(Bytes::new()) }
}

/// What a presence says in short: `alice: ` and the notes of its tuples or else their statuses, `-` if it is that of a
/// presentity that publishes nothing, or where a subscription that is not active stands.
pub fn said(presence: &PresenceBody) -> String {
    let name = local(&presence.presentity);
    if presence.state != 1 {
        assert_eq!(presence.document, Document::default(), "what is not active shows nothing");
        return format!("{name}: {}", state(presence.state, presence.reason));
    }
    let document = &presence.document;
    assert!(document.notes.is_empty() && document.markup.is_empty());
    if matches!(&document.tuples[..], [only] if says_nothing(only)) {
        return format!("{name}: -");
    }
    let tuples: Vec<String> = document.tuples.iter().map(of_tuple).collect();
    format!("{name}: {}", tuples.join(","))
}

/// Whether a tuple is as that of a presentity that publishes nothing.
fn says_nothing(tuple: &Tuple) -> bool {
    let markup = tuple.markup.len() + tuple.status_markup.len();
    tuple.basic == 2 && tuple.contact.is_none() && tuple.notes.len() + markup == 0
}

fn of_tuple(tuple: &Tuple) -> String {
    let notes: Vec<_> = tuple.notes.iter().filter_map(|note| note.text.as_deref()).collect();
    if notes.is_empty() {
        return ["no status", "open", "closed"][usize::from(tuple.basic)].to_owned();
    }
    String::from_utf8(notes.join(&b","[..])).unwrap()
}

/// The local part of an address.
pub fn local(address: &str) -> &str {
    let bare = address.split_once(':').map_or(address, |(_, bare)| bare);
    bare.split('@').next().unwrap()
}

/// The word of a state and reason of the wire.
pub fn state(state: u8, reason: u8) -> &'static str {
    match (state, reason) {
        (1, _) => "active",
        (2, 0) => "terminated",
        (2, 1) => "timeout",
        (2, 2) => "deactivated",
        (2, 3) => "rejected",
        (2, 4) => "giveup",
        (2, 5) => "noresource",
        (3, _) => "pending",
        (4, _) => "waiting",
        (0, _) => "fetched",
        other => panic!("{other:?} is no state"),
    }
}
