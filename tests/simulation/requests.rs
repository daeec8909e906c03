//! What governors want: one request of each kind, about each other.
//!
//! Must never hold: whether it will be granted.

use adsum::client::Command;
use adsum::model::{Basic, Document, Note, OperationId, Payload, Tuple, TupleId};
use adsum::protocol::{Field as _, Framed, body};
use bytes::Bytes;

use super::plan::{ADMINISTRATOR, OWNER, SPARE, WATCHER, Who, choose, spare_device};
use super::world::Scene;

/// What a request is about, for the oracle.
#[derive(Clone, Debug)]
pub(crate) struct Intent {
    pub(crate) kind: &'static str,
    /// The name of the operation, if requests of this kind have one.
    pub(crate) operation: Option<OperationId>,
}

/// A domain that comes and goes.
const DOMAIN: &str = "x.example";

/// The typed value of a body that is valid.
pub(crate) fn valid<T: Framed>(body: T::Body) -> T {
    T::from_body(body).expect("devices say what is valid")
}

fn presentity(principal: &str) -> String {
    format!("pres:{principal}")
}

fn inbox(principal: &str) -> String {
    format!("im:{principal}")
}

/// The invite that `principal` makes with its request of this number, should that be one for an invite.
fn invite(principal: &str, written: u64) -> [u8; 32] {
    *blake3::hash(format!("{principal} {written}").as_bytes()).as_bytes()
}

/// One request of `who`.
pub(crate) fn choose_one(who: &Who, written: u64, scene: &mut Scene) -> (Command, Intent) {
    let operation: [u8; 16] = scene.rng.unique();
    let named = Some(OperationId(operation));
    let name = Some(Bytes::copy_from_slice(&operation));
    let principal = who.actor.principal.to_string();
    let other = if principal == OWNER { WATCHER } else { OWNER };
    // Invites and messages live by lifetimes, so there are more of them, and of the rules without which there is no receipt; more is
    // published, so that there is a past to ask for.
    let kind = *choose(
        &mut scene.rng,
        &[0, 0, 0, 1, 2, 3, 3, 3, 4, 5, 5, 5, 6, 7, 8, 9, 9, 9, 10, 11, 12, 13, 14, 15],
    );
    let intent = |kind, operation| Intent { kind, operation };
    match kind {
        0 => {
            let publish = publish(&principal, written, operation, scene);
            (Command::Publish(valid(publish)), intent("publish", named))
        }
        1 => {
            let subscribe = body::Subscribe {
                request: 0,
                presentity: presentity(other),
                mode: scene.rng.u8(..2),
                lifetime_ms: Some(*choose(&mut scene.rng, &[1_500, 60_000])),
                operation: name,
            };
            (Command::Subscribe(valid(subscribe)), intent("subscribe", named))
        }
        2 => {
            let presentity = presentity(other);
            let body = body::Unsubscribe { operation: name, request: 0, presentity };
            (Command::Unsubscribe(valid(body)), intent("unsubscribe", None))
        }
        3 => {
            let lifetime_ms =
                *choose(&mut scene.rng, &[None, Some(2_000), Some(10_000), Some(60_000)]);
            let id = format!("{}-{written}", who.name);
            let send = body::Send { lifetime_ms, ..send(id, other) };
            (Command::Send(valid(send)), intent("send", None))
        }
        4 => {
            let sequences = vec![scene.rng.u64(1..10)];
            let body = body::Delete {
                operation: name,
                sender: None,
                request: 0,
                inbox: inbox(&principal),
                sequences,
            };
            (Command::Delete(valid(body)), intent("delete", None))
        }
        5 => (invitation(&principal, written, scene), intent("invite", None)),
        6 => {
            let device = spare_device().0;
            let body = body::RevokeKey {
                operation: name,
                request: 0,
                principal: SPARE.to_owned(),
                device,
            };
            (Command::RevokeKey(valid(body)), intent("revoke-key", None))
        }
        7 => {
            let (inbox, sequence) = (inbox(&principal), scene.rng.u64(1..10));
            let body = body::Displayed { operation: name, request: 0, inbox, sequence };
            (Command::Displayed(valid(body)), intent("displayed", None))
        }
        8 => (rules(&principal, operation, scene), intent("change-rules", named)),
        9 => (delivery(&principal, operation, scene), intent("change-delivery", named)),
        10 => {
            let rule = body::VisibilityRule { who: other.to_owned(), is_shown: scene.rng.bool() };
            let (put, remove) = (vec![rule], Vec::new());
            let body = body::ChangeVisibility { request: 0, operation, put, remove };
            (Command::ChangeVisibility(valid(body)), intent("change-visibility", named))
        }
        11 => {
            let grant = body::Grant {
                request: 0,
                operation,
                owner: String::new(),
                grantee: other.to_owned(),
                rights: *choose(&mut scene.rng, &[0, 1, 2, 8, 31]),
            };
            (Command::Grant(valid(grant)), intent("grant", named))
        }
        12 => {
            let (watcher, presentity) = (other.to_owned(), presentity(&principal));
            let body = body::EndSubscription { operation: name, request: 0, watcher, presentity };
            (Command::EndSubscription(valid(body)), intent("end-subscription", None))
        }
        13 => {
            let invite = invite(&principal, written.saturating_sub(scene.rng.u64(1..5)));
            let body = body::WithdrawInvite { request: 0, operation, invite };
            (Command::WithdrawInvite(valid(body)), intent("withdraw-invite", None))
        }
        14 => (removal(who, written, operation, scene), intent("remove-publication", None)),
        _ => (administer(operation, scene), intent("administer", None)),
    }
}

fn invitation(principal: &str, written: u64, scene: &mut Scene) -> Command {
    let invite = body::Invite {
        request: 0,
        invite: invite(principal, written),
        principal: None,
        role: 0,
        lifetime_ms: Some(*choose(&mut scene.rng, &[1_500, 10_000, 60_000])),
        recovers: None,
    };
    Command::Invite(valid(invite))
}

/// Removes what the device may have published a few requests ago.
fn removal(who: &Who, written: u64, operation: [u8; 16], scene: &mut Scene) -> Command {
    let (presentity, device) = (presentity(&who.actor.principal.to_string()), who.actor.device.0);
    let name = format!("n{}", written.saturating_sub(scene.rng.u64(1..5)));
    let body = body::RemovePublication { request: 0, operation, presentity, device, name };
    Command::RemovePublication(valid(body))
}

fn publish(principal: &str, written: u64, operation: [u8; 16], scene: &mut Scene) -> body::Publish {
    let text = Payload::text(&format!("{principal} {written}"));
    let notes = vec![Note { language: String::new(), text }];
    let tuple = Tuple::plain(TupleId::new("main").expect("a good id"), Basic::Open);
    let document = Document::new(vec![Tuple { notes, ..tuple }], Vec::new(), Vec::new());
    body::Publish {
        request: 0,
        operation,
        presentity: presentity(principal),
        name: format!("n{written}"),
        if_match: None,
        lifetime_ms: Some(*choose(&mut scene.rng, &[2_000, 60_000])),
        document: document.ok().to_wire(),
    }
}

/// A message whose sender wants every receipt.
fn send(id: String, to: &str) -> body::Send {
    body::Send {
        request: 0,
        inbox: inbox(to),
        sender: String::new(),
        id,
        content_type: "text/plain".to_owned(),
        body: Bytes::from_static(b"by decree"),
        lifetime_ms: None,
        receipts: Some(Bytes::from_static(&[31])),
    }
}

/// The owner's rules about its watcher, or about everyone; the administrator's for a domain.
fn rules(principal: &str, operation: [u8; 16], scene: &mut Scene) -> Command {
    let who = *choose(&mut scene.rng, &[WATCHER, "everyone"]);
    let handling = scene.rng.u8(1..=4);
    let rule = body::AccessRule {
        name: who.to_owned(),
        who: who.to_owned(),
        fetch: handling,
        subscribe: handling,
        shown: body::Shown { tuples: None, notes: true, contact: true, markup: true },
        from_ms: None,
        until_ms: None,
    };
    let is_removed = scene.rng.u8(..5) == 0;
    let owner =
        if principal == ADMINISTRATOR { format!("@{DOMAIN}") } else { presentity(principal) };
    let if_version = (scene.rng.u8(..6) == 0).then(|| scene.rng.u64(..4));
    let (put, remove) =
        if is_removed { (Vec::new(), vec![who.to_owned()]) } else { (vec![rule], Vec::new()) };
    Command::ChangeRules(valid(body::ChangeRules {
        request: 0,
        operation,
        owner,
        if_version,
        put,
        remove,
    }))
}

fn delivery(principal: &str, operation: [u8; 16], scene: &mut Scene) -> Command {
    let rule = body::DeliveryRule {
        name: "one".to_owned(),
        who: "authenticated".to_owned(),
        content_type: String::new(),
        larger_than: None,
        // Refuse, quarantine or accept: only anonymous senders' messages can be discarded.
        action: *choose(&mut scene.rng, &[1, 3, 4]),
        reason: String::new(),
    };
    Command::ChangeDelivery(valid(body::ChangeDelivery {
        request: 0,
        operation,
        inbox: inbox(principal),
        if_version: None,
        put: vec![rule],
        remove: Vec::new(),
        when_closed: scene.rng.u8(..3),
        // They are off until somebody turns them on, and without them nobody learns anything of a message.
        receipts: [0, 2, 2, 2, 2, 2][usize::from(scene.rng.u8(..6))],
    }))
}

/// Acts on a domain that nobody else is in, and on the watcher.
fn administer(operation: [u8; 16], scene: &mut Scene) -> Command {
    let act = scene.rng.u8(1..=6);
    let subject = if act < 4 { DOMAIN } else { WATCHER };
    // Only a domain and a principal are switched; the numbers are drawn in any case, so that a world stays what it was.
    let (presence, messaging) = (scene.rng.u8(..3), scene.rng.u8(..3));
    let switches = u8::from(matches!(act, 3 | 4));
    Command::Administer(valid(body::Administer {
        request: 0,
        operation,
        act,
        subject: subject.to_owned(),
        presence: presence * switches,
        messaging: messaging * switches,
        recovery_delay: None,
        recovery_shows: None,
        quota: None,
        quota_max: None,
        recipients_keep: None,
    }))
}
