//! The server: a process that lives on a disk, dies at any moment, and comes back.
//!
//! A round is that of the real writer: take what waits, handle, persist, release, tell the sessions. A crash loses
//! everything but the disk. Must never hold: anything that survives a crash beside the disk and the clock's error.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use adsum::commit::Commit;
use adsum::event::{Event, KeyEnrolled};
use adsum::log::memory::MemoryDisk;
use adsum::log::{Entries, LogReader};
use adsum::model::{DeviceLabel, Role, Sequence, Timestamp};
use adsum::service::{FeedId, Input, Output, SessionId};
use fastrand::Rng;

use super::bug::PlantedLog;
use super::network::{ConnectionId, End, Stream};
use super::plan::{Plan, config, happens};
use super::session::{Letter, Place, Session};
use super::trace::note;
use super::world::Scene;
use super::{Checked, promised, verdict};

/// The server of a world.
pub(crate) struct Server {
    pub(crate) disk: MemoryDisk,
    pub(crate) process: Option<Process>,
    pub(crate) starts_at: u64,
    /// Which cursors it knows: an operator who loses the secret begins a new era.
    era: u8,
    /// How far its clock is ahead of the world's.
    clock_ahead_ms: u64,
    chances: Plan,
}

/// What a crash takes.
pub(crate) struct Process {
    pub(crate) commit: Commit,
    reader: Arc<dyn LogReader>,
    sessions: BTreeMap<ConnectionId, Session>,
    connections: BTreeMap<SessionId, ConnectionId>,
    begun: u64,
    queue: VecDeque<Input>,
    /// When an orderly stop ends.
    stops_at: Option<u64>,
}

impl Server {
    /// A server on an empty disk, with all devices enrolled.
    pub(crate) fn new(plan: &Plan, scene: &mut Scene) -> Checked<Self> {
        let disk = MemoryDisk::new();
        let log = disk.open().expect("an empty disk opens");
        let mut commit =
            Commit::open(config(), Box::new(log), &mut |_, _| {}).expect("it is empty");
        let enrolled = plan.devices.iter().map(|who| {
            Event::KeyEnrolled(KeyEnrolled {
                principal: who.actor.principal.clone(),
                key: who.key,
                label: DeviceLabel::new(&who.name).expect("a short label"),
                role: Role::User,
                invite: None,
            })
        });
        commit.record(Timestamp::from_ms(scene.now), enrolled.collect()).expect("the disk works");
        drop(commit);
        let chances = plan.clone();
        let mut server =
            Self { disk, process: None, starts_at: 0, era: 1, clock_ahead_ms: 0, chances };
        server.start(scene)?;
        Ok(server)
    }

    fn clock(&self, scene: &Scene) -> Timestamp {
        Timestamp::from_ms(scene.now + self.clock_ahead_ms)
    }

    /// Whether devices can connect.
    pub(crate) fn listens(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.stops_at.is_none())
    }

    /// Starts the process: the checkpoint and the rest of the log.
    pub(crate) fn start(&mut self, scene: &mut Scene) -> Checked {
        if scene.rng.u8(..8) == 0 {
            self.clock_ahead_ms = scene.rng.u64(..2_000);
        }
        if scene.rng.u8(..20) == 0 {
            self.era += 1;
            note!(scene.trace, "the server forgets its cursors");
            scene.trace.count("eras");
        }
        let log = self.disk.open().expect("a disk that forgets in order opens");
        let log = PlantedLog::new(log, scene.bug, self.clock(scene));
        let opened = Commit::open(config(), Box::new(log), &mut |_, _| {});
        let commit = match opened {
            Ok(commit) => commit,
            Err(fault) => {
                promised!(2, false, "the log does not open again: {fault}");
                return Ok(());
            }
        };
        note!(scene.trace, "the server starts at event {}", commit.head());
        scene.trace.count("starts");
        let all = self.disk.read(Sequence::new(1), usize::MAX).expect("the log reads");
        scene.oracle.restarted(all)?;
        let reader = commit.reader();
        self.process = Some(Process {
            commit,
            reader,
            sessions: BTreeMap::new(),
            connections: BTreeMap::new(),
            begun: 0,
            queue: VecDeque::new(),
            stops_at: None,
        });
        // Folding a log several times is most of what a world costs, so not at every start.
        if scene.rng.u8(..3) == 0 { self.look_inside(scene) } else { Ok(()) }
    }

    /// Views folded anew equal the live ones, and leases end when the log says. Not with a planted bug, which must
    /// show from outside.
    pub(crate) fn look_inside(&mut self, scene: &Scene) -> Checked {
        let Some(process) = self.process.as_mut().filter(|_| scene.bug.is_none()) else {
            return Ok(());
        };
        let (due, next) = (
            scene.oracle.chronicle.next_deadline(),
            process.commit.views().next_due().map(|(at, _)| at),
        );
        promised!(9, due == next, "the log has {due:?} due next, the server {next:?}");
        verdict::views_equal(&mut process.commit, &self.disk)
    }

    /// Ends the process at once; the disk keeps a random part of what it was not asked to sync.
    pub(crate) fn crash(&mut self, scene: &mut Scene) {
        let kept = scene.rng.usize(..=self.disk.unsynced_count());
        note!(
            scene.trace,
            "the server crashes, {kept} commits of {} kept",
            self.disk.unsynced_count()
        );
        scene.trace.count("server crashes");
        self.disk.crash(kept);
        self.gone(scene);
    }

    fn gone(&mut self, scene: &mut Scene) {
        self.process = None;
        let away_ms = if scene.rng.u8(..5) == 0 { 20_000 } else { 1_000 };
        self.starts_at = scene.now + scene.rng.u64(..away_ms);
        scene.network.cut_all(&mut scene.rng, scene.now);
    }

    /// One moment of the server's life.
    pub(crate) fn live(&mut self, scene: &mut Scene) -> Checked {
        if self.process.is_none() {
            return if scene.now >= self.starts_at { self.start(scene) } else { Ok(()) };
        }
        if !scene.is_healing {
            self.mishap(scene);
        }
        self.serve(scene);
        let due = |process: &mut Process| process.commit.next_timeout();
        let is_due = self.process.as_mut().and_then(due).is_some_and(|at| at <= self.clock(scene));
        let waits = self.process.as_ref().is_some_and(|process| !process.queue.is_empty());
        if is_due || waits && (scene.is_healing || scene.rng.u8(..4) > 0) {
            self.round(scene)?;
        }
        self.checkpoint(scene);
        self.stop(scene)
    }

    fn mishap(&mut self, scene: &mut Scene) {
        if happens(&mut scene.rng, self.chances.disk_fault) {
            let sync = scene.rng.bool();
            note!(
                scene.trace,
                "the disk is about to fail, at the next {}",
                if sync { "sync" } else { "append" }
            );
            if sync { self.disk.fail_next_sync() } else { self.disk.fail_next_append() }
        }
        let Some(process) = &mut self.process else { return };
        if process.stops_at.is_none() && happens(&mut scene.rng, self.chances.orderly_stop) {
            note!(scene.trace, "the server is about to stop");
            process.stops_at = Some(scene.now + scene.rng.u64(..300));
            for connection in process.sessions.keys() {
                let link = (*connection, End::Device, Stream::Control);
                scene.network.write(&mut scene.rng, scene.now, link, &Session::go_away());
            }
        }
    }

    /// Takes on new connections, gives up lost ones, and lets sessions run.
    fn serve(&mut self, scene: &mut Scene) {
        let now = scene.now;
        let era = self.era;
        let Some(process) = &mut self.process else { return };
        for connection in scene.network.accept() {
            process.begun += 1;
            let id = SessionId(process.begun);
            process.sessions.insert(connection, Session::new(id));
            process.connections.insert(id, connection);
        }
        for connection in process.sessions.keys().copied().collect::<Vec<_>>() {
            for stream in Stream::ALL {
                if scene.is_healing || scene.rng.u8(..4) > 0 {
                    process.run(scene, era, connection, stream);
                }
            }
            if scene.network.is_over(now, connection, End::Server) {
                process.close(connection);
                scene.network.forget(connection, End::Server);
            }
        }
    }

    /// One round of the writer, with crashes between its steps.
    fn round(&mut self, scene: &mut Scene) -> Checked {
        let now = self.clock(scene);
        let crash = if scene.is_healing { 0 } else { self.chances.server_crash };
        let Some(process) = &mut self.process else { return Ok(()) };
        let most = process.queue.len();
        let count = if scene.is_healing || most == 0 { most } else { scene.rng.usize(1..=most) };
        let tick = (count == 0).then_some(Input::Tick);
        process.commit.handle(now, process.queue.drain(..count).chain(tick));
        if happens(&mut scene.rng, crash) {
            self.crash(scene);
            return Ok(());
        }
        match process.commit.persist() {
            Ok(batch) => batch.map_or(Ok(()), |batch| scene.oracle.persisted(batch))?,
            Err(fault) => {
                note!(scene.trace, "the log fails: {fault}");
                scene.trace.count("log faults");
                self.crash(scene);
                return Ok(());
            }
        }
        if happens(&mut scene.rng, crash) {
            self.crash(scene);
            return Ok(());
        }
        let outputs = process.commit.release();
        let (head, durable) = (process.commit.head(), Entries::durable(&self.disk).head);
        let synced = scene.bug.is_some() || head == durable;
        promised!(1, synced, "outputs leave at event {head}, durable is {durable}");
        process.tell(outputs);
        Ok(())
    }

    fn checkpoint(&mut self, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        if happens(&mut scene.rng, self.chances.checkpoint / 4) {
            process.commit.begin_checkpoint();
        }
        if happens(&mut scene.rng, self.chances.checkpoint) {
            scene.trace.count("checkpoint steps");
            if let Err(fault) = process.commit.checkpoint(scene.rng.usize(1..=4)) {
                note!(scene.trace, "the log fails at a checkpoint: {fault}");
                self.crash(scene);
            }
        }
    }

    /// Ends an orderly stop when it is time.
    fn stop(&mut self, scene: &mut Scene) -> Checked {
        let stops_at = self.process.as_ref().and_then(|process| process.stops_at);
        if stops_at.is_none_or(|at| scene.now < at) {
            return Ok(());
        }
        while self.process.as_ref().is_some_and(|process| !process.queue.is_empty()) {
            self.round(scene)?;
        }
        let Some(process) = &mut self.process else { return Ok(()) };
        if process.commit.checkpoint_all().is_err() {
            self.crash(scene);
            return Ok(());
        }
        note!(scene.trace, "the server has stopped");
        scene.trace.count("orderly stops");
        for connection in process.sessions.keys().copied().collect::<Vec<_>>() {
            for stream in Stream::ALL {
                process.run(scene, self.era, connection, stream);
            }
        }
        self.gone(scene);
        Ok(())
    }

    /// Whether nothing happens before somebody asks or time passes.
    pub(crate) fn is_quiet(&self, scene: &Scene) -> bool {
        self.process.as_ref().is_some_and(|process| {
            process.queue.is_empty()
                && process.sessions.values().all(Session::is_idle)
                && process.commit.next_timeout().is_none_or(|at| at > self.clock(scene))
        })
    }
}

impl Process {
    /// Lets the task of one stream run and sends what it writes.
    fn run(&mut self, scene: &mut Scene, era: u8, connection: ConnectionId, stream: Stream) {
        let Some(session) = self.sessions.get_mut(&connection) else { return };
        let bytes = scene.network.read(scene.now, (connection, End::Server, stream));
        let mut place = Place {
            queue: &mut self.queue,
            reader: self.reader.as_ref(),
            era,
            bug: scene.bug,
            sends_max: sends_max(&mut scene.rng, scene.is_healing),
            now: scene.now,
            is_going: self.stops_at.is_some(),
        };
        let out = session.run(stream, &bytes, &mut place);
        if !out.is_empty() {
            let link = (connection, End::Device, stream);
            scene.network.write(&mut scene.rng, scene.now, link, &out);
        }
    }

    fn close(&mut self, connection: ConnectionId) {
        if let Some(session) = self.sessions.remove(&connection) {
            self.queue.extend(session.close());
            self.connections.retain(|_, of| *of != connection);
        }
    }

    /// Puts what was released into the mail of those concerned; who is gone gets none.
    fn tell(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Reply { ticket, result } => {
                    self.post(ticket.session, Letter::Reply(ticket.number, result));
                }
                Output::Presence { feeds, item } => {
                    for (FeedId { session, .. }, mode) in feeds {
                        self.post(session, Letter::Presence(mode, item.clone()));
                    }
                }
                Output::Inbox { feeds, row } => {
                    for FeedId { session, .. } in feeds {
                        self.post(session, Letter::Inbox(row));
                    }
                }
                Output::Ended { .. } | Output::Revoked { .. } => {}
            }
        }
    }

    fn post(&mut self, session: SessionId, letter: Letter) {
        let connection = self.connections.get(&session);
        if let Some(session) = connection.and_then(|connection| self.sessions.get_mut(connection)) {
            session.post(letter);
        }
    }
}

fn sends_max(rng: &mut Rng, is_healing: bool) -> usize {
    if is_healing { 100 } else { rng.usize(1..=6) }
}
