//! The body of every frame kind, field by field in wire order.
//!
//! Text is checked for UTF-8 here and for sense in `convert`, so that a wrong value is refused by its own code and
//! not as a broken frame. Enumerations that may grow are numbers. `ext` takes what later versions add.
//! Must never hold: a recursive, zero-sized, float or `usize` field; a changed field order.

use core::fmt::Debug;

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use super::part::{
    Contact, Document, Enroll, Ext, MessageBody, Note, PresenceBody, Tuple, Written,
};

/// A frame body of one kind.
pub trait Body: Clone + Debug + PartialEq + Serialize + DeserializeOwned {
    /// The kind's number. Below 0x8000 a receiver that does not know it must refuse; from there on it skips.
    const KIND: u16;
    /// The kind's name in the protocol document.
    const NAME: &'static str;
}

/// Work to be done with the type of a kind that is known only at run time.
pub trait KindVisitor {
    /// What comes of it.
    type Output;

    /// Does it for the kind of `B`.
    fn visit<B: Body>(self) -> Self::Output;
}

macro_rules! bodies {
    ($($(#[$doc:meta])* $kind:literal $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            pub struct $name {
                $($(#[$field_doc])* pub $field: $type,)*
                /// Additions of later versions.
                pub ext: Vec<Ext>,
            }

            impl Body for $name {
                const KIND: u16 = $kind;
                const NAME: &'static str = stringify!($name);
            }
        )*

        /// Number and name of every kind, in order of number.
        pub const KINDS: &[(u16, &str)] = &[$(($kind, stringify!($name)),)*];

        /// Lets `visitor` work with the type of `kind`; `None` if this version does not know it.
        pub fn visit_kind<V: KindVisitor>(kind: u16, visitor: V) -> Option<V::Output> {
            match kind {
                $($kind => Some(visitor.visit::<$name>()),)*
                _ => None,
            }
        }
    };
}

bodies! {
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
    }
    /// The application has taken everything up to here for good.
    0x0031 FeedAck {
        /// The cursor of the last event taken.
        cursor: Bytes,
    }
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
        /// 1: active.
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
    /// Answer to `Fetch`.
    0x0120 Presence {
        /// What the watcher is shown.
        presence: PresenceBody,
    }
    /// One row of the answer to `ListSubscriptions`.
    0x0121 Subscription {
        /// `pres:` URI.
        presentity: String,
        /// 1: active. 2: terminated.
        state: u8,
        /// 0: none. 1: timeout. 2: deactivated.
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
