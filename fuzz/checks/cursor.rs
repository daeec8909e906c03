//! Cursors: nothing opens but what was sealed, and what opens was sealed for just this feed.
//!
//! Must never hold: a panic of its own for any input, except when a promise is broken.

use adsum::model::{DeviceId, EpochId, Mark, Moment};
use adsum::service::Actor;
use adsum::session::{Place, Scope, Sealer};

/// What the store's cursors are sealed with.
const SECRET: [u8; 32] = [7; 32];

/// Takes `data` for a cursor, for a place to be sealed, and for a change of what was sealed.
pub(crate) fn check(data: &[u8]) {
    let alice = "alice@d.example".parse().expect("it is an address");
    let actor = Actor { principal: alice, device: DeviceId([1; 8]) };
    let inbox = actor.principal.inbox();
    let presence = Sealer::new(&SECRET, &actor, Scope::Presence);
    let elsewhere = Sealer::new(&SECRET, &actor, Scope::Inbox(&inbox));
    assert!(!forged(&presence, data), "a cursor was made up");
    let Some((position, rest)) = data.split_first_chunk::<8>() else { return };
    let Some((epoch, change)) = rest.split_first_chunk::<8>() else { return };
    let (position, epoch) = (u64::from_be_bytes(*position), EpochId(*epoch));
    let passed = Mark { at: Moment::from_us(position.rotate_left(32)), epoch };
    let place = Place { position, epoch, passed };
    let sealed = presence.seal(place);
    assert_eq!(presence.open(&sealed), Some(place));
    assert_eq!(elsewhere.open(&sealed), None, "a cursor is of use elsewhere");
    // A change may come to what is sealed for another place: a fuzzer learns such cursors from comparisons.
    let changed: Vec<u8> = sealed
        .iter()
        .zip(change.iter().chain(core::iter::repeat(&0)))
        .map(|(byte, change)| byte ^ change)
        .collect();
    assert!(!forged(&presence, &changed), "a changed cursor opens");
}

/// Whether `data` opens although it is none that this sealer makes.
fn forged(sealer: &Sealer, data: &[u8]) -> bool {
    sealer.open(data).is_some_and(|place| sealer.seal(place) != data)
}
