//! Which devices are enrolled, as far as turns need it: whoever comes back takes its principal's turn and not the newcomers'.
//!
//! Only fingerprints are held, some bytes a device. Must never hold: a decision about who may act; the service has that.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::event::Event;
use crate::model::{DeviceId, Principal};
use crate::service::Actor;
use crate::view::Views;

/// The enrolled devices.
#[derive(Default)]
pub(super) struct Known {
    /// Keyed at random, so that nobody can choose a device that is taken for another.
    hasher: RandomState,
    fingerprints: Mutex<HashSet<u64>>,
}

impl Known {
    /// Those of the principals in `views`.
    pub(super) fn of(views: &Views) -> Self {
        let known = Self::default();
        for (principal, view) in views.principals() {
            let active = view.devices.iter().filter(|(_, device)| device.revoked_at.is_none());
            active.for_each(|(device, _)| known.add(principal, *device));
        }
        known
    }

    /// Whether this device is enrolled for this principal.
    pub(super) fn holds(&self, actor: &Actor) -> bool {
        self.lock().contains(&self.fingerprint(&actor.principal, actor.device))
    }

    /// The device was let in as the principal's.
    pub(super) fn add(&self, principal: &Principal, device: DeviceId) {
        self.lock().insert(self.fingerprint(principal, device));
    }

    /// Forgets a device whose key `event` says is revoked.
    pub(super) fn handle(&self, event: &Event) {
        if let Event::KeyRevoked(event) = event {
            self.lock().remove(&self.fingerprint(&event.principal, event.device));
        }
    }

    fn fingerprint(&self, principal: &Principal, device: DeviceId) -> u64 {
        self.hasher.hash_one((principal.account(), device))
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<u64>> {
        // A single number is added or removed: whoever panicked left it whole.
        self.fingerprints.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::KeyRevoked;
    use crate::model::PublicKey;

    fn actor(name: &str, key: u8) -> Actor {
        Actor { principal: name.parse().unwrap(), device: PublicKey([key; 32]).device() }
    }

    #[test]
    fn a_device_is_known_for_its_own_principal_until_it_is_revoked() {
        let (known, alice) = (Known::default(), actor("alice@localhost", 1));
        known.add(&alice.principal, alice.device);
        assert!(known.holds(&alice) && known.holds(&actor("ALICE@localhost", 1)));
        assert!(!known.holds(&actor("bob@localhost", 1)), "its key is nobody else's");
        assert!(!known.holds(&actor("alice@localhost", 2)));
        let Actor { principal, device } = alice.clone();
        let by = principal.clone();
        known.handle(&Event::KeyRevoked(KeyRevoked { principal, device, by }));
        assert!(!known.holds(&alice));
    }
}
