//! One frame or more of every kind, with fixed values: the examples of the document.
//!
//! Must never hold: a value that changes from run to run.

use adsum::model::{InviteId, PublicKey, RefusalCode};
use adsum::protocol::body::{
    Body, CaughtUp, Challenge, ChallengeAnswer, Contact, Delete, Deleted, Document, End, Enroll,
    Ext, FeedAck, FeedAcked, FeedEnd, FeedOpen, FeedReady, Fetch, Goaway, Hello, InboxState,
    InboxStatus, Invite, Invited, Key, KeyRevoked, ListKeys, ListSubscriptions, MessageBody,
    MessageEvent, Note, Presence, PresenceBody, PresenceEvent, Publish, Published, Refused,
    RevokeKey, Send, Sent, Subscribe, Subscribed, Subscription, Tuple, Unsubscribe, Unsubscribed,
    Welcome, Written,
};
use adsum::wire::{CHALLENGE_CONTEXT, EXPORTER_CONTEXT, ResetCode, encode_extended, proof_bytes};
use bytes::Bytes;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::annotate::{Annotator, Line, Types};
use super::document::layout;

/// The seed of bob's device key.
pub(crate) const SEED: [u8; 32] = [0x42; 32];
/// SHA-256 of the server's `SubjectPublicKeyInfo`.
pub(crate) const SERVER_KEY_HASH: [u8; 32] = [0x5e; 32];
/// What the TLS exporter gives.
pub(crate) const EXPORTER: [u8; 32] = [0xe4; 32];
/// What the server draws for a challenge.
pub(crate) const NONCE: [u8; 32] = [0xc4; 32];
/// The token of an invite.
pub(crate) const TOKEN: [u8; 32] = [0x70; 32];
/// 2026-11-22T09:30:00Z.
pub(crate) const TIME_MS: u64 = 1_795_339_800_000;
const HOUR_MS: u64 = 3_600_000;
/// A day.
pub(crate) const DAY_MS: u64 = 24 * HOUR_MS;
const WEEK_MS: u64 = 7 * DAY_MS;
/// Whose examples these are.
pub(crate) const BOB: &str = "bob@example.com";
/// Whom bob watches.
pub(crate) const ALICE: &str = "pres:alice@example.com";
/// His inbox.
pub(crate) const INBOX: &str = "im:bob@example.com";
const TAG: [u8; 16] = [0xa9; 16];
/// An operation of his.
pub(crate) const OPERATION: [u8; 16] = [0x0f; 16];

/// An example frame.
pub(crate) struct Sample {
    pub(crate) title: &'static str,
    pub(crate) kind: u16,
    pub(crate) bytes: Vec<u8>,
    pub(crate) types: Types,
    lines: Vec<Line>,
}

impl Sample {
    /// The block as it stands in the document.
    pub(crate) fn block(&self) -> String {
        format!("```text\n{}```\n", layout(&self.lines))
    }
}

/// The example of `body` under `title`.
pub(crate) fn sample<B: Body>(title: &'static str, body: &B) -> Sample {
    extended(title, body, &body.additions())
}

/// The example of `body` with these additions under `title`.
fn extended<B: Body>(title: &'static str, body: &B, ext: &[Ext]) -> Sample {
    let mut bytes = Vec::new();
    encode_extended(body, ext, &mut bytes);
    let mut annotator = Annotator::default();
    body.serialize(&mut annotator).expect("bodies hold only what the annotator writes");
    annotator.field("ext", &ext).expect("additions are bytes");
    let length = Line {
        bytes: bytes[..4].to_vec(),
        text: format!("length of kind and body: {}", bytes.len() - 4),
    };
    let kind = Line {
        bytes: B::KIND.to_be_bytes().to_vec(),
        text: format!("kind {:#06x}: {}", B::KIND, B::NAME),
    };
    let lines: Vec<Line> = [length, kind].into_iter().chain(annotator.lines).collect();
    let written: Vec<u8> = lines.iter().flat_map(|line| line.bytes.clone()).collect();
    assert_eq!(written, bytes, "the two writers disagree on {title}");
    Sample { title, kind: B::KIND, bytes, types: annotator.types, lines }
}

fn device_key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&SEED).expect("any 32 bytes are a seed")
}

/// The public key of [`SEED`].
pub(crate) fn public_key() -> [u8; 32] {
    device_key().public_key().as_ref().try_into().expect("a key has 32 bytes")
}

/// The device that holds it.
pub(crate) fn device() -> [u8; 8] {
    PublicKey(public_key()).device().0
}

/// The bytes signed over the exporter, or over the challenge.
pub(crate) fn signed_bytes(over_exporter: bool) -> Vec<u8> {
    let (context, fresh) =
        if over_exporter { (EXPORTER_CONTEXT, EXPORTER) } else { (CHALLENGE_CONTEXT, NONCE) };
    proof_bytes(context, &SERVER_KEY_HASH, &fresh, &public_key(), BOB)
}

/// The signature over [`signed_bytes`].
pub(crate) fn signature(over_exporter: bool) -> Bytes {
    Bytes::copy_from_slice(device_key().sign(&signed_bytes(over_exporter)).as_ref())
}

/// A cursor as a client sees it: bytes that mean nothing.
pub(crate) fn cursor(first: u8) -> Bytes {
    (0..12).map(|step| first.wrapping_add(step * 7)).collect::<Vec<u8>>().into()
}

#[expect(clippy::unnecessary_wraps, reason = "what may be erased is optional on the wire")]
fn written(text: &'static str) -> Written {
    Some(Bytes::from_static(text.as_bytes()))
}

/// Every example.
pub(crate) fn samples() -> Vec<Sample> {
    let governance = super::governance::samples();
    [connection(), requests(), answers(), queries(), feeds(), feed_events(), ends(), governance]
        .into_iter()
        .flatten()
        .collect()
}

/// Hello with a signature over the exporter.
pub(crate) fn hello() -> Hello {
    Hello {
        version: 1,
        features: 0,
        principal: BOB.into(),
        key: public_key(),
        proof: 1,
        signature: signature(true),
        enroll: None,
        client: "example/1.0".into(),
    }
}

/// The answer to [`hello`].
pub(crate) fn welcome() -> Welcome {
    Welcome {
        version: 1,
        features: 0,
        principal: BOB.into(),
        device: device(),
        role: 0,
        enrolled: false,
        durability: 1,
        time_ms: TIME_MS,
        server: "adsum/0.1.0".into(),
    }
}

fn connection() -> Vec<Sample> {
    let enroll = Some(Enroll { token: TOKEN.to_vec().into(), label: "phone".into() });
    let asking = Hello { proof: 0, signature: Bytes::new(), enroll, ..hello() };
    let answer = ChallengeAnswer { signature: signature(false) };
    vec![
        sample("Hello", &hello()),
        sample("Hello that asks for a challenge and for enrolment", &asking),
        sample("Challenge", &Challenge { nonce: NONCE }),
        sample("ChallengeAnswer", &answer),
        sample("Welcome", &welcome()),
        sample("Goaway", &Goaway { deadline_ms: 5_000, reconnect_after_ms: 1_250 }),
    ]
}

/// A document of one tuple that uses every field.
fn document() -> Document {
    let note = Note { language: "en".into(), text: written("at my desk") };
    let contact = Contact { uri: written("im:alice@example.com"), priority: Some(800) };
    let tuple = Tuple {
        id: "desk".into(),
        basic: 1,
        status_markup: vec![written("<mood>calm</mood>")],
        contact: Some(contact),
        notes: vec![note],
        timestamp_ms: Some(TIME_MS),
        markup: vec![written("<room>4</room>")],
    };
    let whole = Note { language: String::new(), text: written("until six") };
    Document { tuples: vec![tuple], notes: vec![whole], markup: vec![written("<zone>8</zone>")] }
}

/// The same after the operator erased what was written in its first note.
fn document_with_an_erased_note() -> Document {
    let mut document = document();
    document.notes[0].text = None;
    document
}

/// A document that says only "open".
pub(crate) fn plain_document() -> Document {
    let tuple = Tuple {
        id: "desk".into(),
        basic: 1,
        status_markup: vec![],
        contact: None,
        notes: vec![],
        timestamp_ms: None,
        markup: vec![],
    };
    Document { tuples: vec![tuple], ..Document::default() }
}

fn presence(document: Document) -> PresenceBody {
    PresenceBody { presentity: ALICE.into(), state: 1, reason: 0, document }
}

fn publish() -> Publish {
    Publish {
        request: 1,
        operation: OPERATION,
        presentity: "pres:bob@example.com".into(),
        name: String::new(),
        if_match: None,
        lifetime_ms: None,
        document: Some(plain_document()),
    }
}

/// Bob watches alice.
pub(crate) fn subscribe() -> Subscribe {
    Subscribe {
        request: 1,
        presentity: ALICE.into(),
        mode: 0,
        lifetime_ms: Some(WEEK_MS),
        operation: None,
    }
}

/// Bob writes to alice.
pub(crate) fn send() -> Send {
    Send {
        request: 2,
        inbox: "im:alice@example.com".into(),
        sender: String::new(),
        id: "5d0c7b6c9c0f4c0d".into(),
        content_type: "text/plain; charset=utf-8".into(),
        body: Bytes::from_static(b"lunch?"),
        lifetime_ms: None,
        receipts: None,
    }
}

fn requests() -> Vec<Sample> {
    let modify = Publish {
        request: 2,
        operation: [0x1f; 16],
        name: "phone".into(),
        if_match: Some(TAG),
        lifetime_ms: Some(HOUR_MS),
        document: Some(document()),
        ..publish()
    };
    let remove = Publish {
        request: 3,
        operation: [0x2f; 16],
        if_match: Some(TAG),
        lifetime_ms: Some(0),
        document: None,
        ..publish()
    };
    let unsubscribe = Unsubscribe { request: 5, presentity: ALICE.into() };
    let lasting = Send { lifetime_ms: Some(DAY_MS), ..send() };
    let delete = Delete { request: 6, inbox: INBOX.into(), sequences: vec![7, 9, 300] };
    let invite = Invite {
        request: 7,
        invite: InviteId::of(&TOKEN).0,
        principal: Some("carol@example.com".into()),
        role: 0,
        lifetime_ms: Some(WEEK_MS),
    };
    let revoke = RevokeKey { request: 8, principal: String::new(), device: device() };
    vec![
        sample("Publish", &publish()),
        sample("Publish that changes a publication", &modify),
        sample("Publish that removes a publication", &remove),
        sample("Subscribe", &subscribe()),
        sample("Unsubscribe", &unsubscribe),
        sample("Send", &lasting),
        sample("Delete", &delete),
        sample("Invite", &invite),
        sample("RevokeKey", &revoke),
    ]
}

/// The answer to [`subscribe`].
pub(crate) fn subscribed() -> Subscribed {
    Subscribed { request: 1, state: 1, granted_ms: WEEK_MS }
}

/// The answer to [`send`].
pub(crate) fn sent() -> Sent {
    Sent { request: 2, duplicate: false }
}

fn answers() -> Vec<Sample> {
    let published = Published { request: 1, tag: TAG, granted_ms: HOUR_MS };
    let invited = Invited { request: 7, expires_at_ms: TIME_MS + WEEK_MS };
    vec![
        sample("Published", &published),
        sample("Subscribed", &subscribed()),
        sample("Unsubscribed", &Unsubscribed { request: 5 }),
        sample("Sent", &sent()),
        sample("Deleted", &Deleted { request: 6, count: 2 }),
        sample("Invited", &invited),
        sample("KeyRevoked", &KeyRevoked { request: 8 }),
        sample("Refused", &refused(3, RefusalCode::StaleTag, STALE, None)),
    ]
}

const STALE: &str = "the tag is not current: the publication changed, was removed or ran out; publish anew without a tag";

fn refused(request: u64, code: RefusalCode, message: &str, retry: Option<u64>) -> Refused {
    let code = code.number();
    Refused { request, code, message: message.into(), retry_after_ms: retry }
}

fn queries() -> Vec<Sample> {
    let subscription = Subscription {
        presentity: ALICE.into(),
        state: 1,
        reason: 0,
        mode: 0,
        remaining_ms: WEEK_MS,
    };
    let key = Key {
        device: device(),
        label: "phone".into(),
        enrolled_at_ms: TIME_MS,
        revoked_at_ms: Some(TIME_MS + HOUR_MS),
    };
    let state = InboxState { head: 12, acknowledged: 9, waiting: 3, kept: 12 };
    let busy = refused(0, RefusalCode::Busy, "the server is busy; try again in 1 s", Some(1_000));
    vec![
        sample("Fetch", &Fetch { presentity: ALICE.into() }),
        sample("Presence", &Presence { presence: presence(document_with_an_erased_note()) }),
        sample("ListSubscriptions", &ListSubscriptions {}),
        sample("Subscription", &subscription),
        sample("ListKeys", &ListKeys { principal: String::new() }),
        sample("Key", &key),
        sample("InboxStatus", &InboxStatus { inbox: INBOX.into() }),
        sample("InboxState", &state),
        sample("End", &End {}),
        sample("Refused on QUERY", &busy),
    ]
}

/// Bob's presence feed, for the first time.
pub(crate) fn open_presence() -> FeedOpen {
    FeedOpen {
        kind: 1,
        cursor: Bytes::new(),
        window: 0,
        presentities: vec![],
        inbox: String::new(),
        from_start: false,
        watchers: None,
    }
}

/// Bob's inbox feed, resumed.
pub(crate) fn open_inbox() -> FeedOpen {
    FeedOpen { kind: 2, cursor: cursor(0x31), window: 64, inbox: INBOX.into(), ..open_presence() }
}

/// An acknowledgement of `cursor`.
pub(crate) fn ack(cursor: Bytes) -> FeedAck {
    FeedAck { cursor }
}

fn feeds() -> Vec<Sample> {
    let drain = FeedOpen { presentities: vec![ALICE.into()], ..open_presence() };
    let added = Ext { tag: 40_000, value: Bytes::from_static(&[1, 2, 3]) };
    vec![
        sample("FeedOpen for presence", &drain),
        sample("FeedOpen for an inbox", &open_inbox()),
        sample("FeedAck", &ack(cursor(0x52))),
        extended("FeedAck with an addition of a later version", &ack(cursor(0x52)), &[added]),
    ]
}

/// A feed that is open.
pub(crate) fn ready(outcome: u8, from: Bytes, to: Bytes, pending: u64) -> FeedReady {
    FeedReady { outcome, from, to, pending, complete: true }
}

/// Alice is open, as bob is told.
pub(crate) fn presence_event(number: u64, cursor: Bytes) -> PresenceEvent {
    PresenceEvent { number, cursor, presence: presence(plain_document()) }
}

/// Alice's answer in bob's inbox.
pub(crate) fn message_event(cursor: Bytes) -> MessageEvent {
    let message = MessageBody {
        inbox: INBOX.into(),
        sequence: 10,
        sender: "alice@example.com".into(),
        id: "a1".into(),
        content_type: "text/plain".into(),
        body: written("yes"),
        accepted_at_ms: TIME_MS,
        lifetime_ms: Some(DAY_MS),
    };
    MessageEvent { number: 1, cursor, message }
}

/// The feed is caught up.
pub(crate) fn caught_up(cursor: Bytes) -> CaughtUp {
    CaughtUp { cursor }
}

/// The acknowledgement is durable.
pub(crate) fn acked(cursor: Bytes) -> FeedAcked {
    FeedAcked { cursor }
}

fn feed_events() -> Vec<Sample> {
    let ended = PresenceBody { state: 2, reason: 1, ..presence(Document::default()) };
    vec![
        sample("FeedReady", &ready(1, cursor(0x31), cursor(0x52), 3)),
        sample("PresenceEvent", &presence_event(1, cursor(0x21))),
        sample(
            "PresenceEvent of a subscription that ran out",
            &PresenceEvent { presence: ended, ..presence_event(2, cursor(0x28)) },
        ),
        sample("MessageEvent", &message_event(cursor(0x52))),
        sample("CaughtUp", &caught_up(cursor(0x52))),
        sample("FeedAcked", &acked(cursor(0x52))),
    ]
}

fn ends() -> Vec<Sample> {
    let end = FeedEnd {
        code: ResetCode::GoingAway.number(),
        cursor: cursor(0x52),
        message: "the server is shutting down; connect again in a moment".into(),
    };
    vec![sample("FeedEnd", &end)]
}
