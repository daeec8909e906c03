//! The limits, time-outs and defaults of the protocol as `docs/PROTOCOL.md` lists them, each with its value in the code.
//!
//! Must never hold: a number (those are in `model::limits`).

use adsum::model::limits as l;

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Bytes,
    Count,
    Milliseconds,
}

/// A row of a table of the document.
pub(crate) struct Row {
    /// What the document calls it.
    pub(crate) what: &'static str,
    /// What the code calls it.
    pub(crate) name: &'static str,
    pub(crate) value: u64,
    pub(crate) unit: Unit,
}

impl Row {
    /// The value as the document writes it.
    pub(crate) fn shown(&self) -> String {
        match self.unit {
            Unit::Bytes => format!("{} bytes", grouped(self.value)),
            Unit::Count => grouped(self.value),
            Unit::Milliseconds => span(self.value),
        }
    }
}

macro_rules! listed {
    ($($what:literal $name:ident $unit:ident;)*) => {
        vec![$(Row {
            what: $what,
            name: stringify!($name),
            value: u64::try_from(l::$name).expect("a limit is a number"),
            unit: Unit::$unit,
        },)*]
    };
}

/// Appendix A.5.
pub(crate) fn limits() -> Vec<Row> {
    [frame_limits(), presence_limits(), other_limits()].into_iter().flatten().collect()
}

fn frame_limits() -> Vec<Row> {
    listed! {
        "Frame, as its length field says" FRAME_BYTES_MAX Bytes;
        "Frame before Welcome" HELLO_BYTES_MAX Bytes;
        "Frames passed over before Welcome" HELLO_BYTES_MAX Bytes;
        "Streams open before Welcome" UNPROVEN_STREAMS_OPEN_MAX Count;
        "Streams before Welcome, ended ones counted" UNPROVEN_STREAMS_MAX Count;
        "Bytes of all streams before Welcome" UNPROVEN_BYTES_MAX Bytes;
        "STREAM frames of QUIC before Welcome" UNPROVEN_PIECES_MAX Count;
        "Streams open" STREAMS_OPEN_MAX Count;
        "Feeds of a connection" FEEDS_MAX Count;
        "Requests of a connection unanswered at once" REQUESTS_IN_FLIGHT_MAX Count;
        "Operations of a device remembered" OPERATIONS_OF_DEVICE_MAX Count;
        "Operations of a principal remembered" OPERATIONS_OF_PRINCIPAL_MAX Count;
        "An operation is remembered" OPERATION_MS Milliseconds;
        "Window of a feed, events" WINDOW_EVENTS_MAX Count;
        "Window of a feed, bytes" WINDOW_BYTES_MAX Bytes;
        "Presentities in a FeedOpen" FEED_PRESENTITIES_MAX Count;
        "Cursor" CURSOR_BYTES_MAX Bytes;
        "Text of a refusal" REFUSAL_TEXT_BYTES_MAX Bytes;
    }
}

fn presence_limits() -> Vec<Row> {
    listed! {
        "Document" DOCUMENT_BYTES_MAX Bytes;
        "Composed document" COMPOSED_BYTES_MAX Bytes;
        "What a tuple counts beside its text" TUPLE_COST_BYTES Bytes;
        "What a note or markup element counts beside its text" TEXT_COST_BYTES Bytes;
        "Tuples in a document" TUPLES_MAX Count;
        "Notes in one place" NOTES_MAX Count;
        "Markup elements in one place" MARKUP_MAX Count;
        "Tuple id" TUPLE_ID_BYTES_MAX Bytes;
        "Contact" CONTACT_BYTES_MAX Bytes;
        "Language tag" LANGUAGE_BYTES_MAX Bytes;
        "Publications of a presentity" PUBLICATIONS_MAX Count;
        "Publication name" PUBLICATION_NAME_BYTES_MAX Bytes;
        "Subscriptions of a watcher" SUBSCRIPTIONS_MAX Count;
        "Ended subscriptions remembered" SUBSCRIPTIONS_ENDED_MAX Count;
        "Wishes of a watcher that wait for a decision" REQUESTS_MAX Count;
        "Subscription lifetime of an anonymous session, most" SUBSCRIPTION_ANONYMOUS_MS_MAX Milliseconds;
        "Subscriptions of an anonymous session" SUBSCRIPTIONS_ANONYMOUS_MAX Count;
        "Rules of an owner" RULES_MAX Count;
        "Rule name" RULE_NAME_BYTES_MAX Bytes;
        "Tuples a view names" RULE_TUPLES_MAX Count;
        "Watchers of a presentity remembered" WATCHERS_MAX Count;
        "Anonymous watchers of a presentity remembered, beside the others" WATCHERS_ANONYMOUS_MAX Count;
        "A watcher is remembered" WATCHERS_WINDOW_MS Milliseconds;
        "Rows of a ListHistory" HISTORY_ROWS_MAX Count;
        "Lifetime, least" LIFETIME_MS_MIN Milliseconds;
        "Publication lifetime, default" PUBLICATION_MS_DEFAULT Milliseconds;
        "Publication lifetime, most" PUBLICATION_MS_MAX Milliseconds;
        "Subscription lifetime, default" SUBSCRIPTION_MS_DEFAULT Milliseconds;
        "Subscription lifetime, most" SUBSCRIPTION_MS_MAX Milliseconds;
        "Changes of one presentity a catch-up tells" HISTORY_WALK_MAX Count;
    }
}

fn other_limits() -> Vec<Row> {
    listed! {
        "Message body" BODY_BYTES_MAX Bytes;
        "Composing indication" COMPOSING_BYTES_MAX Bytes;
        "Composing indications of a sender to an inbox in a minute" COMPOSING_A_MINUTE_MAX Count;
        "Message id" MESSAGE_ID_BYTES_MAX Bytes;
        "Content type" CONTENT_TYPE_BYTES_MAX Bytes;
        "Messages waiting in an inbox" MESSAGES_WAITING_MAX Count;
        "Messages of one sender unread in an inbox" MESSAGES_WAITING_OF_SENDER_MAX Count;
        "Messages of one sender unread in all inboxes, unless its administrators or the operator say otherwise" MESSAGES_STORED_OF_SENDER_MAX Count;
        "Messages of one sender within 30 days, likewise" MESSAGE_IDS_REMEMBERED_MAX Count;
        "Bytes of the log that one principal fills within a day, likewise" LOG_BYTES_A_DAY_MAX Bytes;
        "Events a second of one principal, a minute's at once, likewise" EVENTS_A_SECOND_MAX Count;
        "Feeds that one principal opens within a minute, likewise" FEEDS_A_MINUTE_MAX Count;
        "Bytes of all rules of one principal as they are stored, likewise" RULES_BYTES_MAX Bytes;
        "Message lifetime, most" MESSAGE_LIFETIME_MS_MAX Milliseconds;
        "A message id is remembered" DEDUPLICATION_MS Milliseconds;
        "Sequences in a Delete" DELETE_COUNT_MAX Count;
        "Words of a refusing delivery rule" DELIVERY_REASON_BYTES_MAX Bytes;
        "Messages stored aside in an inbox" QUARANTINED_MAX Count;
        "Messages of one sender stored aside while there is no room" QUARANTINED_OF_SENDER_MAX Count;
        "Principals granted rights by one" GRANTS_MAX Count;
        "Acts of administrators remembered" ACTS_MAX Count;
        "Domains of a server" DOMAINS_MAX Count;
        "Local part of an address" LOCAL_PART_BYTES_MAX Bytes;
        "Domain of an address" DOMAIN_BYTES_MAX Bytes;
        "Devices of a principal" DEVICES_MAX Count;
        "Revoked devices remembered" DEVICES_REVOKED_MAX Count;
        "Device label" DEVICE_LABEL_BYTES_MAX Bytes;
        "Open invites of a server" INVITES_MAX Count;
        "Open invites that one administrator made" INVITES_OF_ADMINISTRATOR_MAX Count;
        "Open invites that one user made" INVITES_OF_USER_MAX Count;
        "Invite lifetime, default" INVITE_MS_DEFAULT Milliseconds;
        "Invite lifetime, most" INVITE_MS_MAX Milliseconds;
        "Delay of recoveries, default" RECOVERY_DELAY_MS_DEFAULT Milliseconds;
        "Delay of recoveries, least" RECOVERY_DELAY_MS_MIN Milliseconds;
        "Delay of recoveries, most" RECOVERY_DELAY_MS_MAX Milliseconds;
        "Announcements of recoveries in an inbox" ANNOUNCEMENTS_MAX Count;
    }
}

/// Appendix A.6, in its order.
pub(crate) fn timeouts() -> Vec<Row> {
    listed! {
        "A client that sends nothing, before it sends a PING" KEEP_ALIVE_MS Milliseconds;
        "Nothing received, on either side" IDLE_MS_MAX Milliseconds;
        "Hello, and the answer to Challenge, after the handshake" HELLO_MS_MAX Milliseconds;
        "The first byte of a stream, and then the first frame of a QUERY or FEED"
            FIRST_FRAME_MS_MAX Milliseconds;
        "Clients after Goaway, unless the operator chose otherwise" DRAIN_MS_DEFAULT Milliseconds;
        "A feed beyond the eighth" FEEDS_RETRY_MS Milliseconds;
    }
}

/// A field that may be left out: what it means then, and the most it may be.
pub(crate) struct Default {
    pub(crate) field: &'static str,
    pub(crate) means: Option<Row>,
    pub(crate) most: Option<Row>,
}

/// Appendix A.7, in its order.
pub(crate) fn defaults() -> Vec<Default> {
    let row = |rows: Vec<Row>| rows.into_iter().next();
    let both = |field, means, most| Default { field, means: row(means), most: row(most) };
    vec![
        both(
            "Publish.lifetime_ms",
            listed! { "" PUBLICATION_MS_DEFAULT Milliseconds; },
            listed! { "" PUBLICATION_MS_MAX Milliseconds; },
        ),
        both(
            "Subscribe.lifetime_ms",
            listed! { "" SUBSCRIPTION_MS_DEFAULT Milliseconds; },
            listed! { "" SUBSCRIPTION_MS_MAX Milliseconds; },
        ),
        both(
            "Invite.lifetime_ms",
            listed! { "" INVITE_MS_DEFAULT Milliseconds; },
            listed! { "" INVITE_MS_MAX Milliseconds; },
        ),
        both("Send.lifetime_ms", vec![], listed! { "" MESSAGE_LIFETIME_MS_MAX Milliseconds; }),
        both("Send.sender", vec![], vec![]),
        both(
            "FeedOpen.window",
            listed! { "" WINDOW_EVENTS_MAX Count; },
            listed! { "" WINDOW_EVENTS_MAX Count; },
        ),
        both(
            "ListHistory.limit",
            listed! { "" HISTORY_ROWS_MAX Count; },
            listed! { "" HISTORY_ROWS_MAX Count; },
        ),
    ]
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn span(ms: u64) -> String {
    let (number, unit) = match ms {
        ms if ms % l::DAY_MS == 0 => (ms / l::DAY_MS, "d"),
        ms if ms % l::HOUR_MS == 0 => (ms / l::HOUR_MS, "h"),
        ms => (ms / 1_000, "s"),
    };
    format!("{number} {unit}")
}
