//! Who may act, and whose key is withdrawn.
//!
//! Must never hold: a proof of possession; the edge checked that before.

use super::{ending, invite, recovery};
use crate::event::{DeviceConfined, DeviceEnrolled, Event, InviteCause, InviteEnded, KeyRevoked};
use crate::model::limits::DEVICES_MAX;
use crate::model::{AdministratorAct, Payload, Refusal, Role, Sequence};
use crate::protocol::{Answer, RevokeKey};
use crate::service::case::{Case, Verdict};
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
            Ok(Verdict::unchanged(entered(case, hello, role)))
        }
        None => match &hello.enroll {
            Some(enrollment) => enroll(case, hello, enrollment, view),
            None if was_device(case, hello) => {
                Err(Refusal::Erased { principal: hello.principal.to_string() })
            }
            // The answer is the same whether the principal exists or not: who exists is told to nobody who has not
            // proved who it is.
            None => Err(Refusal::UnknownKey { principal: hello.principal.to_string() }),
        },
    }
}

/// Whether the key was one of a principal that was erased, which whoever holds it is told.
fn was_device(case: Case<'_>, hello: &Hello) -> bool {
    let erased = case.views.erased_principal(&hello.principal);
    erased.is_some_and(|view| view.had(&hello.key.device()))
}

fn entered(case: Case<'_>, hello: &Hello, role: Role) -> Reply {
    let actor = Actor { principal: hello.principal.clone(), device: hello.key.device() };
    let recovery = recovery::running(case, &hello.principal).map(Box::new);
    Reply::Entered { actor, role, enrolled: false, recovery }
}

fn enroll(
    case: Case<'_>,
    hello: &Hello,
    enrollment: &Enroll,
    view: Option<&PrincipalView>,
) -> Result<Verdict, Refusal> {
    let taken = || Refusal::NameTaken { principal: hello.principal.to_string() };
    let mut events = Vec::new();
    let mut before = Sequence::ZERO;
    let role = match enrollment.invite {
        Some(invite) => {
            let open = invite::usable(case, &invite, &hello.principal)?;
            if open.principal.is_none() && view.is_some() {
                return Err(taken());
            }
            if view.is_some_and(|view| view.is_suspended) {
                return Err(Refusal::Suspended { principal: hello.principal.to_string() });
            }
            if view.is_some() {
                invite::check_further(case, open)?;
            }
            before = confined_before(case, open);
            events.push(Event::InviteEnded(InviteEnded { invite, cause: InviteCause::Spent }));
            open.role
        }
        None if !case.config.open_enrollment => return Err(Refusal::InviteNeeded),
        None if view.is_some() => return Err(taken()),
        None => Role::User,
    };
    if view.is_none() {
        if case.views.name_free_at(&hello.principal).is_some_and(|at| at > case.now) {
            return Err(taken());
        }
        case.check_new(&hello.principal)?;
    }
    if view.is_some_and(|view| view.devices_active() >= DEVICES_MAX) {
        return Err(Refusal::DevicesFull { max: DEVICES_MAX as u64 });
    }
    if case.views.principals_count() == 0 {
        events.extend(invite::superseded(case, enrollment.invite));
    }
    events.push(Event::DeviceEnrolled(DeviceEnrolled {
        principal: hello.principal.clone(),
        key: hello.key,
        label: Payload::text(enrollment.label.as_str()),
        role,
        invite: enrollment.invite,
    }));
    if before > Sequence::ZERO {
        let (principal, device) = (hello.principal.clone(), hello.key.device());
        events.push(Event::DeviceConfined(DeviceConfined { principal, device, before }));
    }
    let actor = Actor { principal: hello.principal.clone(), device: hello.key.device() };
    let role = view.map_or(role, |view| view.role.max(role));
    // Its own recovery is spent by this; another one that runs is for the devices that were there before to refuse.
    let recovery = recovery::running(case, &hello.principal);
    let recovery = recovery.filter(|it| Some(it.invite) != enrollment.invite).map(Box::new);
    Ok(Verdict::of(events, Reply::Entered { actor, role, enrolled: true, recovery }))
}

/// The event before which what messages say is not shown to a device that is enrolled with `open`: none of it after a
/// recovery, unless the domain wants that; otherwise what is not shown to the device that made the invite.
fn confined_before(case: Case<'_>, open: &InviteView) -> Sequence {
    match (open.recovery, &open.by, open.device) {
        (Some(terms), ..) if terms.shows_earlier => Sequence::ZERO,
        (Some(_), ..) => case.next,
        (None, Some(by), Some(device)) => case.confined_before(by, device),
        _ => Sequence::ZERO,
    }
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
