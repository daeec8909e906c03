//! A world: moments pass, things go wrong, then everything heals, comes to rest and is judged.
//!
//! Must never hold: an order of happenings that does not come from the seed.

use core::ops::ControlFlow;
use std::sync::Arc;

use adsum::client::exchange;
use adsum::log::memory::MemoryDisk;
use adsum::log::{Carried, Entries as _, EventLog};
use adsum::protocol::body::Body;
use adsum::server::Clock as _;
use adsum::wire::{StreamType, encode};

use super::acts::Acts;
use super::backups::Backups;
use super::copies::Copies;
use super::device::Device;
use super::governor::Governor;
use super::greedy::Greedy;
use super::impostor::Impostor;
use super::liar::Liar;
use super::lots::Lots;
use super::machine::Machine;
use super::network::{ConnectionId, Network};
use super::oracle::Oracle;
use super::patron::Patron;
use super::pipe::{Piece, Stream};
use super::plan::{Plan, choose, happens};
use super::server::Server;
use super::timeline::{Look, Timeline};
use super::trace::note;
use super::{Bug, Checked, Reduced, Trace, promised, verdict};

/// When worlds begin, by their own time.
const BEGIN_MS: u64 = 1_000_000;
/// Longer than anything lives that devices ask for: 11 minutes.
const REST_MS: u64 = 660_000;
/// Moments after which a healed world must have come to rest.
const HEALING_TICKS_MAX: u32 = 20_000;
/// Further than message ids are remembered: 31 days.
const LEAP_MS: u64 = 31 * 24 * 60 * 60 * 1_000;

/// What everybody in a world shares.
pub(crate) struct Scene {
    pub(crate) rng: Lots,
    /// The time that passes. Devices have no other; the server has the clocks of its machine.
    pub(crate) now: u64,
    pub(crate) machine: Arc<Machine>,
    begins_ms: u64,
    pub(crate) network: Network,
    pub(crate) oracle: Oracle,
    pub(crate) trace: Trace,
    pub(crate) bug: Option<Bug>,
    /// Nothing goes wrong any more.
    pub(crate) is_healing: bool,
}

impl Scene {
    /// Time passes.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.now += ms;
        self.machine.pass_time(self.now);
        self.trace.at(self.now);
    }

    /// What a wall clock that nobody sets would show.
    pub(crate) fn right_ms(&self) -> u64 {
        self.begins_ms + self.now - BEGIN_MS
    }

    /// What the server's clocks are to show.
    pub(crate) fn look(&self) -> Look {
        Look { now: self.now, wall: self.machine.wall() }
    }

    /// Somebody sets the server's wall clock; not to a time before there was any, which it could not show.
    pub(crate) fn set_clock(&mut self, by_ms: i64) {
        const FIRST_MS: i64 = 365 * 24 * 60 * 60 * 1_000;
        let wall = i64::try_from(self.machine.wall().as_ms()).expect("years are few");
        let by_ms = by_ms.max(FIRST_MS - wall);
        note!(self.trace, "the wall clock is set by {by_ms} ms");
        self.machine.set(by_ms);
        self.oracle.timeline.set(by_ms);
    }

    /// Something happened to the server's clocks: whatever lives now lives through it.
    pub(crate) fn acted(&mut self, name: &'static str) {
        self.trace.count(name);
        self.oracle.chronicle.acts.push(name);
    }

    /// A device sends a frame.
    pub(crate) fn send<B: Body>(&mut self, connection: ConnectionId, stream: Stream, body: &B) {
        let mut out = Vec::new();
        encode(body, &mut out);
        self.send_bytes(connection, stream, &out);
    }

    /// A device opens a stream and sends its first frame.
    pub(crate) fn open<B: Body>(
        &mut self,
        connection: ConnectionId,
        (stream, kind): (Stream, StreamType),
        body: &B,
    ) {
        let out = Bug::change_opening(self.bug, kind, exchange::opening(kind, body));
        self.send_bytes(connection, stream, &out);
    }

    /// A device says that nothing follows on a stream.
    pub(crate) fn finish(&mut self, connection: ConnectionId, stream: Stream) {
        self.network.send(&mut self.rng, self.now, (connection, stream), Piece::Finish);
    }

    /// A device sends frames.
    pub(crate) fn send_bytes(&mut self, connection: ConnectionId, stream: Stream, bytes: &[u8]) {
        if !bytes.is_empty() {
            let piece = Piece::Bytes(bytes.to_vec());
            self.network.send(&mut self.rng, self.now, (connection, stream), piece);
        }
    }
}

/// A world.
pub(crate) struct World {
    plan: Plan,
    scene: Scene,
    devices: Vec<Device>,
    governors: Vec<Governor>,
    impostor: Impostor,
    greedy: Option<Greedy>,
    liar: Option<Liar>,
    patron: Option<Patron>,
    acts: Acts,
    copies: Copies,
    backups: Backups,
    disk: Option<MemoryDisk>,
}

impl World {
    pub(crate) fn new(
        (mut rng, reduced): (Lots, &Reduced),
        bug: Option<Bug>,
        trace: Trace,
    ) -> Self {
        let mut plan = Plan::new(&mut rng);
        reduced.apply(&mut plan);
        let mut oracle = Oracle::default();
        let unspeakable = oracle.unspeakable.clone();
        let network = Network::new(plan.delay_ms_max, unspeakable, (trace.clone(), bug));
        let devices = plan
            .devices
            .iter()
            .map(|who| {
                // One that is enrolled later comes in some time.
                let last = u64::from(plan.ticks) * plan.tick_ms_max / 3;
                let later = if who.token.is_some() { rng.u64(..=last) } else { 0 };
                Device::new(who.clone(), &plan, BEGIN_MS + later)
            })
            .collect();
        let (now, begins_ms) = (BEGIN_MS, plan.acts.begins_ms);
        let machine = Arc::new(Machine::new(now, begins_ms));
        oracle.timeline = Timeline::new(Look { now, wall: machine.wall() });
        let is_healing = false;
        let scene = Scene { rng, now, machine, begins_ms, network, oracle, trace, bug, is_healing };
        // The last one's device is never there.
        let present = plan.governors.len().saturating_sub(1);
        let governors = plan.governors[..present].iter().cloned().map(Governor::new).collect();
        let (greedy, liar) =
            (plan.greedy.clone().map(Greedy::new), plan.liar.clone().map(Liar::new));
        let (acts, copies) = (plan.acts.clone(), plan.copies.clone());
        let backups = plan.backups.clone();
        let (impostor, patron) = (Impostor::default(), plan.patron.clone().map(Patron::new));
        Self {
            plan,
            scene,
            devices,
            governors,
            impostor,
            greedy,
            liar,
            patron,
            acts,
            copies,
            backups,
            disk: None,
        }
    }

    /// In how many moments things go wrong.
    pub(crate) fn moments(&self) -> u32 {
        self.plan.ticks
    }

    /// The disk of its server, if it came to one.
    pub(crate) fn disk(&self) -> Option<MemoryDisk> {
        self.disk.clone()
    }

    /// Lives to the end, or to the first broken promise.
    pub(crate) fn live(&mut self) -> Checked {
        let mut server = Server::new(&self.plan, &mut self.scene)?;
        let leap_at = self.scene.rng.u32(..self.plan.ticks);
        for tick in 0..self.plan.lives {
            if self.scene.rng.are_spent() {
                break;
            }
            self.disk = Some(server.disk.clone());
            if self.plan.leap && tick == leap_at {
                self.leap();
            }
            self.pass_time();
            self.acts.live(tick, (&mut self.scene, &mut server));
            self.copies.live(tick, (&mut self.scene, &mut server));
            self.backups.live(tick, (&mut self.scene, &mut server))?;
            self.plan.erasing.live(tick, (&mut self.scene, &mut server));
            self.disturb();
            self.tick(&mut server)?;
        }
        server.end_backup(&mut self.scene)?;
        self.heal(&mut server)?;
        self.disk = Some(server.disk.clone());
        if self.scene.rng.bool() {
            // Everything that lives by a lifetime ends by it.
            self.scene.pass(REST_MS);
            self.heal(&mut server)?;
        }
        self.judge(&mut server)
    }

    fn leap(&mut self) {
        self.scene.pass(LEAP_MS);
        note!(self.scene.trace, "31 days pass");
        self.scene.trace.count("leaps");
    }

    fn pass_time(&mut self) {
        let rng = &mut self.scene.rng;
        let most = if rng.u8(..50) == 0 { 4_000 } else { self.plan.tick_ms_max };
        let passed = rng.u64(..=most);
        self.scene.pass(passed);
    }

    /// Cuts, crashes, and wishes of applications.
    fn disturb(&mut self) {
        let scene = &mut self.scene;
        let open = scene.network.open();
        if !open.is_empty() && happens(&mut scene.rng, self.plan.cut) {
            let id = *choose(&mut scene.rng, &open);
            scene.network.cut(&mut scene.rng, scene.now, id);
        }
        for device in &mut self.devices {
            if happens(&mut scene.rng, self.plan.device_crash / 4) {
                device.crash(scene);
            }
            if happens(&mut scene.rng, self.plan.activity) {
                device.wish(scene, &self.plan);
            }
        }
    }

    fn tick(&mut self, server: &mut Server) -> Checked {
        let scene = &mut self.scene;
        if !scene.is_healing
            && server.process.is_some()
            && happens(&mut scene.rng, self.plan.server_crash)
        {
            server.crash(scene);
        }
        server.live(scene)?;
        if scene.rng.u8(..240) == 0 {
            server.look_inside(scene)?;
        }
        self.impostor.live(scene, &self.plan, server.listens())?;
        if let Some(greedy) = &mut self.greedy {
            greedy.live(scene, &self.plan, server.listens());
        }
        if let Some(patron) = &mut self.patron {
            patron.live(scene, server.listens());
        }
        if let Some(liar) = &mut self.liar {
            liar.live(scene, &self.devices, server.listens())?;
        }
        let mut governors = self.governors.iter_mut();
        governors.try_for_each(|one| one.live(scene, server.listens()))?;
        self.devices.iter_mut().try_for_each(|device| device.live(scene, server.listens()))
    }

    /// Everything works from now on: all must come to rest, with nothing lost.
    fn heal(&mut self, server: &mut Server) -> Checked {
        note!(self.scene.trace, "everything heals");
        self.scene.is_healing = true;
        self.scene.rng.spend();
        self.scene.network.delay_ms_max = 5;
        // A world that is to be found restless for ever need not be so for long.
        let is_restless = self.scene.bug == Some(Bug::RoomNeverBack);
        for _ in 0..HEALING_TICKS_MAX / if is_restless { 4 } else { 1 } {
            let resting = self.scene.network.is_quiet();
            self.scene.pass(if resting { 200 } else { 5 });
            self.tick(server)?;
            let settled = self.devices.iter().all(|device| device.is_settled(&self.scene.oracle))
                && self.governors.iter().all(Governor::is_settled);
            if settled && self.scene.network.is_quiet() && server.is_quiet() {
                return Ok(());
            }
        }
        let oracle = &self.scene.oracle;
        let unsettled = self.devices.iter().find(|device| !device.is_settled(oracle));
        promised!(10, false, "a healed world does not come to rest: {unsettled:#?}");
        Ok(())
    }

    fn judge(&mut self, server: &mut Server) -> Checked {
        let scene = &mut self.scene;
        scene.oracle.check_answers()?;
        scene.oracle.unspeakable.look_at(&server.disk);
        scene.oracle.unspeakable.check()?;
        self.devices.iter().try_for_each(|device| verdict::device(device, &scene.oracle))?;
        if scene.bug.is_some() {
            // A planted bug must show in what happened, not in a look at the disk afterwards.
            return Ok(());
        }
        if self.plan.log_cut > 0 && scene.rng.bool() {
            server.cut_at_rest(scene)?;
        }
        server.look_inside(scene)?;
        server.crash(scene);
        // That no event is lost by it, the start sees.
        verdict::chain_holds(&server.disk, &scene.oracle)?;
        server.start(scene)?;
        server.crash(scene);
        self.remember_disk(server);
        self.count();
        Ok(())
    }

    /// The disk at the end belongs to the world's bytes.
    fn remember_disk(&self, server: &Server) {
        let trace = &self.scene.trace;
        server.disk.copy().damage(|entries| {
            for (key, value) in entries.iter() {
                trace.bytes(key);
                trace.bytes(value);
            }
        });
        let log = server.disk.copy().open().expect("a copy of a good disk opens");
        let carried = log.walk_carried(Carried::Counting, &[], &mut |key, value| {
            trace.bytes(key);
            trace.bytes(value);
            Ok(ControlFlow::Continue(()))
        });
        carried.expect("what is carried in memory reads");
        let records = log.load(&mut |key, value| {
            trace.bytes(key);
            trace.bytes(value);
            Ok(())
        });
        records.expect("records in memory load");
    }

    fn count(&self) {
        let trace = &self.scene.trace;
        for device in &self.devices {
            let application = &device.stored.application;
            application.messages.iter().for_each(|_| trace.count("messages taken"));
            application.presence.iter().for_each(|_| trace.count("changes taken"));
            (0..application.repeats)
                .for_each(|_| trace.count("items handed out after a crash again"));
        }
        let chronicle = &self.scene.oracle.chronicle;
        chronicle.events.iter().for_each(|it| trace.count(it.event.kind()));
        for ((act, thing), count) in &chronicle.lived {
            (0..*count).for_each(|_| trace.count(format!("{act}::{thing}")));
        }
    }
}
