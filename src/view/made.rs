//! What was made by whom, so that it can end with its maker: open invites, live publications, grants; and for whom
//! recoveries run.
//!
//! Must never hold: anything that does not follow from the entities.

use std::collections::{BTreeMap, BTreeSet};

use super::{InviteView, RulesView};
use crate::event::PublicationKey;
use crate::model::{DeviceId, InviteId, Presentity, Principal};

/// Who made what of all that stands.
#[derive(Debug, Default)]
pub(super) struct Made {
    invites: Index<Principal, InviteId>,
    /// With whom each is of, the recoveries that run.
    recoveries: Index<Principal, InviteId>,
    /// With each device, what is published with it and where.
    publications: Index<DeviceId, (Presentity, PublicationKey)>,
    /// With who gave it, each grant by who grants and to whom.
    grants: Index<Principal, (Principal, Principal)>,
}

type Index<K, V> = BTreeMap<K, BTreeSet<V>>;

impl Made {
    pub(super) fn invite(&mut self, view: &InviteView, invite: InviteId, is_open: bool) {
        if let Some(maker) = &view.by {
            set(&mut self.invites, maker, invite, is_open);
        }
        if let (Some(_), Some(principal)) = (view.recovery, &view.principal) {
            set(&mut self.recoveries, principal, invite, is_open);
        }
    }

    pub(super) fn publication(&mut self, at: &Presentity, key: &PublicationKey, is_live: bool) {
        set(&mut self.publications, &key.device, (at.clone(), key.clone()), is_live);
    }

    pub(super) fn grant(
        &mut self,
        owner: &Principal,
        grantee: &Principal,
        rules: &RulesView,
        is_given: bool,
    ) {
        if let Some(grant) = rules.grants.get(grantee) {
            set(&mut self.grants, &grant.by, (owner.clone(), grantee.clone()), is_given);
        }
    }

    /// The names of the open invites that `maker` made.
    pub(super) fn invites(&self, maker: &Principal) -> impl Iterator<Item = &InviteId> {
        self.invites.get(maker).into_iter().flatten()
    }

    /// The names of the recoveries of `principal` that run.
    pub(super) fn recoveries(&self, principal: &Principal) -> impl Iterator<Item = &InviteId> {
        self.recoveries.get(principal).into_iter().flatten()
    }

    /// What is published with `device`, and where.
    pub(super) fn publications(
        &self,
        device: &DeviceId,
    ) -> impl Iterator<Item = &(Presentity, PublicationKey)> {
        self.publications.get(device).into_iter().flatten()
    }

    /// The grants that `giver` gave, in whosever name: who grants, and to whom.
    pub(super) fn grants(
        &self,
        giver: &Principal,
    ) -> impl Iterator<Item = &(Principal, Principal)> {
        self.grants.get(giver).into_iter().flatten()
    }
}

/// Puts `value` among what `key` made, or takes it out.
fn set<K: Ord + Clone, V: Ord>(index: &mut Index<K, V>, key: &K, value: V, stands: bool) {
    if stands {
        index.entry(key.clone()).or_default().insert(value);
    } else if let Some(made) = index.get_mut(key) {
        made.remove(&value);
        if made.is_empty() {
            index.remove(key);
        }
    }
}
