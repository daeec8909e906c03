//! Connections of ordered byte streams with delays, which can be cut at any moment.
//!
//! A cut keeps a random part of what was in flight and loses the rest. The device notices at once, the server perhaps
//! much later: until then it talks into the void. Must never hold: what the bytes mean.

use std::collections::{BTreeMap, VecDeque};

use fastrand::Rng;

use super::Trace;
use super::trace::note;

/// Names a connection for as long as the world lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// An end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Device,
    Server,
}

/// The long-lived streams of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stream {
    Control,
    Presence,
    Inbox,
}

impl Stream {
    pub(crate) const ALL: [Self; 3] = [Self::Control, Self::Presence, Self::Inbox];
}

/// One direction of one stream.
#[derive(Debug, Default)]
struct Pipe {
    in_flight: VecDeque<(u64, Vec<u8>)>,
}

#[derive(Debug, Default)]
struct Connection {
    pipes: BTreeMap<(End, Stream), Pipe>,
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
    begun: u64,
    pub(crate) delay_ms_max: u64,
    trace: Trace,
}

impl Network {
    pub(crate) fn new(delay_ms_max: u64, trace: Trace) -> Self {
        Self { connections: BTreeMap::new(), begun: 0, delay_ms_max, trace }
    }

    pub(crate) fn connect(&mut self) -> ConnectionId {
        self.begun += 1;
        let id = ConnectionId(self.begun);
        self.connections.insert(id, Connection::default());
        id
    }

    /// Connections that the server has not seen yet.
    pub(crate) fn accept(&mut self) -> Vec<ConnectionId> {
        let fresh = self.connections.iter_mut().filter(|(_, one)| !one.accepted && !one.cut);
        fresh
            .map(|(id, one)| {
                one.accepted = true;
                *id
            })
            .collect()
    }

    /// Sends `bytes` to the end `to`, in one piece or two.
    pub(crate) fn write(
        &mut self,
        rng: &mut Rng,
        now: u64,
        (id, to, stream): (ConnectionId, End, Stream),
        bytes: &[u8],
    ) {
        let Some(connection) = self.connections.get_mut(&id).filter(|one| !one.cut) else { return };
        self.trace.bytes(bytes);
        let pipe = connection.pipes.entry((to, stream)).or_default();
        let at = if rng.u8(..4) == 0 { rng.usize(..=bytes.len()) } else { bytes.len() };
        for piece in [&bytes[..at], &bytes[at..]] {
            if !piece.is_empty() {
                let before = pipe.in_flight.back().map_or(0, |(arrives, _)| *arrives);
                let arrives = before.max(now + rng.u64(..=self.delay_ms_max));
                pipe.in_flight.push_back((arrives, piece.to_vec()));
            }
        }
    }

    /// What has arrived at the end `at`.
    pub(crate) fn read(
        &mut self,
        now: u64,
        (id, at, stream): (ConnectionId, End, Stream),
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let Some(connection) = self.connections.get_mut(&id) else { return bytes };
        let Some(pipe) = connection.pipes.get_mut(&(at, stream)) else { return bytes };
        while let Some((_, piece)) = pipe.in_flight.pop_front_if(|(arrives, _)| *arrives <= now) {
            bytes.extend(piece);
        }
        bytes
    }

    /// Cuts a connection: some of what is in flight arrives at once, the rest never.
    pub(crate) fn cut(&mut self, rng: &mut Rng, now: u64, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id).filter(|one| !one.cut) else { return };
        note!(self.trace, "connection {} is cut", id.0);
        self.trace.count("cuts");
        connection.cut = true;
        connection.server_learns_at =
            if rng.bool() { now } else { now + rng.u64(..=10 * self.delay_ms_max) };
        for pipe in connection.pipes.values_mut() {
            pipe.in_flight.truncate(rng.usize(..=pipe.in_flight.len()));
            pipe.in_flight.iter_mut().for_each(|(arrives, _)| *arrives = now);
        }
    }

    /// The server's process is gone, and with it all its connections.
    pub(crate) fn cut_all(&mut self, rng: &mut Rng, now: u64) {
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
        }
    }

    /// Connections that are not cut.
    pub(crate) fn open(&self) -> Vec<ConnectionId> {
        let open = self.connections.iter().filter(|(_, connection)| !connection.cut);
        open.map(|(id, _)| *id).collect()
    }

    /// Whether nothing is in flight anywhere.
    pub(crate) fn is_quiet(&self) -> bool {
        let mut pipes = self.connections.values().flat_map(|one| one.pipes.values());
        pipes.all(|pipe| pipe.in_flight.is_empty())
    }
}
