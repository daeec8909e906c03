//! Scenes of administrators, and of devices, invites and grants.
//!
//! Must never hold: a bound, or a claim about what it costs.

use super::*;

fn invite(number: u64) -> Invite {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    let principal = Some(p(&format!("new{number}")));
    Invite { invite: InviteId(id), principal, role: Role::User, lifetime: None, recovers: false }
}

pub(super) fn invited() -> Scene {
    let (stage, actor) = administered();
    as_administrator(stage, actor, invite(0), 0)
}

/// Alice, an administrator, with the device that made her one.
pub(super) fn administered() -> (Stage, Actor) {
    let mut stage = Stage::with(&["bob", "carol"]);
    let actor = stage.0.administrator(&name("alice"));
    (stage, actor)
}

pub(super) fn as_administrator(
    stage: Stage,
    actor: Actor,
    request: impl Into<Command>,
    of: u64,
) -> Scene {
    let mut scene = stage.command("alice", request, of);
    if let Some(Input::Command { actor: asking, .. }) = &mut scene.input {
        *asking = actor;
    }
    scene
}

fn recovery(number: u64) -> Invite {
    Invite { principal: Some(p("bob")), recovers: true, ..invite(number) }
}

/// The name has been told of as many recoveries as its inbox keeps.
pub(super) fn recovered() -> Scene {
    let (mut stage, actor) = administered();
    for number in 1..=ANNOUNCEMENTS_MAX as u64 {
        stage.0.ask(&actor, recovery(number).into()).unwrap();
        let (operation, invite) = (OperationId::default(), recovery(number).invite);
        stage.0.ask(&actor, WithdrawInvite { operation, invite }.into()).unwrap();
    }
    as_administrator(stage, actor, recovery(0), 0)
}

pub(super) fn recovery_refused() -> Scene {
    let (mut stage, actor) = administered();
    stage.0.ask(&actor, recovery(0).into()).unwrap();
    let request = RefuseRecovery { operation: op(1), invite: recovery(0).invite };
    stage.command("bob", request, 0)
}

pub(super) fn invite_withdrawn() -> Scene {
    let (mut stage, actor) = administered();
    stage.0.ask(&actor, invite(0).into()).unwrap();
    let request = WithdrawInvite { operation: op(1), invite: invite(0).invite };
    as_administrator(stage, actor, request, 0)
}

/// A device with publications, grants and invites: all end with it.
pub(super) fn key_revoked() -> Scene {
    let (mut stage, actor) = administered();
    for (number, name) in (0..).zip(many()) {
        stage.enroll(&name);
        let (owner, rights, grantee) = (Some(p("alice")), Rights::MEMBER, p(&name));
        let grant = Grant { owner, grantee, rights, operation: op(10 + number) };
        stage.0.ask(&actor, grant.into()).unwrap();
        stage.0.ask(&actor, publish(&name, noted(1)).into()).unwrap();
        stage.0.ask(&actor, invite(number).into()).unwrap();
    }
    let (principal, device) = (Some(p("alice")), actor.device);
    as_administrator(stage, actor, RevokeKey { operation: op(1), principal, device }, 3 * MANY)
}

pub(super) fn subscription_ended() -> Scene {
    let (mut stage, actor) = administered();
    stage.ask("bob", subscribe("carol"));
    let (watcher, presentity) = (p("bob"), pres("carol"));
    let request = EndSubscription { operation: op(1), watcher, presentity };
    as_administrator(stage, actor, request, 0)
}

pub(super) fn granted() -> Scene {
    let mut stage = Stage::asking(&["alice", "bob"], Handling::Confirm);
    stage.ask("bob", subscribe("alice"));
    let (owner, grantee, rights) = (Some(p("alice")), p("bob"), Rights::MEMBER);
    stage.command("alice", Grant { owner, grantee, rights, operation: op(1) }, 0)
}

pub(super) fn suspended() -> Scene {
    let (mut stage, actor) = administered();
    for (number, of) in (0..).zip(many()) {
        stage.enroll(&of);
        let rights = Rights::MEMBER;
        let grant = Grant { owner: None, grantee: p(&of), rights, operation: op(10 + number) };
        stage.ask("bob", grant);
        let publish = Publish { presentity: pres("bob"), ..publish(&of, noted(1)) };
        stage.ask("bob", publish);
    }
    let act = Administration::Suspend(p("bob"));
    as_administrator(stage, actor, Administer { operation: op(1), act }, 2 * MANY)
}

/// What waits in an inbox that is no more is gone with it, and its senders are told.
pub(super) fn services_off() -> Scene {
    let (mut stage, actor) = administered();
    stage.enroll("dave");
    stage.enroll("eve");
    let on = DeliveryChange { receipts: Some(true), ..DeliveryChange::default() };
    let change = ChangeDelivery { inbox: im("dave"), ..delivery(on) };
    stage.ask("dave", change);
    for (number, watcher) in (0..).zip(many()) {
        stage.enroll(&watcher);
        stage.ask(&watcher, subscribe("dave"));
        stage.ask("eve", Send { inbox: im("dave"), ..message(number, 1) });
    }
    let (principal, off) = (p("dave"), Some(false));
    let act = Administration::SwitchServices { principal, presence: off, messaging: off };
    as_administrator(stage, actor, Administer { operation: op(1), act }, 2 * MANY)
}

pub(super) fn quota_set() -> Scene {
    let (stage, actor) = administered();
    let owner = QuotaOwner::Principal(p("bob"));
    let act = Administration::SetQuota { owner, quota: Quota::Stored, max: Some(1) };
    as_administrator(stage, actor, Administer { operation: op(1), act }, 0)
}

pub(super) fn erasure_set() -> Scene {
    let (stage, actor) = administered();
    let domain = p("bob").domain().parse().unwrap();
    let act = Administration::SetErasure { domain, recipients_keep: true };
    as_administrator(stage, actor, Administer { operation: op(1), act }, 0)
}

/// Somebody who published, granted, made rules, was watched, and got and sent messages that wait: all of it ends.
pub(super) fn erased() -> Scene {
    let (mut stage, actor) = administered();
    stage.enroll("dave");
    let on = DeliveryChange { receipts: Some(true), ..DeliveryChange::default() };
    let change = ChangeDelivery { inbox: im("dave"), ..delivery(on) };
    stage.ask("dave", change);
    for (number, of) in (0..).zip(many()) {
        stage.enroll(&of);
        stage.ask(&of, subscribe("dave"));
        stage.ask("dave", subscribe(&of));
        stage.ask(&of, Send { inbox: im("dave"), ..message(number, 1) });
        stage.ask("dave", Send { inbox: im(&of), ..message(100 + number, 1) });
        let rights = Rights::MEMBER;
        let grant = Grant { owner: None, grantee: p(&of), rights, operation: op(10 + number) };
        stage.ask("dave", grant);
        stage.ask(&of, Publish { presentity: pres("dave"), ..publish(&of, noted(1)) });
    }
    as_administrator(stage, actor, Erase { principal: p("dave") }, 6 * MANY)
}
