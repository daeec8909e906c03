//! Connections that have proven nothing, also those of the HTTP side: few at once, whoever holds them.
//!
//! When there is no place, one is taken back: the oldest of the address that has most. So whoever fills them all loses
//! them first, and a stranger with one connection keeps it. Must never hold: a connection that has proven who it is.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::block::Block;

/// The places there are.
pub(super) struct Unproven {
    max: usize,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    ever: u64,
    /// In the order in which they were taken.
    places: BTreeMap<u64, (Block, Arc<Notify>)>,
}

impl Unproven {
    /// `max` places, at least one.
    pub(super) fn new(max: usize) -> Self {
        Self { max: max.max(1), table: Mutex::default() }
    }

    /// Takes a place for a connection from `block`.
    pub(super) fn enter(self: &Arc<Self>, block: Block) -> Place {
        let mut table = self.table();
        while table.places.len() >= self.max {
            table.take_back();
        }
        table.ever += 1;
        let (number, lost) = (table.ever, Arc::new(Notify::new()));
        table.places.insert(number, (block, Arc::clone(&lost)));
        drop(table);
        Place { pool: Arc::clone(self), number, lost }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Takes back the oldest place of the address that has most.
    fn take_back(&mut self) {
        let mut held: HashMap<Block, usize> = HashMap::new();
        for (block, _) in self.places.values() {
            *held.entry(*block).or_default() += 1;
        }
        // The first of those that are equal is the oldest.
        let oldest = self.places.iter().rev().max_by_key(|(_, (block, _))| held[block]);
        if let Some(number) = oldest.map(|(number, _)| *number)
            && let Some((_, lost)) = self.places.remove(&number)
        {
            lost.notify_one();
        }
    }
}

/// A place of a connection; free again when dropped.
pub(super) struct Place {
    pool: Arc<Unproven>,
    number: u64,
    lost: Arc<Notify>,
}

impl Place {
    /// Waits until the place is taken back. May be given up while waiting.
    pub(super) async fn lost(&self) {
        self.lost.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pool.table().places.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::time::timeout;

    use super::*;

    fn block(last: u8) -> Block {
        Block::from(SocketAddr::from(([192, 0, 2, last], 1)))
    }

    async fn is_lost(place: &Place) -> bool {
        timeout(std::time::Duration::ZERO, place.lost()).await.is_ok()
    }

    #[tokio::test]
    async fn whoever_fills_all_places_loses_the_oldest() {
        let pool = Arc::new(Unproven::new(4));
        let alone = pool.enter(block(1));
        let many: Vec<Place> = (0..3).map(|_| pool.enter(block(2))).collect();
        let fresh = pool.enter(block(3));
        assert!(!is_lost(&alone).await && !is_lost(&fresh).await && !is_lost(&many[1]).await);
        assert!(is_lost(&many[0]).await);
    }

    #[tokio::test]
    async fn a_place_that_was_given_back_is_free() {
        let pool = Arc::new(Unproven::new(2));
        let (first, second) = (pool.enter(block(1)), pool.enter(block(1)));
        drop(first);
        let third = pool.enter(block(1));
        assert!(!is_lost(&second).await && !is_lost(&third).await);
        assert_eq!(pool.table().places.len(), 2);
    }
}
