//! Random bytes of the operating system.
//!
//! Must never hold: a generator of its own, or what the bytes are for.

use ring::rand::{SecureRandom, SystemRandom};

/// `N` random bytes.
///
/// # Panics
/// As [`fill`].
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// Fills `bytes` with random ones.
///
/// # Panics
/// If the operating system has no randomness to give, without which nothing here is safe.
pub(crate) fn fill(bytes: &mut [u8]) {
    SystemRandom::new().fill(bytes).expect("the operating system gives random bytes");
}
