//! What the fields, variants and types that events are made of are called in a line.
//!
//! The names in JSON lines are an interface, and those in the code are not: what differs stands here.
//! Must never hold: a line for an event whose fields are called in the code as they are shown.

use data_encoding::HEXLOWER;
use serde_json::Value;

use crate::cli::print::time::rfc3339;
use crate::model::{Ahead, Lifetime, Moment, PublicKey, Receipts, Rights, Timestamp};

/// What the field `field` of the struct `of` is called in a line; `None` if it is left out.
pub(super) fn shown_as(of: &str, field: &'static str) -> Option<&'static str> {
    Some(match (of, field) {
        ("InviteCreated" | "InviteIssued", "principal" | "domain")
        | ("RestoreNoticed" | "RecoveryStarted", "principal")
        | ("RulesBefore", "domain")
        | ("PastPlace", "inbox") => field,
        ("KeyEnrolled" | "DeviceEnrolled", "invite") => "invited",
        ("KeyEnrolled" | "DeviceEnrolled", "key") | ("MessageDisplayed", "by") => "device",
        // The entity stands in front of the fields.
        (_, "invite" | "principal" | "domain" | "inbox")
        | (
            "SubscriptionCreated"
            | "SubscriptionRefreshed"
            | "SubscriptionEnded"
            | "WatcherForgotten",
            "watcher",
        )
        | (
            "Published" | "PublicationRefreshed" | "PublicationEnded" | "RulesReviewed",
            "presentity",
        ) => return None,
        (_, "watcher" | "presentity") if of.contains("Rules") => return None,
        // These serve the service, or say nothing that the other fields do not.
        ("Published" | "OperationDone", "by")
        | (_, "operation" | "digest" | "shown_at" | "timestamp") => {
            return None;
        }
        ("ClockMoved", "after") => "after_ms",
        ("ClockMoved", "before") => "before_ms",
        (_, "shows_earlier") => "earlier_shown",
        (_, "basic") => "status",
        (_, "is_first") => "first",
        (_, "is_suspended") => "suspended",
        (_, "is_visible") => "visible",
        (_, "kind") => "receipt",
        (_, "lifetime") => "ttl_s",
        (_, "sender") => "from",
        (_, "sequence") => "position",
        (_, "shown") => "view",
        (_, "status_markup") => "markup",
        _ => field,
    })
}

/// Structs whose fields stand beside those of the struct that has them.
pub(super) const LIFTED: [&str; 5] = ["action", "message", "publication", "rules", "by"];

/// Whether a field of text holds what somebody wrote: the reason for refusing a message does. The reason for the end of a
/// subscription is a fixed word.
pub(super) fn is_written(of: &str, field: &str) -> bool {
    field == "reason" && of != "SubscriptionEnded"
}

/// Whether a field is a time of the wall clock in the log: rules hold by it. Other times are elapsed time.
pub(super) fn is_of_wall_clock(field: &str) -> bool {
    matches!(field, "from" | "until" | "through")
}

/// The word for a variant, such as `polite-block` for `PoliteBlock`.
pub(super) fn word(of: &str, variant: &str) -> String {
    let mut word = String::new();
    for letter in variant.chars() {
        // RFC 3857 writes `giveup` and `noresource`.
        if letter.is_uppercase() && !word.is_empty() && of != "EndReason" {
            word.push('-');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

/// The value of the type `name`, which has only `inner` in it. Times are shown as by a wall clock that is `ahead`.
pub(super) fn newtype(name: &str, inner: Value, ahead: Ahead) -> Value {
    let bits = || inner.as_u64().and_then(|bits| u8::try_from(bits).ok()).unwrap_or_default();
    match (name, &inner) {
        ("Timestamp", Value::Number(ms)) => {
            rfc3339(ahead.shown(Timestamp::from_ms(ms.as_u64().unwrap_or_default()))).into()
        }
        ("Moment", Value::Number(us)) => {
            rfc3339(Moment::from_us(us.as_u64().unwrap_or_default()).timestamp()).into()
        }
        ("Lifetime", Value::Number(ms)) => {
            Lifetime::from_ms(ms.as_u64().unwrap_or_default()).as_secs().into()
        }
        ("Receipts", _) => Receipts::from_bits(bits()).to_string().into(),
        ("Rights", _) => Rights::from_bits(bits()).unwrap_or_default().to_string().into(),
        ("Presentity", Value::String(account)) => format!("pres:{account}").into(),
        ("InboxAddress", Value::String(account)) => format!("im:{account}").into(),
        ("PublicKey", Value::String(hex)) => {
            let key = HEXLOWER.decode(hex.as_bytes()).ok().and_then(|key| key.try_into().ok());
            PublicKey(key.unwrap_or_default()).device().to_string().into()
        }
        _ => inner,
    }
}
