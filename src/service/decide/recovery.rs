//! Recoveries: how somebody else than a principal gets it a device, who is told, and how the principal refuses.
//!
//! Must never hold: what enrolling does, or a token.

use crate::event::{
    AdministratorActed, Event, InviteCause, InviteEnded, MessageCause, MessageEnded,
    RecoveryAnnounced, RecoveryPolicyChanged, RecoveryStarted,
};
use crate::model::limits::{
    ANNOUNCEMENTS_MAX, HOUR_MS, INVITE_MS_DEFAULT, INVITE_MS_MAX, LIFETIME_MS_MIN, MINUTE_MS,
    RECOVERY_DELAY_MS_MAX, RECOVERY_DELAY_MS_MIN,
};
use crate::model::{
    AdministratorAct, ContentType, Domain, InboxSequence, InviteId, Lifetime, MessageId, Payload,
    Principal, RECOVERY_TYPE, RecoveryPolicy, Refusal,
};
use crate::protocol::{Answer, Invite, OpenRecovery, RefuseRecovery};
use crate::service::case::{Case, Verdict, granted};
use crate::service::{Actor, OperatorRecovery, Reply};
use crate::view::{InboxView, InviteView};

const DONE: Reply = Reply::Done(Answer::Changed { version: 0 });

/// Starts the recovery that an administrator of the name's domain asks for.
pub(super) fn start(case: Case<'_>, actor: &Actor, new: Invite) -> Result<Verdict, Refusal> {
    let principal =
        new.principal.ok_or_else(|| Refusal::bad_field("principal", "is missing; send it"))?;
    if principal == actor.principal {
        let rule = "is of your own name; invite a further device of yours as usual";
        return Err(Refusal::bad_field("recovery", rule));
    }
    check_recoverable(case, &principal)?;
    if case.views.recovery(&principal).is_some() {
        return Err(Refusal::RecoveryOpen { principal: principal.to_string() });
    }
    let policy = policy(case, &principal);
    let lifetime = granted(new.lifetime, INVITE_MS_DEFAULT, LIFETIME_MS_MIN, INVITE_MS_MAX)?;
    let effective_at = case.now.after(policy.delay);
    let started = RecoveryStarted {
        invite: new.invite,
        role: new.role,
        by: Some(actor.principal.clone()),
        device: Some(actor.device),
        effective_at,
        expires_at: effective_at.after(lifetime),
        shows_earlier: policy.shows_earlier,
        principal,
    };
    let expires_at = case.ahead.shown(started.expires_at);
    let reply = Reply::Done(Answer::Invited { expires_at });
    let invite = new.invite.to_string();
    let act = AdministratorAct::StartedRecovery;
    let acted = case.acted(actor, &started.principal, act, &invite);
    let announced = announced(case, &started);
    let mut events = vec![Event::RecoveryStarted(started)];
    events.extend(acted);
    events.extend(announced);
    Ok(Verdict::of(events, reply))
}

/// Starts the recovery that the operator of the machine wants. It takes effect at once, in place of one that runs.
pub(in crate::service) fn operate(
    case: Case<'_>,
    wanted: &OperatorRecovery,
) -> Result<Vec<Event>, Refusal> {
    let principal = wanted.principal.clone();
    check_recoverable(case, &principal)?;
    let running = case.views.recovery(&principal).map(|(invite, _)| *invite);
    let ended = |invite| Event::InviteEnded(InviteEnded { invite, cause: InviteCause::Superseded });
    let mut events: Vec<Event> = running.map(ended).into_iter().collect();
    let lifetime = Lifetime::from_ms(wanted.lifetime.as_ms().min(INVITE_MS_MAX));
    let started = RecoveryStarted {
        invite: wanted.invite,
        role: wanted.role,
        by: None,
        device: None,
        effective_at: case.now,
        expires_at: case.now.after(lifetime),
        shows_earlier: policy(case, &principal).shows_earlier,
        principal,
    };
    // Nobody is known by name who did it: it stands with the principal's own.
    events.push(Event::AdministratorActed(AdministratorActed {
        principal: started.principal.clone(),
        by: started.principal.clone(),
        act: AdministratorAct::StartedRecovery,
        about: "the operator".to_owned(),
    }));
    events.extend(announced(case, &started));
    events.push(Event::RecoveryStarted(started));
    Ok(events)
}

/// Only a name that exists is recovered, and not while it is suspended: its devices could not refuse.
fn check_recoverable(case: Case<'_>, principal: &Principal) -> Result<(), Refusal> {
    if case.known(principal)?.is_suspended {
        return Err(Refusal::Suspended { principal: principal.to_string() });
    }
    Ok(())
}

fn policy(case: Case<'_>, principal: &Principal) -> RecoveryPolicy {
    let view = case.views.domain(principal.domain());
    view.map(|view| view.recovery_at(case.now)).unwrap_or_default()
}

/// What the principal is told in its inbox, whatever rules it has there and however full it is.
fn announced(case: Case<'_>, started: &RecoveryStarted) -> Vec<Event> {
    let inbox = started.principal.inbox();
    if !case.views.principal(&started.principal).is_some_and(|view| view.messaging) {
        return Vec::new();
    }
    let view = case.views.inbox(&inbox);
    let oldest = view.and_then(|view| view.oldest_announced_of(ANNOUNCEMENTS_MAX));
    let ended = oldest.map(|sequence| {
        let inbox = inbox.clone();
        Event::MessageEnded(MessageEnded { inbox, sequence, cause: MessageCause::Retention })
    });
    let id = format!("recovery-{}", &started.invite.to_string()[..16]);
    let announced = RecoveryAnnounced {
        sequence: view.map_or(InboxSequence::ZERO, InboxView::head).next(),
        sender: started.by.clone().unwrap_or_else(|| started.principal.clone()),
        id: MessageId::new(&id).expect("hexadecimal digits are visible ASCII"),
        content_type: ContentType::new(RECOVERY_TYPE).expect("it is one"),
        body: Payload::text(&words(case, started)),
        inbox,
    };
    ended.into_iter().chain([Event::RecoveryAnnounced(announced)]).collect()
}

fn words(case: Case<'_>, started: &RecoveryStarted) -> String {
    let name = &started.principal;
    let by = match &started.by {
        Some(by) => format!("{by}, an administrator,"),
        None => "The operator of this server".to_owned(),
    };
    let when = match case.now.until(started.effective_at) {
        Lifetime::ZERO => "as of now".to_owned(),
        wait => format!("{} from now", span(wait)),
    };
    let shown = if started.shows_earlier { "is shown" } else { "is not shown" };
    format!(
        "{by} started a recovery of {name}: {when}, a new device can act under this name. It {shown} what earlier \
         messages say. If you did not ask for this, refuse it with any of your devices (`adsum recovery refuse`), and \
         tell your administrators."
    )
}

fn span(span: Lifetime) -> String {
    match span.as_ms() {
        ms if ms % HOUR_MS == 0 => format!("{} h", ms / HOUR_MS),
        ms => format!("{} min", ms.div_ceil(MINUTE_MS)),
    }
}

/// The principal does not want its name recovered.
pub(super) fn refuse(
    case: Case<'_>,
    actor: &Actor,
    request: &RefuseRecovery,
) -> Result<Verdict, Refusal> {
    let invite = request.invite;
    match case.views.recovery(&actor.principal) {
        Some((running, _)) if *running == invite => {}
        _ => return Err(Refusal::NoRecovery { invite: invite.to_string() }),
    }
    let refused = InviteCause::Refused { by: actor.principal.clone(), device: actor.device };
    Ok(Verdict::new(Event::InviteEnded(InviteEnded { invite, cause: refused }), DONE))
}

/// Ends the recovery of somebody who is suspended, who could not refuse it any more.
pub(super) fn stopped(case: Case<'_>, actor: &Actor, principal: &Principal) -> Option<Event> {
    let (invite, _) = case.views.recovery(principal)?;
    let withdrawn = InviteCause::Withdrawn { by: actor.principal.clone() };
    Some(Event::InviteEnded(InviteEnded { invite: *invite, cause: withdrawn }))
}

/// Says on what terms names of a domain are recovered. What held before holds on beside it for as long as it made
/// recoveries wait.
pub(super) fn set(
    case: Case<'_>,
    actor: &Actor,
    domain: Domain,
    (delay, shows_earlier): (Option<Lifetime>, Option<bool>),
) -> Result<Verdict, Refusal> {
    case.check_domain(domain.as_str())?;
    case.check_administers(actor, &domain)?;
    check_delay(delay)?;
    let view = case.views.domain(domain.as_str()).cloned().unwrap_or_default();
    let policy = RecoveryPolicy {
        delay: delay.unwrap_or(view.recovery.delay),
        shows_earlier: shows_earlier.unwrap_or(view.recovery.shows_earlier),
    };
    if policy == view.recovery {
        return Ok(Verdict::unchanged(DONE));
    }
    let former = view.recovery_at(case.now);
    let former_until = case.now.after(former.delay);
    let by = actor.principal.clone();
    let event = RecoveryPolicyChanged { domain, policy, former, former_until, by };
    Ok(Verdict::new(Event::RecoveryPolicyChanged(event), DONE))
}

fn check_delay(delay: Option<Lifetime>) -> Result<(), Refusal> {
    match delay.map(Lifetime::as_ms) {
        Some(ms) if ms < RECOVERY_DELAY_MS_MIN => {
            Err(Refusal::TooBrief { minimum: Lifetime::from_ms(RECOVERY_DELAY_MS_MIN) })
        }
        Some(found) if found > RECOVERY_DELAY_MS_MAX => Err(Refusal::TooLarge {
            part: "delay of recoveries in ms".into(),
            found,
            max: RECOVERY_DELAY_MS_MAX,
        }),
        _ => Ok(()),
    }
}

/// The recovery of `principal` that runs, as it is told.
pub(super) fn running(case: Case<'_>, principal: &Principal) -> Option<OpenRecovery> {
    case.views.recovery(principal).and_then(|(invite, open)| told(case, *invite, open))
}

/// An open invite as it is told, if it is a recovery: with the times that the wall clock shows.
pub(in crate::service) fn told(
    case: Case<'_>,
    invite: InviteId,
    open: &InviteView,
) -> Option<OpenRecovery> {
    let terms = open.recovery?;
    Some(OpenRecovery {
        invite,
        principal: open.principal.clone()?,
        role: open.role,
        by: open.by.clone(),
        started_at: case.ahead.shown(terms.started_at),
        effective_at: case.ahead.shown(terms.effective_at),
        expires_at: case.ahead.shown(open.expires_at),
        shows_earlier: terms.shows_earlier,
    })
}

/// Whether a recovery may be used now.
pub(super) fn check_effective(case: Case<'_>, open: &InviteView) -> Result<(), Refusal> {
    let (Some(terms), Some(principal)) = (open.recovery, &open.principal) else { return Ok(()) };
    match case.now.until(terms.effective_at) {
        Lifetime::ZERO => Ok(()),
        wait => Err(Refusal::RecoveryPending { principal: principal.to_string(), wait }),
    }
}
