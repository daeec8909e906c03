//! Who may act, and whose key is withdrawn.
//!
//! Must never hold: a proof of possession; the edge checked that before.

use super::{ending, invite};
use crate::event::{Event, InviteCause, InviteEnded, KeyEnrolled, KeyRevoked};
use crate::model::limits::DEVICES_MAX;
use crate::model::{AdministratorAct, Refusal, Role};
use crate::protocol::{Answer, RevokeKey};
use crate::service::case::{Case, Verdict};
use crate::service::{Actor, Enroll, Hello, Reply};
use crate::view::PrincipalView;

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
            let open = invite::usable(case, &invite, &hello.principal)?;
            if open.principal.is_none() && view.is_some() {
                return Err(taken());
            }
            if view.is_some_and(|view| view.is_suspended) {
                return Err(Refusal::Suspended { principal: hello.principal.to_string() });
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
    if case.views.principals_count() == 0 {
        events.extend(invite::superseded(case, enrollment.invite));
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
    let mut events = ending::of_device(case, actor, &principal, device);
    let event = KeyRevoked { principal, device, by: actor.principal.clone() };
    events.push(Event::KeyRevoked(event));
    events.extend(acted);
    Ok(Verdict::of(events, Reply::Done(Answer::KeyRevoked)))
}
