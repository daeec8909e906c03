//! How much of what all share those of a domain may take, as its administrators say.
//!
//! Must never hold: what somebody has taken, or how much it may (see `service::budget`).

use crate::event::{DomainQuotaSet, Event, QuotaSet};
use crate::model::{AdministratorAct, Domain, Principal, Quota, QuotaOwner, Refusal};
use crate::protocol::Answer;
use crate::service::case::{Case, Verdict};
use crate::service::{Actor, Reply};

const DONE: Reply = Reply::Done(Answer::Changed { version: 0 });

/// Sets a quota, or takes back what was set. Whoever is no administrator of the very domain learns nothing of its names.
pub(super) fn set(
    case: Case<'_>,
    actor: &Actor,
    owner: QuotaOwner,
    (quota, max): (Quota, Option<u64>),
) -> Result<Verdict, Refusal> {
    case.check_administers(actor, &owner.domain())?;
    check_most(case, quota, max)?;
    match owner {
        QuotaOwner::Domain(domain) => Ok(of_domain(case, actor, domain, (quota, max))),
        QuotaOwner::Principal(principal) => of_principal(case, actor, principal, (quota, max)),
    }
}

/// Of what stays in memory no more than the operator says.
fn check_most(case: Case<'_>, quota: Quota, max: Option<u64>) -> Result<(), Refusal> {
    let most = case.config.quotas.max(quota);
    match max.filter(|max| quota.stays() && *max > most) {
        Some(found) => Err(Refusal::TooLarge { part: quota.part(), found, max: most }),
        None => Ok(()),
    }
}

fn of_domain(
    case: Case<'_>,
    actor: &Actor,
    domain: Domain,
    (quota, max): (Quota, Option<u64>),
) -> Verdict {
    let view = case.views.domain(domain.as_str());
    if view.and_then(|view| view.quotas.get(&quota)) == max.as_ref() {
        return Verdict::unchanged(DONE);
    }
    let by = actor.principal.clone();
    Verdict::new(Event::DomainQuotaSet(DomainQuotaSet { domain, quota, max, by }), DONE)
}

fn of_principal(
    case: Case<'_>,
    actor: &Actor,
    principal: Principal,
    (quota, max): (Quota, Option<u64>),
) -> Result<Verdict, Refusal> {
    if case.known(&principal)?.quota(quota) == max {
        return Ok(Verdict::unchanged(DONE));
    }
    let told = max.map_or_else(|| "as its domain".to_owned(), |max| max.to_string());
    let about = format!("{} {told}", quota.as_str());
    let acted = case.acted(actor, &principal, AdministratorAct::SetQuota, &about);
    let by = actor.principal.clone();
    let set = Event::QuotaSet(QuotaSet { principal, quota, max, by });
    Ok(Verdict::of(acted.into_iter().chain([set]).collect(), DONE))
}
