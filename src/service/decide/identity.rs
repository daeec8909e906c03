//! Who may act, who may be invited, whose key is withdrawn.
//!
//! Must never hold: a proof of possession; the edge checked that before.

use crate::event::{Event, InviteCause, InviteCreated, InviteEnded, KeyEnrolled, KeyRevoked};
use crate::model::limits::{
    DEVICES_MAX, INVITE_MS_DEFAULT, INVITE_MS_MAX, INVITES_MAX, LIFETIME_MS_MIN,
};
use crate::model::{AdministratorAct, Principal, Refusal, Role, Timestamp};
use crate::protocol::{Answer, Invite, RevokeKey};
use crate::service::case::{Case, Verdict, granted};
use crate::service::{Actor, Enroll, Hello, Reply};
use crate::view::{InviteView, PrincipalView};

pub(super) fn enter(case: Case<'_>, hello: &Hello) -> Result<Verdict, Refusal> {
    case.check_domain(hello.principal.domain())?;
    let view = case.views.principal(&hello.principal);
    let device = view
        .and_then(|view| view.devices.get(&hello.key.device()))
        .filter(|device| device.key == hello.key);
    let is_suspended = view.is_some_and(|view| view.is_suspended);
    match device {
        Some(device) if device.revoked_at.is_some() => Err(Refusal::KeyRevoked),
        Some(_) if is_suspended => {
            Err(Refusal::Suspended { principal: hello.principal.to_string() })
        }
        Some(_) => {
            let role = view.map_or(Role::User, |view| view.role);
            Ok(Verdict::unchanged(entered(hello, role, false)))
        }
        None => match hello.enroll.clone() {
            Some(enrollment) => enroll(case, hello, enrollment, view),
            // The answer is the same whether the principal exists or not: who exists is told to nobody who has not
            // proved who it is.
            None => Err(Refusal::UnknownKey { principal: hello.principal.to_string() }),
        },
    }
}

fn entered(hello: &Hello, role: Role, enrolled: bool) -> Reply {
    let actor = Actor { principal: hello.principal.clone(), device: hello.key.device() };
    Reply::Entered { actor, role, enrolled }
}

fn enroll(
    case: Case<'_>,
    hello: &Hello,
    enrollment: Enroll,
    view: Option<&PrincipalView>,
) -> Result<Verdict, Refusal> {
    let taken = || Refusal::NameTaken { principal: hello.principal.to_string() };
    let mut events = Vec::new();
    let role = match enrollment.invite {
        Some(invite) => {
            let open = case.views.invite(&invite).ok_or(Refusal::BadInvite)?;
            check_invite(open, &hello.principal)?;
            if open.principal.is_none() && view.is_some() {
                return Err(taken());
            }
            events.push(Event::InviteEnded(InviteEnded { invite, cause: InviteCause::Spent }));
            open.role
        }
        None if !case.config.open_enrollment => return Err(Refusal::InviteNeeded),
        None if view.is_some() => return Err(taken()),
        None => Role::User,
    };
    if view.is_some_and(|view| view.devices_active() >= DEVICES_MAX) {
        return Err(Refusal::DevicesFull { max: DEVICES_MAX as u64 });
    }
    events.push(Event::KeyEnrolled(KeyEnrolled {
        principal: hello.principal.clone(),
        key: hello.key,
        label: enrollment.label,
        role,
        invite: enrollment.invite,
    }));
    let role = view.map_or(role, |view| view.role.max(role));
    Ok(Verdict::of(events, entered(hello, role, true)))
}

fn check_invite(invite: &InviteView, principal: &Principal) -> Result<(), Refusal> {
    let fits = match &invite.principal {
        Some(invited) => invited == principal,
        None => invite.domain == principal.domain(),
    };
    if fits { Ok(()) } else { Err(Refusal::BadInvite) }
}

pub(super) fn invite(case: Case<'_>, actor: &Actor, new: Invite) -> Result<Verdict, Refusal> {
    let domain =
        new.principal.as_ref().map_or(actor.principal.domain(), Principal::domain).to_owned();
    case.check_domain(&domain)?;
    check_may_invite(case, actor, &new, &domain)?;
    if let Some(open) = case.views.invite(&new.invite) {
        let same = open.principal == new.principal
            && open.role == new.role
            && open.by.as_ref() == Some(&actor.principal);
        let repeated = Verdict::unchanged(invited(case, open.expires_at));
        return if same {
            Ok(repeated)
        } else {
            Err(Refusal::bad_field("invite", "was made before; make a new token"))
        };
    }
    let lifetime = granted(new.lifetime, INVITE_MS_DEFAULT, LIFETIME_MS_MIN, INVITE_MS_MAX)?;
    let expires_at = case.now.after(lifetime);
    let event = InviteCreated {
        invite: new.invite,
        principal: new.principal,
        domain,
        role: new.role,
        by: Some(actor.principal.clone()),
        expires_at,
    };
    Ok(Verdict::new(Event::InviteCreated(event), invited(case, expires_at)))
}

/// Its maker is told when it runs out by the wall clock.
fn invited(case: Case<'_>, expires_at: Timestamp) -> Reply {
    Reply::Done(Answer::Invited { expires_at: case.ahead.shown(expires_at) })
}

/// Administrators invite anybody to their domain; everybody may invite a further device of its own.
fn check_may_invite(
    case: Case<'_>,
    actor: &Actor,
    new: &Invite,
    domain: &str,
) -> Result<(), Refusal> {
    let own = new.principal.as_ref() == Some(&actor.principal) && new.role == Role::User;
    // Whoever may create a domain may also invite its first administrators.
    let founder = new.role == Role::Administrator && case.operates(actor);
    let administrator = case.administers(actor, domain) || founder;
    if !own && !administrator {
        let cure = format!("ask an administrator of {domain}, or invite a device of your own");
        return Err(Refusal::Forbidden { action: "make this invite".into(), cure });
    }
    let open = case.views.invites().len();
    let of_actor = || {
        case.views.invites().filter(|(_, view)| view.by.as_ref() == Some(&actor.principal)).count()
    };
    // One user must not be able to use up what all share.
    let max = if administrator { INVITES_MAX } else { DEVICES_MAX };
    if open >= INVITES_MAX || !administrator && of_actor() >= max {
        return Err(Refusal::InvitesFull { max: max as u64 });
    }
    Ok(())
}

pub(super) fn revoke(case: Case<'_>, actor: &Actor, revoke: RevokeKey) -> Result<Verdict, Refusal> {
    let principal = revoke.principal.unwrap_or_else(|| actor.principal.clone());
    let device = revoke.device;
    case.check_manages(actor, &principal)?;
    let view = case.views.principal(&principal).and_then(|view| view.devices.get(&device));
    let view = view.ok_or_else(|| Refusal::NoDevice { device: device.to_string() })?;
    if view.revoked_at.is_some() {
        return Ok(Verdict::unchanged(Reply::Done(Answer::KeyRevoked)));
    }
    let act = AdministratorAct::RevokedKey;
    let acted = case.acted(actor, &principal, act, &device.to_string());
    let event = KeyRevoked { principal, device, by: actor.principal.clone() };
    let mut events = vec![Event::KeyRevoked(event)];
    events.extend(acted);
    Ok(Verdict::of(events, Reply::Done(Answer::KeyRevoked)))
}
