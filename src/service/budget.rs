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
    QuotaRow, QuotaSource, Refusal, Sequence, Timestamp, Window,
};
use crate::view::{BudgetView, RulesView, SenderKey};

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

impl Case<'_> {
    /// How much of `quota` `who` may take.
    pub(super) fn quota(&self, who: &Principal, quota: Quota) -> u64 {
        self.quota_of(who, quota).0
    }

    /// The same, and who said so: what is set for the principal, else for its domain, else by the operator.
    fn quota_of(&self, who: &Principal, quota: Quota) -> (u64, QuotaSource) {
        let own = self.views.principal(who).and_then(|view| view.quota(quota));
        let (max, source) = match own {
            Some(max) => (self.at_most(quota, max), QuotaSource::Principal),
            None => self.quota_in(who.domain(), quota),
        };
        let most = match quota {
            Quota::Subscriptions if who.is_anonymous() => SUBSCRIPTIONS_ANONYMOUS_MAX as u64,
            Quota::Invites if !self.is_administrator(who) => INVITES_OF_USER_MAX as u64,
            _ => u64::MAX,
        };
        (max.min(most), source)
    }

    /// How much of `quota` those of `domain` may take that have none of their own, and who said so.
    fn quota_in(&self, domain: &str, quota: Quota) -> (u64, QuotaSource) {
        match self.views.domain(domain).and_then(|view| view.quotas.get(&quota)) {
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
                let of = |quota| row(quota, self.quota_in(domain.as_str(), quota), None);
                Ok(Quota::ALL.iter().map(|quota| of(*quota)).collect())
            }
            QuotaOwner::Principal(who) => {
                self.check_manages(actor, who)?;
                self.known(who)?;
                let of = |quota| row(quota, self.quota_of(who, quota), self.used(who, quota));
                Ok(Quota::ALL.iter().map(|quota| of(*quota)).collect())
            }
        }
    }

    /// How much `who` has taken. Which of its messages wait is not told: it would say what their recipients do.
    fn used(&self, who: &Principal, quota: Quota) -> Option<u64> {
        let taken = self.taken(who);
        match quota {
            Quota::LogBytes => Some(taken.log_bytes.count(self.now, LOG_BYTES_WINDOW_MS)),
            Quota::Events => {
                let seconds = EVENTS_WINDOW_MS / 1_000;
                Some(taken.events.count(self.now, EVENTS_WINDOW_MS).div_ceil(seconds))
            }
            Quota::MessageIds => Some(taken.message_ids.count(self.now, MESSAGE_IDS_WINDOW_MS)),
            Quota::RulesBytes => Some(self.views.rules(who).map_or(0, RulesView::bytes)),
            Quota::Subscriptions => {
                Some(self.views.watcher(who).map_or(0, |view| view.live_count as u64))
            }
            Quota::Invites => Some(self.views.invites_of(who).count() as u64),
            Quota::Feeds | Quota::Waiting | Quota::Stored => None,
        }
    }

    /// Whether `who` may bring about more that is logged. Whoever has no name has bounds of its own.
    pub(super) fn check_writes(&self, who: &Principal) -> Result<(), Refusal> {
        if who.is_anonymous() {
            return Ok(());
        }
        let taken = self.taken(who);
        let (quota, max) = (Quota::LogBytes, self.quota(who, Quota::LogBytes));
        let limit = Limit { quota, max, most: max, width_ms: LOG_BYTES_WINDOW_MS };
        check(taken.log_bytes, &limit, self.now)?;
        let (quota, max) = (Quota::Events, self.quota(who, Quota::Events));
        let width_ms = EVENTS_WINDOW_MS;
        let most = max.saturating_mul(width_ms / 1_000);
        check(taken.events, &Limit { quota, max, most, width_ms }, self.now)
    }

    /// Whether `sender` may send one more message, to whomever and whatever becomes of it.
    pub(super) fn check_sends(&self, sender: &Principal) -> Result<(), Refusal> {
        let (quota, max) = (Quota::MessageIds, self.quota(sender, Quota::MessageIds));
        let limit = Limit { quota, max, most: max, width_ms: MESSAGE_IDS_WINDOW_MS };
        check(self.taken(sender).message_ids, &limit, self.now)?;
        let stored = self.views.waiting_of(SenderKey::of(sender));
        self.check_held(sender, Quota::Stored, stored, || None)
    }

    /// Whether `who` may have one more of what there is `held` of; `room_at` says when time makes room.
    pub(super) fn check_held(
        &self,
        who: &Principal,
        quota: Quota,
        held: u64,
        room_at: impl FnOnce() -> Option<Timestamp>,
    ) -> Result<(), Refusal> {
        let max = self.quota(who, quota);
        if held < max {
            return Ok(());
        }
        let retry_after = room_at().filter(|_| max > 0).map(|at| self.now.until(at));
        Err(Refusal::OverQuota { quota, max, retry_after })
    }

    /// Whether rules of `owner` may grow from `before` to `after` bytes. To become less they may always.
    pub(super) fn check_rules_bytes(
        &self,
        owner: &Principal,
        (before, after): (u64, u64),
    ) -> Result<(), Refusal> {
        let (quota, max) = (Quota::RulesBytes, self.quota(owner, Quota::RulesBytes));
        if after <= max || after <= before {
            return Ok(());
        }
        Err(Refusal::OverQuota { quota, max, retry_after: None })
    }

    /// What `who` has taken of late.
    fn taken(&self, who: &Principal) -> &BudgetView {
        const NOTHING: &BudgetView = &BudgetView {
            as_of: Sequence::ZERO,
            log_bytes: Window::NONE,
            events: Window::NONE,
            message_ids: Window::NONE,
        };
        self.views.budget(who).unwrap_or(NOTHING)
    }
}

fn check(window: Window, limit: &Limit, now: Timestamp) -> Result<(), Refusal> {
    let Limit { quota, max, most, width_ms } = *limit;
    if window.count(now, width_ms) < most {
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
