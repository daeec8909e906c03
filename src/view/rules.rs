//! A principal's rules and grants: of its presentity, of its inbox, and of itself as a watcher.
//!
//! Must never hold: what the rules decide for whom; that is worked out when somebody asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use postcard::ser_flavors::Size;
use serde::{Deserialize, Serialize};

use crate::event::{Event, Recorded};
use crate::model::{
    AccessRules, DeliveryRules, DeviceId, Principal, Rights, Sequence, Timestamp, VisibilityRules,
};

/// The rules of a principal that ever changed them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesView {
    /// The last event it took.
    pub as_of: Sequence,
    /// The access rules of its presentity.
    pub access: Arc<AccessRules>,
    /// Their version; zero before the first.
    pub access_version: u64,
    /// Their last change in the log.
    pub access_at: Sequence,
    /// Up to which time of the wall clock the rules that begin or cease to hold have been looked at.
    pub reviewed: Timestamp,
    /// The delivery rules of its inbox.
    pub delivery: DeliveryRules,
    /// Their version; zero before the first.
    pub delivery_version: u64,
    /// Its visibility rules.
    pub visibility: VisibilityRules,
    /// Their version; zero before the first.
    pub visibility_version: u64,
    /// What it grants to whom.
    pub grants: BTreeMap<Principal, GrantView>,
}

/// What a principal grants another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantView {
    /// All it may do.
    pub rights: Rights,
    /// Who gave it: the owner or a member.
    pub by: Principal,
    /// With which device, if that is known.
    pub device: Option<DeviceId>,
}

/// How many bytes rules take where they are stored.
pub fn stored_bytes<Rules: Serialize>(rules: &Rules) -> u64 {
    let bytes = postcard::serialize_with_flavor(rules, Size::default());
    bytes.expect("rules hold no type that postcard cannot write") as u64
}

impl RulesView {
    /// How many bytes of rules it has.
    pub fn bytes(&self) -> u64 {
        stored_bytes(&self.access) + stored_bytes(&self.delivery) + stored_bytes(&self.visibility)
    }

    /// What it grants `grantee`.
    pub fn rights(&self, grantee: &Principal) -> Rights {
        self.grants.get(grantee).map(|grant| grant.rights).unwrap_or_default()
    }

    /// Whether it shows itself to `other` as a watcher.
    pub fn shows_to(&self, other: &Principal) -> bool {
        self.visibility.shows_to(other)
    }

    /// When the next access rule begins or ceases to hold, by the wall clock.
    pub(super) fn boundary(&self) -> Option<Timestamp> {
        self.access.next_boundary(self.reviewed)
    }

    pub(super) fn apply(&mut self, recorded: &Recorded) {
        self.as_of = recorded.sequence;
        match &recorded.event {
            Event::AccessRulesChanged(event) => {
                self.access = Arc::new(event.rules.clone());
                self.access_changed(recorded, event.version);
            }
            Event::AccessRulesAmended(event) => {
                Arc::make_mut(&mut self.access).apply(&event.rules);
                self.access_changed(recorded, event.version);
            }
            Event::RulesReviewed(event) => self.reviewed = event.through,
            Event::DeliveryRulesChanged(event) => {
                self.delivery = event.rules.clone();
                self.delivery_version = event.version;
            }
            Event::DeliveryRulesAmended(event) => {
                self.delivery.apply(&event.rules);
                self.delivery_version = event.version;
            }
            Event::VisibilityRulesChanged(event) => {
                self.visibility = event.rules.clone();
                self.visibility_version = event.version;
            }
            Event::VisibilityRulesAmended(event) => {
                self.visibility.apply(&event.rules);
                self.visibility_version = event.version;
            }
            Event::GrantChanged(event) => {
                let before = self.grants.remove(&event.grantee);
                if !event.rights.is_none() {
                    let (rights, by) = (event.rights, event.by.clone());
                    // What is left of a grant is of who gave it; one of an old log names no device.
                    let left = before.filter(|before| before.rights.has(rights));
                    let grant = left.map_or(GrantView { rights, by, device: None }, |left| {
                        GrantView { rights, ..left }
                    });
                    self.grants.insert(event.grantee.clone(), grant);
                }
            }
            Event::GrantGiven(event) => {
                let (rights, by) = (event.rights, event.by.clone());
                let grant = GrantView { rights, by, device: Some(event.device) };
                self.grants.insert(event.grantee.clone(), grant);
            }
            _ => unreachable!("only events of rules come here"),
        }
    }

    fn access_changed(&mut self, recorded: &Recorded, version: u64) {
        self.access_version = version;
        self.access_at = recorded.sequence;
        self.reviewed = recorded.shown_at();
    }
}
