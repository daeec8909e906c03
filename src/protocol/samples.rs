//! The samples of all nouns.
//!
//! Must never hold: a sample (each stands with its noun).

use super::sample::Sample;
use super::{
    delivery, document, domain, feed, grant, history, identity, inbox, publish, refusal, rules,
    send, server, subscribe, visibility, watchers,
};

/// A frame of every kind, some kinds with several. `docs/PROTOCOL_EXAMPLES.md` is made of these.
pub fn samples() -> Vec<Sample> {
    let nouns = [
        identity::samples(),
        publish::samples(),
        document::samples(),
        subscribe::samples(),
        send::samples(),
        inbox::samples(),
        rules::samples(),
        delivery::samples(),
        visibility::samples(),
        watchers::samples(),
        grant::samples(),
        history::samples(),
        domain::samples(),
        server::samples(),
        feed::samples(),
        refusal::samples(),
    ];
    nouns.into_iter().flatten().collect()
}
