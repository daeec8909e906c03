//! What governors ask, each kind of question, and what the promises say of the answers.
//!
//! Must never hold: the state of the service. An answer is judged by what was decided between question and answer.

use adsum::client::exchange;
use adsum::model::Handling;
use adsum::protocol::body::{self, Body};
use adsum::protocol::{self, Presence, Shape};
use adsum::wire::{Frame, StreamType, decode};

use super::decrees::{Decrees, Since};
use super::plan::{OWNER, WATCHER, Who};
use super::world::Scene;
use super::{Checked, promised};

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
    let at_ms = scene.look().wall.as_ms().saturating_sub(scene.rng.u64(..2_000));
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
        9 => {
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
pub(crate) fn judge(asked: &Asked, since: Since, frames: &[Frame], decrees: &Decrees) -> Checked {
    match asked.what {
        0 => fetched(since, &frames[0], decrees),
        4 => {
            let found: body::Version = decode(&frames[0]).expect("rules begin with their version");
            decrees.rules_told(since, found.version, &frames[1..])
        }
        _ => Ok(()),
    }
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
