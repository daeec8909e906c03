//! What ends with a device that is revoked, and with a principal that is suspended: what it publishes, granted and invited.
//!
//! Its connections, and so its feeds, are closed by who is told of the revocation. Rules stay: they are what their owner
//! says, and a rule that blocks somebody must not cease because it was set with a device that was lost.
//! Must never hold: who may revoke or suspend.

use std::collections::{BTreeMap, BTreeSet};

use super::{grant, invite, publish, recovery};
use crate::event::{Event, PublicationKey};
use crate::model::{DeviceId, Presentity, Principal, Rights};
use crate::service::Actor;
use crate::service::case::Case;
use crate::view::GrantView;

/// What ends together.
#[derive(Default)]
struct Ending {
    publications: BTreeMap<Presentity, BTreeSet<PublicationKey>>,
    /// Who grants, and to whom.
    grants: BTreeSet<(Principal, Principal)>,
}

/// The events that end what was made with `device` of `principal`. They must be the first of their verdict.
pub(super) fn of_device(
    case: Case<'_>,
    actor: &Actor,
    principal: &Principal,
    device: DeviceId,
) -> Vec<Event> {
    let mut ending = Ending::default();
    ending.publish(case, device);
    // Which device gave a grant of an old log nobody knows: it stands.
    ending.give(case, principal, |grant| grant.device == Some(device));
    let mut events = ending.events(case, actor);
    events.extend(invite::revoked(case, principal, Some(device)));
    events
}

/// The events that end what is and was made by `principal`, or in its name. They must be the first of their verdict.
pub(super) fn of_principal(case: Case<'_>, actor: &Actor, principal: &Principal) -> Vec<Event> {
    all_of(case, actor, principal, Ending::default())
}

/// As [`of_principal`], and what was granted to it.
pub(super) fn of_erased(case: Case<'_>, actor: &Actor, principal: &Principal) -> Vec<Event> {
    let granted = case.views.granting(principal).map(|owner| (owner.clone(), principal.clone()));
    let grants = granted.collect();
    all_of(case, actor, principal, Ending { grants, ..Ending::default() })
}

fn all_of(case: Case<'_>, actor: &Actor, principal: &Principal, mut ending: Ending) -> Vec<Event> {
    let devices = case.views.principal(principal).into_iter().flat_map(|view| view.devices.keys());
    devices.for_each(|device| ending.publish(case, *device));
    let presentity = principal.presentity();
    if let Some(view) = case.views.presentity(&presentity) {
        let own = view.publications.keys().cloned().collect();
        ending.publications.insert(presentity, own);
    }
    let grants = case.views.rules(principal).into_iter().flat_map(|view| view.grants.keys());
    ending.grants.extend(grants.map(|grantee| (principal.clone(), grantee.clone())));
    ending.give(case, principal, |_| true);
    let mut events = ending.events(case, actor);
    events.extend(invite::revoked(case, principal, None));
    events.extend(recovery::stopped(case, actor, principal));
    events
}

impl Ending {
    /// Ends what is published with `device`, wherever that is.
    fn publish(&mut self, case: Case<'_>, device: DeviceId) {
        for (presentity, key) in case.views.published_with(&device).cloned() {
            self.publications.entry(presentity).or_default().insert(key);
        }
    }

    /// Ends those of the grants that `by` gave, in whosever name.
    fn give(&mut self, case: Case<'_>, by: &Principal, ends: impl Fn(&GrantView) -> bool) {
        let given = case.views.given_by(by).filter(|(owner, grantee)| {
            let grants = case.views.rules(owner).map(|view| &view.grants);
            grants.and_then(|grants| grants.get(grantee)).is_some_and(&ends)
        });
        self.grants.extend(given.cloned());
    }

    fn events(mut self, case: Case<'_>, actor: &Actor) -> Vec<Event> {
        for (owner, grantee) in &self.grants {
            let rules = case.views.rules(owner);
            if rules.is_some_and(|rules| rules.rights(grantee).has(Rights::PUBLISH)) {
                let gone = grant::published(case, owner, grantee);
                self.publications.entry(owner.presentity()).or_default().extend(gone);
            }
        }
        self.publications.retain(|_, gone| !gone.is_empty());
        let mut events = Vec::new();
        for (presentity, gone) in &self.publications {
            events.extend(publish::withdrawn(case, presentity, gone, events.len()));
        }
        for pair in &self.grants {
            let is_changed = self.publications.contains_key(&pair.0.presentity());
            events.extend(grant::taken(case, actor, pair, is_changed));
        }
        events
    }
}
