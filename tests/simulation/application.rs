//! What the application on a device keeps: everything that it recorded, for good, whatever crashes afterwards.
//!
//! It records an item before it says that it has taken it. Between the two its device may crash; then the item comes
//! again, and it knows that it has it: a message by its number, a change by its cursor.
//! Must never hold: anything that the library keeps.

use std::collections::BTreeSet;

use adsum::model::{InboxSequence, Message};
use adsum::protocol::Presence;
use bytes::Bytes;

use super::oracle::Spot;
use super::{Checked, promised};

/// A change the application recorded.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) era: u8,
    pub(crate) position: u64,
    pub(crate) presence: Presence,
}

/// The application's store.
#[derive(Debug, Default)]
pub(crate) struct Application {
    pub(crate) messages: Vec<Message>,
    pub(crate) presence: Vec<Seen>,
    cursors: BTreeSet<Bytes>,
    pub(crate) repeats: u64,
}

/// How far the library's process has handed things out: nothing is handed out twice.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Floor {
    /// Era and place of the last message: a server that forgot its cursors sends again what was not acknowledged.
    pub(crate) message: (u8, InboxSequence),
    /// Era and position of the last change.
    pub(crate) change: Spot,
    /// The era of the position the process began with, zero for none: what is sent anew in it, or from the very
    /// beginning, may have been begun by a process before.
    pub(crate) began: u8,
}

impl Application {
    /// A message is handed out.
    pub(crate) fn record_message(
        &mut self,
        floor: &mut Floor,
        (era, message): (u8, Message),
    ) -> Checked {
        let (sequence, handed) = (message.sequence, floor.message);
        let is_next = (era, sequence) > handed;
        promised!(3, is_next, "message {sequence} of {era} was handed out behind {handed:?}");
        floor.message = (era, sequence);
        if self.messages.last().is_some_and(|last| sequence <= last.sequence) {
            self.repeats += 1;
            let same = self.messages.iter().find(|known| known.sequence == sequence);
            promised!(3, same == Some(&message), "message {sequence} differs from its first time");
        } else {
            self.messages.push(message);
        }
        Ok(())
    }

    /// A change is handed out.
    pub(crate) fn record_presence(
        &mut self,
        floor: &mut Floor,
        (cursor, change, anew): (Bytes, Spot, bool),
        presence: Presence,
    ) -> Checked {
        let (era, position) = change;
        let goes_on = era == floor.change.0 && position > floor.change.1;
        let begins = era > floor.change.0;
        promised!(3, goes_on || begins, "change {change:?} came behind {:?}", floor.change);
        floor.change = change;
        if !self.cursors.insert(cursor) {
            self.repeats += 1;
            return Ok(());
        }
        let last = self.presence.iter().rfind(|seen| seen.era == era).map_or(0, |it| it.position);
        promised!(3, position > last, "change {change:?} came behind {last}");
        // What is shown again because the server forgot its cursors says so, unless a crash came in between.
        let excused = anew || era == floor.began || floor.began == 0;
        let again = self.presence.last().is_some_and(|last| position <= last.position);
        promised!(3, !again || excused, "change {change:?} was shown again and not marked");
        self.presence.push(Seen { era, position, presence });
        Ok(())
    }
}
