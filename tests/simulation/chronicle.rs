//! The log as the oracle reads it: its own fold, independent of the views, which checks every event as it comes.
//!
//! Checked here: times and leases (promise 9), one event per operation and message id (promise 4), tags that never
//! repeat, inboxes without gaps. Must never hold: anything of the service's state.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use adsum::event::{
    CutStatement, Event, InviteCause, MessageAccepted, MessageCause, PublicationCause,
    PublicationEnded, PublicationKey, PublicationRefreshed, Published, ReceiptIssued, Recorded,
};
use adsum::log::Tip;
use adsum::model::limits::DEDUPLICATION_MS;
use adsum::model::{
    DeviceId, EpochId, InboxAddress, InboxSequence, InviteId, Lifetime, Moment, OperationId,
    Presentity, Principal, ReceiptKind, Sequence, Tag, Timestamp,
};

use super::decrees::concerns;
use super::forgetting::Forgetting;
use super::repeats::Repeats;
use super::stories::{Entry, Episode, Place, PresenceStory};
use super::timeline::may_have_been_due;
use super::{Checked, promised};

/// What lives by a lifetime, as the columns of the table of clocks are called.
pub(crate) const THINGS: [&str; 5] =
    ["publications", "messages", "subscriptions", "receipts", "invites"];

/// Something that ends by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lease {
    Publication(Presentity, PublicationKey),
    Subscription(Principal, Presentity),
    Message(InboxAddress, InboxSequence),
    Invite(InviteId),
}

impl Lease {
    fn thing(&self) -> &'static str {
        match self {
            Self::Publication(..) => THINGS[0],
            Self::Message(..) => THINGS[1],
            Self::Subscription(..) => THINGS[2],
            Self::Invite(_) => THINGS[4],
        }
    }
}

/// When something ends, and how many things had happened to the clocks when that was decided.
#[derive(Clone, Copy, Debug)]
struct Term {
    deadline: Timestamp,
    acts: usize,
}

/// Everything that is durable, and what follows from it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chronicle {
    pub(crate) events: Vec<Recorded>,
    /// What the processes that wrote it drew, the first event of each, and the moment after the event before that.
    epochs: Vec<(EpochId, Sequence, Moment)>,
    /// Whose keys were revoked.
    pub(crate) revoked: BTreeSet<(Principal, DeviceId)>,
    /// Devices of which this process says that they have seen another past.
    noticed: BTreeSet<DeviceId>,
    /// Whether some of them are about what governors decide, which is not folded here.
    pub(crate) is_governed: bool,
    pub(crate) presentities: BTreeMap<Presentity, PresenceStory>,
    pub(crate) subscriptions: BTreeMap<(Principal, Presentity), Vec<Episode>>,
    pub(crate) inboxes: BTreeMap<InboxAddress, Vec<Entry>>,
    pub(crate) acknowledged: BTreeMap<(InboxAddress, DeviceId), InboxSequence>,
    /// The tags each operation gave; more than one if it was forgotten before it was repeated.
    pub(crate) operations: BTreeMap<OperationId, Vec<Tag>>,
    repeats: Repeats,
    /// The requests by which watchers' subscriptions to a presentity were granted.
    pub(crate) grants: BTreeSet<(Principal, Presentity, OperationId)>,
    /// Subscriptions that ended before their time, which only their watchers may ask for.
    pub(crate) ended_early: BTreeSet<(Principal, Presentity)>,
    /// How often each message was accepted: again only when its id may be forgotten.
    pub(crate) accepted: BTreeMap<(Principal, String), u64>,
    sends: BTreeMap<(Principal, String), (InboxAddress, InboxSequence)>,
    /// What is told to whoever is there, and never stored.
    pub(crate) unstored: BTreeSet<(Principal, String)>,
    pub(crate) tags: BTreeSet<(Presentity, [u8; 16])>,
    leases: BTreeMap<Lease, Term>,
    /// What happened to the server's clocks, in order.
    pub(crate) acts: Vec<&'static str>,
    /// How many of each kind of thing lived through which of that and ended when their time was over.
    pub(crate) lived: BTreeMap<(&'static str, &'static str), u64>,
    /// The last message that ended so, and its term.
    lapsed: Option<(Sequence, Term)>,
    /// How far some device has read each inbox.
    read: BTreeMap<InboxAddress, InboxSequence>,
    /// Through which event the log was to be cut, and the chain behind it, as each statement of that says.
    pub(crate) cuts: Vec<(Sequence, Tip)>,
    /// Who is erased.
    pub(crate) forgetting: Forgetting,
}

impl Chronicle {
    /// The chronicle of a whole log.
    pub(crate) fn of(events: Vec<Recorded>) -> Checked<Self> {
        let mut chronicle = Self::default();
        events.into_iter().try_for_each(|recorded| chronicle.add(recorded))?;
        Ok(chronicle)
    }

    /// As of an earlier copy. What does not lie in the log stays: what was asked, which tags were ever given, and what
    /// happened to the clocks.
    pub(crate) fn go_back(&mut self, to: Self, with_keys: bool) -> Self {
        let unstored = core::mem::take(&mut self.unstored);
        let (acts, lived) = (core::mem::take(&mut self.acts), core::mem::take(&mut self.lived));
        let (tags, mut forgetting) = (self.tags.clone(), self.forgetting.clone());
        forgetting.go_back(to.forgetting.clone(), to.head(), with_keys);
        core::mem::replace(self, Self { unstored, tags, acts, lived, forgetting, ..to })
    }

    /// The event at a position, as it can be read now.
    pub(crate) fn now_at(&self, sequence: Sequence) -> Option<Cow<'_, Recorded>> {
        self.at(sequence).map(|recorded| self.forgetting.as_now(recorded))
    }

    /// In which epoch what happened at `moment` lies.
    pub(crate) fn epoch_at(&self, moment: Moment) -> EpochId {
        let last = self.epochs.iter().rfind(|(.., at)| *at <= moment);
        last.map_or(EpochId::NONE, |(epoch, ..)| *epoch)
    }

    /// In which epoch an event lies.
    pub(crate) fn epoch_of(&self, place: Sequence) -> EpochId {
        let last = self.epochs.iter().rfind(|(_, first, _)| *first <= place);
        last.map_or(EpochId::NONE, |(epoch, ..)| *epoch)
    }

    /// Whether a process of this epoch wrote some of it.
    pub(crate) fn knows(&self, epoch: EpochId) -> bool {
        epoch == EpochId::NONE || self.epochs.iter().any(|(known, ..)| *known == epoch)
    }

    /// The last event.
    pub(crate) fn head(&self) -> Sequence {
        Sequence::new(self.events.len() as u64)
    }

    /// When the last event happened.
    pub(crate) fn moment(&self) -> Moment {
        self.events.last().map_or(Moment::ZERO, |last| last.at)
    }

    /// When an event was decided that is there.
    pub(crate) fn time_of(&self, sequence: Sequence) -> Timestamp {
        self.at(sequence).map_or(Timestamp::default(), |recorded| recorded.at.timestamp())
    }

    /// The event at a position.
    pub(crate) fn at(&self, sequence: Sequence) -> Option<&Recorded> {
        self.events.get(usize::try_from(sequence.get().checked_sub(1)?).ok()?)
    }

    /// Where an event lies that happened at that moment.
    pub(crate) fn place_of(&self, at: Moment) -> Sequence {
        Sequence::new(self.events.partition_point(|recorded| recorded.at < at) as u64 + 1)
    }

    /// Whether some device has taken a message.
    pub(crate) fn is_read(&self, inbox: &InboxAddress, sequence: InboxSequence) -> bool {
        self.read.get(inbox).is_some_and(|through| *through >= sequence)
    }

    /// When the first lease runs out.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.leases.values().map(|term| term.deadline).min()
    }

    /// The message a sender sent under `id`, if it lies in the log.
    pub(crate) fn message(&self, sender: &Principal, id: &str) -> Option<&Entry> {
        let (inbox, sequence) = self.sends.get(&(sender.clone(), id.to_owned()))?;
        self.entry(inbox, *sequence)
    }

    /// The message at a position of an inbox.
    pub(crate) fn entry(&self, inbox: &InboxAddress, sequence: InboxSequence) -> Option<&Entry> {
        let index = usize::try_from(sequence.get().checked_sub(1)?).ok()?;
        self.inboxes.get(inbox)?.get(index)
    }

    /// One more event became durable.
    pub(crate) fn add(&mut self, recorded: Recorded) -> Checked {
        let due = self.head().next();
        promised!(
            5,
            recorded.sequence == due,
            "event {} follows {}",
            recorded.sequence,
            self.head()
        );
        promised!(9, recorded.at > self.moment(), "event {due} is no later than the one before");
        self.repeats.fold(&recorded)?;
        if let Event::Acknowledged(event) = &recorded.event {
            let through = self.read.entry(event.inbox.clone()).or_default();
            *through = event.through.max(*through);
        }
        self.check_leases(&recorded)?;
        if concerns(&recorded.event) {
            let is_followed =
                matches!(recorded.event, Event::InviteIssued(_) | Event::InviteEnded(_));
            self.is_governed |= !is_followed;
            self.fold_governed(&recorded)?;
        } else {
            self.fold(&recorded)?;
        }
        self.events.push(recorded);
        Ok(())
    }

    /// Nothing outlives its deadline, and nothing ends by itself before it.
    fn check_leases(&mut self, recorded: &Recorded) -> Checked {
        if let Some(lease) = self.expired(recorded) {
            let term = self.leases.get(&lease).copied();
            let due = term.filter(|term| term.deadline <= recorded.at.timestamp());
            let (at, sequence) = (recorded.at, recorded.sequence);
            promised!(9, due.is_some(), "event {sequence} ends {lease:?} at {at:?}, due {term:?}");
            if let Some(term) = due {
                self.outlived(lease.thing(), term);
                self.lapsed = matches!(lease, Lease::Message(..)).then_some((sequence, term));
            }
            return Ok(());
        }
        self.check_late(recorded)
    }

    /// A thing lived for its lifetime, through whatever happened to the clocks.
    fn outlived(&mut self, thing: &'static str, term: Term) {
        let acts: BTreeSet<_> = self.acts[term.acts..].iter().copied().collect();
        for act in acts {
            *self.lived.entry((act, thing)).or_default() += 1;
        }
    }

    /// Something is to end by itself.
    fn lives(&mut self, lease: Lease, deadline: Timestamp) {
        self.leases.insert(lease, Term { deadline, acts: self.acts.len() });
    }

    /// Nothing outlives its deadline. What ends by itself at the same time has its turn too, one behind the other.
    fn check_late(&self, recorded: &Recorded) -> Checked {
        let (at, may_wait) = (recorded.at.timestamp(), may_have_been_due(&recorded.event));
        let is_late = |due: Timestamp| due < at || due == at && !may_wait;
        let late = self.leases.iter().find(|(_, term)| is_late(term.deadline));
        let sequence = recorded.sequence;
        promised!(9, late.is_none(), "at event {sequence} a lease lives after its end: {late:?}");
        Ok(())
    }

    /// The lease that an event ends because its time was over.
    fn expired(&self, recorded: &Recorded) -> Option<Lease> {
        match &recorded.event {
            Event::PublicationEnded(event) if event.cause == PublicationCause::Expired => {
                Some(Lease::Publication(event.presentity.clone(), event.publication.clone()))
            }
            Event::MessageEnded(event) if event.cause == MessageCause::Expired => {
                Some(Lease::Message(event.inbox.clone(), event.sequence))
            }
            Event::InviteEnded(event) if event.cause == InviteCause::Expired => {
                Some(Lease::Invite(event.invite))
            }
            // That its watcher ended it has the same reason in the log, so only the time tells.
            Event::SubscriptionEnded(event) => {
                let lease = Lease::Subscription(event.watcher.clone(), event.presentity.clone());
                let due = self
                    .leases
                    .get(&lease)
                    .is_some_and(|term| term.deadline <= recorded.at.timestamp());
                due.then_some(lease)
            }
            _ => None,
        }
    }

    fn fold(&mut self, recorded: &Recorded) -> Checked {
        let (sequence, at) = (recorded.sequence, recorded.at.timestamp());
        let place = (sequence, recorded.at);
        match &recorded.event {
            Event::Published(event) => self.published(place, event)?,
            Event::PublicationRefreshed(event) => {
                self.tagged(event.operation, event.tag, &event.presentity)?;
                let key = (event.presentity.clone(), event.publication.clone());
                self.lives(Lease::Publication(key.0, key.1), event.deadline);
            }
            Event::PublicationEnded(event) => self.publication_ended(place, event)?,
            Event::Subscribed(event) => {
                let pair = (event.watcher.clone(), event.presentity.clone());
                let episodes = self.subscriptions.entry(pair.clone()).or_default();
                if episodes.last().is_none_or(|last| last.end.is_some()) {
                    episodes.push(Episode::new(recorded.at, event.mode));
                }
                self.granted(pair, event.operation, event.expires_at);
            }
            Event::SubscriptionEnded(event) => {
                let pair = (event.watcher.clone(), event.presentity.clone());
                let last = self.subscriptions.get_mut(&pair).and_then(|all| all.last_mut());
                let live = last.filter(|last| last.end.is_none());
                promised!(5, live.is_some(), "event {sequence} ends what does not live");
                if let Some(last) = live {
                    last.end = Some((recorded.at, event.reason));
                }
                let term =
                    self.leases.remove(&Lease::Subscription(pair.0.clone(), pair.1.clone()));
                if term.is_none_or(|term| term.deadline > at) {
                    self.ended_early.insert(pair);
                }
            }
            Event::MessageAccepted(event) => self.accept((sequence, at, recorded.shown_at()), event)?,
            Event::MessageEnded(event) => {
                let entries = self.inboxes.get_mut(&event.inbox);
                let index = usize::try_from(event.sequence.get() - 1).unwrap_or(usize::MAX);
                let entry = entries.and_then(|entries| entries.get_mut(index));
                let entry = entry.filter(|entry| entry.ended.is_none());
                promised!(5, entry.is_some(), "event {sequence} ends a message that is not there");
                if let Some(entry) = entry {
                    entry.ended = Some(sequence);
                }
                self.leases.remove(&Lease::Message(event.inbox.clone(), event.sequence));
            }
            Event::Acknowledged(event) => {
                let place = (event.inbox.clone(), event.device);
                let before = self.acknowledged.insert(place, event.through).unwrap_or_default();
                promised!(3, event.through > before, "event {sequence} moves a position back");
            }
            Event::EpochBegan(event) => {
                // `self.events` ends with the event before it.
                self.epochs.push((event.epoch, sequence, self.moment().next()));
                self.noticed.clear();
            }
            Event::RestoreNoticed(event) => {
                let fresh = self.noticed.insert(event.device);
                promised!(5, fresh, "event {sequence} says again that a device saw another past");
            }
            Event::KeyRevoked(event) => {
                self.revoked.insert((event.principal.clone(), event.device));
            }
            Event::LogCut(event) => self.cut(sequence, &event.cut)?,
            Event::PrincipalErased(_) => self.forgetting.fold(recorded),
            Event::ClockMoved(_)
            | Event::KeyEnrolled(_)
            | Event::DeviceEnrolled(_)
            | Event::OperationDone(_)
            | Event::WatcherForgotten(_)
            // Everybody lets everybody watch here: nothing else is decided.
            | Event::WatchObserved(_) => {}
            other => promised!(5, false, "event {sequence} is a {}", other.kind()),
        }
        Ok(())
    }

    /// The log is to be cut: from where it begins, or where it was to begin, through an event that is there.
    fn cut(&mut self, sequence: Sequence, stated: &CutStatement) -> Checked {
        let base = Tip { head: Sequence::new(stated.from.get() - 1), chain: stated.before };
        let mut begins = core::iter::once(Tip::EMPTY).chain(self.cuts.iter().map(|(_, tip)| *tip));
        let leads_back = begins.any(|tip| tip == base);
        promised!(6, leads_back, "event {sequence} cuts from {base:?}, where the log never began");
        let through = stated.through;
        let is_there = through > base.head && through < sequence;
        promised!(6, is_there, "event {sequence} cuts the log from {base:?} through {through}");
        let until = self.time_of(through);
        promised!(
            5,
            until == stated.until,
            "event {sequence} cuts until {:?}, not {until:?}",
            stated.until
        );
        self.cuts.push((sequence, Tip { head: through, chain: stated.after }));
        Ok(())
    }

    /// Of what governors decide, only what lives by a lifetime and no rule ends is followed.
    fn fold_governed(&mut self, recorded: &Recorded) -> Checked {
        match &recorded.event {
            Event::InviteIssued(event) => {
                self.lives(Lease::Invite(event.invite), event.expires_at);
            }
            Event::InviteEnded(event) => {
                self.leases.remove(&Lease::Invite(event.invite));
            }
            Event::MessageAccepted(event) => self.message_lives(recorded.at.timestamp(), event),
            Event::MessageQuarantined(event) => {
                self.message_lives(recorded.at.timestamp(), &event.message);
            }
            Event::MessageEnded(event) => {
                self.leases.remove(&Lease::Message(event.inbox.clone(), event.sequence));
            }
            Event::Published(Published { presentity, publication, deadline, .. })
            | Event::PublicationRefreshed(PublicationRefreshed {
                presentity,
                publication,
                deadline,
                ..
            }) => {
                self.lives(Lease::Publication(presentity.clone(), publication.clone()), *deadline);
            }
            Event::PublicationEnded(event) => {
                let key = (event.presentity.clone(), event.publication.clone());
                self.leases.remove(&Lease::Publication(key.0, key.1));
            }
            Event::ReceiptIssued(ReceiptIssued { kind: ReceiptKind::Expired, .. }) => {
                let sequence = recorded.sequence;
                let ended = self.lapsed.take().filter(|(ended, _)| ended.next() == sequence);
                promised!(9, ended.is_some(), "event {sequence} tells of an end that is not there");
                if let Some((_, term)) = ended {
                    self.outlived(THINGS[3], term);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn message_lives(&mut self, at: Timestamp, event: &MessageAccepted) {
        if let Some(lifetime) = event.lifetime {
            let lease = Lease::Message(event.inbox.clone(), event.sequence);
            self.lives(lease, at.after(lifetime));
        }
    }

    fn granted(
        &mut self,
        pair: (Principal, Presentity),
        operation: OperationId,
        expires_at: Timestamp,
    ) {
        self.grants.insert((pair.0.clone(), pair.1.clone(), operation));
        self.lives(Lease::Subscription(pair.0, pair.1), expires_at);
    }

    /// A tag is given once.
    fn tagged(&mut self, operation: OperationId, tag: Tag, presentity: &Presentity) -> Checked {
        self.operations.entry(operation).or_default().push(tag);
        let fresh = self.tags.insert((presentity.clone(), tag.0));
        promised!(4, fresh, "{tag:?} was given twice");
        Ok(())
    }

    fn published(&mut self, place: Place, event: &Published) -> Checked {
        let sequence = place.0;
        self.tagged(event.operation, event.tag, &event.presentity)?;
        let story = self.presentities.entry(event.presentity.clone()).or_default();
        promised!(5, event.previous == story.last(), "event {sequence} leads back wrongly");
        story.publish(place, &event.publication, &event.document);
        let key = (event.presentity.clone(), event.publication.clone());
        self.lives(Lease::Publication(key.0, key.1), event.deadline);
        Ok(())
    }

    fn publication_ended(&mut self, place: Place, event: &PublicationEnded) -> Checked {
        let sequence = place.0;
        if let PublicationCause::Removed { operation, tag } = event.cause {
            self.tagged(operation, tag, &event.presentity)?;
        }
        let story = self.presentities.entry(event.presentity.clone()).or_default();
        promised!(5, event.previous == story.last(), "event {sequence} leads back wrongly");
        promised!(5, story.end(place, &event.publication), "event {sequence} ends nothing");
        let key = (event.presentity.clone(), event.publication.clone());
        self.leases.remove(&Lease::Publication(key.0, key.1));
        Ok(())
    }

    fn accept(
        &mut self,
        (sequence, at, shown_at): (Sequence, Timestamp, Timestamp),
        event: &MessageAccepted,
    ) -> Checked {
        let id = event.id.as_str();
        let stays = !self.unstored.contains(&(event.sender.clone(), id.to_owned()));
        promised!(2, stays, "event {sequence} stores that {} writes", event.sender);
        let known = self.message(&event.sender, id);
        let forgotten =
            known.is_none_or(|known| known.at.after(Lifetime::from_ms(DEDUPLICATION_MS)) <= at);
        promised!(4, forgotten, "event {sequence} accepts message {id} of {} again", event.sender);
        let entries = self.inboxes.entry(event.inbox.clone()).or_default();
        let due = entries.len() as u64 + 1;
        promised!(5, event.sequence.get() == due, "event {sequence} leaves a gap in the inbox");
        entries.push(Entry { place: sequence, event: event.clone(), at, shown_at, ended: None });
        let place = (event.inbox.clone(), event.sequence);
        self.message_lives(at, event);
        let key = (event.sender.clone(), id.to_owned());
        *self.accepted.entry(key.clone()).or_default() += 1;
        self.sends.insert(key, place);
        Ok(())
    }
}
