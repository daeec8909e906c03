//! Principals who decide and are decided about: an owner with rules, a watcher whom they concern, an administrator.
//!
//! They ask every kind of request and every question, over connections that are cut like all others, and send again what
//! was not answered. Must never hold: knowledge of the server beyond what came over the network.

use std::collections::BTreeMap;

use adsum::client::exchange::{Admission, Answering, ControlEvent, Frames};
use adsum::client::resume::{Requests, Submission};
use adsum::client::{Answer, ClientError, Command, Refused};
use adsum::model::RefusalCode;
use adsum::protocol::body;
use adsum::wire::{CHALLENGE_CONTEXT, Frame, StreamType, VERSION};

use super::decrees::Since;
use super::network::{ConnectionId, End};
use super::pipe::{Piece, Stream};
use super::plan::{Who, happens, signature};
use super::questions::{self, Asked};
use super::requests::{self, Intent};
use super::trace::note;
use super::world::Scene;
use super::{Checked, promised};

/// How often one of them wants something, out of a thousand moments.
const ACTIVITY: u32 = 250;
/// How long one stays away from a server that is gone or sent it away.
const AWAY_MS: u64 = 700;

/// One of them.
#[derive(Debug)]
pub(crate) struct Governor {
    pub(crate) who: Who,
    requests: Requests,
    intents: BTreeMap<Submission, Intent>,
    link: Option<Link>,
    retry_at: u64,
    written: u64,
}

#[derive(Debug)]
struct Link {
    connection: ConnectionId,
    is_welcome: bool,
    control: Frames,
    questions: BTreeMap<u32, Open>,
    asked: u32,
}

/// A question whose answer has not ended.
#[derive(Debug)]
struct Open {
    asked: Asked,
    since: Since,
    frames: Frames,
    answering: Answering,
    /// The answer, once it is whole; nothing if it is a refusal.
    answer: Option<Vec<Frame>>,
    refused: Option<RefusalCode>,
    has_begun: bool,
}

impl Open {
    /// Reads what came of the answer.
    fn hear(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        self.has_begun |= !bytes.is_empty();
        self.frames.push(bytes);
        loop {
            let frame = match self.frames.next_answer() {
                Ok(None) => return Ok(()),
                Ok(Some(frame)) => frame,
                Err(ClientError::Refused(refused)) => {
                    self.refused = refused.code;
                    self.answer = Some(Vec::new());
                    continue;
                }
                Err(error) => return Err(error),
            };
            if self.answer.is_some() {
                return Err(ClientError::Protocol { reason: "more came than the answer".into() });
            }
            self.answer = self.answering.take(frame)?;
        }
    }
}

impl Governor {
    pub(crate) fn new(who: Who) -> Self {
        let (requests, intents) = (Requests::new(), BTreeMap::new());
        Self { who, requests, intents, link: None, retry_at: 0, written: 0 }
    }

    /// Whether nothing is left to do or to wait for.
    pub(crate) fn is_settled(&self) -> bool {
        let waits = |link: &Link| !link.is_welcome || !link.questions.is_empty();
        self.requests.is_empty() && !self.link.as_ref().is_some_and(waits)
    }

    /// One moment of its life.
    pub(crate) fn live(&mut self, scene: &mut Scene, server_listens: bool) -> Checked {
        self.connect(scene, server_listens);
        self.hear(scene)?;
        if !scene.is_healing && happens(&mut scene.rng, ACTIVITY) {
            self.want(scene);
        }
        self.speak(scene);
        Ok(())
    }

    fn connect(&mut self, scene: &mut Scene, server_listens: bool) {
        let idle = scene.is_healing && self.requests.is_empty();
        if self.link.is_some() || !server_listens || scene.now < self.retry_at || idle {
            return;
        }
        let (connection, _) = scene.network.connect(&mut scene.rng);
        note!(scene.trace, "{} connects as {}", self.who.name, connection.0);
        self.requests.connected();
        let hello = body::Hello {
            version: VERSION,
            features: 0,
            principal: self.who.actor.principal.to_string(),
            key: self.who.key.0,
            proof: 0,
            signature: bytes::Bytes::new(),
            enroll: None,
            client: "governor".to_owned(),
        };
        scene.open(connection, (Stream::Control, StreamType::Control), &hello);
        let (control, questions) = (Frames::default(), BTreeMap::new());
        self.link = Some(Link { connection, is_welcome: false, control, questions, asked: 0 });
    }

    fn want(&mut self, scene: &mut Scene) {
        self.written += 1;
        if scene.rng.bool() {
            return self.question(scene);
        }
        if !self.requests.has_room() {
            return;
        }
        let (request, intent) = requests::choose_one(&self.who, self.written, scene);
        note!(scene.trace, "{} wants {}", self.who.name, intent.kind);
        scene.trace.count(intent.kind);
        scene.oracle.decrees.asks(&intent);
        self.submit(request, intent);
    }

    fn submit(&mut self, request: Command, intent: Intent) {
        let submission = self.requests.submit(request);
        self.intents.insert(submission, intent);
    }

    /// Asks a question on a stream of its own.
    fn question(&mut self, scene: &mut Scene) {
        let Some(link) = self.link.as_mut().filter(|link| link.is_welcome) else { return };
        let (asked, bytes) = questions::choose_one(&self.who, scene);
        scene.trace.count(asked.kind);
        let stream = Stream::Query(link.asked);
        scene.send_bytes(link.connection, stream, &bytes);
        scene.finish(link.connection, stream);
        let since = scene.oracle.decrees.now();
        let (frames, answering) = (Frames::default(), Answering::new(asked.shape));
        let (answer, refused, has_begun) = (None, None, false);
        let open = Open { asked, since, frames, answering, answer, refused, has_begun };
        link.questions.insert(link.asked, open);
        link.asked += 1;
    }

    fn hear(&mut self, scene: &mut Scene) -> Checked {
        let Some(link) = &mut self.link else { return Ok(()) };
        let connection = link.connection;
        let is_over = scene.network.is_over(scene.now, connection, End::Device);
        for piece in scene.network.read(scene.now, connection, Stream::Control) {
            if let Piece::Bytes(bytes) = piece {
                link.control.push(&bytes);
            }
        }
        self.hear_answers(scene)?;
        self.hear_control(scene)?;
        if is_over {
            scene.network.forget(connection, End::Device);
            self.link = None;
            self.retry_at = scene.now + scene.rng.u64(..AWAY_MS);
        }
        Ok(())
    }

    fn hear_answers(&mut self, scene: &mut Scene) -> Checked {
        let Some(link) = &mut self.link else { return Ok(()) };
        for number in link.questions.keys().copied().collect::<Vec<_>>() {
            let Some(open) = link.questions.get_mut(&number) else { continue };
            let mut is_ended = false;
            for piece in scene.network.read(scene.now, link.connection, Stream::Query(number)) {
                match piece {
                    Piece::Bytes(bytes) => {
                        let heard = open.hear(&bytes);
                        promised!(3, heard.is_ok(), "{:?} was answered {heard:?}", open.asked);
                    }
                    Piece::Finish => is_ended = true,
                    Piece::Reset(code) => {
                        promised!(2, false, "{:?} was reset: {}", open.asked, code.as_str());
                    }
                }
            }
            let ended = if is_ended { link.questions.remove(&number) } else { None };
            let Some(open) = ended.filter(|open| open.has_begun) else { continue };
            let Some(answer) = &open.answer else {
                promised!(3, false, "the answer to {:?} ended before its end", open.asked);
                continue;
            };
            questions::refused(open.refused, &open.asked, &scene.oracle)?;
            if open.refused == Some(RefusalCode::OlderThanKept) {
                scene.trace.count("older than kept");
            }
            if !answer.is_empty() {
                let asked = (&self.who, &open.asked);
                questions::judge(asked, open.since, answer, &scene.oracle)?;
            }
            scene.trace.count("questions answered");
        }
        Ok(())
    }

    fn hear_control(&mut self, scene: &mut Scene) -> Checked {
        loop {
            let Some(link) = &mut self.link else { return Ok(()) };
            if !link.is_welcome {
                match Admission::next(&mut link.control) {
                    Ok(None) => return Ok(()),
                    Ok(Some(Admission::Welcome(_))) => link.is_welcome = true,
                    Ok(Some(Admission::Challenge(nonce))) => {
                        let name = self.who.actor.principal.to_string();
                        let key = &self.who.key.0;
                        let signature = signature(CHALLENGE_CONTEXT, &nonce, key, &name);
                        let answer = body::ChallengeAnswer { signature };
                        scene.send(link.connection, Stream::Control, &answer);
                    }
                    Err(error) => self.turned_away(&error)?,
                }
                continue;
            }
            match ControlEvent::next(&mut link.control).expect("the server keeps the protocol") {
                None => return Ok(()),
                Some(ControlEvent::Goaway(_)) => {}
                Some(ControlEvent::Answer { number, result }) => {
                    self.answered(number, result, scene)?;
                }
            }
        }
    }

    /// Who is suspended is turned away: what it wanted, it gives up.
    fn turned_away(&mut self, error: &ClientError) -> Checked {
        let ClientError::Refused(refused) = error else {
            promised!(3, false, "{} was answered {error}", self.who.name);
            return Ok(());
        };
        if !refused.is(RefusalCode::GoingAway) {
            self.requests = Requests::new();
            self.intents.clear();
        }
        Ok(())
    }

    fn answered(
        &mut self,
        number: u64,
        result: Result<Answer, Refused>,
        scene: &mut Scene,
    ) -> Checked {
        let resolved = self.requests.answered(number, result);
        promised!(4, resolved.is_ok(), "{}: {resolved:?}", self.who.name);
        let Ok(Some(resolved)) = resolved else { return Ok(()) };
        let intent = self.intents.remove(&resolved.submission).expect("what is answered was asked");
        scene.trace.count(if resolved.result.is_ok() { "decrees done" } else { "decrees refused" });
        scene.oracle.decrees.answered(&intent, &resolved.result)
    }

    fn speak(&mut self, scene: &mut Scene) {
        let Some(link) = self.link.as_ref().filter(|link| link.is_welcome) else { return };
        let mut out = Vec::new();
        while self.requests.write_next(&mut out).is_some() {}
        scene.send_bytes(link.connection, Stream::Control, &out);
    }
}
