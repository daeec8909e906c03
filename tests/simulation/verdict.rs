//! The judgement at the end: all is quiet, and every promise is looked at as a whole.
//!
//! Must never hold: a tolerance that a broken promise could hide behind.

use std::collections::BTreeSet;

use adsum::commit::Commit;
use adsum::log::memory::MemoryDisk;
use adsum::log::verify;
use adsum::model::{EpochId, Mode, Moment, Presentity, Principal};

use super::device::Device;
use super::oracle::Oracle;
use super::plan::config;
use super::stories::Episode;
use super::{Checked, promised};

/// The live views equal those folded anew from the log, and those of checkpoint and tail.
pub(crate) fn views_equal(commit: &mut Commit, disk: &MemoryDisk) -> Checked {
    let live = commit.fingerprint();
    let open = || Box::new(disk.copy().open().expect("a copy of a good disk opens"));
    let rebuilt = Commit::rebuild(config(EpochId::NONE), open(), &mut |_, _| {})
        .map(|mut it| it.fingerprint());
    let loaded =
        Commit::open(config(EpochId::NONE), open(), &mut |_, _| {}).map(|mut it| it.fingerprint());
    for (how, views) in [("folded anew", rebuilt), ("of checkpoint and tail", loaded)] {
        let equal = views.as_ref().is_ok_and(|views| *views == live);
        let head = commit.head();
        promised!(
            5,
            equal,
            "at event {head}, views {how} differ from the live ones ({:?})",
            views.err()
        );
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
    promised!(3, last == current.as_ref(), "{name} was last shown {last:?}, it is {current:?}");
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
        let due = due(pair, episode, oracle);
        let inside = shown.range(episode.begin.as_us()..episode.bound().as_us());
        let got: Vec<u64> = inside.copied().collect();
        let whole = if episode.end.is_none() { got == due } else { due.starts_with(&got) };
        promised!(3, whole, "{name} was shown {got:?} of {presentity}, due was {due:?}");
    }
    Ok(())
}

fn due(pair: &(Principal, Presentity), episode: &Episode, oracle: &Oracle) -> Vec<u64> {
    let story = oracle.chronicle.presentities.get(&pair.1);
    let changes = story.into_iter().flat_map(|story| story.between(episode.begin, episode.bound()));
    core::iter::once(episode.begin).chain(changes).map(Moment::as_us).collect()
}
