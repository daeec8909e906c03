//! What a watcher is shown, in bytes that are made once for all who are shown the same.
//!
//! Must never hold: a rule about who sees what; `service::view` decides, for fetch and notify alike.

use std::borrow::Cow;

use bytes::Bytes;

use crate::model::{Document, Principal, SubscriptionState};
use crate::protocol::body;
use crate::protocol::document::presence_body;
use crate::protocol::feed::encode_presence_suffix;
use crate::service::{PresenceItem, view};

/// The part of a `PresenceEvent` that tells `item` to `watcher`.
pub(super) fn suffix(secret: &[u8; 32], item: &PresenceItem, watcher: &Principal) -> Bytes {
    match shown(secret, item, watcher) {
        Some(Cow::Owned(document)) => encode_presence_suffix(&written(item, Some(&document))),
        Some(Cow::Borrowed(document)) => shared(item, Some(document)),
        None => shared(item, None),
    }
}

/// The body that tells `item` to `watcher`.
pub fn shown_body(secret: &[u8; 32], item: &PresenceItem, watcher: &Principal) -> body::Presence {
    written(item, shown(secret, item, watcher).as_deref())
}

/// The document shown; none once the subscription is over.
fn shown<'a>(
    secret: &[u8; 32],
    item: &'a PresenceItem,
    watcher: &Principal,
) -> Option<Cow<'a, Document>> {
    (item.state == SubscriptionState::Active).then(|| view(secret, item, watcher))
}

fn shared(item: &PresenceItem, document: Option<&Document>) -> Bytes {
    item.encoded.get_or_init(|| encode_presence_suffix(&written(item, document))).clone()
}

fn written(item: &PresenceItem, document: Option<&Document>) -> body::Presence {
    presence_body(&item.presentity, item.state, document)
}
