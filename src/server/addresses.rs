//! What each address may have: connections, and handshakes in a time; and how many connections all may have.
//!
//! Counted for IPv4 addresses and IPv6 /64s ([`Block`]); not for those of the operator's proxies, behind which many clients
//! have one address. Must never hold: an address that nothing is counted of any more, longer than until it is looked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::Instant;

use super::block::{Block, Network};
use super::config::ServerLimits;
use crate::service::Origin;

/// How long an address may save up handshakes that it did not make: as many come at once after a server was killed.
const SAVED: Duration = Duration::from_secs(10);
/// Addresses known before those are looked for of which nothing is counted.
const KNOWN_MIN: usize = 1_024;

/// What is counted of all addresses.
pub(super) struct Addresses {
    rules: RwLock<Rules>,
    table: Mutex<Table>,
}

/// What is allowed until the operator says something else.
struct Rules {
    /// Connections of all addresses.
    connections_max: usize,
    /// Connections of one address.
    of_one_max: usize,
    /// Between two handshakes of one address, on average.
    pace: Duration,
    proxies: Vec<Network>,
}

impl Rules {
    fn of(limits: &ServerLimits) -> Self {
        let per_second = u32::try_from(limits.address_handshakes_per_s_max).unwrap_or(u32::MAX);
        Self {
            connections_max: limits.connections_max,
            of_one_max: limits.address_connections_max,
            pace: Duration::from_secs(1) / per_second.max(1),
            proxies: limits.proxies.clone(),
        }
    }
}

#[derive(Default)]
struct Table {
    known: HashMap<Block, Counted>,
    /// How many there may be before those are looked for of which nothing is counted.
    known_max: usize,
}

#[derive(Clone, Copy, Default)]
struct Counted {
    connections: usize,
    /// When all handshakes so far are paid for, at one a pace.
    paid_at: Option<Instant>,
}

impl Addresses {
    /// Nothing is counted yet.
    pub(super) fn new(limits: &ServerLimits) -> Self {
        Self { rules: RwLock::new(Rules::of(limits)), table: Mutex::default() }
    }

    /// Allows what `limits` say from now on. Who has more than that keeps it.
    pub(super) fn limit(&self, limits: &ServerLimits) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Rules::of(limits);
    }

    /// Whether no more come in, with so many connections that are `open`.
    pub(super) fn is_full(&self, open: usize) -> bool {
        open >= self.rule(|rules| rules.connections_max)
    }

    /// Takes a place for a connection from `block`, unless it has as many as it may.
    pub(super) fn enter(self: &Arc<Self>, block: Block) -> Option<Member> {
        let is_counted = !self.is_proxy(block);
        if is_counted {
            let most = self.rule(|rules| rules.of_one_max);
            let mut table = self.table();
            table.forget();
            let counted = table.known.entry(block).or_default();
            if counted.connections >= most {
                return None;
            }
            counted.connections += 1;
        }
        Some(Member { addresses: Arc::clone(self), block, is_counted })
    }

    /// Counts a handshake of `block`; false if it made too many.
    pub(super) fn handshake(&self, block: Block) -> bool {
        self.handshake_at(block, Instant::now())
    }

    fn handshake_at(&self, block: Block, now: Instant) -> bool {
        if self.is_proxy(block) {
            return true;
        }
        let pace = self.rule(|rules| rules.pace);
        let mut table = self.table();
        let counted = table.known.entry(block).or_default();
        let paid_at = counted.paid_at.map_or(now, |at| at.max(now)) + pace;
        let is_paid = paid_at <= now + SAVED.max(pace);
        if is_paid {
            counted.paid_at = Some(paid_at);
        }
        is_paid
    }

    /// What the service counts `block` by; `None` if that is not counted.
    pub(super) fn origin(&self, block: Block) -> Option<Origin> {
        (!self.is_proxy(block)).then(|| block.origin())
    }

    fn is_proxy(&self, block: Block) -> bool {
        self.rule(|rules| rules.proxies.iter().any(|network| network.holds_block(block)))
    }

    fn rule<T>(&self, look: impl FnOnce(&Rules) -> T) -> T {
        look(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Forgets addresses of which nothing is counted any more, once there are many.
    fn forget(&mut self) {
        if self.known.len() < self.known_max.max(KNOWN_MIN) {
            return;
        }
        let now = Instant::now();
        self.known.retain(|_, counted| {
            counted.connections > 0 || counted.paid_at.is_some_and(|at| at > now)
        });
        self.known_max = 2 * self.known.len();
    }
}

/// Counts one connection of an address while it lives.
pub(super) struct Member {
    addresses: Arc<Addresses>,
    block: Block,
    /// Not if it came over a proxy, as those were named then.
    is_counted: bool,
}

impl Drop for Member {
    fn drop(&mut self) {
        if !self.is_counted {
            return;
        }
        if let Some(counted) = self.addresses.table().known.get_mut(&self.block) {
            counted.connections = counted.connections.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn block(last: u8) -> Block {
        Block::from(SocketAddr::from(([192, 0, 2, last], 1)))
    }

    fn addresses(change: impl FnOnce(&mut ServerLimits)) -> Arc<Addresses> {
        let mut limits = ServerLimits::default();
        change(&mut limits);
        Arc::new(Addresses::new(&limits))
    }

    #[test]
    fn an_address_has_as_many_connections_as_it_may_and_others_have_their_own() {
        let addresses = addresses(|limits| limits.address_connections_max = 2);
        let (first, _second) = (addresses.enter(block(1)), addresses.enter(block(1)));
        assert!(first.is_some() && addresses.enter(block(1)).is_none());
        assert!(addresses.enter(block(2)).is_some());
        drop(first);
        assert!(addresses.enter(block(1)).is_some());
    }

    #[test]
    fn handshakes_are_saved_up_for_ten_seconds() {
        let addresses = addresses(|limits| limits.address_handshakes_per_s_max = 5);
        let granted = |now| (0..100).filter(|_| addresses.handshake_at(block(1), now)).count();
        let now = Instant::now();
        assert_eq!(granted(now), 50);
        assert!(addresses.handshake_at(block(2), now));
        assert_eq!(granted(now + Duration::from_secs(1)), 5);
        assert_eq!(granted(now + Duration::from_mins(1)), 50);
    }

    #[test]
    fn what_is_allowed_can_be_changed_and_nobody_loses_what_it_has() {
        let addresses = addresses(|limits| limits.proxies = vec!["192.0.2.1".parse().unwrap()]);
        let over_proxy = addresses.enter(block(1)).unwrap();
        let _two = [addresses.enter(block(2)).unwrap(), addresses.enter(block(2)).unwrap()];
        let one = ServerLimits { address_connections_max: 1, ..ServerLimits::default() };
        addresses.limit(&ServerLimits { connections_max: 3, ..one });
        assert!(addresses.enter(block(2)).is_none(), "it has two, and may have one");
        let _first = addresses.enter(block(1)).unwrap();
        drop(over_proxy);
        assert!(addresses.enter(block(1)).is_none(), "what was not counted is not taken off");
        assert!(addresses.is_full(3) && !addresses.is_full(2));
    }

    #[test]
    fn a_proxy_is_not_counted() {
        let addresses = addresses(|limits| {
            limits.address_connections_max = 1;
            limits.address_handshakes_per_s_max = 1;
            limits.proxies = vec!["192.0.2.0/31".parse().unwrap()];
        });
        let _many: Vec<Member> = (0..9).map(|_| addresses.enter(block(1)).unwrap()).collect();
        assert!((0..100).all(|_| addresses.handshake(block(1))));
        let _one = addresses.enter(block(2)).unwrap();
        assert!(addresses.enter(block(2)).is_none());
    }

    #[test]
    fn addresses_of_which_nothing_is_counted_are_forgotten() {
        let addresses = addresses(|_| ());
        for number in 0..10_000_u32 {
            let address = SocketAddr::from((number.to_be_bytes(), 1));
            drop(addresses.enter(address.into()));
        }
        assert!(addresses.table().known.len() <= KNOWN_MIN);
    }
}
