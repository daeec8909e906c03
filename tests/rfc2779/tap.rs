//! A relay on loopback that hears every packet, and can cut the line or change bits on it.
//!
//! Must never hold: a check of a requirement.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// A relay to one server. Ends when dropped.
pub struct Tap {
    /// Where clients reach the server through it.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Line {
    heard: Mutex<Vec<u8>>,
    is_cut: AtomicBool,
    /// One packet in so many has a bit changed; 0 for none.
    changes: AtomicU64,
    passed: AtomicU64,
    changed: AtomicU64,
}

struct Shared {
    front: UdpSocket,
    server: SocketAddr,
    line: Line,
}

impl Tap {
    pub async fn to(server: SocketAddr) -> Self {
        let front = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = front.local_addr().unwrap();
        let shared = Arc::new(Shared { front, server, line: Line::default() });
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&shared).forward());
        Self { address, shared, _tasks: tasks }
    }

    /// Nothing gets through from now on, and nobody is told.
    pub fn cut(&self) {
        self.shared.line.is_cut.store(true, Ordering::Relaxed);
    }

    /// A bit of one packet in `one_in` is changed from now on.
    pub fn change_bits(&self, one_in: u64) {
        self.shared.line.changes.store(one_in, Ordering::Relaxed);
    }

    /// How many packets were changed.
    pub fn changed(&self) -> u64 {
        self.shared.line.changed.load(Ordering::Relaxed)
    }

    /// Every byte heard in both directions.
    pub fn heard(&self) -> Vec<u8> {
        self.shared.line.heard.lock().unwrap().clone()
    }
}

impl Line {
    /// What becomes of a packet on the line; `None` if it is lost.
    fn carry<'a>(&self, packet: &'a mut [u8]) -> Option<&'a [u8]> {
        self.heard.lock().unwrap().extend_from_slice(packet);
        if self.is_cut.load(Ordering::Relaxed) {
            return None;
        }
        let (number, one_in) =
            (self.passed.fetch_add(1, Ordering::Relaxed), self.changes.load(Ordering::Relaxed));
        if one_in > 0 && number % one_in == 0 {
            // In the sealed part, behind the header.
            let place = packet.len() - 1 - packet.len() / 4;
            packet[place] ^= 1;
            self.changed.fetch_add(1, Ordering::Relaxed);
        }
        Some(packet)
    }
}

impl Shared {
    async fn forward(self: Arc<Self>) {
        let mut backs: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
        let mut ways_back = JoinSet::new();
        let mut packet = vec![0; 64 * 1024];
        loop {
            // Errors are of packets sent before, to peers that are gone.
            let Ok((length, client)) = self.front.recv_from(&mut packet).await else { continue };
            if let Entry::Vacant(new) = backs.entry(client) {
                let back = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
                ways_back.spawn(Arc::clone(&self).back(Arc::clone(&back), client));
                new.insert(back);
            }
            if let Some(packet) = self.line.carry(&mut packet[..length]) {
                let _ = backs[&client].send_to(packet, self.server).await;
            }
        }
    }

    async fn back(self: Arc<Self>, back: Arc<UdpSocket>, client: SocketAddr) {
        let mut packet = vec![0; 64 * 1024];
        loop {
            let Ok(length) = back.recv(&mut packet).await else { continue };
            if let Some(packet) = self.line.carry(&mut packet[..length]) {
                let _ = self.front.send_to(packet, client).await;
            }
        }
    }
}
