//! Connections of ordered byte streams with delays, which can be cut at any moment.
//!
//! A cut keeps a random part of what was in flight and loses the rest. The device notices at once, the server perhaps
//! much later: until then it talks into the void. Must never hold: what the bytes mean.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use adsum::session::Close;

use super::forgetting::Unspeakable;
use super::lots::Lots;
use super::pipe::{Piece, Pipe, Stream};
use super::trace::note;
use super::{Bug, Trace};

/// Names a connection for as long as the world lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// An end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Device,
    Server,
}

/// One direction of one stream: what arrives when.
type InFlight = VecDeque<(u64, Piece)>;

#[derive(Debug)]
struct Connection {
    pipe: Pipe,
    in_flight: BTreeMap<(End, Stream), InFlight>,
    cut: bool,
    /// When the server learns that the connection is gone.
    server_learns_at: u64,
    /// Whether the server has taken the connection on.
    accepted: bool,
    forgotten_by_device: bool,
}

/// The network between all devices and the server.
#[derive(Debug)]
pub(crate) struct Network {
    connections: BTreeMap<ConnectionId, Connection>,
    /// Those whose devices read nothing, so that nothing more can be written to them.
    deaf: BTreeSet<ConnectionId>,
    begun: u64,
    pub(crate) delay_ms_max: u64,
    trace: Trace,
    bug: Option<Bug>,
    unspeakable: Unspeakable,
}

impl Network {
    pub(crate) fn new(
        delay_ms_max: u64,
        unspeakable: Unspeakable,
        (trace, bug): (Trace, Option<Bug>),
    ) -> Self {
        let (connections, deaf) = (BTreeMap::new(), BTreeSet::new());
        Self { connections, deaf, begun: 0, delay_ms_max, trace, bug, unspeakable }
    }

    /// A new connection and what both of its ends derive from their handshake.
    pub(crate) fn connect(&mut self, rng: &mut Lots) -> (ConnectionId, [u8; 32]) {
        self.begun += 1;
        let id = ConnectionId(self.begun);
        let exporter = rng.unique();
        let connection = Connection {
            pipe: Pipe::new(exporter, self.unspeakable.clone()),
            in_flight: BTreeMap::new(),
            cut: false,
            server_learns_at: 0,
            accepted: false,
            forgotten_by_device: false,
        };
        self.connections.insert(id, connection);
        (id, exporter)
    }

    /// Connections that the server has not seen yet, with its ends of them.
    pub(crate) fn accept(&mut self) -> Vec<(ConnectionId, Pipe)> {
        let fresh = self.connections.iter_mut().filter(|(_, one)| !one.accepted && !one.cut);
        fresh
            .map(|(id, one)| {
                one.accepted = true;
                (*id, one.pipe.clone())
            })
            .collect()
    }

    /// A device sends `piece` to the server.
    pub(crate) fn send(
        &mut self,
        rng: &mut Lots,
        now: u64,
        (id, stream): (ConnectionId, Stream),
        piece: Piece,
    ) {
        self.put(rng, now, (id, End::Server, stream), piece);
    }

    /// Puts `piece` on its way, in one part or two.
    fn put(
        &mut self,
        rng: &mut Lots,
        now: u64,
        (id, to, stream): (ConnectionId, End, Stream),
        piece: Piece,
    ) {
        let Some(connection) = self.connections.get_mut(&id).filter(|one| !one.cut) else { return };
        let queue = connection.in_flight.entry((to, stream)).or_default();
        let parts = match piece {
            Piece::Bytes(mut bytes) => {
                self.trace.bytes(&bytes);
                let at = if rng.u8(..4) == 0 { rng.usize(..=bytes.len()) } else { bytes.len() };
                let rest = bytes.split_off(at);
                vec![Piece::Bytes(bytes), Piece::Bytes(rest)]
            }
            end => vec![end],
        };
        for part in parts {
            if part != Piece::Bytes(Vec::new()) {
                let before = queue.back().map_or(0, |(arrives, _)| *arrives);
                let arrives = before.max(now + rng.u64(..=self.delay_ms_max));
                queue.push_back((arrives, part));
            }
        }
    }

    /// What has arrived at the device.
    pub(crate) fn read(&mut self, now: u64, id: ConnectionId, stream: Stream) -> Vec<Piece> {
        let queue = self.connections.get_mut(&id);
        let queue = queue.and_then(|one| one.in_flight.get_mut(&(End::Device, stream)));
        queue.map(|queue| arrived(queue, now)).unwrap_or_default()
    }

    /// How many bytes of `stream` the server has read.
    pub(crate) fn read_by_server(&self, id: ConnectionId, stream: Stream) -> usize {
        self.connections.get(&id).map_or(0, |one| one.pipe.read_of(stream))
    }

    /// Hands the server what has arrived there.
    pub(crate) fn deliver(&mut self, now: u64, id: ConnectionId) {
        let is_over = self.is_over(now, id, End::Server);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        for ((end, stream), queue) in &mut connection.in_flight {
            if *end == End::Server {
                for piece in arrived(queue, now) {
                    connection.pipe.arrive(*stream, piece);
                }
            }
        }
        if is_over {
            connection.pipe.lose();
        }
    }

    /// Takes from the server what it wrote.
    pub(crate) fn collect(&mut self, rng: &mut Lots, now: u64, id: ConnectionId) {
        let Some(connection) = self.connections.get(&id) else { return };
        let (written, closed) = (connection.pipe.take_written(), connection.pipe.closed());
        for (stream, piece) in written {
            let piece = Bug::change_words(self.bug, stream, piece);
            self.put(rng, now, (id, End::Device, stream), piece);
        }
        if let Some(close) = closed {
            self.close(rng, now, (id, close));
        }
    }

    /// The server closed the connection: some of what it wrote before arrives, the rest may not.
    fn close(&mut self, rng: &mut Lots, now: u64, (id, close): (ConnectionId, Close)) {
        if self.connections.get(&id).is_none_or(|one| one.cut) {
            return;
        }
        note!(self.trace, "the server closes connection {}: {}", id.0, close.0.as_str());
        self.cut(rng, now, id);
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.server_learns_at = now;
        }
    }

    /// Cuts a connection: some of what is in flight arrives at once, the rest never.
    pub(crate) fn cut(&mut self, rng: &mut Lots, now: u64, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id).filter(|one| !one.cut) else { return };
        note!(self.trace, "connection {} is cut", id.0);
        self.trace.count("cuts");
        connection.cut = true;
        connection.server_learns_at =
            if rng.bool() { now } else { now + rng.u64(..=10 * self.delay_ms_max) };
        for queue in connection.in_flight.values_mut() {
            queue.truncate(rng.usize(..=queue.len()));
            for (arrives, _) in queue {
                *arrives = now;
            }
        }
    }

    /// The server's process is gone, and with it all its connections.
    pub(crate) fn cut_all(&mut self, rng: &mut Lots, now: u64) {
        let all: Vec<ConnectionId> = self.connections.keys().copied().collect();
        for id in all {
            self.cut(rng, now, id);
            self.forget(id, End::Server);
        }
    }

    /// Whether the end `at` finds the connection gone.
    pub(crate) fn is_over(&self, now: u64, id: ConnectionId, at: End) -> bool {
        self.connections.get(&id).is_none_or(|connection| {
            connection.cut && (at == End::Device || connection.server_learns_at <= now)
        })
    }

    /// The end `at` has no use for the connection any more.
    pub(crate) fn forget(&mut self, id: ConnectionId, at: End) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match at {
            End::Device => connection.forgotten_by_device = true,
            End::Server => connection.accepted = false,
        }
        if connection.cut && connection.forgotten_by_device && !connection.accepted {
            self.connections.remove(&id);
            self.deaf.remove(&id);
        }
    }

    /// From now on, or no longer, the device reads nothing.
    pub(crate) fn deafen(&mut self, id: ConnectionId, is_deaf: bool) {
        if is_deaf {
            self.deaf.insert(id);
        } else {
            self.deaf.remove(&id);
        }
    }

    /// Whether the device reads nothing.
    pub(crate) fn is_deaf(&self, id: ConnectionId) -> bool {
        self.deaf.contains(&id) && self.connections.get(&id).is_some_and(|one| !one.cut)
    }

    /// Connections that are not cut.
    pub(crate) fn open(&self) -> Vec<ConnectionId> {
        let open = self.connections.iter().filter(|(_, connection)| !connection.cut);
        open.map(|(id, _)| *id).collect()
    }

    /// Whether nothing is in flight anywhere.
    pub(crate) fn is_quiet(&self) -> bool {
        let mut queues = self.connections.values().flat_map(|one| one.in_flight.values());
        queues.all(VecDeque::is_empty)
    }
}

fn arrived(queue: &mut InFlight, now: u64) -> Vec<Piece> {
    core::iter::from_fn(|| queue.pop_front_if(|(arrives, _)| *arrives <= now))
        .map(|(_, piece)| piece)
        .collect()
}
