// Kinds, structures, codes and limits of the adsum protocol.
//
// Made by `tests/wire/typescript.rs` from the definitions of the server; never changed by hand:
// `ADSUM_GOLDEN=write cargo test --test wire` makes it anew.

export const ALPN = "adsum/1";
export const VERSION = 1;
export const PORT = 2778;
export const IGNORABLE_KIND_MIN = 32768;
export const CHALLENGE_CONTEXT = "adsum/1 hello challenge\u0000";
export const STREAM_CONTROL = 0;
export const STREAM_QUERY = 1;
export const STREAM_FEED = 2;
export const FRAME_BYTES_MAX = 69632;
export const HELLO_BYTES_MAX = 4096;
export const UNPROVEN_STREAMS_OPEN_MAX = 4;
export const UNPROVEN_STREAMS_MAX = 16;
export const UNPROVEN_BYTES_MAX = 5120;
export const UNPROVEN_PIECES_MAX = 64;
export const STREAMS_OPEN_MAX = 64;
export const FEEDS_MAX = 8;
export const REQUESTS_IN_FLIGHT_MAX = 1024;
export const OPERATIONS_OF_DEVICE_MAX = 1024;
export const OPERATIONS_OF_PRINCIPAL_MAX = 16384;
export const OPERATION_MS = 86400000;
export const WINDOW_EVENTS_MAX = 256;
export const WINDOW_BYTES_MAX = 262144;
export const FEED_PRESENTITIES_MAX = 1000;
export const CURSOR_BYTES_MAX = 128;
export const REFUSAL_TEXT_BYTES_MAX = 2048;
export const DOCUMENT_BYTES_MAX = 65536;
export const COMPOSED_BYTES_MAX = 66436;
export const TUPLE_COST_BYTES = 24;
export const TEXT_COST_BYTES = 5;
export const TUPLES_MAX = 100;
export const NOTES_MAX = 16;
export const MARKUP_MAX = 32;
export const TUPLE_ID_BYTES_MAX = 64;
export const CONTACT_BYTES_MAX = 1024;
export const LANGUAGE_BYTES_MAX = 35;
export const PUBLICATIONS_MAX = 32;
export const PUBLICATION_NAME_BYTES_MAX = 32;
export const SUBSCRIPTIONS_MAX = 1000;
export const SUBSCRIPTIONS_ENDED_MAX = 1000;
export const REQUESTS_MAX = 100;
export const SUBSCRIPTION_ANONYMOUS_MS_MAX = 3600000;
export const SUBSCRIPTIONS_ANONYMOUS_MAX = 64;
export const RULES_MAX = 128;
export const RULE_NAME_BYTES_MAX = 320;
export const RULE_TUPLES_MAX = 32;
export const WATCHERS_MAX = 10000;
export const WATCHERS_ANONYMOUS_MAX = 200;
export const WATCHERS_WINDOW_MS = 2592000000;
export const HISTORY_ROWS_MAX = 1000;
export const LIFETIME_MS_MIN = 1000;
export const PUBLICATION_MS_DEFAULT = 3600000;
export const PUBLICATION_MS_MAX = 604800000;
export const SUBSCRIPTION_MS_DEFAULT = 604800000;
export const SUBSCRIPTION_MS_MAX = 2592000000;
export const HISTORY_WALK_MAX = 100000;
export const BODY_BYTES_MAX = 65536;
export const COMPOSING_BYTES_MAX = 4096;
export const COMPOSING_A_MINUTE_MAX = 20;
export const MESSAGE_ID_BYTES_MAX = 64;
export const CONTENT_TYPE_BYTES_MAX = 255;
export const MESSAGES_WAITING_MAX = 10000;
export const MESSAGES_WAITING_OF_SENDER_MAX = 1000;
export const MESSAGES_STORED_OF_SENDER_MAX = 100000;
export const MESSAGE_IDS_REMEMBERED_MAX = 1000000;
export const LOG_BYTES_A_DAY_MAX = 4294967296;
export const EVENTS_A_SECOND_MAX = 10000;
export const FEEDS_A_MINUTE_MAX = 6000;
export const RULES_BYTES_MAX = 400000;
export const MESSAGE_LIFETIME_MS_MAX = 31536000000;
export const DEDUPLICATION_MS = 2592000000;
export const DELETE_COUNT_MAX = 1000;
export const DELIVERY_REASON_BYTES_MAX = 200;
export const QUARANTINED_MAX = 1000;
export const QUARANTINED_OF_SENDER_MAX = 100;
export const GRANTS_MAX = 1000;
export const ACTS_MAX = 100;
export const DOMAINS_MAX = 100000;
export const LOCAL_PART_BYTES_MAX = 64;
export const DOMAIN_BYTES_MAX = 253;
export const DEVICES_MAX = 16;
export const DEVICES_REVOKED_MAX = 64;
export const DEVICE_LABEL_BYTES_MAX = 64;
export const INVITES_MAX = 10000;
export const INVITES_OF_ADMINISTRATOR_MAX = 2000;
export const INVITES_OF_USER_MAX = 16;
export const INVITE_MS_DEFAULT = 604800000;
export const INVITE_MS_MAX = 2592000000;
export const RECOVERY_DELAY_MS_DEFAULT = 86400000;
export const RECOVERY_DELAY_MS_MIN = 3600000;
export const RECOVERY_DELAY_MS_MAX = 2592000000;
export const ANNOUNCEMENTS_MAX = 16;
export const KEEP_ALIVE_MS = 20000;
export const IDLE_MS_MAX = 60000;
export const HELLO_MS_MAX = 10000;
export const FIRST_FRAME_MS_MAX = 5000;
export const DRAIN_MS_DEFAULT = 5000;
export const FEEDS_RETRY_MS = 5000;

/** Why a connection was closed. */
export const CloseCode = {
  "no-error": 0,
  "internal": 1,
  "protocol-violation": 2,
  "frame-too-large": 3,
  "unsupported-feature": 4,
  "auth-failed": 5,
  "auth-expired": 6,
  "limit-exceeded": 8,
  "hello-timeout": 9,
  "going-away": 16,
  "overloaded": 17,
} as const;
export type CloseCode = keyof typeof CloseCode;

/** Why a stream was reset, stopped or ended. */
export const ResetCode = {
  "cancelled": 256,
  "rejected": 257,
  "too-far-behind": 258,
  "going-away": 259,
  "internal": 260,
  "malformed": 261,
  "frame-too-large": 262,
  "unsupported": 263,
} as const;
export type ResetCode = keyof typeof ResetCode;

/** Why a request was refused. */
export const RefusalCode = {
  "bad-address": 1,
  "bad-field": 2,
  "bad-utf8": 3,
  "malformed": 4,
  "unknown-kind": 5,
  "too-large": 6,
  "foreign-domain": 7,
  "unknown-presentity": 8,
  "unknown-inbox": 9,
  "stale-tag": 10,
  "nothing-to-publish": 11,
  "too-brief": 12,
  "publications-full": 13,
  "subscriptions-full": 14,
  "no-subscription": 15,
  "not-your-sender": 16,
  "forbidden": 17,
  "duplicate-id": 18,
  "inbox-full": 19,
  "expired-message": 20,
  "unknown-principal": 21,
  "unknown-key": 22,
  "key-revoked": 23,
  "bad-proof": 24,
  "bad-invite": 25,
  "invite-needed": 26,
  "name-taken": 27,
  "devices-full": 28,
  "no-device": 29,
  "invites-full": 30,
  "version": 31,
  "busy": 32,
  "going-away": 33,
  "refused": 34,
  "delivery-refused": 35,
  "inbox-closed": 36,
  "service-off": 37,
  "suspended": 38,
  "no-rule": 39,
  "unknown-tuple": 40,
  "stale-version": 41,
  "requests-full": 42,
  "domain-exists": 43,
  "domain-configured": 44,
  "anonymous": 45,
  "no-message": 46,
  "no-invite": 47,
  "no-publication": 48,
  "domain-inhabited": 49,
  "sender-full": 50,
  "recovery-needed": 51,
  "recovery-pending": 52,
  "recovery-open": 53,
  "no-recovery": 54,
  "name-refused": 55,
  "quota-log-bytes": 56,
  "quota-events": 57,
  "quota-message-ids": 58,
  "quota-rules-bytes": 59,
  "quota-feeds": 60,
  "quota-messages-stored": 61,
  "storage-full": 62,
  "erased": 63,
  "older-than-kept": 64,
} as const;
export type RefusalCode = keyof typeof RefusalCode;

/** The numbers of `AccessRule.fetch`. */
export const AccessRuleFetch = {
  "says-nothing": 0,
  "block": 1,
  "confirm": 2,
  "polite-block": 3,
  "allow": 4,
} as const;

/** The numbers of `AccessRule.subscribe`. */
export const AccessRuleSubscribe = {
  "says-nothing": 0,
  "block": 1,
  "confirm": 2,
  "polite-block": 3,
  "allow": 4,
} as const;

/** The numbers of `Act.act`. */
export const ActAct = {
  "was-shown-who-watches": 1,
  "ended-a-subscription": 2,
  "suspended": 3,
  "lifted-that": 4,
  "revoked-a-key": 5,
  "switched-services": 6,
  "started-a-recovery": 7,
  "set-a-quota": 8,
  "erased-the-principal": 9,
} as const;

/** The numbers of `Administer.act`. */
export const AdministerAct = {
  "create-a-domain": 1,
  "remove-it": 2,
  "switch-its-services": 3,
  "switch-those-of-a-principal": 4,
  "suspend-a-principal": 5,
  "lift-that": 6,
  "say-on-what-terms-names-of-the-domain-are-recovered": 7,
  "set-a-quota": 8,
  "say-whether-recipients-keep-what-the-erased-of-the-domain-sent": 9,
} as const;

/** The numbers of `Administer.messaging`. */
export const AdministerMessaging = {
  "stays": 0,
  "off": 1,
  "on": 2,
} as const;

/** The numbers of `Administer.presence`. */
export const AdministerPresence = {
  "stays": 0,
  "off": 1,
  "on": 2,
} as const;

/** The numbers of `Change.what`. */
export const ChangeWhat = {
  "published": 1,
  "removed": 2,
  "ran-out": 3,
  "withdrawn": 4,
} as const;

/** The numbers of `ChangeDelivery.receipts`. */
export const ChangeDeliveryReceipts = {
  "stays": 0,
  "no-receipts": 1,
  "to-senders-that-ask": 2,
} as const;

/** The numbers of `ChangeDelivery.when_closed`. */
export const ChangeDeliveryWhenClosed = {
  "stays": 0,
  "refuse": 1,
  "store": 2,
} as const;

/** The numbers of `DeliveryRule.action`. */
export const DeliveryRuleAction = {
  "refuse": 1,
  "discard": 2,
  "quarantine": 3,
  "accept": 4,
} as const;

/** The numbers of `DeliveryState.when_closed`. */
export const DeliveryStateWhenClosed = {
  "refuse": 1,
  "store": 2,
} as const;

/** The numbers of `Explanation.fetch`. */
export const ExplanationFetch = {
  "says-nothing": 0,
  "block": 1,
  "confirm": 2,
  "polite-block": 3,
  "allow": 4,
} as const;

/** The numbers of `Explanation.subscribe`. */
export const ExplanationSubscribe = {
  "says-nothing": 0,
  "block": 1,
  "confirm": 2,
  "polite-block": 3,
  "allow": 4,
} as const;

/** The numbers of `FeedOpen.kind`. */
export const FeedOpenKind = {
  "presence": 1,
  "inbox": 2,
} as const;

/** The numbers of `FeedReady.outcome`. */
export const FeedReadyOutcome = {
  "fresh": 0,
  "resumed": 1,
  "anew": 2,
} as const;

/** The numbers of `Grant.rights`. */
export const GrantRights = {
  "publish": 1,
  "read-the-inbox": 2,
  "delete-from-it": 4,
  "learn-who-watches": 8,
  "member": 31,
  "takes-all-back": 0,
} as const;

/** The numbers of `Granted.rights`. */
export const GrantedRights = {
  "publish": 1,
  "read-the-inbox": 2,
  "delete-from-it": 4,
  "learn-who-watches": 8,
  "member": 31,
  "takes-all-back": 0,
} as const;

/** The numbers of `Hello.proof`. */
export const HelloProof = {
  "none": 0,
  "signature-over-the-exporter": 1,
} as const;

/** The numbers of `Invite.role`. */
export const InviteRole = {
  "user": 0,
  "administrator": 1,
} as const;

/** The numbers of `OpenInvite.role`. */
export const OpenInviteRole = {
  "user": 0,
  "administrator": 1,
} as const;

/** The numbers of `OpenRecovery.role`. */
export const OpenRecoveryRole = {
  "user": 0,
  "administrator": 1,
} as const;

/** The numbers of `PresenceBody.reason`. */
export const PresenceBodyReason = {
  "none": 0,
  "timeout": 1,
  "deactivated": 2,
  "rejected": 3,
  "giveup": 4,
  "noresource": 5,
} as const;

/** The numbers of `PresenceBody.state`. */
export const PresenceBodyState = {
  "active": 1,
  "terminated": 2,
  "pending": 3,
} as const;

/** The numbers of `PrincipalState.role`. */
export const PrincipalStateRole = {
  "user": 0,
  "administrator": 1,
} as const;

/** The numbers of `QuotaState.source`. */
export const QuotaStateSource = {
  "nobody": 0,
  "the-domain": 1,
  "the-principal": 2,
} as const;

/** The numbers of `ReceiptBody.kind`. */
export const ReceiptBodyKind = {
  "stored": 1,
  "delivered": 2,
  "displayed": 3,
  "failed": 4,
  "expired": 5,
} as const;

/** The numbers of `Subscribe.mode`. */
export const SubscribeMode = {
  "latest": 0,
  "every": 1,
} as const;

/** The numbers of `Subscribed.state`. */
export const SubscribedState = {
  "active": 1,
  "pending": 3,
} as const;

/** The numbers of `Subscription.mode`. */
export const SubscriptionMode = {
  "latest": 0,
  "every": 1,
} as const;

/** The numbers of `Subscription.reason`. */
export const SubscriptionReason = {
  "none": 0,
  "timeout": 1,
  "deactivated": 2,
  "rejected": 3,
  "giveup": 4,
  "noresource": 5,
} as const;

/** The numbers of `Subscription.state`. */
export const SubscriptionState = {
  "active": 1,
  "terminated": 2,
  "pending": 3,
} as const;

/** The numbers of `Tuple.basic`. */
export const TupleBasic = {
  "none": 0,
  "open": 1,
  "closed": 2,
} as const;

/** The numbers of `WatcherBody.handling`. */
export const WatcherBodyHandling = {
  "says-nothing": 0,
  "block": 1,
  "confirm": 2,
  "polite-block": 3,
  "allow": 4,
} as const;

/** The numbers of `WatcherBody.reason`. */
export const WatcherBodyReason = {
  "none": 0,
  "timeout": 1,
  "deactivated": 2,
  "rejected": 3,
  "giveup": 4,
  "noresource": 5,
} as const;

/** The numbers of `WatcherBody.state`. */
export const WatcherBodyState = {
  "it-only-fetched": 0,
  "active": 1,
  "terminated": 2,
  "pending": 3,
  "waiting": 4,
} as const;

/** The numbers of `Welcome.durability`. */
export const WelcomeDurability = {
  "synced": 1,
  "buffered": 2,
} as const;

/** The numbers of `Welcome.role`. */
export const WelcomeRole = {
  "user": 0,
  "administrator": 1,
} as const;

/** A structure inside bodies. */
export interface AccessRule {
  name: string;
  who: string;
  fetch: number;
  subscribe: number;
  shown: Shown;
  fromMs: number | null;
  untilMs: number | null;
}

/** A structure inside bodies. */
export interface Contact {
  uri: Uint8Array | null;
  priority: number | null;
}

/** A structure inside bodies. */
export interface DeliveryRule {
  name: string;
  who: string;
  contentType: string;
  largerThan: number | null;
  action: number;
  reason: string;
}

/** A structure inside bodies. */
export interface Document {
  tuples: Tuple[];
  notes: Note[];
  markup: (Uint8Array | null)[];
}

/** A structure inside bodies. */
export interface Enroll {
  token: Uint8Array;
  label: string;
}

/** A structure inside bodies. */
export interface Ext {
  tag: number;
  value: Uint8Array;
}

/** A structure inside bodies. */
export interface Limit {
  name: string;
  most: number;
}

/** A structure inside bodies. */
export interface MessageBody {
  inbox: string;
  sequence: number;
  sender: string;
  id: string;
  contentType: string;
  body: Uint8Array | null;
  acceptedAtMs: number;
  lifetimeMs: number | null;
}

/** A structure inside bodies. */
export interface Note {
  language: string;
  text: Uint8Array | null;
}

/** A structure inside bodies. */
export interface PresenceBody {
  presentity: string;
  state: number;
  reason: number;
  document: Document;
}

/** A structure inside bodies. */
export interface ReceiptBody {
  inbox: string;
  sequence: number;
  kind: number;
  id: string;
  recipient: string;
  atMs: number;
  reason: string;
}

/** A structure inside bodies. */
export interface Shown {
  tuples: string[] | null;
  notes: boolean;
  contact: boolean;
  markup: boolean;
}

/** A structure inside bodies. */
export interface Tuple {
  id: string;
  basic: number;
  statusMarkup: (Uint8Array | null)[];
  contact: Contact | null;
  notes: Note[];
  timestampMs: number | null;
  markup: (Uint8Array | null)[];
}

/** A structure inside bodies. */
export interface VisibilityRule {
  who: string;
  isShown: boolean;
}

/** A structure inside bodies. */
export interface WatcherBody {
  presentity: string;
  watcher: string;
  state: number;
  reason: number;
  handling: number;
  firstAtMs: number;
  lastAtMs: number;
  fetches: number;
  subscriptions: number;
}

/** Kind 0x0001, on CONTROL, from the client. */
export interface Hello {
  type: "Hello";
  version: number;
  features: number;
  principal: string;
  key: Uint8Array;
  proof: number;
  signature: Uint8Array;
  enroll: Enroll | null;
  client: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0002, on CONTROL, from the client. */
export interface ChallengeAnswer {
  type: "ChallengeAnswer";
  signature: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0010, on CONTROL, from the client. */
export interface Publish {
  type: "Publish";
  request: number;
  operation: Uint8Array;
  presentity: string;
  name: string;
  ifMatch: Uint8Array | null;
  lifetimeMs: number | null;
  document: Document | null;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0011, on CONTROL, from the client. */
export interface Subscribe {
  type: "Subscribe";
  request: number;
  presentity: string;
  mode: number;
  lifetimeMs: number | null;
  operation?: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0012, on CONTROL, from the client. */
export interface Unsubscribe {
  type: "Unsubscribe";
  request: number;
  presentity: string;
  operation?: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0013, on CONTROL, from the client. */
export interface Send {
  type: "Send";
  request: number;
  inbox: string;
  sender: string;
  id: string;
  contentType: string;
  body: Uint8Array;
  lifetimeMs: number | null;
  receipts?: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0015, on CONTROL, from the client. */
export interface Delete {
  type: "Delete";
  request: number;
  inbox: string;
  sequences: number[];
  operation?: Uint8Array;
  sender?: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0016, on CONTROL, from the client. */
export interface Invite {
  type: "Invite";
  request: number;
  invite: Uint8Array;
  principal: string | null;
  role: number;
  lifetimeMs: number | null;
  recovers?: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0017, on CONTROL, from the client. */
export interface RevokeKey {
  type: "RevokeKey";
  request: number;
  principal: string;
  device: Uint8Array;
  operation?: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0018, on CONTROL, from the client. */
export interface Displayed {
  type: "Displayed";
  request: number;
  inbox: string;
  sequence: number;
  operation?: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0019, on CONTROL, from the client. */
export interface ChangeRules {
  type: "ChangeRules";
  request: number;
  operation: Uint8Array;
  owner: string;
  ifVersion: number | null;
  put: AccessRule[];
  remove: string[];
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x001A, on CONTROL, from the client. */
export interface ChangeDelivery {
  type: "ChangeDelivery";
  request: number;
  operation: Uint8Array;
  inbox: string;
  ifVersion: number | null;
  put: DeliveryRule[];
  remove: string[];
  whenClosed: number;
  receipts: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x001B, on CONTROL, from the client. */
export interface ChangeVisibility {
  type: "ChangeVisibility";
  request: number;
  operation: Uint8Array;
  put: VisibilityRule[];
  remove: string[];
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x001C, on CONTROL, from the client. */
export interface Grant {
  type: "Grant";
  request: number;
  operation: Uint8Array;
  owner: string;
  grantee: string;
  rights: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x001D, on CONTROL, from the client. */
export interface EndSubscription {
  type: "EndSubscription";
  request: number;
  watcher: string;
  presentity: string;
  operation?: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x001E, on CONTROL, from the client. */
export interface Administer {
  type: "Administer";
  request: number;
  operation: Uint8Array;
  act: number;
  subject: string;
  presence: number;
  messaging: number;
  recoveryDelay?: Uint8Array;
  recoveryShows?: number;
  quota?: Uint8Array;
  quotaMax?: Uint8Array;
  recipientsKeep?: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x001F, on CONTROL, from the client. */
export interface WithdrawInvite {
  type: "WithdrawInvite";
  request: number;
  operation: Uint8Array;
  invite: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0020, on QUERY, from the client. */
export interface Fetch {
  type: "Fetch";
  presentity: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0021, on QUERY, from the client. */
export interface ListSubscriptions {
  type: "ListSubscriptions";
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0022, on QUERY, from the client. */
export interface ListKeys {
  type: "ListKeys";
  principal: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0023, on QUERY, from the client. */
export interface InboxStatus {
  type: "InboxStatus";
  inbox: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0024, on QUERY, from the client. */
export interface ListRules {
  type: "ListRules";
  owner: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0025, on QUERY, from the client. */
export interface ListDelivery {
  type: "ListDelivery";
  inbox: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0026, on QUERY, from the client. */
export interface ListVisibility {
  type: "ListVisibility";
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0027, on QUERY, from the client. */
export interface ListGrants {
  type: "ListGrants";
  owner: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0028, on QUERY, from the client. */
export interface ListWatchers {
  type: "ListWatchers";
  presentity: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0029, on QUERY, from the client. */
export interface ListHistory {
  type: "ListHistory";
  presentity: string;
  sinceMs: number | null;
  untilMs: number | null;
  limit: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x002A, on QUERY, from the client. */
export interface FetchAt {
  type: "FetchAt";
  presentity: string;
  atMs: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x002B, on QUERY, from the client. */
export interface Explain {
  type: "Explain";
  presentity: string;
  watcher: string;
  atMs: number | null;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x002C, on QUERY, from the client. */
export interface ListDomains {
  type: "ListDomains";
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x002D, on QUERY, from the client. */
export interface ListActs {
  type: "ListActs";
  principal: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x002E, on QUERY, from the client. */
export interface ListQuarantine {
  type: "ListQuarantine";
  inbox: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x002F, on QUERY, from the client. */
export interface ServerInfo {
  type: "ServerInfo";
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0030, on FEED, from the client. */
export interface FeedOpen {
  type: "FeedOpen";
  kind: number;
  cursor: Uint8Array;
  window: number;
  presentities: string[];
  inbox: string;
  fromStart: boolean;
  watchers?: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0031, on FEED, from the client. */
export interface FeedAck {
  type: "FeedAck";
  cursor: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0032, on QUERY, from the client. */
export interface ListInvites {
  type: "ListInvites";
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0033, on CONTROL, from the client. */
export interface RemovePublication {
  type: "RemovePublication";
  request: number;
  operation: Uint8Array;
  presentity: string;
  device: Uint8Array;
  name: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0034, on QUERY, from the client. */
export interface ListPublications {
  type: "ListPublications";
  presentity: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0035, on CONTROL, from the client. */
export interface RefuseRecovery {
  type: "RefuseRecovery";
  request: number;
  operation: Uint8Array;
  invite: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0036, on QUERY, from the client. */
export interface ListRecoveries {
  type: "ListRecoveries";
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0037, on QUERY, from the client. */
export interface ListQuotas {
  type: "ListQuotas";
  owner: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0038, on CONTROL, from the client. */
export interface Erase {
  type: "Erase";
  request: number;
  principal: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0039, on QUERY, from the client. */
export interface ListPrincipals {
  type: "ListPrincipals";
  domain: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0101, on CONTROL, from the server. */
export interface Welcome {
  type: "Welcome";
  version: number;
  features: number;
  principal: string;
  device: Uint8Array;
  role: number;
  enrolled: boolean;
  durability: number;
  timeMs: number;
  server: string;
  recovery?: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0102, on CONTROL, from the server. */
export interface Challenge {
  type: "Challenge";
  nonce: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0110, on CONTROL, from the server. */
export interface Published {
  type: "Published";
  request: number;
  tag: Uint8Array;
  grantedMs: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0111, on CONTROL, from the server. */
export interface Subscribed {
  type: "Subscribed";
  request: number;
  state: number;
  grantedMs: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0112, on CONTROL, from the server. */
export interface Unsubscribed {
  type: "Unsubscribed";
  request: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0113, on CONTROL, from the server. */
export interface Sent {
  type: "Sent";
  request: number;
  duplicate: boolean;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0115, on CONTROL, from the server. */
export interface Deleted {
  type: "Deleted";
  request: number;
  count: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0116, on CONTROL, from the server. */
export interface Invited {
  type: "Invited";
  request: number;
  expiresAtMs: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0117, on CONTROL, from the server. */
export interface KeyRevoked {
  type: "KeyRevoked";
  request: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0118, on CONTROL, from the server. */
export interface Changed {
  type: "Changed";
  request: number;
  version: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0119, on CONTROL, from the server. */
export interface Erased {
  type: "Erased";
  request: number;
  certificate: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0120, on QUERY, from the server. */
export interface Presence {
  type: "Presence";
  presence: PresenceBody;
  leftOut?: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0121, on QUERY, from the server. */
export interface Subscription {
  type: "Subscription";
  presentity: string;
  state: number;
  reason: number;
  mode: number;
  remainingMs: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0122, on QUERY, from the server. */
export interface Key {
  type: "Key";
  device: Uint8Array;
  label: string;
  enrolledAtMs: number;
  revokedAtMs: number | null;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0123, on QUERY, from the server. */
export interface InboxState {
  type: "InboxState";
  head: number;
  acknowledged: number;
  waiting: number;
  kept: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0124, on QUERY, from the server. */
export interface Version {
  type: "Version";
  version: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0125, on QUERY, from the server. */
export interface Rule {
  type: "Rule";
  rule: AccessRule;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0126, on QUERY, from the server. */
export interface DeliveryState {
  type: "DeliveryState";
  version: number;
  whenClosed: number;
  receipts: boolean;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0127, on QUERY, from the server. */
export interface Delivery {
  type: "Delivery";
  rule: DeliveryRule;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0128, on QUERY, from the server. */
export interface Visibility {
  type: "Visibility";
  rule: VisibilityRule;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0129, on QUERY, from the server. */
export interface Granted {
  type: "Granted";
  grantee: string;
  rights: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x012A, on QUERY, from the server. */
export interface Watcher {
  type: "Watcher";
  watcher: WatcherBody;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x012B, on QUERY, from the server. */
export interface Change {
  type: "Change";
  atMs: number;
  by: string;
  device: Uint8Array;
  name: string;
  what: number;
  document: Document | null;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x012C, on QUERY, from the server. */
export interface Explanation {
  type: "Explanation";
  version: number;
  fetch: number;
  fetchRule: string;
  subscribe: number;
  subscribeRule: string;
  fetchShown: Shown;
  subscribeShown: Shown;
  byDomain: boolean;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x012D, on QUERY, from the server. */
export interface DomainState {
  type: "DomainState";
  domain: string;
  isConfigured: boolean;
  presence: boolean;
  messaging: boolean;
  principals: number;
  recovery?: Uint8Array;
  recipientsKeep?: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x012E, on QUERY, from the server. */
export interface Act {
  type: "Act";
  atMs: number;
  by: string;
  act: number;
  about: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x012F, on QUERY, from the server. */
export interface End {
  type: "End";
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0130, on FEED, from the server. */
export interface FeedReady {
  type: "FeedReady";
  outcome: number;
  from: Uint8Array;
  to: Uint8Array;
  pending: number;
  complete: boolean;
  restored?: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0131, on FEED, from the server. */
export interface PresenceEvent {
  type: "PresenceEvent";
  number: number;
  cursor: Uint8Array;
  presence: PresenceBody;
  leftOut?: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0132, on FEED, from the server. */
export interface MessageEvent {
  type: "MessageEvent";
  number: number;
  cursor: Uint8Array;
  message: MessageBody;
  withheld?: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0133, on FEED, from the server. */
export interface CaughtUp {
  type: "CaughtUp";
  cursor: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0134, on FEED, from the server. */
export interface FeedAcked {
  type: "FeedAcked";
  cursor: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0135, on FEED, from the server. */
export interface FeedEnd {
  type: "FeedEnd";
  code: number;
  cursor: Uint8Array;
  message: string;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0136, on FEED, from the server. */
export interface ReceiptEvent {
  type: "ReceiptEvent";
  number: number;
  cursor: Uint8Array;
  receipt: ReceiptBody;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0137, on FEED, from the server. */
export interface WatcherEvent {
  type: "WatcherEvent";
  number: number;
  cursor: Uint8Array;
  watcher: WatcherBody;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0140, on QUERY, from the server. */
export interface Quarantined {
  type: "Quarantined";
  message: MessageBody;
  withheld?: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0141, on QUERY, from the server. */
export interface ServerDescription {
  type: "ServerDescription";
  software: string;
  version: number;
  domains: string[];
  limits: Limit[];
  noticed?: Uint8Array;
  clock?: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0142, on QUERY, from the server. */
export interface OpenInvite {
  type: "OpenInvite";
  invite: Uint8Array;
  principal: string;
  domain: string;
  role: number;
  by: string;
  device: Uint8Array | null;
  expiresAtMs: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0143, on QUERY, from the server. */
export interface LivePublication {
  type: "LivePublication";
  device: Uint8Array;
  name: string;
  expiresAtMs: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0144, on QUERY, from the server. */
export interface OpenRecovery {
  type: "OpenRecovery";
  invite: Uint8Array;
  principal: string;
  role: number;
  by: string;
  startedAtMs: number;
  effectiveAtMs: number;
  expiresAtMs: number;
  showsEarlier: boolean;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0145, on QUERY, from the server. */
export interface QuotaState {
  type: "QuotaState";
  quota: string;
  max: number;
  used: number | null;
  source: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x0146, on QUERY, from the server. */
export interface PrincipalState {
  type: "PrincipalState";
  principal: string;
  role: number;
  isSuspended: boolean;
  presence: boolean;
  messaging: boolean;
  devices: number;
  enrolledAtMs: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x01FF, on all, from the server. */
export interface Refused {
  type: "Refused";
  request: number;
  code: number;
  message: string;
  retryAfterMs: number | null;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x8001, on CONTROL, from the server. */
export interface Goaway {
  type: "Goaway";
  deadlineMs: number;
  reconnectAfterMs: number;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** Kind 0x8002, on FEED, from the server. */
export interface ComposingEvent {
  type: "ComposingEvent";
  inbox: string;
  sender: string;
  contentType: string;
  body: Uint8Array;
  /** Additions of later versions. */
  ext?: Ext[];
}

/** What a frame holds. */
export type Body =
  | Hello
  | ChallengeAnswer
  | Publish
  | Subscribe
  | Unsubscribe
  | Send
  | Delete
  | Invite
  | RevokeKey
  | Displayed
  | ChangeRules
  | ChangeDelivery
  | ChangeVisibility
  | Grant
  | EndSubscription
  | Administer
  | WithdrawInvite
  | Fetch
  | ListSubscriptions
  | ListKeys
  | InboxStatus
  | ListRules
  | ListDelivery
  | ListVisibility
  | ListGrants
  | ListWatchers
  | ListHistory
  | FetchAt
  | Explain
  | ListDomains
  | ListActs
  | ListQuarantine
  | ServerInfo
  | FeedOpen
  | FeedAck
  | ListInvites
  | RemovePublication
  | ListPublications
  | RefuseRecovery
  | ListRecoveries
  | ListQuotas
  | Erase
  | ListPrincipals
  | Welcome
  | Challenge
  | Published
  | Subscribed
  | Unsubscribed
  | Sent
  | Deleted
  | Invited
  | KeyRevoked
  | Changed
  | Erased
  | Presence
  | Subscription
  | Key
  | InboxState
  | Version
  | Rule
  | DeliveryState
  | Delivery
  | Visibility
  | Granted
  | Watcher
  | Change
  | Explanation
  | DomainState
  | Act
  | End
  | FeedReady
  | PresenceEvent
  | MessageEvent
  | CaughtUp
  | FeedAcked
  | FeedEnd
  | ReceiptEvent
  | WatcherEvent
  | Quarantined
  | ServerDescription
  | OpenInvite
  | LivePublication
  | OpenRecovery
  | QuotaState
  | PrincipalState
  | Refused
  | Goaway
  | ComposingEvent;

/** Requests of CONTROL. */
export type Request =
  | Publish
  | Subscribe
  | Unsubscribe
  | Send
  | Delete
  | Invite
  | RevokeKey
  | Displayed
  | ChangeRules
  | ChangeDelivery
  | ChangeVisibility
  | Grant
  | EndSubscription
  | Administer
  | WithdrawInvite
  | RemovePublication
  | RefuseRecovery
  | Erase;

/** Questions of QUERY. */
export type Question =
  | Fetch
  | ListSubscriptions
  | ListKeys
  | InboxStatus
  | ListRules
  | ListDelivery
  | ListVisibility
  | ListGrants
  | ListWatchers
  | ListHistory
  | FetchAt
  | Explain
  | ListDomains
  | ListActs
  | ListQuarantine
  | ServerInfo
  | ListInvites
  | ListPublications
  | ListRecoveries
  | ListQuotas
  | ListPrincipals;

/** What answers each request and question: one, or rows of these. */
export interface Answers {
  Publish: Published;
  Subscribe: Subscribed;
  Unsubscribe: Unsubscribed;
  Send: Sent;
  Delete: Deleted;
  Invite: Invited;
  RevokeKey: KeyRevoked;
  Displayed: Changed;
  ChangeRules: Changed;
  ChangeDelivery: Changed;
  ChangeVisibility: Changed;
  Grant: Changed;
  EndSubscription: Changed;
  Administer: Changed;
  WithdrawInvite: Changed;
  Fetch: Presence;
  ListSubscriptions: Subscription;
  ListKeys: Key;
  InboxStatus: InboxState;
  ListRules: Version | Rule;
  ListDelivery: DeliveryState | Delivery;
  ListVisibility: Version | Visibility;
  ListGrants: Granted;
  ListWatchers: Watcher;
  ListHistory: Change;
  FetchAt: Presence;
  Explain: Explanation;
  ListDomains: DomainState;
  ListActs: Act;
  ListQuarantine: Quarantined;
  ServerInfo: ServerDescription;
  ListInvites: OpenInvite;
  RemovePublication: Changed;
  ListPublications: LivePublication;
  RefuseRecovery: Changed;
  ListRecoveries: OpenRecovery;
  ListQuotas: QuotaState;
  Erase: Erased;
  ListPrincipals: PrincipalState;
}

/** Fields of structures and kinds as `name type`, in the order of the bytes. */
export const FIELDS: Readonly<Record<string, string>> = {
  AccessRule: "name text,who text,fetch u8,subscribe u8,shown Shown,fromMs u64?,untilMs u64?",
  Contact: "uri bytes?,priority u16?",
  DeliveryRule: "name text,who text,contentType text,largerThan u32?,action u8,reason text",
  Document: "tuples Tuple[],notes Note[],markup bytes?[]",
  Enroll: "token bytes,label text",
  Ext: "tag u16,value bytes",
  Limit: "name text,most u64",
  MessageBody: "inbox text,sequence u64,sender text,id text,contentType text,body bytes?,acceptedAtMs u64,lifetimeMs u64?",
  Note: "language text,text bytes?",
  PresenceBody: "presentity text,state u8,reason u8,document Document",
  ReceiptBody: "inbox text,sequence u64,kind u8,id text,recipient text,atMs u64,reason text",
  Shown: "tuples text[]?,notes bool,contact bool,markup bool",
  Tuple: "id text,basic u8,statusMarkup bytes?[],contact Contact?,notes Note[],timestampMs u64?,markup bytes?[]",
  VisibilityRule: "who text,isShown bool",
  WatcherBody: "presentity text,watcher text,state u8,reason u8,handling u8,firstAtMs u64,lastAtMs u64,fetches u64,subscriptions u64",
  Hello: "version u16,features u64,principal text,key u8[32],proof u8,signature bytes,enroll Enroll?,client text",
  ChallengeAnswer: "signature bytes",
  Publish: "request u64,operation u8[16],presentity text,name text,ifMatch u8[16]?,lifetimeMs u64?,document Document?",
  Subscribe: "request u64,presentity text,mode u8,lifetimeMs u64?",
  Unsubscribe: "request u64,presentity text",
  Send: "request u64,inbox text,sender text,id text,contentType text,body bytes,lifetimeMs u64?",
  Delete: "request u64,inbox text,sequences u64[]",
  Invite: "request u64,invite u8[32],principal text?,role u8,lifetimeMs u64?",
  RevokeKey: "request u64,principal text,device u8[8]",
  Displayed: "request u64,inbox text,sequence u64",
  ChangeRules: "request u64,operation u8[16],owner text,ifVersion u64?,put AccessRule[],remove text[]",
  ChangeDelivery: "request u64,operation u8[16],inbox text,ifVersion u64?,put DeliveryRule[],remove text[],whenClosed u8,receipts u8",
  ChangeVisibility: "request u64,operation u8[16],put VisibilityRule[],remove text[]",
  Grant: "request u64,operation u8[16],owner text,grantee text,rights u8",
  EndSubscription: "request u64,watcher text,presentity text",
  Administer: "request u64,operation u8[16],act u8,subject text,presence u8,messaging u8",
  WithdrawInvite: "request u64,operation u8[16],invite u8[32]",
  Fetch: "presentity text",
  ListSubscriptions: "",
  ListKeys: "principal text",
  InboxStatus: "inbox text",
  ListRules: "owner text",
  ListDelivery: "inbox text",
  ListVisibility: "",
  ListGrants: "owner text",
  ListWatchers: "presentity text",
  ListHistory: "presentity text,sinceMs u64?,untilMs u64?,limit u32",
  FetchAt: "presentity text,atMs u64",
  Explain: "presentity text,watcher text,atMs u64?",
  ListDomains: "",
  ListActs: "principal text",
  ListQuarantine: "inbox text",
  ServerInfo: "",
  FeedOpen: "kind u8,cursor bytes,window u32,presentities text[],inbox text,fromStart bool",
  FeedAck: "cursor bytes",
  ListInvites: "",
  RemovePublication: "request u64,operation u8[16],presentity text,device u8[8],name text",
  ListPublications: "presentity text",
  RefuseRecovery: "request u64,operation u8[16],invite u8[32]",
  ListRecoveries: "",
  ListQuotas: "owner text",
  Erase: "request u64,principal text",
  ListPrincipals: "domain text",
  Welcome: "version u16,features u64,principal text,device u8[8],role u8,enrolled bool,durability u8,timeMs u64,server text",
  Challenge: "nonce u8[32]",
  Published: "request u64,tag u8[16],grantedMs u64",
  Subscribed: "request u64,state u8,grantedMs u64",
  Unsubscribed: "request u64",
  Sent: "request u64,duplicate bool",
  Deleted: "request u64,count u32",
  Invited: "request u64,expiresAtMs u64",
  KeyRevoked: "request u64",
  Changed: "request u64,version u64",
  Erased: "request u64,certificate text",
  Presence: "presence PresenceBody",
  Subscription: "presentity text,state u8,reason u8,mode u8,remainingMs u64",
  Key: "device u8[8],label text,enrolledAtMs u64,revokedAtMs u64?",
  InboxState: "head u64,acknowledged u64,waiting u64,kept u64",
  Version: "version u64",
  Rule: "rule AccessRule",
  DeliveryState: "version u64,whenClosed u8,receipts bool",
  Delivery: "rule DeliveryRule",
  Visibility: "rule VisibilityRule",
  Granted: "grantee text,rights u8",
  Watcher: "watcher WatcherBody",
  Change: "atMs u64,by text,device u8[8],name text,what u8,document Document?",
  Explanation: "version u64,fetch u8,fetchRule text,subscribe u8,subscribeRule text,fetchShown Shown,subscribeShown Shown,byDomain bool",
  DomainState: "domain text,isConfigured bool,presence bool,messaging bool,principals u64",
  Act: "atMs u64,by text,act u8,about text",
  End: "",
  FeedReady: "outcome u8,from bytes,to bytes,pending u64,complete bool",
  PresenceEvent: "number u64,cursor bytes,presence PresenceBody",
  MessageEvent: "number u64,cursor bytes,message MessageBody",
  CaughtUp: "cursor bytes",
  FeedAcked: "cursor bytes",
  FeedEnd: "code u32,cursor bytes,message text",
  ReceiptEvent: "number u64,cursor bytes,receipt ReceiptBody",
  WatcherEvent: "number u64,cursor bytes,watcher WatcherBody",
  Quarantined: "message MessageBody",
  ServerDescription: "software text,version u16,domains text[],limits Limit[]",
  OpenInvite: "invite u8[32],principal text,domain text,role u8,by text,device u8[8]?,expiresAtMs u64",
  LivePublication: "device u8[8],name text,expiresAtMs u64",
  OpenRecovery: "invite u8[32],principal text,role u8,by text,startedAtMs u64,effectiveAtMs u64,expiresAtMs u64,showsEarlier bool",
  QuotaState: "quota text,max u64,used u64?,source u8",
  PrincipalState: "principal text,role u8,isSuspended bool,presence bool,messaging bool,devices u32,enrolledAtMs u64",
  Refused: "request u64,code u16,message text,retryAfterMs u64?",
  Goaway: "deadlineMs u64,reconnectAfterMs u64",
  ComposingEvent: "inbox text,sender text,contentType text,body bytes",
};

/** Every kind's number, and its additions as `tag name type`. */
export const KINDS: Readonly<Record<Body["type"], readonly [number, string]>> = {
  Hello: [0x0001, ""],
  ChallengeAnswer: [0x0002, ""],
  Publish: [0x0010, ""],
  Subscribe: [0x0011, "1 operation u8[16]"],
  Unsubscribe: [0x0012, "1 operation u8[16]"],
  Send: [0x0013, "1 receipts u8"],
  Delete: [0x0015, "1 operation u8[16],2 sender bytes"],
  Invite: [0x0016, "1 recovers u8"],
  RevokeKey: [0x0017, "1 operation u8[16]"],
  Displayed: [0x0018, "1 operation u8[16]"],
  ChangeRules: [0x0019, ""],
  ChangeDelivery: [0x001a, ""],
  ChangeVisibility: [0x001b, ""],
  Grant: [0x001c, ""],
  EndSubscription: [0x001d, "1 operation u8[16]"],
  Administer: [0x001e, "1 recoveryDelay u8[8],2 recoveryShows u8,3 quota bytes,4 quotaMax u8[8],5 recipientsKeep u8"],
  WithdrawInvite: [0x001f, ""],
  Fetch: [0x0020, ""],
  ListSubscriptions: [0x0021, ""],
  ListKeys: [0x0022, ""],
  InboxStatus: [0x0023, ""],
  ListRules: [0x0024, ""],
  ListDelivery: [0x0025, ""],
  ListVisibility: [0x0026, ""],
  ListGrants: [0x0027, ""],
  ListWatchers: [0x0028, ""],
  ListHistory: [0x0029, ""],
  FetchAt: [0x002a, ""],
  Explain: [0x002b, ""],
  ListDomains: [0x002c, ""],
  ListActs: [0x002d, ""],
  ListQuarantine: [0x002e, ""],
  ServerInfo: [0x002f, ""],
  FeedOpen: [0x0030, "1 watchers u8"],
  FeedAck: [0x0031, ""],
  ListInvites: [0x0032, ""],
  RemovePublication: [0x0033, ""],
  ListPublications: [0x0034, ""],
  RefuseRecovery: [0x0035, ""],
  ListRecoveries: [0x0036, ""],
  ListQuotas: [0x0037, ""],
  Erase: [0x0038, ""],
  ListPrincipals: [0x0039, ""],
  Welcome: [0x0101, "1 recovery bytes"],
  Challenge: [0x0102, ""],
  Published: [0x0110, ""],
  Subscribed: [0x0111, ""],
  Unsubscribed: [0x0112, ""],
  Sent: [0x0113, ""],
  Deleted: [0x0115, ""],
  Invited: [0x0116, ""],
  KeyRevoked: [0x0117, ""],
  Changed: [0x0118, ""],
  Erased: [0x0119, ""],
  Presence: [0x0120, "1 leftOut u8[12]"],
  Subscription: [0x0121, ""],
  Key: [0x0122, ""],
  InboxState: [0x0123, ""],
  Version: [0x0124, ""],
  Rule: [0x0125, ""],
  DeliveryState: [0x0126, ""],
  Delivery: [0x0127, ""],
  Visibility: [0x0128, ""],
  Granted: [0x0129, ""],
  Watcher: [0x012a, ""],
  Change: [0x012b, ""],
  Explanation: [0x012c, ""],
  DomainState: [0x012d, "1 recovery u8[9],2 recipientsKeep u8"],
  Act: [0x012e, ""],
  End: [0x012f, ""],
  FeedReady: [0x0130, "1 restored u8"],
  PresenceEvent: [0x0131, "1 leftOut u8[12]"],
  MessageEvent: [0x0132, "1 withheld u8"],
  CaughtUp: [0x0133, ""],
  FeedAcked: [0x0134, ""],
  FeedEnd: [0x0135, ""],
  ReceiptEvent: [0x0136, ""],
  WatcherEvent: [0x0137, ""],
  Quarantined: [0x0140, "1 withheld u8"],
  ServerDescription: [0x0141, "1 noticed bytes,2 clock u8[16]"],
  OpenInvite: [0x0142, ""],
  LivePublication: [0x0143, ""],
  OpenRecovery: [0x0144, ""],
  QuotaState: [0x0145, ""],
  PrincipalState: [0x0146, ""],
  Refused: [0x01ff, ""],
  Goaway: [0x8001, ""],
  ComposingEvent: [0x8002, ""],
};

/** Questions whose answer is any number of rows and then `End`. */
export const HAS_ROWS: Readonly<Record<string, true>> = {
  ListSubscriptions: true,
  ListKeys: true,
  ListRules: true,
  ListDelivery: true,
  ListVisibility: true,
  ListGrants: true,
  ListWatchers: true,
  ListHistory: true,
  ListDomains: true,
  ListActs: true,
  ListQuarantine: true,
  ListInvites: true,
  ListPublications: true,
  ListRecoveries: true,
  ListQuotas: true,
  ListPrincipals: true,
};
