//! What governors ask, each kind of question, and what the promises say of the answers.
//!
//! Must never hold: the state of the service. An answer is judged by what was decided between question and answer.

use adsum::client::exchange;
use adsum::event::{Event, PublicationCause, Recorded};
use adsum::model::{Handling, Presentity, RefusalCode, Sequence};
use adsum::protocol::body::{self, Body};
use adsum::protocol::{self, Field as _, Presence, Shape};
use adsum::wire::{Frame, StreamType, decode};

use super::chronicle::Chronicle;
use super::decrees::{Decrees, Since};
use super::oracle::Oracle;
use super::plan::{OWNER, WATCHER, Who, choose};
use super::world::Scene;
use super::{Checked, promised};

/// Which question is about what was published.
const HISTORY: u8 = 9;

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) kind: &'static str,
    pub(crate) shape: Shape,
    what: u8,
}

/// One question of `who` and the bytes that ask it.
pub(crate) fn choose_one(who: &Who, scene: &mut Scene) -> (Asked, Vec<u8>) {
    let me = who.actor.principal.to_string();
    let (presentity, inbox) = (format!("pres:{me}"), format!("im:{me}"));
    let is_watcher = me == WATCHER;
    let what = if is_watcher && scene.rng.bool() { 0 } else { scene.rng.u8(..18) };
    let most = *choose(&mut scene.rng, &[2_000, 20_000]);
    let at_ms = scene.look().wall.as_ms().saturating_sub(scene.rng.u64(..most));
    let (kind, shape, bytes) = match what {
        0 => one("fetch", &body::Fetch { presentity: format!("pres:{OWNER}") }),
        1 => rows("subscriptions", &body::ListSubscriptions {}),
        2 => rows("keys", &body::ListKeys { principal: String::new() }),
        3 => one("inbox", &body::InboxStatus { inbox }),
        4 => rows("rules", &body::ListRules { owner: presentity }),
        5 => rows("delivery", &body::ListDelivery { inbox }),
        6 => rows("visibility", &body::ListVisibility {}),
        7 => rows("grants", &body::ListGrants { owner: String::new() }),
        8 => rows("watchers", &body::ListWatchers { presentity }),
        HISTORY => {
            let (since_ms, until_ms, limit) = (None, Some(at_ms), 0);
            rows("history", &body::ListHistory { presentity, since_ms, until_ms, limit })
        }
        10 => one("fetch-at", &body::FetchAt { presentity, at_ms }),
        11 => {
            let (watcher, at_ms) = (WATCHER.to_owned(), scene.rng.bool().then_some(at_ms));
            one("explain", &body::Explain { presentity, watcher, at_ms })
        }
        15 => rows("invites", &body::ListInvites {}),
        16 => rows("publications", &body::ListPublications { presentity }),
        14 => one("server", &body::ServerInfo {}),
        12 => rows("domains", &body::ListDomains {}),
        13 => rows("acts", &body::ListActs { principal: String::new() }),
        _ => rows("quarantine", &body::ListQuarantine { inbox }),
    };
    let is_judged = match what {
        0 => is_watcher,
        4 => me == OWNER,
        _ => true,
    };
    (Asked { kind, shape, what: if is_judged { what } else { u8::MAX } }, bytes)
}

type Question = (&'static str, Shape, Vec<u8>);

/// A question that is answered by one frame.
fn one<B: Body>(kind: &'static str, body: &B) -> Question {
    (kind, Shape::One, exchange::opening(StreamType::Query, body))
}

/// A question that is answered by a list.
fn rows<B: Body>(kind: &'static str, body: &B) -> Question {
    (kind, Shape::Rows, exchange::opening(StreamType::Query, body))
}

/// Holds a whole answer against what was decided.
pub(crate) fn judge(
    (who, asked): (&Who, &Asked),
    since: Since,
    frames: &[Frame],
    oracle: &Oracle,
) -> Checked {
    let decrees = &oracle.decrees;
    match asked.what {
        0 => fetched(since, &frames[0], decrees),
        HISTORY => history(&who.actor.principal.presentity(), frames, oracle),
        4 => {
            let found: body::Version = decode(&frames[0]).expect("rules begin with their version");
            decrees.rules_told(since, found.version, &frames[1..])
        }
        _ => Ok(()),
    }
}

/// A question was refused: what is asked for is older than kept only if the log was ever cut.
pub(crate) fn refused(code: Option<RefusalCode>, asked: &Asked, oracle: &Oracle) -> Checked {
    let is_old = code == Some(RefusalCode::OlderThanKept);
    let was_cut = oracle.cut_through > Sequence::ZERO;
    promised!(5, !is_old || was_cut, "{asked:?} is older than kept, and nothing was ever cut");
    Ok(())
}

/// What was published is told as a log has it, with nothing left out between two changes.
fn history(presentity: &Presentity, frames: &[Frame], oracle: &Oracle) -> Checked {
    let rows = frames.iter().filter_map(|frame| decode::<body::Change>(frame).ok());
    // Who published is told of one that ended, too, as far back as that is kept.
    let told: Vec<_> = rows.map(|row| body::Change { by: String::new(), ..row }).collect();
    let is_of = |log: &Chronicle| {
        let changes: Vec<_> =
            log.events.iter().rev().filter_map(|it| change_of(it, presentity)).collect();
        changes.windows(told.len()).any(|some| some == told)
    };
    let is_right = told.is_empty() || oracle.logs().any(is_of);
    promised!(5, is_right, "no log has the history of {presentity} as it was told: {told:?}");
    Ok(())
}

/// What an event changed of a presentity, but for who did it.
fn change_of(recorded: &Recorded, presentity: &Presentity) -> Option<body::Change> {
    let (publication, what, document) = match &recorded.event {
        Event::Published(event) if event.presentity == *presentity => {
            (&event.publication, 1, Some(event.document.clone()))
        }
        Event::PublicationEnded(event) if event.presentity == *presentity => {
            let what = match event.cause {
                PublicationCause::Removed { .. } => 2,
                PublicationCause::Expired => 3,
                PublicationCause::Withdrawn => 4,
            };
            (&event.publication, what, None)
        }
        _ => return None,
    };
    Some(body::Change {
        at_ms: recorded.shown_at().as_ms(),
        by: String::new(),
        device: publication.device.0,
        name: publication.name.as_str().to_owned(),
        what,
        document: document.to_wire(),
    })
}

/// The watcher sees what is published only where a rule in force between question and answer lets it.
fn fetched(since: Since, frame: &Frame, decrees: &Decrees) -> Checked {
    let told: Presence = protocol::read(frame).expect("a fetch gets valid presence");
    let sees = told.document.tuples().iter().any(|tuple| !tuple.notes.is_empty());
    let handlings = decrees.handlings(since);
    let may = handlings.contains(&Handling::Allow) || decrees.had_rights(since);
    promised!(7, !sees || may, "a watcher was shown what rules withhold: {handlings:?}");
    Ok(())
}
