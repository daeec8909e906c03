//! What a client sends: how it introduces itself, requests, questions and what keeps a feed going.
//!
//! Must never hold: a recursive, zero-sized, float or `usize` field; a changed field order.

use super::part::{AccessRule, DeliveryRule, Document, Enroll, VisibilityRule};
use super::{Body, KindVisitor};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

super::bodies! {
    Requests
    /// First frame of CONTROL, from the client.
    0x0001 Hello {
        /// 1.
        version: u16,
        /// Optional features wanted, one bit each; none are defined yet.
        features: u64,
        /// `local@domain`.
        principal: String,
        /// Ed25519 public key of the device.
        key: [u8; 32],
        /// 0: none, send a challenge. 1: signature over the TLS exporter.
        proof: u8,
        /// 64 bytes for proof 1, empty for proof 0.
        signature: Bytes,
        /// Set to have the key enrolled if it is not yet.
        enroll: Option<Enroll>,
        /// The client software, for the operator's eyes.
        client: String,
    }
    /// Answer to `Challenge`, from the client.
    0x0002 ChallengeAnswer {
        /// 64 bytes over the challenge.
        signature: Bytes,
    }
    /// Makes, changes, refreshes or removes a publication.
    0x0010 Publish {
        /// The client's number for the answer.
        request: u64,
        /// The device's name for the operation; the same on a repeat.
        operation: [u8; 16],
        /// `pres:` URI.
        presentity: String,
        /// The device's name for the publication, usually empty.
        name: String,
        /// The tag it must have.
        if_match: Option<[u8; 16]>,
        /// Lifetime asked for; 0 removes.
        lifetime_ms: Option<u64>,
        /// What to publish.
        document: Option<Document>,
    }
    /// Begins or renews a subscription.
    0x0011 Subscribe {
        /// The client's number for the answer.
        request: u64,
        /// `pres:` URI.
        presentity: String,
        /// 0: latest. 1: every.
        mode: u8,
        /// Lifetime asked for.
        lifetime_ms: Option<u64>,
        ;
        /// The device's name for the operation, 16 bytes; the same on a repeat.
        1 operation,
    }
    /// Ends a subscription.
    0x0012 Unsubscribe {
        /// The client's number for the answer.
        request: u64,
        /// `pres:` URI.
        presentity: String,
    }
    /// Sends a message.
    0x0013 Send {
        /// The client's number for the answer.
        request: u64,
        /// `im:` URI.
        inbox: String,
        /// `local@domain` of the sender; empty means the session's principal.
        sender: String,
        /// The sender's name for the message; the same on a repeat.
        id: String,
        /// MIME type.
        content_type: String,
        /// 1 to 65,536 bytes.
        body: Bytes,
        /// Time to live; none means for ever.
        lifetime_ms: Option<u64>,
        ;
        /// Which receipts are wanted: one byte, a bit for each.
        1 receipts,
    }
    /// Deletes messages of one's own inbox, for all devices.
    0x0015 Delete {
        /// The client's number for the answer.
        request: u64,
        /// `im:` URI.
        inbox: String,
        /// Positions in the inbox, at most 1,000.
        sequences: Vec<u64>,
    }
    /// Makes an invite. The client makes the token and keeps it.
    0x0016 Invite {
        /// The client's number for the answer.
        request: u64,
        /// BLAKE3 `derive_key("adsum 2026 invite id", token)`.
        invite: [u8; 32],
        /// For whom; none means any free name of the maker's domain.
        principal: Option<String>,
        /// 0: user. 1: administrator.
        role: u8,
        /// How long it is good.
        lifetime_ms: Option<u64>,
    }
    /// Withdraws a device's key and closes its connections.
    0x0017 RevokeKey {
        /// The client's number for the answer.
        request: u64,
        /// Whose device; empty means one's own.
        principal: String,
        /// The device.
        device: [u8; 8],
    }
    /// Says that a message was displayed to its reader. Answer: `Changed`.
    0x0018 Displayed {
        /// The client's number for the answer.
        request: u64,
        /// `im:` URI.
        inbox: String,
        /// Its position in the inbox.
        sequence: u64,
    }
    /// Changes access rules. Answer: `Changed`.
    0x0019 ChangeRules {
        /// The client's number for the answer.
        request: u64,
        /// The device's name for the operation; the same on a repeat.
        operation: [u8; 16],
        /// `pres:` URI of the presentity whose rules they are; `@domain` for a domain's.
        owner: String,
        /// The version they must have.
        if_version: Option<u64>,
        /// Rules to set.
        put: Vec<AccessRule>,
        /// Names of rules to remove.
        remove: Vec<String>,
    }
    /// Changes delivery rules. Answer: `Changed`.
    0x001a ChangeDelivery {
        /// The client's number for the answer.
        request: u64,
        /// The device's name for the operation; the same on a repeat.
        operation: [u8; 16],
        /// `im:` URI.
        inbox: String,
        /// The version they must have.
        if_version: Option<u64>,
        /// Rules to set.
        put: Vec<DeliveryRule>,
        /// Names of rules to remove.
        remove: Vec<String>,
        /// 0: stays. 1: refuse while closed. 2: store while closed.
        when_closed: u8,
        /// 0: stays. 1: no receipts. 2: receipts to senders that ask.
        receipts: u8,
    }
    /// Changes visibility rules. Answer: `Changed`.
    0x001b ChangeVisibility {
        /// The client's number for the answer.
        request: u64,
        /// The device's name for the operation; the same on a repeat.
        operation: [u8; 16],
        /// Rules to set.
        put: Vec<VisibilityRule>,
        /// Whom the rules to remove are about.
        remove: Vec<String>,
    }
    /// Grants rights or takes them back. Answer: `Changed`.
    0x001c Grant {
        /// The client's number for the answer.
        request: u64,
        /// The device's name for the operation; the same on a repeat.
        operation: [u8; 16],
        /// Who grants; empty means oneself.
        owner: String,
        /// To whom.
        grantee: String,
        /// Bits: 1 publish, 2 read, 4 delete, 8 watchers, 31 member; 0 takes all back.
        rights: u8,
    }
    /// Ends somebody's subscription. Answer: `Changed`.
    0x001d EndSubscription {
        /// The client's number for the answer.
        request: u64,
        /// Who watches.
        watcher: String,
        /// `pres:` URI.
        presentity: String,
    }
    /// An act on a domain or principal. Answer: `Changed`.
    0x001e Administer {
        /// The client's number for the answer.
        request: u64,
        /// The device's name for the operation; the same on a repeat.
        operation: [u8; 16],
        /// 1: create domain. 2: remove domain. 3: switch domain. 4: switch a principal's services. 5: suspend.
        /// 6: lift a suspension.
        act: u8,
        /// Which domain or principal.
        subject: String,
        /// For 3 and 4: 0 stays, 1 off, 2 on.
        presence: u8,
        /// For 3 and 4: 0 stays, 1 off, 2 on.
        messaging: u8,
    }
    /// Asks for the current presence of one presentity. Answer: `Presence`.
    0x0020 Fetch {
        /// `pres:` URI.
        presentity: String,
    }
    /// Asks for one's own subscriptions. Answer: any number of `Subscription`, then `End`.
    0x0021 ListSubscriptions {
    }
    /// Asks for the devices of a principal. Answer: any number of `Key`, then `End`.
    0x0022 ListKeys {
        /// Whose; empty means one's own.
        principal: String,
    }
    /// Asks where one's inbox stands. Answer: `InboxState`.
    0x0023 InboxStatus {
        /// `im:` URI.
        inbox: String,
    }
    /// Asks for access rules. Answer: `Version`, any number of `Rule`, then `End`.
    0x0024 ListRules {
        /// `pres:` URI, or `@domain`.
        owner: String,
    }
    /// Asks for delivery rules. Answer: `DeliveryState`, any number of `Delivery`, then `End`.
    0x0025 ListDelivery {
        /// `im:` URI.
        inbox: String,
    }
    /// Asks for one's visibility rules. Answer: `Version`, any number of `Visibility`, then `End`.
    0x0026 ListVisibility {
    }
    /// Asks what a principal grants. Answer: any number of `Granted`, then `End`.
    0x0027 ListGrants {
        /// Who grants; empty means oneself.
        owner: String,
    }
    /// Asks who watches. Answer: any number of `Watcher`, then `End`.
    0x0028 ListWatchers {
        /// `pres:` URI.
        presentity: String,
    }
    /// Asks what was published. Answer: any number of `Change`, newest first, then `End`.
    0x0029 ListHistory {
        /// `pres:` URI.
        presentity: String,
        /// Only what happened from then on.
        since_ms: Option<u64>,
        /// Only what happened before then.
        until_ms: Option<u64>,
        /// At most so many; 0 and more than 1,000 mean 1,000.
        limit: u32,
    }
    /// Asks for the presence of one's own presentity at a moment past. Answer: `Presence`.
    0x002a FetchAt {
        /// `pres:` URI.
        presentity: String,
        /// When.
        at_ms: u64,
    }
    /// Asks which rule decides what a watcher sees, or did. Answer: `Explanation`.
    0x002b Explain {
        /// `pres:` URI.
        presentity: String,
        /// `local@domain`.
        watcher: String,
        /// When; now if none.
        at_ms: Option<u64>,
    }
    /// Asks for the domains served. Answer: any number of `DomainState`, then `End`.
    0x002c ListDomains {
    }
    /// Asks what administrators did. Answer: any number of `Act`, then `End`.
    0x002d ListActs {
        /// Whom it concerns; empty means oneself.
        principal: String,
    }
    /// Asks for the messages that were stored aside. Answer: any number of `Quarantined`, then `End`.
    0x002e ListQuarantine {
        /// `im:` URI.
        inbox: String,
    }
    /// First frame of a feed, from the client.
    0x0030 FeedOpen {
        /// 1: presence. 2: inbox.
        kind: u8,
        /// Where to go on from; empty means from the start, or for an inbox from what this device acknowledged.
        cursor: Bytes,
        /// Events that may be unacknowledged; 0 means the server's 256.
        window: u32,
        /// Presence: only these; all subscriptions if empty.
        presentities: Vec<String>,
        /// Inbox: `im:` URI.
        inbox: String,
        /// Inbox: with an empty cursor, begin at the oldest message kept.
        from_start: bool,
        ;
        /// Presence: 1 if watcher information is wanted too.
        1 watchers,
    }
    /// The application has taken everything up to here for good.
    0x0031 FeedAck {
        /// The cursor of the last event taken.
        cursor: Bytes,
    }
}
