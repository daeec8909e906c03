//! A device that proves who it is and then says what is false: what is others', what it never got, what it said otherwise
//! before, and what is no frame at all.
//!
//! It may end its own connection, and gets refusals. Whatever it has no right to must be refused, of what is another's it
//! must be told nothing, and nothing that it acknowledges counts. Must never hold: a key but its own.

use std::collections::{BTreeMap, BTreeSet};

use adsum::client::exchange::Frames;
use adsum::model::{Moment, Rights};
use adsum::protocol::body::{self, Body};
use adsum::wire::{EXPORTER_CONTEXT, Frame, VERSION, decode};
use bytes::Bytes;

use super::device::Device;
use super::hostile::{Wire, inbox, is_refusal, retry_at};
use super::lies::says_nonsense;
use super::pipe::Stream;
use super::plan::{LIAR, Who, choose, happens, signature};
use super::trace::note;
use super::trust::Trust;
use super::world::Scene;
use super::{Checked, promised};

/// How often it lies, out of a thousand moments.
const LIES: u32 = 250;
/// How often it says of itself that it is another.
const FALSE_NAMES: u32 = 200;
/// As that, and how often it comes without a name.
const NO_NAMES: u32 = 400;

/// The lying device.
#[derive(Debug)]
pub(crate) struct Liar {
    pub(crate) who: Who,
    wire: Option<Wire>,
    guise: Guise,
    retry_at: u64,
    pub(crate) asked: u64,
    /// Requests that must be refused.
    pub(crate) wrong: BTreeSet<u64>,
    /// Those after which the same is said again with another text, which is wrong if they were not refused.
    pub(crate) twice: BTreeSet<u64>,
    /// Requests that must be refused unless the group gave it a right since they were made.
    pub(crate) claimed: BTreeMap<u64, Claim>,
    reading: BTreeMap<Stream, Reading>,
}

/// As whom it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guise {
    /// As itself.
    Itself,
    /// As another, with its own key: then it must not be let in.
    Another,
    /// As nobody in particular, who may hardly do anything.
    Nameless,
}

/// A right of the group's that it claims, and when it did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) right: Rights,
    pub(crate) since: Moment,
}

/// What it opened, and what it may be told there.
#[derive(Debug)]
struct Reading {
    frames: Frames,
    may: May,
}

/// Whose something is that it reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum May {
    /// Another's.
    Nothing,
    /// Its own.
    Own,
    /// Its own presence feed, which tells nothing: it never subscribed to anybody. Whoever has no name has one, too.
    Silence,
    /// The group's.
    Group(Claim),
}

/// What it got hold of that is others'.
#[derive(Debug)]
pub(crate) struct Loot {
    pub(crate) who: Who,
    pub(crate) cursors: [Bytes; 2],
    pub(crate) tag: [u8; 16],
    pub(crate) message: u64,
}

impl Liar {
    pub(crate) fn new(who: Who) -> Self {
        let (wrong, twice) = (BTreeSet::new(), BTreeSet::new());
        let (claimed, reading) = (BTreeMap::new(), BTreeMap::new());
        let guise = Guise::Itself;
        Self { who, wire: None, guise, retry_at: 0, asked: 0, wrong, twice, claimed, reading }
    }

    /// One moment of its life. It has left when everything is to come to rest.
    pub(crate) fn live(&mut self, scene: &mut Scene, devices: &[Device], listens: bool) -> Checked {
        if scene.is_healing {
            self.wire.take().into_iter().for_each(|wire| wire.leave(scene));
            return Ok(());
        }
        let loot = loot(scene, devices);
        if self.wire.is_none() {
            if listens && scene.now >= self.retry_at {
                self.dial(scene, &loot);
            }
            return Ok(());
        }
        self.hear(scene)?;
        let Some(mut wire) = self.wire.take() else { return Ok(()) };
        if wire.is_gone(scene) {
            self.retry_at = retry_at(scene);
            return Ok(());
        }
        if wire.is_welcome && happens(&mut scene.rng, LIES) {
            scene.trace.count("lies");
            self.lie(scene, &mut wire, &loot);
        }
        self.wire = Some(wire);
        Ok(())
    }

    /// Says who it is, or with its own key that it is another, or not who.
    fn dial(&mut self, scene: &mut Scene, loot: &Loot) {
        self.guise = match scene.rng.u32(..1_000) {
            ..FALSE_NAMES => Guise::Another,
            FALSE_NAMES..NO_NAMES => Guise::Nameless,
            _ => Guise::Itself,
        };
        let (own, key) = (&self.who, self.who.key.0);
        let principal = match self.guise {
            Guise::Itself => own.actor.principal.to_string(),
            Guise::Another => loot.who.actor.principal.to_string(),
            Guise::Nameless => String::new(),
        };
        let wire = Wire::dial(scene, &own.name, |exporter| body::Hello {
            version: VERSION,
            features: u64::MAX,
            signature: signature(EXPORTER_CONTEXT, &exporter, &key, &principal),
            principal: principal.clone(),
            key,
            proof: 1,
            enroll: None,
            client: "honest".to_owned(),
        });
        self.wire = Some(wire);
        self.wrong.clear();
        self.twice.clear();
        self.claimed.clear();
        self.reading.clear();
    }

    /// What it must not be told.
    fn hear(&mut self, scene: &mut Scene) -> Checked {
        let Some(wire) = &mut self.wire else { return Ok(()) };
        let trust = scene.oracle.decrees.trust.clone();
        let mut counts = Vec::new();
        for frame in wire.hear(scene) {
            let number = postcard::take_from_bytes::<u64>(&frame.body).map(|(number, _)| number);
            let number = number.unwrap_or_default();
            let claim = self.claimed.get(&number);
            let lacks = claim.is_some_and(|claim| !trust.had(claim.right, claim.since));
            let is_wrong = lacks || self.wrong.contains(&number) || self.guise == Guise::Nameless;
            let refused = is_refusal(&frame);
            // What was refused was not said: there may have been no room for it.
            if refused && self.twice.remove(&number) {
                self.wrong.remove(&(number + 1));
            }
            promised!(12, refused || !is_wrong, "a liar was answered {frame:?}");
            counts.push(match (refused, claim) {
                (true, _) => "lies refused",
                (false, None) => "lies answered",
                (false, Some(_)) => "acts for a group",
            });
        }
        let is_another = self.guise == Guise::Another;
        promised!(12, !(is_another && wire.is_welcome), "a liar was let in as another");
        for (stream, reading) in &mut self.reading {
            for frame in wire.read(scene, *stream, &mut reading.frames) {
                // A server that stops says so on every feed.
                let tells_nothing = is_refusal(&frame) || frame.kind == body::FeedEnd::KIND;
                let is_nameless = self.guise == Guise::Nameless;
                let right = tells_nothing
                    || match reading.may {
                        May::Silence => SILENT.contains(&frame.kind),
                        _ if is_nameless => false,
                        May::Nothing => false,
                        May::Own => is_own(&self.who, &frame),
                        May::Group(claim) => is_shared(&trust, claim, &frame),
                    };
                counts.push("lies read");
                promised!(12, right, "a liar was told what is another's: {frame:?}");
            }
        }
        for kind in counts {
            scene.trace.count(kind);
        }
        Ok(())
    }

    fn lie(&mut self, scene: &mut Scene, wire: &mut Wire, loot: &Loot) {
        let lie = scene.rng.u8(..36);
        note!(scene.trace, "{} lies ({lie}) about {}", self.who.name, loot.who.name);
        match lie {
            24..=33 => self.acts_for_group(scene, wire, loot),
            34.. => self.watches(scene, wire, loot),
            0..=12 => self.claims_rights(scene, wire, loot),
            13 => self.says_twice(scene, wire),
            14..=16 => self.opens(scene, wire, loot),
            17..=19 => self.takes(scene, wire, loot),
            20 => self.publishes_over(scene, wire, loot),
            21 => self.has_wrong_numbers(scene, wire),
            _ => says_nonsense(scene, wire),
        }
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.asked += 1;
        self.asked
    }

    /// A right of the group's is claimed now.
    pub(crate) fn claim(scene: &Scene, right: Rights) -> Claim {
        Claim { right, since: scene.oracle.chronicle.moment() }
    }

    /// Whatever comes on `stream`, it listens.
    pub(crate) fn read(&mut self, stream: Stream, may: May) {
        self.reading.insert(stream, Reading { frames: Frames::default(), may });
    }
}

/// What a feed says that has nothing to tell.
const SILENT: [u16; 2] = [body::FeedReady::KIND, body::CaughtUp::KIND];

/// Whether a frame of one's own feed says nothing of what is others'.
fn is_own(who: &Who, frame: &Frame) -> bool {
    match frame.kind {
        body::MessageEvent::KIND => {
            let event = decode::<body::MessageEvent>(frame).expect("servers write valid events");
            event.message.inbox == inbox(who)
        }
        // It never subscribed to anybody.
        body::PresenceEvent::KIND => false,
        _ => true,
    }
}

/// Whether a frame about the group says nothing that it may not know.
fn is_shared(trust: &Trust, claim: Claim, frame: &Frame) -> bool {
    if let Ok(event) = decode::<body::MessageEvent>(frame) {
        return trust.had_message(event.message.sequence, claim.since);
    }
    // Whoever may not know who watches is told of itself.
    let of_itself = claim.right == Rights::WATCHERS
        && match decode::<body::Watcher>(frame) {
            Ok(row) => row.watcher.watcher == LIAR,
            Err(_) => frame.kind == body::End::KIND,
        };
    of_itself || trust.had(claim.right, claim.since)
}

/// What one of the others has: the liar may have seen it, on a wire that it should not have tapped.
fn loot(scene: &mut Scene, devices: &[Device]) -> Loot {
    let one = choose(&mut scene.rng, devices);
    let stored = &one.stored;
    let message = stored.application.messages.last();
    Loot {
        who: one.who.clone(),
        cursors: [stored.presence.cursor.clone(), stored.inbox.cursor.clone()],
        tag: stored.tag.map_or([5; 16], |tag| tag.0),
        message: message.map_or(1, |got| got.message.sequence.get()),
    }
}
