//! Connection ids: 16 bytes, half of them random, half of them by which packets of a former process are recognised.
//!
//! quinn's own have 3 random bytes, which is no less than it takes where each new one is compared with those that are in use. The
//! one in a Retry is not: with 2,000 connections about one in a thousand peers that were asked to prove their address was
//! given the id of another connection, and its packets went there until it gave up.
//! Must never hold: anything that tells which connections are whose.

use std::time::Duration;

use quinn::{ConnectionId, ConnectionIdGenerator};
use quinn_proto::InvalidCid;

use crate::random;

const RANDOM_BYTES: usize = 8;
const BYTES: usize = 16;
const KEY_CONTEXT: &str = "adsum connection ids";

/// Draws them.
pub(super) struct ConnectionIds {
    key: [u8; 32],
}

impl ConnectionIds {
    /// Those of all processes that have `key`.
    pub(super) fn of(key: u64) -> Self {
        Self { key: blake3::derive_key(KEY_CONTEXT, &key.to_be_bytes()) }
    }

    fn marked(&self, random: &[u8]) -> [u8; BYTES] {
        let mark = blake3::keyed_hash(&self.key, random);
        let mut bytes = [0; BYTES];
        bytes[..RANDOM_BYTES].copy_from_slice(random);
        bytes[RANDOM_BYTES..].copy_from_slice(&mark.as_bytes()[..BYTES - RANDOM_BYTES]);
        bytes
    }
}

impl ConnectionIdGenerator for ConnectionIds {
    fn generate_cid(&mut self) -> ConnectionId {
        ConnectionId::new(&self.marked(&random::bytes::<RANDOM_BYTES>()))
    }

    fn validate(&self, id: &ConnectionId) -> Result<(), InvalidCid> {
        let random = id.get(..RANDOM_BYTES).ok_or(InvalidCid)?;
        if **id == self.marked(random) { Ok(()) } else { Err(InvalidCid) }
    }

    fn cid_len(&self) -> usize {
        BYTES
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_are_the_same() {
        let mut ids = ConnectionIds::of(1);
        let drawn: HashSet<_> = (0..50_000).map(|_| ids.generate_cid()).collect();
        assert_eq!(drawn.len(), 50_000);
    }

    #[test]
    fn a_later_process_with_the_key_recognises_them_and_nobody_else_does() {
        let id = ConnectionIds::of(1).generate_cid();
        assert_eq!(id.len(), ConnectionIds::of(1).cid_len());
        assert!(ConnectionIds::of(1).validate(&id).is_ok());
        assert!(ConnectionIds::of(2).validate(&id).is_err());
        for place in 0..id.len() {
            let mut other = id.to_vec();
            other[place] ^= 1;
            assert!(ConnectionIds::of(1).validate(&ConnectionId::new(&other)).is_err(), "{place}");
            assert!(ConnectionIds::of(1).validate(&ConnectionId::new(&id[..place])).is_err());
        }
    }
}
