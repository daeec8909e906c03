//! The way of a question to the service and back: one lane for each stream, one letter for each thing it is told.
//!
//! A lane numbers its questions, so that each answer finds its question. The shell keeps the letter boxes.
//! Must never hold: a letter. Whoever moves them keeps them.

use std::sync::Arc;

use crate::model::{DeviceId, Mode, Principal, Refusal};
use crate::protocol::Composing;
use crate::service::{FeedId, InboxRow, Output, PresenceItem, Reply, SessionId, Ticket};

/// Names a lane among all of a server: its session and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId {
    /// Whose.
    pub session: SessionId,
    /// The session's number for it.
    pub number: u32,
}

/// What the service tells the stream that owns a lane.
#[derive(Clone, Debug)]
pub enum Letter {
    /// The answer to the lane's question of this number.
    Reply(u32, Result<Reply, Refusal>),
    /// A change for the lane's presence feed.
    Presence(Mode, Arc<PresenceItem>),
    /// A message for the lane's inbox feed.
    Inbox(InboxRow),
    /// That somebody is composing, for the lane's inbox feed.
    Composing(Arc<Composing>),
    /// Somebody was erased: of what it wrote nothing is told any more.
    Erased(Arc<Principal>),
    /// The lane's feed is over.
    Ended(Refusal),
}

/// Makes the tickets of one lane's questions.
#[derive(Debug)]
pub struct Lane {
    id: LaneId,
    asked: u32,
}

impl Lane {
    /// The lane of that name, with nothing asked yet.
    pub fn new(id: LaneId) -> Self {
        Self { id, asked: 0 }
    }

    /// A ticket for the lane's next question and the number its answer comes back with. Numbers count from 0 and
    /// wrap, far above what may be unanswered at once.
    pub fn ticket(&mut self) -> (u32, Ticket) {
        let question = self.asked;
        self.asked = self.asked.wrapping_add(1);
        let number = u64::from(self.id.number) << 32 | u64::from(question);
        (question, Ticket { session: self.id.session, number })
    }

    /// The number that the next question's answer will come back with.
    pub fn next_number(&self) -> u32 {
        self.asked
    }

    /// The name of the feed this lane is for.
    pub fn feed(&self) -> FeedId {
        FeedId { session: self.id.session, number: self.id.number }
    }
}

/// Where the outputs of the service go.
pub trait Post {
    /// A letter for a lane.
    fn letter(&mut self, lane: LaneId, letter: Letter);

    /// The key of this device was revoked: its sessions are to end, once they have their letters.
    fn revoked(&mut self, device: DeviceId);
}

/// Hands what `output` says to those whom it concerns.
pub fn post(output: Output, to: &mut impl Post) {
    match output {
        Output::Reply { ticket, result } => {
            let (lane, question) = split(ticket);
            to.letter(lane, Letter::Reply(question, result));
        }
        Output::Presence { feeds, item } => {
            for (feed, mode) in feeds {
                to.letter(lane_of(feed), Letter::Presence(mode, Arc::clone(&item)));
            }
        }
        Output::Inbox { feeds, row } => {
            for feed in feeds {
                to.letter(lane_of(feed), Letter::Inbox(row));
            }
        }
        Output::Composing { feeds, item } => {
            for feed in feeds {
                to.letter(lane_of(feed), Letter::Composing(Arc::clone(&item)));
            }
        }
        Output::Erased { feeds, principal } => {
            for feed in feeds {
                to.letter(lane_of(feed), Letter::Erased(Arc::clone(&principal)));
            }
        }
        Output::Ended { feeds, refusal } => {
            for feed in feeds {
                to.letter(lane_of(feed), Letter::Ended(refusal.clone()));
            }
        }
        Output::Revoked { device } => to.revoked(device),
    }
}

fn lane_of(feed: FeedId) -> LaneId {
    LaneId { session: feed.session, number: feed.number }
}

/// Lane and question of a ticket.
fn split(ticket: Ticket) -> (LaneId, u32) {
    let lane = u32::try_from(ticket.number >> 32).expect("32 bits are left");
    let question = u32::try_from(ticket.number & u64::from(u32::MAX)).expect("32 bits are left");
    (LaneId { session: ticket.session, number: lane }, question)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_leads_back_to_its_lane_and_question() {
        let id = LaneId { session: SessionId(7), number: u32::MAX };
        let mut lane = Lane::new(id);
        assert_eq!(split(lane.ticket().1), (id, 0));
        let (question, ticket) = lane.ticket();
        assert_eq!(split(ticket), (id, question));
        assert_eq!(question, 1);
    }
}
