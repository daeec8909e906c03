//! What is erased: whose keys are gone, which of the log's texts nobody can read any more, and that none of them is told or
//! lies anywhere.
//!
//! Every text that devices write begins with a name of its own in angles, so that it is found in whatever bytes it stands. What
//! left before an erasure was acknowledged may still arrive; nothing leaves that was looked up afterwards. Must never hold: a key.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use adsum::event::{Event, Recorded};
use adsum::log::memory::MemoryDisk;
use adsum::model::{Message, Payload, Principal, Sequence};
use adsum::protocol::Presence;

use super::chronicle::Chronicle;
use super::oracle::Oracle;
use super::showing::is_erasure;
use super::stories::Entry;
use super::{Checked, promised};

/// Longer than any name of a text.
const NAME_BYTES_MAX: usize = 40;

/// Who is erased, and what of the log is unreadable with that.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forgetting {
    /// Who is erased, as the log has it.
    erased: BTreeSet<Principal>,
    /// Whose key is gone, and the last event that may have been sealed with it.
    gone: BTreeMap<Principal, Sequence>,
}

impl Forgetting {
    /// One more event is durable.
    pub(crate) fn fold(&mut self, recorded: &Recorded) {
        if let Event::PrincipalErased(event) = &recorded.event {
            self.erased.insert(event.principal.clone());
            self.gone.insert(event.principal.clone(), recorded.sequence);
        }
    }

    /// As of an earlier copy, which ends at `head`. Unless the keys of then came back with it, what was unreadable stays so.
    pub(crate) fn go_back(&mut self, to: Self, head: Sequence, with_keys: bool) {
        let now = core::mem::replace(self, to);
        if !with_keys {
            self.lose(&now, head);
        }
    }

    /// The keys of whose `later` are gone are gone, and nothing up to `head` can be read that was sealed with them.
    pub(crate) fn lose(&mut self, later: &Self, head: Sequence) {
        self.gone.extend(later.gone.keys().map(|principal| (principal.clone(), head)));
    }

    /// Whether somebody is erased.
    pub(crate) fn is_erased(&self, principal: &Principal) -> bool {
        self.erased.contains(principal)
    }

    /// Whether the key of `principal` is gone, or was before the store went back.
    pub(crate) fn is_gone(&self, principal: &Principal) -> bool {
        self.gone.contains_key(principal)
    }

    /// Whether anybody's key is.
    pub(crate) fn is_anything_gone(&self) -> bool {
        !self.gone.is_empty()
    }

    /// Whether nobody can read what is written in an event.
    pub(crate) fn hides(&self, recorded: &Recorded) -> bool {
        let Some(owners) = recorded.event.owners().filter(|_| !self.gone.is_empty()) else {
            return false;
        };
        let mut owners = [Some(&owners.keeper), owners.sender.as_ref()].into_iter().flatten();
        owners.any(|owner| self.gone.get(owner).is_some_and(|last| recorded.sequence <= *last))
    }

    /// An event as it can be read now.
    pub(crate) fn as_now<'a>(&self, recorded: &'a Recorded) -> Cow<'a, Recorded> {
        if !self.hides(recorded) {
            return Cow::Borrowed(recorded);
        }
        let mut now = recorded.clone();
        now.event.payloads_mut().into_iter().for_each(|payload| *payload = Payload::Erased);
        Cow::Owned(now)
    }
}

impl Oracle {
    /// A start found `events`: who is erased by one that nobody was told of is erased all the same.
    pub(crate) fn finds_erasures(&mut self, events: &[Recorded]) {
        let behind = events.partition_point(|it| it.sequence <= self.chronicle.head());
        let mut erasures = events[behind..].iter().filter(|it| is_erasure(&it.event)).peekable();
        if erasures.peek().is_some() {
            erasures.for_each(|recorded| self.chronicle.forgetting.fold(recorded));
            self.unspeakable.are(&self.chronicle.forgetting, &self.chronicle.events);
        }
    }

    /// Whether all that is written in an event cannot be read, and nobody erased it.
    pub(crate) fn is_lost(&self, was: &Recorded, found: &Recorded) -> bool {
        let mut bare = was.clone();
        bare.event.payloads_mut().into_iter().for_each(|payload| *payload = Payload::Erased);
        bare == *found && *was != bare && !self.chronicle.forgetting.hides(was)
    }

    /// Whether an event that was erased can be read.
    pub(crate) fn is_brought_back(&self, recorded: &Recorded) -> bool {
        let is_there = |mut event: Event| {
            event.payloads_mut().into_iter().any(|payload| payload.bytes().is_some())
        };
        self.chronicle.forgetting.hides(recorded) && is_there(recorded.event.clone())
    }

    /// Whether `body` is what is left of a message that is erased, or was in a past.
    pub(crate) fn may_be_unreadable(&self, entry: &Entry, body: &Payload) -> bool {
        let owners = [&entry.event.sender, &entry.event.inbox.principal()];
        let is_gone = |log: &Chronicle| owners.iter().any(|owner| log.forgetting.is_gone(owner));
        *body == Payload::Erased && self.logs().any(is_gone)
    }

    /// Whether somebody is erased, or was in a past.
    pub(crate) fn was_anybody_erased(&self) -> bool {
        self.logs().any(|log| !log.forgetting.erased.is_empty())
    }

    /// Whether `told` is what is left of `right`, if the key of its presentity is gone or was in a past. Of which text nothing is
    /// left, is looked at where it leaves.
    pub(crate) fn is_left(&self, told: &Presence, right: &Presence) -> bool {
        let bare = |it: &Presence| Presence { document: it.document.erased(), ..it.clone() };
        let principal = told.presentity.principal();
        let is_gone = self.logs().any(|log| log.forgetting.is_gone(&principal));
        is_gone && bare(told) == bare(right)
    }

    /// Whether whoever is called so in an address is erased, or was in a past.
    pub(crate) fn is_or_was_erased(&self, address: &str) -> bool {
        let Some((_, principal)) = address.split_once(':') else { return false };
        let principal: Principal = principal.parse().expect("devices know addresses");
        self.logs().any(|log| log.forgetting.is_erased(&principal))
    }
}

/// Whether one message is the other, of which nothing may be readable any more, or again.
pub(crate) fn is_same_message(one: &Message, other: &Message) -> bool {
    let bare = |it: &Message| Message { body: Payload::Erased, ..it.clone() };
    let is_erased = [one, other].iter().any(|it| it.body == Payload::Erased);
    one == other || is_erased && bare(one) == bare(other)
}

/// The names of what is written in an event.
fn names(recorded: &Recorded) -> Vec<Vec<u8>> {
    let mut event = recorded.event.clone();
    let payloads = event.payloads_mut().into_iter();
    payloads.filter_map(|payload| payload.bytes().and_then(|text| name(text))).collect()
}

/// The name that begins with the first byte.
fn name(text: &[u8]) -> Option<Vec<u8>> {
    let begin = &text[..text.len().min(NAME_BYTES_MAX)];
    let end = begin.iter().position(|byte| *byte == b'>')?;
    (begin[0] == b'<').then(|| begin[..=end].to_vec())
}

/// The texts that must not be told any more. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unspeakable(Arc<Mutex<Texts>>);

#[derive(Debug, Default)]
struct Texts {
    names: BTreeSet<Vec<u8>>,
    /// Counts how often they became more.
    generation: u64,
    told: Option<String>,
}

impl Unspeakable {
    fn texts(&self) -> MutexGuard<'_, Texts> {
        self.0.lock().expect("a world is lived in one thread")
    }

    /// How often they became more.
    pub(crate) fn generation(&self) -> u64 {
        self.texts().generation
    }

    /// All of them, as the log and the keys are now.
    pub(crate) fn are(&self, forgetting: &Forgetting, events: &[Recorded]) {
        let hidden = events.iter().filter(|recorded| forgetting.hides(recorded));
        let mut texts = self.texts();
        texts.names = hidden.flat_map(names).collect();
        texts.generation += 1;
    }

    /// Somebody is told `bytes`.
    pub(crate) fn hear(&self, bytes: &[u8]) {
        let found = self.find(bytes);
        if let Some(found) = found {
            self.texts().told.get_or_insert(found);
        }
    }

    /// Somebody looks at all that lies on `disk`.
    pub(crate) fn look_at(&self, disk: &MemoryDisk) {
        disk.each_stored(|_, bytes| self.hear(bytes));
    }

    /// One of them that stands in `bytes`.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<String> {
        let texts = self.texts();
        let mut rest = if texts.names.is_empty() { &[][..] } else { bytes };
        while let Some(begin) = rest.iter().position(|byte| *byte == b'<') {
            rest = &rest[begin..];
            if let Some(name) = name(rest).filter(|name| texts.names.contains(name)) {
                return Some(String::from_utf8_lossy(&name).into_owned());
            }
            rest = &rest[1..];
        }
        None
    }

    /// Whether none of them was told.
    pub(crate) fn check(&self) -> Checked {
        let told = self.texts().told.clone();
        promised!(11, told.is_none(), "{told:?} is told, or lies on the disk, after it was erased");
        Ok(())
    }
}
