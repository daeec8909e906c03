//! What governors ask, each kind of question, and what the promises say of the answers.
//!
//! Must never hold: the state of the service. An answer is judged by what was decided between question and answer.

use adsum::model::Handling;
use adsum::protocol;
use adsum::protocol::body::{self, Body};
use adsum::wire::{Frame, StreamType, decode, encode};

use super::decrees::{Decrees, Since};
use super::plan::{OWNER, WATCHER, Who};
use super::world::Scene;
use super::{Checked, promised};

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) kind: &'static str,
    what: u8,
}

/// One question of `who` and the bytes that ask it.
pub(crate) fn choose_one(who: &Who, scene: &mut Scene) -> (Asked, Vec<u8>) {
    let me = who.actor.principal.to_string();
    let (presentity, inbox) = (format!("pres:{me}"), format!("im:{me}"));
    let is_watcher = me == WATCHER;
    let mut out = vec![StreamType::Query.byte()];
    let what = if is_watcher && scene.rng.bool() { 0 } else { scene.rng.u8(..16) };
    let at_ms = scene.now.saturating_sub(scene.rng.u64(..2_000));
    let out_of = &mut out;
    let kind = match what {
        0 => ask("fetch", &body::Fetch { presentity: format!("pres:{OWNER}") }, out_of),
        1 => ask("subscriptions", &body::ListSubscriptions {}, out_of),
        2 => ask("keys", &body::ListKeys { principal: String::new() }, out_of),
        3 => ask("inbox", &body::InboxStatus { inbox }, out_of),
        4 => ask("rules", &body::ListRules { owner: presentity }, out_of),
        5 => ask("delivery", &body::ListDelivery { inbox }, out_of),
        6 => ask("visibility", &body::ListVisibility {}, out_of),
        7 => ask("grants", &body::ListGrants { owner: String::new() }, out_of),
        8 => ask("watchers", &body::ListWatchers { presentity }, out_of),
        9 => {
            let (since_ms, until_ms, limit) = (None, Some(at_ms), 0);
            ask("history", &body::ListHistory { presentity, since_ms, until_ms, limit }, out_of)
        }
        10 => ask("fetch-at", &body::FetchAt { presentity, at_ms }, out_of),
        11 => {
            let (watcher, at_ms) = (WATCHER.to_owned(), scene.rng.bool().then_some(at_ms));
            ask("explain", &body::Explain { presentity, watcher, at_ms }, out_of)
        }
        14 => ask("server", &body::ServerInfo {}, out_of),
        12 => ask("domains", &body::ListDomains {}, out_of),
        13 => ask("acts", &body::ListActs { principal: String::new() }, out_of),
        _ => ask("quarantine", &body::ListQuarantine { inbox }, out_of),
    };
    let is_judged = match what {
        0 => is_watcher,
        4 => me == OWNER,
        _ => true,
    };
    (Asked { kind, what: if is_judged { what } else { u8::MAX } }, out)
}

fn ask<B: Body>(kind: &'static str, body: &B, out: &mut Vec<u8>) -> &'static str {
    encode(body, out);
    kind
}

/// Holds an answer against what was decided.
pub(crate) fn judge(asked: &Asked, since: Since, frames: &[Frame], decrees: &Decrees) -> Checked {
    let last = frames.last().map_or(0, |frame| frame.kind);
    let single = [
        body::Presence::KIND,
        body::InboxState::KIND,
        body::Explanation::KIND,
        body::ServerDescription::KIND,
        body::Refused::KIND,
    ];
    let whole = last == body::End::KIND || frames.len() == 1 && single.contains(&last);
    promised!(3, whole, "the answer to {asked:?} ends with kind {last:#06x}");
    if last == body::Refused::KIND {
        return Ok(());
    }
    match asked.what {
        0 => fetched(since, &frames[0], decrees),
        4 => {
            let found: body::Version = decode(&frames[0]).expect("rules begin with their version");
            decrees.rules_told(since, found.version, &frames[1..frames.len() - 1])
        }
        _ => Ok(()),
    }
}

/// The watcher sees what is published only where a rule in force between question and answer lets it.
fn fetched(since: Since, frame: &Frame, decrees: &Decrees) -> Checked {
    let body::Presence { presence } = decode(frame).expect("a fetch gets presence");
    let document = protocol::document::document(presence.document);
    let document = document.expect("the server writes valid documents");
    let sees = document.tuples().iter().any(|tuple| !tuple.notes.is_empty());
    let handlings = decrees.handlings(since);
    let may = handlings.contains(&Handling::Allow) || decrees.had_rights(since);
    promised!(7, !sees || may, "a watcher was shown what rules withhold: {handlings:?}");
    Ok(())
}
