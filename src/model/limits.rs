//! Every limit of the system, each with the reason for its value.
//!
//! Must never hold: a limit that is only a habit. What is bounded here is refused with its own code when
//! it is reached, never dropped in silence.

/// Longest local part of an address, in UTF-8 bytes after folding. RFC 5321 §4.5.3.1.1 allows 64 octets.
pub const LOCAL_PART_BYTES_MAX: usize = 64;
/// Longest domain in its ASCII form. RFC 1035 §2.3.4.
pub const DOMAIN_BYTES_MAX: usize = 253;

/// Largest message body: small enough for one frame and a few log entries. RFC 2778 leaves "small" open.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Longest sender-chosen message id. CPP and CPIM gateways handle 40 bytes; IMDN advises 64 random bits.
pub const MESSAGE_ID_BYTES_MAX: usize = 64;
/// Longest MIME content type with its parameters.
pub const CONTENT_TYPE_BYTES_MAX: usize = 255;
/// Messages that may wait unacknowledged in an inbox, and those and receipts that it keeps in all. What lies aside is
/// bounded by itself, see [`QUARANTINED_MAX`].
pub const MESSAGES_WAITING_MAX: usize = 10_000;
/// Messages of one sender that may wait in an inbox for any of its owner's devices: a tenth of what all together may, so
/// that nobody fills an inbox for the others.
pub const MESSAGES_WAITING_OF_SENDER_MAX: usize = MESSAGES_WAITING_MAX / 10;
/// How long a message id is remembered after its message was accepted, in milliseconds: 30 days.
pub const DEDUPLICATION_MS: u64 = 30 * DAY_MS;
/// Bytes of memory for the filter that says of an id of a message that it is surely new, unless the operator says otherwise. It
/// takes a byte and a half for each message of the last 30 days, so this is enough for 40 million.
pub const MESSAGE_FILTER_BYTES_DEFAULT: u64 = 64 * 1024 * 1024;
/// How long nobody may be called as a principal that was erased, in milliseconds: 30 days, as long as the ids of its messages
/// are remembered.
pub const NAME_FREED_MS: u64 = DEDUPLICATION_MS;
/// Longest time to live a sender may ask for: one year. Longer than any retention we know of.
pub const MESSAGE_LIFETIME_MS_MAX: u64 = 365 * DAY_MS;
/// Messages named in one delete request: keeps one request one small batch of events.
pub const DELETE_COUNT_MAX: usize = 1_000;

/// Largest presence document that one device publishes, counted over everything written in it and what its parts cost
/// in a frame.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
/// What a tuple counts beside its text: the most its numbers and counts take in a frame.
pub const TUPLE_COST_BYTES: usize = 24;
/// What a note or an extension element counts beside its text: the most its lengths take in a frame.
pub const TEXT_COST_BYTES: usize = 5;
/// Tuples in one document, published or composed; of more that are published together some are left out.
pub const TUPLES_MAX: usize = 100;
/// Notes in one tuple or at the top of one document: one per language is the use, not a chat. Of more that are published
/// together some are left out.
pub const NOTES_MAX: usize = 16;
/// Extension elements in one tuple with its status, or at the top of one document. Of more that are published together
/// some are left out.
pub const MARKUP_MAX: usize = 32;
/// Longest tuple id.
pub const TUPLE_ID_BYTES_MAX: usize = 64;
/// Bytes of a tuple's own id that stay readable when it is composed.
pub const TUPLE_ID_KEPT_BYTES_MAX: usize = 48;
/// What a tuple's id gains when it is composed: a dot and eight hexadecimal digits.
pub const COMPOSED_ID_BYTES: usize = 9;
/// Largest composed document: the largest that one device may publish, and what its ids gain.
pub const COMPOSED_BYTES_MAX: usize = DOCUMENT_BYTES_MAX + TUPLES_MAX * COMPOSED_ID_BYTES;
/// Longest contact address.
pub const CONTACT_BYTES_MAX: usize = 1_024;
/// Longest language tag; RFC 5646 §4.4.1 says 35 is enough for all but private ones.
pub const LANGUAGE_BYTES_MAX: usize = 35;
/// Elements inside one another in an XML document: PIDF with RPID uses five or six.
pub const XML_DEPTH_MAX: usize = 32;
/// Attributes of one XML element, namespace declarations among them: keeps every look-up of a prefix short.
pub const XML_ATTRIBUTES_MAX: usize = 64;
/// Headers of one `message/cpim`, those of its content apart: a message to a hundred is not a small one.
pub const CPIM_HEADERS_MAX: usize = 128;
/// Longest header of a `message/cpim`. RFC 3862 §2.2 sets none; this one only keeps a header smaller than a message.
pub const CPIM_HEADER_BYTES_MAX: usize = 8 * 1024;
/// Publications of one presentity: one per device and name is the use.
pub const PUBLICATIONS_MAX: usize = 32;
/// Longest name a device gives to one of its publications.
pub const PUBLICATION_NAME_BYTES_MAX: usize = 32;

/// Shortest publication or subscription lifetime that is granted: below it the refreshes are the load.
pub const LIFETIME_MS_MIN: u64 = 1_000;
/// Lifetime of a publication that asks for none: 3600 s, as RFC 3856 §6.4 has it for subscriptions.
pub const PUBLICATION_MS_DEFAULT: u64 = HOUR_MS;
/// Longest lifetime of a publication.
pub const PUBLICATION_MS_MAX: u64 = 7 * DAY_MS;
/// Lifetime of a subscription that asks for none: a week, so that a device may be away for days.
pub const SUBSCRIPTION_MS_DEFAULT: u64 = 7 * DAY_MS;
/// Longest lifetime of a subscription.
pub const SUBSCRIPTION_MS_MAX: u64 = 30 * DAY_MS;
/// Subscriptions of one watcher. RFC 2779 §2.2.4 asks for hundreds.
pub const SUBSCRIPTIONS_MAX: usize = 1_000;
/// Ended subscriptions a watcher's record keeps, so that the reason waits for its next connection.
pub const SUBSCRIPTIONS_ENDED_MAX: usize = 1_000;

/// Subscriptions of one watcher that wait for a decision: asking everybody is not watching.
pub const REQUESTS_MAX: usize = 100;
/// How long an undecided wish to subscribe is remembered unless the operator says otherwise: 30 days (RFC 3857 §4.7.1
/// advises days).
pub const REQUEST_MS_DEFAULT: u64 = 30 * DAY_MS;
/// Longest subscription of an anonymous session: nobody can resume it, so it must not outlive its use by far.
pub const SUBSCRIPTION_ANONYMOUS_MS_MAX: u64 = HOUR_MS;
/// Subscriptions of one anonymous session: a page that shows a team.
pub const SUBSCRIPTIONS_ANONYMOUS_MAX: usize = 64;
/// Between two events that anonymous sessions cause, on average, all of them together: at most 346,000 a day.
pub const ANONYMOUS_EVENT_MS: u64 = 250;
/// The same for those from one address.
pub const ANONYMOUS_ADDRESS_EVENT_MS: u64 = 1_000;
/// How long events are saved up that anonymous sessions did not cause: so many may come at once.
pub const ANONYMOUS_SAVED_MS: u64 = 60 * 1_000;
/// How long an anonymous session that finds no place is told to stay away.
pub const ANONYMOUS_RETRY_MS: u64 = 30 * 1_000;

/// Rules in one set: more are better said by domain.
pub const RULES_MAX: usize = 128;
/// Longest name of a rule: an address with its `@`.
pub const RULE_NAME_BYTES_MAX: usize = 320;
/// Tuples one rule names.
pub const RULE_TUPLES_MAX: usize = 32;
/// Tuple ids a presentity remembers having published, so that a rule may name one that is not live.
pub const TUPLE_IDS_REMEMBERED_MAX: usize = 200;
/// Longest reason in the owner's words for refusing a message.
pub const DELIVERY_REASON_BYTES_MAX: usize = 200;
/// Principals one principal grants rights to: members of a large group.
pub const GRANTS_MAX: usize = 1_000;
/// How far watcher information looks back.
pub const WATCHERS_WINDOW_MS: u64 = 30 * DAY_MS;
/// A wall clock that moves further than this against elapsed time has been set, and is told; what is less is followed.
pub const CLOCK_STEP_MS_MAX: u64 = 2_000;
/// A wall clock that gains or loses no more than one millisecond in this many is drifting or smeared, not set.
pub const CLOCK_DRIFT_PARTS: u64 = 1_000;
/// A difference to the wall clock that nobody is shown: reading two clocks one after the other is no truer.
pub const CLOCK_NOISE_MS_MAX: u64 = 100;
/// Watchers one presentity's watcher information remembers.
pub const WATCHERS_MAX: usize = 10_000;
/// Anonymous watchers that it remembers beside them: each session is another one, so they must not push out who has a name.
pub const WATCHERS_ANONYMOUS_MAX: usize = 200;
/// At most one event about the same watcher and presentity in this time: a poller must not fill the log.
pub const WATCHERS_EVERY_MS: u64 = 60 * 1_000;
/// Messages an inbox keeps aside beside the others; the oldest make room.
pub const QUARANTINED_MAX: usize = 1_000;
/// Messages of one sender that are kept aside before its own make room, and not those of others.
pub const QUARANTINED_OF_SENDER_MAX: usize = QUARANTINED_MAX / 10;
/// Watchers whose counts may wait in memory to be recorded.
pub const WATCHERS_PENDING_MAX: usize = 100_000;
/// Domains of one server. RFC 2779 §2.1.5 asks for arbitrarily many.
pub const DOMAINS_MAX: usize = 100_000;
/// Acts of administrators that a principal's record keeps.
pub const ACTS_MAX: usize = 100;
/// Changes one question about the past is answered with at most.
pub const HISTORY_ROWS_MAX: usize = 1_000;

/// Devices of one principal.
pub const DEVICES_MAX: usize = 16;
/// Revoked devices a principal's record keeps, so that a revoked key is told why.
pub const DEVICES_REVOKED_MAX: usize = 64;
/// Longest label of a device.
pub const DEVICE_LABEL_BYTES_MAX: usize = 64;
/// Invites open at once over the whole store.
pub const INVITES_MAX: usize = 10_000;
/// Invites of one administrator open at once: a fifth of all, so that one cannot use up what all share.
pub const INVITES_OF_ADMINISTRATOR_MAX: usize = INVITES_MAX / 5;
/// Invites of anybody else open at once, all for further devices of its own.
pub const INVITES_OF_USER_MAX: usize = DEVICES_MAX;
/// Lifetime of an invite that asks for none: a week.
pub const INVITE_MS_DEFAULT: u64 = 7 * DAY_MS;
/// Longest lifetime of an invite.
pub const INVITE_MS_MAX: u64 = 30 * DAY_MS;
/// How long a recovery waits if its domain does not say: whoever looks once a day can refuse it.
pub const RECOVERY_DELAY_MS_DEFAULT: u64 = DAY_MS;
/// Shortest wait a domain may set: less would be no time to refuse.
pub const RECOVERY_DELAY_MS_MIN: u64 = HOUR_MS;
/// Longest wait a domain may set.
pub const RECOVERY_DELAY_MS_MAX: u64 = 30 * DAY_MS;
/// Announcements of recoveries that one inbox keeps, beside what fills it; the oldest make room.
pub const ANNOUNCEMENTS_MAX: usize = 16;

/// Bytes of framing around the largest body or document: addresses, ids, numbers and extensions.
pub const FRAME_OVERHEAD_BYTES: usize = 4 * 1024;
/// Largest frame after its length field.
pub const FRAME_BYTES_MAX: usize = 68 * 1024;
/// Largest first frame of a connection: nothing is proven yet, so little is held for it.
pub const HELLO_BYTES_MAX: usize = 4 * 1024;
/// Bytes of all streams of a connection that may be on their way before the proof: a `Hello`, requests behind it, and what
/// opens feeds.
pub const UNPROVEN_BYTES_MAX: u32 = 5 * 1024;
/// Streams that may be open before the proof: CONTROL, and those that leave in one flight with `Hello`.
pub const UNPROVEN_STREAMS_OPEN_MAX: u32 = 4;
/// Streams opened before the proof in all, ended ones counted: each costs a task, and nobody needs so many.
pub const UNPROVEN_STREAMS_MAX: usize = 16;
/// Pieces in which those bytes may come: each costs about 200 bytes beside what it holds.
pub const UNPROVEN_PIECES_MAX: u64 = 64;
/// Bytes of packets that a page's browser may send until it has asked for its session: a handshake, its settings, and a
/// request with headers. What is read of them is held only until the request is whole.
pub const UNPROVEN_REQUEST_BYTES_MAX: u64 = 16 * 1024;
/// Streams that may be open once a connection has proven who it is: its own few long-lived ones and a question each.
pub const STREAMS_OPEN_MAX: u32 = 64;
/// Longest text of a refusal on the wire: what it repeats of a request is cut there.
pub const REFUSAL_TEXT_BYTES_MAX: usize = 2 * 1024;
/// Presentities one feed may name. Equals the subscriptions a watcher can have.
pub const FEED_PRESENTITIES_MAX: usize = SUBSCRIPTIONS_MAX;
/// Epochs of a log that are remembered, so that a position from another past is told from one of this past; older
/// positions are taken as they are.
pub const EPOCHS_KEPT_MAX: usize = 256;
/// Devices remembered that noticed that the store was put back to an earlier state: enough to see what happened.
pub const NOTICES_KEPT_MAX: usize = 16;
/// Longest sealed cursor on the wire.
pub const CURSOR_BYTES_MAX: usize = 128;
/// Events a feed may have in flight unacknowledged.
pub const WINDOW_EVENTS_MAX: u32 = 256;
/// Bytes a feed may have in flight unacknowledged.
pub const WINDOW_BYTES_MAX: usize = 256 * 1024;
/// Changes queued in memory for a feed in `every` mode before it falls back to reading them again.
pub const FEED_QUEUE_MAX: usize = 1_024;
/// Positions one catch-up of an `every` feed walks back through; older changes are told as a gap.
pub const HISTORY_WALK_MAX: usize = 100_000;
/// Feeds of one connection: two are normal, a drain is a third. Also kept below 1/8 of the streams.
pub const FEEDS_MAX: usize = 8;
/// State-changing requests of one connection that may be unanswered at once.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 1_024;
/// How long an operation is remembered after it was done, so that a repeat gets its first answer, in milliseconds.
pub const OPERATION_MS: u64 = DAY_MS;
/// Operations that are remembered of one device: as many as may be unanswered when its connection is lost.
pub const OPERATIONS_OF_DEVICE_MAX: usize = REQUESTS_IN_FLIGHT_MAX;
/// Operations that are remembered of one principal, whichever of its devices did them.
pub const OPERATIONS_OF_PRINCIPAL_MAX: usize = DEVICES_MAX * OPERATIONS_OF_DEVICE_MAX;
/// Operations whose time is over that are forgotten with one event: more than an event adds, so that they go as fast as
/// they came, and few, so that nobody waits for a whole day's.
pub const OPERATIONS_FORGOTTEN_MAX: usize = 4;
/// Subscriptions, and watchers, that are looked at in one step when a feed is opened or watchers are listed: so that
/// nobody else waits for more than a part of a millisecond.
pub const FEED_PART_MAX: usize = 64;
/// Feeds that are told of something for what one step costs: to tell one is to put a letter into its box, which takes the writer a
/// tenth of a microsecond where many are told.
pub const FEEDS_OF_STEP: u64 = 64;
/// What one asker is given in one round, or two together, in the cost of their inputs: half a millisecond, which is about what a
/// sync takes, so that somebody who asks for little hardly notices one who asks for much. Each further asker adds as much, so
/// that many share a sync.
pub const ROUND_COST_MIN: u64 = 64;
/// What all askers together are given in one round at most: past that a larger commit is hardly cheaper, only later.
pub const ROUND_COST_MAX: u64 = 2_048;
/// What ends by itself, and what changes of rules take that are carried to subscriptions, in one round: half a millisecond.
/// The rest follows in the next rounds, and what others ask in between.
pub const ROUND_PART_MAX: usize = 64;
/// Rows of an inbox handed out at once for reading.
pub const INBOX_PAGE_MAX: usize = 512;

/// Longest wait for a proven `Hello` after the handshake, which a lossy mobile network still makes.
pub const HELLO_MS_MAX: u64 = 10_000;
/// Longest wait for the first byte of a stream, and again for its first frame.
pub const FIRST_FRAME_MS_MAX: u64 = 5_000;
/// Without a packet for this long a connection counts as lost: three keep-alives.
pub const IDLE_MS_MAX: u64 = 3 * KEEP_ALIVE_MS;
/// How often a silent client shows that it lives: often enough for most middleboxes (RFC 9000 §10.1.2).
pub const KEEP_ALIVE_MS: u64 = 20_000;
/// What a server that stops gives its clients to take what is on its way, unless its operator says otherwise.
pub const DRAIN_MS_DEFAULT: u64 = 5_000;
/// Room that a server sets apart on its disk, 64 MiB: many times what one round and a part of a checkpoint write. When half of
/// it cannot be kept, what is new is refused.
pub const DISK_RESERVE_BYTES_DEFAULT: u64 = 64 * 1024 * 1024;
/// How long what is over is kept unless the operator says otherwise, 30 days: as long as ids of messages are remembered.
pub const RETENTION_MS_DEFAULT: u64 = 30 * DAY_MS;
/// The same of what administrators did and how rules were changed, a year: it is little, and asked for late.
pub const RETENTION_ACTS_MS_DEFAULT: u64 = 365 * DAY_MS;
/// The least that may be kept, one second: what is younger may be on its way to somebody.
pub const RETENTION_MS_MIN: u64 = 1_000;
/// Bytes that all entries of a log may have unless the operator says otherwise, 1 TiB: age is what decides.
pub const LOG_BYTES_KEPT_DEFAULT: u64 = 1 << 40;
/// The least that the past of a domain may be held to, 1 MiB: each time it has an eighth more, the whole log is cut.
pub const DOMAIN_LOG_BYTES_MIN: u64 = 1024 * 1024;
/// Between two looks whether something is over, 10 minutes.
pub const RETENTION_CHECK_MS_DEFAULT: u64 = 10 * MINUTE_MS;
/// When to try again for a feed that found no place: another one must end first.
pub const FEEDS_RETRY_MS: u64 = 5_000;

/// Largest composing indication: a small document, perhaps with the headers of a `message/cpim` around it.
pub const COMPOSING_BYTES_MAX: usize = 4 * 1024;
/// Composing indications that a sender may pass on to an inbox in a minute; more are dropped without a word. RFC 3994 has
/// one at each change of state and each refresh.
pub const COMPOSING_A_MINUTE_MAX: u32 = 20;
/// Senders and inboxes whose rate is counted at once.
pub const COMPOSING_PAIRS_MAX: usize = 10_000;
/// Composing indications a feed or a client holds, the latest of each sender.
pub const COMPOSING_HELD_MAX: usize = 16;

/// Bytes of the log that a principal may fill within a day: a hundred times what a person with several devices does.
pub const LOG_BYTES_A_DAY_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Events a second that a principal may bring about; as many as a minute allows may come at once. Programs that send for
/// many stay below it.
pub const EVENTS_A_SECOND_MAX: u64 = 10_000;
/// Messages that a principal may send within the time that their ids are remembered: an id takes 100 bytes of memory.
pub const MESSAGE_IDS_REMEMBERED_MAX: u64 = 1_000_000;
/// Messages of one sender that may wait in all inboxes together for any of their owners' devices: word to a hundred thousand
/// who are away. Each takes 130 bytes of memory.
pub const MESSAGES_STORED_OF_SENDER_MAX: u64 = 100_000;
/// Bytes of all rules of an owner, as they are stored: a full set of access rules that name people, twice.
pub const RULES_BYTES_MAX: usize = 400_000;
/// Feeds that a principal may open within a minute, on all its devices.
pub const FEEDS_A_MINUTE_MAX: u64 = 6_000;
/// Principals whose feeds are counted at once.
pub const FEEDS_COUNTED_MAX: usize = 10_000;

/// One minute in milliseconds.
pub const MINUTE_MS: u64 = 60 * 1_000;
/// One hour in milliseconds.
pub const HOUR_MS: u64 = 60 * 60 * 1_000;
/// One day in milliseconds.
pub const DAY_MS: u64 = 24 * HOUR_MS;

/// What a client may want to know before it runs into it: each limit by what it limits, with its unit.
pub const TOLD: &[(&str, u64)] = &[
    ("message-body-bytes", BODY_BYTES_MAX as u64),
    ("messages-waiting", MESSAGES_WAITING_MAX as u64),
    ("messages-waiting-of-sender", MESSAGES_WAITING_OF_SENDER_MAX as u64),
    ("message-lifetime-ms", MESSAGE_LIFETIME_MS_MAX),
    ("document-bytes", DOCUMENT_BYTES_MAX as u64),
    ("document-tuples", TUPLES_MAX as u64),
    ("publications", PUBLICATIONS_MAX as u64),
    ("publication-lifetime-ms", PUBLICATION_MS_MAX),
    ("subscriptions", SUBSCRIPTIONS_MAX as u64),
    ("subscription-lifetime-ms", SUBSCRIPTION_MS_MAX),
    ("rules", RULES_MAX as u64),
    ("devices", DEVICES_MAX as u64),
    ("frame-bytes", FRAME_BYTES_MAX as u64),
    ("feeds", FEEDS_MAX as u64),
    ("requests-in-flight", REQUESTS_IN_FLIGHT_MAX as u64),
];

const _: () = assert!(BODY_BYTES_MAX + FRAME_OVERHEAD_BYTES <= FRAME_BYTES_MAX);
const _: () = assert!(DOCUMENT_BYTES_MAX + FRAME_OVERHEAD_BYTES <= FRAME_BYTES_MAX);
const _: () = assert!(COMPOSED_BYTES_MAX - DOCUMENT_BYTES_MAX < FRAME_OVERHEAD_BYTES / 2);
const _: () = assert!(TUPLE_ID_KEPT_BYTES_MAX + COMPOSED_ID_BYTES <= TUPLE_ID_BYTES_MAX);
const _: () = assert!(LIFETIME_MS_MIN < PUBLICATION_MS_DEFAULT);
const _: () = assert!(PUBLICATION_MS_DEFAULT <= PUBLICATION_MS_MAX);
const _: () = assert!(SUBSCRIPTION_MS_DEFAULT <= SUBSCRIPTION_MS_MAX);
const _: () = assert!(INBOX_PAGE_MAX <= MESSAGES_WAITING_MAX);
