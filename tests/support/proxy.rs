//! A bad network: a UDP relay on loopback that loses, doubles, delays and reorders, and changes the address under
//! which its clients appear.
//!
//! Must never hold: a look into a packet.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// How bad it is.
#[derive(Clone, Copy)]
pub struct Faults {
    /// Share of packets lost.
    pub loss: f64,
    /// Share of packets that come twice.
    pub double: f64,
    /// Packets take between nothing and this long, so that they overtake one another.
    pub delay_max: Duration,
}

impl Faults {
    /// A network that passes everything on.
    pub const NONE: Self = Self { loss: 0.0, double: 0.0, delay_max: Duration::ZERO };
}

/// A relay to one server. Ends when dropped.
pub struct Proxy {
    /// Where clients reach the server through it.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    front: UdpSocket,
    server: SocketAddr,
    faults: Faults,
    random: Mutex<fastrand::Rng>,
    /// Who came from which address, and the socket it appears under.
    backs: Mutex<HashMap<SocketAddr, Arc<UdpSocket>>>,
    is_cut: AtomicBool,
    /// Packets of the server that still get through.
    answers_left: AtomicI64,
    lost: AtomicU64,
    doubled: AtomicU64,
}

impl Proxy {
    pub async fn start(server: SocketAddr, faults: Faults, seed: u64) -> Self {
        let front = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = front.local_addr().unwrap();
        let shared = Arc::new(Shared {
            front,
            server,
            faults,
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
            backs: Mutex::default(),
            is_cut: AtomicBool::new(false),
            answers_left: AtomicI64::new(i64::MAX),
            lost: AtomicU64::new(0),
            doubled: AtomicU64::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&shared).forward());
        Self { address, shared, _tasks: tasks }
    }

    /// All clients appear under new addresses from now on; what is on its way to the old ones is lost.
    pub fn rebind(&self) {
        self.shared.backs.lock().unwrap().clear();
    }

    /// Nothing gets through from now on, or again.
    pub fn cut(&self, is_cut: bool) {
        self.shared.is_cut.store(is_cut, Ordering::Relaxed);
    }

    /// So many packets of the server get through from now on, and then none; those of its clients all do.
    pub fn answers(&self, count: i64) {
        self.shared.answers_left.store(count, Ordering::Relaxed);
    }

    /// Packets lost and doubled so far.
    pub fn faults(&self) -> (u64, u64) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (count(&self.shared.lost), count(&self.shared.doubled))
    }
}

impl Shared {
    /// From the clients to the server. The ways back end with the sockets they belong to.
    async fn forward(self: Arc<Self>) {
        let mut ways_back = JoinSet::new();
        let mut packet = vec![0; 64 * 1024];
        loop {
            // Errors are of packets sent before, to peers that are gone.
            let Ok((length, client)) = self.front.recv_from(&mut packet).await else { continue };
            let known = self.backs.lock().unwrap().get(&client).cloned();
            let back = if let Some(back) = known {
                back
            } else {
                let back = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
                self.backs.lock().unwrap().insert(client, Arc::clone(&back));
                ways_back.spawn(Arc::clone(&self).back(Arc::clone(&back), client));
                back
            };
            let server = self.server;
            self.pass(&packet[..length], move |packet| {
                let back = Arc::clone(&back);
                async move { drop(back.send_to(&packet, server).await) }
            });
        }
    }

    /// From the server to one client, until that appears under another address.
    async fn back(self: Arc<Self>, back: Arc<UdpSocket>, client: SocketAddr) {
        let mut packet = vec![0; 64 * 1024];
        loop {
            let received = tokio::time::timeout(Duration::from_millis(50), back.recv(&mut packet));
            let received = received.await;
            let current = self.backs.lock().unwrap().get(&client).cloned();
            if !current.is_some_and(|current| Arc::ptr_eq(&current, &back)) {
                return;
            }
            let Ok(Ok(length)) = received else { continue };
            if self.answers_left.fetch_sub(1, Ordering::Relaxed) <= 0 {
                continue;
            }
            let shared = Arc::clone(&self);
            self.pass(&packet[..length], move |packet| {
                let shared = Arc::clone(&shared);
                async move { drop(shared.front.send_to(&packet, client).await) }
            });
        }
    }

    /// Passes a packet on as badly as it is to be.
    fn pass<F: Future<Output = ()> + Send + 'static>(
        &self,
        packet: &[u8],
        send: impl Fn(Vec<u8>) -> F + Send + 'static,
    ) {
        let (copies, delays) = {
            let mut random = self.random.lock().unwrap();
            let lost = self.is_cut.load(Ordering::Relaxed) || random.f64() < self.faults.loss;
            let doubled = random.f64() < self.faults.double;
            let delays = [random.f64(), random.f64()];
            self.lost.fetch_add(u64::from(lost), Ordering::Relaxed);
            self.doubled.fetch_add(u64::from(doubled && !lost), Ordering::Relaxed);
            (if lost { 0 } else { 1 + usize::from(doubled) }, delays)
        };
        for delay in &delays[..copies] {
            let sending = send(packet.to_vec());
            let delay = self.faults.delay_max.mul_f64(*delay);
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                sending.await;
            });
        }
    }
}
