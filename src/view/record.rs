//! Checkpoint records: each entity as bytes, to be loaded instead of folding the whole log.
//!
//! A record stands for its entity up to the entity's own last event, so records of different ages fit together:
//! what is folded twice changes nothing. Bytes: key = one letter and the entity's name, value = postcard.
//! Must never hold: what follows from the entities (due times, known ids, counts); that is made anew on loading.

use core::convert::Infallible;
use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::expiry::Ends;
use super::inbox_record::InboxRecord;
use super::layout::{Checkpointed, Layout, RecordFault};
use super::views::Views;
use super::{
    AudienceView, Due, InboxView, OperationsView, PresentityView, PrincipalView, StoreView,
    SubscriptionView,
};
use crate::event::{EntityKey, Operator};
use crate::model::{Ahead, DeviceId, Moment, Payload, Principal, Sequence};

const META: &[u8] = b"M";
const INVITE: u8 = b'I';
const PRINCIPAL: u8 = b'P';
const PRESENTITY: u8 = b'E';
const WATCHER: u8 = b'W';
const INBOX: u8 = b'N';
const RULES: u8 = b'R';
const AUDIENCE: u8 = b'A';
const DOMAIN: u8 = b'D';
const STORE: u8 = b'S';
const CLOCK: u8 = b'C';
const OPERATIONS: u8 = b'O';
const BUDGET: u8 = b'B';
/// In a key of operations, in front of whose they are.
const OF_DEVICE: u8 = b'D';
const OF_PRINCIPAL: u8 = b'P';

/// A key, and the bytes under it or `None` to remove them.
pub type Record = (Vec<u8>, Option<Vec<u8>>);

/// Which events the records together stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Meta {
    version: u16,
    through: Sequence,
    moment: Moment,
    ahead: Ahead,
}

impl Views {
    /// The records of one entity as `L` has them, to be saved together. What people wrote in it is first given to `seal`, what belongs together at once, with whose it is.
    ///
    /// # Errors
    /// Those of `seal`.
    pub fn records_of<L: Layout, E>(
        &mut self,
        entity: &EntityKey,
        mut seal: impl FnMut(&Principal, Vec<&mut Payload>) -> Result<(), E>,
    ) -> Result<Vec<Record>, E> {
        let key = key_of(entity);
        let records = match entity {
            EntityKey::Invite(invite) => vec![(key, self.invites.get(invite).map(L::write))],
            EntityKey::Principal(principal) => {
                let mut view = self.principals.get(principal).cloned();
                for payloads in view.iter_mut().flat_map(PrincipalView::payloads_mut) {
                    seal(principal, payloads)?;
                }
                vec![(key, view.as_ref().map(L::write))]
            }
            EntityKey::Presentity(presentity) => {
                let (mut view, owner) =
                    (self.presentities.get(presentity).cloned(), presentity.principal());
                for payloads in view.iter_mut().flat_map(PresentityView::payloads_mut) {
                    seal(&owner, payloads)?;
                }
                vec![(key, view.as_ref().map(L::write))]
            }
            EntityKey::Watcher(watcher) => vec![(key, self.watchers.get(watcher).map(L::write))],
            EntityKey::Inbox(inbox) => {
                self.inboxes.get_mut(inbox).map(|view| view.records::<L>(&key)).unwrap_or_default()
            }
            EntityKey::Rules(principal) => vec![(key, self.rules.get(principal).map(L::write))],
            EntityKey::Audience(presentity) => {
                vec![(key, self.audiences.get(presentity).map(L::write))]
            }
            EntityKey::Domain(domain) => vec![(key, self.domains.get(domain).map(L::write))],
            EntityKey::Store => vec![(key, Some(L::write(&self.store)))],
            EntityKey::Clock => vec![(key, Some(L::write(&self.clock)))],
            EntityKey::Operations(by) => vec![(key, self.remembered(by).as_deref().map(L::write))],
            EntityKey::Budget(principal) => vec![(key, self.budgets.get(principal).map(L::write))],
        };
        Ok(records)
    }

    /// The record that says which events all saved records together stand for. Saved last.
    pub fn meta_record<L: Layout>(through: Sequence, moment: Moment, ahead: Ahead) -> Record {
        let meta = Meta { version: L::VERSION, through, moment, ahead };
        (META.to_vec(), Some(L::write(&meta)))
    }

    /// The key of the record that [`Views::meta_record`] makes.
    pub const META_KEY: &[u8] = META;

    /// The key of an entity's first record.
    pub fn record_key(entity: &EntityKey) -> Vec<u8> {
        key_of(entity)
    }

    /// Every record of every entity, in order of key: two views are equal if and only if these are.
    pub fn all_records(&mut self) -> Vec<Record> {
        let mut records = Vec::new();
        for entity in self.entities() {
            records.extend(self.whole_records_of(&entity));
        }
        records.sort();
        records
    }

    /// Every record of one entity, to be looked at and not saved: what has yet to be saved stays marked as changed. Those of an
    /// inbox have the rows that are held here.
    pub(super) fn whole_records_of(&mut self, entity: &EntityKey) -> Vec<Record> {
        let EntityKey::Inbox(inbox) = entity else {
            let as_it_is = |_: &Principal, _: Vec<&mut Payload>| Ok::<_, Infallible>(());
            let Ok(plain) = self.records_of::<Checkpointed, _>(entity, as_it_is);
            return plain;
        };
        self.inboxes.get(inbox).map(|view| view.whole_records(&key_of(entity))).unwrap_or_default()
    }

    /// Every entity there is, a kind after the other.
    pub fn entities(&self) -> Vec<EntityKey> {
        let invites = self.invites.keys().copied().map(EntityKey::Invite);
        let principals = self.principals.keys().cloned().map(EntityKey::Principal);
        let presentities = self.presentities.keys().cloned().map(EntityKey::Presentity);
        let watchers = self.watchers.keys().cloned().map(EntityKey::Watcher);
        let inboxes = self.inboxes.keys().cloned().map(EntityKey::Inbox);
        let rules = self.rules.keys().cloned().map(EntityKey::Rules);
        let audiences = self.audiences.keys().cloned().map(EntityKey::Audience);
        let domains = self.domains.keys().cloned().map(EntityKey::Domain);
        let clock = (self.clock.as_of > Sequence::ZERO).then_some(EntityKey::Clock);
        let early = invites.chain(principals).chain(presentities).chain(watchers).chain(inboxes);
        let store = (self.store != StoreView::default()).then_some(EntityKey::Store);
        let remembered = self.operations.keys().filter(|by| self.remembered(by).is_some());
        let operations = remembered.cloned().map(EntityKey::Operations);
        let late = early.chain(rules).chain(audiences).chain(domains).chain(store).chain(clock);
        let budgets = self.budgets.keys().cloned().map(EntityKey::Budget);
        late.chain(operations).chain(budgets).collect()
    }

    /// The operations of `by` that are remembered at the moment of the last event.
    pub(super) fn remembered(&self, by: &Operator) -> Option<Cow<'_, OperationsView>> {
        self.operations.get(by)?.remembered(self.time())
    }

    /// Takes one saved record, whose payloads are given to `open`. Call for each in order of key, then
    /// [`Views::finish_loading`].
    /// Returns false if the records are of another version: fold the whole log then.
    ///
    /// # Errors
    /// [`RecordFault`] if it does not read.
    pub fn load<L: Layout>(
        &mut self,
        key: &[u8],
        value: &[u8],
        open: impl FnMut(Vec<&mut Payload>),
    ) -> Result<bool, RecordFault> {
        if key == META {
            let meta: Meta = L::read(value)?;
            (self.head, self.moment, self.ahead) = (meta.through, meta.moment, meta.ahead);
            return Ok(meta.version == L::VERSION);
        }
        let (letter, name) = key.split_first().ok_or_else(|| fault("its key is empty"))?;
        match *letter {
            INVITE => {
                let name: [u8; 32] = name.try_into().map_err(|_| fault("its key is no invite"))?;
                self.invites.insert(crate::model::InviteId(name), L::read(value)?);
            }
            PRINCIPAL => {
                let mut view: PrincipalView = L::read(value)?;
                view.payloads_mut().for_each(open);
                self.principals.insert(account(name)?, view);
            }
            PRESENTITY => {
                let mut view: PresentityView = L::read(value)?;
                view.payloads_mut().for_each(open);
                self.presentities.insert(account(name)?.presentity(), view);
            }
            WATCHER => {
                self.watchers.insert(account(name)?, L::read(value)?);
            }
            INBOX => match InboxRecord::read::<L>(name, value)? {
                (name, InboxRecord::Head(view)) => {
                    self.inboxes.insert(account(name)?.inbox(), *view);
                }
                (name, other) => {
                    let view = self.inboxes.get_mut(&account(name)?.inbox());
                    view.ok_or_else(|| fault("its inbox has no head"))?.load(other);
                }
            },
            RULES => {
                self.rules.insert(account(name)?, L::read(value)?);
            }
            AUDIENCE => {
                self.audiences.insert(account(name)?.presentity(), L::read(value)?);
            }
            DOMAIN => {
                let text = core::str::from_utf8(name).map_err(|_| fault("its key is not UTF-8"))?;
                let domain = text.parse().map_err(|_| fault("its key is no domain"))?;
                self.domains.insert(domain, L::read(value)?);
            }
            STORE => self.store = L::read(value)?,
            CLOCK => self.clock = L::read(value)?,
            OPERATIONS => {
                self.operations.insert(operator(name)?, L::read(value)?);
            }
            BUDGET => {
                self.budgets.insert(account(name)?, L::read(value)?);
            }
            _ => return Err(fault("its key is of no kind this program knows")),
        }
        Ok(true)
    }

    /// Makes what follows from the loaded records.
    ///
    /// # Errors
    /// [`RecordFault`] if an inbox's rows do not fit its head.
    pub fn finish_loading(&mut self) -> Result<(), RecordFault> {
        self.finish_loading_but_ids()?;
        self.index_ids(Sequence::ZERO);
        Ok(())
    }

    /// As [`Views::finish_loading`], where the ids of messages up to the last event that the records stand for lie elsewhere.
    ///
    /// # Errors
    /// As [`Views::finish_loading`].
    pub fn finish_loading_beside_ids(&mut self) -> Result<(), RecordFault> {
        self.finish_loading_but_ids()?;
        self.index_ids(self.head);
        Ok(())
    }

    fn finish_loading_but_ids(&mut self) -> Result<(), RecordFault> {
        for (inbox, view) in &mut self.inboxes {
            if !view.is_whole() {
                return Err(fault(&format!("rows of {inbox} are missing")));
            }
            view.recount();
        }
        self.audiences.values_mut().for_each(AudienceView::index);
        self.index_messages();
        self.index_due();
        self.index_people();
        self.index_operations();
        self.index_changed();
        self.counts.publications =
            self.presentities.values().map(|view| view.publications.len() as u64).sum();
        self.counts.subscriptions = self.watchers.values().map(|view| view.live_count as u64).sum();
        self.counts.messages = self.inboxes.values().map(InboxView::kept).sum();
        Ok(())
    }

    fn index_messages(&mut self) {
        for (inbox, view) in &self.inboxes {
            for (sequence, row) in view.numbered_rows() {
                if let Some(expires_at) = row.expires_at.filter(|_| row.kept) {
                    self.expiry.insert(expires_at, Due::Message(inbox.clone(), sequence));
                }
            }
            for (_, sender) in view.waiting() {
                *self.waiting.entry(sender).or_default() += 1;
            }
        }
    }

    fn index_people(&mut self) {
        for (watcher, view) in &self.watchers {
            let live = view.subscriptions.iter().filter(|(_, subscription)| subscription.is_live());
            for (presentity, _) in live {
                self.subscribers.entry(presentity.clone()).or_default().insert(watcher.clone());
            }
        }
        let principals = core::mem::take(&mut self.principals);
        for principal in principals.keys() {
            self.settle(principal);
        }
        // What is filled in order is left half empty; what is made at once is full.
        self.principals = principals.into_iter().collect();
        self.looks = core::mem::take(&mut self.looks).into_iter().collect();
        self.inboxes = core::mem::take(&mut self.inboxes).into_iter().collect();
    }

    fn index_operations(&mut self) {
        for (by, view) in &self.operations {
            self.forgetting.extend(view.forget_at().map(|at| (at, by.clone())));
        }
        self.forget_operations(usize::MAX);
    }

    fn index_due(&mut self) {
        for (invite, view) in &self.invites {
            self.expiry.insert(view.expires_at, Due::Invite(*invite));
            self.made.invite(view, *invite, true);
        }
        for (presentity, view) in &self.presentities {
            for (key, publication) in &view.publications {
                self.expiry.insert(
                    publication.deadline,
                    Due::Publication(presentity.clone(), key.clone()),
                );
                self.made.publication(presentity, key, true);
            }
        }
        for (watcher, view) in &self.watchers {
            let live = view
                .subscriptions
                .iter()
                .filter(|(_, subscription): &(_, &SubscriptionView)| subscription.is_live());
            for (presentity, subscription) in live {
                self.expiry.insert(
                    subscription.expires_at,
                    Due::Subscription(watcher.clone(), presentity.clone()),
                );
            }
        }
        for (principal, view) in &self.rules {
            for grantee in view.grants.keys() {
                self.made.grant(principal, grantee, view, true);
            }
            self.expiry.reschedule_rules(principal, Ends { before: None, after: view.boundary() });
        }
    }
}

fn key_of(entity: &EntityKey) -> Vec<u8> {
    let (prefix, name): (&[u8], &[u8]) = match entity {
        EntityKey::Invite(invite) => (&[INVITE], &invite.0),
        EntityKey::Principal(principal) => (&[PRINCIPAL], principal.account().as_bytes()),
        EntityKey::Presentity(presentity) => (&[PRESENTITY], presentity.account().as_bytes()),
        EntityKey::Watcher(watcher) => (&[WATCHER], watcher.account().as_bytes()),
        EntityKey::Inbox(inbox) => (&[INBOX], inbox.account().as_bytes()),
        EntityKey::Rules(principal) => (&[RULES], principal.account().as_bytes()),
        EntityKey::Budget(principal) => (&[BUDGET], principal.account().as_bytes()),
        EntityKey::Audience(presentity) => (&[AUDIENCE], presentity.account().as_bytes()),
        EntityKey::Domain(domain) => (&[DOMAIN], domain.as_str().as_bytes()),
        EntityKey::Store => (&[STORE], &[]),
        EntityKey::Clock => (&[CLOCK], &[]),
        EntityKey::Operations(Operator::Device(device)) => (&[OPERATIONS, OF_DEVICE], &device.0),
        EntityKey::Operations(Operator::Principal(principal)) => {
            (&[OPERATIONS, OF_PRINCIPAL], principal.account().as_bytes())
        }
    };
    [prefix, name].concat()
}

fn operator(name: &[u8]) -> Result<Operator, RecordFault> {
    match name.split_first() {
        Some((&OF_DEVICE, device)) => {
            let device = device.try_into().map_err(|_| fault("its key is no device"))?;
            Ok(Operator::Device(DeviceId(device)))
        }
        Some((&OF_PRINCIPAL, name)) => account(name).map(Operator::Principal),
        _ => Err(fault("its key says of nobody whose it is")),
    }
}

fn account(name: &[u8]) -> Result<Principal, RecordFault> {
    let text = core::str::from_utf8(name).map_err(|_| fault("its key is not UTF-8"))?;
    Principal::recorded(text).map_err(|_| fault("its key is no address"))
}

fn fault(reason: &str) -> RecordFault {
    RecordFault { reason: reason.to_owned() }
}
