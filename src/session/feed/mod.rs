//! A FEED stream: from its opening over what it tells and what the peer has taken to its last frame.
//!
//! It listens while it writes, so that what happens meanwhile goes into the feed's state machine, where it is conflated
//! or counted, and not into a queue. Must never hold: what a feed sends next (`service::feed` decides).

mod composing;
mod inbox;
mod over;
mod peer;
mod presence;
mod ready;
mod side;

use std::sync::Arc;

use bytes::Bytes;

use self::inbox::InboxSide;
use self::over::FeedOver;
use self::peer::{Peer, Said};
use self::presence::PresenceSide;
use self::side::Desk;
use super::connection::{Connection, FeedPlace};
use super::lane::{Lane, Letter};
use super::step::{End, Ending, Found, NotFound, Note, Parting, Step};
use crate::model::limits::FEEDS_RETRY_MS;
use crate::model::{Lifetime, Refusal};
use crate::protocol::body;
use crate::protocol::refusal::refused;
use crate::protocol::{FeedOpen, FeedSubject, Framed as _};
use crate::service::{Actor, Input};
use crate::wire::{Decoder, encode};

/// A FEED stream whose first frame has come.
pub(super) struct Feed {
    lane: Lane,
    peer: Peer,
    phase: Phase,
    /// Held while it tells.
    place: Option<FeedPlace>,
    over: Option<FeedOver>,
    /// What goes into the next write.
    out: Vec<u8>,
    /// Events put into it that were not counted yet.
    sent: u64,
    /// What has been decided to happen next, last one first.
    next: Vec<Step>,
}

enum Phase {
    /// It tells.
    Telling(Side),
    /// It is over.
    Over(End),
}

enum Side {
    Presence(Box<PresenceSide>),
    Inbox(Box<InboxSide>),
}

impl Feed {
    /// The feed that `actor` asks for with `open`, or that it is refused; `decoder` holds what came behind.
    pub(super) fn new(
        connection: &Arc<Connection>,
        (lane, actor): (Lane, Arc<Actor>),
        (open, decoder): (body::FeedOpen, Decoder),
        notes: &mut Vec<Note>,
    ) -> Self {
        let (mut place, mut next) = (None, Vec::new());
        let phase = match begin(connection, actor, open) {
            Ok((side, taken)) => {
                if let Side::Presence(_) = side {
                    next.push(Step::Priority(presence::PRIORITY));
                }
                place = Some(taken);
                Phase::Telling(side)
            }
            Err(refusal) => {
                let mut out = Vec::new();
                encode(&refused(0, &refusal), &mut out);
                notes.push(Note::Refused("feed", refusal));
                next.push(Step::Write(out.into()));
                Phase::Over(End::of(Parting::Linger))
            }
        };
        let (peer, out) = (Peer::new(decoder), Vec::new());
        Self { lane, peer, phase, place, over: None, out, sent: 0, next }
    }

    pub(super) fn decoder(&mut self) -> &mut Decoder {
        &mut self.peer.decoder
    }

    /// Whether bytes of the peer are to be read now: also while it is written to.
    pub(super) fn wants_bytes(&self) -> bool {
        matches!(self.phase, Phase::Telling(..)) && self.peer.is_heard()
    }

    /// Bytes were read; none follow if not `more`.
    pub(super) fn handle_bytes(&mut self, more: bool) {
        for said in self.peer.said(more) {
            match (said, &mut self.phase) {
                (Said::Taken(cursors), Phase::Telling(Side::Presence(side))) => {
                    side.handle_taken(&cursors);
                }
                (Said::Taken(cursors), Phase::Telling(Side::Inbox(side))) => {
                    side.handle_taken(&cursors);
                }
                (Said::Taken(_), _) => {}
                (Said::Over(over), _) => self.is_over(over),
            }
        }
    }

    /// The stream is gone. That the feed is closed the service hears all the same.
    pub(super) fn handle_gone(&mut self) {
        self.next.retain(|step| matches!(step, Step::Ask(_)));
        self.part(Parting::Silent);
    }

    pub(super) fn handle_letters(&mut self, letters: Vec<Letter>) {
        for letter in letters {
            let taken = match &mut self.phase {
                Phase::Telling(Side::Presence(side)) => side.handle_letter(letter),
                Phase::Telling(Side::Inbox(side)) => side.handle_letter(letter),
                Phase::Over(_) => Ok(()),
            };
            if let Err(over) = taken {
                self.is_over(over);
            }
        }
    }

    /// More was told to the feed than could be kept.
    pub(super) fn handle_overrun(&mut self) {
        self.is_over(FeedOver::TOO_FAR_BEHIND);
    }

    pub(super) fn handle_ending(&mut self, ending: Ending) {
        self.is_over(FeedOver::Ending(ending));
    }

    pub(super) fn handle_found(&mut self, found: Result<Found, NotFound>, notes: &mut Vec<Note>) {
        let found = match found {
            Ok(found) => found,
            // Cut away since it was put on the list: opened again, the feed says whether anything is missing.
            Err(NotFound::Refused(Refusal::OlderThanKept { .. })) => {
                return self.is_over(FeedOver::OLDER_THAN_KEPT);
            }
            Err(_) => return self.is_over(FeedOver::UNREADABLE),
        };
        let Phase::Telling(side) = &mut self.phase else { return };
        let mut desk = Desk { out: &mut self.out, notes, sent: &mut self.sent };
        match side {
            Side::Presence(side) => side.handle_found(found, &mut desk),
            Side::Inbox(side) => side.handle_found(found, &mut desk),
        }
    }

    /// What ends a feed for good comes before an end in order, and the first of a kind holds.
    fn is_over(&mut self, over: FeedOver) {
        if self.over.as_ref().is_none_or(|known| known.is_orderly() && !over.is_orderly()) {
            self.over = Some(over);
        }
    }

    /// What to do next.
    pub(super) fn poll_step(&mut self, notes: &mut Vec<Note>) -> Step {
        loop {
            if let Some(step) = self.next.pop() {
                return step;
            }
            match &mut self.phase {
                Phase::Over(end) => return Step::End(end.clone()),
                Phase::Telling(..) => {
                    if let Some(step) = self.tell(notes) {
                        return step;
                    }
                }
            }
        }
    }

    /// Goes on telling until there is something to do; `None` if the feed is over.
    fn tell(&mut self, notes: &mut Vec<Note>) -> Option<Step> {
        let Phase::Telling(side) = &mut self.phase else { return None };
        let mut desk = Desk { out: &mut self.out, notes, sent: &mut self.sent };
        let (step, is_settled) = match side {
            Side::Presence(_) if self.over.is_some() => (None, true),
            Side::Presence(side) => (side.advance(&mut self.lane, &mut desk), true),
            Side::Inbox(side) => {
                let step = side.advance(&mut self.lane, &mut desk, self.over.is_some());
                (step, side.is_settled())
            }
        };
        if step.is_some() {
            return step;
        }
        if self.sent > 0 {
            notes.push(Note::Notified(core::mem::take(&mut self.sent)));
        }
        // A peer that ends the feed in order still gets its last acknowledgement confirmed.
        let is_due = self.over.as_ref().is_some_and(|over| is_settled || !over.is_orderly());
        if let Some(over) = self.over.take_if(|_| is_due) {
            self.end(over, notes);
            return None;
        }
        Some(match core::mem::take(&mut self.out) {
            out if out.is_empty() => Step::Wait,
            out => Step::Write(Bytes::from(out)),
        })
    }

    /// Says why the feed is over and ends the stream.
    fn end(&mut self, over: FeedOver, notes: &mut Vec<Note>) {
        notes.push(match &over {
            FeedOver::Malformed(fault) => Note::Malformed(fault.clone()),
            over => Note::FeedEnded(format!("{over:?}")),
        });
        let mut out = core::mem::take(&mut self.out);
        let parting = over.write(&mut out);
        self.part(parting);
        if !out.is_empty() {
            self.next.push(Step::Write(Bytes::from(out)));
        }
    }

    /// The service hears that the feed is gone, and the stream ends so.
    fn part(&mut self, parting: Parting) {
        if let Phase::Telling(..) = self.phase {
            let feed = self.lane.feed();
            self.next.push(Step::Ask(vec![Input::CloseFeed { feed }]));
        }
        self.peer.leave();
        drop(self.place.take());
        self.phase = Phase::Over(End::of(parting));
    }
}

/// The side that tells what `open` asks for, and its place among the feeds of the connection.
fn begin(
    connection: &Arc<Connection>,
    actor: Arc<Actor>,
    open: body::FeedOpen,
) -> Result<(Side, FeedPlace), Refusal> {
    let FeedOpen { subject, cursor, window } = FeedOpen::from_body(open)?;
    let retry_after = Lifetime::from_ms(FEEDS_RETRY_MS);
    let place = connection.take_feed().ok_or(Refusal::Busy { retry_after })?;
    let (settings, from) = (&connection.settings, (cursor.as_ref(), window));
    let side = match subject {
        FeedSubject::Presence { presentities, with_watchers } => {
            let what = (presentities, with_watchers);
            let secrets = (&settings.store_secret, &settings.cursor_secret);
            Side::Presence(Box::new(PresenceSide::new(actor, secrets, what, from)))
        }
        FeedSubject::Inbox { inbox, from_start } => {
            let what = (inbox, from_start);
            Side::Inbox(Box::new(InboxSide::new(actor, &settings.cursor_secret, what, from)))
        }
    };
    Ok((side, place))
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::model::{self, DeviceId, Document, Moment, Payload, SubscriptionState};
    use crate::protocol::body::FeedEnd;
    use crate::service::{PresenceItem, PresenceOpened, Reply, SessionId};
    use crate::session::connection::{Fresh, Settings};
    use crate::session::lane::LaneId;
    use crate::wire::{ResetCode, decode};

    /// How a feed ends that does not find what it was about to tell.
    fn ended(not_found: NotFound) -> FeedEnd {
        let (mut feed, mut notes) = (presence(), Vec::new());
        feed.handle_found(Err(not_found), &mut notes);
        let written = core::iter::from_fn(|| match feed.poll_step(&mut notes) {
            Step::End(_) => None,
            Step::Write(bytes) => Some(bytes),
            _ => Some(Bytes::new()),
        });
        let mut decoder = Decoder::new(1_024);
        decoder.push(&written.collect::<Vec<_>>().concat());
        decode(&decoder.next_frame().unwrap().expect("it has a last frame")).unwrap()
    }

    #[test]
    fn a_feed_is_to_be_opened_again_at_once_if_what_it_was_about_to_tell_was_cut_away() {
        let gone = Refusal::OlderThanKept { until: "2026-01-01T00:00:00.000Z".to_owned() };
        let end = ended(NotFound::Refused(gone));
        let too_far_behind = ResetCode::TooFarBehind.number();
        assert_eq!(
            (end.code, end.message.as_str()),
            (too_far_behind, "what comes next is older than is kept")
        );
        assert_eq!(ended(NotFound::Unreadable).code, ResetCode::Internal.number());
    }

    /// The feed of somebody's presence.
    fn presence() -> Feed {
        let silence_max = Duration::from_secs(1);
        let settings = Settings { silence_max, store_secret: [1; 32], cursor_secret: [2; 32] };
        let fresh = Fresh { nonce: [3; 32], pseudonym: [4; 8], origin: None };
        let connection = Arc::new(Connection::new(Arc::new(settings), fresh));
        let principal = "alice@d.example".parse().unwrap();
        let actor = Arc::new(Actor { principal, device: DeviceId([1; 8]) });
        let subject = FeedSubject::Presence { presentities: Vec::new(), with_watchers: false };
        let open = FeedOpen { cursor: Bytes::new(), window: 0, subject }.to_body();
        let lane = Lane::new(LaneId { session: SessionId(1), number: 1 });
        Feed::new(&connection, (lane, actor), (open, Decoder::new(1_024)), &mut Vec::new())
    }

    /// What a feed writes that begins in two parts, with `letters` between them.
    fn begun_with(letters: Vec<Letter>) -> Vec<u8> {
        let note = model::Note { language: String::new(), text: Payload::text("secret") };
        let document = Document::new(vec![], vec![note], vec![]).unwrap();
        let (version, bob) = (Moment::from_us(1), "pres:bob@d.example".parse().unwrap());
        let item = PresenceItem::new(bob, version, SubscriptionState::Active, Some(document));
        let (items, more) = (vec![Arc::new(item)], true);
        let part = |opened| Letter::Reply(0, Ok(Reply::PresenceOpened(opened)));
        let first = part(PresenceOpened { items, more, ..PresenceOpened::default() });
        let last = part(PresenceOpened { complete: true, ..PresenceOpened::default() });
        let (mut feed, mut notes) = (presence(), Vec::new());
        while !matches!(feed.poll_step(&mut notes), Step::Ask(_)) {}
        feed.handle_letters(vec![first]);
        assert!(matches!(feed.poll_step(&mut notes), Step::Ask(_)), "it asks for more");
        feed.handle_letters(letters);
        feed.handle_letters(vec![last]);
        let Step::Write(bytes) = feed.poll_step(&mut notes) else { panic!() };
        bytes.to_vec()
    }

    #[test]
    fn parts_that_are_asked_for_behind_the_last_change_nothing() {
        let nothing = || Letter::Reply(0, Ok(Reply::PresenceOpened(PresenceOpened::default())));
        let head = Moment::from_us(7);
        let middle = PresenceOpened { head, more: true, complete: true, ..Default::default() };
        let middle = Letter::Reply(0, Ok(Reply::PresenceOpened(middle)));
        let (mut feed, mut notes) = (presence(), Vec::new());
        let first = PresenceOpened { head, more: true, complete: true, ..Default::default() };
        let last = PresenceOpened { head, complete: true, ..Default::default() };
        let [first, last] = [first, last].map(|it| Letter::Reply(0, Ok(Reply::PresenceOpened(it))));
        while !matches!(feed.poll_step(&mut notes), Step::Ask(_)) {}
        feed.handle_letters(vec![first]);
        let Step::Ask(asked) = feed.poll_step(&mut notes) else { panic!("it asks for more") };
        assert!(asked.len() > 2, "at once for more than is there");
        feed.handle_letters(vec![middle]);
        assert!(matches!(feed.poll_step(&mut notes), Step::Wait), "more was asked for already");
        feed.handle_letters(vec![last, nothing()]);
        assert!(matches!(feed.poll_step(&mut notes), Step::Write(_)), "it is ready");
        feed.handle_letters(vec![nothing()]);
        assert!(matches!(feed.poll_step(&mut notes), Step::Wait), "and told nothing more");
    }

    #[test]
    fn what_a_feed_begins_with_of_somebody_who_is_erased_meanwhile_is_not_told() {
        let tells = |bytes: Vec<u8>| bytes.windows(6).any(|window| window == b"secret");
        let erased = |name: &str| Letter::Erased(Arc::new(name.parse().unwrap()));
        assert!(tells(begun_with(vec![])) && tells(begun_with(vec![erased("eve@d.example")])));
        assert!(!tells(begun_with(vec![erased("bob@d.example")])));
    }

    #[test]
    fn a_feed_whose_stream_goes_while_its_last_words_are_written_is_closed_all_the_same() {
        let (mut feed, mut notes) = (presence(), Vec::new());
        feed.handle_overrun();
        let mut steps = (0..4).map(|_| feed.poll_step(&mut notes));
        assert!(steps.any(|step| matches!(step, Step::Write(_))));
        feed.handle_gone();
        let Step::Ask(inputs) = feed.poll_step(&mut notes) else { panic!() };
        assert!(matches!(inputs[..], [Input::CloseFeed { .. }]), "{inputs:?}");
        assert!(matches!(feed.poll_step(&mut notes), Step::End(_)));
    }
}
