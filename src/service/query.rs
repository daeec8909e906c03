//! Answers to questions. Some leave a trace: who fetched, and what an administrator looked at.
//!
//! Must never hold: a change of state; what a question leaves is an event like any other.

use std::sync::Arc;

use super::case::{Case, Verdict, controls};
use super::decide::{check_known, told_recovery};
use super::{Actor, InboxRow, Query, Reply};
use crate::event::{AdministratorActed, Event};
use crate::model::limits::{FEED_PART_MAX, INBOX_PAGE_MAX, TOLD};
use crate::model::{
    AccessRule, AdministratorAct, Ahead, DeliveryRule, DeviceLabel, Domain, DomainRow,
    InboxAddress, InboxSequence, InviteId, Lifetime, Moment, Presentity, Principal, PrincipalRow,
    Quota, QuotaOwner, Refusal, Rights, Sequence, SubscriptionState,
};
use crate::protocol::server::{SOFTWARE, VERSION};
use crate::protocol::{
    ActRow, ClockSet, DeliveryState, DeviceKey, Findings, GrantRow, InboxState, LivePublication,
    OpenInvite, OpenRecovery, Question, RulesOwner, ServerDescription, SubscriptionRow, Version,
    VisibilityRow,
};
use crate::view::{GrantView, InboxView, InviteView, PrincipalView, Row, RulesView};

pub(super) fn query(case: Case<'_>, actor: &Actor, query: Query) -> Result<Verdict, Refusal> {
    // What a server is may be known by whoever may connect.
    if !matches!(query, Query::Ask(Question::ServerInfo(_))) {
        check_known(actor)?;
    }
    let reply = match query {
        Query::Ask(question) => return ask(case, actor, question),
        Query::Page { inbox, after } => {
            case.check_inbox_right(actor, &inbox, Rights::READ)?;
            let view = case.views.inbox(&inbox);
            let ended = view.map_or(Moment::ZERO, InboxView::ended);
            page(case, actor, ended, view.into_iter().flat_map(|view| view.kept_after(after)))
        }
        Query::MoreWatchers { presentity, after } => {
            watchers_after(case, actor, &presentity, Some(&after))?
        }
        Query::MorePrincipals { domain, after } => principals(case, actor, domain, Some(&after))?,
        Query::Quarantine { inbox, after } => quarantine(case, actor, &inbox, after)?,
    };
    Ok(Verdict::unchanged(reply))
}

fn ask(case: Case<'_>, actor: &Actor, question: Question) -> Result<Verdict, Refusal> {
    let or_self = |given: Option<Principal>| given.unwrap_or_else(|| actor.principal.clone());
    let reply = match question {
        Question::ListWatchers(asked) => return watchers(case, actor, &asked.presentity),
        Question::Fetch(_) => unreachable!("fetches leave more than an answer and are decided"),
        Question::ListSubscriptions(_) => {
            Findings::ListSubscriptions(subscriptions(case, actor)).into()
        }
        Question::ListKeys(asked) => {
            Findings::ListKeys(keys(case, actor, &or_self(asked.principal))?).into()
        }
        Question::ListInvites(_) => Findings::ListInvites(invites(case, actor)).into(),
        Question::ListRecoveries(_) => Findings::ListRecoveries(recoveries(case, actor)).into(),
        Question::ListPublications(asked) => {
            Findings::ListPublications(publications(case, actor, &asked.presentity)?).into()
        }
        Question::InboxStatus(asked) => {
            Findings::InboxStatus(inbox_status(case, actor, &asked.inbox)?).into()
        }
        Question::ListQuarantine(asked) => {
            quarantine(case, actor, &asked.inbox, InboxSequence::ZERO)?
        }
        Question::ListRules(asked) => Findings::ListRules(rules(case, actor, &asked.owner)?).into(),
        Question::ListDelivery(asked) => {
            Findings::ListDelivery(delivery(case, actor, &asked.inbox)?).into()
        }
        Question::ListVisibility(_) => Findings::ListVisibility(visibility(case, actor)).into(),
        Question::ListGrants(asked) => {
            Findings::ListGrants(grants(case, actor, &or_self(asked.owner))?).into()
        }
        Question::ListHistory(asked) => history(case, actor, &asked.presentity)?,
        Question::FetchAt(asked) => history(case, actor, &asked.presentity)?,
        Question::Explain(asked) => explain(case, actor, &asked.presentity, &asked.watcher)?,
        Question::ListDomains(_) => Findings::ListDomains(domains(case, actor)?).into(),
        Question::ListPrincipals(asked) => principals(case, actor, asked.domain, None)?,
        Question::ListActs(asked) => {
            Findings::ListActs(acts(case, actor, &or_self(asked.principal))?).into()
        }
        Question::ListQuotas(asked) => {
            let own = || QuotaOwner::Principal(actor.principal.clone());
            Findings::ListQuotas(case.quotas(actor, &asked.owner.unwrap_or_else(own))?).into()
        }
        Question::ServerInfo(_) => Findings::ServerInfo(server(case, actor)).into(),
    };
    Ok(Verdict::unchanged(reply))
}

fn quarantine(
    case: Case<'_>,
    actor: &Actor,
    inbox: &InboxAddress,
    after: InboxSequence,
) -> Result<Reply, Refusal> {
    case.check_inbox_right(actor, inbox, Rights::READ)?;
    let view = case.views.inbox(inbox);
    let rows = view.into_iter().flat_map(|view| view.quarantined_after(after));
    Ok(page(case, actor, Moment::ZERO, rows))
}

fn grants(case: Case<'_>, actor: &Actor, owner: &Principal) -> Result<Vec<GrantRow>, Refusal> {
    case.check_controls(actor, owner, "see its grants")?;
    let view = case.views.rules(owner);
    let grants = view.into_iter().flat_map(|view: &RulesView| &view.grants);
    let row = |(grantee, grant): (&Principal, &GrantView)| GrantRow {
        grantee: grantee.clone(),
        rights: grant.rights,
    };
    Ok(grants.map(row).collect())
}

/// Where the log is to be read from.
fn history(case: Case<'_>, actor: &Actor, presentity: &Presentity) -> Result<Reply, Refusal> {
    case.check_controls(actor, &presentity.principal(), "see its history")?;
    let view = case.views.presentity(presentity);
    let last = view.map_or(Sequence::ZERO, |view| view.changed_at);
    Ok(Reply::History { last, ahead: case.ahead })
}

fn subscriptions(case: Case<'_>, actor: &Actor) -> Vec<SubscriptionRow> {
    let view = case.views.watcher(&actor.principal);
    let rows = view.into_iter().flat_map(|view| &view.subscriptions);
    let rows = rows.filter(|(_, subscription)| !subscription.by_fetch);
    rows.map(|(presentity, subscription)| SubscriptionRow {
        presentity: presentity.clone(),
        state: subscription.state,
        mode: subscription.mode,
        remaining: match subscription.state {
            SubscriptionState::Active | SubscriptionState::Pending => {
                case.now.until(subscription.expires_at)
            }
            SubscriptionState::Terminated(_) | SubscriptionState::Waiting => Lifetime::ZERO,
        },
    })
    .collect()
}

fn watchers(case: Case<'_>, actor: &Actor, presentity: &Presentity) -> Result<Verdict, Refusal> {
    let reply = watchers_after(case, actor, presentity, None)?;
    let owner = presentity.principal();
    if !case.oversees(&actor.principal, presentity) || case.views.principal(&owner).is_none() {
        return Ok(Verdict::unchanged(reply));
    }
    let event = AdministratorActed {
        principal: owner,
        by: actor.principal.clone(),
        act: AdministratorAct::ListedWatchers,
        about: String::new(),
    };
    Ok(Verdict::new(Event::AdministratorActed(event), reply))
}

/// The next watchers behind `after`: a part of the list, or the end of it.
fn watchers_after(
    case: Case<'_>,
    actor: &Actor,
    presentity: &Presentity,
    after: Option<&Principal>,
) -> Result<Reply, Refusal> {
    case.check_domain(presentity.domain())?;
    let asker = &actor.principal;
    let page = case.watchers_page(presentity, asker, after, FEED_PART_MAX);
    let oversees = case.oversees(asker, presentity);
    let rows = page.watchers.iter().filter_map(|watcher| {
        let (row, _) = case.watcher_row(presentity, watcher)?;
        if oversees { Some(row) } else { case.shown_row(asker, row) }
    });
    let rows = rows.collect();
    Ok(match page.watchers.last().filter(|_| page.has_more) {
        Some(last) => Reply::Watchers { rows, last: Principal::clone(last) },
        None => Findings::ListWatchers(rows).into(),
    })
}

/// The next principals of a domain behind `after`: a part of the list, or the end of it.
fn principals(
    case: Case<'_>,
    actor: &Actor,
    domain: Option<Domain>,
    after: Option<&Principal>,
) -> Result<Reply, Refusal> {
    let domain = domain.unwrap_or_else(|| actor.principal.home());
    case.check_administers(actor, &domain)?;
    let part: Vec<_> = case.views.principals_after(after).take(FEED_PART_MAX).collect();
    let here = part.iter().filter(|(principal, _)| principal.domain() == domain.as_str());
    let here = here.filter(|(_, view)| view.name_free_at().is_none());
    let rows = here.map(|(principal, view)| principal_row(principal, view)).collect();
    Ok(match part.last().filter(|_| part.len() == FEED_PART_MAX) {
        Some((last, _)) => Reply::Principals { rows, last: Principal::clone(last) },
        None => Findings::ListPrincipals(rows).into(),
    })
}

fn principal_row(principal: &Principal, view: &PrincipalView) -> PrincipalRow {
    let devices = || view.devices.iter().map(|(_, device)| device);
    let live = devices().filter(|device| device.revoked_at.is_none()).count();
    PrincipalRow {
        principal: principal.clone(),
        role: view.role,
        is_suspended: view.is_suspended,
        presence: view.presence,
        messaging: view.messaging,
        devices: u32::try_from(live).unwrap_or(u32::MAX),
        enrolled_at: devices().map(|device| device.enrolled_at).min().unwrap_or_default(),
    }
}

fn keys(case: Case<'_>, actor: &Actor, principal: &Principal) -> Result<Vec<DeviceKey>, Refusal> {
    case.check_manages(actor, principal)?;
    let view = case.known(principal)?;
    let keys = view.devices.iter().map(|(device, view)| DeviceKey {
        device: *device,
        label: DeviceLabel::recorded(&view.label),
        enrolled_at: view.enrolled_at,
        revoked_at: view.revoked_at,
    });
    Ok(keys.collect())
}

fn invites(case: Case<'_>, actor: &Actor) -> Vec<OpenInvite> {
    let maker = &actor.principal;
    let is_all = case.is_administrator(maker);
    let own = case.views.invites_of(maker).filter(|_| !is_all);
    let all = is_all.then(|| case.views.invites()).into_iter().flatten();
    let open = own.chain(all.filter(|(_, open)| case.manages_invite(actor, open)));
    let open = open.filter(|(_, open)| open.expires_at > case.now);
    let row = |(invite, open): (&InviteId, &InviteView)| {
        Some(OpenInvite {
            invite: *invite,
            principal: open.principal.clone(),
            domain: open.domain.parse().ok()?,
            role: open.role,
            by: open.by.clone(),
            device: open.device,
            expires_at: case.ahead.shown(open.expires_at),
        })
    };
    open.filter_map(row).collect()
}

fn recoveries(case: Case<'_>, actor: &Actor) -> Vec<OpenRecovery> {
    let is_told = |open: &InviteView| {
        open.principal.as_ref() == Some(&actor.principal) || case.manages_invite(actor, open)
    };
    let open = case.views.invites().filter(|(_, open)| open.expires_at > case.now);
    let open = open.filter(|(_, open)| is_told(open));
    open.filter_map(|(invite, open)| told_recovery(case, *invite, open)).collect()
}

/// All of them for whoever controls the presentity, their own for others.
fn publications(
    case: Case<'_>,
    actor: &Actor,
    presentity: &Presentity,
) -> Result<Vec<LivePublication>, Refusal> {
    let own = case.views.principal(&actor.principal);
    let is_theirs = |device| own.is_some_and(|view| view.has(device));
    let is_all = case.check_controls(actor, &presentity.principal(), "list its publications");
    let view = case.views.presentity(presentity);
    let live = view.into_iter().flat_map(|view| &view.publications);
    let live = live.filter(|(key, _)| is_all.is_ok() || is_theirs(&key.device));
    let rows: Vec<LivePublication> = live
        .map(|(key, live)| LivePublication {
            device: key.device,
            name: key.name.clone(),
            expires_at: case.ahead.shown(live.deadline),
        })
        .collect();
    if rows.is_empty() { is_all.map(|()| rows) } else { Ok(rows) }
}

fn inbox_status(
    case: Case<'_>,
    actor: &Actor,
    inbox: &InboxAddress,
) -> Result<InboxState, Refusal> {
    case.check_inbox_right(actor, inbox, Rights::READ)?;
    let Some(view) = case.views.inbox(inbox) else {
        let zero = InboxSequence::ZERO;
        let (waiting, kept) = (0, 0);
        return Ok(InboxState { head: zero, acknowledged: zero, waiting, kept });
    };
    let acknowledged = view.acknowledged(actor.device);
    let alive = |after| view.alive_after(after, case.now);
    let (waiting, kept) = (alive(acknowledged), alive(InboxSequence::ZERO));
    let head = view.head();
    Ok(InboxState { head, acknowledged, waiting, kept })
}

/// The first of these rows whose time is not over, as many as are handed out at once.
fn page<'a>(
    case: Case<'_>,
    actor: &Actor,
    ended: Moment,
    rows: impl Iterator<Item = (InboxSequence, &'a Row)>,
) -> Reply {
    let rows = rows.filter(|(_, row)| !row.is_over(case.now)).take(INBOX_PAGE_MAX);
    let rows = rows.map(|(sequence, row)| InboxRow {
        sequence,
        at: row.at,
        is_withheld: case.is_withheld(actor, row),
        ended,
    });
    Reply::Page(rows.collect())
}

fn rules(
    case: Case<'_>,
    actor: &Actor,
    owner: &RulesOwner,
) -> Result<(Version, Vec<Arc<AccessRule>>), Refusal> {
    let (version, rules) = match owner {
        RulesOwner::Presentity(presentity) => {
            case.check_controls(actor, &presentity.principal(), "see its rules")?;
            let view = case.views.rules(&presentity.principal());
            view.map(|view| (view.access_version, &view.access)).unzip()
        }
        RulesOwner::Domain(domain) => {
            case.check_administers(actor, domain)?;
            let view = case.views.domain(domain.as_str());
            view.map(|view| (view.rules_version, &view.rules)).unzip()
        }
    };
    let rows = rules.into_iter().flat_map(|rules| rules.iter().cloned());
    Ok((Version(version.unwrap_or_default()), rows.collect()))
}

fn delivery(
    case: Case<'_>,
    actor: &Actor,
    inbox: &InboxAddress,
) -> Result<(DeliveryState, Vec<Arc<DeliveryRule>>), Refusal> {
    case.check_inbox_right(actor, inbox, Rights::MEMBER)?;
    let none = RulesView::default();
    let view = case.views.rules(&inbox.principal()).unwrap_or(&none);
    let (rules, version) = (&view.delivery, view.delivery_version);
    let (when_closed, receipts) = (rules.when_closed, rules.receipts);
    let state = DeliveryState { version, when_closed, receipts };
    Ok((state, rules.iter().cloned().collect()))
}

fn visibility(case: Case<'_>, actor: &Actor) -> (Version, Vec<VisibilityRow>) {
    let none = RulesView::default();
    let view = case.views.rules(&actor.principal).unwrap_or(&none);
    let rows = view.visibility.0.iter();
    let rows = rows.map(|(who, is_shown)| VisibilityRow { who: who.clone(), is_shown: *is_shown });
    (Version(view.visibility_version), rows.collect())
}

fn explain(
    case: Case<'_>,
    actor: &Actor,
    presentity: &Presentity,
    watcher: &Principal,
) -> Result<Reply, Refusal> {
    case.check_controls(actor, &presentity.principal(), "see how its rules decide")?;
    let view = case.views.rules(&presentity.principal());
    let domain = case.views.domain(presentity.domain());
    Ok(Reply::Explain {
        last: view.map_or(Sequence::ZERO, |view| view.access_at),
        ahead: case.ahead,
        default: case.config.default_access,
        rules: view.map(|view| Arc::clone(&view.access)).unwrap_or_default(),
        domain: domain.map(|view| Arc::clone(&view.rules)).unwrap_or_default(),
        controls: controls(case.views, &presentity.principal(), watcher),
    })
}

fn domains(case: Case<'_>, actor: &Actor) -> Result<Vec<DomainRow>, Refusal> {
    if !case.is_administrator(&actor.principal) {
        let cure = "ask an administrator".to_owned();
        return Err(Refusal::Forbidden { action: "list the domains".into(), cure });
    }
    let rows = served(case).into_iter().map(|domain| {
        let view = case.views.domain(domain.as_str()).cloned().unwrap_or_default();
        DomainRow {
            is_configured: case.config.domains.contains(&domain),
            presence: view.presence && case.config.presence,
            messaging: view.messaging && case.config.messaging,
            principals: case.views.population(&domain),
            recovery: Some(view.recovery_at(case.now)),
            recipients_keep: Some(view.recipients_keep),
            domain,
        }
    });
    Ok(rows.collect())
}

/// The domains served, in order of name.
fn served(case: Case<'_>) -> Vec<Domain> {
    let created = case.views.domains().filter(|(_, view)| view.is_created);
    let created = created.map(|(domain, _)| domain);
    let mut domains: Vec<Domain> = case.config.domains.iter().chain(created).cloned().collect();
    domains.sort_unstable();
    domains.dedup();
    domains
}

/// Which domains there are beside one's own is for administrators to know.
fn server(case: Case<'_>, actor: &Actor) -> ServerDescription {
    let is_told = |domain: &Domain| {
        case.is_administrator(&actor.principal) || domain.as_str() == actor.principal.domain()
    };
    let notice = case.views.store().notice(actor.device);
    let own = |name: &str, most| {
        name.parse().map_or(most, |quota: Quota| case.quota(&actor.principal, quota))
    };
    ServerDescription {
        noticed: notice.map(|(at, notice)| (*at, notice.by.clone())),
        software: SOFTWARE.to_owned(),
        version: VERSION,
        domains: served(case).into_iter().filter(is_told).collect(),
        clock: case.views.clock().last.map(|(at, moved)| ClockSet {
            by: Ahead::from_ms(moved.after.as_ms().saturating_sub(moved.before.as_ms())),
            at: case.ahead.shown(at),
        }),
        limits: TOLD.iter().map(|(name, most)| ((*name).to_owned(), own(name, *most))).collect(),
    }
}

fn acts(case: Case<'_>, actor: &Actor, principal: &Principal) -> Result<Vec<ActRow>, Refusal> {
    case.check_manages(actor, principal)?;
    // That it was erased is an act of an administrator too.
    let erased = case.views.erased_principal(principal);
    let view = erased.map_or_else(|| case.known(principal), Ok)?;
    let rows = view.acts().map(|act| ActRow {
        at: act.at,
        by: act.by.clone(),
        act: Some(act.act),
        about: act.about.clone(),
    });
    Ok(rows.collect())
}
