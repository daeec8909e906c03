"""Kinds, structures, codes and limits of the adsum protocol.

Made by `tools/generate.py` from `docs/protocol.json`; never changed by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import ClassVar, Union

ALPN = "adsum/1"
VERSION = 1
PORT = 2778
IGNORABLE_KIND_MIN = 32768
EXPORTER_CONTEXT = b"adsum/1 hello exporter\x00"
CHALLENGE_CONTEXT = b"adsum/1 hello challenge\x00"
STREAM_CONTROL = 0
STREAM_QUERY = 1
STREAM_FEED = 2
FRAME_BYTES_MAX = 69632
HELLO_BYTES_MAX = 4096
HELLO_BYTES_MAX = 4096
UNPROVEN_STREAMS_OPEN_MAX = 4
UNPROVEN_STREAMS_MAX = 16
UNPROVEN_BYTES_MAX = 5120
UNPROVEN_PIECES_MAX = 64
STREAMS_OPEN_MAX = 64
FEEDS_MAX = 8
REQUESTS_IN_FLIGHT_MAX = 1024
OPERATIONS_OF_DEVICE_MAX = 1024
OPERATIONS_OF_PRINCIPAL_MAX = 16384
OPERATION_MS = 86400000
WINDOW_EVENTS_MAX = 256
WINDOW_BYTES_MAX = 262144
FEED_PRESENTITIES_MAX = 1000
CURSOR_BYTES_MAX = 128
REFUSAL_TEXT_BYTES_MAX = 2048
DOCUMENT_BYTES_MAX = 65536
COMPOSED_BYTES_MAX = 66436
TUPLE_COST_BYTES = 24
TEXT_COST_BYTES = 5
TUPLES_MAX = 100
NOTES_MAX = 16
MARKUP_MAX = 32
TUPLE_ID_BYTES_MAX = 64
CONTACT_BYTES_MAX = 1024
LANGUAGE_BYTES_MAX = 35
PUBLICATIONS_MAX = 32
PUBLICATION_NAME_BYTES_MAX = 32
SUBSCRIPTIONS_MAX = 1000
SUBSCRIPTIONS_ENDED_MAX = 1000
REQUESTS_MAX = 100
SUBSCRIPTION_ANONYMOUS_MS_MAX = 3600000
SUBSCRIPTIONS_ANONYMOUS_MAX = 64
RULES_MAX = 128
RULE_NAME_BYTES_MAX = 320
RULE_TUPLES_MAX = 32
WATCHERS_MAX = 10000
WATCHERS_ANONYMOUS_MAX = 200
WATCHERS_WINDOW_MS = 2592000000
HISTORY_ROWS_MAX = 1000
LIFETIME_MS_MIN = 1000
PUBLICATION_MS_DEFAULT = 3600000
PUBLICATION_MS_MAX = 604800000
SUBSCRIPTION_MS_DEFAULT = 604800000
SUBSCRIPTION_MS_MAX = 2592000000
HISTORY_WALK_MAX = 100000
BODY_BYTES_MAX = 65536
COMPOSING_BYTES_MAX = 4096
COMPOSING_A_MINUTE_MAX = 20
MESSAGE_ID_BYTES_MAX = 64
CONTENT_TYPE_BYTES_MAX = 255
MESSAGES_WAITING_MAX = 10000
MESSAGES_WAITING_OF_SENDER_MAX = 1000
MESSAGES_STORED_OF_SENDER_MAX = 100000
MESSAGE_IDS_REMEMBERED_MAX = 1000000
LOG_BYTES_A_DAY_MAX = 4294967296
EVENTS_A_SECOND_MAX = 10000
FEEDS_A_MINUTE_MAX = 6000
RULES_BYTES_MAX = 400000
MESSAGE_LIFETIME_MS_MAX = 31536000000
DEDUPLICATION_MS = 2592000000
DELETE_COUNT_MAX = 1000
DELIVERY_REASON_BYTES_MAX = 200
QUARANTINED_MAX = 1000
QUARANTINED_OF_SENDER_MAX = 100
GRANTS_MAX = 1000
ACTS_MAX = 100
DOMAINS_MAX = 100000
LOCAL_PART_BYTES_MAX = 64
DOMAIN_BYTES_MAX = 253
DEVICES_MAX = 16
DEVICES_REVOKED_MAX = 64
DEVICE_LABEL_BYTES_MAX = 64
INVITES_MAX = 10000
INVITES_OF_ADMINISTRATOR_MAX = 2000
INVITES_OF_USER_MAX = 16
INVITE_MS_DEFAULT = 604800000
INVITE_MS_MAX = 2592000000
RECOVERY_DELAY_MS_DEFAULT = 86400000
RECOVERY_DELAY_MS_MIN = 3600000
RECOVERY_DELAY_MS_MAX = 2592000000
ANNOUNCEMENTS_MAX = 16
KEEP_ALIVE_MS = 20000
IDLE_MS_MAX = 60000
HELLO_MS_MAX = 10000
FIRST_FRAME_MS_MAX = 5000
DRAIN_MS_DEFAULT = 5000
FEEDS_RETRY_MS = 5000
PUBLISH_LIFETIME_MS_DEFAULT = 3600000
SUBSCRIBE_LIFETIME_MS_DEFAULT = 604800000
INVITE_LIFETIME_MS_DEFAULT = 604800000
FEEDOPEN_WINDOW_DEFAULT = 256
LISTHISTORY_LIMIT_DEFAULT = 1000


class CloseCode(IntEnum):
    """Why a connection was closed."""

    NO_ERROR = 0
    INTERNAL = 1
    PROTOCOL_VIOLATION = 2
    FRAME_TOO_LARGE = 3
    UNSUPPORTED_FEATURE = 4
    AUTH_FAILED = 5
    AUTH_EXPIRED = 6
    LIMIT_EXCEEDED = 8
    HELLO_TIMEOUT = 9
    GOING_AWAY = 16
    OVERLOADED = 17

    @property
    def word(self) -> str:
        """The word of the code."""
        return self.name.lower().replace("_", "-")


class ResetCode(IntEnum):
    """Why a stream was reset, stopped or ended."""

    CANCELLED = 256
    REJECTED = 257
    TOO_FAR_BEHIND = 258
    GOING_AWAY = 259
    INTERNAL = 260
    MALFORMED = 261
    FRAME_TOO_LARGE = 262
    UNSUPPORTED = 263

    @property
    def word(self) -> str:
        """The word of the code."""
        return self.name.lower().replace("_", "-")


class RefusalCode(IntEnum):
    """Why a request was refused."""

    BAD_ADDRESS = 1
    BAD_FIELD = 2
    BAD_UTF8 = 3
    MALFORMED = 4
    UNKNOWN_KIND = 5
    TOO_LARGE = 6
    FOREIGN_DOMAIN = 7
    UNKNOWN_PRESENTITY = 8
    UNKNOWN_INBOX = 9
    STALE_TAG = 10
    NOTHING_TO_PUBLISH = 11
    TOO_BRIEF = 12
    PUBLICATIONS_FULL = 13
    SUBSCRIPTIONS_FULL = 14
    NO_SUBSCRIPTION = 15
    NOT_YOUR_SENDER = 16
    FORBIDDEN = 17
    DUPLICATE_ID = 18
    INBOX_FULL = 19
    EXPIRED_MESSAGE = 20
    UNKNOWN_PRINCIPAL = 21
    UNKNOWN_KEY = 22
    KEY_REVOKED = 23
    BAD_PROOF = 24
    BAD_INVITE = 25
    INVITE_NEEDED = 26
    NAME_TAKEN = 27
    DEVICES_FULL = 28
    NO_DEVICE = 29
    INVITES_FULL = 30
    VERSION = 31
    BUSY = 32
    GOING_AWAY = 33
    REFUSED = 34
    DELIVERY_REFUSED = 35
    INBOX_CLOSED = 36
    SERVICE_OFF = 37
    SUSPENDED = 38
    NO_RULE = 39
    UNKNOWN_TUPLE = 40
    STALE_VERSION = 41
    REQUESTS_FULL = 42
    DOMAIN_EXISTS = 43
    DOMAIN_CONFIGURED = 44
    ANONYMOUS = 45
    NO_MESSAGE = 46
    NO_INVITE = 47
    NO_PUBLICATION = 48
    DOMAIN_INHABITED = 49
    SENDER_FULL = 50
    RECOVERY_NEEDED = 51
    RECOVERY_PENDING = 52
    RECOVERY_OPEN = 53
    NO_RECOVERY = 54
    NAME_REFUSED = 55
    QUOTA_LOG_BYTES = 56
    QUOTA_EVENTS = 57
    QUOTA_MESSAGE_IDS = 58
    QUOTA_RULES_BYTES = 59
    QUOTA_FEEDS = 60
    QUOTA_MESSAGES_STORED = 61
    STORAGE_FULL = 62
    ERASED = 63
    OLDER_THAN_KEPT = 64

    @property
    def word(self) -> str:
        """The word of the code."""
        return self.name.lower().replace("_", "-")


class AccessRuleFetch(IntEnum):
    """The numbers of `AccessRule.fetch`."""

    SAYS_NOTHING = 0
    BLOCK = 1
    CONFIRM = 2
    POLITE_BLOCK = 3
    ALLOW = 4


class AccessRuleSubscribe(IntEnum):
    """The numbers of `AccessRule.subscribe`."""

    SAYS_NOTHING = 0
    BLOCK = 1
    CONFIRM = 2
    POLITE_BLOCK = 3
    ALLOW = 4


class ActAct(IntEnum):
    """The numbers of `Act.act`."""

    WAS_SHOWN_WHO_WATCHES = 1
    ENDED_A_SUBSCRIPTION = 2
    SUSPENDED = 3
    LIFTED_THAT = 4
    REVOKED_A_KEY = 5
    SWITCHED_SERVICES = 6
    STARTED_A_RECOVERY = 7
    SET_A_QUOTA = 8
    ERASED_THE_PRINCIPAL = 9


class AdministerAct(IntEnum):
    """The numbers of `Administer.act`."""

    CREATE_A_DOMAIN = 1
    REMOVE_IT = 2
    SWITCH_ITS_SERVICES = 3
    SWITCH_THOSE_OF_A_PRINCIPAL = 4
    SUSPEND_A_PRINCIPAL = 5
    LIFT_THAT = 6
    SAY_ON_WHAT_TERMS_NAMES_OF_THE_DOMAIN_ARE_RECOVERED = 7
    SET_A_QUOTA = 8
    SAY_WHETHER_RECIPIENTS_KEEP_WHAT_THE_ERASED_OF_THE_DOMAIN_SENT = 9


class AdministerMessaging(IntEnum):
    """The numbers of `Administer.messaging`."""

    STAYS = 0
    OFF = 1
    ON = 2


class AdministerPresence(IntEnum):
    """The numbers of `Administer.presence`."""

    STAYS = 0
    OFF = 1
    ON = 2


class ChangeWhat(IntEnum):
    """The numbers of `Change.what`."""

    PUBLISHED = 1
    REMOVED = 2
    RAN_OUT = 3
    WITHDRAWN = 4


class ChangeDeliveryReceipts(IntEnum):
    """The numbers of `ChangeDelivery.receipts`."""

    STAYS = 0
    NO_RECEIPTS = 1
    TO_SENDERS_THAT_ASK = 2


class ChangeDeliveryWhenClosed(IntEnum):
    """The numbers of `ChangeDelivery.when_closed`."""

    STAYS = 0
    REFUSE = 1
    STORE = 2


class DeliveryRuleAction(IntEnum):
    """The numbers of `DeliveryRule.action`."""

    REFUSE = 1
    DISCARD = 2
    QUARANTINE = 3
    ACCEPT = 4


class DeliveryStateWhenClosed(IntEnum):
    """The numbers of `DeliveryState.when_closed`."""

    REFUSE = 1
    STORE = 2


class ExplanationFetch(IntEnum):
    """The numbers of `Explanation.fetch`."""

    SAYS_NOTHING = 0
    BLOCK = 1
    CONFIRM = 2
    POLITE_BLOCK = 3
    ALLOW = 4


class ExplanationSubscribe(IntEnum):
    """The numbers of `Explanation.subscribe`."""

    SAYS_NOTHING = 0
    BLOCK = 1
    CONFIRM = 2
    POLITE_BLOCK = 3
    ALLOW = 4


class FeedOpenKind(IntEnum):
    """The numbers of `FeedOpen.kind`."""

    PRESENCE = 1
    INBOX = 2


class FeedReadyOutcome(IntEnum):
    """The numbers of `FeedReady.outcome`."""

    FRESH = 0
    RESUMED = 1
    ANEW = 2


class GrantRights(IntFlag):
    """The numbers of `Grant.rights`."""

    PUBLISH = 1
    READ_THE_INBOX = 2
    DELETE_FROM_IT = 4
    LEARN_WHO_WATCHES = 8
    MEMBER = 31
    TAKES_ALL_BACK = 0


class GrantedRights(IntFlag):
    """The numbers of `Granted.rights`."""

    PUBLISH = 1
    READ_THE_INBOX = 2
    DELETE_FROM_IT = 4
    LEARN_WHO_WATCHES = 8
    MEMBER = 31
    TAKES_ALL_BACK = 0


class HelloProof(IntEnum):
    """The numbers of `Hello.proof`."""

    NONE = 0
    SIGNATURE_OVER_THE_EXPORTER = 1


class InviteRole(IntEnum):
    """The numbers of `Invite.role`."""

    USER = 0
    ADMINISTRATOR = 1


class OpenInviteRole(IntEnum):
    """The numbers of `OpenInvite.role`."""

    USER = 0
    ADMINISTRATOR = 1


class OpenRecoveryRole(IntEnum):
    """The numbers of `OpenRecovery.role`."""

    USER = 0
    ADMINISTRATOR = 1


class PresenceBodyReason(IntEnum):
    """The numbers of `PresenceBody.reason`."""

    NONE = 0
    TIMEOUT = 1
    DEACTIVATED = 2
    REJECTED = 3
    GIVEUP = 4
    NORESOURCE = 5


class PresenceBodyState(IntEnum):
    """The numbers of `PresenceBody.state`."""

    ACTIVE = 1
    TERMINATED = 2
    PENDING = 3


class PrincipalStateRole(IntEnum):
    """The numbers of `PrincipalState.role`."""

    USER = 0
    ADMINISTRATOR = 1


class QuotaStateSource(IntEnum):
    """The numbers of `QuotaState.source`."""

    NOBODY = 0
    THE_DOMAIN = 1
    THE_PRINCIPAL = 2


class ReceiptBodyKind(IntEnum):
    """The numbers of `ReceiptBody.kind`."""

    STORED = 1
    DELIVERED = 2
    DISPLAYED = 3
    FAILED = 4
    EXPIRED = 5


class SubscribeMode(IntEnum):
    """The numbers of `Subscribe.mode`."""

    LATEST = 0
    EVERY = 1


class SubscribedState(IntEnum):
    """The numbers of `Subscribed.state`."""

    ACTIVE = 1
    PENDING = 3


class SubscriptionMode(IntEnum):
    """The numbers of `Subscription.mode`."""

    LATEST = 0
    EVERY = 1


class SubscriptionReason(IntEnum):
    """The numbers of `Subscription.reason`."""

    NONE = 0
    TIMEOUT = 1
    DEACTIVATED = 2
    REJECTED = 3
    GIVEUP = 4
    NORESOURCE = 5


class SubscriptionState(IntEnum):
    """The numbers of `Subscription.state`."""

    ACTIVE = 1
    TERMINATED = 2
    PENDING = 3


class TupleBasic(IntEnum):
    """The numbers of `Tuple.basic`."""

    NONE = 0
    OPEN = 1
    CLOSED = 2


class WatcherBodyHandling(IntEnum):
    """The numbers of `WatcherBody.handling`."""

    SAYS_NOTHING = 0
    BLOCK = 1
    CONFIRM = 2
    POLITE_BLOCK = 3
    ALLOW = 4


class WatcherBodyReason(IntEnum):
    """The numbers of `WatcherBody.reason`."""

    NONE = 0
    TIMEOUT = 1
    DEACTIVATED = 2
    REJECTED = 3
    GIVEUP = 4
    NORESOURCE = 5


class WatcherBodyState(IntEnum):
    """The numbers of `WatcherBody.state`."""

    IT_ONLY_FETCHED = 0
    ACTIVE = 1
    TERMINATED = 2
    PENDING = 3
    WAITING = 4


class WelcomeDurability(IntEnum):
    """The numbers of `Welcome.durability`."""

    SYNCED = 1
    BUFFERED = 2


class WelcomeRole(IntEnum):
    """The numbers of `Welcome.role`."""

    USER = 0
    ADMINISTRATOR = 1


@dataclass(frozen=True)
class Shown:
    """A structure inside bodies."""

    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("tuples", "text[]?"), ("notes", "bool"), ("contact", "bool"), ("markup", "bool"),)
    tuples: tuple[str, ...] | None = None
    notes: bool = False
    contact: bool = False
    markup: bool = False


@dataclass(frozen=True)
class AccessRule:
    """A structure inside bodies."""

    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("name", "text"), ("who", "text"), ("fetch", "u8"), ("subscribe", "u8"), ("shown", "Shown"), ("from_ms", "u64?"), ("until_ms", "u64?"),)
    name: str = ""
    who: str = ""
    fetch: int = 0
    subscribe: int = 0
    shown: Shown = Shown()
    from_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True)
class Contact:
    """A structure inside bodies."""

    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("uri", "bytes?"), ("priority", "u16?"),)
    uri: bytes | None = None
    priority: int | None = None


@dataclass(frozen=True)
class DeliveryRule:
    """A structure inside bodies."""

    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("name", "text"), ("who", "text"), ("content_type", "text"), ("larger_than", "u32?"), ("action", "u8"), ("reason", "text"),)
    name: str = ""
    who: str = ""
    content_type: str = ""
    larger_than: int | None = None
    action: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Note:
    """A structure inside bodies."""

    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("language", "text"), ("text", "bytes?"),)
    language: str = ""
    text: bytes | None = None


@dataclass(frozen=True)
class Tuple:
    """A structure inside bodies."""

    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("id", "text"), ("basic", "u8"), ("status_markup", "bytes?[]"), ("contact", "Contact?"), ("notes", "Note[]"), ("timestamp_ms", "u64?"), ("markup", "bytes?[]"),)
    id: str = ""
    basic: int = 0
    status_markup: tuple[bytes | None, ...] = ()
    contact: Contact | None = None
    notes: tuple[Note, ...] = ()
    timestamp_ms: int | None = None
    markup: tuple[bytes | None, ...] = ()


@dataclass(frozen=True)
class Document:
    """A structure inside bodies."""

    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("tuples", "Tuple[]"), ("notes", "Note[]"), ("markup", "bytes?[]"),)
    tuples: tuple[Tuple, ...] = ()
    notes: tuple[Note, ...] = ()
    markup: tuple[bytes | None, ...] = ()


@dataclass(frozen=True)
class Enroll:
    """A structure inside bodies."""

    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("token", "bytes"), ("label", "text"),)
    token: bytes = b""
    label: str = ""


@dataclass(frozen=True)
class Ext:
    """A structure inside bodies."""

    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("tag", "u16"), ("value", "bytes"),)
    tag: int = 0
    value: bytes = b""


@dataclass(frozen=True)
class Limit:
    """A structure inside bodies."""

    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("name", "text"), ("most", "u64"),)
    name: str = ""
    most: int = 0


@dataclass(frozen=True)
class MessageBody:
    """A structure inside bodies."""

    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("inbox", "text"), ("sequence", "u64"), ("sender", "text"), ("id", "text"), ("content_type", "text"), ("body", "bytes?"), ("accepted_at_ms", "u64"), ("lifetime_ms", "u64?"),)
    inbox: str = ""
    sequence: int = 0
    sender: str = ""
    id: str = ""
    content_type: str = ""
    body: bytes | None = None
    accepted_at_ms: int = 0
    lifetime_ms: int | None = None


@dataclass(frozen=True)
class PresenceBody:
    """A structure inside bodies."""

    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("presentity", "text"), ("state", "u8"), ("reason", "u8"), ("document", "Document"),)
    presentity: str = ""
    state: int = 0
    reason: int = 0
    document: Document = Document()


@dataclass(frozen=True)
class ReceiptBody:
    """A structure inside bodies."""

    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("inbox", "text"), ("sequence", "u64"), ("kind", "u8"), ("id", "text"), ("recipient", "text"), ("at_ms", "u64"), ("reason", "text"),)
    inbox: str = ""
    sequence: int = 0
    kind: int = 0
    id: str = ""
    recipient: str = ""
    at_ms: int = 0
    reason: str = ""


@dataclass(frozen=True)
class VisibilityRule:
    """A structure inside bodies."""

    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("who", "text"), ("is_shown", "bool"),)
    who: str = ""
    is_shown: bool = False


@dataclass(frozen=True)
class WatcherBody:
    """A structure inside bodies."""

    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("presentity", "text"), ("watcher", "text"), ("state", "u8"), ("reason", "u8"), ("handling", "u8"), ("first_at_ms", "u64"), ("last_at_ms", "u64"), ("fetches", "u64"), ("subscriptions", "u64"),)
    presentity: str = ""
    watcher: str = ""
    state: int = 0
    reason: int = 0
    handling: int = 0
    first_at_ms: int = 0
    last_at_ms: int = 0
    fetches: int = 0
    subscriptions: int = 0


@dataclass(frozen=True)
class Hello:
    """Kind 0x0001, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x0001
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("version", "u16"), ("features", "u64"), ("principal", "text"), ("key", "u8[32]"), ("proof", "u8"), ("signature", "bytes"), ("enroll", "Enroll?"), ("client", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    version: int = 0
    features: int = 0
    principal: str = ""
    key: bytes = bytes(32)
    proof: int = 0
    signature: bytes = b""
    enroll: Enroll | None = None
    client: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ChallengeAnswer:
    """Kind 0x0002, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x0002
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("signature", "bytes"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    signature: bytes = b""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Publish:
    """Kind 0x0010, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x0010
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("operation", "u8[16]"), ("presentity", "text"), ("name", "text"), ("if_match", "u8[16]?"), ("lifetime_ms", "u64?"), ("document", "Document?"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    operation: bytes = bytes(16)
    presentity: str = ""
    name: str = ""
    if_match: bytes | None = None
    lifetime_ms: int | None = None
    document: Document | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Subscribe:
    """Kind 0x0011, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x0011
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("presentity", "text"), ("mode", "u8"), ("lifetime_ms", "u64?"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "operation", "u8[16]"),)
    request: int = 0
    presentity: str = ""
    mode: int = 0
    lifetime_ms: int | None = None
    operation: bytes | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Unsubscribe:
    """Kind 0x0012, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x0012
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("presentity", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "operation", "u8[16]"),)
    request: int = 0
    presentity: str = ""
    operation: bytes | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Send:
    """Kind 0x0013, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x0013
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("inbox", "text"), ("sender", "text"), ("id", "text"), ("content_type", "text"), ("body", "bytes"), ("lifetime_ms", "u64?"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "receipts", "u8"),)
    request: int = 0
    inbox: str = ""
    sender: str = ""
    id: str = ""
    content_type: str = ""
    body: bytes = b""
    lifetime_ms: int | None = None
    receipts: int | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Delete:
    """Kind 0x0015, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x0015
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("inbox", "text"), ("sequences", "u64[]"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "operation", "u8[16]"), (2, "sender", "bytes"),)
    request: int = 0
    inbox: str = ""
    sequences: tuple[int, ...] = ()
    operation: bytes | None = None
    sender: bytes | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Invite:
    """Kind 0x0016, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x0016
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("invite", "u8[32]"), ("principal", "text?"), ("role", "u8"), ("lifetime_ms", "u64?"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "recovers", "u8"),)
    request: int = 0
    invite: bytes = bytes(32)
    principal: str | None = None
    role: int = 0
    lifetime_ms: int | None = None
    recovers: int | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class RevokeKey:
    """Kind 0x0017, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x0017
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("principal", "text"), ("device", "u8[8]"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "operation", "u8[16]"),)
    request: int = 0
    principal: str = ""
    device: bytes = bytes(8)
    operation: bytes | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Displayed:
    """Kind 0x0018, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x0018
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("inbox", "text"), ("sequence", "u64"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "operation", "u8[16]"),)
    request: int = 0
    inbox: str = ""
    sequence: int = 0
    operation: bytes | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ChangeRules:
    """Kind 0x0019, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x0019
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("operation", "u8[16]"), ("owner", "text"), ("if_version", "u64?"), ("put", "AccessRule[]"), ("remove", "text[]"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    operation: bytes = bytes(16)
    owner: str = ""
    if_version: int | None = None
    put: tuple[AccessRule, ...] = ()
    remove: tuple[str, ...] = ()
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ChangeDelivery:
    """Kind 0x001A, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x001A
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("operation", "u8[16]"), ("inbox", "text"), ("if_version", "u64?"), ("put", "DeliveryRule[]"), ("remove", "text[]"), ("when_closed", "u8"), ("receipts", "u8"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    operation: bytes = bytes(16)
    inbox: str = ""
    if_version: int | None = None
    put: tuple[DeliveryRule, ...] = ()
    remove: tuple[str, ...] = ()
    when_closed: int = 0
    receipts: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ChangeVisibility:
    """Kind 0x001B, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x001B
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("operation", "u8[16]"), ("put", "VisibilityRule[]"), ("remove", "text[]"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    operation: bytes = bytes(16)
    put: tuple[VisibilityRule, ...] = ()
    remove: tuple[str, ...] = ()
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Grant:
    """Kind 0x001C, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x001C
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("operation", "u8[16]"), ("owner", "text"), ("grantee", "text"), ("rights", "u8"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    operation: bytes = bytes(16)
    owner: str = ""
    grantee: str = ""
    rights: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class EndSubscription:
    """Kind 0x001D, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x001D
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("watcher", "text"), ("presentity", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "operation", "u8[16]"),)
    request: int = 0
    watcher: str = ""
    presentity: str = ""
    operation: bytes | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Administer:
    """Kind 0x001E, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x001E
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("operation", "u8[16]"), ("act", "u8"), ("subject", "text"), ("presence", "u8"), ("messaging", "u8"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "recovery_delay", "u8[8]"), (2, "recovery_shows", "u8"), (3, "quota", "bytes"), (4, "quota_max", "u8[8]"), (5, "recipients_keep", "u8"),)
    request: int = 0
    operation: bytes = bytes(16)
    act: int = 0
    subject: str = ""
    presence: int = 0
    messaging: int = 0
    recovery_delay: bytes | None = None
    recovery_shows: int | None = None
    quota: bytes | None = None
    quota_max: bytes | None = None
    recipients_keep: int | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class WithdrawInvite:
    """Kind 0x001F, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x001F
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("operation", "u8[16]"), ("invite", "u8[32]"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    operation: bytes = bytes(16)
    invite: bytes = bytes(32)
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Fetch:
    """Kind 0x0020, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x0020
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("presentity", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = False
    presentity: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ListSubscriptions:
    """Kind 0x0021, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x0021
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = ()
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = True
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ListKeys:
    """Kind 0x0022, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x0022
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("principal", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = True
    principal: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class InboxStatus:
    """Kind 0x0023, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x0023
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("inbox", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = False
    inbox: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ListRules:
    """Kind 0x0024, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x0024
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("owner", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = True
    owner: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ListDelivery:
    """Kind 0x0025, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x0025
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("inbox", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = True
    inbox: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ListVisibility:
    """Kind 0x0026, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x0026
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = ()
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = True
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ListGrants:
    """Kind 0x0027, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x0027
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("owner", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = True
    owner: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ListWatchers:
    """Kind 0x0028, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x0028
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("presentity", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = True
    presentity: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ListHistory:
    """Kind 0x0029, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x0029
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("presentity", "text"), ("since_ms", "u64?"), ("until_ms", "u64?"), ("limit", "u32"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = True
    presentity: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    limit: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class FetchAt:
    """Kind 0x002A, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x002A
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("presentity", "text"), ("at_ms", "u64"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = False
    presentity: str = ""
    at_ms: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Explain:
    """Kind 0x002B, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x002B
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("presentity", "text"), ("watcher", "text"), ("at_ms", "u64?"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = False
    presentity: str = ""
    watcher: str = ""
    at_ms: int | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ListDomains:
    """Kind 0x002C, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x002C
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = ()
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = True
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ListActs:
    """Kind 0x002D, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x002D
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("principal", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = True
    principal: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ListQuarantine:
    """Kind 0x002E, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x002E
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("inbox", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = True
    inbox: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ServerInfo:
    """Kind 0x002F, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x002F
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = ()
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = False
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class FeedOpen:
    """Kind 0x0030, on FEED, from the client."""

    KIND: ClassVar[int] = 0x0030
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("kind", "u8"), ("cursor", "bytes"), ("window", "u32"), ("presentities", "text[]"), ("inbox", "text"), ("from_start", "bool"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "watchers", "u8"),)
    kind: int = 0
    cursor: bytes = b""
    window: int = 0
    presentities: tuple[str, ...] = ()
    inbox: str = ""
    from_start: bool = False
    watchers: int | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class FeedAck:
    """Kind 0x0031, on FEED, from the client."""

    KIND: ClassVar[int] = 0x0031
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("cursor", "bytes"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    cursor: bytes = b""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ListInvites:
    """Kind 0x0032, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x0032
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = ()
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = True
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class RemovePublication:
    """Kind 0x0033, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x0033
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("operation", "u8[16]"), ("presentity", "text"), ("device", "u8[8]"), ("name", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    operation: bytes = bytes(16)
    presentity: str = ""
    device: bytes = bytes(8)
    name: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ListPublications:
    """Kind 0x0034, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x0034
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("presentity", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = True
    presentity: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class RefuseRecovery:
    """Kind 0x0035, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x0035
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("operation", "u8[16]"), ("invite", "u8[32]"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    operation: bytes = bytes(16)
    invite: bytes = bytes(32)
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ListRecoveries:
    """Kind 0x0036, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x0036
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = ()
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = True
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ListQuotas:
    """Kind 0x0037, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x0037
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("owner", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = True
    owner: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Erase:
    """Kind 0x0038, on CONTROL, from the client."""

    KIND: ClassVar[int] = 0x0038
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("principal", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    principal: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ListPrincipals:
    """Kind 0x0039, on QUERY, from the client."""

    KIND: ClassVar[int] = 0x0039
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("domain", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Whether the answer is any number of rows and then `End`.
    HAS_ROWS: ClassVar[bool] = True
    domain: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Welcome:
    """Kind 0x0101, on CONTROL, from the server."""

    KIND: ClassVar[int] = 0x0101
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("version", "u16"), ("features", "u64"), ("principal", "text"), ("device", "u8[8]"), ("role", "u8"), ("enrolled", "bool"), ("durability", "u8"), ("time_ms", "u64"), ("server", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "recovery", "bytes"),)
    version: int = 0
    features: int = 0
    principal: str = ""
    device: bytes = bytes(8)
    role: int = 0
    enrolled: bool = False
    durability: int = 0
    time_ms: int = 0
    server: str = ""
    recovery: bytes | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Challenge:
    """Kind 0x0102, on CONTROL, from the server."""

    KIND: ClassVar[int] = 0x0102
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("nonce", "u8[32]"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    nonce: bytes = bytes(32)
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Published:
    """Kind 0x0110, on CONTROL, from the server."""

    KIND: ClassVar[int] = 0x0110
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("tag", "u8[16]"), ("granted_ms", "u64"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    tag: bytes = bytes(16)
    granted_ms: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Subscribed:
    """Kind 0x0111, on CONTROL, from the server."""

    KIND: ClassVar[int] = 0x0111
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("state", "u8"), ("granted_ms", "u64"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    state: int = 0
    granted_ms: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Unsubscribed:
    """Kind 0x0112, on CONTROL, from the server."""

    KIND: ClassVar[int] = 0x0112
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Sent:
    """Kind 0x0113, on CONTROL, from the server."""

    KIND: ClassVar[int] = 0x0113
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("duplicate", "bool"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    duplicate: bool = False
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Deleted:
    """Kind 0x0115, on CONTROL, from the server."""

    KIND: ClassVar[int] = 0x0115
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("count", "u32"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    count: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Invited:
    """Kind 0x0116, on CONTROL, from the server."""

    KIND: ClassVar[int] = 0x0116
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("expires_at_ms", "u64"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    expires_at_ms: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class KeyRevoked:
    """Kind 0x0117, on CONTROL, from the server."""

    KIND: ClassVar[int] = 0x0117
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Changed:
    """Kind 0x0118, on CONTROL, from the server."""

    KIND: ClassVar[int] = 0x0118
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("version", "u64"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    version: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Erased:
    """Kind 0x0119, on CONTROL, from the server."""

    KIND: ClassVar[int] = 0x0119
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("certificate", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    certificate: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Presence:
    """Kind 0x0120, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x0120
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("presence", "PresenceBody"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "left_out", "u8[12]"),)
    presence: PresenceBody = PresenceBody()
    left_out: bytes | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Subscription:
    """Kind 0x0121, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x0121
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("presentity", "text"), ("state", "u8"), ("reason", "u8"), ("mode", "u8"), ("remaining_ms", "u64"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    presentity: str = ""
    state: int = 0
    reason: int = 0
    mode: int = 0
    remaining_ms: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Key:
    """Kind 0x0122, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x0122
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("device", "u8[8]"), ("label", "text"), ("enrolled_at_ms", "u64"), ("revoked_at_ms", "u64?"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    device: bytes = bytes(8)
    label: str = ""
    enrolled_at_ms: int = 0
    revoked_at_ms: int | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class InboxState:
    """Kind 0x0123, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x0123
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("head", "u64"), ("acknowledged", "u64"), ("waiting", "u64"), ("kept", "u64"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    head: int = 0
    acknowledged: int = 0
    waiting: int = 0
    kept: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Version:
    """Kind 0x0124, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x0124
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("version", "u64"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    version: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Rule:
    """Kind 0x0125, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x0125
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("rule", "AccessRule"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    rule: AccessRule = AccessRule()
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class DeliveryState:
    """Kind 0x0126, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x0126
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("version", "u64"), ("when_closed", "u8"), ("receipts", "bool"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    version: int = 0
    when_closed: int = 0
    receipts: bool = False
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Delivery:
    """Kind 0x0127, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x0127
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("rule", "DeliveryRule"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    rule: DeliveryRule = DeliveryRule()
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Visibility:
    """Kind 0x0128, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x0128
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("rule", "VisibilityRule"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    rule: VisibilityRule = VisibilityRule()
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Granted:
    """Kind 0x0129, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x0129
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("grantee", "text"), ("rights", "u8"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    grantee: str = ""
    rights: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Watcher:
    """Kind 0x012A, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x012A
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("watcher", "WatcherBody"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    watcher: WatcherBody = WatcherBody()
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Change:
    """Kind 0x012B, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x012B
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("at_ms", "u64"), ("by", "text"), ("device", "u8[8]"), ("name", "text"), ("what", "u8"), ("document", "Document?"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    at_ms: int = 0
    by: str = ""
    device: bytes = bytes(8)
    name: str = ""
    what: int = 0
    document: Document | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """Kind 0x012C, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x012C
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("version", "u64"), ("fetch", "u8"), ("fetch_rule", "text"), ("subscribe", "u8"), ("subscribe_rule", "text"), ("fetch_shown", "Shown"), ("subscribe_shown", "Shown"), ("by_domain", "bool"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    version: int = 0
    fetch: int = 0
    fetch_rule: str = ""
    subscribe: int = 0
    subscribe_rule: str = ""
    fetch_shown: Shown = Shown()
    subscribe_shown: Shown = Shown()
    by_domain: bool = False
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class DomainState:
    """Kind 0x012D, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x012D
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("domain", "text"), ("is_configured", "bool"), ("presence", "bool"), ("messaging", "bool"), ("principals", "u64"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "recovery", "u8[9]"), (2, "recipients_keep", "u8"),)
    domain: str = ""
    is_configured: bool = False
    presence: bool = False
    messaging: bool = False
    principals: int = 0
    recovery: bytes | None = None
    recipients_keep: int | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Act:
    """Kind 0x012E, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x012E
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("at_ms", "u64"), ("by", "text"), ("act", "u8"), ("about", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    at_ms: int = 0
    by: str = ""
    act: int = 0
    about: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class End:
    """Kind 0x012F, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x012F
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = ()
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class FeedReady:
    """Kind 0x0130, on FEED, from the server."""

    KIND: ClassVar[int] = 0x0130
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("outcome", "u8"), ("from_", "bytes"), ("to", "bytes"), ("pending", "u64"), ("complete", "bool"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "restored", "u8"),)
    outcome: int = 0
    from_: bytes = b""
    to: bytes = b""
    pending: int = 0
    complete: bool = False
    restored: int | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class PresenceEvent:
    """Kind 0x0131, on FEED, from the server."""

    KIND: ClassVar[int] = 0x0131
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("number", "u64"), ("cursor", "bytes"), ("presence", "PresenceBody"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "left_out", "u8[12]"),)
    number: int = 0
    cursor: bytes = b""
    presence: PresenceBody = PresenceBody()
    left_out: bytes | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class MessageEvent:
    """Kind 0x0132, on FEED, from the server."""

    KIND: ClassVar[int] = 0x0132
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("number", "u64"), ("cursor", "bytes"), ("message", "MessageBody"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "withheld", "u8"),)
    number: int = 0
    cursor: bytes = b""
    message: MessageBody = MessageBody()
    withheld: int | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class CaughtUp:
    """Kind 0x0133, on FEED, from the server."""

    KIND: ClassVar[int] = 0x0133
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("cursor", "bytes"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    cursor: bytes = b""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class FeedAcked:
    """Kind 0x0134, on FEED, from the server."""

    KIND: ClassVar[int] = 0x0134
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("cursor", "bytes"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    cursor: bytes = b""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class FeedEnd:
    """Kind 0x0135, on FEED, from the server."""

    KIND: ClassVar[int] = 0x0135
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("code", "u32"), ("cursor", "bytes"), ("message", "text"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    code: int = 0
    cursor: bytes = b""
    message: str = ""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ReceiptEvent:
    """Kind 0x0136, on FEED, from the server."""

    KIND: ClassVar[int] = 0x0136
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("number", "u64"), ("cursor", "bytes"), ("receipt", "ReceiptBody"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    number: int = 0
    cursor: bytes = b""
    receipt: ReceiptBody = ReceiptBody()
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class WatcherEvent:
    """Kind 0x0137, on FEED, from the server."""

    KIND: ClassVar[int] = 0x0137
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("number", "u64"), ("cursor", "bytes"), ("watcher", "WatcherBody"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    number: int = 0
    cursor: bytes = b""
    watcher: WatcherBody = WatcherBody()
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Quarantined:
    """Kind 0x0140, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x0140
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("message", "MessageBody"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "withheld", "u8"),)
    message: MessageBody = MessageBody()
    withheld: int | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ServerDescription:
    """Kind 0x0141, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x0141
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("software", "text"), ("version", "u16"), ("domains", "text[]"), ("limits", "Limit[]"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ((1, "noticed", "bytes"), (2, "clock", "u8[16]"),)
    software: str = ""
    version: int = 0
    domains: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    noticed: bytes | None = None
    clock: bytes | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class OpenInvite:
    """Kind 0x0142, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x0142
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("invite", "u8[32]"), ("principal", "text"), ("domain", "text"), ("role", "u8"), ("by", "text"), ("device", "u8[8]?"), ("expires_at_ms", "u64"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    invite: bytes = bytes(32)
    principal: str = ""
    domain: str = ""
    role: int = 0
    by: str = ""
    device: bytes | None = None
    expires_at_ms: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class LivePublication:
    """Kind 0x0143, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x0143
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("device", "u8[8]"), ("name", "text"), ("expires_at_ms", "u64"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    device: bytes = bytes(8)
    name: str = ""
    expires_at_ms: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class OpenRecovery:
    """Kind 0x0144, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x0144
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("invite", "u8[32]"), ("principal", "text"), ("role", "u8"), ("by", "text"), ("started_at_ms", "u64"), ("effective_at_ms", "u64"), ("expires_at_ms", "u64"), ("shows_earlier", "bool"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    invite: bytes = bytes(32)
    principal: str = ""
    role: int = 0
    by: str = ""
    started_at_ms: int = 0
    effective_at_ms: int = 0
    expires_at_ms: int = 0
    shows_earlier: bool = False
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class QuotaState:
    """Kind 0x0145, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x0145
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("quota", "text"), ("max", "u64"), ("used", "u64?"), ("source", "u8"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    quota: str = ""
    max: int = 0
    used: int | None = None
    source: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class PrincipalState:
    """Kind 0x0146, on QUERY, from the server."""

    KIND: ClassVar[int] = 0x0146
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("principal", "text"), ("role", "u8"), ("is_suspended", "bool"), ("presence", "bool"), ("messaging", "bool"), ("devices", "u32"), ("enrolled_at_ms", "u64"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    principal: str = ""
    role: int = 0
    is_suspended: bool = False
    presence: bool = False
    messaging: bool = False
    devices: int = 0
    enrolled_at_ms: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Refused:
    """Kind 0x01FF, on all, from the server."""

    KIND: ClassVar[int] = 0x01FF
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("request", "u64"), ("code", "u16"), ("message", "text"), ("retry_after_ms", "u64?"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    request: int = 0
    code: int = 0
    message: str = ""
    retry_after_ms: int | None = None
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class Goaway:
    """Kind 0x8001, on CONTROL, from the server."""

    KIND: ClassVar[int] = 0x8001
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("deadline_ms", "u64"), ("reconnect_after_ms", "u64"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    deadline_ms: int = 0
    reconnect_after_ms: int = 0
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


@dataclass(frozen=True)
class ComposingEvent:
    """Kind 0x8002, on FEED, from the server."""

    KIND: ClassVar[int] = 0x8002
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (("inbox", "text"), ("sender", "text"), ("content_type", "text"), ("body", "bytes"),)
    ADDITIONS: ClassVar[tuple[tuple[int, str, str], ...]] = ()
    inbox: str = ""
    sender: str = ""
    content_type: str = ""
    body: bytes = b""
    #: Additions of later versions, by tag.
    ext: tuple[Ext, ...] = ()


#: A frame's body.
Body = Union[Hello, ChallengeAnswer, Publish, Subscribe, Unsubscribe, Send, Delete, Invite, RevokeKey, Displayed, ChangeRules, ChangeDelivery, ChangeVisibility, Grant, EndSubscription, Administer, WithdrawInvite, Fetch, ListSubscriptions, ListKeys, InboxStatus, ListRules, ListDelivery, ListVisibility, ListGrants, ListWatchers, ListHistory, FetchAt, Explain, ListDomains, ListActs, ListQuarantine, ServerInfo, FeedOpen, FeedAck, ListInvites, RemovePublication, ListPublications, RefuseRecovery, ListRecoveries, ListQuotas, Erase, ListPrincipals, Welcome, Challenge, Published, Subscribed, Unsubscribed, Sent, Deleted, Invited, KeyRevoked, Changed, Erased, Presence, Subscription, Key, InboxState, Version, Rule, DeliveryState, Delivery, Visibility, Granted, Watcher, Change, Explanation, DomainState, Act, End, FeedReady, PresenceEvent, MessageEvent, CaughtUp, FeedAcked, FeedEnd, ReceiptEvent, WatcherEvent, Quarantined, ServerDescription, OpenInvite, LivePublication, OpenRecovery, QuotaState, PrincipalState, Refused, Goaway, ComposingEvent]
#: Every kind by its number.
KINDS: dict[int, type[Body]] = {
    0x0001: Hello,
    0x0002: ChallengeAnswer,
    0x0010: Publish,
    0x0011: Subscribe,
    0x0012: Unsubscribe,
    0x0013: Send,
    0x0015: Delete,
    0x0016: Invite,
    0x0017: RevokeKey,
    0x0018: Displayed,
    0x0019: ChangeRules,
    0x001A: ChangeDelivery,
    0x001B: ChangeVisibility,
    0x001C: Grant,
    0x001D: EndSubscription,
    0x001E: Administer,
    0x001F: WithdrawInvite,
    0x0020: Fetch,
    0x0021: ListSubscriptions,
    0x0022: ListKeys,
    0x0023: InboxStatus,
    0x0024: ListRules,
    0x0025: ListDelivery,
    0x0026: ListVisibility,
    0x0027: ListGrants,
    0x0028: ListWatchers,
    0x0029: ListHistory,
    0x002A: FetchAt,
    0x002B: Explain,
    0x002C: ListDomains,
    0x002D: ListActs,
    0x002E: ListQuarantine,
    0x002F: ServerInfo,
    0x0030: FeedOpen,
    0x0031: FeedAck,
    0x0032: ListInvites,
    0x0033: RemovePublication,
    0x0034: ListPublications,
    0x0035: RefuseRecovery,
    0x0036: ListRecoveries,
    0x0037: ListQuotas,
    0x0038: Erase,
    0x0039: ListPrincipals,
    0x0101: Welcome,
    0x0102: Challenge,
    0x0110: Published,
    0x0111: Subscribed,
    0x0112: Unsubscribed,
    0x0113: Sent,
    0x0115: Deleted,
    0x0116: Invited,
    0x0117: KeyRevoked,
    0x0118: Changed,
    0x0119: Erased,
    0x0120: Presence,
    0x0121: Subscription,
    0x0122: Key,
    0x0123: InboxState,
    0x0124: Version,
    0x0125: Rule,
    0x0126: DeliveryState,
    0x0127: Delivery,
    0x0128: Visibility,
    0x0129: Granted,
    0x012A: Watcher,
    0x012B: Change,
    0x012C: Explanation,
    0x012D: DomainState,
    0x012E: Act,
    0x012F: End,
    0x0130: FeedReady,
    0x0131: PresenceEvent,
    0x0132: MessageEvent,
    0x0133: CaughtUp,
    0x0134: FeedAcked,
    0x0135: FeedEnd,
    0x0136: ReceiptEvent,
    0x0137: WatcherEvent,
    0x0140: Quarantined,
    0x0141: ServerDescription,
    0x0142: OpenInvite,
    0x0143: LivePublication,
    0x0144: OpenRecovery,
    0x0145: QuotaState,
    0x0146: PrincipalState,
    0x01FF: Refused,
    0x8001: Goaway,
    0x8002: ComposingEvent,
}
#: Every structure and kind by its name.
STRUCTURES: dict[str, type] = {
    "Shown": Shown,
    "AccessRule": AccessRule,
    "Contact": Contact,
    "DeliveryRule": DeliveryRule,
    "Note": Note,
    "Tuple": Tuple,
    "Document": Document,
    "Enroll": Enroll,
    "Ext": Ext,
    "Limit": Limit,
    "MessageBody": MessageBody,
    "PresenceBody": PresenceBody,
    "ReceiptBody": ReceiptBody,
    "VisibilityRule": VisibilityRule,
    "WatcherBody": WatcherBody,
    "Hello": Hello,
    "ChallengeAnswer": ChallengeAnswer,
    "Publish": Publish,
    "Subscribe": Subscribe,
    "Unsubscribe": Unsubscribe,
    "Send": Send,
    "Delete": Delete,
    "Invite": Invite,
    "RevokeKey": RevokeKey,
    "Displayed": Displayed,
    "ChangeRules": ChangeRules,
    "ChangeDelivery": ChangeDelivery,
    "ChangeVisibility": ChangeVisibility,
    "Grant": Grant,
    "EndSubscription": EndSubscription,
    "Administer": Administer,
    "WithdrawInvite": WithdrawInvite,
    "Fetch": Fetch,
    "ListSubscriptions": ListSubscriptions,
    "ListKeys": ListKeys,
    "InboxStatus": InboxStatus,
    "ListRules": ListRules,
    "ListDelivery": ListDelivery,
    "ListVisibility": ListVisibility,
    "ListGrants": ListGrants,
    "ListWatchers": ListWatchers,
    "ListHistory": ListHistory,
    "FetchAt": FetchAt,
    "Explain": Explain,
    "ListDomains": ListDomains,
    "ListActs": ListActs,
    "ListQuarantine": ListQuarantine,
    "ServerInfo": ServerInfo,
    "FeedOpen": FeedOpen,
    "FeedAck": FeedAck,
    "ListInvites": ListInvites,
    "RemovePublication": RemovePublication,
    "ListPublications": ListPublications,
    "RefuseRecovery": RefuseRecovery,
    "ListRecoveries": ListRecoveries,
    "ListQuotas": ListQuotas,
    "Erase": Erase,
    "ListPrincipals": ListPrincipals,
    "Welcome": Welcome,
    "Challenge": Challenge,
    "Published": Published,
    "Subscribed": Subscribed,
    "Unsubscribed": Unsubscribed,
    "Sent": Sent,
    "Deleted": Deleted,
    "Invited": Invited,
    "KeyRevoked": KeyRevoked,
    "Changed": Changed,
    "Erased": Erased,
    "Presence": Presence,
    "Subscription": Subscription,
    "Key": Key,
    "InboxState": InboxState,
    "Version": Version,
    "Rule": Rule,
    "DeliveryState": DeliveryState,
    "Delivery": Delivery,
    "Visibility": Visibility,
    "Granted": Granted,
    "Watcher": Watcher,
    "Change": Change,
    "Explanation": Explanation,
    "DomainState": DomainState,
    "Act": Act,
    "End": End,
    "FeedReady": FeedReady,
    "PresenceEvent": PresenceEvent,
    "MessageEvent": MessageEvent,
    "CaughtUp": CaughtUp,
    "FeedAcked": FeedAcked,
    "FeedEnd": FeedEnd,
    "ReceiptEvent": ReceiptEvent,
    "WatcherEvent": WatcherEvent,
    "Quarantined": Quarantined,
    "ServerDescription": ServerDescription,
    "OpenInvite": OpenInvite,
    "LivePublication": LivePublication,
    "OpenRecovery": OpenRecovery,
    "QuotaState": QuotaState,
    "PrincipalState": PrincipalState,
    "Refused": Refused,
    "Goaway": Goaway,
    "ComposingEvent": ComposingEvent,
}
