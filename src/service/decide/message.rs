//! Sending, acknowledging, deleting.
//!
//! Must never hold: a way to drop a message that nobody has read.

use super::{Case, Verdict};
use crate::event::{
    Acknowledged, Event, MessageAccepted, MessageCause, MessageDigest, MessageEnded,
};
use crate::model::limits::{
    BODY_BYTES_MAX, DELETE_COUNT_MAX, MESSAGE_LIFETIME_MS_MAX, MESSAGES_WAITING_MAX,
};
use crate::model::{InboxAddress, InboxSequence, Lifetime, Refusal};
use crate::service::{Actor, Reply, Send};
use crate::view::{InboxView, MessageKey};

pub(super) fn send(case: Case<'_>, actor: &Actor, send: Send) -> Result<Verdict, Refusal> {
    case.check_inbox(&send.inbox)?;
    check_body(&send)?;
    let lifetime = lifetime_of(send.lifetime)?;
    let digest = digest_of(&send);
    if let Some(duplicate) = duplicate(case, actor, &send, digest)? {
        return Ok(duplicate);
    }
    let view = case.views.inbox(&send.inbox);
    let mut events = make_room(case, &send.inbox)?;
    events.push(Event::MessageAccepted(MessageAccepted {
        sequence: view.map_or(InboxSequence::ZERO, InboxView::head).next(),
        inbox: send.inbox,
        sender: actor.principal.clone(),
        device: actor.device,
        id: send.id,
        content_type: send.content_type,
        body: send.body,
        lifetime,
        digest,
    }));
    Ok(Verdict { events, reply: Reply::Sent { duplicate: false } })
}

fn check_body(send: &Send) -> Result<(), Refusal> {
    match send.body.len() {
        0 => Err(Refusal::bad_field("body", "is empty; a message has at least one byte")),
        length if length > BODY_BYTES_MAX => Err(Refusal::TooLarge {
            part: "body".into(),
            found: length as u64,
            max: BODY_BYTES_MAX as u64,
        }),
        _ => Ok(()),
    }
}

fn lifetime_of(asked: Option<Lifetime>) -> Result<Option<Lifetime>, Refusal> {
    match asked {
        Some(Lifetime::ZERO) => Err(Refusal::ExpiredMessage),
        // The answer has no place to say that less was granted, so it is not cut.
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
    actor: &Actor,
    send: &Send,
    digest: MessageDigest,
) -> Result<Option<Verdict>, Refusal> {
    let known = case.views.message(&MessageKey::of(&actor.principal, &send.id));
    let Some(row) = known.and_then(|(inbox, sequence)| inbox.row(sequence)) else {
        return Ok(None);
    };
    if row.digest == digest {
        return Ok(Some(Verdict::unchanged(Reply::Sent { duplicate: true })));
    }
    Err(Refusal::DuplicateId { id: send.id.as_str().to_owned() })
}

/// Makes room in a full inbox by ending its oldest message, if that was read.
fn make_room(case: Case<'_>, inbox: &InboxAddress) -> Result<Vec<Event>, Refusal> {
    let max = MESSAGES_WAITING_MAX as u64;
    let Some(view) = case.views.inbox(inbox).filter(|view| view.kept() >= max) else {
        return Ok(Vec::new());
    };
    let sequence = view.oldest_read().ok_or(Refusal::InboxFull { max })?;
    Ok(vec![Event::MessageEnded(MessageEnded {
        inbox: inbox.clone(),
        sequence,
        cause: MessageCause::Retention,
    })])
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

pub(super) fn acknowledge(
    case: Case<'_>,
    actor: &Actor,
    inbox: InboxAddress,
    through: InboxSequence,
) -> Result<Verdict, Refusal> {
    case.check_own_inbox(actor, &inbox)?;
    let view = case.views.inbox(&inbox);
    let head = view.map_or(InboxSequence::ZERO, InboxView::head);
    let current = view.map_or(InboxSequence::ZERO, |view| view.acknowledged(actor.device));
    let through = through.min(head);
    if through <= current {
        return Ok(Verdict::unchanged(Reply::Acknowledged { through: current }));
    }
    let event = Acknowledged { inbox, device: actor.device, through };
    Ok(Verdict::new(Event::Acknowledged(event), Reply::Acknowledged { through }))
}

pub(super) fn delete(
    case: Case<'_>,
    actor: &Actor,
    inbox: &InboxAddress,
    sequences: &[InboxSequence],
) -> Result<Verdict, Refusal> {
    case.check_own_inbox(actor, inbox)?;
    if sequences.len() > DELETE_COUNT_MAX {
        let found = sequences.len() as u64;
        return Err(Refusal::TooLarge {
            part: "list of messages".into(),
            found,
            max: DELETE_COUNT_MAX as u64,
        });
    }
    let kept = |sequence: &InboxSequence| {
        let row = case.views.inbox(inbox).and_then(|view| view.row(*sequence));
        row.is_some_and(|row| row.kept)
    };
    let mut sequences = sequences.to_vec();
    sequences.sort_unstable();
    sequences.dedup();
    sequences.retain(kept);
    let count = u32::try_from(sequences.len()).expect("a limit keeps the list short");
    let deleted = MessageCause::Deleted { by: actor.device };
    let end = |sequence| {
        Event::MessageEnded(MessageEnded { inbox: inbox.clone(), sequence, cause: deleted })
    };
    Ok(Verdict {
        events: sequences.into_iter().map(end).collect(),
        reply: Reply::Deleted { count },
    })
}
