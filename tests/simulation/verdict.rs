//! The judgement at the end: all is quiet, and every promise is looked at as a whole.
//!
//! Must never hold: a tolerance that a broken promise could hide behind.

use std::collections::BTreeSet;

use adsum::commit::Commit;
use adsum::event::Recorded;
use adsum::log::memory::MemoryDisk;
use adsum::log::{Entries as _, LogReader as _, check_cut, verify};
use adsum::model::{EpochId, Mode, Moment, Presentity, Principal, Sequence};
use adsum::view::Views;

use super::device::Device;
use super::keeper::is_signed;
use super::oracle::Oracle;
use super::plan::config;
use super::showing::is_carried;
use super::stories::Episode;
use super::{Checked, promised};

/// How the keys of records begin that tell what somebody has taken.
const BUDGETS: &[u8] = b"B";

/// The live views equal those folded anew from the log, or those of checkpoint and tail: by turns, because folding is most of
/// what a look costs.
///
/// What somebody has taken of late is left out once a key is gone: what is erased counts no bytes when it is folded.
pub(crate) fn views_equal(commit: &mut Commit, disk: &MemoryDisk, oracle: &Oracle) -> Checked {
    let is_gone = oracle.chronicle.forgetting.is_anything_gone();
    let compared = |commit: &mut Commit| {
        let mut records = commit.fingerprint();
        records.retain(|(key, _)| !is_gone || !key.starts_with(BUDGETS));
        records
    };
    let (live, head) = (compared(commit), commit.head());
    let log = Box::new(disk.copy().open().expect("a copy of a good disk opens"));
    let (how, opened) = if head.get().is_multiple_of(2) {
        ("folded anew", Commit::rebuild(config(EpochId::NONE), log, &mut |_, _| {}))
    } else {
        ("of checkpoint and tail", Commit::open(config(EpochId::NONE), log, &mut |_, _| {}))
    };
    let views = opened.map(|mut it| compared(&mut it));
    promised!(5, views.is_ok(), "at event {head}, there are no views {how}: {:?}", views.err());
    let views = views.unwrap_or_default();
    if views != live {
        let differs =
            views.iter().chain(&live).find(|it| !(live.contains(it) && views.contains(it)));
        let key = differs.map(|(key, _)| key.escape_ascii().to_string());
        promised!(5, false, "at event {head}, views {how} differ from the live ones at {key:?}");
    }
    Ok(())
}

/// Every event of a log, and of what was cut away those that are carried.
pub(crate) fn all_events(disk: &MemoryDisk) -> Checked<Vec<Recorded>> {
    let read = disk.read(Sequence::new(1), usize::MAX);
    promised!(6, read.is_ok(), "the log does not read: {read:?}");
    Ok(read.unwrap_or_default())
}

/// Where the log begins, and what is carried of what was before, is as an event says that is signed; the chain holds from
/// there on; and whoever asks for a message that waits finds it.
pub(crate) fn cut_holds(disk: &MemoryDisk, oracle: &Oracle) -> Checked {
    let mark = disk.mark();
    let stated = check_cut(disk);
    promised!(6, stated.is_ok(), "the cut is not as it was stated: {stated:?}");
    let Ok(Some(stated)) = stated else { return Ok(()) };
    promised!(6, is_signed(&stated), "nobody signed {stated:?}");
    let is_known = oracle.chronicle.cuts.contains(&(mark.statement, mark.base));
    promised!(6, is_known, "the log begins behind {:?}, as nobody was told", mark.base);
    let verified = verify(disk, &mut |_| {});
    promised!(6, verified.is_ok(), "the log does not verify: {verified:?}");
    for entry in oracle.chronicle.inboxes.values().flatten().filter(|it| it.ended.is_none()) {
        let (inbox, sequence) = (&entry.event.inbox, entry.event.sequence);
        let found = disk.read_one(entry.place);
        let was = oracle.chronicle.now_at(entry.place);
        let is_there = found.as_ref().is_ok_and(|it| Some(it) == was.as_deref());
        promised!(2, is_there, "message {sequence} of {inbox} is cut away: {found:?}");
    }
    Ok(())
}

/// Whatever somebody may yet ask for by its position is there, and is what it was.
pub(crate) fn what_lives_is_there(views: &Views, disk: &MemoryDisk, oracle: &Oracle) -> Checked {
    for entity in views.entities() {
        for place in views.places_of(&entity) {
            let found = disk.read_one(place);
            let was = oracle.chronicle.now_at(place);
            let is_there = found.as_ref().is_ok_and(|it| is_carried(it, was.as_deref()));
            promised!(5, is_there, "event {place} of {entity:?} is cut away: {found:?}");
        }
    }
    Ok(())
}

/// The chain holds from the first entry to the last.
pub(crate) fn chain_holds(disk: &MemoryDisk, oracle: &Oracle) -> Checked {
    match verify(disk, &mut |_| {}) {
        Ok(verified) => {
            let head = oracle.chronicle.head();
            promised!(
                6,
                verified.head == head,
                "{} events verify, {head} are known",
                verified.events
            );
        }
        Err(fault) => promised!(6, false, "the log does not verify: {fault}"),
    }
    Ok(())
}

/// Each device that may still ask got what it was promised, once.
pub(crate) fn device(device: &Device, oracle: &Oracle) -> Checked {
    if oracle.is_revoked(&device.who.actor) {
        return Ok(());
    }
    inbox(device, oracle)?;
    for pair in oracle.chronicle.subscriptions.keys() {
        if pair.0 == device.who.actor.principal {
            latest(device, pair, oracle)?;
            every(device, pair, oracle)?;
        }
    }
    Ok(())
}

/// Every message that did not end before it could be read is there.
fn inbox(device: &Device, oracle: &Oracle) -> Checked {
    let (name, messages) = (&device.who.name, &device.stored.application.messages);
    let inbox = device.who.actor.principal.inbox();
    // What a past that was cut off had ended comes behind what it had not: in which order they may come, was looked at then.
    let here = messages.iter().filter(|got| oracle.has_message(&inbox, got.spot));
    let got: BTreeSet<_> = here.map(|got| got.message.sequence).collect();
    for entry in oracle.chronicle.inboxes.get(&inbox).into_iter().flatten() {
        let sequence = entry.event.sequence;
        let there = got.contains(&sequence);
        promised!(3, there || entry.ended.is_some(), "{name} never got message {sequence}");
    }
    Ok(())
}

/// The last thing shown of each presentity is how things stand.
fn latest(device: &Device, pair: &(Principal, Presentity), oracle: &Oracle) -> Checked {
    let name = &device.who.name;
    let last = device.stored.application.shown.get(&pair.1);
    let current = oracle.current(pair);
    let is_left = last.zip(current.as_ref()).is_some_and(|(last, now)| oracle.is_left(last, now));
    let is_right = is_left || last == current.as_ref();
    promised!(3, is_right, "{name} was last shown {last:?}, it is {current:?}");
    Ok(())
}

/// In mode `every`, what was shown of an episode has no gap, and is complete if the episode lives.
fn every(device: &Device, pair: &(Principal, Presentity), oracle: &Oracle) -> Checked {
    let name = &device.who.name;
    let presentity = &pair.1;
    let shown: BTreeSet<u64> = device
        .stored
        .application
        .presence
        .iter()
        .filter(|seen| seen.presence.presentity == *presentity && oracle.has_moment(seen.spot))
        .map(|seen| seen.spot.position)
        .collect();
    let episodes = oracle.chronicle.subscriptions.get(pair).into_iter().flatten();
    for episode in episodes.filter(|episode| episode.mode == Mode::Every) {
        let inside = shown.range(episode.begin.as_us()..episode.bound().as_us());
        let got: Vec<u64> = inside.copied().collect();
        // What was cut away before it was told cannot be told.
        let may_be_told = |at: &Moment| {
            shown.contains(&at.as_us()) || oracle.chronicle.place_of(*at) > oracle.cut_through
        };
        let due = due(pair, episode, oracle).into_iter().filter(may_be_told);
        let due: Vec<u64> = due.map(Moment::as_us).collect();
        let whole = if episode.end.is_none() { got == due } else { due.starts_with(&got) };
        promised!(3, whole, "{name} was shown {got:?} of {presentity}, due was {due:?}");
    }
    Ok(())
}

fn due(pair: &(Principal, Presentity), episode: &Episode, oracle: &Oracle) -> Vec<Moment> {
    let story = oracle.chronicle.presentities.get(&pair.1);
    let changes = story.into_iter().flat_map(|story| story.between(episode.begin, episode.bound()));
    core::iter::once(episode.begin).chain(changes).collect()
}
