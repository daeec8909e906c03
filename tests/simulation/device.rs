//! A device: the real resumption of the client library between a network and an application that keeps what it takes.
//!
//! Its process may die between any two of: an item is handed out, the application records it, says so, the position
//! is saved, the server is told. Must never hold: knowledge of the server beyond what came over the network.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use adsum::client::resume::{
    Arrived, BackOff, FeedFault, FeedKind, FeedResume, Handed, ItemNumber, Position, Requests,
};
use adsum::model::limits::WINDOW_EVENTS_MAX;
use adsum::model::{InboxSequence, Message, Tag};
use adsum::protocol::FeedReady;
use adsum::protocol::body::{self, Body, PresenceBody};
use adsum::session::Scope;
use adsum::wire::{
    CHALLENGE_CONTEXT, Decoder, EXPORTER_CONTEXT, Frame, StreamType, VERSION, decode,
};
use bytes::Bytes;

use super::answers::{self, Word};
use super::application::{Application, Floor};
use super::network::{ConnectionId, End};
use super::oracle::Oracle;
use super::pipe::{Piece, Stream};
use super::plan::{Plan, Who, happens, signature};
use super::trace::note;
use super::wishes::Purposes;
use super::world::{Scene, feed_open};
use super::{Bug, Checked, promised};

/// What survives a crash of the device.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    pub(crate) presence: Position,
    pub(crate) inbox: Position,
    /// Messages that the application wants sent and that are not answered.
    pub(crate) outbox: Vec<body::Send>,
    /// The tag of the device's publication.
    pub(crate) tag: Option<Tag>,
    /// Messages and documents written so far.
    pub(crate) written: u64,
    pub(crate) application: Application,
}

/// A device.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) who: Who,
    pub(crate) stored: Stored,
    pub(crate) process: Option<Process>,
    starts_at: u64,
    window: u32,
    crash: u32,
}

/// What a crash of the device takes.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) requests: Requests,
    pub(crate) purposes: Purposes,
    presence: FeedResume<PresenceBody>,
    inbox: FeedResume<Message>,
    presence_held: VecDeque<ItemNumber>,
    inbox_held: VecDeque<ItemNumber>,
    floor: Floor,
    back_off: BackOff,
    retry_at: u64,
    link: Option<Link>,
}

/// A connection from the device's side.
#[derive(Debug)]
struct Link {
    connection: ConnectionId,
    since: u64,
    is_welcome: bool,
    /// Whether requests may be written: at once by whoever brings its proof along, else behind the challenge's answer.
    may_ask: bool,
    control: Decoder,
    presence: Decoder,
    inbox: Decoder,
    /// Cursors of events that were read and not acknowledged.
    unacknowledged: BTreeMap<Stream, VecDeque<Bytes>>,
}

impl Process {
    fn new(stored: &Stored, who: &Who, oracle: &Oracle) -> Self {
        let change = oracle.spot(&who.actor, Scope::Presence, &stored.presence.cursor);
        let floor = Floor { message: stored.inbox.sequence, change, began: change.0 };
        Self {
            requests: Requests::new(),
            purposes: Purposes::default(),
            presence: FeedResume::new(FeedKind::Presence, stored.presence.clone()),
            inbox: FeedResume::new(FeedKind::Inbox, stored.inbox.clone()),
            presence_held: VecDeque::new(),
            inbox_held: VecDeque::new(),
            floor,
            back_off: BackOff::new(),
            retry_at: 0,
            link: None,
        }
    }

    /// Whether nothing is left to do or to wait for.
    fn is_settled(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.is_welcome)
            && self.requests.is_empty()
            && self.presence.is_caught_up()
            && self.inbox.is_caught_up()
            && !self.presence.has_item()
            && !self.inbox.has_item()
            && self.presence.is_settled()
            && self.inbox.is_settled()
    }
}

impl Device {
    pub(crate) fn new(who: Who, plan: &Plan) -> Self {
        let (stored, window, crash) = (Stored::default(), plan.window, plan.device_crash);
        Self { who, stored, process: None, starts_at: 0, window, crash }
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.process.as_ref().is_some_and(Process::is_settled) && self.stored.outbox.is_empty()
    }

    /// One moment of the device's life.
    pub(crate) fn live(&mut self, scene: &mut Scene, server_listens: bool) -> Checked {
        if self.process.is_none() {
            if scene.now < self.starts_at {
                return Ok(());
            }
            note!(scene.trace, "{} starts", self.who.name);
            self.process = Some(Process::new(&self.stored, &self.who, &scene.oracle));
            self.resend(scene);
        }
        self.connect(scene, server_listens);
        self.hear(scene)?;
        if !self.work(scene)? {
            self.crash(scene);
            return Ok(());
        }
        self.speak(scene);
        Ok(())
    }

    /// The device's process ends at once.
    pub(crate) fn crash(&mut self, scene: &mut Scene) {
        let Some(process) = self.process.take() else { return };
        note!(scene.trace, "{} crashes", self.who.name);
        scene.trace.count("device crashes");
        self.starts_at = scene.now + scene.rng.u64(..2_000);
        if let Some(link) = process.link {
            scene.network.cut(&mut scene.rng, scene.now, link.connection);
            scene.network.forget(link.connection, End::Device);
        }
    }

    fn connect(&mut self, scene: &mut Scene, server_listens: bool) {
        let Some(process) = self.process.as_mut().filter(|process| process.link.is_none()) else {
            return;
        };
        if scene.now < process.retry_at {
            return;
        }
        if !server_listens {
            let wait = process.back_off.next_wait(scene.rng.u64(..));
            process.retry_at = scene.now + milliseconds(wait);
            return;
        }
        let (connection, exporter) = scene.network.connect(&mut scene.rng);
        note!(scene.trace, "{} connects as {}", self.who.name, connection.0);
        scene.trace.count("connections");
        process.requests.connected();
        let [control, presence, inbox] = core::array::from_fn(|_| Decoder::default());
        let (since, is_welcome, unacknowledged) = (scene.now, false, BTreeMap::new());
        // A device without an exporter signs what the server makes up.
        let exporter = scene.rng.bool().then_some(exporter);
        process.link = Some(Link {
            connection,
            since,
            is_welcome,
            may_ask: exporter.is_some(),
            control,
            presence,
            inbox,
            unacknowledged,
        });
        let hello = hello(&self.who, exporter);
        scene.open(connection, (Stream::Control, StreamType::Control), &hello);
        let presence = feed_open(1, process.presence.open(), self.window, String::new());
        scene.open(connection, (Stream::Presence, StreamType::Feed), &presence);
        let inbox = self.who.actor.principal.inbox().to_string();
        let inbox = feed_open(2, process.inbox.open(), self.window, inbox);
        scene.open(connection, (Stream::Inbox, StreamType::Feed), &inbox);
    }

    /// Reads what came.
    fn hear(&mut self, scene: &mut Scene) -> Checked {
        let Some(process) = &mut self.process else { return Ok(()) };
        let Some(link) = &mut process.link else { return Ok(()) };
        let connection = link.connection;
        let is_over = scene.network.is_over(scene.now, connection, End::Device);
        link.control.push(&read_all(scene, connection, Stream::Control)?);
        link.presence.push(&read_all(scene, connection, Stream::Presence)?);
        link.inbox.push(&read_all(scene, connection, Stream::Inbox)?);
        let actor = &self.who.actor;
        while let Some(frame) = next(&mut link.presence, process.presence.has_room()) {
            link.unacknowledged.entry(Stream::Presence).or_default().extend(cursor_of(&frame));
            hear_presence(&mut process.presence, &frame)?;
        }
        while let Some(frame) = next(&mut link.inbox, process.inbox.has_room()) {
            link.unacknowledged.entry(Stream::Inbox).or_default().extend(cursor_of(&frame));
            if let Some(cursor) = hear_inbox(&mut process.inbox, &frame)? {
                let inbox = actor.principal.inbox();
                let (_, through) = scene.oracle.spot(actor, Scope::Inbox(&inbox), &cursor);
                scene.oracle.confirmed((inbox, actor.device), InboxSequence::new(through))?;
            }
        }
        let window = if self.window == 0 { WINDOW_EVENTS_MAX } else { self.window };
        for (stream, events) in &link.unacknowledged {
            let (count, name) = (events.len(), &self.who.name);
            let kept = count <= window as usize;
            promised!(8, kept, "{name}: {count} events on {stream:?}, its window is {window}");
        }
        self.hear_control(scene)?;
        if is_over {
            self.lost(scene);
        }
        Ok(())
    }

    fn hear_control(&mut self, scene: &mut Scene) -> Checked {
        loop {
            let Some(process) = &mut self.process else { return Ok(()) };
            let Some(link) = &mut process.link else { return Ok(()) };
            let Some(frame) = next(&mut link.control, true) else { return Ok(()) };
            match answers::read(&frame) {
                Word::Welcome => link.is_welcome = true,
                Word::Challenge(nonce) => {
                    link.may_ask = true;
                    let connection = link.connection;
                    let name = self.who.actor.principal.to_string();
                    let signature = signature(CHALLENGE_CONTEXT, &nonce, &self.who.key.0, &name);
                    let answer = body::ChallengeAnswer { signature };
                    scene.send(connection, Stream::Control, &answer);
                }
                Word::Goaway(goaway) => {
                    process.back_off.stay_away(Duration::from_millis(goaway.reconnect_after_ms));
                }
                Word::Answer(number, result) => {
                    let resolved = process.requests.answered(number, result);
                    let fault = resolved.as_ref().err();
                    promised!(4, fault.is_none(), "{}: {fault:?}", self.who.name);
                    if let Ok(Some(resolved)) = resolved {
                        self.resolved(resolved, scene)?;
                    }
                }
            }
        }
    }

    fn lost(&mut self, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let Some(link) = process.link.take() else { return };
        scene.network.forget(link.connection, End::Device);
        process.presence.lost();
        process.inbox.lost();
        process.back_off.lost_after(Duration::from_millis(scene.now - link.since));
        let wait = process.back_off.next_wait(scene.rng.u64(..));
        process.retry_at = scene.now + milliseconds(wait);
    }

    /// The application takes what it is handed. False if the device crashed over it.
    fn work(&mut self, scene: &mut Scene) -> Checked<bool> {
        let Some(process) = &mut self.process else { return Ok(true) };
        if !scene.is_healing && scene.rng.u8(..3) == 0 {
            return Ok(true);
        }
        let Process { presence, inbox, presence_held, inbox_held, floor, .. } = process;
        let (application, who) = (&mut self.stored.application, &self.who);
        let watcher = &who.actor.principal;
        let crash = if scene.is_healing { 0 } else { self.crash };
        let lives = take(
            presence,
            (presence_held, &mut self.stored.presence),
            (scene, crash),
            |handed, oracle| {
                let spot = oracle.spot(&who.actor, Scope::Presence, &handed.cursor);
                oracle.shown(watcher, spot.1, &handed.item)?;
                let Handed { cursor, anew, item, .. } = handed;
                application.record_presence(floor, (cursor, spot, anew), item)
            },
        )?;
        Ok(lives
            && take(
                inbox,
                (inbox_held, &mut self.stored.inbox),
                (scene, crash),
                |handed, oracle| {
                    oracle.message(&handed.item)?;
                    application.record_message(floor, handed.item)
                },
            )?)
    }

    /// Writes what is to be said.
    fn speak(&mut self, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let Some(link) = &process.link else { return };
        let connection = link.connection;
        for (stream, acknowledgement) in [
            (Stream::Presence, process.presence.next_acknowledgement()),
            (Stream::Inbox, process.inbox.next_acknowledgement()),
        ] {
            if let Some(cursor) = acknowledgement {
                if let Some(link) = &mut process.link {
                    let events = link.unacknowledged.entry(stream).or_default();
                    let taken = events.iter().rposition(|event| *event == cursor);
                    events.drain(..taken.map_or(0, |last| last + 1));
                }
                scene.send(connection, stream, &body::FeedAck { cursor });
            }
        }
        if process.link.as_ref().is_none_or(|link| !link.may_ask) {
            return;
        }
        let mut out = Vec::new();
        while process.requests.write_next(&mut out).is_some() {}
        scene.send_bytes(connection, Stream::Control, &out);
    }
}

fn milliseconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).expect("waits are short")
}

/// The next whole frame, if there is room for what it may hold.
fn next(decoder: &mut Decoder, has_room: bool) -> Option<Frame> {
    has_room.then(|| decoder.next_frame().expect("the server writes frames")).flatten()
}

fn hello(who: &Who, exporter: Option<[u8; 32]>) -> body::Hello {
    let principal = who.actor.principal.to_string();
    let signature = exporter
        .map(|fresh| signature(EXPORTER_CONTEXT, &fresh, &who.key.0, &principal))
        .unwrap_or_default();
    body::Hello {
        version: VERSION,
        features: 0,
        principal,
        key: who.key.0,
        proof: u8::from(exporter.is_some()),
        signature,
        enroll: None,
        client: "simulated".to_owned(),
    }
}

/// All that came on a stream. CONTROL and feeds live as long as the connection.
fn read_all(scene: &mut Scene, connection: ConnectionId, stream: Stream) -> Checked<Vec<u8>> {
    let mut bytes = Vec::new();
    for piece in scene.network.read(scene.now, connection, stream) {
        match piece {
            Piece::Bytes(piece) => bytes.extend(piece),
            Piece::Finish => {}
            Piece::Reset(code) => {
                promised!(3, false, "{stream:?} was reset: {}", code.as_str());
            }
        }
    }
    Ok(bytes)
}

/// The cursor of an event.
fn cursor_of(frame: &Frame) -> Option<Bytes> {
    match frame.kind {
        body::PresenceEvent::KIND => Some(read::<body::PresenceEvent>(frame).cursor),
        body::MessageEvent::KIND => Some(read::<body::MessageEvent>(frame).cursor),
        _ => None,
    }
}

fn read<B: Body>(frame: &Frame) -> B {
    decode(frame).expect("what the server encodes decodes")
}

/// A server that breaks the rules of a feed breaks promise 3.
fn kept(outcome: Result<(), FeedFault>) -> Checked {
    promised!(3, outcome.is_ok(), "a feed broke its rules: {:?}", outcome.err());
    Ok(())
}

fn ready<T>(feed: &mut FeedResume<T>, frame: &Frame) -> Checked {
    let ready: FeedReady = adsum::protocol::read(frame).expect("a server says what is valid");
    promised!(3, ready.complete, "a feed is incomplete within retention");
    kept(feed.ready(ready.outcome))
}

fn hear_presence(feed: &mut FeedResume<PresenceBody>, frame: &Frame) -> Checked {
    match frame.kind {
        body::FeedReady::KIND => ready(feed, frame),
        body::CaughtUp::KIND => kept(feed.caught_up(read::<body::CaughtUp>(frame).cursor)),
        body::PresenceEvent::KIND => {
            let body::PresenceEvent { number, cursor, presence, .. } = read(frame);
            let (sequence, bytes) = (InboxSequence::ZERO, frame.body.len());
            kept(feed.arrived(Arrived { number, cursor, sequence, bytes, item: presence }))
        }
        // The connection will end, and the feed goes on with the next.
        body::FeedEnd::KIND => Ok(()),
        kind => panic!("kind {kind:#06x} came on a presence feed"),
    }
}

/// Returns the cursor of an acknowledgement that the server confirms.
fn hear_inbox(feed: &mut FeedResume<Message>, frame: &Frame) -> Checked<Option<Bytes>> {
    match frame.kind {
        body::FeedReady::KIND => ready(feed, frame)?,
        body::CaughtUp::KIND => kept(feed.caught_up(read::<body::CaughtUp>(frame).cursor))?,
        body::MessageEvent::KIND => {
            let body::MessageEvent { number, cursor, message, .. } = read(frame);
            let item = Oracle::read(message);
            let (sequence, bytes) = (item.sequence, frame.body.len());
            kept(feed.arrived(Arrived { number, cursor, sequence, bytes, item }))?;
        }
        body::FeedAcked::KIND => {
            let body::FeedAcked { cursor, .. } = read(frame);
            feed.acknowledged(&cursor);
            return Ok(Some(cursor));
        }
        body::FeedEnd::KIND => {}
        kind => panic!("kind {kind:#06x} came on an inbox feed"),
    }
    Ok(None)
}

/// Hands items out, has them recorded, takes some, saves the position: in this order, with crashes in between.
fn take<T>(
    feed: &mut FeedResume<T>,
    (held, file): (&mut VecDeque<ItemNumber>, &mut Position),
    (scene, crash): (&mut Scene, u32),
    mut record: impl FnMut(Handed<T>, &Oracle) -> Checked,
) -> Checked<bool> {
    let healing = scene.is_healing;
    let most = if healing { usize::MAX } else { scene.rng.usize(..4) };
    for handed in core::iter::from_fn(|| feed.next_item()).take(most).collect::<Vec<_>>() {
        let number = handed.number;
        if scene.bug == Some(Bug::PositionBeforeTaken) {
            feed.taken(number);
            save(feed, file);
            if happens(&mut scene.rng, crash) {
                return Ok(false);
            }
            record(handed, &scene.oracle)?;
        } else {
            record(handed, &scene.oracle)?;
            if happens(&mut scene.rng, crash) {
                return Ok(false);
            }
            held.push_back(number);
        }
    }
    if !held.is_empty() && (healing || scene.rng.bool()) {
        let count = if healing { held.len() } else { scene.rng.usize(1..=held.len()) };
        if let Some(last) = held.drain(..count).next_back() {
            feed.taken(last);
        }
        if happens(&mut scene.rng, crash) {
            return Ok(false);
        }
    }
    if healing || scene.rng.bool() {
        save(feed, file);
    }
    Ok(!happens(&mut scene.rng, crash))
}

/// Writes the position to the device's disk; a file is replaced whole.
fn save<T>(feed: &mut FeedResume<T>, file: &mut Position) {
    if let Some(unsaved) = feed.unsaved() {
        *file = unsaved.position.clone();
        feed.saved(unsaved);
    }
}
