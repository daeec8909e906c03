//! Bugs that can be planted, so that a test can show that the oracle finds them.
//!
//! Each is a mistake that a change to the real code could make; here it is made in what surrounds that code, so the
//! real code carries no switch. Must never hold: a bug that breaks a world at once and in every run.

use core::any::TypeId;
use std::sync::Arc;

use adsum::client::exchange::FeedEvent;
use adsum::event::{Chain, CutStatement};
use adsum::log::memory::MemoryDisk;
use adsum::log::{CheckpointRecord, state_key};
use adsum::model::{
    EpochId, InboxItem, Mark, Moment, OperationId, Principal, PublicKey, Timestamp,
};
use adsum::protocol::body::{self, FeedOpen, MessageEvent};
use adsum::protocol::{Command, Delete, Displayed, Publish, Question, Subscribe};
use adsum::service::{Actor, Asker, Input, Query, SessionId, Ticket};
use adsum::session::{Claim, Connection, Look};
use adsum::wire::{Decoder, Frame, StreamType, decode, encode};

use super::pipe::{Piece, Stream};
use super::plan::{first_device, group};

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// Answers leave before the batch they were judged by is synced: the sync is done at the next append.
    AnswersBeforeSync,
    /// A device saves its position before the application has recorded the item.
    PositionBeforeTaken,
    /// The server gives out inbox cursors that stand one message too far.
    CursorOneAhead,
    /// Checkpoint records lose the ids of messages, so that a restart forgets what was sent before.
    MessageIdsForgotten,
    /// A restart grants what lives its full lifetime again.
    LeasesRestarted,
    /// Lifetimes run by the wall clock.
    LifetimesByWallClock,
    /// How elapsed time follows from the boot clock is not kept, so that a restart has to believe the wall clock.
    TimeNotNoted,
    /// A restart goes on where the log ended, so that the time down does not count.
    TimeDownLost,
    /// Elapsed time stays ahead by as much as the wall clock once was.
    BadSecondKept,
    /// A session writes an answer before an older one.
    AnswerOutOfOrder,
    /// A session gives a feed its window twice.
    WindowTwice,
    /// A session takes what it told for taken, so that a cut loses it.
    ToldIsTaken,
    /// A session drops the name of an operation, so that a repeat is another one.
    OperationDropped,
    /// A session opens feeds before the proof was checked.
    FeedBeforeProof,
    /// What waits for the writer is taken in the order in which it came, whoever asked.
    OneQueueForAll,
    /// Whoever is named in a request is taken for who asks.
    NamedIsBelieved,
    /// What is done in the name of a group is done, whoever asks.
    GroupRightNotAsked,
    /// A group's inbox is read, whoever opens it.
    GroupReaderNotAsked,
    /// What a group asks, it is told, whoever asks.
    GroupQuestionNotAsked,
    /// Whoever says so speaks for a group.
    GroupSenderNotAsked,
    /// Who comes without a name is taken for somebody.
    NamelessIsSomebody,
    /// A process draws no epoch, so that what it writes after a restoring looks as what was cut off.
    EpochNotDrawn,
    /// A feed that begins anew because the store was put back does not say so.
    RestoredNotSaid,
    /// A device drops messages of a restored store that bear numbers which it has seen.
    FloorKept,
    /// A feed that is opened again forgets for what something before its position was passed over.
    PassedForgotten,
    /// A cut carries no more than some of the events that somebody may yet ask for.
    CutForgetsEvents,
    /// A cut carries the state of some entities alone.
    CutForgetsState,
    /// A cut counts before the event that states it is durable.
    MarkBeforeStatement,
    /// A cut does not say from which chain on it cuts.
    CutLeadsBackWrongly,
    /// A cut does not say from which chain the log goes on.
    CutLeadsOnWrongly,
    /// Some of what is staged is not there when a cut counts.
    MarkBeforeStage,
    /// What is cut away is removed before the cut counts.
    SweptBeforeMark,
    /// Messages that were read end however young they are.
    RetentionNotAsked,
    /// A cursor from before a cut is taken for none.
    CursorLostByCut,
    /// What is new is recorded although there is no room.
    RoomNotAsked,
    /// Once there was no room, there never is.
    RoomNeverBack,
    /// The key of who is erased stays.
    KeyKept,
    /// With the key of who is erased, that of somebody else goes.
    KeyOfAnotherDestroyed,
    /// A copy that is put back without its keys brings them with it.
    KeysComeBack,
    /// An event is durable before the key that it is sealed with.
    KeyLostByCrash,
    /// Messages are sealed for their recipients alone, although senders may have them erased.
    SealedForRecipientsAlone,
    /// What a checkpoint has of what people wrote is not sealed.
    CheckpointUnsealed,
    /// What is carried of a state is not sealed.
    CutUnsealed,
    /// Feeds are not told who is erased, so that what waits in them is told as it was.
    FeedsToldNoErasure,
    /// Whoever asks that somebody be erased is obeyed.
    EraseNotAsked,
    /// A backup goes on as if the log could not be cut meanwhile.
    BackupSeesNoCut,
    /// A backup lacks some of what is carried forward.
    BackupForgetsCarried,
    /// A backup counts before its parts are written.
    BackupBeforeItsParts,
    /// A backup holds keys that nobody asked for.
    BackupTakesKeys,
    /// A store that is made of a backup ends before that does.
    RestoreForgetsEnd,
    /// A store that is made of a backup lacks some of what is carried forward.
    RestoreForgetsCarried,
    /// A store that was put back goes on in the epoch that was cut off.
    RestoreKeepsEpoch,
}

impl Bug {
    pub(crate) const ALL: [Self; 52] = [
        Self::AnswersBeforeSync,
        Self::PositionBeforeTaken,
        Self::CursorOneAhead,
        Self::MessageIdsForgotten,
        Self::LeasesRestarted,
        Self::LifetimesByWallClock,
        Self::TimeNotNoted,
        Self::TimeDownLost,
        Self::BadSecondKept,
        Self::AnswerOutOfOrder,
        Self::WindowTwice,
        Self::ToldIsTaken,
        Self::OperationDropped,
        Self::FeedBeforeProof,
        Self::OneQueueForAll,
        Self::NamedIsBelieved,
        Self::GroupRightNotAsked,
        Self::GroupReaderNotAsked,
        Self::GroupQuestionNotAsked,
        Self::GroupSenderNotAsked,
        Self::NamelessIsSomebody,
        Self::EpochNotDrawn,
        Self::RestoredNotSaid,
        Self::FloorKept,
        Self::PassedForgotten,
        Self::CutForgetsEvents,
        Self::CutForgetsState,
        Self::MarkBeforeStatement,
        Self::CutLeadsBackWrongly,
        Self::CutLeadsOnWrongly,
        Self::MarkBeforeStage,
        Self::SweptBeforeMark,
        Self::RetentionNotAsked,
        Self::CursorLostByCut,
        Self::RoomNotAsked,
        Self::RoomNeverBack,
        Self::KeyKept,
        Self::KeyOfAnotherDestroyed,
        Self::KeysComeBack,
        Self::KeyLostByCrash,
        Self::SealedForRecipientsAlone,
        Self::CheckpointUnsealed,
        Self::CutUnsealed,
        Self::FeedsToldNoErasure,
        Self::EraseNotAsked,
        Self::BackupSeesNoCut,
        Self::BackupForgetsCarried,
        Self::BackupBeforeItsParts,
        Self::BackupTakesKeys,
        Self::RestoreForgetsEnd,
        Self::RestoreForgetsCarried,
        Self::RestoreKeepsEpoch,
    ];

    /// The epoch that a process draws, behind one that is cut off if the store was put back.
    pub(crate) fn change_epoch(
        bug: Option<Self>,
        drawn: EpochId,
        lost: Option<EpochId>,
    ) -> EpochId {
        match bug {
            Some(Self::EpochNotDrawn) => EpochId::NONE,
            Some(Self::RestoreKeepsEpoch) => lost.unwrap_or(drawn),
            _ => drawn,
        }
    }

    /// Whether a backup lacks what is carried under `key`.
    pub(crate) fn is_left_out(bug: Option<Self>, key: &[u8]) -> bool {
        bug == Some(Self::BackupForgetsCarried) && Self::is_every_third(key)
    }

    /// Whether `key` is one of those that are forgotten.
    pub(crate) fn is_every_third(key: &[u8]) -> bool {
        blake3::hash(key).as_bytes()[0].is_multiple_of(3)
    }

    /// What a device's library hears of how its inbox begins.
    pub(crate) fn change_opened<T: 'static>(bug: Option<Self>, event: FeedEvent) -> FeedEvent {
        let is_inbox = TypeId::of::<T>() == TypeId::of::<InboxItem>();
        match event {
            FeedEvent::Ready(ready) if bug == Some(Self::FloorKept) && is_inbox => {
                let outcome = if ready.restored.is_some() { 1 } else { ready.outcome };
                FeedEvent::Ready(body::FeedReady { outcome, restored: None, ..ready })
            }
            event => event,
        }
    }

    /// Whether a record that is staged for a cut is staged.
    pub(crate) fn carries(bug: Option<Self>, (key, value): &CheckpointRecord) -> bool {
        let is_event = *key < state_key(&[]);
        let is_every_third = Self::is_every_third(key);
        match bug {
            Some(Self::CutForgetsEvents) => !is_event || value.is_none() || !is_every_third,
            Some(Self::CutForgetsState) => is_event || value.is_none() || !is_every_third,
            _ => true,
        }
    }

    /// From before when messages that were read end.
    pub(crate) fn change_kept(bug: Option<Self>, since: Timestamp, now: Timestamp) -> Timestamp {
        if bug == Some(Self::RetentionNotAsked) { now } else { since }
    }

    /// The keys that a copy is put back with.
    pub(crate) fn change_keys(bug: Option<Self>, with_keys: bool) -> bool {
        with_keys || bug == Some(Self::KeysComeBack)
    }

    /// What a start finds of `keys`, each of 64 bytes behind the first 64.
    pub(crate) fn change_found_keys(bug: Option<Self>, disk: MemoryDisk) -> MemoryDisk {
        let keys = disk.keys().filter(|keys| keys.len() > 128);
        match keys.filter(|_| bug == Some(Self::KeyLostByCrash)) {
            Some(keys) => disk.copy_with_keys(Some(keys[..keys.len() - 64].to_vec())),
            None => disk,
        }
    }

    /// Who asks that `principal` be erased.
    pub(crate) fn change_eraser(bug: Option<Self>, actor: Actor, principal: &Principal) -> Actor {
        if bug == Some(Self::EraseNotAsked) { first_device(principal) } else { actor }
    }

    /// What is stated of a cut.
    pub(crate) fn change_statement(bug: Option<Self>, stated: &mut CutStatement) {
        match bug {
            Some(Self::CutLeadsBackWrongly) => stated.before = Chain::START,
            Some(Self::CutLeadsOnWrongly) => stated.after = stated.before,
            _ => {}
        }
    }

    /// What a restart finds noted of its time.
    pub(crate) fn change_note(bug: Option<Self>, noted: Option<String>) -> Option<String> {
        noted.filter(|_| bug != Some(Self::TimeNotNoted))
    }

    /// What a session asks the service, with the bugs that change it.
    pub(crate) fn change_question(bug: Option<Self>, cut_at: Moment, input: &mut Input) {
        if bug == Some(Self::OperationDropped)
            && let Input::Command {
                command: Command::Subscribe(Subscribe { operation, .. }), ..
            } = input
        {
            *operation = OperationId::default();
        }
        if bug == Some(Self::CursorLostByCut)
            && let Input::OpenPresence { after, .. } = input
            && *after < cut_at
        {
            *after = Moment::ZERO;
        }
        if bug == Some(Self::PassedForgotten)
            && let Input::OpenPresence { passed, .. } | Input::OpenInbox { passed, .. } = input
        {
            *passed = Mark::default();
        }
        if bug == Some(Self::NamedIsBelieved)
            && let Input::Command { actor, command, .. } = input
        {
            let named = match command {
                Command::Delete(Delete { inbox, .. })
                | Command::Displayed(Displayed { inbox, .. }) => inbox.principal(),
                Command::Publish(Publish { presentity, .. }) => presentity.principal(),
                _ => return,
            };
            if named != actor.principal {
                *actor = first_device(&named);
            }
        }
    }

    /// Who asks, with the bugs that take it for another.
    pub(crate) fn change_actor(bug: Option<Self>, input: &mut Input) {
        let group = group().actor;
        let (actor, is_group) = match (bug, input) {
            (Some(Self::GroupRightNotAsked), Input::Command { actor, command, .. }) => {
                let owner = match command {
                    Command::Publish(Publish { presentity, .. }) => presentity.principal(),
                    Command::Delete(Delete { inbox, .. }) => inbox.principal(),
                    _ => return,
                };
                (actor, owner == group.principal)
            }
            (Some(Self::GroupSenderNotAsked), Input::Command { actor, command, .. }) => {
                let Command::Send(send) = command else { return };
                (actor, send.sender.as_ref() == Some(&group.principal))
            }
            (Some(Self::GroupReaderNotAsked), Input::OpenInbox { actor, inbox, .. }) => {
                let is_group = inbox.principal() == group.principal;
                (actor, is_group)
            }
            (Some(Self::GroupQuestionNotAsked), Input::Query { actor, query, .. }) => {
                let owner = match query {
                    Query::Ask(Question::ListWatchers(asked)) => asked.presentity.principal(),
                    Query::Ask(Question::InboxStatus(asked)) => asked.inbox.principal(),
                    _ => return,
                };
                (actor, owner == group.principal)
            }
            (
                Some(Self::NamelessIsSomebody),
                Input::Command { actor, .. } | Input::Query { actor, .. },
            ) => {
                let is_nameless = actor.principal.is_anonymous();
                (actor, is_nameless)
            }
            _ => return,
        };
        if is_group {
            *actor = group;
        }
    }

    /// As whom whoever asks waits for its turn.
    pub(crate) fn change_asker(bug: Option<Self>, asker: &Asker) -> Asker {
        if bug == Some(Self::OneQueueForAll) { Asker::Anonymous } else { asker.clone() }
    }

    /// What a session asks beyond, because it took what it told for taken.
    pub(crate) fn told_is_taken(
        bug: Option<Self>,
        connection: &Connection,
        look: &Look,
    ) -> Option<Input> {
        let Look::Item(inbox, row) = look else { return None };
        let actor = connection.identity().flatten().filter(|_| bug == Some(Self::ToldIsTaken))?;
        let (inbox, through) = (inbox.clone(), row.sequence);
        let ticket = Ticket { session: SessionId(u64::MAX), number: 0 };
        Some(Input::Acknowledge { ticket, actor: Actor::clone(&actor), inbox, through })
    }

    /// Takes a claim for proven that was not checked yet.
    pub(crate) fn enter_unproven(bug: Option<Self>, connection: &Connection, claim: &Claim) {
        if bug == Some(Self::FeedBeforeProof) {
            let Ok(principal) = claim.principal.parse() else { return };
            let device = PublicKey(claim.key).device();
            connection.enter(Arc::new(Actor { principal, device }));
        }
    }

    /// What a session reads first on a stream, with the bugs that change it.
    pub(crate) fn change_opening(bug: Option<Self>, kind: StreamType, bytes: Vec<u8>) -> Vec<u8> {
        if bug != Some(Self::WindowTwice) || kind != StreamType::Feed {
            return bytes;
        }
        let mut out = vec![kind.byte()];
        for frame in frames(&bytes[1..]) {
            let mut open: FeedOpen = decode(&frame).expect("devices open feeds");
            open.window = open.window.saturating_mul(2);
            encode(&open, &mut out);
        }
        out
    }

    /// What a session writes, with the bugs that change it.
    pub(crate) fn change_words(bug: Option<Self>, stream: Stream, piece: Piece) -> Piece {
        let Piece::Bytes(bytes) = piece else { return piece };
        Piece::Bytes(match (bug, stream) {
            (Some(Self::AnswerOutOfOrder), Stream::Control) => out_of_order(&bytes),
            (Some(Self::CursorOneAhead), Stream::Inbox) => one_ahead(&bytes),
            (Some(Self::RestoredNotSaid), Stream::Inbox | Stream::Presence) => unsaid(&bytes),
            _ => bytes,
        })
    }
}

/// The frames of a write; a session writes whole ones.
fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut decoder = Decoder::default();
    decoder.push(bytes);
    core::iter::from_fn(|| decoder.next_frame().expect("sessions write frames")).collect()
}

fn put(frame: &Frame, out: &mut Vec<u8>) {
    let length = u32::try_from(frame.body.len() + 2).expect("frames are short");
    out.extend(length.to_be_bytes());
    out.extend(frame.kind.to_be_bytes());
    out.extend(&frame.body);
}

/// The last two answers of a write the other way round.
fn out_of_order(bytes: &[u8]) -> Vec<u8> {
    let mut frames = frames(bytes);
    let count = frames.len();
    if count >= 2 {
        frames.swap(count - 1, count - 2);
    }
    let mut out = Vec::new();
    for frame in &frames {
        put(frame, &mut out);
    }
    out
}

/// How feeds begin, without what is added if the store was put back.
fn unsaid(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for frame in frames(bytes) {
        match decode::<body::FeedReady>(&frame) {
            Ok(ready) => encode(&body::FeedReady { restored: None, ..ready }, &mut out),
            Err(_) => put(&frame, &mut out),
        }
    }
    out
}

/// Messages with the cursors of their successors, as far as a successor is in the same write.
fn one_ahead(bytes: &[u8]) -> Vec<u8> {
    let frames = frames(bytes);
    let mut out = Vec::new();
    for (place, frame) in frames.iter().enumerate() {
        let event = decode::<MessageEvent>(frame);
        let next = frames.get(place + 1).and_then(|next| decode::<MessageEvent>(next).ok());
        match (event, next) {
            (Ok(event), Some(next)) => {
                encode(&MessageEvent { cursor: next.cursor, ..event }, &mut out);
            }
            _ => put(frame, &mut out),
        }
    }
    out
}
