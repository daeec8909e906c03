//! How a device reads its feeds and hands out what came: each step may be the last one before a crash.
//!
//! Must never hold: what an item means.

use std::collections::VecDeque;

use adsum::client::ClientError;
use adsum::client::exchange::{FeedEvent, FeedItem, Frames, Heard, hear};
use adsum::client::resume::{FeedResume, Handed, ItemNumber, Position};
use adsum::model::RefusalCode;
use adsum::protocol::{FeedReady, Field as _, Outcome, body};
use adsum::wire::ResetCode;
use bytes::Bytes;

use super::oracle::Oracle;
use super::plan::happens;
use super::world::Scene;
use super::{Bug, Checked, promised};

/// What a feed says beside its items.
#[derive(Debug)]
pub(crate) enum Told {
    /// How it begins, as the server has it.
    Begins(Outcome),
    /// The server ended it, and whether it is to be opened again.
    Ends(bool),
    /// What the library made of anything else.
    Heard(Heard),
}

/// What is known of a feed by those who judge it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ears {
    pub(crate) bug: Option<Bug>,
    pub(crate) is_revoked: bool,
    /// Whether the log was ever cut.
    pub(crate) is_cut: bool,
    /// Whether something may be cut away of what it has to tell.
    pub(crate) may_lack: bool,
}

/// Takes what came of a feed while there is room: the cursors of its items go into `events`, what is no item to `told`.
/// A server that breaks the rules of a feed breaks promise 3.
pub(crate) fn hear_feed<T: FeedItem + 'static>(
    frames: &mut Frames,
    feed: &mut FeedResume<T>,
    (events, ears): (&mut VecDeque<Bytes>, Ears),
    mut told: impl FnMut(Told) -> Checked,
) -> Checked {
    while feed.has_room() {
        let event = FeedEvent::next(frames);
        if let Err(ClientError::Refused(refused)) = &event
            && (refused.is(RefusalCode::KeyRevoked) || refused.is(RefusalCode::Erased))
        {
            promised!(12, ears.is_revoked, "a device whose key counts was told that it is revoked");
            break;
        }
        promised!(3, event.is_ok(), "a feed broke its rules: {event:?}");
        let Ok(Some(event)) = event else { break };
        events.extend(cursor_of(&event));
        if let FeedEvent::Ready(ready) = &event {
            let ready = FeedReady::from_wire(ready.clone());
            promised!(3, ready.is_ok(), "a feed began as {ready:?}");
            ready.map_or(Ok(()), |ready| told(Told::Begins(ready.outcome)))?;
        }
        let heard = hear(feed, Bug::change_opened::<T>(ears.bug, event));
        promised!(3, heard.is_ok(), "a feed broke its rules: {heard:?}");
        match heard {
            Ok(Heard::Opened(opening)) => {
                // One that begins anew begins before whatever was cut away.
                let is_anew = opening.outcome.is_anew() && ears.is_cut;
                let is_right = opening.complete || ears.may_lack || is_anew;
                promised!(3, is_right, "a feed is incomplete within retention");
            }
            // If the server ended it, so will the connection, and the feed goes on with the next.
            Ok(Heard::Ended(end)) => told(Told::Ends(ended(&end, ears.is_cut)?))?,
            Ok(heard) => told(Told::Heard(heard))?,
            Err(_) => {}
        }
    }
    Ok(())
}

/// Whether a feed that the server ended is to be opened again: it may end because the server goes, or because what it was
/// about to tell was cut away meanwhile.
fn ended(end: &body::FeedEnd, is_cut: bool) -> Checked<bool> {
    let code = ResetCode::from_number(u64::from(end.code));
    let is_right = match code {
        Some(ResetCode::TooFarBehind) => is_cut,
        code => code == Some(ResetCode::GoingAway),
    };
    promised!(3, is_right, "a feed was ended as {code:?}: {}", end.message);
    Ok(code == Some(ResetCode::TooFarBehind))
}

/// The cursor of an item.
fn cursor_of(event: &FeedEvent) -> Option<Bytes> {
    match event {
        FeedEvent::Presence { event, .. } => Some(event.cursor.clone()),
        FeedEvent::Message { event, .. } => Some(event.cursor.clone()),
        _ => None,
    }
}

/// Hands items out, has them recorded, takes some, saves the position: in this order, with crashes in between.
pub(crate) fn take<T>(
    feed: &mut FeedResume<T>,
    (held, file): (&mut VecDeque<ItemNumber>, &mut Position),
    (scene, crash): (&mut Scene, u32),
    mut record: impl FnMut(Handed<T>, &Oracle) -> Checked,
) -> Checked<bool> {
    let healing = scene.is_healing;
    let most = if healing { usize::MAX } else { scene.rng.usize(..4) };
    for handed in core::iter::from_fn(|| feed.next_item()).take(most).collect::<Vec<_>>() {
        let number = handed.number;
        if scene.bug == Some(Bug::PositionBeforeTaken) {
            feed.taken(number);
            save(feed, file);
            if happens(&mut scene.rng, crash) {
                return Ok(false);
            }
            record(handed, &scene.oracle)?;
        } else {
            record(handed, &scene.oracle)?;
            held.push_back(number);
            if happens(&mut scene.rng, crash) {
                return Ok(false);
            }
        }
    }
    if !held.is_empty() && (healing || scene.rng.bool()) {
        let count = if healing { held.len() } else { scene.rng.usize(1..=held.len()) };
        if let Some(last) = held.drain(..count).next_back() {
            feed.taken(last);
        }
        if happens(&mut scene.rng, crash) {
            return Ok(false);
        }
    }
    if healing || scene.rng.bool() {
        save(feed, file);
    }
    Ok(!happens(&mut scene.rng, crash))
}

/// Writes the position to the device's disk; a file is replaced whole.
fn save<T>(feed: &mut FeedResume<T>, file: &mut Position) {
    if let Some(unsaved) = feed.unsaved() {
        *file = unsaved.position.clone();
        feed.saved(unsaved);
    }
}
