//! The server: a process that lives on a disk, dies at any moment, and comes back.
//!
//! A round is that of the real writer: take what waits, handle, persist, release, tell the sessions. A crash loses
//! everything but the disk. Must never hold: anything that survives a crash beside the disk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adsum::commit::Commit;
use adsum::event::{DeviceEnrolled, Event, InviteIssued};
use adsum::log::memory::MemoryDisk;
use adsum::log::{Entries, Room};
use adsum::model::{EpochId, InviteId, Lifetime, Payload, Role, Timestamp};
use adsum::server::{Clock as _, Timekeeper};
use adsum::service::{Actor, Input, Output, SessionId};
use adsum::session::{Ending, Settings, post};

use super::backups::Store;
use super::copies::Copy;
use super::copying::Copier;
use super::cutting::Word;
use super::host::Desk;
use super::keeper::Keeping;
use super::network::{ConnectionId, End};
use super::plan::{
    ADMINISTRATOR, Plan, SECRET, Who, choose, config, cursor_secret, first_device, happens,
};
use super::planted::{PlantedLog, Reading};
use super::serving::Serving;
use super::trace::note;
use super::world::Scene;
use super::{Bug, Checked, promised, verdict};

/// Longer than any world lasts.
const INVITE_LIVES: Lifetime = Lifetime::from_ms(400 * 24 * 60 * 60 * 1_000);

/// The server of a world.
pub(crate) struct Server {
    pub(crate) disk: MemoryDisk,
    pub(crate) process: Option<Process>,
    pub(crate) starts_at: u64,
    /// Which cursors it knows: an operator who loses the secret begins a new era.
    pub(crate) era: u8,
    /// What it noted beside the log of how its time goes on.
    pub(crate) noted: Option<String>,
    /// On which boot of its machine it ran last.
    pub(crate) boots: u64,
    /// How often keys of before were put back.
    pub(crate) keys_back: u32,
    /// The copy that is in its place when it starts again, and whether with the keys of then.
    pub(crate) comes_back: Option<(Copy, bool)>,
    /// Its backups.
    pub(crate) backups: Store,
    pub(crate) chances: Plan,
    /// How much room its disk has, and until when.
    pub(crate) room: Room,
    pub(crate) full_until: Option<u64>,
}

/// What a crash takes.
pub(crate) struct Process {
    /// Ended before the log is closed, which it reads and writes.
    pub(crate) keeping: Option<Keeping>,
    /// The backup that it gives to whoever makes one.
    pub(crate) copier: Option<Copier>,
    pub(crate) commit: Commit,
    time: Reading,
    desk: Desk,
    settings: Arc<Settings>,
    sessions: BTreeMap<ConnectionId, Serving>,
    begun: u64,
    /// When an orderly stop ends.
    stops_at: Option<u64>,
}

impl Server {
    /// A server on an empty disk, with all devices enrolled.
    pub(crate) fn new(plan: &Plan, scene: &mut Scene) -> Checked<Self> {
        let disk = MemoryDisk::sealed();
        let log = disk.open().expect("an empty disk opens");
        let mut commit = Commit::open(config(EpochId::NONE), Box::new(log), &mut |_, _| {})
            .expect("it is empty");
        let enrolled = plan
            .devices
            .iter()
            .chain(&plan.governors)
            .chain(&plan.greedy)
            .chain(&plan.liar)
            .chain(&plan.patron);
        let machine = Arc::clone(&scene.machine);
        let (time, noted) = Timekeeper::resume(machine, None, commit.views());
        let (invited, enrolled): (Vec<_>, Vec<_>) = enrolled.partition(|who| who.token.is_some());
        let mut events: Vec<_> = enrolled.into_iter().map(enrolled_event).collect();
        events.extend(invited.into_iter().filter_map(|who| invited_event(who, time.now().elapsed)));
        commit.record(time.now(), events).expect("the disk works");
        drop(commit);
        let (chances, boots) = (plan.clone(), scene.machine.boots());
        let (process, comes_back, noted) = (None, None, Some(noted));
        let (room, full_until) = (Room::Plenty, None);
        let mut server = Self {
            disk,
            process,
            starts_at: 0,
            era: 1,
            noted,
            boots,
            keys_back: 0,
            comes_back,
            backups: Store::default(),
            chances,
            room,
            full_until,
        };
        (scene.oracle.eras, scene.oracle.era) = (1, 1);
        server.start(scene)?;
        Ok(server)
    }

    /// Whether devices can connect.
    pub(crate) fn listens(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.stops_at.is_none())
    }

    /// Starts the process: the checkpoint and the rest of the log.
    pub(crate) fn start(&mut self, scene: &mut Scene) -> Checked {
        let came_back = self.come_back(scene);
        if scene.rng.u8(..20) == 0 {
            scene.oracle.eras += 1;
            self.era = scene.oracle.eras;
            note!(scene.trace, "the server forgets its cursors");
            scene.trace.count("eras");
        }
        scene.oracle.era = self.era;
        self.disk = Bug::change_found_keys(scene.bug, self.disk.clone());
        let log = self.disk.open().expect("a disk that forgets in order opens");
        let log = PlantedLog::new(log, scene.bug, scene.oracle.timeline.elapsed(scene.now));
        let drawn = EpochId(scene.rng.u64(1..).to_be_bytes());
        let lost = scene.oracle.pasts.last().filter(|_| came_back);
        let lost = lost.map(|past| past.epoch_of(past.head()));
        let epoch = Bug::change_epoch(scene.bug, drawn, lost);
        let opened = Commit::open(config(epoch), Box::new(log), &mut |_, _| {});
        let mut commit = match opened {
            Ok(commit) => commit,
            Err(fault) => {
                promised!(2, false, "the log does not open again: {fault}");
                return Ok(());
            }
        };
        note!(scene.trace, "the server starts at event {}", commit.head());
        scene.trace.count("starts");
        let all = verdict::all_events(&self.disk)?;
        scene.oracle.finds_erasures(&all);
        verdict::cut_holds(&self.disk, &scene.oracle)?;
        scene.oracle.cut(self.disk.mark().base.head);
        scene.oracle.restarted(self.disk.mark().base.head, all)?;
        let mut time = self.keep_time(scene, &commit);
        let Ok(reviewed) = commit.review(time.now()) else {
            note!(scene.trace, "the log fails at the start");
            self.crash(scene);
            return Ok(());
        };
        reviewed.into_iter().try_for_each(|batch| scene.oracle.persisted(batch))?;
        scene.oracle.looked(scene.look())?;
        let desk = Desk::new(commit.reader(), scene.bug);
        desk.pass_time(Timestamp::from_ms(scene.now), scene.machine.wall());
        let settings = Settings {
            silence_max: Duration::from_secs(10),
            store_secret: SECRET,
            cursor_secret: cursor_secret(self.era),
        };
        self.process = Some(Process {
            keeping: None,
            copier: None,
            commit,
            time,
            desk,
            settings: Arc::new(settings),
            sessions: BTreeMap::new(),
            begun: 0,
            stops_at: None,
        });
        // Folding a log several times is most of what a world costs, so not at every start.
        if scene.rng.u8(..5) == 0 { self.look_inside(scene) } else { Ok(()) }
    }

    /// Goes on with the time where the log ended.
    fn keep_time(&mut self, scene: &mut Scene, commit: &Commit) -> Reading {
        let is_booted = self.boots != scene.machine.boots() || self.noted.is_none();
        let end = commit.views().moment();
        scene.oracle.timeline.starts(scene.look(), is_booted, end);
        self.boots = scene.machine.boots();
        let noted = Bug::change_note(scene.bug, self.noted.take());
        let machine = Arc::clone(&scene.machine);
        let noted = noted.as_deref().map(str::as_bytes);
        let (time, noted) = Timekeeper::resume(machine, noted, commit.views());
        self.noted = Some(noted);
        Reading::new(time, scene.bug, end.timestamp())
    }

    /// Views folded anew equal the live ones, and leases end when the log says. Not with a planted bug, which must
    /// show from outside.
    pub(crate) fn look_inside(&mut self, scene: &Scene) -> Checked {
        let Some(process) = self.process.as_mut().filter(|_| scene.bug.is_none()) else {
            return Ok(());
        };
        let (due, next) = (
            scene.oracle.chronicle.next_deadline(),
            process.commit.views().next_due(process.commit.views().ahead()).map(|(at, _)| at),
        );
        // What governors decided may be due before everything else.
        let is_right = due == next
            || scene.oracle.is_governed()
                && due.is_none_or(|due| next.is_some_and(|next| next <= due));
        promised!(9, is_right, "the log has {due:?} due next, the server {next:?}");
        verdict::views_equal(&mut process.commit, &self.disk, &scene.oracle)?;
        verdict::what_lives_is_there(process.commit.views(), &self.disk, &scene.oracle)
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
        scene.oracle.unspeakable.look_at(&self.disk);
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
        self.live_with_room(scene);
        if self.process.is_none() {
            return if scene.now >= self.starts_at { self.start(scene) } else { Ok(()) };
        }
        if !scene.is_healing {
            self.mishap(scene);
        }
        self.serve(scene);
        scene.oracle.unspeakable.check()?;
        if self.process.as_mut().is_some_and(|it| it.commit.look_for_room() == Room::None) {
            // It looks for room alone until there is some.
            self.keep(scene)?;
            return Ok(());
        }
        let is_due =
            self.process.as_mut().is_some_and(|process| process.is_due() || process.has_chore());
        let waits = self.process.as_ref().is_some_and(|process| process.desk.waiting() > 0);
        if is_due || waits && (scene.is_healing || scene.rng.u8(..4) > 0) {
            self.round(scene)?;
        }
        if self.process.is_some() {
            scene.oracle.looked(scene.look())?;
        }
        self.checkpoint(scene);
        self.keep(scene)?;
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
        if happens(&mut scene.rng, self.chances.disk_fault) {
            let kept = *choose(&mut scene.rng, &[0, 30, 64]);
            note!(scene.trace, "the next key is written to {kept} bytes");
            self.disk.fail_next_key(kept);
        }
        let Some(process) = &mut self.process else { return };
        if process.stops_at.is_none() && happens(&mut scene.rng, self.chances.orderly_stop) {
            note!(scene.trace, "the server is about to stop");
            let time_left = scene.rng.u64(..300);
            process.stops_at = Some(scene.now + time_left);
            let (time_left, reconnect_after) =
                (Lifetime::from_ms(time_left), Lifetime::from_ms(200));
            let ending = Ending::GoingAway { time_left, reconnect_after };
            process.sessions.values().for_each(|serving| serving.seat.end(ending));
        }
    }

    /// Takes on new connections, lets sessions run, and gives up those that are over.
    fn serve(&mut self, scene: &mut Scene) {
        let now = Timestamp::from_ms(scene.now);
        let Some(process) = &mut self.process else { return };
        process.desk.pass_time(now, scene.machine.wall());
        for (connection, pipe) in scene.network.accept() {
            process.begun += 1;
            let id = SessionId(process.begun);
            let serving = Serving::new(id, pipe, &process.settings, (&mut scene.rng, now));
            process.sessions.insert(connection, serving);
        }
        for connection in process.sessions.keys().copied().collect::<Vec<_>>() {
            process.run(scene, connection, now);
        }
    }

    /// One round of the writer, with crashes between its steps.
    pub(crate) fn round(&mut self, scene: &mut Scene) -> Checked {
        scene.oracle.timeline.looks(scene.look());
        let crash = if scene.is_healing { 0 } else { self.chances.server_crash };
        let Some(process) = &mut self.process else { return Ok(()) };
        let most = process.desk.waiting();
        let count = if scene.is_healing || most == 0 { most } else { scene.rng.usize(1..=most) };
        let now = process.time.now();
        if count == 0 {
            process.commit.take_in(now, Input::Tick);
        }
        for _ in 0..count {
            let Some((asker, input)) = process.desk.take()? else { break };
            let steps = process.commit.take_in(now, input);
            process.desk.charge(&asker, steps);
        }
        let done = process.next_chore().map(|chore| process.tend(now, chore));
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
        done.map_or(Ok(()), |done| self.go_on(Word::Done(done), scene))
    }

    pub(crate) fn checkpoint(&mut self, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        if self.room != Room::Plenty {
            return;
        }
        if happens(&mut scene.rng, self.chances.checkpoint / 4) {
            process.commit.begin_checkpoint();
        }
        let is_waited_for = process.keeping.is_some();
        if happens(&mut scene.rng, self.chances.checkpoint) || is_waited_for {
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
        if stops_at.is_none_or(|at| scene.now < at) || self.room == Room::None {
            return Ok(());
        }
        while self.process.as_ref().is_some_and(|process| process.desk.waiting() > 0) {
            self.round(scene)?;
        }
        let Some(process) = &mut self.process else { return Ok(()) };
        process.keeping = None;
        // Without a checkpoint the next start folds more.
        if self.room == Room::Plenty && process.commit.checkpoint_all().is_err() {
            self.crash(scene);
            return Ok(());
        }
        note!(scene.trace, "the server has stopped");
        scene.trace.count("orderly stops");
        let now = Timestamp::from_ms(scene.now);
        for connection in process.sessions.keys().copied().collect::<Vec<_>>() {
            process.run(scene, connection, now);
        }
        self.gone(scene);
        Ok(())
    }

    /// Whether nothing happens before somebody asks or time passes.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| {
            let is_done = process.keeping.is_none() && !process.is_due();
            process.desk.waiting() == 0 && process.desk.is_read() && is_done
        })
    }
}

impl Process {
    /// The bug that is planted in it.
    pub(crate) fn bug(&self) -> Option<Bug> {
        self.desk.bug
    }

    /// Somebody asks for something.
    pub(crate) fn ask(&self, actor: &Actor, input: Input) {
        self.desk.ask(actor, input);
    }

    /// Whether there is something to do although nobody asks.
    fn is_due(&mut self) -> bool {
        let now = self.time.now();
        self.commit.is_due(now)
    }

    /// Lets the streams of a connection run and takes what they write.
    fn run(&mut self, scene: &mut Scene, connection: ConnectionId, now: Timestamp) {
        let Some(serving) = self.sessions.get_mut(&connection) else { return };
        scene.network.deliver(scene.now, connection);
        serving.accept(&self.desk);
        for stream in serving.streams() {
            let pipe = &serving.seat.pipe;
            let takes_nothing = scene.network.is_deaf(connection);
            pipe.stall(stream, takes_nothing || !scene.is_healing && scene.rng.u8(..6) == 0);
            if scene.is_healing || scene.rng.u8(..4) > 0 {
                serving.run(stream, &self.desk);
            }
        }
        serving.watch_time(now);
        scene.network.collect(&mut scene.rng, scene.now, connection);
        if serving.is_over() {
            if serving.seat.connection.must_leave() {
                self.desk.leave(serving.seat.session);
            }
            self.sessions.remove(&connection);
            scene.network.forget(connection, End::Server);
        }
    }

    /// Puts what was released into the letter boxes of those concerned.
    fn tell(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            post(output, &mut self.desk);
        }
        for device in self.desk.take_revoked() {
            let sessions = self.sessions.values();
            for serving in sessions.filter(|serving| serving.seat.bound() == Some(device)) {
                serving.seat.end(Ending::Revoked);
            }
        }
    }
}

/// `who` is enrolled.
fn enrolled_event(who: &Who) -> Event {
    let is_administrator = who.actor.principal.to_string() == ADMINISTRATOR;
    let role = if is_administrator { Role::Administrator } else { Role::User };
    Event::DeviceEnrolled(DeviceEnrolled {
        principal: who.actor.principal.clone(),
        key: who.key,
        label: Payload::text(&who.name),
        role,
        invite: None,
    })
}

/// `who` comes in later, by an invite of its principal's first device.
fn invited_event(who: &Who, now: Timestamp) -> Option<Event> {
    let maker = first_device(&who.actor.principal);
    Some(Event::InviteIssued(InviteIssued {
        invite: InviteId::of(&who.token?),
        principal: Some(maker.principal.clone()),
        domain: maker.principal.domain().to_owned(),
        role: Role::User,
        by: Some(maker.principal),
        device: Some(maker.device),
        is_first: false,
        expires_at: now.after(INVITE_LIVES),
    }))
}
