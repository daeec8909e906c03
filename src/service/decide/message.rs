//! Sending, acknowledging, displaying, deleting.
//!
//! Must never hold: a way to drop a message that nobody has read and whose sender thinks it arrived.

use super::receipt::Receipts;
use crate::event::{
    Acknowledged, Event, MessageAccepted, MessageCause, MessageDigest, MessageDisplayed,
    MessageEnded, MessageQuarantined, ReceiptsAsked,
};
use crate::model::limits::{
    BODY_BYTES_MAX, COMPOSING_BYTES_MAX, DELETE_COUNT_MAX, MESSAGE_LIFETIME_MS_MAX,
    MESSAGES_WAITING_MAX, QUARANTINED_MAX, QUARANTINED_OF_SENDER_MAX,
};
use crate::model::{
    Basic, Delivery, DeliveryRules, DeviceId, Handling, InboxAddress, InboxSequence, Lifetime,
    Payload, Principal, Quota, ReceiptKind, Refusal, Rights, RuleName, WatcherKind, WhenClosed,
    is_recovery_type,
};
use crate::protocol::{Answer, Delete, Send};
use crate::service::budget::Allowance;
use crate::service::case::{Case, Verdict, controls};
use crate::service::{Actor, Reply};
use crate::view::{InboxView, MessageKey, ReceiptRequest, SenderKey};

pub(super) fn send(case: Case<'_>, actor: &Actor, send: Send) -> Result<Verdict, Refusal> {
    let sender = sender_of(case, actor, &send)?;
    case.check_messaging_on(send.inbox.domain())?;
    check_body(&send, BODY_BYTES_MAX)?;
    let lifetime = lifetime_of(send.lifetime)?;
    let digest = digest_of(&send);
    if let Some(duplicate) = duplicate(case, &sender, &send, digest)? {
        return Ok(duplicate);
    }
    let (allowance, key) = (case.allowance(&sender), SenderKey::of(&sender));
    allowance.check_writes()?;
    allowance.check_sends(key)?;
    let way = way_of(case, &[&sender, &actor.principal], &send)?;
    if matches!(way, Way::Inbox) {
        check_share(&allowance, case.views.inbox(&send.inbox), key)?;
    }
    let from = From { sender, device: actor.device };
    store(case, from, send, (lifetime, digest), way)
}

/// Judges a composing indication as a message of the same sender; says whose it is if it goes to the inbox.
pub(super) fn composing(
    case: Case<'_>,
    actor: &Actor,
    send: &Send,
) -> Result<Option<Principal>, Refusal> {
    let sender = sender_of(case, actor, send)?;
    case.check_messaging_on(send.inbox.domain())?;
    check_body(send, COMPOSING_BYTES_MAX)?;
    lifetime_of(send.lifetime)?;
    let way = way_of(case, &[&sender, &actor.principal], send)?;
    Ok(matches!(way, Way::Inbox).then_some(sender))
}

/// Where the inbox's rules put what is sent.
enum Way {
    /// Into the inbox.
    Inbox,
    /// Aside, by this rule.
    Aside(RuleName),
    /// Nowhere, by this rule, and its sender does not notice.
    Nowhere(RuleName),
}

/// Where what is sent goes, judged by whom it is from and by who sends it: whoever is kept out is kept out also as the member of
/// a group. Who sends without a name is answered as if nobody were there, unless it is let in.
fn way_of(case: Case<'_>, senders: &[&Principal], send: &Send) -> Result<Way, Refusal> {
    let is_anonymous = senders.iter().any(|sender| sender.is_anonymous());
    let refused = |reason| Refusal::DeliveryRefused { address: send.inbox.to_string(), reason };
    case.check_inbox(&send.inbox)
        .map_err(|refusal| if is_anonymous { refused(String::new()) } else { refusal })?;
    let none = DeliveryRules::default();
    let rules = case.views.rules(&send.inbox.principal()).map_or(&none, |view| &view.delivery);
    let (delivery, rule) = rules.decide(senders, &send.content_type, send.body.len());
    let rule = || rule.cloned().expect("only a rule puts aside or discards");
    match delivery {
        Delivery::Refuse { .. } if is_anonymous => Err(refused(String::new())),
        Delivery::Refuse { reason } => Err(refused(reason)),
        Delivery::Discard => Ok(Way::Nowhere(rule())),
        Delivery::Quarantine => Ok(Way::Aside(rule())),
        Delivery::Accept => {
            // Whether the inbox is closed is told only to those whom the rules let in.
            check_open(case, senders, &send.inbox, rules)?;
            Ok(Way::Inbox)
        }
    }
}

/// Whom a message is from: the actor, or a principal that made the actor a member.
fn sender_of(case: Case<'_>, actor: &Actor, send: &Send) -> Result<Principal, Refusal> {
    match &send.sender {
        None => Ok(actor.principal.clone()),
        Some(sender) if controls(case.views, sender, &actor.principal) => Ok(sender.clone()),
        Some(sender) => Err(Refusal::NotYourSender { given: sender.to_string() }),
    }
}

/// Whether the owner's presence lets messages in: it does unless every live tuple that names the inbox is closed. All
/// that is published counts, whatever the sender is shown of it. Whoever is blocked, politely or not, is let in, because a
/// refusal would tell it what is published.
fn check_open(
    case: Case<'_>,
    senders: &[&Principal],
    inbox: &InboxAddress,
    rules: &DeliveryRules,
) -> Result<(), Refusal> {
    let presentity = inbox.principal().presentity();
    let publications =
        case.views.presentity(&presentity).into_iter().flat_map(|view| view.publications.values());
    let tuples = publications.flat_map(|publication| publication.document.tuples());
    let naming = tuples.filter(|tuple| {
        let uri = tuple.contact.as_ref().and_then(|contact| contact.uri.bytes());
        let text = uri.and_then(|uri| core::str::from_utf8(uri).ok());
        text.and_then(|text| text.parse::<InboxAddress>().ok()).as_ref() == Some(inbox)
    });
    let statuses: Vec<Option<Basic>> = naming.map(|tuple| tuple.basic).collect();
    let is_closed = statuses.contains(&Some(Basic::Closed));
    if !is_closed || statuses.contains(&Some(Basic::Open)) {
        return Ok(());
    }
    let is_blocked = |sender: &&Principal| {
        [WatcherKind::Fetcher, WatcherKind::Subscriber].into_iter().any(|kind| {
            let handling = case.access(&presentity, sender, kind).handling;
            matches!(handling, Handling::Block | Handling::PoliteBlock)
        })
    };
    if rules.when_closed == WhenClosed::Store || senders.iter().any(is_blocked) {
        return Ok(());
    }
    Err(Refusal::InboxClosed { address: inbox.to_string() })
}

/// Sender and device of a message.
struct From {
    sender: Principal,
    device: DeviceId,
}

fn store(
    case: Case<'_>,
    from: From,
    send: Send,
    (lifetime, digest): (Option<Lifetime>, MessageDigest),
    way: Way,
) -> Result<Verdict, Refusal> {
    let inbox = send.inbox.clone();
    let view = case.views.inbox(&inbox);
    let sequence = view.map_or(InboxSequence::ZERO, InboxView::head).next();
    let mut events = match way {
        Way::Inbox => make_room(&inbox, view)?,
        Way::Aside(_) => drop_quarantined(case, &inbox, &from.sender),
        Way::Nowhere(_) => Vec::new(),
    };
    let request = ReceiptRequest {
        sender: from.sender.clone(),
        id: send.id.clone(),
        receipts: send.receipts,
        is_displayed: false,
    };
    let message = MessageAccepted {
        sequence,
        inbox: send.inbox,
        sender: from.sender,
        device: from.device,
        id: send.id,
        content_type: send.content_type,
        body: send.body,
        lifetime,
        digest,
    };
    match way {
        Way::Inbox => events.push(Event::MessageAccepted(message)),
        Way::Aside(rule) => {
            events.push(Event::MessageQuarantined(MessageQuarantined { message, rule }));
        }
        Way::Nowhere(rule) => {
            // What it was called and said in 16 bytes stays, so that a repeat is answered as that of a message that was taken.
            let message = MessageAccepted { body: Payload::Erased, lifetime: None, ..message };
            events.push(Event::MessageQuarantined(MessageQuarantined { message, rule }));
            events.push(ended(&inbox, sequence, MessageCause::Retention));
        }
    }
    events.extend(receipts_asked(case, &inbox, sequence, &request));
    Ok(Verdict::of(events, Reply::Done(Answer::Sent { duplicate: false })))
}

/// What is recorded of the receipts that the sender asks for; nothing, if it has no inbox to get them in.
fn receipts_asked(
    case: Case<'_>,
    inbox: &InboxAddress,
    sequence: InboxSequence,
    request: &ReceiptRequest,
) -> Vec<Event> {
    if request.receipts.is_none() || request.sender.is_anonymous() {
        return Vec::new();
    }
    let mut receipts = Receipts::new(case);
    receipts.added(inbox);
    receipts.events.push(Event::ReceiptsAsked(ReceiptsAsked {
        inbox: inbox.clone(),
        sequence,
        sender: request.sender.clone(),
        id: request.id.clone(),
        receipts: request.receipts,
    }));
    receipts.tell(request, inbox, ReceiptKind::Stored, "");
    receipts.events
}

fn check_body(send: &Send, max: usize) -> Result<(), Refusal> {
    if is_recovery_type(send.content_type.as_str()) {
        let rule = "is the one by which the server tells of recoveries; take another";
        return Err(Refusal::bad_field("content type", rule));
    }
    match send.body.len() {
        0 => Err(Refusal::bad_field("body", "is empty; send at least one byte")),
        length => Refusal::check_max("body", length, max),
    }
}

fn lifetime_of(asked: Option<Lifetime>) -> Result<Option<Lifetime>, Refusal> {
    match asked {
        Some(Lifetime::ZERO) => Err(Refusal::ExpiredMessage),
        // The answer cannot say that less was granted, so too much is refused and not cut.
        Some(asked) if asked.as_ms() > MESSAGE_LIFETIME_MS_MAX => Err(Refusal::TooLarge {
            part: "time to live in ms".into(),
            found: asked.as_ms(),
            max: MESSAGE_LIFETIME_MS_MAX,
        }),
        asked => Ok(asked),
    }
}

/// The first answer again, if this message was accepted before; an error if another one was under its id.
fn duplicate(
    case: Case<'_>,
    sender: &Principal,
    send: &Send,
    digest: MessageDigest,
) -> Result<Option<Verdict>, Refusal> {
    let key = case.message.unwrap_or_else(|| MessageKey::of(sender, &send.id));
    let Some(known) = case.views.message(&key, case.now) else { return Ok(None) };
    if known == digest {
        return Ok(Some(Verdict::unchanged(Reply::Done(Answer::Sent { duplicate: true }))));
    }
    Err(Refusal::DuplicateId { id: send.id.as_str().to_owned() })
}

/// Refuses more of one sender, who is called `key`, than its part of what may wait. What is read does not count: an owner who
/// reads keeps all.
fn check_share(
    sender: &Allowance<'_>,
    inbox: Option<&InboxView>,
    key: SenderKey,
) -> Result<(), Refusal> {
    let max = sender.max(Quota::Waiting);
    // What waits of it everywhere is counted already: only whoever sends much has to be counted here.
    if sender.case.views.waiting_of(key) < max || inbox.map_or(0, InboxView::unread) < max {
        return Ok(());
    }
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let waiting = inbox.into_iter().flat_map(|view| view.unread_of(key)).take(max).count();
    sender.check_held(Quota::Waiting, waiting as u64, || None)
}

/// Makes room in a full inbox by ending its oldest message, if that was read.
fn make_room(inbox: &InboxAddress, view: Option<&InboxView>) -> Result<Vec<Event>, Refusal> {
    let max = MESSAGES_WAITING_MAX as u64;
    let Some(view) = view.filter(|view| view.filling() >= max) else {
        return Ok(Vec::new());
    };
    let sequence = view.oldest_read().ok_or(Refusal::InboxFull { max })?;
    Ok(vec![ended(inbox, sequence, MessageCause::Retention)])
}

/// Makes room among the quarantined messages by ending the oldest of them, or the oldest of `sender` if it has its part of
/// the room. They are counted apart from the others, so that neither crowds out the other.
fn drop_quarantined(case: Case<'_>, inbox: &InboxAddress, sender: &Principal) -> Vec<Event> {
    let is_full = |view: &&InboxView| view.quarantined() >= QUARANTINED_MAX as u64;
    let Some(view) = case.views.inbox(inbox).filter(is_full) else { return Vec::new() };
    let of_sender = || view.quarantined_of(SenderKey::of(sender));
    let own = of_sender().nth(QUARANTINED_OF_SENDER_MAX - 1).and_then(|_| of_sender().next());
    let oldest = || view.quarantined_after(InboxSequence::ZERO).next();
    let oldest = own.or_else(|| oldest().map(|(sequence, _)| sequence));
    oldest.map(|sequence| ended(inbox, sequence, MessageCause::Retention)).into_iter().collect()
}

fn ended(inbox: &InboxAddress, sequence: InboxSequence, cause: MessageCause) -> Event {
    Event::MessageEnded(MessageEnded { inbox: inbox.clone(), sequence, cause })
}

fn digest_of(send: &Send) -> MessageDigest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(send.inbox.account().as_bytes()).update(&[0]);
    hasher.update(send.content_type.as_str().as_bytes()).update(&[0]);
    hasher.update(&send.lifetime.map_or(u64::MAX, Lifetime::as_ms).to_be_bytes());
    hasher.update(send.body.bytes().map_or(&[], |body| body.as_ref()));
    MessageDigest(
        hasher.finalize().as_bytes()[..16].try_into().expect("a digest is longer than 16 bytes"),
    )
}

/// A device takes messages for good. The acknowledgement of somebody who may only read another's inbox is not recorded,
/// so it takes nothing away from the owner.
pub(super) fn acknowledge(
    case: Case<'_>,
    actor: &Actor,
    inbox: InboxAddress,
    through: InboxSequence,
) -> Result<Verdict, Refusal> {
    case.check_inbox_right(actor, &inbox, Rights::READ)?;
    let view = case.views.inbox(&inbox);
    let head = view.map_or(InboxSequence::ZERO, InboxView::head);
    let current = view.map_or(InboxSequence::ZERO, |view| view.acknowledged(actor.device));
    let through = through.min(head);
    if !controls(case.views, &inbox.principal(), &actor.principal) || through <= current {
        return Ok(Verdict::unchanged(Reply::Acknowledged { through: current }));
    }
    let receipts = delivered(case, actor, &inbox, through);
    let event = Acknowledged { inbox, device: actor.device, through };
    let mut events = vec![Event::Acknowledged(event)];
    events.extend(receipts);
    Ok(Verdict::of(events, Reply::Acknowledged { through }))
}

/// The receipts for messages that a device takes as the first, and is shown.
fn delivered(
    case: Case<'_>,
    actor: &Actor,
    inbox: &InboxAddress,
    through: InboxSequence,
) -> Vec<Event> {
    let mut receipts = Receipts::new(case);
    if let Some(view) = case.views.inbox(inbox).filter(|_| receipts.are_allowed(inbox)) {
        for (sequence, request) in view.receipt_requests_between(view.read_through(), through) {
            if view.row(sequence).is_some_and(|row| !case.is_withheld(actor, row)) {
                receipts.tell(request, inbox, ReceiptKind::Delivered, "");
            }
        }
    }
    receipts.events
}

pub(super) fn displayed(
    case: Case<'_>,
    actor: &Actor,
    inbox: InboxAddress,
    sequence: InboxSequence,
) -> Result<Verdict, Refusal> {
    case.check_inbox_right(actor, &inbox, Rights::MEMBER)?;
    let view = case.views.inbox(&inbox);
    let row = view.and_then(|view| view.row(sequence)).filter(|row| row.kept);
    let Some(row) = row else {
        let address = inbox.to_string();
        return Err(Refusal::NoMessage { address, sequence: sequence.get() });
    };
    let reply = Reply::Done(Answer::Changed { version: 0 });
    if case.is_withheld(actor, row) {
        return Ok(Verdict::unchanged(reply));
    }
    let request = view
        .and_then(|view| view.receipt_request(sequence))
        .filter(|request| !request.is_displayed);
    let wanted = request.filter(|request| request.receipts.has(ReceiptKind::Displayed));
    let mut receipts = Receipts::new(case);
    let Some(request) = wanted.filter(|_| receipts.are_allowed(&inbox)) else {
        return Ok(Verdict::unchanged(reply));
    };
    receipts.tell(request, &inbox, ReceiptKind::Displayed, "");
    let event = MessageDisplayed { inbox, sequence, by: actor.device };
    let mut events = vec![Event::MessageDisplayed(event)];
    events.extend(receipts.events);
    Ok(Verdict::of(events, reply))
}

pub(super) fn delete(case: Case<'_>, actor: &Actor, delete: &Delete) -> Result<Verdict, Refusal> {
    let inbox = &delete.inbox;
    case.check_inbox_right(actor, inbox, Rights::DELETE)?;
    let sequences = match &delete.sender {
        Some(sender) => kept_of(case, inbox, sender),
        None => kept(case, delete)?,
    };
    let count = u32::try_from(sequences.len()).expect("a limit keeps the list short");
    let end = Removal {
        cause: MessageCause::Deleted { by: actor.device },
        receipt: ReceiptKind::Failed,
        reason: "deleted unread",
    };
    let events = removed(case, inbox, sequences, &end);
    Ok(Verdict::of(events, Reply::Done(Answer::Deleted { count })))
}

/// Those of the messages named that are there.
fn kept(case: Case<'_>, delete: &Delete) -> Result<Vec<InboxSequence>, Refusal> {
    Refusal::check_max("list of messages", delete.sequences.len(), DELETE_COUNT_MAX)?;
    let kept = |sequence: &InboxSequence| {
        case.views.inbox(&delete.inbox).is_some_and(|view| view.is_kept(*sequence))
    };
    let mut sequences = delete.sequences.clone();
    sequences.sort_unstable();
    sequences.dedup();
    sequences.retain(kept);
    Ok(sequences)
}

/// What is there of `sender`, as much as one request deletes.
fn kept_of(case: Case<'_>, inbox: &InboxAddress, sender: &Principal) -> Vec<InboxSequence> {
    let view = case.views.inbox(inbox).into_iter();
    view.flat_map(|view| view.kept_of(SenderKey::of(sender))).take(DELETE_COUNT_MAX).collect()
}

/// How messages end, and what their senders learn of those that nobody took.
pub(super) struct Removal<'a> {
    pub(super) cause: MessageCause,
    pub(super) receipt: ReceiptKind,
    pub(super) reason: &'a str,
}

/// Ends messages, and tells the senders of those that nobody took.
pub(super) fn removed(
    case: Case<'_>,
    inbox: &InboxAddress,
    sequences: impl IntoIterator<Item = InboxSequence>,
    end: &Removal<'_>,
) -> Vec<Event> {
    let view = case.views.inbox(inbox);
    let mut receipts = Receipts::new(case);
    let mut events = Vec::new();
    for sequence in sequences {
        events.push(ended(inbox, sequence, end.cause));
        let unread = view.filter(|view| sequence > view.read_through());
        let request = unread.and_then(|view| view.receipt_request(sequence));
        if let Some(request) = request.filter(|request| !request.is_displayed) {
            receipts.tell(request, inbox, end.receipt, end.reason);
        }
    }
    events.extend(receipts.events);
    events
}
