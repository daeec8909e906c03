//! A principal and its devices.
//!
//! Must never hold: what the principal publishes, watches or receives; those are entities of their own.

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::budget::set;
use super::few::Few;
use crate::event::{Event, PrincipalErased, Recorded};
use crate::model::limits::{ACTS_MAX, DEVICES_REVOKED_MAX};
use crate::model::{
    AdministratorAct, DeviceId, Payload, Principal, PublicKey, Quota, QuotasSet, Role, Sequence,
    Timestamp,
};

/// A principal that was enrolled. There are many who do nothing else, so what few have lies apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct PrincipalView {
    /// The last event it took.
    pub as_of: Sequence,
    /// What it may do.
    pub role: Role,
    /// Its devices, revoked ones too.
    pub devices: Few<DeviceId, DeviceView>,
    /// Whether it has a presentity.
    pub presence: bool,
    /// Whether it has an inbox.
    pub messaging: bool,
    /// Whether an administrator suspended it.
    pub is_suspended: bool,
    rare: Option<Box<Rare>>,
}

/// What few principals have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rare {
    /// What administrators did that concerns it, oldest first.
    acts: VecDeque<ActView>,
    /// Its own quotas.
    quotas: QuotasSet,
    /// If it was erased and nobody is called so since: from when on somebody may be.
    name_free_at: Option<Timestamp>,
    /// The devices that it had then, which are told that it was erased.
    devices_erased: BTreeSet<DeviceId>,
}

/// As a principal is written.
#[derive(Serialize, Deserialize)]
struct Saved {
    as_of: Sequence,
    role: Role,
    devices: Few<DeviceId, DeviceView>,
    presence: bool,
    messaging: bool,
    is_suspended: bool,
    acts: VecDeque<ActView>,
    quotas: QuotasSet,
    name_free_at: Option<Timestamp>,
    devices_erased: BTreeSet<DeviceId>,
}

impl From<Saved> for PrincipalView {
    fn from(saved: Saved) -> Self {
        let Saved { as_of, role, devices, presence, messaging, is_suspended, .. } = saved;
        let Saved { acts, quotas, name_free_at, devices_erased, .. } = saved;
        let mut view = Self { as_of, role, devices, presence, messaging, is_suspended, rare: None };
        view.change_rare(|rare| *rare = Rare { acts, quotas, name_free_at, devices_erased });
        view
    }
}

impl From<PrincipalView> for Saved {
    fn from(view: PrincipalView) -> Self {
        let PrincipalView { as_of, role, devices, presence, messaging, is_suspended, rare } = view;
        let Rare { acts, quotas, name_free_at, devices_erased } =
            rare.map(|it| *it).unwrap_or_default();
        Self {
            as_of,
            role,
            devices,
            presence,
            messaging,
            is_suspended,
            acts,
            quotas,
            name_free_at,
            devices_erased,
        }
    }
}

/// An act of an administrator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActView {
    /// When.
    pub at: Timestamp,
    /// Which administrator.
    pub by: Principal,
    /// What it did.
    pub act: AdministratorAct,
    /// To what; may be empty.
    pub about: String,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceView {
    /// Its key.
    pub key: PublicKey,
    /// What its owner calls it: a [`DeviceLabel`](crate::model::DeviceLabel) as text.
    pub label: Payload,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// It is not shown what a message says that was recorded before this event; zero if it is shown all.
    pub confined_before: Sequence,
}

impl Default for PrincipalView {
    fn default() -> Self {
        Self {
            as_of: Sequence::ZERO,
            role: Role::User,
            devices: Few::default(),
            presence: true,
            messaging: true,
            is_suspended: false,
            rare: None,
        }
    }
}

impl PrincipalView {
    /// Whether `device` is or was one of its own.
    pub fn has(&self, device: &DeviceId) -> bool {
        self.devices.contains_key(device)
    }

    /// Whether `device` may act for it.
    pub fn is_active(&self, device: &DeviceId) -> bool {
        self.devices.get(device).is_some_and(|device| device.revoked_at.is_none())
    }

    /// What administrators did that concerns it, oldest first.
    pub fn acts(&self) -> impl DoubleEndedIterator<Item = &ActView> {
        self.rare.iter().flat_map(|rare| &rare.acts)
    }

    /// Its own quota, if one is set.
    pub fn quota(&self, quota: Quota) -> Option<u64> {
        self.rare.as_ref()?.quotas.get(&quota).copied()
    }

    /// If it was erased and nobody is called so since: from when on somebody may be.
    pub fn name_free_at(&self) -> Option<Timestamp> {
        self.rare.as_ref()?.name_free_at
    }

    /// Whether it had `device` when it was erased.
    pub fn had(&self, device: &DeviceId) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.devices_erased.contains(device))
    }

    fn change_rare(&mut self, change: impl FnOnce(&mut Rare)) {
        let mut rare = self.rare.take().unwrap_or_default();
        change(&mut rare);
        self.rare = Some(rare).filter(|rare| **rare != Rare::default());
    }

    /// How many devices may act for it.
    pub fn devices_active(&self) -> usize {
        self.devices.values().filter(|device| device.revoked_at.is_none()).count()
    }

    /// All that somebody wrote, to be sealed or opened: what belongs together at once.
    pub(super) fn payloads_mut(&mut self) -> impl Iterator<Item = Vec<&mut Payload>> {
        self.devices.values_mut().map(|device| vec![&mut device.label])
    }

    pub(super) fn apply(&mut self, recorded: &Recorded) {
        self.as_of = recorded.sequence;
        match &recorded.event {
            Event::KeyEnrolled(event) => {
                let label = Payload::text(event.label.as_str());
                self.enroll(event.key, label, event.role, recorded.shown_at());
            }
            Event::DeviceEnrolled(event) => {
                self.enroll(event.key, event.label.clone(), event.role, recorded.shown_at());
            }
            Event::KeyRevoked(event) => {
                if let Some(device) = self.devices.get_mut(&event.device) {
                    device.revoked_at = Some(recorded.shown_at());
                }
                self.forget_revoked();
            }
            Event::DeviceConfined(event) => {
                if let Some(device) = self.devices.get_mut(&event.device) {
                    device.confined_before = event.before;
                }
            }
            Event::ServicesSwitched(event) => {
                (self.presence, self.messaging) = (event.presence, event.messaging);
            }
            Event::PrincipalErased(event) => {
                self.erase(event);
                // What somebody does to itself leaves no act.
                if let Some(by) = event.by.as_ref().filter(|by| **by != event.principal) {
                    self.add_act(recorded.shown_at(), (by, AdministratorAct::Erased, ""));
                }
            }
            Event::PrincipalSuspended(event) => self.is_suspended = event.is_suspended,
            Event::AdministratorActed(event) => {
                self.add_act(recorded.shown_at(), (&event.by, event.act, &event.about));
            }
            Event::QuotaSet(event) => {
                self.change_rare(|rare| set(&mut rare.quotas, event.quota, event.max));
            }
            _ => unreachable!("only events of principals come here"),
        }
    }

    /// Nothing of it is left but which devices it had.
    fn erase(&mut self, event: &PrincipalErased) {
        let devices_erased = self.devices.keys().copied().collect();
        let (as_of, name_free_at) = (self.as_of, Some(event.name_free_at));
        *self = Self { as_of, ..Self::default() };
        self.change_rare(|rare| {
            *rare = Rare { name_free_at, devices_erased, ..Rare::default() };
        });
    }

    fn add_act(&mut self, at: Timestamp, (by, act, about): (&Principal, AdministratorAct, &str)) {
        let (by, about) = (by.clone(), about.to_owned());
        self.change_rare(|rare| {
            if rare.acts.len() == ACTS_MAX {
                rare.acts.pop_front();
            }
            rare.acts.push_back(ActView { at, by, act, about });
        });
    }

    fn enroll(&mut self, key: PublicKey, label: Payload, role: Role, enrolled_at: Timestamp) {
        if self.name_free_at().is_some() {
            // Who is called so now is somebody else.
            *self = Self { as_of: self.as_of, ..Self::default() };
        }
        self.role = self.role.max(role);
        let confined_before = Sequence::ZERO;
        let device = DeviceView { key, label, enrolled_at, revoked_at: None, confined_before };
        self.devices.insert(key.device(), device);
    }

    /// Keeps the latest revoked devices only, so that enrolling and revoking for ever stays bounded.
    fn forget_revoked(&mut self) {
        let revoked = |device: &(&DeviceId, &DeviceView)| device.1.revoked_at.is_some();
        if self.devices.iter().filter(revoked).count() <= DEVICES_REVOKED_MAX {
            return;
        }
        let oldest =
            self.devices.iter().filter(revoked).min_by_key(|(_, device)| device.revoked_at);
        if let Some(device) = oldest.map(|(device, _)| *device) {
            self.devices.remove(&device);
        }
    }
}
