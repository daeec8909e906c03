//! Whether a principal may take more of what all share, and when again if not.
//!
//! Must never hold: what an event takes (see `event::charged`), or a number (those are in `model::limits`).

use std::collections::BTreeMap;

use super::Actor;
use super::case::Case;
use crate::model::limits::{
    FEEDS_COUNTED_MAX, INVITES_OF_USER_MAX, MINUTE_MS, SUBSCRIPTIONS_ANONYMOUS_MAX,
};
use crate::model::{
    EVENTS_WINDOW_MS, LOG_BYTES_WINDOW_MS, MESSAGE_IDS_WINDOW_MS, Principal, Quota, QuotaOwner,
    QuotaRow, QuotaSource, Refusal, Role, Sequence, Timestamp, Window,
};
use crate::view::{BudgetView, DomainView, PrincipalView, RulesView, SenderKey};

/// How many feeds who opened of late. Kept in memory alone: nobody restarts a server to open more.
#[derive(Debug, Default)]
pub(super) struct FeedsOpened(BTreeMap<Principal, Window>);

impl FeedsOpened {
    /// Counts one more of `principal`, if that is no more than `max`.
    pub(super) fn count(
        &mut self,
        now: Timestamp,
        principal: &Principal,
        max: u64,
    ) -> Result<(), Refusal> {
        if self.0.len() >= FEEDS_COUNTED_MAX {
            self.0.retain(|_, opened| opened.count(now, MINUTE_MS) > 0);
        }
        let opened = self.0.entry(principal.clone()).or_default();
        let limit = Limit { quota: Quota::Feeds, max, most: max, width_ms: MINUTE_MS };
        check(*opened, &limit, now)?;
        opened.add(now, MINUTE_MS, 1);
        Ok(())
    }

    /// How many `principal` opened of late.
    pub(super) fn of(&self, now: Timestamp, principal: &Principal) -> u64 {
        self.0.get(principal).map_or(0, |opened| opened.count(now, MINUTE_MS))
    }

    /// Says of `rows`, which are those of `principal`, how many feeds it opened.
    pub(super) fn add_to(&self, now: Timestamp, principal: &Principal, rows: &mut [QuotaRow]) {
        let feeds = rows.iter_mut().find(|row| row.quota == Quota::Feeds.as_str());
        if let Some(row) = feeds {
            row.used = Some(self.of(now, principal));
        }
    }
}

/// A quota as it is counted.
struct Limit {
    quota: Quota,
    /// As it is set and told.
    max: u64,
    /// How much there may be in the window.
    most: u64,
    width_ms: u64,
}

/// What one principal may take and has taken, looked up once for all that asks for it.
#[derive(Clone, Copy)]
pub(super) struct Allowance<'a> {
    pub(super) case: Case<'a>,
    who: &'a Principal,
    view: Option<&'a PrincipalView>,
    domain: Option<&'a DomainView>,
    taken: &'a BudgetView,
}

impl<'a> Case<'a> {
    /// What `who` may take and has taken.
    pub(super) fn allowance(self, who: &'a Principal) -> Allowance<'a> {
        const NOTHING: &BudgetView = &BudgetView {
            as_of: Sequence::ZERO,
            log_bytes: Window::NONE,
            events: Window::NONE,
            message_ids: Window::NONE,
        };
        Allowance {
            case: self,
            who,
            view: self.views.principal(who),
            domain: self.views.domain(who.domain()),
            taken: self.views.budget(who).unwrap_or(NOTHING),
        }
    }

    /// Whether `who` may have one more of what there is `held` of; `room_at` says when time makes room.
    pub(super) fn check_held(
        self,
        who: &Principal,
        quota: Quota,
        held: u64,
        room_at: impl FnOnce() -> Option<Timestamp>,
    ) -> Result<(), Refusal> {
        self.allowance(who).check_held(quota, held, room_at)
    }

    /// How much of `quota` `who` may take.
    pub(super) fn quota(self, who: &Principal, quota: Quota) -> u64 {
        self.allowance(who).max(quota)
    }

    /// How much of `quota` those of a domain may take that have none of their own, and who said so.
    fn quota_in(&self, domain: Option<&DomainView>, quota: Quota) -> (u64, QuotaSource) {
        match domain.and_then(|view| view.quotas.get(&quota)) {
            Some(max) => (self.at_most(quota, *max), QuotaSource::Domain),
            None => (self.config.quotas.max(quota), QuotaSource::Operator),
        }
    }

    /// What the operator allows may have become less since an administrator set `max`.
    fn at_most(&self, quota: Quota, max: u64) -> u64 {
        if quota.stays() { max.min(self.config.quotas.max(quota)) } else { max }
    }

    /// The quotas of `owner`, for whoever may see them: for itself, and for administrators of its domain. How many feeds
    /// were opened is not known here.
    pub(super) fn quotas(
        &self,
        actor: &Actor,
        owner: &QuotaOwner,
    ) -> Result<Vec<QuotaRow>, Refusal> {
        let row = |quota: Quota, (max, source), used| QuotaRow {
            quota: quota.as_str().to_owned(),
            max,
            used,
            source,
        };
        match owner {
            QuotaOwner::Domain(domain) => {
                self.check_administers(actor, domain)?;
                let view = self.views.domain(domain.as_str());
                let of = |quota| row(quota, self.quota_in(view, quota), None);
                Ok(Quota::ALL.iter().map(|quota| of(*quota)).collect())
            }
            QuotaOwner::Principal(who) => {
                self.check_manages(actor, who)?;
                self.known(who)?;
                let may = self.allowance(who);
                let of = |quota| row(quota, may.max_and_source(quota), may.used(quota));
                Ok(Quota::ALL.iter().map(|quota| of(*quota)).collect())
            }
        }
    }

    /// Whether `who` may bring about more that is logged. Whoever has no name has bounds of its own.
    pub(super) fn check_writes(self, who: &Principal) -> Result<(), Refusal> {
        self.allowance(who).check_writes()
    }

    /// Whether rules of `owner` may grow from `before` to `after` bytes. To become less they may always.
    pub(super) fn check_rules_bytes(
        self,
        owner: &Principal,
        (before, after): (u64, u64),
    ) -> Result<(), Refusal> {
        let (quota, max) = (Quota::RulesBytes, self.quota(owner, Quota::RulesBytes));
        if after <= max || after <= before {
            return Ok(());
        }
        Err(Refusal::OverQuota { quota, max, retry_after: None })
    }
}

impl Allowance<'_> {
    /// How much of `quota` it may take.
    pub(super) fn max(&self, quota: Quota) -> u64 {
        self.max_and_source(quota).0
    }

    /// The same, and who said so: what is set for the principal, else for its domain, else by the operator.
    fn max_and_source(&self, quota: Quota) -> (u64, QuotaSource) {
        let (max, source) = match self.view.and_then(|view| view.quota(quota)) {
            Some(max) => (self.case.at_most(quota, max), QuotaSource::Principal),
            None => self.case.quota_in(self.domain, quota),
        };
        let is_user = self.view.is_none_or(|view| view.role != Role::Administrator);
        let most = match quota {
            Quota::Subscriptions if self.who.is_anonymous() => SUBSCRIPTIONS_ANONYMOUS_MAX as u64,
            Quota::Invites if is_user => INVITES_OF_USER_MAX as u64,
            _ => u64::MAX,
        };
        (max.min(most), source)
    }

    /// How much it has taken. Which of its messages wait is not told: it would say what their recipients do.
    fn used(&self, quota: Quota) -> Option<u64> {
        let Self { case: Case { views, now, .. }, who, taken, .. } = *self;
        match quota {
            Quota::LogBytes => Some(taken.log_bytes.count(now, LOG_BYTES_WINDOW_MS)),
            Quota::Events => {
                let seconds = EVENTS_WINDOW_MS / 1_000;
                Some(taken.events.count(now, EVENTS_WINDOW_MS).div_ceil(seconds))
            }
            Quota::MessageIds => Some(taken.message_ids.count(now, MESSAGE_IDS_WINDOW_MS)),
            Quota::RulesBytes => Some(views.rules(who).map_or(0, RulesView::bytes)),
            Quota::Subscriptions => Some(views.watcher(who).map_or(0, |it| it.live_count as u64)),
            Quota::Invites => Some(views.invites_of(who).count() as u64),
            Quota::Feeds | Quota::Waiting | Quota::Stored => None,
        }
    }

    /// Whether it may bring about more that is logged. Whoever has no name has bounds of its own.
    pub(super) fn check_writes(&self) -> Result<(), Refusal> {
        if self.who.is_anonymous() {
            return Ok(());
        }
        let (quota, max) = (Quota::LogBytes, self.max(Quota::LogBytes));
        let limit = Limit { quota, max, most: max, width_ms: LOG_BYTES_WINDOW_MS };
        check(self.taken.log_bytes, &limit, self.case.now)?;
        let (quota, max) = (Quota::Events, self.max(Quota::Events));
        let width_ms = EVENTS_WINDOW_MS;
        let most = max.saturating_mul(width_ms / 1_000);
        check(self.taken.events, &Limit { quota, max, most, width_ms }, self.case.now)
    }

    /// Whether it, who is called `key`, may send one more message, to whomever and whatever becomes of it.
    pub(super) fn check_sends(&self, key: SenderKey) -> Result<(), Refusal> {
        let (quota, max) = (Quota::MessageIds, self.max(Quota::MessageIds));
        let limit = Limit { quota, max, most: max, width_ms: MESSAGE_IDS_WINDOW_MS };
        check(self.taken.message_ids, &limit, self.case.now)?;
        self.check_held(Quota::Stored, self.case.views.waiting_of(key), || None)
    }

    /// Whether it may have one more of what there is `held` of; `room_at` says when time makes room.
    pub(super) fn check_held(
        &self,
        quota: Quota,
        held: u64,
        room_at: impl FnOnce() -> Option<Timestamp>,
    ) -> Result<(), Refusal> {
        let max = self.max(quota);
        if held < max {
            return Ok(());
        }
        let retry_after = room_at().filter(|_| max > 0).map(|at| self.case.now.until(at));
        Err(Refusal::OverQuota { quota, max, retry_after })
    }
}

fn check(window: Window, limit: &Limit, now: Timestamp) -> Result<(), Refusal> {
    let Limit { quota, max, most, width_ms } = *limit;
    if window.in_all() < most || window.count(now, width_ms) < most {
        return Ok(());
    }
    let retry_after = (most > 0).then(|| window.less_than(most, now, width_ms));
    Err(Refusal::OverQuota { quota, max, retry_after })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_opened_none_of_late_is_counted_no_more_once_many_are() {
        let mut opened = FeedsOpened::default();
        let one = |number: usize| format!("p{number}@d.example").parse::<Principal>().unwrap();
        for number in 0..FEEDS_COUNTED_MAX {
            opened.count(Timestamp::from_ms(0), &one(number), 1).unwrap();
        }
        let later = Timestamp::from_ms(2 * MINUTE_MS);
        opened.count(Timestamp::from_ms(1), &one(0), 1).unwrap_err();
        opened.count(later, &one(0), 1).unwrap();
        assert_eq!(opened.0.len(), 1);
    }
}
