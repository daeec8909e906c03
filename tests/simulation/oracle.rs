//! What was promised to whom, held against what is durable: watches every answer and every item as it arrives.
//!
//! It reads the log through its own fold, the chronicle, and sees the inside of the server only where a promise is
//! about the inside. Must never hold: anything that a device or the server decides by.

use std::collections::{BTreeMap, BTreeSet};

use adsum::client::Answer;
use adsum::event::{
    Event, MessageCause, MessageEnded, PublicationCause, PublicationEnded, Recorded,
};
use adsum::model::{
    DeviceId, EndReason, InboxAddress, InboxSequence, Message, Moment, OperationId, Payload,
    Presentity, Principal, Sequence, Tag, Timestamp,
};
use adsum::protocol::{Composing, Presence};
use adsum::service::{Actor, Batch};
use adsum::session::{Place, Scope, Sealer, shown_body};

use super::chronicle::Chronicle;
use super::decrees::{Decrees, concerns};
use super::forgetting::Unspeakable;
use super::pasts::{Asked, Spot};
use super::plan::{SECRET, cursor_secret, is_liar};
use super::room::is_new;
use super::showing::{expected, is_carried, is_erasure, read};
use super::timeline::{Look, Timeline};
use super::{Checked, promised};

/// Watches a world.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    pub(crate) chronicle: Chronicle,
    /// What is right of the log's times.
    pub(crate) timeline: Timeline,
    /// What governors decided.
    pub(crate) decrees: Decrees,
    /// Secrets that cursors were ever sealed with, and the one that the server has now.
    pub(crate) eras: u8,
    pub(crate) era: u8,
    /// The logs that were cut off when a copy was put back, the last one last.
    pub(crate) pasts: Vec<Chronicle>,
    /// The end of the log when that was done last.
    pub(crate) back_at: Moment,
    /// Longest lifetimes that were asked for.
    asked_publications: BTreeMap<OperationId, u64>,
    asked_subscriptions: BTreeMap<(Principal, Presentity), u64>,
    asked_ends: BTreeSet<(Principal, Presentity)>,
    asked_deletes: BTreeSet<(InboxAddress, InboxSequence)>,
    asked_revocations: BTreeSet<DeviceId>,
    asked_erasures: BTreeSet<Principal>,
    /// What nobody may be told any more.
    pub(crate) unspeakable: Unspeakable,
    /// Whether there is room on the disk, and whether there ever was none.
    is_full: bool,
    pub(crate) was_full: bool,
    /// Through which event the log was cut away at most, in whatever past.
    pub(crate) cut_through: Sequence,
    /// From before when messages that were read may end at most.
    read_ends: Timestamp,
    /// Messages answered `Sent`, and how many of the answers called them new.
    pub(crate) sent: BTreeMap<(Principal, String), u64>,
    /// Who ever told that it writes, in which inbox.
    composing: BTreeSet<(Principal, InboxAddress)>,
    pub(crate) published: BTreeMap<OperationId, Tag>,
    pub(crate) subscribed: BTreeSet<(Principal, Presentity, OperationId)>,
    pub(crate) confirmed: BTreeMap<(InboxAddress, DeviceId), InboxSequence>,
}

impl Oracle {
    /// Where a cursor of `actor` stands. Devices cannot read theirs; the oracle knows the secrets.
    pub(crate) fn spot(&self, actor: &Actor, scope: Scope<'_>, cursor: &[u8]) -> Spot {
        let open = |era: u8| {
            let sealer = Sealer::new(&cursor_secret(era), actor, scope);
            let Place { position, epoch, passed } = sealer.open(cursor)?;
            Some(Spot { era, position, epoch, passed })
        };
        let spot = (1..=self.eras).rev().find_map(open);
        assert!(spot.is_some() || cursor.is_empty(), "a cursor is not of this server");
        spot.unwrap_or_default()
    }

    /// Whether a device's key was revoked, as the log has it.
    pub(crate) fn is_revoked(&self, actor: &Actor) -> bool {
        let revoked = &self.chronicle.revoked;
        self.chronicle.forgetting.is_erased(&actor.principal)
            || revoked.contains(&(actor.principal.clone(), actor.device))
    }

    /// A device is about to ask for the end of another one's key.
    pub(crate) fn asks_revoke(&mut self, device: DeviceId) {
        self.asked_revocations.insert(device);
    }

    /// Somebody is about to ask that `principal` be erased.
    pub(crate) fn asks_erase(&mut self, principal: &Principal) {
        self.asked_erasures.insert(principal.clone());
    }

    /// Whether there is room on the disk from now on.
    pub(crate) fn has_room(&mut self, has_room: bool) {
        self.is_full = !has_room;
        self.was_full |= self.is_full;
    }

    /// The log begins behind `base`.
    pub(crate) fn cut(&mut self, base: Sequence) {
        self.cut_through = self.cut_through.max(base);
    }

    /// Whether something of what came behind `spot` may be cut away.
    pub(crate) fn may_lack(&self, spot: Spot) -> bool {
        self.chronicle.place_of(Moment::from_us(spot.position)) <= self.cut_through
    }

    /// Messages that were read and are from before then are about to be ended.
    pub(crate) fn ends_read(&mut self, before: Timestamp) {
        self.read_ends = self.read_ends.max(before);
    }

    /// A device is about to ask for a publication.
    pub(crate) fn asks_publish(&mut self, operation: OperationId, lifetime_ms: u64) {
        self.asked_publications.insert(operation, lifetime_ms);
    }

    /// A device is about to ask for a subscription.
    pub(crate) fn asks_subscribe(&mut self, pair: (Principal, Presentity), lifetime_ms: u64) {
        let longest = self.asked_subscriptions.entry(pair).or_default();
        *longest = (*longest).max(lifetime_ms);
    }

    /// A device is about to ask for the end of a subscription.
    pub(crate) fn asks_unsubscribe(&mut self, pair: (Principal, Presentity)) {
        self.asked_ends.insert(pair);
    }

    /// A device is about to ask for the end of a message.
    pub(crate) fn asks_delete(&mut self, inbox: &InboxAddress, sequence: u64) {
        self.asked_deletes.insert((inbox.clone(), InboxSequence::new(sequence)));
    }

    /// A device is about to tell that it writes; that is never stored.
    pub(crate) fn composes(&mut self, sender: &Principal, inbox: &InboxAddress, id: &str) {
        self.chronicle.unstored.insert((sender.clone(), id.to_owned()));
        self.composing.insert((sender.clone(), inbox.clone()));
    }

    /// A device that has `reading` open was told who writes.
    pub(crate) fn composing_told(&self, reading: &InboxAddress, told: &Composing) -> Checked {
        let writes = self.composing.contains(&(told.sender.clone(), told.inbox.clone()));
        promised!(2, writes && told.inbox == *reading, "{reading} was told of {told:?}");
        Ok(())
    }

    /// The server's process says that a batch is on stable storage.
    pub(crate) fn persisted(&mut self, batch: Batch) -> Checked {
        let new = batch.events.iter().find(|(_, event)| self.is_full && is_new(event));
        promised!(2, new.is_none(), "while the disk is full, {new:?} is recorded");
        let places = (batch.first.get()..).map(Sequence::new);
        let erases = batch.events.iter().any(|(_, event)| is_erasure(event));
        for (sequence, (at, event)) in places.zip(batch.events) {
            self.durable(Recorded { sequence, at, ahead: batch.ahead, event })?;
        }
        if erases {
            // Its key is gone before anybody is told.
            self.unspeakable.are(&self.chronicle.forgetting, &self.chronicle.events);
        }
        Ok(())
    }

    /// The server looked at its clocks and did what there was to do.
    pub(crate) fn looked(&mut self, look: Look) -> Checked {
        self.timeline.looked(look, self.chronicle.next_deadline())
    }

    /// Whether governors decided anything.
    pub(crate) fn is_governed(&self) -> bool {
        self.chronicle.is_governed
    }

    /// Nothing is done to somebody who did not ask for it, whoever else did.
    fn is_asked_by_its_owner(&self, recorded: &Recorded) -> Checked {
        let asked = match &recorded.event {
            Event::MessageEnded(event) if matches!(event.cause, MessageCause::Deleted { .. }) => {
                self.asked_deletes.contains(&(event.inbox.clone(), event.sequence))
            }
            Event::PublicationEnded(PublicationEnded {
                cause: PublicationCause::Removed { operation, .. },
                ..
            }) => self.asked_publications.contains_key(operation),
            Event::MessageEnded(MessageEnded {
                inbox,
                sequence,
                cause: MessageCause::Retention,
            }) => {
                let entry = self.chronicle.entry(inbox, *sequence);
                let is_old = entry.is_some_and(|entry| entry.at < self.read_ends);
                is_old && self.chronicle.is_read(inbox, *sequence)
            }
            Event::KeyRevoked(event) => {
                self.asked_revocations.contains(&event.device)
                    || self.asked_erasures.contains(&event.principal)
            }
            Event::PrincipalErased(event) => self.asked_erasures.contains(&event.principal),
            Event::WatcherForgotten(event) => self.asked_erasures.contains(&event.watcher),
            Event::RestoreNoticed(_) => !self.pasts.is_empty(),
            _ => true,
        };
        promised!(
            12,
            asked,
            "nobody who may asked for event {}: {:?}",
            recorded.sequence,
            recorded.event
        );
        Ok(())
    }

    fn durable(&mut self, recorded: Recorded) -> Checked {
        self.timeline.durable(&recorded)?;
        self.decrees.trust.fold(&recorded)?;
        if let Event::Acknowledged(event) = &recorded.event {
            // It never acknowledges what it got.
            let lied = is_liar(&event.inbox.principal());
            promised!(12, !lied, "event {} takes a liar at its word", recorded.sequence);
        }
        if !concerns(&recorded.event) {
            self.is_asked_by_its_owner(&recorded)?;
        }
        if concerns(&recorded.event) {
            self.decrees.fold(&recorded)?;
            return self.chronicle.add(recorded);
        }
        let (at, sequence) = (recorded.at.timestamp(), recorded.sequence);
        let (granted, asked) = match &recorded.event {
            Event::Published(event) => {
                (at.until(event.deadline), self.asked_publications.get(&event.operation))
            }
            Event::PublicationRefreshed(event) => {
                (at.until(event.deadline), self.asked_publications.get(&event.operation))
            }
            Event::Subscribed(event) => {
                let pair = (event.watcher.clone(), event.presentity.clone());
                (at.until(event.expires_at), self.asked_subscriptions.get(&pair))
            }
            _ => return self.chronicle.add(recorded),
        };
        let fair = asked.is_some_and(|asked| granted.as_ms() <= *asked);
        promised!(9, fair, "event {sequence} grants {granted:?}, asked {asked:?}");
        self.chronicle.add(recorded)?;
        self.check_ends()
    }

    /// A subscription ends before its time only when its watcher asks.
    fn check_ends(&self) -> Checked {
        let is_of_erased = |(watcher, presentity): &(Principal, Presentity)| {
            self.asked_erasures.contains(watcher)
                || self.asked_erasures.contains(&presentity.principal())
        };
        let mut unasked = self.chronicle.ended_early.difference(&self.asked_ends);
        let unasked = unasked.find(|pair| !is_of_erased(pair));
        promised!(9, unasked.is_none(), "a subscription ended early, unasked: {unasked:?}");
        Ok(())
    }

    /// The server opened the log again, which begins behind `base`, and found `events`: all from there on, and before it
    /// those that are carried.
    pub(crate) fn restarted(&mut self, base: Sequence, mut events: Vec<Recorded>) -> Checked {
        let known = &self.chronicle.events;
        let is_known = base <= self.chronicle.head();
        promised!(2, is_known, "the log begins behind event {base}, which was not durable");
        let kept = events.split_off(events.partition_point(|event| event.sequence <= base));
        let brought_back = events.iter().chain(&kept).find(|event| self.is_brought_back(event));
        promised!(11, brought_back.is_none(), "what was erased reads again: {brought_back:?}");
        let wrong =
            events.iter().find(|it| !is_carried(it, self.chronicle.now_at(it.sequence).as_deref()));
        promised!(6, wrong.is_none(), "what is carried differs from what was: {wrong:?}");
        let cut = usize::try_from(base.get()).expect("worlds are short");
        let (behind, forgetting) = (&known[cut..], &self.chronicle.forgetting);
        let both = behind.iter().zip(&kept);
        let same = both.take_while(|(was, found)| *forgetting.as_now(was) == **found).count();
        if same == behind.len() {
            // What was not synced and is there nevertheless is durable from now on.
            return kept.into_iter().skip(same).try_for_each(|event| self.durable(event));
        }
        let lost = cut + same + 1;
        let unreadable = behind.get(same).zip(kept.get(same));
        let is_lost = unreadable.is_some_and(|(was, found)| self.is_lost(was, found));
        promised!(11, !is_lost, "nobody erased what is written in event {lost}, it is unreadable");
        let events: Vec<_> = known[..cut].iter().cloned().chain(kept).collect();
        self.chronicle = Chronicle::of(events)?;
        self.check_answers()?;
        promised!(1, false, "event {lost} was durable when its answers left, and is gone");
        Ok(())
    }

    /// Everything that any device was ever told to be done is in the log.
    pub(crate) fn check_answers(&self) -> Checked {
        for (sender, id) in self.sent.keys() {
            let there = self.chronicle.message(sender, id).is_some();
            promised!(2, there, "message {id} was acknowledged to {sender} and is not in the log");
        }
        for (operation, tag) in &self.published {
            let tags = self.chronicle.operations.get(operation);
            let there = tags.is_some_and(|tags| tags.contains(tag));
            promised!(2, there, "operation {operation:?} was acknowledged and is not in the log");
        }
        let lost = self.subscribed.difference(&self.chronicle.grants).next();
        promised!(2, lost.is_none(), "{lost:?} was acknowledged and is not in the log");
        for (place, through) in &self.confirmed {
            let durable = self.chronicle.acknowledged.get(place).copied().unwrap_or_default();
            promised!(
                2,
                durable >= *through,
                "{place:?} was told {through}, the log has {durable}"
            );
        }
        Ok(())
    }

    /// A message was answered with yes.
    pub(crate) fn sent(
        &mut self,
        sender: &Principal,
        id: &str,
        (inbox, body): (&str, &[u8]),
        answer: &Answer,
    ) -> Checked {
        let Answer::Sent { duplicate } = answer else {
            promised!(4, false, "message {id} was answered {answer:?}");
            return Ok(());
        };
        let entry = self.chronicle.message(sender, id);
        promised!(1, entry.is_some(), "message {id} of {sender} was acknowledged, is not durable");
        let same = entry.is_some_and(|entry| {
            let bytes = entry.event.body.bytes().map(AsRef::as_ref);
            let is_right = bytes.is_none_or(|bytes| bytes == body);
            entry.event.inbox.to_string() == inbox && is_right
        });
        promised!(2, same, "message {id} of {sender} lies in the log with other content");
        let key = (sender.clone(), id.to_owned());
        let accepted = self.chronicle.accepted.get(&key).copied().unwrap_or_default();
        let new = self.sent.entry(key).or_default();
        *new += u64::from(!duplicate);
        promised!(4, *new <= accepted, "message {id} of {sender} was new {new} times");
        Ok(())
    }

    /// A message was answered with no.
    pub(crate) fn not_sent(
        &self,
        (sender, id): (&Principal, &str),
        inbox: &str,
        reason: &str,
    ) -> Checked {
        if self.is_or_was_erased(inbox) {
            return Ok(());
        }
        let known = self.sent.contains_key(&(sender.clone(), id.to_owned()));
        promised!(4, !known, "message {id} of {sender} was acknowledged, then refused: {reason}");
        promised!(2, false, "message {id} of {sender} was refused: {reason}");
        Ok(())
    }

    /// A publication was answered with yes.
    pub(crate) fn published(&mut self, operation: OperationId, answer: &Answer) -> Checked {
        let Answer::Published { tag, .. } = answer else {
            promised!(4, false, "operation {operation:?} was answered {answer:?}");
            return Ok(());
        };
        let tags = self.chronicle.operations.get(&operation);
        let there = tags.is_some_and(|tags| tags.contains(tag));
        promised!(1, there, "operation {operation:?} was acknowledged, is not durable");
        let before = self.published.insert(operation, *tag);
        let same = before.is_none_or(|before| before == *tag);
        promised!(4, same, "operation {operation:?} got two answers");
        Ok(())
    }

    /// A subscription was answered with yes.
    pub(crate) fn subscribed(
        &mut self,
        (watcher, presentity): (Principal, Presentity),
        operation: OperationId,
    ) -> Checked {
        let granted = (watcher, presentity, operation);
        let there = self.chronicle.grants.contains(&granted);
        promised!(1, there, "{granted:?} was acknowledged, is not durable");
        self.subscribed.insert(granted);
        Ok(())
    }

    /// The end of a subscription was answered with yes; it was asked for when the last event was that of `since`.
    pub(crate) fn unsubscribed(&self, pair: &(Principal, Presentity), since: Asked) -> Checked {
        let since = self.since(since);
        let episodes = self.chronicle.subscriptions.get(pair);
        let lives = |one: &super::stories::Episode| one.begin <= since && one.end.is_none();
        let all_the_time = episodes.is_some_and(|episodes| episodes.iter().any(lives));
        promised!(1, !all_the_time, "the end of {pair:?} was acknowledged, is not durable");
        Ok(())
    }

    /// A device was told that its acknowledgement is durable.
    pub(crate) fn confirmed(
        &mut self,
        place: (InboxAddress, DeviceId),
        through: InboxSequence,
    ) -> Checked {
        let durable = self.chronicle.acknowledged.get(&place).copied().unwrap_or_default();
        promised!(1, durable >= through, "{place:?} was told {through}, durable is {durable}");
        let before = self.confirmed.entry(place).or_default();
        *before = through.max(*before);
        Ok(())
    }

    /// An inbox has this message, byte for byte, or had it in the past of the cursor that came with it.
    pub(crate) fn message(&self, spot: Spot, message: &Message) -> Checked {
        let entry = self.log_of_message(&message.inbox, spot);
        let entry = entry.and_then(|log| log.entry(&message.inbox, message.sequence));
        let is_lost = entry.is_some_and(|entry| {
            let may_be = self.may_be_unreadable(entry, &message.body);
            message.body == Payload::Erased && entry.event.body != Payload::Erased && !may_be
        });
        let (place, inbox) = (message.sequence, &message.inbox);
        promised!(11, !is_lost, "nobody erased message {place} of {inbox}, it is unreadable");
        let same = entry.is_some_and(|entry| {
            let event = &entry.event;
            event.sender == message.sender
                && event.id == message.id
                && (event.body == message.body || self.may_be_unreadable(entry, &message.body))
                && event.content_type == message.content_type
                && entry.shown_at == message.accepted_at
                && event.lifetime == message.lifetime
        });
        promised!(
            3,
            same,
            "message {} of {} is not as in the log",
            message.sequence,
            message.inbox
        );
        Ok(())
    }

    /// `watcher` was shown `body` at a position of its feed: the log says the same of that position.
    pub(crate) fn shown(&self, watcher: &Principal, spot: Spot, told: &Presence) -> Checked {
        let at = Moment::from_us(spot.position);
        let Some(log) = self.log_of(spot) else {
            let head = self.chronicle.moment();
            promised!(1, false, "{watcher} was shown a change at {spot:?}, durable is {head:?}");
            return Ok(());
        };
        let presentity = &told.presentity;
        let expected = expected(log, watcher, presentity, at);
        let Some(expected) = expected else {
            promised!(
                3,
                false,
                "{watcher} was shown {presentity} at {at:?} without a subscription"
            );
            return Ok(());
        };
        let due = read(shown_body(&SECRET, &expected, watcher));
        let right = *told == due || self.is_left(told, &due);
        promised!(9, right, "{watcher} was shown {told:?} at {at:?}, the log has {expected:?}");
        Ok(())
    }

    /// What `watcher` is to be shown of `presentity` now, if it ever subscribed.
    pub(crate) fn current(&self, pair: &(Principal, Presentity)) -> Option<Presence> {
        let last = self.chronicle.subscriptions.get(pair)?.last()?;
        let at = last.end.map_or(self.chronicle.moment(), |(at, _): (Moment, EndReason)| at);
        Some(read(shown_body(&SECRET, &expected(&self.chronicle, &pair.0, &pair.1, at)?, &pair.0)))
    }
}
