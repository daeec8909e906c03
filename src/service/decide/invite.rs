//! Invites: who may make one, who may use it, and when it ends before its time.
//!
//! Must never hold: a token, or what enrolling does beside using one up.

use super::recovery;
use crate::event::{Event, InviteCause, InviteEnded, InviteIssued};
use crate::model::limits::{INVITE_MS_DEFAULT, INVITE_MS_MAX, INVITES_MAX, LIFETIME_MS_MIN};
use crate::model::{DeviceId, Domain, InviteId, Principal, Quota, Refusal, Role, Timestamp};
use crate::protocol::{Answer, Invite, WithdrawInvite};
use crate::service::case::{Case, Verdict, granted};
use crate::service::{Actor, Reply};
use crate::view::InviteView;

pub(super) fn make(case: Case<'_>, actor: &Actor, new: Invite) -> Result<Verdict, Refusal> {
    let domain =
        new.principal.as_ref().map_or(actor.principal.domain(), Principal::domain).to_owned();
    case.check_domain(&domain)?;
    let may = if new.recovers {
        case.administers(&actor.principal, &domain)
    } else {
        may_invite(case, &actor.principal, new.principal.as_ref(), (new.role, &domain))
    };
    if !may {
        return Err(forbidden(&domain));
    }
    if let Some(open) = case.views.invite(&new.invite) {
        let same = open.principal == new.principal
            && open.role == new.role
            && open.by.as_ref() == Some(&actor.principal)
            && open.recovery.is_some() == new.recovers;
        let repeated = Verdict::unchanged(invited(case, open.expires_at));
        return if same {
            Ok(repeated)
        } else {
            Err(Refusal::bad_field("invite", "was made before; make a new token"))
        };
    }
    check_room(case, &actor.principal)?;
    if new.recovers {
        return recovery::start(case, actor, new);
    }
    let named = new.principal.as_ref().filter(|named| **named != actor.principal);
    if let Some(other) = named {
        if case.views.principal(other).is_some() {
            return Err(Refusal::RecoveryNeeded { principal: other.to_string() });
        }
        case.check_new(other)?;
    }
    let lifetime = granted(new.lifetime, INVITE_MS_DEFAULT, LIFETIME_MS_MIN, INVITE_MS_MAX)?;
    let expires_at = case.now.after(lifetime);
    let event = InviteIssued {
        invite: new.invite,
        principal: new.principal,
        domain,
        role: new.role,
        by: Some(actor.principal.clone()),
        device: Some(actor.device),
        is_first: false,
        expires_at,
    };
    Ok(Verdict::new(Event::InviteIssued(event), invited(case, expires_at)))
}

/// Its maker is told when it runs out by the wall clock.
fn invited(case: Case<'_>, expires_at: Timestamp) -> Reply {
    Reply::Done(Answer::Invited { expires_at: case.ahead.shown(expires_at) })
}

fn forbidden(domain: &str) -> Refusal {
    let cure = format!("ask an administrator of {domain}, or invite a device of your own");
    Refusal::Forbidden { action: "make this invite".into(), cure }
}

/// Whether `maker` may make this one. Administrators invite anybody to their domain; whoever may create a domain also its
/// first administrators; everybody a further device of its own.
fn may_invite(
    case: Case<'_>,
    maker: &Principal,
    invited: Option<&Principal>,
    (role, domain): (Role, &str),
) -> bool {
    let founder = role == Role::Administrator && case.operates(maker);
    let is_own = invited == Some(maker) && role == Role::User;
    founder || is_own || case.administers(maker, domain)
}

/// One maker must not be able to use up what all share.
fn check_room(case: Case<'_>, maker: &Principal) -> Result<(), Refusal> {
    let open = || case.views.invites_of(maker);
    let first_end = || open().map(|(_, open)| open.expires_at).min();
    case.check_held(maker, Quota::Invites, open().count() as u64, first_end)?;
    if case.views.invites().len() >= INVITES_MAX {
        return Err(Refusal::InvitesFull { max: INVITES_MAX as u64 });
    }
    Ok(())
}

/// The open invite of this id, if `principal` may be enrolled with it and its maker may still make it.
pub(super) fn usable<'a>(
    case: Case<'a>,
    invite: &InviteId,
    principal: &Principal,
) -> Result<&'a InviteView, Refusal> {
    let open = case.views.invite(invite).ok_or(Refusal::BadInvite)?;
    let fits = match &open.principal {
        Some(invited) => invited == principal,
        None => open.domain == principal.domain(),
    };
    if fits && is_backed(case, open) { Ok(open) } else { Err(Refusal::BadInvite) }
}

/// Whether who made it could make it now: what ends invites is recorded, but not a domain that the operator no longer
/// serves, nor, in old logs, the device.
fn is_backed(case: Case<'_>, open: &InviteView) -> bool {
    let Some(maker) = &open.by else { return true };
    let may_act = case.views.principal(maker).is_some_and(|view| {
        !view.is_suspended && open.device.is_none_or(|device| view.is_active(&device))
    });
    let may_make = if open.recovery.is_some() {
        case.administers(maker, &open.domain)
    } else {
        may_invite(case, maker, open.principal.as_ref(), (open.role, &open.domain))
    };
    may_act && case.check_domain(maker.domain()).is_ok() && may_make
}

/// Whether a further device of a principal who is enrolled comes in with this: one of its own made it, or it is a recovery
/// that has taken effect.
pub(super) fn check_further(case: Case<'_>, open: &InviteView) -> Result<(), Refusal> {
    let Some(principal) = &open.principal else { return Ok(()) };
    if open.recovery.is_none() && open.by.as_ref() != Some(principal) {
        return Err(Refusal::NameTaken { principal: principal.to_string() });
    }
    recovery::check_effective(case, open)
}

pub(super) fn withdraw(
    case: Case<'_>,
    actor: &Actor,
    withdraw: &WithdrawInvite,
) -> Result<Verdict, Refusal> {
    let invite = withdraw.invite;
    let open = case.views.invite(&invite).filter(|open| case.manages_invite(actor, open));
    if open.is_none() {
        return Err(Refusal::NoInvite { invite: invite.to_string() });
    }
    let event = ended(invite, InviteCause::Withdrawn { by: actor.principal.clone() });
    Ok(Verdict::new(event, Reply::Done(Answer::Changed { version: 0 })))
}

/// Ends what `maker` made with `device`, or with any if that is none. Of old logs nobody knows with which device an invite
/// was made: it may have been this one.
pub(super) fn revoked(case: Case<'_>, maker: &Principal, device: Option<DeviceId>) -> Vec<Event> {
    let with =
        |open: &InviteView| open.device.is_none() || device.is_none() || open.device == device;
    let gone = case.views.invites_of(maker).filter(|(_, open)| with(open));
    gone.map(|(invite, _)| ended(*invite, InviteCause::Revoked)).collect()
}

/// Ends the server's own when somebody is enrolled, but for the one that is `spent` by that.
pub(super) fn superseded(case: Case<'_>, spent: Option<InviteId>) -> Vec<Event> {
    let gone = case.views.invites();
    let gone = gone.filter(|(invite, open)| open.is_first && Some(**invite) != spent);
    gone.map(|(invite, _)| ended(*invite, InviteCause::Superseded)).collect()
}

/// Ends those for a domain that is no more.
pub(super) fn homeless<'a>(case: Case<'a>, domain: &'a Domain) -> impl Iterator<Item = Event> + 'a {
    let gone = case.views.invites().filter(|(_, open)| open.domain == domain.as_str());
    gone.map(|(invite, _)| ended(*invite, InviteCause::Homeless))
}

fn ended(invite: InviteId, cause: InviteCause) -> Event {
    Event::InviteEnded(InviteEnded { invite, cause })
}
