//! The task behind a client: keeps one connection, writes requests and hands on their answers.
//!
//! Must never hold: a feed (each has a task of its own), or a rule of what to repeat (see `resume`).

use core::time::Duration;
use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout_at};

use super::awake::Sleeps;
use super::connection::{Connection, ControlEvent, ControlReceiver, ControlSender, Endpoint, Pin};
use super::error::ClientError;
use super::events::ConnectionEvent;
use super::link::{Link, LinkState};
use super::outcome::{Answered, Fate};
use super::profile::{ANSWER_WITHIN, CONNECT_TIMEOUT, Patience, Profile};
use super::random;
use super::resume::{BackOff, EARLY_ATTEMPTS, Requests, Submission};
use super::session::{Durability, Session};
use super::silence::Silence;
use crate::protocol::Command;
use crate::wire::CloseCode;

/// How long an early attempt after a loss may take: short, so that a server that is back is found soon.
const EARLY_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a server may take to let a device in.
const WELCOME_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that an impatient client may lose before it gives up.
const LOSSES_MAX: u32 = 3;
/// What waits for the stream leaves in writes of at most this.
const WRITE_BYTES: usize = 16 * 1024;

/// A request on its way to the driver.
#[derive(Debug)]
pub(crate) struct Submitted {
    pub(crate) request: Command,
    pub(crate) fate: Arc<Fate>,
    /// Whether it was made before, by a process that did not learn what became of it.
    pub(crate) again: bool,
    pub(crate) answer: oneshot::Sender<Answered>,
}

/// The ends by which the driver is reached.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(crate) commands: mpsc::Receiver<Submitted>,
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) links: watch::Sender<LinkState>,
    pub(crate) events: broadcast::Sender<ConnectionEvent>,
}

#[derive(Debug)]
pub(crate) struct Driver {
    profile: Profile,
    endpoint: Endpoint,
    ends: Ends,
    requests: Requests,
    waiting: HashMap<Submission, Waiting>,
    back_off: BackOff,
    sleeps: Sleeps,
    connections: u64,
    losses: u32,
}

/// Who waits for an answer, and what both sides know of the request.
#[derive(Debug)]
struct Waiting {
    answer: oneshot::Sender<Answered>,
    fate: Arc<Fate>,
}

impl Waiting {
    /// There will be no answer, because of `error`.
    fn end(self, error: &ClientError) {
        // Nobody may be waiting any more.
        let _ = self.answer.send(Err(self.fate.end(error.clone())));
    }
}

/// The written and unwritten bytes of CONTROL, and the session once it is confirmed.
struct Control {
    connection: Connection,
    silence: Silence,
    sender: ControlSender,
    receiver: ControlReceiver,
    session: Option<Session>,
    welcome_by: Instant,
    out: Vec<u8>,
    written: usize,
    leaving: bool,
}

/// One thing that happened on a connection.
enum Step {
    Welcomed(Session),
    Event(ControlEvent),
    Written(usize),
    Submitted(Submitted),
    Slept(Duration),
    Stop,
}

impl Driver {
    pub(crate) fn new(profile: Profile, endpoint: Endpoint, ends: Ends) -> Self {
        Self {
            profile,
            endpoint,
            ends,
            requests: Requests::new(),
            waiting: HashMap::new(),
            back_off: BackOff::new(),
            sleeps: Sleeps::begin(),
            connections: 0,
            losses: 0,
        }
    }

    /// Keeps a connection until the client is closed or trying again is of no use.
    pub(crate) async fn run(mut self) {
        let mut stop = self.ends.stop.clone();
        let error = loop {
            let attempt = tokio::select! {
                biased;
                () = stopped(&mut stop) => Err(ClientError::Closed),
                connection = self.connect() => connection,
            };
            let error = match attempt {
                Ok(connection) => self.serve(connection).await,
                Err(error) => error,
            };
            if self.is_over(&error) {
                break error;
            }
            let wait = self.lost(&error);
            tokio::select! {
                biased;
                () = stopped(&mut stop) => break ClientError::Closed,
                _ = self.sleeps.noticed() => self.back_off.begin_anew(),
                () = sleep(wait) => {}
            }
        };
        self.over(error).await;
    }

    async fn connect(&self) -> Result<Connection, ClientError> {
        let early =
            self.profile.patience == Patience::Forever && self.back_off.attempts() < EARLY_ATTEMPTS;
        let within = if early { EARLY_CONNECT_TIMEOUT } else { CONNECT_TIMEOUT };
        let identity = &self.profile.identity;
        let pin = Pin::Known(identity.server_key);
        Connection::connect(&self.endpoint, &identity.server, &pin, within).await
    }

    fn silence(&self) -> Silence {
        Silence::begin(self.profile.answer_within.unwrap_or(ANSWER_WITHIN))
    }

    fn is_over(&self, error: &ClientError) -> bool {
        let impatient = self.profile.patience == Patience::Once;
        let hopeless = matches!(error, ClientError::Unreachable { .. } | ClientError::Refused(_));
        error.is_final() || impatient && (hopeless || self.losses >= LOSSES_MAX)
    }

    /// The connection was lost or not made: tells everybody and says how long to wait.
    fn lost(&mut self, error: &ClientError) -> Duration {
        self.losses += 1;
        if let ClientError::Refused(refused) = error
            && let Some(wait) = refused.retry_after
        {
            self.back_off.stay_away(Duration::from_millis(wait.as_ms()));
        }
        let retry_in = self.back_off.next_wait(random::number());
        self.ends.links.send_replace(LinkState::Down);
        let reason = match error {
            ClientError::Lost { reason } => reason.clone(),
            error => error.to_string(),
        };
        self.tell(ConnectionEvent::Lost { reason, retry_in });
        retry_in
    }

    /// Nothing more will come: everybody who waits, and who asks from now on, is told why.
    async fn over(mut self, error: ClientError) {
        self.ends.links.send_replace(LinkState::Over(error.clone()));
        if !matches!(error, ClientError::Closed) {
            self.tell(ConnectionEvent::Failed(error.clone()));
        }
        self.waiting.drain().for_each(|(_, waiting)| waiting.end(&error));
        while let Some(command) = self.ends.commands.recv().await {
            let _ = command.answer.send(Err(error.clone()));
        }
    }

    fn tell(&self, event: ConnectionEvent) {
        // Nobody may be listening.
        let _ = self.ends.events.send(event);
    }

    /// Uses a connection until it ends, and tells why it did.
    async fn serve(&mut self, connection: Connection) -> ClientError {
        let began = Instant::now();
        let error = match self.converse(&connection).await {
            Ok(()) => ClientError::Closed,
            Err(error) => error,
        };
        let code = match error {
            ClientError::Protocol { .. } => CloseCode::ProtocolViolation,
            _ => CloseCode::NoError,
        };
        connection.close(code);
        self.back_off.lost_after(began.elapsed());
        if matches!(error, ClientError::Protocol { .. }) {
            self.abandon(&error);
        }
        error
    }

    /// What one side took for a breach of the protocol would be one again.
    fn abandon(&mut self, error: &ClientError) {
        for submission in self.requests.abandon_written() {
            self.waiting.remove(&submission).into_iter().for_each(|waiting| waiting.end(error));
        }
    }

    async fn converse(&mut self, connection: &Connection) -> Result<(), ClientError> {
        let credentials = self.profile.identity.credentials();
        let (sender, receiver) =
            connection.hello(&credentials, None, &self.profile.software).await?;
        self.requests.connected();
        self.connections += 1;
        let mut link =
            Link { number: self.connections, connection: connection.clone(), session: None };
        self.ends.links.send_replace(LinkState::Up(link.clone()));
        let mut control = Control::new(connection.clone(), self.silence(), sender, receiver);
        loop {
            self.fill(&mut control);
            let step = self.step(&mut control).await;
            if control.session.is_none() && step.as_ref().is_err_and(is_turned_away) {
                self.turned_away();
            }
            match step? {
                Step::Stop => return Ok(()),
                // The server may have given this device up, and the network be another one.
                Step::Slept(slept) => {
                    self.back_off.begin_anew();
                    let reason = format!("this machine slept for {} s", slept.as_secs());
                    return Err(ClientError::Lost { reason });
                }
                Step::Written(count) => control.wrote(count),
                Step::Submitted(command) => self.submit(command),
                Step::Event(event) => self.event(event, &mut control)?,
                Step::Welcomed(session) => {
                    control.session = Some(session.clone());
                    link.session = Some(session.clone());
                    self.ends.links.send_replace(LinkState::Up(link.clone()));
                    self.tell(ConnectionEvent::Connected(session));
                }
            }
            if control.leaving && self.requests.in_flight() == 0 {
                return Err(ClientError::Lost { reason: "the server is going away".into() });
            }
        }
    }

    fn fill(&mut self, control: &mut Control) {
        while !control.leaving && control.out.len() < WRITE_BYTES {
            let Some(next) = self.requests.unwritten() else { break };
            if let Err(error) = self.begin(next) {
                self.requests.withdraw_next();
                self.waiting.remove(&next).into_iter().for_each(|waiting| waiting.end(&error));
            } else {
                self.requests.write_next(&mut control.out);
            }
        }
    }

    /// Whether `next` may be written, on this connection perhaps again.
    fn begin(&self, next: Submission) -> Result<(), ClientError> {
        self.waiting.get(&next).map_or(Ok(()), |waiting| waiting.fate.begin())
    }

    async fn step(&mut self, control: &mut Control) -> Result<Step, ClientError> {
        let (has_room, unwritten) = (self.requests.has_room(), &control.out[control.written..]);
        let welcome_by = control.session.is_none().then_some(control.welcome_by);
        tokio::select! {
            biased;
            () = stopped(&mut self.ends.stop) => Ok(Step::Stop),
            slept = self.sleeps.noticed() => Ok(Step::Slept(slept)),
            silent = control.silence.noticed(&control.connection) => Err(unanswered(silent)),
            received = receive(&mut control.receiver, welcome_by) => received,
            written = control.sender.write_some(unwritten), if !unwritten.is_empty() => {
                written.map(Step::Written)
            }
            command = self.ends.commands.recv(), if has_room => {
                Ok(command.map_or(Step::Stop, Step::Submitted))
            }
        }
    }

    fn submit(&mut self, command: Submitted) {
        let Submitted { request, fate, again, answer } = command;
        let submission =
            if again { self.requests.submit_again(request) } else { self.requests.submit(request) };
        self.waiting.insert(submission, Waiting { answer, fate });
    }

    fn event(&mut self, event: ControlEvent, control: &mut Control) -> Result<(), ClientError> {
        match event {
            ControlEvent::Goaway(goaway) => {
                control.leaving = true;
                self.back_off.stay_away(Duration::from_millis(goaway.reconnect_after_ms));
                Ok(())
            }
            ControlEvent::Answer { number, result } => {
                let due = self.requests.due();
                let resolved = self.requests.answered(number, result);
                let Some(resolved) = resolved.map_err(ClientError::protocol)? else {
                    if let Some(due) = due {
                        self.refuted(due);
                    }
                    return Ok(());
                };
                let durability =
                    control.session.as_ref().map_or(Durability::Buffered, |one| one.durability);
                let result = resolved.result.map(|answer| (answer, durability));
                if let Some(waiting) = self.waiting.remove(&resolved.submission) {
                    // Whoever asked may have lost interest.
                    let _ = waiting.answer.send(result.map_err(ClientError::Refused));
                }
                Ok(())
            }
        }
    }

    /// The server did not let this device in, so it did nothing that was asked on this connection.
    fn turned_away(&mut self) {
        self.requests.take_back_written().into_iter().for_each(|one| self.refuted(one));
    }

    /// The server did not do `submission` on this connection; it may have on an earlier one.
    fn refuted(&self, submission: Submission) {
        if let Some(waiting) = self.waiting.get(&submission)
            && !self.requests.may_be_done(submission)
        {
            waiting.fate.was_not_done();
        }
    }
}

impl Control {
    fn new(
        connection: Connection,
        silence: Silence,
        sender: ControlSender,
        receiver: ControlReceiver,
    ) -> Self {
        let welcome_by = Instant::now() + WELCOME_TIMEOUT;
        let (session, out, written, leaving) = (None, Vec::new(), 0, false);
        Self { connection, silence, sender, receiver, session, welcome_by, out, written, leaving }
    }

    fn wrote(&mut self, count: usize) {
        self.written += count;
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
        }
    }
}

/// The next frame of CONTROL: `Welcome`, if `welcome_by` says when it must have come, else any other.
async fn receive(
    receiver: &mut ControlReceiver,
    welcome_by: Option<Instant>,
) -> Result<Step, ClientError> {
    let Some(welcome_by) = welcome_by else { return receiver.next().await.map(Step::Event) };
    let welcome = timeout_at(welcome_by, receiver.welcome()).await;
    let welcome = welcome.map_err(|_| ClientError::Lost {
        reason: format!("the server did not answer Hello within {} s", WELCOME_TIMEOUT.as_secs()),
    })??;
    Session::new(&welcome).map(Step::Welcomed)
}

fn unanswered(silent: Duration) -> ClientError {
    let reason = format!("no answer to anything for {:.1} s", silent.as_secs_f64());
    ClientError::Lost { reason }
}

fn is_turned_away(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused(_) | ClientError::NotAuthenticated { .. })
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A client that is gone without a word has stopped too.
    let _ = stop.wait_for(|stopped| *stopped).await;
}
