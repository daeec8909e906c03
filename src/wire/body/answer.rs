//! What a server sends: answers to requests, rows of answers to questions, and what a feed tells.
//!
//! Must never hold: a recursive, zero-sized, float or `usize` field; a changed field order.

use super::part::{
    AccessRule, DeliveryRule, Document, MessageBody, PresenceBody, ReceiptBody, Shown,
    VisibilityRule, WatcherBody,
};
use super::{Body, KindVisitor};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

super::bodies! {
    Answers
    /// The session may act.
    0x0101 Welcome {
        /// 1.
        version: u16,
        /// Features granted.
        features: u64,
        /// As whom.
        principal: String,
        /// The device's name.
        device: [u8; 8],
        /// 0: user. 1: administrator.
        role: u8,
        /// Whether the key was enrolled just now.
        enrolled: bool,
        /// 1: answers mean synced. 2: buffered.
        durability: u8,
        /// The server's clock.
        time_ms: u64,
        /// The server software.
        server: String,
    }
    /// Asks for a proof without an exporter.
    0x0102 Challenge {
        /// Random bytes to sign.
        nonce: [u8; 32],
    }
    /// Answer to `Publish`.
    0x0110 Published {
        /// The client's number.
        request: u64,
        /// The publication's tag from now on.
        tag: [u8; 16],
        /// Lifetime granted; 0 after a removal.
        granted_ms: u64,
    }
    /// Answer to `Subscribe`.
    0x0111 Subscribed {
        /// The client's number.
        request: u64,
        /// 1: active. 3: pending.
        state: u8,
        /// Lifetime granted.
        granted_ms: u64,
    }
    /// Answer to `Unsubscribe`.
    0x0112 Unsubscribed {
        /// The client's number.
        request: u64,
    }
    /// Answer to `Send`: the message is in the inbox.
    0x0113 Sent {
        /// The client's number.
        request: u64,
        /// Whether it was there already.
        duplicate: bool,
    }
    /// Answer to `Delete`.
    0x0115 Deleted {
        /// The client's number.
        request: u64,
        /// How many were there.
        count: u32,
    }
    /// Answer to `Invite`.
    0x0116 Invited {
        /// The client's number.
        request: u64,
        /// When it runs out.
        expires_at_ms: u64,
    }
    /// Answer to `RevokeKey`.
    0x0117 KeyRevoked {
        /// The client's number.
        request: u64,
    }
    /// A change was made, or had been made by the same operation.
    0x0118 Changed {
        /// The client's number.
        request: u64,
        /// The version from now on; 0 if it has none.
        version: u64,
    }
    /// Answer to `Fetch`.
    0x0120 Presence {
        /// What the watcher is shown.
        presence: PresenceBody,
    }
    /// One row of the answer to `ListSubscriptions`.
    0x0121 Subscription {
        /// `pres:` URI.
        presentity: String,
        /// 1: active. 2: terminated. 3: pending.
        state: u8,
        /// 0: none. 1: timeout. 2: deactivated. 3: rejected. 4: giveup. 5: noresource.
        reason: u8,
        /// 0: latest. 1: every.
        mode: u8,
        /// Time left.
        remaining_ms: u64,
    }
    /// One row of the answer to `ListKeys`.
    0x0122 Key {
        /// The device.
        device: [u8; 8],
        /// What its owner calls it.
        label: String,
        /// When it was enrolled.
        enrolled_at_ms: u64,
        /// When it was revoked.
        revoked_at_ms: Option<u64>,
    }
    /// Answer to `InboxStatus`.
    0x0123 InboxState {
        /// The last message ever accepted.
        head: u64,
        /// The last one this device acknowledged.
        acknowledged: u64,
        /// Messages this device has not acknowledged.
        waiting: u64,
        /// Messages kept in all.
        kept: u64,
    }
    /// First row of an answer that lists rules.
    0x0124 Version {
        /// Their version; 0 if there never were any.
        version: u64,
    }
    /// One access rule.
    0x0125 Rule {
        /// The rule.
        rule: AccessRule,
    }
    /// First row of the answer to `ListDelivery`.
    0x0126 DeliveryState {
        /// The rules' version; 0 if there never were any.
        version: u64,
        /// 1: refuse while closed. 2: store while closed.
        when_closed: u8,
        /// Whether senders that ask get receipts.
        receipts: bool,
    }
    /// One delivery rule.
    0x0127 Delivery {
        /// The rule.
        rule: DeliveryRule,
    }
    /// One visibility rule.
    0x0128 Visibility {
        /// The rule.
        rule: VisibilityRule,
    }
    /// One grant.
    0x0129 Granted {
        /// To whom.
        grantee: String,
        /// As in `Grant`.
        rights: u8,
    }
    /// One watcher.
    0x012a Watcher {
        /// The watcher.
        watcher: WatcherBody,
    }
    /// One change of a presentity.
    0x012b Change {
        /// When.
        at_ms: u64,
        /// Who published; empty if it ended by itself.
        by: String,
        /// With which device.
        device: [u8; 8],
        /// The device's name for the publication.
        name: String,
        /// 1: published. 2: removed. 3: expired. 4: withdrawn.
        what: u8,
        /// What was published.
        document: Option<Document>,
    }
    /// Answer to `Explain`.
    0x012c Explanation {
        /// Version of the presentity's rules at that moment; 0 if there were none.
        version: u64,
        /// What is granted to one that fetches, as in `AccessRule`.
        fetch: u8,
        /// The rule that decided; empty if the default did.
        fetch_rule: String,
        /// What is granted to one that subscribes.
        subscribe: u8,
        /// The rule that decided; empty if the default did.
        subscribe_rule: String,
        /// What is shown to one that fetches.
        fetch_shown: Shown,
        /// What is shown to one that subscribes.
        subscribe_shown: Shown,
        /// Whether the domain's rules took away from what the presentity grants.
        by_domain: bool,
    }
    /// One domain.
    0x012d DomainState {
        /// Its name.
        domain: String,
        /// Whether it stands in the server's configuration.
        is_configured: bool,
        /// Whether presence works in it.
        presence: bool,
        /// Whether messaging works in it.
        messaging: bool,
        /// Principals enrolled in it.
        principals: u64,
    }
    /// One act of an administrator.
    0x012e Act {
        /// When.
        at_ms: u64,
        /// Which administrator.
        by: String,
        /// 1: listed watchers. 2: ended a subscription. 3: suspended. 4: lifted a suspension. 5: revoked a key.
        /// 6: switched services.
        act: u8,
        /// To what; may be empty.
        about: String,
    }
    /// Last frame of an answer that has rows.
    0x012f End {
    }
    /// The feed is open.
    0x0130 FeedReady {
        /// 0: fresh, no cursor was given. 1: resumed at the cursor. 2: the cursor was of no use, all is sent anew.
        outcome: u8,
        /// Where it begins.
        from: Bytes,
        /// Where it will be caught up.
        to: Bytes,
        /// How many events lie between.
        pending: u64,
        /// Whether every change of `every` subscriptions between is still known.
        complete: bool,
    }
    /// A presentity's state.
    0x0131 PresenceEvent {
        /// 1, 2, 3 within the feed.
        number: u64,
        /// Where the feed stands after this event.
        cursor: Bytes,
        /// What the watcher is shown.
        presence: PresenceBody,
    }
    /// A message.
    0x0132 MessageEvent {
        /// 1, 2, 3 within the feed.
        number: u64,
        /// Where the feed stands after this event.
        cursor: Bytes,
        /// The message.
        message: MessageBody,
    }
    /// Everything up to `FeedReady.to` was sent; from here on it is live.
    0x0133 CaughtUp {
        /// Where the feed stands.
        cursor: Bytes,
    }
    /// Inbox: an acknowledgement is durable.
    0x0134 FeedAcked {
        /// The cursor acknowledged.
        cursor: Bytes,
    }
    /// Last frame of a feed that the server ends.
    0x0135 FeedEnd {
        /// A reset code: 0x102 too far behind, 0x103 going away, 0x104 internal.
        code: u32,
        /// Where to resume; empty means at the last event taken.
        cursor: Bytes,
        /// In words.
        message: String,
    }
    /// A receipt for a message that was sent.
    0x0136 ReceiptEvent {
        /// 1, 2, 3 within the feed.
        number: u64,
        /// Where the feed stands after this event.
        cursor: Bytes,
        /// The receipt.
        receipt: ReceiptBody,
    }
    /// A watcher of a presentity one controls, in a presence feed that asked for watcher information.
    0x0137 WatcherEvent {
        /// 1, 2, 3 within the feed.
        number: u64,
        /// Where the feed stands after this event.
        cursor: Bytes,
        /// The watcher.
        watcher: WatcherBody,
    }
    /// A message that was stored aside.
    0x0140 Quarantined {
        /// The message.
        message: MessageBody,
    }
    /// A request was refused and changed nothing. On QUERY and FEED it is the last frame.
    0x01ff Refused {
        /// The client's number; 0 where there is none.
        request: u64,
        /// A refusal code.
        code: u16,
        /// Thing, cause and cure in words.
        message: String,
        /// When to try again.
        retry_after_ms: Option<u64>,
    }
    /// The server is about to go: no new requests, come back later.
    0x8001 Goaway {
        /// The connection closes this much later at the latest.
        deadline_ms: u64,
        /// Connect again after this much.
        reconnect_after_ms: u64,
    }
}
