//! A device: the real resumption of the client library between a network and an application that keeps what it takes.
//!
//! Its process may die between any two of: an item is handed out, the application records it, says so, the position
//! is saved, the server is told. Must never hold: knowledge of the server beyond what came over the network.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use adsum::client::exchange::{
    Admission, ControlEvent, FeedEvent, FeedItem, Frames, Heard, acknowledgement, hear,
};
use adsum::client::resume::{
    BackOff, FeedKind, FeedResume, Handed, ItemNumber, Position, Requests,
};
use adsum::client::{Answer, ClientError, Refused};
use adsum::model::limits::WINDOW_EVENTS_MAX;
use adsum::model::{InboxItem, InboxSequence, Lifetime, RefusalCode, Tag};
use adsum::protocol::body;
use adsum::protocol::{FeedOpen, FeedSubject, Framed, Presence};
use adsum::session::Scope;
use adsum::wire::{CHALLENGE_CONTEXT, StreamType};
use bytes::Bytes;

use super::application::{Application, Floor};
use super::network::{ConnectionId, End};
use super::oracle::Oracle;
use super::pipe::{Piece, Stream};
use super::plan::{Plan, Who, happens, signature};
use super::trace::note;
use super::wishes::Purposes;
use super::world::Scene;
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
    presence: FeedResume<Presence>,
    inbox: FeedResume<InboxItem>,
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
    control: Frames,
    presence: Frames,
    inbox: Frames,
    /// Cursors of events that were read and not acknowledged.
    unacknowledged: BTreeMap<Stream, VecDeque<Bytes>>,
}

impl Process {
    fn new(stored: &Stored, who: &Who, oracle: &Oracle) -> Self {
        let change = oracle.spot(&who.actor, Scope::Presence, &stored.presence.cursor);
        let inbox = who.actor.principal.inbox();
        let (era, _) = oracle.spot(&who.actor, Scope::Inbox(&inbox), &stored.inbox.cursor);
        let message = (era, stored.inbox.sequence);
        let floor = Floor { message, change, began: change.0 };
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
        let [control, presence, inbox] = core::array::from_fn(|_| Frames::default());
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
        let hello = self.who.hello(exporter);
        scene.open(connection, (Stream::Control, StreamType::Control), &hello);
        let presence = FeedSubject::Presence { presentities: Vec::new(), with_watchers: false };
        let inbox =
            FeedSubject::Inbox { inbox: self.who.actor.principal.inbox(), from_start: false };
        for (stream, cursor, subject) in [
            (Stream::Presence, process.presence.open(), presence),
            (Stream::Inbox, process.inbox.open(), inbox),
        ] {
            let open = FeedOpen { cursor, window: self.window, subject };
            scene.open(connection, (stream, StreamType::Feed), &open.to_body());
        }
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
        let told = &mut link.unacknowledged;
        let events = told.entry(Stream::Presence).or_default();
        hear_feed(&mut link.presence, &mut process.presence, events, |_| Ok(()))?;
        let events = told.entry(Stream::Inbox).or_default();
        hear_feed(&mut link.inbox, &mut process.inbox, events, |heard| {
            let inbox = actor.principal.inbox();
            match heard {
                Heard::Acknowledged(cursor) => {
                    let (_, through) = scene.oracle.spot(actor, Scope::Inbox(&inbox), &cursor);
                    scene.oracle.confirmed((inbox, actor.device), InboxSequence::new(through))
                }
                Heard::Composing(composing) => {
                    scene.trace.count("composing told");
                    scene.oracle.composing_told(&inbox, &composing)
                }
                _ => Ok(()),
            }
        })?;
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
            if !link.is_welcome {
                match Admission::next(&mut link.control) {
                    Ok(None) => return Ok(()),
                    Ok(Some(Admission::Welcome(_))) => link.is_welcome = true,
                    Ok(Some(Admission::Challenge(nonce))) => {
                        link.may_ask = true;
                        let (connection, key) = (link.connection, &self.who.key.0);
                        let name = self.who.actor.principal.to_string();
                        let signature = signature(CHALLENGE_CONTEXT, &nonce, key, &name);
                        let answer = body::ChallengeAnswer { signature };
                        scene.send(connection, Stream::Control, &answer);
                    }
                    Err(error) => sent_away(&error, &mut process.back_off)?,
                }
                continue;
            }
            match ControlEvent::next(&mut link.control).expect("the server keeps the protocol") {
                None => return Ok(()),
                Some(ControlEvent::Goaway(goaway)) => {
                    process.back_off.stay_away(Duration::from_millis(goaway.reconnect_after_ms));
                }
                Some(ControlEvent::Answer { number, result }) => {
                    self.answered(number, result, scene)?;
                }
            }
        }
    }

    fn answered(
        &mut self,
        number: u64,
        result: Result<Answer, Refused>,
        scene: &mut Scene,
    ) -> Checked {
        let Some(process) = &mut self.process else { return Ok(()) };
        let resolved = process.requests.answered(number, result);
        let fault = resolved.as_ref().err();
        promised!(4, fault.is_none(), "{}: {fault:?}", self.who.name);
        if let Ok(Some(resolved)) = resolved {
            self.resolved(resolved, scene)?;
        }
        Ok(())
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
                    let InboxItem::Message(message) = handed.item else {
                        promised!(3, false, "a receipt came that nobody asked for");
                        return Ok(());
                    };
                    oracle.message(&message)?;
                    let inbox = who.actor.principal.inbox();
                    let (era, _) = oracle.spot(&who.actor, Scope::Inbox(&inbox), &handed.cursor);
                    application.record_message(floor, (era, message))
                },
            )?)
    }

    /// Writes what is to be said.
    fn speak(&mut self, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let Some(link) = &process.link else { return };
        let connection = link.connection;
        for (stream, due) in [
            (Stream::Presence, process.presence.next_acknowledgement()),
            (Stream::Inbox, process.inbox.next_acknowledgement()),
        ] {
            if let Some(cursor) = due {
                if let Some(link) = &mut process.link {
                    let events = link.unacknowledged.entry(stream).or_default();
                    let taken = events.iter().rposition(|event| *event == cursor);
                    events.drain(..taken.map_or(0, |last| last + 1));
                }
                scene.send_bytes(connection, stream, &acknowledgement(cursor));
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

/// A server that is going lets nobody in; it has no other reason not to.
fn sent_away(error: &ClientError, back_off: &mut BackOff) -> Checked {
    let wait = match error {
        ClientError::Refused(refused) if refused.is(RefusalCode::GoingAway) => refused.retry_after,
        _ => None,
    };
    promised!(4, wait.is_some(), "a device was not let in: {error}");
    back_off.stay_away(Duration::from_millis(wait.map_or(0, Lifetime::as_ms)));
    Ok(())
}

/// Takes what came of a feed while there is room: the cursors of its items go into `events`, what is no item to `told`.
/// A server that breaks the rules of a feed breaks promise 3.
fn hear_feed<T: FeedItem>(
    frames: &mut Frames,
    feed: &mut FeedResume<T>,
    events: &mut VecDeque<Bytes>,
    mut told: impl FnMut(Heard) -> Checked,
) -> Checked {
    while feed.has_room() {
        let event = FeedEvent::next(frames);
        promised!(3, event.is_ok(), "a feed broke its rules: {event:?}");
        let Ok(Some(event)) = event else { break };
        events.extend(cursor_of(&event));
        let heard = hear(feed, event);
        promised!(3, heard.is_ok(), "a feed broke its rules: {heard:?}");
        match heard {
            Ok(Heard::Opened(opening)) => {
                promised!(3, opening.complete, "a feed is incomplete within retention");
            }
            // If the server ended it, so will the connection, and the feed goes on with the next.
            Ok(heard) => told(heard)?,
            Err(_) => {}
        }
    }
    Ok(())
}

/// The cursor of an item.
fn cursor_of(event: &FeedEvent) -> Option<Bytes> {
    match event {
        FeedEvent::Presence { event, .. } => Some(event.cursor.clone()),
        FeedEvent::Message { event, .. } => Some(event.cursor.clone()),
        _ => None,
    }
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
