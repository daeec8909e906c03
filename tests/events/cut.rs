//! A cut of the log, as an event.
//!
//! Must never hold: a signature that fits.

use adsum::event::{Chain, CutStatement, Event, LogCut};
use adsum::model::Sequence;

use super::at;

/// Each under the name of its golden section.
pub(super) fn samples() -> Vec<(&'static str, Event)> {
    let cut = CutStatement {
        from: Sequence::new(301),
        through: Sequence::new(90_000),
        until: at(5),
        before: Chain([0xb1; 32]),
        after: Chain([0xaf; 32]),
        bytes: 12_345_678,
        records: 4_321,
        carried_bytes: 987_654,
        carried: Chain([0xca; 32]),
    };
    let (key, signature) = (vec![0x6b; 91].into(), vec![0x51; 70].into());
    vec![("cut", Event::LogCut(LogCut { cut, key, signature }))]
}
