//! How a client command talks to the server: one client for the length of the command.
//!
//! Must never hold: what is asked, or what is printed of the answer.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::cli::print::{
    output::{self, Output},
    recovery,
    time::lifetime,
};
use crate::cli::run::{
    as_whom::{AnonymousArgs, AsWhom},
    failure::Failure,
    invocation::Invocation,
    signals::Interrupts,
};
use crate::client::{Client, ClientError, ConnectionEvent, Identity, Profile, Session};

/// How long a command waits for its first connection before it says that nobody is there. A little longer than the
/// client's own limit, so that the client's reason is told and not this.
const FIRST_CONNECTION: Duration = Duration::from_secs(6);

/// A runtime for a command. Two threads, so that a terminal that does not read stops the printing and nothing else.
pub(in crate::cli) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(
        |error| {
            Failure::failed(
                "machine",
                format!(
                    "cannot start threads: {error}; raise the limits on threads and open files"
                ),
            )
        },
    )
}

/// Asks one thing as the identity the command names, and says good-bye whatever comes of it.
pub(in crate::cli) fn once<T, E: Into<Failure>>(
    invocation: &Invocation,
    ask: impl AsyncFnOnce(&Client) -> Result<T, E>,
) -> Result<T, Failure> {
    ask_as(AsWhom::Identity(Box::new(invocation.identity()?)), invocation, ask)
}

/// As [`once`], as whom `acting` says.
pub(in crate::cli) fn once_as<T, E: Into<Failure>>(
    invocation: &Invocation,
    acting: &AnonymousArgs,
    ask: impl AsyncFnOnce(&Client) -> Result<T, E>,
) -> Result<T, Failure> {
    ask_as(acting.as_whom(invocation)?, invocation, ask)
}

fn ask_as<T, E: Into<Failure>>(
    who: AsWhom,
    invocation: &Invocation,
    ask: impl AsyncFnOnce(&Client) -> Result<T, E>,
) -> Result<T, Failure> {
    let answer_within = Some(invocation.answer_within()?);
    runtime()?.block_on(async {
        let profile = Profile { answer_within, ..Profile::once(who.identity().await?) };
        let client = invocation.named(Client::open(profile)?);
        let answer = ask(&client).await;
        client.close().await;
        answer.map_err(Into::into)
    })
}

/// Flags of commands that stay connected.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Staying {
    /// Wait for the server, however long, if it cannot be reached at the start [default: give up after 6 s]
    #[arg(long)]
    wait: bool,
    /// How long a silent connection is trusted before the server is asked whether it is still there, from 500ms to 20s
    #[arg(long, value_name = "SPAN", value_parser = keep_alive, default_value = "1s")]
    keep_alive: Duration,
}

/// The server gives a connection up after 60 s without a packet, so that three may get lost.
const KEEP_ALIVE_MAX: Duration = Duration::from_secs(20);
const KEEP_ALIVE_MIN: Duration = Duration::from_millis(500);

fn keep_alive(text: &str) -> Result<Duration, String> {
    let span = Duration::from_millis(lifetime(text)?.as_ms());
    if (KEEP_ALIVE_MIN..=KEEP_ALIVE_MAX).contains(&span) {
        return Ok(span);
    }
    Err("it must be from 500ms to 20s".to_owned())
}

impl Staying {
    /// How to stay, for a command that goes on until it is interrupted, or for one that ends by itself.
    pub(in crate::cli) fn stay(&self, follow: bool) -> Stay {
        let outlasts = match (self.wait, follow) {
            (true, _) => Outlasts::Everything,
            (false, true) => Outlasts::Loss,
            (false, false) => Outlasts::Nothing,
        };
        Stay { outlasts, keep_alive: self.keep_alive }
    }
}

/// How a command stays connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Stay {
    outlasts: Outlasts,
    keep_alive: Duration,
}

/// When a command goes on although its server cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outlasts {
    /// Never: it ends.
    Nothing,
    /// Once it was connected.
    Loss,
    /// Always, from the start on.
    Everything,
}

/// How long a command waits for what the server says next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Patience {
    outlasts: Outlasts,
    bound: Duration,
}

impl Patience {
    /// Whether the command was told to wait for the server, however long.
    pub(in crate::cli) fn waits_for_ever(self) -> bool {
        self.outlasts == Outlasts::Everything
    }

    /// Whether the command ends when the server is silent for too long.
    pub(in crate::cli) fn ends(self) -> bool {
        self.outlasts == Outlasts::Nothing
    }

    /// What the server must say in time: the rest of what it has, or its word on a change.
    pub(in crate::cli) fn bound(self) -> Duration {
        self.bound
    }

    /// Waits for `next`; a command that ends by itself does not wait for ever.
    pub(in crate::cli) async fn next<T>(self, next: impl Future<Output = T>) -> Result<T, Failure> {
        if !self.ends() {
            return Ok(next.await);
        }
        tokio::time::timeout(self.bound, next).await.map_err(|_| {
            let secs = self.bound.as_secs_f64();
            Failure::unreachable(format!(
                "the server said nothing within {secs:.1} s; run the same command again"
            ))
        })
    }
}

impl Stay {
    /// How long the command waits for what the server says next.
    pub(in crate::cli) fn patience(self, invocation: &Invocation) -> Result<Patience, Failure> {
        Ok(Patience { outlasts: self.outlasts, bound: invocation.answer_within()? })
    }

    fn profile(self, identity: Identity) -> Profile {
        let profile = match self.outlasts {
            Outlasts::Nothing => Profile::once(identity),
            Outlasts::Loss | Outlasts::Everything => Profile::new(identity),
        };
        Profile { keep_alive: self.keep_alive, ..profile }
    }
}

/// As [`once`], for a command that prints while it is connected, until it is interrupted.
pub(in crate::cli) fn follow(
    invocation: &mut Invocation,
    stay: Stay,
    work: impl AsyncFnOnce(&Client, &mut Output, &mut Interrupts) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let who = AsWhom::Identity(Box::new(invocation.identity()?));
    follow_with(who, invocation, stay, work)
}

/// As [`follow`], as whom `acting` says.
pub(in crate::cli) fn follow_as(
    invocation: &mut Invocation,
    acting: &AnonymousArgs,
    stay: Stay,
    work: impl AsyncFnOnce(&Client, &mut Output, &mut Interrupts) -> Result<(), Failure>,
) -> Result<(), Failure> {
    follow_with(acting.as_whom(invocation)?, invocation, stay, work)
}

fn follow_with(
    who: AsWhom,
    invocation: &mut Invocation,
    stay: Stay,
    work: impl AsyncFnOnce(&Client, &mut Output, &mut Interrupts) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (json, server) = (invocation.is_json(), who.server().to_string());
    let answer_within = Some(invocation.answer_within()?);
    runtime()?.block_on(async {
        let mut interrupts = Interrupts::listen_for_readers()?;
        let identity = tokio::select! {
            identity = who.identity() => identity?,
            () = interrupts.next() => return Ok(()),
        };
        let profile = Profile { answer_within, ..stay.profile(identity) };
        let client = invocation.named(Client::open(profile)?);
        let notes = tell_of_connection(&client, server.clone(), json);
        let connected = tokio::select! {
            connected = first_connection(&client, &server, stay) => connected.map(|session| {
                tell_of_recovery(&session, json);
                true
            }),
            () = interrupts.next() => Ok(false),
        };
        let done = match connected {
            Ok(true) => work(&client, &mut invocation.output, &mut interrupts).await,
            Ok(false) => Ok(()),
            Err(failure) => Err(failure),
        };
        notes.abort();
        client.close().await;
        done
    })
}

/// What to do with an `error` in the middle of a feed: `Err` ends the command, because trying again cannot help. Otherwise
/// the error is printed and returned, to be the reason of the end if nothing comes after it. That the server has another
/// past is no reason to end.
pub(in crate::cli) fn remember(
    error: ClientError,
    output: &Output,
) -> Result<Option<Failure>, Failure> {
    let is_reason = !matches!(error, ClientError::Restored { .. });
    let (last, failure) = (error.is_final(), Failure::from(error));
    if last {
        return Err(failure);
    }
    let (code, message) = failure.words();
    output::note(output.is_json(), code, message);
    Ok(is_reason.then_some(failure))
}

/// Tells on stderr that somebody else is about to get a device under one's name.
fn tell_of_recovery(session: &Session, json: bool) {
    if let Some(running) = &session.recovery {
        let text = format!("{}; {}", recovery::told(running), recovery::CURE);
        output::note(json, "recovery", &text);
    }
}

async fn first_connection(client: &Client, server: &str, stay: Stay) -> Result<Session, Failure> {
    if stay.outlasts == Outlasts::Everything {
        return Ok(client.connected().await?);
    }
    match tokio::time::timeout(FIRST_CONNECTION, client.connected()).await {
        Ok(connected) => connected.map_err(Failure::from),
        Err(_) => Err(Failure::unreachable(format!(
            "cannot reach the server at {server}: no answer; check that it runs and that UDP gets through, or use --wait"
        ))),
    }
}

/// Tells on stderr when the connection is lost and when it is back.
fn tell_of_connection(client: &Client, server: String, json: bool) -> JoinHandle<()> {
    let mut events = client.events();
    tokio::spawn(async move {
        let mut lost = false;
        while let Some(event) = events.next().await {
            match event {
                ConnectionEvent::Lost { reason, retry_in } => {
                    lost = true;
                    let text = format!(
                        "the connection to {server} is lost: {reason}; trying again in {:.1} s",
                        retry_in.as_secs_f64()
                    );
                    output::note(json, "connection-lost", &text);
                }
                ConnectionEvent::Connected(session) if lost => {
                    lost = false;
                    tell_of_recovery(&session, json);
                    output::note(json, "connected", &format!("connected to {server} again"));
                }
                ConnectionEvent::Connected(_) | ConnectionEvent::Failed(_) => {}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keep_alive_that_would_lose_the_connection_is_refused() {
        assert_eq!(keep_alive("5s"), Ok(Duration::from_secs(5)));
        for wrong in ["10ms", "1m", "5"] {
            assert!(keep_alive(wrong).is_err(), "{wrong}");
        }
    }
}
