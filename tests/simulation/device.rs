//! A device: the real resumption of the client library between a network and an application that keeps what it takes.
//!
//! Its process may die between any two of: an item is handed out, the application records it, says so, the position
//! is saved, the server is told. Must never hold: knowledge of the server beyond what came over the network.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use adsum::client::exchange::{Admission, ControlEvent, Frames, Heard, acknowledgement};
use adsum::client::resume::{
    BackOff, FeedKind, FeedResume, Handed, ItemNumber, Position, Requests,
};
use adsum::client::{Answer, ClientError, Refused};
use adsum::model::limits::WINDOW_EVENTS_MAX;
use adsum::model::{InboxItem, InboxSequence, Lifetime, RefusalCode, Sequence, Tag};
use adsum::protocol::body;
use adsum::protocol::{FeedOpen, FeedSubject, Framed, Outcome, Presence};
use adsum::session::Scope;
use adsum::wire::{CHALLENGE_CONTEXT, StreamType};
use bytes::Bytes;

use super::application::{Application, Floor};
use super::feeds::{Ears, Told, hear_feed, take};
use super::network::{ConnectionId, End};
use super::oracle::Oracle;
use super::pasts::Spot;
use super::pipe::{Piece, Stream};
use super::plan::{Plan, Who, signature};
use super::trace::note;
use super::wishes::Purposes;
use super::world::Scene;
use super::{Checked, promised};

/// How long a device whose key is revoked waits until it tries again.
const REVOKED_WAITS: Lifetime = Lifetime::from_ms(2_000);

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
    /// Where its feeds of presence and of the inbox were opened.
    opened_at: [Spot; 2],
    control: Frames,
    presence: Frames,
    inbox: Frames,
    /// Cursors of events that were read and not acknowledged.
    unacknowledged: BTreeMap<Stream, VecDeque<Bytes>>,
}

impl Link {
    fn new(connection: ConnectionId, since: u64, may_ask: bool, opened_at: [Spot; 2]) -> Self {
        let [control, presence, inbox] = core::array::from_fn(|_| Frames::default());
        let (is_welcome, unacknowledged) = (false, BTreeMap::new());
        Self {
            connection,
            since,
            is_welcome,
            may_ask,
            opened_at,
            control,
            presence,
            inbox,
            unacknowledged,
        }
    }
}

impl Process {
    fn new(stored: &Stored, who: &Who, oracle: &Oracle) -> Self {
        let change = oracle.spot(&who.actor, Scope::Presence, &stored.presence.cursor);
        let inbox = who.actor.principal.inbox();
        let message = oracle.spot(&who.actor, Scope::Inbox(&inbox), &stored.inbox.cursor);
        let floor = Floor::new(message, change);
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
    /// A device that starts at `starts_at`.
    pub(crate) fn new(who: Who, plan: &Plan, starts_at: u64) -> Self {
        let (stored, window, crash) = (Stored::default(), plan.window, plan.device_crash);
        Self { who, stored, process: None, starts_at, window, crash }
    }

    /// Whether nothing is left to do, or it may do nothing any more.
    pub(crate) fn is_settled(&self, oracle: &Oracle) -> bool {
        let is_done = self.process.as_ref().is_some_and(Process::is_settled);
        is_done && self.stored.outbox.is_empty() || oracle.is_revoked(&self.who.actor)
    }

    /// One moment of the device's life.
    pub(crate) fn live(&mut self, scene: &mut Scene, server_listens: bool) -> Checked {
        if self.process.is_none() {
            if scene.now < self.starts_at {
                return Ok(());
            }
            note!(scene.trace, "{} starts", self.who.name);
            self.stored.application.begins();
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
        // A device without an exporter signs what the server makes up.
        let exporter = scene.rng.bool().then_some(exporter);
        let hello = self.who.hello(exporter);
        scene.open(connection, (Stream::Control, StreamType::Control), &hello);
        let inbox = self.who.actor.principal.inbox();
        let presence = FeedSubject::Presence { presentities: Vec::new(), with_watchers: false };
        let messages = FeedSubject::Inbox { inbox: inbox.clone(), from_start: false };
        let opened_at = [
            (Stream::Presence, Scope::Presence, process.presence.open(), presence),
            (Stream::Inbox, Scope::Inbox(&inbox), process.inbox.open(), messages),
        ]
        .map(|(stream, scope, cursor, subject)| {
            let spot = scene.oracle.spot(&self.who.actor, scope, &cursor);
            let open = FeedOpen { cursor, window: self.window, subject };
            scene.open(connection, (stream, StreamType::Feed), &open.to_body());
            spot
        });
        process.link = Some(Link::new(connection, scene.now, exporter.is_some(), opened_at));
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
        let (who, actor) = (&self.who, &self.who.actor);
        let told = &mut link.unacknowledged;
        let [change, message] = link.opened_at;
        let ears = Ears {
            bug: scene.bug,
            is_revoked: scene.oracle.is_revoked(actor),
            is_cut: scene.oracle.cut_through > Sequence::ZERO,
            may_lack: scene.oracle.may_lack(change),
        };
        let (floor, application) = (&mut process.floor, &mut self.stored.application);
        let mut opens_again = false;
        let events = told.entry(Stream::Presence).or_default();
        hear_feed(&mut link.presence, &mut process.presence, (events, ears), |told| match told {
            Told::Begins(outcome) => {
                floor.presence_opened(application, outcome);
                note!(scene.trace, "{}: presence begins {outcome:?} at {change:?}", who.name);
                begins(scene, (outcome, is_over), (Scope::Presence, change))
            }
            Told::Ends(again) => {
                opens_again |= again;
                Ok(())
            }
            Told::Heard(_) => Ok(()),
        })?;
        let events = told.entry(Stream::Inbox).or_default();
        let (ears, inbox) = (Ears { may_lack: false, ..ears }, actor.principal.inbox());
        hear_feed(&mut link.inbox, &mut process.inbox, (events, ears), |told| match told {
            Told::Begins(outcome) => {
                floor.inbox_opened(application, outcome);
                note!(scene.trace, "{}: its inbox begins {outcome:?} at {message:?}", who.name);
                begins(scene, (outcome, is_over), (Scope::Inbox(&inbox), message))
            }
            Told::Heard(Heard::Acknowledged(cursor)) => {
                let through = scene.oracle.spot(actor, Scope::Inbox(&inbox), &cursor).position;
                let place = (inbox.clone(), actor.device);
                note!(scene.trace, "{} knows that it has taken {through}", who.name);
                scene.oracle.confirmed(place, InboxSequence::new(through))
            }
            Told::Heard(Heard::Composing(composing)) => {
                scene.trace.count("composing told");
                scene.oracle.composing_told(&inbox, &composing)
            }
            Told::Ends(again) => {
                opens_again |= again;
                Ok(())
            }
            Told::Heard(_) => Ok(()),
        })?;
        let window = if self.window == 0 { WINDOW_EVENTS_MAX } else { self.window };
        for (stream, events) in &link.unacknowledged {
            let (count, name) = (events.len(), &self.who.name);
            let kept = count <= window as usize;
            promised!(8, kept, "{name}: {count} events on {stream:?}, its window is {window}");
        }
        self.hear_control(scene)?;
        if opens_again && !is_over {
            // The library would open that feed alone again. It is the same with a new connection.
            scene.trace.count("feeds opened again");
            scene.network.cut(&mut scene.rng, scene.now, connection);
        }
        if is_over || opens_again {
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
                    Err(error) => {
                        let is_revoked = scene.oracle.is_revoked(&self.who.actor);
                        let why = (is_revoked, scene.oracle.was_full);
                        sent_away(&error, &mut process.back_off, why)?;
                    }
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
        let trace = scene.trace.clone();
        let lives = take(
            presence,
            (presence_held, &mut self.stored.presence),
            (scene, crash),
            |handed, oracle| {
                let spot = oracle.spot(&who.actor, Scope::Presence, &handed.cursor);
                oracle.shown(watcher, spot, &handed.item)?;
                let Handed { anew, item, .. } = handed;
                let is_gone = |last| oracle.is_gone(Scope::Presence, last);
                application.record_presence(floor, (spot, anew), item, is_gone)
            },
        )?;
        if presence.unsaved().is_none() {
            application.saved(presence_held.len());
        }
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
                    let inbox = who.actor.principal.inbox();
                    let spot = oracle.spot(&who.actor, Scope::Inbox(&inbox), &handed.cursor);
                    note!(trace, "{} is handed message {} of {spot:?}", who.name, message.sequence);
                    oracle.message(spot, &message)?;
                    let is_gone = |last| oracle.is_gone(Scope::Inbox(&inbox), last);
                    application.record_message(floor, (spot, message), is_gone)
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

fn is_final(code: RefusalCode) -> bool {
    matches!(code, RefusalCode::KeyRevoked | RefusalCode::Erased | RefusalCode::BadInvite)
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

/// A feed began as the server says. What it said before it was gone, it may have said before it forgot its cursors.
fn begins(
    scene: &Scene,
    (outcome, is_over): (Outcome, bool),
    (scope, spot): (Scope<'_>, Spot),
) -> Checked {
    if outcome == Outcome::Restored {
        scene.trace.count(if matches!(scope, Scope::Presence) {
            "presence restored"
        } else {
            "inboxes restored"
        });
    }
    if is_over { Ok(()) } else { scene.oracle.opened(scope, spot, outcome) }
}

/// A server that is going lets nobody in; it has no other reason not to, but that the key is revoked, or that there is no room
/// for a device that comes in.
fn sent_away(
    error: &ClientError,
    back_off: &mut BackOff,
    (is_revoked, was_full): (bool, bool),
) -> Checked {
    let wait = match error {
        ClientError::Refused(refused) if refused.is(RefusalCode::GoingAway) => refused.retry_after,
        // With whoever is erased its invites end.
        ClientError::Refused(refused) if is_revoked && refused.code.is_some_and(is_final) => {
            Some(REVOKED_WAITS)
        }
        ClientError::Refused(refused) if was_full && refused.is(RefusalCode::StorageFull) => {
            Some(REVOKED_WAITS)
        }
        _ => None,
    };
    promised!(4, wait.is_some(), "a device was not let in: {error}");
    back_off.stay_away(Duration::from_millis(wait.map_or(0, Lifetime::as_ms)));
    Ok(())
}
